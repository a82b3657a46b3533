//! Commits of which the client may never have heard, because the process that served it died.
//!
//! containerd then still knows the active snapshot, tries to commit that again, and removes the committed one as one
//! that nobody knows: what was written would be lost. So after such a death there are both: the committed snapshot,
//! and the active one with the same layers. Whichever of them containerd does not know, its garbage collection removes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{SnapshotError, nanoseconds_now};
use crate::catalog::snapshot::{self as rows, Snapshot, SnapshotKind};
use crate::store::Store;

/// An answer takes far less than this to be heard. Commits that were followed by anything later are not in doubt.
const DOUBT: Duration = Duration::from_secs(10);

impl Store {
    /// To be called before snapshots are served: makes the active ones again whose commit was one of the last things
    /// that a process did which was not [told to end](Self::answers_were_heard). Returns how many.
    ///
    /// # Errors
    /// The catalog fails.
    pub fn bring_back_active_snapshots(&self) -> Result<usize, SnapshotError> {
        self.catalog.write(|tx| {
            let snapshots = rows::all(tx)?;
            let times = snapshots.iter().map(|snapshot| snapshot.updated);
            let last = times.max().unwrap_or_default();
            let doubt = i64::try_from(DOUBT.as_nanos()).unwrap_or(i64::MAX);
            let mut count = 0;
            for done in snapshots {
                let Some(key) = rows::was(tx, done.number)? else {
                    continue;
                };
                let is_in_doubt = last - done.created < doubt
                    && rows::find(tx, &key)?.is_none()
                    && rows::child_of(tx, done.number)?.is_none();
                if is_in_doubt {
                    bring_back(tx, &done, key)?;
                    count += 1;
                }
            }
            rows::forget_keys(tx)?;
            Ok(count)
        })
    }

    /// Repeats a commit that was done, unless others have built on it by its first name.
    pub(super) fn commit_again(
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

    /// To be called when the last client was answered.
    ///
    /// # Errors
    /// The catalog fails.
    pub fn answers_were_heard(&self) -> Result<(), SnapshotError> {
        Ok(self.catalog.write(rows::forget_keys)?)
    }
}

fn bring_back(
    tx: &rusqlite::Transaction<'_>,
    done: &Snapshot,
    key: String,
) -> Result<(), SnapshotError> {
    let parent = match &done.parent {
        Some(parent) => rows::find(tx, parent)?.map(|parent| parent.number),
        None => None,
    };
    let active = Snapshot {
        key,
        kind: SnapshotKind::Active,
        ..done.clone()
    };
    let number = rows::insert(tx, &active, parent)?;
    for layer in rows::own_layers(tx, done.number)? {
        rows::push_layer(tx, number, layer)?;
    }
    // By that key it may be committed again.
    rows::set_was(tx, number, &done.key)?;
    Ok(())
}
