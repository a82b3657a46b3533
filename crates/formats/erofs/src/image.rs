//! Opening an image: superblock, features, device table.

use crate::attributes::{FileKind, Timestamp};
use crate::error::{OpenError, ReadError};
use crate::extents::Extents;
use crate::format::{
    COMPAT_CHECKSUM, DEVICE_SLOT_SIZE, DEVICE_TAG_SIZE, INCOMPAT_CHUNKED_FILE,
    INCOMPAT_DEVICE_TABLE, INCOMPAT_NAMES, INCOMPAT_ZERO_PADDING, MAGIC, SUPER_OFFSET, SUPER_SIZE,
    Superblock, checksum_end, superblock_checksum, u32_at,
};
use crate::inode::{Inode, Nid};
use crate::read_at::{ReadAt, read_up_to};
use crate::read_dir::{Dirent, ReadDir};
use crate::walk::Walk;

/// Longest symlink target that is read, in bytes; Linux follows at most 4,095.
const SYMLINK_MAX: u64 = 65_536;

/// An extra device, as the device table describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// What identifies the device: the writer's tag, up to the first NUL.
    pub tag: Vec<u8>,
    /// Size in blocks of [`Image::block_size`] bytes, or 0 if the image does not tell.
    pub blocks: u32,
    /// First block in the flat address space of all devices, or 0 if it has no place there.
    pub(crate) mapped_block: u32,
}

/// An EROFS image that is read with small positioned reads.
///
/// The image keeps no cache and no position: it can be shared by threads.
#[derive(Debug)]
pub struct Image<R: ReadAt> {
    pub(crate) source: R,
    pub(crate) superblock: Superblock,
    /// Size of the source in bytes when it was opened; nothing beyond is read.
    pub(crate) length: u64,
    devices: Vec<Device>,
}

impl<R: ReadAt> Image<R> {
    /// Opens an image: checks magic number, checksum (if the image has one) and features.
    ///
    /// # Errors
    ///
    /// [`OpenError::Feature`] for compression, fragments, long attribute prefixes, 48-bit addresses
    /// and what this crate does not know; otherwise the rule that the superblock breaks.
    pub fn open(source: R) -> Result<Self, OpenError> {
        let length = source.len()?;
        let mut bytes = [0; SUPER_SIZE];
        read_part(&source, &mut bytes, SUPER_OFFSET, "superblock", length)?;
        let magic = u32_at(&bytes, 0);
        if magic != MAGIC {
            return Err(OpenError::Magic { found: magic });
        }
        let superblock = Superblock::decode(&bytes);
        if !(9..=16).contains(&superblock.block_bits) {
            return Err(OpenError::BlockSize {
                found: superblock.block_bits,
            });
        }
        check_features(&superblock)?;
        if superblock.feature_compat & COMPAT_CHECKSUM != 0 {
            let end = checksum_end(superblock.block_bits);
            let mut covered = vec![0; (end - SUPER_OFFSET) as usize];
            read_part(&source, &mut covered, SUPER_OFFSET, "superblock", length)?;
            let expected = superblock_checksum(&covered);
            let found = superblock.checksum;
            if expected != found {
                return Err(OpenError::Checksum { expected, found });
            }
        }
        let devices = read_devices(&source, &superblock, length)?;
        Ok(Self {
            source,
            superblock,
            length,
            devices,
        })
    }

    /// Returns the extra devices; [`DeviceId::index`](crate::DeviceId::index) leads here.
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// Returns the number of inodes that the superblock states.
    pub fn inode_count(&self) -> u64 {
        self.superblock.inodes
    }

    /// Returns what the image is read from; a [`Location::Image`](crate::Location::Image) leads there.
    pub fn source(&self) -> &R {
        &self.source
    }

    /// Returns the identity of the file system.
    pub fn uuid(&self) -> [u8; 16] {
        self.superblock.uuid
    }

    /// Returns when the image was made.
    pub fn build_time(&self) -> Timestamp {
        Timestamp {
            seconds: self.superblock.build_time,
            nanoseconds: self.superblock.build_nanoseconds,
        }
    }

    /// Returns the block size in bytes.
    pub fn block_size(&self) -> u64 {
        1 << self.superblock.block_bits
    }

    /// Reads the root directory's inode.
    ///
    /// # Errors
    ///
    /// Those of [`inode`](Self::inode); [`ReadError::WrongKind`] if it is not a directory.
    pub fn root(&self) -> Result<Inode, ReadError> {
        let root = self.inode(Nid(u64::from(self.superblock.root_nid)))?;
        root.expect_kind(FileKind::Directory, "directory")?;
        Ok(root)
    }

    /// Reads an inode.
    ///
    /// # Errors
    ///
    /// [`ReadError::BeyondEnd`] for a number that is not in the image, [`ReadError::Corrupt`] or
    /// [`ReadError::Unsupported`] when what is there makes no sense to this reader.
    pub fn inode(&self, nid: Nid) -> Result<Inode, ReadError> {
        Inode::read(self, nid)
    }

    /// Lists a directory in the order of the image (ascending bytes), without `.` and `..`.
    ///
    /// # Errors
    ///
    /// [`ReadError::WrongKind`] if it is not a directory, [`ReadError::BeyondEnd`] if its blocks
    /// are not in the image.
    pub fn read_dir(&self, directory: &Inode) -> Result<ReadDir<'_, R>, ReadError> {
        ReadDir::new(self, directory)
    }

    /// Finds an entry of a directory by its exact bytes: a binary search over its blocks.
    ///
    /// # Errors
    ///
    /// Those of [`read_dir`](Self::read_dir), and [`ReadError::Corrupt`] for a broken block on the way.
    pub fn lookup(&self, directory: &Inode, name: &[u8]) -> Result<Option<Dirent>, ReadError> {
        crate::read_dir::lookup(self, directory, name)
    }

    /// Reads all extended attributes of an inode, with whole names, in the order of the image.
    ///
    /// At most 16 MiB are returned for one inode: 255 shared values and a quarter MiB of its own.
    ///
    /// # Errors
    ///
    /// [`ReadError::Corrupt`] or [`ReadError::BeyondEnd`] for attributes that are not well-formed.
    #[expect(clippy::type_complexity, reason = "a list of names and values")]
    pub fn xattrs(&self, inode: &Inode) -> Result<Vec<(Vec<u8>, Vec<u8>)>, ReadError> {
        crate::xattrs::read_all(self, inode)
    }

    /// Reads one extended attribute by its whole name; `None` if the inode has it not.
    ///
    /// # Errors
    ///
    /// Those of [`xattrs`](Self::xattrs).
    pub fn xattr(&self, inode: &Inode, name: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        crate::xattrs::read_one(self, inode, name)
    }

    /// Reads where a symbolic link points to.
    ///
    /// # Errors
    ///
    /// [`ReadError::WrongKind`] if it is not a symlink, [`ReadError::Corrupt`] if its target
    /// exceeds 64 KiB, [`ReadError::BeyondEnd`] if it is not in the image.
    pub fn symlink_target(&self, symlink: &Inode) -> Result<Vec<u8>, ReadError> {
        symlink.expect_kind(FileKind::Symlink, "symbolic link")?;
        if symlink.size > SYMLINK_MAX {
            return Err(symlink.corrupt("symlink size", symlink.size));
        }
        let flat = symlink.flat(self)?;
        let mut target = vec![0; symlink.size as usize];
        let (head, tail) = target.split_at_mut(flat.head_length as usize);
        self.read_exact(head, flat.head_start, symlink.nid, "symlink target")?;
        self.read_exact(tail, flat.tail_start, symlink.nid, "symlink target")?;
        Ok(target)
    }

    /// Yields where the data of a regular file lies, hole or data, from its start to its size.
    ///
    /// Neighbours that follow each other on one device are one run. A run was checked to lie on
    /// its device, if the table tells the device's size, or in the image.
    ///
    /// # Errors
    ///
    /// [`ReadError::WrongKind`] if it is not a regular file, [`ReadError::BeyondEnd`] if its index
    /// or data is not in the image.
    pub fn extents(&self, file: &Inode) -> Result<Extents<'_, R>, ReadError> {
        Extents::new(self, file)
    }

    /// Walks the whole tree from the root, at most `max_depth` levels deep (1: the root's entries).
    ///
    /// A directory that is reached twice, a deeper one, or more entries than an image of this size
    /// can have, are errors: the walk ends on any image.
    ///
    /// # Errors
    ///
    /// Those of [`root`](Self::root).
    pub fn walk(&self, max_depth: usize) -> Result<Walk<'_, R>, ReadError> {
        Walk::new(self, max_depth)
    }

    /// Fills `buf` from the image.
    pub(crate) fn read_exact(
        &self,
        buf: &mut [u8],
        offset: u64,
        nid: Nid,
        what: &'static str,
    ) -> Result<(), ReadError> {
        self.check_range(offset, buf.len() as u64, nid, what)?;
        if read_up_to(&self.source, buf, offset)? < buf.len() {
            // The source has become shorter since it was opened.
            return Err(self.beyond_end(what, nid, offset));
        }
        Ok(())
    }

    /// Checks that a range lies in the image, before anything is allocated for it.
    pub(crate) fn check_range(
        &self,
        offset: u64,
        length: u64,
        nid: Nid,
        what: &'static str,
    ) -> Result<(), ReadError> {
        match offset.checked_add(length) {
            Some(end) if end <= self.length => Ok(()),
            _ => Err(self.beyond_end(what, nid, offset)),
        }
    }

    fn beyond_end(&self, what: &'static str, nid: Nid, offset: u64) -> ReadError {
        ReadError::BeyondEnd {
            what,
            nid: nid.0,
            offset,
            length: self.length,
        }
    }
}

fn read_part(
    source: &impl ReadAt,
    buf: &mut [u8],
    offset: u64,
    what: &'static str,
    length: u64,
) -> Result<(), OpenError> {
    let expected = offset + buf.len() as u64;
    if expected > length || read_up_to(source, buf, offset)? < buf.len() {
        return Err(OpenError::TooShort {
            what,
            expected,
            found: length,
        });
    }
    Ok(())
}

fn check_features(superblock: &Superblock) -> Result<(), OpenError> {
    let known = INCOMPAT_ZERO_PADDING | INCOMPAT_CHUNKED_FILE | INCOMPAT_DEVICE_TABLE;
    let unknown = superblock.feature_incompat & !known;
    if unknown != 0 {
        let bit = unknown.trailing_zeros() as usize;
        let name = match INCOMPAT_NAMES.get(bit) {
            Some(name) => (*name).to_owned(),
            None => format!("the unknown feature {:#x}", 1u64 << bit),
        };
        return Err(OpenError::Feature { name });
    }
    if superblock.dir_block_bits != 0 {
        return Err(OpenError::Feature {
            name: "directory blocks of their own size".to_owned(),
        });
    }
    Ok(())
}

fn read_devices(
    source: &impl ReadAt,
    superblock: &Superblock,
    length: u64,
) -> Result<Vec<Device>, OpenError> {
    if superblock.feature_incompat & INCOMPAT_DEVICE_TABLE == 0 {
        return Ok(Vec::new());
    }
    let offset = u64::from(superblock.device_slot) * DEVICE_SLOT_SIZE as u64;
    let size = usize::from(superblock.extra_devices) * DEVICE_SLOT_SIZE;
    let expected = offset + size as u64;
    if expected > length {
        return Err(OpenError::TooShort {
            what: "device table",
            expected,
            found: length,
        });
    }
    let mut table = vec![0; size];
    read_part(source, &mut table, offset, "device table", length)?;
    let device = |slot: &[u8]| Device {
        tag: slot
            .iter()
            .take(DEVICE_TAG_SIZE)
            .take_while(|byte| **byte != 0)
            .copied()
            .collect(),
        blocks: u32_at(slot, 64),
        mapped_block: u32_at(slot, 68),
    };
    Ok(table.chunks_exact(DEVICE_SLOT_SIZE).map(device).collect())
}
