//! Layers that are being made: what a dead process has left of them goes away.

use std::io;
use std::path::{Path, PathBuf};

use transom_driver::Id;

use crate::durable;

/// A note that a layer is being made, kept until it is whole.
#[derive(Debug)]
pub(crate) struct Intent(PathBuf);

impl Intent {
    pub(crate) fn begin(folder: &Path, id: &Id) -> io::Result<Self> {
        let path = folder.join(id.as_str());
        durable::write(&path, b"")?;
        Ok(Self(path))
    }

    pub(crate) fn done(self) -> io::Result<()> {
        durable::remove(&self.0)
    }

    /// Returns the note of a layer that is being made, or that failed and is still there.
    pub(crate) fn of(folder: &Path, id: &Id) -> Option<Self> {
        let path = folder.join(id.as_str());
        path.exists().then_some(Self(path))
    }

    /// Lists what is left of processes before.
    pub(crate) fn left(folder: &Path) -> io::Result<Vec<(Id, Self)>> {
        let mut left = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let id = entry.file_name().into_string().ok();
            if let Some(id) = id.and_then(|id| Id::new(&id).ok()) {
                left.push((id, Self(entry.path())));
            }
        }
        Ok(left)
    }
}
