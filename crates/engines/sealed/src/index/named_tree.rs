//! A tree under construction in which names compare as the layer's platform compares them.

use std::collections::HashMap;

use transom_erofs::{Attributes, Builder, FileKind, NodeId, WriteError, XattrId};
use transom_layer::Names;
use transom_ntmeta::name;

use super::keys;
use super::long_name::{self, Stored};

/// Most long names of one file: each is an attribute of up to [`LONG_NAME_BYTES`], for which the
/// importer leaves 64 KiB.
const LONG_NAMES_MAX: usize = 64;
/// Bytes of an attribute with a name of 255 UTF-16 units.
const LONG_NAME_BYTES: u64 = 800;

/// An EROFS builder with look-ups by folded name, names of any length, and alternate streams.
#[derive(Debug)]
pub(crate) struct NamedTree {
    pub(crate) builder: Builder,
    names: Names,
    /// Folder and folded name → entry. Entries of unlinked folders stay behind, unreachable.
    children: HashMap<Box<[u16]>, Child>,
    /// Streams of each file or folder, to follow it under further names and into removal.
    streams: HashMap<NodeId, Vec<(Box<[u8]>, NodeId)>>,
    /// Folder and stored name → true name of the entries whose name EROFS cannot hold.
    long_names: HashMap<(NodeId, Box<[u8]>), Box<[u8]>>,
    /// How many long names a file has had.
    long_name_counts: HashMap<NodeId, usize>,
    /// Scratch for look-ups.
    key: Vec<u16>,
}

/// An entry: its node and the name it has, in its own case.
#[derive(Debug, Clone)]
pub(crate) struct Child {
    pub(crate) node: NodeId,
    pub(crate) name: Box<[u8]>,
}

impl NamedTree {
    pub(crate) fn new(builder: Builder, names: Names) -> Self {
        Self {
            builder,
            names,
            children: HashMap::new(),
            streams: HashMap::new(),
            long_names: HashMap::new(),
            long_name_counts: HashMap::new(),
            key: Vec::new(),
        }
    }

    pub(crate) fn names(&self) -> Names {
        self.names
    }

    pub(crate) fn is_directory(&self, node: NodeId) -> bool {
        self.builder.kind(node) == Some(FileKind::Directory)
    }

    /// Finds an entry by name.
    pub(crate) fn lookup(&mut self, parent: NodeId, name: &[u8]) -> Option<Child> {
        self.set_key(parent, name);
        self.children.get(self.key.as_slice()).cloned()
    }

    /// Finds an entry by path from the root; a link is not followed.
    pub(crate) fn find(&mut self, path: &[u8]) -> Option<Child> {
        let mut found = Child {
            node: self.builder.root(),
            name: Box::default(),
        };
        for component in path
            .split(|byte| *byte == b'/')
            .filter(|part| !part.is_empty())
        {
            found = self.lookup(found.node, component)?;
        }
        Some(found)
    }

    /// Puts a node into a folder that has no entry of that name.
    pub(crate) fn link(
        &mut self,
        parent: NodeId,
        name: &[u8],
        node: NodeId,
    ) -> Result<(), WriteError> {
        match long_name::store(name) {
            Stored::Plain => self.builder.link(parent, name, node)?,
            Stored::Shortened {
                name: stored,
                attribute,
            } => {
                self.builder.link(parent, &stored, node)?;
                let xattr = self.own_xattr(node, &attribute, name)?;
                // A file may have the same long name in several folders.
                if !self.builder.has_xattr(node, xattr) {
                    let count = self.long_name_counts.entry(node).or_default();
                    *count += 1;
                    if *count > LONG_NAMES_MAX {
                        let found = *count as u64 * LONG_NAME_BYTES;
                        return Err(WriteError::XattrsTooLarge { node, found });
                    }
                    self.builder.add_xattr(node, xattr)?;
                }
                self.long_names.insert((parent, stored.into()), name.into());
            }
        }
        self.set_key(parent, name);
        self.children.insert(
            self.key.as_slice().into(),
            Child {
                node,
                name: name.into(),
            },
        );
        Ok(())
    }

    /// Replaces the attributes of an entry, all but its long name and the mark of its streams.
    pub(crate) fn describe(
        &mut self,
        child: &Child,
        attributes: Attributes,
    ) -> Result<(), WriteError> {
        self.builder.set_attributes(child.node, attributes)?;
        if let Stored::Shortened { attribute, .. } = long_name::store(&child.name) {
            let xattr = self.own_xattr(child.node, &attribute, &child.name)?;
            self.builder.add_xattr(child.node, xattr)?;
        }
        match self.streams.contains_key(&child.node) {
            true => self.mark_streams(child.node),
            false => Ok(()),
        }
    }

    /// Notes on a file or folder that it has streams.
    fn mark_streams(&mut self, node: NodeId) -> Result<(), WriteError> {
        let mark = self.own_xattr(node, keys::STREAMS, b"1")?;
        match self.builder.has_xattr(node, mark) {
            true => Ok(()),
            false => self.builder.add_xattr(node, mark),
        }
    }

    /// Makes an attribute of the index under the name that it has on this kind of node.
    fn own_xattr(&mut self, node: NodeId, key: &[u8], value: &[u8]) -> Result<XattrId, WriteError> {
        match self.builder.kind(node) {
            Some(FileKind::Regular | FileKind::Directory) => self.builder.xattr(key, value),
            _ => self.builder.xattr(&keys::on_link(key), value),
        }
    }

    /// Takes an entry with its streams out of a folder.
    pub(crate) fn unlink(&mut self, parent: NodeId, child: &Child) {
        for (stream, _) in self.streams.get(&child.node).cloned().unwrap_or_default() {
            self.unlink_name(parent, &[&child.name, &b":"[..], &stream].concat());
        }
        self.unlink_name(parent, &child.name);
    }

    /// Takes the streams of an entry away.
    pub(crate) fn remove_streams(&mut self, parent: NodeId, child: &Child) {
        for (stream, _) in self.streams.remove(&child.node).unwrap_or_default() {
            self.unlink_name(parent, &[&child.name, &b":"[..], &stream].concat());
        }
    }

    /// Takes everything out of a folder.
    pub(crate) fn unlink_all(&mut self, folder: NodeId) {
        let stored: Vec<Box<[u8]>> = self
            .builder
            .children(folder)
            .map(|(name, _)| name.into())
            .collect();
        for name in stored {
            let long = self.long_names.get(&(folder, name.clone())).cloned();
            self.unlink_name(folder, &long.unwrap_or(name));
        }
    }

    fn unlink_name(&mut self, parent: NodeId, name: &[u8]) {
        match long_name::store(name) {
            Stored::Plain => self.builder.unlink(parent, name),
            Stored::Shortened { name: stored, .. } => self.builder.unlink(parent, &stored),
        };
        self.set_key(parent, name);
        self.children.remove(self.key.as_slice());
    }

    /// Puts a stream beside the entry it belongs to, as `entry:stream`, instead of an earlier one.
    pub(crate) fn link_stream(
        &mut self,
        parent: NodeId,
        file: &Child,
        stream: &[u8],
        node: NodeId,
    ) -> Result<(), WriteError> {
        let name = [&file.name, &b":"[..], stream].concat();
        if let Some(lower) = self.lookup(parent, &name) {
            self.unlink_name(parent, &lower.name);
            if let Some(streams) = self.streams.get_mut(&file.node) {
                streams.retain(|(_, known)| *known != lower.node);
            }
        }
        self.link(parent, &name, node)?;
        let streams = self.streams.entry(file.node).or_default();
        // Each name of a hard link brings the same streams.
        if !streams.iter().any(|(_, known)| *known == node) {
            streams.push((stream.into(), node));
        }
        self.mark_streams(file.node)
    }

    /// Gives a file another name, with the streams it has.
    pub(crate) fn link_again(
        &mut self,
        parent: NodeId,
        name: &[u8],
        node: NodeId,
    ) -> Result<(), WriteError> {
        self.link(parent, name, node)?;
        for (stream, data) in self.streams.get(&node).cloned().unwrap_or_default() {
            self.link(parent, &[name, &b":"[..], &stream].concat(), data)?;
        }
        Ok(())
    }

    fn set_key(&mut self, parent: NodeId, name: &[u8]) {
        self.key.clear();
        let number = parent.number();
        self.key
            .extend([(number >> 16) as u16, (number & 0xffff) as u16]);
        match self.names {
            Names::Windows => name::fold_into(name, &mut self.key),
            Names::Posix => self.key.extend(name.iter().map(|byte| u16::from(*byte))),
        }
    }
}

#[cfg(test)]
mod tests {
    use transom_erofs::{FileData, Options};

    use super::*;

    fn tree(names: Names) -> NamedTree {
        let options = Options {
            uuid: [0; 16],
            build_time: 0,
        };
        NamedTree::new(Builder::new(options, Attributes::default()), names)
    }

    fn empty_file(tree: &mut NamedTree) -> NodeId {
        let data = FileData::Extents {
            size: 0,
            extents: Vec::new(),
        };
        tree.builder.file(Attributes::default(), data).unwrap()
    }

    #[test]
    fn windows_names_are_found_in_any_case_and_keep_their_own() {
        let mut tree = tree(Names::Windows);
        let (root, file) = (tree.builder.root(), empty_file(&mut tree));
        tree.link(root, "Über.TXT".as_bytes(), file).unwrap();
        let found = tree.lookup(root, "üBER.txt".as_bytes()).unwrap();
        assert_eq!((&*found.name, found.node), ("Über.TXT".as_bytes(), file));
        assert!(tree.lookup(root, b"uber.txt").is_none());
    }

    #[test]
    fn equal_names_in_different_folders_are_different_entries() {
        for names in [Names::Windows, Names::Posix] {
            let mut tree = tree(names);
            let root = tree.builder.root();
            let folder = tree.builder.directory(Attributes::default()).unwrap();
            let (here, there) = (empty_file(&mut tree), empty_file(&mut tree));
            tree.link(root, b"folder", folder).unwrap();
            tree.link(root, b"a", here).unwrap();
            assert!(tree.lookup(folder, b"a").is_none());
            tree.link(folder, b"a", there).unwrap();
            assert_eq!(tree.lookup(root, b"a").unwrap().node, here);
            assert_eq!(tree.find(b"folder/a").unwrap().node, there);
            assert!(tree.find(b"a/folder").is_none());
        }
    }

    #[test]
    fn one_file_may_have_one_long_name_in_two_folders() {
        let mut tree = tree(Names::Windows);
        let (root, file) = (tree.builder.root(), empty_file(&mut tree));
        let folder = tree.builder.directory(Attributes::default()).unwrap();
        tree.link(root, b"folder", folder).unwrap();
        let name = "\u{65e5}".repeat(200);
        tree.link(root, name.as_bytes(), file).unwrap();
        tree.link_again(folder, name.as_bytes(), file).unwrap();
        tree.unlink_all(root);
        assert!(tree.lookup(root, name.as_bytes()).is_none());
        assert_eq!(tree.lookup(folder, name.as_bytes()).unwrap().node, file);
    }

    #[test]
    fn posix_names_are_told_apart_by_case() {
        let mut tree = tree(Names::Posix);
        let (root, file) = (tree.builder.root(), empty_file(&mut tree));
        tree.link(root, b"a", file).unwrap();
        assert!(tree.lookup(root, b"A").is_none());
    }

    #[test]
    fn streams_go_with_their_file() {
        let mut tree = tree(Names::Windows);
        let root = tree.builder.root();
        let (file, data) = (empty_file(&mut tree), empty_file(&mut tree));
        tree.link(root, b"a.txt", file).unwrap();
        let child = tree.lookup(root, b"a.txt").unwrap();
        tree.link_stream(root, &child, b"note", data).unwrap();
        tree.link_again(root, b"b.txt", file).unwrap();
        assert!(tree.lookup(root, b"B.TXT:NOTE").is_some());
        let second = tree.lookup(root, b"b.txt").unwrap();
        tree.unlink_name(root, b"b.txt:note");
        tree.link_stream(root, &second, b"note", data).unwrap();
        tree.link_again(root, b"c.txt", file).unwrap();
        assert!(tree.lookup(root, b"c.txt:note").is_some());
        tree.unlink(root, &child);
        assert!(tree.lookup(root, b"a.txt:note").is_none());
        assert!(tree.lookup(root, b"b.txt:note").is_some());
    }
}
