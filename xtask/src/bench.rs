//! `cargo xtask bench`: the engine on a large layer of real files, against what the same bytes cost without it.

use anyhow::Result;

use crate::command::{command, run as run_command};
use crate::corpus;

/// Fetches the corpus if it is not there and runs the engine's benchmarks on it.
pub(crate) fn run() -> Result<()> {
    let layer = corpus::layer()?;
    run_command(
        command("cargo bench --package transom-sealed --bench import --")
            .arg(&layer.tar)
            .arg(&layer.gzip),
    )?;
    run_command(command("cargo bench --package transom-sealed --bench writable --").arg(&layer.tar))
}
