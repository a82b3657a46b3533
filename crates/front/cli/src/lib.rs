//! `transom`: Windows container layers on any OS, from the command line.
//!
//! Results go to stdout, progress and notes to stderr. The exit code is 0, 1 for a failure, 2 for a
//! wrong call. This is the only crate that prints.
//!
//! The program is [`run`]: a library, so that tests can run it over other files than NTFS's.

mod args;
mod commands;
mod output;
mod progress;
mod show;
mod target;
mod wildcard;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use args::Args;

/// Runs the program over the files that `F` reads and writes in Windows' layers.
#[cfg(windows)]
pub fn run<F: transom_windows::Folder>() -> ExitCode {
    let mut args = Args::parse();
    args.global.host = commands::windows::Host::over::<F>();
    finish(commands::run(args))
}

/// Runs the program.
#[cfg(not(windows))]
pub fn run() -> ExitCode {
    finish(commands::run(Args::parse()))
}

/// Tells how it went.
fn finish(result: anyhow::Result<ExitCode>) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

/// Prints an error with its causes; one that only repeats the line above it is left out.
fn report(error: &anyhow::Error) {
    let mut stderr = io::stderr().lock();
    let mut above = error.to_string();
    // Nothing can be done about a stderr that is gone.
    let _ = writeln!(stderr, "error: {}", show::text(above.as_bytes()));
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        if !above.ends_with(&text) {
            let _ = writeln!(stderr, "  cause: {}", show::text(text.as_bytes()));
        }
        above = text;
    }
}
