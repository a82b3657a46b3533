//! Changing a writable layer without a mount, and without root.
//!
//! The editor writes to the upper folder what a mount would have made the kernel write, under names that
//! anybody may write (see [`promote`](super::promote)). It copies no data that it does not change: a file
//! that is moved, or whose metadata changes, refers to the chain, and so does a folder that is moved.

mod delete;
mod find;
mod listings;
mod metadata;
mod raise;
mod rename;
mod write;

use std::io::Read;

use transom_layer::{Names, TreePath};
use transom_ntmeta::attributes::FileAttributes;
use transom_ntmeta::filetime::UnixTime;

use self::listings::Listings;
use super::draft::Drafts;
use super::error::{EditError, NamedLayerError, NamedLayerFault, OfLayer};
use super::open::Writable;
use crate::durable::Named;
use crate::store::Store;

/// A writable layer that nothing has mounted, open to be changed; [`Editor::finish`] makes the changes durable.
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
    /// As [`Store::open_writable`], [`NamedLayerFault::OfSnapshot`], and [`NamedLayerFault::Mounted`]: what the kernel has mounted is changed there.
    pub fn edit_writable(&self, id: &str) -> Result<Editor, NamedLayerError> {
        self.refuse_if_of_snapshot(id).of_layer(id)?;
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

    /// Gives a file or folder of a Linux image permission bits; a link has none of its own.
    ///
    /// # Errors
    /// [`NamedLayerError`] if it is not there, or the image is one of Windows.
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

    /// Makes all changes durable. If the system dies before, some may be there and others not.
    ///
    /// # Errors
    /// [`NamedLayerError`] if the file system fails.
    pub fn finish(self) -> Result<(), NamedLayerError> {
        let upper = self.writable.upper.shown(b"");
        let synced = self.drafts.sync().named("sync the files below", &upper);
        self.named(synced.map_err(NamedLayerFault::from))
    }

    fn named<T>(&self, result: Result<T, NamedLayerFault>) -> Result<T, NamedLayerError> {
        result.of_layer(&self.writable.layer().id)
    }
}
