//! Crashes and failing calls, enumerated.
#![cfg(target_os = "linux")]

mod replay;
mod scenario;
