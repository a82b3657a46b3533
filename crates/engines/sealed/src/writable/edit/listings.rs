//! The names in folders of the upper folder, kept between look-ups.
//!
//! A name may be there in another case, so a look-up takes the whole folder. Copying many files into one folder
//! would list it for each. While the editor has the layer nobody else changes it.

use std::cell::RefCell;
use std::collections::HashMap;

use transom_layer::Names;

use crate::diff::key;
use crate::durable::FileError;
use crate::index::long_name;
use crate::writable::upper::Upper;

/// Most folders that are remembered.
const FOLDERS_MAX: usize = 256;

/// Names by what they compare as.
#[derive(Debug, Default)]
struct Listing {
    names: HashMap<Vec<u16>, Vec<Vec<u8>>>,
    /// Names that stand for others.
    shortened: Vec<Vec<u8>>,
}

impl Listing {
    fn add(&mut self, names: Names, name: &[u8]) {
        let list = match long_name::is_shortened(name) {
            true => &mut self.shortened,
            false => self.names.entry(key(names, name)).or_default(),
        };
        if !list.iter().any(|known| known == name) {
            list.push(name.to_vec());
        }
    }
}

/// The listings of some folders. A name that is gone may still be in one; one that is there never misses.
#[derive(Debug)]
pub(super) struct Listings {
    names: Names,
    folders: RefCell<HashMap<Vec<u8>, Listing>>,
}

impl Listings {
    pub(super) fn new(names: Names) -> Self {
        Self {
            names,
            folders: RefCell::default(),
        }
    }

    /// Returns the stored names in a folder that may be `name`.
    pub(super) fn like(
        &self,
        upper: &Upper,
        folder: &[u8],
        name: &[u8],
    ) -> Result<Vec<Vec<u8>>, FileError> {
        let mut folders = self.folders.borrow_mut();
        if !folders.contains_key(folder) {
            let mut listing = Listing::default();
            for name in upper.names(folder)? {
                listing.add(self.names, &name);
            }
            if folders.len() >= FOLDERS_MAX {
                folders.clear();
            }
            folders.insert(folder.to_vec(), listing);
        }
        let Some(listing) = folders.get(folder) else {
            return Ok(Vec::new());
        };
        let same = listing.names.get(&key(self.names, name));
        let same = same.into_iter().flatten();
        Ok(same.chain(&listing.shortened).cloned().collect())
    }

    /// Notes a new name.
    pub(super) fn add(&self, folder: &[u8], name: &[u8]) {
        if let Some(listing) = self.folders.borrow_mut().get_mut(folder) {
            listing.add(self.names, name);
        }
    }

    /// Forgets all: a folder has another path now.
    pub(super) fn clear(&self) {
        self.folders.borrow_mut().clear();
    }
}
