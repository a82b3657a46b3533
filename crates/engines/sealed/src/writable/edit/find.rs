//! Finding what a path names, and where a new entry goes.

use transom_layer::{CARRIER_SUFFIX, Names, TreePath};
use transom_layertar::path::{self, Rules};
use transom_ntmeta::name::eq_folded;

use super::Editor;
use crate::tree::TreeError;
use crate::writable::error::{EditError, NamedLayerFault};
use crate::writable::place::Place;
use crate::writable::upper::UpperKind;

impl Editor {
    fn root(&self) -> Result<Place, NamedLayerFault> {
        Ok(Place::root(&self.writable.lower, &self.writable.upper)?)
    }

    /// Finds what a path names.
    pub(super) fn place(&self, path: &TreePath) -> Result<Option<Place>, NamedLayerFault> {
        let mut place = self.root()?;
        let mut folder = None;
        for component in path.components() {
            if !place.is_folder() {
                return Ok(None);
            }
            match self.step(&place, component)? {
                Some(child) => folder = Some(std::mem::replace(&mut place, child)),
                None => return Ok(None),
            }
        }
        match (path.stream(), folder) {
            (None, _) => Ok(Some(place)),
            // A stream is an entry beside the one it belongs to.
            (Some(stream), Some(folder)) => self.step(&folder, &stream_of(&place.name, stream)),
            (Some(_), None) => Ok(None),
        }
    }

    /// Finds an entry of a folder.
    pub(super) fn step(
        &self,
        place: &Place,
        name: &[u8],
    ) -> Result<Option<Place>, NamedLayerFault> {
        let (lower, upper) = (&self.writable.lower, &self.writable.upper);
        let candidates = match &place.upper {
            Some((entry, path)) if matches!(entry.kind, UpperKind::Directory { .. }) => {
                self.listings.like(upper, path, name)?
            }
            _ => Vec::new(),
        };
        Ok(place.child(lower, upper, name, &candidates)?)
    }

    pub(super) fn existing(&self, path: &TreePath) -> Result<Place, NamedLayerFault> {
        self.place(path)?.ok_or_else(|| missing(path))
    }

    /// Finds the folder of an entry, and the entry's name.
    pub(super) fn folder_of<'a>(
        &self,
        path: &'a TreePath,
    ) -> Result<(Place, &'a [u8]), NamedLayerFault> {
        let Some((name, components)) = path.components().split_last() else {
            return Err(EditError::Root.into());
        };
        let mut folder = self.root()?;
        for (depth, component) in components.iter().enumerate() {
            let above = path.prefix(depth + 1);
            folder = self
                .step(&folder, component)?
                .ok_or_else(|| missing(&above))?;
            if !folder.is_folder() {
                let path = path.to_string();
                return Err(EditError::NotAFolder { path }.into());
            }
        }
        Ok((folder, name))
    }

    /// Finds the folder that a new entry goes to, and the entry's name.
    pub(super) fn target<'a>(
        &self,
        path: &'a TreePath,
    ) -> Result<(Place, &'a [u8]), NamedLayerFault> {
        self.check_name(path)?;
        self.folder_of(path)
    }

    /// Refuses what no layer can have.
    fn check_name(&self, path: &TreePath) -> Result<(), NamedLayerFault> {
        let last = path.components().last().map_or(&b""[..], Vec::as_slice);
        let shown = path.to_string();
        if last.starts_with(b".wh.") {
            return Err(EditError::WhiteoutName { path: shown }.into());
        }
        if self.writable.layer().names == Names::Posix {
            return Ok(());
        }
        if last.ends_with(CARRIER_SUFFIX.as_bytes()) {
            return Err(EditError::CarrierName { path: shown }.into());
        }
        if path
            .stream()
            .is_some_and(|stream| stream.is_empty() || stream.contains(&b':'))
        {
            return Err(EditError::StreamName { path: shown }.into());
        }
        let bytes = path.components().join(&b'/');
        match path::clean(&bytes, Rules::Windows) {
            Ok(_) => Ok(()),
            Err(source) => Err(EditError::Name {
                path: shown,
                source,
            }
            .into()),
        }
    }

    /// Refuses to take away what the chain has and Windows lets no layer delete: top folders and hives.
    pub(super) fn refuse_undeletable(
        &self,
        folder: &Place,
        place: &Place,
        path: &TreePath,
    ) -> Result<(), NamedLayerFault> {
        let components = path.components();
        let is_fixed = components.len() == 1
            || components
                .first()
                .is_some_and(|first| eq_folded(first, b"Hives"));
        if is_fixed
            && self.writable.layer().names == Names::Windows
            && folder.hides(&self.writable.lower, &place.stored)?
        {
            let path = path.to_string();
            return Err(EditError::Undeletable { path }.into());
        }
        Ok(())
    }

    pub(super) fn refuse_existing(
        &self,
        folder: &Place,
        name: &[u8],
        path: &TreePath,
    ) -> Result<(), NamedLayerFault> {
        match self.step(folder, name)? {
            Some(_) => Err(EditError::Exists {
                path: path.to_string(),
            }
            .into()),
            None => Ok(()),
        }
    }
}

/// The name of the entry that a stream is.
pub(super) fn stream_of(owner: &[u8], stream: &[u8]) -> Vec<u8> {
    [owner, b":", stream].concat()
}

pub(super) fn missing(path: &TreePath) -> NamedLayerFault {
    TreeError::NotFound {
        path: path.to_string(),
    }
    .into()
}
