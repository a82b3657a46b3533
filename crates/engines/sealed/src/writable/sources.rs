//! What of the chain shows through the folders of the upper folder, and how names there lead to it.

use std::collections::{HashMap, HashSet};

use transom_erofs::Nid;

use super::error::ChangesError;
use super::links::Listing;
use super::upper::{UpperEntry, UpperKind};
use crate::index::long_name;
use crate::paths::join;
use crate::tree::{Node, Tree};

/// What of the chain shows through the folders of an upper folder, by their paths.
pub(super) type Sources = HashMap<Vec<u8>, Option<Node>>;

/// Finds what shows through each folder; hard-linked files in those that were moved are `wanted`.
pub(super) fn sources(
    lower: &Tree,
    listing: &Listing,
    wanted: &mut HashSet<Nid>,
) -> Result<Sources, ChangesError> {
    let mut sources = Sources::new();
    let mut folders = vec![(Vec::new(), Some(lower.root()?))];
    while let Some((folder, source)) = folders.pop() {
        let entries = listing.get(&folder).map(Vec::as_slice).unwrap_or_default();
        for entry in entries {
            let UpperKind::Directory { opaque, redirect } = &entry.kind else {
                continue;
            };
            let own = in_source(lower, source.as_ref(), &entry.name)?;
            let below = match (redirect, own) {
                (Some(target), _) => {
                    let moved = redirected(lower, target, source.as_ref())?;
                    if let Some(moved) = &moved {
                        add_linked(lower, moved, wanted)?;
                    }
                    moved
                }
                (None, Some(own)) => (!opaque).then_some(own),
                (None, None) => in_other_case(lower, entries, source.as_ref(), &entry.name)?,
            };
            let below = below.filter(Node::is_directory);
            folders.push((join(&folder, &entry.name), below));
        }
        sources.insert(folder, source);
    }
    Ok(sources)
}

/// Finds the folder of the chain that a new one is on Windows, because only the case of the names differs.
fn in_other_case(
    lower: &Tree,
    beside: &[UpperEntry],
    source: Option<&Node>,
    name: &[u8],
) -> Result<Option<Node>, ChangesError> {
    let Some(found) = source.map(|source| lower.child(source, name)).transpose()? else {
        return Ok(None);
    };
    let is_deleted = |found: &Node| {
        let mut whiteouts = beside.iter().filter(|entry| entry.kind.is_nothing());
        whiteouts.any(|entry| entry.name == found.name())
    };
    Ok(found.filter(|found| !is_deleted(found)))
}

/// Collects the files below a folder of the chain that have several names.
fn add_linked(lower: &Tree, folder: &Node, wanted: &mut HashSet<Nid>) -> Result<(), ChangesError> {
    let mut folders = vec![folder.clone()];
    while let Some(folder) = folders.pop().filter(Node::is_directory) {
        for entry in lower.children(&folder)? {
            if entry.is_directory() {
                folders.push(entry);
            } else if entry.links() > 1 {
                wanted.insert(entry.nid());
            }
        }
    }
    Ok(())
}

/// Returns the true name of an entry of the upper folder. If it is stored shortened, and has not brought its name
/// along, what it hides has it.
pub(super) fn true_name(
    lower: &Tree,
    source: Option<&Node>,
    entry: &UpperEntry,
) -> Result<Vec<u8>, ChangesError> {
    if long_name::is_shortened(&entry.name)
        && let Some(hidden) = in_source(lower, source, &entry.name)?
    {
        return Ok(hidden.name().to_vec());
    }
    Ok(long_name::true_name(&entry.name, &entry.xattrs).to_vec())
}

/// Returns what the folder that shows through has under a name as a mount shows it.
pub(super) fn in_source(
    lower: &Tree,
    source: Option<&Node>,
    stored: &[u8],
) -> Result<Option<Node>, ChangesError> {
    match source {
        Some(source) => Ok(lower.stored_child(source, stored)?),
        None => Ok(None),
    }
}

/// Finds what a redirect of overlayfs leads to: a path from the root, or a name in the folder of the chain that
/// shows through the one in which it stands.
pub(super) fn redirected(
    lower: &Tree,
    target: &[u8],
    source: Option<&Node>,
) -> Result<Option<Node>, ChangesError> {
    match target.strip_prefix(b"/") {
        Some(absolute) => lower_at(lower, absolute),
        None => in_source(lower, source, target),
    }
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
