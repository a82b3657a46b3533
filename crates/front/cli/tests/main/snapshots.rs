//! What the program says of the snapshots of containerd that are in its store.

use std::collections::BTreeMap;

use transom_sealed::{NewSnapshot, Store};

use crate::support::{HELLO, Home};

const KEY: &str = "default/1/mine";

/// Makes a snapshot in the store as a server does; with `layers`, those of the bundled image are in it.
fn prepare(store: &Store, layers: bool) {
    let new = NewSnapshot {
        key: KEY,
        parent: None,
        view: false,
        labels: BTreeMap::new(),
    };
    store.prepare_snapshot(&new).unwrap();
    if layers {
        let session = store.session().unwrap();
        for layer in store.images().unwrap()[0].diff_ids() {
            store.apply_to_snapshot(&session, KEY, layer).unwrap();
        }
    }
}

#[test]
fn layers_that_only_snapshots_need_say_so() {
    let home = Home::with_sample();
    let store = Store::open(&home.path("store")).unwrap();
    prepare(&store, true);
    assert!(!home.ok(["layers"]).contains(KEY));
    home.ok(["rm", HELLO]);
    let listed = home.ok(["layers"]);
    assert!(listed.contains("snapshot default/1/mine"), "{listed}");
    let layers = home.json(["layers"]);
    assert_eq!(layers[0]["images"], serde_json::json!([]));
    assert_eq!(layers[0]["snapshots"], serde_json::json!([KEY]));
}

#[test]
fn what_is_written_to_a_snapshot_is_not_listed_and_refused_to_all_but_its_maker() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let home = Home::with_sample();
    let store = Store::open(&home.path("store")).unwrap();
    prepare(&store, true);
    store.mount_snapshot(KEY, None).unwrap();
    let layer = store.named_layers().unwrap().remove(0).id;
    assert!(!home.ok(["list"]).contains(&layer));
    let file = format!("{layer}:/new");
    for args in [
        vec!["commit", &layer, "--tag", "new:1"],
        vec!["apply", "layer.tar", "--on", &layer],
        vec!["mkdir", &file],
        vec!["rm", &file],
        vec!["rm", &layer],
        vec!["grow", &layer, "1GB"],
    ] {
        let error = home.fails(&args);
        let whose = format!("it holds what is written to snapshot {KEY}");
        let whose_else = format!("layer {layer} holds what is written to snapshot {KEY}");
        assert!(
            error.contains(&whose) || error.contains(&whose_else),
            "{args:?}: {error}"
        );
    }
    store.remove_snapshot(KEY).unwrap();
}
