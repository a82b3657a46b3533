//! Making the catalog again from what lies beside it.
//!
//! ```text
//!  notes.log ──► rows, in a new database aside
//!  layers/   ──► rows of layers whose notes are damaged
//!  old catalog, and files whose notes are lost ──► quarantine/catalog-…/
//!  new database ──► transom.db
//! ```

use std::collections::HashSet;
use std::fs::TryLockError;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction};
use transom_layer::{DiffId, Digest, Names};

use super::damage_in;
use crate::catalog::{self, Catalog, CatalogError, Doing, LayerRecord};
use crate::durable::{self, Named};
use crate::index::IndexSummary;
use crate::layout::{Layout, is_digest_name};
use crate::maintain::{file_digest, index_again, index_digest};
use crate::notes::{self, Compared};
use crate::staging::{Staging, clean_dead, unique_name};
use crate::store::{Store, StoreError, now};

/// What making the catalog again gave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rebuilt {
    /// Layers that the catalog has now.
    pub layers: u64,
    /// Images.
    pub images: u64,
    /// Layers with names: writable ones, those of drivers and of snapshots.
    pub named_layers: u64,
    /// Snapshots.
    pub snapshots: u64,
    /// Lines of `notes.log` that are damaged; what they told of is lost, but for layers.
    pub damaged_notes: u64,
    /// Layers that are there and whose notes are not: they were read and taken back.
    pub found: Vec<DiffId>,
    /// Rows that were left out because what they refer to is lost.
    pub left_out: u64,
    /// Files that nothing tells of, below the root, where they were. They lie in `aside` now.
    pub unknown: Vec<PathBuf>,
    /// Where the old catalog lies now, below the root; it can be deleted.
    pub aside: PathBuf,
}

impl Store {
    /// Makes the catalog of the store at `root` again from its notes and layers, if it is missing, damaged, or not
    /// what the notes say; returns nothing if it is as it should be. The old one is kept in `quarantine/`.
    /// `progress` is called with the number of bytes just read.
    ///
    /// # Errors
    /// [`StoreError::InUse`] if anybody has the store open; others if a file cannot be read or written. What was there
    /// before is there still then, and the call can be repeated.
    pub fn rebuild(
        root: &Path,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<Rebuilt>, StoreError> {
        let layout = Layout::of(root);
        let parts = [layout.catalog(), layout.layers(), layout.notes()];
        if !parts.iter().any(|part| part.exists()) {
            return Err(StoreError::NoStore(root.to_owned()));
        }
        let layout = Layout::create(root)?;
        let lock_path = layout.store_lock();
        let alone = durable::open_lock(&lock_path)?;
        match alone.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(StoreError::InUse(root.to_owned())),
            Err(TryLockError::Error(error)) => Err(error).named("lock", &lock_path)?,
            Ok(()) => {}
        }
        if is_whole(&layout)? {
            return Ok(None);
        }
        let rebuilt = rebuild(&layout, progress)?;
        drop(alone);
        Ok(Some(rebuilt))
    }
}

/// Says whether a catalog can be relied on.
fn is_whole(layout: &Layout) -> Result<bool, CatalogError> {
    let compared = Catalog::open_as_it_is(layout).and_then(|catalog| {
        let damage = catalog.read(damage_in)?;
        match damage.is_empty() {
            true => catalog.compare_notes(),
            false => Ok(Compared::Other),
        }
    });
    match compared {
        Ok(compared) => Ok(matches!(compared, Compared::Same | Compared::Incomplete)),
        Err(error) if error.is_damage() => Ok(false),
        Err(error) => Err(error),
    }
}

fn rebuild(layout: &Layout, progress: &(dyn Fn(u64) + Sync)) -> Result<Rebuilt, StoreError> {
    clean_dead(layout)?;
    let aside = layout
        .quarantines()
        .join(format!("{CATALOG}{}", unique_name()));
    let mut rebuilt = Rebuilt {
        aside: layout.below_root(&aside),
        ..Rebuilt::default()
    };
    let noted = notes::read_log(&layout.notes())?;
    rebuilt.damaged_notes = noted.damaged;
    let staging = Staging::create(layout)?;
    let path = staging.new_path();
    // It is for this user only, also where SQLite would let others read it.
    drop(durable::create_file(&path)?);
    let mut connection = Connection::open(&path).doing("be made again")?;
    connection
        .execute_batch("PRAGMA synchronous = FULL;")
        .doing("be made again")?;
    catalog::make(&connection)?;
    notes::replay(&mut connection, &noted)?;
    let transaction = connection.transaction().doing("begin to write")?;
    rebuilt.left_out = leave_out_dangling(&transaction)?;
    durable::create_dir(&aside)?;
    if !noted.is_complete {
        take_back_layers(layout, &transaction, &mut rebuilt, progress)?;
        set_unknown_aside(layout, &transaction, &aside, &mut rebuilt)?;
    }
    rebuilt.layers = catalog::layers(&transaction)?.len() as u64;
    rebuilt.images = catalog::images(&transaction)?.len() as u64;
    rebuilt.named_layers = catalog::named_layers(&transaction)?.len() as u64;
    rebuilt.snapshots = catalog::snapshot::all(&transaction)?.len() as u64;
    transaction.commit().doing("commit")?;
    drop(connection);
    put_in_place(layout, &path, &aside)?;
    if !noted.is_complete && layout.notes().exists() {
        // Read as far as it goes: the next opening writes it anew.
        durable::rename(&layout.notes(), &aside.join("notes.log"))?;
        durable::sync_dir(layout.root())?;
    }
    Ok(rebuilt)
}

/// What folders in `quarantine/` that hold an old catalog begin with.
pub(crate) const CATALOG: &str = "catalog-";

/// Moves the old catalog away and the new one to its place. In between there is none, which the next opening says.
fn put_in_place(layout: &Layout, new: &Path, aside: &Path) -> Result<(), StoreError> {
    for file in layout.catalog_files() {
        if let Some(name) = file.file_name()
            && file.exists()
        {
            durable::rename(&file, &aside.join(name))?;
        }
    }
    durable::sync_dir(aside)?;
    durable::sync_dir(&layout.quarantines())?;
    durable::rename(new, &layout.catalog())?;
    Ok(durable::sync_dir(layout.root())?)
}

/// Deletes rows that refer to what no line tells of.
fn leave_out_dangling(tx: &Transaction<'_>) -> Result<u64, CatalogError> {
    let mut left_out = 0;
    loop {
        let dangling: Vec<(String, i64)> = tx
            .prepare("PRAGMA foreign_key_check")
            .and_then(|mut query| {
                let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                rows.collect()
            })
            .doing("be checked")?;
        if dangling.is_empty() {
            return Ok(left_out);
        }
        for (table, row) in dangling {
            let deleted = tx.execute(&format!("DELETE FROM {table} WHERE rowid = ?1"), [row]);
            left_out += deleted.doing("leave a row out")? as u64;
        }
    }
}

/// Reads layers that no line tells of, and takes those that are whole back.
fn take_back_layers(
    layout: &Layout,
    tx: &Transaction<'_>,
    rebuilt: &mut Rebuilt,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(), StoreError> {
    for name in durable::names_in(&layout.layers())? {
        let Ok(digest) = Digest::from_hex(&name) else {
            continue;
        };
        let id = DiffId(digest);
        let is_wanted = is_digest_name(&name) && catalog::layer(tx, id)?.is_none();
        if is_wanted && let Some(layer) = record_of(layout, id, progress) {
            catalog::insert_layer(tx, &layer)?;
            rebuilt.found.push(id);
        }
    }
    Ok(())
}

/// Makes the row of a layer from its files; none if they are not what its name says.
fn record_of(layout: &Layout, id: DiffId, progress: &(dyn Fn(u64) + Sync)) -> Option<LayerRecord> {
    let path = layout.tar(id);
    let found = file_digest(&path, progress).ok()?;
    if found.0 != id.0 {
        return None;
    }
    let tar = durable::open_file(&path).ok()?;
    let size = tar.metadata().ok()?.len();
    let is_there = index_digest(&layout.index(id)).ok();
    let made = [Names::Windows, Names::Posix].map(|names| {
        let (summary, digest) = index_again(&tar, size, names).ok()?;
        Some((names, summary, digest))
    });
    // The index that is there tells how names compare; without it the tar's writer does.
    let is_same = |made: &&(Names, IndexSummary, _)| Some(made.2) == is_there;
    let is_likely = |made: &&(Names, IndexSummary, _)| match made.1.dialect {
        catalog::Dialect::Windows => made.0 == Names::Windows,
        catalog::Dialect::Foreign => made.0 == Names::Posix,
    };
    let all = || made.iter().flatten();
    let (names, summary, index_digest) = all()
        .find(is_same)
        .or_else(|| all().find(is_likely))
        .or_else(|| all().next())?;
    Some(LayerRecord {
        diff_id: id,
        size,
        index_size: summary.bytes,
        index_digest: *index_digest,
        entries: summary.entries,
        whiteouts: summary.whiteouts,
        unresolved_links: summary.unresolved_links,
        dialect: summary.dialect,
        names: *names,
        created: now(),
    })
}

/// Moves away what would be taken for leftovers although it may be what the lost lines told of.
fn set_unknown_aside(
    layout: &Layout,
    tx: &Transaction<'_>,
    aside: &Path,
    rebuilt: &mut Rebuilt,
) -> Result<(), StoreError> {
    for (folder, known) in crate::store::known_names(layout, tx)? {
        let there: HashSet<String> = durable::names_in(&folder)?.into_iter().collect();
        let mut unknown: Vec<_> = there.difference(&known).collect();
        unknown.retain(|name| layout.is_own_name(&folder, name));
        unknown.sort();
        for name in unknown {
            let from = folder.join(name);
            let to = aside.join(layout.below_root(&folder));
            durable::create_dir(&to)?;
            durable::rename(&from, &to.join(name))?;
            durable::sync_dir(&to)?;
            rebuilt.unknown.push(layout.below_root(&from));
        }
        durable::sync_dir(&folder)?;
    }
    Ok(())
}
