//! Opening the database: making it, upgrading it, refusing what cannot be used.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::{Catalog, CatalogError, Doing, SCHEMA_VERSION};
use crate::layout::Layout;
use crate::notes::{self, Notes};

/// How long a write waits for another process's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);

/// How long an upgrade waits for others to close the store.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);

/// The oldest schema that is upgraded.
const OLDEST: i32 = 3;

impl Catalog {
    /// Opens the database of a root, making it if it is missing.
    pub(crate) fn open(layout: &Layout) -> Result<Self, CatalogError> {
        let path = layout.catalog();
        let mut connection = Connection::open(&path).doing("be opened")?;
        set_up(&connection, BUSY_TIMEOUT)?;
        if (OLDEST..SCHEMA_VERSION).contains(&version(&connection)?) {
            drop(connection);
            upgrade(&path, UPGRADE_TIMEOUT)?;
            connection = Connection::open(&path).doing("be opened")?;
            set_up(&connection, BUSY_TIMEOUT)?;
        }
        migrate(&mut connection, layout)?;
        Self::with(connection, layout)
    }

    /// Opens the database of a root as it is: one that is missing is not made, an older one not upgraded, and what is
    /// in its log stays there.
    pub(crate) fn open_as_it_is(layout: &Layout) -> Result<Self, CatalogError> {
        let path = layout.catalog();
        if !path.exists() && has_lost_its_catalog(layout) {
            return Err(CatalogError::Gone);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).doing("be opened")?;
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
            .doing("be set up")?;
        set_up(&connection, BUSY_TIMEOUT)?;
        match version(&connection)? {
            0 if has_lost_its_catalog(layout) => return Err(CatalogError::Gone),
            found if (OLDEST..SCHEMA_VERSION).contains(&found) => {
                return Err(CatalogError::NotUpgraded { found });
            }
            found => check_version(found, layout)?,
        }
        Self::with(connection, layout)
    }

    fn with(connection: Connection, layout: &Layout) -> Result<Self, CatalogError> {
        Notes::watch(&connection)?;
        Ok(Self {
            connection: connection.into(),
            notes: Notes::of(layout),
        })
    }
}

/// Makes all tables, empty.
pub(crate) fn make(connection: &Connection) -> Result<(), CatalogError> {
    connection
        .execute_batch(include_str!("schema.sql"))
        .and_then(|()| connection.pragma_update(None, "user_version", SCHEMA_VERSION))
        .doing("be made")
}

/// Chooses how the database is written. SQLite itself does not wait for others here: whoever comes while another
/// process makes the database would fail.
pub(super) fn set_up(connection: &Connection, patience: Duration) -> Result<(), CatalogError> {
    connection.busy_timeout(patience).doing("be set up")?;
    // FULL: a commit that returned is on disk, also in WAL mode.
    let choices = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";
    wait_while_busy(patience, || connection.execute_batch(choices)).doing("be set up")
}

fn wait_while_busy(
    patience: Duration,
    mut attempt: impl FnMut() -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        match attempt() {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && start.elapsed() < patience =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

fn version(connection: &Connection) -> Result<i32, CatalogError> {
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .doing("tell its version")
}

fn check_version(found: i32, layout: &Layout) -> Result<(), CatalogError> {
    match found {
        SCHEMA_VERSION => Ok(()),
        found if notes::is_of_this_version(&layout.notes()) => {
            let said =
                format!("it has schema version {found}, and its notes have {SCHEMA_VERSION}");
            Err(CatalogError::Damaged { said })
        }
        found if found > SCHEMA_VERSION => Err(CatalogError::TooNew { found }),
        found => Err(CatalogError::TooOld { found }),
    }
}

fn migrate(connection: &mut Connection, layout: &Layout) -> Result<(), CatalogError> {
    match version(connection)? {
        0 => {}
        found => return check_version(found, layout),
    }
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .doing("begin to write")?;
    // Another process may have made it while this one waited for the lock.
    if version(&transaction)? == 0 {
        if has_lost_its_catalog(layout) {
            return Err(CatalogError::Gone);
        }
        make(&transaction)?;
    }
    transaction.commit().doing("be made")
}

/// Adds what newer versions have. Programs of older ones would go on without it: nobody else may have the database
/// open meanwhile. What the notes lack then is noted by the recovery that follows.
pub(super) fn upgrade(path: &Path, patience: Duration) -> Result<(), CatalogError> {
    let attempt = || -> rusqlite::Result<()> {
        let connection = Connection::open(path)?;
        // In the mode of the database's log this takes a lock that excludes all that have it open.
        connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL;")?;
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE;
             CREATE TABLE IF NOT EXISTS notes (number INTEGER NOT NULL, whole INTEGER NOT NULL) STRICT;
             INSERT INTO notes SELECT 0, 0 WHERE NOT EXISTS (SELECT * FROM notes);
             PRAGMA user_version = {SCHEMA_VERSION};
             COMMIT;"
        ))
    };
    match wait_while_busy(patience, attempt) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
            Err(CatalogError::InUseByOlder)
        }
        done => done.doing("be upgraded"),
    }
}

/// Says whether layers lie beside a catalog that is new: recovery would take them all for orphans.
fn has_lost_its_catalog(layout: &Layout) -> bool {
    let mut folders = [layout.layers(), layout.blobs(), layout.writables()].into_iter();
    let is_something_there = folders.any(|folder| {
        let entries = std::fs::read_dir(folder);
        entries.is_ok_and(|mut entries| entries.next().is_some())
    });
    is_something_there || notes::is_something_noted(&layout.notes())
}

#[cfg(test)]
mod tests;
