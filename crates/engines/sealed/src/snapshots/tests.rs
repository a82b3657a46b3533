use tempfile::TempDir;

use super::*;
use crate::catalog;
use crate::writable::NamedLayerFault;

fn store_with_active(key: &str) -> (TempDir, Store, Snapshot) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let new = NewSnapshot {
        key,
        parent: None,
        view: false,
        labels: BTreeMap::new(),
    };
    let snapshot = store.prepare_snapshot(&new).unwrap();
    (folder, store, snapshot)
}

#[test]
fn a_snapshot_that_is_committed_while_it_is_being_mounted_gets_no_layer() {
    let (_folder, store, snapshot) = store_with_active("mine");
    let layer = store.new_layer_of(&snapshot, None).unwrap();
    let commit = Commit {
        name: "done",
        parent: None,
        labels: &BTreeMap::new(),
    };
    store.commit_snapshot("mine", &commit).unwrap();
    let refused = store.add_layer_of(&snapshot, layer).unwrap_err();
    assert!(
        matches!(&refused, NamedLayerFault::SnapshotChanged { key } if key == "mine"),
        "{refused}"
    );
    assert_eq!(store.named_layers().unwrap(), []);
}

#[test]
fn a_snapshot_that_gets_a_name_again_is_another_one() {
    let (_folder, store, snapshot) = store_with_active("mine");
    let layer = store.new_layer_of(&snapshot, None).unwrap();
    store.remove_snapshot("mine").unwrap();
    let new = NewSnapshot {
        key: "mine",
        parent: None,
        view: false,
        labels: BTreeMap::new(),
    };
    let another = store.prepare_snapshot(&new).unwrap();
    assert!(store.add_layer_of(&snapshot, layer).is_err());
    let layer = store.new_layer_of(&another, None).unwrap();
    assert!(store.add_layer_of(&another, layer).is_ok());
}

#[test]
fn what_was_mounted_since_it_was_put_away_is_not_thrown_away() {
    let (_folder, store, snapshot) = store_with_active("mine");
    let layer = store.new_layer_of(&snapshot, None).unwrap();
    let id = store.add_layer_of(&snapshot, layer).unwrap().id;
    let hold = |count| {
        let noted = store.catalog.write(|tx| catalog::set_held(tx, &id, count));
        assert!(noted.unwrap());
    };
    let take_in = || store.catalog.write(|tx| store.take_in(tx, &snapshot, None));
    hold(1);
    let refused = take_in().unwrap_err();
    assert!(
        matches!(&refused, SnapshotError::Layer(error) if matches!(error.fault, NamedLayerFault::Mounted { .. })),
        "{refused}"
    );
    assert!(store.open_writable(&id).is_ok());
    hold(0);
    take_in().unwrap();
    assert!(store.named_layer(&id).is_err());
}
