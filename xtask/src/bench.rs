//! `cargo xtask bench`: the engine on a large layer of real files, against what the same bytes cost without it; and
//! containerd over it, against containerd's own snapshotter.

use anyhow::Result;

use crate::command::{command, run as run_command};
use crate::{clients, corpus};

/// Fetches the corpus if it is not there and runs the engine's benchmarks on it.
pub(crate) fn run() -> Result<()> {
    let layer = corpus::layer()?;
    run_command(
        command("cargo bench --package transom-sealed --bench import --")
            .arg(&layer.tar)
            .arg(&layer.gzip),
    )?;
    run_command(
        command("cargo bench --package transom-sealed --bench writable --").arg(&layer.tar),
    )?;
    let Some(clients) = clients::fetch() else {
        return Ok(());
    };
    run_command(
        command("cargo bench --package transom-clients --bench unpack --")
            .arg(corpus::layer_of_small_files()?.gzip)
            .env(clients::VARIABLE, clients),
    )
}
