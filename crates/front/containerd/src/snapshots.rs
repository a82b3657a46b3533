//! The Snapshots service.

pub(crate) mod size;

use std::collections::BTreeMap;
use std::sync::Arc;

use prost_types::Timestamp;
use tokio_stream::Iter;
use tonic::{Request, Response, Status};
use transom_sealed::{Commit, NewSnapshot, Snapshot, SnapshotError, SnapshotKind, Store};

use crate::files::Files;
use crate::filter::Filter;
use crate::log::logged;
use crate::proto::snapshots as proto;
use crate::proto::types::Mount;
use crate::status::{IntoStatus, blocking};

/// Snapshots in one message of a list.
const PER_MESSAGE: usize = 100;
/// Most bytes of a label, its name included (containerd, pkg/labels).
const LABEL_MAX: usize = 4096;
/// Most bytes of a key. containerd's own are far shorter.
const KEY_MAX: usize = 4096;
/// The label that names the snapshot a client wants to have in the end.
const REF: &str = "containerd.io/snapshot.ref";

/// The service over the snapshots of a store.
pub(crate) struct Snapshotter {
    files: Arc<dyn Files>,
}

impl Snapshotter {
    pub(crate) fn new(files: Arc<dyn Files>) -> Self {
        Self { files }
    }

    /// Runs the work of a call about `key`, where it may block.
    async fn with_files<T, E>(
        &self,
        method: &'static str,
        key: &str,
        work: impl FnOnce(&dyn Files) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Status>
    where
        T: Send + 'static,
        E: IntoStatus + Send + 'static,
    {
        let files = Arc::clone(&self.files);
        logged(method, key, blocking(move || work(&*files))).await
    }

    async fn make(
        &self,
        key: String,
        parent: String,
        labels: BTreeMap<String, String>,
        view: bool,
    ) -> Result<Vec<Mount>, Status> {
        check_key(&key)?;
        check_labels(&labels)?;
        let method = if view { "View" } else { "Prepare" };
        self.with_files(method, &key.clone(), move |files| {
            let store = files.store();
            let new = NewSnapshot {
                key: &key,
                parent: non_empty(&parent),
                view,
                labels,
            };
            if let Some(done) = unpacked_before(store, &new)? {
                return Err(SnapshotError::Exists { key: done }.into());
            }
            let snapshot = store.prepare_snapshot(&new)?;
            files.mounts_of(&snapshot).inspect_err(|_| {
                // The first error tells more than that of the clean-up would.
                let _ = files.remove(&key);
            })
        })
        .await
    }
}

/// Returns the committed snapshot of the same namespace with the reference that a new one is to have: one whose commit
/// containerd had not heard of when it was ended, and which it finds by that label then. What another namespace has
/// unpacked is no answer: containerd (its transfer service, and Docker) would not fetch the layer's blob then, and the image
/// could be neither pushed nor saved. Unpacking the same layer again is quick, as the store has it.
fn unpacked_before(store: &Store, new: &NewSnapshot<'_>) -> Result<Option<String>, SnapshotError> {
    let Some(wanted) = new.labels.get(REF) else {
        return Ok(None);
    };
    let found = store.committed_snapshots_with(new.parent, REF, wanted)?;
    let is_near = |key: &String| namespace_of(key) == namespace_of(new.key);
    Ok(found.into_iter().find(is_near))
}

#[tonic::async_trait]
impl proto::snapshots_server::Snapshots for Snapshotter {
    type ListStream = Iter<std::vec::IntoIter<Result<proto::ListSnapshotsResponse, Status>>>;

    async fn prepare(
        &self,
        request: Request<proto::PrepareSnapshotRequest>,
    ) -> Result<Response<proto::PrepareSnapshotResponse>, Status> {
        let request = request.into_inner();
        let mounts = self
            .make(request.key, request.parent, request.labels, false)
            .await?;
        Ok(Response::new(proto::PrepareSnapshotResponse { mounts }))
    }

    async fn view(
        &self,
        request: Request<proto::ViewSnapshotRequest>,
    ) -> Result<Response<proto::ViewSnapshotResponse>, Status> {
        let request = request.into_inner();
        let mounts = self
            .make(request.key, request.parent, request.labels, true)
            .await?;
        Ok(Response::new(proto::ViewSnapshotResponse { mounts }))
    }

    async fn mounts(
        &self,
        request: Request<proto::MountsRequest>,
    ) -> Result<Response<proto::MountsResponse>, Status> {
        let key = request.into_inner().key;
        let mounts = self
            .with_files("Mounts", &key.clone(), move |files| {
                let snapshot = files.store().snapshot(&key)?;
                if snapshot.kind == SnapshotKind::Committed {
                    return Err(SnapshotError::Committed { key }.into());
                }
                files.mounts_of(&snapshot)
            })
            .await?;
        Ok(Response::new(proto::MountsResponse { mounts }))
    }

    async fn commit(
        &self,
        request: Request<proto::CommitSnapshotRequest>,
    ) -> Result<Response<()>, Status> {
        let request = request.into_inner();
        check_key(&request.name)?;
        check_labels(&request.labels)?;
        self.with_files("Commit", &request.key.clone(), move |files| {
            let commit = Commit {
                name: &request.name,
                parent: non_empty(&request.parent),
                labels: &request.labels,
            };
            files.commit(&request.key, &commit)
        })
        .await?;
        Ok(Response::new(()))
    }

    async fn remove(
        &self,
        request: Request<proto::RemoveSnapshotRequest>,
    ) -> Result<Response<()>, Status> {
        let key = request.into_inner().key;
        self.with_files("Remove", &key.clone(), move |files| files.remove(&key))
            .await?;
        Ok(Response::new(()))
    }

    async fn stat(
        &self,
        request: Request<proto::StatSnapshotRequest>,
    ) -> Result<Response<proto::StatSnapshotResponse>, Status> {
        let key = request.into_inner().key;
        let snapshot = self
            .with_files("Stat", &key.clone(), move |files| {
                files.store().snapshot(&key)
            })
            .await?;
        let info = Some(info(snapshot));
        Ok(Response::new(proto::StatSnapshotResponse { info }))
    }

    async fn update(
        &self,
        request: Request<proto::UpdateSnapshotRequest>,
    ) -> Result<Response<proto::UpdateSnapshotResponse>, Status> {
        let request = request.into_inner();
        let wanted = request
            .info
            .ok_or_else(|| Status::invalid_argument("an update names no snapshot"))?;
        check_labels(&wanted.labels)?;
        let paths = request.update_mask.map_or_else(Vec::new, |mask| mask.paths);
        for path in &paths {
            if path != "labels" && !path.starts_with("labels.") {
                let text = format!("field {path} of snapshot {} cannot be changed", wanted.name);
                return Err(Status::invalid_argument(text));
            }
        }
        let snapshot = self
            .with_files("Update", &wanted.name.clone(), move |files| {
                files.store().label_snapshot(&wanted.name, |labels| {
                    relabel(labels, &wanted.labels, &paths);
                })
            })
            .await?;
        let info = Some(info(snapshot));
        Ok(Response::new(proto::UpdateSnapshotResponse { info }))
    }

    async fn list(
        &self,
        request: Request<proto::ListSnapshotsRequest>,
    ) -> Result<Response<Self::ListStream>, Status> {
        let filters = request.into_inner().filters;
        let filters = filters
            .iter()
            .map(|filter| Filter::parse(filter))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let snapshots = self
            .with_files("List", "", |files| files.store().snapshots())
            .await?;
        let mut chosen = snapshots
            .into_iter()
            .filter(|snapshot| {
                filters.is_empty() || filters.iter().any(|filter| filter.matches(snapshot))
            })
            .map(info)
            .peekable();
        let mut messages = Vec::new();
        while chosen.peek().is_some() {
            let info = chosen.by_ref().take(PER_MESSAGE).collect();
            messages.push(Ok(proto::ListSnapshotsResponse { info }));
        }
        Ok(Response::new(tokio_stream::iter(messages)))
    }

    async fn usage(
        &self,
        request: Request<proto::UsageRequest>,
    ) -> Result<Response<proto::UsageResponse>, Status> {
        let key = request.into_inner().key;
        let usage = self
            .with_files("Usage", &key.clone(), move |files| files.usage(&key))
            .await?;
        Ok(Response::new(proto::UsageResponse {
            size: usage.bytes.try_into().unwrap_or(i64::MAX),
            inodes: usage.entries.try_into().unwrap_or(i64::MAX),
        }))
    }

    async fn cleanup(&self, _: Request<proto::CleanupRequest>) -> Result<Response<()>, Status> {
        self.with_files("Cleanup", "", |files| files.clean_up())
            .await?;
        Ok(Response::new(()))
    }
}

/// Changes labels as an update says: all of them, or those that its paths name. One that is named and not given goes.
fn relabel(
    labels: &mut BTreeMap<String, String>,
    wanted: &BTreeMap<String, String>,
    paths: &[String],
) {
    if paths.is_empty() {
        labels.clone_from(wanted);
    }
    for path in paths {
        match path.strip_prefix("labels.") {
            None => labels.clone_from(wanted),
            Some(name) => match wanted.get(name) {
                Some(value) => drop(labels.insert(name.to_owned(), value.clone())),
                None => drop(labels.remove(name)),
            },
        }
    }
}

fn info(snapshot: Snapshot) -> proto::Info {
    proto::Info {
        name: snapshot.key,
        parent: snapshot.parent.unwrap_or_default(),
        kind: match snapshot.kind {
            SnapshotKind::View => proto::Kind::View,
            SnapshotKind::Active => proto::Kind::Active,
            SnapshotKind::Committed => proto::Kind::Committed,
        }
        .into(),
        created_at: Some(timestamp(snapshot.created)),
        updated_at: Some(timestamp(snapshot.updated)),
        labels: snapshot.labels,
    }
}

fn timestamp(nanoseconds: i64) -> Timestamp {
    Timestamp {
        seconds: nanoseconds.div_euclid(1_000_000_000),
        nanos: nanoseconds.rem_euclid(1_000_000_000) as i32,
    }
}

fn non_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn check_key(key: &str) -> Result<(), Status> {
    match key.len() {
        0 => Err(Status::invalid_argument("a snapshot needs a name")),
        1..=KEY_MAX => Ok(()),
        _ => Err(Status::invalid_argument(format!(
            "the name of a snapshot has more than {KEY_MAX} bytes"
        ))),
    }
}

fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), Status> {
    for (name, value) in labels {
        if name.len() + value.len() > LABEL_MAX {
            let shown: String = name.chars().take(40).collect();
            return Err(Status::invalid_argument(format!(
                "label {shown} has more than {LABEL_MAX} bytes"
            )));
        }
    }
    Ok(())
}

/// The namespace that a snapshot's key begins with; calls of containerd 1.x carry none in their headers.
pub(crate) fn namespace_of(key: &str) -> &str {
    match key.split_once('/') {
        Some((namespace, _)) if !namespace.is_empty() => namespace,
        _ => "default",
    }
}
