//! What can go wrong around a mount. What goes wrong inside one is told to the reader as an errno.

use std::io;
use std::path::PathBuf;

use transom_sealed::TreeError;

/// A mount that could not be made, or not be undone.
#[derive(Debug, thiserror::Error)]
pub enum FuseError {
    /// The system is not Linux.
    #[error("cannot mount: FUSE is served on Linux alone")]
    Unsupported,
    /// The tree has no folder `Files`, so it has no volume.
    #[error("cannot mount the volume: there is no folder Files; the raw view shows what there is")]
    NoVolume,
    /// The name for the mount table cannot be passed to the system.
    #[error("the name {name:?} for the mount table has a comma, backslash or control character")]
    Name {
        /// The name given.
        name: String,
    },
    /// The tree's root cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The mount point cannot be used.
    #[error("cannot use {} as a mount point", target.display())]
    Target {
        /// The mount point as given.
        target: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused the mount.
    #[error("cannot mount at {}", target.display())]
    Mount {
        /// The mount point.
        target: PathBuf,
        /// What the system, or `fusermount3`, said.
        source: io::Error,
    },
    /// Something in the mount is open, or is somebody's current folder; it stays mounted.
    #[error("cannot unmount {}: it is in use", target.display())]
    Busy {
        /// The mount point.
        target: PathBuf,
    },
    /// The system refused to unmount; it stays mounted.
    #[error("cannot unmount {}", target.display())]
    Unmount {
        /// The mount point.
        target: PathBuf,
        /// What the system, or `fusermount3`, said.
        source: io::Error,
    },
    /// Serving ended before the mount did.
    #[error("the mount at {} is no longer served", target.display())]
    Serve {
        /// The mount point.
        target: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
