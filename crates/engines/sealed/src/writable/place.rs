//! A name in the merged view of a chain and what is over it.

use std::collections::BTreeMap;
use std::rc::Rc;

use transom_erofs::Nid;
use transom_layer::Names;
use transom_ntmeta::attributes::FileAttributes;
use transom_ntmeta::name::split_stream;

use super::error::ChangesError;
use super::links::origin_of;
use super::sources::lower_at;
use super::upper::{Upper, UpperEntry, UpperKind};
use crate::diff::key;
use crate::durable::FileError;
use crate::index::keys;
use crate::index::long_name::{self, Stored};
use crate::paths::join;
use crate::tree::{Node, Tree, TreeError};

/// A name as the upper folder has it.
#[derive(Debug)]
pub(super) struct StoredName {
    pub(super) name: Vec<u8>,
    /// The attribute that keeps the true name of one too long for Linux.
    pub(super) attribute: Option<(Vec<u8>, Vec<u8>)>,
}

impl StoredName {
    pub(super) fn of(name: &[u8]) -> Self {
        match long_name::store(name) {
            Stored::Plain => Self {
                name: name.to_vec(),
                attribute: None,
            },
            Stored::Shortened {
                name: short,
                attribute,
            } => Self {
                name: short,
                attribute: Some((attribute, name.to_vec())),
            },
        }
    }
}

/// What a path names.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Its name.
    pub(super) name: Vec<u8>,
    /// Its name as it is stored.
    pub(super) stored: Vec<u8>,
    /// Where it is, or would be, in the upper folder.
    pub(super) path: Vec<u8>,
    pub(super) upper: Option<(UpperEntry, Vec<u8>)>,
    /// What of the chain is seen there: a file's data, or what shows through a folder.
    pub(super) lower: Option<Node>,
    /// Where that is in the chain, as a mount shows it.
    pub(super) lower_path: Option<Vec<u8>>,
    /// The folder it is in.
    pub(super) above: Option<Rc<Place>>,
}

impl Place {
    pub(super) fn root(lower: &Tree, upper: &Upper) -> Result<Self, ChangesError> {
        Ok(Self {
            name: Vec::new(),
            stored: Vec::new(),
            path: Vec::new(),
            upper: upper.entry(b"")?.map(|entry| (entry, Vec::new())),
            lower: Some(lower.root()?),
            lower_path: Some(Vec::new()),
            above: None,
        })
    }

    /// Finds an entry of a folder; names compare as the tree's do. `candidates` are the names that it may have
    /// in the upper folder.
    pub(super) fn child(
        &self,
        lower: &Tree,
        upper: &Upper,
        name: &[u8],
        candidates: &[Vec<u8>],
    ) -> Result<Option<Self>, ChangesError> {
        let mut of_upper = Vec::new();
        for candidate in candidates {
            of_upper.extend(upper.entry(&join(&self.path, candidate))?);
        }
        let mut of_lower = Vec::new();
        if let Some(folder) = self.lower.as_ref().filter(|node| node.is_directory()) {
            for entry in &of_upper {
                if let Some(node) = lower.stored_child(folder, &entry.name)? {
                    of_lower.push((node, entry.name.clone()));
                }
            }
            if let Some(node) = lower.child(folder, name)? {
                let stored = StoredName::of(node.name()).name;
                if !of_lower.iter().any(|(_, known)| *known == stored) {
                    of_lower.push((node, stored));
                }
            }
        }
        let mut children = self.merge(lower, of_upper, of_lower)?;
        let wanted = key(lower.names(), name);
        children.retain(|child| key(lower.names(), &child.name) == wanted);
        // The exact name, if there is one, is meant.
        children.sort_by_key(|child| child.name != name);
        Ok(children.into_iter().next())
    }

    /// Lists a folder, streams too.
    pub(super) fn children(&self, lower: &Tree, upper: &Upper) -> Result<Vec<Self>, ChangesError> {
        let of_upper = match &self.upper {
            Some((entry, path)) if matches!(entry.kind, UpperKind::Directory { .. }) => {
                upper.list(path)?
            }
            _ => Vec::new(),
        };
        let mut of_lower = Vec::new();
        if let Some(folder) = self.lower.as_ref().filter(|node| node.is_directory()) {
            for entry in lower.names_in(folder)? {
                of_lower.push((lower.named(folder, &entry)?, entry.stored));
            }
        }
        self.merge(lower, of_upper, of_lower)
    }

    /// Brings together what the upper folder and the chain have in this folder, stored names with the latter.
    fn merge(
        &self,
        lower: &Tree,
        of_upper: Vec<UpperEntry>,
        of_lower: Vec<(Node, Vec<u8>)>,
    ) -> Result<Vec<Self>, ChangesError> {
        let mut of_lower: BTreeMap<Vec<u8>, Node> = of_lower
            .into_iter()
            .map(|(node, stored)| (stored, node))
            .collect();
        let above = Rc::new(self.clone());
        let mut children = Vec::new();
        for entry in of_upper {
            let below = of_lower.remove(&entry.name);
            if entry.kind == UpperKind::Whiteout {
                continue;
            }
            let name = match &below {
                Some(node) => node.name().to_vec(),
                None => long_name::true_name(&entry.name, &entry.xattrs).to_vec(),
            };
            let path = join(&self.path, &entry.name);
            let (lower, lower_path) = self.seen_through(lower, &entry, below)?;
            children.push(Self {
                name,
                stored: entry.name.clone(),
                path: path.clone(),
                upper: Some((entry, path)),
                lower,
                lower_path,
                above: Some(Rc::clone(&above)),
            });
        }
        for (stored, node) in of_lower {
            children.push(Self {
                name: node.name().to_vec(),
                path: join(&self.path, &stored),
                upper: None,
                lower_path: self.below(&stored),
                stored,
                lower: Some(node),
                above: Some(Rc::clone(&above)),
            });
        }
        Ok(children)
    }

    fn below(&self, stored: &[u8]) -> Option<Vec<u8>> {
        self.lower_path.as_ref().map(|path| join(path, stored))
    }

    /// Finds what of the chain an entry of the upper folder lets be seen.
    fn seen_through(
        &self,
        lower: &Tree,
        entry: &UpperEntry,
        below: Option<Node>,
    ) -> Result<(Option<Node>, Option<Vec<u8>>), ChangesError> {
        let redirect = match &entry.kind {
            UpperKind::Directory {
                redirect: Some(redirect),
                ..
            }
            | UpperKind::File {
                metadata_only: Some(Some(redirect)),
            } => redirect,
            UpperKind::Directory { opaque: true, .. } => return Ok((None, None)),
            UpperKind::Directory { .. } => {
                let below = below.filter(Node::is_directory);
                let path = below.as_ref().and_then(|_| self.below(&entry.name));
                return Ok((below, path));
            }
            UpperKind::File {
                metadata_only: Some(None),
            } => {
                let path = below.as_ref().and_then(|_| self.below(&entry.name));
                return Ok((below, path));
            }
            _ => return Ok((None, None)),
        };
        let path = match redirect.strip_prefix(b"/") {
            Some(absolute) => absolute.to_vec(),
            None => self.below(redirect).unwrap_or_default(),
        };
        Ok((lower_at(lower, &path)?, Some(path)))
    }

    /// Reads the entry of the upper folder again.
    pub(super) fn again(mut self, upper: &Upper) -> Result<Self, FileError> {
        self.upper = upper
            .entry(&self.path)?
            .map(|entry| (entry, self.path.clone()));
        Ok(self)
    }

    pub(super) fn is_folder(&self) -> bool {
        match (&self.upper, &self.lower) {
            (Some((entry, _)), _) => matches!(entry.kind, UpperKind::Directory { .. }),
            (None, lower) => lower.as_ref().is_some_and(Node::is_directory),
        }
    }

    pub(super) fn is_plain_file(&self) -> bool {
        match (&self.upper, &self.lower) {
            (Some((entry, _)), _) => matches!(entry.kind, UpperKind::File { .. }),
            (None, lower) => lower.as_ref().is_some_and(Node::is_file),
        }
    }

    /// Returns how many names it has, in the chain or in the upper folder.
    pub(super) fn links(&self) -> u32 {
        let of_upper = self.upper.as_ref().map_or(0, |(entry, _)| entry.links);
        of_upper.max(self.lower.as_ref().map_or(0, Node::links))
    }

    /// Returns the number in the chain of a file that has several names there.
    pub(super) fn hard_linked(&self, lower: &Tree) -> Option<Nid> {
        let node = match &self.upper {
            Some((entry, _)) => origin_of(lower, entry),
            None => self.lower.clone(),
        }?;
        (!node.is_directory() && node.links() > 1).then(|| node.nid())
    }

    /// Says whether it is a link that has no attributes yet, because no link can have any.
    pub(super) fn is_bare_link(&self) -> bool {
        self.upper.as_ref().is_some_and(|(entry, _)| {
            matches!(entry.kind, UpperKind::Symlink(_)) && entry.xattr(keys::SYMLINK).is_none()
        })
    }

    /// Says whether it is found in the chain by its own place only, so that it has to be told where it was.
    pub(super) fn needs_redirect(&self) -> bool {
        match &self.upper {
            Some((entry, _)) => matches!(
                entry.kind,
                UpperKind::Directory { opaque: false, .. }
                    | UpperKind::File {
                        metadata_only: Some(_)
                    }
            ),
            None => true,
        }
    }

    /// Says whether nothing is in a folder.
    pub(super) fn is_empty(&self, lower: &Tree, upper: &Upper) -> Result<bool, ChangesError> {
        Ok(self.children(lower, upper)?.is_empty())
    }

    /// Returns the alternate streams that stand beside an entry of this folder.
    pub(super) fn streams_of(
        &self,
        lower: &Tree,
        upper: &Upper,
        owner: &Self,
    ) -> Result<Vec<Self>, ChangesError> {
        if lower.names() == Names::Posix || split_stream(&owner.name).1.is_some() {
            return Ok(Vec::new());
        }
        let mut children = self.children(lower, upper)?;
        children.retain(|child| {
            let (base, stream) = split_stream(&child.name);
            stream.is_some() && key(Names::Windows, base) == key(Names::Windows, &owner.name)
        });
        Ok(children)
    }

    /// Says whether the chain has something in this folder that has to be hidden when a name is gone.
    pub(super) fn hides(&self, lower: &Tree, stored: &[u8]) -> Result<bool, TreeError> {
        match &self.lower {
            Some(folder) => Ok(lower.stored_child(folder, stored)?.is_some()),
            None => Ok(false),
        }
    }

    /// Returns the attributes that it has.
    pub(super) fn attributes(&self, lower: &Tree) -> Result<FileAttributes, TreeError> {
        let written = self
            .upper
            .as_ref()
            .and_then(|(entry, _)| entry.xattr(keys::FILE_ATTRIBUTES))
            .and_then(|text| std::str::from_utf8(text).ok()?.parse().ok())
            .map(FileAttributes::from_bits_retain);
        let of_chain = match (&written, &self.upper, &self.lower) {
            (None, None, Some(node)) => lower.metadata(node)?.attributes,
            _ => None,
        };
        let default = match self.is_folder() {
            true => FileAttributes::DIRECTORY,
            false => FileAttributes::ARCHIVE,
        };
        Ok(written.or(of_chain).unwrap_or(default))
    }
}
