//! EROFS images in temporary folders, and mounts that go away with the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use transom_erofs::{Attributes, Builder, FileData, NodeId, Options};
use transom_mount::{Detached, Mounted, can_mount, table, unmount_lazily};

/// The attribute that every file of an image has.
pub(crate) const ATTRIBUTE: &str = "user.MSWINDOWS.rawsd";

/// Tells whether mounts can be made; if not, prints why.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
pub(crate) fn ready() -> bool {
    can_mount()
        .map_err(|why| println!("skipped: {why}"))
        .is_ok()
}

/// A temporary folder; what is mounted in it is unmounted when it is dropped.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Makes folders in it.
    pub(crate) fn folders<const N: usize>(&self, names: [&str; N]) -> [PathBuf; N] {
        names.map(|name| {
            let path = self.file(name);
            fs::create_dir_all(&path).unwrap();
            path
        })
    }

    /// What is mounted in it.
    pub(crate) fn mounts(&self) -> Vec<Mounted> {
        let mut mounts = table().unwrap();
        mounts.retain(|mounted| mounted.target.starts_with(self.path()));
        mounts
    }

    /// Waits until no loop device has a file in the folder.
    pub(crate) fn wait_for_loop_devices(&self) {
        let end = Instant::now() + Duration::from_secs(10);
        while loop_devices(self.path()) > 0 {
            assert!(Instant::now() < end, "a loop device is left");
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        for mounted in self.mounts().iter().rev() {
            unmount_lazily(&mounted.target).unwrap();
        }
    }
}

/// Counts the loop devices that files below `folder` back.
pub(crate) fn loop_devices(folder: &Path) -> usize {
    let devices = fs::read_dir("/sys/block").unwrap();
    devices
        .filter_map(|entry| fs::read(entry.unwrap().path().join("loop/backing_file")).ok())
        .filter(|file| file.starts_with(folder.as_os_str().as_encoded_bytes()))
        .count()
}

/// An EROFS image and its devices.
pub(crate) struct Image {
    pub(crate) index: PathBuf,
    pub(crate) devices: Vec<PathBuf>,
}

impl Image {
    /// Makes an image with the files `Files/0`, `Files/1`, …, each in a device of its own.
    pub(crate) fn new(folder: &Path, count: usize) -> Self {
        Self::with(folder, count, [7; 16], |_, _| {})
    }

    /// Makes such an image with more in it; `more` gets its files.
    pub(crate) fn with(
        folder: &Path,
        count: usize,
        uuid: [u8; 16],
        more: impl FnOnce(&mut Builder, &[NodeId]),
    ) -> Self {
        let options = Options {
            uuid,
            build_time: 0,
        };
        let mut builder = Builder::new(options, attributes(0o755));
        let files = builder.directory(attributes(0o755)).unwrap();
        builder.link(builder.root(), b"Files", files).unwrap();
        let (mut devices, mut nodes) = (Vec::new(), Vec::new());
        for number in 0..count {
            let path = folder.join(format!("tar-{number}"));
            let mut bytes = vec![0; 512];
            bytes.extend(data(number));
            bytes.resize(2048, 0);
            fs::write(&path, &bytes).unwrap();
            let device = builder.add_device(&format!("tar-{number}"), 2048).unwrap();
            let data = FileData::Contiguous {
                size: data(number).len() as u64,
                device,
                offset: 512,
            };
            let xattrs = vec![builder.xattr(ATTRIBUTE.as_bytes(), b"AQAA").unwrap()];
            let with_xattrs = Attributes {
                xattrs,
                ..attributes(0o644)
            };
            let file = builder.file(with_xattrs, data).unwrap();
            builder
                .link(files, number.to_string().as_bytes(), file)
                .unwrap();
            nodes.push(file);
            devices.push(path);
        }
        more(&mut builder, &nodes);
        let index = folder.join("index.erofs");
        let mut bytes = Vec::new();
        builder.write(&mut bytes).unwrap();
        fs::write(&index, bytes).unwrap();
        Self { index, devices }
    }

    /// Mounts it from its files, or however this kernel does it.
    pub(crate) fn mount(&self) -> Detached {
        transom_mount::erofs(&self.index, &self.devices, None)
            .unwrap()
            .0
    }
}

pub(crate) fn attributes(mode: u16) -> Attributes {
    Attributes {
        mode,
        ..Attributes::default()
    }
}

/// What is in the file of this number.
pub(crate) fn data(number: usize) -> Vec<u8> {
    format!("file {number}. ").repeat(60).into_bytes()
}

/// Asserts that every file of an image that is mounted at `root` reads right.
pub(crate) fn assert_reads(root: &Path, count: usize) {
    for number in 0..count {
        let read = fs::read(root.join(format!("Files/{number}"))).unwrap();
        assert_eq!(read, data(number), "file {number}");
    }
    assert_eq!(fs::read_dir(root.join("Files")).unwrap().count(), count);
}
