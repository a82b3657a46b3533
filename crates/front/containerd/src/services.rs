//! The services of one store.

use std::path::PathBuf;
use std::sync::Arc;

use tonic::service::{Routes, RoutesBuilder};
use transom_driver::{Driver, Engine};
use transom_sealed::Store;

use crate::diff::Differ;
use crate::files::{Files, Folders};
#[cfg(target_os = "linux")]
use crate::options::Options;
use crate::proto::diff::diff_server::DiffServer;
use crate::proto::snapshots::snapshots_server::SnapshotsServer;
use crate::snapshots::Snapshotter;

/// Makes the Snapshots and the Diff service of a store that mounts its snapshots itself.
#[cfg(target_os = "linux")]
pub fn routes(store: Arc<Store>, options: Options) -> Routes {
    let containerd = options.containerd.clone();
    routes_of(
        Arc::new(crate::files::Mounted { store, options }),
        containerd,
    )
}

/// Makes the Snapshots and the Diff service of a store whose snapshots are layers of an engine, for clients to mount.
///
/// `home` is the folder that the engine of `driver` has its layers in, an absolute path. It is for these snapshots
/// alone: layers in it that no snapshot needs are removed. Layers are read from and written to the content store of
/// the containerd that listens at `containerd`, a socket or a named pipe.
pub fn routes_over<E: Engine>(
    store: Arc<Store>,
    driver: Driver<E>,
    home: PathBuf,
    containerd: PathBuf,
) -> Routes {
    routes_of(Arc::new(Folders::open(store, driver, home)), containerd)
}

fn routes_of(files: Arc<dyn Files>, containerd: PathBuf) -> Routes {
    let mut routes = RoutesBuilder::default();
    routes
        .add_service(SnapshotsServer::new(Snapshotter::new(Arc::clone(&files))))
        .add_service(DiffServer::new(Differ::new(files, containerd)));
    routes.routes()
}
