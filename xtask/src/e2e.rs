//! `cargo xtask e2e`: the tests in which real programs use Transom.

use anyhow::{Context as _, Result};

use crate::clients;
use crate::command::command;
use crate::system;
use crate::test::Report;

/// Fetches the programs, and runs the tests.
pub(crate) fn run() -> Result<()> {
    let clients = clients::fetch().context("nothing was tested")?;
    let mut report = Report::default();
    let line = match system::has_cargo("nextest") {
        true => "cargo nextest run -p transom-clients --no-fail-fast --profile ci",
        false => "cargo test -p transom-clients --no-fail-fast -- --show-output",
    };
    report.tests(command(line).env(clients::VARIABLE, clients))?;
    report.add_words_of_nextest();
    report.finish()
}
