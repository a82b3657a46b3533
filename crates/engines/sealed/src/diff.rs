//! What differs between two trees, and what a layer changes.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::io;

use transom_layer::Names;
use transom_layertar::whiteout::{self, Whiteout};
use transom_ntmeta::name;

use crate::streams::fill;
use crate::tree::{Kind, Metadata, Node, Tree, TreeError};

/// Bytes of each file that are compared at once.
const COMPARE_BLOCK: usize = 256 * 1024;

/// How an entry differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// Only the second tree has it.
    Added,
    /// Only the first tree has it.
    Deleted,
    /// Its data, its kind or its link target differ.
    Modified,
    /// Only what is known of it beside its data differs (its name's case, too).
    Metadata,
}

/// One entry that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its path from the tar's root, in the case of the tree that has it (the second if both have).
    pub path: Vec<u8>,
    /// How it differs.
    pub change: Change,
    /// What it is (in the second tree if it has it).
    pub kind: Kind,
    /// What of its metadata differs, in words; empty for additions and deletions.
    pub what: Vec<&'static str>,
}

/// A comparison that failed.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// A tree cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The data of a file cannot be read.
    #[error("cannot read {path}: {source}")]
    Data {
        /// Path of the file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The caller had enough.
    #[error("cannot write the result: {0}")]
    Output(io::Error),
}

/// Compares two trees; `report` is called in the order of the paths.
///
/// Names compare as the first tree's do. Last access is left out: reading changes it.
///
/// # Errors
/// [`DiffError`] if a tree or a file cannot be read, or `report` fails.
pub fn compare(
    first: &Tree,
    second: &Tree,
    report: &mut dyn FnMut(Difference) -> io::Result<()>,
) -> Result<(), DiffError> {
    let mut comparison = Comparison {
        first,
        second,
        report,
        buffers: Default::default(),
    };
    comparison.folders(&first.root()?, &second.root()?)
}

struct Comparison<'a> {
    first: &'a Tree,
    second: &'a Tree,
    report: &'a mut dyn FnMut(Difference) -> io::Result<()>,
    buffers: (Vec<u8>, Vec<u8>),
}

/// What is left to do, the next last: trees can be deeper than a stack.
enum Task {
    Both(Node, Node),
    OnlyFirst(Node),
    OnlySecond(Node),
}

impl Comparison<'_> {
    fn folders(&mut self, first: &Node, second: &Node) -> Result<(), DiffError> {
        let mut tasks = self.pair_up(first, second)?;
        while let Some(task) = tasks.pop() {
            match task {
                Task::Both(a, b) => {
                    self.entry(&a, &b)?;
                    match (a.is_directory(), b.is_directory()) {
                        (true, true) => tasks.extend(self.pair_up(&a, &b)?),
                        (true, false) => tasks.extend(below(self.first, &a, Task::OnlyFirst)?),
                        (false, true) => tasks.extend(below(self.second, &b, Task::OnlySecond)?),
                        (false, false) => {}
                    }
                }
                Task::OnlyFirst(node) => {
                    self.one_sided(self.first, &node, Change::Deleted)?;
                    tasks.extend(below(self.first, &node, Task::OnlyFirst)?);
                }
                Task::OnlySecond(node) => {
                    self.one_sided(self.second, &node, Change::Added)?;
                    tasks.extend(below(self.second, &node, Task::OnlySecond)?);
                }
            }
        }
        Ok(())
    }

    /// Matches the entries of two folders by name; the first to do comes last.
    fn pair_up(&self, first: &Node, second: &Node) -> Result<Vec<Task>, DiffError> {
        let names = self.first.names();
        let sorted = |tree: &Tree, node: &Node| -> Result<_, TreeError> {
            let keyed = tree
                .entries(node)?
                .into_iter()
                .map(|node| (key(names, node.name()), node));
            let mut keyed: Vec<(Vec<u16>, Node)> = keyed.collect();
            keyed.sort_by(|a, b| a.0.cmp(&b.0));
            Ok(keyed)
        };
        let mut a = sorted(self.first, first)?.into_iter().peekable();
        let mut b = sorted(self.second, second)?.into_iter().peekable();
        let mut tasks = Vec::new();
        loop {
            let order = match (a.peek(), b.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((a, _)), Some((b, _))) => a.cmp(b),
            };
            let mut next_a = || a.next().map(|(_, node)| node);
            let mut next_b = || b.next().map(|(_, node)| node);
            let task = match order {
                Ordering::Less => next_a().map(Task::OnlyFirst),
                Ordering::Greater => next_b().map(Task::OnlySecond),
                Ordering::Equal => next_a().zip(next_b()).map(|(a, b)| Task::Both(a, b)),
            };
            tasks.extend(task);
        }
        tasks.reverse();
        Ok(tasks)
    }

    fn one_sided(&mut self, tree: &Tree, node: &Node, change: Change) -> Result<(), DiffError> {
        let kind = tree.metadata(node)?.kind;
        self.report(node, change, kind, Vec::new())
    }

    fn entry(&mut self, a: &Node, b: &Node) -> Result<(), DiffError> {
        let (before, after) = (self.first.metadata(a)?, self.second.metadata(b)?);
        let mut what = metadata_differences(&before, &after);
        if a.name() != b.name() {
            what.push("case of the name");
        }
        let same_content = before.kind == after.kind
            && before.target == after.target
            && (before.kind != Kind::File || self.same_data(a, b)?);
        if !same_content {
            self.report(b, Change::Modified, after.kind, what)
        } else if !what.is_empty() {
            self.report(b, Change::Metadata, after.kind, what)
        } else {
            Ok(())
        }
    }

    fn same_data(&mut self, a: &Node, b: &Node) -> Result<bool, DiffError> {
        let (mut first, mut second) = (self.first.open_data(a)?, self.second.open_data(b)?);
        if first.size() != second.size() {
            return Ok(false);
        }
        if first.is_same_place(&second) {
            return Ok(true);
        }
        let (left, right) = &mut self.buffers;
        left.resize(COMPARE_BLOCK, 0);
        right.resize(COMPARE_BLOCK, 0);
        let unreadable = |node: &Node, source| DiffError::Data {
            path: String::from_utf8_lossy(node.path()).into_owned(),
            source,
        };
        loop {
            let count = fill(&mut first, left).map_err(|source| unreadable(a, source))?;
            let other = fill(&mut second, right).map_err(|source| unreadable(b, source))?;
            if count != other || left[..count] != right[..count] {
                return Ok(false);
            }
            if count == 0 {
                return Ok(true);
            }
        }
    }

    fn report(
        &mut self,
        node: &Node,
        change: Change,
        kind: Kind,
        what: Vec<&'static str>,
    ) -> Result<(), DiffError> {
        let path = node.path().to_vec();
        (self.report)(Difference {
            path,
            change,
            kind,
            what,
        })
        .map_err(DiffError::Output)
    }
}

fn below(tree: &Tree, node: &Node, task: fn(Node) -> Task) -> Result<Vec<Task>, DiffError> {
    if !node.is_directory() {
        return Ok(Vec::new());
    }
    Ok(tree.entries(node)?.into_iter().rev().map(task).collect())
}

/// What names are sorted and matched by.
pub(crate) fn key(names: Names, name: &[u8]) -> Vec<u16> {
    let mut key = Vec::with_capacity(name.len());
    match names {
        Names::Windows => name::fold_into(name, &mut key),
        Names::Posix => key.extend(name.iter().map(|byte| u16::from(*byte))),
    }
    key
}

fn metadata_differences(a: &Metadata, b: &Metadata) -> Vec<&'static str> {
    let mut what = Vec::new();
    let mut note = |differs: bool, name| {
        if differs {
            what.push(name);
        }
    };
    note(a.attributes != b.attributes, "attributes");
    note(a.security != b.security, "security descriptor");
    note(a.created != b.created, "creation time");
    note(a.modified != b.modified, "last write");
    note(a.changed != b.changed, "change time");
    note(a.eas != b.eas, "extended attributes");
    note(a.xattrs != b.xattrs, "extended attributes");
    // The mode of a Windows file only shows its attributes once more.
    let has_mode = a.attributes.is_none() && b.attributes.is_none();
    let owners = (a.mode, a.uid, a.gid) != (b.mode, b.uid, b.gid);
    note(has_mode && owners, "mode or owner");
    note(a.device != b.device, "device number");
    note(
        a.kind == b.kind && a.has_data_stream != b.has_data_stream,
        "presence of a data stream",
    );
    what
}

/// Tells what a layer changes in the stack below it: every entry of its tar is one change.
///
/// A whiteout is a deletion of what it names; an opaque marker one of its folder's content, which
/// is shown as `folder/*`.
///
/// # Errors
/// [`DiffError`] if a tree cannot be read or `report` fails.
pub fn changes(
    layer: &Tree,
    lower: Option<&Tree>,
    report: &mut dyn FnMut(Difference) -> io::Result<()>,
) -> Result<(), DiffError> {
    let lower_root = lower.map(Tree::root).transpose()?;
    let mut entries = beside(layer, &layer.root()?, lower.zip(lower_root.as_ref()))?;
    while let Some((node, below)) = entries.pop() {
        let metadata = layer.metadata(&node)?;
        if node.is_directory() {
            entries.extend(beside(layer, &node, lower.zip(below.as_ref()))?);
        }
        if metadata.is_implied {
            continue;
        }
        let (path, change) = match whiteout::parse(node.path()) {
            Ok(Some(Whiteout::Removed(path))) => (path, Change::Deleted),
            Ok(Some(Whiteout::Opaque(folder))) => ([&folder, &b"/*"[..]].concat(), Change::Deleted),
            _ if below.is_some() => (node.path().to_vec(), Change::Modified),
            _ => (node.path().to_vec(), Change::Added),
        };
        let difference = Difference {
            path,
            change,
            kind: metadata.kind,
            what: Vec::new(),
        };
        report(difference).map_err(DiffError::Output)?;
    }
    Ok(())
}

/// Lists a layer's folder, each entry with what the stack below has there; the first comes last.
fn beside(
    layer: &Tree,
    folder: &Node,
    below: Option<(&Tree, &Node)>,
) -> Result<Vec<(Node, Option<Node>)>, TreeError> {
    let entries = layer.entries(folder)?;
    let mut known = HashMap::new();
    if let Some((lower, folder)) = below
        && folder.is_directory()
        && !entries.is_empty()
    {
        let nodes = lower.entries(folder)?.into_iter();
        known = nodes
            .map(|node| (key(layer.names(), node.name()), node))
            .collect();
    }
    let pair = |node: Node| {
        let below = known.remove(&key(layer.names(), node.name()));
        (node, below)
    };
    Ok(entries.into_iter().rev().map(pair).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_case_match_on_windows_only() {
        assert_eq!(key(Names::Windows, b"A.txt"), key(Names::Windows, b"a.TXT"));
        assert_ne!(key(Names::Posix, b"A.txt"), key(Names::Posix, b"a.TXT"));
    }
}
