//! Overlays: a lower that stays as it is, and an upper folder that takes the changes.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rustix::fs::{XattrFlags, removexattr, setxattr, statfs};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use crate::argument::Argument;
use crate::context::Context;
use crate::detached::Detached;
use crate::erofs::OVERLAYFS;
use crate::error::{MountError, Named, Reason};

/// What to lay over what.
#[derive(Debug)]
pub struct Overlay<'a> {
    /// What lies below and is never changed.
    pub lower: Lower<'a>,
    /// The folder that takes the changes. One overlay at a time may have it.
    pub upper: &'a Path,
    /// A folder for the kernel's own use, on the same mount as `upper`; empty, or left by an earlier overlay
    /// over the same `upper`.
    pub work: &'a Path,
    /// An existing folder that neither `upper` nor `work` lies in. Before Linux 6.15 a detached lower is attached
    /// there for a moment; the folder that the overlay is going to be attached at will do.
    pub staging: &'a Path,
    /// What the table of mounts shows as the source, at most 255 bytes: something to know the mount by.
    pub source: &'a str,
}

/// The lower of an overlay.
#[derive(Debug)]
pub enum Lower<'a> {
    /// A mount; the overlay keeps it alive.
    Mount(Detached),
    /// A folder.
    Folder(&'a Path),
}

/// Mounts an overlay, read-write. Returns it, and what it lacks because of the upper's file system, in words.
///
/// Renamed folders and changed metadata are recorded in the upper without copying data (`redirect_dir`, `metacopy`),
/// hard links stay together when they are changed (`index`), and inode numbers stay the same
/// (`xino`). An upper remembers its lower (`index`): over another one it is refused as stale. Equal images
/// with equal UUIDs are one lower.
///
/// # Errors
///
/// [`Kind::Busy`](crate::Kind::Busy) if `upper` or `work` belongs to another mounted overlay,
/// [`Kind::Unsupported`](crate::Kind::Unsupported) if the file system of `upper` is itself an overlay or keeps no
/// extended attributes: changes would be lost there.
pub fn overlay(options: Overlay<'_>) -> Result<(Detached, Vec<String>), MountError> {
    check_upper(options.upper, options.work)?;
    let mount = match &options.lower {
        Lower::Folder(folder) => mount_over(Argument::new(folder)?.text(), &options)?,
        Lower::Mount(lower) => match mount_over(lower.path().as_os_str(), &options) {
            // Before Linux 6.15 a lower has to be attached.
            Err(error) if error.errno() == Some(Errno::INVAL) => {
                mount_over_visitor(lower, &options)?
            }
            result => result?,
        },
    };
    Ok((mount, notes(options.work)))
}

/// Mounts an overlay over `lower` while that is attached at the staging folder.
pub(crate) fn mount_over_visitor(
    lower: &Detached,
    options: &Overlay<'_>,
) -> Result<Detached, MountError> {
    lower.visit(options.staging)?;
    let result = mount_over(lower.path().as_os_str(), options);
    lower.leave(options.staging)?;
    result
}

fn mount_over(lower: &OsStr, options: &Overlay<'_>) -> Result<Detached, MountError> {
    let upper = Argument::new(options.upper)?;
    let work = Argument::new(options.work)?;
    let context = Context::new("overlay", options.upper)?;
    context.set("source", options.source)?;
    context.set("lowerdir", lower)?;
    context.set("upperdir", upper.text())?;
    context.set("workdir", work.text())?;
    for option in ["redirect_dir", "metacopy", "index", "xino"] {
        context.set(option, "on")?;
    }
    context.mount(MountAttrFlags::empty())
}

/// Refuses file systems on which the kernel would mount, but silently keep less than everything.
fn check_upper(upper: &Path, work: &Path) -> Result<(), MountError> {
    let unfit = |lack| Reason::UnfitUpper {
        path: PathBuf::from(upper),
        lack,
    };
    if statfs(upper).named("look at", upper)?.f_type == OVERLAYFS {
        return Err(unfit("is an overlay").into());
    }
    // In the work folder: the upper's own times and attributes are part of the tree.
    for name in ["trusted.transom.probe", "user.transom.probe"] {
        match setxattr(work, name, b"", XattrFlags::empty()) {
            Err(Errno::OPNOTSUPP) => return Err(unfit("keeps no extended attributes").into()),
            result => result.named("set an extended attribute of", work)?,
        }
        removexattr(work, name).named("remove an extended attribute of", work)?;
    }
    Ok(())
}

/// Tells what the kernel left out.
pub(crate) fn notes(work: &Path) -> Vec<String> {
    // With index=on the kernel makes this folder, or falls back to index=off with a line in its own log only.
    if work.join("index").is_dir() {
        return Vec::new();
    }
    vec![format!(
        "the file system of {} has no file handles: hard links come apart when they are changed, and a second \
         overlay with the same upper folder is not refused",
        work.display()
    )]
}

#[cfg(test)]
mod tests;
