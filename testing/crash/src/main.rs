//! The program `transom`, built with the tests that record it. Empty where it cannot be recorded.
#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    transom::run()
}

#[cfg(not(target_os = "linux"))]
fn main() {}
