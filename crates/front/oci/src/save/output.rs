//! Files and folders that are there wholly or not at all: written beside their place, then renamed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::{SaveError, doing};

/// Runs `work` on a new file beside `path` and renames it; what is no regular file is written to directly.
pub(super) fn write_file<T>(
    path: &Path,
    work: impl FnOnce(&mut dyn Write) -> Result<T, SaveError>,
) -> Result<T, SaveError> {
    let shown = path.display().to_string();
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => return Err(SaveError::IsFolder(path.to_owned())),
        Ok(metadata) if !metadata.is_file() => {
            let file = File::options().write(true).open(path);
            return work(&mut doing(file, "open", shown)?);
        }
        _ => {}
    }
    let place = beside(path)?;
    let place_shown = place.display().to_string();
    let mut file = doing(File::create_new(&place), "create", &place_shown)?;
    let partial = Partial { path: place };
    let value = work(&mut file)?;
    doing(file.sync_all(), "sync", place_shown)?;
    drop(file);
    partial.rename(path)?;
    Ok(value)
}

/// Runs `work` on a new folder beside `path` and renames it; an empty folder there is replaced.
pub(super) fn write_folder<T>(
    path: &Path,
    work: impl FnOnce(&Path) -> Result<T, SaveError>,
) -> Result<T, SaveError> {
    let is_empty = match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(_) => false,
    };
    if !is_empty {
        return Err(SaveError::Exists(path.to_owned()));
    }
    let place = beside(path)?;
    doing(
        fs::create_dir(&place),
        "create folder",
        place.display().to_string(),
    )?;
    let partial = Partial { path: place };
    let value = work(&partial.path)?;
    match fs::remove_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(SaveError::Exists(path.to_owned()));
        }
        _ => partial.rename(path)?,
    }
    Ok(value)
}

/// Returns a path in the folder of `path` that no other save uses.
fn beside(path: &Path) -> Result<PathBuf, SaveError> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let name = path
        .file_name()
        .ok_or_else(|| SaveError::BadPath(path.to_owned()))?;
    let unique = format!(
        "{}-{}",
        std::process::id(),
        COUNTER.fetch_add(1, Ordering::Relaxed)
    );
    Ok(path.with_file_name(format!(".{}.{unique}.partial", name.to_string_lossy())))
}

/// Something half written, made by this save; deleted when dropped.
struct Partial {
    path: PathBuf,
}

impl Partial {
    /// Puts it in its place.
    fn rename(self, path: &Path) -> Result<(), SaveError> {
        doing(
            fs::rename(&self.path, path),
            "rename",
            self.path.display().to_string(),
        )
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After a rename there is nothing left to delete; other failures have no one to hear of them.
        let _ = match self.path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&self.path),
            Ok(_) => fs::remove_file(&self.path),
            Err(error) => Err(error),
        };
    }
}
