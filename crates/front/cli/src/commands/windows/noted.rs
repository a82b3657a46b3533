//! Which layers of Windows are this store's. Each has a row in the catalog from before it is made until it is gone, so
//! that of a dead process a row without a folder is left, which is forgotten, or a layer that `rm` and `gc` find.

use std::path::PathBuf;

use anyhow::{Context, Result};
use transom_driver::Id;
use transom_sealed::{NamedLayer, Store};

use super::layers::Layers;
use crate::args::Global;

/// The folder in the store that has the layers of Windows.
const HOME: &str = "windowsfilter";

/// Returns the folder that has the layers of Windows.
pub(super) fn home(global: &Global) -> Result<PathBuf> {
    Ok(crate::commands::root(global)?.join(HOME))
}

/// Opens the layers of Windows, and forgets those that are gone. No other process has them open then.
pub(super) fn open(store: &Store, global: &Global) -> Result<Box<dyn Layers>> {
    let home = home(global)?;
    let layers = global.host.open(&home)?;
    // A parent is forgotten after what is built on it: it may take one pass for each layer of a chain.
    loop {
        let named = store.named_layers()?;
        let gone =
            |layer: &&NamedLayer| !home.join(&layer.id).is_dir() && !is_parent(&layer.id, &named);
        let Some(layer) = named.iter().find(gone) else {
            return Ok(layers);
        };
        store.forget_elsewhere(&layer.id)?;
    }
}

/// Says whether a layer is built on this one.
pub(super) fn is_parent(id: &str, named: &[NamedLayer]) -> bool {
    named
        .iter()
        .any(|layer| layer.parent.as_deref() == Some(id))
}

/// Lists the writable layers.
pub(super) fn writable(store: &Store, global: &Global) -> Result<Vec<NamedLayer>> {
    let home = home(global)?;
    let mut layers = store.named_layers()?;
    layers.retain(|layer| layer.is_writable() && home.join(&layer.id).is_dir());
    Ok(layers)
}

/// Finds a writable layer by its name; the case of a name does not matter on Windows, and does here, as everywhere.
pub(super) fn find(store: &Store, global: &Global, name: &str) -> Result<Option<NamedLayer>> {
    let mut layers = writable(store, global)?.into_iter();
    Ok(layers.find(|layer| layer.id == name))
}

/// Opens the layers for what is to be done to a writable one.
pub(super) fn open_writable(
    store: &Store,
    global: &Global,
    name: &str,
) -> Result<(Box<dyn Layers>, Id, NamedLayer)> {
    let layers = open(store, global)?;
    let layer = find(store, global, name)?.with_context(|| {
        format!("there is no writable layer {name:?}; `list` shows which there are")
    })?;
    Ok((layers, Id::new(name)?, layer))
}
