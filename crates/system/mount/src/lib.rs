//! Linux mounts: EROFS images, overlays over them, and scratch images that hold an overlay's changes.
//!
//! ```text
//!   index.erofs + tars ──erofs──► Detached ───────────────────────────────► attach ──► folder
//!                                    │ lower
//!   scratch image ──scratch::mount──►│ upper, work ──overlay──► Detached ──► attach ──► folders
//!                                                                                        │
//!                                                                          unmount ◄─────┘
//! ```
//!
//! * [`erofs`] and [`overlay`] make a mount that is attached nowhere: a [`Detached`]. Nobody sees it, and it
//!   goes away with the process. [`Detached::attach`] shows it, or a folder of it, somewhere.
//! * [`scratch`] makes, mounts and grows images of a fixed size.
//! * [`copy`] takes up what is attached somewhere, to show it, or a folder of it, elsewhere as well.
//! * [`table`] lists what is mounted, [`unmount`] takes away, [`can_mount`] tells whether this host can do it.
//!
//! What is mounted may come from anybody, so every mount is `nosuid,nodev` unless
//! [`allow_set_user_ids`] says otherwise, and a link in it is never followed.
//! This crate knows nothing of layers, and keeps no state: what it did is in the kernel's table. Everything
//! here needs `CAP_SYS_ADMIN`. On other systems than Linux the crate is empty.
#![cfg(target_os = "linux")]

mod argument;
mod context;
mod copy;
mod detached;
mod erofs;
mod error;
mod ioctl;
mod loop_device;
mod overlay;
mod probe;
pub mod scratch;
mod table;
mod unmount;

pub use copy::{allow_set_user_ids, copy};
pub use detached::Detached;
pub use erofs::{Via, erofs};
pub use error::{Kind, MountError};
pub use overlay::{Lower, Overlay, overlay};
pub use probe::{Why, can_mount};
pub use table::{Mounted, TableError, parse_table, table};
pub use unmount::{unmount, unmount_lazily};
