//! What programs see in a mount.
#![cfg(target_os = "linux")]

mod attributes;
mod hostile;
mod lookups;
mod ntfs;
mod sessions;
mod support;
mod whole;
