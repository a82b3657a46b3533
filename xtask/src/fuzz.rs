//! `cargo xtask fuzz`: the targets of `testing/fuzz`, by cargo-fuzz.

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::command::{command, output_of, run as run_command};
use crate::{root, system, target};

const FOLDER: &str = "testing/fuzz";
const DEFAULT_SECONDS: u32 = 60;

/// Runs one target or all, for the time that the arguments say.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let (target, seconds) = parse(arguments)?;
    match target {
        Some(target) => run_target(target, seconds),
        None => run_all(seconds),
    }
}

fn parse<'a>(arguments: &[&'a str]) -> Result<(Option<&'a str>, u32)> {
    let (mut target, mut seconds) = (None, DEFAULT_SECONDS);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "--seconds" => {
                let number = rest.next().context("--seconds needs a number")?;
                seconds = number
                    .parse()
                    .with_context(|| format!("{number:?} is no number of seconds"))?;
            }
            name if target.is_none() && !name.starts_with('-') => target = Some(name),
            other => bail!("unknown argument {other}"),
        }
    }
    Ok((target, seconds))
}

/// Runs every target for `seconds`.
pub(crate) fn run_all(seconds: u32) -> Result<()> {
    let list = format!("cargo +nightly fuzz list --fuzz-dir {FOLDER}");
    let (status, targets) = output_of(&mut command(&list))?;
    ensure!(
        status.success() && !targets.trim().is_empty(),
        "{list} names no targets"
    );
    targets
        .lines()
        .try_for_each(|target| run_target(target.trim(), seconds))
}

fn run_target(name: &str, seconds: u32) -> Result<()> {
    ensure!(
        system::has_cargo("fuzz"),
        "fuzzing needs cargo-fuzz: cargo install cargo-fuzz"
    );
    ensure!(
        system::has_nightly(),
        "fuzzing needs a nightly compiler: rustup toolchain install nightly"
    );
    // New inputs go into the first folder, the committed seeds in the second stay as they are.
    let found = target().join("fuzz/corpus").join(name);
    std::fs::create_dir_all(&found)?;
    let mut fuzz = command("cargo +nightly fuzz run --features libfuzzer --fuzz-dir");
    fuzz.arg(FOLDER)
        .arg("--target-dir")
        .arg(target().join("fuzz"))
        .arg(name)
        .arg(&found);
    let seeds = root().join(FOLDER).join("seeds").join(name);
    if seeds.is_dir() {
        fuzz.arg(seeds);
    }
    // Memory is part of the contract: no input may make a parser take more than this.
    fuzz.args([
        "--",
        "-rss_limit_mb=2048",
        "-timeout=10",
        "-print_final_stats=1",
    ]);
    run_command(fuzz.arg(format!("-max_total_time={seconds}")))
}

/// Returns the command that runs the targets' functions over their seeds, which needs no fuzzer.
pub(crate) fn seeds() -> Command {
    let mut test = command("cargo test --manifest-path testing/fuzz/Cargo.toml --target-dir");
    test.arg(target());
    test
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_and_time_are_both_optional() {
        assert_eq!(parse(&[]).unwrap(), (None, 60));
        assert_eq!(parse(&["tar"]).unwrap(), (Some("tar"), 60));
        assert_eq!(parse(&["--seconds", "5", "tar"]).unwrap(), (Some("tar"), 5));
        assert!(parse(&["--seconds"]).is_err());
        assert!(parse(&["tar", "ea"]).is_err());
        assert!(parse(&["--jobs"]).is_err());
    }
}
