//! What the engine promises, seen from outside.

mod concurrency;
mod differences;
mod hostile;
mod import;
mod maintenance;
mod model;
#[cfg(target_os = "linux")]
mod ntfs;
mod reading;
mod recovery;
mod sparse;
mod stacking;
mod support;
#[cfg(target_os = "linux")]
mod writable;
