//! Which of the changes before a crash the disk may have kept.

use std::collections::HashSet;

use super::replay::{Change, Recording};
use super::tree::Tree;

/// A sector: written wholly or not at all.
const SECTOR: usize = 512;

/// How many of the legal states after a crash are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// For each prefix: all kept; nothing kept that was not synced; only names; only data; names and sizes with
    /// zeros for data; the last write torn.
    Some,
    /// Also each unsynced change lost alone, kept alone, and torn alone.
    All,
}

/// A state that a disk may be in after a crash.
#[derive(Debug)]
pub struct Crash {
    /// How many changes had been made.
    pub after: usize,
    /// Which of them the disk kept, in words.
    pub kept: String,
    /// What is on the disk.
    pub tree: Tree,
}

/// What became of one change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Lost,
    /// The first half of its sectors.
    Torn,
    /// Its length, but no data.
    Zeros,
}

impl Recording {
    /// Calls `each` with the states after a crash behind the first `after` changes that `seen` does not have yet.
    ///
    /// # Errors
    /// The first error that `each` returns.
    pub fn crashes<E>(
        &self,
        after: usize,
        effort: Effort,
        seen: &mut HashSet<u64>,
        mut each: impl FnMut(Crash) -> Result<(), E>,
    ) -> Result<(), E> {
        let open = self.unsynced(after);
        let mut state = |kept: String, fate: &dyn Fn(usize) -> Fate| {
            let tree = self.tree(after, &open, fate);
            if seen.insert(tree.fingerprint()) {
                each(Crash { after, kept, tree })?;
            }
            Ok(())
        };
        let is_data = |at: usize| self.changes[at].is_data();
        let keep_if = |keep: bool| if keep { Fate::Kept } else { Fate::Lost };
        state("all".to_owned(), &|_| Fate::Kept)?;
        state("only what was synced".to_owned(), &|_| Fate::Lost)?;
        state("names, no data".to_owned(), &|at| keep_if(!is_data(at)))?;
        state("data, no names".to_owned(), &|at| keep_if(is_data(at)))?;
        state("names, zeros for data".to_owned(), &|at| {
            if is_data(at) { Fate::Zeros } else { Fate::Kept }
        })?;
        let alone = |one: usize, its: Fate, others: Fate| {
            move |at: usize| if at == one { its } else { others }
        };
        if let Some(last) = open.iter().rev().find(|at| is_data(**at)) {
            let kept = format!("all, but change {last} torn");
            state(kept, &alone(*last, Fate::Torn, Fate::Kept))?;
        }
        if effort == Effort::All {
            for one in &open {
                state(
                    format!("all but change {one}"),
                    &alone(*one, Fate::Lost, Fate::Kept),
                )?;
                state(
                    format!("of the unsynced only change {one}"),
                    &alone(*one, Fate::Kept, Fate::Lost),
                )?;
                if is_data(*one) {
                    state(
                        format!("all, but change {one} torn"),
                        &alone(*one, Fate::Torn, Fate::Kept),
                    )?;
                }
            }
        }
        Ok(())
    }

    /// The changes among the first `after` that no sync has made durable.
    fn unsynced(&self, after: usize) -> Vec<usize> {
        let mut synced = HashSet::new();
        let after_sync = self.changes[..after]
            .iter()
            .rposition(|change| matches!(change, Change::SyncAll));
        let mut open = Vec::new();
        for at in (after_sync.unwrap_or(0)..after).rev() {
            match &self.changes[at] {
                Change::Sync(inode) => {
                    synced.insert(*inode);
                }
                Change::SyncAll => {}
                change
                    if !change
                        .durable_with()
                        .iter()
                        .any(|inode| synced.contains(inode)) =>
                {
                    open.push(at);
                }
                _ => {}
            }
        }
        open.reverse();
        open
    }

    fn tree(&self, after: usize, open: &[usize], fate: &dyn Fn(usize) -> Fate) -> Tree {
        let mut tree = self.start();
        let mut open = open.iter().copied().peekable();
        for (at, change) in self.changes[..after].iter().enumerate() {
            let fate = match open.next_if_eq(&at) {
                Some(_) => fate(at),
                None => Fate::Kept,
            };
            match (fate, change) {
                (Fate::Lost, _) => {}
                (Fate::Torn, Change::Write { inode, at, bytes }) => {
                    let half = bytes.len() / 2 / SECTOR * SECTOR;
                    tree.write_at(*inode, *at, &bytes[..half]);
                }
                (Fate::Zeros, Change::Write { inode, at, bytes }) => {
                    tree.write_at(*inode, *at, &vec![0; bytes.len()]);
                }
                _ => tree.apply(change),
            }
        }
        tree
    }
}
