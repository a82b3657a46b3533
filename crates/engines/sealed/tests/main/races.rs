//! Somebody with root in a layer's tree swaps files and folders for links while the layer is read and written: what
//! lies outside is neither read nor changed.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, RenameFlags};
use transom_layer::{Names, TreePath, View};
use transom_ntmeta::attributes::FileAttributes;
use transom_sealed::{NamedLayerError, NewWritable, Store};

use crate::support::{Home, Layer, chain, path, skipped};

const SECRET: &[u8] = b"SECRET-OF-THE-HOST";
/// How long each test tries.
const LONG_ENOUGH: Duration = Duration::from_secs(3);

/// A store with a writable layer, and a folder beside it that has the same names as the layer.
struct Bench {
    home: Home,
    outside: tempfile::TempDir,
    before: BTreeMap<PathBuf, (u32, i64, i64, Vec<u8>)>,
    names: Names,
}

impl Bench {
    fn new(names: Names) -> Self {
        let outside = tempfile::tempdir().unwrap();
        fs::create_dir_all(outside.path().join("folder/deep")).unwrap();
        for name in ["file", "folder/x", "folder/deep/y", "folder/locked"] {
            let file = outside.path().join(name);
            fs::write(&file, SECRET).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let home = Home::on_disk();
        let base = Layer::new()
            .dir("Files")
            .dir("Files/folder")
            .file("Files/folder/x", b"x of the image")
            .file("Files/folder/locked", b"locked")
            .dir("Files/folder/deep")
            .file("Files/folder/deep/y", b"y of the image")
            .link("Files/folder/deep/z", "Files/folder/deep/y")
            .file("Files/file", b"a file of the image");
        let bottom = match names {
            Names::Windows => home.import(&base.tar()),
            Names::Posix => home.import_posix(&base.tar()),
        };
        home.store
            .create_writable(NewWritable {
                id: &transom_driver::Id::new("w").unwrap(),
                below: vec![bottom],
                names,
                bound: None,
                config: None,
            })
            .unwrap();
        let before = seen(outside.path());
        Self {
            home,
            outside,
            before,
            names,
        }
    }

    fn at(&self, text: &str) -> TreePath {
        path(text, self.names)
    }

    fn upper(&self) -> PathBuf {
        self.home.root().join("writable/w/upper")
    }

    /// Makes changes that put everything into the upper folder.
    fn fill(&self) {
        let editor = self.home.store.edit_writable("w").unwrap();
        for name in [
            "Files/folder/x",
            "Files/folder/deep/y",
            "Files/file",
            "Files/folder/locked",
        ] {
            let data = vec![b'u'; 100_000];
            editor.write(&self.at(name), &mut &data[..], None).unwrap();
        }
        let locked = self.at("Files/folder/locked");
        match self.names {
            Names::Posix => editor.set_permissions(&locked, 0o444).unwrap(),
            Names::Windows => editor
                .set_attributes(&locked, FileAttributes::READONLY, FileAttributes::empty())
                .unwrap(),
        }
    }

    /// Runs `work` again and again while everything below `root`, a tree of the layer, is swapped.
    fn while_swapped(&self, root: &Path, mut work: impl FnMut(&Self)) {
        let mut swaps = links(&root.join("Files"), self.outside.path());
        // A Windows layer that has others is refused whatever else is in it.
        if self.names == Names::Posix {
            swaps.extend(specials(&root.join("Files")));
        }
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    for (one, other) in &swaps {
                        swap(one, other);
                    }
                }
            });
            let start = Instant::now();
            while start.elapsed() < LONG_ENOUGH {
                work(self);
            }
            is_over.store(true, Ordering::Relaxed);
        });
        self.assert_untouched();
    }

    /// Reads the layer in all ways; what fails says nothing of the outside.
    fn read(&self) {
        let open = || self.home.store.open_writable("w");
        told(open().and_then(|writable| writable.changes()).map(drop));
        told(open().and_then(|writable| writable.diff_size()).map(drop));
        let mut tar = Vec::new();
        told(open().and_then(|writable| writable.export(None, &mut tar)));
        assert_no_secret(&tar);
        let is_sealed = self
            .home
            .store
            .named_layers()
            .is_ok_and(|layers| layers.len() == 1);
        assert!(is_sealed);
    }

    /// Changes the layer in all ways.
    fn edit(&self, round: usize) {
        // A mount, or another edit, can have left what makes this fail.
        let Ok(editor) = self.home.store.edit_writable("w") else {
            return;
        };
        let at = |name: &str| self.at(&format!("Files/{name}"));
        let data = vec![b'e'; 10_000];
        for name in [
            "folder/x",
            "folder/deep/y",
            "file",
            "folder/new",
            "folder/locked",
        ] {
            told(editor.write(&at(name), &mut &data[..], None));
            match self.names {
                Names::Posix => {
                    told(editor.set_permissions(&at(name), 0o777));
                    told(editor.set_permissions(&at(name), 0o444));
                }
                Names::Windows => {
                    let readonly = FileAttributes::READONLY;
                    let none = FileAttributes::empty();
                    told(editor.set_attributes(&at(name), none, readonly));
                    told(editor.set_attributes(&at(name), readonly, none));
                }
            }
        }
        told(editor.create_folder(&at(&format!("folder/made {}", round % 8))));
        told(editor.create_link(&at(&format!("folder/link {}", round % 8)), b"x"));
        told(editor.rename(&at("folder/new"), &at("folder/deep/renamed")));
        told(editor.remove(&at("folder/deep/renamed"), true));
        told(editor.remove(&at("folder/x"), false));
        if round.is_multiple_of(16) {
            told(editor.remove(&at("folder/deep"), true));
        }
    }

    fn assert_untouched(&self) {
        assert_eq!(seen(self.outside.path()), self.before);
        // Neither did anything of it come into the store.
        let mut paths = vec![self.home.root()];
        while let Some(path) = paths.pop() {
            let kind = path.symlink_metadata().unwrap().file_type();
            if kind.is_dir() {
                let entries = fs::read_dir(&path).unwrap();
                paths.extend(entries.map(|entry| entry.unwrap().path()));
            } else if kind.is_file() {
                assert_no_secret(&fs::read(path).unwrap());
            }
        }
    }
}

/// The files and folders that are swapped.
const EVERYTHING: [&str; 7] = [
    "folder",
    "folder/deep",
    "folder/x",
    "folder/locked",
    "folder/deep/y",
    "file",
    "folder/new",
];

/// Makes links to the outside beside names of the layer, to swap them for.
fn links(files: &Path, outside: &Path) -> Vec<(PathBuf, PathBuf)> {
    let pair = |name: &&str| (files.join(name), files.join(format!("{name}.link")));
    let pairs: Vec<_> = EVERYTHING.iter().map(pair).collect();
    for (name, (_, link)) in EVERYTHING.iter().zip(&pairs) {
        symlink(outside.join(name), link).unwrap();
    }
    pairs
}

/// Makes a pipe and a device beside names of the layer, where that is possible.
fn specials(files: &Path) -> Vec<(PathBuf, PathBuf)> {
    let make = |name: &str, kind, device| {
        let at = files.join(name);
        let mode = Mode::from_raw_mode(0o666);
        let made = rustix::fs::mknodat(CWD, &at, kind, mode, device);
        made.is_ok().then_some(at)
    };
    // What is read of /dev/zero never ends.
    let zero = rustix::fs::makedev(1, 5);
    let pipe = make("file.pipe", FileType::Fifo, 0);
    let device = make("folder/x.device", FileType::CharacterDevice, zero);
    let pipe = pipe.map(|pipe| (files.join("file"), pipe));
    let device = device.map(|device| (files.join("folder/x"), device));
    pipe.into_iter().chain(device).collect()
}

fn swap(one: &Path, other: &Path) {
    // What an edit has deleted meanwhile is not there to be swapped.
    let _ = rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE);
}

/// Checks what an operation says if it fails.
fn told(result: Result<(), NamedLayerError>) {
    if let Err(error) = result {
        assert_no_secret(chain(&error as &dyn Error).as_bytes());
    }
}

#[track_caller]
fn assert_no_secret(bytes: &[u8]) {
    let has_secret = bytes.windows(SECRET.len()).any(|part| part == SECRET);
    assert!(!has_secret, "something outside was read");
}

fn seen(root: &Path) -> BTreeMap<PathBuf, (u32, i64, i64, Vec<u8>)> {
    let mut seen = BTreeMap::new();
    let mut paths = vec![root.to_owned()];
    while let Some(path) = paths.pop() {
        let about = path.symlink_metadata().unwrap();
        let content = if about.is_dir() {
            let entries = fs::read_dir(&path).unwrap();
            paths.extend(entries.map(|entry| entry.unwrap().path()));
            Vec::new()
        } else {
            fs::read(&path).unwrap()
        };
        let mut names = vec![0; 1024];
        let length = rustix::fs::llistxattr(path.as_os_str().as_bytes(), &mut names[..]);
        assert_eq!(length, Ok(0), "{}", path.display());
        seen.insert(
            path,
            (about.mode(), about.mtime(), about.mtime_nsec(), content),
        );
    }
    seen
}

#[test]
fn a_layer_that_is_read_while_links_come_and_go_tells_nothing_of_the_host() {
    for names in [Names::Windows, Names::Posix] {
        let bench = Bench::new(names);
        if !may_edit(&bench) {
            continue;
        }
        bench.fill();
        bench.while_swapped(&bench.upper(), Bench::read);
    }
}

#[test]
fn a_layer_that_is_edited_while_links_come_and_go_changes_nothing_of_the_host() {
    for names in [Names::Windows, Names::Posix] {
        let bench = Bench::new(names);
        if !may_edit(&bench) {
            continue;
        }
        bench.fill();
        let mut round = 0;
        bench.while_swapped(&bench.upper(), |bench| {
            round += 1;
            bench.edit(round);
        });
    }
}

#[test]
fn a_mounted_layer_in_which_a_container_swaps_links_tells_nothing_of_the_host() {
    if let Err(why) = transom_mount::can_mount() {
        skipped(&why.to_string());
        return;
    }
    let bench = Bench::new(Names::Windows);
    bench.fill();
    let target = tempfile::tempdir().unwrap();
    let store: &Store = &bench.home.store;
    store.mount_named("w", View::Raw, target.path()).unwrap();
    bench.while_swapped(target.path(), Bench::read);
    store.unmount_named("w").unwrap();
}

#[test]
fn what_the_editor_left_is_given_to_the_kernel_while_links_come_and_go() {
    if let Err(why) = transom_mount::can_mount() {
        skipped(&why.to_string());
        return;
    }
    let bench = Bench::new(Names::Posix);
    bench.fill();
    let target = tempfile::tempdir().unwrap();
    bench.while_swapped(&bench.upper(), |bench| {
        let store = &bench.home.store;
        if store.mount_named("w", View::Raw, target.path()).is_ok() {
            store.unmount_named("w").unwrap();
        }
    });
}

/// The owners of a Linux image's files take root.
fn may_edit(bench: &Bench) -> bool {
    let may = bench.names == Names::Windows || rustix::process::geteuid().is_root();
    if !may {
        skipped("files of a Linux image are changed as root only");
    }
    may
}
