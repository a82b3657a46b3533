//! Inodes as they are read, and where the data of directories and symlinks lies.

use crate::attributes::{DeviceNumber, FileKind, Timestamp};
use crate::error::ReadError;
use crate::format::{
    COMPACT_SIZE, EXTENDED_SIZE, LAYOUT_CHUNK_BASED, LAYOUT_FLAT_INLINE, LAYOUT_FLAT_PLAIN,
    RawInode, SLOT_SIZE, XATTR_HEADER_SIZE,
};
use crate::image::Image;
use crate::read_at::{ReadAt, read_up_to};

/// The number of an inode in its image: its place, in slots of 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nid(pub u64);

/// An inode that was read: its attributes, and the key to its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inode {
    /// Its number.
    pub nid: Nid,
    /// What it is.
    pub kind: FileKind,
    /// Permission bits with set-uid, set-gid and sticky: 0 to 0o7777.
    pub permissions: u16,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Size in bytes: of a file's data, a symlink's target, a directory's blocks; below 2^63.
    pub size: u64,
    /// Time of the last change of the data.
    pub mtime: Timestamp,
    /// Number of names; for a directory 2 and its subdirectories.
    pub nlink: u32,
    /// Number of a character or block device.
    pub rdev: Option<DeviceNumber>,
    pub(crate) layout: u16,
    /// Block address or chunk format.
    pub(crate) union: u32,
    /// Byte in the image where the attributes start.
    pub(crate) xattr_start: u64,
    /// Bytes of the attributes, header included; 0 for none.
    pub(crate) xattr_size: u64,
}

/// The data of a flat inode: blocks that follow each other, and perhaps a tail behind the inode.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flat {
    pub(crate) head_start: u64,
    pub(crate) head_length: u64,
    pub(crate) tail_start: u64,
    pub(crate) tail_length: u64,
}

impl Inode {
    pub(crate) fn read<R: ReadAt>(image: &Image<R>, nid: Nid) -> Result<Self, ReadError> {
        let superblock = &image.superblock;
        let corrupt = |what, found| ReadError::Corrupt {
            nid: nid.0,
            what,
            found,
        };
        let start = nid
            .0
            .checked_mul(SLOT_SIZE)
            .and_then(|offset| {
                offset.checked_add(u64::from(superblock.meta_block) << superblock.block_bits)
            })
            .ok_or_else(|| corrupt("inode number", nid.0))?;
        image.check_range(start, COMPACT_SIZE as u64, nid, "inode")?;
        // A compact inode may be the last 32 bytes of the image.
        let mut bytes = [0; EXTENDED_SIZE];
        let count = read_up_to(&image.source, &mut bytes, start)?;
        let raw = RawInode::decode(&bytes[..count], image.build_time()).ok_or_else(|| {
            corrupt(
                "inode format",
                u64::from(u16::from_le_bytes([bytes[0], bytes[1]])),
            )
        })?;
        let kind = FileKind::from_mode(raw.mode)
            .ok_or_else(|| corrupt("file mode", u64::from(raw.mode)))?;
        match raw.layout {
            LAYOUT_FLAT_PLAIN | LAYOUT_FLAT_INLINE | LAYOUT_CHUNK_BASED => {}
            1 | 3 => {
                return Err(ReadError::Unsupported {
                    nid: nid.0,
                    name: "compressed data",
                });
            }
            other => return Err(corrupt("data layout", u64::from(other))),
        }
        if i64::try_from(raw.size).is_err() {
            return Err(corrupt("size", raw.size));
        }
        if raw.mtime.nanoseconds > 999_999_999 {
            return Err(corrupt(
                "nanoseconds of a time",
                u64::from(raw.mtime.nanoseconds),
            ));
        }
        let device = matches!(kind, FileKind::CharDevice | FileKind::BlockDevice);
        let inode_size = if raw.extended {
            EXTENDED_SIZE
        } else {
            COMPACT_SIZE
        };
        Ok(Self {
            nid,
            kind,
            permissions: raw.mode & 0o7777,
            uid: raw.uid,
            gid: raw.gid,
            size: raw.size,
            mtime: raw.mtime,
            nlink: raw.nlink,
            rdev: device.then(|| DeviceNumber::decode(raw.union)),
            layout: raw.layout,
            union: raw.union,
            xattr_start: start.saturating_add(inode_size as u64),
            xattr_size: match raw.xattr_count {
                0 => 0,
                count => XATTR_HEADER_SIZE as u64 + 4 * (u64::from(count) - 1),
            },
        })
    }

    /// Where what follows inode and attributes starts: tail or chunk array.
    pub(crate) fn body_start(&self) -> u64 {
        self.xattr_start.saturating_add(self.xattr_size)
    }

    /// Where the data lies; checked to be in the image.
    pub(crate) fn flat<R: ReadAt>(&self, image: &Image<R>) -> Result<Flat, ReadError> {
        let block = image.block_size();
        let tail_length = match self.layout {
            LAYOUT_FLAT_PLAIN => 0,
            // The last block is inline, also when it is a whole one.
            LAYOUT_FLAT_INLINE if self.size == 0 => 0,
            LAYOUT_FLAT_INLINE => (self.size - 1) % block + 1,
            _ => {
                let name = "chunks for a directory or symlink";
                return Err(ReadError::Unsupported {
                    nid: self.nid.0,
                    name,
                });
            }
        };
        let head_length = self.size - tail_length;
        // Of nothing, the address says nothing.
        let head_start = match head_length {
            0 => 0,
            _ => u64::from(self.union) << image.superblock.block_bits,
        };
        let tail_start = if tail_length == 0 {
            0
        } else {
            self.body_start()
        };
        if tail_start % block + tail_length > block {
            return Err(self.corrupt("inline data over a block boundary, at byte", tail_start));
        }
        image.check_range(head_start, head_length, self.nid, "data")?;
        image.check_range(tail_start, tail_length, self.nid, "inline data")?;
        Ok(Flat {
            head_start,
            head_length,
            tail_start,
            tail_length,
        })
    }

    pub(crate) fn expect_kind(
        &self,
        kind: FileKind,
        expected: &'static str,
    ) -> Result<(), ReadError> {
        if self.kind == kind {
            Ok(())
        } else {
            Err(ReadError::WrongKind {
                nid: self.nid.0,
                expected,
            })
        }
    }

    pub(crate) fn corrupt(&self, what: &'static str, found: u64) -> ReadError {
        ReadError::Corrupt {
            nid: self.nid.0,
            what,
            found,
        }
    }
}
