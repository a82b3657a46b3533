//! Real programs that use Transom.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

mod archive;
mod docker;
mod graphdriver;
mod process;
mod suite;
mod transom;
