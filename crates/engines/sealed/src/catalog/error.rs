//! What can be wrong with a catalog, and what to do then.

use rusqlite::ErrorCode;

use super::SCHEMA_VERSION;
use crate::durable::FileError;

/// A catalog operation that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// SQLite reported an error.
    #[error("the catalog cannot {verb}: {source}{}", advice(source))]
    Sqlite {
        /// What was being done.
        verb: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// What the catalog knows cannot be noted beside it.
    #[error(transparent)]
    Notes(#[from] FileError),
    /// The store was written by a version of this program whose indexes this one cannot use.
    #[error(
        "the store has schema version {found}, this program needs {SCHEMA_VERSION}: load its images into a new root"
    )]
    TooOld {
        /// The version found.
        found: i32,
    },
    /// The store was written by an older version, and was only to be looked at.
    #[error(
        "the store has schema version {found}, this program needs {SCHEMA_VERSION}: any other command upgrades it, say `transom images`"
    )]
    NotUpgraded {
        /// The version found.
        found: i32,
    },
    /// A process of an older version has the store open, which keeps it from being upgraded.
    #[error(
        "the store cannot be upgraded while others have it open: stop the transom that uses it (`transom serve`, mounts), then try again"
    )]
    InUseByOlder,
    /// Layers lie in the store, and the catalog is gone or empty.
    #[error(
        "the store has layers, but its catalog (transom.db) is gone or empty: run `transom fsck --rebuild`"
    )]
    Gone,
    /// The catalog has lost transactions that had committed.
    #[error(
        "the catalog (transom.db) has lost changes that notes.log tells of, as if an old copy had been put back: run `transom fsck --rebuild`; if the old copy is what you want, move notes.log away"
    )]
    Behind,
    /// SQLite finds damage in the catalog.
    #[error("the catalog (transom.db) is damaged: {said}: run `transom fsck --rebuild`")]
    Damaged {
        /// What SQLite says.
        said: String,
    },
    /// The store was written by a newer version of this program.
    #[error(
        "the store has schema version {found}, this program knows up to {SCHEMA_VERSION}: use a newer transom"
    )]
    TooNew {
        /// The version found.
        found: i32,
    },
}

impl CatalogError {
    /// Says whether the catalog is gone, damaged or behind, so that only making it again helps.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Gone | Self::Behind | Self::Damaged { .. } => true,
            Self::Sqlite { source, .. } => is_damage(source),
            _ => false,
        }
    }
}

fn is_damage(source: &rusqlite::Error) -> bool {
    use rusqlite::Error::{
        FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error,
    };
    match source {
        // A column that holds what this program never writes.
        FromSqlConversionFailure(..)
        | IntegralValueOutOfRange(..)
        | InvalidColumnType(..)
        | Utf8Error(..) => true,
        source => {
            // SQLITE_ERROR: a table or column that is not there. The statements are not made of input.
            let is_schema = source
                .sqlite_error()
                .is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_ERROR);
            let code = source.sqlite_error_code();
            let is_damage = matches!(
                code,
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            );
            is_damage || is_schema
        }
    }
}

/// What to do about an error of SQLite.
fn advice(source: &rusqlite::Error) -> &'static str {
    if is_damage(source) {
        return ": transom.db is damaged: run `transom fsck --rebuild`";
    }
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            ": another process has had it locked for a minute: try again, or find and end that process (`fuser -v transom.db`)"
        }
        Some(ErrorCode::ReadOnly) => {
            ": transom.db cannot be written: let this user write it and its folder, or mount their file system writable"
        }
        Some(ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            ": let this user read and write the store's folder and transom.db in it"
        }
        Some(ErrorCode::DiskFull) => {
            ": there is no space left for transom.db: free some on its file system (`transom gc` gives back what nothing needs)"
        }
        Some(ErrorCode::SystemIoFailure) => {
            ": reading or writing transom.db failed: look at the disk and the system's log for errors"
        }
        _ => "",
    }
}
