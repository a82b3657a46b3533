//! What the engine fails with.

use std::io;
use std::path::PathBuf;

use transom_driver::{EngineError, ErrorKind};
use transom_windows::{HResult, HcsError};

use crate::chain::ChainError;
use crate::diagnosis;
use crate::transport::TransportError;

/// What was being done to which layer, what the system said, and what is likely behind it.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing}{}{}", of_layer(.layer.as_deref()), diagnosis::likely(.source))]
pub struct HcsEngineError {
    /// The step, to stand before `layer` if it is about one.
    pub doing: &'static str,
    /// The layer's id.
    pub layer: Option<String>,
    /// What went wrong.
    #[source]
    pub source: Box<Cause>,
}

fn of_layer(layer: Option<&str>) -> String {
    layer.map_or_else(String::new, |layer| format!(" layer {layer}"))
}

/// What went wrong in a step of the engine.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The Host Compute Service refused.
    #[error(transparent)]
    Hcs(#[from] HcsError),
    /// A tar or a transport folder was refused.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The layer's parents are not known.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The file system refused.
    #[error("cannot {verb} {}", .path.display())]
    Io {
        /// What was being done.
        verb: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The layer is not in a state for this.
    #[error("{what}")]
    State {
        /// What it means to the caller.
        kind: ErrorKind,
        /// What it is, and what to do.
        what: String,
    },
    /// The worker process reported an error, or died.
    #[error("{what}")]
    Worker {
        /// What it means to the caller.
        kind: ErrorKind,
        /// The report, or how it died with the last it wrote into its log.
        what: String,
    },
}

impl Cause {
    pub(crate) fn io(
        verb: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { verb, path, source }
    }

    pub(crate) fn state(kind: ErrorKind, what: impl Into<String>) -> Self {
        Self::State {
            kind,
            what: what.into(),
        }
    }

    /// Returns what it means to the caller.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Hcs(error) => of_hcs(error),
            Self::Transport(error) => of_transport(error),
            Self::Chain(ChainError::Damaged { .. }) => ErrorKind::Corrupt,
            Self::Chain(ChainError::Io { source, .. }) | Self::Io { source, .. } => of_io(source),
            Self::State { kind, .. } | Self::Worker { kind, .. } => *kind,
        }
    }
}

impl EngineError for HcsEngineError {
    fn kind(&self) -> ErrorKind {
        self.source.kind()
    }
}

fn of_hcs(error: &HcsError) -> ErrorKind {
    let code = match error {
        HcsError::Failed { code, .. } => *code,
        HcsError::Missing { .. } => return ErrorKind::Unsupported,
        HcsError::Answer { .. } | HcsError::TimedOut { .. } => return ErrorKind::Other,
    };
    let kinds = [
        (HResult::FILE_NOT_FOUND, ErrorKind::NotFound),
        (HResult::PATH_NOT_FOUND, ErrorKind::NotFound),
        (HResult::ALREADY_EXISTS, ErrorKind::Exists),
        (HResult::ACCESS_DENIED, ErrorKind::Denied),
        (HResult::PRIVILEGE_NOT_HELD, ErrorKind::Denied),
        (HResult::SHARING_VIOLATION, ErrorKind::InUse),
        (HResult::DISK_FULL, ErrorKind::NoSpace),
        (HResult::DISK_QUOTA_EXCEEDED, ErrorKind::NoSpace),
        (HResult::FILE_CORRUPT, ErrorKind::Corrupt),
        (HResult::DISK_CORRUPT, ErrorKind::Corrupt),
        (HResult::REGISTRY_CORRUPT, ErrorKind::Corrupt),
        (HResult::VHD_CORRUPT, ErrorKind::Corrupt),
        (HResult::HCS_IMAGE_MISMATCH, ErrorKind::Unsupported),
        (HResult::NOT_SUPPORTED, ErrorKind::Unsupported),
        (HResult::INVALID_PARAMETER, ErrorKind::Invalid),
    ];
    kinds
        .iter()
        .find(|(known, _)| *known == code)
        .map_or(ErrorKind::Other, |(_, kind)| *kind)
}

fn of_transport(error: &TransportError) -> ErrorKind {
    match error {
        TransportError::Hcs(error) => of_hcs(error),
        TransportError::File { source, .. } | TransportError::Folder { source, .. } => {
            of_io(source)
        }
        TransportError::Rule { .. } | TransportError::Name(_) => ErrorKind::Invalid,
        TransportError::ToTar { .. } => ErrorKind::Unsupported,
        TransportError::Write(_) => ErrorKind::Other,
        _ => ErrorKind::Corrupt,
    }
}

fn of_io(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::AlreadyExists => ErrorKind::Exists,
        io::ErrorKind::PermissionDenied => ErrorKind::Denied,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::NoSpace,
        io::ErrorKind::ResourceBusy => ErrorKind::InUse,
        io::ErrorKind::Unsupported => ErrorKind::Unsupported,
        _ => ErrorKind::Other,
    }
}
