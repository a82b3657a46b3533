//! The logical content of an entry: its stored data with the holes of a sparse entry filled with zeros.

use std::io::{self, Read};
use std::vec;

use crate::parse::{Entry, Segment};

/// Reads the content of an entry from a reader over its stored data.
///
/// It ends after [`Entry::size`] bytes; stored data that ends before is an error.
#[derive(Debug)]
pub struct Contents<R> {
    stored: R,
    /// Stretches still to come, in order.
    segments: vec::IntoIter<Segment>,
    /// What is left of the current hole and of the segment after it, in bytes.
    hole: u64,
    data: u64,
    position: u64,
    size: u64,
}

impl<R: Read> Contents<R> {
    /// Reads the content of `entry`; `stored` is at the first byte of its stored data.
    pub fn new(entry: &Entry, stored: R) -> Self {
        let segments = match &entry.sparse {
            Some(segments) => segments.clone(),
            None => vec![Segment {
                logical: 0,
                length: entry.size,
                data_offset: entry.data_offset,
            }],
        };
        Self {
            stored,
            segments: segments.into_iter(),
            hole: 0,
            data: 0,
            position: 0,
            size: entry.size,
        }
    }

    /// Sets up the next hole and segment; past the last segment the hole reaches to the end.
    fn next_stretch(&mut self) {
        match self.segments.next() {
            Some(segment) => {
                self.hole = segment.logical.saturating_sub(self.position);
                self.data = segment.length;
            }
            None => self.hole = self.size.saturating_sub(self.position),
        }
    }
}

impl<R: Read> Read for Contents<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.hole == 0 && self.data == 0 {
            self.next_stretch();
        }
        let stretch = if self.hole > 0 { self.hole } else { self.data };
        let wanted = buffer
            .len()
            .min(usize::try_from(stretch).unwrap_or(usize::MAX));
        let Some(part) = buffer.get_mut(..wanted).filter(|part| !part.is_empty()) else {
            return Ok(0);
        };
        let got = if self.hole > 0 {
            part.fill(0);
            self.hole -= wanted as u64;
            wanted
        } else {
            let got = self.stored.read(part)?;
            if got == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.data -= got as u64;
            got
        };
        self.position += got as u64;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::tests::sample_entry;

    fn content(size: u64, segments: &[(u64, u64)], stored: &[u8]) -> io::Result<Vec<u8>> {
        let mut entry = sample_entry();
        entry.size = size;
        let segment = |&(logical, length)| Segment {
            logical,
            length,
            data_offset: 0,
        };
        entry.sparse = Some(segments.iter().map(segment).collect());
        let mut out = Vec::new();
        Contents::new(&entry, stored).read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn holes_read_as_zeros() {
        let read = |size, segments| content(size, segments, b"abcde").expect("is complete");
        assert_eq!(read(8, &[(0, 2), (5, 3)]), b"ab\0\0\0cde");
        assert_eq!(read(10, &[(0, 2), (5, 3)]), b"ab\0\0\0cde\0\0");
        assert_eq!(read(8, &[(1, 3), (6, 2)]), b"\0abc\0\0de");
        assert_eq!(read(5, &[(0, 2), (2, 3)]), b"abcde");
        assert_eq!(content(2, &[], b"").expect("is complete"), b"\0\0");
        assert_eq!(content(0, &[], b"").expect("is complete"), b"");
    }

    #[test]
    fn stored_data_that_ends_early_is_an_error() {
        let error = content(35, &[(1, 3), (6, 5)], b"abcde").expect_err("two bytes are missing");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
