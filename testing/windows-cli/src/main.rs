//! The program `transom` over files that Wine can keep; everything else is the real one's. Empty where there is no
//! Windows.

#[cfg(windows)]
fn main() -> std::process::ExitCode {
    transom::run::<transom_standin::PlainFiles>()
}

#[cfg(not(windows))]
fn main() {}
