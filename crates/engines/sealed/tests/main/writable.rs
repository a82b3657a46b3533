//! Writable layers through real mounts, as the driver drives them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use transom_driver::{ChangeKind, Driver, Id};
use transom_layer::Names;
use transom_ntmeta::attributes::FileAttributes;
use transom_sealed::{SealedEngine, Store};

use crate::support::{Home, Layer, has, metadata, names, skipped, text};

type SealedDriver = Driver<SealedEngine>;

/// A driver on a store of its own, and layers to play with; everything is unmounted in the end.
struct Bench {
    home: Home,
    driver: SealedDriver,
}

impl Bench {
    /// `None` where nothing can be mounted, with a line that says why.
    fn new() -> Option<Self> {
        if let Err(why) = transom_mount::can_mount() {
            skipped(&why.to_string());
            return None;
        }
        let home = Home::on_disk();
        let driver = open(&home.root());
        Some(Self { home, driver })
    }

    fn base(&self, name: &str, parent: Option<&str>, tar: &[u8]) {
        let (name, parent) = (id(name), parent.map(id));
        self.driver.create(&name, parent.as_ref()).unwrap();
        self.driver
            .apply_diff(&name, parent.as_ref(), &mut &*tar)
            .unwrap();
    }

    fn writable(&self, name: &str, parent: Option<&str>) -> PathBuf {
        let (name, parent) = (id(name), parent.map(id));
        self.driver
            .create_writable(&name, parent.as_ref(), std::iter::empty::<(&str, &str)>())
            .unwrap();
        self.driver.get(&name).unwrap()
    }

    fn changes(&self, name: &str) -> Vec<String> {
        let changes = self.driver.changes(&id(name)).unwrap();
        let shown = changes.iter().map(|change| {
            let sign = match change.kind {
                ChangeKind::Added => '+',
                ChangeKind::Deleted => '-',
                ChangeKind::Modified => '~',
            };
            format!("{sign}{}", change.path)
        });
        shown.collect()
    }

    fn diff(&self, name: &str) -> Vec<u8> {
        let mut tar = Vec::new();
        let mut diff = self.driver.diff(&id(name)).unwrap();
        std::io::Read::read_to_end(&mut diff, &mut tar).unwrap();
        tar
    }

    /// The tree of a stack whose top is the diff of a layer.
    fn sealed(&self, name: &str, below: &[&[u8]]) -> transom_sealed::Tree {
        let mut layers: Vec<Vec<u8>> = below.iter().map(|tar| tar.to_vec()).collect();
        layers.push(self.diff(name));
        let ids: Vec<_> = layers.iter().map(|tar| self.home.import(tar)).collect();
        let stacking = transom_sealed::Stacking {
            names: Names::Windows,
            whiteouts: None,
        };
        self.home.store.open_chain(&ids, stacking).unwrap()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let below = |mounted: &transom_mount::Mounted| mounted.target.starts_with(self.home.root());
        let table = transom_mount::table().unwrap_or_default();
        for mounted in table.iter().filter(|mounted| below(mounted)).rev() {
            let _ = transom_mount::unmount_lazily(&mounted.target);
        }
    }
}

fn open(root: &Path) -> SealedDriver {
    Driver::open(SealedEngine::new(
        Store::open(root).unwrap(),
        Names::Windows,
    ))
    .unwrap()
}

fn id(name: &str) -> Id {
    Id::new(name).unwrap()
}

fn base() -> Vec<u8> {
    Layer::new()
        .dir("Files")
        .file("Files/a.txt", b"one")
        .stream("Files/a.txt:note", b"a note")
        .dir("Files/Program Files")
        .file("Files/Program Files/tool.exe", b"tool")
        .link("Files/second.txt", "Files/a.txt")
        .symlink("Files/latest", r"C:\Program Files\tool.exe")
        .dir("Files/data")
        .file("Files/data/x", b"x")
        .file("Files/data/y", b"y")
        .dir("Hives")
        .file("Hives/System_Base", b"regf")
        .bytes()
}

#[test]
fn an_untouched_layer_exports_its_two_folders_and_nothing_else() {
    let Some(bench) = Bench::new() else { return };
    bench.base("base", None, &base());
    let root = bench.writable("top", Some("base"));
    assert_eq!(fs::read(root.join("a.txt")).unwrap(), b"one");
    assert_eq!(bench.changes("top"), [] as [&str; 0]);
    assert_eq!(bench.driver.diff_size(&id("top")).unwrap(), 0);
    let tree = bench.sealed("top", &[]);
    assert_eq!(names(&tree, "Files"), [] as [&str; 0]);
    assert!(has(&tree, "Hives"));
}

#[test]
fn what_a_mount_changes_is_told_and_becomes_a_layer() {
    let Some(bench) = Bench::new() else { return };
    bench.base("base", None, &base());
    let root = bench.writable("top", Some("base"));
    fs::write(root.join("new.txt"), "new").unwrap();
    fs::remove_file(root.join("data/x")).unwrap();
    fs::write(root.join("Program Files/tool.exe"), "better").unwrap();
    fs::create_dir(root.join("folder")).unwrap();
    symlink("../Program Files", root.join("folder/link")).unwrap();
    assert_eq!(
        bench.changes("top"),
        [
            "~Files",
            "~Files/Program Files",
            "~Files/Program Files/tool.exe",
            "~Files/data",
            "-Files/data/x",
            "+Files/folder",
            "+Files/folder/link",
            "+Files/new.txt",
        ]
    );
    assert_eq!(bench.driver.diff_size(&id("top")).unwrap(), 9);
    let tree = bench.sealed("top", &[&base()]);
    assert_eq!(text(&tree, "Files/new.txt"), "new");
    assert_eq!(text(&tree, "Files/Program Files/tool.exe"), "better");
    assert_eq!(text(&tree, "Files/a.txt"), "one");
    assert!(!has(&tree, "Files/data/x"));
    let link = metadata(&tree, "Files/folder/link");
    assert_eq!(link.target.unwrap(), br"..\Program Files");
    let folder_link = FileAttributes::DIRECTORY | FileAttributes::REPARSE_POINT;
    assert_eq!(link.attributes, Some(folder_link));
    let new = metadata(&tree, "Files/new.txt");
    assert_eq!(new.attributes, Some(FileAttributes::ARCHIVE));
    assert!(new.security.is_some() && new.created.is_some());
}
