//! Names of folders as NTFS compares them, for look-ups that the index cannot answer by itself.
//!
//! The index is sorted by the names' own bytes. A name in another case of letters, or one that is not there, is
//! found out by a walk over the whole folder; so the folders where that happened lately have a table.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use transom_ntmeta::name::{self, FoldedName};
use transom_sealed::{Node, Tree, TreeError};

/// Most folders that have a table.
const TABLES_MAX: usize = 64;
/// Most names in all tables but the newest; a name takes about a hundred bytes.
const NAMES_MAX: usize = 500_000;

/// Tables of the folders that were asked lately, the newest first.
#[derive(Debug, Default)]
pub(crate) struct FoldedNames {
    tables: Mutex<VecDeque<(u64, Arc<Table>)>>,
}

/// Folded and true names of one folder, sorted.
type Table = [(FoldedName, Box<[u8]>)];

impl FoldedNames {
    /// Finds the entry called `name` in a folder of a Windows tree: in this case of letters, else in any.
    pub(crate) fn find(
        &self,
        tree: &Tree,
        folder: &Node,
        name: &[u8],
    ) -> Result<Option<Node>, TreeError> {
        if let Some(table) = self.table(folder.id()) {
            return match true_name(&table, name) {
                Some(name) => tree.child(folder, name),
                None => Ok(None),
            };
        }
        let found = tree.child(folder, name)?;
        let is_exact = found.as_ref().is_some_and(|found| found.name() == name);
        // In a folder that cannot be listed, what was found is still right.
        if !is_exact && let Ok(children) = tree.children(folder) {
            self.keep(folder.id(), table_of(&children));
        }
        Ok(found)
    }

    fn table(&self, folder: u64) -> Option<Arc<Table>> {
        let mut tables = self.lock();
        let at = tables.iter().position(|(id, _)| *id == folder)?;
        let found = tables.remove(at)?;
        let table = Arc::clone(&found.1);
        tables.push_front(found);
        Some(table)
    }

    fn keep(&self, folder: u64, table: Arc<Table>) {
        let mut tables = self.lock();
        tables.retain(|(id, _)| *id != folder);
        let count = |tables: &VecDeque<(u64, Arc<Table>)>| -> usize {
            tables.iter().map(|(_, table)| table.len()).sum()
        };
        while tables.len() >= TABLES_MAX || count(&tables) > NAMES_MAX {
            tables.pop_back();
        }
        tables.push_front((folder, table));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(u64, Arc<Table>)>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn table_of(children: &[Node]) -> Arc<Table> {
    let names = children.iter().map(Node::name);
    let mut table: Vec<_> = names.map(|own| (name::fold(own), own.into())).collect();
    table.sort();
    table.into()
}

/// Returns the name in a table that `name` means.
fn true_name<'a>(table: &'a Table, name: &[u8]) -> Option<&'a [u8]> {
    let folded = name::fold(name);
    let first = table.partition_point(|(other, _)| *other < folded);
    let same = table[first..]
        .iter()
        .take_while(|(other, _)| *other == folded);
    let same = same.map(|(_, own)| &**own);
    same.clone()
        .find(|own| *own == name)
        .or_else(|| same.clone().next())
}
