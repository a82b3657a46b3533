//! New files, streams, folders and links, and new data of old ones.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use rustix::fs::{AtFlags, OFlags};
use transom_layer::TreePath;
use transom_ntmeta::filetime::UnixTime;
use transom_ntmeta::name::split_stream;

use super::Editor;
use super::find::{missing, stream_of};
use crate::durable::Named;
use crate::index::keys;
use crate::writable::draft::{self, now};
use crate::writable::error::{EditError, NamedLayerFault};
use crate::writable::place::{Place, StoredName};
use crate::writable::upper;

impl Editor {
    pub(super) fn write_file(
        &self,
        path: &TreePath,
        data: &mut dyn Read,
        modified: Option<UnixTime>,
    ) -> Result<(), NamedLayerFault> {
        let (folder, name) = self.target(path)?;
        let (name, owner) = match path.stream() {
            None => (name.to_vec(), None),
            Some(stream) => {
                let of_file = || missing(&path.prefix(path.components().len()));
                let owner = self.step(&folder, name)?.ok_or_else(of_file)?;
                (stream_of(&owner.name, stream), Some(owner))
            }
        };
        let existing = self.step(&folder, &name)?;
        if existing.as_ref().is_some_and(Place::is_folder) {
            let path = path.to_string();
            return Err(EditError::IsFolder { path }.into());
        }
        let stored = StoredName::of(&name);
        let shown = self.shown(&folder, &stored.name);
        let file = self.drafts.file().named("create", &shown)?;
        if let Err(error) = draft::copy(data, &file) {
            // The first error tells more than that of the clean-up would.
            let _ = self.drafts.discard();
            return Err(error).named("write", &shown)?;
        }
        // Nothing is changed before all data is there; copying the folder up takes drafts of its own.
        self.drafts.set_aside().named("write", &shown)?;
        let folder = self.raise_folder(folder)?;
        self.drafts.take_up().named("write", &shown)?;
        let modified = modified.unwrap_or_else(now);
        match existing.filter(Place::is_plain_file) {
            Some(place) if place.links() > 1 => self.overwrite(&folder, &place, file, modified),
            Some(place) => {
                self.copy_metadata(&place)?;
                let set = self.drafts.set_time(modified);
                set.named("set the time of", &shown)?;
                self.put(&folder, &place).map(drop)
            }
            None => {
                self.set_name(&stored, &shown)?;
                let set = self.drafts.set_time(modified);
                set.named("set the time of", &shown)?;
                self.put_draft(&folder, &stored.name)?;
                match owner {
                    Some(owner) => self.share_stream(&folder, &owner, &name),
                    None => Ok(()),
                }
            }
        }
    }

    /// Writes what the draft has to a file that has more names, which all have to see it.
    fn overwrite(
        &self,
        folder: &Place,
        place: &Place,
        mut draft: File,
        modified: UnixTime,
    ) -> Result<(), NamedLayerFault> {
        // The draft stays open, and its name is free for the copy-up.
        let shown = self.shown(folder, &place.stored);
        self.drafts.discard().named("write", &shown)?;
        let raised = self.raise(folder, place)?;
        let handle = self.open_folder(folder)?;
        let name = raised.stored.as_slice();
        let write = || -> io::Result<()> {
            let file = upper::open_regular(&handle, name, OFlags::WRONLY)?;
            draft.rewind()?;
            let size = draft.metadata()?.len();
            draft::copy(&mut draft, &file)?;
            file.set_len(size)?;
            // Until here its data was that of the chain.
            draft::remove_mark(&handle, name, "metacopy")?;
            draft::remove_mark(&handle, name, "redirect")?;
            draft::set_time(&handle, name, modified)
        };
        draft::while_writable(&handle, name, write).named("write", &shown)?;
        Ok(())
    }

    /// Gives a new stream of a file to all names of the file.
    fn share_stream(
        &self,
        folder: &Place,
        owner: &Place,
        name: &[u8],
    ) -> Result<(), NamedLayerFault> {
        let Some(nid) = owner.hard_linked(&self.writable.lower) else {
            return Ok(());
        };
        let (_, stream) = split_stream(name);
        let Some(new) = self.step(folder, name)? else {
            return Ok(());
        };
        for (other_folder, other) in self.names_of(nid)? {
            if other.path == owner.path {
                continue;
            }
            let other_folder = self.raise_folder(other_folder)?;
            let stored = StoredName::of(&stream_of(&other.name, stream.unwrap_or_default()));
            let handle = self.open_folder(&other_folder)?;
            let shown = self.shown(&other_folder, &stored.name);
            if draft::is_whiteout(&handle, &stored.name).named("look at", &shown)? {
                rustix::fs::unlinkat(&handle, &stored.name, AtFlags::empty())
                    .map_err(io::Error::from)
                    .named("create", &shown)?;
            }
            if let Some((key, name)) = &stored.attribute {
                draft::set_attribute(&self.open_folder(folder)?, &new.stored, key, name)
                    .named("set attributes of", &shown)?;
            }
            let place = Place {
                stored: stored.name,
                ..other
            };
            self.link(folder, &new, &other_folder, &place)?;
        }
        Ok(())
    }

    pub(super) fn make_folder(&self, path: &TreePath) -> Result<(), NamedLayerFault> {
        refuse_stream(path)?;
        let (folder, name) = self.target(path)?;
        self.refuse_existing(&folder, name, path)?;
        let folder = self.raise_folder(folder)?;
        let handle = self.open_folder(&folder)?;
        let stored = StoredName::of(name);
        let shown = self.shown(&folder, &stored.name);
        self.drafts.folder().named("create folder", &shown)?;
        self.set_name(&stored, &shown)?;
        // What the chain has there was deleted, and stays so.
        if draft::is_whiteout(&handle, &stored.name).named("look at", &shown)? {
            self.drafts.mark("opaque", b"y").named("mark", &shown)?;
        }
        self.put_draft(&folder, &stored.name)
    }

    pub(super) fn make_link(&self, path: &TreePath, target: &[u8]) -> Result<(), NamedLayerFault> {
        refuse_stream(path)?;
        let (folder, name) = self.target(path)?;
        self.refuse_existing(&folder, name, path)?;
        let folder = self.raise_folder(folder)?;
        let stored = StoredName::of(name);
        let shown = self.shown(&folder, &stored.name);
        self.drafts.file().named("create link", &shown)?;
        self.drafts
            .set(keys::SYMLINK, target)
            .named("mark", &shown)?;
        // The bits that every link has.
        self.drafts
            .set_mode(0o777)
            .named("set the mode of", &shown)?;
        self.set_name(&stored, &shown)?;
        self.put_draft(&folder, &stored.name)
    }

    /// Gives the draft the attribute with its true name.
    fn set_name(&self, stored: &StoredName, shown: &Path) -> Result<(), NamedLayerFault> {
        if let Some((key, name)) = &stored.attribute {
            self.drafts
                .set(key, name)
                .named("set attributes of", shown)?;
        }
        Ok(())
    }
}

/// Only a file can be a stream.
fn refuse_stream(path: &TreePath) -> Result<(), NamedLayerFault> {
    match path.stream() {
        None => Ok(()),
        Some(_) => Err(EditError::StreamIsFile {
            path: path.to_string(),
        }
        .into()),
    }
}
