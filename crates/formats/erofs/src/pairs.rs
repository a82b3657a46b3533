//! The distinct (name, value) pairs of extended attributes of a tree, each kept once.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use crate::error::WriteError;
use crate::format::{split_xattr_name, xattr_entry_size};
use crate::node::XattrId;

/// All pairs, in the order in which they were first seen.
///
/// Names and values lie in one arena; the tables find earlier ones by a keyed hash, which no
/// outsider can make collide and which has no influence on the order.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    arena: Vec<u8>,
    names: Vec<Name>,
    pairs: Vec<Pair>,
    name_table: HashTable<Slot>,
    pair_table: HashTable<Slot>,
    hasher: RandomState,
}

/// An id with half of its hash: a growing table need not look at the strings again.
#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: u32,
    id: u32,
}

impl Slot {
    fn new(hash: u64, id: u32) -> Self {
        Self {
            hash: hash as u32,
            id,
        }
    }

    /// The hash that the table sees: it uses bits of both ends.
    fn spread(self) -> u64 {
        u64::from(self.hash) << 32 | u64::from(self.hash)
    }
}

#[derive(Debug, Clone, Copy)]
struct Name {
    start: u32,
    length: u8,
    /// Number of the namespace.
    index: u8,
}

#[derive(Debug, Clone, Copy)]
struct Pair {
    name: u32,
    start: u32,
    length: u16,
}

/// A pair as it is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PairRef<'a> {
    /// Number of the namespace.
    pub(crate) index: u8,
    /// Name without the prefix of its namespace; at most 255 bytes.
    pub(crate) name: &'a [u8],
    /// At most 65,535 bytes.
    pub(crate) value: &'a [u8],
}

impl PairRef<'_> {
    /// Bytes of the entry on disk.
    pub(crate) fn size(&self) -> u64 {
        xattr_entry_size(self.name.len(), self.value.len())
    }
}

impl Pairs {
    /// Returns the id of a pair, the earlier one if there is one.
    pub(crate) fn intern(&mut self, name: &[u8], value: &[u8]) -> Result<XattrId, WriteError> {
        let lossy = || String::from_utf8_lossy(name).into_owned();
        let (index, rest) =
            split_xattr_name(name).ok_or_else(|| WriteError::XattrName { name: lossy() })?;
        let length = u16::try_from(value.len()).map_err(|_| WriteError::XattrValueTooLong {
            name: lossy(),
            found: value.len(),
        })?;
        let name = self.intern_name(index, rest)?;

        let mut slot = Slot::new(self.hasher.hash_one((name, value)), 0);
        let Self {
            arena,
            pairs,
            pair_table,
            ..
        } = self;
        let found = pair_table.find(slot.spread(), |known| {
            let pair = pairs[known.id as usize];
            known.hash == slot.hash
                && pair.name == name
                && slice(arena, pair.start, pair.length.into()) == value
        });
        if let Some(known) = found {
            return Ok(XattrId(known.id));
        }
        slot.id = u32::try_from(pairs.len()).map_err(|_| WriteError::TooManyXattrs)?;
        let start = append(arena, value)?;
        pairs.push(Pair {
            name,
            start,
            length,
        });
        pair_table.insert_unique(slot.spread(), slot, |slot| slot.spread());
        Ok(XattrId(slot.id))
    }

    fn intern_name(&mut self, index: u8, rest: &[u8]) -> Result<u32, WriteError> {
        let mut slot = Slot::new(self.hasher.hash_one((index, rest)), 0);
        let Self {
            arena,
            names,
            name_table,
            ..
        } = self;
        let found = name_table.find(slot.spread(), |known| {
            let name = names[known.id as usize];
            known.hash == slot.hash
                && name.index == index
                && slice(arena, name.start, name.length.into()) == rest
        });
        if let Some(known) = found {
            return Ok(known.id);
        }
        slot.id = u32::try_from(names.len()).map_err(|_| WriteError::TooManyXattrs)?;
        let length = u8::try_from(rest.len()).map_err(|_| WriteError::TooManyXattrs)?;
        let start = append(arena, rest)?;
        names.push(Name {
            start,
            length,
            index,
        });
        name_table.insert_unique(slot.spread(), slot, |slot| slot.spread());
        Ok(slot.id)
    }

    pub(crate) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Says whether an id is of this table.
    pub(crate) fn contains(&self, id: XattrId) -> bool {
        (id.0 as usize) < self.pairs.len()
    }

    /// Finds a pair of the list whose name another one has too.
    pub(crate) fn first_name_twice(&self, list: &[XattrId]) -> Option<XattrId> {
        let name = |id: &XattrId| self.pairs[id.0 as usize].name;
        // Nearly all lists are so short that comparing all with all beats a sorted copy.
        if list.len() <= 16 {
            let is_twice = |(at, id): (usize, &XattrId)| {
                list[..at]
                    .iter()
                    .any(|earlier| name(earlier) == name(id))
                    .then_some(*id)
            };
            return list.iter().enumerate().find_map(is_twice);
        }
        let mut sorted = list.to_vec();
        sorted.sort_unstable_by_key(name);
        sorted
            .windows(2)
            .find(|two| name(&two[0]) == name(&two[1]))
            .map(|two| two[0])
    }

    /// The whole name of a pair, for messages.
    pub(crate) fn lossy_name(&self, id: XattrId) -> String {
        let pair = self.get(id);
        let prefix = crate::format::xattr_prefix(pair.index).unwrap_or_default();
        String::from_utf8_lossy(&[prefix, pair.name].concat()).into_owned()
    }

    /// A pair; the id was checked to be of this table.
    pub(crate) fn get(&self, id: XattrId) -> PairRef<'_> {
        let pair = self.pairs[id.0 as usize];
        let name = self.names[pair.name as usize];
        PairRef {
            index: name.index,
            name: slice(&self.arena, name.start, name.length.into()),
            value: slice(&self.arena, pair.start, pair.length.into()),
        }
    }
}

/// A string of the arena; start and length are of one that was appended.
fn slice(arena: &[u8], start: u32, length: usize) -> &[u8] {
    let start = start as usize;
    &arena[start..start + length]
}

fn append(arena: &mut Vec<u8>, bytes: &[u8]) -> Result<u32, WriteError> {
    let start = u32::try_from(arena.len()).map_err(|_| WriteError::TooManyXattrs)?;
    arena.extend_from_slice(bytes);
    Ok(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_pairs_have_one_id_and_others_their_own() {
        let mut pairs = Pairs::default();
        let a = pairs.intern(b"user.a", b"1").unwrap();
        assert_eq!(pairs.intern(b"user.a", b"1").unwrap(), a);
        assert_ne!(pairs.intern(b"user.a", b"2").unwrap(), a);
        assert_ne!(pairs.intern(b"trusted.a", b"1").unwrap(), a);
        assert_ne!(pairs.intern(b"user.b", b"1").unwrap(), a);
        assert_eq!(pairs.len(), 4);
        let pair = pairs.get(a);
        assert_eq!(
            (pair.index, pair.name, pair.value, pair.size()),
            (1, &b"a"[..], &b"1"[..], 8)
        );
    }

    #[test]
    fn many_pairs_are_found_again_after_the_tables_have_grown() {
        let mut pairs = Pairs::default();
        let names: Vec<_> = (0..2000).map(|n| format!("user.{}", n % 50)).collect();
        let ids: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(n, name)| pairs.intern(name.as_bytes(), &n.to_le_bytes()).unwrap())
            .collect();
        for (n, name) in names.iter().enumerate() {
            assert_eq!(
                pairs.intern(name.as_bytes(), &n.to_le_bytes()).unwrap(),
                ids[n]
            );
            assert_eq!(pairs.lossy_name(ids[n]), *name);
        }
        assert_eq!(pairs.len(), 2000);
    }

    #[test]
    fn names_and_values_that_cannot_be_stored_are_refused() {
        let mut pairs = Pairs::default();
        assert!(matches!(
            pairs.intern(b"system.x", b""),
            Err(WriteError::XattrName { .. })
        ));
        assert!(pairs.intern(b"user.x", &[0; 65_535]).is_ok());
        let refused = pairs.intern(b"user.x", &[0; 65_536]);
        assert!(matches!(
            refused,
            Err(WriteError::XattrValueTooLong { found: 65_536, .. })
        ));
    }
}
