//! Mounts and catalog brought in agreement after a process died or the machine started.

use std::collections::HashSet;
use std::path::PathBuf;

use super::error::NamedLayerFault;
use super::mounting::POINTS;
use super::targets::{is_dead, mounted, real_path};
use crate::catalog::{self, NamedLayer, Via};
use crate::durable;
use crate::store::Store;

impl Store {
    /// Forgets mounts that the kernel does not show, and undoes those that nobody asked for. One that cannot be
    /// put right does not keep the others from it.
    pub(crate) fn recover_mounts(&self) -> Result<(), NamedLayerFault> {
        let points = durable::names_in(&self.layout.mounts())?;
        let is_held = |layer: &NamedLayer| layer.held > 0;
        let noted = self.catalog.read(catalog::mounts)?;
        let layers = self.catalog.read(catalog::named_layers)?;
        if noted.is_empty() && points.is_empty() && !layers.iter().any(is_held) {
            return Ok(());
        }
        let Some(_lock) = self.try_lock_mounts()? else {
            // Somebody mounts or unmounts just now; the next who opens the store looks again.
            return Ok(());
        };
        let mut mounted = mounted()?;
        let mut result = Ok(());
        for mount in self.catalog.read(catalog::mounts)? {
            let is_there = mounted.contains(&mount.target);
            let is_dead = is_there && mount.via == Via::Fuse && is_dead(&mount.target);
            if is_dead {
                result = result.and(
                    transom_mount::unmount_lazily(&mount.target).map_err(NamedLayerFault::from),
                );
            }
            if is_dead || !is_there {
                let forgotten = self
                    .catalog
                    .write(|tx| catalog::delete_mount(tx, &mount.target));
                result = result.and(forgotten.map_err(NamedLayerFault::from));
            }
        }
        for layer in self.catalog.read(catalog::named_layers)? {
            if is_held(&layer) && !self.is_shown(&layer.id)? {
                let forgotten = self.catalog.write(|tx| catalog::set_held(tx, &layer.id, 0));
                result = result.and(forgotten.map(drop).map_err(NamedLayerFault::from));
            }
        }
        for id in points {
            result = result.and(self.clear_points(&id, &mut mounted));
        }
        result
    }

    /// Unmounts what is left of a layer that nobody has mounted.
    fn clear_points(
        &self,
        id: &str,
        mounted: &mut HashSet<PathBuf>,
    ) -> Result<(), NamedLayerFault> {
        let layer = self.catalog.read(|tx| catalog::named_layer(tx, id))?;
        let mounts = self.catalog.read(|tx| catalog::mounts_of(tx, id))?;
        if layer.is_some_and(|layer| layer.held > 0) || !mounts.is_empty() {
            return Ok(());
        }
        let points = real_path(&self.layout.mount_points(id))?;
        for point in POINTS.map(|point| points.join(point)) {
            if mounted.remove(&point) {
                // Its user is gone, or was never told; what still has a file open keeps it.
                transom_mount::unmount_lazily(&point)?;
            }
            durable::delete_empty(&point)?;
        }
        Ok(durable::delete_empty(&points)?)
    }
}
