//! The snapshotter and differ of containerd.

use std::future::Future;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::Server;
use transom_containerd::{MountKind, Options, routes};
use transom_sealed::Store;

use crate::args::{Global, Mounts, Serve};

/// A store ready to be served.
pub(super) struct ContainerdServer {
    store: Arc<Store>,
    options: Options,
}

/// Opens the store as the arguments say.
pub(super) fn server(global: &Global, args: &Serve) -> Result<ContainerdServer> {
    let root = crate::commands::root(global)?;
    let store = Store::open(&root)
        .with_context(|| format!("cannot open the store at {}", root.display()))?;
    let brought_back = store.bring_back_active_snapshots()?;
    if brought_back > 0 {
        tracing::warn!(
            brought_back,
            "the process before died; snapshots whose commit containerd may not know of are active again"
        );
    }
    let options = Options {
        containerd: args.containerd_address.clone(),
        mounts: match args.mounts {
            Mounts::Bind => MountKind::Bind,
            Mounts::WindowsLayer => MountKind::WindowsLayer,
        },
        unpack_by_mount: args.unpack_by_mount,
    };
    Ok(ContainerdServer {
        store: Arc::new(store),
        options,
    })
}

impl ContainerdServer {
    /// Serves until `stop` ends; calls that run then are waited for.
    pub(super) async fn run(
        self,
        listener: UnixListener,
        stop: impl Future<Output = ()>,
    ) -> Result<()> {
        Server::builder()
            .add_routes(routes(Arc::clone(&self.store), self.options))
            .serve_with_incoming_shutdown(UnixListenerStream::new(listener), stop)
            .await
            .context("cannot serve containerd")?;
        Ok(self.store.answers_were_heard()?)
    }
}
