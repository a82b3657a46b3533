//! What a process that died has left behind is put right when the store is opened next.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use transom_layer::Names;
use transom_sealed::Store;

use crate::support::{Home, Layer, all_names, blob_of, chain, gzip, request};

/// Names the work that [`as_child`] does when it runs in a process of its own.
const WORK: &str = "TRANSOM_TEST_WORK";
/// The store it does it in.
const ROOT: &str = "TRANSOM_TEST_ROOT";

#[derive(Clone, Copy)]
pub(crate) enum Work {
    /// Imports one layer, always the same.
    ImportOnce,
    /// Imports half a layer and waits.
    Hang,
    /// Imports a layer, says so, and waits with the session open.
    Hold,
    /// Imports and removes images until it is killed.
    Churn,
}

/// Starts this test binary again to do something that may be killed.
pub(crate) fn child(root: &Path, work: Work) -> Child {
    let work = match work {
        Work::ImportOnce => "import once",
        Work::Hang => "hang",
        Work::Hold => "hold",
        Work::Churn => "churn",
    };
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "recovery::as_child", "--nocapture"])
        .env(WORK, work)
        .env(ROOT, root)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn marker(root: &Path) -> PathBuf {
    root.with_file_name("child-is-ready")
}

pub(crate) fn wait_for_marker(root: &Path) {
    let start = Instant::now();
    while !marker(root).exists() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "the child did not get there"
        );
        thread::sleep(Duration::from_millis(5));
    }
    fs::remove_file(marker(root)).unwrap();
}

/// Not a test by itself: what [`child`] runs. Alone it checks that nobody set the variables.
#[test]
fn as_child() {
    let (Ok(work), Ok(root)) = (std::env::var(WORK), std::env::var(ROOT)) else {
        assert!(std::env::var_os(ROOT).is_none());
        return;
    };
    let root = PathBuf::from(root);
    let store = Store::open(&root).unwrap();
    let wait = || {
        loop {
            thread::park();
        }
    };
    match work.as_str() {
        "import once" => {
            let session = store.session().unwrap();
            let layer =
                session.import_layer(&layer(0)[..], &request("once", Names::Windows), &|_| {});
            layer.unwrap_or_else(|error| panic!("{}", chain(&error)));
            session.keep_unused();
        }
        "hang" => {
            let half = layer(1)[..250_000].to_vec();
            let mut half = io::Cursor::new(half);
            let source = HangAtEnd(|buffer: &mut [u8]| match half.read(buffer) {
                Ok(0) => {
                    fs::write(marker(&root), "").unwrap();
                    wait()
                }
                result => result,
            });
            let session = store.session().unwrap();
            let mut request = request("hang", Names::Windows);
            request.keep_blob = true;
            session.import_layer(source, &request, &|_| {}).unwrap();
        }
        "hold" => {
            let session = store.session().unwrap();
            let request = request("hold", Names::Windows);
            session
                .import_layer(&layer(2)[..], &request, &|_| {})
                .unwrap();
            fs::write(marker(&root), "").unwrap();
            thread::sleep(Duration::MAX);
        }
        "churn" => {
            let home = ChurnHome { store };
            for round in 0.. {
                home.churn(round, &root);
            }
        }
        other => panic!("unknown work {other}"),
    }
}

struct HangAtEnd<F>(F);

impl<F: FnMut(&mut [u8]) -> io::Result<usize>> Read for HangAtEnd<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (self.0)(buffer)
    }
}

struct ChurnHome {
    store: Store,
}

impl ChurnHome {
    fn churn(&self, round: u32, root: &Path) {
        let session = self.store.session().unwrap();
        let mut request = request("churn", Names::Windows);
        request.keep_blob = true;
        let name = format!("churn {}", round % 3);
        let layers = [layer(10), layer(11 + round % 5)]
            .iter()
            .map(|tar| {
                let layer = session
                    .import_layer(&gzip(tar)[..], &request, &|_| {})
                    .unwrap();
                transom_sealed::ImageLayer {
                    diff_id: layer.diff_id,
                    blob: layer.blob,
                }
            })
            .collect();
        crate::support::add_image(&session, &name, layers, Names::Windows, false).unwrap();
        drop(session);
        if round == 0 {
            fs::write(marker(root), "").unwrap();
        }
        let mut images = self.store.images().unwrap();
        images.retain(|image| image.names.iter().all(|name| name.starts_with("churn")));
        if let Some(image) = images.get(round as usize % 2).filter(|_| images.len() > 1) {
            self.store.remove_image(image).unwrap();
            self.store.empty_trash().unwrap();
        }
    }
}

fn layer(number: u32) -> Vec<u8> {
    let data = vec![number as u8; 400_000];
    Layer::new()
        .dir("Files")
        .file(&format!("Files/{number}"), &data)
        .tar()
}

/// All files of the store but the catalog, with their sizes.
fn files(home: &Home) -> Vec<(PathBuf, u64)> {
    let mut files = Vec::new();
    for folder in ["layers", "blobs", "chains", "staging", "trash"] {
        for file in crate::support::all_files(&home.root().join(folder)) {
            let size = fs::metadata(&file).unwrap().len();
            files.push((file, size));
        }
    }
    files.sort();
    files
}

/// Opens the store again, and once more, which must change nothing.
fn reopen(home: &Home) -> Store {
    let store = home.open_again();
    let first = files(home);
    home.open_again();
    assert_eq!(files(home), first);
    home.assert_tidy();
    store
}

#[test]
fn a_store_that_nothing_happened_to_is_left_alone() {
    let home = Home::new();
    home.image("image", &[layer(1), layer(2)]);
    let before = files(&home);
    reopen(&home);
    assert_eq!(files(&home), before);
}

#[test]
fn staging_of_the_dead_is_removed_and_of_the_living_is_not() {
    let home = Home::new();
    let staging = home.root().join("staging");
    let session = home.store.session().unwrap();
    let (_, scratch) = session.scratch_file().unwrap();
    fs::create_dir_all(staging.join("1a-2-3/0/folder")).unwrap();
    fs::write(staging.join("1a-2-3/0/layer.tar"), "half").unwrap();
    fs::write(staging.join("1a-2-3.lock"), "").unwrap();
    fs::create_dir(staging.join("4-5-6")).unwrap();
    fs::write(staging.join("7-8-9.lock"), "").unwrap();
    home.open_again();
    assert_eq!(
        all_names(&staging).len(),
        2,
        "the living one's folder and lock"
    );
    assert!(scratch.exists());
    drop(session);
    assert!(!scratch.exists());
    reopen(&home);
}

#[test]
fn files_that_the_catalog_does_not_know_are_removed() {
    let home = Home::new();
    let known = home.import(&layer(1));
    let orphan = home.root().join("layers").join("ab".repeat(32));
    fs::create_dir(&orphan).unwrap();
    fs::write(
        orphan.join("layer.tar"),
        "complete, but its transaction never came",
    )
    .unwrap();
    fs::write(home.root().join("blobs").join("cd".repeat(32)), "the same").unwrap();
    fs::write(home.root().join("trash/ef.1"), "half deleted").unwrap();
    let store = reopen(&home);
    assert_eq!(store.layers().unwrap().len(), 1);
    assert!(home.layer_file(known, "layer.tar").exists());
}

#[test]
fn an_orphan_in_the_way_of_an_import_is_replaced() {
    let home = Home::new();
    let id = home.import(&layer(1));
    home.store.collect_garbage(false).unwrap();
    let folder = home.root().join("layers").join(id.0.hex());
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("layer.tar"), "torn").unwrap();
    assert_eq!(home.import(&layer(1)), id);
    reopen(&home);
}

#[test]
fn a_deletion_that_was_not_committed_is_undone() {
    let home = Home::new();
    let tar = layer(1);
    let image = home.image("image", std::slice::from_ref(&tar)).record;
    let (layer, blob) = (image.layers[0].diff_id.0.hex(), blob_of(&tar).0.hex());
    let trash = home.root().join("trash");
    fs::rename(
        home.root().join("layers").join(&layer),
        trash.join(format!("{layer}.1")),
    )
    .unwrap();
    fs::rename(
        home.root().join("blobs").join(&blob),
        trash.join(format!("{blob}.2")),
    )
    .unwrap();
    // A garbage collection that comes before the recovery does not make it worse.
    home.store.collect_garbage(false).unwrap();
    assert_eq!(all_names(&trash).len(), 2);
    let store = reopen(&home);
    assert_eq!(store.layers().unwrap().len(), 1);
    assert!(store.kept_blob(blob_of(&tar)).unwrap().is_some());
}

#[test]
fn of_two_deletions_of_one_layer_the_uncommitted_one_is_undone() {
    let home = Home::new();
    let tar = layer(1);
    let image = home.image("image", &[tar]).record;
    let layer = image.layers[0].diff_id.0.hex();
    let trash = home.root().join("trash");
    // Left of a deletion that was committed, before the layer was imported again.
    fs::create_dir(trash.join(format!("{layer}.18a0"))).unwrap();
    fs::write(
        trash.join(format!("{layer}.18a0/index.erofs")),
        "half deleted",
    )
    .unwrap();
    let folder = home.root().join("layers").join(&layer);
    fs::rename(&folder, trash.join(format!("{layer}.18a1"))).unwrap();
    reopen(&home);
    assert_eq!(all_names(&folder), ["index.erofs", "layer.tar"]);
}

#[test]
fn leases_of_the_dead_end_with_what_only_they_held() {
    let home = Home::new();
    let image = home.image("image", &[layer(1)]).record;
    let held = home.import(&layer(2));
    let catalog = rusqlite::Connection::open(home.root().join("transom.db")).unwrap();
    for id in [held, image.layers[0].diff_id] {
        let insert = "INSERT INTO leases (holder, diff_id) VALUES ('dead', ?1)";
        catalog.execute(insert, [id.to_string()]).unwrap();
    }
    let store = reopen(&home);
    assert!(store.layer(held).is_err());
    assert!(store.layer(image.layers[0].diff_id).is_ok());
    let leases = catalog.query_row("SELECT count(*) FROM leases", [], |row| {
        row.get::<_, i64>(0)
    });
    assert_eq!(leases.unwrap(), 0);
}

#[test]
fn a_process_killed_in_the_middle_of_an_import_leaves_nothing() {
    let home = Home::on_disk();
    let id = home.import(&layer(9));
    let mut child = child(&home.root(), Work::Hang);
    wait_for_marker(&home.root());
    // While it lives, nobody takes its files away.
    home.open_again();
    assert_eq!(all_names(&home.root().join("staging")).len(), 2);
    child.kill().unwrap();
    child.wait().unwrap();
    let store = reopen(&home);
    assert_eq!(store.layers().unwrap().len(), 1);
    assert!(store.layer(id).is_ok());
}

#[test]
fn a_process_killed_with_an_open_session_loses_its_leases() {
    let home = Home::on_disk();
    let mut child = child(&home.root(), Work::Hold);
    wait_for_marker(&home.root());
    assert_eq!(home.store.layers().unwrap().len(), 1);
    assert_eq!(home.store.collect_garbage(false).unwrap().layers, []);
    child.kill().unwrap();
    child.wait().unwrap();
    let store = reopen(&home);
    assert_eq!(store.layers().unwrap(), []);
}

#[test]
fn a_process_killed_at_any_moment_loses_nothing_that_was_committed() {
    let home = Home::on_disk();
    let kept = home.image("kept", &[layer(10), layer(20)]).record;
    for moment in [0, 3, 17, 41, 77, 120] {
        let mut child = child(&home.root(), Work::Churn);
        wait_for_marker(&home.root());
        thread::sleep(Duration::from_millis(moment));
        child.kill().unwrap();
        child.wait().unwrap();
        let store = reopen(&home);
        for image in store.images().unwrap() {
            let tree = store.open_chain(&image.diff_ids(), image.stacking());
            tree.unwrap_or_else(|error| panic!("{}", chain(&error)));
            for layer in &image.layers {
                assert!(store.kept_blob(layer.blob).unwrap().is_some());
            }
        }
        assert!(
            store
                .images()
                .unwrap()
                .iter()
                .any(|image| image.manifest == kept.manifest)
        );
    }
    for image in home.store.images().unwrap() {
        home.store.remove_image(&image).unwrap();
        home.store.empty_trash().unwrap();
    }
    home.store.collect_garbage(false).unwrap();
    assert_eq!(files(&home), []);
}
