//! Mounts, against the kernel's table.

use std::path::Path;

use super::{Finding, Problem};
use crate::catalog::{self, Via};
use crate::durable;
use crate::space;
use crate::store::{Store, StoreError};
use crate::writable::targets::{is_dead, mounted, real_path};

impl Store {
    /// Finds mounts that are noted and not there, and those that are there and nobody asked for. While somebody mounts
    /// or unmounts nothing can be said, and nothing is.
    pub(super) fn check_mounts(&self) -> Result<Vec<Finding>, StoreError> {
        let points = durable::names_in(&self.layout.mounts())?;
        let (mounts, layers) = self
            .catalog
            .read(|tx| Ok::<_, StoreError>((catalog::mounts(tx)?, catalog::named_layers(tx)?)))?;
        if points.is_empty() && mounts.is_empty() && layers.iter().all(|layer| layer.held == 0) {
            return Ok(Vec::new());
        }
        let Ok(Some(_lock)) = self.try_lock_mounts() else {
            return Ok(Vec::new());
        };
        // Without a table of mounts nothing can be said either.
        let Ok(mounted) = mounted() else {
            return Ok(Vec::new());
        };
        let (mounts, layers) = self
            .catalog
            .read(|tx| Ok::<_, StoreError>((catalog::mounts(tx)?, catalog::named_layers(tx)?)))?;
        let at = |place: &Path, problem| Finding {
            place: self.layout.below_root(place),
            problem,
            bytes: 0,
        };
        let mut findings = Vec::new();
        for mount in &mounts {
            if !mounted.contains(&mount.target) {
                findings.push(at(&mount.target, Problem::StaleMount));
            } else if mount.via == Via::Fuse && is_dead(&mount.target) {
                findings.push(at(&mount.target, Problem::DeadMount));
            }
        }
        for layer in layers.iter().filter(|layer| layer.held > 0) {
            if !matches!(self.is_shown(&layer.id), Ok(true)) {
                let id = layer.id.clone();
                let place = self.layout.mount_points(&layer.id);
                findings.push(at(&place, Problem::StaleHold { id }));
            }
        }
        for id in durable::names_in(&self.layout.mounts())? {
            let folder = self.layout.mount_points(&id);
            let is_held = layers.iter().any(|layer| layer.id == id && layer.held > 0);
            let is_shown = mounts
                .iter()
                .any(|mount| mount.id.as_deref() == Some(&id) && mounted.contains(&mount.target));
            if is_held || is_shown {
                continue;
            }
            let mut finding = at(&folder, Problem::StaleMountPoints);
            if !is_folder_of_points(&folder) && real_path(&folder).is_ok() {
                finding.problem = Problem::Foreign;
            }
            finding.bytes = space::allocated(&folder);
            findings.push(finding);
        }
        Ok(findings)
    }
}

/// Says whether a folder has nothing in it but mount points.
fn is_folder_of_points(folder: &Path) -> bool {
    let names = durable::names_in(folder);
    folder.is_dir()
        && names.is_ok_and(|names| {
            let points = crate::writable::POINTS;
            names.iter().all(|name| points.contains(&name.as_str()))
        })
}
