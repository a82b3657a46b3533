//! What implements the traits over Windows itself.
//!
//! ```text
//!   SystemHcs  ──► vmcompute.dll, virtdisk.dll   looked up at run time: a host without them still starts
//!   NtfsFolder ──► ntdll.dll                     opens relative to a root, following nothing
//!   NtfsNode   ──► kernel32.dll                  backup streams
//!   Privileges ──► advapi32.dll
//!   Job        ──► kernel32.dll                  a process that ends with this one
//!   PipeListener ► kernel32.dll                  a named pipe for administrators
//! ```
//!
//! Wine runs the plumbing of this; it has neither backup streams nor reparse points nor security descriptors of its own,
//! and no Host Compute Service.
// Windows is reached through C functions, which take pointers that the compiler cannot check.
#![allow(unsafe_code)]

mod backup;
mod folder;
mod hcs;
mod host;
mod job;
mod library;
mod node;
mod nt;
mod pipe;
mod privilege;
mod restore;
mod usage;
mod volume;
mod wide;

pub use backup::NtfsBackup;
pub use folder::NtfsFolder;
pub use hcs::{AttachedDisk, ExportedEntry, LayerExport, LayerImport, SystemHcs};
pub use host::{WindowsBuild, is_elevated, volume_file_system, windows_build};
pub use job::Job;
pub use node::NtfsNode;
pub use pipe::PipeListener;
pub use privilege::{Privilege, Privileges};
pub use restore::NtfsRestore;
pub use usage::allocated;

/// Says why a test does not run here.
#[cfg(test)]
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn skip(why: impl std::fmt::Display) {
    println!("skipped: {why}");
}
