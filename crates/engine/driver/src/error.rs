//! The one error of the driver: operation, layer, step and cause, and what failed while undoing.

use std::error::Error;
use std::{fmt, io};

use crate::size::SizeError;
use crate::{EngineError, ErrorKind, Id, Operation, Step};

/// A step of the engine that failed.
#[derive(Debug)]
pub struct Failure {
    step: Step,
    kind: ErrorKind,
    source: Box<dyn Error + Send + Sync>,
}

impl Failure {
    pub(crate) fn new(step: Step, error: impl EngineError) -> Self {
        Self {
            step,
            kind: error.kind(),
            source: Box::new(error),
        }
    }

    /// Returns the step.
    pub fn step(&self) -> Step {
        self.step
    }

    /// Returns what the failure means to the caller.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {}: {}", self.step, self.source)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

/// Why an operation failed, if it was not a step of the engine.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    #[error(transparent)]
    Step(Failure),
    // Docker's text, which people search for.
    #[error("Failed to parse storage options - {0}")]
    Options(SizeError),
    #[error("missing parent {0}")]
    MissingParent(Id),
    #[error("it is mounted, references held: {count}")]
    Mounted { count: u64 },
    #[error("failed to read what follows the tar: {0}")]
    Rest(io::Error),
    #[error("failed to start a thread: {0}")]
    Thread(io::Error),
}

/// An operation of the driver that failed.
///
/// Its text says all of it: the operation, the layer, the step, what the engine said, and each step that failed
/// afterwards, while undoing what had been done.
#[derive(Debug)]
pub struct DriverError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    operation: Operation,
    layer: Option<Id>,
    cause: Cause,
    also: Vec<Failure>,
}

impl DriverError {
    pub(crate) fn new(operation: Operation, layer: Option<&Id>, cause: Cause) -> Self {
        Self::with(operation, layer, cause, Vec::new())
    }

    pub(crate) fn with(
        operation: Operation,
        layer: Option<&Id>,
        cause: Cause,
        also: Vec<Failure>,
    ) -> Self {
        Self(Box::new(Inner {
            operation,
            layer: layer.cloned(),
            cause,
            also,
        }))
    }

    /// Returns the method that failed.
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// Returns the layer, if the method is about one.
    pub fn layer(&self) -> Option<&Id> {
        self.0.layer.as_ref()
    }

    /// Returns the engine's step that failed first, if it was the engine.
    pub fn step(&self) -> Option<Step> {
        match &self.0.cause {
            Cause::Step(failure) => Some(failure.step),
            _ => None,
        }
    }

    /// Returns what the failure means to the caller; the engine's own verdict if it was the engine.
    pub fn kind(&self) -> ErrorKind {
        match &self.0.cause {
            Cause::Step(failure) => failure.kind,
            Cause::Options(_) => ErrorKind::Invalid,
            Cause::MissingParent(_) => ErrorKind::NotFound,
            Cause::Mounted { .. } => ErrorKind::InUse,
            Cause::Rest(_) | Cause::Thread(_) => ErrorKind::Other,
        }
    }

    /// Returns the steps that failed after the first, in order.
    pub fn also_failed(&self) -> &[Failure] {
        &self.0.also
    }
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.0.operation)?;
        if let Some(layer) = &self.0.layer {
            write!(f, " layer {layer}")?;
        }
        write!(f, ": {}", self.0.cause)?;
        for failure in &self.0.also {
            write!(f, "; then {failure}")?;
        }
        Ok(())
    }
}

impl Error for DriverError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.cause {
            Cause::Step(failure) => failure.source(),
            Cause::Options(error) => Some(error),
            Cause::Rest(error) | Cause::Thread(error) => Some(error),
            Cause::MissingParent(_) | Cause::Mounted { .. } => None,
        }
    }
}

/// So that an export that fails half-way reaches the one who reads it.
impl From<DriverError> for io::Error {
    fn from(error: DriverError) -> Self {
        let kind = match error.kind() {
            ErrorKind::NotFound => io::ErrorKind::NotFound,
            ErrorKind::Exists => io::ErrorKind::AlreadyExists,
            ErrorKind::InUse => io::ErrorKind::ResourceBusy,
            ErrorKind::Corrupt => io::ErrorKind::InvalidData,
            ErrorKind::Unsupported => io::ErrorKind::Unsupported,
            ErrorKind::NoSpace => io::ErrorKind::StorageFull,
            ErrorKind::Denied => io::ErrorKind::PermissionDenied,
            ErrorKind::Invalid => io::ErrorKind::InvalidInput,
            ErrorKind::Other => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
