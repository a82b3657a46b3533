//! What the kernel holds of the tree.
//!
//! Each answer to a look-up counts; the kernel gives the counts back with `forget`. Memory is thus bounded by
//! what the kernel remembers.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fuser::Errno;
use transom_sealed::Node;

/// Number of the root, by the protocol.
pub(crate) const ROOT: u64 = 1;

/// An entry that the kernel holds.
#[derive(Debug)]
pub(crate) struct Known {
    /// The entry, by the name it was first found under.
    pub(crate) node: Node,
    /// Number of the folder it was first found in.
    pub(crate) parent: u64,
}

/// The entries that the kernel holds, by number.
#[derive(Debug)]
pub(crate) struct NodeTable {
    known: Mutex<HashMap<u64, Counted>>,
}

#[derive(Debug)]
struct Counted {
    known: Arc<Known>,
    /// Answers that the kernel has not given back.
    count: u64,
}

/// Returns the number of an entry below the root: the same for all names of a file, always.
pub(crate) fn number_of(node: &Node) -> Result<u64, Errno> {
    node.id().checked_add(ROOT + 1).ok_or(Errno::EIO)
}

impl NodeTable {
    /// Makes the table of a tree with this root.
    pub(crate) fn new(root: Node) -> Self {
        let known = Arc::new(Known {
            node: root,
            parent: ROOT,
        });
        let root = Counted { known, count: 1 };
        Self {
            known: Mutex::new(HashMap::from([(ROOT, root)])),
        }
    }

    /// Returns the entry with this number; ESTALE for one that the kernel cannot hold.
    pub(crate) fn get(&self, number: u64) -> Result<Arc<Known>, Errno> {
        let known = self.lock().get(&number).map(|it| Arc::clone(&it.known));
        known.ok_or(Errno::ESTALE)
    }

    /// Counts an answer that names `node`, found in the folder `parent`, and returns its number.
    ///
    /// A folder that lies in itself, as in a damaged index, is EIO: the kernel must not be shown one.
    pub(crate) fn count(&self, parent: u64, node: &Node) -> Result<u64, Errno> {
        let number = number_of(node)?;
        let mut known = self.lock();
        if node.is_directory() && is_above(&known, number, node.id(), parent) {
            return Err(Errno::EIO);
        }
        match known.entry(number) {
            Entry::Occupied(mut entry) => entry.get_mut().count += 1,
            Entry::Vacant(entry) => {
                let node = node.clone();
                let known = Arc::new(Known { node, parent });
                entry.insert(Counted { known, count: 1 });
            }
        }
        Ok(number)
    }

    /// Takes back `count` answers.
    pub(crate) fn forget(&self, number: u64, count: u64) {
        if number == ROOT {
            return;
        }
        if let Entry::Occupied(mut entry) = self.lock().entry(number) {
            let left = entry.get().count.saturating_sub(count);
            if left == 0 {
                entry.remove();
            } else {
                entry.get_mut().count = left;
            }
        }
    }

    /// Returns how many entries the kernel holds, the root included.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Counted>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says whether the folder with this number and id is `folder` or lies above it.
///
/// The way up ends: a folder enters the table only when it is not on the way up from its parent.
fn is_above(known: &HashMap<u64, Counted>, number: u64, id: u64, folder: u64) -> bool {
    let mut above = folder;
    loop {
        if above == number {
            return true;
        }
        let Some(counted) = known.get(&above) else {
            return false;
        };
        if above == ROOT {
            return counted.known.node.id() == id;
        }
        above = counted.known.parent;
    }
}
