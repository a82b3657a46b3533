//! Many threads, stores and processes at one root.

use std::sync::Barrier;
use std::thread;

use transom_layer::Names;
use transom_sealed::Store;

use crate::recovery::{Work, child};
use crate::support::{Home, Layer, WINDOWS, chain, gzip, request, text};

fn layer(name: &str) -> Vec<u8> {
    Layer::new()
        .dir("Files")
        .file(&format!("Files/{name}"), &[b'x'; 300_000])
        .tar()
}

#[test]
fn one_layer_imported_at_once_by_many_is_one_layer() {
    let home = Home::on_disk();
    let tar = layer("same");
    let blob = gzip(&tar);
    let barrier = &Barrier::new(8);
    let (root, home_store, blob) = (home.root(), &home.store, &blob);
    thread::scope(|scope| {
        for number in 0..8 {
            let root = root.clone();
            scope.spawn(move || {
                let own;
                let store = match number % 2 {
                    0 => home_store,
                    _ => {
                        own = Store::open(&root).unwrap();
                        &own
                    }
                };
                let session = store.session().unwrap();
                let mut request = request("same", Names::Windows);
                request.keep_blob = true;
                barrier.wait();
                let layer = session.import_layer(&blob[..], &request, &|_| {});
                layer.unwrap_or_else(|error| panic!("{}", chain(&error)));
                session.keep_unused();
            });
        }
    });
    assert_eq!(home.store.layers().unwrap().len(), 1);
    assert_eq!(home.store.blobs().unwrap().len(), 1);
    home.assert_tidy();
}

#[test]
fn imports_and_garbage_collection_do_not_disturb_each_other() {
    let home = Home::on_disk();
    let (root, store) = (home.root(), &home.store);
    thread::scope(|scope| {
        let collectors = scope.spawn(|| {
            for _ in 0..30 {
                Store::open(&root).unwrap().collect_garbage(false).unwrap();
            }
        });
        for worker in 0..3 {
            scope.spawn(move || {
                for round in 0..8 {
                    // The same two layers again and again: they are removed while others import them.
                    let layers = [layer("base"), layer(&format!("{}", round % 2))];
                    let name = format!("image {worker}");
                    let session = store.session().unwrap();
                    let request = request(&name, Names::Windows);
                    let imported: Vec<_> = layers
                        .iter()
                        .map(|tar| {
                            let layer = session.import_layer(&tar[..], &request, &|_| {});
                            let layer = layer.unwrap_or_else(|error| panic!("{}", chain(&error)));
                            transom_sealed::ImageLayer {
                                diff_id: layer.diff_id,
                                blob: layer.blob,
                            }
                        })
                        .collect();
                    let added =
                        crate::support::add_image(&session, &name, imported, Names::Windows, false);
                    let added = added.unwrap_or_else(|error| panic!("{}", chain(&error)));
                    drop(session);
                    let tree = store.open_chain(&added.record.diff_ids(), WINDOWS);
                    let tree = tree.unwrap_or_else(|error| panic!("{}", chain(&error)));
                    assert_eq!(text(&tree, "Files/base").len(), 300_000);
                    // Windows removes nothing that is open.
                    drop(tree);
                    store.remove_image(&added.record).unwrap();
                    store.empty_trash().unwrap();
                }
            });
        }
        collectors.join().unwrap();
    });
    home.store.collect_garbage(false).unwrap();
    assert_eq!(home.store.layers().unwrap(), []);
    home.assert_tidy();
}

#[test]
fn one_stack_opened_at_once_by_many_is_built_right() {
    let home = Home::on_disk();
    let ids = [home.import(&layer("a")), home.import(&layer("b"))];
    let (store, barrier) = (&home.store, &Barrier::new(6));
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(move || {
                barrier.wait();
                let tree = store.open_chain(&ids, WINDOWS).unwrap();
                assert_eq!(text(&tree, "Files/a"), text(&tree, "Files/b"));
            });
        }
    });
    assert_eq!(
        crate::support::all_names(&home.root().join("chains")).len(),
        1
    );
    home.assert_tidy();
}

#[test]
fn processes_that_make_a_store_at_once_share_it() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    let mut children: Vec<_> = (0..4).map(|_| child(&root, Work::ImportOnce)).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let store = Store::open(&root).unwrap();
    assert_eq!(store.layers().unwrap().len(), 1);
    assert_eq!(crate::support::all_names(&root.join("staging")), [""; 0]);
    for layer in store.layers().unwrap() {
        assert_eq!(store.verify_layer(&layer, &|_| {}).unwrap(), []);
    }
}
