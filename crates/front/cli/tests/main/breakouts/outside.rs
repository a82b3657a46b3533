//! The folder around everything, and whether it stayed as it was.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

/// What no output may ever have in it.
pub(super) const SECRET: &str = "SECRET-OF-THE-HOST";

/// All that can be seen of a file without reading it, and its content or target.
type Seen = (u32, u64, i64, i64, u64, Vec<u8>);

/// A folder in which everything that a breakout is likely to hit lies in the way.
#[derive(Debug)]
pub(super) struct Outside {
    root: PathBuf,
    before: BTreeMap<PathBuf, Seen>,
}

impl Outside {
    /// Fills `root`. The folder `inside` below it is left out of the comparison.
    pub(super) fn make(root: &Path) -> Self {
        // Names that the cases lead to, at every height that `..` can reach below the root.
        for above in ["", "a", "a/b"] {
            for folder in ["etc", "victim", "target", "breakout"] {
                let folder = root.join(above).join(folder);
                fs::create_dir_all(&folder).unwrap();
                for file in ["passwd", "unbroken", "hello", "emptied"] {
                    fs::write(folder.join(file), SECRET).unwrap();
                }
            }
            fs::write(root.join(above).join("passwd"), SECRET).unwrap();
        }
        fs::create_dir_all(root.join("a/b/inside-sibling")).unwrap();
        fs::write(root.join("a/b/inside-sibling/hello"), SECRET).unwrap();
        symlink("passwd", root.join("to-passwd")).unwrap();
        fs::create_dir_all(root.join("a/b/inside")).unwrap();
        Self {
            root: root.to_owned(),
            before: seen(root),
        }
    }

    /// Where the store and the destinations are.
    pub(super) fn inside(&self) -> PathBuf {
        self.root.join("a/b/inside")
    }

    /// The path that stands for [`OUTSIDE`](super::case::OUTSIDE).
    pub(super) fn path(&self) -> &str {
        self.root.to_str().unwrap()
    }

    #[track_caller]
    pub(super) fn assert_untouched(&self, why: &str) {
        assert_eq!(seen(&self.root), self.before, "{why}");
        for path in ["/unbroken", "/breakout", "/localetc", "/dotdot", "/victim"] {
            assert!(!Path::new(path).exists(), "{path}: {why}");
        }
    }
}

/// Asserts that a file, or all files below a folder, have nothing of what lies outside.
#[track_caller]
pub(super) fn assert_no_secret(path: &Path, why: &str) {
    let about = path.symlink_metadata().unwrap();
    if about.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            assert_no_secret(&entry.unwrap().path(), why);
        }
    } else if about.is_file() {
        let bytes = fs::read(path).unwrap();
        let has_secret = bytes
            .windows(SECRET.len())
            .any(|part| part == SECRET.as_bytes());
        assert!(!has_secret, "{}: {why}", path.display());
    }
}

fn seen(root: &Path) -> BTreeMap<PathBuf, Seen> {
    let mut seen = BTreeMap::new();
    let mut paths = vec![root.to_owned()];
    while let Some(path) = paths.pop() {
        let about = path.symlink_metadata().unwrap();
        let content = match about.file_type() {
            kind if kind.is_file() => fs::read(&path).unwrap(),
            kind if kind.is_symlink() => fs::read_link(&path)
                .unwrap()
                .as_os_str()
                .as_bytes()
                .to_vec(),
            _ => {
                let entries = fs::read_dir(&path).unwrap();
                let is_inside = |path: &PathBuf| path.ends_with("a/b/inside");
                paths.extend(
                    entries
                        .map(|entry| entry.unwrap().path())
                        .filter(|path| !is_inside(path)),
                );
                Vec::new()
            }
        };
        let about = (
            about.mode(),
            about.size(),
            about.mtime(),
            about.mtime_nsec(),
            about.nlink(),
            content,
        );
        seen.insert(path, about);
    }
    seen
}
