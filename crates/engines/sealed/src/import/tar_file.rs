//! The tar of a layer while it arrives.
//!
//! It is written past the system's cache where that is possible: copying a gigabyte into the cache
//! takes as long as hashing it, and what a layer holds is rarely read as a whole soon.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::durable::{self, FileError, Named};

/// What direct writes want of addresses, offsets and lengths: the largest block of common disks.
pub(super) const DIRECT_ALIGNMENT: usize = 4096;

/// A new file that is only appended to.
#[derive(Debug)]
pub(super) struct TarFile {
    path: PathBuf,
    file: File,
    /// The same file, open for direct writes, if the file system can do that.
    direct: Option<File>,
}

impl TarFile {
    /// Makes the new file `path`; it must not exist.
    pub(super) fn create(path: &Path) -> Result<Self, FileError> {
        durable::create_file(path)?;
        let file = durable::open_to_append(path)?;
        let direct = durable::open_direct(path);
        Ok(Self {
            path: path.to_owned(),
            file,
            direct,
        })
    }

    /// The file, for reading.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Appends bytes; all but the last ones come in multiples of [`DIRECT_ALIGNMENT`], from such addresses.
    pub(super) fn append(&self, bytes: &[u8]) -> Result<(), FileError> {
        let written = match &self.direct {
            Some(direct) if bytes.len().is_multiple_of(DIRECT_ALIGNMENT) => {
                (&*direct).write_all(bytes)
            }
            _ => (&self.file).write_all(bytes),
        };
        written.named("write", &self.path)
    }

    /// Makes the file durable.
    pub(super) fn sync(&self) -> Result<(), FileError> {
        // A sync that failed must not be tried again: the kernel may have dropped the pages.
        self.file.sync_data().named("sync", &self.path)
    }
}
