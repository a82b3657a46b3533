//! The snapshotter and differ of containerd.

use std::future::Future;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::middleware::from_fn_with_state;
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::Server;
use transom_containerd::{MountKind, Options, routes};
use transom_sealed::Store;

use super::metrics::{Metrics, observe};
use super::settings::Settings;
use crate::args::serve::Mounts;

/// A store ready to be served.
pub(super) struct ContainerdServer {
    store: Arc<Store>,
    options: Options,
}

/// Opens the store as the settings say.
pub(super) fn server(settings: &Settings) -> Result<ContainerdServer> {
    let root = &settings.root.value;
    let store = super::open_for_containerd(root, settings.limits())?;
    let options = Options {
        containerd: settings.containerd_address.value.clone(),
        mounts: match settings.mounts.value {
            Mounts::Bind => MountKind::Bind,
            Mounts::WindowsLayer => MountKind::WindowsLayer,
        },
        unpack_by_mount: settings.unpack_by_mount.value,
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
        metrics: Option<Arc<Metrics>>,
        stop: impl Future<Output = ()>,
    ) -> Result<()> {
        let mut services = routes(Arc::clone(&self.store), self.options);
        if let Some(metrics) = metrics {
            let counted = from_fn_with_state(metrics, observe);
            services = services.into_axum_router().layer(counted).into();
        }
        Server::builder()
            .add_routes(services)
            .serve_with_incoming_shutdown(UnixListenerStream::new(listener), stop)
            .await
            .context("cannot serve containerd")?;
        Ok(self.store.answers_were_heard()?)
    }
}
