//! Snapshots as containerd knows them: made from each other, written, committed, removed.
//!
//! A snapshot is a row of the catalog, and adds any number of sealed layers to its parent. Files it has only while it
//! is used: then a named layer over its chain, `snapshot-<number>`, holds what is written and is what is mounted. A
//! layer that is unpacked costs one row and the layer itself; nothing is mounted for it.

mod difference;
mod error;
mod lost_answers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use transom_layer::{DiffId, Names};

pub use error::SnapshotError;

use crate::catalog::snapshot::{self as rows, Snapshot, SnapshotKind};
use crate::catalog::{self, NamedKind, NamedLayer};
use crate::image::Removed;
use crate::maintain::allocated;
use crate::store::{Session, Store, now};
use crate::writable::{NamedLayerFault, OfLayer};

/// What the named layers of snapshots are called, before their number.
const LAYER_PREFIX: &str = "snapshot-";

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

impl Snapshot {
    /// Name of the layer that holds what is written to it.
    fn layer_id(&self) -> String {
        format!("{LAYER_PREFIX}{}", self.number)
    }
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

    /// Mounts an active snapshot or a view, unless it is, and returns the folder: the root of a Linux image, `C:\`
    /// of a Windows one. With `bound`, what is written to a new one is limited to as many bytes.
    ///
    /// It stays mounted until the snapshot is committed or removed.
    ///
    /// # Errors
    /// [`SnapshotError::Committed`], or the kernel refuses.
    pub fn mount_snapshot(&self, key: &str, bound: Option<u64>) -> Result<PathBuf, SnapshotError> {
        let snapshot = self.snapshot(key)?;
        if snapshot.kind == SnapshotKind::Committed {
            let key = key.to_owned();
            return Err(SnapshotError::Committed { key });
        }
        let id = snapshot.layer_id();
        let layer = self.layer_of(&snapshot, bound)?;
        if !self.is_shown(&id).of_layer(&id)? {
            self.hold(&layer).of_layer(&id)?;
        }
        Ok(self.volume_of(&id))
    }

    /// Returns the folder where [`mount_snapshot`](Self::mount_snapshot) would mount it.
    ///
    /// # Errors
    /// [`SnapshotError::NotFound`], or the catalog fails.
    pub fn snapshot_path(&self, key: &str) -> Result<PathBuf, SnapshotError> {
        Ok(self.volume_of(&self.snapshot(key)?.layer_id()))
    }

    /// Returns the key of the snapshot of which [`mount_snapshot`](Self::mount_snapshot) or
    /// [`snapshot_path`](Self::snapshot_path) gave this folder.
    ///
    /// # Errors
    /// The catalog fails.
    pub fn snapshot_at(&self, path: &Path) -> Result<Option<String>, SnapshotError> {
        let id = path.parent().and_then(|parent| parent.file_name());
        match id.and_then(|id| number_of(id.to_str()?)) {
            Some(number) if self.volume_of(&format!("{LAYER_PREFIX}{number}")) == path => {
                Ok(self.catalog.read(|tx| rows::key_of(tx, number))?)
            }
            _ => Ok(None),
        }
    }

    /// Makes an active snapshot a committed one, with another name and only these labels. What was written to it
    /// becomes a layer. One without a parent may get one now: what it adds need not have been told against it.
    ///
    /// A caller that never heard the answer may commit it again, by another name, too: containerd gives each try
    /// one of its own.
    ///
    /// # Errors
    /// [`SnapshotError`]; the snapshot is as it was, except that it may be unmounted.
    pub fn commit_snapshot(
        &self,
        name: &str,
        key: &str,
        parent: Option<&str>,
        labels: &BTreeMap<String, String>,
    ) -> Result<(), SnapshotError> {
        let snapshot = match self.snapshot(key) {
            Err(SnapshotError::NotFound { .. }) => return self.commit_again(name, key, labels),
            found => found?,
        };
        self.check_commit(&snapshot, name, parent)?;
        let session = self.session()?;
        let written = self.put_away(&session, &snapshot)?;
        self.catalog
            .write(|tx| {
                let mut snapshot = found(tx, key)?;
                is_active(&snapshot)?;
                if let Some(before) = taken_by(tx, &snapshot, name)? {
                    rows::delete(tx, before.number)?;
                }
                let parent = snapshot
                    .parent
                    .as_deref()
                    .or(parent)
                    .map(|parent| committed_parent(tx, parent))
                    .transpose()?;
                if let Some(names) = parent.as_ref().and_then(|parent| parent.names) {
                    snapshot.names = Some(names);
                    rows::set_names(tx, snapshot.number, names)?;
                }
                self.take_in(tx, &snapshot, written)?;
                let parent = parent.map(|parent| parent.number);
                rows::commit(tx, snapshot.number, name, parent, labels, nanoseconds_now())?;
                Ok(())
            })
            .inspect_err(|_: &SnapshotError| self.put_back())?;
        self.tidy(&snapshot);
        Ok(())
    }

    /// Repeats a commit that was done, unless others have built on it by its first name.
    fn commit_again(
        &self,
        name: &str,
        key: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<(), SnapshotError> {
        self.catalog.write(|tx| {
            let missing = || SnapshotError::NotFound {
                key: key.to_owned(),
            };
            let done = rows::committed_from(tx, key)?.ok_or_else(missing)?;
            if done.key != name {
                if rows::find(tx, name)?.is_some() {
                    let key = name.to_owned();
                    return Err(SnapshotError::Exists { key });
                }
                if rows::child_of(tx, done.number)?.is_some() {
                    return Err(missing());
                }
                rows::rename(tx, done.number, name)?;
            }
            rows::set_labels(tx, done.number, labels, nanoseconds_now())?;
            Ok(())
        })
    }

    /// Refuses what the transaction would refuse, before anything is unmounted.
    fn check_commit(
        &self,
        snapshot: &Snapshot,
        name: &str,
        parent: Option<&str>,
    ) -> Result<(), SnapshotError> {
        is_active(snapshot)?;
        if let (Some(before), Some(parent)) = (&snapshot.parent, parent)
            && before != parent
        {
            return Err(SnapshotError::OtherParent {
                key: snapshot.key.clone(),
                before: before.clone(),
            });
        }
        self.catalog.read(|tx| taken_by(tx, snapshot, name))?;
        Ok(())
    }

    /// Puts a layer of the store on top of an active snapshot. What was written to it before becomes a layer below.
    ///
    /// # Errors
    /// [`SnapshotError`]; the snapshot is as it was, except that it may be unmounted.
    pub fn apply_to_snapshot(
        &self,
        session: &Session<'_>,
        key: &str,
        layer: DiffId,
    ) -> Result<(), SnapshotError> {
        let snapshot = self.snapshot(key)?;
        is_active(&snapshot)?;
        let id = snapshot.layer_id();
        let was_shown = self.is_shown(&id).of_layer(&id)?;
        let written = self.put_away(session, &snapshot)?;
        self.catalog
            .write(|tx| {
                let mut snapshot = found(tx, key)?;
                is_active(&snapshot)?;
                if snapshot.names.is_none() {
                    let names = self.layer_names(tx, layer)?;
                    snapshot.names = Some(names);
                    rows::set_names(tx, snapshot.number, names)?;
                }
                self.take_in(tx, &snapshot, written)?;
                rows::push_layer(tx, snapshot.number, layer)?;
                Ok(())
            })
            .inspect_err(|_: &SnapshotError| self.put_back())?;
        self.tidy(&snapshot);
        if was_shown {
            self.mount_snapshot(key, None)?;
        }
        Ok(())
    }

    /// Unmounts an active snapshot and seals what was written to it.
    fn put_away(
        &self,
        session: &Session<'_>,
        snapshot: &Snapshot,
    ) -> Result<Option<DiffId>, SnapshotError> {
        if !self.has_layer(snapshot)? {
            return Ok(None);
        }
        let id = snapshot.layer_id();
        self.release(&id).of_layer(&id)?;
        let writable = self.open_writable(&id)?;
        match writable.changes()?.is_empty() {
            true => Ok(None),
            false => Ok(Some(session.seal(&writable, None)?.diff_id)),
        }
    }

    /// Makes what [`put_away`](Self::put_away) sealed part of a snapshot, and removes the layer it was written to.
    fn take_in(
        &self,
        tx: &rusqlite::Transaction<'_>,
        snapshot: &Snapshot,
        written: Option<DiffId>,
    ) -> Result<(), SnapshotError> {
        if let Some(written) = written {
            rows::push_layer(tx, snapshot.number, written)?;
            if snapshot.names.is_none() {
                rows::set_names(tx, snapshot.number, Names::Posix)?;
            }
        }
        let id = snapshot.layer_id();
        if catalog::named_layer(tx, &id)?.is_some() {
            catalog::delete_named_layer(tx, &id)?;
            // Renamed before the commit: if that does not happen, recovery puts it back.
            self.discard_if_there(&self.layout.writable(&id))?;
        }
        Ok(())
    }

    /// Deletes what a snapshot has left. What cannot go now is deleted by the next recovery.
    fn tidy(&self, snapshot: &Snapshot) {
        let _ = crate::durable::delete_empty(&self.layout.mount_points(&snapshot.layer_id()));
        let _ = self.empty_trash();
    }

    /// Removes a snapshot, unmounting it; layers that nothing else needs go with it.
    ///
    /// # Errors
    /// [`SnapshotError::HasChild`], [`SnapshotError::NotFound`], or it cannot be unmounted.
    pub fn remove_snapshot(&self, key: &str) -> Result<(), SnapshotError> {
        let snapshot = self.catalog.read(|tx| {
            let snapshot = found(tx, key)?;
            has_no_child(tx, &snapshot)?;
            Ok::<_, SnapshotError>(snapshot)
        })?;
        if self.has_layer(&snapshot)? {
            let id = snapshot.layer_id();
            self.release(&id).of_layer(&id)?;
        }
        self.catalog
            .write(|tx| {
                let snapshot = found(tx, key)?;
                has_no_child(tx, &snapshot)?;
                let layers = rows::own_layers(tx, snapshot.number)?.into_iter().collect();
                self.take_in(tx, &snapshot, None)?;
                rows::delete(tx, snapshot.number)?;
                Ok(self.drop_unused_layers(tx, Some(&layers), &mut Removed::default())?)
            })
            .inspect_err(|_: &SnapshotError| self.put_back())?;
        self.tidy(&snapshot);
        self.drop_chains_without_image()?;
        Ok(())
    }

    /// Tells what a snapshot takes; what it shares with others is counted for each.
    ///
    /// # Errors
    /// [`SnapshotError::NotFound`], or the catalog fails.
    pub fn snapshot_usage(&self, key: &str) -> Result<SnapshotUsage, SnapshotError> {
        let (snapshot, layers) = self.catalog.read(|tx| {
            let snapshot = found(tx, key)?;
            let layers = rows::own_layers(tx, snapshot.number)?;
            Ok::<_, SnapshotError>((snapshot, layers))
        })?;
        let mut usage = SnapshotUsage::default();
        for layer in layers {
            let record = self.layer(layer)?;
            usage.bytes += record.size + record.index_size;
            usage.entries += record.entries;
        }
        let id = snapshot.layer_id();
        if snapshot.kind == SnapshotKind::Active && self.has_layer(&snapshot)? {
            usage.bytes += allocated(&self.layout.writable(&id));
            usage.entries += self.open_writable(&id)?.changes()?.len() as u64;
        }
        Ok(usage)
    }

    /// Says whether a snapshot was mounted once: then it may have been written to.
    fn has_layer(&self, snapshot: &Snapshot) -> Result<bool, SnapshotError> {
        let id = snapshot.layer_id();
        Ok(self
            .catalog
            .read(|tx| catalog::named_layer(tx, &id))?
            .is_some())
    }

    /// Returns the named layer of a snapshot, made now if it has none.
    fn layer_of(
        &self,
        snapshot: &Snapshot,
        bound: Option<u64>,
    ) -> Result<NamedLayer, SnapshotError> {
        let id = snapshot.layer_id();
        let layer = NamedLayer {
            id: id.clone(),
            parent: None,
            kind: match snapshot.kind {
                SnapshotKind::Active => NamedKind::Writable { bound },
                _ => NamedKind::ReadOnly { diff_id: None },
            },
            below: self.snapshot_chain(&snapshot.key)?,
            names: snapshot.names.unwrap_or(Names::Posix),
            config: None,
            held: 0,
            created: now(),
        };
        match self.named(&id) {
            Err(NamedLayerFault::NotFound) => {}
            known => return Ok(known.of_layer(&id)?),
        }
        match self.add_named(layer) {
            // Somebody else was faster.
            Err(NamedLayerFault::Exists) => Ok(self.named_layer(&id)?),
            added => Ok(added.of_layer(&id)?),
        }
    }

    fn layer_names(
        &self,
        tx: &rusqlite::Transaction<'_>,
        layer: DiffId,
    ) -> Result<Names, SnapshotError> {
        let record = catalog::layer(tx, layer)?;
        Ok(record
            .ok_or(crate::store::StoreError::NoLayer(layer))?
            .names)
    }
}

/// Returns the number of the snapshot that a named layer of this name would be of.
pub(crate) fn number_of(layer_id: &str) -> Option<i64> {
    layer_id.strip_prefix(LAYER_PREFIX)?.parse().ok()
}

/// Returns the key of the snapshot that a named layer is of.
pub(crate) fn key_of_layer(
    tx: &rusqlite::Transaction<'_>,
    layer_id: &str,
) -> Result<Option<String>, catalog::CatalogError> {
    match number_of(layer_id) {
        Some(number) => rows::key_of(tx, number),
        None => Ok(None),
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

fn is_active(snapshot: &Snapshot) -> Result<(), SnapshotError> {
    match snapshot.kind {
        SnapshotKind::Active => Ok(()),
        kind => Err(SnapshotError::NotActive {
            key: snapshot.key.clone(),
            kind,
        }),
    }
}

/// Returns what a commit of `snapshot` has made of this name before, if its answer was lost.
///
/// # Errors
/// The name is another snapshot's.
fn taken_by(
    tx: &rusqlite::Transaction<'_>,
    snapshot: &Snapshot,
    name: &str,
) -> Result<Option<Snapshot>, SnapshotError> {
    let Some(before) = rows::find(tx, name)? else {
        return Ok(None);
    };
    let is_own = rows::was(tx, snapshot.number)?.as_deref() == Some(name);
    match is_own && rows::child_of(tx, before.number)?.is_none() {
        true => Ok(Some(before)),
        false => Err(SnapshotError::Exists { key: before.key }),
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
