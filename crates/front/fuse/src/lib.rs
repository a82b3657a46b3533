//! Serves a layer or an image read-only over FUSE: for users without root, and for kernels that cannot
//! mount an index. A front end: what is in the tree, the engine says; here it is told to Linux, with the
//! manners of NTFS.
//!
//! ```text
//!  kernel ◄─► filesystem ─┬─ nodes      what the kernel holds, counted
//!                         ├─ names      look-ups in any case, file:stream
//!                         ├─ folders    listings of open folders
//!                         ├─ stat       size, times, permission bits
//!                         ├─ links      C:\x ─► ../../x
//!                         └─ xattrs     system.ntfs_acl, …, user.STREAM
//! ```
//!
//! * Names of a Windows tree are found in any case; listings show the true one. `file:stream` opens an
//!   alternate stream; listings leave streams out.
//! * What `stat` has no place for is in extended attributes under the names that ntfs-3g gives them.
//! * Links lead where Windows would go, as long as that is in the same volume.
//! * Nothing can be written, and nothing ever changes: the kernel may keep all it has seen.
//!
//! [`mount`] starts it; the [`Session`] it returns unmounts when it is dropped.
#![forbid(unsafe_code)]

mod error;
#[cfg(target_os = "linux")]
mod filesystem;
#[cfg(target_os = "linux")]
mod folded;
#[cfg(target_os = "linux")]
mod folders;
#[cfg(target_os = "linux")]
mod links;
#[cfg(target_os = "linux")]
mod names;
#[cfg(target_os = "linux")]
mod nodes;
mod options;
#[cfg(target_os = "linux")]
mod served;
#[cfg(target_os = "linux")]
mod session;
#[cfg(target_os = "linux")]
mod stat;
#[cfg(not(target_os = "linux"))]
mod unsupported;
#[cfg(target_os = "linux")]
mod xattrs;

pub use error::FuseError;
pub use options::Options;
#[cfg(target_os = "linux")]
pub use session::{Session, mount};
pub use transom_layer::View;
#[cfg(not(target_os = "linux"))]
pub use unsupported::{Session, mount};
