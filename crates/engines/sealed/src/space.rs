//! What files take on the disk.

use std::collections::HashSet;
use std::fs::Metadata;
use std::path::Path;

/// Returns the bytes that a file, or a folder with all that is below it, takes on the disk; nothing there takes
/// none. A file with several names is counted once; what is mounted below is not counted.
pub(crate) fn allocated(path: &Path) -> u64 {
    let Ok(top) = std::fs::symlink_metadata(path) else {
        return 0;
    };
    let mut bytes = blocks(&top);
    let mut seen = HashSet::new();
    let mut folders = Vec::new();
    if top.is_dir() {
        folders.push(path.to_owned());
    }
    while let Some(folder) = folders.pop() {
        // What this user may not see, and what others delete meanwhile, is left out.
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        for entry in entries {
            // Links are not followed: a program may have made them.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if !is_on_same_disk(&metadata, &top) || !is_first(&metadata, &mut seen) {
                continue;
            }
            bytes += blocks(&metadata);
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    bytes
}

/// Returns the bytes that one file or folder itself takes.
fn blocks(metadata: &Metadata) -> u64 {
    #[cfg(unix)]
    let bytes = std::os::unix::fs::MetadataExt::blocks(metadata) * 512;
    #[cfg(not(unix))]
    let bytes = metadata.len();
    bytes
}

#[cfg(unix)]
fn is_on_same_disk(metadata: &Metadata, top: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.dev() == top.dev()
}

#[cfg(not(unix))]
fn is_on_same_disk(_: &Metadata, _: &Metadata) -> bool {
    true
}

/// Says whether a file was not counted by another name.
fn is_first(metadata: &Metadata, seen: &mut HashSet<(u64, u64)>) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        metadata.is_dir() || metadata.nlink() == 1 || seen.insert((metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = (metadata, seen);
        true
    }
}
