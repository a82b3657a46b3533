//! From the content store into a snapshot: the layer streams straight into the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use tonic::Status;
use tonic::metadata::MetadataMap;
use transom_layer::{BlobDigest, DiffId};
use transom_sealed::{LayerRequest, Session};

use super::{Differ, TakenIn, media};
use crate::content::{ContentReader, ContentStore};
use crate::files::Files;
use crate::mounts::snapshot_of;
use crate::proto::diff::ApplyRequest;
use crate::proto::types::Descriptor;
use crate::snapshots::namespace_of;
use crate::status::{IntoStatus, blocking};

impl Differ {
    pub(super) async fn apply_layer(
        &self,
        headers: &MetadataMap,
        request: ApplyRequest,
    ) -> Result<(Descriptor, TakenIn), Status> {
        let layer = request
            .diff
            .ok_or_else(|| Status::invalid_argument("there is no layer to apply"))?;
        if media::compression(&layer.media_type).is_none() || !request.payloads.is_empty() {
            return Err(Status::unimplemented(format!(
                "{} is no layer tar",
                layer.media_type
            )));
        }
        let blob = layer.digest.parse::<BlobDigest>().map_err(|error| {
            Status::invalid_argument(format!("layer {}: {error}", layer.digest))
        })?;
        let files = Arc::clone(&self.files);
        let mounts = request.mounts;
        let key = blocking(move || snapshot_of(&*files, &mounts)).await?;

        let lock = self.lock_of(blob);
        let _once = lock.lock().await;
        if let Some(applied) = self.apply_known(&key, blob).await? {
            return Ok((applied, TakenIn(0)));
        }
        let _place = self.places.acquire().await;
        let content = ContentStore::connect(&self.containerd, headers, namespace_of(&key)).await?;
        let reader = content.read(blob).await?;
        let size = u64::try_from(layer.size).ok().filter(|size| *size > 0);
        let files = Arc::clone(&self.files);
        let applied = blocking(move || take_in(&*files, &key, blob, size, reader)).await?;
        let bytes = TakenIn(applied.size.unsigned_abs());
        Ok((applied, bytes))
    }

    /// Applies a layer that the store has; `None` if it has not.
    async fn apply_known(&self, key: &str, blob: BlobDigest) -> Result<Option<Descriptor>, Status> {
        let files = Arc::clone(&self.files);
        let key = key.to_owned();
        blocking(move || {
            let session = files.store().session().map_err(IntoStatus::into_status)?;
            let known = session.known_blob(blob).map_err(IntoStatus::into_status)?;
            match known {
                Some(known) => put_on(&*files, &session, &key, known.diff_id).map(Some),
                None => Ok::<_, Status>(None),
            }
        })
        .await
    }
}

fn take_in(
    files: &dyn Files,
    key: &str,
    blob: BlobDigest,
    size: Option<u64>,
    reader: ContentReader,
) -> Result<Descriptor, Status> {
    let store = files.store();
    let snapshot = store.snapshot(key).map_err(IntoStatus::into_status)?;
    let label = blob.to_string();
    let request = LayerRequest {
        blob: Some(blob),
        blob_size: size,
        ..LayerRequest::new(&label, snapshot.names)
    };
    let session = store.session().map_err(IntoStatus::into_status)?;
    let imported = session
        .import_layer(reader, &request, &|_| {})
        .map_err(IntoStatus::into_status)?;
    put_on(files, &session, key, imported.diff_id)
}

fn put_on(
    files: &dyn Files,
    session: &Session<'_>,
    key: &str,
    layer: DiffId,
) -> Result<Descriptor, Status> {
    files
        .apply(session, key, layer)
        .map_err(IntoStatus::into_status)?;
    let record = files
        .store()
        .layer(layer)
        .map_err(IntoStatus::into_status)?;
    Ok(Descriptor {
        media_type: media::TAR.to_owned(),
        digest: layer.to_string(),
        size: record.size.try_into().unwrap_or(i64::MAX),
        annotations: BTreeMap::new(),
    })
}
