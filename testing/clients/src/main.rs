//! The program `transom`, built with the tests that start it. Empty where there are no such clients.
#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    transom::run()
}

#[cfg(not(target_os = "linux"))]
fn main() {}
