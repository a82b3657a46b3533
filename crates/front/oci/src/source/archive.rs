//! A tar whose entries were listed once and are then read by position.
//!
//! Of entries with the same name the last one counts, as for `docker load`, which unpacks the archive.
//! Hard links name another entry by its path in the archive, symbolic links by a path relative to their
//! own; old `docker save` wrote the latter for layers that several images share.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;

use transom_layertar::{Entry, EntryKind, Limits, Reader};

use super::piece::Piece;
use super::{SourceError, doing};

/// Most entries that are listed: a thousand layers as old `docker save` wrote them are 4,000.
const MAX_ENTRIES: usize = 100_000;
/// Longest name that is listed, in bytes; what is looked up is never longer.
const MAX_NAME: usize = 4_096;
/// Most links that are followed one after the other, as Linux does.
const MAX_HOPS: usize = 40;

/// Where the bytes of an entry are.
#[derive(Debug)]
enum Place {
    Data { offset: u64, len: u64 },
    Link(String),
    OutsideLink,
    Other,
}

#[derive(Debug)]
pub(super) struct Archive {
    file: Arc<File>,
    places: HashMap<String, Place>,
}

impl Archive {
    /// Lists the entries of `file`, whose position is at its start; `name` is how errors name it.
    pub(super) fn list(file: File, name: &str) -> Result<Self, SourceError> {
        let failed = |source| SourceError::Tar {
            name: name.to_owned(),
            source,
        };
        let mut places = HashMap::new();
        let listing = doing(file.try_clone(), "open", name)?;
        let mut reader = Reader::new_seekable(BufReader::new(listing), Limits::default());
        let mut count = 0usize;
        while let Some(entry) = reader.next_entry().map_err(failed)? {
            count += 1;
            if count > MAX_ENTRIES {
                return Err(SourceError::TooManyEntries {
                    name: name.to_owned(),
                    limit: MAX_ENTRIES,
                });
            }
            if let Some(name) = clean(&entry.name, "") {
                places.insert(name.clone(), place(&name, &entry));
            }
        }
        Ok(Self {
            file: Arc::new(file),
            places,
        })
    }

    /// Finds the file of this name, through links.
    pub(super) fn find(&self, name: &str) -> Result<Option<Piece<'static>>, SourceError> {
        let broken = |reason| {
            Err(SourceError::Link {
                name: name.to_owned(),
                reason,
            })
        };
        let Some(clean_name) = clean(name.as_bytes(), "") else {
            return Ok(None);
        };
        let mut current = clean_name.as_str();
        for _ in 0..MAX_HOPS {
            match self.places.get(current) {
                None if current == clean_name => return Ok(None),
                None => return broken("there is no such entry"),
                Some(Place::Data { offset, len }) => {
                    return Ok(Some(Piece::new(self.file.clone(), *offset, *len)));
                }
                Some(Place::Link(target)) => current = target,
                Some(Place::OutsideLink) => return broken("it leads out of the archive"),
                Some(Place::Other) => {
                    return Err(SourceError::NotAFile {
                        name: name.to_owned(),
                    });
                }
            }
        }
        broken("it leads in circles")
    }

    /// Says what an archive that holds no image may be.
    pub(super) fn hint(&self) -> &'static str {
        let is_layer = |name: &String| {
            ["Files", "Hives", "UtilityVM"]
                .iter()
                .any(|top| name == top || name.starts_with(&format!("{top}/")))
        };
        if self.places.keys().any(is_layer) {
            "; it looks like a layer"
        } else if self.places.contains_key("repositories") {
            "; it is of a Docker older than 1.10"
        } else {
            ""
        }
    }
}

fn place(name: &str, entry: &Entry) -> Place {
    let link = |folder| match std::str::from_utf8(&entry.link_name) {
        Ok(target) if !target.starts_with('/') => {
            clean(target.as_bytes(), folder).map_or(Place::OutsideLink, Place::Link)
        }
        _ => Place::OutsideLink,
    };
    match entry.kind {
        // A sparse file does not lie in one piece; no tool writes images so.
        EntryKind::File if entry.sparse.is_none() => Place::Data {
            offset: entry.data_offset,
            len: entry.stored_size,
        },
        EntryKind::HardLink => link(""),
        EntryKind::Symlink => link(name.rsplit_once('/').map_or("", |(folder, _)| folder)),
        _ => Place::Other,
    }
}

/// Joins a name to a folder and takes `.` and `..` out; `None` if it leads out of the archive, is no
/// UTF-8 or too long.
fn clean(name: &[u8], folder: &str) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    if name.len() > MAX_NAME || folder.len() > MAX_NAME {
        return None;
    }
    let mut parts = Vec::new();
    for part in folder.split('/').chain(name.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests;
