//! What a folder takes.

use std::fs;
use std::path::Path;

use transom_sealed::SnapshotUsage;

/// Adds up the files below a folder, following no link. What cannot be looked at counts nothing.
pub(super) fn of(folder: &Path) -> SnapshotUsage {
    let mut usage = SnapshotUsage::default();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            usage.entries += 1;
            match metadata.is_dir() {
                true => folders.push(entry.path()),
                false => usage.bytes += metadata.len(),
            }
        }
    }
    usage
}
