//! What the engine in memory has stored.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::tree::{self, Tree};
use super::{MemoryError, Result, tar};
use crate::{ErrorKind, Id};

/// One layer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) parent: Option<Id>,
    pub(super) is_writable: bool,
    /// What was imported.
    pub(super) tar: Option<Arc<[u8]>>,
    /// All that the layer shows, its parents' files included; while it has none it shows what its parent shows.
    pub(super) tree: Option<Tree>,
    /// Bytes, if a size was asked for.
    pub(super) size: Option<u64>,
    pub(super) is_active: bool,
    pub(super) is_prepared: bool,
    /// The count that was stored last; 0 if none.
    pub(super) references: u64,
}

/// All layers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct State(BTreeMap<Id, Stored>);

/// All that an engine had stored at one moment: layers, what they show, their states and reference counts.
///
/// Not part of it is what was written into a mount that was prepared at that moment.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot(State);

impl Snapshot {
    pub(super) fn of(state: &State) -> Self {
        let mut copy = state.clone();
        for (id, layer) in &mut copy.0 {
            // A writable layer that was mounted and not written to shows what it showed before.
            layer.tree = state.tree(id).ok();
        }
        Self(copy)
    }

    /// Returns the layers, by id.
    pub fn layers(&self) -> impl Iterator<Item = &Id> {
        self.0.0.keys()
    }

    /// Returns the reference count that is stored for a layer, 0 if none is.
    pub fn references(&self, id: &Id) -> u64 {
        self.0.0.get(id).map_or(0, |layer| layer.references)
    }

    /// Says whether a layer is active, and whether it is prepared.
    pub fn is_active_and_prepared(&self, id: &Id) -> (bool, bool) {
        let layer = self.0.0.get(id);
        layer.map_or((false, false), |layer| (layer.is_active, layer.is_prepared))
    }
}

impl fmt::Debug for Snapshot {
    /// Leaves out tars and the content of files: nobody can read a failed comparison of those.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layers = self.0.0.iter().map(|(id, layer)| {
            let trees = layer.tree.iter();
            let paths: Vec<_> = trees
                .flat_map(Tree::entries)
                .map(|(path, _)| path)
                .collect();
            let state = (layer.is_active, layer.is_prepared, layer.references);
            (id, (&layer.parent, layer.size, state, paths))
        });
        f.debug_map().entries(layers).finish()
    }
}

impl State {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn layer(&self, id: &Id) -> Result<&Stored> {
        self.0.get(id).ok_or_else(|| no_layer(id))
    }

    pub(super) fn layer_mut(&mut self, id: &Id) -> Result<&mut Stored> {
        self.0.get_mut(id).ok_or_else(|| no_layer(id))
    }

    pub(super) fn insert(&mut self, id: &Id, layer: Stored) -> Result<()> {
        if self.0.contains_key(id) {
            return Err(MemoryError::new(
                ErrorKind::Exists,
                format!("there is a layer {id} already"),
            ));
        }
        if let Some(parent) = &layer.parent {
            self.layer(parent)?;
        }
        self.0.insert(id.clone(), layer);
        Ok(())
    }

    pub(super) fn remove(&mut self, id: &Id) -> Result<()> {
        let refuse = |why: String| {
            let text = format!("layer {id} cannot be destroyed: {why}");
            Err(MemoryError::new(ErrorKind::InUse, text))
        };
        let child = |(_, layer): &(&Id, &Stored)| layer.parent.as_ref() == Some(id);
        if let Some((child, _)) = self.0.iter().find(child) {
            return refuse(format!("layer {child} is built on it"));
        }
        if self
            .layer(id)
            .is_ok_and(|layer| layer.is_active || layer.is_prepared)
        {
            return refuse("it is mounted".into());
        }
        self.0.remove(id);
        Ok(())
    }

    /// Returns all that a layer shows.
    pub(super) fn tree(&self, id: &Id) -> Result<Tree> {
        match &self.layer(id)?.tree {
            Some(tree) => Ok(tree.clone()),
            None => self.parent_tree(id),
        }
    }

    /// Returns all that a layer's parent shows; nothing without one.
    pub(super) fn parent_tree(&self, id: &Id) -> Result<Tree> {
        match &self.layer(id)?.parent {
            Some(parent) => self.tree(parent),
            None => Ok(Tree::default()),
        }
    }

    /// Returns the tar of a layer's differences from its parent: the imported one, or one made of what was written.
    pub(super) fn tar(&self, id: &Id) -> Result<Arc<[u8]>> {
        match &self.layer(id)?.tar {
            Some(tar) => Ok(Arc::clone(tar)),
            None => {
                let own = self.tree(id)?;
                let changes = tree::differences(&self.parent_tree(id)?, &own);
                Ok(tar::write(&changes, &own)?.into())
            }
        }
    }

    /// Returns the layers of whose mount one half is up.
    pub(super) fn half_mounted(&self) -> Vec<Id> {
        let half = |(_, layer): &(&Id, &Stored)| layer.is_active != layer.is_prepared;
        self.0
            .iter()
            .filter(half)
            .map(|(id, _)| id.clone())
            .collect()
    }

    pub(super) fn forget_mount(&mut self, id: &Id) -> Result<()> {
        let layer = self.layer_mut(id)?;
        layer.is_active = false;
        layer.is_prepared = false;
        layer.references = 0;
        Ok(())
    }

    /// Returns the mounted layers with their counts, 1 where none was stored.
    pub(super) fn mounted(&self) -> Vec<(Id, u64)> {
        let mounted = self.0.iter().filter(|(_, layer)| layer.is_prepared);
        mounted
            .map(|(id, layer)| (id.clone(), layer.references.max(1)))
            .collect()
    }
}

fn no_layer(id: &Id) -> MemoryError {
    MemoryError::new(ErrorKind::NotFound, format!("there is no layer {id}"))
}
