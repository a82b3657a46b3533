//! Merging the trees of layers, from the base up.

use std::collections::{HashMap, HashSet};
use std::io::Write;

use transom_erofs::{
    Attributes, Builder, DeviceId, Extent, FileData, FileKind, Image, Inode, Location, Nid, NodeId,
    Options, ReadError, Source, SpecialKind, WriteError, XattrId,
};
use transom_layer::{DiffId, Names, Whiteouts};
use transom_layertar::whiteout::{self, Whiteout};
use transom_ntmeta::attributes::FileAttributes;
use transom_ntmeta::name::split_stream;

use super::{ChainError, IndexSource, StackingRule};
use crate::catalog::LayerRecord;
use crate::index::{Child, NamedTree, keys, long_name};
use crate::paths::join;
use crate::streams::read_exact_at;

/// Most bytes of file data in a merged index, which is in memory until it is written. Only sparse
/// files whose parts are not aligned have any.
pub(super) const EMBEDDED_MAX: u64 = 256 * 1024 * 1024;

/// Something that a layer should not have, and that is passed over.
#[derive(Debug)]
pub(crate) struct Oddity {
    pub(crate) layer: DiffId,
    pub(crate) entry: String,
    pub(crate) rule: StackingRule,
}

/// The merged tree so far.
#[derive(Debug)]
pub(crate) struct Merge {
    tree: NamedTree,
    layers: u32,
    /// Bytes of file data in the index itself.
    embedded_bytes: u64,
    oddities: Vec<Oddity>,
}

/// One layer being merged.
struct Layer<'a> {
    record: &'a LayerRecord,
    image: &'a Image<IndexSource>,
    whiteouts: Whiteouts,
    device: DeviceId,
    /// Attribute that says which layer a node comes from, and the same for links.
    mark: XattrId,
    mark_on_link: XattrId,
    is_base: bool,
    /// Nodes made for inodes with several names.
    hard_links: HashMap<Nid, NodeId>,
    /// Nodes of lower layers that hard links of this one name.
    resolved: HashMap<Nid, NodeId>,
    /// Folders of the layer that were merged: in a damaged index one may contain itself.
    seen: HashSet<Nid>,
    /// Merged folders that this layer has come to, and the folder of each.
    parents: HashMap<NodeId, NodeId>,
    /// Those into which, or below which, it has put something.
    filled: HashSet<NodeId>,
    /// Deletions that wait for the end of the layer ([`Whiteouts::Hcs`]).
    deletions: Vec<Deletion>,
}

struct Deletion {
    folder: NodeId,
    name: Vec<u8>,
    path: Vec<u8>,
}

/// An entry of a layer's folder.
struct LayerEntry {
    name: Vec<u8>,
    inode: Inode,
}

/// A folder of the layer and the merged folder it goes into.
struct Pair {
    from: Inode,
    into: NodeId,
    path: Vec<u8>,
}

impl Merge {
    pub(crate) fn new(names: Names) -> Self {
        let options = Options {
            uuid: crate::index::FORMAT,
            build_time: 0,
        };
        let root = Attributes {
            mode: 0o755,
            ..Attributes::default()
        };
        let tree = NamedTree::new(Builder::new(options, root), names);
        Self {
            tree,
            layers: 0,
            embedded_bytes: 0,
            oddities: Vec::new(),
        }
    }

    /// Makes what a layer without any other below it is over: in a Windows image `Files` and `Hives`, empty.
    pub(crate) fn nothing(names: Names) -> Result<Self, WriteError> {
        let mut merge = Self::new(names);
        if names == Names::Windows {
            let root = merge.tree.builder.root();
            let directory = FileAttributes::DIRECTORY.bits().to_string();
            for folder in [b"Files", b"Hives"] {
                let builder = &mut merge.tree.builder;
                let attributes = Attributes {
                    mode: 0o755,
                    xattrs: vec![builder.xattr(keys::FILE_ATTRIBUTES, directory.as_bytes())?],
                    ..Attributes::default()
                };
                let node = builder.directory(attributes)?;
                merge.tree.link(root, folder, node)?;
            }
        }
        Ok(merge)
    }

    /// Puts the next layer on top.
    pub(crate) fn add(
        &mut self,
        record: &LayerRecord,
        image: &Image<IndexSource>,
        whiteouts: Whiteouts,
    ) -> Result<(), ChainError> {
        let builder = &mut self.tree.builder;
        // The device's tag ends with the start of the digest, for people who look with `dump.erofs`.
        let device = builder.add_device(&record.diff_id.0.hex(), record.size)?;
        let number = self.layers.to_string();
        let mark = builder.xattr(keys::LAYER, number.as_bytes())?;
        let mark_on_link = builder.xattr(&keys::on_link(keys::LAYER), number.as_bytes())?;
        let mut layer = Layer {
            record,
            image,
            whiteouts,
            device,
            mark,
            mark_on_link,
            is_base: self.layers == 0,
            hard_links: HashMap::new(),
            resolved: HashMap::new(),
            seen: HashSet::new(),
            parents: HashMap::new(),
            filled: HashSet::new(),
            deletions: Vec::new(),
        };
        self.layers += 1;
        if record.unresolved_links > 0 {
            self.resolve_links(&mut layer)?;
        }
        let root = image.root().map_err(|error| layer.damaged(error))?;
        let into = self.tree.builder.root();
        // Most tars have no entry for the root: then it stays as a lower layer describes it.
        if layer.is_base || layer.xattr(&root, keys::IMPLIED)?.is_none() {
            let attributes = self.attributes(&layer, &root)?;
            self.tree.builder.set_attributes(into, attributes)?;
        }
        let mut folders = vec![Pair {
            from: root,
            into,
            path: Vec::new(),
        }];
        while let Some(pair) = folders.pop() {
            self.merge_folder(&mut layer, &pair, &mut folders)?;
        }
        for deletion in std::mem::take(&mut layer.deletions) {
            self.delete(&layer, &deletion)?;
        }
        Ok(())
    }

    /// Writes the merged index; returns what was passed over.
    pub(crate) fn write(self, out: &mut impl Write) -> Result<Vec<Oddity>, WriteError> {
        self.tree.builder.write(out)?;
        Ok(self.oddities)
    }

    /// Finds the targets of hard links into lower layers, before anything changes them.
    fn resolve_links(&mut self, layer: &mut Layer<'_>) -> Result<(), ChainError> {
        let image = layer.image;
        let walk = image
            .walk(usize::MAX)
            .map_err(|error| layer.damaged(error))?;
        for entry in walk {
            let entry = entry.map_err(|error| layer.damaged(error))?;
            let target = image
                .xattr(&entry.inode, keys::LINK)
                .map_err(|error| layer.damaged(error))?;
            let Some(target) = target else { continue };
            let found = self.tree.find(&target);
            let target = || String::from_utf8_lossy(&target).into_owned();
            match found {
                None => {
                    let rule = StackingRule::LinkToNothing { target: target() };
                    return Err(layer.broken(&entry.path, rule));
                }
                Some(child) if self.tree.is_directory(child.node) => {
                    let rule = StackingRule::LinkToFolder { target: target() };
                    return Err(layer.broken(&entry.path, rule));
                }
                Some(child) => layer.resolved.insert(entry.inode.nid, child.node),
            };
        }
        Ok(())
    }

    fn merge_folder(
        &mut self,
        layer: &mut Layer<'_>,
        pair: &Pair,
        folders: &mut Vec<Pair>,
    ) -> Result<(), ChainError> {
        if !layer.seen.insert(pair.from.nid) {
            let nid = pair.from.nid.0;
            return Err(layer.damaged(ReadError::DirectoryTwice { nid }));
        }
        let entries = layer
            .read_folder(&pair.from)
            .map_err(|error| layer.damaged(error))?;
        let is_windows = self.tree.names() == Names::Windows;
        let mut streams = Vec::new();
        let mut files = Vec::new();
        let mut whiteouts = Vec::new();
        for entry in entries {
            // A bare `.wh.` was refused at import.
            if let Ok(Some(whiteout)) = whiteout::parse(&entry.name) {
                whiteouts.push(whiteout);
            } else if is_windows && split_stream(&entry.name).1.is_some() {
                streams.push(entry);
            } else {
                files.push(entry);
            }
        }
        // An opaque marker acts before all else, wherever it stands.
        whiteouts.sort_by_key(|whiteout| !matches!(whiteout, Whiteout::Opaque(_)));
        for whiteout in whiteouts {
            self.whiteout(layer, pair, whiteout)?;
        }
        for entry in files {
            self.merge_entry(layer, pair, entry, folders)?;
        }
        for entry in streams {
            layer.fill(pair.into);
            self.merge_stream(layer, pair, &entry)?;
        }
        Ok(())
    }

    fn whiteout(
        &mut self,
        layer: &mut Layer<'_>,
        pair: &Pair,
        whiteout: Whiteout,
    ) -> Result<(), ChainError> {
        let (name, is_opaque) = match whiteout {
            Whiteout::Removed(name) => (name, false),
            Whiteout::Opaque(_) => (Vec::new(), true),
        };
        let shown = whiteout_path(&pair.path, &name, is_opaque);
        if layer.is_base && self.tree.names() == Names::Windows {
            return Err(layer.broken(&shown, StackingRule::WhiteoutInBase));
        }
        match (layer.whiteouts, is_opaque) {
            (Whiteouts::Hcs, true) => {}
            (Whiteouts::Hcs, false) => {
                layer.deletions.push(Deletion {
                    folder: pair.into,
                    name,
                    path: shown,
                });
            }
            (Whiteouts::Oci, true) => self.tree.unlink_all(pair.into),
            (Whiteouts::Oci, false) => {
                self.remove(
                    layer,
                    &Deletion {
                        folder: pair.into,
                        name,
                        path: shown,
                    },
                );
            }
        }
        Ok(())
    }

    /// Removes what a whiteout names; if there is nothing, notes it.
    fn remove(&mut self, layer: &Layer<'_>, deletion: &Deletion) {
        match self.tree.lookup(deletion.folder, &deletion.name) {
            Some(child) => self.tree.unlink(deletion.folder, &child),
            None => self.oddities.push(Oddity {
                layer: layer.record.diff_id,
                entry: String::from_utf8_lossy(&deletion.path).into_owned(),
                rule: StackingRule::WhiteoutOfNothing,
            }),
        }
    }

    /// Makes a deletion that waited for the end of the layer.
    fn delete(&mut self, layer: &Layer<'_>, deletion: &Deletion) -> Result<(), ChainError> {
        if let Some(child) = self.tree.lookup(deletion.folder, &deletion.name)
            && layer.filled.contains(&child.node)
        {
            return Err(layer.broken(&deletion.path, StackingRule::WhiteoutOfFilledFolder));
        }
        self.remove(layer, deletion);
        Ok(())
    }

    fn merge_entry(
        &mut self,
        layer: &mut Layer<'_>,
        pair: &Pair,
        entry: LayerEntry,
        folders: &mut Vec<Pair>,
    ) -> Result<(), ChainError> {
        let LayerEntry { name, inode } = entry;
        let path = join(&pair.path, &name);
        let lower = self.tree.lookup(pair.into, &name);
        if inode.kind == FileKind::Directory {
            let into = self.merge_directory(layer, pair, &name, &inode, lower)?;
            layer.parents.insert(into, pair.into);
            folders.push(Pair {
                from: inode,
                into,
                path,
            });
            return Ok(());
        }
        layer.fill(pair.into);
        if let Some(lower) = lower {
            self.tree.unlink(pair.into, &lower);
        }
        let node = match layer.known_node(&inode) {
            Some(node) => node,
            None => self.copy(layer, &inode, &path)?,
        };
        if inode.nlink > 1 {
            layer.hard_links.insert(inode.nid, node);
        }
        if layer.resolved.contains_key(&inode.nid) {
            self.tree.link_again(pair.into, &name, node)?;
        } else {
            self.tree.link(pair.into, &name, node)?;
        }
        Ok(())
    }

    fn merge_directory(
        &mut self,
        layer: &mut Layer<'_>,
        pair: &Pair,
        name: &[u8],
        inode: &Inode,
        lower: Option<Child>,
    ) -> Result<NodeId, ChainError> {
        let implied = layer.xattr(inode, keys::IMPLIED)?.is_some();
        if !implied {
            layer.fill(pair.into);
        }
        match lower {
            // No entry describes it: the lower layer's folder stays as it is.
            Some(lower) if implied && self.tree.is_directory(lower.node) => Ok(lower.node),
            Some(lower) if self.tree.is_directory(lower.node) => {
                let attributes = self.attributes(layer, inode)?;
                self.tree.remove_streams(pair.into, &lower);
                if lower.name.as_ref() == name {
                    self.tree.describe(&lower, attributes)?;
                } else {
                    self.tree.unlink(pair.into, &lower);
                    self.tree.builder.set_attributes(lower.node, attributes)?;
                    self.tree.link(pair.into, name, lower.node)?;
                }
                Ok(lower.node)
            }
            lower => {
                if let Some(lower) = lower {
                    self.tree.unlink(pair.into, &lower);
                }
                let attributes = self.attributes(layer, inode)?;
                let node = self.tree.builder.directory(attributes)?;
                self.tree.link(pair.into, name, node)?;
                Ok(node)
            }
        }
    }

    fn merge_stream(
        &mut self,
        layer: &mut Layer<'_>,
        pair: &Pair,
        entry: &LayerEntry,
    ) -> Result<(), ChainError> {
        let (file, stream) = split_stream(&entry.name);
        let stream = stream.unwrap_or_default();
        let node = match layer.known_node(&entry.inode) {
            Some(node) => node,
            None => {
                let path = join(&pair.path, &entry.name);
                self.copy(layer, &entry.inode, &path)?
            }
        };
        if entry.inode.nlink > 1 {
            layer.hard_links.insert(entry.inode.nid, node);
        }
        match self.tree.lookup(pair.into, file) {
            Some(owner) => self.tree.link_stream(pair.into, &owner, stream, node)?,
            // The importer puts a stream beside its file only.
            None => self.tree.link(pair.into, &entry.name, node)?,
        }
        Ok(())
    }

    /// Makes a node like `inode` whose data lies in the layer's tar.
    fn copy(
        &mut self,
        layer: &Layer<'_>,
        inode: &Inode,
        path: &[u8],
    ) -> Result<NodeId, ChainError> {
        let attributes = self.attributes(layer, inode)?;
        let data = match inode.kind {
            FileKind::Regular => layer.data(inode)?,
            _ => FileData::Extents {
                size: 0,
                extents: Vec::new(),
            },
        };
        self.embedded_bytes += embedded_bytes(&data);
        if self.embedded_bytes > EMBEDDED_MAX {
            return Err(layer.broken(path, StackingRule::Embedded));
        }
        let builder = &mut self.tree.builder;
        let special = |kind: fn(transom_erofs::DeviceNumber) -> SpecialKind| {
            inode.rdev.map_or(SpecialKind::Fifo, kind)
        };
        Ok(match inode.kind {
            FileKind::Regular => builder.file(attributes, data)?,
            FileKind::Symlink => {
                let target = layer.image.symlink_target(inode);
                let target = target.map_err(|error| layer.damaged(error))?;
                builder.symlink(attributes, &target)?
            }
            FileKind::Directory => builder.directory(attributes)?,
            FileKind::CharDevice => {
                builder.special(attributes, special(SpecialKind::CharDevice))?
            }
            FileKind::BlockDevice => {
                builder.special(attributes, special(SpecialKind::BlockDevice))?
            }
            FileKind::Fifo => builder.special(attributes, SpecialKind::Fifo)?,
            FileKind::Socket => builder.special(attributes, SpecialKind::Socket)?,
        })
    }

    fn attributes(&mut self, layer: &Layer<'_>, inode: &Inode) -> Result<Attributes, ChainError> {
        let mut xattrs = vec![match inode.kind {
            FileKind::Regular | FileKind::Directory => layer.mark,
            _ => layer.mark_on_link,
        }];
        for (name, value) in layer.xattrs(inode)? {
            // Names and streams are noted again when they are linked.
            let key = keys::plain(name.clone());
            let is_of_layer = matches!(key.as_slice(), keys::LINK | keys::IMPLIED | keys::STREAMS)
                || key.starts_with(keys::LONG_NAME_PREFIX);
            if !is_of_layer {
                xattrs.push(self.tree.builder.xattr(&name, &value)?);
            }
        }
        Ok(Attributes {
            mode: inode.permissions,
            uid: inode.uid,
            gid: inode.gid,
            mtime: inode.mtime,
            xattrs,
        })
    }
}

impl Layer<'_> {
    fn damaged(&self, source: ReadError) -> ChainError {
        ChainError::Index {
            layer: self.record.diff_id,
            source,
        }
    }

    fn broken(&self, path: &[u8], rule: StackingRule) -> ChainError {
        let entry = String::from_utf8_lossy(path).into_owned();
        ChainError::Rule {
            layer: self.record.diff_id,
            entry,
            rule,
        }
    }

    /// Returns the node that another name of the same file has led to.
    fn known_node(&self, inode: &Inode) -> Option<NodeId> {
        self.resolved
            .get(&inode.nid)
            .or_else(|| self.hard_links.get(&inode.nid))
            .copied()
    }

    fn xattrs(&self, inode: &Inode) -> Result<Vec<(Vec<u8>, Vec<u8>)>, ChainError> {
        self.image
            .xattrs(inode)
            .map_err(|error| self.damaged(error))
    }

    fn xattr(&self, inode: &Inode, name: &[u8]) -> Result<Option<Vec<u8>>, ChainError> {
        self.image
            .xattr(inode, name)
            .map_err(|error| self.damaged(error))
    }

    /// Notes that the layer puts something into a folder.
    fn fill(&mut self, mut folder: NodeId) {
        while self.filled.insert(folder)
            && let Some(parent) = self.parents.get(&folder)
        {
            folder = *parent;
        }
    }

    /// Lists a folder with the names its entries really have.
    fn read_folder(&self, folder: &Inode) -> Result<Vec<LayerEntry>, ReadError> {
        let mut entries = Vec::new();
        for entry in self.image.read_dir(folder)? {
            let entry = entry?;
            let (name, inode) = long_name::read(self.image, entry)?;
            let inode = inode.or_else(|nid| self.image.inode(nid))?;
            entries.push(LayerEntry { name, inode });
        }
        Ok(entries)
    }

    fn data(&self, inode: &Inode) -> Result<FileData, ChainError> {
        let mut extents = Vec::new();
        for run in self
            .image
            .extents(inode)
            .map_err(|error| self.damaged(error))?
        {
            let run = run.map_err(|error| self.damaged(error))?;
            let source = match run.location {
                Location::Hole => continue,
                Location::Device { offset, .. } => Source::Device {
                    id: self.device,
                    offset,
                },
                Location::Image { offset } => Source::Bytes(self.embedded(offset, run.length)?),
            };
            extents.push(Extent {
                logical: run.logical,
                length: run.length,
                source,
            });
        }
        Ok(match extents.as_slice() {
            [
                Extent {
                    logical: 0,
                    length,
                    source: Source::Device { id, offset },
                },
            ] if *length == inode.size => FileData::Contiguous {
                size: inode.size,
                device: *id,
                offset: *offset,
            },
            _ => FileData::Extents {
                size: inode.size,
                extents,
            },
        })
    }

    /// Reads data that the layer's index holds itself; it is in memory or small (see the importer).
    fn embedded(&self, offset: u64, length: u64) -> Result<Vec<u8>, ChainError> {
        use transom_erofs::ReadAt;

        let size = self
            .image
            .source()
            .len()
            .map_err(|error| self.damaged(error.into()))?;
        // A damaged index must not make this allocate what it does not hold.
        let mut bytes = vec![0; usize::try_from(length.min(size)).unwrap_or(0)];
        read_exact_at(self.image.source(), &mut bytes, offset)
            .map_err(|error| self.damaged(error.into()))?;
        Ok(bytes)
    }
}

/// Bytes of a file that the index itself has to hold.
fn embedded_bytes(data: &FileData) -> u64 {
    let FileData::Extents { extents, .. } = data else {
        return 0;
    };
    let bytes = |extent: &Extent| match &extent.source {
        Source::Bytes(bytes) => bytes.len() as u64,
        Source::Device { .. } => 0,
    };
    extents.iter().map(bytes).sum()
}

/// The path of a whiteout's entry.
fn whiteout_path(folder: &[u8], name: &[u8], is_opaque: bool) -> Vec<u8> {
    let name = if is_opaque {
        b".wh..wh..opq".to_vec()
    } else {
        [b".wh.", name].concat()
    };
    join(folder, &name)
}
