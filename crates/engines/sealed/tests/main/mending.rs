//! What an operation that ended early leaves, numbers that are wrong, and layers that were set aside.

use std::fs;

use transom_layer::{BlobDigest, DiffId};
use transom_sealed::{CheckOptions, Counted, Problem, Remedy, Store};

use crate::fsck::{base, flip, id, look, mends, store_with_image, tells, top};
use crate::recovery::{Work, child, wait_for_marker};
use crate::support::{Home, all_files, blob_of, digest, gzip};
#[cfg(target_os = "linux")]
use crate::support::{WINDOWS, chain};

/// The name of an operation that nobody runs.
const DEAD: &str = "1-2-3";

/// Changes the catalog by hand, and has the notes tell of it as if it had always been so.
fn tamper(home: &Home, change: &str) {
    let catalog = rusqlite::Connection::open(home.root().join("transom.db")).unwrap();
    catalog.execute_batch(change).unwrap();
    fs::remove_file(home.root().join("notes.log")).unwrap();
    home.open_again();
}

#[test]
fn a_blob_that_the_catalog_does_not_know_is_told_and_deleted() {
    let name = digest(b"unknown").hex();
    let place = format!("blobs/{name}");
    let make = |home: &Home| fs::write(home.root().join("blobs").join(&name), "x").unwrap();
    tells(false, make, &place, |problem| {
        *problem == Problem::OrphanBlob && problem.remedy() == Remedy::Delete
    });
}

#[cfg(target_os = "linux")]
#[test]
fn files_of_a_writable_layer_without_a_row_are_told_and_deleted() {
    let make = |home: &Home| {
        let folder = home.root().join("writable/nobody");
        fs::create_dir_all(folder.join("upper")).unwrap();
        fs::write(folder.join("lock"), "").unwrap();
    };
    tells(false, make, "writable/nobody", |problem| {
        *problem == Problem::OrphanWritable
    });
}

#[test]
fn what_a_dead_operation_has_staged_is_told_and_deleted() {
    let is_it = |problem: &Problem| *problem == Problem::DeadOperation;
    let folder = |home: &Home| {
        let folder = home.root().join("staging").join(DEAD);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("0"), [1; 5000]).unwrap();
    };
    tells(false, folder, "staging/1-2-3", is_it);
    let lock = |home: &Home| fs::write(home.root().join("staging/1-2-3.lock"), "").unwrap();
    tells(false, lock, "staging/1-2-3.lock", is_it);
}

#[test]
fn a_deletion_that_did_not_finish_is_finished() {
    let make = |home: &Home| {
        let name = digest(b"removed").hex();
        let folder = home.root().join("trash").join(format!("{name}.1-2-3"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("layer.tar"), [1; 5000]).unwrap();
    };
    tells(false, make, "trash", |problem| *problem == Problem::Trash);
}

#[test]
fn a_deletion_that_was_undone_is_put_back() {
    let make = |home: &Home| {
        let name = id(&base()).0.hex();
        let to = home.root().join("trash").join(format!("{name}.1-2-3"));
        fs::rename(home.root().join("layers").join(name), to).unwrap();
    };
    tells(false, make, "trash", |problem| *problem == Problem::InTrash);
}

#[test]
fn a_lease_of_a_dead_operation_is_given_back() {
    let make = |home: &Home| {
        let catalog = rusqlite::Connection::open(home.root().join("transom.db")).unwrap();
        let insert = "INSERT INTO leases (holder, diff_id) VALUES (?1, ?2)";
        let row = [DEAD.to_owned(), id(&base()).to_string()];
        catalog.execute(insert, row).unwrap();
    };
    tells(
        false,
        make,
        "transom.db",
        |problem| matches!(problem, Problem::DeadLease { layer } if *layer == id(&base())),
    );
}

#[test]
fn what_a_living_operation_holds_is_neither_told_nor_taken() {
    let home = store_with_image();
    let mut other = child(&home.root(), Work::Hold);
    wait_for_marker(&home.root());
    let before = home.store.layers().unwrap().len();
    assert_eq!(before, 3);
    assert_eq!(look(&home, true), []);
    mends(&home, true);
    home.store.collect_garbage(true).unwrap();
    assert_eq!(home.store.layers().unwrap().len(), before);
    other.kill().unwrap();
    other.wait().unwrap();
    let findings = look(&home, false);
    let is_lease = |problem: &Problem| matches!(problem, Problem::DeadLease { .. });
    assert!(findings.iter().any(|finding| is_lease(&finding.problem)));
    assert!(
        findings
            .iter()
            .any(|finding| finding.problem == Problem::DeadOperation)
    );
    mends(&home, false);
    assert_eq!(home.store.layers().unwrap().len(), 2);
}

#[test]
fn operations_of_another_process_are_not_taken_for_damage() {
    let home = Home::new();
    let mut other = child(&home.root(), Work::Churn);
    wait_for_marker(&home.root());
    let options = CheckOptions {
        full: true,
        progress: &|_| {},
    };
    let store = Store::open_to_check(&home.root()).unwrap();
    for _ in 0..25 {
        let mut findings = store.check(&options).unwrap();
        // What is being deleted is not in its place any more.
        findings
            .retain(|finding| !matches!(finding.problem, Problem::Trash | Problem::OrphanChain));
        assert_eq!(findings, []);
        store.repair(findings, &options).unwrap();
    }
    assert!(other.try_wait().unwrap().is_none(), "it fell over a repair");
    other.kill().unwrap();
    other.wait().unwrap();
    drop(store);
    home.open_again();
    home.assert_tidy();
}

#[cfg(target_os = "linux")]
#[test]
fn a_mount_that_is_noted_and_not_there_is_forgotten() {
    let make = |home: &Home| {
        tamper(
            home,
            "INSERT INTO mounts (target, via) VALUES ('/nowhere/at/all', 'kernel')",
        );
        // The opening has forgotten it: once more, without one.
        let catalog = rusqlite::Connection::open(home.root().join("transom.db")).unwrap();
        let count = "SELECT count(*) FROM mounts";
        let count: i64 = catalog.query_row(count, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 0);
        let insert = "INSERT INTO mounts (target, via) VALUES ('/nowhere/at/all', 'kernel')";
        catalog.execute(insert, []).unwrap();
    };
    let home = store_with_image();
    make(&home);
    let findings = look(&home, false);
    // A row that came from nowhere is one that nothing is noted of.
    assert!(matches!(&findings[..], [finding] if finding.problem.remedy() == Remedy::Rebuild));
    let root = home.root();
    let _folder = home.close();
    Store::rebuild(&root, &|_| {}).unwrap().unwrap();
    let store = Store::open(&root).unwrap();
    assert_eq!(crate::fsck::check(&store, true), []);
}

#[test]
fn wrong_numbers_are_corrected() {
    let layer = id(&base());
    for (column, what) in [
        ("size", "size"),
        ("index_size", "size of the index"),
        ("entries", "number of entries"),
        ("whiteouts", "number of whiteouts"),
        ("unresolved_links", "number of links to lower layers"),
    ] {
        let change = format!("UPDATE layers SET {column} = {column} + 1 WHERE diff_id = '{layer}'");
        let home = store_with_image();
        tamper(&home, &change);
        let mut findings = look(&home, true);
        // A merged index has the sizes of what it merges.
        findings.retain(|finding| !matches!(finding.problem, Problem::ChainDamaged { .. }));
        let [finding] = &findings[..] else {
            panic!("{column}: {findings:?}");
        };
        let is_told = matches!(
            &finding.problem,
            Problem::WrongCount { of, what: told, recorded, found }
                if *of == Counted::Layer(layer) && *told == what && *recorded == found + 1
        );
        assert!(is_told, "{finding}");
        mends(&home, true);
    }
    let blob = blob_of(&base());
    let change = format!("UPDATE blobs SET size = 7 WHERE digest = '{blob}'");
    let size = gzip(&base()).len() as u64;
    tells(
        true,
        |home| tamper(home, &change),
        "blobs",
        |problem| {
            *problem
                == Problem::WrongCount {
                    of: Counted::Blob(blob),
                    what: "size",
                    recorded: 7,
                    found: size,
                }
        },
    );
}

#[test]
fn a_lost_document_is_told_and_the_image_comes_back_from_the_notes() {
    for change in [
        "UPDATE documents SET bytes = x'00'",
        "PRAGMA foreign_keys = OFF; DELETE FROM documents",
    ] {
        let home = store_with_image();
        let image = home.store.images().unwrap().remove(0);
        let before = home.store.document(image.config).unwrap();
        let catalog = rusqlite::Connection::open(home.root().join("transom.db")).unwrap();
        catalog.execute_batch(change).unwrap();
        drop(catalog);
        let findings = look(&home, false);
        let remedies = findings.iter().map(|finding| finding.problem.remedy());
        assert!(remedies.clone().count() > 0);
        assert!(remedies.into_iter().all(|remedy| remedy == Remedy::Rebuild));
        let root = home.root();
        let _folder = home.close();
        Store::rebuild(&root, &|_| {}).unwrap().unwrap();
        let store = Store::open(&root).unwrap();
        assert_eq!(store.document(image.config).unwrap(), before);
    }
    // Nothing is left of a document that the notes have not either.
    let home = store_with_image();
    tamper(&home, "UPDATE documents SET bytes = x'00'");
    let findings = look(&home, false);
    let is_document = |problem: &Problem| matches!(problem, Problem::Document { .. });
    assert_eq!(findings.len(), 2);
    assert!(findings.iter().all(|finding| is_document(&finding.problem)));
    assert!(findings[0].to_string().contains("document sha256:"));
}

/// Damages the base of the image and has it set aside.
fn set_aside(home: &Home) -> DiffId {
    let layer = id(&base());
    flip(&home.layer_file(layer, "layer.tar"), 700);
    mends(home, true);
    assert!(home.store.is_set_aside(layer));
    layer
}

#[test]
fn a_layer_that_was_set_aside_is_made_again_from_its_compressed_form() {
    let home = store_with_image();
    let layer = set_aside(&home);
    let record = home.store.layer(layer).unwrap();
    assert_eq!(home.store.bring_back(&|_| {}).unwrap(), [layer]);
    assert!(!home.store.is_set_aside(layer));
    assert_eq!(home.store.layer(layer).unwrap(), record);
    assert_eq!(all_files(&home.root().join("quarantine")).len(), 0);
    assert_eq!(home.store.bring_back(&|_| {}).unwrap(), []);
    home.assert_tidy();
}

#[test]
fn a_damaged_compressed_form_brings_nothing_back() {
    let home = store_with_image();
    let layer = set_aside(&home);
    let blob = blob_of(&base());
    let BlobDigest(name) = blob;
    let path = home.root().join("blobs").join(name.hex());
    // A whole one of something else is not what is wanted either.
    fs::write(&path, gzip(&top())).unwrap();
    assert_eq!(home.store.bring_back(&|_| {}).unwrap(), []);
    fs::remove_file(&path).unwrap();
    assert_eq!(home.store.bring_back(&|_| {}).unwrap(), []);
    assert!(home.store.is_set_aside(layer));
    let aside = home.root().join("quarantine").join(layer.0.hex());
    assert!(aside.join("layer.tar").exists());
    assert_eq!(home.store.layers().unwrap().len(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_layer_that_was_set_aside_stays_that_of_its_snapshots() {
    let home = store_with_image();
    let session = home.store.session().unwrap();
    let new = transom_sealed::NewSnapshot {
        key: "container",
        parent: None,
        view: false,
        labels: [].into(),
    };
    home.store.prepare_snapshot(&new).unwrap();
    for layer in [id(&base()), id(&top())] {
        home.store
            .apply_to_snapshot(&session, "container", layer)
            .unwrap();
    }
    drop(session);
    let image = home.store.images().unwrap().remove(0);
    home.store.remove_image(&image).unwrap();
    let layer = set_aside(&home);
    home.store.collect_garbage(true).unwrap();
    let layers = home.store.snapshot_chain("container").unwrap();
    assert_eq!(layers, [id(&base()), id(&top())]);
    let error = home.store.open_chain(&layers, WINDOWS).unwrap_err();
    assert!(chain(&error).contains(&layer.to_string()), "{error}");
    home.import(&base());
    home.store.open_chain(&layers, WINDOWS).unwrap();
    home.assert_tidy();
}

#[cfg(target_os = "linux")]
#[test]
fn a_layer_that_was_set_aside_stays_that_of_its_writable_layers() {
    use transom_driver::Id;
    use transom_layer::Names;
    use transom_sealed::NewWritable;

    let home = store_with_image();
    let name: Id = "w".parse().unwrap();
    let new = NewWritable {
        id: &name,
        below: vec![id(&base()), id(&top())],
        names: Names::Windows,
        bound: None,
        config: None,
    };
    let made = home.store.create_writable(new).unwrap();
    let layer = set_aside(&home);
    assert_eq!(home.store.named_layers().unwrap(), [made]);
    let error = home.store.open_writable("w").map(drop).unwrap_err();
    assert!(
        chain(&error).contains(&layer.to_string()),
        "{}",
        chain(&error)
    );
    home.store.collect_garbage(false).unwrap();
    assert_eq!(home.store.bring_back(&|_| {}).unwrap(), [layer]);
    home.store.open_writable("w").unwrap();
    home.assert_tidy();
}
