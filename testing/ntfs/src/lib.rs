//! A witness that shares no code with the project: real NTFS volumes, made by mkntfs, filled and read by ntfs-3g.
//!
//! ```text
//!  objects ──fill──▶ NTFS on a plain file ──read──▶ objects ──differences──▶ nothing, if all is well
//! ```
//!
//! * [`Volume::holding`] makes a volume, copies [`Object`]s to it, and mounts it again, read-only.
//! * [`read`] gives the objects below a folder back: of such a volume, or of any other mount that shows the
//!   `system.ntfs_*` attributes.
//! * [`differences`] compares both byte for byte.
//!
//! It needs root, `/dev/fuse` and the Debian package ntfs-3g; [`missing`] says what of that is not there.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

mod attributes;
mod ea;
mod fill;
mod mount;
mod object;
mod read;
mod record;
mod volume;

pub use object::{Object, differences};
pub use read::{StreamNames, read};
pub use volume::{Volume, missing};
