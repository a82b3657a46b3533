//! containerd's snapshotter and differ over a Transom store. A front end: it translates, and knows nothing of layers
//! that the store does not tell it.
//!
//! ```text
//!  containerd ──► Snapshots ──► snapshots of the store ──► mounts
//!             ──► Diff.Apply ◄── content ── containerd       layers go straight into the store
//!             ──► Diff.Diff  ──► content ─► containerd
//! ```
//!
//! * `routes` (Linux) makes the two gRPC services of a store that mounts its snapshots itself; `Options` says what the
//!   mounts are like and where containerd is. Whoever calls serves them on a socket.
//! * [`routes_over`] makes them of a store whose snapshots are layers of an engine, as on Windows. `clients_of` (Windows)
//!   takes clients at a named pipe.
//!
//! A snapshot that containerd unpacks a layer into is never mounted: its mount is of the type `transom`, which nobody
//! but the differ takes. All others are mounted by the store and given to clients as `bind` mounts, which every
//! containerd can do. A snapshot of a Windows image shows its `C:\`. Over an engine nothing is mounted: mounts are of the
//! type `windows-layer` and name layer folders, which clients on Windows mount.
#![forbid(unsafe_code)]

mod content;
mod diff;
mod files;
mod filter;
mod log;
mod mounts;
#[cfg(target_os = "linux")]
mod options;
#[cfg(windows)]
mod pipe;
pub mod proto;
mod services;
mod snapshots;
mod status;

pub use diff::TakenIn;
pub use filter::{Filter, FilterError};
#[cfg(target_os = "linux")]
pub use options::{MountKind, Options};
#[cfg(windows)]
pub use pipe::{PipeClient, clients_of};
#[cfg(target_os = "linux")]
pub use services::routes;
pub use services::routes_over;
