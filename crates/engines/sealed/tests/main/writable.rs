//! Writable layers through real mounts, as the driver drives them.

mod bounds;
mod changes;
mod driver;
mod links;
mod metadata;
mod names;
mod renames;
mod streams;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::XattrFlags;
use transom_driver::{ChangeKind, Driver, Id};
use transom_layer::{Names, View};
use transom_layertar::whiteout::{self, Whiteout};
use transom_layertar::{EntryKind, Limits, Reader};
use transom_ntmeta::name;
use transom_sealed::{Kind, SealedEngine, Store, Tree};

use crate::support::{Home, Layer, WINDOWS, chain, find, skipped};

pub(crate) type SealedDriver = Driver<SealedEngine>;

/// A driver on a store of its own, and layers to play with; everything is unmounted in the end.
pub(crate) struct Bench {
    pub(crate) home: Home,
    pub(crate) driver: SealedDriver,
}

impl Bench {
    /// `None` where nothing can be mounted, with a line that says why.
    pub(crate) fn new() -> Option<Self> {
        if let Err(why) = transom_mount::can_mount() {
            skipped(&why.to_string());
            return None;
        }
        let home = Home::on_disk();
        let driver = open(&home.root());
        Some(Self { home, driver })
    }

    /// Makes a read-only layer of a tar; returns the bytes that were applied.
    pub(crate) fn base(&self, name: &str, parent: Option<&str>, tar: &[u8]) -> u64 {
        let (name, parent) = (id(name), parent.map(id));
        self.driver.create(&name, parent.as_ref()).unwrap();
        let applied = self
            .driver
            .apply_diff(&name, parent.as_ref(), &mut &*tar)
            .unwrap_or_else(|error| panic!("{}", chain(&error)));
        assert_eq!(applied, self.driver.diff_size(&name).unwrap());
        applied
    }

    /// Makes a writable layer and mounts it.
    pub(crate) fn writable(&self, name: &str, parent: Option<&str>) -> PathBuf {
        self.writable_of_size(name, parent, None)
    }

    fn writable_of_size(&self, name: &str, parent: Option<&str>, size: Option<&str>) -> PathBuf {
        let (name, parent) = (id(name), parent.map(id));
        let options = size.map(|size| ("size", size));
        self.driver
            .create_writable(&name, parent.as_ref(), options)
            .unwrap_or_else(|error| panic!("{}", chain(&error)));
        let mounted = self.driver.get(&name);
        mounted.unwrap_or_else(|error| panic!("{}", chain(&error)))
    }

    /// Mounts the raw tree of a layer, which the driver does not show.
    fn raw(&self, name: &str) -> PathBuf {
        let target = self.home.root().join("raw");
        fs::create_dir(&target).unwrap();
        let mounted = self.home.store.mount_named(name, View::Raw, &target);
        mounted.unwrap_or_else(|error| panic!("{}", chain(&error)));
        target
    }

    pub(crate) fn changes(&self, name: &str) -> Vec<String> {
        let changes = self.driver.changes(&id(name));
        let changes = changes.unwrap_or_else(|error| panic!("{}", chain(&error)));
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

    pub(crate) fn diff(&self, name: &str) -> Vec<u8> {
        self.try_diff(name)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    fn try_diff(&self, name: &str) -> Result<Vec<u8>, String> {
        let mut tar = Vec::new();
        let mut diff = self.driver.diff(&id(name)).map_err(|error| chain(&error))?;
        diff.read_to_end(&mut tar).map_err(|error| chain(&error))?;
        Ok(tar)
    }

    /// The tree of a stack whose top is the diff of a layer.
    pub(crate) fn sealed(&self, name: &str, below: &[&[u8]]) -> Tree {
        let mut layers: Vec<Vec<u8>> = below.iter().map(|tar| tar.to_vec()).collect();
        layers.push(self.diff(name));
        self.stacked(&layers)
    }

    pub(crate) fn stacked(&self, layers: &[Vec<u8>]) -> Tree {
        let ids: Vec<_> = layers.iter().map(|tar| self.home.import(tar)).collect();
        let tree = self.home.store.open_chain(&ids, WINDOWS);
        tree.unwrap_or_else(|error| panic!("{}", chain(&error)))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        unmount_below(&self.home.root());
    }
}

fn unmount_below(root: &Path) {
    let table = transom_mount::table().unwrap_or_default();
    let is_ours = |mounted: &&transom_mount::Mounted| mounted.target.starts_with(root);
    for mounted in table.iter().filter(is_ours).rev() {
        let _ = transom_mount::unmount_lazily(&mounted.target);
    }
}

/// What became of a layer that was changed through its mount.
struct Edited {
    bench: Bench,
    base: Vec<u8>,
    /// Where it is mounted.
    root: PathBuf,
    /// The diff of the layer, which is called `top`; a read-only layer `sealed` is made of it.
    tar: Vec<u8>,
    /// The stack of the base and the diff.
    tree: Tree,
}

/// Changes a layer over `base` and seals it. What holds for all diffs is checked.
fn edited(base: Vec<u8>, edit: impl FnOnce(&Path)) -> Option<Edited> {
    let bench = Bench::new()?;
    bench.base("base", None, &base);
    let root = bench.writable("top", Some("base"));
    edit(&root);
    let tar = bench.diff("top");
    assert_well_ordered(&tar);
    assert_eq!(bench.diff("top"), tar, "told again");
    let size = bench.driver.diff_size(&id("top")).unwrap();
    let applied = bench.base("sealed", Some("base"), &tar);
    assert_eq!(applied, size, "what was applied is what diff_size said");
    let tree = bench.stacked(&[base.clone(), tar.clone()]);
    Some(Edited {
        bench,
        base,
        root,
        tar,
        tree,
    })
}

/// [`edited`], where the mount and the sealed stack must show the same; streams are left out.
fn same_as_mount(base: Vec<u8>, edit: impl FnOnce(&Path)) -> Option<Edited> {
    let edited = edited(base, edit)?;
    assert_eq!(seen_in_tree(&edited.tree), seen_in_mount(&edited.root));
    Some(edited)
}

/// Changes a layer so that it cannot be sealed; says why.
fn refused(base: Vec<u8>, edit: impl FnOnce(&Path)) -> Option<String> {
    let bench = Bench::new()?;
    bench.base("base", None, &base);
    let root = bench.writable("top", Some("base"));
    edit(&root);
    let why = bench.try_diff("top").expect_err("cannot be sealed");
    assert!(why.contains("top"), "names no layer: {why}");
    Some(why)
}

impl Edited {
    fn changes(&self) -> Vec<String> {
        self.bench.changes("top")
    }

    /// What the tar has, in its order; links with what they are links of.
    fn entries(&self) -> Vec<String> {
        entries(&self.tar)
    }

    /// The streams of a file or folder: names and content.
    fn streams(&self, path: &str) -> Vec<(String, String)> {
        let streams = self.tree.streams(&find(&self.tree, path)).unwrap();
        let shown = streams.iter().map(|stream| {
            let mut text = String::new();
            let mut data = self.tree.open_data(stream).unwrap();
            data.read_to_string(&mut text).unwrap();
            let (_, name) = name::split_stream(stream.name());
            (String::from_utf8(name.unwrap().to_vec()).unwrap(), text)
        });
        shown.collect()
    }
}

/// The entries of a tar, in its order; links with what they are links of.
pub(crate) fn entries(tar: &[u8]) -> Vec<String> {
    let mut reader = Reader::new(tar, Limits::default());
    let mut entries = Vec::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        let name = String::from_utf8(entry.name).unwrap();
        entries.push(match entry.kind {
            EntryKind::HardLink => {
                format!("{name} = {}", String::from_utf8(entry.link_name).unwrap())
            }
            _ => name,
        });
    }
    entries
}

/// Checks what holds for all diffs: the order in which Windows exports, and that nothing is told twice.
fn assert_well_ordered(tar: &[u8]) {
    let mut told = BTreeSet::new();
    let mut last: Vec<(u8, Vec<u8>)> = Vec::new();
    for entry in entries(tar) {
        let path = entry.split(" = ").next().unwrap().as_bytes();
        let (path, is_deleted) = match whiteout::parse(path).unwrap() {
            Some(Whiteout::Removed(path)) => (path, true),
            Some(Whiteout::Opaque(_)) => panic!("{entry} is no explicit whiteout"),
            None => (path.to_vec(), false),
        };
        let mut parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
        let own = parts.pop().unwrap();
        if !parts.is_empty() {
            let parent = folded(&parts.join(&b'/'));
            assert!(told.contains(&parent), "{entry} comes before its folder");
        }
        // After a folder come its streams, what is deleted in it, and what is in it.
        let mut place: Vec<(u8, Vec<u8>)> = Vec::new();
        place.extend(parts.iter().map(|part| (2, part.to_vec())));
        match name::split_stream(own) {
            (file, None) if is_deleted => place.push((1, file.to_vec())),
            (file, None) => place.push((2, file.to_vec())),
            (file, Some(stream)) => {
                place.push((2, file.to_vec()));
                place.push((0, stream.to_vec()));
            }
        }
        assert!(last < place, "{entry} is out of order");
        assert!(told.insert(folded(&path)), "{entry} is told twice");
        last = place;
    }
    assert!(told.contains(&folded(b"Files")) && told.contains(&folded(b"Hives")));
}

fn folded(path: &[u8]) -> Vec<u16> {
    name::fold(path).as_units().to_vec()
}

/// What is at a path: its kind, a file's data, and the first path of the same file.
type Seen = BTreeMap<String, (Kind, Vec<u8>, String)>;

fn seen_in_tree(tree: &Tree) -> Seen {
    let mut seen = Seen::new();
    let mut folders = vec![find(tree, "Files")];
    while let Some(folder) = folders.pop() {
        for node in tree.children(&folder).unwrap() {
            let path = String::from_utf8_lossy(node.path()).into_owned();
            let path = path.strip_prefix("Files/").unwrap().to_owned();
            let kind = tree.metadata(&node).unwrap().kind;
            let mut data = Vec::new();
            if kind == Kind::File {
                let mut reader = tree.open_data(&node).unwrap();
                reader.read_to_end(&mut data).unwrap();
            }
            seen.insert(path, (kind, data, node.id().to_string()));
            if kind == Kind::Directory {
                folders.push(node);
            }
        }
    }
    with_first_names(seen)
}

fn seen_in_mount(root: &Path) -> Seen {
    let mut seen = Seen::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let at = entry.unwrap().path();
            let path = at.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let about = at.symlink_metadata().unwrap();
            let kind = match about.file_type() {
                _ if path.contains(':') => continue,
                kind if kind.is_dir() => Kind::Directory,
                kind if kind.is_file() => Kind::File,
                kind if !kind.is_symlink() => continue,
                _ => match xattr(&at, "trusted.MSWINDOWS.mountpoint") {
                    Some(_) => Kind::Junction,
                    None => Kind::Symlink,
                },
            };
            let data = match kind {
                Kind::File => fs::read(&at).unwrap(),
                _ => Vec::new(),
            };
            seen.insert(path, (kind, data, about.ino().to_string()));
            if kind == Kind::Directory {
                folders.push(at);
            }
        }
    }
    with_first_names(seen)
}

/// Puts the first name of each file in place of its number.
fn with_first_names(mut seen: Seen) -> Seen {
    let mut firsts: BTreeMap<String, String> = BTreeMap::new();
    for (path, (_, _, number)) in &mut seen {
        let first = firsts.entry(number.clone()).or_insert(path.clone());
        number.clone_from(first);
    }
    seen
}

pub(crate) fn open(root: &Path) -> SealedDriver {
    let store = Store::open(root).unwrap();
    Driver::open(SealedEngine::new(store, Names::Windows)).unwrap()
}

pub(crate) fn id(name: &str) -> Id {
    Id::new(name).unwrap()
}

fn set_xattr(path: &Path, name: &str, value: &[u8]) {
    rustix::fs::lsetxattr(path, name, value, XattrFlags::empty()).unwrap();
}

fn xattr(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 65_536];
    let length = rustix::fs::lgetxattr(path, name, &mut value[..]).ok()?;
    value.truncate(length);
    Some(value)
}

/// A small image: files, streams, hard links, links, folders in folders.
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
        .dir("Files/data/deep")
        .file("Files/data/deep/z", b"z")
        .file("Files/readme.txt", b"read me")
        .stream("Files/readme.txt:Zone.Identifier", b"[ZoneTransfer]")
        .dir("Hives")
        .file("Hives/System_Base", b"regf")
        .bytes()
}
