//! Renaming files and folders; their streams go with them.

use transom_layer::TreePath;
use transom_ntmeta::name::split_stream;

use super::Editor;
use super::find::stream_of;
use crate::durable::Named;
use crate::writable::draft;
use crate::writable::error::{EditError, NamedLayerFault};
use crate::writable::place::{Place, StoredName};

impl Editor {
    pub(super) fn move_entry(&self, from: &TreePath, to: &TreePath) -> Result<(), NamedLayerFault> {
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
        let place = place.again(&self.writable.upper)?;
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
}
