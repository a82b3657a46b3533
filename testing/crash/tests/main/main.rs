//! Crashes and failing calls, enumerated.
#![cfg(target_os = "linux")]
#![expect(
    clippy::print_stdout,
    reason = "tests say what they counted, and what is missing"
)]

mod failing_calls;
mod full_disk;
mod kills;
mod outcome;
mod replay;
mod scenario;
