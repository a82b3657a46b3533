//! What the files of snapshots are. All that a host knows better than the store's rows is behind one trait:
//!
//! ```text
//!  Mounted   Linux: overlays over the store's own indexes, given out as mounts that are there
//!  Folders   Windows: the layer folders of an engine, given out for clients to mount
//! ```

mod folders;
#[cfg(target_os = "linux")]
mod mounted;

use std::io::{self, Write};
use std::path::Path;

use tonic::{Code, Status};
use transom_driver::DriverError;
use transom_layer::DiffId;
use transom_ntmeta::filetime::UnixTime;
use transom_sealed::{
    Commit, ImportError, Session, Snapshot, SnapshotError, SnapshotKind, SnapshotUsage, Store,
    StoreError,
};

pub(crate) use folders::Folders;
#[cfg(target_os = "linux")]
pub(crate) use mounted::Mounted;

use crate::proto::types::Mount;
use crate::status::{IntoStatus, code_of_kind, with_causes};

type Result<T> = std::result::Result<T, FilesError>;

/// The files of the snapshots of one store.
pub(crate) trait Files: Send + Sync + 'static {
    /// The store that has the rows and the layers.
    fn store(&self) -> &Store;

    /// Makes the mounts of an active snapshot or a view, and what they are of.
    fn mounts_of(&self, snapshot: &Snapshot) -> Result<Vec<Mount>>;

    /// Returns the snapshot of which [`mounts_of`](Self::mounts_of) gave this source; `None` if it is of none.
    fn snapshot_at(&self, source: &Path) -> Result<Option<String>>;

    /// Makes an active snapshot a committed one; what was written to it becomes a layer.
    fn commit(&self, key: &str, commit: &Commit<'_>) -> Result<()>;

    /// Removes a snapshot with all that only it needs.
    fn remove(&self, key: &str) -> Result<()>;

    /// Tells what a snapshot takes.
    fn usage(&self, key: &str) -> Result<SnapshotUsage>;

    /// Deletes what interrupted removals have left.
    fn clean_up(&self) -> Result<()>;

    /// Puts a layer of the store on top of an active snapshot.
    fn apply(&self, session: &Session<'_>, key: &str, layer: DiffId) -> Result<()>;

    /// Writes what has to be put over `lower`, or over nothing, to get `upper`, as a layer tar. Times after `latest`
    /// are set to it, where what is written is told by this program.
    fn write_difference(
        &self,
        lower: Option<&str>,
        upper: &str,
        latest: Option<UnixTime>,
        out: &mut dyn Write,
    ) -> Result<()>;
}

/// Something with the files of snapshots that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilesError {
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Layer(#[from] DriverError),
    #[error("cannot {doing}: {source}")]
    Io { doing: String, source: io::Error },
    /// What was asked for cannot be had from this kind of files.
    #[error("{0}")]
    Refused(String),
}

impl IntoStatus for FilesError {
    fn into_status(self) -> Status {
        match self {
            Self::Snapshot(error) => error.into_status(),
            Self::Store(error) => error.into_status(),
            Self::Import(error) => error.into_status(),
            Self::Layer(error) => Status::new(code_of_kind(error.kind()), with_causes(&error)),
            Self::Io { .. } => Status::internal(self.to_string()),
            Self::Refused(text) => Status::new(Code::InvalidArgument, text),
        }
    }
}

/// How the names of snapshots begin that containerd makes to unpack into (core/snapshots, UnpackKeyPrefix).
const UNPACK_PREFIX: &str = "extract-";

/// Says whether a snapshot was made to unpack a layer into. Names have the form `NAMESPACE/NUMBER/NAME`.
fn is_to_unpack(key: &str) -> bool {
    key.rsplit('/')
        .next()
        .is_some_and(|name| name.starts_with(UNPACK_PREFIX))
}

/// How a snapshot may be used where it is mounted.
fn access(snapshot: &Snapshot) -> &'static str {
    match snapshot.kind {
        SnapshotKind::Active => "rw",
        _ => "ro",
    }
}

/// Returns the mounts of a snapshot whose layers lie in folders (containerd, core/mount): where it is, how it may be
/// used, and its parents' folders as a list in JSON, the nearest first.
fn windows_layer(source: &Path, access: &str, parents: Option<Vec<String>>) -> Vec<Mount> {
    let mut options = vec![access.to_owned()];
    options.extend(parents.map(|parents| {
        let parents = serde_json::Value::from(parents);
        format!("parentLayerPaths={parents}")
    }));
    vec![mount("windows-layer", source, options)]
}

fn mount(kind: &str, source: &Path, options: Vec<String>) -> Mount {
    Mount {
        r#type: kind.to_owned(),
        source: source.to_string_lossy().into_owned(),
        target: String::new(),
        options,
    }
}
