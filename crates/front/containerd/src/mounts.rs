//! The way back from mounts to snapshots.

use std::path::Path;

use tonic::Status;

use crate::files::{Files, FilesError};
use crate::proto::types::Mount;
use crate::status::IntoStatus as _;

/// Type of the mount of a snapshot that a layer is unpacked into: only the differ takes it.
pub(crate) const OURS: &str = "transom";

/// Returns the snapshot that mounts are of.
///
/// # Errors
/// `Unimplemented` if they are none of this store's: containerd then asks its next differ.
pub(crate) fn snapshot_of(files: &dyn Files, mounts: &[Mount]) -> Result<String, Status> {
    let not_ours = || Status::unimplemented("the mounts are none of this snapshotter's");
    let [mount] = mounts else {
        return Err(not_ours());
    };
    if !["bind", "windows-layer", OURS].contains(&mount.r#type.as_str()) {
        return Err(not_ours());
    }
    let found = files.snapshot_at(Path::new(&mount.source));
    found.map_err(FilesError::into_status)?.ok_or_else(not_ours)
}
