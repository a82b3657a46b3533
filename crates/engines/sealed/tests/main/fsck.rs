//! Every kind of damage, made by hand: the check tells it and changes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use transom_layer::DiffId;
use transom_sealed::{CheckOptions, Finding, Problem, Store};

use crate::support::{Home, Layer, all_files, blob_of, digest};

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
fn tells(
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
