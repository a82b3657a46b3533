//! All that a layer shows: names in any case, folders, and files with their content.

use std::collections::BTreeMap;
use std::sync::Arc;

use transom_ntmeta::name;

use crate::{Change, ChangeKind};

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Folder,
    File(Arc<[u8]>),
}

/// Entries by their paths from the tar's root, folded as NTFS folds names. Every entry's folder is there too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tree(BTreeMap<Vec<u16>, Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    path: String,
    node: Node,
}

fn key(path: &str) -> Vec<u16> {
    name::fold(path.as_bytes()).as_units().to_vec()
}

/// Splits a path into its folder, if it has one, and its name.
pub(super) fn split(path: &str) -> (Option<&str>, &str) {
    match path.rsplit_once('/') {
        Some((folder, name)) => (Some(folder), name),
        None => (None, path),
    }
}

impl Tree {
    pub(super) fn get(&self, path: &str) -> Option<&Node> {
        self.0.get(&key(path)).map(|entry| &entry.node)
    }

    /// Puts an entry in the place of what has its name, and makes its folders. A folder that is there stays, with
    /// what is in it and in its own spelling.
    pub(super) fn insert(&mut self, path: &str, node: Node) {
        let is_folder = |found: Option<&Node>| found == Some(&Node::Folder);
        if is_folder(Some(&node)) && is_folder(self.get(path)) {
            return;
        }
        let path = match split(path) {
            (Some(folder), name) => {
                self.insert(folder, Node::Folder);
                let spelling = self.0.get(&key(folder)).map(|entry| entry.path.as_str());
                format!("{}/{name}", spelling.unwrap_or(folder))
            }
            (None, name) => name.to_owned(),
        };
        self.remove(&path);
        self.0.insert(key(&path), Entry { path, node });
    }

    /// Takes an entry and all below it out.
    pub(super) fn remove(&mut self, path: &str) {
        let removed = key(path);
        self.0.retain(|key, _| {
            let rest = key.strip_prefix(removed.as_slice());
            rest.is_none_or(|rest| !rest.is_empty() && rest[0] != u16::from(b'/'))
        });
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.0
            .values()
            .map(|entry| (entry.path.as_str(), &entry.node))
    }

    /// Returns the bytes of a file's content, 0 for anything else.
    pub(super) fn file_bytes(&self, path: &str) -> u64 {
        match self.get(path) {
            Some(Node::File(data)) => data.len() as u64,
            _ => 0,
        }
    }
}

/// Compares what a layer shows with what its parent shows: folders before what is in them, names of a folder in the
/// order of their bytes. Of a folder that is gone only the folder is listed.
pub(super) fn differences(below: &Tree, own: &Tree) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut note = |path: &str, kind| {
        let path = path.to_owned();
        changes.push(Change { path, kind });
    };
    for (path, node) in own.entries() {
        match below.get(path) {
            None => note(path, ChangeKind::Added),
            Some(before) if before != node => note(path, ChangeKind::Modified),
            Some(_) => {}
        }
    }
    for (path, _) in below.entries() {
        let is_top = split(path)
            .0
            .is_none_or(|folder| own.get(folder) == Some(&Node::Folder));
        if own.get(path).is_none() && is_top {
            note(path, ChangeKind::Deleted);
        }
    }
    changes.sort_by(|a, b| a.path.split('/').cmp(b.path.split('/')));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> Tree {
        let mut tree = Tree::default();
        for path in files {
            tree.insert(path, Node::File(Arc::from(path.as_bytes())));
        }
        tree
    }

    #[test]
    fn names_are_found_in_any_case() {
        let tree = tree(&["Files/Ünder/A.txt"]);
        assert!(tree.get("files/üNDER/a.TXT").is_some());
        assert_eq!(tree.get("Files/Ünder"), Some(&Node::Folder));
    }

    #[test]
    fn what_is_put_into_a_folder_takes_on_the_spelling_of_the_folder() {
        let mut tree = tree(&["Files/Windows/a"]);
        tree.insert("files/WINDOWS/b", Node::Folder);
        assert!(tree.entries().any(|(path, _)| path == "Files/Windows/b"));
    }

    #[test]
    fn removing_a_folder_takes_what_is_in_it_and_nothing_beside_it() {
        let mut tree = tree(&["a/b/c", "a/bb", "a/b.txt"]);
        tree.remove("A/B");
        let left: Vec<_> = tree.entries().map(|(path, _)| path).collect();
        assert_eq!(left, ["a", "a/b.txt", "a/bb"]);
    }

    #[test]
    fn a_file_takes_the_place_of_a_folder_and_a_folder_that_of_a_file() {
        let mut tree = tree(&["a/b"]);
        tree.insert("A", Node::File(Arc::from(*b"x")));
        assert_eq!(tree.entries().count(), 1);
        tree.insert("a/c", Node::Folder);
        assert_eq!(tree.get("a"), Some(&Node::Folder));
    }

    #[test]
    fn of_a_removed_folder_only_the_folder_is_listed() {
        let mut own = tree(&["Files/a/b/c", "Files/a.txt", "Files/z"]);
        let below = own.clone();
        own.remove("Files/a/b");
        own.insert("Files/z", Node::Folder);
        own.insert("Files/z/new", Node::Folder);
        let changes: Vec<_> = differences(&below, &own)
            .into_iter()
            .map(|change| (change.path, change.kind.number()))
            .collect();
        let expected = [("Files/a/b", 2), ("Files/z", 0), ("Files/z/new", 1)];
        assert_eq!(
            changes,
            expected.map(|(path, kind)| (path.to_owned(), kind))
        );
    }
}
