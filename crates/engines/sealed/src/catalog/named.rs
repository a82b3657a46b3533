//! Layers by the ids that drivers and people give them, and where they are mounted.

use std::path::PathBuf;

use rusqlite::{OptionalExtension, Row, Transaction, params};
use transom_layer::{BlobDigest, DiffId, Names};

use super::{CatalogError, Doing, Sql};

/// A layer that has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedLayer {
    /// Its name.
    pub id: String,
    /// The named layer it was made from, if it was one.
    pub parent: Option<String>,
    /// What it is.
    pub kind: NamedKind,
    /// The layers below it, base first.
    pub below: Vec<DiffId>,
    /// How names compare in it.
    pub names: Names,
    /// Config of the image that it was made from.
    pub config: Option<BlobDigest>,
    /// References that a driver holds on its mount.
    pub held: u64,
    /// When it was made, seconds since 1970.
    pub created: i64,
}

/// What a named layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedKind {
    /// One that a tar is applied to, once.
    ReadOnly {
        /// What was applied.
        diff_id: Option<DiffId>,
    },
    /// One that can be written to.
    Writable {
        /// Bytes that its scratch image has; `None` if it is a plain folder without a bound of its own.
        bound: Option<u64>,
    },
}

impl NamedLayer {
    /// Returns all sealed layers that it consists of, base first.
    pub fn chain(&self) -> Vec<DiffId> {
        let own = match self.kind {
            NamedKind::ReadOnly { diff_id } => diff_id,
            NamedKind::Writable { .. } => None,
        };
        self.below.iter().copied().chain(own).collect()
    }

    /// Says whether it holds what is written to a snapshot.
    pub fn is_of_snapshot(&self) -> bool {
        super::snapshot::number_of_layer(&self.id).is_some()
    }

    /// Says whether it can be written to.
    pub fn is_writable(&self) -> bool {
        matches!(self.kind, NamedKind::Writable { .. })
    }
}

/// How something is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// By the kernel, from the files themselves.
    Kernel,
    /// By the kernel, through loop devices.
    Loop,
    /// By a process that serves it (FUSE).
    Fuse,
}

impl Via {
    /// Returns the word used in the catalog, on the command line and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Loop => "loop",
            Self::Fuse => "fuse",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Kernel, Self::Loop, Self::Fuse]
            .into_iter()
            .find(|via| via.as_str() == text)
    }
}

/// A place where something is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountRecord {
    /// The folder.
    pub target: PathBuf,
    /// The named layer that is mounted there.
    pub id: Option<String>,
    /// The image of which a view is mounted there.
    pub manifest: Option<BlobDigest>,
    /// How.
    pub via: Via,
}

const COLUMNS: &str = "id, parent, writable, diff_id, bound, names, config, held, created";

fn named_from(row: &Row<'_>) -> rusqlite::Result<NamedLayer> {
    let kind = match row.get(2)? {
        true => NamedKind::Writable { bound: row.get(4)? },
        false => NamedKind::ReadOnly {
            diff_id: row.get::<_, Option<Sql<_>>>(3)?.map(|id| id.0),
        },
    };
    Ok(NamedLayer {
        id: row.get(0)?,
        parent: row.get(1)?,
        kind,
        below: Vec::new(),
        names: row.get::<_, Sql<_>>(5)?.0,
        config: row.get::<_, Option<Sql<_>>>(6)?.map(|digest| digest.0),
        held: row.get(7)?,
        created: row.get(8)?,
    })
}

fn read_chain(tx: &Transaction<'_>, layer: &mut NamedLayer) -> Result<(), CatalogError> {
    layer.below = tx
        .prepare_cached("SELECT diff_id FROM chains WHERE id = ?1 ORDER BY position")
        .and_then(|mut query| {
            let ids = query.query_map([&layer.id], |row| Ok(row.get::<_, Sql<_>>(0)?.0))?;
            ids.collect()
        })
        .doing("read a chain")?;
    Ok(())
}

/// Returns one named layer.
pub(crate) fn named_layer(
    tx: &Transaction<'_>,
    id: &str,
) -> Result<Option<NamedLayer>, CatalogError> {
    let mut found = tx
        .prepare_cached(&format!("SELECT {COLUMNS} FROM named_layers WHERE id = ?1"))
        .and_then(|mut query| query.query_row([id], named_from).optional())
        .doing("look a layer up by its name")?;
    if let Some(layer) = &mut found {
        read_chain(tx, layer)?;
    }
    Ok(found)
}

/// Returns all named layers, by name.
pub(crate) fn named_layers(tx: &Transaction<'_>) -> Result<Vec<NamedLayer>, CatalogError> {
    let mut layers: Vec<NamedLayer> = tx
        .prepare_cached(&format!("SELECT {COLUMNS} FROM named_layers ORDER BY id"))
        .and_then(|mut query| query.query_map([], named_from)?.collect())
        .doing("list named layers")?;
    for layer in &mut layers {
        read_chain(tx, layer)?;
    }
    Ok(layers)
}

/// Adds a named layer that is not there yet.
pub(crate) fn insert_named_layer(
    tx: &Transaction<'_>,
    layer: &NamedLayer,
) -> Result<(), CatalogError> {
    let (diff_id, bound) = match layer.kind {
        NamedKind::ReadOnly { diff_id } => (diff_id, None),
        NamedKind::Writable { bound } => (None, bound),
    };
    tx.execute(
        &format!("INSERT INTO named_layers ({COLUMNS}) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)"),
        params![
            layer.id,
            layer.parent,
            layer.is_writable(),
            diff_id.map(Sql),
            bound,
            Sql(layer.names),
            layer.config.map(Sql),
            layer.held,
            layer.created,
        ],
    )
    .doing("add a named layer")?;
    for (position, id) in layer.below.iter().enumerate() {
        tx.execute(
            "INSERT INTO chains (id, position, diff_id) VALUES (?1,?2,?3)",
            params![layer.id, position as i64, Sql(*id)],
        )
        .doing("add a layer of a chain")?;
    }
    Ok(())
}

/// Notes what a read-only layer holds.
pub(crate) fn set_applied(
    tx: &Transaction<'_>,
    id: &str,
    diff: DiffId,
) -> Result<(), CatalogError> {
    tx.execute(
        "UPDATE named_layers SET diff_id = ?2 WHERE id = ?1",
        params![id, Sql(diff)],
    )
    .doing("note what a layer holds")?;
    Ok(())
}

/// Notes the size of a writable layer's scratch image.
pub(crate) fn set_bound(tx: &Transaction<'_>, id: &str, bound: u64) -> Result<(), CatalogError> {
    tx.execute(
        "UPDATE named_layers SET bound = ?2 WHERE id = ?1",
        params![id, bound],
    )
    .doing("note the size of a layer")?;
    Ok(())
}

/// Notes how many references a driver holds on a layer's mount; false if there is no such layer.
pub(crate) fn set_held(tx: &Transaction<'_>, id: &str, held: u64) -> Result<bool, CatalogError> {
    let changed = tx
        .execute(
            "UPDATE named_layers SET held = ?2 WHERE id = ?1",
            params![id, held],
        )
        .doing("note the references of a layer")?;
    Ok(changed > 0)
}

/// Forgets a named layer.
pub(crate) fn delete_named_layer(tx: &Transaction<'_>, id: &str) -> Result<(), CatalogError> {
    tx.execute("DELETE FROM named_layers WHERE id = ?1", [id])
        .and_then(|_| tx.execute(super::DELETE_UNUSED_DOCUMENTS, []))
        .doing("forget a named layer")?;
    Ok(())
}

/// Returns a layer that was made from another one.
pub(crate) fn child_of(tx: &Transaction<'_>, id: &str) -> Result<Option<String>, CatalogError> {
    tx.query_row(
        "SELECT id FROM named_layers WHERE parent = ?1 LIMIT 1",
        [id],
        |row| row.get(0),
    )
    .optional()
    .doing("look for layers made from this one")
}

/// Returns where things are mounted, by folder.
pub(crate) fn mounts(tx: &Transaction<'_>) -> Result<Vec<MountRecord>, CatalogError> {
    tx.prepare_cached("SELECT target, id, manifest, via FROM mounts ORDER BY target")
        .and_then(|mut query| {
            let mounts = query.query_map([], |row| {
                Ok(MountRecord {
                    target: row.get::<_, String>(0)?.into(),
                    id: row.get(1)?,
                    manifest: row.get::<_, Option<Sql<_>>>(2)?.map(|digest| digest.0),
                    via: Via::parse(&row.get::<_, String>(3)?).unwrap_or(Via::Kernel),
                })
            })?;
            mounts.collect()
        })
        .doing("list mounts")
}

/// Returns where a named layer is mounted.
pub(crate) fn mounts_of(tx: &Transaction<'_>, id: &str) -> Result<Vec<MountRecord>, CatalogError> {
    let mut mounts = mounts(tx)?;
    mounts.retain(|mount| mount.id.as_deref() == Some(id));
    Ok(mounts)
}

/// Adds a mount, instead of one that was at the same place and is gone.
pub(crate) fn insert_mount(tx: &Transaction<'_>, mount: &MountRecord) -> Result<(), CatalogError> {
    tx.execute(
        "INSERT OR REPLACE INTO mounts (target, id, manifest, via) VALUES (?1,?2,?3,?4)",
        params![
            mount.target.to_string_lossy(),
            mount.id,
            mount.manifest.map(Sql),
            mount.via.as_str(),
        ],
    )
    .doing("note a mount")?;
    Ok(())
}

/// Forgets a mount.
pub(crate) fn delete_mount(
    tx: &Transaction<'_>,
    target: &std::path::Path,
) -> Result<(), CatalogError> {
    tx.execute(
        "DELETE FROM mounts WHERE target = ?1",
        [target.to_string_lossy()],
    )
    .doing("forget a mount")?;
    Ok(())
}
