//! Why a mount operation failed.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use rustix::io::Errno;

use crate::scratch::MINIMUM_SIZE;
use crate::table::TableError;

/// A mount operation that failed.
///
/// The message says what was being done, to what, what the system said and, where the kernel wrote a reason
/// into the mount's context, that too.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct MountError(Reason);

/// What a caller can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// This kernel, or the file system that a folder is on, cannot do it.
    Unsupported,
    /// It is in use: by a process, by another overlay, by another mount.
    Busy,
    /// The disk is full.
    NoSpace,
    /// The caller lacks a privilege.
    Denied,
    /// A file or a folder is missing, or nothing is mounted there.
    NotFound,
    /// The size asked for is less than [`scratch::MINIMUM_SIZE`](crate::scratch::MINIMUM_SIZE).
    TooSmall,
    /// The size asked for is less than the size that the scratch image has.
    Shrinks,
    /// A program of e2fsprogs is not installed.
    NoProgram,
    /// Anything else; the message tells.
    Other,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("cannot {step} {}: {source}{}", path.display(), Said(said))]
    System {
        step: String,
        path: PathBuf,
        said: Vec<String>,
        source: io::Error,
    },
    #[error("{} cannot hold the changes of an overlay: its file system {lack}", path.display())]
    UnfitUpper { path: PathBuf, lack: &'static str },
    #[error("nothing is mounted at {}", path.display())]
    NotMounted { path: PathBuf },
    #[error("the scratch image {} is not what is mounted at {}", image.display(), target.display())]
    NotMountedThere { image: PathBuf, target: PathBuf },
    #[error("the scratch image {} is in use", path.display())]
    ImageInUse { path: PathBuf },
    #[error("a scratch image of {size} bytes is too small: it takes at least {MINIMUM_SIZE}")]
    TooSmall { size: u64 },
    #[error(
        "cannot make the scratch image {} smaller: it has {from} bytes, and {to} are asked for",
        path.display()
    )]
    Shrinks { path: PathBuf, from: u64, to: u64 },
    #[error(
        "cannot {step} {}: the program {program} is missing; it is in the package e2fsprogs",
        path.display()
    )]
    NoProgram {
        step: &'static str,
        path: PathBuf,
        program: &'static str,
    },
    #[error("cannot {step} {}: {program} failed ({status}) and says: {said}", path.display())]
    Program {
        step: &'static str,
        path: PathBuf,
        program: &'static str,
        status: ExitStatus,
        said: String,
    },
    #[error("cannot read the table of mounts: {0}")]
    Table(#[from] TableError),
}

/// The kernel's own words, shown after the system's error.
struct Said<'a>(&'a [String]);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            said => write!(f, " (the kernel says: {})", said.join("; ")),
        }
    }
}

impl MountError {
    /// Returns what a caller can act on.
    pub fn kind(&self) -> Kind {
        match &self.0 {
            Reason::System { source, .. } => kind_of(source),
            Reason::UnfitUpper { .. } => Kind::Unsupported,
            Reason::NotMounted { .. } | Reason::NotMountedThere { .. } => Kind::NotFound,
            Reason::ImageInUse { .. } => Kind::Busy,
            Reason::TooSmall { .. } => Kind::TooSmall,
            Reason::Shrinks { .. } => Kind::Shrinks,
            Reason::NoProgram { .. } => Kind::NoProgram,
            Reason::Program { .. } | Reason::Table(_) => Kind::Other,
        }
    }

    /// Returns what the system said, if it was the system that refused.
    pub(crate) fn errno(&self) -> Option<Errno> {
        match &self.0 {
            Reason::System { source, .. } => Errno::from_io_error(source),
            _ => None,
        }
    }

    pub(crate) fn system(
        step: impl Into<String>,
        path: &Path,
        said: Vec<String>,
        source: io::Error,
    ) -> Self {
        Self(Reason::System {
            step: step.into(),
            path: path.to_owned(),
            said,
            source,
        })
    }
}

impl From<Reason> for MountError {
    fn from(reason: Reason) -> Self {
        Self(reason)
    }
}

fn kind_of(source: &io::Error) -> Kind {
    match Errno::from_io_error(source) {
        Some(Errno::BUSY | Errno::AGAIN) => Kind::Busy,
        Some(Errno::NOSPC | Errno::DQUOT) => Kind::NoSpace,
        Some(Errno::PERM | Errno::ACCESS) => Kind::Denied,
        Some(Errno::NOENT) => Kind::NotFound,
        Some(Errno::NODEV | Errno::NOSYS | Errno::OPNOTSUPP | Errno::NOTBLK) => Kind::Unsupported,
        _ => Kind::Other,
    }
}

/// Adds the verb and the path to a result of the system.
pub(crate) trait Named<T> {
    fn named(self, step: &'static str, path: &Path) -> Result<T, MountError>;
}

impl<T, E: Into<io::Error>> Named<T> for Result<T, E> {
    fn named(self, step: &'static str, path: &Path) -> Result<T, MountError> {
        self.map_err(|source| MountError::system(step, path, Vec::new(), source.into()))
    }
}
