//! Snapshots: what containerd names, stacks and labels.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{OptionalExtension, Row, Transaction, params};
use transom_layer::{DiffId, Names};

use super::{CatalogError, Doing, Sql};

/// What a snapshot is for (containerd core/snapshots).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SnapshotKind {
    /// To be read.
    View,
    /// To be written, then committed.
    Active,
    /// Done: others can be made from it.
    Committed,
}

impl SnapshotKind {
    /// Returns the word used in the catalog and in filters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Active => "active",
            Self::Committed => "committed",
        }
    }
}

text_column!(SnapshotKind, |kind| kind.as_str().to_owned(), |text| {
    [Self::View, Self::Active, Self::Committed]
        .into_iter()
        .find(|kind| kind.as_str() == text)
});

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// What its files are named after; never given to another one.
    pub(crate) number: i64,
    /// Its name.
    pub key: String,
    /// The snapshot that it was made from.
    pub parent: Option<String>,
    /// What it is for.
    pub kind: SnapshotKind,
    /// How names compare in it; `None` while nothing has told it.
    pub names: Option<Names>,
    /// When it was made, nanoseconds since 1970; for a committed one when it was committed.
    pub created: i64,
    /// When its labels changed last, nanoseconds since 1970.
    pub updated: i64,
    /// What clients have noted about it.
    pub labels: BTreeMap<String, String>,
}

/// What the named layers of snapshots are called, before their number.
const LAYER_PREFIX: &str = "snapshot-";

impl Snapshot {
    /// Name of the layer that holds what is written to it.
    pub(crate) fn layer_id(&self) -> String {
        format!("{LAYER_PREFIX}{}", self.number)
    }
}

/// Returns the number of the snapshot that a named layer of this name would be of.
pub(crate) fn number_of_layer(layer_id: &str) -> Option<i64> {
    layer_id.strip_prefix(LAYER_PREFIX)?.parse().ok()
}

const COLUMNS: &str =
    "s.number, s.key, parent.key, s.kind, s.names, s.created, s.updated FROM snapshots s
     LEFT JOIN snapshots parent ON parent.number = s.parent";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Snapshot> {
    Ok(Snapshot {
        number: row.get(0)?,
        key: row.get(1)?,
        parent: row.get(2)?,
        kind: row.get(3)?,
        names: row.get::<_, Option<Sql<_>>>(4)?.map(|names| names.0),
        created: row.get(5)?,
        updated: row.get(6)?,
        labels: BTreeMap::new(),
    })
}

fn read_labels(tx: &Transaction<'_>, snapshot: &mut Snapshot) -> Result<(), CatalogError> {
    snapshot.labels = tx
        .prepare_cached("SELECT name, value FROM snapshot_labels WHERE number = ?1")
        .and_then(|mut query| {
            let labels =
                query.query_map([snapshot.number], |row| Ok((row.get(0)?, row.get(1)?)))?;
            labels.collect()
        })
        .doing("read the labels of a snapshot")?;
    Ok(())
}

/// Returns one snapshot.
pub(crate) fn find(tx: &Transaction<'_>, key: &str) -> Result<Option<Snapshot>, CatalogError> {
    let mut found = tx
        .prepare_cached(&format!("SELECT {COLUMNS} WHERE s.key = ?1"))
        .and_then(|mut query| query.query_row([key], from_row).optional())
        .doing("look a snapshot up")?;
    if let Some(snapshot) = &mut found {
        read_labels(tx, snapshot)?;
    }
    Ok(found)
}

/// Returns the key of the snapshot with this number.
pub(crate) fn key_of(tx: &Transaction<'_>, number: i64) -> Result<Option<String>, CatalogError> {
    tx.query_row(
        "SELECT key FROM snapshots WHERE number = ?1",
        [number],
        |row| row.get(0),
    )
    .optional()
    .doing("look a snapshot up by its number")
}

/// Returns the key of the snapshot that a named layer is of.
pub(crate) fn key_of_layer(
    tx: &Transaction<'_>,
    layer_id: &str,
) -> Result<Option<String>, CatalogError> {
    match number_of_layer(layer_id) {
        Some(number) => key_of(tx, number),
        None => Ok(None),
    }
}

/// Returns the layers that snapshots themselves add, each with the keys of the snapshots, by key.
pub(crate) fn users_of_layers(
    tx: &Transaction<'_>,
) -> Result<HashMap<DiffId, Vec<String>>, CatalogError> {
    let mut users: HashMap<DiffId, Vec<String>> = HashMap::new();
    tx.prepare_cached(
        "SELECT DISTINCT diff_id, key FROM snapshot_layers JOIN snapshots USING (number) ORDER BY key",
    )
    .and_then(|mut query| {
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let layer = row.get::<_, Sql<_>>(0)?.0;
            users.entry(layer).or_default().push(row.get(1)?);
        }
        Ok(())
    })
    .doing("look up which snapshots have layers")?;
    Ok(users)
}

/// Returns all snapshots, by key.
pub(crate) fn all(tx: &Transaction<'_>) -> Result<Vec<Snapshot>, CatalogError> {
    let mut snapshots: Vec<Snapshot> = tx
        .prepare_cached(&format!("SELECT {COLUMNS} ORDER BY s.key"))
        .and_then(|mut query| query.query_map([], from_row)?.collect())
        .doing("list snapshots")?;
    let mut labels = all_labels(tx)?;
    for snapshot in &mut snapshots {
        snapshot.labels = labels.remove(&snapshot.number).unwrap_or_default();
    }
    Ok(snapshots)
}

/// The labels of all snapshots, by their numbers.
fn all_labels(
    tx: &Transaction<'_>,
) -> Result<HashMap<i64, BTreeMap<String, String>>, CatalogError> {
    let mut labels: HashMap<i64, BTreeMap<String, String>> = HashMap::new();
    tx.prepare_cached("SELECT number, name, value FROM snapshot_labels")
        .and_then(|mut query| {
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                let of_snapshot = labels.entry(row.get(0)?).or_default();
                of_snapshot.insert(row.get(1)?, row.get(2)?);
            }
            Ok(())
        })
        .doing("read the labels of snapshots")?;
    Ok(labels)
}

/// Returns the keys of the committed snapshots with a parent and a label, sorted.
pub(crate) fn committed_with(
    tx: &Transaction<'_>,
    parent: Option<&str>,
    label: &str,
    value: &str,
) -> Result<Vec<String>, CatalogError> {
    tx.prepare_cached(
        "SELECT s.key FROM snapshot_labels l JOIN snapshots s ON s.number = l.number
         LEFT JOIN snapshots parent ON parent.number = s.parent
         WHERE l.name = ?1 AND l.value = ?2 AND s.kind = ?3 AND parent.key IS ?4
         ORDER BY s.key",
    )
    .and_then(|mut query| {
        let wanted = params![label, value, SnapshotKind::Committed, parent];
        query.query_map(wanted, |row| row.get(0))?.collect()
    })
    .doing("look snapshots up by a label")
}

/// Adds a snapshot that is not there yet; returns its number.
pub(crate) fn insert(
    tx: &Transaction<'_>,
    snapshot: &Snapshot,
    parent: Option<i64>,
) -> Result<i64, CatalogError> {
    tx.execute(
        "INSERT INTO snapshots (key, parent, kind, names, created, updated) VALUES (?1,?2,?3,?4,?5,?6)",
        params![
            snapshot.key,
            parent,
            snapshot.kind,
            snapshot.names.map(Sql),
            snapshot.created,
            snapshot.updated,
        ],
    )
    .doing("add a snapshot")?;
    let number = tx.last_insert_rowid();
    insert_labels(tx, number, &snapshot.labels)?;
    Ok(number)
}

fn insert_labels(
    tx: &Transaction<'_>,
    number: i64,
    labels: &BTreeMap<String, String>,
) -> Result<(), CatalogError> {
    for (name, value) in labels {
        tx.execute(
            "INSERT INTO snapshot_labels (number, name, value) VALUES (?1,?2,?3)",
            params![number, name, value],
        )
        .doing("label a snapshot")?;
    }
    Ok(())
}

/// Gives a snapshot other labels.
pub(crate) fn set_labels(
    tx: &Transaction<'_>,
    number: i64,
    labels: &BTreeMap<String, String>,
    updated: i64,
) -> Result<(), CatalogError> {
    tx.execute("DELETE FROM snapshot_labels WHERE number = ?1", [number])
        .and_then(|_| {
            tx.execute(
                "UPDATE snapshots SET updated = ?2 WHERE number = ?1",
                params![number, updated],
            )
        })
        .doing("label a snapshot")?;
    insert_labels(tx, number, labels)
}

/// Makes an active snapshot a committed one.
pub(crate) fn commit(
    tx: &Transaction<'_>,
    number: i64,
    name: &str,
    parent: Option<i64>,
    labels: &BTreeMap<String, String>,
    now: i64,
) -> Result<(), CatalogError> {
    tx.execute(
        "UPDATE snapshots SET was = key, key = ?2, parent = ?3, kind = ?4, created = ?5
         WHERE number = ?1",
        params![number, name, parent, SnapshotKind::Committed, now],
    )
    .doing("commit a snapshot")?;
    set_labels(tx, number, labels, now)
}

/// Returns the committed snapshot that had this key while it was active.
pub(crate) fn committed_from(
    tx: &Transaction<'_>,
    was: &str,
) -> Result<Option<Snapshot>, CatalogError> {
    let key: Option<String> = tx
        .query_row(
            "SELECT key FROM snapshots WHERE was = ?1 AND kind = ?2 ORDER BY number DESC LIMIT 1",
            params![was, SnapshotKind::Committed],
            |row| row.get(0),
        )
        .optional()
        .doing("look a snapshot up by the key it had")?;
    match key {
        Some(key) => find(tx, &key),
        None => Ok(None),
    }
}

/// Notes by which key an active snapshot was committed before.
pub(crate) fn set_was(tx: &Transaction<'_>, number: i64, was: &str) -> Result<(), CatalogError> {
    tx.execute(
        "UPDATE snapshots SET was = ?2 WHERE number = ?1",
        params![number, was],
    )
    .doing("note the key that a snapshot had")?;
    Ok(())
}

/// Returns the other key that a snapshot had, unless it was forgotten.
pub(crate) fn was(tx: &Transaction<'_>, number: i64) -> Result<Option<String>, CatalogError> {
    tx.query_row(
        "SELECT was FROM snapshots WHERE number = ?1",
        [number],
        |row| row.get(0),
    )
    .doing("look up the key that a snapshot had")
}

/// Forgets which keys committed snapshots had.
pub(crate) fn forget_keys(tx: &Transaction<'_>) -> Result<(), CatalogError> {
    tx.execute(
        "UPDATE snapshots SET was = NULL WHERE kind = ?1",
        [SnapshotKind::Committed],
    )
    .doing("forget the keys that snapshots had")?;
    Ok(())
}

/// Gives a committed snapshot another name.
pub(crate) fn rename(tx: &Transaction<'_>, number: i64, name: &str) -> Result<(), CatalogError> {
    tx.execute(
        "UPDATE snapshots SET key = ?2 WHERE number = ?1",
        params![number, name],
    )
    .doing("rename a snapshot")?;
    Ok(())
}

/// Notes how names compare in a snapshot.
pub(crate) fn set_names(
    tx: &Transaction<'_>,
    number: i64,
    names: Names,
) -> Result<(), CatalogError> {
    tx.execute(
        "UPDATE snapshots SET names = ?2 WHERE number = ?1",
        params![number, Sql(names)],
    )
    .doing("note how names of a snapshot compare")?;
    Ok(())
}

/// Puts a layer on top of what a snapshot adds to its parent.
pub(crate) fn push_layer(
    tx: &Transaction<'_>,
    number: i64,
    layer: DiffId,
) -> Result<(), CatalogError> {
    tx.execute(
        "INSERT INTO snapshot_layers (number, position, diff_id)
         SELECT ?1, count(*), ?2 FROM snapshot_layers WHERE number = ?1",
        params![number, Sql(layer)],
    )
    .doing("add a layer to a snapshot")?;
    Ok(())
}

/// Returns what a snapshot itself adds, lowest first.
pub(crate) fn own_layers(tx: &Transaction<'_>, number: i64) -> Result<Vec<DiffId>, CatalogError> {
    layers_by(
        tx,
        "SELECT diff_id FROM snapshot_layers WHERE number = ?1 ORDER BY position",
        number,
    )
}

/// Returns all layers of a snapshot and those it was made from, base first.
pub(crate) fn chain(tx: &Transaction<'_>, number: i64) -> Result<Vec<DiffId>, CatalogError> {
    layers_by(
        tx,
        "WITH RECURSIVE up (number, depth) AS (
             SELECT ?1, 0
             UNION ALL
             SELECT s.parent, up.depth + 1 FROM up JOIN snapshots s ON s.number = up.number
             WHERE s.parent IS NOT NULL)
         SELECT diff_id FROM up JOIN snapshot_layers USING (number) ORDER BY depth DESC, position",
        number,
    )
}

/// Returns the chains of all snapshots.
pub(crate) fn all_chains(tx: &Transaction<'_>) -> Result<Vec<Vec<DiffId>>, CatalogError> {
    let numbers: Vec<i64> = tx
        .prepare_cached("SELECT number FROM snapshots")
        .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
        .doing("list snapshots")?;
    numbers
        .into_iter()
        .map(|number| chain(tx, number))
        .collect()
}

fn layers_by(tx: &Transaction<'_>, query: &str, number: i64) -> Result<Vec<DiffId>, CatalogError> {
    tx.prepare_cached(query)
        .and_then(|mut query| {
            let layers = query.query_map([number], |row| Ok(row.get::<_, Sql<_>>(0)?.0))?;
            layers.collect()
        })
        .doing("read the layers of a snapshot")
}

/// Returns the key of a snapshot that was made from this one.
pub(crate) fn child_of(tx: &Transaction<'_>, number: i64) -> Result<Option<String>, CatalogError> {
    tx.query_row(
        "SELECT key FROM snapshots WHERE parent = ?1 LIMIT 1",
        [number],
        |row| row.get(0),
    )
    .optional()
    .doing("look for snapshots made from this one")
}

/// Forgets a snapshot.
pub(crate) fn delete(tx: &Transaction<'_>, number: i64) -> Result<(), CatalogError> {
    tx.execute("DELETE FROM snapshots WHERE number = ?1", [number])
        .doing("forget a snapshot")?;
    Ok(())
}
