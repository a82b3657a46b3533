//! Why a call failed, and why a plugin cannot start.

use std::io;
use std::path::PathBuf;

use axum::http::StatusCode;
use transom_driver::{DriverError, ErrorKind, Id, IdError};

/// Why a plugin cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its folder cannot be used.
    #[error("cannot {verb} {path}: {source}", path = path.display())]
    File {
        /// What was tried.
        verb: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Reference counts are kept in memory, so two would count past each other.
    #[error("another process serves this store; stop it, or give this one a --root of its own")]
    Taken,
    /// The driver cannot say which layers are left of an interrupted process.
    #[error(transparent)]
    Driver(#[from] DriverError),
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("the body is no JSON request: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the body is larger than the {limit} bytes that a request may have")]
    TooLarge { limit: usize },
    #[error("the body broke off: {0}")]
    Body(axum::Error),
    #[error("the query is not ?id=…&parent=…: {0}")]
    Query(String),
    #[error(transparent)]
    Id(#[from] IdError),
    #[error("there is no call {0}; this is a graph driver of Docker's plugin protocol 1")]
    NoCall(String),
    #[error("calls are posted: POST {0}")]
    NotPosted(String),
    #[error(transparent)]
    Driver(#[from] DriverError),
    #[error("unknown storage option {0:?} of the daemon: this driver takes none; remove it")]
    Option(String),
    #[error(
        "users of containers cannot be mapped to others of the host: run dockerd without --userns-remap"
    )]
    IdMaps,
    #[error(
        "the tar of layer {0} broke off before, and Docker does not send it again from its start; remove the layer \
         (Docker does) and load or pull the image again"
    )]
    BrokenOff(Id),
    #[error("cannot note that the tar of layer {id} begins: {source}; is the store's disk full?")]
    Note { id: Id, source: io::Error },
    #[error("layer {id} is mounted at {path:?}, which is no UTF-8; move the store")]
    Path { id: Id, path: PathBuf },
    #[error("cannot read the diff of layer {id}: {source}")]
    Diff { id: Id, source: io::Error },
    #[error("the call panicked; its layer is as it was before or removable")]
    Panicked,
}

impl CallError {
    /// The status of the answer. Docker reads `Err` whatever it is.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Json(_) | Self::Body(_) | Self::Query(_) | Self::Id(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoCall(_) => StatusCode::NOT_FOUND,
            Self::NotPosted(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Diff { .. } | Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::OK,
        }
    }

    /// Says whether it is about what was asked, rather than about what could not be done. Docker asks for much that
    /// it knows may be missing.
    pub(crate) fn is_the_callers(&self) -> bool {
        match self {
            Self::Driver(error) => matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::Exists | ErrorKind::InUse | ErrorKind::Invalid
            ),
            Self::Note { .. } | Self::Path { .. } | Self::Diff { .. } | Self::Panicked => false,
            _ => true,
        }
    }
}
