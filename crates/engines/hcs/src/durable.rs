//! Small files that are never torn: whole, or as they were.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Writes a file beside its place, makes it durable, and moves it there.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut file = tempfile::Builder::new()
        .prefix("transom-new-")
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Removes a file that may not be there.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => match path.parent() {
            Some(folder) if folder.exists() => sync_folder(folder),
            _ => Ok(()),
        },
    }
}

/// NTFS writes its journal itself; elsewhere a name is durable only when its folder is.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    match cfg!(windows) {
        true => Ok(()),
        false => File::open(folder)?.sync_all(),
    }
}
