//! From the entries of a tar to the index of a layer, one entry at a time.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;

use transom_erofs::{
    Attributes, Builder, DeviceId, DeviceNumber, Extent, FileData, NodeId, Options, Source,
    SpecialKind, Timestamp, WriteError, XattrId,
};
use transom_layer::Names;
use transom_layertar::path::{self, PathError, Rules};
use transom_layertar::whiteout::{self, EmptyWhiteout, Whiteout};
use transom_layertar::windows::{MetadataError, WindowsMetadata};
use transom_layertar::{Entry, EntryKind, Segment};
use transom_ntmeta::attributes::FileAttributes;
use transom_ntmeta::name::split_stream;

use super::named_tree::{Child, NamedTree};
use super::{keys, link_target};
use crate::catalog::Dialect;
use crate::paths::split_last;
use crate::streams::read_exact_at;

/// Bytes of a block; data in a tar is aligned to it.
const BLOCK: u64 = 512;
/// Most bytes that sparse data takes which is not aligned to blocks and so is copied into the index.
const UNALIGNED_MAX: u64 = 64 * 1024 * 1024;
/// Longest link target EROFS can hold, in bytes.
const TARGET_MAX: usize = 4095;
/// Longest path of any layer, in bytes; for Windows names the limit is as many UTF-16 units.
const PATH_MAX: usize = 32_767;
/// Most bytes of metadata of one entry. NTFS allows 64 KiB for a security descriptor and 64 KiB for
/// extended attributes; EROFS can hold 256 KiB, long names of hard links included.
const ENTRY_METADATA_MAX: u64 = 192 * 1024;
/// Most bytes of names and metadata of one layer: all of it is in memory until the index is written.
const METADATA_MAX: u64 = 2 << 30;
/// Longest name of an NTFS extended attribute: EROFS holds 255 bytes behind `user.`, less what stands before it.
const EA_NAME_MAX: usize = 255 + b"user.".len() - keys::EA_PREFIX.len();
/// PAX prefix of extended attributes in tars of Linux layers.
const SCHILY_XATTR: &[u8] = b"SCHILY.xattr.";
/// What the tar can be at most while its size is not known yet.
const DEVICE_MAX: u64 = (u32::MAX as u64 - 1) * BLOCK;

/// An entry that cannot be part of a layer.
#[derive(Debug, thiserror::Error)]
#[error("entry {entry:?} (header at byte {header_offset}): {rule}")]
pub struct BuildError {
    /// Name of the entry as the tar has it.
    pub entry: String,
    /// Where its first header block lies in the tar, in bytes.
    pub header_offset: u64,
    /// The rule it breaks.
    pub rule: EntryRule,
}

/// The rule that an entry breaks.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EntryRule {
    /// Its name is no place inside the layer.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The target of a hard link is no place inside the layer.
    #[error("hard link target: {0}")]
    LinkPath(PathError),
    /// Its metadata cannot be read.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// It is a whiteout that names nothing.
    #[error(transparent)]
    EmptyWhiteout(#[from] EmptyWhiteout),
    /// The layer has an entry of this name already.
    #[error(
        "the layer has this name twice: {first:?} came before, and names that differ only in case are one name on Windows"
    )]
    Duplicate {
        /// The earlier entry.
        first: String,
    },
    /// What should be its folder is something else.
    #[error("{parent:?} is no folder and can have nothing below it")]
    ParentIsNoFolder {
        /// Path of the parent.
        parent: String,
    },
    /// A hard link to a folder.
    #[error("hard link to the folder {target:?}")]
    LinkToFolder {
        /// Path of the target.
        target: String,
    },
    /// A hard link to itself.
    #[error("hard link to itself")]
    LinkToItself,
    /// A stream of a file that the layer does not have before it.
    #[error("alternate stream of {file:?}, which does not come before it")]
    StreamOfNothing {
        /// Path of the file.
        file: String,
    },
    /// Something other than a file where an alternate stream is named.
    #[error("only the data of a file can be an alternate stream, no folder, link or whiteout")]
    StreamIsNoFile,
    /// A folder with data, which it could not keep.
    #[error("a folder with {size} bytes of data")]
    FolderWithData {
        /// Bytes of data.
        size: u64,
    },
    /// A path that is too long.
    #[error("its path has {found} bytes, at most {PATH_MAX} are allowed")]
    PathTooLong {
        /// Bytes of the path.
        found: usize,
    },
    /// An extended attribute whose name is too long for an index.
    #[error(
        "the name of its extended attribute {name:?} has {} bytes, an index can hold {EA_NAME_MAX}", name.len()
    )]
    LongEaName {
        /// Name of the attribute.
        name: String,
    },
    /// An extended attribute that the index uses itself.
    #[error("extended attribute {name:?}: the name is reserved")]
    ReservedXattr {
        /// Name of the attribute.
        name: String,
    },
    /// More metadata than a file can have.
    #[error("its attributes take {found} bytes, at most {ENTRY_METADATA_MAX} are allowed")]
    TooMuchMetadata {
        /// Bytes of names and values.
        found: u64,
    },
    /// More metadata than an index is allowed to hold.
    #[error("names and attributes of the layer take more than {METADATA_MAX} bytes up to here")]
    LayerMetadata,
    /// A stream of one name of a file that has several.
    #[error("alternate stream of {file:?}, which is a hard link: it must follow the first name")]
    StreamOfLink {
        /// Path of the file.
        file: String,
    },
    /// A kind of entry no layer can have.
    #[error("type flag {flag:?} is not supported")]
    TypeFlag {
        /// The flag.
        flag: char,
    },
    /// The root cannot be this.
    #[error("the root of a layer is a folder")]
    Root,
    /// Owner or group out of range.
    #[error("owner {uid} or group {gid} is out of range")]
    Owner {
        /// Owner.
        uid: i64,
        /// Group.
        gid: i64,
    },
    /// A sparse file that would have to be copied and is too large for that.
    #[error(
        "a sparse file whose parts are not aligned to 512 bytes may hold {UNALIGNED_MAX} bytes of data at most"
    )]
    Unaligned,
    /// Sparse data could not be read back from the tar.
    #[error("its data cannot be read back: {0}")]
    ReadBack(std::io::Error),
    /// The index cannot hold it.
    #[error("the index cannot hold it: {0}")]
    Index(#[from] WriteError),
}

/// Why an index could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// An entry breaks a rule that shows only once the tar is complete.
    #[error(transparent)]
    Entry(#[from] BuildError),
    /// The image cannot be written.
    #[error("the index cannot be written: {0}")]
    Write(#[from] WriteError),
}

/// What was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IndexSummary {
    pub(crate) bytes: u64,
    pub(crate) entries: u64,
    pub(crate) whiteouts: u64,
    pub(crate) unresolved_links: u64,
    pub(crate) dialect: Dialect,
}

/// Builds the index of one layer.
#[derive(Debug)]
pub(crate) struct IndexBuilder {
    tree: NamedTree,
    tar: DeviceId,
    /// Folders that no entry has described yet.
    implied: HashSet<NodeId>,
    /// Files with more than one name.
    linked: HashSet<NodeId>,
    /// The folder of the last entry: the next one mostly lies there, too.
    last_folder: (Vec<u8>, NodeId),
    /// Sparse files whose data has to be copied once the tar is complete.
    unaligned: Vec<Unaligned>,
    /// Bytes that they will take in the index.
    unaligned_bytes: u64,
    /// Bytes of names and attributes.
    metadata_bytes: u64,
    /// Segments of sparse files.
    segments: u64,
    entries: u64,
    whiteouts: u64,
    unresolved_links: u64,
    has_windows_entry: bool,
    has_foreign_sign: bool,
}

#[derive(Debug)]
struct Unaligned {
    node: NodeId,
    size: u64,
    segments: Vec<Segment>,
    entry: String,
    header_offset: u64,
}

impl IndexBuilder {
    pub(crate) fn new(names: Names) -> Self {
        // Equal tars give equal indexes: nothing here depends on when or where they are made.
        let options = Options {
            uuid: crate::index::FORMAT,
            build_time: 0,
        };
        let mut builder = Builder::new(options, Attributes::default());
        let tar = builder
            .add_device(crate::layout::TAR, DEVICE_MAX)
            .expect("the first device, with a short tag and a size within the limit");
        let root = builder.root();
        let implied = builder
            .xattr(keys::IMPLIED, b"1")
            .expect("a short name and value");
        let attributes = Attributes {
            mode: 0o755,
            xattrs: vec![implied],
            ..Attributes::default()
        };
        builder
            .set_attributes(root, attributes)
            .expect("the node and the attribute are of this builder");
        Self {
            tree: NamedTree::new(builder, names),
            tar,
            implied: HashSet::new(),
            linked: HashSet::new(),
            last_folder: (Vec::new(), root),
            unaligned: Vec::new(),
            unaligned_bytes: 0,
            metadata_bytes: 0,
            segments: 0,
            entries: 0,
            whiteouts: 0,
            unresolved_links: 0,
            has_windows_entry: false,
            has_foreign_sign: false,
        }
    }

    /// How names compare in it.
    pub(crate) fn names(&self) -> Names {
        self.tree.names()
    }

    /// What memory grows with: entries, folders that only names imply, parts of sparse files.
    pub(crate) fn items(&self) -> u64 {
        let nodes = self.tree.builder.node_count() as u64;
        self.entries.max(nodes - 1) + self.segments
    }

    /// Adds the next entry of the tar.
    pub(crate) fn add(&mut self, entry: &Entry) -> Result<(), BuildError> {
        self.entries += 1;
        self.add_entry(entry).map_err(|rule| BuildError {
            entry: String::from_utf8_lossy(&entry.name).into_owned(),
            header_offset: entry.header_offset,
            rule,
        })
    }

    fn add_entry(&mut self, entry: &Entry) -> Result<(), EntryRule> {
        if entry.kind == EntryKind::GlobalHeader {
            return Ok(());
        }
        let rules = match self.tree.names() {
            Names::Windows => Rules::Windows,
            Names::Posix => Rules::Posix,
        };
        let path = clean(&entry.name, rules)?;
        if rules == Rules::Posix && path.len() > PATH_MAX {
            let found = path.len();
            return Err(EntryRule::PathTooLong { found });
        }
        self.metadata_bytes += entry.name.len() as u64;
        let metadata = WindowsMetadata::from_entry(entry)?;
        if path.is_empty() {
            return self.describe_root(entry, &metadata);
        }
        let (folder, name) = split_last(&path);
        let whiteout = whiteout::parse(name)?;
        self.note_dialect(entry, &metadata, whiteout.as_ref());
        if self.stream_of(name).is_some() && (entry.kind != EntryKind::File || whiteout.is_some()) {
            return Err(EntryRule::StreamIsNoFile);
        }
        let folder = self.folder(folder)?;
        if whiteout.is_some() {
            return self.add_whiteout(folder, name);
        }
        match entry.kind {
            EntryKind::HardLink => self.add_hard_link(folder, name, entry, &metadata, rules),
            EntryKind::Symlink => {
                let node = self.symlink(entry, &path, &metadata)?;
                self.place(folder, name, node)
            }
            EntryKind::File | EntryKind::Directory | EntryKind::Other(b'7') => {
                if let Some((file, stream)) = self.stream_of(name) {
                    let node = self.file(entry, &metadata)?;
                    return self.add_stream(folder, file, stream, node);
                }
                let is_folder = match self.tree.names() {
                    Names::Windows => metadata.is_directory(entry.kind),
                    Names::Posix => entry.kind == EntryKind::Directory,
                };
                if is_folder && entry.size > 0 {
                    Err(EntryRule::FolderWithData { size: entry.size })
                } else if is_folder {
                    self.add_folder(folder, name, entry, &metadata)
                } else {
                    let node = self.file(entry, &metadata)?;
                    self.place(folder, name, node)
                }
            }
            EntryKind::CharDevice | EntryKind::BlockDevice | EntryKind::Fifo
                if self.tree.names() == Names::Posix =>
            {
                let node = self.special(entry, &metadata)?;
                self.place(folder, name, node)
            }
            _ => Err(EntryRule::TypeFlag {
                flag: char::from(entry.typeflag),
            }),
        }
    }

    /// Collects the signs that tell who wrote the tar.
    fn note_dialect(
        &mut self,
        entry: &Entry,
        metadata: &WindowsMetadata,
        whiteout: Option<&Whiteout>,
    ) {
        let has_attributes = metadata.attributes.is_some();
        self.has_windows_entry |= has_attributes;
        self.has_foreign_sign |= match whiteout {
            // Windows exporters give a whiteout a bare header and know no opaque marker.
            Some(Whiteout::Removed(_)) => has_attributes,
            Some(Whiteout::Opaque(_)) => true,
            None => {
                let is_stream = entry.name.contains(&b':');
                entry.name.ends_with(b"/") || !(has_attributes || is_stream)
            }
        };
    }

    fn describe_root(
        &mut self,
        entry: &Entry,
        metadata: &WindowsMetadata,
    ) -> Result<(), EntryRule> {
        if entry.kind != EntryKind::Directory {
            return Err(EntryRule::Root);
        }
        let attributes = self.attributes(entry, metadata, true)?;
        let root = self.tree.builder.root();
        Ok(self.tree.builder.set_attributes(root, attributes)?)
    }

    /// Finds the folder at `path`, making those that no entry has described.
    fn folder(&mut self, path: &[u8]) -> Result<NodeId, EntryRule> {
        if path == self.last_folder.0 {
            return Ok(self.last_folder.1);
        }
        let mut folder = self.tree.builder.root();
        for component in path
            .split(|byte| *byte == b'/')
            .filter(|part| !part.is_empty())
        {
            folder = match self.tree.lookup(folder, component) {
                Some(child) if self.tree.is_directory(child.node) => child.node,
                // What the chain takes for a whiteout would take all below away with it.
                found if found.is_some() || component.starts_with(b".wh.") => {
                    return Err(EntryRule::ParentIsNoFolder {
                        parent: shown(path),
                    });
                }
                _ => {
                    let implied = self.tree.builder.xattr(keys::IMPLIED, b"1")?;
                    let node = self.tree.builder.directory(Attributes {
                        mode: 0o755,
                        xattrs: vec![implied],
                        ..Attributes::default()
                    })?;
                    self.tree.link(folder, component, node)?;
                    self.implied.insert(node);
                    node
                }
            };
        }
        self.last_folder = (path.to_vec(), folder);
        Ok(folder)
    }

    fn add_whiteout(&mut self, folder: NodeId, name: &[u8]) -> Result<(), EntryRule> {
        if self.tree.lookup(folder, name).is_some() {
            // The same thing said twice.
            return Ok(());
        }
        self.whiteouts += 1;
        let data = self.empty();
        let node = self.tree.builder.file(Attributes::default(), data)?;
        Ok(self.tree.link(folder, name, node)?)
    }

    fn add_folder(
        &mut self,
        folder: NodeId,
        name: &[u8],
        entry: &Entry,
        metadata: &WindowsMetadata,
    ) -> Result<(), EntryRule> {
        let attributes = self.attributes(entry, metadata, true)?;
        match self.tree.lookup(folder, name) {
            Some(child) if self.describes_again(&child) => {
                self.implied.remove(&child.node);
                Ok(self.tree.describe(&child, attributes)?)
            }
            _ => {
                let node = self.tree.builder.directory(attributes)?;
                self.place(folder, name, node)
            }
        }
    }

    /// Says whether a folder's entry only adds its metadata to a folder that is there.
    fn describes_again(&self, child: &Child) -> bool {
        self.tree.is_directory(child.node)
            && (self.implied.contains(&child.node) || self.tree.names() == Names::Posix)
    }

    fn add_stream(
        &mut self,
        folder: NodeId,
        file: &[u8],
        stream: &[u8],
        node: NodeId,
    ) -> Result<(), EntryRule> {
        let Some(owner) = self.tree.lookup(folder, file) else {
            return Err(EntryRule::StreamOfNothing { file: shown(file) });
        };
        if self.linked.contains(&owner.node) {
            return Err(EntryRule::StreamOfLink { file: shown(file) });
        }
        let name = [&owner.name, &b":"[..], stream].concat();
        if let Some(first) = self.tree.lookup(folder, &name) {
            return Err(EntryRule::Duplicate {
                first: shown(&first.name),
            });
        }
        Ok(self.tree.link_stream(folder, &owner, stream, node)?)
    }

    fn add_hard_link(
        &mut self,
        folder: NodeId,
        name: &[u8],
        entry: &Entry,
        metadata: &WindowsMetadata,
        rules: Rules,
    ) -> Result<(), EntryRule> {
        let target = path::clean(&entry.link_name, rules).map_err(EntryRule::LinkPath)?;
        let target = target.as_bytes();
        let base = target.rsplit(|byte| *byte == b'/').next();
        if self.stream_of(base.unwrap_or_default()).is_some() {
            return Err(EntryRule::StreamIsNoFile);
        }
        let found = self.tree.find(target);
        // A whiteout is no file, though the index has one for it.
        let found = found.filter(|_| whiteout::parse(target) == Ok(None));
        let Some(found) = found else {
            // Only a lower layer can have it: the chain resolves it, or refuses the image.
            self.unresolved_links += 1;
            let mut attributes = self.attributes(entry, metadata, false)?;
            self.add_xattr(&mut attributes.xattrs, keys::LINK, target)?;
            let data = self.empty();
            let node = self.tree.builder.file(attributes, data)?;
            self.linked.insert(node);
            return self.place(folder, name, node);
        };
        if self.tree.is_directory(found.node) {
            return Err(EntryRule::LinkToFolder {
                target: shown(target),
            });
        }
        match self.tree.lookup(folder, name) {
            Some(own) if own.node == found.node => return Err(EntryRule::LinkToItself),
            Some(own) => self.replace(folder, &own)?,
            None => {}
        }
        self.linked.insert(found.node);
        Ok(self.tree.link_again(folder, name, found.node)?)
    }

    /// Puts a node in place, instead of an earlier one where the platform allows that.
    fn place(&mut self, folder: NodeId, name: &[u8], node: NodeId) -> Result<(), EntryRule> {
        if let Some(earlier) = self.tree.lookup(folder, name) {
            self.replace(folder, &earlier)?;
        }
        Ok(self.tree.link(folder, name, node)?)
    }

    /// Docker takes the later of two entries on Linux; Windows' import fails on the second.
    fn replace(&mut self, folder: NodeId, earlier: &Child) -> Result<(), EntryRule> {
        if self.tree.names() == Names::Windows {
            return Err(EntryRule::Duplicate {
                first: shown(&earlier.name),
            });
        }
        self.tree.unlink(folder, earlier);
        self.last_folder = (Vec::new(), self.tree.builder.root());
        Ok(())
    }

    fn stream_of<'a>(&self, name: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        match self.tree.names() {
            Names::Windows => {
                let (file, stream) = split_stream(name);
                stream.map(|stream| (file, stream))
            }
            Names::Posix => None,
        }
    }

    fn symlink(
        &mut self,
        entry: &Entry,
        path: &[u8],
        metadata: &WindowsMetadata,
    ) -> Result<NodeId, EntryRule> {
        let mut attributes = self.attributes(entry, metadata, false)?;
        let target = &entry.link_name;
        let mut shown = match self.tree.names() {
            Names::Windows => link_target::shown(path, target),
            Names::Posix => target.clone(),
        };
        if !(1..=TARGET_MAX).contains(&shown.len()) || shown.contains(&0) {
            shown = b"?".to_vec();
        }
        if shown != *target {
            let key = keys::on_link(keys::TARGET);
            self.add_xattr(&mut attributes.xattrs, &key, target)?;
        }
        Ok(self.tree.builder.symlink(attributes, &shown)?)
    }

    fn special(&mut self, entry: &Entry, metadata: &WindowsMetadata) -> Result<NodeId, EntryRule> {
        let attributes = self.attributes(entry, metadata, false)?;
        let number = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
        let device = DeviceNumber {
            major: number(entry.dev_major),
            minor: number(entry.dev_minor),
        };
        let kind = match entry.kind {
            EntryKind::CharDevice => SpecialKind::CharDevice(device),
            EntryKind::BlockDevice => SpecialKind::BlockDevice(device),
            _ => SpecialKind::Fifo,
        };
        Ok(self.tree.builder.special(attributes, kind)?)
    }

    fn empty(&self) -> FileData {
        FileData::Contiguous {
            size: 0,
            device: self.tar,
            offset: 0,
        }
    }

    fn file(&mut self, entry: &Entry, metadata: &WindowsMetadata) -> Result<NodeId, EntryRule> {
        let attributes = self.attributes(entry, metadata, false)?;
        let Some(segments) = &entry.sparse else {
            let data = FileData::Contiguous {
                size: entry.size,
                device: self.tar,
                offset: entry.data_offset,
            };
            return Ok(self.tree.builder.file(attributes, data)?);
        };
        self.segments += segments.len() as u64;
        let is_aligned = |segment: &Segment| {
            segment.logical.is_multiple_of(BLOCK)
                && segment.data_offset.is_multiple_of(BLOCK)
                && (segment.length.is_multiple_of(BLOCK)
                    || segment.logical + segment.length == entry.size)
        };
        if segments.iter().all(is_aligned) {
            let extents = segments.iter().map(|segment| Extent {
                logical: segment.logical,
                length: segment.length,
                source: Source::Device {
                    id: self.tar,
                    offset: segment.data_offset,
                },
            });
            let data = FileData::Extents {
                size: entry.size,
                extents: extents.collect(),
            };
            return Ok(self.tree.builder.file(attributes, data)?);
        }
        // Each part takes whole blocks, and its first and last may be partial ones.
        let blocks = |segment: &Segment| segment.length.saturating_add(2 * BLOCK);
        let bytes = segments.iter().map(blocks).fold(0, u64::saturating_add);
        self.unaligned_bytes = self.unaligned_bytes.saturating_add(bytes);
        if self.unaligned_bytes > UNALIGNED_MAX {
            return Err(EntryRule::Unaligned);
        }
        let node = self.tree.builder.file(attributes, self.empty())?;
        self.unaligned.push(Unaligned {
            node,
            size: entry.size,
            segments: segments.clone(),
            entry: String::from_utf8_lossy(&entry.name).into_owned(),
            header_offset: entry.header_offset,
        });
        Ok(node)
    }

    /// Turns an entry's metadata into attributes of its node.
    fn attributes(
        &mut self,
        entry: &Entry,
        metadata: &WindowsMetadata,
        is_folder: bool,
    ) -> Result<Attributes, EntryRule> {
        let owner = || EntryRule::Owner {
            uid: entry.uid,
            gid: entry.gid,
        };
        let (uid, gid) = match self.tree.names() {
            Names::Windows => (0, 0),
            Names::Posix => (
                u32::try_from(entry.uid).map_err(|_| owner())?,
                u32::try_from(entry.gid).map_err(|_| owner())?,
            ),
        };
        let mtime = entry.mtime;
        Ok(Attributes {
            mode: permissions(entry, metadata, is_folder, self.tree.names()),
            uid,
            gid,
            mtime: Timestamp {
                seconds: mtime.seconds,
                nanoseconds: mtime.nanos,
            },
            xattrs: self.xattrs(entry, metadata)?,
        })
    }

    fn xattrs(
        &mut self,
        entry: &Entry,
        metadata: &WindowsMetadata,
    ) -> Result<Vec<XattrId>, EntryRule> {
        let before = self.metadata_bytes;
        let list = &mut Vec::new();
        let is_link = !matches!(
            entry.kind,
            EntryKind::File | EntryKind::Directory | EntryKind::HardLink | EntryKind::Other(_)
        );
        let own = |key: &[u8]| match is_link {
            true => keys::on_link(key).into_owned(),
            false => key.to_vec(),
        };
        if let Some(attributes) = metadata.attributes {
            let text = attributes.to_string();
            self.add_xattr(list, &own(keys::FILE_ATTRIBUTES), text.as_bytes())?;
        }
        if let Some(security) = &metadata.security {
            self.add_xattr(list, &own(keys::SECURITY), security)?;
        }
        for (key, time) in [
            (keys::CREATION, metadata.creation),
            (keys::LAST_ACCESS, metadata.last_access),
            (keys::CHANGE, metadata.change),
        ] {
            if let Some(time) = time {
                self.add_xattr(list, &own(key), time.to_pax().as_bytes())?;
            }
        }
        if metadata.mount_point {
            self.add_xattr(list, &own(keys::MOUNT_POINT), b"1")?;
        }
        for (name, value) in &metadata.eas {
            if name.len() > EA_NAME_MAX {
                return Err(EntryRule::LongEaName { name: shown(name) });
            }
            self.add_xattr(list, &own(&[keys::EA_PREFIX, name].concat()), value)?;
        }
        for (key, value) in &entry.pax {
            let Some(name) = key.strip_prefix(SCHILY_XATTR) else {
                continue;
            };
            if keys::is_reserved(name) {
                return Err(EntryRule::ReservedXattr { name: shown(name) });
            }
            self.add_xattr(list, name, value)?;
        }
        // A Windows exporter leaves the file type out of the mode of a file without a DATA stream.
        let is_windows_file = metadata.attributes.is_some() && entry.kind == EntryKind::File;
        if is_windows_file && entry.size == 0 && entry.mode & 0o170_000 == 0 {
            self.add_xattr(list, keys::DATA_STREAM, b"none")?;
        }
        match self.metadata_bytes - before {
            found if found > ENTRY_METADATA_MAX => Err(EntryRule::TooMuchMetadata { found }),
            _ => Ok(std::mem::take(list)),
        }
    }

    fn add_xattr(
        &mut self,
        list: &mut Vec<XattrId>,
        name: &[u8],
        value: &[u8],
    ) -> Result<(), EntryRule> {
        self.metadata_bytes += (name.len() + value.len()) as u64;
        if self.metadata_bytes > METADATA_MAX {
            return Err(EntryRule::LayerMetadata);
        }
        list.push(self.tree.builder.xattr(name, value)?);
        Ok(())
    }

    /// Writes the index of a tar that is complete and has `tar_size` bytes.
    pub(crate) fn write(
        mut self,
        tar: &File,
        tar_size: u64,
        out: &mut impl Write,
    ) -> Result<IndexSummary, IndexError> {
        for file in std::mem::take(&mut self.unaligned) {
            self.copy_unaligned(&file, tar).map_err(|rule| BuildError {
                entry: file.entry.clone(),
                header_offset: file.header_offset,
                rule,
            })?;
        }
        let mut builder = self.tree.builder;
        builder.set_device_size(self.tar, tar_size)?;
        let summary = builder.write(out)?;
        let dialect = if self.has_windows_entry && !self.has_foreign_sign {
            Dialect::Windows
        } else {
            Dialect::Foreign
        };
        Ok(IndexSummary {
            bytes: summary.bytes,
            entries: self.entries,
            whiteouts: self.whiteouts,
            unresolved_links: self.unresolved_links,
            dialect,
        })
    }

    /// Copies the data of a sparse file whose parts do not start at blocks into the index.
    fn copy_unaligned(&mut self, file: &Unaligned, tar: &File) -> Result<(), EntryRule> {
        let mut extents: Vec<Extent> = Vec::new();
        for segment in &file.segments {
            let start = segment.logical - segment.logical % BLOCK;
            let end = segment.logical + segment.length;
            let extent = match extents.last_mut() {
                Some(last) if start < last.logical + last.length => last,
                _ => {
                    let source = Source::Bytes(Vec::new());
                    extents.push(Extent {
                        logical: start,
                        length: 0,
                        source,
                    });
                    extents.last_mut().expect("pushed just now")
                }
            };
            let Source::Bytes(bytes) = &mut extent.source else {
                continue;
            };
            // To the end of the block, so that the next segment in it finds its place.
            let block_end = end.div_ceil(BLOCK).saturating_mul(BLOCK).min(file.size);
            extent.length = block_end - extent.logical;
            bytes.resize(extent.length as usize, 0);
            let from = (segment.logical - extent.logical) as usize;
            let to = (end - extent.logical) as usize;
            read_exact_at(tar, &mut bytes[from..to], segment.data_offset)
                .map_err(EntryRule::ReadBack)?;
        }
        let data = FileData::Extents {
            size: file.size,
            extents,
        };
        Ok(self.tree.builder.set_data(file.node, data)?)
    }
}

/// Permission bits that a mount shows: the tar's own; in a Windows layer, where they mean nothing,
/// what the attributes allow.
fn permissions(entry: &Entry, metadata: &WindowsMetadata, is_folder: bool, names: Names) -> u16 {
    if names == Names::Posix {
        return (entry.mode & 0o7777) as u16;
    }
    let attributes = FileAttributes::from_bits_retain(metadata.attributes.unwrap_or_default());
    if is_folder {
        0o755
    } else if entry.kind == EntryKind::Symlink {
        0o777
    } else if attributes.contains(FileAttributes::READONLY) {
        0o444
    } else {
        0o644
    }
}

/// Checks a name and brings it into its clean form. What a whiteout deletes is the name that has to be one;
/// `.` and `..` stay parts of the whiteout's own.
fn clean(name: &[u8], rules: Rules) -> Result<Vec<u8>, EntryRule> {
    match whiteout::parse(name)? {
        Some(Whiteout::Removed(deleted)) if !deleted.ends_with(b".") => {
            let deleted = path::clean(&deleted, rules)?;
            Ok(whiteout::name_of(deleted.as_bytes()))
        }
        _ => Ok(path::clean(name, rules)?.into_bytes()),
    }
}

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}
