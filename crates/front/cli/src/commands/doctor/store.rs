//! The store's folder: whether it can be written, and what is free.

use std::path::{Path, absolute};

use rustix::fs::{Access, access, statvfs};

use super::{Check, State};
use crate::show;

/// Looks at a folder, or at the nearest above it that there is.
pub(super) fn folder(folder: &Path) -> Check {
    let what = "store folder";
    let folder = match absolute(folder) {
        Ok(folder) => folder,
        Err(error) => return Check::new(what, State::Fails, error),
    };
    let Some(there) = folder.ancestors().find(|folder| folder.exists()) else {
        return Check::new(what, State::Fails, "nothing above it is there");
    };
    let shown = there.display();
    if !there.is_dir() {
        return Check::new(what, State::Fails, format!("{shown} is no folder"));
    }
    if let Err(error) = access(there, Access::WRITE_OK | Access::EXEC_OK) {
        return Check::new(what, State::Fails, format!("{shown}: {error}"));
    }
    match statvfs(there) {
        Ok(volume) => {
            let free = show::size(volume.f_bavail.saturating_mul(volume.f_frsize));
            Check::new(what, State::Works, format!("{shown}: {free} free"))
        }
        Err(error) => Check::new(what, State::Fails, format!("{shown}: {error}")),
    }
}
