//! What a parsed entry looks like, and the limits a parser keeps.

use transom_ntmeta::filetime::UnixTime;

/// Bounds on what one entry may make the parser hold in memory.
///
/// The defaults are those of Go's `archive/tar` where it has any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest body of an `x` or `g` header and largest sparse map of PAX format 1.0, in bytes.
    pub pax_bytes: u64,
    /// Largest body of a GNU `L` or `K` header, in bytes.
    pub name_bytes: u64,
    /// Most segments one sparse entry may have.
    pub sparse_segments: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pax_bytes: 1 << 20,
            name_bytes: 1 << 20,
            sparse_segments: 1 << 18,
        }
    }
}

/// What an entry is by its type flag alone (POSIX.1-1988 ustar and GNU tar).
///
/// In a Windows layer the file attributes may overrule it: see [`crate::windows::classify`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// `0`, NUL or GNU's `S` (a sparse file).
    File,
    /// `1`: another name of an earlier entry.
    HardLink,
    /// `2`.
    Symlink,
    /// `3`.
    CharDevice,
    /// `4`.
    BlockDevice,
    /// `5`, or NUL with a name that ends in a slash.
    Directory,
    /// `6`.
    Fifo,
    /// `g`: records for all entries that follow. Like Go, the parser shows them and applies them to nothing.
    GlobalHeader,
    /// Any other flag, such as `7` or GNU's `D`; it has data if its size says so.
    Other(u8),
}

impl EntryKind {
    /// Says whether an entry of this kind has no data whatever its size field says.
    pub fn is_header_only(self) -> bool {
        matches!(
            self,
            Self::HardLink
                | Self::Symlink
                | Self::CharDevice
                | Self::BlockDevice
                | Self::Directory
                | Self::Fifo
        )
    }
}

/// Which tar format the headers of an entry conform to, judged as Go's `archive/tar` judges it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// V7, star, or a mixture that no single format allows.
    Unknown,
    /// POSIX.1-1988.
    Ustar,
    /// POSIX.1-2001.
    Pax,
    /// GNU tar.
    Gnu,
}

/// A stretch of a sparse entry that is present in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Where it lies in the file, in bytes.
    pub logical: u64,
    /// Its length in bytes, never 0.
    pub length: u64,
    /// Where it lies in the archive, in bytes from the archive's start.
    pub data_offset: u64,
}

/// One entry of an archive: its header with all extension headers applied, and the place of its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// First byte of the entry's first header block, extension headers included.
    pub header_offset: u64,
    /// First byte of its stored data (after the sparse map, where the format keeps one there).
    pub data_offset: u64,
    /// Bytes of stored data, without padding; less than `size` for a sparse entry.
    pub stored_size: u64,
    /// What it is by its type flag.
    pub kind: EntryKind,
    /// Name as stored, unchecked and uncleaned: see [`crate::path::clean`].
    pub name: Vec<u8>,
    /// Target of a link, as stored.
    pub link_name: Vec<u8>,
    /// Logical size in bytes, holes included; 0 for kinds without data.
    pub size: u64,
    /// Mode word.
    pub mode: u32,
    /// Owner's number.
    pub uid: i64,
    /// Group's number.
    pub gid: i64,
    /// Owner's name.
    pub uname: Vec<u8>,
    /// Group's name.
    pub gname: Vec<u8>,
    /// Time of last modification.
    pub mtime: UnixTime,
    /// Time of last access.
    pub atime: Option<UnixTime>,
    /// Time of last change of metadata (in Windows layers NTFS's ChangeTime, not the creation time).
    pub ctime: Option<UnixTime>,
    /// Major device number.
    pub dev_major: i64,
    /// Minor device number.
    pub dev_minor: i64,
    /// Records of the `x` header (or of the `g` header itself): of equal keys the last value, in the place of
    /// the first. The repeated records of sparse format 0.0 are joined into one `GNU.sparse.map`, as Go does.
    pub pax: Vec<(Vec<u8>, Vec<u8>)>,
    /// Segments of a sparse entry, in order; `None` for an ordinary one.
    pub sparse: Option<Vec<Segment>>,
    /// Type flag as stored.
    pub typeflag: u8,
    /// Format its headers conform to.
    pub format: Format,
}

impl Entry {
    /// Returns the value of a PAX record, in time linear in their number.
    pub fn pax_value(&self, key: &[u8]) -> Option<&[u8]> {
        self.pax
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v.as_slice())
    }
}
