//! `transom serve`: a process that container engines call.

mod containerd;
mod log;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use transom_driver::Driver;
use transom_graphdriver::Plugin;
use transom_layer::Names;
use transom_sealed::{SealedEngine, Store};

use self::socket::Socket;
use crate::args::{Global, Serve};

/// How long calls that run when the process is told to stop may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// Folder in the store of what the graph driver remembers.
const GRAPHDRIVER: &str = "graphdriver";

pub(super) fn run(global: &Global, args: &Serve) -> Result<()> {
    log::start(args.log_format, args.log_level);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let served = runtime.block_on(serve(global, args));
    // A thread that waits for a client that does not go on is left behind; what it holds goes with the process.
    runtime.shutdown_background();
    served
}

async fn serve(global: &Global, args: &Serve) -> Result<()> {
    // Before anything is there to be stopped.
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for signals")?;
    let (stop, stopped) = watch::channel(());
    let mut servers = JoinSet::new();
    if let Some(path) = &args.containerd {
        let socket = Socket::listen(path)?;
        tracing::info!(socket = %path.display(), "serving containerd");
        let stop = until_stopped(stopped.clone());
        let server = containerd::server(global, args)?;
        servers.spawn(async move {
            let (listener, socket) = socket.split();
            let served = server.run(listener, stop).await;
            drop(socket);
            served
        });
    }
    if let Some(path) = &args.graphdriver {
        let plugin = Arc::new(graphdriver(global)?);
        let socket = Socket::listen(path)?;
        tracing::info!(socket = %path.display(), "serving Docker's graph-driver plugin");
        let stop = until_stopped(stopped.clone());
        servers.spawn(async move {
            let (listener, socket) = socket.split();
            let served = transom_graphdriver::serve(plugin, listener, stop).await;
            drop(socket);
            served.context("cannot serve the graph driver")
        });
    }
    tokio::select! {
        _ = terminate.recv() => tracing::info!("told to terminate"),
        _ = interrupt.recv() => tracing::info!("interrupted"),
        // A server ends by itself only if it fails.
        Some(ended) = servers.join_next() => return ended?,
    }
    drop(stop);
    let all = async {
        while let Some(ended) = servers.join_next().await {
            ended??;
        }
        Ok(())
    };
    match tokio::time::timeout(GRACE, all).await {
        Ok(result) => result,
        Err(_) => {
            tracing::warn!(
                "calls still ran {} seconds later; they are cut off",
                GRACE.as_secs()
            );
            servers.shutdown().await;
            Ok(())
        }
    }
}

async fn until_stopped(mut stopped: watch::Receiver<()>) {
    // The sender says nothing, it only goes.
    let _ = stopped.changed().await;
}

/// Opens the store as Docker's layers see it: on a Linux engine all images are Linux images to it, and names are
/// those of their tars.
fn graphdriver(global: &Global) -> Result<Plugin<SealedEngine>> {
    let root = super::root(global)?;
    let store = Store::open(&root)
        .with_context(|| format!("cannot open the store at {}", root.display()))?;
    let driver = Driver::open(SealedEngine::new(store, Names::Posix))?;
    Ok(Plugin::open(driver, &root.join(GRAPHDRIVER))?)
}
