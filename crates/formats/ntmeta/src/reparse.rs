//! Reparse points: buffers in general, symbolic links and mount points in particular (MS-FSCC 2.1.2).
//!
//! A reparse point is kept as the bytes Windows gave. Layer tars, though, carry only a link's target and
//! whether it is a mount point; [`is_representable`] says whether a buffer survives that, so that a converter
//! can refuse what it would lose.

mod link;
mod tags;

#[cfg(test)]
mod tests;

pub use link::{Link, LinkKind, decode_link, encode_link, is_representable, target_of};
pub use tags::tag_name;

/// Reparse tag of a mount point or junction.
pub const TAG_MOUNT_POINT: u32 = 0xA000_0003;
/// Reparse tag of a symbolic link.
pub const TAG_SYMLINK: u32 = 0xA000_000C;

/// Longest reparse buffer, header included, in bytes (MAXIMUM_REPARSE_DATA_BUFFER_SIZE).
pub const MAX_BUFFER_LEN: usize = 16 * 1024;

/// Tag, data length and reserved field.
const HEADER_LEN: usize = 8;
/// Set in tags that Microsoft owns; buffers of all others have a GUID after the header.
const MICROSOFT_BIT: u32 = 0x8000_0000;

/// Why bytes are not a reparse buffer, or not a link, or a target cannot become one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReparseError {
    /// The buffer is longer than [`MAX_BUFFER_LEN`].
    #[error("reparse buffer is {found} bytes, at most {MAX_BUFFER_LEN} are allowed")]
    TooLong {
        /// Length of the buffer in bytes.
        found: usize,
    },
    /// The buffer ends within a fixed part.
    #[error("reparse buffer is {found} bytes, its fixed part needs {expected}")]
    TooShort {
        /// Bytes that the fixed part needs.
        expected: usize,
        /// Length of the buffer in bytes.
        found: usize,
    },
    /// The length field does not match the buffer.
    #[error("reparse buffer says it has {expected} bytes, it has {found}")]
    Length {
        /// Header and data, by the length field, in bytes.
        expected: usize,
        /// Length of the buffer in bytes.
        found: usize,
    },
    /// The reserved field of the header is not 0.
    #[error("reserved field of the reparse buffer is {found:#06x}, not 0")]
    Reserved {
        /// The value found.
        found: u16,
    },
    /// The tag is neither that of a symbolic link nor that of a mount point.
    #[error("reparse tag {tag:#010x} ({}) is not a symbolic link or mount point", tag_name(*.tag).unwrap_or("unknown"))]
    NotALink {
        /// The tag found.
        tag: u32,
    },
    /// A name lies outside the name buffer, or has an odd length.
    #[error("{name} name at byte {offset} is {len} bytes long, the name buffer has {available}")]
    NameOutOfBounds {
        /// `substitute` or `print`.
        name: &'static str,
        /// Start in the name buffer, in bytes.
        offset: usize,
        /// Length in bytes.
        len: usize,
        /// Length of the name buffer in bytes.
        available: usize,
    },
    /// A name is not valid UTF-16.
    #[error("{name} name is not valid UTF-16")]
    NotUtf16 {
        /// `substitute` or `print`.
        name: &'static str,
    },
    /// The flags of a symbolic link have bits beside "relative".
    #[error("symbolic link has the flags {found:#x}, only 1 is known")]
    UnknownFlags {
        /// The flags found.
        found: u32,
    },
    /// The target holds NUL.
    #[error("link target {target:?} holds NUL")]
    TargetHoldsNul {
        /// The target given.
        target: String,
    },
}

/// A reparse buffer whose lengths are consistent; the data is borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReparseBuffer<'a> {
    /// The reparse tag, which says who understands the data.
    pub tag: u32,
    /// The owner's GUID, in its on-disk order. Only tags that are not Microsoft's have one.
    pub guid: Option<[u8; 16]>,
    /// The data after the header (and GUID).
    pub data: &'a [u8],
}

impl<'a> ReparseBuffer<'a> {
    /// Checks the header of a whole buffer: REPARSE_DATA_BUFFER, or REPARSE_GUID_DATA_BUFFER where the tag is not Microsoft's.
    ///
    /// # Errors
    /// Buffers over 16 KiB, buffers that are shorter or longer than they say, a reserved field that is not 0.
    pub fn parse(buffer: &'a [u8]) -> Result<ReparseBuffer<'a>, ReparseError> {
        let found = buffer.len();
        if found > MAX_BUFFER_LEN {
            return Err(ReparseError::TooLong { found });
        }
        let Some((header, rest)) = buffer.split_first_chunk::<HEADER_LEN>() else {
            return Err(ReparseError::TooShort {
                expected: HEADER_LEN,
                found,
            });
        };
        let [t0, t1, t2, t3, l0, l1, r0, r1] = *header;
        let tag = u32::from_le_bytes([t0, t1, t2, t3]);
        let data_len = usize::from(u16::from_le_bytes([l0, l1]));
        let reserved = u16::from_le_bytes([r0, r1]);
        if reserved != 0 {
            return Err(ReparseError::Reserved { found: reserved });
        }
        let (guid, data) = if tag & MICROSOFT_BIT != 0 {
            (None, rest)
        } else {
            let expected = HEADER_LEN + 16;
            let (guid, data) = rest
                .split_first_chunk::<16>()
                .ok_or(ReparseError::TooShort { expected, found })?;
            (Some(*guid), data)
        };
        if data.len() != data_len {
            let expected = found - data.len() + data_len;
            return Err(ReparseError::Length { expected, found });
        }
        Ok(ReparseBuffer { tag, guid, data })
    }
}
