//! What files take on the disk. Programs write in some folders while this looks: no link is followed.

use std::collections::HashSet;
use std::path::Path;

/// Counts what files take; one with several names is counted once.
#[derive(Debug, Default)]
pub(crate) struct Space {
    /// Files with several names: their file system and their number there.
    seen: HashSet<(u64, u64)>,
}

/// Returns the bytes that a file, or a folder with all that is below it, takes on the disk; what cannot be looked at
/// takes none. A file with several names is counted once; what is mounted below is not counted.
pub(crate) fn allocated(path: &Path) -> u64 {
    Space::default().taken_by(path)
}

#[cfg(target_os = "linux")]
impl Space {
    /// Counts a file, or a folder with all that is below it, as [`allocated`] does.
    pub(crate) fn taken_by(&mut self, path: &Path) -> u64 {
        use rustix::fs::{AtFlags, Dir, Mode, OFlags, ResolveFlags};

        let Ok(top) = rustix::fs::lstat(path) else {
            return 0;
        };
        let mut bytes = self.count(&top);
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let Ok(root) = rustix::fs::open(path, flags, Mode::empty()) else {
            return bytes;
        };
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
                if stat.st_dev != top.st_dev {
                    continue;
                }
                bytes += self.count(&stat);
                if is_folder(&stat) {
                    folders.push([&path[..], b"/", name].concat());
                }
            }
        }
        bytes
    }

    fn count(&mut self, stat: &rustix::fs::Stat) -> u64 {
        let is_first =
            stat.st_nlink <= 1 || is_folder(stat) || self.seen.insert((stat.st_dev, stat.st_ino));
        match is_first {
            true => u64::try_from(stat.st_blocks).unwrap_or(0) * 512,
            false => 0,
        }
    }
}

#[cfg(target_os = "linux")]
fn is_folder(stat: &rustix::fs::Stat) -> bool {
    use rustix::fs::FileType;
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

#[cfg(not(target_os = "linux"))]
impl Space {
    /// Counts the bytes that a file, or all files below a folder, have; what cannot be looked at counts nothing.
    pub(crate) fn taken_by(&mut self, path: &Path) -> u64 {
        let Ok(top) = std::fs::symlink_metadata(path) else {
            return 0;
        };
        let mut bytes = length(&top);
        let mut folders = Vec::new();
        if top.is_dir() {
            folders.push(path.to_owned());
        }
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let Ok(metadata) = entry.metadata() else {
                    continue;
                };
                bytes += length(&metadata);
                if metadata.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        bytes
    }
}

/// A folder takes nothing but what is in it here.
#[cfg(not(target_os = "linux"))]
fn length(metadata: &std::fs::Metadata) -> u64 {
    match metadata.is_dir() {
        true => 0,
        false => metadata.len(),
    }
}
