//! `cargo xtask test`: all that CI runs, in one command.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use anyhow::{Result, bail};

use crate::command::{command, run_and_read};
use crate::wine::Wine;
use crate::{clients, generate, lint, root, system};

/// How many random cases the tests of round trips try; fewer when they are run alone, thousands in a night.
const CASES: &str = "TRANSOM_CASES";
const CASES_HERE: &str = "200";

/// Runs tests, doc tests, the fuzz targets on damaged seeds, lints, and the check of generated files.
///
/// Everything runs even if something before it failed; the last line counts tests.
pub(crate) fn run() -> Result<()> {
    system::install_packages();
    system::install_windows_target();
    system::install_tools_in_ci();
    let cases = std::env::var(CASES).unwrap_or_else(|_| CASES_HERE.to_owned());
    let mut report = Report::default();
    // Tests with real clients are among the others; without these they say that they are skipped.
    let clients = clients::fetch().map(|folder| (clients::VARIABLE, folder));
    if system::has_cargo("nextest") {
        let mut nextest = command("cargo nextest run --workspace --no-fail-fast --profile ci");
        report.tests(nextest.env(CASES, &cases).envs(clients))?;
        report.add_words_of_nextest();
        let model = "-p transom-driver --features model --test model --no-fail-fast --profile ci";
        report.tests(&mut command(&format!("cargo nextest run {model}")))?;
        report.add_words_of_nextest();
        report.tests(&mut command("cargo test --workspace --doc --no-fail-fast"))?;
    } else {
        let mut tests = command("cargo test --workspace --no-fail-fast -- --show-output");
        report.tests(tests.env(CASES, &cases).envs(clients))?;
    }
    report.as_windows_programs();
    report.step("lint", lint::run_all());
    report.step("generate --check", generate::run(generate::Mode::Check));
    report.finish()
}

/// What was counted and what failed.
#[derive(Debug, Default)]
pub(crate) struct Report {
    passed: u64,
    failed: u64,
    /// Lines in which tests said that they could not test something, and how many did.
    skipped: BTreeMap<String, u64>,
    /// Lines in which tests said how much they tried.
    counted: BTreeSet<String>,
    broken: Vec<String>,
}

impl Report {
    /// Runs a test command and counts what its summary lines say.
    ///
    /// # Errors
    /// If it cannot be started; tests that fail are counted.
    pub(crate) fn tests(&mut self, runner: &mut Command) -> Result<()> {
        // Colours would be in the way of reading the numbers.
        let (status, lines) = run_and_read(runner.env("CARGO_TERM_COLOR", "never"))?;
        let failed_before = self.failed;
        for line in &lines {
            self.add_line(line);
        }
        if !status.success() && self.failed == failed_before {
            let words: Vec<_> = runner
                .get_args()
                .map(|word| word.to_string_lossy())
                .collect();
            self.broken.push(format!("cargo {}", words.join(" ")));
        }
        Ok(())
    }

    fn as_windows_programs(&mut self) {
        let mut here = Report::default();
        let result = Wine::start().and_then(|wine| match wine {
            Some(wine) => here.tests(&mut wine.tests(&[])?),
            None => Ok(()),
        });
        self.step("wine", result);
        self.passed += here.passed;
        self.failed += here.failed;
        self.broken.extend(here.broken);
        // What is there on Linux may be out of reach for a Windows program.
        for (line, count) in here.skipped {
            *self.skipped.entry(format!("{line} (in Wine)")).or_default() += count;
        }
    }

    fn add_line(&mut self, line: &str) {
        if line.trim_start().starts_with("skipped: ") {
            *self.skipped.entry(line.trim().to_owned()).or_default() += 1;
        }
        if line.trim_start().starts_with("counted: ") {
            self.counted.insert(line.trim().to_owned());
        }
        // nextest repeats the output of a failed test further to the right, with a line of the first kind in it.
        let is_summary =
            line.starts_with("test result:") || line.trim_start().starts_with("Summary [");
        if !is_summary {
            return;
        }
        let words: Vec<&str> = line
            .split([' ', ',', ';', '('])
            .filter(|word| !word.is_empty())
            .collect();
        for pair in words.windows(2) {
            let Ok(number) = pair[0].parse::<u64>() else {
                continue;
            };
            match pair[1] {
                "passed" => self.passed += number,
                // The last two are nextest's words for tests that hung or could not be started.
                "failed" | "timed" | "exec" => self.failed += number,
                _ => {}
            }
        }
    }

    /// The runner shows the output of failed tests only; what the others said is in its report, which lies in this
    /// folder wherever cargo builds.
    pub(crate) fn add_words_of_nextest(&mut self) {
        let report = root().join("target/nextest/ci/junit.xml");
        let report = fs::read_to_string(report).unwrap_or_default();
        for line in report.lines() {
            for word in ["skipped: ", "counted: "] {
                if let Some(at) = line.find(word) {
                    self.add_line(&line[at..]);
                }
            }
        }
    }

    fn step(&mut self, name: &str, result: Result<()>) {
        if let Err(error) = result {
            println!("{name}: {error:#}");
            self.broken.push(name.to_owned());
        }
    }

    /// Prints what was counted and skipped, what failed and how many tests there were.
    ///
    /// # Errors
    /// If anything failed.
    pub(crate) fn finish(self) -> Result<()> {
        println!();
        for line in &self.counted {
            println!("{line}");
        }
        for (line, count) in &self.skipped {
            println!(
                "{line}{}",
                if *count > 1 {
                    format!(" ({count} tests)")
                } else {
                    String::new()
                }
            );
        }
        for step in &self.broken {
            println!("failed: {step}");
        }
        println!("{} passed, {} failed", self.passed, self.failed);
        if self.failed > 0 || !self.broken.is_empty() {
            bail!("not everything is in order");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(lines: &[&str]) -> (u64, u64) {
        let mut report = Report::default();
        lines.iter().for_each(|line| report.add_line(line));
        (report.passed, report.failed)
    }

    #[test]
    fn numbers_are_those_of_the_runners_summaries() {
        let ok = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        let bad = "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(counted(&[ok, bad, "5 passed"]), (15, 2));
        let nextest = "     Summary [   0.512s] 40 tests run: 37 passed (1 slow), 2 failed, 1 timed out, 3 skipped";
        let repeated = "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured";
        assert_eq!(counted(&[repeated, nextest, repeated]), (37, 3));
    }

    #[test]
    fn what_tests_skip_is_kept() {
        let mut report = Report::default();
        for line in [
            "skipped: needs root",
            "skipped: needs root",
            "test x ... ok",
        ] {
            report.add_line(line);
        }
        assert_eq!(
            report.skipped,
            BTreeMap::from([("skipped: needs root".to_owned(), 2)])
        );
    }
}
