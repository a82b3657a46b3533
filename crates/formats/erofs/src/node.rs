//! Nodes of the tree that is being built, and the ids that stand for them.
//!
//! A million nodes must fit in 250 MB, so a node is one flat record; what only some kinds need is
//! in side tables that the record points into.

use crate::attributes::{FileKind, Timestamp};

/// A node of a [`Builder`](crate::Builder); means nothing to another builder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// Returns the node's number in its builder, counted from 0 in the order they were made.
    pub fn number(self) -> u32 {
        self.0
    }
}

/// An extended attribute (name and value) of a [`Builder`](crate::Builder); means nothing to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct XattrId(pub(crate) u32);

/// An extra device of an image, counted from 1 in the order of the device table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub(crate) u16);

impl DeviceId {
    /// Returns the number on disk, counted from 1.
    pub fn number(self) -> u16 {
        self.0
    }

    /// Returns the place in the device table and in [`Image::devices`](crate::Image::devices), counted from 0.
    pub fn index(self) -> usize {
        usize::from(self.0).saturating_sub(1)
    }
}

/// One inode to be.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) mtime: Timestamp,
    /// Bytes of a regular file or of a symlink's target; 0 for the others.
    pub(crate) size: u64,
    pub(crate) body: Body,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Directory entries that name this node now, whether or not they hang under the root.
    pub(crate) links: u32,
    /// Start of the node's attributes in the builder's list.
    pub(crate) xattr_start: u32,
    pub(crate) xattr_count: u32,
    pub(crate) mode: u16,
}

/// What differs by kind; the numbers of the first four are places in the builder's side tables.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Body {
    Directory(u32),
    Symlink(u32),
    /// A file of several extents, or with bytes of its own.
    Content(u32),
    /// A file that is one run on a device, or empty.
    Contiguous {
        device: u16,
        block: u32,
    },
    Char(u32),
    Block(u32),
    Fifo,
    Socket,
}

impl Node {
    pub(crate) fn kind(&self) -> FileKind {
        match self.body {
            Body::Directory(_) => FileKind::Directory,
            Body::Symlink(_) => FileKind::Symlink,
            Body::Content(_) | Body::Contiguous { .. } => FileKind::Regular,
            Body::Char(_) => FileKind::CharDevice,
            Body::Block(_) => FileKind::BlockDevice,
            Body::Fifo => FileKind::Fifo,
            Body::Socket => FileKind::Socket,
        }
    }

    /// `st_mode`: permissions with the file type.
    pub(crate) fn full_mode(&self) -> u16 {
        self.kind().mode_bits() | self.mode
    }
}

const _: () = assert!(size_of::<Node>() <= 64);
