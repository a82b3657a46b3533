//! The editor against the kernel: the same edits, made without a mount and through one, must give the same layer.
//!
//! `TRANSOM_CASES` sets the number of cases, `TRANSOM_SEED` the first seed; a failure names its seed.

mod faults;
mod random;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Timespec, Timestamps, XattrFlags};
use transom_driver::Id;
use transom_layer::{DiffId, Names, TreePath, View};
use transom_ntmeta::attributes::FileAttributes;
use transom_ntmeta::sddl;
use transom_sealed::{Editor, Kind, Metadata, NewWritable, Stacking, Store, Tree};

use crate::random::{Random, for_each_seed};
use crate::support::{Home, Layer, TIME, path, skipped, with_attributes};

const CASES: u64 = 48;
const EDITS: usize = 16;

#[test]
fn the_editor_does_what_a_mount_does() {
    cases(|_| false, Names::Windows);
}

#[test]
fn edits_with_and_without_a_mount_may_take_turns() {
    cases(|edit| edit / 4 % 2 == 1, Names::Windows);
}

#[test]
fn a_linux_image_is_edited_as_through_a_mount() {
    cases(|edit| edit / 4 % 2 == 1, Names::Posix);
}

/// Runs random cases; `is_mounted` says which edits of the layer under test go through a mount.
fn cases(is_mounted: fn(usize) -> bool, names: Names) {
    let Some(bench) = Bench::new() else { return };
    for_each_seed(CASES, |seed| case(&bench, seed, is_mounted, names));
}

fn case(bench: &Bench, seed: u64, is_mounted: fn(usize) -> bool, names: Names) {
    let mut random = Random::new(seed);
    let base = bench.import(&random.base(names), names);
    let (edited, mounted) = (format!("edited-{seed}"), format!("mounted-{seed}"));
    bench.create(&edited, base, names);
    bench.create(&mounted, base, names);
    let oracle = bench.mount(&mounted);
    let mut log = Vec::new();
    for number in 0..EDITS {
        let Some(edit) = random.edit(&listing(&oracle), names) else {
            continue;
        };
        log.push(format!("{number} {edit:?}"));
        through_mount(&oracle, &edit);
        if is_mounted(number) {
            let root = bench.mount(&edited);
            through_mount(&root, &edit);
            bench.unmount(&edited);
        } else {
            let editor = bench.store().edit_writable(&edited).unwrap();
            through_editor(&editor, &edit, names).unwrap_or_else(|error| {
                panic!("{error} {log:#?}");
            });
        }
    }
    bench.unmount(&mounted);
    let [found, expected] = [&edited, &mounted].map(|name| {
        let tar = bench.export(name).unwrap_or_else(|error| {
            panic!("{name}: {error} {log:#?}");
        });
        seen(
            &bench.stack(&[base, bench.import(&tar, names)], names),
            names,
        )
    });
    for name in [edited, mounted] {
        bench.store().remove_named(&name).unwrap();
    }
    for (path, entry) in &expected {
        assert_eq!(found.get(path), Some(entry), "{path} {log:#?}");
    }
    let more: Vec<_> = found
        .keys()
        .filter(|path| !expected.contains_key(*path))
        .collect();
    assert_eq!(more, [&""; 0], "{log:#?}");
}

/// A change of a layer.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    /// Writes a file or a stream, `stamp` seconds after the layer's time.
    Write(String, Vec<u8>, i64),
    Folder(String),
    Link(String, &'static str),
    Remove(String),
    Rename(String, String),
    Attributes(String, FileAttributes, FileAttributes),
    Security(String, &'static str),
    Permissions(String, u16),
}

fn through_editor(
    editor: &Editor,
    edit: &Edit,
    names: Names,
) -> Result<(), transom_sealed::NamedLayerError> {
    let at = |text: &str| path(text, names);
    match edit {
        Edit::Write(to, data, stamp) => {
            let mut time = TIME;
            time.seconds += stamp;
            editor.write(&at(to), &mut data.as_slice(), Some(time))
        }
        Edit::Folder(to) => editor.create_folder(&at(to)),
        Edit::Link(to, target) => editor.create_link(&at(to), target.as_bytes()),
        Edit::Remove(from) => editor.remove(&at(from), true),
        Edit::Rename(from, to) => editor.rename(&at(from), &at(to)),
        Edit::Attributes(of, set, clear) => editor.set_attributes(&at(of), *set, *clear),
        Edit::Security(of, text) => editor.set_security(&at(of), &sddl::from_sddl(text).unwrap()),
        Edit::Permissions(of, mode) => editor.set_permissions(&at(of), *mode),
    }
}

/// What a person with root, and knowledge of Windows, does below a mount.
fn through_mount(root: &Path, edit: &Edit) {
    match edit {
        Edit::Write(to, data, stamp) => {
            let to = root.join(to);
            fs::write(&to, data).unwrap();
            let time = Timespec {
                tv_sec: TIME.seconds + stamp,
                tv_nsec: TIME.nanos.into(),
            };
            let times = Timestamps {
                last_access: time,
                last_modification: time,
            };
            rustix::fs::utimensat(rustix::fs::CWD, &to, &times, AtFlags::empty()).unwrap();
        }
        Edit::Folder(to) => fs::create_dir(root.join(to)).unwrap(),
        Edit::Link(to, target) => std::os::unix::fs::symlink(target, root.join(to)).unwrap(),
        Edit::Remove(from) => {
            for stream in streams(root, from) {
                fs::remove_file(root.join(stream)).unwrap();
            }
            let from = root.join(from);
            match from.symlink_metadata().unwrap().is_dir() {
                true => fs::remove_dir_all(from).unwrap(),
                false => fs::remove_file(from).unwrap(),
            }
        }
        Edit::Rename(from, to) => {
            if from != to {
                for stream in streams(root, to) {
                    fs::remove_file(root.join(stream)).unwrap();
                }
            }
            let streams = streams(root, from);
            // Linux does nothing if both are one file.
            let inode = |path: &str| root.join(path).symlink_metadata().map(|file| file.ino());
            if from != to && inode(from).ok() == inode(to).ok() {
                fs::remove_file(root.join(to)).unwrap();
            }
            fs::rename(root.join(from), root.join(to)).unwrap();
            for stream in streams {
                let new = format!("{to}{}", &stream[from.len()..]);
                fs::rename(root.join(&stream), root.join(new)).unwrap();
            }
        }
        Edit::Attributes(of, set, clear) => {
            let of = root.join(of);
            let metadata = of.symlink_metadata().unwrap();
            let key = attribute(&metadata, "MSWINDOWS.fileattr");
            let mut text = [0; 16];
            let before = match rustix::fs::lgetxattr(&of, &key, &mut text[..]) {
                Ok(length) => std::str::from_utf8(&text[..length])
                    .unwrap()
                    .parse()
                    .unwrap(),
                Err(_) if metadata.is_dir() => 0x10,
                Err(_) => 0x20,
            };
            let after = (FileAttributes::from_bits_retain(before) - *clear) | *set;
            let value = after.bits().to_string();
            let flags = XattrFlags::empty();
            rustix::fs::lsetxattr(&of, &key, value.as_bytes(), flags).unwrap();
            if metadata.is_file() {
                let mode = match after.contains(FileAttributes::READONLY) {
                    true => 0o444,
                    false => 0o644,
                };
                fs::set_permissions(&of, fs::Permissions::from_mode(mode)).unwrap();
            }
        }
        Edit::Security(of, text) => {
            let of = root.join(of);
            let key = attribute(&of.symlink_metadata().unwrap(), "MSWINDOWS.rawsd");
            let value = sddl::from_sddl(text).unwrap();
            rustix::fs::lsetxattr(&of, &key, &value, XattrFlags::empty()).unwrap();
        }
        Edit::Permissions(of, mode) => {
            let permissions = fs::Permissions::from_mode((*mode).into());
            fs::set_permissions(root.join(of), permissions).unwrap();
        }
    }
}

/// Links cannot have attributes of users.
fn attribute(metadata: &fs::Metadata, name: &str) -> String {
    match metadata.is_symlink() {
        true => format!("trusted.{name}"),
        false => format!("user.{name}"),
    }
}

/// Alternate streams of a file or folder, which a mount shows beside it.
fn streams(root: &Path, of: &str) -> Vec<String> {
    let all = listing(root).into_keys();
    all.filter(|path| path.starts_with(of) && path[of.len()..].starts_with(':'))
        .collect()
}

/// All that a mount shows: `d` folder, `l` link, `f` file.
fn listing(root: &Path) -> BTreeMap<String, char> {
    let mut found = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            let kind = entry.file_type().unwrap();
            found.insert(
                path.to_str().unwrap().to_owned(),
                match (kind.is_dir(), kind.is_symlink()) {
                    (true, _) => 'd',
                    (_, true) => 'l',
                    _ => 'f',
                },
            );
            if kind.is_dir() {
                folders.push(path);
            }
        }
    }
    found
}

/// What is compared of an entry.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    metadata: Metadata,
    data: Vec<u8>,
    names: Vec<String>,
}

/// Reads a tree, without the times that nobody has set.
fn seen(tree: &Tree, names: Names) -> BTreeMap<String, Seen> {
    let mut seen = BTreeMap::new();
    let mut inodes: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    let mut nodes = tree.entries(&tree.root().unwrap()).unwrap();
    while let Some(node) = nodes.pop() {
        let path = String::from_utf8(node.path().to_vec()).unwrap();
        let mut metadata = tree.metadata(&node).unwrap();
        metadata.changed = None;
        metadata.accessed = None;
        metadata.layer = 0;
        let is_old = metadata.created == Some(TIME);
        metadata.created = metadata.created.filter(|_| is_old);
        let is_stream = names == Names::Windows && path.contains(':');
        if metadata.kind != Kind::File || is_stream {
            metadata.modified = TIME;
        }
        let mut data = Vec::new();
        if metadata.kind == Kind::File {
            tree.open_data(&node)
                .unwrap()
                .read_to_end(&mut data)
                .unwrap();
        }
        if node.is_directory() {
            nodes.extend(tree.entries(&node).unwrap());
        } else {
            inodes.entry(node.id()).or_default().push(path.clone());
        }
        let names = Vec::new();
        let entry = Seen {
            metadata,
            data,
            names,
        };
        seen.insert(path, entry);
    }
    for names in inodes.values_mut() {
        names.sort();
        for name in names.iter() {
            seen.get_mut(name).unwrap().names.clone_from(names);
        }
    }
    seen
}

/// A store whose layers are mounted beside it; everything is unmounted in the end.
pub(crate) struct Bench {
    home: Home,
    mounts: tempfile::TempDir,
}

impl Bench {
    /// `None` where nothing can be mounted, with a line that says why.
    pub(crate) fn new() -> Option<Self> {
        if let Err(why) = transom_mount::can_mount() {
            skipped(&why.to_string());
            return None;
        }
        Some(Self {
            home: Home::on_disk(),
            mounts: tempfile::tempdir().unwrap(),
        })
    }

    pub(crate) fn store(&self) -> &Store {
        &self.home.store
    }

    pub(crate) fn import(&self, tar: &[u8], names: Names) -> DiffId {
        match names {
            Names::Windows => self.home.import(tar),
            Names::Posix => self.home.import_posix(tar),
        }
    }

    pub(crate) fn create(&self, name: &str, base: DiffId, names: Names) {
        self.create_bounded(name, base, names, None);
    }

    pub(crate) fn create_bounded(
        &self,
        name: &str,
        base: DiffId,
        names: Names,
        bound: Option<u64>,
    ) {
        let new = NewWritable {
            id: &Id::new(name).unwrap(),
            below: vec![base],
            names,
            bound,
            config: None,
        };
        self.store().create_writable(new).unwrap();
    }

    /// Mounts a layer with its whole tree.
    pub(crate) fn mount(&self, name: &str) -> PathBuf {
        let target = self.mounts.path().join(name);
        fs::create_dir_all(&target).unwrap();
        self.store().mount_named(name, View::Raw, &target).unwrap();
        target
    }

    pub(crate) fn unmount(&self, name: &str) {
        self.store().unmount_named(name).unwrap();
    }

    pub(crate) fn export(&self, name: &str) -> Result<Vec<u8>, transom_sealed::NamedLayerError> {
        let mut tar = Vec::new();
        self.store().open_writable(name)?.export(None, &mut tar)?;
        Ok(tar)
    }

    pub(crate) fn stack(&self, layers: &[DiffId], names: Names) -> Tree {
        let stacking = Stacking {
            names,
            whiteouts: None,
        };
        self.store().open_chain(layers, stacking).unwrap()
    }

    /// Paths that a layer changes.
    pub(crate) fn changes(&self, name: &str) -> Vec<String> {
        let changes = self.store().open_writable(name).unwrap().changes();
        let paths = changes.unwrap().into_iter();
        paths
            .map(|change| String::from_utf8(change.path).unwrap())
            .collect()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let folders = [self.mounts.path().to_owned(), self.home.root()];
        let table = transom_mount::table().unwrap_or_default();
        for mounted in table.iter().rev() {
            if folders
                .iter()
                .any(|folder| mounted.target.starts_with(folder))
            {
                let _ = transom_mount::unmount_lazily(&mounted.target);
            }
        }
    }
}

/// A small base with hard links, streams and folders.
pub(crate) fn base() -> Vec<u8> {
    Layer::new()
        .dir("Files")
        .file("Files/a.txt", b"one")
        .stream("Files/a.txt:note", b"a note")
        .link("Files/second.txt", "Files/a.txt")
        .dir("Files/data")
        .file("Files/data/x", b"x")
        .entry(
            "Files/data/locked",
            &transom_layertar::Shape::File { size: 2 },
            &with_attributes(0x21),
            b"ro",
        )
        .link("Files/data/third.txt", "Files/a.txt")
        .dir("Hives")
        .file("Hives/System_Base", b"regf")
        .bytes()
}

pub(crate) fn at(text: &str) -> TreePath {
    path(text, Names::Windows)
}
