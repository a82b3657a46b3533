//! Layers of images in Windows go when nothing needs them any more: part of `rm`, `gc` and `df`.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, Result};
use transom_driver::Id;
use transom_layer::ChainId;
use transom_sealed::{NamedLayer, Removed, Store, Usage};
use transom_windows::{Privilege, Privileges, allocated};

use super::layers::Layers;
use super::noted;
use crate::args::Global;

/// What the name of a layer's folder ends in once it is being removed.
const REMOVING: &str = "-removing";

/// Part of `gc`, and of `rm` of an image: removes the layers in Windows that no image has and no layer is built on.
/// Returns the bytes given back.
pub(in crate::commands) fn collect(store: &Store, global: &Global) -> Result<u64> {
    let home = noted::home(global)?;
    if !home.is_dir() {
        return Ok(0);
    }
    let left = being_removed(&home);
    let layers = noted::open(store, global).context("cannot collect layers in Windows: try gc")?;
    let given_back = left.saturating_sub(being_removed(&home));
    Ok(given_back + remove_unneeded(store, &*layers, &home)?)
}

/// Removes the layers that no image has and no layer is built on. Returns the bytes given back.
pub(super) fn remove_unneeded(store: &Store, layers: &dyn Layers, home: &Path) -> Result<u64> {
    let of_images = of_images(store)?;
    let mut bytes = 0;
    loop {
        let named = store.named_layers()?;
        let is_unneeded = |layer: &&NamedLayer| {
            !layer.is_writable()
                && !of_images.contains(&layer.id)
                && !noted::is_parent(&layer.id, &named)
        };
        let Some(layer) = named.iter().find(is_unneeded) else {
            return Ok(bytes);
        };
        bytes += remove(store, layers, home, &layer.id)?.bytes;
    }
}

/// Removes a layer, and forgets it when it is gone.
pub(super) fn remove(store: &Store, layers: &dyn Layers, home: &Path, id: &str) -> Result<Removed> {
    let before = size(&home.join(id));
    layers.remove(&Id::new(id)?)?;
    // What the service does not let go of now is destroyed when the layers are opened next.
    let left = size(&home.join(format!("{id}{REMOVING}")));
    let mut removed = store.forget_elsewhere(id)?;
    removed.bytes += before.saturating_sub(left);
    Ok(removed)
}

/// Part of `df`: adds what layers in Windows take. Returns what those of images take, which are in no other sum.
pub(in crate::commands) fn add_usage(
    store: &Store,
    global: &Global,
    usage: &mut Usage,
) -> Result<u64> {
    let home = noted::home(global)?;
    let of_images = of_images(store)?;
    let named = store.named_layers()?;
    let mut made = being_removed(&home);
    usage.reclaimable += made;
    for layer in &named {
        let bytes = size(&home.join(&layer.id));
        if layer.is_writable() {
            usage.writable += bytes;
        } else {
            made += bytes;
            if !is_needed(&layer.id, &of_images, &named) {
                usage.reclaimable += bytes;
            }
        }
    }
    Ok(made)
}

/// Says whether an image has a layer, or a writable layer is built on it, or on one that is built on it.
fn is_needed(id: &str, of_images: &HashSet<String>, named: &[NamedLayer]) -> bool {
    let mut built_on = named
        .iter()
        .filter(|layer| layer.parent.as_deref() == Some(id));
    of_images.contains(id)
        || built_on.any(|layer| layer.is_writable() || is_needed(&layer.id, of_images, named))
}

/// The names in Windows of the layers of all images.
fn of_images(store: &Store) -> Result<HashSet<String>> {
    let mut names = HashSet::new();
    for image in store.images()? {
        let diff_ids = image.diff_ids();
        let chains = (1..=diff_ids.len()).filter_map(|end| ChainId::of(&diff_ids[..end]));
        names.extend(chains.map(|chain| chain.digest().hex()));
    }
    Ok(names)
}

/// Returns what the folders take that are being removed.
fn being_removed(home: &Path) -> u64 {
    let entries = std::fs::read_dir(home).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(REMOVING))
        .map(|entry| size(&entry.path()))
        .sum()
}

/// Returns what a layer's folder takes.
fn size(folder: &Path) -> u64 {
    // Files that nobody may look at are seen by this privilege, if this process may have it.
    let _privilege = Privileges::enable(&[Privilege::Backup]).ok();
    allocated(folder)
}
