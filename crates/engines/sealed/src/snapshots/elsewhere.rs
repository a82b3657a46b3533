//! Snapshots whose files another engine keeps: their rows and layers are kept here, what is written to them is not.

use transom_layer::{DiffId, Names};

use super::commit::Commit;
use super::{SnapshotError, found};
use crate::catalog::snapshot::{self as rows, Snapshot};
use crate::store::{Session, Store};

impl Snapshot {
    /// Returns what the layer is called that holds what is written to it. No other snapshot ever has one of that name.
    pub fn written_to(&self) -> String {
        self.layer_id()
    }

    /// Says whether a name is of the form that [`written_to`](Self::written_to) gives.
    pub fn is_written_to_name(name: &str) -> bool {
        rows::number_of_layer(name).is_some()
    }
}

impl Store {
    /// Returns the layers of what a snapshot was made from, or is to be made from by a commit, base first.
    ///
    /// # Errors
    /// [`SnapshotError::NoParent`], or the catalog fails.
    pub fn chain_below_snapshot(
        &self,
        snapshot: &Snapshot,
        parent: Option<&str>,
    ) -> Result<Vec<DiffId>, SnapshotError> {
        let Some(parent) = snapshot.parent.as_deref().or(parent) else {
            return Ok(Vec::new());
        };
        match self.snapshot_chain(parent) {
            Err(SnapshotError::NotFound { key }) => Err(SnapshotError::NoParent { parent: key }),
            chain => chain,
        }
    }

    /// Returns the layers that a snapshot itself adds, lowest first.
    ///
    /// # Errors
    /// The catalog fails.
    pub fn layers_of_snapshot(&self, snapshot: &Snapshot) -> Result<Vec<DiffId>, SnapshotError> {
        Ok(self
            .catalog
            .read(|tx| rows::own_layers(tx, snapshot.number))?)
    }

    /// Returns the chains of all snapshots, each base first.
    ///
    /// # Errors
    /// The catalog fails.
    pub fn snapshot_chains(&self) -> Result<Vec<Vec<DiffId>>, SnapshotError> {
        Ok(self.catalog.read(rows::all_chains)?)
    }

    /// Puts a layer of the store on top of an active snapshot, which the caller has seen to have nothing written to it.
    ///
    /// # Errors
    /// [`SnapshotError`]; the snapshot is as it was.
    pub fn apply_to_snapshot_elsewhere(
        &self,
        _: &Session<'_>,
        key: &str,
        layer: DiffId,
    ) -> Result<(), SnapshotError> {
        self.apply_by(key, layer, |_, _| Ok(()))
    }

    /// Makes an active snapshot a committed one. `put_away` imports what was written to it, and returns that layer.
    ///
    /// # Errors
    /// [`SnapshotError`], or `put_away` fails; the snapshot is as it was.
    pub fn commit_snapshot_elsewhere<E: From<SnapshotError>>(
        &self,
        key: &str,
        commit: &Commit<'_>,
        put_away: impl FnOnce(&Session<'_>, &Snapshot) -> Result<Option<DiffId>, E>,
    ) -> Result<(), E> {
        self.commit_by(key, commit, put_away, |tx, snapshot, written| {
            if let Some(written) = written {
                rows::push_layer(tx, snapshot.number, written)?;
                rows::set_names(
                    tx,
                    snapshot.number,
                    snapshot.names.unwrap_or(Names::Windows),
                )?;
            }
            Ok(())
        })
    }

    /// Removes a snapshot, and the layers that nothing else needs. `release` removes what was written to it first.
    ///
    /// # Errors
    /// [`SnapshotError::HasChild`], [`SnapshotError::NotFound`], or `release` fails; the snapshot is still there.
    pub fn remove_snapshot_elsewhere<E: From<SnapshotError>>(
        &self,
        key: &str,
        release: impl FnOnce(&Snapshot) -> Result<(), E>,
    ) -> Result<(), E> {
        self.remove_by(key, release, |_, _| Ok(()))?;
        self.drop_unused_chains().map_err(SnapshotError::from)?;
        Ok(())
    }

    /// Says whether a snapshot is still there as it was read.
    ///
    /// # Errors
    /// The catalog fails.
    pub fn is_current_snapshot(&self, snapshot: &Snapshot) -> Result<bool, SnapshotError> {
        match self.catalog.read(|tx| found(tx, &snapshot.key)) {
            Ok(now) => Ok((now.number, now.kind) == (snapshot.number, snapshot.kind)),
            Err(SnapshotError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
