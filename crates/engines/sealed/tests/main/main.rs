//! What the engine promises, seen from outside.

mod concurrency;
mod differences;
#[cfg(target_os = "linux")]
mod editing;
mod fsck;
mod hostile;
mod import;
mod maintenance;
mod mending;
mod model;
#[cfg(target_os = "linux")]
mod ntfs;
#[cfg(target_os = "linux")]
mod races;
#[cfg(target_os = "linux")]
mod random;
mod reading;
mod rebuilding;
mod recovery;
#[cfg(target_os = "linux")]
mod round_trip;
mod sparse;
mod stacking;
mod support;
#[cfg(target_os = "linux")]
mod writable;
