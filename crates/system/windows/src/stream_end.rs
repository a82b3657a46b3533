//! Where a backup stream may end.

/// Bytes of a WIN32_STREAM_ID without its name (winbase.h): stream id, attributes, size, length of the name.
const HEADER: usize = 20;

/// Follows a backup stream that comes in pieces, and knows whether it could end here.
///
/// BackupWrite does not tell that a stream was cut off: what came until then is in the file, and the call that ends it
/// succeeds.
#[derive(Debug, Default)]
pub(crate) struct StreamEnd {
    /// What is there of a header.
    header: [u8; HEADER],
    filled: usize,
    /// What is to come of the header's name and of the stream's content.
    remaining: u64,
}

impl StreamEnd {
    /// Takes the next piece. `None` if a header says a length that cannot be.
    pub(crate) fn follow(&mut self, mut bytes: &[u8]) -> Option<()> {
        while !bytes.is_empty() {
            let skip = self
                .remaining
                .min(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            self.remaining -= skip;
            // It is not more than the length.
            bytes = bytes.get(usize::try_from(skip).ok()?..)?;

            let wanted = self.header.get_mut(self.filled..)?;
            let count = wanted.len().min(bytes.len());
            let (head, rest) = bytes.split_at(count);
            wanted.get_mut(..count)?.copy_from_slice(head);
            self.filled += count;
            bytes = rest;
            if self.filled == HEADER {
                self.filled = 0;
                self.remaining = length_after(&self.header)?;
            }
        }
        Some(())
    }

    /// Says whether a stream may end here: before a header.
    pub(crate) fn may_end(&self) -> bool {
        self.filled == 0 && self.remaining == 0
    }
}

/// Returns how many bytes of name and content come after a header.
fn length_after(header: &[u8; HEADER]) -> Option<u64> {
    let [_, _, _, _, _, _, _, _, fields @ ..] = header;
    let (size, name) = fields.split_first_chunk::<8>()?;
    let name = u32::from_le_bytes(name.try_into().ok()?);
    // A size is signed (LARGE_INTEGER), so the sum does not overflow.
    let size = u64::try_from(i64::from_le_bytes(*size)).ok()?;
    Some(size + u64::from(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(name: &[u8], content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![4, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend((content.len() as i64).to_le_bytes());
        bytes.extend((name.len() as u32).to_le_bytes());
        bytes.extend(name);
        bytes.extend(content);
        bytes
    }

    #[test]
    fn a_stream_may_end_between_its_parts_only() {
        let parts = [
            stream(b"", b""),
            stream(b":\0a\0", b"some content"),
            stream(b"", b"x"),
        ];
        let whole = parts.concat();
        let mut ends = vec![0];
        for part in &parts {
            ends.push(ends[ends.len() - 1] + part.len());
        }
        for piece in [1, 2, 7, 19, 20, 21, whole.len()] {
            for end in 0..=whole.len() {
                let mut state = StreamEnd::default();
                for bytes in whole[..end].chunks(piece) {
                    assert_eq!(state.follow(bytes), Some(()));
                }
                assert_eq!(
                    state.may_end(),
                    ends.contains(&end),
                    "cut at {end}, by {piece}"
                );
            }
        }
    }

    #[test]
    fn a_negative_size_is_refused() {
        let mut header = [0; HEADER];
        header[8..16].copy_from_slice(&(-1_i64).to_le_bytes());
        assert_eq!(StreamEnd::default().follow(&header), None);
    }
}
