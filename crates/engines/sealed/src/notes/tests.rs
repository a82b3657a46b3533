//! The log against the catalog.

use std::fs;

use proptest::prelude::*;
use transom_layer::{BlobDigest, Digest};

use super::*;
use crate::catalog::{Catalog, insert_document};

struct Home {
    _folder: tempfile::TempDir,
    layout: Layout,
    catalog: Catalog,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::of(folder.path());
        let catalog = Catalog::open(&layout).unwrap();
        catalog.mend_notes().unwrap();
        Self {
            _folder: folder,
            layout,
            catalog,
        }
    }

    fn log(&self) -> Vec<u8> {
        fs::read(self.layout.notes()).unwrap()
    }

    fn write(&self, bytes: &[u8]) {
        let digest = BlobDigest(Digest::of(bytes));
        self.catalog
            .write(|tx| insert_document(tx, digest, bytes))
            .unwrap();
    }

    fn compared(&self) -> Compared {
        self.catalog.compare_notes().unwrap()
    }
}

#[test]
fn what_is_rolled_back_is_not_noted() {
    let home = Home::new();
    let before = home.log();
    let failed = home.catalog.write(|tx| {
        insert_document(tx, BlobDigest(Digest::of(b"x")), b"x")?;
        Err::<(), _>(CatalogError::Gone)
    });
    assert!(failed.is_err());
    assert_eq!(home.log(), before);
    home.write(b"y");
    assert_eq!(home.compared(), Compared::Same);
}

#[test]
fn what_changes_nothing_is_not_noted() {
    let home = Home::new();
    home.write(b"x");
    let before = home.log();
    home.write(b"x");
    home.catalog
        .write(|tx| crate::catalog::delete_leases(tx, "nobody"))
        .unwrap();
    assert_eq!(home.log(), before);
}

#[test]
fn the_lines_of_a_transaction_that_did_not_commit_are_dropped() {
    let home = Home::new();
    home.write(b"x");
    let lines = ["{\"put\":\"documents\",\"row\":{\"digest\":\"no\",\"bytes\":\"00\"}}".to_owned()];
    let log = Log::at(&home.layout.notes());
    let number = log.tail().unwrap().number.unwrap();
    log.append(&lines, number + 1).unwrap();
    assert_eq!(home.compared(), Compared::Incomplete);
    home.catalog.mend_notes().unwrap();
    assert_eq!(home.compared(), Compared::Same);
    // The same, found by a process that goes on writing.
    let number = log.tail().unwrap().number.unwrap();
    log.append(&lines, number + 1).unwrap();
    home.write(b"y");
    assert_eq!(home.compared(), Compared::Same);
}

#[test]
fn a_transaction_that_is_known_to_be_committed_is_missed() {
    let home = Home::new();
    home.write(b"x");
    let log = Log::at(&home.layout.notes());
    let number = log.tail().unwrap().number.unwrap();
    log.append(&[], number + 1).unwrap();
    log.append_done(number + 1).unwrap();
    assert_eq!(home.compared(), Compared::Ahead);
    let error = home.catalog.mend_notes().unwrap_err();
    assert!(matches!(error, CatalogError::Behind), "{error}");
    let failed = home
        .catalog
        .write(|tx| insert_document(tx, BlobDigest(Digest::of(b"y")), b"y"));
    assert!(matches!(failed, Err(CatalogError::Behind)));
}

#[test]
fn a_late_note_that_another_transaction_was_committed_does_no_harm() {
    let home = Home::new();
    home.write(b"x");
    let log = Log::at(&home.layout.notes());
    let number = log.tail().unwrap().number.unwrap();
    home.write(b"y");
    log.append_done(number).unwrap();
    assert_eq!(home.compared(), Compared::Same);
    home.write(b"z");
    assert_eq!(home.compared(), Compared::Same);
}

#[test]
fn a_log_that_cannot_be_written_fails_the_transaction() {
    let home = Home::new();
    home.write(b"x");
    fs::remove_file(home.layout.notes()).unwrap();
    fs::create_dir(home.layout.notes()).unwrap();
    let digest = BlobDigest(Digest::of(b"y"));
    let error = home
        .catalog
        .write(|tx| insert_document(tx, digest, b"y"))
        .unwrap_err();
    assert!(error.to_string().contains("notes.log"), "{error}");
    fs::remove_dir(home.layout.notes()).unwrap();
    let there = home.catalog.read(|tx| crate::catalog::document(tx, digest));
    assert_eq!(there.unwrap(), None);
    home.write(b"y");
    assert_eq!(home.compared(), Compared::Same);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_of_a_document_come_back(documents in prop::collection::vec(
        prop::collection::vec(any::<u8>(), 0..200), 1..8)
    ) {
        let home = Home::new();
        for document in &documents {
            home.write(document);
        }
        let mut other = Connection::open_in_memory().unwrap();
        crate::catalog::make(&other).unwrap();
        replay(&mut other, &read_log(&home.layout.notes()).unwrap()).unwrap();
        let transaction = other.transaction().unwrap();
        for document in documents {
            let digest = BlobDigest(Digest::of(&document));
            let found = crate::catalog::document(&transaction, digest).unwrap();
            prop_assert_eq!(found, Some(document));
        }
    }

    #[test]
    fn a_damaged_log_is_read_as_far_as_it_is_whole(at in any::<prop::sample::Index>(), to: u8) {
        let home = Home::new();
        for number in 0..5_u8 {
            home.write(&[number; 50]);
        }
        let mut bytes = home.log();
        let at = at.index(bytes.len());
        let is_same = bytes[at] == to;
        bytes[at] = to;
        fs::write(home.layout.notes(), &bytes).unwrap();
        let contents = read_log(&home.layout.notes()).unwrap();
        prop_assert!(contents.lines.len() <= 5);
        // The damage is in one line; a line end takes its neighbour along, and an end those that it ends.
        prop_assert!(contents.lines.len() >= 3, "{}", contents.lines.len());
        prop_assert!(is_same || contents.damaged > 0);
    }
}
