//! Windows file metadata as bytes: what a container layer knows about a file beside its content.
//!
//! Everything here is pure: bytes in, values out, no files and no clock. The bytes come from hostile places,
//! so every parser checks before it reads, never panics, and allocates no more than a small multiple of the
//! bytes it was given.
//!
//! | module | what | specification |
//! |---|---|---|
//! | [`filetime`] | times, and their text in PAX headers | MS-DTYP 2.3.3, Go archive/tar |
//! | [`attributes`] | the FILE_ATTRIBUTE_* bits | MS-FSCC 2.6 |
//! | [`name`], [`upcase`] | which names are equal, which cannot exist | MS-FSCC 2.1.5, `$UpCase` |
//! | [`reparse`] | reparse buffers, symbolic links, mount points | MS-FSCC 2.1.2 |
//! | [`ea`] | extended attributes | MS-FSCC 2.4.16 |
//! | [`backup_stream`] | the streams of BackupRead and BackupWrite, sparse files | MS-BKUP |
//! | [`security`] | security descriptors, ACLs, SIDs | MS-DTYP 2.4 |
//! | [`sddl`] | security descriptors as text | MS-DTYP 2.5.1 |
//! | [`inherit`] | what a new file gets from its folder's descriptor | MS-DTYP 2.5.3.4 |
//! | [`hive`] | an empty registry hive | regf 1.3 |
//!
//! Metadata is kept as the bytes Windows gave: the views borrow and explain them, they do not rebuild them.

#![forbid(unsafe_code)]

pub mod attributes;
pub mod backup_stream;
pub mod ea;
pub mod filetime;
pub mod hive;
pub mod inherit;
pub mod name;
pub mod reparse;
pub mod sddl;
pub mod security;
pub mod upcase;

#[cfg(test)]
mod fixtures;
