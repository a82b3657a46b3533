//! What is in a snapshot that is not committed yet: layers, and the named layer that takes what is written.

use std::path::{Path, PathBuf};

use transom_layer::{DiffId, Names};

use super::commit::Commit;
use super::{SnapshotError, SnapshotUsage, is_active};
use crate::catalog::snapshot::{self as rows, Snapshot, SnapshotKind};
use crate::catalog::{self, NamedKind, NamedLayer};
use crate::space::allocated;
use crate::store::{Session, Store, now};
use crate::writable::{NamedLayerFault, OfLayer};

impl Store {
    /// Mounts an active snapshot or a view, unless it is, and returns the folder: the root of a Linux image, `C:\`
    /// of a Windows one. With `bound`, what is written to a new one is limited to as many bytes.
    ///
    /// It stays mounted until the snapshot is committed or removed.
    ///
    /// # Errors
    /// [`SnapshotError::Committed`], or the kernel refuses.
    pub fn mount_snapshot(&self, key: &str, bound: Option<u64>) -> Result<PathBuf, SnapshotError> {
        let layer = loop {
            let snapshot = self.snapshot(key)?;
            if snapshot.kind == SnapshotKind::Committed {
                let key = key.to_owned();
                return Err(SnapshotError::Committed { key });
            }
            match self.layer_of(&snapshot, bound) {
                Err(NamedLayerFault::SnapshotChanged { .. }) => {}
                layer => break layer.of_layer(&snapshot.layer_id())?,
            }
        };
        let id = layer.id.clone();
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
        let id = path
            .parent()
            .and_then(|parent| parent.file_name()?.to_str());
        match id {
            Some(id) if self.volume_of(id) == path => {
                Ok(self.catalog.read(|tx| rows::key_of_layer(tx, id))?)
            }
            _ => Ok(None),
        }
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
        self.apply_by(key, layer, |tx, snapshot| {
            self.take_in(tx, snapshot, written)
        })?;
        self.tidy(&snapshot);
        if was_shown {
            self.mount_snapshot(key, None)?;
        }
        Ok(())
    }

    /// Makes an active snapshot a committed one, with another name and only these labels. What was written to it
    /// becomes a layer. One without a parent may get one now: what it adds need not have been told against it.
    ///
    /// A caller that never heard the answer may commit it again, by another name, too: containerd gives each try
    /// one of its own.
    ///
    /// # Errors
    /// [`SnapshotError`]; the snapshot is as it was, except that it may be unmounted.
    pub fn commit_snapshot(&self, key: &str, commit: &Commit<'_>) -> Result<(), SnapshotError> {
        let mut committed = None;
        let put_away = |session: &Session<'_>, snapshot: &Snapshot| {
            committed = Some(snapshot.clone());
            self.put_away(session, snapshot)
        };
        self.commit_by(key, commit, put_away, |tx, snapshot, written| {
            self.take_in(tx, snapshot, written)
        })?;
        // One that was committed before has left nothing.
        committed.iter().for_each(|snapshot| self.tidy(snapshot));
        Ok(())
    }

    /// Removes a snapshot, unmounting it; layers that nothing else needs go with it.
    ///
    /// # Errors
    /// [`SnapshotError::HasChild`], [`SnapshotError::NotFound`], or it cannot be unmounted.
    pub fn remove_snapshot(&self, key: &str) -> Result<(), SnapshotError> {
        let release = |snapshot: &Snapshot| {
            if self.has_layer(snapshot)? {
                let id = snapshot.layer_id();
                self.release(&id).of_layer(&id)?;
            }
            Ok::<_, SnapshotError>(())
        };
        let removed = self.remove_by(key, release, |tx, snapshot| {
            self.take_in(tx, snapshot, None)
        })?;
        self.tidy(&removed);
        self.drop_unused_chains()?;
        Ok(())
    }

    /// Tells what a snapshot takes; what it shares with others is counted for each.
    ///
    /// # Errors
    /// [`SnapshotError::NotFound`], or the catalog fails.
    pub fn snapshot_usage(&self, key: &str) -> Result<SnapshotUsage, SnapshotError> {
        let mut usage = self.snapshot_layers_usage(key)?;
        let snapshot = self.snapshot(key)?;
        if snapshot.kind == SnapshotKind::Active && self.has_layer(&snapshot)? {
            let id = snapshot.layer_id();
            usage.bytes += allocated(&self.layout.writable(&id));
            usage.entries += self.open_writable(&id)?.changes()?.len() as u64;
        }
        Ok(usage)
    }

    /// Unmounts an active snapshot and seals what was written to it.
    pub(super) fn put_away(
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
    pub(super) fn take_in(
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
        if let Some(layer) = catalog::named_layer(tx, &id)? {
            if layer.held > 0 {
                // It was mounted since it was put away: what is written there now is in no layer.
                let at = self.volume_of(&id);
                return Err(NamedLayerFault::Mounted { at }).of_layer(&id)?;
            }
            catalog::delete_named_layer(tx, &id)?;
            // Renamed before the commit: if that does not happen, recovery puts it back.
            self.discard_if_there(&self.layout.writable(&id))?;
        }
        Ok(())
    }

    /// Deletes what a snapshot has left. What cannot go now is deleted by the next recovery.
    pub(super) fn tidy(&self, snapshot: &Snapshot) {
        let _ = crate::durable::delete_empty(&self.layout.mount_points(&snapshot.layer_id()));
        let _ = self.empty_trash();
    }

    /// Says whether a snapshot was mounted once: then it may have been written to.
    pub(super) fn has_layer(&self, snapshot: &Snapshot) -> Result<bool, SnapshotError> {
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
    ) -> Result<NamedLayer, NamedLayerFault> {
        let id = snapshot.layer_id();
        match self.named(&id) {
            Err(NamedLayerFault::NotFound) => {}
            known => return known,
        }
        let layer = self.new_layer_of(snapshot, bound)?;
        match self.add_layer_of(snapshot, layer) {
            // Somebody else was faster.
            Err(NamedLayerFault::Exists) => self.named(&id),
            added => added,
        }
    }

    /// Says what the named layer of a snapshot has to be like.
    pub(super) fn new_layer_of(
        &self,
        snapshot: &Snapshot,
        bound: Option<u64>,
    ) -> Result<NamedLayer, NamedLayerFault> {
        Ok(NamedLayer {
            id: snapshot.layer_id(),
            parent: None,
            kind: match snapshot.kind {
                SnapshotKind::Active => NamedKind::Writable { bound },
                _ => NamedKind::ReadOnly { diff_id: None },
            },
            below: self.catalog.read(|tx| rows::chain(tx, snapshot.number))?,
            names: snapshot.names.unwrap_or(Names::Posix),
            config: None,
            held: 0,
            created: now(),
        })
    }

    /// Makes the named layer of a snapshot, unless the snapshot is another one by now: a committed snapshot, or one
    /// with one more layer, has to have none.
    pub(super) fn add_layer_of(
        &self,
        snapshot: &Snapshot,
        layer: NamedLayer,
    ) -> Result<NamedLayer, NamedLayerFault> {
        let below = layer.below.clone();
        self.add_named_if(layer, |tx| {
            let is_same = rows::find(tx, &snapshot.key)?.is_some_and(|now| {
                (now.number, now.kind, now.names)
                    == (snapshot.number, snapshot.kind, snapshot.names)
            });
            match is_same && rows::chain(tx, snapshot.number)? == below {
                true => Ok(()),
                false => Err(NamedLayerFault::SnapshotChanged {
                    key: snapshot.key.clone(),
                }),
            }
        })
    }
}
