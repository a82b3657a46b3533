//! Win32 backup streams: what BackupRead yields and BackupWrite takes (MS-BKUP).
//!
//! A file is a sequence of streams without padding: `u32 id, u32 attributes, u64 size, u32 name bytes`, the
//! name in UTF-16 without NUL, the data. A sparse block's data begins with its signed 64-bit place in
//! the file, which [`StreamHeader`] shows as `offset` and does not count in `size`.

mod reader;
mod sparse;
mod writer;

#[cfg(test)]
mod tests;

pub use reader::Reader;
pub use sparse::{Extent, SparseError, SparseMap, SparseMapper};
pub use writer::Writer;

use std::{fmt, io};

use bitflags::bitflags;

/// Bytes of a stream header before the name. Not the size of an aligned C struct, which has 4 more.
const HEADER_LEN: usize = 20;
/// Bytes of the place that begins a sparse block's data.
const OFFSET_LEN: u64 = 8;
/// Longest stream name in UTF-16 units: MAX_PATH + 36, as in WIN32_FIND_STREAM_DATA.
pub const MAX_NAME_UNITS: usize = 296;

/// What a stream holds (WIN32_STREAM_ID.dwStreamId). Ids that are not known are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamId(pub u32);

impl StreamId {
    /// The file's main content.
    pub const DATA: StreamId = StreamId(1);
    /// Extended attributes, see [`crate::ea`].
    pub const EA_DATA: StreamId = StreamId(2);
    /// A self-relative security descriptor.
    pub const SECURITY_DATA: StreamId = StreamId(3);
    /// The content of a named stream.
    pub const ALTERNATE_DATA: StreamId = StreamId(4);
    /// Other names of the file.
    pub const LINK: StreamId = StreamId(5);
    /// Properties (no longer produced).
    pub const PROPERTY_DATA: StreamId = StreamId(6);
    /// The object id of NTFS's distributed link tracking.
    pub const OBJECT_ID: StreamId = StreamId(7);
    /// A reparse buffer, see [`crate::reparse`].
    pub const REPARSE_DATA: StreamId = StreamId(8);
    /// One range of the sparse stream before it.
    pub const SPARSE_BLOCK: StreamId = StreamId(9);
    /// Transactional NTFS data.
    pub const TXFS_DATA: StreamId = StreamId(10);
    /// Ranges whose data is kept elsewhere.
    pub const GHOSTED_FILE_EXTENTS: StreamId = StreamId(11);

    /// Returns the name in MS-BKUP, if the id is known.
    pub fn name(self) -> Option<&'static str> {
        let name = match self {
            StreamId::DATA => "DATA",
            StreamId::EA_DATA => "EA_DATA",
            StreamId::SECURITY_DATA => "SECURITY_DATA",
            StreamId::ALTERNATE_DATA => "ALTERNATE_DATA",
            StreamId::LINK => "LINK",
            StreamId::PROPERTY_DATA => "PROPERTY_DATA",
            StreamId::OBJECT_ID => "OBJECT_ID",
            StreamId::REPARSE_DATA => "REPARSE_DATA",
            StreamId::SPARSE_BLOCK => "SPARSE_BLOCK",
            StreamId::TXFS_DATA => "TXFS_DATA",
            StreamId::GHOSTED_FILE_EXTENTS => "GHOSTED_FILE_EXTENTS",
            _ => return None,
        };
        Some(name)
    }
}

/// Writes the name in MS-BKUP, or `stream id` and the number.
impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "stream id {}", self.0),
        }
    }
}

bitflags! {
    /// Attributes of a stream (WIN32_STREAM_ID.dwStreamAttributes). Bits without a name are kept.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct StreamAttributes: u32 {
        /// The data changes when read.
        const MODIFIED_WHEN_READ = 0x01;
        /// The stream is a security descriptor.
        const CONTAINS_SECURITY = 0x02;
        /// The stream holds properties.
        const CONTAINS_PROPERTIES = 0x04;
        /// The stream belongs to a sparse file; its content may follow as sparse blocks.
        const SPARSE = 0x08;
        /// The data is kept elsewhere.
        const GHOSTED = 0x10;

        const _ = !0;
    }
}

/// What stands before the data of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamHeader {
    /// What the stream holds.
    pub id: StreamId,
    /// Its attributes.
    pub attributes: StreamAttributes,
    /// Bytes of data to read or write; a sparse block's place is not among them.
    pub size: u64,
    /// The name in UTF-16 units, such as `:stream:$DATA`. Empty except for alternate streams.
    pub name: Vec<u16>,
    /// Where a sparse block lies in the file, in bytes; `None` for all other streams.
    pub offset: Option<u64>,
}

impl StreamHeader {
    /// Returns a header without name and attributes.
    pub fn new(id: StreamId, size: u64) -> StreamHeader {
        StreamHeader {
            id,
            attributes: StreamAttributes::empty(),
            size,
            name: Vec::new(),
            offset: None,
        }
    }

    /// Returns the header of an alternate stream; `name` is the bare name, to which `:` and `:$DATA` are added.
    pub fn alternate(name: &str, size: u64) -> StreamHeader {
        StreamHeader {
            name: format!(":{name}:$DATA").encode_utf16().collect(),
            ..StreamHeader::new(StreamId::ALTERNATE_DATA, size)
        }
    }

    /// Returns the header of a sparse block of `size` bytes at `offset`; a size of 0 ends the blocks at the file's size.
    pub fn sparse_block(offset: u64, size: u64) -> StreamHeader {
        StreamHeader {
            offset: Some(offset),
            ..StreamHeader::new(StreamId::SPARSE_BLOCK, size)
        }
    }

    /// Returns the name as text, or `None` if it has lone surrogates.
    pub fn name_text(&self) -> Option<String> {
        String::from_utf16(&self.name).ok()
    }

    /// Checks what the reader and the writer demand alike.
    fn check(&self, at: u64) -> Result<(), BackupError> {
        let units = self.name.len();
        if units > MAX_NAME_UNITS {
            let found = units as u64 * 2;
            return Err(BackupError::NameTooLong { at, found });
        }
        if self.name.contains(&0) {
            return Err(BackupError::NameHoldsNul { at });
        }
        if self.offset.is_some() != (self.id == StreamId::SPARSE_BLOCK) {
            return Err(BackupError::OffsetMismatch { at, id: self.id });
        }
        let end = self.offset.unwrap_or(0).checked_add(self.size);
        // A block's size field also counts its place.
        let limit = i64::MAX as u64 - OFFSET_LEN;
        if end.is_none_or(|end| end > limit) {
            return Err(BackupError::TooLarge { at, id: self.id });
        }
        Ok(())
    }
}

/// Why backup streams cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The input ends inside a header, a name or a stream's data.
    #[error("backup stream at byte {at} ends early: {missing} bytes are missing from its {part}")]
    Truncated {
        /// Start of the header in the input, in bytes.
        at: u64,
        /// `header`, `name`, `offset` or `data`.
        part: &'static str,
        /// How many bytes are missing.
        missing: u64,
    },
    /// The name is not a whole number of UTF-16 units.
    #[error("backup stream at byte {at}: the name has {found} bytes, an odd number")]
    OddNameSize {
        /// Start of the header in the input, in bytes.
        at: u64,
        /// The name's length in bytes.
        found: u32,
    },
    /// The name is longer than [`MAX_NAME_UNITS`].
    #[error("backup stream at byte {at}: the name has {found} bytes, at most {} are allowed", MAX_NAME_UNITS * 2)]
    NameTooLong {
        /// Start of the header, in bytes.
        at: u64,
        /// The name's length in bytes.
        found: u64,
    },
    /// The name holds NUL, at which other readers would cut it.
    #[error("backup stream at byte {at}: the name holds NUL")]
    NameHoldsNul {
        /// Start of the header, in bytes.
        at: u64,
    },
    /// The size, or the end of a sparse block, is negative as a signed 64-bit number.
    #[error("backup stream at byte {at}: {id} reaches beyond 2^63 bytes")]
    TooLarge {
        /// Start of the header, in bytes.
        at: u64,
        /// What the stream holds.
        id: StreamId,
    },
    /// A sparse block is too short to hold its own place.
    #[error("backup stream at byte {at}: sparse block of {found} bytes, it needs 8 for its offset")]
    SparseBlockTooShort {
        /// Start of the header in the input, in bytes.
        at: u64,
        /// The size found.
        found: u64,
    },
    /// A sparse block has no offset, or another stream has one.
    #[error(
        "backup stream at byte {at}: {id} with or without an offset; only sparse blocks have one"
    )]
    OffsetMismatch {
        /// Start of the header, in bytes.
        at: u64,
        /// What the stream holds.
        id: StreamId,
    },
    /// A new stream was begun, or the writer finished, before the stream's announced size was written.
    #[error("backup stream of {id} is incomplete: {missing} bytes are missing")]
    Incomplete {
        /// What the stream holds.
        id: StreamId,
        /// How many bytes are missing.
        missing: u64,
    },
    /// The underlying reader or writer failed.
    #[error("cannot {verb} backup streams")]
    Io {
        /// `read` or `write`.
        verb: &'static str,
        /// What the system said.
        source: io::Error,
    },
}
