//! The layers of chains in the engine: made when a snapshot needs them, removed when none does.

use std::collections::HashSet;
use std::io::BufReader;
use std::sync::{MutexGuard, TryLockError};

use transom_driver::{Engine, Id};
use transom_layer::{ChainId, DiffId};
use transom_sealed::{Snapshot, SnapshotKind};

use super::{Folders, is_in_use, lock, plain_id};
use crate::files::{FilesError, Result};

impl<E: Engine> Folders<E> {
    /// Makes what is missing of a chain that a snapshot has, and returns its layers, base first.
    pub(super) fn make_chain(&self, chain: &[DiffId]) -> Result<Vec<Id>> {
        let layers = ids_of(chain)?;
        let mut is_missing = false;
        for id in &layers {
            is_missing |= !self.is_made(id)?;
        }
        if is_missing {
            self.make_missing(chain, &lock(&self.making))?;
        }
        Ok(layers)
    }

    /// Makes what is missing of a chain.
    pub(super) fn make_missing(&self, chain: &[DiffId], _: &MutexGuard<'_, ()>) -> Result<()> {
        let mut parent: Option<Id> = None;
        for (layer, id) in chain.iter().zip(ids_of(chain)?) {
            if !self.is_made(&id)? {
                if !self.driver.exists(&id)? {
                    self.driver.create(&id, parent.as_ref())?;
                }
                let mut tar = BufReader::new(self.store.layer_tar(*layer)?);
                self.driver.apply_diff(&id, parent.as_ref(), &mut tar)?;
            }
            parent = Some(id);
        }
        Ok(())
    }

    /// Says whether a layer is there with all that is in it.
    fn is_made(&self, id: &Id) -> Result<bool> {
        if !self.driver.exists(id)? {
            return Ok(false);
        }
        let folder = self.driver.layer_path(id)?;
        transom_hcs::is_filled(&folder).map_err(|source| FilesError::Io {
            doing: format!("look into {}", folder.display()),
            source,
        })
    }

    /// Removes the layers that no snapshot needs, unless some are being made.
    pub(super) fn remove_unneeded(&self) -> Result<()> {
        let _making = match self.making.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(()),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Ok(guard) => guard,
        };
        let _writing = lock(&self.writing);
        // First what is there: whatever is made after that is not looked at.
        let mut left = self.layers()?;
        let needed = self.needed()?;
        left.retain(|id| !needed.contains(id.as_str()));
        loop {
            let before = left.len();
            let mut failure = None;
            let mut others = Vec::new();
            for id in left {
                if let Err(error) = self.driver.remove(&id) {
                    // That others are built on a layer tells less than why those cannot go.
                    if failure.is_none() || !is_in_use(&error) {
                        failure = Some(error);
                    }
                    others.push(id);
                }
            }
            left = others;
            match failure {
                None => return Ok(()),
                Some(error) if left.len() == before => return Err(error.into()),
                // What was built on some of them is gone.
                Some(_) => {}
            }
        }
    }

    /// Lists the layers that snapshots have, or have had.
    fn layers(&self) -> Result<Vec<Id>> {
        let failed = |source| FilesError::Io {
            doing: format!("list {}", self.home.display()),
            source,
        };
        let mut layers = Vec::new();
        for entry in std::fs::read_dir(&self.home).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let is_ours = |name: &&str| {
                Snapshot::is_written_to_name(name)
                    || name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
            };
            if let Some(name) = name.to_str().filter(is_ours) {
                layers.push(plain_id(name)?);
            }
        }
        Ok(layers)
    }

    fn needed(&self) -> Result<HashSet<String>> {
        let mut needed = HashSet::new();
        for chain in self.store.snapshot_chains()? {
            needed.extend(ids_of(&chain)?.iter().map(|id| id.as_str().to_owned()));
        }
        for snapshot in self.store.snapshots()? {
            if snapshot.kind != SnapshotKind::Committed {
                needed.insert(snapshot.written_to());
            }
        }
        Ok(needed)
    }
}

/// What the layers of a chain are called, base first.
fn ids_of(chain: &[DiffId]) -> Result<Vec<Id>> {
    (1..=chain.len())
        .filter_map(|end| ChainId::of(&chain[..end]))
        .map(|chain| plain_id(&chain.digest().hex()))
        .collect()
}
