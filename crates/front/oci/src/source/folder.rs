//! An OCI layout folder.
//!
//! Symbolic links in it are followed: some tools link blobs to a cache. What is read is checked against
//! its digest, so a link can lead to nothing but the bytes that were asked for.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::piece::Piece;
use super::{SourceError, doing};

#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Finds a regular file by a name that this crate made.
    pub(super) fn find(&self, name: &Path) -> Result<Option<Piece<'static>>, SourceError> {
        let path = self.path.join(name);
        let shown = path.display().to_string();
        // Looked at before it is opened: opening a pipe would wait for its writer.
        match path.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return doing(Err(error), "find", shown),
            Ok(metadata) if !metadata.is_file() => {
                return Err(SourceError::NotAFile { name: shown });
            }
            Ok(_) => {}
        }
        let file = doing(File::open(&path), "open", &shown)?;
        let metadata = doing(file.metadata(), "read", shown)?;
        Ok(Some(Piece::new(Arc::new(file), 0, metadata.len())))
    }
}
