//! The services over gRPC, on real mounts, as containerd would use them.
#![cfg(target_os = "linux")]

mod content;
mod diff;
mod metastore;
mod store;
mod suite;
mod support;
mod windows;
