//! Mounts of the engine in memory: the content of `Files` as a real folder.

use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use super::tree::{Node, Tree};
use super::{MemoryError, Result};
use crate::ErrorKind;

/// What a mount shows.
const FILES: &str = "Files";

/// Makes the folder and writes into it what the tree has in `Files`.
pub(super) fn fill(folder: &Path, tree: &Tree) -> Result<()> {
    // A mount that another process left half made is no use.
    delete(folder)?;
    named("make", folder, fs::create_dir(folder))?;
    let prefix = format!("{FILES}/");
    for (path, node) in tree.entries() {
        let Some(inside) = path.strip_prefix(&prefix) else {
            continue;
        };
        let place = folder.join(inside);
        match node {
            Node::Folder => named("make", &place, fs::create_dir(&place))?,
            Node::File(data) => named("write", &place, fs::write(&place, data))?,
        }
    }
    Ok(())
}

/// Reads the folder as the new content of `Files`; everything else stays as it is below.
pub(super) fn scan(folder: &Path, below: &Tree) -> Result<Tree> {
    let mut tree = below.clone();
    tree.remove(FILES);
    tree.insert(FILES, Node::Folder);
    tree.insert("Hives", Node::Folder);
    let mut folders = vec![(folder.to_owned(), FILES.to_owned())];
    while let Some((folder, path)) = folders.pop() {
        for entry in named("list", &folder, fs::read_dir(&folder))? {
            let entry = named("list", &folder, entry)?;
            let place = entry.path();
            let refuse = |why| {
                let text = format!("{} {why}", place.display());
                Err(MemoryError::new(ErrorKind::Unsupported, text))
            };
            let Ok(name) = entry.file_name().into_string() else {
                return refuse("has a name that is not UTF-8");
            };
            let path = format!("{path}/{name}");
            if tree.get(&path).is_some() {
                return refuse("has a name that differs from another in case only");
            }
            let kind = named("look at", &place, entry.file_type())?;
            if kind.is_dir() {
                tree.insert(&path, Node::Folder);
                folders.push((place, path));
            } else if kind.is_file() {
                let data = named("read", &place, fs::read(&place))?;
                tree.insert(&path, Node::File(Arc::from(data)));
            } else {
                return refuse("is neither a folder nor a file");
            }
        }
    }
    Ok(tree)
}

/// Deletes the folder, if it is there.
pub(super) fn delete(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => named("delete", folder, result),
    }
}

fn named<T>(verb: &str, path: &Path, result: io::Result<T>) -> Result<T> {
    result.map_err(|error| {
        let text = format!("cannot {verb} {}: {error}", path.display());
        MemoryError::new(ErrorKind::Other, text)
    })
}
