//! A real update: what changes when two products of the corpus are brought to their next versions.
//!
//! The base layer has the older versions. The layer above it has what an installer would leave of the newer ones:
//! files that are new or have other bytes, and whiteouts of what is gone.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use transom_sample::shape::{Content, LayerTree, Node};

use super::dress::Dress;
use super::{fetch, gzip, once, open, unpack};

const OLD_WHEELS: [&str; 3] = [
    "PySide6_Essentials==6.11.3",
    "PySide6_Addons==6.11.3",
    "shiboken6==6.11.3",
];
const OLD_NODE_PACKAGES: [&str; 1] = ["@embedded-postgres/windows-x64@18.3.0-beta.16"];

/// Where each of the two products is in both layers, by the beginnings of its packages' names.
const PRODUCTS: [(&str, &str); 4] = [
    ("pyside6_essentials-", "Files/Program Files/PySide6"),
    ("pyside6_addons-", "Files/Program Files/PySide6"),
    ("shiboken6-", "Files/Program Files/PySide6"),
    (
        "embedded-postgres-windows-x64-",
        "Files/Program Files/PostgreSQL",
    ),
];

/// What an update has at least: fewer changes mean that something is wrong with the packages.
const MIN_CHANGED: usize = 500;

/// Paths in the layer, and what is there.
type Entries = BTreeMap<String, Content>;

/// Makes `update-base.tar` and `update.tar` in `folder`, and compresses both.
pub(super) fn make(folder: &Path, tree: &Path) -> Result<()> {
    let (base, update) = (folder.join("update-base.tar"), folder.join("update.tar"));
    if !base.exists() || !update.exists() {
        let download = folder.join("download-old");
        fs::create_dir_all(&download)?;
        fetch(&download, &OLD_WHEELS, &OLD_NODE_PACKAGES)?;
        let old_tree = folder.join("tree-old");
        unpack(&download, &old_tree)?;
        let (old, new) = (entries(&old_tree)?, entries(tree)?);
        once(&base, |part| write(&whole(&old)?, part))?;
        once(&update, |part| write(&changes(&old, &new)?, part))?;
    }
    gzip(&base)?;
    gzip(&update)
}

/// Lists what the unpacked packages of the products have, under the paths that they have in the layers.
fn entries(tree: &Path) -> Result<Entries> {
    let mut entries = Entries::new();
    for package in fs::read_dir(tree)? {
        let package = package?;
        let name = package.file_name().into_string().unwrap_or_default();
        let of = PRODUCTS.iter().find(|(start, _)| name.starts_with(start));
        let Some((_, folder)) = of else { continue };
        entries.insert((*folder).to_owned(), Content::Folder);
        list(folder, &package.path(), &mut entries)?;
    }
    Ok(entries)
}

fn list(at: &str, folder: &Path, entries: &mut Entries) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string();
        let name = name.map_err(|name| anyhow::anyhow!("the name {name:?} is not UTF-8"))?;
        let (path, source) = (format!("{at}/{name}"), entry.path());
        if entry.file_type()?.is_dir() {
            entries.insert(path.clone(), Content::Folder);
            list(&path, &source, entries)?;
        } else {
            entries.insert(path, Content::OnDisk(source));
        }
    }
    Ok(())
}

fn whole(entries: &Entries) -> Result<LayerTree> {
    let dress = Dress::new()?;
    let mut layer = roots(&dress);
    for (path, content) in entries {
        let node = Node::new(dress.metadata(path, content), content.clone());
        layer.add(path, node);
    }
    Ok(layer)
}

/// The layer that makes `new` of `old`.
fn changes(old: &Entries, new: &Entries) -> Result<LayerTree> {
    let dress = Dress::new()?;
    let mut layer = roots(&dress);
    let (mut added, mut changed, mut deleted) = (0, 0, 0);
    for (path, content) in new {
        let count = match old.get(path) {
            Some(before) if is_same(before, content)? => continue,
            Some(_) => &mut changed,
            None => &mut added,
        };
        *count += usize::from(*content != Content::Folder);
        add_parents(&mut layer, &dress, path);
        let node = Node::new(dress.metadata(path, content), content.clone());
        layer.add(path, node);
    }
    for path in old.keys() {
        if new.contains_key(path) {
            continue;
        }
        deleted += usize::from(old[path] != Content::Folder);
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        // What was in a folder goes with it.
        if new.contains_key(parent) {
            add_parents(&mut layer, &dress, path);
            layer.whiteout(path);
        }
    }
    println!("the update: {added} files added, {deleted} deleted, {changed} changed");
    ensure!(
        added + changed + deleted >= MIN_CHANGED,
        "the update is too small; are the downloads whole?"
    );
    Ok(layer)
}

fn is_same(before: &Content, after: &Content) -> Result<bool> {
    match (before, after) {
        (Content::OnDisk(before), Content::OnDisk(after)) => has_same_bytes(before, after),
        (before, after) => Ok(before == after),
    }
}

fn has_same_bytes(one: &PathBuf, other: &PathBuf) -> Result<bool> {
    if fs::metadata(one)?.len() != fs::metadata(other)?.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (open(one)?, open(other)?);
    let (mut first, mut second) = (Vec::new(), Vec::new());
    one.read_to_end(&mut first)?;
    other.read_to_end(&mut second)?;
    Ok(first == second)
}

fn roots(dress: &Dress) -> LayerTree {
    let mut layer = LayerTree::default();
    for folder in ["Files", "Files/Program Files", "Hives"] {
        add_folder(&mut layer, dress, folder);
    }
    layer
}

/// Adds the folders above an entry, as an exporter does.
fn add_parents(layer: &mut LayerTree, dress: &Dress, path: &str) {
    for (end, _) in path.match_indices('/') {
        if layer.node(&path[..end]).is_none() {
            add_folder(layer, dress, &path[..end]);
        }
    }
}

fn add_folder(layer: &mut LayerTree, dress: &Dress, path: &str) {
    let node = Node::new(dress.metadata(path, &Content::Folder), Content::Folder);
    layer.add(path, node);
}

fn write(layer: &LayerTree, to: &Path) -> Result<()> {
    println!("writing {}", to.display());
    let file = File::create(to).with_context(|| format!("cannot make {}", to.display()))?;
    let mut sink = layer.write(BufWriter::with_capacity(1 << 20, file))?;
    Ok(std::io::Write::flush(&mut sink)?)
}
