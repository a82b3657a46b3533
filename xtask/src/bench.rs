//! `cargo xtask bench`: the program beside what people use today and beside the machine's limits, in one run.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::command::{command, run as run_command};
use crate::corpus::{self, Amount};
use crate::{clients, root, system, target};

/// Where the tables and plots of a full run go.
const RESULTS: &str = "docs/benchmarks";

/// What was asked for on the command line.
#[derive(Debug, Default, PartialEq, Eq)]
struct Choice<'a> {
    quick: bool,
    /// With a layer of 20 GB, which needs 40 GB of disk.
    large: bool,
    counts: bool,
    record: bool,
    /// Groups of measurements; none: all.
    groups: Vec<&'a str>,
}

impl<'a> Choice<'a> {
    fn parse(arguments: &[&'a str]) -> Result<Self> {
        let mut choice = Self::default();
        for argument in arguments {
            match *argument {
                "--quick" => choice.quick = true,
                "--large" => choice.large = true,
                "--counts" => choice.counts = true,
                "--record" => choice.record = true,
                name => {
                    ensure!(!name.starts_with('-'), "unknown argument: {name}");
                    choice.groups.push(name);
                }
            }
        }
        ensure!(
            !choice.counts || (!choice.quick && !choice.large && choice.groups.is_empty()),
            "--counts goes alone, or with --record"
        );
        ensure!(
            choice.counts || !choice.record,
            "--record goes with --counts"
        );
        Ok(choice)
    }
}

/// Measures.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let choice = Choice::parse(arguments)?;
    if choice.counts {
        return count(choice.record);
    }
    system::install_bench_packages();
    let clients = clients::fetch();
    let amount = match choice.quick {
        true => Amount::Quick,
        false => Amount::Whole,
    };
    let corpus = corpus::make(amount)?;
    run_command(&mut command(
        "cargo build --release --package transom --package transom-bench",
    ))?;
    let built = target().join("release");
    let mut bench = command(&built.join("transom-bench").display().to_string());
    bench.arg("run").arg(&corpus).arg(built.join("transom"));
    // Only a whole run is worth to be kept.
    let out = match !choice.quick && choice.groups.is_empty() {
        true => root().join(RESULTS),
        false => target().join("bench"),
    };
    bench.arg("--out").arg(out);
    if let Some(clients) = clients {
        bench.arg("--clients").arg(clients.join("trixie"));
    }
    if choice.quick {
        bench.arg("--quick");
    }
    if choice.large {
        bench.arg("--large");
    }
    run_command(bench.args(choice.groups))
}

/// Counts the instructions of the codecs, and compares them with what was recorded.
fn count(record: bool) -> Result<()> {
    system::install_bench_packages();
    run_command(&mut command(
        "cargo build --release --package transom-bench",
    ))?;
    let program = target().join("release/transom-bench");
    let mut bench = command(&program.display().to_string());
    bench
        .arg("counts")
        .arg(root().join(Path::new("testing/bench/counts.csv")));
    if record {
        bench.arg("--record");
    }
    run_command(&mut bench)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_may_be_chosen_and_counting_goes_alone() {
        let choice = Choice::parse(&["--quick", "import", "mount"]).unwrap();
        assert!(choice.quick && !choice.counts);
        assert_eq!(choice.groups, ["import", "mount"]);
        assert!(Choice::parse(&["--counts", "--record"]).unwrap().record);
        for wrong in [&["--counts", "import"][..], &["--record"], &["--fast"]] {
            assert!(Choice::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
