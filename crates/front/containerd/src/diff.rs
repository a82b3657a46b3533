//! The Diff service.

mod apply;
mod compare;
mod media;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};
use transom_layer::BlobDigest;

use crate::files::Files;
use crate::log::logged;
use crate::proto::diff as proto;

/// In the extensions of the answer to Apply: bytes of the tar, if it was not in the store before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenIn(pub u64);

/// Layers that are taken in at the same time: each takes a core and a half, and some megabytes.
const AT_ONCE: usize = 4;

/// The service over a store.
pub(crate) struct Differ {
    files: Arc<dyn Files>,
    /// Where containerd listens.
    containerd: PathBuf,
    /// Locked while a blob is taken in, so that it is taken in once.
    blobs: Mutex<HashMap<BlobDigest, Weak<tokio::sync::Mutex<()>>>>,
    places: Semaphore,
}

impl Differ {
    pub(crate) fn new(files: Arc<dyn Files>, containerd: PathBuf) -> Self {
        Self {
            files,
            containerd,
            blobs: Mutex::default(),
            places: Semaphore::new(AT_ONCE),
        }
    }

    /// Returns what is to be locked while a blob is taken in.
    fn lock_of(&self, blob: BlobDigest) -> Arc<tokio::sync::Mutex<()>> {
        let mut blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        blobs.retain(|_, lock| lock.strong_count() > 0);
        let known = blobs.get(&blob).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let lock = Arc::default();
            blobs.insert(blob, Arc::downgrade(&lock));
            lock
        })
    }
}

#[tonic::async_trait]
impl proto::diff_server::Diff for Differ {
    async fn apply(
        &self,
        request: Request<proto::ApplyRequest>,
    ) -> Result<Response<proto::ApplyResponse>, Status> {
        let (headers, _, request) = request.into_parts();
        let digest = request.diff.as_ref().map(|layer| layer.digest.clone());
        let call = self.apply_layer(&headers, request);
        let (applied, taken) = logged("Apply", &digest.unwrap_or_default(), call).await?;
        let applied = Some(applied);
        let mut response = Response::new(proto::ApplyResponse { applied });
        response.extensions_mut().insert(taken);
        Ok(response)
    }

    async fn diff(
        &self,
        request: Request<proto::DiffRequest>,
    ) -> Result<Response<proto::DiffResponse>, Status> {
        let (headers, _, request) = request.into_parts();
        // The mount's source names the snapshot, or the place where the store has mounted it.
        let upper = request.right.first().map(|mount| mount.source.clone());
        let call = self.compare(&headers, request);
        let diff = logged("Diff", &upper.unwrap_or_default(), call).await?;
        let diff = Some(diff);
        Ok(Response::new(proto::DiffResponse { diff }))
    }
}
