//! Directory blocks: rows of 12-byte entries, then the names they point to.
//!
//! A directory is a sequence of blocks. Each holds as many entries as fit, in ascending order of
//! their names' bytes over the whole directory, `.` and `..` among them. The first entry's name
//! offset also says how many entries the block has; the last name ends at a NUL or at the end.

use crate::attributes::FileKind;
use crate::format::{DIRENT_SIZE, NAME_MAX, u16_at, u64_at};

/// An entry to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) nid: u64,
    pub(crate) kind: FileKind,
}

/// Size of a directory: whole blocks, and bytes in a last block that is not counted among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Extent {
    pub(crate) full_blocks: u64,
    pub(crate) tail: u64,
}

/// Measures a directory whose names, in order, have these lengths.
pub(crate) fn measure(lengths: impl Iterator<Item = usize>, block_size: usize) -> Extent {
    let mut extent = Extent::default();
    let mut used = 0;
    for length in lengths {
        if used + DIRENT_SIZE + length > block_size {
            extent.full_blocks += 1;
            used = 0;
        }
        used += DIRENT_SIZE + length;
    }
    extent.tail = used as u64;
    extent
}

/// Splits sorted entries in the groups that make one block each.
pub(crate) fn blocks<'e, 'a>(
    mut entries: &'e [Entry<'a>],
    block_size: usize,
) -> impl Iterator<Item = &'e [Entry<'a>]> {
    std::iter::from_fn(move || {
        let mut used = 0;
        let count = entries
            .iter()
            .take_while(|entry| {
                used += DIRENT_SIZE + entry.name.len();
                used <= block_size
            })
            .count();
        let (block, rest) = entries.split_at(count);
        entries = rest;
        (count > 0).then_some(block)
    })
}

/// Encodes the entries of one block, without padding.
pub(crate) fn encode_block(entries: &[Entry<'_>], out: &mut Vec<u8>) {
    let mut name_offset = entries.len() * DIRENT_SIZE;
    for entry in entries {
        out.extend_from_slice(&entry.nid.to_le_bytes());
        // A block has at most 64 KiB, and an entry's name starts inside it.
        out.extend_from_slice(&(name_offset as u16).to_le_bytes());
        out.extend_from_slice(&[entry.kind.dirent_type(), 0]);
        name_offset += entry.name.len();
    }
    for entry in entries {
        out.extend_from_slice(entry.name);
    }
}

/// One directory block that was read, with its number of entries checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block<'a> {
    bytes: &'a [u8],
    count: usize,
}

/// An entry of a block that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawDirent<'a> {
    pub(crate) nid: u64,
    pub(crate) kind: u8,
    pub(crate) name: &'a [u8],
}

impl<'a> Block<'a> {
    /// `None` when the first name offset does not leave room for at least one entry.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() < DIRENT_SIZE {
            return None;
        }
        let first = usize::from(u16_at(bytes, 8));
        let sane = first >= DIRENT_SIZE && first % DIRENT_SIZE == 0 && first < bytes.len();
        sane.then_some(Self {
            bytes,
            count: first / DIRENT_SIZE,
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// `None` when the entry's name is empty, too long, out of the block, or not a name.
    pub(crate) fn get(&self, number: usize) -> Option<RawDirent<'a>> {
        if number >= self.count {
            return None;
        }
        let at = number * DIRENT_SIZE;
        let start = usize::from(u16_at(self.bytes, at + 8));
        let name = if number + 1 < self.count {
            let end = usize::from(u16_at(self.bytes, at + DIRENT_SIZE + 8));
            self.bytes.get(start..end)?
        } else {
            let rest = self.bytes.get(start..)?;
            let length = rest
                .iter()
                .position(|byte| *byte == 0)
                .unwrap_or(rest.len());
            rest.get(..length)?
        };
        let valid = start >= self.count * DIRENT_SIZE
            && (1..=NAME_MAX).contains(&name.len())
            && !name.iter().any(|byte| matches!(byte, 0 | b'/'));
        valid.then_some(RawDirent {
            nid: u64_at(self.bytes, at),
            kind: *self.bytes.get(at + 10)?,
            name,
        })
    }

    /// Finds a name by binary search. `None` for a broken entry on the way.
    pub(crate) fn find(&self, name: &[u8]) -> Option<Result<RawDirent<'a>, usize>> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            let entry = self.get(middle)?;
            match entry.name.cmp(name) {
                std::cmp::Ordering::Equal => return Some(Ok(entry)),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Some(Err(low))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(name: &[u8], nid: u64) -> Entry<'_> {
        Entry {
            name,
            nid,
            kind: FileKind::Regular,
        }
    }

    #[test]
    fn block_has_entries_first_and_names_after_them() {
        let mut out = Vec::new();
        let up = Entry {
            kind: FileKind::Directory,
            ..entry(b"..", 0x24)
        };
        encode_block(&[up, entry(b"abc", 0x0102)], &mut out);
        let hex: String = out.iter().map(|byte| format!("{byte:02x}")).collect();
        let golden = "2400000000000000 1800 02 00  0201000000000000 1a00 01 00  2e2e 616263";
        assert_eq!(hex, golden.replace(' ', ""));
    }

    #[test]
    fn name_of_255_bytes_fits_the_smallest_block() {
        let name = [b'x'; 255];
        let entries = [entry(&name, 1), entry(&name, 2)];
        assert_eq!(blocks(&entries, 512).count(), 2);
        let extent = measure([255, 255].into_iter(), 512);
        assert_eq!(
            extent,
            Extent {
                full_blocks: 1,
                tail: 267
            }
        );
    }

    #[test]
    fn broken_blocks_give_nothing() {
        assert!(Block::parse(&[0; 11]).is_none());
        assert!(Block::parse(&[0; 64]).is_none());
        let mut bytes = Vec::new();
        encode_block(&[entry(b"a/b", 1)], &mut bytes);
        assert_eq!(Block::parse(&bytes).unwrap().get(0), None);
        bytes[8] = 13;
        assert!(Block::parse(&bytes).is_none());
    }

    proptest! {
        #[test]
        fn entries_are_read_and_found_as_they_were_written(
            names in prop::collection::btree_set("[a-z.]{1,60}", 1..60),
            absent in "[a-z]{1,5}",
        ) {
            let entries: Vec<_> = names
                .iter()
                .enumerate()
                .map(|(nid, name)| entry(name.as_bytes(), nid as u64))
                .collect();
            let extent = measure(names.iter().map(String::len), 512);
            let mut read = Vec::new();
            let mut sizes = Vec::new();
            for block in blocks(&entries, 512) {
                let mut bytes = Vec::new();
                encode_block(block, &mut bytes);
                sizes.push(bytes.len() as u64);
                bytes.resize(512, 0);
                let parsed = Block::parse(&bytes).unwrap();
                for number in 0..parsed.count() {
                    let entry = parsed.get(number).unwrap();
                    prop_assert_eq!(parsed.find(entry.name).unwrap(), Ok(entry));
                    read.push((entry.name.to_vec(), entry.nid));
                }
                if !names.contains(&absent) {
                    prop_assert!(parsed.find(absent.as_bytes()).unwrap().is_err());
                }
            }
            prop_assert_eq!(sizes.len() as u64, extent.full_blocks + 1);
            prop_assert_eq!(sizes.last().copied(), Some(extent.tail));
            let written: Vec<_> =
                entries.iter().map(|entry| (entry.name.to_vec(), entry.nid)).collect();
            prop_assert_eq!(read, written);
        }

        #[test]
        fn arbitrary_blocks_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            if let Some(block) = Block::parse(&bytes) {
                for number in 0..=block.count() {
                    let _ = block.get(number);
                }
                let _ = block.find(b"name");
            }
        }
    }
}
