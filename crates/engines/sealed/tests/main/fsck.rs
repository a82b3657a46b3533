//! Every kind of damage, made by hand: the check tells it and changes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use transom_layer::DiffId;
use transom_sealed::{CheckOptions, Finding, Problem, Store};

use crate::support::{Home, Layer, WINDOWS, all_files, blob_of, chain, digest};

/// Two layers and the image that has them.
pub(crate) fn base() -> Vec<u8> {
    Layer::new()
        .dir("Files")
        .file("Files/a", &[b'x'; 2000])
        .tar()
}

pub(crate) fn top() -> Vec<u8> {
    Layer::new()
        .dir("Files")
        .file("Files/b", &[b'y'; 3000])
        .whiteout("Files/a")
        .tar()
}

/// A store with one image, opened by nobody.
pub(crate) fn store_with_image() -> Home {
    let home = Home::new();
    home.image("image", &[base(), top()]);
    home
}

pub(crate) fn check(store: &Store, full: bool) -> Vec<Finding> {
    let options = CheckOptions {
        full,
        progress: &|_| {},
    };
    store.check(&options).unwrap()
}

/// Opens a store as `fsck --dry-run` does, and checks it.
pub(crate) fn look(home: &Home, full: bool) -> Vec<Finding> {
    check(&Store::open_to_check(&home.root()).unwrap(), full)
}

/// All files of a store with what is in them, except SQLite's.
pub(crate) fn contents(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = all_files(root).into_iter();
    files
        .filter(|path| !path.to_string_lossy().contains("transom.db"))
        .map(|path| {
            let bytes = fs::read(&path).unwrap();
            (path, bytes)
        })
        .collect()
}

pub(crate) fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

pub(crate) fn id(tar: &[u8]) -> DiffId {
    DiffId(digest(tar))
}

/// Makes one damage; the check must tell it, and only it, at `place`, and change nothing.
pub(crate) fn tells(
    full: bool,
    damage: impl FnOnce(&Home),
    place: &str,
    is_it: impl FnOnce(&Problem) -> bool,
) {
    let home = store_with_image();
    assert_eq!(look(&home, true), []);
    damage(&home);
    let before = contents(&home.root());
    let found = look(&home, full);
    assert_eq!(contents(&home.root()), before);
    let [finding] = found.as_slice() else {
        panic!("{found:#?}");
    };
    assert!(finding.place.starts_with(place), "{finding}");
    assert!(is_it(&finding.problem), "{finding}");
    if finding.problem != Problem::Foreign {
        mends(&home, full);
    }
}

/// Repairs a store; another check finds nothing then.
pub(crate) fn mends(home: &Home, full: bool) {
    let options = CheckOptions {
        full,
        progress: &|_| {},
    };
    let store = Store::open_to_check(&home.root()).unwrap();
    let findings = store.check(&options).unwrap();
    for repair in store.repair(findings, &options).unwrap() {
        assert!(repair.is_done && repair.failure.is_none(), "{repair:?}");
    }
    assert_eq!(look(home, true), []);
    home.open_again();
    assert_eq!(look(home, true), []);
}

#[test]
fn a_damaged_layer_is_set_aside_until_it_is_loaded_again() {
    let home = store_with_image();
    let layers = [id(&base()), id(&top())];
    flip(&home.layer_file(layers[0], "layer.tar"), 700);
    mends(&home, true);
    let error = home.store.open_chain(&layers, WINDOWS).unwrap_err();
    let expected = format!("layer {} is damaged: load or pull it again", layers[0]);
    assert!(chain(&error).contains(&expected), "{}", chain(&error));
    let session = home.store.session().unwrap();
    assert_eq!(session.known_blob(blob_of(&base())).unwrap(), None);
    drop(session);
    home.store.collect_garbage(false).unwrap();
    assert!(
        home.root()
            .join("quarantine")
            .join(layers[0].0.hex())
            .exists()
    );
    home.import(&base());
    home.store.open_chain(&layers, WINDOWS).unwrap();
    home.store.collect_garbage(false).unwrap();
    assert_nothing_is_set_aside(&home);
}

fn assert_nothing_is_set_aside(home: &Home) {
    let files = all_files(&home.root().join("quarantine"));
    assert_eq!(files, Vec::<PathBuf>::new());
    home.assert_tidy();
}

#[test]
fn what_was_set_aside_is_deleted_with_the_image_that_has_it() {
    let home = store_with_image();
    flip(&home.layer_file(id(&base()), "layer.tar"), 700);
    mends(&home, true);
    let image = home.store.images().unwrap().remove(0);
    home.store.remove_image(&image).unwrap();
    home.store.collect_garbage(false).unwrap();
    assert_nothing_is_set_aside(&home);
}

#[test]
fn what_is_not_of_the_store_outlives_openings_and_repairs() {
    let home = store_with_image();
    let places = ["layers/x", "blobs/x", "writable/x", "staging/x", "chains/x"];
    for place in places {
        fs::write(home.root().join(place), "x").unwrap();
    }
    let options = CheckOptions {
        full: false,
        progress: &|_| {},
    };
    let store = home.open_again();
    let found = store.check(&options).unwrap();
    assert_eq!(found.len(), places.len());
    let repairs = store.repair(found, &options).unwrap();
    assert!(repairs.iter().all(|repair| !repair.is_done));
    for place in places {
        assert!(home.root().join(place).exists(), "{place}");
    }
}

#[test]
fn a_store_whose_catalog_is_gone_is_not_taken_for_an_empty_one() {
    let home = store_with_image();
    let root = home.root();
    let before = contents(&root);
    // Windows deletes no file that is open.
    let _folder = home.close();
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(root.join(format!("transom.db{ending}")));
    }
    let error = Store::open(&root).unwrap_err();
    assert!(chain(&error).contains("catalog"), "{}", chain(&error));
    assert_eq!(contents(&root), before);
}

#[test]
fn a_layer_that_the_catalog_does_not_know_is_told() {
    let name = digest(b"unknown").hex();
    let make = |home: &Home| {
        let folder = home.root().join("layers").join(&name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("layer.tar"), [0; 9000]).unwrap();
    };
    tells(false, make, &format!("layers/{name}"), |problem| {
        *problem == Problem::OrphanLayer
    });
}

#[test]
fn what_is_not_of_the_store_is_told_wherever_it_is() {
    for place in [
        "x",
        "layers/x",
        "blobs/x",
        "chains/x",
        "writable/x",
        "turns/x",
        "staging/x",
    ] {
        let make = |home: &Home| fs::write(home.root().join(place), "x").unwrap();
        tells(false, make, place, |problem| *problem == Problem::Foreign);
    }
}

#[test]
fn a_damaged_tar_is_found_by_its_size_or_by_its_digest() {
    let tar = |home: &Home| home.layer_file(id(&base()), "layer.tar");
    let is_tar = |problem: &Problem| matches!(problem, Problem::TarDamaged { .. });
    tells(true, |home| flip(&tar(home), 700), "layers", is_tar);
    tells(
        false,
        |home| fs::write(tar(home), "x").unwrap(),
        "layers",
        is_tar,
    );
    tells(
        false,
        |home| fs::remove_file(tar(home)).unwrap(),
        "layers",
        is_tar,
    );
}

#[test]
fn a_damaged_index_is_not_taken_for_a_damaged_layer() {
    let index = |home: &Home| home.layer_file(id(&base()), "index.erofs");
    let is_index = |problem: &Problem| matches!(problem, Problem::IndexDamaged { .. });
    tells(true, |home| flip(&index(home), 1100), "layers", is_index);
    tells(
        false,
        |home| fs::remove_file(index(home)).unwrap(),
        "layers",
        is_index,
    );
}

#[test]
fn damage_of_a_kept_blob_and_of_a_merged_index_is_told() {
    let blob = |home: &Home| home.root().join("blobs").join(blob_of(&base()).0.hex());
    let is_blob = |problem: &Problem| matches!(problem, Problem::BlobDamaged { .. });
    tells(true, |home| flip(&blob(home), 20), "blobs", is_blob);
    tells(
        false,
        |home| fs::remove_file(blob(home)).unwrap(),
        "blobs",
        is_blob,
    );
    let chain = |home: &Home| all_files(&home.root().join("chains")).remove(0);
    let is_chain = |problem: &Problem| matches!(problem, Problem::ChainDamaged { .. });
    tells(
        false,
        |home| fs::write(chain(home), "x").unwrap(),
        "chains",
        is_chain,
    );
    tells(true, |home| flip(&chain(home), 1100), "chains", is_chain);
}
