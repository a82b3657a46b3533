//! What a tree or a folder shows, to be compared.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use transom_layer::{TreePath, View};
use transom_sealed::{Kind, Tree};

/// What a path shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    Folder,
    File(String),
    Link(String),
}

pub(super) type Listing = BTreeMap<String, Shown>;

/// What lies below a folder; no link is followed.
pub(super) fn on_disk(root: &Path) -> Listing {
    let mut listing = Listing::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let at = entry.unwrap().path();
            let path = at.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let kind = at.symlink_metadata().unwrap().file_type();
            let shown = if kind.is_dir() {
                folders.push(at);
                Shown::Folder
            } else if kind.is_symlink() {
                Shown::Link(fs::read_link(&at).unwrap().to_str().unwrap().to_owned())
            } else {
                Shown::File(fs::read_to_string(&at).unwrap())
            };
            listing.insert(path, shown);
        }
    }
    listing
}

/// The entries of a tree, streams included, by their paths.
pub(super) fn listing_of(tree: &Tree) -> Listing {
    let mut listing = Listing::new();
    let mut folders = vec![tree.root().unwrap()];
    while let Some(folder) = folders.pop() {
        for node in tree.entries(&folder).unwrap() {
            let about = tree.metadata(&node).unwrap();
            let shown = match about.kind {
                Kind::Directory => Shown::Folder,
                Kind::Symlink | Kind::Junction => {
                    Shown::Link(String::from_utf8(about.target.unwrap()).unwrap())
                }
                Kind::File | Kind::Special => {
                    let mut data = String::new();
                    tree.open_data(&node)
                        .unwrap()
                        .read_to_string(&mut data)
                        .unwrap();
                    Shown::File(data)
                }
            };
            listing.insert(String::from_utf8(node.path().to_vec()).unwrap(), shown);
            if node.is_directory() {
                folders.push(node);
            }
        }
    }
    listing
}

/// A tree as cases write it.
pub(super) fn lines_of(tree: &Tree) -> Vec<String> {
    let mut firsts: BTreeMap<String, String> = BTreeMap::new();
    let mut lines = Vec::new();
    for (path, shown) in listing_of(tree) {
        let parsed = TreePath::parse(&path, tree.names(), View::Raw);
        let node = tree.find(&parsed.unwrap()).unwrap();
        let first = firsts.entry(node.id().to_string()).or_insert(path.clone());
        lines.push(match shown {
            Shown::Folder => format!("{path}/"),
            _ if *first != path => format!("{path} == {first}"),
            Shown::File(data) => format!("{path} = {data}"),
            Shown::Link(target) => format!("{path} -> {target}"),
        });
    }
    lines
}
