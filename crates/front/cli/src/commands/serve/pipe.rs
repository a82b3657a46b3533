//! The server on Windows: containerd's snapshotter and differ at a named pipe.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_shutdown};
use tokio::sync::oneshot;
use tonic::transport::Server;
use transom_containerd::clients_of;
use transom_windows::PipeListener;

use super::settings::Settings;
use super::{GRACE, log, open_for_containerd, settings, to_the_end};
use crate::args::Global;
use crate::args::serve::{Mounts, Serve};

/// Where it listens if nobody says so.
pub(in crate::commands) const PIPE: &str = r"\\.\pipe\transom";

/// Folder in the store of the layers that snapshots have. Those of the other commands are in a folder of their own:
/// one process at a time has each.
const HOME: &str = "snapshots";

pub(in crate::commands) fn run(global: &Global, args: Serve) -> Result<()> {
    let file = settings::from_file(&args.file)?;
    let settings = Settings::of(global, args.options, file)?;
    refuse_what_is_of_linux(&settings)?;
    log::start(settings.log_format.value, settings.log_level.value);
    to_the_end(serve(global, &settings))
}

fn refuse_what_is_of_linux(settings: &Settings) -> Result<()> {
    if settings.graphdriver.value.is_some() {
        bail!("--graphdriver needs Linux: dockerd on Windows takes no such plugin");
    }
    if settings.metrics.value.is_some() {
        bail!("--metrics needs Linux");
    }
    if settings.unpack_by_mount.value {
        bail!("--unpack-by-mount needs Linux: on Windows clients mount layers themselves");
    }
    if settings.mounts.is_given() && settings.mounts.value == Mounts::Bind {
        bail!("--mounts bind needs Linux: on Windows mounts are of the kind windows-layer");
    }
    Ok(())
}

async fn serve(global: &Global, settings: &Settings) -> Result<()> {
    // Before anything is there to be stopped.
    let failed = "cannot wait for signals";
    let mut interrupt = ctrl_c().context(failed)?;
    let mut stop_key = ctrl_break().context(failed)?;
    let mut shutdown = ctrl_shutdown().context(failed)?;

    let root = std::path::absolute(&settings.root.value)
        .with_context(|| format!("cannot find {}", settings.root.value.display()))?;
    // The store first: a second server of it must not have a pipe.
    let store = Arc::new(open_for_containerd(&root, settings.limits())?);
    let routes = global.host.routes(
        Arc::clone(&store),
        root.join(HOME),
        settings.containerd_address.value.clone(),
    )?;
    let pipe = settings.containerd.value.clone();
    let pipe = pipe.unwrap_or_else(|| PathBuf::from(PIPE));
    let listener = PipeListener::listen(&pipe)
        .with_context(|| format!("cannot listen at {}", pipe.display()))?;
    tracing::info!(pipe = %pipe.display(), "serving containerd");

    let (stop, stopped) = oneshot::channel::<()>();
    let mut server = tokio::spawn(async move {
        Server::builder()
            .add_routes(routes)
            .serve_with_incoming_shutdown(clients_of(listener), async {
                // The sender says nothing, it only goes.
                let _ = stopped.await;
            })
            .await
    });
    let ended = tokio::select! {
        _ = interrupt.recv() => None,
        _ = stop_key.recv() => None,
        _ = shutdown.recv() => None,
        // A server ends by itself only if it fails.
        ended = &mut server => Some(ended),
    };
    if let Some(ended) = ended {
        return ended?.context("cannot serve containerd");
    }
    tracing::info!("told to stop");
    drop(stop);
    let why = tokio::select! {
        ended = &mut server => {
            ended?.context("cannot serve containerd")?;
            return Ok(store.answers_were_heard()?);
        }
        () = tokio::time::sleep(GRACE) => "they took too long",
        _ = interrupt.recv() => "interrupted once more",
        _ = stop_key.recv() => "told to stop once more",
    };
    tracing::warn!(why, "calls that still run are cut off");
    server.abort();
    Ok(())
}
