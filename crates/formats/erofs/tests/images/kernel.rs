//! The kernel mounts what the writer makes and shows the same tree.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::{self, File};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use tempfile::TempDir;
use transom_erofs::{Builder, FileData, FileKind};

use crate::strategy;
use crate::tree::{Expected, OPTIONS, Tree, Xattrs, catalogue, children, deep, meta, noise};

/// A mounted image; unmounted when dropped.
struct Mounted {
    folder: TempDir,
}

impl Mounted {
    /// `None`, with a line that says why, where the machine cannot do it.
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    fn new(image: &[u8], devices: &[PathBuf], folder: TempDir) -> Option<Self> {
        let source = folder.path().join("index.erofs");
        fs::write(&source, image).unwrap();
        let target = folder.path().join("mnt");
        fs::create_dir(&target).unwrap();
        let options: Vec<_> = devices
            .iter()
            .map(|path| format!("device={}", path.display()))
            .collect();
        let options = CString::new(options.join(",")).unwrap();
        match mount(&source, &target, "erofs", MountFlags::RDONLY, &*options) {
            Ok(()) => Some(Self { folder }),
            // No root; no EROFS; a kernel before 6.12, which wants a block device.
            Err(reason @ (Errno::PERM | Errno::ACCESS | Errno::NODEV | Errno::NOTBLK)) => {
                eprintln!("skipped: cannot mount EROFS from a file here: {reason}");
                None
            }
            Err(reason) => panic!("the kernel refuses the image: {reason}"),
        }
    }

    fn path(&self, path: &[u8]) -> PathBuf {
        self.folder
            .path()
            .join("mnt")
            .join(std::ffi::OsStr::from_bytes(path))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        unmount(self.folder.path().join("mnt"), UnmountFlags::DETACH).expect("was mounted");
    }
}

fn mount_tree(tree: Tree) -> Option<(Mounted, BTreeMap<Vec<u8>, Expected>)> {
    let folder = TempDir::new().unwrap();
    let (image, expected, devices) = tree.write();
    let mut paths = Vec::new();
    for (number, device) in devices.iter().enumerate() {
        paths.push(folder.path().join(format!("tar-{number}")));
        fs::write(&paths[number], device).unwrap();
    }
    Some((Mounted::new(&image, &paths, folder)?, expected))
}

fn check(mounted: &Mounted, expected: &BTreeMap<Vec<u8>, Expected>) {
    for (path, want) in expected {
        let at = mounted.path(path);
        let shown = String::from_utf8_lossy(path).into_owned();
        let stat = fs::symlink_metadata(&at).unwrap_or_else(|error| panic!("{shown}: {error}"));
        let kind = stat.file_type();
        let right = match want.kind {
            FileKind::Regular => kind.is_file(),
            FileKind::Directory => kind.is_dir(),
            FileKind::Symlink => kind.is_symlink(),
            FileKind::CharDevice => kind.is_char_device(),
            FileKind::BlockDevice => kind.is_block_device(),
            FileKind::Fifo => kind.is_fifo(),
            FileKind::Socket => kind.is_socket(),
        };
        assert!(right, "{shown}: {kind:?}");
        let meta = &want.meta;
        assert_eq!(
            stat.mode() & 0o7777,
            u32::from(meta.mode),
            "mode of {shown}"
        );
        assert_eq!(
            (stat.uid(), stat.gid()),
            (meta.uid, meta.gid),
            "owner of {shown}"
        );
        let mtime = (meta.mtime.seconds, i64::from(meta.mtime.nanoseconds));
        assert_eq!((stat.mtime(), stat.mtime_nsec()), mtime, "mtime of {shown}");
        assert_eq!(stat.nlink(), u64::from(want.nlink), "links of {shown}");
        assert_ne!(stat.ino(), 0, "inode number of {shown}");
        match want.kind {
            FileKind::Directory => {
                let mut names: Vec<_> = fs::read_dir(&at)
                    .unwrap()
                    .map(|entry| entry.unwrap().file_name().into_vec())
                    .collect();
                names.sort();
                assert_eq!(names, children(expected, path), "entries of {shown}");
            }
            FileKind::Symlink => {
                let target = fs::read_link(&at).unwrap().into_os_string().into_vec();
                assert_eq!(target, want.target, "target of {shown}");
            }
            FileKind::Regular => check_data(&at, want, &shown),
            _ => {
                let rdev = want
                    .rdev
                    .map_or(0, |number| rustix::fs::makedev(number.major, number.minor));
                assert_eq!(stat.rdev(), rdev, "device number of {shown}");
            }
        }
        check_xattrs(&at, want, &shown);
    }
}

fn check_data(at: &Path, want: &Expected, shown: &str) {
    assert_eq!(
        fs::metadata(at).unwrap().len(),
        want.size,
        "size of {shown}"
    );
    if want.size < 1 << 24 {
        assert!(fs::read(at).unwrap() == want.data(), "data of {shown}");
        return;
    }
    let file = File::open(at).unwrap();
    for (start, bytes) in &want.parts {
        let mut read = vec![0; bytes.len()];
        file.read_exact_at(&mut read, *start).unwrap();
        assert!(read == *bytes, "data of {shown} at {start}");
    }
}

fn check_xattrs(at: &Path, want: &Expected, shown: &str) {
    let mut buffer = vec![0u8; 1 << 16];
    let length = rustix::fs::llistxattr(at, &mut buffer[..]).unwrap();
    let mut read = Xattrs::new();
    for name in buffer[..length]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        let mut value = vec![0u8; 1 << 16];
        let length = match rustix::fs::lgetxattr(at, name, &mut value[..]) {
            Ok(length) => length,
            // Linux lists user attributes on any file, but gives them on files and directories only.
            Err(Errno::PERM | Errno::NODATA)
                if name.starts_with(b"user.")
                    && !matches!(want.kind, FileKind::Regular | FileKind::Directory) =>
            {
                let known = &want.meta.xattrs[name];
                value[..known.len()].copy_from_slice(known);
                known.len()
            }
            Err(error) => panic!(
                "{shown}: attribute {}: {error}",
                String::from_utf8_lossy(name)
            ),
        };
        value.truncate(length);
        read.insert(name.to_vec(), value);
    }
    assert!(
        read == want.meta.xattrs,
        "attributes of {shown}: {:?}",
        read.keys()
    );
}

#[test]
fn kernel_shows_one_of_everything() {
    if let Some((mounted, expected)) = mount_tree(catalogue()) {
        check(&mounted, &expected);
        let inode = |path: &[u8]| fs::metadata(mounted.path(path)).unwrap().ino();
        assert_eq!(inode(b"second name"), inode(b"dir/large"));
    }
}

#[test]
fn kernel_reads_a_file_larger_than_4_gib() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tar");
    let device = File::create(&path).unwrap();
    let size = (5 << 30) + 12_345u64;
    let parts: Vec<_> = [512, (4 << 30) - 100, size + 1024 - 3000]
        .map(|offset| (offset - 512, noise(2000, offset)))
        .into();
    device.set_len(size + 2048).unwrap();
    for (start, bytes) in &parts {
        device.write_all_at(bytes, start + 512).unwrap();
    }
    let mut tree = Tree::new(meta(0o755), vec![]);
    let id = tree.builder.add_device("sparse", size + 2048).unwrap();
    let data = FileData::Contiguous {
        size,
        device: id,
        offset: 512,
    };
    tree.file(b"large", meta(0o644), data, parts);
    let (image, expected, _) = tree.write();
    if let Some(mounted) = Mounted::new(&image, &[path], folder) {
        check(&mounted, &expected);
    }
}

#[test]
fn kernel_descends_a_thousand_levels() {
    let mut tree = Tree::new(meta(0o755), vec![noise(4096, 1)]);
    deep(&mut tree, 1000);
    if let Some((mounted, expected)) = mount_tree(tree) {
        check(&mounted, &expected);
    }
}

#[test]
fn kernel_shows_a_wide_directory() {
    let mut tree = Tree::new(meta(0o755), vec![noise(4096, 1)]);
    for number in 0..5000 {
        tree.contiguous(format!("{number:x}-file").as_bytes(), meta(0o644), 1, 100);
    }
    if let Some((mounted, expected)) = mount_tree(tree) {
        let names = fs::read_dir(mounted.path(b"")).unwrap().count();
        assert_eq!(names, 5000);
        for path in expected.keys().step_by(97) {
            assert!(fs::symlink_metadata(mounted.path(path)).is_ok());
        }
        assert!(fs::symlink_metadata(mounted.path(b"absent")).is_err());
    }
}

#[test]
fn kernel_mounts_an_empty_tree_without_devices() {
    let mut image = Vec::new();
    Builder::new(OPTIONS, Default::default())
        .write(&mut image)
        .unwrap();
    if let Some(mounted) = Mounted::new(&image, &[], TempDir::new().unwrap()) {
        assert_eq!(fs::read_dir(mounted.path(b"")).unwrap().count(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn kernel_shows_any_tree_as_it_was_built(plan in strategy::plan()) {
        if let Some((mounted, expected)) = mount_tree(strategy::build(plan)) {
            check(&mounted, &expected);
        }
    }
}
