//! Opening what others hold, what is damaged, and what cannot be written.

use std::fs;

use transom_layer::{BlobDigest, Digest};

use super::*;
use crate::catalog::insert_document;

fn layout_in(folder: &tempfile::TempDir) -> Layout {
    Layout::of(folder.path())
}

/// A catalog whose writes give up soon.
fn impatient(layout: &Layout) -> Catalog {
    let catalog = Catalog::open(layout).unwrap();
    catalog
        .lock()
        .busy_timeout(Duration::from_millis(50))
        .unwrap();
    catalog
}

fn write(catalog: &Catalog, bytes: &[u8]) -> Result<(), CatalogError> {
    let digest = BlobDigest(Digest::of(bytes));
    catalog.write(|tx| insert_document(tx, digest, bytes))
}

fn documents(catalog: &Catalog) -> i64 {
    let count = "SELECT count(*) FROM documents";
    let read = catalog.read(|tx| tx.query_row(count, [], |row| row.get(0)).doing("count"));
    read.unwrap()
}

/// Asserts that an error says what was being done, what SQLite said, and what to do.
fn says(error: &CatalogError, parts: &[&str]) {
    let text = error.to_string();
    assert!(text.starts_with("the catalog cannot "), "{text}");
    for part in parts {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
}

#[test]
fn opening_waits_for_another_process_that_sets_the_database_up() {
    let folder = tempfile::tempdir().unwrap();
    let layout = layout_in(&folder);
    let other = Connection::open(layout.catalog()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    std::thread::scope(|scope| {
        let opened = scope.spawn(|| Catalog::open(&layout).map(drop));
        std::thread::sleep(Duration::from_millis(300));
        other.execute_batch("ROLLBACK").unwrap();
        opened.join().unwrap().unwrap();
    });
}

#[test]
fn a_database_that_another_process_holds_locked_is_told_as_that() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = impatient(&layout_in(&folder));
    let other = Connection::open(layout_in(&folder).catalog()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = write(&catalog, b"x").unwrap_err();
    says(
        &error,
        &["begin to write", "locked", "find and end that process"],
    );
    assert!(!error.is_damage());
    other.execute_batch("ROLLBACK").unwrap();
    write(&catalog, b"x").unwrap();
    assert_eq!(documents(&catalog), 1);
}

#[test]
fn a_table_that_is_locked_in_the_same_process_is_told_as_that() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = impatient(&layout_in(&folder));
    write(&catalog, b"x").unwrap();
    // SQLite drops no table while a statement reads it.
    let error = catalog
        .read(|tx| {
            let mut query = tx.prepare("SELECT * FROM documents").doing("read")?;
            let mut rows = query.query([]).doing("read")?;
            rows.next().doing("read")?;
            tx.execute_batch("DROP TABLE documents")
                .doing("drop a table")
        })
        .unwrap_err();
    says(&error, &["drop a table", "locked", "try again"]);
}

#[test]
fn a_database_that_cannot_be_written_is_told_as_that() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = impatient(&layout_in(&folder));
    // As on a file system that is mounted to be read only; root writes whatever the mode of a file says.
    catalog
        .lock()
        .pragma_update(None, "query_only", true)
        .unwrap();
    let error = write(&catalog, b"x").unwrap_err();
    says(
        &error,
        &[
            "begin to write",
            "readonly",
            "mount their file system writable",
        ],
    );
    assert!(!error.is_damage());
}

#[test]
fn a_full_database_is_told_as_that_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let layout = layout_in(&folder);
    let catalog = impatient(&layout);
    write(&catalog, b"first").unwrap();
    // SQLite says the same of a database that may not grow and of a full disk.
    let pages: i64 = catalog
        .lock()
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    let set: i64 = catalog
        .lock()
        .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(set, pages);
    let error = write(&catalog, &[b'x'; 100_000]).unwrap_err();
    says(&error, &["add a document", "full", "transom gc"]);
    assert!(!error.is_damage());
    assert_eq!(documents(&catalog), 1);
    drop(catalog);
    let catalog = Catalog::open(&layout).unwrap();
    catalog.mend_notes().unwrap();
    write(&catalog, &[b'x'; 100_000]).unwrap();
    assert_eq!(documents(&catalog), 2);
}

#[test]
fn a_file_that_is_no_database_is_told_as_damage() {
    let folder = tempfile::tempdir().unwrap();
    let layout = layout_in(&folder);
    fs::write(layout.catalog(), b"something else entirely ".repeat(100)).unwrap();
    for error in [
        Catalog::open(&layout).unwrap_err(),
        Catalog::open_as_it_is(&layout).unwrap_err(),
    ] {
        says(&error, &["not a database", "transom fsck --rebuild"]);
        assert!(error.is_damage());
    }
}

#[test]
fn a_damaged_database_is_told_as_damage() {
    let folder = tempfile::tempdir().unwrap();
    let layout = layout_in(&folder);
    let catalog = Catalog::open(&layout).unwrap();
    for number in 0..200_u32 {
        write(&catalog, &[number as u8; 1000]).unwrap();
    }
    drop(catalog);
    let mut bytes = fs::read(layout.catalog()).unwrap();
    // All but the schema, which is on the first pages.
    let end = bytes.len();
    bytes[40 * 4096..end].fill(0x5a);
    fs::write(layout.catalog(), bytes).unwrap();
    let catalog = Catalog::open(&layout).unwrap();
    let all = "SELECT sum(length(bytes)) FROM documents";
    let error = catalog
        .read(|tx| {
            tx.query_row(all, [], |row| row.get::<_, i64>(0))
                .doing("count")
        })
        .unwrap_err();
    says(&error, &["malformed", "transom fsck --rebuild"]);
    assert!(error.is_damage());
}

#[test]
fn a_missing_table_is_told_as_damage() {
    let folder = tempfile::tempdir().unwrap();
    let layout = layout_in(&folder);
    let catalog = Catalog::open(&layout).unwrap();
    catalog.lock().execute_batch("DROP TABLE leases").unwrap();
    let error = catalog.read(crate::catalog::lease_holders).unwrap_err();
    says(&error, &["no such table", "transom fsck --rebuild"]);
}

#[test]
fn a_place_where_no_database_can_be_is_told_as_that() {
    let folder = tempfile::tempdir().unwrap();
    let layout = layout_in(&folder);
    fs::create_dir(layout.catalog()).unwrap();
    let error = Catalog::open(&layout).unwrap_err();
    says(&error, &["be opened", "let this user read and write"]);
    assert!(!error.is_damage());
}

#[test]
fn an_upgrade_waits_for_others_and_gives_up_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let layout = layout_in(&folder);
    drop(Catalog::open(&layout).unwrap());
    let other = Connection::open(layout.catalog()).unwrap();
    let older = "DROP TABLE notes; PRAGMA user_version = 3;";
    other.execute_batch(older).unwrap();
    let patience = Duration::from_millis(100);
    let error = upgrade(&layout.catalog(), patience).unwrap_err();
    assert!(matches!(error, CatalogError::InUseByOlder), "{error}");
    assert_eq!(version(&other).unwrap(), 3);
    drop(other);
    upgrade(&layout.catalog(), patience).unwrap();
    let catalog = Catalog::open(&layout).unwrap();
    catalog.mend_notes().unwrap();
    write(&catalog, b"x").unwrap();
}
