//! Real programs that use Transom.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

mod archive;
mod containerd;
mod docker;
mod graphdriver;
mod image_store;
mod mounts;
mod process;
mod registry;
mod snapshotter;
mod suite;
mod transom;
