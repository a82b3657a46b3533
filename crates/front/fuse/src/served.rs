//! A tree as it is served: answers to the kernel's questions, without the protocol.

use std::cell::RefCell;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use fuser::{Errno, FileAttr};
use transom_layer::Names;
use transom_sealed::{Kind, Metadata, Node, Tree, TreeError};

use crate::folded::FoldedNames;
use crate::folders::{Entry, OpenFolders};
use crate::links::shown_target;
use crate::names;
use crate::nodes::{Known, NodeTable};
use crate::stat::{self, Owner};

#[cfg(test)]
mod tests;

/// Longest target of a link that Linux takes, in bytes.
const TARGET_MAX: usize = 4095;

/// Most bytes that one read is answered with; the kernel asks for less.
const READ_MAX: usize = 16 << 20;

/// A tree, and what the kernel holds of it.
#[derive(Debug)]
pub(crate) struct Served {
    tree: Arc<Tree>,
    owner: Owner,
    folded: FoldedNames,
    /// The entries that the kernel holds.
    pub(crate) nodes: NodeTable,
    /// The folders that are open.
    pub(crate) folders: OpenFolders,
}

/// Returns the errno of a failed read: what is not simply absent is damage.
pub(crate) fn errno(error: &TreeError) -> Errno {
    match error {
        TreeError::NotFound { .. } => Errno::ENOENT,
        TreeError::NotADirectory { .. } => Errno::ENOTDIR,
        TreeError::NotAFile { .. } => Errno::EINVAL,
        TreeError::Index(_)
        | TreeError::BadAttribute { .. }
        | TreeError::Loop { .. }
        | TreeError::Open(_)
        | TreeError::File(_) => Errno::EIO,
    }
}

impl Served {
    /// Serves `tree` from `root` down; a Windows tree belongs to `owner`.
    pub(crate) fn new(tree: Arc<Tree>, root: Node, owner: Owner) -> Self {
        Self {
            tree,
            owner,
            folded: FoldedNames::default(),
            nodes: NodeTable::new(root),
            folders: OpenFolders::default(),
        }
    }

    /// Returns the tree.
    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Returns how names compare.
    pub(crate) fn names(&self) -> Names {
        self.tree.names()
    }

    /// Finds an entry of a folder and counts it; `None` if there is none.
    pub(crate) fn lookup(&self, parent: u64, name: &[u8]) -> Result<Option<FileAttr>, Errno> {
        let folder = self.nodes.get(parent)?;
        if !folder.node.is_directory() {
            return Err(Errno::ENOTDIR);
        }
        let found = names::find(&self.tree, &self.folded, &folder.node, name)
            .map_err(|error| errno(&error))?;
        found.map(|node| self.count(parent, &node)).transpose()
    }

    /// Returns the attributes of an entry of the folder `parent`, and counts it.
    pub(crate) fn count(&self, parent: u64, node: &Node) -> Result<FileAttr, Errno> {
        let mut attributes = self.attributes(0, node)?;
        attributes.ino.0 = self.nodes.count(parent, node)?;
        Ok(attributes)
    }

    /// Returns what `stat` says of an entry that has this number.
    pub(crate) fn attributes(&self, number: u64, node: &Node) -> Result<FileAttr, Errno> {
        let metadata = self.metadata(node)?;
        let size = match self.target(node, &metadata) {
            Some(Ok(target)) => target.len() as u64,
            // Reading the link fails; the link can still be looked at.
            Some(Err(_)) | None => metadata.size,
        };
        let (names, owner) = (self.names(), self.owner);
        Ok(stat::attributes(number, &metadata, size, names, owner))
    }

    /// Returns all that is known of an entry.
    pub(crate) fn metadata(&self, node: &Node) -> Result<Metadata, Errno> {
        self.tree.metadata(node).map_err(|error| errno(&error))
    }

    /// Returns where a link leads.
    pub(crate) fn read_link(&self, known: &Known) -> Result<Vec<u8>, Errno> {
        let metadata = self.metadata(&known.node)?;
        self.target(&known.node, &metadata)
            .unwrap_or(Err(Errno::EINVAL))
    }

    fn target(&self, node: &Node, metadata: &Metadata) -> Option<Result<Vec<u8>, Errno>> {
        if !matches!(metadata.kind, Kind::Symlink | Kind::Junction) {
            return None;
        }
        let target = metadata.target.as_deref().unwrap_or_default();
        let shown = shown_target(&self.tree, node, target).map_err(|error| errno(&error));
        Some(shown.and_then(|shown| match shown.len() {
            TARGET_MAX.. => Err(Errno::ENAMETOOLONG),
            _ if shown.contains(&0) => Err(Errno::EIO),
            _ => Ok(shown),
        }))
    }

    /// Gives the entries of an open folder from `offset` on to `add`, until it says that there is no more room.
    pub(crate) fn list(
        &self,
        number: u64,
        handle: u64,
        offset: u64,
        add: impl FnMut(Entry<'_>) -> Result<bool, Errno>,
    ) -> Result<(), Errno> {
        let folder = self.folders.get(handle)?;
        folder.list(&self.tree, number, offset, add)
    }

    /// Reads from a file's data and gives what there is to `answer`.
    pub(crate) fn read<T>(
        &self,
        number: u64,
        offset: u64,
        size: u32,
        answer: impl FnOnce(Result<&[u8], Errno>) -> T,
    ) -> T {
        // One buffer for each worker: new ones would be zeroed by the system page after page.
        thread_local!(static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
        BUFFER.with_borrow_mut(|buffer| {
            let size = usize::try_from(size).unwrap_or(READ_MAX).min(READ_MAX);
            if buffer.len() < size {
                buffer.resize(size, 0);
            }
            let buffer = &mut buffer[..size];
            match self.read_at(number, offset, buffer) {
                Ok(count) => answer(Ok(&buffer[..count])),
                Err(error) => answer(Err(error)),
            }
        })
    }

    fn read_at(&self, number: u64, offset: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        let known = self.nodes.get(number)?;
        let data = self.tree.open_data(&known.node);
        let mut data = data.map_err(|error| errno(&error))?;
        data.seek(SeekFrom::Start(offset)).map_err(|_| Errno::EIO)?;
        let mut filled = 0;
        while filled < buffer.len() {
            match data.read(&mut buffer[filled..]).map_err(|_| Errno::EIO)? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(filled)
    }
}
