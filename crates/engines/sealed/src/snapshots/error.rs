//! What can be wrong with a request about a snapshot.

use crate::catalog::CatalogError;
use crate::catalog::snapshot::SnapshotKind;
use crate::chain::ChainError;
use crate::diff::DiffError;
use crate::durable::FileError;
use crate::store::StoreError;
#[cfg(target_os = "linux")]
use crate::writable::{ExportError, NamedLayerError};

/// An operation on a snapshot that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// There is none of that name.
    #[error("there is no snapshot {key}")]
    NotFound {
        /// The name.
        key: String,
    },
    /// There is one of that name.
    #[error("there is a snapshot {key} already")]
    Exists {
        /// The name.
        key: String,
    },
    /// The one to make it from is not there.
    #[error("there is no snapshot {parent} to be the parent")]
    NoParent {
        /// The name.
        parent: String,
    },
    /// The one to make it from can still change.
    #[error("snapshot {parent} cannot be a parent: it is not committed")]
    ParentNotCommitted {
        /// The name.
        parent: String,
    },
    /// It has a parent already.
    #[error("snapshot {key} was made from {before}: it cannot get another parent")]
    OtherParent {
        /// The name.
        key: String,
        /// Its parent.
        before: String,
    },
    /// Only an active snapshot can do that.
    #[error("snapshot {key} is not active: it is {}", kind.as_str())]
    NotActive {
        /// The name.
        key: String,
        /// What it is.
        kind: SnapshotKind,
    },
    /// A committed snapshot cannot be mounted.
    #[error(
        "snapshot {key} is committed: make a view of it, or an active one from it, to mount it"
    )]
    Committed {
        /// The name.
        key: String,
    },
    /// Another one was made from it.
    #[error("cannot remove snapshot {key}: {child} was made from it, remove that one first")]
    HasChild {
        /// The name.
        key: String,
        /// The other one.
        child: String,
    },
    /// The layer that holds what is written failed.
    #[cfg(target_os = "linux")]
    #[error(transparent)]
    Layer(#[from] NamedLayerError),
    /// Layers make no chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// Two snapshots cannot be compared.
    #[error(transparent)]
    Compare(#[from] DiffError),
    /// A difference cannot be written.
    #[cfg(target_os = "linux")]
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<CatalogError> for SnapshotError {
    fn from(error: CatalogError) -> Self {
        Self::Store(error.into())
    }
}

impl From<FileError> for SnapshotError {
    fn from(error: FileError) -> Self {
        Self::Store(error.into())
    }
}
