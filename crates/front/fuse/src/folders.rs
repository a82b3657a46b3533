//! Open folders. A listing is made once for each, when it is first asked for, so that its offsets stay.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fuser::Errno;
use transom_sealed::{Node, Tree, TreeError};

use crate::nodes::Known;
use crate::served::errno;

/// The folders that are open, by handle.
#[derive(Debug, Default)]
pub(crate) struct OpenFolders {
    open: Mutex<HashMap<u64, Arc<OpenFolder>>>,
    next: AtomicU64,
}

/// A folder that is open.
#[derive(Debug)]
pub(crate) struct OpenFolder {
    /// The folder.
    pub(crate) known: Arc<Known>,
    listing: Mutex<Option<Arc<[Node]>>>,
}

/// An entry of a listing; `next` is the offset behind it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Entry<'a> {
    /// `.` or `..`.
    Dot {
        /// Number of the folder that it means.
        number: u64,
        /// Which of the two.
        name: &'static [u8],
        /// Offset behind it.
        next: u64,
    },
    /// An entry of the folder.
    Child {
        /// The entry.
        node: &'a Node,
        /// Offset behind it.
        next: u64,
    },
}

impl OpenFolders {
    /// Opens a folder and returns its handle.
    pub(crate) fn open(&self, known: Arc<Known>) -> u64 {
        let handle = self.next.fetch_add(1, Ordering::Relaxed);
        let folder = OpenFolder {
            known,
            listing: Mutex::default(),
        };
        self.lock().insert(handle, Arc::new(folder));
        handle
    }

    /// Returns the folder with this handle.
    pub(crate) fn get(&self, handle: u64) -> Result<Arc<OpenFolder>, Errno> {
        self.lock().get(&handle).cloned().ok_or(Errno::EBADF)
    }

    /// Closes a folder.
    pub(crate) fn close(&self, handle: u64) {
        self.lock().remove(&handle);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<OpenFolder>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenFolder {
    /// Gives the entries from `offset` on to `add`, one by one, until it says that there is no more room.
    ///
    /// An error that comes after some entries were taken is kept for the next call, which begins with it.
    pub(crate) fn list(
        &self,
        tree: &Tree,
        number: u64,
        offset: u64,
        mut add: impl FnMut(Entry<'_>) -> Result<bool, Errno>,
    ) -> Result<(), Errno> {
        let children = self.listing(tree).map_err(|error| errno(&error))?;
        let dots: [(u64, &[u8]); 2] = [(number, b"."), (self.known.parent, b"..")];
        let dots = dots.into_iter().zip(1..);
        let dots = dots.map(|((number, name), next)| Entry::Dot { number, name, next });
        let children = children.iter().zip(3..);
        let children = children.map(|(node, next)| Entry::Child { node, next });
        let offset = usize::try_from(offset).map_err(|_| Errno::EINVAL)?;
        for (taken, entry) in dots.chain(children).skip(offset).enumerate() {
            match add(entry) {
                Ok(false) => {}
                Ok(true) => break,
                Err(_) if taken > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Returns the entries, sorted by bytes, without streams.
    fn listing(&self, tree: &Tree) -> Result<Arc<[Node]>, TreeError> {
        let mut listing = self.listing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listing) = &*listing {
            return Ok(Arc::clone(listing));
        }
        let made: Arc<[Node]> = tree.children(&self.known.node)?.into();
        *listing = Some(Arc::clone(&made));
        Ok(made)
    }
}
