//! Copy-up: what is of the chain becomes an entry of the upper folder, without its data.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use rustix::fs::{AtFlags, OFlags};
use transom_erofs::Nid;
use transom_layer::Names;
use transom_ntmeta::filetime::UnixTime;

use super::Editor;
use crate::durable::Named;
use crate::index::keys;
use crate::paths::join;
use crate::tree::Node;
use crate::writable::draft;
use crate::writable::error::NamedLayerFault;
use crate::writable::place::Place;
use crate::writable::upper::{Origin, UpperKind, origin_value};

impl Editor {
    /// Makes an entry one of the upper folder that can have attributes. A link becomes a file that stands for it.
    pub(super) fn raise(&self, folder: &Place, place: &Place) -> Result<Place, NamedLayerFault> {
        match (&place.upper, &place.lower) {
            (Some((entry, _)), _) => match &entry.kind {
                UpperKind::Symlink(target) if place.is_bare_link() => {
                    self.raise_link(folder, place, target)
                }
                _ => Ok(place.clone()),
            },
            (None, Some(node)) if node.is_directory() => self.raise_folder(place.clone()),
            (None, Some(node)) => self.raise_file(folder, place, node),
            (None, None) => Ok(place.clone()),
        }
    }

    fn raise_link(
        &self,
        folder: &Place,
        place: &Place,
        target: &[u8],
    ) -> Result<Place, NamedLayerFault> {
        let shown = self.shown(folder, &place.stored);
        self.drafts.file().named("create", &shown)?;
        self.drafts
            .set(keys::SYMLINK, target)
            .named("mark", &shown)?;
        self.copy_metadata(place)?;
        self.put(folder, place)
    }

    fn raise_file(
        &self,
        folder: &Place,
        place: &Place,
        node: &Node,
    ) -> Result<Place, NamedLayerFault> {
        // A file that has several names is raised under all of them, as it will be changed under all.
        let names = match node.links() {
            0 | 1 => Vec::new(),
            _ => self.names_of(node.nid())?,
        };
        let shown = self.shown(folder, &place.stored);
        let raised = match names.iter().find(|(_, other)| other.upper.is_some()) {
            Some((other_folder, other)) => {
                self.link(other_folder, other, folder, place)?;
                place.clone().again(&self.writable.upper)?
            }
            None => {
                let metadata = self.writable.lower.metadata(node)?;
                let file = self.drafts.file().named("create", &shown)?;
                match self.writable.lower.shown_target(node)? {
                    Some(target) => {
                        let set = self.drafts.set(keys::SYMLINK, &target);
                        set.named("mark", &shown)?;
                    }
                    None => {
                        file.set_len(metadata.size).named("create", &shown)?;
                        let mark = self.drafts.mark("metacopy", b"");
                        mark.named("mark", &shown)?;
                    }
                }
                self.copy_metadata(place)?;
                self.put(folder, place)?
            }
        };
        for (other_folder, other) in names {
            if other.upper.is_none() && other.path != place.path {
                let other_folder = self.raise_folder(other_folder)?;
                self.link(folder, &raised, &other_folder, &other)?;
            }
        }
        Ok(raised)
    }

    /// Gives a changed file all names that it has in the chain: a mount copies up only the one that it was changed by.
    pub(super) fn raise_names(&self, folder: &Place, place: &Place) -> Result<(), NamedLayerFault> {
        let Some(nid) = place.hard_linked(&self.writable.lower) else {
            return Ok(());
        };
        for (other_folder, other) in self.names_of(nid)? {
            if other.upper.is_none() {
                let other_folder = self.raise_folder(other_folder)?;
                self.link(folder, place, &other_folder, &other)?;
            }
        }
        Ok(())
    }

    /// Makes an entry of the upper folder one more name of another one.
    pub(super) fn link(
        &self,
        folder: &Place,
        place: &Place,
        new_folder: &Place,
        new: &Place,
    ) -> Result<(), NamedLayerFault> {
        let (from, to) = (self.open_folder(folder)?, self.open_folder(new_folder)?);
        let shown = self.shown(new_folder, &new.stored);
        rustix::fs::linkat(&from, &place.stored, &to, &new.stored, AtFlags::empty())
            .map_err(io::Error::from)
            .named("link", &shown)?;
        self.listings.add(&new_folder.path, &new.stored);
        Ok(())
    }

    /// Finds all names that a file of the chain has now, with their folders.
    pub(super) fn names_of(&self, nid: Nid) -> Result<Vec<(Place, Place)>, NamedLayerFault> {
        let (lower, upper) = (&self.writable.lower, &self.writable.upper);
        let mut names = Vec::new();
        let mut folders = vec![Place::root(lower, upper)?];
        while let Some(folder) = folders.pop() {
            for child in folder.children(lower, upper)? {
                if child.is_folder() {
                    folders.push(child);
                } else if self.is_of(&child, nid) {
                    names.push((folder.clone(), child));
                }
            }
        }
        Ok(names)
    }

    fn is_of(&self, place: &Place, nid: Nid) -> bool {
        match (&place.upper, &place.lower) {
            (Some((entry, _)), _) => {
                let uuid = self.writable.lower.uuid();
                entry.origin == Some(Origin { uuid, nid })
            }
            (None, lower) => lower.as_ref().is_some_and(|node| node.nid() == nid),
        }
    }

    /// Makes a folder of the chain, and those above it, folders of the upper folder.
    pub(super) fn raise_folder(&self, place: Place) -> Result<Place, NamedLayerFault> {
        // It may have been made since it was looked up.
        let place = place.again(&self.writable.upper)?;
        let (None, Some(_)) = (&place.upper, &place.lower) else {
            return Ok(place);
        };
        let Some(above) = &place.above else {
            return Ok(place);
        };
        let above = self.raise_folder(above.as_ref().clone())?;
        let shown = self.shown(&above, &place.stored);
        self.drafts.folder().named("create folder", &shown)?;
        self.copy_metadata(&place)?;
        self.put(&above, &place)
    }

    /// Copies what is known of an entry to the draft of its successor.
    pub(super) fn copy_metadata(&self, place: &Place) -> Result<(), NamedLayerFault> {
        let shown = PathBuf::from(OsString::from_vec(place.path.clone()));
        let metadata = match (&place.upper, &place.lower) {
            (Some((entry, _)), _) => Carried {
                xattrs: entry.xattrs.clone(),
                origin: entry.origin,
                mode: entry.permissions,
                owner: (entry.uid, entry.gid),
                modified: entry.modified,
            },
            (None, Some(node)) => {
                let metadata = self.writable.lower.metadata(node)?;
                Carried {
                    xattrs: self.writable.lower.all_xattrs(node)?,
                    origin: Some(Origin {
                        uuid: self.writable.lower.uuid(),
                        nid: node.nid(),
                    }),
                    mode: metadata.mode,
                    owner: (metadata.uid, metadata.gid),
                    modified: metadata.modified,
                }
            }
            (None, None) => return Ok(()),
        };
        // In this order: the kernel drops capabilities when the owner changes.
        if self.writable.layer().names == Names::Posix {
            let (user, group) = metadata.owner;
            let set = self.drafts.set_owner(user, group);
            set.named("set the owner of", &shown)?;
        }
        for (key, value) in &metadata.xattrs {
            if key != keys::LAYER {
                let set = self.drafts.set(key, value);
                set.named("set attributes of", &shown)?;
            }
        }
        if let Some(origin) = metadata.origin {
            let mark = self.drafts.mark("origin", &origin_value(origin));
            mark.named("mark", &shown)?;
        }
        let set = self.drafts.set_mode(metadata.mode);
        set.named("set the mode of", &shown)?;
        let set = self.drafts.set_time(metadata.modified);
        set.named("set the time of", &shown)?;
        Ok(())
    }

    /// Gives the draft the place of an entry.
    pub(super) fn put(&self, folder: &Place, place: &Place) -> Result<Place, NamedLayerFault> {
        self.put_draft(folder, &place.stored)?;
        Ok(place.clone().again(&self.writable.upper)?)
    }

    /// Gives the draft a place.
    pub(super) fn put_draft(&self, folder: &Place, stored: &[u8]) -> Result<(), NamedLayerFault> {
        let handle = self.open_folder(folder)?;
        let shown = self.shown(folder, stored);
        self.drafts.put(&handle, stored).named("create", &shown)?;
        self.listings.add(&folder.path, stored);
        Ok(())
    }

    pub(super) fn open_folder(&self, folder: &Place) -> Result<OwnedFd, NamedLayerFault> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY;
        Ok(self.writable.upper.open_beneath(&folder.path, flags)?)
    }

    /// Returns a path in the layer as errors show it.
    pub(super) fn shown(&self, folder: &Place, stored: &[u8]) -> PathBuf {
        PathBuf::from(OsString::from_vec(join(&folder.path, stored)))
    }

    /// Tells a mark of an entry of the upper folder.
    pub(super) fn set_mark(
        &self,
        folder: &Place,
        place: &Place,
        mark: &str,
        value: &[u8],
    ) -> Result<(), NamedLayerFault> {
        let handle = self.open_folder(folder)?;
        let shown = self.shown(folder, &place.stored);
        draft::set_mark(&handle, &place.stored, mark, value).named("mark", &shown)?;
        Ok(())
    }
}

/// What a successor takes over.
struct Carried {
    xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    origin: Option<Origin>,
    mode: u16,
    owner: (u32, u32),
    modified: UnixTime,
}
