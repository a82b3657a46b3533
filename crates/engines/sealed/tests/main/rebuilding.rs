//! The catalog lost, cut off, or overwritten: it is made again, and nobody can tell.

#[cfg(target_os = "linux")]
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use transom_layer::{BlobDigest, DiffId};
#[cfg(target_os = "linux")]
use transom_sealed::NewSnapshot;
use transom_sealed::{
    BlobRecord, CheckOptions, ImageRecord, LayerRecord, NamedLayer, Problem, Rebuilt, Remedy,
    Snapshot, Store, StoreError,
};

use crate::support::{Home, Layer, WINDOWS, all_files, chain, paths};

fn layer(name: &str) -> Vec<u8> {
    let content = vec![name.as_bytes()[0]; 3000];
    Layer::new()
        .dir("Files")
        .file(&format!("Files/{name}"), &content)
        .tar()
}

/// Two images with three names, a layer that nothing needs, kept blobs, snapshots with a history, and numbers of snapshots that are gone.
fn rich() -> Home {
    let home = Home::new();
    let store = &home.store;
    // First: a layer that nothing needs goes if it is not known that the session has ended that brought it.
    home.import(&layer("d"));
    let first = home.image("one:1", &[layer("a"), layer("b")]);
    store.name_image(first.record.manifest, "one:2").unwrap();
    home.image("two \"quoted\" ü\u{1}:1", &[layer("a"), layer("c")]);
    #[cfg(target_os = "linux")]
    snapshots(store);
    home
}

/// Snapshots with a history; elsewhere servers put them in a row of other steps.
#[cfg(target_os = "linux")]
fn snapshots(store: &Store) {
    let labels = |value: &str| BTreeMap::from([("of".to_owned(), value.to_owned())]);
    let session = store.session().unwrap();
    let prepare = |key: &str, parent: Option<&str>| {
        let new = NewSnapshot {
            key,
            parent,
            view: false,
            labels: labels(key),
        };
        store.prepare_snapshot(&new).unwrap();
    };
    prepare("extract", None);
    let layer = store.images().unwrap()[0].layers[0].diff_id;
    store.apply_to_snapshot(&session, "extract", layer).unwrap();
    let commit = transom_sealed::Commit {
        name: "base",
        parent: None,
        labels: &labels("committed"),
    };
    store.commit_snapshot("extract", &commit).unwrap();
    prepare("above", Some("base"));
    store
        .label_snapshot("above", |labels| {
            labels.insert("more".to_owned(), "1".to_owned());
        })
        .unwrap();
    prepare("gone", Some("base"));
    store.remove_snapshot("gone").unwrap();
}

/// All that can be asked.
#[derive(Debug, PartialEq)]
struct State {
    layers: Vec<LayerRecord>,
    blobs: Vec<BlobRecord>,
    images: Vec<ImageRecord>,
    documents: Vec<(BlobDigest, Option<Vec<u8>>)>,
    named: Vec<NamedLayer>,
    snapshots: Vec<Snapshot>,
    chains: Vec<Vec<DiffId>>,
    paths: Vec<Vec<String>>,
}

fn state(store: &Store) -> State {
    let images = store.images().unwrap();
    let documents = images
        .iter()
        .flat_map(|image| [image.manifest, image.config]);
    let documents = documents.map(|digest| (digest, store.document(digest).unwrap()));
    let snapshots = store.snapshots().unwrap();
    let trees = images.iter().map(|image| image.diff_ids());
    State {
        layers: store.layers().unwrap(),
        blobs: store.blobs().unwrap(),
        documents: documents.collect(),
        named: store.named_layers().unwrap(),
        chains: snapshots
            .iter()
            .map(|snapshot| store.snapshot_chain(&snapshot.key).unwrap())
            .collect(),
        paths: trees
            .map(|layers| paths(&store.open_chain(&layers, WINDOWS).unwrap()))
            .collect(),
        snapshots,
        images,
    }
}

/// Copies what is in a root to another folder, with what SQLite has not yet put in its place.
fn copy(from: &Path, to: &Path) {
    for file in all_files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&file, target).unwrap();
    }
    for folder in ["layers", "staging", "trash"] {
        fs::create_dir_all(to.join(folder)).unwrap();
    }
}

/// A rich store that nobody has open, and what it holds.
struct Closed {
    folder: tempfile::TempDir,
    state: State,
}

impl Closed {
    fn of(home: Home) -> Self {
        let state = state(&home.store);
        let folder = tempfile::tempdir().unwrap();
        copy(&home.root(), folder.path());
        drop(home);
        Self { folder, state }
    }

    fn rich() -> Self {
        Self::of(rich())
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Writes what the database has into its one file.
    fn settle(&self) {
        drop(Store::open(self.root()).unwrap());
        assert!(!self.root().join("transom.db-wal").exists());
    }

    fn rebuild(&self) -> Option<Rebuilt> {
        Store::rebuild(self.root(), &|_| {}).unwrap_or_else(|error| panic!("{}", chain(&error)))
    }

    fn assert_as_before(&self) {
        assert_same(self.root(), &self.state);
    }
}

fn assert_same(root: &Path, before: &State) {
    let store = Store::open(root).unwrap_or_else(|error| panic!("{}", chain(&error)));
    let options = CheckOptions {
        full: true,
        progress: &|_| {},
    };
    let mut findings = store.check(&options).unwrap();
    findings.retain(|finding| finding.problem != Problem::OrphanChain);
    assert_eq!(findings, []);
    assert_eq!(state(&store), *before);
}

#[test]
fn a_catalog_that_is_gone_is_made_again() {
    let closed = Closed::rich();
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(closed.root().join(format!("transom.db{ending}")));
    }
    let error = Store::open(closed.root()).unwrap_err();
    assert!(
        chain(&error).contains("fsck --rebuild"),
        "{}",
        chain(&error)
    );
    let rebuilt = closed.rebuild().unwrap();
    let snapshots = closed.state.snapshots.len() as u64;
    assert_eq!((rebuilt.layers, rebuilt.images), (4, 2));
    assert_eq!(rebuilt.snapshots, snapshots);
    assert_eq!((rebuilt.damaged_notes, rebuilt.left_out), (0, 0));
    closed.assert_as_before();
    assert_eq!(closed.rebuild(), None);
}

#[cfg(target_os = "linux")]
#[test]
fn the_number_of_a_snapshot_that_is_gone_is_not_given_again() {
    for is_noted_anew in [false, true] {
        let closed = Closed::rich();
        if is_noted_anew {
            fs::remove_file(closed.root().join("notes.log")).unwrap();
            closed.settle();
        }
        let prepared = |root: &Path| {
            let new = NewSnapshot {
                key: "new",
                parent: None,
                view: false,
                labels: BTreeMap::new(),
            };
            Store::open(root).unwrap().prepare_snapshot(&new).unwrap();
            let lines = fs::read_to_string(root.join("notes.log")).unwrap();
            let line = lines.lines().rfind(|line| line.contains(r#""key":"new""#));
            line.unwrap().split_once(' ').unwrap().1.to_owned()
        };
        let other = tempfile::tempdir().unwrap();
        copy(closed.root(), other.path());
        fs::remove_file(other.path().join("transom.db")).unwrap();
        Store::rebuild(other.path(), &|_| {}).unwrap().unwrap();
        let number = |line: String| line.split(",\"key\"").next().unwrap().to_owned();
        assert_eq!(
            number(prepared(other.path())),
            number(prepared(closed.root()))
        );
    }
}

#[test]
fn a_whole_catalog_is_left_as_it_is() {
    let closed = Closed::rich();
    closed.settle();
    let before = fs::read(closed.root().join("transom.db")).unwrap();
    assert_eq!(closed.rebuild(), None);
    assert_eq!(fs::read(closed.root().join("transom.db")).unwrap(), before);
    assert!(!closed.root().join("quarantine").exists());
}

#[test]
fn no_catalog_is_made_where_there_is_no_store_or_beside_somebody_who_has_it_open() {
    let folder = tempfile::tempdir().unwrap();
    let error = Store::rebuild(folder.path(), &|_| {}).unwrap_err();
    assert!(matches!(error, StoreError::NoStore(_)), "{error}");
    assert_eq!(all_files(folder.path()).len(), 0);
    let home = rich();
    let error = Store::rebuild(&home.root(), &|_| {}).unwrap_err();
    assert!(matches!(error, StoreError::InUse(_)), "{error}");
    assert!(error.to_string().contains("stop"), "{error}");
}

/// A row of numbers that is the same every time (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// What is done to a file.
fn damage(path: &Path, numbers: &mut Numbers) -> String {
    let mut bytes = fs::read(path).unwrap();
    let at = numbers.below(bytes.len());
    let said = match numbers.below(4) {
        0 => {
            bytes.truncate(at);
            format!("cut off at {at}")
        }
        1 => {
            bytes[at] ^= 1 << numbers.below(8);
            format!("a bit of {at}")
        }
        2 => {
            let end = (at + 1 + numbers.below(4096)).min(bytes.len());
            bytes[at..end].fill(0);
            format!("zeros in {at}..{end}")
        }
        _ => {
            let end = (at + 1 + numbers.below(4096)).min(bytes.len());
            bytes[at..end].fill_with(|| numbers.below(256) as u8);
            format!("noise in {at}..{end}")
        }
    };
    fs::write(path, bytes).unwrap();
    said
}

/// Damages a copy of a store again and again. Opening it refuses or goes on as if nothing were, and after `rebuild` it
/// is as before. Returns how often it had to be made again.
fn any_damage_heals(closed: &Closed, name: &str, times: u32) -> u32 {
    let mut numbers = Numbers(0x5eed_1234_5678_9abc);
    let mut count = 0;
    for turn in 0..times {
        let other = tempfile::tempdir().unwrap();
        copy(closed.root(), other.path());
        let said = damage(&other.path().join(name), &mut numbers);
        // Half of them are opened by somebody before.
        if turn % 2 == 0 {
            match Store::open(other.path()) {
                Ok(_) => {}
                Err(StoreError::Catalog(error)) => {
                    assert!(error.is_damage(), "{said}: {error:?}");
                    let text = chain(&error);
                    assert!(text.contains("fsck --rebuild"), "{said}: {text}");
                }
                Err(error) => panic!("{said}: {error:?}"),
            }
        }
        match Store::rebuild(other.path(), &|_| {}) {
            Ok(rebuilt) => count += u32::from(rebuilt.is_some()),
            Err(error) => panic!("{said}: {}", chain(&error)),
        }
        let result = std::panic::catch_unwind(|| assert_same(other.path(), &closed.state));
        assert!(result.is_ok(), "{said}");
    }
    count
}

#[test]
fn any_damage_of_the_database_heals() {
    let closed = Closed::rich();
    closed.settle();
    let count = any_damage_heals(&closed, "transom.db", 60);
    assert!(count > 30, "{count}");
}

#[test]
fn any_damage_of_what_sqlite_has_not_yet_put_in_its_place_heals() {
    let closed = Closed::rich();
    assert!(closed.root().join("transom.db-wal").exists());
    let count = any_damage_heals(&closed, "transom.db-wal", 60);
    assert!(count > 20, "{count}");
}

#[test]
fn a_catalog_that_has_lost_its_last_changes_is_not_believed() {
    let closed = Closed::rich();
    closed.settle();
    let old = fs::read(closed.root().join("transom.db")).unwrap();
    let store = Store::open(closed.root()).unwrap();
    let manifest = store.images().unwrap()[0].manifest;
    store.name_image(manifest, "last:1").unwrap();
    drop(store);
    fs::write(closed.root().join("transom.db"), old).unwrap();
    let error = Store::open(closed.root()).unwrap_err();
    assert!(chain(&error).contains("lost changes"), "{}", chain(&error));
    closed.rebuild().unwrap();
    let images = Store::open(closed.root()).unwrap().images().unwrap();
    assert!(
        images
            .iter()
            .any(|image| image.names.contains(&"last:1".to_owned()))
    );
}

#[test]
fn without_notes_layers_are_taken_back_and_the_rest_is_kept_aside() {
    let closed = Closed::rich();
    closed.settle();
    fs::remove_file(closed.root().join("transom.db")).unwrap();
    fs::remove_file(closed.root().join("notes.log")).unwrap();
    let blob = all_files(&closed.root().join("blobs")).remove(0);
    let rebuilt = closed.rebuild().unwrap();
    assert_eq!(rebuilt.found.len(), 4);
    assert!(
        rebuilt
            .unknown
            .contains(&blob.strip_prefix(closed.root()).unwrap().to_owned())
    );
    let aside = closed.root().join(&rebuilt.aside);
    let kept = aside.join("blobs").join(blob.file_name().unwrap());
    assert!(kept.exists());
    let store = Store::open(closed.root()).unwrap();
    let mut before = Vec::new();
    for layer in &closed.state.layers {
        let mut layer = layer.clone();
        layer.created = store.layer(layer.diff_id).unwrap().created;
        before.push(layer);
    }
    assert_eq!(store.layers().unwrap(), before);
    // What was set aside is nobody's to delete but the user's.
    store.collect_garbage(true).unwrap();
    assert!(kept.exists());
}

#[test]
fn damaged_notes_are_written_anew_from_the_rows() {
    let closed = Closed::rich();
    closed.settle();
    let path = closed.root().join("notes.log");
    let mut numbers = Numbers(0xabcd_ef01_2345_6789);
    let options = CheckOptions {
        full: false,
        progress: &|_| {},
    };
    for _ in 0..30 {
        let said = damage(&path, &mut numbers);
        let store = Store::open_to_check(closed.root()).unwrap();
        let mut findings = store.check(&options).unwrap();
        findings.retain(|finding| finding.problem == Problem::Notes);
        for repair in store.repair(findings, &options).unwrap() {
            assert!(repair.is_done, "{said}: {repair:?}");
        }
        drop(store);
        closed.assert_as_before();
    }
}

#[test]
fn rows_and_notes_that_differ_are_told_and_the_notes_are_believed() {
    let closed = Closed::rich();
    closed.settle();
    let catalog = rusqlite::Connection::open(closed.root().join("transom.db")).unwrap();
    catalog
        .execute("UPDATE layers SET size = size + 1", [])
        .unwrap();
    drop(catalog);
    let options = CheckOptions {
        full: false,
        progress: &|_| {},
    };
    let store = Store::open_to_check(closed.root()).unwrap();
    let findings = store.check(&options).unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].problem.remedy(), Remedy::Rebuild);
    drop(store);
    closed.rebuild().unwrap();
    closed.assert_as_before();
}

#[test]
fn a_log_that_has_grown_is_written_anew() {
    let home = rich();
    let manifest = home.store.images().unwrap()[0].manifest;
    let length = || fs::metadata(home.root().join("notes.log")).unwrap().len();
    let mut longest = 0;
    let name = "x".repeat(200_000);
    for number in 0..20 {
        home.store
            .name_image(manifest, &format!("{name}{}", number % 2))
            .unwrap();
        longest = longest.max(length());
    }
    assert!(longest < 4_500_000, "{longest}");
    assert!(length() < longest);
    let closed = Closed::of(home);
    fs::remove_file(closed.root().join("transom.db")).unwrap();
    let _ = fs::remove_file(closed.root().join("transom.db-wal"));
    closed.rebuild().unwrap();
    closed.assert_as_before();
}

/// Gives a store the schema that it had before there were notes.
fn with_schema_3(root: &Path) {
    let catalog = rusqlite::Connection::open(root.join("transom.db")).unwrap();
    let text = |name: &str| {
        let query =
            "SELECT group_concat(sql, ';') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'";
        let other = rusqlite::Connection::open_in_memory().unwrap();
        other.execute_batch(name).unwrap();
        let sql: String = other.query_row(query, [], |row| row.get(0)).unwrap();
        sql
    };
    catalog
        .execute_batch(
            "DROP TABLE notes; PRAGMA user_version = 3; PRAGMA wal_checkpoint(TRUNCATE);",
        )
        .unwrap();
    let query = "SELECT group_concat(sql, ';') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'";
    let now: String = catalog.query_row(query, [], |row| row.get(0)).unwrap();
    assert_eq!(now, text(include_str!("schema_3.sql")));
    fs::remove_file(root.join("notes.log")).unwrap();
    fs::remove_file(root.join("store.lock")).unwrap();
}

#[test]
fn a_store_of_the_schema_before_is_upgraded_and_its_catalog_can_be_made_again_then() {
    let closed = Closed::rich();
    closed.settle();
    with_schema_3(closed.root());
    let error = Store::open_to_check(closed.root()).unwrap_err();
    assert!(chain(&error).contains("upgrades it"), "{}", chain(&error));
    closed.assert_as_before();
    fs::remove_file(closed.root().join("transom.db")).unwrap();
    closed.rebuild().unwrap();
    closed.assert_as_before();
}

#[test]
fn a_store_that_an_older_program_has_open_is_not_upgraded() {
    let closed = Closed::rich();
    closed.settle();
    with_schema_3(closed.root());
    let older = rusqlite::Connection::open(closed.root().join("transom.db")).unwrap();
    let count = "SELECT count(*) FROM layers";
    let count = || older.query_row(count, [], |row| row.get::<_, i64>(0));
    assert_eq!(count().unwrap(), 4);
    let error = Store::open(closed.root()).unwrap_err();
    assert!(
        chain(&error).contains("stop the transom"),
        "{}",
        chain(&error)
    );
    assert_eq!(count().unwrap(), 4);
    drop(older);
    closed.assert_as_before();
}
