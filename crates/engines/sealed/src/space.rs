//! What files take on the disk. Programs write in some folders while this looks: no link is followed.

use std::path::Path;

/// Returns the bytes that a file, or a folder with all that is below it, takes on the disk; what cannot be looked at
/// takes none. A file with several names is counted once; what is mounted below is not counted.
#[cfg(target_os = "linux")]
pub(crate) fn allocated(path: &Path) -> u64 {
    use std::collections::HashSet;

    use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat};

    let taken = |stat: &Stat| u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
    let is_folder = |stat: &Stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    let Ok(top) = rustix::fs::lstat(path) else {
        return 0;
    };
    let mut bytes = taken(&top);
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let Ok(root) = rustix::fs::open(path, flags, Mode::empty()) else {
        return bytes;
    };
    let mut seen = HashSet::new();
    let mut folders = vec![b".".to_vec()];
    while let Some(path) = folders.pop() {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let opened = rustix::fs::openat2(&root, &path, flags, Mode::empty(), resolve);
        let Ok(folder) = opened else { continue };
        let listing = Dir::read_from(&folder).into_iter().flatten().flatten();
        for entry in listing {
            let name = entry.file_name().to_bytes();
            let stat = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW);
            let (false, Ok(stat)) = (matches!(name, b"." | b".."), stat) else {
                continue;
            };
            let is_elsewhere = stat.st_dev != top.st_dev;
            if is_elsewhere || (stat.st_nlink > 1 && !is_folder(&stat) && !seen.insert(stat.st_ino))
            {
                continue;
            }
            bytes += taken(&stat);
            if is_folder(&stat) {
                folders.push([&path[..], b"/", name].concat());
            }
        }
    }
    bytes
}

/// Returns the bytes that a file, or all files below a folder, have; what cannot be looked at counts nothing.
#[cfg(not(target_os = "linux"))]
pub(crate) fn allocated(path: &Path) -> u64 {
    let Ok(top) = std::fs::symlink_metadata(path) else {
        return 0;
    };
    let mut bytes = top.len();
    let mut folders = Vec::new();
    if top.is_dir() {
        folders.push(path.to_owned());
    }
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            bytes += metadata.len();
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    bytes
}
