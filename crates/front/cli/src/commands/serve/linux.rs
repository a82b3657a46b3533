//! The server on Linux: at sockets, for containerd and for Docker.

use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::middleware::from_fn_with_state;
use clap::CommandFactory as _;
use clap::error::ErrorKind;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use transom_driver::Driver;
use transom_graphdriver::Plugin;
use transom_layer::Names;
use transom_sealed::SealedEngine;

use super::activation::{self, Inherited, State, notify};
use super::metrics::{self, Metrics};
use super::settings::{self, Settings};
use super::socket::Socket;
use super::{GRACE, containerd, log, open, to_the_end};
use crate::args::serve::Serve;
use crate::args::{Args, Global};

/// Folder in the store of what the graph driver remembers.
const GRAPHDRIVER: &str = "graphdriver";

pub(in crate::commands) fn run(global: &Global, args: Serve) -> Result<()> {
    let file = settings::from_file(&args.file)?;
    let settings = Settings::of(global, args.options, file)?;
    // Before there are threads: it changes the environment.
    let inherited = activation::inherited()?;
    let is_served = settings.containerd.value.is_some()
        || settings.graphdriver.value.is_some()
        || inherited.containerd.is_some()
        || inherited.graphdriver.is_some();
    if !is_served {
        let text = "nothing to serve: give --containerd SOCKET or --graphdriver SOCKET, or put it in the configuration";
        Args::command()
            .error(ErrorKind::MissingRequiredArgument, text)
            .exit();
    }
    log::start(settings.log_format.value, settings.log_level.value);
    to_the_end(serve(&settings, inherited))
}

async fn serve(settings: &Settings, inherited: Inherited) -> Result<()> {
    // Before anything is there to be stopped.
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for signals")?;
    let (stop, stopped) = watch::channel(());
    let mut servers = JoinSet::new();
    let metrics = metrics(settings).await?;
    let containerd = socket_at(
        inherited.containerd,
        &settings.containerd.value,
        "containerd",
    )?;
    if let Some(socket) = containerd {
        let server = containerd::server(settings)?;
        let metrics = metrics.clone();
        let stop = until_stopped(stopped.clone());
        servers.spawn(async move {
            let (listener, socket) = socket.split();
            let served = server.run(listener, metrics, stop).await;
            drop(socket);
            served
        });
    }
    if inherited.graphdriver.is_some() || settings.graphdriver.value.is_some() {
        // The store first: a second server of it must not have a socket.
        let plugin = Arc::new(graphdriver(settings)?);
        let socket = socket_at(
            inherited.graphdriver,
            &settings.graphdriver.value,
            "Docker's graph-driver plugin",
        )?;
        let mut routes = transom_graphdriver::routes(plugin);
        if let Some(metrics) = metrics {
            routes = routes.layer(from_fn_with_state(metrics, metrics::observe));
        }
        let stop = until_stopped(stopped.clone());
        servers.extend(socket.map(|socket| async move {
            let (listener, socket) = socket.split();
            let served = transom_graphdriver::serve(routes, listener, stop).await;
            drop(socket);
            served.context("cannot serve the graph driver")
        }));
    }
    notify(State::Ready);
    tokio::select! {
        _ = terminate.recv() => tracing::info!("told to terminate"),
        _ = interrupt.recv() => tracing::info!("interrupted"),
        // A server ends by itself only if it fails.
        Some(ended) = servers.join_next() => return ended?,
    }
    notify(State::Stopping);
    drop(stop);
    let all = async {
        while let Some(ended) = servers.join_next().await {
            ended??;
        }
        Ok(())
    };
    let why = tokio::select! {
        result = all => return result,
        () = tokio::time::sleep(GRACE) => "they took too long",
        _ = terminate.recv() => "told to terminate once more",
        _ = interrupt.recv() => "interrupted once more",
    };
    tracing::warn!(why, "calls that still run are cut off");
    servers.shutdown().await;
    Ok(())
}

async fn until_stopped(mut stopped: watch::Receiver<()>) {
    // The sender says nothing, it only goes.
    let _ = stopped.changed().await;
}

/// The socket that the service manager made, or else one that is made here, if either was asked for.
fn socket_at(
    inherited: Option<UnixListener>,
    path: &Option<PathBuf>,
    clients: &str,
) -> Result<Option<Socket>> {
    if let Some(listener) = inherited {
        tracing::info!("serving {clients} at the socket of the service manager");
        return Socket::inherit(listener).map(Some);
    }
    let Some(path) = path else {
        return Ok(None);
    };
    let socket = Socket::listen(path)?;
    tracing::info!(socket = %path.display(), "serving {clients}");
    Ok(Some(socket))
}

/// Serves the pages of what is counted, if that was asked for.
async fn metrics(settings: &Settings) -> Result<Option<Arc<Metrics>>> {
    let Some(address) = settings.metrics.value else {
        return Ok(None);
    };
    let root = &settings.root.value;
    let metrics = Arc::new(Metrics::new(open(root, settings.limits())?, root.clone()));
    let listener = metrics::listen(address.0).await?;
    // With port 0 the system chose one.
    tracing::info!(address = %listener.local_addr()?, "serving metrics");
    tokio::spawn(metrics::serve(Arc::clone(&metrics), listener));
    Ok(Some(metrics))
}

/// Opens the store as Docker's layers see it: on a Linux engine all images are Linux images to it, and names are
/// those of their tars.
fn graphdriver(settings: &Settings) -> Result<Plugin<SealedEngine>> {
    let root = &settings.root.value;
    let store = open(root, settings.limits())?;
    let driver = Driver::open(SealedEngine::new(store, Names::Posix))?;
    Ok(Plugin::open(driver, &root.join(GRAPHDRIVER))?)
}
