//! From the marks that the editor leaves to those that a mount understands.
//!
//! Without privileges nobody can write `trusted.` attributes, nor give a link any. The editor therefore
//! writes `user.overlay.…`, and keeps a link as a file that names its target. Before a layer is mounted,
//! which takes root anyway, both become what the kernel's overlay has.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{OFlags, XattrFlags};

use super::draft::{Drafts, mark_key};
use super::upper::{Upper, UpperEntry, UpperKind, attribute_path, origin_value};
use crate::durable::{FileError, Named};
use crate::index::keys;
use crate::paths::join;

/// Turns all marks below `upper` into the kernel's. May be repeated.
pub(super) fn promote(upper: &Path, work: &Path) -> Result<(), FileError> {
    let drafts = Drafts::open(upper)?;
    let upper = Upper::open(upper, work)?;
    let mut folders = vec![Vec::new()];
    while let Some(path) = folders.pop() {
        let folder = upper.open_beneath(&path, OFlags::DIRECTORY | OFlags::RDONLY)?;
        rename_marks(&folder, b".").named("change the marks of", &upper.shown(&path))?;
        for entry in upper.list(&path)? {
            let place = join(&path, &entry.name);
            match &entry.kind {
                UpperKind::Symlink(target) if entry.xattr(keys::SYMLINK).is_some() => {
                    make_link(&drafts, &folder, &entry, target)
                        .named("make a link of", &upper.shown(&place))?;
                }
                UpperKind::Directory { .. } => folders.push(place),
                UpperKind::File { .. } => rename_marks(&folder, &entry.name)
                    .named("change the marks of", &upper.shown(&place))?,
                _ => {}
            }
        }
    }
    Ok(())
}

fn rename_marks(folder: &OwnedFd, name: &[u8]) -> io::Result<()> {
    let path = attribute_path(folder, name);
    for mark in ["opaque", "redirect", "metacopy", "origin"] {
        let (from, to) = (mark_key("user", mark), mark_key("trusted", mark));
        let mut value = vec![0; 4096];
        match rustix::fs::lgetxattr(&*path, &*from, &mut value[..]) {
            Ok(length) => {
                rustix::fs::lsetxattr(&*path, &*to, &value[..length], XattrFlags::empty())?;
                rustix::fs::lremovexattr(&*path, &*from)?;
            }
            Err(rustix::io::Errno::NODATA) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Puts a link with all attributes of `entry` in its place.
fn make_link(
    drafts: &Drafts,
    folder: &OwnedFd,
    entry: &UpperEntry,
    target: &[u8],
) -> io::Result<()> {
    drafts.link(target)?;
    drafts.set_owner(entry.uid, entry.gid)?;
    for (key, value) in &entry.xattrs {
        if key != keys::SYMLINK {
            drafts.set(&keys::on_link(key), value)?;
        }
    }
    if let Some(origin) = entry.origin {
        drafts.set(&mark_key("trusted", "origin"), &origin_value(origin))?;
    }
    drafts.set_time(entry.modified)?;
    drafts.put(folder, &entry.name)
}
