//! Walking a whole tree, on any image, with an end.

use std::collections::HashSet;

use crate::attributes::FileKind;
use crate::error::ReadError;
use crate::format::DIRENT_SIZE;
use crate::image::Image;
use crate::inode::{Inode, Nid};
use crate::read_at::ReadAt;
use crate::read_dir::ReadDir;

/// An entry that a walk came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalkEntry {
    /// Path from the root, names joined by slashes, without one at the start.
    pub path: Vec<u8>,
    /// Levels below the root; 1 for its own entries.
    pub depth: usize,
    /// The inode.
    pub inode: Inode,
}

/// Iterator over all entries below the root, made by [`Image::walk`].
///
/// All entries of a directory come in order, then the subdirectories follow one after the other.
/// An inode with several names comes once for each. The walk ends after the first error.
#[derive(Debug)]
pub struct Walk<'a, R: ReadAt> {
    image: &'a Image<R>,
    max_depth: usize,
    /// The directory that is listed now.
    current: Option<Current<'a, R>>,
    /// Directories to be listed, the next one last: number, place in `names`, depth.
    pending: Vec<(Nid, usize, usize)>,
    /// Name and parent (a place in this list) of each directory seen, the root first. Whole paths
    /// would take quadratic memory in a deep tree.
    names: Vec<(usize, Vec<u8>)>,
    /// Start of the current directory's subdirectories in `pending`, which are in listed order.
    first_new: usize,
    seen: HashSet<Nid>,
    entries_left: u64,
}

#[derive(Debug)]
struct Current<'a, R: ReadAt> {
    entries: ReadDir<'a, R>,
    path: Vec<u8>,
    /// Its place in `names`.
    name: usize,
    depth: usize,
}

impl<'a, R: ReadAt> Walk<'a, R> {
    pub(crate) fn new(image: &'a Image<R>, max_depth: usize) -> Result<Self, ReadError> {
        let root = image.root()?;
        Ok(Self {
            image,
            max_depth,
            current: None,
            seen: HashSet::from([root.nid]),
            pending: vec![(root.nid, 0, 0)],
            names: vec![(0, Vec::new())],
            first_new: 0,
            entries_left: entry_limit(image),
        })
    }

    fn next_entry(&mut self) -> Result<Option<WalkEntry>, ReadError> {
        loop {
            let Some(current) = &mut self.current else {
                let new = self.pending.get_mut(self.first_new..).unwrap_or_default();
                new.reverse();
                let Some((nid, name, depth)) = self.pending.pop() else {
                    return Ok(None);
                };
                let entries = self.image.read_dir(&self.image.inode(nid)?)?;
                let path = self.path_of(name);
                self.current = Some(Current {
                    entries,
                    path,
                    name,
                    depth,
                });
                self.first_new = self.pending.len();
                continue;
            };
            let Some(entry) = current.entries.next() else {
                self.current = None;
                continue;
            };
            let entry = entry?;
            self.entries_left =
                self.entries_left
                    .checked_sub(1)
                    .ok_or_else(|| ReadError::TooManyEntries {
                        limit: entry_limit(self.image),
                    })?;
            let inode = self.image.inode(entry.nid)?;
            let depth = current.depth + 1;
            let path = joined(&current.path, &entry.name);
            if inode.kind == FileKind::Directory {
                let nid = inode.nid.0;
                if depth > self.max_depth {
                    return Err(ReadError::TooDeep {
                        nid,
                        limit: self.max_depth,
                    });
                }
                if !self.seen.insert(inode.nid) {
                    return Err(ReadError::DirectoryTwice { nid });
                }
                self.pending.push((inode.nid, self.names.len(), depth));
                self.names.push((current.name, entry.name));
            }
            return Ok(Some(WalkEntry { path, depth, inode }));
        }
    }

    /// The path of a directory; a parent stands before its children, so the way up ends.
    fn path_of(&self, mut name: usize) -> Vec<u8> {
        let mut parts = Vec::new();
        while name > 0
            && let Some((parent, part)) = self.names.get(name)
        {
            parts.push(part.as_slice());
            name = *parent;
        }
        parts.reverse();
        parts.join(&b'/')
    }
}

impl<R: ReadAt> Iterator for Walk<'_, R> {
    type Item = Result<WalkEntry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_entry();
        if next.is_err() {
            self.current = None;
            self.pending.clear();
            self.first_new = 0;
        }
        next.transpose()
    }
}

fn joined(parent: &[u8], name: &[u8]) -> Vec<u8> {
    if parent.is_empty() {
        name.to_vec()
    } else {
        [parent, name].join(&b'/')
    }
}

/// More entries than this are not in an honest image: each takes a record and a byte of a name.
fn entry_limit<R: ReadAt>(image: &Image<R>) -> u64 {
    image.length / (DIRENT_SIZE as u64 + 1)
}
