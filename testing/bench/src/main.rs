//! Measures Transom beside other programs and beside the machine's limits, all in one run.
//!
//! ```text
//! scene ─► groups ─► rounds ─► figures ─┬─► report: README.md, results.csv
//!  corpus   turns     (taking   times,  └─► curves: curves.csv, *.svg
//!  peers              turns)    memory
//! ```
//!
//! `cargo xtask bench` brings the corpus and the peers, builds both programs and runs this one. Whatever is measured is a
//! process of its own ([`measure`]), so that time and peak memory mean the same for all; the machine's limits are
//! processes of this program ([`limits`]).
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "this program talks to a person")]
#![cfg_attr(
    target_os = "linux",
    expect(clippy::print_stderr, reason = "and says how far it is")
)]

#[cfg(target_os = "linux")]
mod counts;
#[cfg(target_os = "linux")]
mod curves;
#[cfg(target_os = "linux")]
mod figures;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod groups;
#[cfg(target_os = "linux")]
mod image;
#[cfg(target_os = "linux")]
mod layers;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod peers;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod rounds;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod scene;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["run", rest @ ..] => run::run(rest),
        ["limit", rest @ ..] => limits::run(rest),
        ["codec", name] => counts::codec(name),
        ["counts", rest @ ..] => counts::run(rest),
        _ => Err(anyhow::anyhow!(
            "call `cargo xtask bench`, which calls this"
        )),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("transom-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    println!("skipped: the other programs and the mounts need Linux");
    ExitCode::SUCCESS
}
