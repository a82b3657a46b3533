//! What clients are told when something fails. containerd decides by the code, people read the message.

use tonic::{Code, Status};
use transom_driver::ErrorKind;
use transom_sealed::{ImportError, ImportFailure, SnapshotError, StoreError};

/// Runs something that blocks where it may.
pub(crate) async fn blocking<T, E>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Status>
where
    T: Send + 'static,
    E: IntoStatus + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(IntoStatus::into_status),
        Err(error) => Err(Status::internal(format!("the work was cut off: {error}"))),
    }
}

/// An error that a client can be told.
pub(crate) trait IntoStatus {
    fn into_status(self) -> Status;
}

impl IntoStatus for Status {
    fn into_status(self) -> Status {
        self
    }
}

impl IntoStatus for SnapshotError {
    fn into_status(self) -> Status {
        use SnapshotError as Error;
        let code = match &self {
            Error::NotFound { .. } | Error::NoParent { .. } => Code::NotFound,
            Error::Exists { .. } => Code::AlreadyExists,
            Error::ParentNotCommitted { .. } | Error::OtherParent { .. } => Code::InvalidArgument,
            Error::NotActive { .. } | Error::Committed { .. } | Error::HasChild { .. } => {
                Code::FailedPrecondition
            }
            #[cfg(target_os = "linux")]
            Error::Layer(error) => code_of_kind(transom_driver::EngineError::kind(error)),
            Error::Store(StoreError::NoLayer(_)) => Code::NotFound,
            _ => Code::Internal,
        };
        Status::new(code, with_causes(&self))
    }
}

impl IntoStatus for StoreError {
    fn into_status(self) -> Status {
        Status::internal(with_causes(&self))
    }
}

impl IntoStatus for ImportError {
    fn into_status(self) -> Status {
        use ImportFailure as Failure;
        let code = match &self.failure {
            Failure::Index(_) | Failure::File(_) | Failure::Catalog(_) => Code::Internal,
            Failure::Vanished(_) => Code::Aborted,
            _ => Code::InvalidArgument,
        };
        Status::new(code, with_causes(&self))
    }
}

/// The code for what kept an engine from doing something.
pub(crate) fn code_of_kind(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::Exists => Code::AlreadyExists,
        ErrorKind::InUse | ErrorKind::Invalid => Code::FailedPrecondition,
        ErrorKind::Unsupported => Code::Unavailable,
        ErrorKind::NoSpace => Code::ResourceExhausted,
        ErrorKind::Denied => Code::PermissionDenied,
        ErrorKind::Corrupt => Code::DataLoss,
        ErrorKind::Other => Code::Internal,
    }
}

/// An error with what caused it.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let further = error.to_string();
        // Errors that pass another one on say the same.
        if !text.contains(&further) {
            text.push_str(": ");
            text.push_str(&further);
        }
        cause = error.source();
    }
    text
}
