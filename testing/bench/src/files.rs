//! Folders and the files in them.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Bytes that are read at once: enough that calls of the system do not count.
pub(crate) const BUFFER: usize = 1 << 20;

/// Hands over all bytes of a source, some at a time.
///
/// # Errors
/// What the source and `each` say.
pub(crate) fn pump(
    source: &mut impl Read,
    mut each: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match source.read(&mut buffer)? {
            0 => return Ok(()),
            count => each(&buffer[..count])?,
        }
    }
}

/// Lists all regular files below a folder, as paths from there, in order.
///
/// # Errors
/// If a folder cannot be listed.
pub(crate) fn below(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let at = root.join(&folder);
        let entries = fs::read_dir(&at).with_context(|| format!("cannot list {}", at.display()))?;
        for entry in entries {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Takes a folder with all that is in it away, if it is there; mounts below it first.
///
/// # Errors
/// If something of it stays.
pub(crate) fn clear(folder: &Path) -> Result<()> {
    for mounted in transom_mount::table()?.iter().rev() {
        if mounted.target.starts_with(folder) {
            transom_mount::unmount_lazily(&mounted.target)?;
        }
    }
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.with_context(|| format!("cannot remove {}", folder.display())),
    }
}

/// Makes a folder that is empty.
///
/// # Errors
/// If it cannot be emptied or made.
pub(crate) fn fresh(folder: &Path) -> Result<PathBuf> {
    clear(folder)?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder.to_owned())
}

/// Has the kernel read a file into its cache.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn warm(file: &Path) -> Result<()> {
    let mut file =
        fs::File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    pump(&mut file, |_| Ok(()))
}

/// Makes the kernel forget what it has read.
///
/// # Errors
/// If this process is not root's.
pub(crate) fn drop_caches() -> Result<()> {
    rustix::fs::sync();
    fs::write("/proc/sys/vm/drop_caches", "3").context("cannot drop the kernel's caches")
}
