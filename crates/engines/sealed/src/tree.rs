//! Reading: a layer or a chain as one tree, straight from index and tars, without a mount.

mod data;
mod metadata;

pub use data::Data;
pub use metadata::{DeviceKind, Kind, Metadata};

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use transom_erofs::{FileKind, Image, Inode, Location, Nid, ReadError};
use transom_layer::{DiffId, Names, TreePath};
use transom_ntmeta::filetime::UnixTime;
use transom_ntmeta::name;

use self::data::{DataRun, DataSource};
use crate::durable::{self, FileError};
use crate::index::{keys, long_name};
use crate::layout::Layout;

/// Largest directory that is listed: bytes of its entries.
const DIRECTORY_MAX: u64 = 1 << 30;

/// Folders whose streams are remembered.
const STREAM_LISTS_MAX: usize = 4096;

/// A read that failed.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// No entry has this path.
    #[error("there is no {path}")]
    NotFound {
        /// The path as understood.
        path: String,
    },
    /// Something other than a directory was to be listed or passed through.
    #[error("{path} is {what}, not a folder")]
    NotADirectory {
        /// Path of the entry.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// Something without data was to be read.
    #[error("{path} is {what}, not a file")]
    NotAFile {
        /// Path of the entry.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// The index is damaged.
    #[error("the index is damaged: {0}; `verify` tells more")]
    Index(#[from] ReadError),
    /// The index says what cannot be.
    #[error("the index is damaged: entry {path} has a bad {what}; `verify` tells more")]
    BadAttribute {
        /// Path of the entry.
        path: String,
        /// Which attribute.
        what: &'static str,
    },
    /// The index has a folder that contains itself.
    #[error("the index is damaged: folder {path} lies in itself; `verify` tells more")]
    Loop {
        /// Path of the folder.
        path: String,
    },
    /// The index cannot be opened as one.
    #[error("the index is damaged: {0}; `verify` tells more")]
    Open(#[from] transom_erofs::OpenError),
    /// A file of the store cannot be opened.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A layer or a chain, open for reading.
#[derive(Debug)]
pub struct Tree {
    image: Image<Arc<File>>,
    layers: Vec<TarFile>,
    names: Names,
    /// Streams of the folders that were asked for lately.
    streams: Mutex<HashMap<Nid, StreamList>>,
}

/// Names (`file:stream`) and numbers of the streams in one folder, sorted by name.
type StreamList = Arc<[(Vec<u8>, Nid)]>;

/// The tar of one layer, opened when its data is first read.
#[derive(Debug)]
struct TarFile {
    id: DiffId,
    path: std::path::PathBuf,
    file: OnceLock<Arc<File>>,
}

/// An entry of a tree, with its name and where it hangs.
#[derive(Debug, Clone)]
pub struct Node {
    name: Vec<u8>,
    path: Vec<u8>,
    inode: Inode,
    parent: Option<Arc<Folder>>,
}

/// A name in a folder.
#[derive(Debug, Clone)]
pub(crate) struct EntryName {
    /// The name.
    pub(crate) name: Vec<u8>,
    /// As the index, and so a mount, has it.
    pub(crate) stored: Vec<u8>,
    nid: Nid,
}

/// A folder that an entry was found in, and the way to it.
#[derive(Debug)]
struct Folder {
    nid: Nid,
    parent: Option<Arc<Folder>>,
}

impl Drop for Folder {
    /// Drops the way up step by step: it can be longer than a stack.
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        while let Some(mut folder) = parent.and_then(Arc::into_inner) {
            parent = folder.parent.take();
        }
    }
}

impl Node {
    /// Returns its name; empty for the root.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Returns its path from the tar's root, with `/`.
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// Says whether it is a folder.
    pub fn is_directory(&self) -> bool {
        self.inode.kind == FileKind::Directory
    }

    /// Says whether it is a file.
    pub(crate) fn is_file(&self) -> bool {
        self.inode.kind == FileKind::Regular
    }

    /// Returns a number that is the same for all names of one file.
    pub fn id(&self) -> u64 {
        self.inode.nid.0
    }

    pub(crate) fn nid(&self) -> Nid {
        self.inode.nid
    }

    /// Returns how many names it has.
    pub(crate) fn links(&self) -> u32 {
        self.inode.nlink
    }

    /// Makes the entry `name` of this folder.
    fn entry(&self, folder: &Arc<Folder>, name: Vec<u8>, inode: Inode) -> Self {
        let mut path = Vec::with_capacity(self.path.len() + 1 + name.len());
        path.extend_from_slice(&self.path);
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(&name);
        let parent = Some(Arc::clone(folder));
        Self {
            name,
            path,
            inode,
            parent,
        }
    }

    /// Returns the folder that this is, for entries in it; in a damaged index it may lie in itself.
    fn as_folder(&self) -> Result<Arc<Folder>, TreeError> {
        let nid = self.inode.nid;
        let mut above = self.parent.as_ref();
        while let Some(folder) = above {
            if folder.nid == nid {
                return Err(TreeError::Loop { path: self.shown() });
            }
            above = folder.parent.as_ref();
        }
        let parent = self.parent.clone();
        Ok(Arc::new(Folder { nid, parent }))
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.path).into_owned()
    }
}

impl Tree {
    /// Opens an index over the tars of `layers`.
    pub(crate) fn open(
        layout: &Layout,
        index: File,
        layers: &[DiffId],
        names: Names,
    ) -> Result<Self, TreeError> {
        let image = Image::open(Arc::new(index))?;
        let layers = layers
            .iter()
            .map(|id| TarFile {
                id: *id,
                path: layout.tar(*id),
                file: OnceLock::new(),
            })
            .collect();
        Ok(Self {
            image,
            layers,
            names,
            streams: Mutex::default(),
        })
    }

    /// Returns how names compare in it.
    pub fn names(&self) -> Names {
        self.names
    }

    /// Returns the layers it is made of, base first.
    pub fn layers(&self) -> impl Iterator<Item = DiffId> {
        self.layers.iter().map(|layer| layer.id)
    }

    /// Returns the tar's root.
    ///
    /// # Errors
    /// [`TreeError::Index`] if the index is damaged.
    pub fn root(&self) -> Result<Node, TreeError> {
        Ok(Node {
            name: Vec::new(),
            path: Vec::new(),
            inode: self.image.root()?,
            parent: None,
        })
    }

    /// Finds the entry a path names; names compare as [`Tree::names`] says, links are not followed.
    ///
    /// # Errors
    /// [`TreeError::NotFound`], [`TreeError::NotADirectory`], or a damaged index.
    pub fn find(&self, path: &TreePath) -> Result<Node, TreeError> {
        let mut node = self.root()?;
        for component in path.components() {
            if !node.is_directory() {
                return Err(self.not_a_directory(&node)?);
            }
            node = self
                .child(&node, component)?
                .ok_or_else(|| TreeError::NotFound {
                    path: path.to_string(),
                })?;
        }
        match path.stream() {
            None => Ok(node),
            Some(stream) => self
                .stream(&node, stream)?
                .ok_or_else(|| TreeError::NotFound {
                    path: path.to_string(),
                }),
        }
    }

    /// Finds the entry called `name` in a folder.
    ///
    /// # Errors
    /// A damaged index.
    pub fn child(&self, directory: &Node, name: &[u8]) -> Result<Option<Node>, TreeError> {
        let folder = directory.as_folder()?;
        if let long_name::Stored::Plain = long_name::store(name) {
            if let Some(found) = self.image.lookup(&directory.inode, name)? {
                let inode = self.image.inode(found.nid)?;
                return Ok(Some(directory.entry(&folder, name.to_vec(), inode)));
            }
            if self.names == Names::Posix {
                return Ok(None);
            }
        }
        // Names are stored in their own case: only a walk over the folder finds another one.
        for entry in self.image.read_dir(&directory.inode)? {
            let entry = entry?;
            let (true_name, inode) = long_name::read(&self.image, entry)?;
            let same = match self.names {
                Names::Windows => name::eq_folded(&true_name, name),
                Names::Posix => true_name == name,
            };
            if same {
                let inode = inode.or_else(|nid| self.image.inode(nid))?;
                return Ok(Some(directory.entry(&folder, true_name, inode)));
            }
        }
        Ok(None)
    }

    /// Finds an alternate stream of an entry.
    fn stream(&self, node: &Node, stream: &[u8]) -> Result<Option<Node>, TreeError> {
        let found = self.streams(node)?.into_iter().find(|candidate| {
            let (_, own) = name::split_stream(&candidate.name);
            own.is_some_and(|own| name::eq_folded(own, stream))
        });
        Ok(found)
    }

    /// Returns the alternate streams of an entry, sorted by name; each is called `entry:stream`.
    ///
    /// # Errors
    /// A damaged index.
    pub fn streams(&self, node: &Node) -> Result<Vec<Node>, TreeError> {
        let (Some(parent), Names::Windows) = (&node.parent, self.names) else {
            return Ok(Vec::new());
        };
        // A stream is stored under its entry's name in just this case.
        let prefix = [&node.name, &b":"[..]].concat();
        let list = self.streams_in(parent.nid)?;
        let first = list.partition_point(|(name, _)| *name < prefix);
        let own = list.iter().skip(first);
        let own = own.take_while(|(name, _)| name.starts_with(&prefix));
        own.map(|(name, nid)| {
            Ok(Node {
                name: name.clone(),
                path: [&node.path, &name[node.name.len()..]].concat(),
                inode: self.image.inode(*nid)?,
                parent: node.parent.clone(),
            })
        })
        .collect()
    }

    /// Lists the streams in a folder, which are kept for a while: callers ask for file after file.
    fn streams_in(&self, folder: Nid) -> Result<StreamList, TreeError> {
        let lock = || self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(list) = lock().get(&folder) {
            return Ok(Arc::clone(list));
        }
        let mut list = Vec::new();
        for entry in self.image.read_dir(&self.image.inode(folder)?)? {
            let entry = entry?;
            let nid = entry.nid;
            let (name, _) = long_name::read(&self.image, entry)?;
            if name::split_stream(&name).1.is_some() {
                list.push((name, nid));
            }
        }
        list.sort();
        let list: StreamList = list.into();
        let mut known = lock();
        if known.len() >= STREAM_LISTS_MAX {
            known.clear();
        }
        known.insert(folder, Arc::clone(&list));
        Ok(list)
    }

    /// Returns the entries of a folder, sorted by bytes; alternate streams are left out.
    ///
    /// # Errors
    /// [`TreeError::NotADirectory`] or a damaged index.
    pub fn children(&self, directory: &Node) -> Result<Vec<Node>, TreeError> {
        let mut entries = self.entries(directory)?;
        if self.names == Names::Windows {
            entries.retain(|entry| name::split_stream(&entry.name).1.is_none());
        }
        Ok(entries)
    }

    /// Returns the entries of a folder, sorted by bytes; a stream is an entry called `file:stream`.
    ///
    /// # Errors
    /// [`TreeError::NotADirectory`] or a damaged index.
    pub fn entries(&self, directory: &Node) -> Result<Vec<Node>, TreeError> {
        if !directory.is_directory() {
            return Err(self.not_a_directory(directory)?);
        }
        if directory.inode.size > DIRECTORY_MAX {
            return Err(TreeError::BadAttribute {
                path: directory.shown(),
                what: "size",
            });
        }
        let folder = directory.as_folder()?;
        let mut entries = Vec::new();
        for entry in self.image.read_dir(&directory.inode)? {
            let (true_name, inode) = long_name::read(&self.image, entry?)?;
            let inode = inode.or_else(|nid| self.image.inode(nid))?;
            entries.push(directory.entry(&folder, true_name, inode));
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// Lists the names in a folder, streams too, without reading what they stand for.
    pub(crate) fn names_in(&self, directory: &Node) -> Result<Vec<EntryName>, TreeError> {
        let mut names = Vec::new();
        for entry in self.image.read_dir(&directory.inode)? {
            let entry = entry?;
            let (stored, nid) = (entry.name.clone(), entry.nid);
            let (name, _) = long_name::read(&self.image, entry)?;
            names.push(EntryName { name, stored, nid });
        }
        Ok(names)
    }

    /// Returns the entry that a name of a folder stands for.
    pub(crate) fn named(&self, directory: &Node, name: &EntryName) -> Result<Node, TreeError> {
        let folder = directory.as_folder()?;
        let inode = self.image.inode(name.nid)?;
        Ok(directory.entry(&folder, name.name.clone(), inode))
    }

    /// Finds the entry that a folder has under a name as a mount shows it.
    pub(crate) fn stored_child(
        &self,
        directory: &Node,
        stored: &[u8],
    ) -> Result<Option<Node>, TreeError> {
        if !directory.is_directory() {
            return Ok(None);
        }
        let Some(entry) = self.image.lookup(&directory.inode, stored)? else {
            return Ok(None);
        };
        let folder = directory.as_folder()?;
        let (name, inode) = long_name::read(&self.image, entry)?;
        let inode = inode.or_else(|nid| self.image.inode(nid))?;
        Ok(Some(directory.entry(&folder, name, inode)))
    }

    /// Returns what a number in the index stands for, without its name and place.
    pub(crate) fn nameless(&self, nid: Nid) -> Result<Node, TreeError> {
        Ok(Node {
            name: Vec::new(),
            path: Vec::new(),
            inode: self.image.inode(nid)?,
            parent: None,
        })
    }

    /// Returns the UUID of the index.
    pub(crate) fn uuid(&self) -> [u8; 16] {
        self.image.uuid()
    }

    fn not_a_directory(&self, node: &Node) -> Result<TreeError, TreeError> {
        let what = self.metadata(node)?.kind.with_article();
        Ok(TreeError::NotADirectory {
            path: node.shown(),
            what,
        })
    }

    /// Returns all that is known of an entry.
    ///
    /// # Errors
    /// A damaged index.
    pub fn metadata(&self, node: &Node) -> Result<Metadata, TreeError> {
        let inode = &node.inode;
        let mut metadata = Metadata {
            kind: match inode.kind {
                FileKind::Regular => Kind::File,
                FileKind::Directory => Kind::Directory,
                FileKind::Symlink => Kind::Symlink,
                _ => Kind::Special,
            },
            size: if inode.kind == FileKind::Regular {
                inode.size
            } else {
                0
            },
            attributes: None,
            created: None,
            modified: UnixTime {
                seconds: inode.mtime.seconds,
                nanos: inode.mtime.nanoseconds,
            },
            accessed: None,
            changed: None,
            security: None,
            eas: Vec::new(),
            target: None,
            has_data_stream: inode.kind == FileKind::Regular,
            links: inode.nlink,
            layer: 0,
            mode: inode.permissions,
            uid: inode.uid,
            gid: inode.gid,
            device: inode.rdev.map(|number| match inode.kind {
                FileKind::BlockDevice => (DeviceKind::Block, number),
                _ => (DeviceKind::Char, number),
            }),
            xattrs: Vec::new(),
            is_implied: false,
        };
        if inode.kind == FileKind::Symlink {
            metadata.target = Some(self.image.symlink_target(inode)?);
        }
        let xattrs = self.image.xattrs(inode)?.into_iter();
        let xattrs = xattrs.map(|(name, value)| (keys::plain(name), value));
        metadata
            .read_xattrs(xattrs)
            .map_err(|what| TreeError::BadAttribute {
                path: node.shown(),
                what,
            })?;
        Ok(metadata)
    }

    /// Returns the metadata that has no place in `stat`, as the index keeps it: extended attributes
    /// named `user.` and a PAX key (`user.MSWINDOWS.rawsd`, …), and those of a Linux image.
    ///
    /// # Errors
    /// A damaged index.
    pub fn xattrs(&self, node: &Node) -> Result<Vec<(Vec<u8>, Vec<u8>)>, TreeError> {
        let xattrs = self.image.xattrs(&node.inode)?.into_iter();
        let xattrs = xattrs.map(|(name, value)| (keys::plain(name), value));
        Ok(xattrs.filter(|(key, _)| !keys::is_of_index(key)).collect())
    }

    /// Returns all attributes, under their plain keys.
    pub(crate) fn all_xattrs(&self, node: &Node) -> Result<Vec<(Vec<u8>, Vec<u8>)>, TreeError> {
        let xattrs = self.image.xattrs(&node.inode)?.into_iter();
        Ok(xattrs
            .map(|(name, value)| (keys::plain(name), value))
            .collect())
    }

    /// Returns the target of a link as a mount shows it; `None` if it is no link.
    pub(crate) fn shown_target(&self, node: &Node) -> Result<Option<Vec<u8>>, TreeError> {
        match node.inode.kind {
            FileKind::Symlink => Ok(Some(self.image.symlink_target(&node.inode)?)),
            _ => Ok(None),
        }
    }

    /// Opens the data of a file or stream.
    ///
    /// # Errors
    /// [`TreeError::NotAFile`], a damaged index, or a tar that cannot be opened.
    pub fn open_data(&self, node: &Node) -> Result<Data, TreeError> {
        if node.inode.kind != FileKind::Regular {
            let what = self.metadata(node)?.kind.with_article();
            return Err(TreeError::NotAFile {
                path: node.shown(),
                what,
            });
        }
        let mut runs = Vec::new();
        for run in self.image.extents(&node.inode)? {
            let run = run?;
            let source = match run.location {
                Location::Hole => DataSource::Zeros,
                Location::Image { offset } => DataSource::Index {
                    file: Arc::clone(self.image.source()),
                    offset,
                },
                Location::Device { id, offset } => {
                    let tar =
                        self.layers
                            .get(id.index())
                            .ok_or_else(|| TreeError::BadAttribute {
                                path: node.shown(),
                                what: "device",
                            })?;
                    DataSource::Tar {
                        file: tar.open()?,
                        layer: tar.id,
                        offset,
                    }
                }
            };
            runs.push(DataRun {
                logical: run.logical,
                length: run.length,
                source,
            });
        }
        Ok(Data {
            runs,
            size: node.inode.size,
            position: 0,
        })
    }
}

impl TarFile {
    fn open(&self) -> Result<Arc<File>, FileError> {
        if self.file.get().is_none() {
            // Another thread may have opened it meanwhile; then that one stays.
            let _ = self.file.set(Arc::new(durable::open_file(&self.path)?));
        }
        Ok(Arc::clone(self.file.get().expect("set above")))
    }
}
