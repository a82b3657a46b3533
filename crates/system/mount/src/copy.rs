//! Showing at another place what is mounted already.

use std::path::Path;

use rustix::fs::CWD;
use rustix::mount::{OpenTreeFlags, open_tree};

use crate::detached::Detached;
use crate::error::{MountError, Named};

/// Copies the mount at `target`, of which a folder can then be attached elsewhere; the file system is the same.
///
/// # Errors
///
/// [`Kind::NotFound`](crate::Kind::NotFound) if there is no such folder. If nothing is mounted there, the mount
/// that the folder lies in is copied from the folder on.
pub fn copy(target: &Path) -> Result<Detached, MountError> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_SYMLINK_NOFOLLOW;
    let mount = open_tree(CWD, target, flags).named("copy the mount at", target)?;
    Ok(Detached::new(mount, target.to_owned()))
}
