//! Layer tars of the engine in memory: in, out, and looked into.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::Arc;

use transom_layertar::{
    Class, Entry, EntryKind, Header, Limits, Reader, Rules, Shape, Whiteout, WindowsMetadata,
    Writer, path, whiteout, windows,
};

use super::tree::{Node, Tree, split};
use super::{MemoryError, Result};
use crate::{Change, ChangeKind, ErrorKind};

/// FILE_ATTRIBUTE_DIRECTORY and FILE_ATTRIBUTE_ARCHIVE (MS-FSCC 2.6).
const DIRECTORY: u32 = 0x10;
const ARCHIVE: u32 = 0x20;

/// A tar that was read.
pub(super) struct Imported {
    /// Its bytes up to the end mark.
    pub(super) tar: Vec<u8>,
    /// What it makes of the tree below.
    pub(super) tree: Tree,
    /// Bytes of main file data.
    pub(super) bytes: u64,
}

fn refuse(error: impl std::fmt::Display) -> MemoryError {
    MemoryError::new(ErrorKind::Corrupt, error.to_string())
}

/// Keeps what it reads.
struct Tee<'a> {
    source: &'a mut dyn Read,
    taken: Vec<u8>,
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.taken.extend_from_slice(&buffer[..count]);
        Ok(count)
    }
}

/// Reads a layer tar onto what the parent shows; without a parent it is a base layer.
pub(super) fn read(source: &mut dyn Read, below: Option<&Tree>) -> Result<Imported> {
    let taken = Vec::new();
    let mut reader = Reader::new(Tee { source, taken }, Limits::default());
    let mut tree = below.cloned().unwrap_or_default();
    let mut whiteouts = Vec::new();
    let mut bytes = 0;
    while let Some(entry) = reader.next_entry().map_err(refuse)? {
        match classify(&entry)? {
            Class::Directory => tree.insert(&clean(&entry.name)?, Node::Folder),
            Class::File => {
                let mut data = Vec::new();
                let mut contents = reader.contents(&entry);
                contents.read_to_end(&mut data).map_err(refuse)?;
                bytes += data.len() as u64;
                tree.insert(&clean(&entry.name)?, Node::File(data.into()));
            }
            Class::HardLink => {
                let target = clean(&entry.link_name)?;
                let node = tree.get(&target).cloned();
                let node = node.ok_or_else(|| refuse(format!("no {target} to link to")))?;
                tree.insert(&clean(&entry.name)?, node);
            }
            Class::Whiteout(Whiteout::Removed(name)) if below.is_some() => {
                whiteouts.push(clean(&name)?);
            }
            // hcsshim knows no opaque markers, and refuses every whiteout in a base layer.
            Class::Whiteout(_) if below.is_some() => {}
            Class::Whiteout(_) => return Err(refuse("a base layer cannot have whiteouts")),
            Class::Stream { .. } | Class::GlobalHeader => {}
            Class::Symlink { .. } | Class::Junction | Class::Other(_) => {
                let name = clean(&entry.name)?;
                let text = format!("entry {name} is neither a folder nor a file");
                return Err(MemoryError::new(ErrorKind::Unsupported, text));
            }
        }
    }
    // Deleting comes last: a whiteout beats an entry of its own layer.
    for path in whiteouts {
        tree.remove(&path);
    }
    let tar = reader.into_inner().taken;
    Ok(Imported { tar, tree, bytes })
}

fn classify(entry: &Entry) -> Result<Class> {
    let metadata = WindowsMetadata::from_entry(entry).map_err(refuse)?;
    windows::classify(entry, &metadata).map_err(refuse)
}

fn clean(name: &[u8]) -> Result<String> {
    let name = path::clean(name, Rules::Windows).map_err(refuse)?;
    String::from_utf8(name.into_bytes()).map_err(refuse)
}

/// An entry to write.
enum Item<'a> {
    Folder,
    File(&'a [u8]),
    Whiteout,
}

/// Writes differences as a layer tar: each folder before its whiteouts, and those before what is in it.
pub(super) fn write(changes: &[Change], own: &Tree) -> Result<Vec<u8>> {
    let mut items = BTreeMap::new();
    // A layer without these two cannot be imported on Windows.
    for root in ["Files", "Hives"] {
        items.insert(vec![root], Item::Folder);
    }
    for change in changes {
        let parts: Vec<&str> = change.path.split('/').collect();
        for depth in 1..parts.len() {
            items.insert(parts[..depth].to_vec(), Item::Folder);
        }
        match (change.kind, own.get(&change.path)) {
            (ChangeKind::Deleted, _) => {
                let (folder, name) = split(&change.path);
                // Nothing sorts before an empty name.
                let place = folder.into_iter().flat_map(|folder| folder.split('/'));
                items.insert(place.chain(["", name]).collect(), Item::Whiteout);
            }
            (_, Some(Node::File(data))) => {
                items.insert(parts, Item::File(data));
            }
            (_, Some(Node::Folder) | None) => {
                items.insert(parts, Item::Folder);
            }
        }
    }
    let mut tar = Writer::new(Vec::new());
    for (parts, item) in items {
        let name: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        append(&mut tar, name.join("/").as_bytes(), &item)?;
    }
    tar.finish().map_err(refuse)
}

fn append(tar: &mut Writer<Vec<u8>>, name: &[u8], item: &Item<'_>) -> Result<()> {
    let with = |attributes| WindowsMetadata {
        attributes: Some(attributes),
        ..WindowsMetadata::default()
    };
    let (header, data) = match *item {
        Item::Whiteout => {
            let header = Header::new(EntryKind::File, &whiteout::name_of(name));
            (Ok(header), &[][..])
        }
        Item::Folder => {
            let header = windows::to_header(name, &Shape::Directory, &with(DIRECTORY));
            (header, &[][..])
        }
        Item::File(data) => {
            let size = data.len() as u64;
            let header = windows::to_header(name, &Shape::File { size }, &with(ARCHIVE));
            (header, data)
        }
    };
    tar.append(&header.map_err(refuse)?).map_err(refuse)?;
    tar.write_all(data).map_err(refuse)
}

/// Adds up the main file data of a tar, in bytes.
pub(super) fn data_bytes(tar: &[u8]) -> Result<u64> {
    let mut reader = Reader::new(tar, Limits::default());
    let mut bytes = 0;
    while let Some(entry) = reader.next_entry().map_err(refuse)? {
        if classify(&entry)? == Class::File {
            bytes += entry.size;
        }
    }
    Ok(bytes)
}

/// Returns the content of the file or stream that has a name in a tar.
pub(super) fn find(tar: &[u8], name: &str) -> Result<Option<Arc<[u8]>>> {
    let mut reader = Reader::new(tar, Limits::default());
    while let Some(entry) = reader.next_entry().map_err(refuse)? {
        if entry.name != name.as_bytes() {
            continue;
        }
        if matches!(classify(&entry)?, Class::File | Class::Stream { .. }) {
            let mut data = Vec::new();
            let mut contents = reader.contents(&entry);
            contents.read_to_end(&mut data).map_err(refuse)?;
            return Ok(Some(data.into()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::tree;
    use proptest::prelude::*;

    /// Small trees in which names meet often, also in another case and as another kind.
    fn any_tree() -> impl Strategy<Value = Tree> {
        let path = proptest::collection::vec("[abAB]|a\\.x", 1..4);
        let entry = (path, proptest::option::of(0_u8..3));
        proptest::collection::vec(entry, 0..12).prop_map(|entries| {
            let mut tree = Tree::default();
            tree.insert("Files", Node::Folder);
            tree.insert("Hives", Node::Folder);
            for (path, data) in entries {
                let node = data.map_or(Node::Folder, |byte| Node::File(Arc::from([byte])));
                tree.insert(&format!("Files/{}", path.join("/")), node);
            }
            tree
        })
    }

    /// All of a tree but the case of names, which a layer cannot change.
    fn folded(tree: &Tree) -> BTreeMap<String, Node> {
        let entries = tree.entries();
        entries
            .map(|(path, node)| (path.to_ascii_uppercase(), node.clone()))
            .collect()
    }

    proptest! {
        #[test]
        fn the_differences_of_two_trees_make_the_second_of_the_first(
            below in any_tree(),
            own in any_tree(),
        ) {
            let changes = tree::differences(&below, &own);
            let tar = write(&changes, &own).expect("writes");
            let read = read(&mut tar.as_slice(), Some(&below)).expect("reads");
            prop_assert_eq!(folded(&read.tree), folded(&own));
            prop_assert_eq!(&read.tar, &tar);
            prop_assert_eq!(read.bytes, data_bytes(&tar).expect("reads"));
            prop_assert_eq!(tree::differences(&own, &own), []);
        }
    }
}
