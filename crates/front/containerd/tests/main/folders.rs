//! Snapshots as layer folders of an engine, on a stand-in for Windows: what containerd and its clients see there.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tonic::Code;
use transom_containerd::proto::snapshots::{CommitSnapshotRequest, Kind};
use transom_containerd::proto::types::Mount;
use transom_containerd::routes_over;
use transom_driver::Driver;
use transom_driver::conformance::Volume as _;
use transom_hcs::{HcsEngine, Worker};
use transom_sample::shape::{Content, LayerTree, Node, metadata};
use transom_sealed::Store;
use transom_standin::{Machine, PlainFiles, PlainVolume};
use transom_windows::{Descriptor, Hcs as _};

use crate::content::{apply, apply_as, difference};
use crate::support::{Bench, Home, code, labels};

const TAR: &str = "application/vnd.oci.image.layer.v1.tar";
const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Serves an empty store.
pub(crate) fn new() -> Bench {
    serve_in(Home::new())
}

fn serve_in(folder: Home) -> Bench {
    Bench::serve_in(folder, |folder, store, containerd| {
        let home = folder.join("store/snapshots");
        let machine = Arc::new(Machine::open(&folder.join("machine")).unwrap());
        let engine = HcsEngine::<PlainFiles>::open(&home, machine, Worker::InProcess).unwrap();
        routes_over(store, Driver::open(engine).unwrap(), home, containerd)
    })
}

impl Bench {
    fn machine(&self) -> Machine {
        Machine::open(&self.folder.path().join("machine")).unwrap()
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("store/snapshots")
    }

    /// Names of the layers that the engine has.
    fn layers(&self) -> Vec<String> {
        let entries = fs::read_dir(self.home()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name != ".transom").collect()
    }

    /// Unpacks a layer as containerd does.
    fn unpack(&self, name: &str, parent: &str, tar: &[u8]) {
        let key = format!("default/1/extract-1-{name}");
        let mounts = self.prepare(&key, parent);
        assert_eq!(mounts[0].r#type, "windows-layer");
        apply(self, &mounts, tar).unwrap();
        self.commit(name, &key).unwrap();
    }

    /// Mounts as a client on Windows does.
    fn mount_layer(&self, mounts: &[Mount]) -> MountedLayer {
        let [mount] = mounts else {
            panic!("one mount is all that Windows takes: {mounts:?}");
        };
        let machine = self.machine();
        let layer = PathBuf::from(&mount.source);
        let parents: Vec<Descriptor> = parents_of(mount)
            .into_iter()
            .map(|path| Descriptor {
                id: machine
                    .name_to_guid(path.file_name().unwrap().to_str().unwrap())
                    .unwrap(),
                path,
            })
            .collect();
        machine.activate_layer(&layer).unwrap();
        machine.prepare_layer(&layer, &parents).unwrap();
        let root = machine.layer_mount_path(&layer).unwrap().into();
        MountedLayer {
            machine,
            layer,
            root,
        }
    }

    /// Prepares a snapshot, changes it through a mount, commits it.
    fn commit_layer(&self, name: &str, parent: &str, change: impl FnOnce(&MountedLayer)) {
        let key = format!("{name}-active");
        let mounted = self.mount_layer(&self.prepare(&key, parent));
        change(&mounted);
        drop(mounted);
        self.commit(name, &key).unwrap();
    }

    /// What a client sees in a view of a committed snapshot.
    fn files_of(&self, name: &str) -> transom_driver::conformance::Contents {
        let key = format!("{name}-view");
        let mounted = self.mount_layer(&self.view(&key, name));
        let files = mounted.files();
        drop(mounted);
        self.remove(&key).unwrap();
        files
    }

    /// Removes all snapshots, and checks that nothing is left and no call was wrong.
    fn assert_all_can_go(&self) {
        loop {
            let infos = self.list(&[]).unwrap();
            let is_parent = |name: &str| infos.iter().any(|info| info.parent == name);
            let Some(info) = infos.iter().find(|info| !is_parent(&info.name)) else {
                break;
            };
            self.remove(&info.name).unwrap();
        }
        assert_eq!(self.layers(), Vec::<String>::new());
        assert_eq!(self.store.layers().unwrap(), []);
        let machine = self.machine();
        assert_eq!(machine.active().unwrap(), Vec::<PathBuf>::new());
        assert_eq!(machine.complaints(), Vec::<String>::new());
        let volumes = fs::read_dir(self.folder.path().join("machine/volumes")).unwrap();
        assert_eq!(volumes.count(), 0);
    }
}

/// A layer as a client has it mounted.
struct MountedLayer {
    machine: Machine,
    layer: PathBuf,
    root: PathBuf,
}

impl MountedLayer {
    fn write(&self, name: &str, data: &str) {
        PlainVolume
            .write(&self.root, name, data.as_bytes())
            .unwrap();
    }

    fn remove(&self, name: &str) {
        PlainVolume.remove(&self.root, name).unwrap();
    }

    fn files(&self) -> transom_driver::conformance::Contents {
        PlainVolume.read_all(&self.root).unwrap()
    }
}

impl Drop for MountedLayer {
    fn drop(&mut self) {
        self.machine.unprepare_layer(&self.layer).unwrap();
        self.machine.deactivate_layer(&self.layer).unwrap();
    }
}

fn parents_of(mount: &Mount) -> Vec<PathBuf> {
    let of = |option: &String| option.strip_prefix("parentLayerPaths=").map(str::to_owned);
    let list = mount.options.iter().find_map(of).unwrap();
    let parents: serde_json::Value = serde_json::from_str(&list).unwrap();
    let parents = parents.as_array().unwrap().iter();
    parents.map(|path| path.as_str().unwrap().into()).collect()
}

/// A layer with files at these paths, and all folders above them.
fn layer(paths: &[(&str, &str)]) -> Vec<u8> {
    let mut layer = LayerTree::default();
    let sddl = "O:SYG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)";
    let security = transom_sample::descriptors::bytes(sddl).unwrap();
    let mut add = |path: &str, content: Content, attributes| {
        let metadata = metadata(1_000_000, attributes, Some(security.clone()));
        layer.add(path, Node::new(metadata, content));
    };
    add("Hives", Content::Folder, 0);
    for (path, content) in paths {
        for (at, _) in path.match_indices('/') {
            add(&path[..at], Content::Folder, 0);
        }
        add(path, Content::Bytes(content.as_bytes().to_vec()), 0x20);
    }
    layer.write(Vec::new()).unwrap()
}

/// What every base layer has, and two files.
fn base_layer() -> Vec<u8> {
    let config = "Files/Windows/System32/config";
    let hives = ["DEFAULT", "SAM", "SECURITY", "SOFTWARE", "SYSTEM"];
    let hives = hives.map(|hive| (format!("{config}/{hive}"), "hive"));
    let mut paths = vec![("Files/a.txt", "a"), ("Files/data/b.txt", "b")];
    paths.extend(hives.iter().map(|(path, data)| (path.as_str(), *data)));
    layer(&paths)
}

fn top_layer() -> Vec<u8> {
    layer(&[("Files/a.txt", "changed"), ("Files/new/c.txt", "c")])
}

fn with_image() -> Bench {
    let bench = new();
    bench.unpack("base", "", &base_layer());
    bench.unpack("top", "base", &top_layer());
    bench
}

fn data(text: &str) -> Option<Vec<u8>> {
    Some(text.as_bytes().to_vec())
}

#[test]
fn an_unpacked_image_is_given_out_as_layer_folders() {
    let bench = with_image();
    let mounts = bench.prepare("box", "top");
    let [mount] = &mounts[..] else {
        panic!("{mounts:?}");
    };
    assert_eq!(mount.r#type, "windows-layer");
    assert_eq!(mount.options[0], "rw");
    let parents = parents_of(mount);
    assert_eq!(parents.len(), 2);
    for folder in parents.iter().chain([&PathBuf::from(&mount.source)]) {
        assert!(folder.is_dir() && folder.parent() == Some(&bench.home()));
    }
    assert_eq!(bench.mounts("box").unwrap(), mounts);
    let mounted = bench.mount_layer(&mounts);
    let files = mounted.files();
    assert_eq!(files["a.txt"], data("changed"));
    assert_eq!(files["data/b.txt"], data("b"));
    assert_eq!(files["new/c.txt"], data("c"));
    drop(mounted);
    let view = bench.view("look", "base");
    assert_eq!(view[0].options[0], "ro");
    assert_eq!(parents_of(&view[0]), parents[1..]);
    bench.remove("look").unwrap();
    bench.assert_all_can_go();
}

#[test]
fn what_is_written_is_committed_and_what_is_deleted_stays_deleted() {
    let bench = with_image();
    bench.commit_layer("one", "top", |root| {
        root.write("mine/first.txt", "1");
        root.remove("data/b.txt");
    });
    bench.commit_layer("two", "one", |root| {
        assert!(!root.files().contains_key("data/b.txt"));
        root.write("a.txt", "changed again");
    });
    let files = bench.files_of("two");
    assert_eq!(files["mine/first.txt"], data("1"));
    assert_eq!(files["a.txt"], data("changed again"));
    assert!(!files.contains_key("data/b.txt"));
    assert_eq!(bench.files_of("top")["data/b.txt"], data("b"));
    assert_eq!(bench.stat("two").unwrap().kind(), Kind::Committed);
    bench.assert_all_can_go();
}

#[test]
fn a_stack_of_layers_is_what_was_written() {
    let bench = with_image();
    let mut parent = "top".to_owned();
    for number in 0..12 {
        let name = format!("step-{number}");
        bench.commit_layer(&name, &parent, |root| {
            root.write(&format!("file-{number}"), &name);
            root.write("last", &name);
        });
        parent = name;
    }
    let files = bench.files_of(&parent);
    for number in 0..12 {
        let name = format!("step-{number}");
        assert_eq!(files[&format!("file-{number}")], data(&name));
    }
    assert_eq!(files["last"], data(&parent));
    assert_eq!(code(bench.remove("step-5")), Code::FailedPrecondition);
    bench.assert_all_can_go();
}

#[test]
fn a_layer_comes_out_as_it_went_in_and_what_was_written_comes_out_as_a_layer() {
    let bench = with_image();
    let (base, top) = (
        bench.view("base-view", "base"),
        bench.view("top-view", "top"),
    );
    let (_, tar, _) = difference(&bench, &base, &top, TAR).unwrap();
    assert_eq!(tar, top_layer());
    let (descriptor, packed, told) = difference(&bench, &base, &top, GZIP).unwrap();
    assert_eq!(descriptor.size, packed.len() as i64);
    assert!(told["containerd.io/uncompressed"].starts_with("sha256:"));
    let (_, nothing, _) = difference(&bench, &base, &base, TAR).unwrap();
    assert!(nothing.iter().all(|byte| *byte == 0));

    let mounts = bench.prepare("box", "top");
    let mounted = bench.mount_layer(&mounts);
    mounted.write("new/d.txt", "d");
    drop(mounted);
    let (_, tar, _) = difference(&bench, &top, &mounts, TAR).unwrap();
    bench.unpack("again", "top", &tar);
    assert_eq!(bench.files_of("again")["new/d.txt"], data("d"));
    for (lower, upper) in [(&base, &mounts), (&mounts, &top), (&top, &base)] {
        let refused = difference(&bench, lower, upper, TAR);
        assert_eq!(code(refused), Code::InvalidArgument);
    }
    assert_eq!(
        code(difference(&bench, &[], &top, TAR)),
        Code::InvalidArgument
    );
    bench.assert_all_can_go();
}

#[test]
fn a_layer_that_was_unpacked_before_its_parent_was_known_is_made_at_the_commit() {
    let bench = new();
    let mut unpacked = Vec::new();
    for (name, tar) in [("base", base_layer()), ("top", top_layer())] {
        let key = format!("default/1/extract-{name}");
        apply(&bench, &bench.prepare(&key, ""), &tar).unwrap();
        unpacked.push(key);
    }
    assert_eq!(bench.layers(), Vec::<String>::new());
    bench.commit("base", &unpacked[0]).unwrap();
    bench
        .try_commit(CommitSnapshotRequest {
            name: "top".to_owned(),
            key: unpacked[1].clone(),
            parent: "base".to_owned(),
            ..CommitSnapshotRequest::default()
        })
        .unwrap();
    assert_eq!(bench.files_of("top")["a.txt"], data("changed"));
    bench.assert_all_can_go();
}

#[test]
fn a_layer_is_kept_once_for_all_namespaces() {
    let bench = with_image();
    let before = bench.layers().len();
    bench.unpack("other/base", "", &base_layer());
    assert_eq!(bench.layers().len(), before);
    bench.remove("top").unwrap();
    bench.remove("base").unwrap();
    assert_eq!(bench.layers().len(), 1);
    assert_eq!(bench.files_of("other/base")["a.txt"], data("a"));
    bench.assert_all_can_go();
}

#[test]
fn a_size_label_bounds_the_disk_and_one_for_a_utility_vm_is_refused() {
    let bench = with_image();
    let size = "containerd.io/snapshot/windows/rootfs.sizebytes";
    bench
        .try_prepare("large", "top", labels(&[(size, "42949672960")]))
        .unwrap();
    let log = bench.machine().log();
    assert!(
        log.iter().any(|line| line.contains("42949672960")),
        "{log:?}"
    );
    let vm = "containerd.io/snapshot/io.microsoft.vm.storage.scratch";
    let refused = bench.try_prepare("vm", "top", labels(&[(vm, "")]));
    assert_eq!(code(refused), Code::InvalidArgument);
    assert_eq!(code(bench.stat("vm")), Code::NotFound);
    bench.assert_all_can_go();
}

#[test]
fn what_is_no_layer_for_windows_is_refused_and_can_be_tried_again() {
    let bench = with_image();
    let key = "default/1/extract-1 x";
    let mounts = bench.prepare(key, "");
    let missing = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
    let failed = apply_as(&bench, &mounts, TAR, missing, 7);
    assert_eq!(code(failed), Code::NotFound);
    assert_eq!(
        code(apply(&bench, &mounts, b"no tar at all")),
        Code::InvalidArgument
    );
    let mut linux = LayerTree::default();
    for (path, content) in [("etc", Content::Folder), ("etc/hosts", Content::NoData)] {
        linux.add(path, Node::new(metadata(0, 0, None), content));
    }
    let linux = linux.write(Vec::new()).unwrap();
    let refused = apply(&bench, &mounts, &linux).unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    // One that the engine refuses keeps the snapshot from being committed.
    let no_base = layer(&[("Files/only.txt", "no base")]);
    apply(&bench, &mounts, &no_base).unwrap();
    assert!(bench.commit("broken", key).is_err());
    assert_eq!(bench.stat(key).unwrap().kind(), Kind::Active);
    bench.remove(key).unwrap();
    bench.assert_all_can_go();
}

#[test]
fn no_layer_is_put_on_what_can_be_written_to() {
    let bench = with_image();
    let mounts = bench.prepare("box", "base");
    let refused = apply(&bench, &mounts, &top_layer());
    assert_eq!(code(refused), Code::InvalidArgument);
    let mounted = bench.mount_layer(&mounts);
    mounted.write("mine.txt", "1");
    assert_eq!(mounted.files()["a.txt"], data("a"));
    drop(mounted);
    bench.assert_all_can_go();
}

#[test]
fn usage_tells_of_layers_and_of_what_is_written() {
    let bench = with_image();
    assert!(bench.usage("base").unwrap().size > 0);
    let mounts = bench.prepare("box", "top");
    let before = bench.usage("box").unwrap();
    fs::write(Path::new(&mounts[0].source).join("some"), [0; 5000]).unwrap();
    let after = bench.usage("box").unwrap();
    assert_eq!(after.size - before.size, 5000);
    assert_eq!(after.inodes - before.inodes, 1);
}

#[test]
fn a_killed_server_leaves_what_containerd_asks_for_again() {
    let bench = with_image();
    bench.commit_layer("n/2/done", "top", |root| root.write("mine.txt", "1"));
    let before = bench.prepare("box", "top");
    let folder = bench.kill();
    // A server that died between a row and its files.
    let store = Store::open(&folder.path().join("store")).unwrap();
    assert_eq!(store.bring_back_active_snapshots().unwrap(), 1);
    store
        .remove_snapshot_elsewhere("n/2/done", |_| Ok::<_, transom_sealed::SnapshotError>(()))
        .unwrap();
    drop(store);

    let bench = serve_in(folder);
    assert_eq!(bench.mounts("box").unwrap(), before);
    // What was committed is there again as active, with all that was written.
    bench.commit("n/3/done", "n/2/done-active").unwrap();
    assert_eq!(bench.files_of("n/3/done")["mine.txt"], data("1"));
    bench.remove("box").unwrap();
    let folder = bench.kill();

    // All rows are gone, all layers are left.
    let store = Store::open(&folder.path().join("store")).unwrap();
    for key in ["n/3/done", "top", "base"] {
        store
            .remove_snapshot_elsewhere(key, |_| Ok::<_, transom_sealed::SnapshotError>(()))
            .unwrap();
    }
    drop(store);
    let bench = serve_in(folder);
    assert_eq!(bench.layers(), Vec::<String>::new());
    bench.assert_all_can_go();
}
