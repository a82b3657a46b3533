//! The other names of files of the chain that the writable layer has changed under one name.
//!
//! A hard-linked file that is changed is changed under all its names, as on NTFS; the layer must then
//! hold all of them.

use std::collections::{BTreeSet, HashMap, HashSet};

use transom_erofs::Nid;
use transom_layer::Names;
use transom_ntmeta::name::split_stream;

use super::error::ChangesError;
use super::upper::{Upper, UpperEntry, UpperKind};
use crate::index::keys;
use crate::tree::{Node, Tree};

/// All folders of an upper folder: path and content.
pub(super) type Listing = HashMap<Vec<u8>, Vec<UpperEntry>>;

/// What is to be told of the chain although the upper folder does not have it.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// Folder of the chain → names in it.
    names: HashMap<Vec<u8>, BTreeSet<Vec<u8>>>,
    /// Copies in the upper folder of files that have more names.
    copies: HashMap<Nid, (UpperEntry, Vec<u8>)>,
    /// Paths of the files whose number was asked for.
    places: HashMap<Nid, Vec<Vec<u8>>>,
}

impl Touched {
    /// Returns the names in a folder of the chain.
    pub(super) fn in_folder(&self, path: &[u8]) -> impl Iterator<Item = &Vec<u8>> {
        self.names.get(path).into_iter().flatten()
    }

    /// Returns the changed copy of a file of the chain.
    pub(super) fn copy(&self, nid: Nid) -> Option<&(UpperEntry, Vec<u8>)> {
        self.copies.get(&nid)
    }

    /// Returns where a file of the chain is that was moved away with its streams left behind.
    pub(super) fn place(&self, nid: Nid) -> Option<&[u8]> {
        self.places.get(&nid)?.first().map(Vec::as_slice)
    }

    /// Adds a path and the folders on the way to it.
    pub(super) fn add(&mut self, path: &[u8]) {
        let mut rest = path;
        loop {
            let (folder, name) = match rest.iter().rposition(|byte| *byte == b'/') {
                Some(slash) => (&rest[..slash], &rest[slash + 1..]),
                None => (&b""[..], rest),
            };
            let names = self.names.entry(folder.to_vec()).or_default();
            if !names.insert(name.to_vec()) || folder.is_empty() {
                return;
            }
            rest = folder;
        }
    }
}

/// Lists an upper folder with all below it.
pub(super) fn list_all(upper: &Upper) -> Result<Listing, ChangesError> {
    let mut listing = Listing::new();
    let mut folders = vec![Vec::new()];
    while let Some(folder) = folders.pop() {
        let entries = upper.list(&folder)?;
        for entry in &entries {
            if matches!(entry.kind, UpperKind::Directory { .. }) {
                folders.push(join(&folder, &entry.name));
            }
        }
        listing.insert(folder, entries);
    }
    Ok(listing)
}

/// Finds what the changes touch beyond the names that the upper folder has.
pub(super) fn touched(lower: &Tree, listing: &Listing) -> Result<Touched, ChangesError> {
    let mut touched = Touched::default();
    let mut wanted = HashSet::new();
    for (folder, entries) in listing {
        for entry in entries {
            match entry.kind {
                UpperKind::File { .. } => {
                    let Some(origin) = entry.origin.filter(|origin| origin.uuid == lower.uuid())
                    else {
                        continue;
                    };
                    let node = lower.nameless(origin.nid)?;
                    if !node.is_directory() && node.links() > 1 {
                        let copy = (entry.clone(), join(folder, &entry.name));
                        touched.copies.insert(origin.nid, copy);
                        wanted.insert(origin.nid);
                    }
                    if entry.xattr(keys::STREAMS).is_some() && !is_in_place(lower, folder, entry)? {
                        wanted.insert(origin.nid);
                    }
                }
                UpperKind::Whiteout => {}
                _ => continue,
            }
            if lower.names() == Names::Windows
                && let (base, Some(_)) = split_stream(&entry.name)
                && let Some(owner) = lower_at(lower, &join(folder, base))?
                && owner.links() > 1
                && !owner.is_directory()
            {
                wanted.insert(owner.nid());
            }
        }
    }
    if wanted.is_empty() {
        return Ok(touched);
    }
    touched.places = places(lower, &wanted)?;
    let linked: Vec<Vec<u8>> = touched
        .places
        .values()
        .filter(|paths| paths.len() > 1)
        .flatten()
        .cloned()
        .collect();
    for path in linked {
        touched.add(&path);
    }
    Ok(touched)
}

/// Says whether a copied-up file has the name that it has in the chain.
fn is_in_place(lower: &Tree, folder: &[u8], entry: &UpperEntry) -> Result<bool, ChangesError> {
    let there = lower_at(lower, &join(folder, &entry.name))?;
    let origin = entry.origin.map(|origin| origin.nid);
    Ok(there.is_some_and(|there| Some(there.nid()) == origin))
}

/// Returns the entry of the chain at a path as a mount shows it.
pub(super) fn lower_at(lower: &Tree, path: &[u8]) -> Result<Option<Node>, ChangesError> {
    let mut node = lower.root()?;
    for part in path
        .split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty())
    {
        match lower.stored_child(&node, part)? {
            Some(child) => node = child,
            None => return Ok(None),
        }
    }
    Ok(Some(node))
}

/// Finds all names of the wanted files: a walk over the whole chain.
fn places(lower: &Tree, wanted: &HashSet<Nid>) -> Result<HashMap<Nid, Vec<Vec<u8>>>, ChangesError> {
    let mut places: HashMap<Nid, Vec<Vec<u8>>> = HashMap::new();
    let mut folders = vec![lower.root()?];
    while let Some(folder) = folders.pop() {
        for entry in lower.children(&folder)? {
            if entry.is_directory() {
                folders.push(entry);
            } else if wanted.contains(&entry.nid()) {
                places
                    .entry(entry.nid())
                    .or_default()
                    .push(entry.path().to_vec());
            }
        }
    }
    for paths in places.values_mut() {
        paths.sort();
    }
    Ok(places)
}

pub(super) fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() {
        name.to_vec()
    } else {
        [folder, b"/", name].concat()
    }
}
