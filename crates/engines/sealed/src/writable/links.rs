//! The other names of files that the writable layer has changed under one name.
//!
//! A hard-linked file that is changed, or moved with its folder, is changed under all its names, as on
//! NTFS; the layer must then hold all of them.

use std::collections::{BTreeSet, HashMap, HashSet};

use transom_erofs::Nid;
use transom_layer::Names;
use transom_ntmeta::name::split_stream;

use super::error::ChangesError;
use super::folder::{Child, StreamChange};
use super::sources::{in_source, sources, true_name};
use super::upper::{Upper, UpperEntry, UpperKind};
use crate::diff::key;
use crate::index::keys;
use crate::paths::{join, split_last};
use crate::tree::{Node, Tree};

/// All folders of an upper folder: path and content.
pub(super) type Listing = HashMap<Vec<u8>, Vec<UpperEntry>>;

/// A file that has several names, of the upper folder or of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum FileId {
    Upper(u64),
    Lower(Nid),
}

/// Returns what tells a file that has several names from others.
pub(super) fn file_id(child: &Child) -> Option<FileId> {
    match (&child.upper, &child.source) {
        (Some((entry, _)), _) => {
            (entry.links > 1 && !is_folder(entry)).then_some(FileId::Upper(entry.inode))
        }
        (None, Some(source)) if source.is_directory() => None,
        (None, Some(source)) => (source.links() > 1).then(|| FileId::Lower(source.nid())),
        (None, None) => None,
    }
}

pub(super) fn is_folder(entry: &UpperEntry) -> bool {
    matches!(entry.kind, UpperKind::Directory { .. })
}

/// What is to be told of the chain although the upper folder does not have it.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// Folder of the chain → names in it.
    names: HashMap<Vec<u8>, BTreeSet<Vec<u8>>>,
    /// Copies in the upper folder of files that have more names.
    copies: HashMap<Nid, (UpperEntry, Vec<u8>)>,
    /// Paths of the files whose number was asked for.
    places: HashMap<Nid, Vec<Vec<u8>>>,
    /// What was done to the streams of files that have more names, by any of these.
    streams: HashMap<FileId, Vec<StreamChange>>,
    /// By how many names of its file or folder a stream was taken away, and what its name compares as.
    taken: HashMap<(Nid, Vec<u16>), u32>,
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

    /// Returns what was done to the streams of a file by any of its names.
    pub(super) fn streams(&self, id: FileId) -> Option<&[StreamChange]> {
        self.streams.get(&id).map(Vec::as_slice)
    }

    /// Says whether a stream of the chain is no longer where it was, by any name of its file or folder.
    pub(super) fn is_taken(&self, owner: &Node, stream: &[u8]) -> bool {
        let stream = key(Names::Windows, stream);
        let names = match owner.is_directory() {
            true => 1,
            false => owner.links(),
        };
        let taken = self.taken.get(&(owner.nid(), stream));
        taken.is_some_and(|taken| *taken >= names)
    }

    /// Adds a path and the folders on the way to it.
    pub(super) fn add(&mut self, path: &[u8]) {
        let mut rest = path;
        loop {
            let (folder, name) = split_last(rest);
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
            if is_folder(entry) {
                folders.push(join(&folder, &entry.name));
            }
        }
        listing.insert(folder, entries);
    }
    Ok(listing)
}

/// Finds what the changes touch beyond the names that the upper folder has.
pub(super) fn touched(
    lower: &Tree,
    upper: &Upper,
    listing: &Listing,
) -> Result<Touched, ChangesError> {
    let mut touched = Touched::default();
    let mut wanted = HashSet::new();
    let sources = sources(lower, listing, &mut wanted)?;
    for (mut entry, place) in upper.changed_links()? {
        if let Some(node) = origin_of(lower, &entry)
            && !is_unchanged(lower, &node, &entry)?
        {
            // All its names may be in the chain.
            entry.links = entry.links.max(2);
            wanted.insert(node.nid());
            touched.copies.insert(node.nid(), (entry, place));
        }
    }
    for (folder, entries) in listing {
        let source = sources.get(folder).and_then(Option::as_ref);
        for entry in entries {
            let Some(node) = origin_of(lower, entry) else {
                continue;
            };
            if node.links() > 1 {
                let copy = (entry.clone(), join(folder, &entry.name));
                touched.copies.insert(node.nid(), copy);
                wanted.insert(node.nid());
            }
            let there = in_source(lower, source, &entry.name)?;
            let is_in_place = there.is_some_and(|there| there.nid() == node.nid());
            if entry.xattr(keys::STREAMS).is_some() && !is_in_place {
                wanted.insert(node.nid());
            }
        }
    }
    if lower.names() == Names::Windows {
        for (folder, entries) in listing {
            let source = sources.get(folder).and_then(Option::as_ref);
            stream_changes(lower, folder, entries, source, &mut touched, &mut wanted)?;
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

/// Returns the file of the chain that one was copied up from. Whoever can write to the layer can write the note of
/// it: one that makes no sense is none.
pub(super) fn origin_of(lower: &Tree, entry: &UpperEntry) -> Option<Node> {
    let origin = entry
        .origin
        .filter(|origin| !is_folder(entry) && origin.uuid == lower.uuid())?;
    let node = lower.nameless(origin.nid).ok();
    node.filter(|node| !node.is_directory())
}

/// Says whether a copy is still what it was made from: the kernel copies a file up to delete one of its names, too.
fn is_unchanged(lower: &Tree, node: &Node, entry: &UpperEntry) -> Result<bool, ChangesError> {
    let metadata = lower.metadata(node)?;
    let mut xattrs = lower.all_xattrs(node)?;
    xattrs.sort();
    let has_own_data = matches!(
        entry.kind,
        UpperKind::File {
            metadata_only: None
        }
    );
    Ok(!has_own_data
        && xattrs == entry.xattrs
        && metadata.size == entry.size
        && metadata.modified == entry.modified
        && metadata.mode == entry.permissions
        && (metadata.uid, metadata.gid) == (entry.uid, entry.gid))
}

/// Collects what was done to the streams of files that have several names.
fn stream_changes(
    lower: &Tree,
    folder: &[u8],
    entries: &[UpperEntry],
    source: Option<&Node>,
    touched: &mut Touched,
    wanted: &mut HashSet<Nid>,
) -> Result<(), ChangesError> {
    let mut files = HashMap::new();
    let mut streams = Vec::new();
    for entry in entries {
        let name = true_name(lower, source, entry)?;
        match split_stream(&name) {
            (file, Some(stream)) => streams.push((file.to_vec(), stream.to_vec(), entry)),
            (file, None) => {
                let known = files.entry(key(Names::Windows, file)).or_insert(entry);
                if known.kind.is_nothing() {
                    *known = entry;
                }
            }
        }
    }
    for (file, stream, entry) in streams {
        // Deleted or moved away; another file may have the name since.
        if origin_of(lower, entry).is_none()
            && let Some(source) = source
            && let Some(owner) = lower.child(source, &file)?
        {
            let stream = key(Names::Windows, &stream);
            *touched.taken.entry((owner.nid(), stream)).or_default() += 1;
        }
        let id = match files.get(&key(Names::Windows, &file)) {
            Some(owner) if is_folder(owner) || owner.kind.is_nothing() || owner.links < 2 => None,
            Some(owner) => Some(FileId::Upper(owner.inode)),
            None => {
                let owner = source
                    .map(|source| lower.child(source, &file))
                    .transpose()?;
                let owner = owner.flatten();
                let owner = owner.filter(|owner| !owner.is_directory() && owner.links() > 1);
                owner.map(|owner| {
                    wanted.insert(owner.nid());
                    match touched.copies.get(&owner.nid()) {
                        Some((copy, _)) => FileId::Upper(copy.inode),
                        None => FileId::Lower(owner.nid()),
                    }
                })
            }
        };
        let Some(id) = id else { continue };
        let is_there = !entry.kind.is_nothing();
        touched.streams.entry(id).or_default().push(StreamChange {
            name: stream,
            upper: is_there.then(|| (entry.clone(), join(folder, &entry.name))),
        });
    }
    Ok(())
}

/// Finds all names of the wanted files, and of those whose streams are wanted: a walk over the whole chain.
fn places(lower: &Tree, wanted: &HashSet<Nid>) -> Result<HashMap<Nid, Vec<Vec<u8>>>, ChangesError> {
    let mut places: HashMap<Nid, Vec<Vec<u8>>> = HashMap::new();
    let mut folders = vec![lower.root()?];
    while let Some(folder) = folders.pop() {
        for entry in lower.entries(&folder)? {
            if entry.is_directory() {
                folders.push(entry);
            } else if wanted.contains(&entry.nid()) {
                let file = match lower.names() {
                    Names::Windows => split_stream(entry.name()).0,
                    Names::Posix => entry.name(),
                };
                let path = join(folder.path(), file);
                places.entry(entry.nid()).or_default().push(path);
            }
        }
    }
    for paths in places.values_mut() {
        paths.sort();
    }
    Ok(places)
}
