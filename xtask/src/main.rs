//! The project's habits as commands: `cargo xtask <command>`.
//!
//! Each command prints the commands it runs, so that a person can run the piece alone.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program talks to a person"
)]

mod bench;
mod clients;
mod command;
mod corpus;
mod e2e;
mod fuzz;
mod generate;
mod layers;
mod lint;
mod quickstart;
mod system;
mod test;
mod wine;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

const HELP: &str = "\
usage: cargo xtask <command>

  quickstart [IMAGE]            build transom and show it on the bundled sample image, or on IMAGE
  test                          everything CI runs: tests, doc tests, format, lints, fuzz targets
  wine [CRATE]…                 the tests of all crates or some as Windows programs, run by Wine
  e2e                           the tests in which real clients (Docker) use transom
  lint                          format, clippy, direction of dependencies, licences, unused dependencies
  bench [--quick] [--large] [GROUP]…   measure transom beside other programs and the machine's limits
  bench --counts [--record]     count the instructions of the codecs; fail if they grew (or record them)
  fuzz [TARGET] [--seconds N | --minutes N]   fuzz one target or all, N each (default 60 s)
  generate [--check]            remake sample image, man pages, gRPC code …; --check: compare only
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[&str]) -> Result<()> {
    let Some((command, rest)) = arguments.split_first() else {
        print!("{HELP}");
        return Ok(());
    };
    match (*command, rest) {
        ("quickstart", []) => quickstart::run(None),
        ("quickstart", [image]) => {
            // The commands below run from the project's root.
            quickstart::run(Some(std::path::absolute(image).context("no such path")?))
        }
        ("test", []) => test::run(),
        ("wine", crates) => wine::run_alone(crates),
        ("e2e", []) => e2e::run(),
        ("lint", []) => lint::run_all(),
        ("bench", rest) => bench::run(rest),
        ("fuzz", rest) => fuzz::run(rest),
        ("generate", []) => generate::run(generate::Mode::Write),
        ("generate", ["--check"]) => generate::run(generate::Mode::Check),
        ("help" | "--help" | "-h", _) => {
            print!("{HELP}");
            Ok(())
        }
        _ => bail!(
            "unknown command or argument: {}\n\n{HELP}",
            arguments.join(" ")
        ),
    }
}

/// The project's root: the folder above this crate's.
fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map_or(manifest.clone(), PathBuf::from)
}

/// Where cargo puts what it builds; downloads are kept there, too.
fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}
