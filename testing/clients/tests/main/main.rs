//! Real programs that use Transom.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]
