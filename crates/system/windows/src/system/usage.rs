//! What a folder takes of its volume.

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::os::windows::io::AsHandle;
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT,
    FILE_ID_INFO, FILE_READ_ATTRIBUTES,
};

use super::nt::{self, StandardInfo};

/// Returns the bytes that the volume has given to all files beneath a folder: a file of many names is counted once, and
/// of a placeholder or sparse file what is there. What this process may not see is left out.
pub fn allocated(folder: &Path) -> u64 {
    let mut bytes = 0;
    let mut known = HashSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let is_link = metadata.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0;
            if metadata.is_dir() && !is_link {
                folders.push(entry.path());
            } else {
                bytes += of_file(&entry.path(), &mut known).unwrap_or(0);
            }
        }
    }
    bytes
}

/// Returns what a file takes, unless it was met before under another name.
fn of_file(path: &Path, known: &mut HashSet<[u8; 16]>) -> io::Result<u64> {
    let file = OpenOptions::new()
        .access_mode(FILE_READ_ATTRIBUTES)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT)
        .open(path)?;
    let standard: StandardInfo = nt::information(file.as_handle())?;
    if standard.links > 1 {
        let id: FILE_ID_INFO = nt::information(file.as_handle())?;
        if !known.insert(id.FileId.Identifier) {
            return Ok(0);
        }
    }
    Ok(u64::try_from(standard.allocation).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_two_names_is_counted_once() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("below");
        fs::create_dir(&below).unwrap();
        fs::write(below.join("one"), vec![1; 100_000]).unwrap();
        let alone = allocated(folder.path());
        assert!(alone >= 100_000, "{alone}");
        fs::hard_link(below.join("one"), folder.path().join("two")).unwrap();
        assert_eq!(allocated(folder.path()), alone);
        fs::write(folder.path().join("three"), vec![1; 100_000]).unwrap();
        assert_eq!(allocated(folder.path()), 2 * alone);
        assert_eq!(allocated(&folder.path().join("not there")), 0);
    }
}
