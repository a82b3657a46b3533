//! Files that are there wholly or not at all: write aside, sync, rename, sync the folder.
//!
//! Every write to the store goes through here, and every error names the path and the verb.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// A file operation that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} {}: {source}", path.display())]
pub struct FileError {
    /// What was being done, as a verb: `open`, `write`, `rename`.
    pub verb: &'static str,
    /// The file or folder it was done to.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Adds the verb and the path to an I/O result.
pub(crate) trait Named<T> {
    fn named(self, verb: &'static str, path: &Path) -> Result<T, FileError>;
}

impl<T> Named<T> for io::Result<T> {
    fn named(self, verb: &'static str, path: &Path) -> Result<T, FileError> {
        self.map_err(|source| FileError {
            verb,
            path: path.to_owned(),
            source,
        })
    }
}

/// Makes `path` and its parents if they are missing, for this user only.
///
/// On Windows who may read it is inherited: a user's own folder is that user's.
pub(crate) fn create_dir(path: &Path) -> Result<(), FileError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).named("create folder", path)
}

/// Returns options that make files for this user only, whatever the mask of the process.
pub(crate) fn private() -> OpenOptions {
    #[cfg(unix)]
    {
        let mut options = OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
    }
    #[cfg(not(unix))]
    OpenOptions::new()
}

/// Makes the new file `path`; it must not exist.
pub(crate) fn create_file(path: &Path) -> Result<File, FileError> {
    private()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)
        .named("create", path)
}

/// Opens the file `path` to be locked, making it if it is missing.
pub(crate) fn open_lock(path: &Path) -> Result<File, FileError> {
    private()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
        .named("open", path)
}

/// Opens `path` for reading, and for writing at its end.
pub(crate) fn open_to_append(path: &Path) -> Result<File, FileError> {
    File::options()
        .read(true)
        .append(true)
        .open(path)
        .named("open", path)
}

/// Opens `path` for writing at its end past the system's cache; `None` if that is not possible here.
pub(crate) fn open_direct(path: &Path) -> Option<File> {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::DIRECT.bits().cast_signed();
        File::options()
            .append(true)
            .custom_flags(flags)
            .open(path)
            .ok()
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        None
    }
}

/// Opens `path` for reading.
pub(crate) fn open_file(path: &Path) -> Result<File, FileError> {
    File::open(path).named("open", path)
}

/// Asks the system to begin writing a range of `file` to the disk; does not wait, promises nothing.
pub(crate) fn start_writing(file: &File, offset: u64, length: u64) {
    // Linux starts to write dirty pages of the range, and drops clean ones: there are none yet.
    // Unlike a sync this commits no journal and flushes no disk cache.
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{Advice, fadvise};
        let _ = fadvise(
            file,
            offset,
            std::num::NonZeroU64::new(length),
            Advice::DontNeed,
        );
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file, offset, length);
}

/// Makes the bytes of `file` durable.
pub(crate) fn sync_file(file: &File, path: &Path) -> Result<(), FileError> {
    file.sync_all().named("sync", path)
}

/// Makes the names in the folder `path` durable.
///
/// Windows has no such call. NTFS notes names in its journal, in order, and a sync of any file writes that; the
/// catalog is synced after every name it speaks of. A layer whose files are lost all the same comes back with
/// the next import.
pub(crate) fn sync_dir(path: &Path) -> Result<(), FileError> {
    #[cfg(unix)]
    File::open(path)
        .and_then(|dir| dir.sync_all())
        .named("sync folder", path)?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Renames `from` to `to`; both folders still have to be synced.
///
/// On Windows no folder is renamed while a file in it is open, and on some of its file systems no file that is
/// open is replaced: [`is_in_use`] tells.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), FileError> {
    fs::rename(from, to).named("rename", from)
}

/// Says whether an operation failed for what others have open, which never happens on Unix.
pub(crate) fn is_in_use(error: &FileError) -> bool {
    // winerror.h: ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, and ERROR_DIR_NOT_EMPTY for a folder that has
    // files which go when they are closed.
    cfg!(windows) && matches!(error.source.raw_os_error(), Some(5 | 32 | 145))
}

/// Lists the names in the folder `path`; none if it is not there.
pub(crate) fn names_in(path: &Path) -> Result<Vec<String>, FileError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).named("list", path),
    };
    let mut names = Vec::new();
    for entry in entries {
        if let Ok(name) = entry.named("list", path)?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Deletes a folder if it is empty; nothing there is fine.
pub(crate) fn delete_empty(path: &Path) -> Result<(), FileError> {
    match fs::remove_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.named("delete", path),
    }
}

/// Deletes a file or a folder with all that is in it; nothing there is fine.
pub(crate) fn delete(path: &Path) -> Result<(), FileError> {
    let result = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.named("delete", path),
    }
}

/// Deletes as [`delete`] does; says `false` of what others have open and is to be deleted later.
pub(crate) fn delete_if_unused(path: &Path) -> Result<bool, FileError> {
    match delete(path) {
        Err(error) if is_in_use(&error) => Ok(false),
        result => result.map(|()| true),
    }
}
