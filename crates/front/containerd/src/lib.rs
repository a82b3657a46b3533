//! containerd's snapshotter and differ over a Transom store. A front end: it translates, and knows nothing of layers
//! that the store does not tell it.
//!
//! ```text
//!  containerd ──► Snapshots ──► snapshots of the store ──► mounts: bind, of what the store has mounted
//!             ──► Diff.Apply ◄── content ── containerd       layers go straight into the store
//!             ──► Diff.Diff  ──► content ─► containerd
//! ```
//!
//! * [`routes`] makes the two gRPC services of a store; whoever calls serves them on a socket.
//! * [`Options`] says what the mounts are like and where containerd is.
//!
//! A snapshot that containerd unpacks a layer into is never mounted: its mount is of the type `transom`, which nobody
//! but the differ takes. All others are mounted by the store and given to clients as `bind` mounts, which every
//! containerd can do. A snapshot of a Windows image shows its `C:\`.
#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
mod content;
#[cfg(target_os = "linux")]
mod diff;
#[cfg(target_os = "linux")]
mod filter;
#[cfg(target_os = "linux")]
mod log;
#[cfg(target_os = "linux")]
mod mounts;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
pub mod proto;
#[cfg(target_os = "linux")]
mod services;
#[cfg(target_os = "linux")]
mod snapshots;
#[cfg(target_os = "linux")]
mod status;

#[cfg(target_os = "linux")]
pub use diff::TakenIn;
#[cfg(target_os = "linux")]
pub use filter::{Filter, FilterError};
#[cfg(target_os = "linux")]
pub use options::{MountKind, Options};
#[cfg(target_os = "linux")]
pub use services::routes;
