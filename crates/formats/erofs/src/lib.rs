//! EROFS images used as an *index*: the tree and its metadata are in the image, the data of files
//! lies on extra devices (for a layer: in its tar), at offsets that are multiples of 512 bytes.
//!
//! ```text
//!   Builder ──directory/file/symlink/special──▶ nodes ──link──▶ tree ──write──▶ image bytes
//!   Image::open ──root──▶ Inode ──read_dir/lookup──▶ Dirent ──inode──▶ Inode ──extents──▶ Run
//! ```
//!
//! The writer makes one kind of image (512-byte blocks, extended inodes, chunk indexes) that Linux
//! 6.4 and later mounts; equal calls give equal bytes. The reader takes those and what `mkfs.erofs`
//! makes without compression. It reads with small positioned reads, loads nothing as a whole, and
//! treats every byte as hostile: a damaged image gives errors or wrong values, never a panic, an
//! endless loop or unbounded memory.
//!
//! What this crate does not do: compression, reading file data (a [`Run`] says where it lies),
//! following symbolic links, folding names.
//!
//! The bytes are described in `docs/formats/erofs.md`; their origin is Linux `fs/erofs/erofs_fs.h`.
//!
//! ```
//! use transom_erofs::{Attributes, Builder, FileData, Image, Location, Options};
//!
//! let options = Options { uuid: [7; 16], build_time: 0 };
//! let mut builder = Builder::new(options, Attributes::default());
//! let tar = builder.add_device("layer.tar", 1 << 20)?;
//! let sd = builder.xattr(b"user.MSWINDOWS.rawsd", b"AQAA")?;
//! let attributes = Attributes { mode: 0o644, xattrs: vec![sd], ..Attributes::default() };
//! let data = FileData::Contiguous { size: 700, device: tar, offset: 512 };
//! let file = builder.file(attributes, data)?;
//! builder.link(builder.root(), b"hosts", file)?;
//! let mut bytes = Vec::new();
//! builder.write(&mut bytes)?;
//!
//! let image = Image::open(bytes)?;
//! let entry = image.lookup(&image.root()?, b"hosts")?.expect("linked above");
//! let run = image.extents(&image.inode(entry.nid)?)?.next().expect("not empty")?;
//! assert_eq!((run.logical, run.length), (0, 700));
//! assert!(matches!(run.location, Location::Device { offset: 512, .. }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod attributes;
mod builder;
mod content;
mod dirents;
mod emit;
mod error;
mod extents;
mod format;
mod image;
mod inode;
mod layout;
mod node;
mod pairs;
mod read_at;
mod read_dir;
mod walk;
mod xattrs;

pub use attributes::{Attributes, DeviceNumber, FileKind, SpecialKind, Timestamp};
pub use builder::{Builder, Options, Summary};
pub use content::{Extent, FileData, Source};
pub use error::{OpenError, ReadError, WriteError};
pub use extents::{Extents, Location, Run};
pub use image::{Device, Image};
pub use inode::{Inode, Nid};
pub use node::{DeviceId, NodeId, XattrId};
pub use read_at::ReadAt;
pub use read_dir::{Dirent, ReadDir};
pub use walk::{Walk, WalkEntry};

#[cfg(test)]
mod tests;
