//! Mounts that are attached nowhere, and attaching them.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;
use rustix::mount::{
    MoveMountFlags, OpenTreeFlags, UnmountFlags, move_mount, open_tree, unmount as detach,
};

use crate::argument::descriptor_path;
use crate::error::{MountError, Named};

/// A mount that is attached nowhere. Its file system lives as long as this, or as something is attached.
#[derive(Debug)]
pub struct Detached {
    mount: OwnedFd,
    what: PathBuf,
}

impl Detached {
    pub(crate) fn new(mount: OwnedFd, what: PathBuf) -> Self {
        Self { mount, what }
    }

    /// Returns a path to the root of the mount. It leads there in this process only, while this lives.
    pub fn path(&self) -> PathBuf {
        descriptor_path(&self.mount)
    }

    /// Shows the mount, or the folder `subfolder` of it, at the existing folder `target`.
    ///
    /// May be called several times: all places show one file system, and each is unmounted on its own.
    /// Links in `subfolder` are not followed. Before Linux 6.15 the whole mount is at `target` for a moment.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`](crate::Kind::NotFound) if `subfolder` or `target` is missing.
    pub fn attach(&mut self, subfolder: Option<&Path>, target: &Path) -> Result<(), MountError> {
        match self.copy(subfolder)? {
            Some(part) => move_to(&part, target),
            None => self.attach_by_moving(subfolder, target),
        }
    }

    /// Copies the mount from `subfolder` on; `None` if the kernel does not copy what is attached nowhere.
    fn copy(&self, subfolder: Option<&Path>) -> Result<Option<OwnedFd>, MountError> {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_EMPTY_PATH;
        let copied = match subfolder {
            None => open_tree(&self.mount, "", flags),
            Some(subfolder) => {
                // The tree may have been made to lead out of itself.
                let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
                let oflags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let folder = openat2(&self.mount, subfolder, oflags, Mode::empty(), resolve)
                    .named("open", &self.what.join(subfolder))?;
                open_tree(folder, "", flags)
            }
        };
        match copied {
            Ok(part) => Ok(Some(part)),
            Err(Errno::INVAL) => Ok(None),
            Err(errno) => Err(errno).named("copy the mount of", &self.what),
        }
    }

    /// Attaches the way that works before Linux 6.15: only what is attached can be copied.
    pub(crate) fn attach_by_moving(
        &mut self,
        subfolder: Option<&Path>,
        target: &Path,
    ) -> Result<(), MountError> {
        self.visit(target)?;
        let whole = self.copy(None);
        let part = self.copy(subfolder);
        self.leave(target)?;
        // A mount that was unmounted cannot be attached again; its copy can.
        self.mount = whole?
            .ok_or(Errno::INVAL)
            .named("copy the mount of", &self.what)?;
        let part = part?
            .ok_or(Errno::INVAL)
            .named("copy the mount of", &self.what)?;
        move_to(&part, target)
    }

    /// Attaches the mount itself at `target`, until [`leave`](Self::leave); it is of no use after that.
    pub(crate) fn visit(&self, target: &Path) -> Result<(), MountError> {
        move_to(&self.mount, target)
    }

    /// Ends a [`visit`](Self::visit).
    pub(crate) fn leave(&self, target: &Path) -> Result<(), MountError> {
        // Lazily: the mount is in use by this very value.
        detach(target, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW).named("unmount", target)
    }
}

impl AsFd for Detached {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.mount.as_fd()
    }
}

fn move_to(mount: &OwnedFd, target: &Path) -> Result<(), MountError> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    move_mount(mount, "", CWD, target, flags).named("attach a mount at", target)
}

#[cfg(test)]
pub(crate) mod tests;
