//! Maps of sparse entries: old GNU, and PAX formats 0.0, 0.1 and 1.0 (GNU tar manual, "Storing Sparse Files").

use super::block::{BLOCK, part};
use super::entry::Segment;
use super::text::{decimal, number};

/// Why a map is refused; the parser adds the entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum MapError {
    /// A rule is broken.
    Rule(&'static str),
    /// It has too many segments.
    TooMany(usize),
}

/// Offset and length in the file, in bytes.
pub(super) type Pair = (i64, i64);

/// Reads the four pairs of an old GNU main header; the second value says whether an extension block follows.
pub(super) fn old_gnu_header(block: &[u8; BLOCK], map: &mut Vec<Pair>) -> Result<bool, MapError> {
    old_gnu_pairs(part(block, 386, 96), map)?;
    Ok(part(block, 482, 1) != [0])
}

/// Reads the 21 pairs of an old GNU extension block.
pub(super) fn old_gnu_extension(
    block: &[u8; BLOCK],
    map: &mut Vec<Pair>,
) -> Result<bool, MapError> {
    old_gnu_pairs(part(block, 0, 504), map)?;
    Ok(part(block, 504, 1) != [0])
}

fn old_gnu_pairs(pairs: &[u8], map: &mut Vec<Pair>) -> Result<(), MapError> {
    // GNU and BSD tar stop at the first pair whose offset field starts with a NUL.
    for pair in pairs
        .chunks_exact(24)
        .take_while(|pair| pair.first() != Some(&0))
    {
        let (offset, length) = pair.split_at(12);
        let pair = number(offset).zip(number(length));
        map.push(pair.ok_or(MapError::Rule("a number of its map is bad"))?);
    }
    Ok(())
}

/// Reads the records of formats 0.0 (already joined) and 0.1.
pub(super) fn from_records(blocks: &[u8], map: &[u8]) -> Result<Vec<Pair>, MapError> {
    let bad = MapError::Rule("GNU.sparse.numblocks does not say how many pairs GNU.sparse.map has");
    let numbers: Vec<&[u8]> = match map {
        [] => Vec::new(),
        _ => map.split(|&b| b == b',').collect(),
    };
    let count = decimal(blocks).and_then(|n| usize::try_from(n).ok());
    if count.and_then(|n| n.checked_mul(2)) != Some(numbers.len()) {
        return Err(bad);
    }
    pairs(numbers.into_iter())
}

/// Collects the text of a 1.0 map, which fills whole blocks at the start of the data.
#[derive(Debug, Default)]
pub(super) struct MapText {
    text: Vec<u8>,
    newlines: usize,
    /// How many newlines complete the map; known once the first line is.
    needed: Option<usize>,
}

impl MapText {
    /// Takes a block and returns the map once it is complete.
    pub(super) fn push(
        &mut self,
        block: &[u8; BLOCK],
        limit: usize,
    ) -> Result<Option<Vec<Pair>>, MapError> {
        self.text.extend_from_slice(block);
        self.newlines += block.iter().filter(|&&b| b == b'\n').count();
        if self.newlines == 0 {
            return Ok(None);
        }
        let needed = match self.needed {
            Some(needed) => needed,
            None => {
                let count = self
                    .lines()
                    .next()
                    .and_then(decimal)
                    .and_then(|n| usize::try_from(n).ok())
                    .ok_or(MapError::Rule("the count of its map is bad"))?;
                if count > limit {
                    return Err(MapError::TooMany(count));
                }
                *self
                    .needed
                    .insert(count.saturating_mul(2).saturating_add(1))
            }
        };
        if self.newlines < needed {
            return Ok(None);
        }
        pairs(self.lines().take(needed).skip(1)).map(Some)
    }

    /// Bytes of text held, whole blocks.
    pub(super) fn len(&self) -> u64 {
        self.text.len() as u64
    }

    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.text.split(|&b| b == b'\n')
    }
}

fn pairs<'a>(mut numbers: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Pair>, MapError> {
    let mut map = Vec::new();
    while let (Some(offset), Some(length)) = (numbers.next(), numbers.next()) {
        let pair = decimal(offset).zip(decimal(length));
        map.push(pair.ok_or(MapError::Rule("a number of its map is bad"))?);
    }
    Ok(map)
}

/// Checks a map against the file's size and the stored data, and places its segments in the archive.
pub(super) fn place(
    map: &[Pair],
    size: u64,
    data_offset: u64,
    stored_size: u64,
    limit: usize,
) -> Result<Vec<Segment>, MapError> {
    if map.len() > limit {
        return Err(MapError::TooMany(map.len()));
    }
    let mut segments = Vec::new();
    let mut end_of_last = 0u64;
    let mut stored = 0u64;
    for &(logical, length) in map {
        let (Ok(logical), Ok(length)) = (u64::try_from(logical), u64::try_from(length)) else {
            return Err(MapError::Rule("a number of its map is negative"));
        };
        // Both are below 2^63, so the sum fits.
        let end = logical + length;
        if logical < end_of_last {
            return Err(MapError::Rule("its segments overlap or are out of order"));
        }
        if end > size {
            return Err(MapError::Rule("a segment goes past the end of the file"));
        }
        if length > 0 {
            segments.push(Segment {
                logical,
                length,
                // Segments do not overlap, so what is stored before this one is at most `size`, below 2^63.
                data_offset: data_offset
                    .checked_add(stored)
                    .ok_or(MapError::Rule("its data lies too far in the archive"))?,
            });
        }
        stored += length;
        end_of_last = end;
    }
    match stored.cmp(&stored_size) {
        std::cmp::Ordering::Less => Err(MapError::Rule("it stores data that no segment refers to")),
        std::cmp::Ordering::Greater => Err(MapError::Rule(
            "its segments refer to data that is not stored",
        )),
        std::cmp::Ordering::Equal => Ok(segments),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(map: &[Pair], size: u64, stored: u64) -> Option<Vec<(u64, u64, u64)>> {
        let segments = place(map, size, 1000, stored, 10).ok()?;
        Some(
            segments
                .iter()
                .map(|s| (s.logical, s.length, s.data_offset))
                .collect(),
        )
    }

    #[test]
    fn segments_are_placed_one_after_the_other() {
        assert_eq!(
            placed(&[(0, 2), (5, 3)], 8, 5),
            Some(vec![(0, 2, 1000), (5, 3, 1002)])
        );
        assert_eq!(
            placed(&[(1, 3), (6, 0), (6, 0), (6, 2)], 8, 5),
            Some(vec![(1, 3, 1000), (6, 2, 1003)])
        );
        assert_eq!(placed(&[], 2, 0), Some(vec![]));
    }

    #[test]
    fn maps_that_do_not_fit_are_refused() {
        assert_eq!(placed(&[(1, 3), (6, 5)], 10, 8), None);
        assert_eq!(placed(&[(1, 3), (6, 5)], 35, 5), None);
        assert_eq!(placed(&[(1, 3), (6, 5)], 35, 9), None);
        assert_eq!(placed(&[(1, 3), (6, -5)], 35, 5), None);
        assert_eq!(placed(&[(i64::MAX, 3)], 35, 3), None);
        assert_eq!(placed(&[(i64::MAX, i64::MAX)], u64::MAX, 3), None);
        assert_eq!(placed(&[(1, 3), (2, 2)], 10, 5), None);
        assert_eq!(placed(&[(0, 0); 11], 10, 0), None);
    }

    fn text_map(text: &str) -> Result<Option<(Vec<Pair>, u64)>, MapError> {
        let mut map = MapText::default();
        for chunk in text.as_bytes().chunks(BLOCK) {
            let mut block = [0; BLOCK];
            block[..chunk.len()].copy_from_slice(chunk);
            if let Some(pairs) = map.push(&block, 1000)? {
                return Ok(Some((pairs, map.len())));
            }
        }
        Ok(None)
    }

    #[test]
    fn map_text_is_read_in_whole_blocks() {
        assert_eq!(text_map("0\n"), Ok(Some((vec![], 512))));
        let zeros = "0".repeat(1024);
        assert_eq!(
            text_map(&format!("{zeros}1\n2\n3\n")),
            Ok(Some((vec![(2, 3)], 1536)))
        );
        let many = format!(
            "100\n1\n2\n3\n4\n{}",
            "54321\n0000000000000012345\n".repeat(98)
        );
        let (pairs, length) = text_map(&many).expect("is valid").expect("is complete");
        assert_eq!(
            (pairs.len(), pairs[1], pairs[99], length),
            (100, (3, 4), (54321, 12345), 2560)
        );
    }

    #[test]
    fn map_text_that_is_short_waits_and_bad_text_is_refused() {
        assert_eq!(text_map("ab"), Ok(None));
        assert_eq!(text_map("1\n2\n"), Ok(None));
        assert!(text_map("\n").is_err());
        assert!(text_map("-1\n2\n\n").is_err());
        assert!(text_map("1\nk\n2\n").is_err());
        assert!(text_map("1\n2\n\n").is_err());
        assert_eq!(text_map("1001\n"), Err(MapError::TooMany(1001)));
    }
}
