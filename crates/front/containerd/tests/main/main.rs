//! The services over gRPC, as containerd would use them: on real mounts where the store makes them (Linux), and over
//! an engine's folders on a stand-in for Windows (anywhere; under Windows through named pipes).

mod content;
#[cfg(target_os = "linux")]
mod diff;
mod folders;
mod hostile;
mod metastore;
#[cfg(target_os = "linux")]
mod mounted;
#[cfg(target_os = "linux")]
mod store;
#[cfg(target_os = "linux")]
mod suite;
mod support;
#[cfg(target_os = "linux")]
mod windows;
