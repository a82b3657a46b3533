//! What is mounted below the folder of a test.

use std::path::{Path, PathBuf};

/// What is mounted below a folder, innermost first.
pub(crate) fn below(folder: &Path) -> Vec<PathBuf> {
    let table = transom_mount::table().unwrap();
    let targets = table.into_iter().map(|mount| mount.target);
    let mut below: Vec<PathBuf> = targets
        .filter(|target| target.starts_with(folder))
        .collect();
    below.sort();
    below.reverse();
    below
}

/// Unmounts what a test that failed has left.
pub(crate) fn clear(folder: &Path) {
    for mount in below(folder) {
        let _ = transom_mount::unmount_lazily(&mount);
    }
}
