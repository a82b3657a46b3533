//! What the root of a store holds, in a form that can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};
use transom_sealed::{CheckOptions, Problem, Store, StoreError};

/// What a store holds: two are equal if nobody could tell them apart but by the clock.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Contents {
    /// Each row of the catalog, its table in front.
    pub rows: BTreeSet<String>,
    /// Each file of layers, blobs and writable layers with a digest of what it holds.
    pub files: BTreeMap<PathBuf, String>,
}

/// Columns that hold times.
const TIMES: [&str; 2] = ["created", "updated"];

impl Contents {
    /// Reads a root that nobody has open.
    ///
    /// # Errors
    /// If the catalog or a file cannot be read.
    pub fn read(root: &Path) -> Result<Self> {
        let mut contents = Self {
            rows: rows(&root.join("transom.db"))?,
            files: BTreeMap::new(),
        };
        for folder in ["layers", "blobs", "writable"] {
            contents.add_files(root, Path::new(folder))?;
        }
        Ok(contents)
    }

    fn add_files(&mut self, root: &Path, path: &Path) -> Result<()> {
        // Locks are made when they are first taken; the folders of the kernel and of the editor are theirs.
        let of_layer = path.iter().nth(2).filter(|_| path.starts_with("writable"));
        let is_tool =
            of_layer.is_some_and(|name| ["lock", "work", "edit"].iter().any(|tool| name == *tool));
        if is_tool {
            return Ok(());
        }
        let full = root.join(path);
        let metadata = fs::symlink_metadata(&full)?;
        if metadata.is_dir() {
            for entry in fs::read_dir(&full)? {
                self.add_files(root, &path.join(entry?.file_name()))?;
            }
        }
        let what = if metadata.is_file() {
            format!("{:x?}", Sha256::digest(fs::read(&full)?))
        } else {
            format!("{:?}", metadata.file_type())
        };
        self.files.insert(path.to_owned(), what);
        Ok(())
    }
}

fn rows(catalog: &Path) -> Result<BTreeSet<String>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let catalog = Connection::open_with_flags(catalog, flags).context("cannot open the catalog")?;
    let mut tables = catalog.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let tables: Vec<String> = tables
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut rows = BTreeSet::new();
    for table in tables {
        // How often something was noted is nothing that the store holds; the check compares what was.
        if table == "notes" {
            continue;
        }
        let mut select = catalog.prepare(&format!("SELECT * FROM {table}"))?;
        let columns: Vec<String> = select.column_names().map(str::to_owned).collect();
        let mut found = select.query([])?;
        while let Some(row) = found.next()? {
            let mut line = table.clone();
            for (at, column) in columns.iter().enumerate() {
                if !TIMES.contains(&column.as_str()) {
                    line += &format!(" {column}={}", shown(row.get_ref(at)?));
                }
            }
            rows.insert(line);
        }
    }
    Ok(rows)
}

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => format!("{} bytes", bytes.len()),
        ValueRef::Null => "-".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
    }
}

/// Opens the store at `root`, as the next process would after a crash, and returns what it holds then.
///
/// # Errors
/// If it cannot be opened, something is left over or missing, or a layer is damaged.
pub fn recovered(root: &Path) -> Result<Contents> {
    let store = Store::open(root).context("the store does not open")?;
    // Everything is read: tars and blobs against their digests, indexes against tars, the catalog against the disk.
    let options = CheckOptions {
        full: true,
        progress: &|_| {},
    };
    let mut findings = store.check(&options)?;
    // A cache that nobody needs harms nobody, and `gc` takes it away.
    findings.retain(|finding| finding.problem != Problem::OrphanChain);
    ensure!(findings.is_empty(), "something is not right: {findings:?}");
    drop(store);
    let contents = Contents::read(root)?;
    contents.check_leftovers(root)?;
    Ok(contents)
}

/// Makes the catalog at `root` again if it is needed, as people do after a crash, and returns what the store holds then.
/// A process that opens the store before must refuse it, or see it as it is afterwards.
///
/// # Errors
/// As [`recovered`].
pub fn rebuilt(root: &Path) -> Result<Contents> {
    match Store::open(root) {
        Ok(store) => drop(store),
        Err(StoreError::Catalog(error)) if error.is_damage() => {
            Store::rebuild(root, &|_| {})?.context("nothing was to be made again")?;
        }
        Err(error) => return Err(error.into()),
    }
    recovered(root)
}

impl Contents {
    /// Returns the same without the changes in writable layers.
    pub fn without_changes(&self) -> Self {
        let is_change = |path: &PathBuf| path.starts_with("writable") && path.iter().count() > 3;
        let mut rest = self.clone();
        rest.files.retain(|path, _| !is_change(path));
        rest
    }

    /// Lists what this has and `other` has not, or has otherwise.
    pub fn without(&self, other: &Self) -> Vec<String> {
        let rows = self.rows.difference(&other.rows).cloned();
        let files = self.files.iter();
        let files = files.filter(|(path, what)| other.files.get(*path) != Some(what));
        rows.chain(files.map(|(path, _)| path.display().to_string()))
            .collect()
    }

    /// What nobody needs must be gone, and nothing may have a row but no file.
    fn check_leftovers(&self, root: &Path) -> Result<()> {
        for folder in ["staging", "trash"] {
            let left: Vec<_> = fs::read_dir(root.join(folder))?.collect();
            ensure!(left.is_empty(), "{folder} is not empty: {left:?}");
        }
        let leases = self.rows.iter().find(|row| row.starts_with("leases "));
        ensure!(leases.is_none(), "a lease is left: {leases:?}");
        let in_folder = |folder: &str| -> BTreeSet<String> {
            let names = self.files.keys().filter(|path| path.iter().count() == 2);
            let names = names.filter(|path| path.starts_with(folder));
            names
                .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
                .collect()
        };
        let in_rows = |table: &str, column: &str, with: &str| -> BTreeSet<String> {
            let rows = self
                .rows
                .iter()
                .filter(|row| row.starts_with(&format!("{table} ")) && row.contains(with));
            let values =
                rows.filter_map(|row| row.split(&format!(" {column}=")).nth(1)?.split(' ').next());
            values
                .map(|value| value.trim_start_matches("sha256:").to_owned())
                .collect()
        };
        for (folder, table, column, with) in [
            ("layers", "layers", "diff_id", ""),
            ("blobs", "blobs", "digest", " kept=1"),
            ("writable", "named_layers", "id", " writable=1"),
        ] {
            let (files, rows) = (in_folder(folder), in_rows(table, column, with));
            ensure!(
                files == rows,
                "{folder} has {files:?}, the catalog {rows:?}"
            );
        }
        Ok(())
    }
}
