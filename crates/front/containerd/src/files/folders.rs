//! Snapshots on Windows: layers in the folders of an engine, which clients mount themselves.
//!
//! ```text
//!  committed   rows and sealed layers; each chain of layers is made in the engine once, under its chain's digest
//!  active      a layer of its own over that chain, `snapshot-<number>`, once it can be written to
//!  unpacked    a row alone: its layer goes into the store, and into the engine when it is committed
//! ```
//!
//! A parent may be known at the commit only, and what a layer is in the engine depends on it.

mod chain;
mod usage;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use transom_driver::{Driver, DriverError, Engine, Id};
use transom_layer::{DiffId, Names};
use transom_ntmeta::filetime::UnixTime;
use transom_sealed::{
    Commit, LayerRequest, Session, Snapshot, SnapshotError, SnapshotKind, SnapshotUsage, Store,
};

use super::{Files, FilesError, Result, access, is_to_unpack, windows_layer};
use crate::proto::types::Mount;
use crate::snapshots::size;

/// The label that asks for a disk of a utility VM as well (containerd, plugins/snapshots/windows).
const VM_SCRATCH: &str = "containerd.io/snapshot/io.microsoft.vm.storage.scratch";

/// What ends a tar that has nothing in it.
const EMPTY_TAR: [u8; 1024] = [0; 1024];

/// The files of snapshots as an engine has them in one folder, which is nobody else's.
pub(crate) struct Folders<E: Engine> {
    store: Arc<Store>,
    driver: Driver<E>,
    home: PathBuf,
    /// Held while layers of chains are made, until a snapshot has them, and while those go that none has.
    making: Mutex<()>,
    /// Held while a layer that is written to is made or removed.
    writing: Mutex<()>,
}

fn lock(mutex: &Mutex<()>) -> MutexGuard<'_, ()> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<E: Engine> Folders<E> {
    /// Takes the engine that has its layers in `home`, and removes those that no snapshot needs.
    pub(crate) fn open(store: Arc<Store>, driver: Driver<E>, home: PathBuf) -> Self {
        let folders = Self {
            store,
            driver,
            home,
            making: Mutex::default(),
            writing: Mutex::default(),
        };
        // What cannot go now is tried again when the next snapshot goes.
        let _ = folders.remove_unneeded();
        folders
    }

    /// Makes the layer that is written to, over `top`, unless it is there.
    fn make_written(&self, snapshot: &Snapshot, top: &Id) -> Result<()> {
        let id = written_id(snapshot)?;
        let _writing = lock(&self.writing);
        if !self.store.is_current_snapshot(snapshot)? {
            let key = snapshot.key.clone();
            return Err(SnapshotError::NotFound { key }.into());
        }
        if !self.driver.exists(&id)? {
            let size = size::of(&snapshot.labels).map(|bytes| ("size", bytes.to_string()));
            self.driver.create_writable(&id, Some(top), size)?;
        }
        Ok(())
    }

    /// Imports what was written to a snapshot.
    fn put_away(&self, session: &Session<'_>, snapshot: &Snapshot) -> Result<Option<DiffId>> {
        let id = written_id(snapshot)?;
        if !self.driver.exists(&id)? {
            return Ok(None);
        }
        let request = LayerRequest::new(&snapshot.key, Names::Windows);
        let imported = session.import_layer(self.driver.diff(&id)?, &request, &|_| {})?;
        Ok(Some(imported.diff_id))
    }

    fn remove_written(&self, snapshot: &Snapshot) -> Result<()> {
        let _writing = lock(&self.writing);
        Ok(self.driver.remove(&written_id(snapshot)?)?)
    }

    /// Says whether a client may have written to a snapshot.
    fn is_written_to(&self, snapshot: &Snapshot) -> Result<bool> {
        let is_active = snapshot.kind == SnapshotKind::Active;
        Ok(is_active && self.driver.exists(&written_id(snapshot)?)?)
    }
}

impl<E: Engine> Files for Folders<E> {
    fn store(&self) -> &Store {
        &self.store
    }

    fn mounts_of(&self, snapshot: &Snapshot) -> Result<Vec<Mount>> {
        if snapshot.labels.contains_key(VM_SCRATCH) {
            let text = format!("label {VM_SCRATCH}: disks of utility VMs are not made here");
            return Err(FilesError::Refused(text));
        }
        let layers = self.make_chain(&self.store.snapshot_chain(&snapshot.key)?)?;
        if let Some(top) = layers.last()
            && !is_to_unpack(&snapshot.key)
        {
            self.make_written(snapshot, top)?;
        }
        let mut parents = Vec::new();
        for id in layers.iter().rev() {
            let folder = self.driver.layer_path(id)?;
            parents.push(folder.to_string_lossy().into_owned());
        }
        let source = self.home.join(snapshot.written_to());
        // A layer without parents has no such option.
        let parents = (!parents.is_empty()).then_some(parents);
        Ok(windows_layer(&source, access(snapshot), parents))
    }

    fn snapshot_at(&self, source: &Path) -> Result<Option<String>> {
        let name = source.file_name().and_then(|name| name.to_str());
        match name {
            Some(name) if self.home.join(name) == source => {
                Ok(self.store.snapshot_of_layer(name)?)
            }
            _ => Ok(None),
        }
    }

    fn commit(&self, key: &str, commit: &Commit<'_>) -> Result<()> {
        // Until the snapshot has them, nothing else says that its layers are needed.
        let making = lock(&self.making);
        let mut committed = None;
        self.store
            .commit_snapshot_elsewhere(key, commit, |session, snapshot| {
                let written = self.put_away(session, snapshot)?;
                let mut chain = self.store.chain_below_snapshot(snapshot, commit.parent)?;
                chain.extend(self.store.layers_of_snapshot(snapshot)?);
                chain.extend(written);
                self.make_missing(&chain, &making)?;
                committed = Some(snapshot.clone());
                Ok::<_, FilesError>(written)
            })?;
        drop(making);
        if let Some(snapshot) = committed {
            // What cannot go now goes when the layers are looked through: a committed snapshot has no such layer.
            let _ = self.remove_written(&snapshot);
        }
        Ok(())
    }

    fn remove(&self, key: &str) -> Result<()> {
        self.store
            .remove_snapshot_elsewhere(key, |snapshot| self.remove_written(snapshot))?;
        // A layer that cannot go now is in nobody's way.
        let _ = self.remove_unneeded();
        Ok(())
    }

    fn usage(&self, key: &str) -> Result<SnapshotUsage> {
        let mut usage = self.store.snapshot_layers_usage(key)?;
        let written = usage::of(&self.home.join(self.store.snapshot(key)?.written_to()));
        usage.bytes += written.bytes;
        usage.entries += written.entries;
        Ok(usage)
    }

    fn clean_up(&self) -> Result<()> {
        self.remove_unneeded()?;
        self.driver.cleanup()?;
        Ok(self.store.empty_trash()?)
    }

    fn apply(&self, session: &Session<'_>, key: &str, layer: DiffId) -> Result<()> {
        let record = self.store.layer(layer)?;
        if record.names != Names::Windows {
            let text = format!("layer {layer} is of no image for Windows");
            return Err(FilesError::Refused(text));
        }
        let snapshot = self.store.snapshot(key)?;
        if self.is_written_to(&snapshot)? {
            // Even one that nobody has touched tells of changes, and what is on top of a layer is no layer's.
            let text = format!(
                "snapshot {key} can be written to: layers are unpacked into those whose name begins with extract-"
            );
            return Err(FilesError::Refused(text));
        }
        Ok(self
            .store
            .apply_to_snapshot_elsewhere(session, key, layer)?)
    }

    /// Writes a layer as it came, or what the engine tells of what was written; `latest` changes neither.
    fn write_difference(
        &self,
        lower: Option<&str>,
        upper: &str,
        _: Option<UnixTime>,
        out: &mut dyn Write,
    ) -> Result<()> {
        let below = match lower {
            Some(lower) => {
                if self.is_written_to(&self.store.snapshot(lower)?)? {
                    let text = format!("snapshot {lower} can be written to: compare with a view");
                    return Err(FilesError::Refused(text));
                }
                self.store.snapshot_chain(lower)?
            }
            None => Vec::new(),
        };
        let snapshot = self.store.snapshot(upper)?;
        let layers = self.store.snapshot_chain(upper)?;
        let is_written_to = self.is_written_to(&snapshot)?;
        let copied = match layers.strip_prefix(below.as_slice()) {
            Some([]) if is_written_to => {
                io::copy(&mut self.driver.diff(&written_id(&snapshot)?)?, out).map(drop)
            }
            Some([]) => out.write_all(&EMPTY_TAR),
            Some([layer]) if !is_written_to => {
                io::copy(&mut self.store.layer_tar(*layer)?, out).map(drop)
            }
            _ => {
                let lower = lower.unwrap_or("nothing");
                return Err(FilesError::Refused(format!(
                    "snapshot {upper} differs from {lower} by more than one layer: on Windows only a snapshot and what it was made from are compared"
                )));
            }
        };
        copied.map_err(|source| FilesError::Io {
            doing: format!("write the difference of {upper}"),
            source,
        })
    }
}

/// The layer of the engine that is written to.
fn written_id(snapshot: &Snapshot) -> Result<Id> {
    plain_id(&snapshot.written_to())
}

fn plain_id(text: &str) -> Result<Id> {
    Id::new(text).map_err(|error| FilesError::Refused(error.to_string()))
}

/// Says whether an engine has refused to remove a layer that others are built on.
fn is_in_use(error: &DriverError) -> bool {
    error.kind() == transom_driver::ErrorKind::InUse
}
