//! The catalog itself, as SQLite sees it.

use super::{Finding, Problem};
use crate::catalog::{CatalogError, Doing};
use crate::store::{Store, StoreError};

impl Store {
    /// Has SQLite check its pages, its indexes, and that no row refers to one that is not there.
    pub(super) fn check_catalog(&self) -> Result<Vec<Finding>, StoreError> {
        let said = self.catalog.read(damage_in)?;
        let place = self.layout.below_root(&self.layout.catalog());
        let finding = |said| Finding {
            place: place.clone(),
            problem: Problem::Catalog { said },
            bytes: 0,
        };
        Ok(said.into_iter().map(finding).collect())
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
