//! From an active snapshot to a committed one.

use std::collections::BTreeMap;

use transom_layer::DiffId;

use super::{SnapshotError, committed_parent, found, is_active, nanoseconds_now};
use crate::catalog::snapshot::{self as rows, Snapshot};
use crate::store::{Session, Store};

/// What a commit is to make.
#[derive(Debug, Clone, Copy)]
pub struct Commit<'a> {
    /// The name of the committed snapshot.
    pub name: &'a str,
    /// The parent of one that has none yet: what it adds need not have been told against it.
    pub parent: Option<&'a str>,
    /// All labels that it has then.
    pub labels: &'a BTreeMap<String, String>,
}

impl Store {
    /// Makes an active snapshot a committed one, with another name and only these labels. `put_away` makes a layer of
    /// what was written to it; `take_in` adds that to the snapshot.
    ///
    /// A caller that never heard the answer may commit it again, by another name, too: containerd gives each try
    /// one of its own.
    pub(super) fn commit_by<E: From<SnapshotError>>(
        &self,
        key: &str,
        commit: &Commit<'_>,
        put_away: impl FnOnce(&Session<'_>, &Snapshot) -> Result<Option<DiffId>, E>,
        take_in: impl FnOnce(
            &rusqlite::Transaction<'_>,
            &Snapshot,
            Option<DiffId>,
        ) -> Result<(), SnapshotError>,
    ) -> Result<(), E> {
        let Commit {
            name,
            parent,
            labels,
        } = *commit;
        let snapshot = match self.snapshot(key) {
            Err(SnapshotError::NotFound { .. }) => {
                return Ok(self.commit_again(name, key, labels)?);
            }
            found => found?,
        };
        self.check_commit(&snapshot, name, parent)?;
        let session = self.session().map_err(SnapshotError::from)?;
        let written = put_away(&session, &snapshot)?;
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
                take_in(tx, &snapshot, written)?;
                let parent = parent.map(|parent| parent.number);
                rows::commit(tx, snapshot.number, name, parent, labels, nanoseconds_now())?;
                Ok(())
            })
            .inspect_err(|_: &SnapshotError| self.put_back())?;
        Ok(())
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
