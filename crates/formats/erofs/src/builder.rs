//! The tree that is to be written, kept in memory.

use std::collections::BTreeMap;
use std::io::Write;

use crate::attributes::{Attributes, FileKind, SpecialKind};
use crate::content::{Content, FileData, check_device_run};
use crate::emit::emit;
use crate::error::WriteError;
use crate::format::{DEVICE_TAG_SIZE, NAME_MAX};
use crate::layout::Layout;
use crate::node::{Body, DeviceId, Node, NodeId, XattrId};
use crate::pairs::Pairs;

/// Longest symlink target that Linux follows: PATH_MAX less the final NUL.
const SYMLINK_MAX: usize = 4095;

/// What an image says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Identity of the file system; a caller that wants equal images gives equal ones.
    pub uuid: [u8; 16],
    /// Seconds since 1970-01-01 UTC.
    pub build_time: i64,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Size of the image in bytes, a multiple of 512.
    pub bytes: u64,
    /// Inodes in the image, the root included.
    pub inodes: u64,
    /// Pairs of attribute name and value in the shared area.
    pub shared_xattrs: u64,
}

/// A file system tree in memory, to be written as an EROFS image.
///
/// Nodes are made first and linked under a directory afterwards. A node that no path from the root
/// leads to when the tree is written is left out. Equal calls give equal bytes.
#[derive(Debug)]
pub struct Builder {
    pub(crate) options: Options,
    /// Logarithm of the block size. Only tests use another than 9, for tools that know only 4 KiB.
    pub(crate) block_bits: u32,
    pub(crate) devices: Vec<DeviceSlot>,
    device_sizes: Vec<u64>,
    pub(crate) pairs: Pairs,
    pub(crate) nodes: Vec<Node>,
    /// Attributes of all nodes; a node has a range of it.
    pub(crate) xattr_lists: Vec<XattrId>,
    pub(crate) directories: Vec<BTreeMap<Box<[u8]>, NodeId>>,
    pub(crate) symlinks: Vec<Box<[u8]>>,
    pub(crate) contents: Vec<Content>,
}

/// What the device table says of a device.
#[derive(Debug)]
pub(crate) struct DeviceSlot {
    pub(crate) tag: [u8; DEVICE_TAG_SIZE],
    pub(crate) blocks: u32,
}

impl Builder {
    /// Starts a tree that has only a root directory.
    ///
    /// The root has no extended attributes yet, since none can be made before the builder:
    /// `root.xattrs` is not looked at. Mode and time are cut to their ranges. Use
    /// [`set_attributes`](Self::set_attributes) for the rest.
    pub fn new(options: Options, root: Attributes) -> Self {
        let mut mtime = root.mtime;
        mtime.nanoseconds = mtime.nanoseconds.min(999_999_999);
        let root = Node {
            mtime,
            size: 0,
            body: Body::Directory(0),
            uid: root.uid,
            gid: root.gid,
            links: 1,
            xattr_start: 0,
            xattr_count: 0,
            mode: root.mode & 0o7777,
        };
        Self {
            options,
            block_bits: 9,
            devices: Vec::new(),
            device_sizes: Vec::new(),
            pairs: Pairs::default(),
            nodes: vec![root],
            xattr_lists: Vec::new(),
            directories: vec![BTreeMap::new()],
            symlinks: Vec::new(),
            contents: Vec::new(),
        }
    }

    /// Adds an extra device of `size` bytes (rounded up to whole blocks) with a tag of at most 64 bytes.
    ///
    /// # Errors
    ///
    /// [`WriteError::TagTooLong`], [`WriteError::DeviceTooLarge`], [`WriteError::TooManyDevices`].
    pub fn add_device(&mut self, tag: &str, size: u64) -> Result<DeviceId, WriteError> {
        let mut slot = [0; DEVICE_TAG_SIZE];
        slot.get_mut(..tag.len())
            .ok_or(WriteError::TagTooLong { found: tag.len() })?
            .copy_from_slice(tag.as_bytes());
        let blocks = u32::try_from(size.div_ceil(1 << self.block_bits))
            .map_err(|_| WriteError::DeviceTooLarge { size })?;
        let number =
            u16::try_from(self.devices.len() + 1).map_err(|_| WriteError::TooManyDevices)?;
        self.devices.push(DeviceSlot { tag: slot, blocks });
        self.device_sizes.push(size);
        Ok(DeviceId(number))
    }

    /// Sets the size of a device, in bytes, once it is known (a device can be added with a size that
    /// it cannot exceed, while what it holds is still arriving).
    ///
    /// # Errors
    ///
    /// [`WriteError::DeviceTooLarge`], [`WriteError::UnknownDevice`].
    pub fn set_device_size(&mut self, device: DeviceId, size: u64) -> Result<(), WriteError> {
        let blocks = u32::try_from(size.div_ceil(1 << self.block_bits))
            .map_err(|_| WriteError::DeviceTooLarge { size })?;
        let index = device.index();
        match (
            self.devices.get_mut(index),
            self.device_sizes.get_mut(index),
        ) {
            (Some(slot), Some(known)) => {
                slot.blocks = blocks;
                *known = size;
                Ok(())
            }
            _ => Err(WriteError::UnknownDevice {
                logical: 0,
                device: device.0,
            }),
        }
    }

    /// Returns the id of an extended attribute, the same for the same name and value.
    ///
    /// `name` is whole: `user.…`, `trusted.…`, `security.…`, `system.posix_acl_access` or
    /// `system.posix_acl_default`, with at most 255 bytes after the prefix. `value` has at most
    /// 65,535 bytes.
    ///
    /// # Errors
    ///
    /// [`WriteError::XattrName`], [`WriteError::XattrValueTooLong`], [`WriteError::TooManyXattrs`].
    pub fn xattr(&mut self, name: &[u8], value: &[u8]) -> Result<XattrId, WriteError> {
        self.pairs.intern(name, value)
    }

    /// Makes an empty directory.
    ///
    /// # Errors
    ///
    /// Those of [`set_attributes`](Self::set_attributes), and [`WriteError::TooManyNodes`].
    pub fn directory(&mut self, attributes: Attributes) -> Result<NodeId, WriteError> {
        let body = Body::Directory(next_index(&self.directories)?);
        let node = self.add(attributes, 0, body)?;
        self.directories.push(BTreeMap::new());
        Ok(node)
    }

    /// Makes a symbolic link. `target` has 1 to 4,095 bytes without a NUL.
    ///
    /// # Errors
    ///
    /// [`WriteError::SymlinkTarget`], and those of [`directory`](Self::directory).
    pub fn symlink(&mut self, attributes: Attributes, target: &[u8]) -> Result<NodeId, WriteError> {
        if target.is_empty() || target.len() > SYMLINK_MAX || target.contains(&0) {
            return Err(WriteError::SymlinkTarget {
                found: target.len(),
            });
        }
        let body = Body::Symlink(next_index(&self.symlinks)?);
        let node = self.add(attributes, target.len() as u64, body)?;
        self.symlinks.push(target.into());
        Ok(node)
    }

    /// Makes a regular file.
    ///
    /// # Errors
    ///
    /// An error that names the extent, when one is not aligned, in order, inside the file and on
    /// its device; [`WriteError::FileTooLarge`], [`WriteError::TooManyChunks`], and those of
    /// [`directory`](Self::directory).
    pub fn file(&mut self, attributes: Attributes, data: FileData) -> Result<NodeId, WriteError> {
        let (size, body) = self.file_body(data)?;
        self.add(attributes, size, body)
    }

    /// Replaces the data of a regular file, for one whose data is known only after its entry.
    ///
    /// # Errors
    ///
    /// Those of [`file`](Self::file); [`WriteError::NotAFile`] if the node is no regular file.
    pub fn set_data(&mut self, node: NodeId, data: FileData) -> Result<(), WriteError> {
        if self.node(node)?.kind() != FileKind::Regular {
            return Err(WriteError::NotAFile { node });
        }
        let (size, body) = self.file_body(data)?;
        let node = &mut self.nodes[node.0 as usize];
        node.size = size;
        node.body = body;
        Ok(())
    }

    fn file_body(&mut self, data: FileData) -> Result<(u64, Body), WriteError> {
        let (FileData::Contiguous { size, .. } | FileData::Extents { size, .. }) = data;
        if i64::try_from(size).is_err() {
            return Err(WriteError::FileTooLarge { size });
        }
        let (bits, sizes) = (self.block_bits, &self.device_sizes);
        match data {
            FileData::Contiguous { device, offset, .. } if size > 0 => {
                let block = check_device_run(0, size, device, offset, sizes, bits)?;
                Ok((
                    size,
                    Body::Contiguous {
                        device: device.0,
                        block,
                    },
                ))
            }
            FileData::Contiguous { .. } => Ok((
                0,
                Body::Contiguous {
                    device: 0,
                    block: 0,
                },
            )),
            FileData::Extents { extents, .. } => {
                let content = Content::new(size, extents, sizes, bits)?;
                let body = Body::Content(next_index(&self.contents)?);
                self.contents.push(content);
                Ok((size, body))
            }
        }
    }

    /// Makes a device file, a named pipe or a socket.
    ///
    /// # Errors
    ///
    /// [`WriteError::DeviceNumber`], and those of [`directory`](Self::directory).
    pub fn special(
        &mut self,
        attributes: Attributes,
        kind: SpecialKind,
    ) -> Result<NodeId, WriteError> {
        let body = match kind {
            SpecialKind::CharDevice(number) | SpecialKind::BlockDevice(number) => {
                let raw = number.encode().ok_or(WriteError::DeviceNumber {
                    major: number.major,
                    minor: number.minor,
                })?;
                match kind {
                    SpecialKind::CharDevice(_) => Body::Char(raw),
                    _ => Body::Block(raw),
                }
            }
            SpecialKind::Fifo => Body::Fifo,
            SpecialKind::Socket => Body::Socket,
        };
        self.add(attributes, 0, body)
    }

    /// Replaces all attributes of a node, for a directory whose entry comes after its children.
    ///
    /// # Errors
    ///
    /// [`WriteError::Mode`], [`WriteError::Nanoseconds`], [`WriteError::DuplicateXattr`],
    /// [`WriteError::ForeignId`].
    pub fn set_attributes(
        &mut self,
        node: NodeId,
        attributes: Attributes,
    ) -> Result<(), WriteError> {
        self.node(node)?;
        let (xattr_start, xattr_count) = self.check_attributes(&attributes)?;
        let node = &mut self.nodes[node.0 as usize];
        node.mode = attributes.mode;
        node.uid = attributes.uid;
        node.gid = attributes.gid;
        node.mtime = attributes.mtime;
        node.xattr_start = xattr_start;
        node.xattr_count = xattr_count;
        Ok(())
    }

    /// Adds one extended attribute to a node that has none of its name.
    ///
    /// # Errors
    ///
    /// Those of [`set_attributes`](Self::set_attributes).
    pub fn add_xattr(&mut self, node: NodeId, xattr: XattrId) -> Result<(), WriteError> {
        let found = self.node(node)?;
        let start = found.xattr_start as usize;
        let list = start..start + found.xattr_count as usize;
        let mut attributes = Attributes {
            mode: found.mode,
            uid: found.uid,
            gid: found.gid,
            mtime: found.mtime,
            xattrs: self.xattr_lists.get(list).unwrap_or_default().to_vec(),
        };
        attributes.xattrs.push(xattr);
        self.set_attributes(node, attributes)
    }

    /// Says whether a node has an extended attribute.
    pub fn has_xattr(&self, node: NodeId, xattr: XattrId) -> bool {
        self.node(node).is_ok_and(|found| {
            let start = found.xattr_start as usize;
            let list = self
                .xattr_lists
                .get(start..start + found.xattr_count as usize);
            list.is_some_and(|list| list.contains(&xattr))
        })
    }

    /// Puts `child` into `parent` under `name`. A second link to one node is a hard link.
    ///
    /// `name` has 1 to 255 bytes, no slash or NUL, and is not `.` or `..`.
    ///
    /// # Errors
    ///
    /// [`WriteError::Name`], [`WriteError::Exists`], [`WriteError::NotADirectory`] (of the parent),
    /// [`WriteError::DirectoryLinkedTwice`], [`WriteError::ForeignId`], [`WriteError::TooManyNodes`].
    pub fn link(&mut self, parent: NodeId, name: &[u8], child: NodeId) -> Result<(), WriteError> {
        let lossy = || String::from_utf8_lossy(name).into_owned();
        if name.is_empty()
            || name.len() > NAME_MAX
            || name == b"."
            || name == b".."
            || name.iter().any(|byte| matches!(byte, b'/' | 0))
        {
            return Err(WriteError::Name { name: lossy() });
        }
        let Body::Directory(directory) = self.node(parent)?.body else {
            return Err(WriteError::NotADirectory { node: parent });
        };
        let node = self.node(child)?;
        if node.kind() == FileKind::Directory && node.links > 0 {
            return Err(WriteError::DirectoryLinkedTwice { node: child });
        }
        let links = node.links.checked_add(1).ok_or(WriteError::TooManyNodes)?;
        let entries = &mut self.directories[directory as usize];
        if entries.contains_key(name) {
            return Err(WriteError::Exists { name: lossy() });
        }
        entries.insert(name.into(), child);
        self.nodes[child.0 as usize].links = links;
        Ok(())
    }

    /// Takes the entry `name` out of `parent` and returns what it named, or `None` if there is none.
    ///
    /// The node stays usable: it can be linked again, and if nothing names it in the end it is not
    /// written, nor is what lies below it.
    pub fn unlink(&mut self, parent: NodeId, name: &[u8]) -> Option<NodeId> {
        let Body::Directory(directory) = self.node(parent).ok()?.body else {
            return None;
        };
        let child = self.directories[directory as usize].remove(name)?;
        let links = &mut self.nodes[child.0 as usize].links;
        *links = links.saturating_sub(1);
        Some(child)
    }

    /// Returns what `name` in `parent` names, or `None` if there is no such entry or directory.
    pub fn lookup(&self, parent: NodeId, name: &[u8]) -> Option<NodeId> {
        self.entries(parent)?.get(name).copied()
    }

    /// Yields name and node of each entry of a directory, sorted by bytes; nothing for another kind.
    pub fn children(&self, parent: NodeId) -> impl Iterator<Item = (&[u8], NodeId)> {
        self.entries(parent)
            .into_iter()
            .flatten()
            .map(|(name, node)| (&**name, *node))
    }

    /// Returns the kind of a node, or `None` for an id of another builder.
    pub fn kind(&self, node: NodeId) -> Option<FileKind> {
        self.node(node).ok().map(Node::kind)
    }

    /// Returns the root directory.
    pub fn root(&self) -> NodeId {
        NodeId(0)
    }

    /// Returns the number of nodes made, with the root and with those that are not linked.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// Writes the image: computes the place of everything, then streams it out in order.
    ///
    /// # Errors
    ///
    /// [`WriteError::ImageTooLarge`] and [`WriteError::XattrsTooLarge`] before the first byte is
    /// written, [`WriteError::Io`] when the output fails.
    pub fn write(mut self, out: &mut impl Write) -> Result<Summary, WriteError> {
        let layout = Layout::compute(&mut self)?;
        emit(&self, &layout, out)?;
        Ok(Summary {
            bytes: layout.image_bytes,
            inodes: layout.order.len() as u64,
            shared_xattrs: layout.shared.len() as u64,
        })
    }

    fn add(&mut self, attributes: Attributes, size: u64, body: Body) -> Result<NodeId, WriteError> {
        let (xattr_start, xattr_count) = self.check_attributes(&attributes)?;
        let id = NodeId(next_index(&self.nodes)?);
        self.nodes.push(Node {
            mtime: attributes.mtime,
            size,
            body,
            uid: attributes.uid,
            gid: attributes.gid,
            links: 0,
            xattr_start,
            xattr_count,
            mode: attributes.mode,
        });
        Ok(id)
    }

    /// Checks attributes and keeps their xattrs; returns start and length of the list.
    fn check_attributes(&mut self, attributes: &Attributes) -> Result<(u32, u32), WriteError> {
        if attributes.mode > 0o7777 {
            return Err(WriteError::Mode {
                found: attributes.mode,
            });
        }
        if attributes.mtime.nanoseconds > 999_999_999 {
            return Err(WriteError::Nanoseconds {
                found: attributes.mtime.nanoseconds,
            });
        }
        let xattrs = &attributes.xattrs;
        if let Some(foreign) = xattrs.iter().find(|id| !self.pairs.contains(**id)) {
            return Err(WriteError::ForeignId {
                what: "extended attribute",
                id: foreign.0,
            });
        }
        if let Some(id) = self.pairs.first_name_twice(xattrs) {
            return Err(WriteError::DuplicateXattr {
                name: self.pairs.lossy_name(id),
            });
        }
        // Tars have long rows of entries with equal attributes: let them share one list.
        let previous = self
            .nodes
            .last()
            .map(|node| (node.xattr_start, node.xattr_count));
        if let Some(range) = previous
            && self.xattr_list(range.0, range.1) == xattrs
        {
            return Ok(range);
        }
        let start = u32::try_from(self.xattr_lists.len()).map_err(|_| WriteError::TooManyXattrs)?;
        let count = u32::try_from(xattrs.len()).map_err(|_| WriteError::TooManyXattrs)?;
        self.xattr_lists.extend_from_slice(xattrs);
        Ok((start, count))
    }

    fn xattr_list(&self, start: u32, count: u32) -> &[XattrId] {
        let start = start as usize;
        self.xattr_lists
            .get(start..start.saturating_add(count as usize))
            .unwrap_or_default()
    }

    /// The attributes of a node.
    pub(crate) fn xattrs_of(&self, node: &Node) -> &[XattrId] {
        self.xattr_list(node.xattr_start, node.xattr_count)
    }

    fn node(&self, id: NodeId) -> Result<&Node, WriteError> {
        self.nodes.get(id.0 as usize).ok_or(WriteError::ForeignId {
            what: "node",
            id: id.0,
        })
    }

    fn entries(&self, directory: NodeId) -> Option<&BTreeMap<Box<[u8]>, NodeId>> {
        match self.node(directory).ok()?.body {
            Body::Directory(index) => self.directories.get(index as usize),
            _ => None,
        }
    }
}

fn next_index<T>(table: &[T]) -> Result<u32, WriteError> {
    u32::try_from(table.len()).map_err(|_| WriteError::TooManyNodes)
}

#[cfg(test)]
mod tests;
