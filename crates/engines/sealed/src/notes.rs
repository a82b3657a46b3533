//! What the catalog knows, told again in a plain file beside it, so that the catalog can be made again.
//!
//! ```text
//!  write transaction ─► triggers gather a line per changed row
//!                    ─► lines are appended to notes.log and synced      (log)
//!                    ─► the transaction commits
//! ```
//!
//! The catalog stays the judge: lines of a transaction that did not commit are dropped by the next opening. Both
//! count the transactions, so a catalog that has lost some is seen.

mod log;
mod rows;

use std::path::Path;

use rusqlite::{Connection, Transaction};

use crate::catalog::{CatalogError, Doing};
use crate::layout::Layout;
use log::Log;
pub(crate) use log::{Contents, read as read_log};
pub(crate) use rows::replay;

/// The log is written anew when it is this long, and so many times as long as it has to be.
const LONG: (u64, u64) = (1024 * 1024, 4);

/// How the log is to the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// They tell of the same transactions.
    Together,
    /// The log lacks something, or has what was not committed.
    Differs,
    /// The log tells of transactions that were committed and that the catalog has not.
    Ahead,
}

/// The notes of one catalog.
#[derive(Debug)]
pub(crate) struct Notes {
    log: Log,
}

/// What a catalog says about its notes.
struct Noted {
    /// Transactions noted so far.
    number: u64,
    /// Bytes that the log had when it was last written anew.
    whole: u64,
}

impl Notes {
    /// Makes nothing.
    pub(crate) fn of(layout: &Layout) -> Self {
        Self {
            log: Log::at(&layout.notes()),
        }
    }

    /// Has `connection` gather what its transactions change.
    pub(crate) fn watch(connection: &Connection) -> Result<(), CatalogError> {
        rows::watch(connection)
    }

    /// Notes durably what `tx` has changed; to be called last in it. Returns the number of what was noted, if anything
    /// was.
    pub(crate) fn append(&self, tx: &Transaction<'_>) -> Result<Option<u64>, CatalogError> {
        let lines = rows::take_changes(tx)?;
        if lines.is_empty() {
            return Ok(None);
        }
        let before = noted(tx)?;
        let number = before.number + 1;
        match self.step_after(before.number)? {
            Step::Together if !is_long(self.log.length()?, before.whole) => {
                set_noted(tx, number, before.whole)?;
                self.log.append(&lines, number)?;
            }
            Step::Together | Step::Differs => self.write_anew(tx, number)?,
            Step::Ahead => return Err(CatalogError::Behind),
        }
        Ok(Some(number))
    }

    /// Notes that a transaction has committed. Nothing depends on it but that the loss of the very last one is seen.
    pub(crate) fn committed(&self, number: u64) {
        let _ = self.log.append_done(number);
    }

    /// Notes all that the catalog has, instead of what was noted before.
    pub(crate) fn write_all(&self, tx: &Transaction<'_>) -> Result<u64, CatalogError> {
        rows::take_changes(tx)?;
        let number = noted(tx)?.number.max(self.log.tail()?.number.unwrap_or(0)) + 1;
        self.write_anew(tx, number)?;
        Ok(number)
    }

    fn write_anew(&self, tx: &Transaction<'_>, number: u64) -> Result<(), CatalogError> {
        let whole = self.log.write_anew(&rows::all(tx)?, number)?;
        set_noted(tx, number, whole)
    }

    /// Says how the log is to the catalog, as `tx` sees it. Only who may write gets a sure answer.
    pub(crate) fn step(&self, tx: &Transaction<'_>) -> Result<Step, CatalogError> {
        self.step_after(noted(tx)?.number)
    }

    fn step_after(&self, number: u64) -> Result<Step, CatalogError> {
        let tail = self.log.tail()?;
        Ok(match tail.number {
            Some(found) if found == number && tail.is_clean => Step::Together,
            // The lines of one transaction may be there although it was not committed.
            Some(found) if found > number + 1 || tail.done > number => Step::Ahead,
            _ => Step::Differs,
        })
    }

    /// Compares the rows with what is noted; to be asked while nobody writes.
    pub(crate) fn compare(&self, tx: &Transaction<'_>) -> Result<Compared, CatalogError> {
        match self.step(tx)? {
            Step::Ahead => return Ok(Compared::Ahead),
            Step::Differs => return Ok(Compared::Incomplete),
            Step::Together => {}
        }
        let contents = log::read(self.log.path())?;
        if !contents.is_complete {
            return Ok(Compared::Incomplete);
        }
        let mut other = Connection::open_in_memory().doing("be made in memory")?;
        crate::catalog::make(&other)?;
        replay(&mut other, &contents)?;
        let sorted = |mut lines: Vec<String>| {
            lines.sort_unstable();
            lines
        };
        let transaction = other.transaction().doing("begin to read")?;
        let (here, there) = (sorted(rows::all(tx)?), sorted(rows::all(&transaction)?));
        Ok(match here == there {
            true => Compared::Same,
            false => Compared::Other,
        })
    }
}

/// What a comparison of rows and notes gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compared {
    /// Nothing differs.
    Same,
    /// The log is damaged or lacks something.
    Incomplete,
    /// The log is whole, and the rows are others.
    Other,
    /// The catalog has lost transactions.
    Ahead,
}

fn is_long(length: u64, whole: u64) -> bool {
    length > LONG.0 && length / LONG.1 > whole
}

fn noted(tx: &Transaction<'_>) -> Result<Noted, CatalogError> {
    tx.query_row("SELECT number, whole FROM notes", [], |row| {
        Ok(Noted {
            number: row.get(0)?,
            whole: row.get(1)?,
        })
    })
    .doing("tell what is noted")
}

fn set_noted(tx: &Transaction<'_>, number: u64, whole: u64) -> Result<(), CatalogError> {
    tx.execute("UPDATE notes SET number = ?1, whole = ?2", [number, whole])
        .doing("tell what is noted")?;
    Ok(())
}

/// Says whether anything is noted beside a catalog.
pub(crate) fn is_something_noted(path: &Path) -> bool {
    log::read(path).is_ok_and(|contents| !contents.lines.is_empty())
}

/// Says whether what is noted is of a catalog of this version.
pub(crate) fn is_of_this_version(path: &Path) -> bool {
    log::read(path).is_ok_and(|contents| contents.is_complete)
}

#[cfg(test)]
mod tests;
