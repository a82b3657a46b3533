//! What is in one folder of the result: the names of the upper folder and of the chain, brought together
//! as Windows compares names.

use std::collections::HashMap;

use transom_layer::{CARRIER_SUFFIX, Names, RECYCLE_BIN};
use transom_layertar::path::{self, Rules};
use transom_layertar::{PathError, whiteout};
use transom_ntmeta::name::{NameError, check_component, eq_folded, split_stream};

use super::error::{ChangesError, shown};
use super::plan::Planner;
use super::sources;
use super::upper::{UpperEntry, UpperKind};
use crate::diff::key;
use crate::paths::join;
use crate::tree::{EntryName, Kind, Node};

/// An entry of the upper folder and its path there.
type Placed = (UpperEntry, Vec<u8>);

/// One name of the result.
#[derive(Debug)]
pub(super) struct Child {
    /// Its name, in the case that the result has.
    pub(super) name: Vec<u8>,
    /// What the upper folder has for it.
    pub(super) upper: Option<Placed>,
    /// More folders of the upper folder whose names are this one on Windows.
    pub(super) aliases: Vec<Vec<u8>>,
    /// What of the chain has this name in the folder that shows through.
    pub(super) source: Option<Node>,
    /// The upper folder has it under another case of the name that `source` has.
    pub(super) is_in_other_case: bool,
    /// What the chain has at this place.
    pub(super) here: Option<Node>,
    /// Alternate streams that the upper folder has or deletes.
    pub(super) streams: Vec<StreamChange>,
}

/// An alternate stream that was written, or deleted (then `upper` is `None`).
#[derive(Debug, Clone)]
pub(super) struct StreamChange {
    pub(super) name: Vec<u8>,
    pub(super) upper: Option<Placed>,
}

/// The folders of the upper folder that write to one of the result.
#[derive(Debug, Default)]
pub(super) struct Uppers {
    pub(super) main: Option<Vec<u8>>,
    pub(super) aliases: Vec<Vec<u8>>,
}

/// All that the upper folder has for one name.
#[derive(Debug, Default)]
struct Group {
    entries: Vec<(Vec<u8>, Placed)>,
    is_whiteout: bool,
    /// It has to be told although the upper folder does not have it: its name.
    touched: Option<Vec<u8>>,
    streams: Vec<StreamChange>,
}

type Groups = HashMap<Vec<u16>, Group>;

/// A folder of the chain with its names, by what they compare as.
struct LowerFolder<'a> {
    node: Option<&'a Node>,
    names: HashMap<Vec<u16>, EntryName>,
}

impl Planner<'_> {
    /// Tells what of the chain is deleted in a folder of the result, and what is in it.
    pub(super) fn content(
        &self,
        path: &[u8],
        uppers: &Uppers,
        source: Option<&Node>,
        here: Option<&Node>,
    ) -> Result<(Vec<(Vec<u8>, Kind)>, Vec<Child>), ChangesError> {
        let here = here.filter(|node| node.is_directory());
        let is_moved = source.map(Node::nid) != here.map(Node::nid);
        let touched: Vec<&Vec<u8>> = match source {
            Some(source) if !is_moved => self.touched.in_folder(source.path()).collect(),
            _ => Vec::new(),
        };
        let has_upper = uppers.main.is_some() || !uppers.aliases.is_empty();
        if !has_upper && touched.is_empty() && !is_moved {
            return Ok(Default::default());
        }
        let source = self.lower_folder(source)?;
        let here = self.lower_folder(here.filter(|_| is_moved))?;
        let mut groups = self.groups(uppers, source.node)?;
        for name in touched {
            let group = groups.entry(key(self.lower.names(), name)).or_default();
            group.touched = Some(name.clone());
        }
        if is_moved {
            for (key, name) in &source.names {
                groups.entry(key.clone()).or_default().touched = Some(name.name.clone());
            }
            for key in here.names.keys() {
                groups.entry(key.clone()).or_default();
            }
        }
        let mut deleted = Vec::new();
        let mut children = Vec::new();
        for (key, group) in groups {
            let source = self.lower_child(&source, &key)?;
            let here = match is_moved {
                true => self.lower_child(&here, &key)?,
                false => source.clone(),
            };
            match self.resolve(path, group, source, here.clone())? {
                Some(child) if is_dropped(path, &child) => {}
                Some(child) => children.push(child),
                None => {
                    if let Some(here) = here {
                        let kind = self.lower.metadata(&here)?.kind;
                        deleted.push((here.name().to_vec(), kind));
                    }
                }
            }
        }
        if self.lower.names() == Names::Windows
            && (path.is_empty() || path.split(|byte| *byte == b'/').next() == Some(b"Hives"))
            && let Some((name, _)) = deleted.first()
        {
            let path = shown(&join(path, name));
            return Err(ChangesError::Undeletable { path });
        }
        deleted.sort_by(|a: &(Vec<u8>, Kind), b| a.0.cmp(&b.0));
        children.sort_by(|a, b| a.name.cmp(&b.name));
        Ok((deleted, children))
    }

    /// Collects what the upper folder has, by name.
    fn groups(&self, uppers: &Uppers, source: Option<&Node>) -> Result<Groups, ChangesError> {
        let mut groups = Groups::new();
        for folder in uppers.main.iter().chain(&uppers.aliases) {
            for entry in self.listing.get(folder).into_iter().flatten() {
                let name = sources::true_name(self.lower, source, entry)?;
                let placed = (entry.clone(), join(folder, &entry.name));
                let is_whiteout = entry.kind.is_nothing();
                let (base, stream) = match self.lower.names() {
                    Names::Windows => split_stream(&name),
                    Names::Posix => (name.as_slice(), None),
                };
                let group = groups.entry(key(self.lower.names(), base)).or_default();
                match stream {
                    Some(stream) => group.streams.push(StreamChange {
                        name: stream.to_vec(),
                        upper: (!is_whiteout).then_some(placed),
                    }),
                    None if is_whiteout => group.is_whiteout = true,
                    None => group.entries.push((name, placed)),
                }
            }
        }
        Ok(groups)
    }

    /// Says what becomes of one name; `None` if nothing is left there.
    fn resolve(
        &self,
        path: &[u8],
        mut group: Group,
        source: Option<Node>,
        here: Option<Node>,
    ) -> Result<Option<Child>, ChangesError> {
        let mut child = Child {
            name: Vec::new(),
            upper: None,
            aliases: Vec::new(),
            source: source.filter(|_| !group.is_whiteout),
            is_in_other_case: false,
            here,
            streams: group.streams,
        };
        if group.entries.is_empty() {
            let is_told = group.touched.is_some() || !child.streams.is_empty();
            child.name = match (&child.source, group.touched) {
                (Some(source), _) if is_told => source.name().to_vec(),
                // A folder that every layer has, and the chain has not.
                (None, Some(name)) if !group.is_whiteout && child.here.is_none() => name,
                _ => {
                    let mut streams = child.streams.iter();
                    return match streams.find_map(|stream| stream.upper.as_ref()) {
                        Some((_, place)) => Err(ChangesError::StreamOfNothing {
                            stream: shown(place),
                        }),
                        None => Ok(None),
                    };
                }
            };
            return Ok(Some(child));
        }
        // The entry that has the chain's own name, if one has, is the one that Windows would know.
        let lower_name = child.source.as_ref().map(Node::name);
        group
            .entries
            .sort_by_key(|(name, _)| Some(name.as_slice()) != lower_name);
        let mut entries = group.entries.into_iter();
        let (name, main) = entries.next().expect("not empty, as checked above");
        for (_, other) in entries {
            let are_folders = is_folder(&main) && is_mergeable_folder(&other);
            if !are_folders || !child.source.as_ref().is_some_and(Node::is_directory) {
                return Err(ChangesError::Clash {
                    first: shown(&main.1),
                    second: shown(&other.1),
                });
            }
            child.aliases.push(other.1);
        }
        match &child.source {
            Some(source) if source.name() != name => {
                let is_same_kind = match source.is_directory() {
                    true => is_mergeable_folder(&main),
                    false => source.is_file() && matches!(main.0.kind, UpperKind::File { .. }),
                };
                if !is_same_kind {
                    return Err(ChangesError::Clash {
                        first: shown(source.path()),
                        second: shown(&main.1),
                    });
                }
                child.is_in_other_case = true;
                child.name = source.name().to_vec();
            }
            _ => child.name = name,
        }
        self.check_name(&main, &join(path, &child.name))?;
        child.upper = Some(main);
        Ok(Some(child))
    }

    /// Refuses a name that no layer can have.
    fn check_name(&self, (entry, place): &Placed, path: &[u8]) -> Result<(), ChangesError> {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        let reserved = if name.starts_with(whiteout::PREFIX) {
            Some("begins with .wh. means a deletion in a layer, and so")
        } else if self.lower.names() == Names::Windows && name.ends_with(CARRIER_SUFFIX.as_bytes())
        {
            Some("ends in .$wcidirs$ is dropped by Windows, and so")
        } else {
            None
        };
        if let Some(what) = reserved {
            return Err(ChangesError::ReservedName {
                path: shown(place),
                what,
            });
        }
        if self.lower.names() == Names::Posix {
            return Ok(());
        }
        let refuse = |source| ChangesError::Name {
            path: shown(place),
            source,
        };
        path::clean(path, Rules::Windows).map_err(refuse)?;
        // Archives from elsewhere may bring `a?b`, but Windows' own import fails on it: no new file is called so.
        match check_component(name) {
            Err(source @ NameError::Reserved { .. }) if entry.origin.is_none() => {
                Err(refuse(PathError::Component {
                    name: path.to_vec(),
                    component: name.to_vec(),
                    source,
                }))
            }
            _ => Ok(()),
        }
    }

    fn lower_folder<'a>(&self, node: Option<&'a Node>) -> Result<LowerFolder<'a>, ChangesError> {
        let names = match node {
            Some(node) => self.lower.names_in(node)?,
            None => Vec::new(),
        };
        let is_stream =
            |name: &[u8]| self.lower.names() == Names::Windows && split_stream(name).1.is_some();
        let names = names
            .into_iter()
            .filter(|name| !is_stream(&name.name))
            .map(|name| (key(self.lower.names(), &name.name), name))
            .collect();
        Ok(LowerFolder { node, names })
    }

    fn lower_child(
        &self,
        folder: &LowerFolder<'_>,
        key: &[u16],
    ) -> Result<Option<Node>, ChangesError> {
        match (folder.node, folder.names.get(key)) {
            (Some(node), Some(name)) => Ok(Some(self.lower.named(node, name)?)),
            _ => Ok(None),
        }
    }
}

/// Says whether Windows leaves this out of every layer.
fn is_dropped(path: &[u8], child: &Child) -> bool {
    path == b"Files"
        && eq_folded(&child.name, RECYCLE_BIN.as_bytes())
        && child.upper.as_ref().is_some_and(is_folder)
}

fn is_folder((entry, _): &Placed) -> bool {
    matches!(entry.kind, UpperKind::Directory { .. })
}

/// Says whether this is a folder that Windows would have made of another one's content by writing to it: one that
/// was moved here brings content of its own.
fn is_mergeable_folder((entry, _): &Placed) -> bool {
    matches!(entry.kind, UpperKind::Directory { redirect: None, .. })
}
