//! The cases of moby's `graphtest`, over the protocol and real mounts; and what Docker reads of a layer's folder.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;
use transom_layer::Names;
use transom_sealed::{SealedEngine, Store};

use crate::server::{Server, tar};

/// A plugin over a store. In the end everything is unmounted.
struct Bench {
    server: Server,
    folder: TempDir,
}

impl Bench {
    /// `None` where nothing can be mounted, with a line that says why.
    fn new() -> Option<Self> {
        if let Err(why) = transom_mount::can_mount() {
            skipped(&why.to_string());
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let server = serve(folder.path());
        Some(Self { server, folder })
    }

    /// Makes a layer of what `fill` writes into one, as a commit does; it is as large as was said.
    fn committed(&self, id: &str, parent: &str, fill: impl FnOnce(&Path)) {
        let draft = format!("{id}-draft");
        self.writable(&draft, parent);
        fill(&self.get(&draft));
        self.put(&draft);
        let request = json!({ "ID": draft, "Parent": parent });
        let size = self.server.ok("DiffSize", request)["Size"].as_u64();
        let diff = self.server.diff(&draft, parent);
        assert_eq!(Some(self.server.layer(id, parent, &diff)), size);
        self.remove(&draft);
    }

    fn writable(&self, id: &str, parent: &str) {
        self.server
            .ok("CreateReadWrite", json!({ "ID": id, "Parent": parent }));
    }

    fn get(&self, id: &str) -> PathBuf {
        let answer = self.server.ok("Get", json!({ "ID": id }));
        answer["Dir"].as_str().unwrap().into()
    }

    fn put(&self, id: &str) {
        self.server.ok("Put", json!({ "ID": id }));
    }

    fn remove(&self, id: &str) {
        self.server.ok("Remove", json!({ "ID": id }));
    }

    /// The changes of a layer, as `docker diff` prints them.
    fn changes(&self, id: &str, parent: &str) -> BTreeSet<String> {
        let answer = self
            .server
            .ok("Changes", json!({ "ID": id, "Parent": parent }));
        let changes = answer["Changes"].as_array().unwrap().iter();
        let sign = |kind: &serde_json::Value| ["C", "A", "D"][kind.as_u64().unwrap() as usize];
        changes
            .map(|change| {
                format!(
                    "{} {}",
                    sign(&change["Kind"]),
                    change["Path"].as_str().unwrap()
                )
            })
            .collect()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let mut mounts = mounts_below(self.folder.path());
        mounts.reverse();
        for mount in mounts {
            let _ = transom_mount::unmount_lazily(&mount);
        }
    }
}

fn serve(folder: &Path) -> Server {
    let store = Store::open(&folder.join("store")).unwrap();
    Server::over(SealedEngine::new(store, Names::Posix), folder)
}

fn mounts_below(folder: &Path) -> Vec<PathBuf> {
    let table = transom_mount::table().unwrap();
    let targets = table.into_iter().map(|mount| mount.target);
    let mut below: Vec<PathBuf> = targets
        .filter(|target| target.starts_with(folder))
        .collect();
    below.sort();
    below
}

#[expect(clippy::print_stdout, reason = "a test says why it cannot run")]
fn skipped(why: &str) {
    println!("skipped: {why}");
}

fn names_in(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

/// What `graphtest` puts into a base: a folder with a sticky bit and one of its own owner, and a setuid file.
fn fill_base(root: &Path) {
    let folder = root.join("a subdir");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o1705)).unwrap();
    chown(&folder, Some(1), Some(2)).unwrap();
    let file = root.join("a file");
    fs::write(&file, "Some data").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o4222)).unwrap();
}

fn check_base(root: &Path) {
    let folder = fs::metadata(root.join("a subdir")).unwrap();
    assert_eq!(
        (folder.mode() & 0o7777, folder.uid(), folder.gid()),
        (0o1705, 1, 2)
    );
    let file = fs::metadata(root.join("a file")).unwrap();
    assert_eq!(
        (file.mode() & 0o7777, file.uid(), file.gid()),
        (0o4222, 0, 0)
    );
    assert_eq!(names_in(root), ["a file", "a subdir"]);
}

#[test]
fn an_empty_layer_is_there_and_empty() {
    let Some(bench) = Bench::new() else { return };
    bench.writable("empty", "");
    assert_eq!(
        bench.server.ok("Exists", json!({ "ID": "empty" }))["Exists"],
        true
    );
    let root = bench.get("empty");
    let metadata = fs::metadata(&root).unwrap();
    assert_eq!(
        (metadata.mode() & 0o7777, metadata.uid(), metadata.gid()),
        (0o755, 0, 0)
    );
    assert_eq!(names_in(&root), Vec::<String>::new());
    bench.put("empty");
    bench.remove("empty");
    assert!(mounts_below(bench.folder.path()).is_empty());
}

#[test]
fn modes_and_owners_of_a_base_are_seen_from_above() {
    let Some(bench) = Bench::new() else { return };
    bench.committed("base", "", fill_base);
    check_base(&bench.get("base"));
    bench.put("base");
    bench.writable("snap", "base");
    check_base(&bench.get("snap"));
    bench.put("snap");
}

#[test]
fn the_bottom_of_twenty_layers_is_read() {
    let Some(bench) = Bench::new() else { return };
    bench.committed("layer0", "", |root| {
        fs::write(root.join("bottom"), "bottom").unwrap()
    });
    for number in 1..20 {
        let (id, parent) = (format!("layer{number}"), format!("layer{}", number - 1));
        bench.committed(&id, &parent, |root| {
            fs::write(root.join(format!("file{number}")), number.to_string()).unwrap();
        });
    }
    bench.writable("top", "layer19");
    let root = bench.get("top");
    assert_eq!(fs::read(root.join("bottom")).unwrap(), b"bottom");
    assert_eq!(names_in(&root).len(), 20);
    bench.put("top");
}

#[test]
fn the_diff_of_a_layer_makes_the_same_of_its_sibling() {
    let Some(bench) = Bench::new() else { return };
    bench.committed("base", "", |root| {
        for number in 0..10 {
            fs::write(root.join(format!("old{number}")), [number; 100]).unwrap();
        }
        fs::create_dir(root.join("folder")).unwrap();
        fs::write(root.join("folder/gone"), "gone").unwrap();
    });
    let change = |root: &Path| {
        for number in 0..5 {
            fs::remove_file(root.join(format!("old{number}"))).unwrap();
        }
        fs::remove_dir_all(root.join("folder")).unwrap();
        fs::write(root.join("old9"), "other").unwrap();
        fs::write(root.join("new"), [1; 5000]).unwrap();
    };
    bench.committed("upper", "base", change);
    let (read, again) = (
        bench.get("upper"),
        json!({ "ID": "expected", "Parent": "base" }),
    );
    bench.server.ok("CreateReadWrite", again);
    let expected = bench.get("expected");
    change(&expected);
    assert_eq!(names_in(&read), names_in(&expected));
    for name in names_in(&read) {
        assert_eq!(
            fs::read(read.join(&name)).unwrap(),
            fs::read(expected.join(&name)).unwrap(),
            "{name}"
        );
    }
    bench.put("upper");
    bench.put("expected");
}

#[test]
fn changes_are_told_exactly() {
    let Some(bench) = Bench::new() else { return };
    bench.committed("base", "", |root| {
        for number in 0..20 {
            fs::write(root.join(format!("file{number}")), "before").unwrap();
        }
    });
    bench.writable("top", "base");
    let root = bench.get("top");
    let mut expected = BTreeSet::new();
    for number in 0..20 {
        let file = root.join(format!("file{number}"));
        match number % 4 {
            0 => {
                fs::write(file, "something else").unwrap();
                expected.insert(format!("C /file{number}"));
            }
            1 => {
                fs::remove_file(file).unwrap();
                expected.insert(format!("D /file{number}"));
            }
            2 => {
                fs::write(root.join(format!("added{number}")), "new").unwrap();
                expected.insert(format!("A /added{number}"));
            }
            _ => {}
        }
    }
    assert_eq!(bench.changes("top", "base"), expected);
    bench.put("top");
    assert_eq!(bench.changes("top", "base"), expected);
}

#[test]
fn a_size_is_kept_to() {
    let Some(bench) = Bench::new() else { return };
    let size = json!({ "ID": "small", "StorageOpt": { "size": "50M" } });
    bench.server.ok("CreateReadWrite", size);
    let root = bench.get("small");
    let megabyte = vec![7; 1024 * 1024];
    fs::write(root.join("half"), megabyte.repeat(25)).unwrap();
    let error = fs::write(root.join("whole"), megabyte.repeat(50)).unwrap_err();
    let full = [
        std::io::ErrorKind::StorageFull,
        std::io::ErrorKind::QuotaExceeded,
    ];
    assert!(full.contains(&error.kind()), "{error}");
    bench.put("small");
}

#[test]
fn a_writable_layer_can_be_the_parent_of_one() {
    let Some(bench) = Bench::new() else { return };
    bench.committed("base", "", |root| {
        fs::write(root.join("base"), "base").unwrap()
    });
    bench.writable("top-init", "base");
    fs::write(bench.get("top-init").join("init"), "init").unwrap();
    bench.put("top-init");
    bench.writable("top", "top-init");
    let root = bench.get("top");
    assert_eq!(names_in(&root), ["base", "init"]);
    fs::write(root.join("top"), "top").unwrap();
    fs::remove_file(root.join("init")).unwrap();
    bench.put("top");
    let expected = ["A /top", "D /init"].map(str::to_owned);
    assert_eq!(bench.changes("top", "top-init"), BTreeSet::from(expected));
    // In this order, and in no other.
    let error = bench.server.fails("Remove", json!({ "ID": "top-init" }));
    assert!(error.contains("top"), "{error}");
    bench.remove("top");
    bench.remove("top-init");
}

#[test]
fn mounts_and_their_references_outlive_the_plugin() {
    let Some(mut bench) = Bench::new() else {
        return;
    };
    bench.writable("top", "");
    let root = bench.get("top");
    assert_eq!(bench.get("top"), root);
    fs::write(root.join("file"), "written").unwrap();
    let empty = tempfile::tempdir().unwrap();
    // The old one ends before the new one begins.
    let other = Server::over(
        transom_driver::memory::MemoryEngine::new(transom_driver::Exports::AnyState),
        empty.path(),
    );
    drop(std::mem::replace(&mut bench.server, other));
    bench.server = serve(bench.folder.path());
    assert_eq!(fs::read(root.join("file")).unwrap(), b"written");
    bench.put("top");
    assert_eq!(fs::read(root.join("file")).unwrap(), b"written");
    bench.put("top");
    assert!(!root.join("file").exists());
    assert!(mounts_below(bench.folder.path()).is_empty());
}

#[test]
fn the_folder_of_a_read_only_layer_has_every_file_of_its_tar() {
    let Some(bench) = Bench::new() else { return };
    // The bundled image has what Windows layers have: streams, links, hives, whiteouts.
    let parts = bench.folder.path().join("parts");
    fs::create_dir(&parts).unwrap();
    let image = bench.folder.path().join("image.tar");
    fs::write(&image, transom_sample::sample_image().unwrap()).unwrap();
    run(Command::new("tar")
        .arg("-C")
        .arg(&parts)
        .arg("-xf")
        .arg(&image));
    let blob = |of: &serde_json::Value| {
        parts
            .join("blobs")
            .join(of["digest"].as_str().unwrap().replace(':', "/"))
    };
    let json_at = |path: &Path| -> serde_json::Value {
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    };
    let index = json_at(&parts.join("index.json"));
    let manifest = json_at(&blob(&index["manifests"][0]));
    let (mut parent, mut streams) = (String::new(), 0);
    for (number, layer) in manifest["layers"].as_array().unwrap().iter().enumerate() {
        let id = format!("layer{number}");
        let bytes = run(Command::new("gzip").arg("-dc").arg(blob(layer)));
        bench.server.layer(&id, &parent, &bytes);
        assert!(
            bench.server.diff(&id, &parent) == bytes,
            "{id} came back as something else"
        );
        let dir = bench.get(&id);
        for (name, data) in files_of(&bytes) {
            let found = fs::read(dir.join(&name));
            assert!(found.is_ok_and(|found| found == data), "{id}: {name}");
            streams += usize::from(name.contains(':'));
        }
        bench.put(&id);
        parent = id;
    }
    assert!(streams > 0);
}

/// The regular files of a tar that have data.
fn files_of(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    use std::io::Read as _;
    let mut reader = transom_layertar::Reader::new(bytes, transom_layertar::Limits::default());
    let mut files = Vec::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        let is_file = matches!(entry.kind, transom_layertar::EntryKind::File);
        let name = String::from_utf8(entry.name.clone()).unwrap();
        let mut data = Vec::new();
        if is_file {
            reader.read_to_end(&mut data).unwrap();
        }
        if !data.is_empty() {
            files.push((name, data));
        }
    }
    files
}

fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}");
    output.stdout
}

#[test]
fn a_tar_of_linux_is_taken_too() {
    let Some(bench) = Bench::new() else { return };
    let bytes = tar(&[("bin/sh", b"#!"), ("Bin/SH", b"another")]);
    bench.server.layer("linux", "", &bytes);
    let dir = bench.get("linux");
    assert_eq!(names_in(&dir), ["Bin", "bin"]);
    bench.put("linux");
}
