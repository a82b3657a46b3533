//! Errors: one type for building and writing, one for opening an image, one for reading from it.

use std::io;

use crate::node::NodeId;

/// Why a tree cannot be built or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A device tag does not fit its 64 bytes.
    #[error("device tag has {found} bytes, at most 64 fit")]
    TagTooLong {
        /// Length in bytes.
        found: usize,
    },
    /// The device table is full.
    #[error("more than 65,535 devices")]
    TooManyDevices,
    /// A device has more blocks than the 32-bit count in its slot can say.
    #[error("device of {size} bytes: at most 2^32 - 1 blocks can be addressed")]
    DeviceTooLarge {
        /// Size in bytes.
        size: u64,
    },
    /// An attribute name is not in a namespace that EROFS knows, is empty or too long, or holds a NUL.
    #[error("extended attribute name {name:?} cannot be stored")]
    XattrName {
        /// The name, with bytes that are not UTF-8 replaced.
        name: String,
    },
    /// An attribute value is longer than 65,535 bytes.
    #[error("extended attribute {name:?}: value has {found} bytes, at most 65,535 fit")]
    XattrValueTooLong {
        /// The name, with bytes that are not UTF-8 replaced.
        name: String,
        /// Length in bytes.
        found: usize,
    },
    /// The distinct attributes of a tree exceed what can be addressed.
    #[error("extended attributes of more than 4 GiB in all")]
    TooManyXattrs,
    /// The attributes stored with one inode exceed 262,148 bytes.
    #[error("extended attributes of {node:?} take {found} bytes, at most 262,148 fit")]
    XattrsTooLarge {
        /// The node.
        node: NodeId,
        /// Bytes they would take.
        found: u64,
    },
    /// A node has two attributes of one name.
    #[error("extended attribute {name:?} is given twice")]
    DuplicateXattr {
        /// The name, with bytes that are not UTF-8 replaced.
        name: String,
    },
    /// The permission bits are above 0o7777.
    #[error("mode {found:#o}: at most 0o7777")]
    Mode {
        /// The value given.
        found: u16,
    },
    /// The nanoseconds of a time are a second or more.
    #[error("{found} nanoseconds: at most 999,999,999")]
    Nanoseconds {
        /// The value given.
        found: u32,
    },
    /// A device file's number does not fit 12 bits (major) and 20 bits (minor).
    #[error("device number {major}:{minor} cannot be stored")]
    DeviceNumber {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A symlink's target is empty, longer than 4,095 bytes, or holds a NUL.
    #[error("symlink target of {found} bytes is empty, holds a NUL, or exceeds 4,095 bytes")]
    SymlinkTarget {
        /// Length in bytes.
        found: usize,
    },
    /// An extent names a device that was not added.
    #[error("extent at {logical}: there is no device {device}")]
    UnknownDevice {
        /// Byte in the file where the extent starts.
        logical: u64,
        /// Number of the device.
        device: u16,
    },
    /// A start or an inner end of an extent is not a multiple of the block size.
    #[error("extent at {logical}: {what} {found} is not a multiple of {block}")]
    Unaligned {
        /// Byte in the file where the extent starts.
        logical: u64,
        /// Which number.
        what: &'static str,
        /// Its value in bytes.
        found: u64,
        /// Block size in bytes.
        block: u64,
    },
    /// An extent starts before the end of the one before.
    #[error("extent at {logical} overlaps or precedes the extent that ends at {end}")]
    ExtentOrder {
        /// Byte in the file where the extent starts.
        logical: u64,
        /// End of the extent before, in bytes.
        end: u64,
    },
    /// An extent ends after the end of its file or its device.
    #[error("extent at {logical} ends at {end}, its {what} at {size}")]
    ExtentBeyondEnd {
        /// Byte in the file where the extent starts.
        logical: u64,
        /// "file" or "device".
        what: &'static str,
        /// Its end there, in bytes.
        end: u64,
        /// Size of that file or device in bytes.
        size: u64,
    },
    /// The bytes of an extent are not as many as its length says.
    #[error("extent at {logical}: length is {length}, but {found} bytes are given")]
    ExtentBytes {
        /// Byte in the file where the extent starts.
        logical: u64,
        /// Length it says, in bytes.
        length: u64,
        /// Bytes given.
        found: usize,
    },
    /// A file is larger than 2^63 - 1 bytes.
    #[error("file of {size} bytes: at most 2^63 - 1")]
    FileTooLarge {
        /// Size in bytes.
        size: u64,
    },
    /// A file is cut in so many pieces that its index would exceed 2^24 entries.
    #[error("file needs {chunks} chunk indexes, at most 16,777,216 are written")]
    TooManyChunks {
        /// Indexes it needs.
        chunks: u64,
    },
    /// A name is empty, longer than 255 bytes, `.` or `..`, or holds a slash or a NUL.
    #[error("{name:?} cannot be the name of a directory entry")]
    Name {
        /// The name, with bytes that are not UTF-8 replaced.
        name: String,
    },
    /// The directory has an entry of that name.
    #[error("the directory has an entry {name:?} already")]
    Exists {
        /// The name, with bytes that are not UTF-8 replaced.
        name: String,
    },
    /// Data was given to a node that is no regular file.
    #[error("node {} is no regular file and can have no data", .node.0)]
    NotAFile {
        /// The node.
        node: NodeId,
    },
    /// The parent is not a directory.
    #[error("{node:?} is not a directory")]
    NotADirectory {
        /// The node.
        node: NodeId,
    },
    /// A directory would get a second name.
    #[error("directory {node:?} has a name already")]
    DirectoryLinkedTwice {
        /// The node.
        node: NodeId,
    },
    /// An id was made by another builder.
    #[error("an id of {what} {id} is not of this builder")]
    ForeignId {
        /// "node" or "extended attribute".
        what: &'static str,
        /// Its number.
        id: u32,
    },
    /// More nodes, or links to one node, than 32 bits count.
    #[error("too many nodes or links")]
    TooManyNodes,
    /// The image would exceed 4 GiB.
    #[error("image of {size} bytes: at most 4 GiB are written")]
    ImageTooLarge {
        /// Bytes it would have, so far.
        size: u64,
    },
    /// The output failed.
    #[error("cannot write the image")]
    Io(#[from] io::Error),
}

/// Why an image cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The image ends before its superblock or device table does.
    #[error("image has {found} bytes, {what} ends at {expected}")]
    TooShort {
        /// "superblock" or "device table".
        what: &'static str,
        /// Bytes needed.
        expected: u64,
        /// Bytes present.
        found: u64,
    },
    /// The magic number at byte 1,024 is not that of EROFS.
    #[error("magic number at byte 1024 is {found:#010x}, not 0xe0f5e1e2: not an EROFS image")]
    Magic {
        /// Number found.
        found: u32,
    },
    /// The superblock's CRC-32C does not match.
    #[error("superblock checksum is {found:#010x}, computed {expected:#010x}")]
    Checksum {
        /// Computed from the bytes.
        expected: u32,
        /// Stored.
        found: u32,
    },
    /// The block size is not 512 bytes to 64 KiB.
    #[error("block size of 2^{found} bytes is not supported")]
    BlockSize {
        /// Its logarithm.
        found: u8,
    },
    /// The image needs a feature that this reader has not.
    #[error("image uses {name}, which is not supported")]
    Feature {
        /// Name of the feature.
        name: String,
    },
    /// The source failed.
    #[error("cannot read the image")]
    Io(#[from] io::Error),
}

/// Why something cannot be read from an opened image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// What the image says lies beyond its end.
    #[error("{what} of inode {nid} at byte {offset} ends beyond the image ({length} bytes)")]
    BeyondEnd {
        /// What was to be read.
        what: &'static str,
        /// The inode.
        nid: u64,
        /// Byte in the image where it starts.
        offset: u64,
        /// Size of the image in bytes.
        length: u64,
    },
    /// A number or a structure of an inode cannot be right.
    #[error("inode {nid}: {what} is {found}")]
    Corrupt {
        /// The inode.
        nid: u64,
        /// What is wrong.
        what: &'static str,
        /// The number found there.
        found: u64,
    },
    /// The inode uses something that this reader does not support.
    #[error("inode {nid} uses {name}, which is not supported")]
    Unsupported {
        /// The inode.
        nid: u64,
        /// What it uses.
        name: &'static str,
    },
    /// The inode is of another kind than the call needs.
    #[error("inode {nid} is not a {expected}")]
    WrongKind {
        /// The inode.
        nid: u64,
        /// What it should be.
        expected: &'static str,
    },
    /// A walk came to a directory a second time.
    #[error("directory {nid} has two names or lies in itself")]
    DirectoryTwice {
        /// The directory.
        nid: u64,
    },
    /// A walk went deeper than its limit.
    #[error("directory {nid} is deeper than {limit} levels")]
    TooDeep {
        /// The directory.
        nid: u64,
        /// The limit given.
        limit: usize,
    },
    /// A walk saw more entries than an image of this size can honestly have.
    #[error("more than {limit} directory entries in an image that has no room for them")]
    TooManyEntries {
        /// The limit.
        limit: u64,
    },
    /// The source failed.
    #[error("cannot read the image")]
    Io(#[from] io::Error),
}
