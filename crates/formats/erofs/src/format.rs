//! Numbers and records as they are on disk, all little-endian.
//!
//! Source: Linux `fs/erofs/erofs_fs.h` and `Documentation/filesystems/erofs.rst`. What the fields
//! mean, and which of them this crate uses, is in `docs/formats/erofs.md`.

use crate::attributes::Timestamp;

pub(crate) const MAGIC: u32 = 0xe0f5_e1e2;
/// Byte of the superblock in the image, whatever the block size.
pub(crate) const SUPER_OFFSET: u64 = 1024;
pub(crate) const SUPER_SIZE: usize = 128;
pub(crate) const DEVICE_SLOT_SIZE: usize = 128;
pub(crate) const DEVICE_TAG_SIZE: usize = 64;
/// An inode number counts slots of this size from the start of the metadata area.
pub(crate) const SLOT_SIZE: u64 = 32;
pub(crate) const COMPACT_SIZE: usize = 32;
pub(crate) const EXTENDED_SIZE: usize = 64;
pub(crate) const DIRENT_SIZE: usize = 12;
pub(crate) const CHUNK_INDEX_SIZE: u64 = 8;
pub(crate) const BLOCK_MAP_SIZE: u64 = 4;
pub(crate) const XATTR_HEADER_SIZE: usize = 12;
pub(crate) const XATTR_ENTRY_SIZE: usize = 4;
/// Size of an inode's attributes when its 16-bit count is at its largest.
pub(crate) const XATTR_BODY_MAX: u64 = 12 + 4 * 65_534;
pub(crate) const NAME_MAX: usize = 255;

pub(crate) const COMPAT_CHECKSUM: u32 = 0x1;
pub(crate) const COMPAT_MTIME: u32 = 0x2;

/// Set by `mkfs.erofs` for every image; says something about compressed data only.
pub(crate) const INCOMPAT_ZERO_PADDING: u32 = 0x1;
pub(crate) const INCOMPAT_CHUNKED_FILE: u32 = 0x4;
pub(crate) const INCOMPAT_DEVICE_TABLE: u32 = 0x8;
/// Names of the incompatible features, by bit; two bits have two meanings each.
pub(crate) const INCOMPAT_NAMES: [&str; 9] = [
    "zero padding",
    "compression configurations",
    "chunk-based files",
    "a device table",
    "tail-packed compression",
    "fragments",
    "long attribute name prefixes",
    "48-bit block addresses",
    "a compressed metadata area",
];

pub(crate) const LAYOUT_FLAT_PLAIN: u16 = 0;
pub(crate) const LAYOUT_FLAT_INLINE: u16 = 2;
pub(crate) const LAYOUT_CHUNK_BASED: u16 = 4;

pub(crate) const CHUNK_BITS_MAX: u32 = 31;
pub(crate) const CHUNK_BITS_MASK: u16 = 0x1f;
/// The chunk array holds 8-byte indexes with device numbers, not 4-byte addresses.
pub(crate) const CHUNK_FORMAT_INDEXES: u16 = 0x20;
/// Block address of a hole.
pub(crate) const NULL_BLOCK: u32 = u32::MAX;

/// Attribute namespaces by their number on disk. The two of POSIX ACLs are whole names.
pub(crate) const XATTR_PREFIXES: [(u8, &[u8]); 5] = [
    (1, b"user."),
    (2, b"system.posix_acl_access"),
    (3, b"system.posix_acl_default"),
    (4, b"trusted."),
    (6, b"security."),
];

/// Splits an attribute name in the number of its namespace and the rest.
pub(crate) fn split_xattr_name(name: &[u8]) -> Option<(u8, &[u8])> {
    let (index, rest) = XATTR_PREFIXES
        .iter()
        .find_map(|(index, prefix)| Some((*index, name.strip_prefix(*prefix)?)))?;
    let whole = index == 2 || index == 3;
    (whole == rest.is_empty() && rest.len() <= NAME_MAX && !rest.contains(&0))
        .then_some((index, rest))
}

/// The name prefix of a namespace number.
pub(crate) fn xattr_prefix(index: u8) -> Option<&'static [u8]> {
    XATTR_PREFIXES
        .iter()
        .find(|(known, _)| *known == index)
        .map(|(_, prefix)| *prefix)
}

/// Size of an attribute entry, header and padding included.
pub(crate) fn xattr_entry_size(name_length: usize, value_length: usize) -> u64 {
    ((XATTR_ENTRY_SIZE + name_length + value_length) as u64).next_multiple_of(4)
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array_at(bytes, at))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

/// The N bytes at `at`. What lies beyond the end reads as zero, so that no length can panic;
/// callers have checked the lengths that matter.
fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    if let Some(found) = at.checked_add(N).and_then(|end| bytes.get(at..end)) {
        out.copy_from_slice(found);
    }
    out
}

fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    bytes[at..at + N].copy_from_slice(&value);
}

/// The fields of the superblock that this crate writes or reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Superblock {
    pub(crate) checksum: u32,
    pub(crate) feature_compat: u32,
    pub(crate) block_bits: u8,
    pub(crate) root_nid: u16,
    pub(crate) inodes: u64,
    pub(crate) build_time: i64,
    pub(crate) build_nanoseconds: u32,
    pub(crate) blocks: u32,
    pub(crate) meta_block: u32,
    pub(crate) xattr_block: u32,
    pub(crate) uuid: [u8; 16],
    pub(crate) feature_incompat: u32,
    pub(crate) extra_devices: u16,
    /// Place of the device table, in slots of 128 bytes from the start of the image.
    pub(crate) device_slot: u16,
    /// Directory blocks are 2^this larger than blocks; always 0.
    pub(crate) dir_block_bits: u8,
}

impl Superblock {
    pub(crate) fn encode(&self) -> [u8; SUPER_SIZE] {
        let mut out = [0; SUPER_SIZE];
        put(&mut out, 0, MAGIC.to_le_bytes());
        put(&mut out, 4, self.checksum.to_le_bytes());
        put(&mut out, 8, self.feature_compat.to_le_bytes());
        put(&mut out, 12, [self.block_bits]);
        put(&mut out, 14, self.root_nid.to_le_bytes());
        put(&mut out, 16, self.inodes.to_le_bytes());
        put(&mut out, 24, self.build_time.to_le_bytes());
        put(&mut out, 32, self.build_nanoseconds.to_le_bytes());
        put(&mut out, 36, self.blocks.to_le_bytes());
        put(&mut out, 40, self.meta_block.to_le_bytes());
        put(&mut out, 44, self.xattr_block.to_le_bytes());
        put(&mut out, 48, self.uuid);
        put(&mut out, 80, self.feature_incompat.to_le_bytes());
        put(&mut out, 86, self.extra_devices.to_le_bytes());
        put(&mut out, 88, self.device_slot.to_le_bytes());
        put(&mut out, 90, [self.dir_block_bits]);
        out
    }

    pub(crate) fn decode(bytes: &[u8; SUPER_SIZE]) -> Self {
        Self {
            checksum: u32_at(bytes, 4),
            feature_compat: u32_at(bytes, 8),
            block_bits: bytes[12],
            root_nid: u16_at(bytes, 14),
            inodes: u64_at(bytes, 16),
            build_time: i64::from_le_bytes(array_at(bytes, 24)),
            build_nanoseconds: u32_at(bytes, 32),
            blocks: u32_at(bytes, 36),
            meta_block: u32_at(bytes, 40),
            xattr_block: u32_at(bytes, 44),
            uuid: array_at(bytes, 48),
            feature_incompat: u32_at(bytes, 80),
            extra_devices: u16_at(bytes, 86),
            device_slot: u16_at(bytes, 88),
            dir_block_bits: bytes[90],
        }
    }
}

/// Where the bytes that the superblock's checksum covers end: with the first block that holds it.
pub(crate) fn checksum_end(block_bits: u8) -> u64 {
    let block = 1u64 << block_bits;
    if block > SUPER_OFFSET {
        block
    } else {
        SUPER_OFFSET + block
    }
}

/// The checksum over `bytes`, which start at the superblock; the field itself counts as zero.
///
/// Linux keeps the CRC-32C register as it is at the end, without the final inversion.
pub(crate) fn superblock_checksum(bytes: &[u8]) -> u32 {
    let field = 4..8;
    let before = crc32c::crc32c(bytes.get(..field.start).unwrap_or_default());
    let zeroed = crc32c::crc32c_append(before, &[0; 4]);
    !crc32c::crc32c_append(zeroed, bytes.get(field.end..).unwrap_or_default())
}

/// A 64-byte inode, or what a 32-byte one says in the same terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RawInode {
    pub(crate) extended: bool,
    pub(crate) layout: u16,
    /// 0, or 1 more than the attributes' size less their 12-byte header, in words of 4 bytes.
    pub(crate) xattr_count: u16,
    pub(crate) mode: u16,
    pub(crate) size: u64,
    /// Block address, device number or chunk format.
    pub(crate) union: u32,
    pub(crate) ino: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mtime: Timestamp,
    pub(crate) nlink: u32,
}

impl RawInode {
    /// The extended form.
    pub(crate) fn encode(&self) -> [u8; EXTENDED_SIZE] {
        let mut out = [0; EXTENDED_SIZE];
        put(&mut out, 0, (1 | self.layout << 1).to_le_bytes());
        put(&mut out, 2, self.xattr_count.to_le_bytes());
        put(&mut out, 4, self.mode.to_le_bytes());
        put(&mut out, 8, self.size.to_le_bytes());
        put(&mut out, 16, self.union.to_le_bytes());
        put(&mut out, 20, self.ino.to_le_bytes());
        put(&mut out, 24, self.uid.to_le_bytes());
        put(&mut out, 28, self.gid.to_le_bytes());
        put(&mut out, 32, self.mtime.seconds.to_le_bytes());
        put(&mut out, 40, self.mtime.nanoseconds.to_le_bytes());
        put(&mut out, 44, self.nlink.to_le_bytes());
        out
    }

    /// Either form. `epoch` is the superblock's build time, which a compact inode counts from.
    ///
    /// `None` for bits of the format that this crate does not know, or when `bytes` is too short.
    pub(crate) fn decode(bytes: &[u8], epoch: Timestamp) -> Option<Self> {
        let format = u16_at(bytes, 0);
        let extended = format & 1 != 0;
        let size = if extended {
            EXTENDED_SIZE
        } else {
            COMPACT_SIZE
        };
        if format >> 4 != 0 || bytes.len() < size {
            return None;
        }
        let common = Self {
            extended,
            layout: format >> 1,
            xattr_count: u16_at(bytes, 2),
            mode: u16_at(bytes, 4),
            union: u32_at(bytes, 16),
            ino: u32_at(bytes, 20),
            ..Self::default()
        };
        Some(if extended {
            Self {
                size: u64_at(bytes, 8),
                uid: u32_at(bytes, 24),
                gid: u32_at(bytes, 28),
                mtime: Timestamp {
                    seconds: i64::from_le_bytes(array_at(bytes, 32)),
                    nanoseconds: u32_at(bytes, 40),
                },
                nlink: u32_at(bytes, 44),
                ..common
            }
        } else {
            Self {
                size: u64::from(u32_at(bytes, 8)),
                uid: u32::from(u16_at(bytes, 24)),
                gid: u32::from(u16_at(bytes, 26)),
                mtime: Timestamp {
                    // Zero in images older than Linux 6.15, where all inodes have the build time.
                    seconds: epoch.seconds.saturating_add(i64::from(u32_at(bytes, 12))),
                    nanoseconds: epoch.nanoseconds,
                },
                nlink: u32::from(u16_at(bytes, 6)),
                ..common
            }
        })
    }
}

#[cfg(test)]
mod tests;
