//! The catalog itself, as SQLite sees it.

use super::{Finding, Problem};
use crate::catalog::{CatalogError, Doing};
use crate::notes::Compared;
use crate::space;
use crate::store::{Store, StoreError};

impl Store {
    /// Has SQLite check its pages, its indexes, and that no row refers to one that is not there.
    pub(super) fn check_catalog(&self) -> Result<Vec<Finding>, StoreError> {
        let said = self.catalog.read(damage_in)?;
        let findings = said.into_iter().map(|said| self.damaged_catalog(said));
        Ok(findings.collect())
    }

    fn damaged_catalog(&self, said: String) -> Finding {
        Finding {
            place: self.layout.below_root(&self.layout.catalog()),
            problem: Problem::Catalog { said },
            bytes: 0,
        }
    }

    /// Compares the rows with the notes from which they could be made again.
    pub(super) fn check_notes(&self) -> Result<Vec<Finding>, StoreError> {
        Ok(match self.catalog.compare_notes()? {
            Compared::Same => Vec::new(),
            Compared::Incomplete => vec![Finding {
                place: self.layout.below_root(&self.layout.notes()),
                problem: Problem::Notes,
                bytes: space::allocated(&self.layout.notes()),
            }],
            // The lines have checksums, and rows have not.
            Compared::Other => {
                let said = "its rows are not those that notes.log tells of".to_owned();
                vec![self.damaged_catalog(said)]
            }
            Compared::Ahead => {
                let said = "it has lost changes that notes.log tells of".to_owned();
                vec![self.damaged_catalog(said)]
            }
        })
    }
}

/// Returns what SQLite finds wrong with the database.
pub(crate) fn damage_in(tx: &rusqlite::Transaction<'_>) -> Result<Vec<String>, CatalogError> {
    let mut said: Vec<String> = tx
        .prepare("PRAGMA integrity_check")
        .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
        .doing("be checked")?;
    said.retain(|line| line != "ok");
    let dangling: Vec<String> = tx
        .prepare("PRAGMA foreign_key_check")
        .and_then(|mut query| {
            let rows = query.query_map([], |row| {
                let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
                Ok(format!(
                    "a row of {table} refers to one of {parent} that is not there"
                ))
            })?;
            rows.collect()
        })
        .doing("be checked")?;
    said.extend(dangling);
    Ok(said)
}
