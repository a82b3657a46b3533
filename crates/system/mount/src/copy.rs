//! Showing at another place what is mounted already.

use std::path::Path;

use rustix::fs::CWD;
use rustix::mount::{MountFlags, OpenTreeFlags, mount_remount, open_tree};

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

/// Lets programs at the writable mount at `target` run as the users that own them (`suid`), for containers. Whoever can
/// reach the mount can run them: the folder it is in has to be closed to others.
///
/// # Errors
///
/// Nothing is mounted there, or the caller lacks the privilege.
pub fn allow_set_user_ids(target: &Path) -> Result<(), MountError> {
    let flags = MountFlags::BIND | MountFlags::NODEV;
    mount_remount(target, flags, "").named("remount", target)
}
