//! Whose turn it is: one operation of a layer at a time, and what is known of the layer between operations.

use std::collections::HashMap;
use std::mem;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use crate::Id;
use crate::sync::{Condvar, Mutex, MutexGuard};

/// What the driver knows of a layer's mount. The default is: not mounted, nothing to undo.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Gets without a put.
    pub(crate) count: u64,
    /// Where it is, once asked for and while `count` is not 0.
    pub(crate) path: Option<PathBuf>,
    /// Activate was done and is to be undone.
    pub(crate) active: bool,
    /// Prepare was done and is to be undone.
    pub(crate) prepared: bool,
    /// The engine may hold a count for it.
    pub(crate) recorded: bool,
}

/// The layers that are being worked on or about which something is to be remembered; others have no entry.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    slots: Mutex<HashMap<Id, Slot>>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct Slot {
    /// Someone has the turn, and the mount with it.
    is_taken: bool,
    mount: Mount,
}

impl Turns {
    /// Starts with what was mounted when the process began.
    pub(crate) fn with_mounts(mounts: impl IntoIterator<Item = (Id, Mount)>) -> Self {
        let slots = mounts.into_iter().map(|(id, mount)| {
            let slot = Slot {
                mount,
                ..Slot::default()
            };
            (id, slot)
        });
        Self {
            slots: Mutex::new(slots.collect()),
            freed: Condvar::new(),
        }
    }

    /// Waits until nobody works on the layer, and takes the turn.
    pub(crate) fn take(self: &Arc<Self>, id: &Id) -> Turn {
        let is_taken =
            |slots: &mut HashMap<Id, Slot>| slots.get(id).is_some_and(|slot| slot.is_taken);
        let mut slots = self
            .freed
            .wait_while(self.lock(), is_taken)
            .unwrap_or_else(PoisonError::into_inner);
        let slot = slots.entry(id.clone()).or_default();
        slot.is_taken = true;
        Turn {
            turns: Arc::clone(self),
            id: id.clone(),
            mount: mem::take(&mut slot.mount),
        }
    }

    /// The map is whole whenever the lock is free, so a panic elsewhere does not matter.
    fn lock(&self) -> MutexGuard<'_, HashMap<Id, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to work on a layer until it is dropped. Unlike a mutex's guard it can go to another thread.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    pub(crate) id: Id,
    pub(crate) mount: Mount,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut slots = self.turns.lock();
        let mount = mem::take(&mut self.mount);
        // Those who wait do not need the entry: the next one makes it again.
        if mount == Mount::default() {
            slots.remove(&self.id);
        } else {
            let is_taken = false;
            slots.insert(self.id.clone(), Slot { is_taken, mount });
        }
        drop(slots);
        self.turns.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn id(text: &str) -> Id {
        Id::new(text).expect("is an id")
    }

    #[test]
    fn a_layer_about_which_nothing_is_known_leaves_no_entry() {
        let turns = Arc::new(Turns::default());
        drop((turns.take(&id("a")), turns.take(&id("b"))));
        assert!(turns.lock().is_empty());

        turns.take(&id("a")).mount.count = 1;
        assert_eq!(turns.lock().len(), 1);
        turns.take(&id("a")).mount.count = 0;
        assert!(turns.lock().is_empty());
    }

    #[test]
    fn a_turn_dropped_in_another_thread_is_given_back() {
        let turns = Arc::new(Turns::default());
        let turn = turns.take(&id("a"));
        thread::spawn(move || {
            let mut turn = turn;
            turn.mount.count = 7;
        });
        assert_eq!(turns.take(&id("a")).mount.count, 7);
    }

    #[test]
    fn increments_under_a_turn_are_never_lost() {
        let turns = Arc::new(Turns::default());
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..200).for_each(|_| turns.take(&id("a")).mount.count += 1));
            }
        });
        assert_eq!(turns.take(&id("a")).mount.count, 1600);
    }
}
