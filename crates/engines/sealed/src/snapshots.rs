//! Snapshots as containerd knows them: made from each other, written, committed, removed.
//!
//! A snapshot is a row of the catalog, and adds any number of sealed layers to its parent. Files it has only while it
//! is used: then a named layer over its chain, `snapshot-<number>`, holds what is written and is what is mounted. A
//! layer that is unpacked costs one row and the layer itself; nothing is mounted for it.

mod commit;
#[cfg(target_os = "linux")]
mod content;
#[cfg(target_os = "linux")]
mod difference;
mod elsewhere;
mod error;
mod lost_answers;
#[cfg(all(test, target_os = "linux"))]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use transom_layer::DiffId;

pub use commit::Commit;
pub use error::SnapshotError;

use crate::catalog;
use crate::catalog::snapshot::{self as rows, Snapshot, SnapshotKind};
use crate::image::Removed;
use crate::space::allocated;
use crate::store::{Store, StoreError};

/// A snapshot to be made.
#[derive(Debug, Clone)]
pub struct NewSnapshot<'a> {
    /// Its name.
    pub key: &'a str,
    /// The committed snapshot that it is made from.
    pub parent: Option<&'a str>,
    /// True for one that is only to be read.
    pub view: bool,
    /// What the client notes about it.
    pub labels: BTreeMap<String, String>,
}

/// What a snapshot takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SnapshotUsage {
    /// Bytes on disk of what it adds to its parent.
    pub bytes: u64,
    /// Files and folders that it adds or changes.
    pub entries: u64,
}

impl Store {
    /// Makes a snapshot, active or a view. Nothing is mounted.
    ///
    /// # Errors
    /// [`SnapshotError::Exists`], [`SnapshotError::NoParent`], [`SnapshotError::ParentNotCommitted`].
    pub fn prepare_snapshot(&self, new: &NewSnapshot<'_>) -> Result<Snapshot, SnapshotError> {
        let now = nanoseconds_now();
        let mut snapshot = Snapshot {
            number: 0,
            key: new.key.to_owned(),
            parent: new.parent.map(str::to_owned),
            kind: match new.view {
                true => SnapshotKind::View,
                false => SnapshotKind::Active,
            },
            names: None,
            created: now,
            updated: now,
            labels: new.labels.clone(),
        };
        self.catalog.write(|tx| {
            if rows::find(tx, new.key)?.is_some() {
                let key = new.key.to_owned();
                return Err(SnapshotError::Exists { key });
            }
            let parent = new
                .parent
                .map(|parent| committed_parent(tx, parent))
                .transpose()?;
            snapshot.names = parent.as_ref().and_then(|parent| parent.names);
            snapshot.number = rows::insert(tx, &snapshot, parent.map(|parent| parent.number))?;
            Ok(snapshot)
        })
    }

    /// Returns a snapshot.
    ///
    /// # Errors
    /// [`SnapshotError::NotFound`], or the catalog fails.
    pub fn snapshot(&self, key: &str) -> Result<Snapshot, SnapshotError> {
        self.catalog.read(|tx| found(tx, key))
    }

    /// Returns all snapshots, by key.
    ///
    /// # Errors
    /// The catalog fails.
    pub fn snapshots(&self) -> Result<Vec<Snapshot>, SnapshotError> {
        Ok(self.catalog.read(rows::all)?)
    }

    /// Returns the keys of the committed snapshots with a label and a parent.
    ///
    /// # Errors
    /// The catalog fails.
    pub fn committed_snapshots_with(
        &self,
        parent: Option<&str>,
        label: &str,
        value: &str,
    ) -> Result<Vec<String>, SnapshotError> {
        Ok(self
            .catalog
            .read(|tx| rows::committed_with(tx, parent, label, value))?)
    }

    /// Gives a snapshot the labels that `change` makes of those it has.
    ///
    /// # Errors
    /// [`SnapshotError::NotFound`], or the catalog fails.
    pub fn label_snapshot(
        &self,
        key: &str,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Result<Snapshot, SnapshotError> {
        self.catalog.write(|tx| {
            let mut snapshot = found(tx, key)?;
            change(&mut snapshot.labels);
            snapshot.updated = nanoseconds_now();
            rows::set_labels(tx, snapshot.number, &snapshot.labels, snapshot.updated)?;
            Ok(snapshot)
        })
    }

    /// Returns the layers of a snapshot and of those that it was made from, base first; what is written to an
    /// active one is in none of them.
    ///
    /// # Errors
    /// [`SnapshotError::NotFound`], or the catalog fails.
    pub fn snapshot_chain(&self, key: &str) -> Result<Vec<DiffId>, SnapshotError> {
        self.catalog.read(|tx| {
            let snapshot = found(tx, key)?;
            Ok(rows::chain(tx, snapshot.number)?)
        })
    }

    /// Returns the key of the snapshot that a named layer is of: it holds what is written to it.
    ///
    /// # Errors
    /// The catalog fails.
    pub fn snapshot_of_layer(&self, id: &str) -> Result<Option<String>, SnapshotError> {
        Ok(self.catalog.read(|tx| rows::key_of_layer(tx, id))?)
    }

    /// Returns the layers that snapshots themselves add to their parents, each with the keys of these snapshots.
    ///
    /// # Errors
    /// The catalog fails.
    pub fn snapshots_of_layers(&self) -> Result<HashMap<DiffId, Vec<String>>, SnapshotError> {
        Ok(self.catalog.read(rows::users_of_layers)?)
    }

    /// Removes a snapshot. `release` gives back what is in use of it, `take_away` its files.
    fn remove_by<E: From<SnapshotError>>(
        &self,
        key: &str,
        release: impl FnOnce(&Snapshot) -> Result<(), E>,
        take_away: impl FnOnce(&rusqlite::Transaction<'_>, &Snapshot) -> Result<(), SnapshotError>,
    ) -> Result<Snapshot, E> {
        let snapshot = self.catalog.read(|tx| {
            let snapshot = found(tx, key)?;
            has_no_child(tx, &snapshot)?;
            Ok::<_, SnapshotError>(snapshot)
        })?;
        release(&snapshot)?;
        self.catalog
            .write(|tx| {
                let snapshot = found(tx, key)?;
                has_no_child(tx, &snapshot)?;
                let layers = rows::own_layers(tx, snapshot.number)?.into_iter().collect();
                take_away(tx, &snapshot)?;
                rows::delete(tx, snapshot.number)?;
                Ok(self.drop_unused_layers(tx, Some(&layers), &mut Removed::default())?)
            })
            .inspect_err(|_: &SnapshotError| self.put_back())?;
        Ok(snapshot)
    }

    /// Puts a layer on top of an active snapshot. `take_in` does the same before with what was written to it.
    fn apply_by(
        &self,
        key: &str,
        layer: DiffId,
        take_in: impl FnOnce(&rusqlite::Transaction<'_>, &Snapshot) -> Result<(), SnapshotError>,
    ) -> Result<(), SnapshotError> {
        self.catalog
            .write(|tx| {
                let mut snapshot = found(tx, key)?;
                is_active(&snapshot)?;
                if snapshot.names.is_none() {
                    let record = catalog::layer(tx, layer)?;
                    let names = record.ok_or(StoreError::NoLayer(layer))?.names;
                    snapshot.names = Some(names);
                    rows::set_names(tx, snapshot.number, names)?;
                }
                take_in(tx, &snapshot)?;
                Ok(rows::push_layer(tx, snapshot.number, layer)?)
            })
            .inspect_err(|_: &SnapshotError| self.put_back())
    }

    /// Tells what the layers take that a snapshot itself adds to its parent; what it shares with others is counted
    /// for each. What was written to it since is in none of them.
    ///
    /// # Errors
    /// [`SnapshotError::NotFound`], or the catalog fails.
    pub fn snapshot_layers_usage(&self, key: &str) -> Result<SnapshotUsage, SnapshotError> {
        let layers = self.catalog.read(|tx| {
            let snapshot = found(tx, key)?;
            Ok::<_, SnapshotError>(rows::own_layers(tx, snapshot.number)?)
        })?;
        let mut usage = SnapshotUsage::default();
        for layer in layers {
            let record = self.layer(layer)?;
            usage.bytes += allocated(&self.layout.layer(layer));
            usage.entries += record.entries;
        }
        Ok(usage)
    }
}

fn is_active(snapshot: &Snapshot) -> Result<(), SnapshotError> {
    match snapshot.kind {
        SnapshotKind::Active => Ok(()),
        kind => Err(SnapshotError::NotActive {
            key: snapshot.key.clone(),
            kind,
        }),
    }
}

fn found(tx: &rusqlite::Transaction<'_>, key: &str) -> Result<Snapshot, SnapshotError> {
    rows::find(tx, key)?.ok_or_else(|| SnapshotError::NotFound {
        key: key.to_owned(),
    })
}

fn committed_parent(
    tx: &rusqlite::Transaction<'_>,
    parent: &str,
) -> Result<Snapshot, SnapshotError> {
    let missing = || SnapshotError::NoParent {
        parent: parent.to_owned(),
    };
    let parent = rows::find(tx, parent)?.ok_or_else(missing)?;
    match parent.kind {
        SnapshotKind::Committed => Ok(parent),
        _ => Err(SnapshotError::ParentNotCommitted { parent: parent.key }),
    }
}

fn has_no_child(tx: &rusqlite::Transaction<'_>, snapshot: &Snapshot) -> Result<(), SnapshotError> {
    match rows::child_of(tx, snapshot.number)? {
        Some(child) => Err(SnapshotError::HasChild {
            key: snapshot.key.clone(),
            child,
        }),
        None => Ok(()),
    }
}

fn nanoseconds_now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| i64::try_from(now.as_nanos()).unwrap_or(i64::MAX))
}
