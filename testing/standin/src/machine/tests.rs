use std::collections::BTreeMap;

use tempfile::TempDir;
use transom_driver::conformance::Volume as _;
use transom_ntmeta::backup_stream::{StreamHeader, StreamId};
use transom_windows::{BasicInfo, Create, Folder, Node};

use super::failure::INVALID_STATE;
use super::view::View;
use super::*;
use crate::plain::PlainFiles;
use crate::streams::{self, join};
use crate::volume::PlainVolume;

const CONFIG: &str = "Files/Windows/System32/config";

struct Host {
    folder: TempDir,
    machine: Machine,
}

impl Host {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("makes a folder");
        let machine = Machine::open(&folder.path().join("machine")).expect("is new");
        Self { folder, machine }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn parents(&self, names: &[&str]) -> Vec<Descriptor> {
        let describe = |name: &&str| Descriptor {
            id: self.machine.name_to_guid(name).expect("is a name"),
            path: self.path(name),
        };
        names.iter().map(describe).collect()
    }

    fn base(&self) {
        let layer = self.path("base");
        self.machine.create_layer(&layer, "").expect("is new");
        for hive in ["SYSTEM", "SOFTWARE", "SAM", "SECURITY", "DEFAULT"] {
            let name = format!("{CONFIG}/{hive}");
            PlainVolume.write(&layer, &name, b"").expect("writes");
        }
        for (name, data) in [
            ("Files/a.txt", "a"),
            ("Files/b.txt", "b"),
            ("Files/deep/er/c.txt", "c"),
            ("Files/deep/d.txt", "d"),
            ("Files/gone/e.txt", "e"),
        ] {
            PlainVolume
                .write(&layer, name, data.as_bytes())
                .expect("writes");
        }
        let files = PlainFiles::open_root(&layer).expect("is there");
        files
            .link("Files/deep/linked.txt", &files, "Files/b.txt")
            .expect("links");
        self.machine.process_base_image(&layer).expect("is one");
    }

    /// Makes and mounts a writable layer, and returns its volume.
    fn writable(&self, name: &str, parents: &[&str]) -> PathBuf {
        let (layer, parents) = (self.path(name), self.parents(parents));
        let machine = &self.machine;
        machine
            .create_sandbox_layer(&layer, &parents)
            .expect("is new");
        machine.activate_layer(&layer).expect("is not active");
        machine.prepare_layer(&layer, &parents).expect("is active");
        machine.layer_mount_path(&layer).expect("is active").into()
    }

    fn folder(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir(&path).expect("is new");
        path
    }

    /// Exports a mounted layer and imports what is exported as another one.
    fn commit(&self, writable: &str, new: &str, parents: &[&str]) -> PathBuf {
        let first = parents.first().copied().unwrap_or_default();
        let (layer, machine) = (self.path(writable), &self.machine);
        let transport = self.folder(&format!("{new}-transport"));
        machine.unprepare_layer(&layer).expect("is prepared");
        let parents = self.parents(parents);
        machine
            .export_layer(&layer, &transport, &parents)
            .expect("exports");
        let copy = self.folder(&format!("{new}-import"));
        let (from, to) = (open(&transport), open(&copy));
        copy_all(&from, &to, "");
        let deleted = fs::read(transport.join("tombstones.txt")).expect("is there");
        assert!(!deleted.is_empty());
        to.remove("tombstones.txt").expect("is there");
        let layer = self.path(new);
        machine.create_layer(&layer, first).expect("is new");
        machine
            .import_layer(&layer, &copy, &parents)
            .expect("is whole");
        for name in tombstones(&from) {
            open(&layer)
                .remove(&format!("Files/{name}"))
                .expect("is a placeholder");
        }
        transport
    }
}

fn open(path: &Path) -> PlainFiles {
    PlainFiles::open_root(path).expect("is a folder")
}

fn tombstones(transport: &PlainFiles) -> Vec<String> {
    let mut text = String::new();
    let mut node = transport.open("tombstones.txt").expect("is there");
    io::Read::read_to_string(&mut node, &mut text).expect("is text");
    let mut lines = text.split_terminator("\r\n");
    assert_eq!(lines.next(), Some("\u{feff}Version 1.0"));
    lines
        .map(|line| {
            let name = line.strip_prefix('\\').expect("has a backslash");
            name.replace('\\', "/")
        })
        .collect()
}

fn copy_all(from: &PlainFiles, to: &PlainFiles, folder: &str) {
    let mut links: BTreeMap<u128, String> = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for listed in from.list(&folder).expect("lists") {
            let name = join(&folder, &listed.name);
            let is_folder = listed.attributes & 0x10 != 0;
            let identity = from.open(&name).and_then(|node| node.identity());
            let id = identity.expect("is a node").id;
            if let Some(first) = links.get(&id) {
                to.link(&name, to, first).expect("links");
                continue;
            }
            links.insert(id, name.clone());
            streams::copy(from, &name, to, &name, is_folder).expect("copies");
            if is_folder {
                folders.push(name);
            }
        }
    }
}

/// Attributes, times and streams by name, and the first name of the same file.
type Told = BTreeMap<String, (u32, i64, i64, Vec<u8>, Option<String>)>;

fn told(volume: &Path) -> Told {
    let files = open(volume);
    let mut told = Told::new();
    let mut names = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for listed in files.list(&folder).expect("lists") {
            let name = join(&folder, &listed.name);
            if super::placeholder::is_real_folder(listed.attributes) {
                folders.push(name.clone());
            }
            names.push(name);
        }
    }
    names.sort();
    let mut links: BTreeMap<u128, String> = BTreeMap::new();
    for name in names {
        let node = files.open(&name).expect("is there");
        let info = node.basic_info().expect("is there");
        let identity = node.identity().expect("is there");
        let first = (identity.links > 1).then(|| {
            let first = links.entry(identity.id);
            first.or_insert_with(|| name.clone()).clone()
        });
        let streams = streams::bytes(&files, &name).expect("is there");
        told.insert(
            name,
            (
                info.attributes,
                info.creation.0,
                info.last_write.0,
                streams,
                first,
            ),
        );
    }
    told
}

fn failed(result: Result<impl std::fmt::Debug>) -> HResult {
    let error = result.expect_err("is refused");
    error.code().expect("has a code")
}

#[test]
fn a_writable_layer_goes_through_its_states_in_order() {
    let host = Host::new();
    host.base();
    let (machine, layer) = (&host.machine, host.path("top"));
    let parents = host.parents(&["base"]);
    machine
        .create_sandbox_layer(&layer, &parents)
        .expect("is new");
    assert_eq!(failed(machine.deactivate_layer(&layer)), INVALID_STATE);
    assert_eq!(
        failed(machine.prepare_layer(&layer, &parents)),
        INVALID_STATE
    );
    let unmounted = machine.layer_mount_path(&layer);
    assert_eq!(failed(unmounted), HResult::NOT_READY);
    machine.activate_layer(&layer).expect("is not active");
    assert_eq!(failed(machine.activate_layer(&layer)), INVALID_STATE);
    assert_eq!(failed(machine.unprepare_layer(&layer)), INVALID_STATE);
    assert_eq!(
        failed(machine.destroy_layer(&layer)),
        HResult::SHARING_VIOLATION
    );
    machine.prepare_layer(&layer, &parents).expect("is active");
    assert_eq!(
        failed(machine.prepare_layer(&layer, &parents)),
        INVALID_STATE
    );
    assert_eq!(failed(machine.deactivate_layer(&layer)), INVALID_STATE);
    // The service outlives its callers.
    let again = Machine::open(&host.path("machine")).expect("is there");
    assert_eq!(again.active().expect("reads"), std::slice::from_ref(&layer));
    again.unprepare_layer(&layer).expect("is prepared");
    again.deactivate_layer(&layer).expect("is active");
    again.destroy_layer(&layer).expect("is not active");
    assert_eq!(failed(again.destroy_layer(&layer)), HResult::PATH_NOT_FOUND);
    assert_eq!(machine.active().expect("reads"), Vec::<PathBuf>::new());
    assert_eq!(machine.complaints(), Vec::<String>::new());
}

#[test]
fn a_renamed_layer_keeps_its_disk() {
    let host = Host::new();
    host.base();
    host.writable("top", &["base"]);
    let renamed = host.path("top-removing");
    fs::rename(host.path("top"), &renamed).expect("renames");
    let machine = &host.machine;
    assert_eq!(
        failed(machine.destroy_layer(&renamed)),
        HResult::SHARING_VIOLATION
    );
    machine
        .detach_virtual_disk(&renamed.join("sandbox.vhdx"))
        .expect("is attached");
    machine.destroy_layer(&renamed).expect("is detached");
    let volumes = fs::read_dir(host.path("machine/volumes")).expect("is there");
    assert_eq!(volumes.count(), 0);
}

#[test]
fn wrong_arguments_are_complained_of() {
    let host = Host::new();
    host.base();
    let (machine, parents) = (&host.machine, host.parents(&["base"]));
    host.writable("top", &["base"]);
    host.commit("top", "middle", &["base"]);
    let check = |result: Result<()>, what: &str| {
        assert_eq!(failed(result), HResult::INVALID_PARAMETER);
        let complaints = machine.complaints();
        assert!(
            complaints.len() == 1 && complaints[0].contains(what),
            "{complaints:?}"
        );
        machine.clear_log().expect("writes");
    };
    check(machine.activate_layer(Path::new("top")), "not absolute");
    let layer = host.path("other");
    check(machine.create_sandbox_layer(&layer, &[]), "needs parents");
    let mut mistaken = parents.clone();
    mistaken[0].id = Guid([7; 16]);
    check(
        machine.create_sandbox_layer(&layer, &mistaken),
        "is not the id",
    );
    let upside_down = host.parents(&["base", "middle"]);
    check(
        machine.create_sandbox_layer(&layer, &upside_down),
        "the immediate one comes first",
    );
    let others = host.parents(&["middle", "base"]);
    check(
        machine.prepare_layer(&host.path("top"), &others),
        "had the parents",
    );
    let transport = host.folder("transport");
    fs::write(transport.join("x"), "").expect("writes");
    check(
        machine.export_layer(&host.path("top"), &transport, &parents),
        "not empty",
    );
}

#[test]
fn disks_grow_only() {
    let host = Host::new();
    host.base();
    let (machine, layer) = (&host.machine, host.path("top"));
    let parents = host.parents(&["base"]);
    machine
        .create_sandbox_layer(&layer, &parents)
        .expect("is new");
    let smaller = machine.expand_sandbox_size(&layer, 20 << 30);
    assert_eq!(failed(smaller), HResult::INVALID_PARAMETER);
    machine
        .expand_sandbox_size(&layer, 30 << 30)
        .expect("is larger");
    let disk = Disk::of(&layer).expect("reads").expect("is writable");
    assert_eq!(disk.size, 30 << 30);
    assert_eq!(machine.complaints(), Vec::<String>::new());
}

#[test]
fn planned_faults_hit_one_call_each() {
    let host = Host::new();
    host.base();
    let (machine, layer) = (&host.machine, host.path("top"));
    let parents = host.parents(&["base"]);
    machine
        .create_sandbox_layer(&layer, &parents)
        .expect("is new");
    let fault = |call: &str, action| machine.plan(&Rule::next(call, action)).expect("writes");
    fault("ActivateLayer", Action::Fail(HResult(0x8007_0015)));
    assert_eq!(failed(machine.activate_layer(&layer)), HResult::NOT_READY);
    assert!(machine.active().expect("reads").is_empty());
    fault("ActivateLayer", Action::FailAfter(HResult(0x8007_001f)));
    assert_eq!(failed(machine.activate_layer(&layer)), HResult::GEN_FAILURE);
    assert_eq!(
        machine.active().expect("reads"),
        std::slice::from_ref(&layer)
    );
    machine.prepare_layer(&layer, &parents).expect("is active");
    fault("UnprepareLayer", Action::Die);
    machine.forget_plans().expect("writes");
    machine.unprepare_layer(&layer).expect("is prepared");
}

/// Is started by the test below, in a process of its own.
#[test]
fn a_process_that_is_to_die() {
    if let Some(state) = std::env::var_os("STANDIN_DIES") {
        let state = PathBuf::from(state);
        let machine = Machine::open(&state).expect("is there");
        let layer = state.with_file_name("new");
        // Dies here, so that what is returned does not matter.
        let _ = machine.create_layer(&layer, "");
    }
}

#[test]
fn what_kills_the_caller_leaves_the_machine_whole() {
    let host = Host::new();
    let machine = &host.machine;
    for (action, is_done) in [(Action::Die, false), (Action::DieAfter, true)] {
        machine
            .plan(&Rule::next("CreateLayer", action))
            .expect("writes");
        let output = std::process::Command::new(std::env::current_exe().expect("has a path"))
            .args(["--exact", "machine::tests::a_process_that_is_to_die"])
            .env("STANDIN_DIES", host.path("machine"))
            .output()
            .expect("starts");
        assert!(!output.status.success());
        assert_eq!(host.path("new").exists(), is_done);
    }
    let exists = machine.layer_exists(&host.path("new"));
    assert!(exists.expect("is free"));
}

#[test]
fn a_hanging_call_lets_others_through() {
    let host = Host::new();
    host.base();
    let machine = &host.machine;
    machine
        .plan(&Rule::next("LayerExists", Action::Hang))
        .expect("writes");
    thread::scope(|scope| {
        let hanging = scope.spawn(|| machine.layer_exists(&host.path("base")));
        while !machine.log().iter().any(|line| line.starts_with("LayerE")) {
            thread::sleep(PAUSE);
        }
        assert!(machine.layer_exists(&host.path("base")).expect("is there"));
        assert!(!hanging.is_finished());
        fs::rename(host.path("machine"), host.path("off")).expect("renames");
        let ended = hanging.join().expect("does not panic");
        assert_eq!(failed(ended), HResult::TIMEOUT);
    });
}

#[test]
fn a_volume_shows_the_parents_with_hard_links() {
    let host = Host::new();
    host.base();
    let volume = host.writable("top", &["base"]);
    assert!(
        volume
            .to_string_lossy()
            .ends_with(std::path::MAIN_SEPARATOR)
    );
    assert_eq!(
        told(&volume),
        told(&host.path("base/Files")).without_outside()
    );
    let contents = PlainVolume.read_all(&volume).expect("reads");
    assert_eq!(contents["deep/linked.txt"], Some(b"b".to_vec()));
    assert_eq!(contents["gone"], None);
}

/// Links that lead out of the view do not count in it.
trait WithoutOutside {
    fn without_outside(self) -> Self;
}

impl WithoutOutside for Told {
    fn without_outside(mut self) -> Self {
        let mut names: BTreeMap<String, u32> = BTreeMap::new();
        for first in self.values().filter_map(|told| told.4.clone()) {
            *names.entry(first).or_default() += 1;
        }
        for told in self.values_mut() {
            if told.4.as_ref().is_some_and(|first| names[first] < 2) {
                told.4 = None;
            }
        }
        self
    }
}

fn change(volume: &Path) {
    let write = |name: &str, data: &str| {
        PlainVolume
            .write(volume, name, data.as_bytes())
            .expect("writes");
    };
    write("deep/er/new.txt", "new");
    write("made/f.txt", "f");
    write("a.txt", "changed");
    PlainVolume.remove(volume, "gone").expect("is there");
    PlainVolume.remove(volume, "deep/d.txt").expect("is there");
    let files = open(volume);
    files
        .link("made/again.txt", &files, "made/f.txt")
        .expect("links");
    let stream = (StreamHeader::alternate(":s:$DATA", 2), b"xy".to_vec());
    let reparse = b"\x0c\0\0\xa0\x04\0\0\0abcd".to_vec();
    let header = StreamHeader::new(StreamId::REPARSE_DATA, reparse.len() as u64);
    for (name, streams) in [
        ("made/stream", vec![stream]),
        ("link", vec![(header, reparse)]),
    ] {
        let node = files.create_file(name, Create::New).expect("is new");
        let info = node.basic_info().expect("is there");
        let bytes = streams::print(&streams).expect("is valid");
        streams::fill(node, &info, &bytes).expect("is valid");
    }
}

#[test]
fn what_is_exported_and_imported_shows_the_same() {
    let host = Host::new();
    host.base();
    let volume = host.writable("one", &["base"]);
    change(&volume);
    let transport = open(&host.commit("one", "middle", &["base"]));
    assert_eq!(tombstones(&transport), ["deep/d.txt", "gone"]);
    assert!(transport.attributes("Files/b.txt").is_err());
    assert!(transport.attributes("Files/deep.$wcidirs$").is_ok());
    let other = host.writable("two", &["middle", "base"]);
    assert_eq!(told(&other), told(&volume));

    // A second layer, on placeholders.
    PlainVolume
        .write(&other, "deep/er/c.txt", b"again")
        .expect("writes");
    PlainVolume.remove(&other, "b.txt").expect("is there");
    host.commit("two", "upper", &["middle", "base"]);
    let third = host.writable("three", &["upper", "middle", "base"]);
    let shown = told(&third);
    assert_eq!(shown, told(&other));
    assert!(!shown.contains_key("b.txt"));
    assert_eq!(host.machine.complaints(), Vec::<String>::new());

    // And the read-only layer tells the same as the writable one that it was made of.
    let again = host.folder("again");
    let parents = host.parents(&["middle", "base"]);
    host.machine
        .export_layer(&host.path("upper"), &again, &parents)
        .expect("exports");
    assert_eq!(tombstones(&open(&again)), ["b.txt"]);
    assert!(open(&again).attributes("Hives/System_Delta").is_ok());
    assert!(open(&again).attributes("Files/a.txt").is_err());
}

/// Passes what a stream tells on to another, in pieces, and returns how that went.
fn pass_on(mut from: ExportStream, mut to: ImportStream) -> Result<()> {
    loop {
        let told = match from.next_entry() {
            Err(error) if error.code() == Some(HResult::NO_MORE_FILES) => break,
            told => told.expect("is whole"),
        };
        to.next_entry(&told.name, told.info.as_ref())?;
        let mut buffer = [0; 100];
        while let read @ 1.. = from.read(&mut buffer).expect("is in memory") {
            to.write(&buffer[..read])?;
        }
    }
    from.end().expect("was read to its end");
    to.end()
}

#[test]
fn what_is_streamed_shows_the_same_as_what_is_exported_and_imported() {
    let host = Host::new();
    host.base();
    let (layer, parents) = (host.path("box"), host.parents(&["base"]));
    let volume = host.writable("box", &["base"]);
    change(&volume);
    // A stream has no hard links.
    let without_links = |mut told: Told| {
        told.values_mut().for_each(|told| told.4 = None);
        told
    };
    let changed = without_links(told(&volume));
    let machine = &host.machine;
    machine.unprepare_layer(&layer).expect("is prepared");
    let (new, copy) = (host.path("new"), host.path("copy"));
    machine.create_layer(&new, "base").expect("is new");
    let from = machine.begin_export(&layer, &parents).expect("is active");
    let to = machine.begin_import(&new, &parents).expect("is empty");
    pass_on(from, to).expect("is a layer");
    machine.deactivate_layer(&layer).expect("is active");
    machine
        .copy_layer(&layer, &copy, &parents)
        .expect("is idle");
    for top in ["new", "copy"] {
        let shown = host.writable(&format!("on-{top}"), &[top, "base"]);
        assert_eq!(without_links(told(&shown)), changed, "{top}");
    }
    let streams = fs::read_dir(host.path("machine")).expect("is a folder");
    let names = streams.flatten().map(|entry| entry.file_name());
    assert!(
        !names
            .into_iter()
            .any(|name| name.to_string_lossy().starts_with("stream-"))
    );
    assert_eq!(machine.complaints(), Vec::<String>::new());
}

#[test]
fn what_is_streamed_wrongly_is_refused() {
    let host = Host::new();
    host.base();
    let parents = host.parents(&["base"]);
    let (layer, machine) = (host.path("new"), &host.machine);
    machine.create_layer(&layer, "base").expect("is new");
    let info = BasicInfo {
        attributes: 0x10,
        ..crate::plain::Record::new_now(0).0
    };
    for name in [
        "Files",
        r"\Other",
        r"\Files\",
        r"\Files\..\a",
        r"\Files/a",
        "",
    ] {
        let mut stream = machine.begin_import(&layer, &parents).expect("is empty");
        stream.next_entry(name, Some(&info)).expect_err(name);
    }
    let mut stream = machine.begin_import(&layer, &parents).expect("is empty");
    stream.write(b"early").expect_err("there is no entry");
    stream
        .next_entry(r"\Files\a\b", Some(&info))
        .expect("is a name");
    stream.end().expect_err("its folder is not there");
    let mut stream = machine.begin_import(&layer, &parents).expect("is empty");
    stream
        .next_entry(r"\Files", Some(&info))
        .expect("is a name");
    stream.end().expect_err("there are no hives");
    assert_eq!(machine.complaints().len(), 8, "{:?}", machine.complaints());
    machine.begin_import(&layer, &[]).expect_err("has parents");
    let export = machine.begin_export(&host.path("base"), &parents);
    export.expect_err("the base is no parent of its own");
}

#[test]
fn what_is_not_changed_is_not_exported() {
    let host = Host::new();
    host.base();
    let top = host.writable("top", &["base"]);
    assert_eq!(told(&top).len(), told(&host.path("base/Files")).len());
    let transport = host.commit("top", "same", &["base"]);
    let files = PlainVolume.read_all(&transport).expect("reads");
    let below: Vec<_> = files
        .keys()
        .filter(|name| name.starts_with("Files/"))
        .collect();
    assert_eq!(below, Vec::<&String>::new());
    let view = View::open(&[host.path("same"), host.path("base")]).expect("opens");
    let shown = view.list("", 0).expect("lists");
    assert!(shown.iter().all(|shown| shown.layer == 1));
    assert_eq!(view.folder("DEEP/er").expect("looks"), Some(1));
    assert_eq!(view.folder("deep/d.txt").expect("looks"), None);
}

#[test]
fn an_import_has_to_be_whole() {
    let host = Host::new();
    host.base();
    host.writable("top", &["base"]);
    let parents = host.parents(&["base"]);
    let transport = host.commit("top", "good", &["base"]);
    let layer = host.path("bad");
    host.machine.create_layer(&layer, "base").expect("is new");
    let import = |what: &str| {
        let result = host.machine.import_layer(&layer, &transport, &parents);
        assert_eq!(failed(result), HResult::INVALID_PARAMETER);
        let complaints = host.machine.complaints();
        assert!(
            complaints.last().expect("is one").contains(what),
            "{complaints:?}"
        );
    };
    import("tombstones.txt");
    let files = open(&transport);
    files.remove("tombstones.txt").expect("is there");
    drop(files.create_folder("Files/x").expect("is new"));
    import("has no carrier");
    files.remove("Files/x").expect("is there");
    drop(files.create_file("Files/x.$wcidirs$", Create::New));
    import("has no folder");
    files.remove("Files/x.$wcidirs$").expect("is there");
    drop(files.create_file("Files/x", Create::New));
    import("has no attributes");
}

#[test]
fn images_are_processed() {
    let host = Host::new();
    host.base();
    let (machine, layer) = (&host.machine, host.path("base"));
    for name in ["blank.vhdx", "blank-base.vhdx", "layout"] {
        assert!(layer.join(name).exists(), "{name}");
    }
    assert!(open(&layer).attributes("Hives/DEFAULTUSER_BASE").is_ok());
    let again = machine.process_base_image(&layer);
    assert_eq!(failed(again), HResult::ALREADY_EXISTS);
    let folder = layer.join("UtilityVM");
    let store = "UtilityVM/Files/EFI/Microsoft/Boot/BCD";
    PlainVolume.write(&layer, store, b"bcd").expect("writes");
    machine.process_utility_image(&folder).expect("is one");
    let contents = PlainVolume.read_all(&folder).expect("reads");
    let edited = contents["Files/EFI/Microsoft/Boot/BCD"].as_deref();
    assert_eq!(edited, Some(&b"bcdedited by the stand-in\n"[..]));
    assert_eq!(machine.complaints(), Vec::<String>::new());
    let wrong = machine.process_utility_image(&layer);
    assert_eq!(failed(wrong), HResult::INVALID_PARAMETER);
}

#[test]
fn calls_are_logged_with_their_arguments() {
    let host = Host::new();
    host.base();
    host.machine.clear_log().expect("writes");
    let parents = host.parents(&["base"]);
    let (layer, base) = (host.path("top"), host.path("base"));
    host.machine
        .create_sandbox_layer(&layer, &parents)
        .expect("is new");
    let expected = format!(
        "CreateSandboxLayer(flavour=1 home='' id={} n=1 [{{flags 0, path {}}}])",
        layer.display(),
        base.display()
    );
    assert_eq!(host.machine.log(), ["NameToGuid(base)", &expected]);
}

#[test]
fn compute_systems_are_listed_until_they_are_terminated() {
    let host = Host::new();
    let machine = &host.machine;
    let list = || machine.enumerate_compute_systems("{}").expect("lists");
    assert_eq!(list(), "[]");
    machine
        .set_systems(r#"[{"Id":"one"},{"Id":"two"}]"#)
        .expect("writes");
    machine.terminate_compute_system("one").expect("ends");
    machine
        .terminate_compute_system("three")
        .expect("is not there");
    assert_eq!(list(), r#"[{"Id":"two"}]"#);
    let query = machine.enumerate_compute_systems("");
    assert_eq!(failed(query), HResult::INVALID_PARAMETER);
}
