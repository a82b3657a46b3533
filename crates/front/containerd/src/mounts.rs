//! Mounts as clients are given them, and back.

use std::path::Path;

use tonic::Status;
use transom_sealed::{Snapshot, SnapshotError, SnapshotKind, Store};

use crate::options::{MountKind, Options};
use crate::proto::types::Mount;
use crate::snapshots::size;

/// Type of the mount of a snapshot that a layer is unpacked into: only the differ takes it.
const OURS: &str = "transom";

/// How the names of snapshots begin that containerd makes to unpack into (core/snapshots, UnpackKeyPrefix).
const UNPACK_PREFIX: &str = "extract-";

/// Makes the mounts of a snapshot, mounting it where its kind asks for it.
pub(crate) fn mounts_of(
    store: &Store,
    options: &Options,
    snapshot: &Snapshot,
) -> Result<Vec<Mount>, SnapshotError> {
    let key = &snapshot.key;
    let access = match snapshot.kind {
        SnapshotKind::Active => "rw",
        _ => "ro",
    };
    let (kind, source, options) = if options.mounts == MountKind::WindowsLayer {
        let parents = parent_folders(store, snapshot)?;
        let parents = format!("parentLayerPaths={parents}");
        let source = store.snapshot_path(key)?;
        ("windows-layer", source, vec![access.to_owned(), parents])
    } else if is_to_unpack(key) && !options.unpack_by_mount {
        (OURS, store.snapshot_path(key)?, vec![access.to_owned()])
    } else {
        let source = store.mount_snapshot(key, size::of(&snapshot.labels))?;
        ("bind", source, vec!["rbind".to_owned(), access.to_owned()])
    };
    Ok(vec![Mount {
        r#type: kind.to_owned(),
        source: source.to_string_lossy().into_owned(),
        target: String::new(),
        options,
    }])
}

/// Returns the snapshot that mounts are of.
///
/// # Errors
/// `Unimplemented` if they are none of this store's: containerd then asks its next differ.
pub(crate) fn snapshot_of(store: &Store, mounts: &[Mount]) -> Result<String, Status> {
    let not_ours = || Status::unimplemented("the mounts are none of this snapshotter's");
    let [mount] = mounts else {
        return Err(not_ours());
    };
    if !["bind", "windows-layer", OURS].contains(&mount.r#type.as_str()) {
        return Err(not_ours());
    }
    let found = store.snapshot_at(Path::new(&mount.source));
    found
        .map_err(crate::status::IntoStatus::into_status)?
        .ok_or_else(not_ours)
}

/// Names have the form `NAMESPACE/NUMBER/NAME`.
fn is_to_unpack(key: &str) -> bool {
    key.rsplit('/')
        .next()
        .is_some_and(|name| name.starts_with(UNPACK_PREFIX))
}

/// The folders of all parents, the nearest first, as a list in JSON.
fn parent_folders(store: &Store, snapshot: &Snapshot) -> Result<String, SnapshotError> {
    let mut folders = Vec::new();
    let mut parent = snapshot.parent.clone();
    while let Some(key) = parent {
        let path = store.snapshot_path(&key)?;
        folders.push(path.to_string_lossy().into_owned());
        parent = store.snapshot(&key)?.parent;
    }
    Ok(serde_json::Value::from(folders).to_string())
}
