//! Deleting files, streams and folders.

use transom_layer::TreePath;

use super::Editor;
use super::find::stream_of;
use crate::durable::Named;
use crate::writable::error::{EditError, NamedLayerFault};
use crate::writable::place::Place;

impl Editor {
    pub(super) fn delete(&self, path: &TreePath, recursive: bool) -> Result<(), NamedLayerFault> {
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
        if let Some(nid) = owner.hard_linked(&self.writable.lower) {
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
    pub(super) fn delete_place(
        &self,
        folder: &Place,
        place: &Place,
    ) -> Result<(), NamedLayerFault> {
        if place.upper.is_some() {
            // What was changed under this name stays so under the others.
            self.raise_names(folder, place)?;
        }
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
}
