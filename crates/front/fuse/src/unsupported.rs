//! What is here on systems without FUSE.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use transom_sealed::Tree;

use crate::{FuseError, Options};

/// A tree that is mounted; on this system there is none.
#[derive(Debug)]
pub struct Session(Infallible);

/// Mounts `tree` at the folder `target`.
///
/// # Errors
/// [`FuseError::Unsupported`], always.
pub fn mount(_tree: Arc<Tree>, _options: &Options, _target: &Path) -> Result<Session, FuseError> {
    Err(FuseError::Unsupported)
}

impl Session {
    /// Unmounts.
    ///
    /// # Errors
    /// None: there is no session.
    pub fn unmount(&self) -> Result<(), FuseError> {
        match self.0 {}
    }

    /// Waits until it is unmounted.
    ///
    /// # Errors
    /// None: there is no session.
    pub fn join(&self) -> Result<(), FuseError> {
        match self.0 {}
    }
}
