//! Changing a writable layer without a mount, and without root.
//!
//! The editor writes to the upper folder what a mount would have made the kernel write, under names that
//! anybody may write (see [`promote`](super::promote)). It copies no data that it does not change: a file
//! that is moved, or whose metadata changes, refers to the chain, and so does a folder that is moved.

mod find;
mod listings;
mod raise;

use std::fs::File;
use std::io::{self, Read, Seek};

use rustix::fs::{AtFlags, Mode, OFlags};
use transom_layer::{Names, TreePath};
use transom_ntmeta::attributes::FileAttributes;
use transom_ntmeta::filetime::UnixTime;
use transom_ntmeta::name::split_stream;
use transom_ntmeta::security::SecurityDescriptor;

use self::find::{missing, stream_of};
use self::listings::Listings;
use super::draft::{self, Drafts, now};
use super::error::{EditError, NamedLayerError, NamedLayerFault, OfLayer};
use super::open::Writable;
use super::place::{Place, StoredName};
use super::upper::UpperKind;
use crate::durable::Named;
use crate::index::keys;
use crate::store::Store;

/// A writable layer that nothing has mounted, open to be changed.
#[derive(Debug)]
pub struct Editor {
    writable: Writable,
    drafts: Drafts,
    listings: Listings,
}

impl Store {
    /// Opens a writable layer to be changed without a mount.
    ///
    /// # Errors
    /// As [`Store::open_writable`], and [`NamedLayerFault::Mounted`]: what the kernel has mounted is changed there.
    pub fn edit_writable(&self, id: &str) -> Result<Editor, NamedLayerError> {
        let writable = self.open_writable(id)?;
        self.refuse_if_active(id).of_layer(id)?;
        let is_root = rustix::process::geteuid().is_root();
        if writable.layer().names == Names::Posix && !is_root {
            return Err(NamedLayerFault::from(EditError::OwnersNeedRoot)).of_layer(id);
        }
        let drafts = Drafts::open(&writable.upper.shown(b"")).of_layer(id)?;
        let listings = Listings::new(writable.layer().names);
        Ok(Editor {
            writable,
            drafts,
            listings,
        })
    }
}

impl Editor {
    /// Writes a file, or an alternate stream of one, making it if it is not there; the last write is `modified`,
    /// or now. What is there keeps its metadata; a link gives way.
    ///
    /// # Errors
    /// [`NamedLayerError`]; then the file is as it was, unless it has more names and the disk is full.
    pub fn write(
        &self,
        path: &TreePath,
        data: &mut dyn Read,
        modified: Option<UnixTime>,
    ) -> Result<(), NamedLayerError> {
        self.named(self.write_file(path, data, modified))
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// [`NamedLayerError`] if there is something of that name, or no folder to make it in.
    pub fn create_folder(&self, path: &TreePath) -> Result<(), NamedLayerError> {
        self.named(self.make_folder(path))
    }

    /// Makes a link to `target`, which is written as on Linux (`../x`, `/x` for `C:\x`).
    ///
    /// # Errors
    /// [`NamedLayerError`] if there is something of that name, or no folder to make it in.
    pub fn create_link(&self, path: &TreePath, target: &[u8]) -> Result<(), NamedLayerError> {
        self.named(self.make_link(path, target))
    }

    /// Deletes a file, a stream or a folder; one that is not empty only if `recursive`.
    ///
    /// # Errors
    /// [`NamedLayerError`] if it is not there, or not empty.
    pub fn remove(&self, path: &TreePath, recursive: bool) -> Result<(), NamedLayerError> {
        self.named(self.delete(path, recursive))
    }

    /// Renames a file or folder; a file that has the new name is replaced.
    ///
    /// # Errors
    /// [`NamedLayerError`] if it is not there, the new name is a folder's, or lies in the folder itself.
    pub fn rename(&self, from: &TreePath, to: &TreePath) -> Result<(), NamedLayerError> {
        self.named(self.move_entry(from, to))
    }

    /// Changes the attributes of a file or folder.
    ///
    /// # Errors
    /// [`NamedLayerError`] if it is not there or cannot keep them.
    pub fn set_attributes(
        &self,
        path: &TreePath,
        set: FileAttributes,
        clear: FileAttributes,
    ) -> Result<(), NamedLayerError> {
        self.named(self.change_attributes(path, set, clear))
    }

    /// Gives a file or folder a security descriptor (self-relative).
    ///
    /// # Errors
    /// [`NamedLayerError`] if it is not there, cannot keep it, or the descriptor is damaged.
    pub fn set_security(&self, path: &TreePath, security: &[u8]) -> Result<(), NamedLayerError> {
        self.named(self.change_security(path, security))
    }

    /// Gives a file or folder of a Linux image permission bits.
    ///
    /// # Errors
    /// [`NamedLayerError`] if it is not there, is a link, or the image is one of Windows.
    pub fn set_permissions(&self, path: &TreePath, mode: u16) -> Result<(), NamedLayerError> {
        self.named(self.change_permissions(path, mode))
    }

    /// Returns the name of an entry, in the case that it has.
    ///
    /// # Errors
    /// [`NamedLayerError`] if it is not there.
    pub fn name_of(&self, path: &TreePath) -> Result<Vec<u8>, NamedLayerError> {
        self.named(self.existing(path).map(|place| place.name))
    }

    /// Says whether there is a folder of that name.
    ///
    /// # Errors
    /// [`NamedLayerError`] if the layer cannot be read.
    pub fn is_folder(&self, path: &TreePath) -> Result<bool, NamedLayerError> {
        let place = self
            .place(path)
            .map(|place| place.is_some_and(|place| place.is_folder()));
        self.named(place)
    }

    fn named<T>(&self, result: Result<T, NamedLayerFault>) -> Result<T, NamedLayerError> {
        result.of_layer(&self.writable.layer().id)
    }

    fn write_file(
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
            let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let file = File::from(rustix::fs::openat(&handle, name, flags, Mode::empty())?);
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
        let Some(nid) = owner.hard_linked(&self.writable.lower)? else {
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

    fn make_folder(&self, path: &TreePath) -> Result<(), NamedLayerFault> {
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

    fn make_link(&self, path: &TreePath, target: &[u8]) -> Result<(), NamedLayerFault> {
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
    fn set_name(
        &self,
        stored: &StoredName,
        shown: &std::path::Path,
    ) -> Result<(), NamedLayerFault> {
        if let Some((key, name)) = &stored.attribute {
            self.drafts
                .set(key, name)
                .named("set attributes of", shown)?;
        }
        Ok(())
    }

    fn delete(&self, path: &TreePath, recursive: bool) -> Result<(), NamedLayerFault> {
        let place = self.existing(path)?;
        let (folder, _) = self.folder_of(path)?;
        self.refuse_undeletable(&folder, &place, path)?;
        let (lower, upper) = (&self.writable.lower, &self.writable.upper);
        if place.is_folder() && !recursive && !place.is_empty(lower, upper)? {
            let path = path.to_string();
            return Err(EditError::NotEmpty { path }.into());
        }
        let folder = self.raise_folder(folder)?;
        if let Some(stream) = path.stream() {
            return self.delete_stream(path, stream, &folder, &place);
        }
        for stream in folder.streams_of(lower, upper, &place)? {
            self.delete_place(&folder, &stream)?;
        }
        self.delete_place(&folder, &place)
    }

    /// Deletes a stream, under all names that its file has.
    fn delete_stream(
        &self,
        path: &TreePath,
        stream: &[u8],
        folder: &Place,
        place: &Place,
    ) -> Result<(), NamedLayerFault> {
        let owner = self.existing(&path.prefix(path.components().len()))?;
        if let Some(nid) = owner.hard_linked(&self.writable.lower)? {
            for (other_folder, other) in self.names_of(nid)? {
                let other_folder = self.raise_folder(other_folder)?;
                let name = stream_of(&other.name, stream);
                if let Some(other) = self.step(&other_folder, &name)? {
                    self.delete_place(&other_folder, &other)?;
                }
            }
            return Ok(());
        }
        self.delete_place(folder, place)
    }

    /// Deletes one entry of a folder that can be written to.
    fn delete_place(&self, folder: &Place, place: &Place) -> Result<(), NamedLayerFault> {
        let handle = self.open_folder(folder)?;
        let shown = self.shown(folder, &place.stored);
        let hides = folder.hides(&self.writable.lower, &place.stored)?;
        self.drafts
            .delete(&handle, &place.stored, hides)
            .named("delete", &shown)?;
        if hides {
            self.listings.add(&folder.path, &place.stored);
        }
        Ok(())
    }

    fn move_entry(&self, from: &TreePath, to: &TreePath) -> Result<(), NamedLayerFault> {
        if from.stream().is_some() || to.stream().is_some() {
            let path = from.to_string();
            return Err(EditError::StreamStays { path }.into());
        }
        let place = self.existing(from)?;
        if to.components().len() > from.components().len() && self.is_below(from, to) {
            let path = from.to_string();
            return Err(EditError::IntoItself { path }.into());
        }
        let (source, _) = self.folder_of(from)?;
        self.refuse_undeletable(&source, &place, from)?;
        let (target, name) = self.target(to)?;
        let stored = StoredName::of(name);
        if let Some(there) = self.step(&target, name)? {
            if there.path == place.path {
                if there.name == name {
                    return Ok(());
                }
            } else if there.is_folder() || place.is_folder() {
                let path = to.to_string();
                return Err(EditError::Exists { path }.into());
            } else {
                self.refuse_undeletable(&target, &there, to)?;
                let target = self.raise_folder(target.clone())?;
                let (lower, upper) = (&self.writable.lower, &self.writable.upper);
                for stream in target.streams_of(lower, upper, &there)? {
                    self.delete_place(&target, &stream)?;
                }
                // One of just this name gives way when the other takes its place, unless both are one file:
                // then Linux would do nothing.
                if there.stored != stored.name || there.links() > 1 {
                    self.delete_place(&target, &there)?;
                }
            }
        }
        let source = self.raise_folder(source)?;
        let target = self.raise_folder(target)?;
        let streams = source.streams_of(&self.writable.lower, &self.writable.upper, &place)?;
        self.move_place(&source, &place, &target, &stored)?;
        for stream in streams {
            let (_, stream_name) = split_stream(&stream.name);
            let name = stream_of(name, stream_name.unwrap_or_default());
            self.move_place(&source, &stream, &target, &StoredName::of(&name))?;
        }
        Ok(())
    }

    fn is_below(&self, folder: &TreePath, path: &TreePath) -> bool {
        let names = self.writable.layer().names;
        path.prefix(folder.components().len())
            .is_same(folder, names)
    }

    fn move_place(
        &self,
        source: &Place,
        place: &Place,
        target: &Place,
        name: &StoredName,
    ) -> Result<(), NamedLayerFault> {
        let raised = match (&place.upper, &name.attribute) {
            (Some(_), None) => place.clone(),
            _ => self.raise(source, place)?,
        };
        // From now on the data, or what shows through, is found by its place in the chain.
        if let Some(lower) = &raised.lower_path
            && raised.needs_redirect()
        {
            let value = [b"/", lower.as_slice()].concat();
            self.set_mark(source, &raised, "redirect", &value)?;
        } else if raised.is_folder() {
            self.set_mark(source, &raised, "opaque", b"y")?;
        }
        let (from, to) = (self.open_folder(source)?, self.open_folder(target)?);
        let shown = self.shown(source, &raised.stored);
        if let Some((key, name)) = &name.attribute {
            draft::set_attribute(&from, &raised.stored, key, name)
                .named("set attributes of", &shown)?;
        }
        let hides = source.hides(&self.writable.lower, &raised.stored)?;
        draft::rename((&from, &raised.stored), (&to, &name.name), hides).named("rename", &shown)?;
        self.listings.clear();
        Ok(())
    }

    fn change_attributes(
        &self,
        path: &TreePath,
        set: FileAttributes,
        clear: FileAttributes,
    ) -> Result<(), NamedLayerFault> {
        let (folder, raised) = self.to_change(path)?;
        let before = raised.attributes(&self.writable.lower)?;
        let after = (before - clear) | set;
        let change = vec![(keys::FILE_ATTRIBUTES, after.bits().to_string().into_bytes())];
        self.change(&folder, &raised, change)?;
        if raised.is_plain_file() {
            let mode = match after.contains(FileAttributes::READONLY) {
                true => 0o444,
                false => 0o644,
            };
            self.set_mode(&folder, &raised, mode)?;
        }
        Ok(())
    }

    fn change_security(&self, path: &TreePath, security: &[u8]) -> Result<(), NamedLayerFault> {
        SecurityDescriptor::parse(security).map_err(|source| EditError::Security {
            path: path.to_string(),
            source,
        })?;
        let (folder, raised) = self.to_change(path)?;
        self.change(&folder, &raised, vec![(keys::SECURITY, security.to_vec())])
    }

    /// Changes attributes, and with them the time of change.
    fn change(
        &self,
        folder: &Place,
        place: &Place,
        mut attributes: Vec<(&[u8], Vec<u8>)>,
    ) -> Result<(), NamedLayerFault> {
        let handle = self.open_folder(folder)?;
        let shown = self.shown(folder, &place.stored);
        attributes.push((keys::CHANGE, now().to_pax().into_bytes()));
        for (key, value) in attributes {
            draft::set_attribute(&handle, &place.stored, key, &value)
                .named("set attributes of", &shown)?;
        }
        Ok(())
    }

    fn change_permissions(&self, path: &TreePath, mode: u16) -> Result<(), NamedLayerFault> {
        if self.writable.layer().names == Names::Windows {
            return Err(EditError::NoPermissions.into());
        }
        let place = self.existing(path)?;
        let folder = self.raise_folder(self.folder_of(path)?.0)?;
        let raised = self.raise(&folder, &place)?;
        if let Some((entry, _)) = &raised.upper
            && matches!(entry.kind, UpperKind::Symlink(_))
        {
            return Ok(());
        }
        self.set_mode(&folder, &raised, mode)
    }

    fn set_mode(&self, folder: &Place, place: &Place, mode: u16) -> Result<(), NamedLayerFault> {
        let handle = self.open_folder(folder)?;
        let mode = Mode::from_raw_mode(mode.into());
        rustix::fs::chmodat(&handle, &place.stored, mode, AtFlags::empty())
            .map_err(io::Error::from)
            .named("set the mode of", &self.shown(folder, &place.stored))?;
        Ok(())
    }

    /// Finds an entry whose Windows metadata can be changed, and makes it one of the upper folder.
    fn to_change(&self, path: &TreePath) -> Result<(Place, Place), NamedLayerFault> {
        if self.writable.layer().names == Names::Posix {
            return Err(EditError::NoWindowsMetadata.into());
        }
        let place = self.existing(path)?;
        if path.stream().is_some() {
            let path = path.to_string();
            return Err(EditError::NoMetadata { path }.into());
        }
        let folder = self.raise_folder(self.folder_of(path)?.0)?;
        let raised = self.raise(&folder, &place)?;
        Ok((folder, raised))
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
