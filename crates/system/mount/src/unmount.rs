//! Taking mounts away.

use std::path::Path;

use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount as system_unmount};

use crate::error::{MountError, Named, Reason};

/// Unmounts what is mounted at `target`; the topmost, if several are.
///
/// # Errors
///
/// [`Kind::Busy`](crate::Kind::Busy) if a process has a file open in it or works in it,
/// [`Kind::NotFound`](crate::Kind::NotFound) if nothing is mounted there.
pub fn unmount(target: &Path) -> Result<(), MountError> {
    unmount_with(target, UnmountFlags::NOFOLLOW)
}

/// Unmounts what is mounted at `target` even if it is in use: nobody finds it from now on, and its file system
/// goes away with its last user.
///
/// # Errors
///
/// [`Kind::NotFound`](crate::Kind::NotFound) if nothing is mounted there.
pub fn unmount_lazily(target: &Path) -> Result<(), MountError> {
    unmount_with(target, UnmountFlags::NOFOLLOW | UnmountFlags::DETACH)
}

fn unmount_with(target: &Path, flags: UnmountFlags) -> Result<(), MountError> {
    match system_unmount(target, flags) {
        // umount(2): "target is not a mount point".
        Err(Errno::INVAL) => Err(Reason::NotMounted {
            path: target.to_owned(),
        }
        .into()),
        result => result.named("unmount", target),
    }
}
