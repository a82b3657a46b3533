//! The program `transom`.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(windows)]
    return transom::run::<transom_windows::NtfsFolder>();
    #[cfg(not(windows))]
    transom::run()
}
