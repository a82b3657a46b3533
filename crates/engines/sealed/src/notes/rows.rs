//! Rows as lines of JSON, and lines as rows. SQLite itself does both, from what it knows of its tables.

use rusqlite::{Connection, OptionalExtension, Transaction};

use super::Contents;
use crate::catalog::{CatalogError, Doing};

/// Tables that are not noted: what is under way ends with its process, and the notes' own count.
const NOT_NOTED: [&str; 2] = ["leases", "notes"];

/// A table and what SQLite knows of its columns.
struct Table {
    name: String,
    columns: Vec<Column>,
}

struct Column {
    name: String,
    is_bytes: bool,
    is_key: bool,
}

impl Table {
    /// An expression that gives the line that a row is told with.
    fn put(&self, row: &str) -> String {
        let values = self.columns.iter().map(|column| column.value(row));
        let values: Vec<String> = values.collect();
        let (name, values) = (&self.name, values.join(","));
        format!("json_object('put', '{name}', 'row', json_object({values}))")
    }

    /// An expression that gives the line that tells of the deletion of a row.
    fn delete(&self, row: &str) -> String {
        let values = self.keys().map(|column| column.value(row));
        let values: Vec<String> = values.collect();
        let (name, values) = (&self.name, values.join(","));
        format!("json_object('delete', '{name}', 'row', json_object({values}))")
    }

    fn keys(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.is_key)
    }
}

impl Column {
    fn value(&self, row: &str) -> String {
        let name = &self.name;
        match self.is_bytes {
            true => format!("'{name}', hex({row}.{name})"),
            false => format!("'{name}', {row}.{name}"),
        }
    }

    /// An expression that takes its value out of a line.
    fn taken(&self) -> String {
        let taken = format!("?1 ->> '$.row.{}'", self.name);
        match self.is_bytes {
            true => format!("unhex({taken})"),
            false => taken,
        }
    }
}

fn tables(connection: &Connection) -> Result<Vec<Table>, CatalogError> {
    let mut tables: Vec<Table> = Vec::new();
    connection
        .prepare(
            "SELECT t.name, c.name, c.type = 'BLOB', c.pk > 0 FROM main.sqlite_schema t, pragma_table_info(t.name) c
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.cid",
        )
        .and_then(|mut query| {
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                let name: String = row.get(0)?;
                let column = Column {
                    name: row.get(1)?,
                    is_bytes: row.get(2)?,
                    is_key: row.get(3)?,
                };
                match tables.last_mut() {
                    Some(table) if table.name == name => table.columns.push(column),
                    _ => tables.push(Table { name, columns: vec![column] }),
                }
            }
            Ok(())
        })
        .doing("tell its tables")?;
    tables.retain(|table| !NOT_NOTED.contains(&table.name.as_str()));
    Ok(tables)
}

/// Has a connection gather a line for each row that it changes, in a table that only it sees.
pub(super) fn watch(connection: &Connection) -> Result<(), CatalogError> {
    let mut triggers =
        "PRAGMA temp_store = MEMORY; CREATE TEMP TABLE changes (at INTEGER PRIMARY KEY, line TEXT);"
            .to_owned();
    for table in tables(connection)? {
        let name = &table.name;
        let (put, delete) = (table.put("NEW"), table.delete("OLD"));
        triggers += &format!(
            "CREATE TEMP TRIGGER insert_{name} AFTER INSERT ON main.{name} BEGIN
               INSERT INTO changes (line) VALUES ({put}); END;
             CREATE TEMP TRIGGER update_{name} AFTER UPDATE ON main.{name} BEGIN
               INSERT INTO changes (line) VALUES ({delete}), ({put}); END;
             CREATE TEMP TRIGGER delete_{name} AFTER DELETE ON main.{name} BEGIN
               INSERT INTO changes (line) VALUES ({delete}); END;"
        );
    }
    connection.execute_batch(&triggers).doing("be set up")
}

/// Returns the lines that were gathered, and forgets them.
pub(super) fn take_changes(tx: &Transaction<'_>) -> Result<Vec<String>, CatalogError> {
    let lines: Vec<String> = tx
        .prepare_cached("SELECT line FROM temp.changes ORDER BY at")
        .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
        .doing("tell what has changed")?;
    if !lines.is_empty() {
        tx.execute("DELETE FROM temp.changes", [])
            .doing("tell what has changed")?;
    }
    Ok(lines)
}

/// Returns the lines that tell of all rows.
pub(super) fn all(tx: &Transaction<'_>) -> Result<Vec<String>, CatalogError> {
    let mut lines = Vec::new();
    for table in tables(tx)? {
        let (put, name) = (table.put("t"), &table.name);
        tx.prepare(&format!("SELECT {put} FROM main.{name} t"))
            .and_then(|mut query| {
                let mut rows = query.query([])?;
                while let Some(row) = rows.next()? {
                    lines.push(row.get(0)?);
                }
                Ok(())
            })
            .doing("tell its rows")?;
    }
    let last: Option<String> = tx
        .query_row(
            "SELECT json_object('last', seq) FROM sqlite_sequence WHERE name = 'snapshots'",
            [],
            |row| row.get(0),
        )
        .optional()
        .doing("tell its rows")?;
    lines.extend(last);
    Ok(lines)
}

/// Does to an empty catalog what the lines tell. What a damaged line has taken along is not looked for.
pub(crate) fn replay(connection: &mut Connection, contents: &Contents) -> Result<(), CatalogError> {
    connection
        .pragma_update(None, "foreign_keys", false)
        .doing("be set up")?;
    let tables = tables(connection)?;
    let transaction = connection.transaction().doing("begin to write")?;
    for line in &contents.lines {
        replay_line(&transaction, &tables, line).doing("be made again")?;
    }
    transaction
        .execute("UPDATE notes SET number = ?1", [contents.number])
        .doing("be made again")?;
    transaction.commit().doing("commit")
}

fn replay_line(tx: &Transaction<'_>, tables: &[Table], line: &str) -> rusqlite::Result<()> {
    for (word, is_put) in [("put", true), ("delete", false)] {
        let rest = line
            .strip_prefix("{\"")
            .and_then(|rest| rest.strip_prefix(word)?.strip_prefix("\":\""));
        let Some(table) = rest
            .and_then(|rest| rest.split('"').next())
            .and_then(|name| tables.iter().find(|table| table.name == name))
        else {
            continue;
        };
        let name = &table.name;
        let statement = match is_put {
            true => {
                let names = table.columns.iter().map(|column| column.name.as_str());
                let values = table.columns.iter().map(Column::taken);
                let (names, values): (Vec<_>, Vec<_>) = (names.collect(), values.collect());
                let (names, values) = (names.join(","), values.join(","));
                format!("INSERT OR REPLACE INTO {name} ({names}) VALUES ({values})")
            }
            false => {
                let same = table
                    .keys()
                    .map(|key| format!("{} = {}", key.name, key.taken()));
                let same: Vec<_> = same.collect();
                format!("DELETE FROM {name} WHERE {}", same.join(" AND "))
            }
        };
        tx.prepare_cached(&statement)?.execute([line])?;
    }
    if line.starts_with("{\"last\":") {
        // The number of a snapshot that is gone is never given again.
        tx.execute("DELETE FROM sqlite_sequence WHERE name = 'snapshots'", [])?;
        tx.execute(
            "INSERT INTO sqlite_sequence (name, seq) VALUES ('snapshots', ?1 ->> '$.last')",
            [line],
        )?;
    }
    Ok(())
}
