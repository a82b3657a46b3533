//! An engine of plain maps: the oracle that other engines are compared with, and a test double.
//!
//! It keeps the whole contract of [`Engine`] and checks it strictly: a step in the wrong state is an error. Mounts are
//! real folders with the content of `Files`, so code that knows nothing of it can read and write them. Layers are true
//! layer tars; they are stacked as hcsshim stacks them: names in any case, whiteouts last.
//!
//! What it does not do: it knows names, kinds and content, no security and no times; alternate streams are kept in the
//! tar that brought them and nowhere else; symbolic links and junctions are refused; everything is in memory; a size
//! is noted but not enforced; what is written into a mounted read-only layer is forgotten.
//!
//! Clones share the layers. A driver that is dropped and opened again over a clone is a process that was restarted.

mod faults;
mod folder;
mod state;
mod tar;
mod tree;

pub use faults::{Call, FaultPlan, Gate};
pub use state::Snapshot;

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use tempfile::TempDir;

use crate::sync::{Mutex, MutexGuard};
use crate::{Change, ChangeKind, Engine, EngineError, ErrorKind, Exports, Id, Step};
use state::{State, Stored};

/// What [`MemoryEngine`] fails with.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct MemoryError {
    kind: ErrorKind,
    text: String,
}

impl MemoryError {
    fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
        }
    }
}

impl EngineError for MemoryError {
    fn kind(&self) -> ErrorKind {
        self.kind
    }
}

type Result<T> = std::result::Result<T, MemoryError>;

/// The engine in memory. See [the module](self).
#[derive(Debug, Clone)]
pub struct MemoryEngine {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    exports: Exports,
    state: Mutex<State>,
    faults: FaultPlan,
    mounts: TempDir,
}

impl MemoryEngine {
    /// Starts without layers, with a temporary folder for mounts.
    ///
    /// # Panics
    /// If there can be no temporary folder.
    pub fn new(exports: Exports) -> Self {
        Self {
            shared: Arc::new(Shared {
                exports,
                state: Mutex::default(),
                faults: FaultPlan::default(),
                mounts: tempfile::tempdir().expect("tests have a folder for temporary files"),
            }),
        }
    }

    /// Returns the plan of steps that fail or block, and the record of steps that were called.
    pub fn faults(&self) -> &FaultPlan {
        &self.shared.faults
    }

    /// Returns all that is stored now, for comparing with later.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.state())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn meet(&self, step: Step, id: &Id) -> Result<()> {
        self.shared.faults.meet(step, Some(id))
    }

    fn folder(&self, id: &Id) -> PathBuf {
        self.shared.mounts.path().join(id.as_str())
    }

    fn make(&self, id: &Id, parent: Option<&Id>, layer: Stored) -> Result<()> {
        let parent = parent.cloned();
        self.state().insert(id, Stored { parent, ..layer })
    }

    /// Notes what was written into the mount of a writable layer.
    fn take_in(&self, state: &mut State, id: &Id) -> Result<()> {
        if state.layer(id)?.is_writable {
            let tree = folder::scan(&self.folder(id), &state.tree(id)?)?;
            state.layer_mut(id)?.tree = Some(tree);
        }
        Ok(())
    }

    /// Returns the state, with what is in the layer's mount taken in, if the layer may be exported in its present state.
    fn readable(&self, id: &Id) -> Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        let layer = state.layer(id)?;
        let is_prepared = layer.is_prepared;
        if self.shared.exports == Exports::Unprepared && (!layer.is_active || is_prepared) {
            return Err(wrong_state(id, "exported", "active and not prepared"));
        }
        if is_prepared {
            self.take_in(&mut state, id)?;
        }
        Ok(state)
    }
}

fn wrong_state(id: &Id, verb: &str, needed: &str) -> MemoryError {
    MemoryError::new(
        ErrorKind::Invalid,
        format!("layer {id} cannot be {verb}: it is not {needed}"),
    )
}

impl Engine for MemoryEngine {
    type Error = MemoryError;

    fn exports(&self) -> Exports {
        self.shared.exports
    }

    fn exists(&self, id: &Id) -> Result<bool> {
        self.meet(Step::Exists, id)?;
        Ok(self.state().layer(id).is_ok())
    }

    fn create(&self, id: &Id, parent: Option<&Id>) -> Result<()> {
        self.meet(Step::Create, id)?;
        self.make(id, parent, Stored::default())
    }

    fn create_writable(&self, id: &Id, parent: Option<&Id>, size: Option<u64>) -> Result<()> {
        self.meet(Step::CreateWritable, id)?;
        if size == Some(0) {
            let text = format!("layer {id} cannot be made: a size of 0 is none");
            return Err(MemoryError::new(ErrorKind::Invalid, text));
        }
        let layer = Stored {
            is_writable: true,
            size,
            ..Stored::default()
        };
        self.make(id, parent, layer)
    }

    fn activate(&self, id: &Id) -> Result<()> {
        self.meet(Step::Activate, id)?;
        let mut state = self.state();
        let layer = state.layer_mut(id)?;
        if layer.is_active {
            return Err(wrong_state(id, "activated", "inactive"));
        }
        layer.is_active = true;
        Ok(())
    }

    fn prepare(&self, id: &Id) -> Result<()> {
        self.meet(Step::Prepare, id)?;
        let mut state = self.state();
        let layer = state.layer(id)?;
        if !layer.is_active || layer.is_prepared {
            return Err(wrong_state(id, "prepared", "active and unprepared"));
        }
        folder::fill(&self.folder(id), &state.tree(id)?)?;
        state.layer_mut(id)?.is_prepared = true;
        Ok(())
    }

    fn unprepare(&self, id: &Id) -> Result<()> {
        self.meet(Step::Unprepare, id)?;
        let mut state = self.state();
        if !state.layer(id)?.is_prepared {
            return Err(wrong_state(id, "unprepared", "prepared"));
        }
        self.take_in(&mut state, id)?;
        folder::delete(&self.folder(id))?;
        state.layer_mut(id)?.is_prepared = false;
        Ok(())
    }

    fn deactivate(&self, id: &Id) -> Result<()> {
        self.meet(Step::Deactivate, id)?;
        let mut state = self.state();
        let layer = state.layer_mut(id)?;
        if !layer.is_active {
            return Err(wrong_state(id, "deactivated", "active"));
        }
        layer.is_active = false;
        Ok(())
    }

    fn mount_path(&self, id: &Id) -> Result<PathBuf> {
        self.meet(Step::MountPath, id)?;
        if !self.state().layer(id)?.is_prepared {
            return Err(wrong_state(id, "found", "prepared"));
        }
        Ok(self.folder(id))
    }

    fn destroy(&self, id: &Id) -> Result<()> {
        self.meet(Step::Destroy, id)?;
        self.state().remove(id)
    }

    fn import(&self, id: &Id, source: &mut dyn Read) -> Result<u64> {
        let below = {
            let state = self.state();
            let layer = state.layer(id)?;
            if layer.is_writable || layer.tar.is_some() {
                return Err(wrong_state(id, "filled", "read-only and empty"));
            }
            match &layer.parent {
                Some(parent) => Some(state.tree(parent)?),
                None => None,
            }
        };
        let imported = tar::read(source, below.as_ref())?;
        self.meet(Step::Import, id)?;
        let mut state = self.state();
        let layer = state.layer_mut(id)?;
        layer.tar = Some(imported.tar.into());
        layer.tree = Some(imported.tree);
        Ok(imported.bytes)
    }

    /// A fault that is planned for this step comes when half of the tar is written.
    fn export(&self, id: &Id, out: &mut dyn Write) -> Result<()> {
        let tar = self.readable(id)?.tar(id)?;
        let (first, second) = tar.split_at(tar.len() / 2);
        let mut put = |bytes: &[u8]| {
            out.write_all(bytes)
                .and_then(|()| out.flush())
                .map_err(|error| MemoryError::new(ErrorKind::Other, error.to_string()))
        };
        put(first)?;
        self.meet(Step::Export, id)?;
        put(second)
    }

    fn changes(&self, id: &Id) -> Result<Vec<Change>> {
        self.meet(Step::Changes, id)?;
        let state = self.readable(id)?;
        Ok(tree::differences(&state.parent_tree(id)?, &state.tree(id)?))
    }

    fn diff_size(&self, id: &Id) -> Result<u64> {
        self.meet(Step::DiffSize, id)?;
        let state = self.readable(id)?;
        let (below, own) = (state.parent_tree(id)?, state.tree(id)?);
        match &state.layer(id)?.tar {
            Some(tar) => tar::data_bytes(tar),
            None => Ok(tree::differences(&below, &own)
                .iter()
                .filter(|change| change.kind != ChangeKind::Deleted)
                .map(|change| own.file_bytes(&change.path))
                .sum()),
        }
    }

    fn open_file(&self, id: &Id, name: &str) -> Result<Box<dyn Read + Send>> {
        self.meet(Step::OpenFile, id)?;
        let tar = self.state().tar(id)?;
        match tar::find(&tar, name)? {
            Some(data) => Ok(Box::new(std::io::Cursor::new(data))),
            None => Err(MemoryError::new(
                ErrorKind::NotFound,
                format!("layer {id} has no file {name:?}"),
            )),
        }
    }

    fn references(&self) -> Result<Vec<(Id, u64)>> {
        self.shared.faults.meet(Step::References, None)?;
        let mut state = self.state();
        for id in state.half_mounted() {
            if state.layer(&id)?.is_prepared {
                self.take_in(&mut state, &id)?;
                folder::delete(&self.folder(&id))?;
            }
            state.forget_mount(&id)?;
        }
        Ok(state.mounted())
    }

    fn store_references(&self, id: &Id, count: u64) -> Result<()> {
        self.meet(Step::StoreReferences, id)?;
        let mut state = self.state();
        state.layer_mut(id)?.references = count;
        Ok(())
    }

    fn status(&self) -> Vec<(String, String)> {
        vec![("Layers".into(), self.state().len().to_string())]
    }

    fn metadata(&self, id: &Id) -> Result<Vec<(String, String)>> {
        self.meet(Step::Metadata, id)?;
        let size = self.state().layer(id)?.size;
        let folder = self.folder(id).to_string_lossy().into_owned();
        let size = size.map(|bytes| ("size".into(), bytes.to_string()));
        Ok([("dir".into(), folder)].into_iter().chain(size).collect())
    }

    fn path(&self, id: &Id) -> Result<PathBuf> {
        self.meet(Step::Path, id)?;
        self.state().layer(id)?;
        Ok(self.folder(id))
    }

    fn cleanup(&self) -> Result<()> {
        // Nothing here outlives what made it.
        self.shared.faults.meet(Step::Cleanup, None)
    }
}
