//! Crashes and failing calls, enumerated.
#![cfg(target_os = "linux")]

mod failing_calls;
mod kills;
mod replay;
mod scenario;
