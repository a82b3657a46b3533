//! `cargo xtask fuzz`: the targets of `testing/fuzz`, by libFuzzer.
//!
//! The stable compiler is enough: the marks by which libFuzzer sees what an input reaches are put in by LLVM itself,
//! which takes flags for it. Only what AddressSanitizer would find needs nightly, and the targets have no unsafe code.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::command::{command, run as run_command, run_and_read};
use crate::{root, target};

const FOLDER: &str = "testing/fuzz";
const DEFAULT_SECONDS: u32 = 60;
/// The system that is built for, named so that build scripts and macros are left as they are.
const SYSTEM: &str = "x86_64-unknown-linux-gnu";
/// Marks for libFuzzer (LLVM, SanitizerCoverage), and the checks that a release leaves out.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Clink-dead-code --cfg fuzzing \
    -Cdebug-assertions -Coverflow-checks -Ccodegen-units=1";
/// Seconds that one input may take, and MiB that the process may: both are part of what the parsers promise.
const LIMITS: [&str; 2] = ["-timeout=10", "-rss_limit_mb=200"];

/// Runs one target or all, each for the time that the arguments say.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let (wanted, seconds) = parse(arguments)?;
    let targets = targets()?;
    if let Some(wanted) = wanted {
        ensure!(
            targets.iter().any(|target| target == wanted),
            "there is no target {wanted}; there are {}",
            targets.join(", ")
        );
    }
    let programs = build()?;
    targets
        .iter()
        .filter(|target| wanted.is_none_or(|wanted| target.as_str() == wanted))
        .try_for_each(|target| run_target(&programs, target, seconds))
}

fn parse<'a>(arguments: &[&'a str]) -> Result<(Option<&'a str>, u32)> {
    let (mut target, mut seconds) = (None, DEFAULT_SECONDS);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            unit @ ("--seconds" | "--minutes") => {
                let number = rest
                    .next()
                    .with_context(|| format!("{unit} needs a number"))?;
                let number: u32 = number
                    .parse()
                    .with_context(|| format!("{number:?} is no number"))?;
                seconds = match unit {
                    "--minutes" => number.saturating_mul(60),
                    _ => number,
                };
            }
            name if target.is_none() && !name.starts_with('-') => target = Some(name),
            other => bail!("unknown argument {other}"),
        }
    }
    Ok((target, seconds))
}

/// The names of all targets, which are those of their files.
fn targets() -> Result<Vec<String>> {
    let folder = root().join(FOLDER).join("fuzz_targets");
    let mut names = Vec::new();
    for entry in folder.read_dir().context("cannot list the targets")? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        names.push(name.context("a target has no name")?.to_owned());
    }
    names.sort();
    Ok(names)
}

/// Builds all targets; returns the folder that they are in.
fn build() -> Result<PathBuf> {
    let folder = target().join("fuzz");
    let mut build =
        command("cargo build -p transom-fuzz --profile fuzz --bins --features libfuzzer");
    build
        .args(["--target", SYSTEM, "--target-dir"])
        .arg(&folder)
        .env("RUSTFLAGS", FLAGS);
    run_command(&mut build)?;
    Ok(folder.join(SYSTEM).join("fuzz"))
}

fn run_target(programs: &Path, name: &str, seconds: u32) -> Result<()> {
    // New inputs go into the first folder, the committed seeds in the second stay as they are.
    let found = target().join("fuzz/corpus").join(name);
    let failures = target().join("fuzz/artifacts").join(name);
    for folder in [&found, &failures] {
        std::fs::create_dir_all(folder)?;
    }
    let mut fuzz = Command::new(programs.join(name));
    fuzz.current_dir(root())
        .arg(&found)
        .arg(root().join(FOLDER).join("seeds").join(name))
        .args(LIMITS)
        .args(["-print_final_stats=1", "-verbosity=0"])
        .arg(format!("-artifact_prefix={}/", failures.display()))
        .arg(format!("-max_total_time={seconds}"));
    let (status, lines) = run_and_read(&mut fuzz)?;
    ensure!(
        status.success(),
        "{name} has found an input that breaks a promise; it is in {}",
        failures.display()
    );
    println!("{}", summary(name, &lines)?);
    Ok(())
}

/// Says in one line what libFuzzer has counted.
fn summary(name: &str, lines: &[String]) -> Result<String> {
    let count = |key: &str| {
        let found = lines.iter().find_map(|line| {
            let rest = line.strip_prefix("stat::")?.strip_prefix(key)?;
            rest.strip_prefix(':').map(str::trim)
        });
        found.with_context(|| format!("{name} did not count its {key}"))
    };
    Ok(format!(
        "{name}: {} executions, {} a second, slowest {} s, {} MiB at most",
        count("number_of_executed_units")?,
        count("average_exec_per_sec")?,
        count("slowest_unit_time_sec")?,
        count("peak_rss_mb")?
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_and_time_are_both_optional() {
        assert_eq!(parse(&[]).unwrap(), (None, 60));
        assert_eq!(parse(&["tar"]).unwrap(), (Some("tar"), 60));
        assert_eq!(parse(&["--seconds", "5", "tar"]).unwrap(), (Some("tar"), 5));
        assert_eq!(parse(&["--minutes", "5"]).unwrap(), (None, 300));
        assert!(parse(&["--seconds"]).is_err());
        assert!(parse(&["tar", "ea"]).is_err());
        assert!(parse(&["--jobs"]).is_err());
    }

    #[test]
    fn what_was_counted_is_told_in_a_line() {
        let lines = [
            "Done 7 runs in 1 second(s)",
            "stat::number_of_executed_units: 7",
            "stat::average_exec_per_sec:     6",
            "stat::slowest_unit_time_sec:    0",
            "stat::peak_rss_mb:              50",
        ]
        .map(str::to_owned);
        let told = "ea: 7 executions, 6 a second, slowest 0 s, 50 MiB at most";
        assert_eq!(summary("ea", &lines).unwrap(), told);
        assert!(summary("ea", &lines[..3]).is_err());
    }
}
