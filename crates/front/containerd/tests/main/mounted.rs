//! Servers of stores that mount their snapshots themselves, and mounts of what they give out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use transom_containerd::proto::types::Mount;
use transom_containerd::{MountKind, Options, routes};

use crate::support::{Bench, Home};

/// Says why a test does nothing where it cannot mount.
#[expect(clippy::print_stdout, reason = "whoever runs the tests shall see it")]
pub(crate) fn can_mount() -> bool {
    let can = rustix::process::geteuid().is_root();
    if !can {
        println!("skipped: needs root");
    }
    can
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Self {
        Self::serve(|_, store, containerd| {
            let mut options = Options {
                containerd,
                mounts: MountKind::Bind,
                unpack_by_mount: false,
            };
            change(&mut options);
            routes(store, options)
        })
    }

    /// Mounts what a client was given, as it would.
    pub(crate) fn mount(&self, mounts: &[Mount]) -> Mounted {
        Mounted::new(mounts)
    }

    /// Prepares a snapshot, changes it through a mount, commits it.
    pub(crate) fn commit_with(&self, name: &str, parent: &str, change: impl FnOnce(&Path)) {
        let key = format!("{name}-active");
        let mounted = self.mount(&self.prepare(&key, parent));
        change(mounted.path());
        drop(mounted);
        self.commit(name, &key).unwrap();
    }

    /// Looks at a committed snapshot through a view.
    pub(crate) fn look_at(&self, name: &str, look: impl FnOnce(&Path)) {
        let key = format!("{name}-view");
        let mounted = self.mount(&self.view(&key, name));
        look(mounted.path());
        drop(mounted);
        self.remove(&key).unwrap();
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // A test that failed has left mounts.
        let root = self.path().to_str().unwrap().to_owned();
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let points = table.lines().filter_map(|line| line.split(' ').nth(4));
        for point in points.filter(|point| point.starts_with(&root)) {
            let _ = rustix::mount::unmount(point, rustix::mount::UnmountFlags::DETACH);
        }
    }
}

/// A mount in a temporary folder.
pub(crate) struct Mounted {
    folder: TempDir,
}

impl Mounted {
    fn new(mounts: &[Mount]) -> Self {
        let [mount] = mounts else {
            panic!("one mount is enough: {mounts:?}");
        };
        assert_eq!(mount.r#type, "bind");
        let folder = tempfile::tempdir().unwrap();
        rustix::mount::mount_bind_recursive(mount.source.as_str(), folder.path()).unwrap();
        if mount.options.iter().any(|option| option == "ro") {
            let flags = rustix::mount::MountFlags::BIND | rustix::mount::MountFlags::RDONLY;
            rustix::mount::mount_remount(folder.path(), flags, "").unwrap();
        }
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let flags = rustix::mount::UnmountFlags::empty();
        rustix::mount::unmount(self.folder.path(), flags).unwrap();
    }
}

/// What a file tree holds: for each path the kind, the mode and the content.
pub(crate) fn tree_of(root: &Path) -> BTreeMap<PathBuf, String> {
    use std::os::unix::fs::PermissionsExt as _;

    let mut tree = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let mode = metadata.permissions().mode() & 0o7777;
            let what = if metadata.is_dir() {
                folders.push(path.clone());
                format!("folder {mode:o}")
            } else if metadata.is_symlink() {
                format!("link to {}", fs::read_link(&path).unwrap().display())
            } else {
                let content = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                format!("file {mode:o} {content}")
            };
            tree.insert(path.strip_prefix(root).unwrap().to_owned(), what);
        }
    }
    tree
}

pub(crate) fn write(root: &Path, path: &str, content: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

pub(crate) fn read(root: &Path, path: &str) -> String {
    fs::read_to_string(root.join(path)).unwrap()
}
