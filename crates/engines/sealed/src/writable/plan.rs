//! What a writable layer changes, entry by entry, in the order of a layer tar.
//!
//! The order is the one in which Windows exports: a folder, its whiteouts, then what is in it, sorted
//! by bytes (hcsshim, internal/wclayer/legacy.go). The time this takes grows with the changes: of the
//! chain only the folders that have some are listed, unless a hard-linked file was changed.
//!
//! For a folder of the result there are up to three others: those of the upper folder that write to it,
//! the one of the chain that shows through (its `source`), and the one that the chain has at its place
//! (`here`). The last two differ where a folder was renamed, replaced or made: then everything in it is
//! told, and everything the chain has there and the result has not is deleted.

use std::collections::HashMap;
use std::rc::Rc;

use transom_layer::Names;
use transom_ntmeta::filetime::UnixTime;

use super::describe::{self, Above};
use super::error::{ChangesError, shown};
use super::folder::{Child, Uppers};
use super::foreign;
use super::links::{self, FileId, Listing, Touched, file_id};
use super::sources;
use super::upper::{Upper, UpperEntry, UpperKind};
use crate::diff::Change;
use crate::paths::{join, split_last};
use crate::tree::{Kind, Metadata, Node, Tree};

/// One entry of a layer tar, or several: a file with its streams.
#[derive(Debug)]
pub(crate) struct Item {
    /// Path from the tar's root; of a whiteout the path of what it deletes.
    pub(crate) path: Vec<u8>,
    pub(crate) change: Change,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    /// The chain has something here that is gone.
    Deleted(Kind),
    /// Another name of a file that came before.
    HardLink {
        target: Vec<u8>,
        metadata: Box<Metadata>,
    },
    /// Everything else.
    Entry(Box<Entry>),
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) metadata: Metadata,
    /// Where the data of a file is.
    pub(crate) content: Option<Content>,
    pub(crate) streams: Vec<Stream>,
    /// Nothing was changed here: the layer has it because every layer has it.
    pub(crate) is_formal: bool,
}

/// An alternate stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) name: Vec<u8>,
    pub(crate) size: u64,
    pub(crate) content: Content,
    pub(crate) change: Change,
}

/// Where data is.
#[derive(Debug)]
pub(crate) enum Content {
    /// In a file of the upper folder.
    Upper(Vec<u8>),
    /// In the chain.
    Lower(Box<Node>),
}

/// The folders that every layer of a Windows image has.
pub(crate) const TOP_FOLDERS: [&[u8]; 2] = [b"Files", b"Hives"];

/// Tells what the upper folder changes in the chain; times after `latest` are set to it.
pub(crate) fn plan(
    lower: &Tree,
    upper: &Upper,
    latest: Option<UnixTime>,
) -> Result<Vec<Item>, ChangesError> {
    let mut listing = links::list_all(upper)?;
    if lower.names() == Names::Windows {
        foreign::drop_working_directories(&mut listing);
    }
    let mut touched = links::touched(lower, upper, &listing)?;
    if lower.names() == Names::Windows {
        for folder in TOP_FOLDERS {
            touched.add(folder);
        }
    }
    let root = lower.root()?;
    let mut planner = Planner {
        lower,
        listing,
        touched,
        latest,
        first_names: HashMap::new(),
        moved_to: HashMap::new(),
        items: Vec::new(),
        todo: Vec::new(),
    };
    let child = Child {
        name: Vec::new(),
        upper: upper.entry(b"")?.map(|entry| (entry, Vec::new())),
        aliases: Vec::new(),
        source: Some(root.clone()),
        is_in_other_case: false,
        here: Some(root),
        streams: Vec::new(),
    };
    planner.todo.push((child, Rc::default()));
    while let Some((child, above)) = planner.todo.pop() {
        planner.child(child, &above)?;
    }
    Ok(planner.items)
}

pub(super) struct Planner<'a> {
    pub(super) lower: &'a Tree,
    pub(super) listing: Listing,
    pub(super) touched: Touched,
    latest: Option<UnixTime>,
    /// Where each file that has several names was told.
    first_names: HashMap<FileId, Vec<u8>>,
    /// Where folders of the chain were moved to.
    moved_to: HashMap<transom_erofs::Nid, Vec<u8>>,
    items: Vec<Item>,
    /// What is left to tell, the next last.
    todo: Vec<(Child, Rc<Above>)>,
}

impl Planner<'_> {
    fn child(&mut self, mut child: Child, above: &Rc<Above>) -> Result<(), ChangesError> {
        let path = join(&above.path, &child.name);
        if child.upper.is_none()
            && let Some(source) = &child.source
            && let Some((entry, place)) = self.touched.copy(source.nid())
        {
            child.upper = Some((entry.clone(), place.clone()));
        }
        match &child.upper {
            Some((entry, _)) => match entry.kind {
                UpperKind::Directory { .. } => self.folder(child, path, above),
                _ => self.file(&child, path, above),
            },
            // Nothing at all is a folder that every layer has, and the chain has not.
            None if child.source.as_ref().is_none_or(Node::is_directory) => {
                self.folder(child, path, above)
            }
            None => self.file(&child, path, above),
        }
    }

    /// Tells a folder, and what is in it later.
    fn folder(
        &mut self,
        child: Child,
        path: Vec<u8>,
        above: &Rc<Above>,
    ) -> Result<(), ChangesError> {
        let source = self.shows_through(&child, &path, above)?;
        let below = match path.is_empty() {
            true => Above::root(source.clone()),
            false => {
                let metadata = self.metadata(&child, &path, source.as_ref(), above)?;
                let below = Above::of(&path, source.as_ref(), &metadata, above)?;
                let streams = self.streams(&child, &path, source.as_ref())?;
                let is_formal = child.upper.is_none()
                    && streams.is_empty()
                    && TOP_FOLDERS.contains(&path.as_slice());
                let entry = Entry {
                    metadata,
                    content: None,
                    streams,
                    is_formal,
                };
                self.tell(&child, path.clone(), What::Entry(Box::new(entry)));
                below
            }
        };
        let below = Rc::new(below);
        let uppers = Uppers {
            main: child.upper.map(|(_, place)| place),
            aliases: child.aliases,
        };
        let (deleted, children) =
            self.content(&path, &uppers, source.as_ref(), child.here.as_ref())?;
        for (name, kind) in deleted {
            self.items.push(Item {
                path: join(&path, &name),
                change: Change::Deleted,
                what: What::Deleted(kind),
            });
        }
        let children = children.into_iter().rev();
        self.todo
            .extend(children.map(|child| (child, Rc::clone(&below))));
        Ok(())
    }

    /// Returns the folder of the chain whose content shows through a folder.
    fn shows_through(
        &mut self,
        child: &Child,
        path: &[u8],
        above: &Above,
    ) -> Result<Option<Node>, ChangesError> {
        let own = child.source.clone().filter(Node::is_directory);
        let Some((entry, _)) = &child.upper else {
            return Ok(own);
        };
        let UpperKind::Directory { opaque, redirect } = &entry.kind else {
            return Ok(None);
        };
        match redirect {
            Some(target) => {
                let found = self.redirected(target, path, above)?;
                if !found.is_directory() {
                    return Err(lost(path, target));
                }
                // The kernel makes one of each folder that is renamed. Two, which anybody can write, would make
                // a large tree of nothing.
                match self.moved_to.insert(found.nid(), path.to_vec()) {
                    Some(first) => Err(ChangesError::MovedTwice {
                        first: shown(&first),
                        second: shown(path),
                    }),
                    None => Ok(Some(found)),
                }
            }
            // A new folder is opaque, but Windows would have put its content into the one that is there.
            None if *opaque && !child.is_in_other_case => Ok(None),
            None => Ok(own),
        }
    }

    /// Finds what a redirect of overlayfs leads to.
    fn redirected(&self, target: &[u8], path: &[u8], above: &Above) -> Result<Node, ChangesError> {
        sources::redirected(self.lower, target, above.source.as_ref())?
            .ok_or_else(|| lost(path, target))
    }

    /// Tells a file, a link or something else without content of its own kind.
    fn file(
        &mut self,
        child: &Child,
        path: Vec<u8>,
        above: &Rc<Above>,
    ) -> Result<(), ChangesError> {
        if let Some((entry, _)) = &child.upper {
            self.check_kind(entry, &path)?;
        }
        let base = self.copied_from(child)?;
        let metadata = self.metadata(child, &path, base.as_ref(), above)?;
        if let Some(id) = file_id(child) {
            if let Some(target) = self.first_names.get(&id) {
                let target = target.clone();
                let metadata = Box::new(Metadata {
                    size: 0,
                    ..metadata
                });
                self.tell(child, path, What::HardLink { target, metadata });
                return Ok(());
            }
            self.first_names.insert(id, path.clone());
        }
        let content = match metadata.kind {
            Kind::File => Some(self.data(child, &path, base.as_ref(), above)?),
            _ => None,
        };
        let entry = Entry {
            streams: self.streams(child, &path, base.as_ref())?,
            metadata,
            content,
            is_formal: false,
        };
        self.tell(child, path, What::Entry(Box::new(entry)));
        Ok(())
    }

    fn tell(&mut self, child: &Child, path: Vec<u8>, what: What) {
        let change = match child.here {
            Some(_) => Change::Modified,
            None => Change::Added,
        };
        self.items.push(Item { path, change, what });
    }

    /// Refuses what no Windows layer can hold.
    fn check_kind(&self, entry: &UpperEntry, path: &[u8]) -> Result<(), ChangesError> {
        let what = match entry.kind {
            UpperKind::CharDevice(_) | UpperKind::BlockDevice(_) => "a device",
            UpperKind::Fifo => "a pipe",
            _ => return Ok(()),
        };
        match self.lower.names() {
            Names::Posix => Ok(()),
            Names::Windows => Err(ChangesError::Kind {
                path: shown(path),
                what,
            }),
        }
    }

    /// Returns the file of the chain that a file is, was copied up from, or writes over.
    fn copied_from(&self, child: &Child) -> Result<Option<Node>, ChangesError> {
        let Some((entry, _)) = &child.upper else {
            return Ok(child.source.clone());
        };
        match (links::origin_of(self.lower, entry), &child.source) {
            (Some(origin), Some(source)) if source.nid() == origin.nid() => {
                Ok(Some(source.clone()))
            }
            (Some(origin), _) => Ok(Some(match self.touched.place(origin.nid()) {
                Some(place) => self.at(place)?,
                None => origin,
            })),
            // Another case of a name that is there: Windows would have written to that file.
            (None, Some(source)) if child.is_in_other_case => Ok(Some(source.clone())),
            _ => Ok(None),
        }
    }

    /// Returns the entry of the chain with a path of true names.
    fn at(&self, path: &[u8]) -> Result<Node, ChangesError> {
        let mut node = self.lower.root()?;
        for part in path.split(|byte| *byte == b'/') {
            let child = self.lower.child(&node, part)?;
            node = child.ok_or_else(|| ChangesError::LostSource {
                path: shown(path),
                target: shown(part),
            })?;
        }
        Ok(node)
    }

    fn metadata(
        &self,
        child: &Child,
        path: &[u8],
        base: Option<&Node>,
        above: &Above,
    ) -> Result<Metadata, ChangesError> {
        let base = base.map(|node| self.lower.metadata(node)).transpose()?;
        let Some((entry, _)) = &child.upper else {
            return Ok(base.unwrap_or_else(|| describe::plain_folder(self.latest)));
        };
        let names = self.lower.names();
        let is_copy = entry
            .origin
            .is_some_and(|origin| origin.uuid == self.lower.uuid());
        let mut metadata = match (names, &base) {
            (Names::Posix, _) => describe::posix(entry, path)?,
            (Names::Windows, Some(base)) if is_copy => describe::copied(entry, base, path)?,
            (Names::Windows, Some(base)) => describe::written_over(entry, base),
            (Names::Windows, None) => describe::new(entry, above, path)?,
        };
        if names == Names::Windows
            && let (UpperKind::Symlink(target), None) = (&entry.kind, &base)
        {
            let leads_to_folder = self.leads_to_folder(path, target);
            describe::new_link(&mut metadata, target, leads_to_folder);
        }
        describe::clamp(&mut metadata, self.latest);
        Ok(metadata)
    }

    /// Says whether a new link leads to a folder, as far as the chain and the upper folder tell.
    fn leads_to_folder(&self, path: &[u8], target: &[u8]) -> bool {
        let Some(place) = describe::resolve(path, target) else {
            return false;
        };
        if self.listing.contains_key(&place) {
            return true;
        }
        let (folder, last) = split_last(&place);
        let of_upper = self.listing.get(folder).into_iter().flatten();
        if of_upper.into_iter().any(|entry| entry.name == last) {
            return false;
        }
        self.at(&place).is_ok_and(|node| node.is_directory())
    }

    fn data(
        &self,
        child: &Child,
        path: &[u8],
        base: Option<&Node>,
        above: &Above,
    ) -> Result<Content, ChangesError> {
        let of_chain = |node: Node| Content::Lower(Box::new(node));
        let Some((entry, place)) = &child.upper else {
            return base.cloned().map(of_chain).ok_or_else(|| lost(path, b""));
        };
        match &entry.kind {
            UpperKind::File {
                metadata_only: None,
            } => Ok(Content::Upper(place.clone())),
            UpperKind::File {
                metadata_only: Some(Some(target)),
            } => Ok(of_chain(self.redirected(target, path, above)?)),
            // The base can be nameless, which is enough to read it.
            _ => base.cloned().map(of_chain).ok_or_else(|| lost(path, b"")),
        }
    }
}

pub(super) fn lost(path: &[u8], target: &[u8]) -> ChangesError {
    ChangesError::LostSource {
        path: shown(path),
        target: shown(target),
    }
}
