//! The program `transom`, built with the tests that record it; with `snapshot` as its third word it does instead what
//! the server does for containerd. Empty where it cannot be recorded.
#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
mod snapshot;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--root", root, "snapshot", ref words @ ..] => snapshot::run(root.as_ref(), words),
        _ => transom::run(),
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {}
