//! What a folder takes on the disk. Programs write in some of them while this looks: no link is followed.

use std::path::Path;

/// Returns the bytes that everything below a folder takes on the disk; what cannot be looked at counts nothing.
#[cfg(target_os = "linux")]
pub(crate) fn allocated(folder: &Path) -> u64 {
    use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags};

    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let Ok(root) = rustix::fs::open(folder, flags, Mode::empty()) else {
        return 0;
    };
    let mut bytes = 0;
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
            bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                folders.push([&path[..], b"/", name].concat());
            }
        }
    }
    bytes
}

/// Returns the bytes that everything below a folder has; what cannot be looked at counts nothing.
#[cfg(not(target_os = "linux"))]
pub(crate) fn allocated(folder: &Path) -> u64 {
    let mut bytes = 0;
    let mut folders = vec![folder.to_owned()];
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
