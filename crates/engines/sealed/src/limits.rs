//! Bounds on what the store takes in.

use crate::import::ImportFailure;

/// Bytes of a tar from which on the ratio of its compression counts: small layers of zeros are no bombs.
const RATIO_FROM: u64 = 1 << 30;

/// Largest PAX header that a store can be told to accept, in bytes. An index is made again from its tar with this one,
/// whatever the layer was taken in with.
pub const LARGEST_PAX: u64 = 64 << 20;

/// Bounds on what an import accepts, so that a small input cannot take all disk or memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of the uncompressed tar.
    pub bytes: u64,
    /// Most entries, together with folders that only names imply and parts of sparse files: an
    /// index is built in memory, which takes about 600 bytes for each.
    pub entries: u64,
    /// How many times the bytes that came a tar of more than a gibibyte may have. Deflate makes 1032 at most, Zstandard
    /// any number.
    pub ratio: u64,
    /// Most names that a path is made of.
    pub depth: u64,
    /// Most bytes of one PAX header, at most [`LARGEST_PAX`].
    pub pax_bytes: u64,
}

impl Default for Limits {
    /// 2 TiB less one block, which is what 32-bit block numbers reach; 4 million entries; twice what Deflate can make;
    /// as many names as the longest path of Windows can have (32,767 units, one of two a separator); 1 MiB as in Go's
    /// `archive/tar`.
    fn default() -> Self {
        Self {
            bytes: (u64::from(u32::MAX) - 1) * 512,
            entries: 4_000_000,
            ratio: 2 * 1032,
            depth: 16_384,
            pax_bytes: 1 << 20,
        }
    }
}

impl Limits {
    /// The bounds of the tar parser.
    pub(crate) fn of_tar(&self) -> transom_layertar::Limits {
        transom_layertar::Limits {
            pax_bytes: self.pax_bytes.min(LARGEST_PAX),
            ..transom_layertar::Limits::default()
        }
    }

    /// The bounds of the tar parser for a layer that was taken in with any.
    pub(crate) fn of_tar_taken_in() -> transom_layertar::Limits {
        let largest = Self {
            pax_bytes: LARGEST_PAX,
            ..Self::default()
        };
        largest.of_tar()
    }

    /// Checks a tar of which `bytes` have passed, made of at least `came`.
    pub(crate) fn check_bytes(&self, bytes: u64, came: u64) -> Result<(), ImportFailure> {
        if bytes > self.bytes {
            return Err(ImportFailure::TooLarge { limit: self.bytes });
        }
        if bytes > RATIO_FROM && bytes / self.ratio.max(1) > came {
            return Err(ImportFailure::TooCompressed {
                bytes,
                came,
                limit: self.ratio,
            });
        }
        Ok(())
    }

    /// Checks an entry by its name in the tar, when the index has `items`.
    pub(crate) fn check_entry(&self, name: &[u8], items: u64) -> Result<(), ImportFailure> {
        let named = || String::from_utf8_lossy(name).into_owned();
        if items > self.entries {
            return Err(ImportFailure::TooManyEntries {
                name: named(),
                limit: self.entries,
            });
        }
        let names = name.split(|byte| *byte == b'/');
        if names.filter(|name| !name.is_empty()).count() as u64 > self.depth {
            return Err(ImportFailure::TooDeep {
                // A name that is too deep is long, too.
                name: named().chars().take(80).collect(),
                limit: self.depth,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_counts_from_a_gibibyte_on() {
        let limits = Limits {
            ratio: 100,
            ..Limits::default()
        };
        assert!(limits.check_bytes(RATIO_FROM, 1).is_ok());
        assert!(limits.check_bytes(RATIO_FROM + 1, 1).is_err());
        assert!(limits.check_bytes(RATIO_FROM + 1, RATIO_FROM / 100).is_ok());
    }

    #[test]
    fn a_path_may_be_as_deep_as_the_limit() {
        let limits = Limits {
            depth: 3,
            ..Limits::default()
        };
        assert!(limits.check_entry(b"a/b/c/", 0).is_ok());
        assert!(limits.check_entry(b"./a//b/c/d", 0).is_err());
    }
}
