//! `transom serve`: a process that container engines call.

#[cfg(target_os = "linux")]
mod activation;
#[cfg(target_os = "linux")]
mod containerd;
#[cfg(target_os = "linux")]
mod linux;
mod log;
#[cfg(target_os = "linux")]
mod metrics;
#[cfg(windows)]
mod pipe;
pub(super) mod settings;
#[cfg(target_os = "linux")]
mod socket;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use transom_sealed::{Limits, Store};

#[cfg(target_os = "linux")]
pub(super) use linux::run;
#[cfg(windows)]
pub(super) use pipe::{PIPE, run};

/// How long calls that run when the process is told to stop may take to end: a layer of some gigabytes does.
/// TimeoutStopSec= in packaging/systemd is longer.
const GRACE: Duration = Duration::from_secs(60);

/// Serves until told to stop.
fn to_the_end(server: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let served = runtime.block_on(server);
    // A thread that waits for a client that does not go on is left behind; what it holds goes with the process.
    runtime.shutdown_background();
    served
}

/// Opens the store.
fn open(root: &Path, limits: Limits) -> Result<Store> {
    let mut store = Store::open(root)
        .with_context(|| format!("cannot open the store at {}", root.display()))?;
    store.set_limits(limits);
    Ok(store)
}

/// Opens the store for containerd: commits that it may not have heard of are undone.
fn open_for_containerd(root: &Path, limits: Limits) -> Result<Store> {
    let store = open(root, limits)?;
    let brought_back = store.bring_back_active_snapshots()?;
    if brought_back > 0 {
        tracing::warn!(
            brought_back,
            "the process before died; snapshots whose commit containerd may not know of are active again"
        );
    }
    Ok(store)
}
