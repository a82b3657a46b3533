//! The alternate streams of a file or folder: those of the chain, and what the upper folder did to them.

use std::collections::{BTreeMap, HashMap};

use transom_layer::Names;
use transom_layertar::path::{self, Rules};
use transom_ntmeta::name::split_stream;

use super::error::{ChangesError, shown};
use super::folder::{Child, StreamChange};
use super::links::{self, file_id};
use super::plan::{Content, Planner, Stream, lost};
use super::upper::{UpperEntry, UpperKind};
use crate::diff::{Change, key};
use crate::tree::Node;

/// What streams are told apart by.
fn folded(name: &[u8]) -> Vec<u16> {
    key(Names::Windows, name)
}

impl Planner<'_> {
    /// Returns the streams of what is at `path`, sorted by name; `owner` is what of the chain it is.
    pub(super) fn streams(
        &self,
        child: &Child,
        path: &[u8],
        owner: Option<&Node>,
    ) -> Result<Vec<Stream>, ChangesError> {
        if self.lower.names() == Names::Posix {
            return Ok(Vec::new());
        }
        let mut streams = self.lower_streams(child, owner)?;
        // What was done by another name of the file was done to the same streams.
        let shared = file_id(child).and_then(|id| self.touched.streams(id));
        let changes: Vec<&StreamChange> = match shared {
            Some(shared) => shared.iter().collect(),
            None => child.streams.iter().collect(),
        };
        let mut known: HashMap<Vec<u16>, Vec<u8>> = HashMap::new();
        for change in &changes {
            let key = folded(&change.name);
            if let Some(stream) = streams.get(&key) {
                known.insert(key.clone(), stream.name.clone());
            }
            if change.upper.is_none() {
                streams.remove(&key);
            }
        }
        let mut written: HashMap<Vec<u16>, (u64, &[u8])> = HashMap::new();
        for StreamChange { name, upper } in changes {
            let Some((entry, place)) = upper else {
                continue;
            };
            let key = folded(name);
            match written.insert(key.clone(), (entry.inode, place)) {
                // Two names of one file of the upper folder.
                Some((inode, _)) if inode == entry.inode => continue,
                Some((_, first)) => {
                    return Err(ChangesError::Clash {
                        first: shown(first),
                        second: shown(place),
                    });
                }
                None => {}
            }
            let full = [path, b":", name].concat();
            path::clean(&full, Rules::Windows).map_err(|source| ChangesError::Name {
                path: shown(place),
                source,
            })?;
            let stream = Stream {
                size: entry.size,
                content: self.stream_content(entry, place, path)?,
                change: match child.here.is_some() && known.contains_key(&key) {
                    true => Change::Modified,
                    false => Change::Added,
                },
                // Writing to a stream does not change the case of its name.
                name: known.get(&key).unwrap_or(name).clone(),
            };
            streams.insert(key, stream);
        }
        let mut streams: Vec<Stream> = streams.into_values().collect();
        streams.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(streams)
    }

    fn lower_streams(
        &self,
        child: &Child,
        owner: Option<&Node>,
    ) -> Result<BTreeMap<Vec<u16>, Stream>, ChangesError> {
        let mut streams = BTreeMap::new();
        let Some(owner) = owner else {
            return Ok(streams);
        };
        let was_moved = child.source.as_ref().map(Node::nid) != Some(owner.nid());
        for node in self.lower.streams(owner)? {
            let (_, name) = split_stream(node.name());
            let name = name.unwrap_or_default().to_vec();
            // Of a file that was moved those come along that were not moved or deleted themselves.
            if was_moved && self.touched.is_taken(owner, &name) {
                continue;
            }
            let (size, content) = match self.touched.copy(node.nid()) {
                // It was written by another name of the file, which may be gone.
                Some((entry, place)) => {
                    let content = self.stream_content(entry, place, node.path())?;
                    (entry.size, content)
                }
                None => (
                    self.lower.metadata(&node)?.size,
                    Content::Lower(Box::new(node)),
                ),
            };
            let stream = Stream {
                size,
                content,
                change: match child.here {
                    Some(_) => Change::Modified,
                    None => Change::Added,
                },
                name: name.clone(),
            };
            streams.insert(folded(&name), stream);
        }
        Ok(streams)
    }

    fn stream_content(
        &self,
        entry: &UpperEntry,
        place: &[u8],
        path: &[u8],
    ) -> Result<Content, ChangesError> {
        match &entry.kind {
            UpperKind::File {
                metadata_only: None,
            } => Ok(Content::Upper(place.to_vec())),
            UpperKind::File { .. } => {
                let node = links::origin_of(self.lower, entry);
                let node = node.ok_or_else(|| lost(path, place))?;
                Ok(Content::Lower(Box::new(node)))
            }
            _ => Err(ChangesError::StreamIsNoFile {
                stream: shown(place),
                what: "no file",
            }),
        }
    }
}
