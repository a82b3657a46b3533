//! Reading: a layer or a chain as one tree, straight from index and tars, without a mount.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use transom_erofs::{DeviceNumber, FileKind, Image, Inode, Location, Nid, ReadAt, ReadError};
use transom_layer::{DiffId, Names, TreePath};
use transom_ntmeta::attributes::FileAttributes;
use transom_ntmeta::filetime::UnixTime;
use transom_ntmeta::name;

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
    image: Image<File>,
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
    file: OnceLock<File>,
}

/// An entry of a tree, with its name and where it hangs.
#[derive(Debug, Clone)]
pub struct Node {
    name: Vec<u8>,
    path: Vec<u8>,
    inode: Inode,
    parent: Option<Arc<Folder>>,
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

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link, to a file or (see its attributes) a folder.
    Symlink,
    /// A junction.
    Junction,
    /// A device, pipe or socket of a Linux image.
    Special,
}

impl Kind {
    /// Returns the word for it, with an article.
    pub fn with_article(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Directory => "a folder",
            Self::Symlink => "a symbolic link",
            Self::Junction => "a junction",
            Self::Special => "a device, pipe or socket",
        }
    }

    /// Returns the word used in JSON: `file`, `directory`, `symlink`, `junction`, `special`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Symlink => "symlink",
            Self::Junction => "junction",
            Self::Special => "special",
        }
    }
}

/// All that is known of an entry beside its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub kind: Kind,
    /// Bytes of data.
    pub size: u64,
    /// FILE_ATTRIBUTE_* bits; `None` where the tar has none.
    pub attributes: Option<FileAttributes>,
    /// Creation time.
    pub created: Option<UnixTime>,
    /// Last write.
    pub modified: UnixTime,
    /// Last access.
    pub accessed: Option<UnixTime>,
    /// NTFS change time.
    pub changed: Option<UnixTime>,
    /// Self-relative security descriptor.
    pub security: Option<Vec<u8>>,
    /// NTFS extended attributes, by name.
    pub eas: Vec<(Vec<u8>, Vec<u8>)>,
    /// Target of a link, as the tar has it.
    pub target: Option<Vec<u8>>,
    /// False on a Windows file without a DATA stream (which is not the same as an empty one).
    pub has_data_stream: bool,
    /// Names that the file has.
    pub links: u32,
    /// The layer it comes from, counted from the base.
    pub layer: usize,
    /// Permission bits.
    pub mode: u16,
    /// Numeric owner (Linux images).
    pub uid: u32,
    /// Numeric group (Linux images).
    pub gid: u32,
    /// Number of a device file.
    pub device: Option<DeviceNumber>,
    /// Extended attributes of a Linux image.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// A folder that the layer's tar has no entry for.
    pub is_implied: bool,
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

    /// Returns a number that is the same for all names of one file.
    pub fn id(&self) -> u64 {
        self.inode.nid.0
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
        let image = Image::open(index)?;
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
            device: inode.rdev,
            xattrs: Vec::new(),
            is_implied: false,
        };
        if inode.kind == FileKind::Symlink {
            metadata.target = Some(self.image.symlink_target(inode)?);
        }
        for (key, value) in self.image.xattrs(inode)? {
            let bad = |what| TreeError::BadAttribute {
                path: node.shown(),
                what,
            };
            let time = |what| UnixTime::parse_pax(&value).map(Some).map_err(|_| bad(what));
            match key.as_slice() {
                keys::FILE_ATTRIBUTES => {
                    let bits = decimal(&value).and_then(|bits| u32::try_from(bits).ok());
                    let bits = bits.ok_or_else(|| bad("attribute word"))?;
                    metadata.attributes = Some(FileAttributes::from_bits_retain(bits));
                }
                keys::SECURITY => metadata.security = Some(value),
                keys::MOUNT_POINT => metadata.kind = Kind::Junction,
                keys::CREATION => metadata.created = time("creation time")?,
                keys::LAST_ACCESS => metadata.accessed = time("access time")?,
                keys::CHANGE => metadata.changed = time("change time")?,
                keys::DATA_STREAM => metadata.has_data_stream = false,
                keys::TARGET => metadata.target = Some(value),
                keys::LAYER => {
                    let layer = decimal(&value).and_then(|layer| usize::try_from(layer).ok());
                    metadata.layer = layer.ok_or_else(|| bad("layer"))?;
                }
                keys::IMPLIED => metadata.is_implied = true,
                keys::LINK => {}
                key if key.starts_with(keys::LONG_NAME_PREFIX) => {}
                key => match key.strip_prefix(keys::EA_PREFIX) {
                    Some(ea) => metadata.eas.push((ea.to_vec(), value)),
                    None => metadata.xattrs.push((key.to_vec(), value)),
                },
            }
        }
        metadata.eas.sort();
        metadata.xattrs.sort();
        Ok(metadata)
    }

    /// Returns the metadata that has no place in `stat`, as the index keeps it: extended attributes
    /// named `user.` and a PAX key (`user.MSWINDOWS.rawsd`, …), and those of a Linux image.
    ///
    /// # Errors
    /// A damaged index.
    pub fn xattrs(&self, node: &Node) -> Result<Vec<(Vec<u8>, Vec<u8>)>, TreeError> {
        let mut xattrs = self.image.xattrs(&node.inode)?;
        xattrs.retain(|(key, _)| !keys::is_of_index(key));
        Ok(xattrs)
    }

    /// Opens the data of a file or stream.
    ///
    /// # Errors
    /// [`TreeError::NotAFile`], a damaged index, or a tar that cannot be opened.
    pub fn open_data(&self, node: &Node) -> Result<Data<'_>, TreeError> {
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
                Location::Image { offset } => DataSource::Index { offset },
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
            tree: self,
            runs,
            size: node.inode.size,
            position: 0,
        })
    }
}

impl TarFile {
    fn open(&self) -> Result<&File, FileError> {
        if self.file.get().is_none() {
            // Another thread may have opened it meanwhile; then that one stays.
            let _ = self.file.set(durable::open_file(&self.path)?);
        }
        Ok(self.file.get().expect("set above"))
    }
}

fn decimal(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The data of a file, read from where it lies.
#[derive(Debug)]
pub struct Data<'tree> {
    tree: &'tree Tree,
    runs: Vec<DataRun<'tree>>,
    size: u64,
    position: u64,
}

/// A stretch of a file in one place.
#[derive(Debug, Clone, Copy)]
struct DataRun<'tree> {
    logical: u64,
    length: u64,
    source: DataSource<'tree>,
}

#[derive(Debug, Clone, Copy)]
enum DataSource<'tree> {
    Zeros,
    Index {
        offset: u64,
    },
    Tar {
        file: &'tree File,
        layer: DiffId,
        offset: u64,
    },
}

impl Data<'_> {
    /// Returns its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Says whether both are the same bytes of the same tar, so that they need not be compared.
    pub fn is_same_place(&self, other: &Data<'_>) -> bool {
        let place = |run: &DataRun<'_>| match run.source {
            DataSource::Tar { layer, offset, .. } => {
                Some((run.logical, run.length, Some((layer, offset))))
            }
            DataSource::Zeros => Some((run.logical, run.length, None)),
            DataSource::Index { .. } => None,
        };
        self.size == other.size
            && self.runs.len() == other.runs.len()
            && self.runs.iter().zip(&other.runs).all(|(a, b)| {
                let (a, b) = (place(a), place(b));
                a.is_some() && a == b
            })
    }
}

impl Read for Data<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.size.saturating_sub(self.position);
        let wanted = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let after = self
            .runs
            .partition_point(|run| run.logical <= self.position);
        let run = after
            .checked_sub(1)
            .and_then(|index| self.runs.get(index))
            .copied();
        let Some((run, inside)) = run.and_then(|run| {
            let inside = self.position - run.logical;
            (inside < run.length).then_some((run, inside))
        }) else {
            return Err(io::Error::other(
                "the index has no place for a part of the file",
            ));
        };
        let wanted = wanted.min(usize::try_from(run.length - inside).unwrap_or(usize::MAX));
        let buffer = &mut buffer[..wanted];
        let count = match run.source {
            DataSource::Zeros => {
                buffer.fill(0);
                wanted
            }
            DataSource::Index { offset } => {
                self.tree.image.source().read_at(buffer, offset + inside)?
            }
            DataSource::Tar { file, offset, .. } => file.read_at(buffer, offset + inside)?,
        };
        if count == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the layer's tar is shorter than its index says; `verify` tells more",
            ));
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Data<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = target
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "seek before the start"))?;
        Ok(self.position)
    }
}
