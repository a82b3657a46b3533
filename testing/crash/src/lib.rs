//! Every crash point and every failing call of the program, enumerated.
//!
//! [`trace`] runs the program under `strace` and keeps all that it writes below a folder, by any library and any
//! thread. [`disk`] says what of this a disk would have kept had the power failed after any of these calls:
//! what was not synced may be lost, torn or be there in part. [`root`] reads what a store's root holds.
//!
//! What is assumed of the file system is what POSIX promises and nothing more, with two exceptions that hold for
//! ext4, XFS and btrfs: a rename is never there by half, and a sector of 512 bytes is written wholly or not at all.
#![forbid(unsafe_code)]
#![cfg(target_os = "linux")]

pub mod disk;
pub mod root;
pub mod trace;
