//! The services of one store.

use std::sync::Arc;

use tonic::service::{Routes, RoutesBuilder};
use transom_sealed::Store;

use crate::diff::Differ;
use crate::options::Options;
use crate::proto::diff::diff_server::DiffServer;
use crate::proto::snapshots::snapshots_server::SnapshotsServer;
use crate::snapshots::Snapshotter;

/// Makes the Snapshots and the Diff service of a store.
pub fn routes(store: Arc<Store>, options: Options) -> Routes {
    let options = Arc::new(options);
    let mut routes = RoutesBuilder::default();
    routes
        .add_service(SnapshotsServer::new(Snapshotter::new(
            Arc::clone(&store),
            Arc::clone(&options),
        )))
        .add_service(DiffServer::new(Differ::new(store, options)));
    routes.routes()
}
