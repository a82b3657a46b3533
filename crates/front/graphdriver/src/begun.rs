//! Which layers' tars have begun to come and not ended well: an empty file for each.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use transom_driver::{DriverError, Id};

use crate::error::OpenError;

/// Locked while a plugin is open.
const LOCK: &str = "lock";
/// Holds the notes.
const BEGUN: &str = "begun";

/// The notes. They outlive the process, as what Docker remembers does, but need not survive the machine: then Docker
/// starts anew as well.
#[derive(Debug)]
pub(crate) struct Begun {
    folder: PathBuf,
    _lock: File,
}

/// Options that make files for this user only, whatever the mask of the process.
fn private() -> OpenOptions {
    OpenOptions::new().write(true).mode(0o600).to_owned()
}

impl Begun {
    /// Opens a folder for one process, and forgets layers that do not `exist`.
    pub(crate) fn open(
        folder: &Path,
        exists: impl Fn(&Id) -> Result<bool, DriverError>,
    ) -> Result<Self, OpenError> {
        let failed = |verb, path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::File { verb, path, source }
        };
        let notes = folder.join(BEGUN);
        let make = DirBuilder::new().recursive(true).mode(0o700).create(&notes);
        make.map_err(failed("make", &notes))?;
        let path = folder.join(LOCK);
        let lock = private().create(true).truncate(true).open(&path);
        let lock = lock.map_err(failed("open", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(OpenError::Taken),
            Err(fs::TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
        }
        let begun = Self {
            folder: notes,
            _lock: lock,
        };
        for entry in fs::read_dir(&begun.folder).map_err(failed("list", &begun.folder))? {
            let entry = entry.map_err(failed("list", &begun.folder))?;
            // What is no id was not put here by this program.
            let Some(id) = entry.file_name().to_str().and_then(|id| Id::new(id).ok()) else {
                continue;
            };
            if !exists(&id)? {
                begun.forget(&id);
            }
        }
        Ok(begun)
    }

    /// Notes a layer; `false` if it was noted already.
    pub(crate) fn note(&self, id: &Id) -> io::Result<bool> {
        match private()
            .create_new(true)
            .open(self.folder.join(id.as_str()))
        {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes a note away.
    pub(crate) fn forget(&self, id: &Id) {
        // One that stays refuses a tar for an id that Docker does not use again.
        let _ = fs::remove_file(self.folder.join(id.as_str()));
    }
}
