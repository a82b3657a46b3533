//! The catalog: an SQLite database that says which layers, blobs, images and names there are.
//!
//! Any number of processes may have it open. A write is one short transaction and never moves
//! file data while it holds the lock.

#[macro_use]
mod column;
mod error;
mod named;
mod opening;
pub(crate) mod snapshot;

pub use error::CatalogError;
pub use named::{MountRecord, NamedKind, NamedLayer, Via};
pub(crate) use named::{
    child_of, delete_mount, delete_named_layer, insert_mount, insert_named_layer, mounts,
    mounts_of, named_layer, named_layers, set_applied, set_bound, set_held,
};

pub(crate) use opening::make;

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use transom_layer::{BlobDigest, ChainId, DiffId, Names};

use crate::fsck::damage_in;
use crate::notes::{Compared, Notes, Step};

/// Goes up whenever `schema.sql` changes; kept in SQLite's `user_version`.
pub(crate) const SCHEMA_VERSION: i32 = 4;

/// Adds what was being done to an SQLite result.
pub(crate) trait Doing<T> {
    fn doing(self, verb: &'static str) -> Result<T, CatalogError>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, verb: &'static str) -> Result<T, CatalogError> {
        self.map_err(|source| CatalogError::Sqlite { verb, source })
    }
}

/// Who wrote a layer's tar; decides how its whiteouts act unless the caller says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// A Windows exporter: attributes on every entry, no closing slashes, no opaque markers.
    Windows,
    /// Anything else: BuildKit, buildah, umoci, GNU tar, …
    Foreign,
}

/// How a blob is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all: the blob is the tar.
    None,
    /// gzip (RFC 1952), one or more members.
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

impl Dialect {
    /// Returns the word used in the catalog and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Windows => "windows",
            Self::Foreign => "foreign",
        }
    }
}

impl Compression {
    /// Returns the word used in the catalog and in JSON: `none`, `gzip`, `zstd`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// A layer as the catalog knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerRecord {
    /// The digest of the tar.
    pub diff_id: DiffId,
    /// Bytes of the tar.
    pub size: u64,
    /// Bytes of the index.
    pub index_size: u64,
    /// Digest of the index, to see damage of it.
    pub index_digest: BlobDigest,
    /// Entries in the tar, whiteouts and streams included.
    pub entries: u64,
    /// Whiteouts among them.
    pub whiteouts: u64,
    /// Hard links whose target only a lower layer can have.
    pub unresolved_links: u64,
    /// Who wrote the tar.
    pub dialect: Dialect,
    /// How names compare in its index.
    pub names: Names,
    /// When it was stored, seconds since 1970.
    pub created: i64,
}

impl LayerRecord {
    /// Says whether its index is made for names of this kind; that of an empty layer is for both.
    pub(crate) fn has_names(&self, names: Names) -> bool {
        self.names == names || self.entries == 0
    }
}

/// What a layer blob inflates to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobRecord {
    /// The digest of the blob.
    pub digest: BlobDigest,
    /// The layer it inflates to.
    pub diff_id: DiffId,
    /// How it is compressed.
    pub compression: Compression,
    /// Bytes of the blob.
    pub size: u64,
    /// Whether its bytes are in the store.
    pub kept: bool,
}

/// The platform an image is made for (OCI config.md).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Platform {
    /// `windows` or `linux`.
    pub os: String,
    /// `amd64`, `arm64`, …
    pub architecture: String,
    /// `10.0.20348.2227`; empty if the image has none.
    pub os_version: String,
}

/// One layer of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageLayer {
    /// The digest of the tar.
    pub diff_id: DiffId,
    /// The digest by which the manifest names it.
    pub blob: BlobDigest,
}

/// An image as the catalog knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRecord {
    /// Digest of the manifest; the image's id.
    pub manifest: BlobDigest,
    /// Digest of the config.
    pub config: BlobDigest,
    /// Media type of the manifest.
    pub media_type: String,
    /// What it is made for.
    pub platform: Platform,
    /// Its layers, base first.
    pub layers: Vec<ImageLayer>,
    /// Its names (`repository:tag`), sorted.
    pub names: Vec<String>,
    /// When it was stored, seconds since 1970.
    pub created: i64,
}

impl ImageRecord {
    /// Returns the layers' ids, base first.
    pub fn diff_ids(&self) -> Vec<DiffId> {
        self.layers.iter().map(|layer| layer.diff_id).collect()
    }

    /// Returns the id of its chain; `None` for an image with no layers.
    pub fn chain_id(&self) -> Option<ChainId> {
        ChainId::of(&self.diff_ids())
    }
}

/// The open database.
#[derive(Debug)]
pub(crate) struct Catalog {
    connection: Mutex<Connection>,
    notes: Notes,
}

impl Catalog {
    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic while the lock was held has rolled its transaction back.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` in a read transaction.
    pub(crate) fn read<T, E: From<CatalogError>>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.lock();
        let transaction = connection.transaction().doing("begin to read")?;
        work(&transaction)
    }

    /// Runs `work` while nobody else can write. It is to be short, and changes nothing.
    pub(crate) fn hold<T, E: From<CatalogError>>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.lock();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .doing("be held still")?;
        work(&transaction)
    }

    /// Runs `work` in a write transaction; an error rolls it back.
    pub(crate) fn write<T, E: From<CatalogError>>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.lock();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .doing("begin to write")?;
        let value = work(&transaction)?;
        let noted = self.notes.append(&transaction)?;
        transaction.commit().doing("commit")?;
        if let Some(number) = noted {
            self.notes.committed(number);
        }
        Ok(value)
    }

    /// Has the notes follow the rows, if a crash or an upgrade has left them behind.
    pub(crate) fn mend_notes(&self) -> Result<(), CatalogError> {
        if self.read(|tx| self.notes.step(tx))? == Step::Together {
            return Ok(());
        }
        self.note_all(|step| step != Step::Together)
    }

    /// Notes all rows again.
    pub(crate) fn write_notes_again(&self) -> Result<(), CatalogError> {
        self.note_all(|_| true)
    }

    fn note_all(&self, is_needed: impl Fn(Step) -> bool) -> Result<(), CatalogError> {
        let mut connection = self.lock();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .doing("begin to write")?;
        let step = self.notes.step(&transaction)?;
        if step == Step::Ahead {
            return Err(CatalogError::Behind);
        }
        if !is_needed(step) {
            return Ok(());
        }
        // What is noted of a damaged catalog would take its place.
        if let Some(said) = damage_in(&transaction)?.into_iter().next() {
            return Err(CatalogError::Damaged { said });
        }
        let number = self.notes.write_all(&transaction)?;
        transaction.commit().doing("commit")?;
        self.notes.committed(number);
        Ok(())
    }

    /// Compares the rows with the notes.
    pub(crate) fn compare_notes(&self) -> Result<Compared, CatalogError> {
        self.hold(|tx| self.notes.compare(tx))
    }
}

/// A digest as a column; the ids belong to another crate.
pub(crate) struct Sql<T>(pub(crate) T);

text_column!(Sql<DiffId>, |id| id.0.to_string(), |text| text
    .parse()
    .ok()
    .map(Sql));
text_column!(Sql<BlobDigest>, |id| id.0.to_string(), |text| text
    .parse()
    .ok()
    .map(Sql));
text_column!(Sql<Names>, |names| names.0.to_string(), |text| {
    let known = [Names::Windows, Names::Posix];
    known
        .into_iter()
        .find(|names| names.to_string() == text)
        .map(Sql)
});
text_column!(Dialect, |dialect| dialect.as_str().to_owned(), |text| {
    [Self::Windows, Self::Foreign]
        .into_iter()
        .find(|dialect| dialect.as_str() == text)
});
text_column!(
    Compression,
    |compression| compression.as_str().to_owned(),
    |text| {
        [Self::None, Self::Gzip, Self::Zstd]
            .into_iter()
            .find(|known| known.as_str() == text)
    }
);

const LAYER_COLUMNS: &str = "diff_id, size, index_size, index_digest, entries, whiteouts, unresolved_links, dialect, names, created";

fn layer_from(row: &Row<'_>) -> rusqlite::Result<LayerRecord> {
    Ok(LayerRecord {
        diff_id: row.get::<_, Sql<_>>(0)?.0,
        size: row.get(1)?,
        index_size: row.get(2)?,
        index_digest: row.get::<_, Sql<_>>(3)?.0,
        entries: row.get(4)?,
        whiteouts: row.get(5)?,
        unresolved_links: row.get(6)?,
        dialect: row.get(7)?,
        names: row.get::<_, Sql<_>>(8)?.0,
        created: row.get(9)?,
    })
}

fn blob_from(row: &Row<'_>) -> rusqlite::Result<BlobRecord> {
    Ok(BlobRecord {
        digest: row.get::<_, Sql<_>>(0)?.0,
        diff_id: row.get::<_, Sql<_>>(1)?.0,
        compression: row.get(2)?,
        size: row.get(3)?,
        kept: row.get(4)?,
    })
}

/// Returns one layer.
pub(crate) fn layer(tx: &Transaction<'_>, id: DiffId) -> Result<Option<LayerRecord>, CatalogError> {
    tx.prepare_cached(&format!(
        "SELECT {LAYER_COLUMNS} FROM layers WHERE diff_id = ?1"
    ))
    .and_then(|mut query| query.query_row([Sql(id)], layer_from).optional())
    .doing("look a layer up")
}

/// Returns all layers, by id.
pub(crate) fn layers(tx: &Transaction<'_>) -> Result<Vec<LayerRecord>, CatalogError> {
    tx.prepare_cached(&format!(
        "SELECT {LAYER_COLUMNS} FROM layers ORDER BY diff_id"
    ))
    .and_then(|mut query| query.query_map([], layer_from)?.collect())
    .doing("list layers")
}

/// Returns the digits of all layers' ids, by which their folders are called.
pub(crate) fn layer_digits(tx: &Transaction<'_>) -> Result<HashSet<String>, CatalogError> {
    digits(
        tx,
        "SELECT substr(diff_id, length('sha256:') + 1) FROM layers",
    )
}

/// Returns the digits of all blobs that are kept, by which their files are called.
pub(crate) fn kept_blob_digits(tx: &Transaction<'_>) -> Result<HashSet<String>, CatalogError> {
    digits(
        tx,
        "SELECT substr(digest, length('sha256:') + 1) FROM blobs WHERE kept = 1",
    )
}

fn digits(tx: &Transaction<'_>, query: &str) -> Result<HashSet<String>, CatalogError> {
    tx.prepare_cached(query)
        .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
        .doing("list the names of files")
}

/// Adds a layer, or tells the numbers of a known one again.
pub(crate) fn insert_layer(tx: &Transaction<'_>, layer: &LayerRecord) -> Result<(), CatalogError> {
    tx.execute(
        &format!("INSERT INTO layers ({LAYER_COLUMNS}) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)
             ON CONFLICT (diff_id) DO UPDATE SET size = excluded.size, index_size = excluded.index_size,
             index_digest = excluded.index_digest, entries = excluded.entries, whiteouts = excluded.whiteouts,
             unresolved_links = excluded.unresolved_links, dialect = excluded.dialect, names = excluded.names"),
        params![
            Sql(layer.diff_id),
            layer.size,
            layer.index_size,
            Sql(layer.index_digest),
            layer.entries,
            layer.whiteouts,
            layer.unresolved_links,
            layer.dialect,
            Sql(layer.names),
            layer.created,
        ],
    )
    .doing("add a layer")?;
    Ok(())
}

/// Returns the layers that no image, no named layer and no lease needs.
pub(crate) fn unused_layers(tx: &Transaction<'_>) -> Result<Vec<LayerRecord>, CatalogError> {
    tx.prepare_cached(&format!(
        "SELECT {LAYER_COLUMNS} FROM layers
         WHERE diff_id NOT IN (SELECT diff_id FROM image_layers)
           AND diff_id NOT IN (SELECT diff_id FROM chains)
           AND diff_id NOT IN (SELECT diff_id FROM snapshot_layers)
           AND diff_id NOT IN (SELECT diff_id FROM named_layers WHERE diff_id IS NOT NULL)
           AND diff_id NOT IN (SELECT diff_id FROM leases) ORDER BY diff_id"
    ))
    .and_then(|mut query| query.query_map([], layer_from)?.collect())
    .doing("list unused layers")
}

/// Forgets a layer and its compressed forms.
pub(crate) fn delete_layer(tx: &Transaction<'_>, id: DiffId) -> Result<(), CatalogError> {
    tx.execute("DELETE FROM layers WHERE diff_id = ?1", [Sql(id)])
        .doing("forget a layer")?;
    Ok(())
}

/// What makes a document go away.
const DELETE_UNUSED_DOCUMENTS: &str = "DELETE FROM documents WHERE digest NOT IN
    (SELECT manifest FROM images UNION SELECT config FROM images
     UNION SELECT config FROM named_layers WHERE config IS NOT NULL)";

/// Returns what a blob inflates to, if it was seen before.
pub(crate) fn blob(
    tx: &Transaction<'_>,
    digest: BlobDigest,
) -> Result<Option<BlobRecord>, CatalogError> {
    tx.prepare_cached(
        "SELECT digest, diff_id, compression, size, kept FROM blobs WHERE digest = ?1",
    )
    .and_then(|mut query| query.query_row([Sql(digest)], blob_from).optional())
    .doing("look a blob up")
}

/// Returns all blobs, by digest.
pub(crate) fn blobs(tx: &Transaction<'_>) -> Result<Vec<BlobRecord>, CatalogError> {
    tx.prepare_cached("SELECT digest, diff_id, compression, size, kept FROM blobs ORDER BY digest")
        .and_then(|mut query| query.query_map([], blob_from)?.collect())
        .doing("list blobs")
}

/// Adds a blob, or notes that the bytes of a known one are kept now.
pub(crate) fn insert_blob(tx: &Transaction<'_>, blob: &BlobRecord) -> Result<(), CatalogError> {
    tx.execute(
        "INSERT INTO blobs (digest, diff_id, compression, size, kept) VALUES (?1,?2,?3,?4,?5)
         ON CONFLICT (digest) DO UPDATE SET kept = max(kept, excluded.kept)",
        params![
            Sql(blob.digest),
            Sql(blob.diff_id),
            blob.compression,
            blob.size,
            blob.kept
        ],
    )
    .doing("add a blob")?;
    Ok(())
}

/// Notes the true size of a blob.
pub(crate) fn set_blob_size(
    tx: &Transaction<'_>,
    digest: BlobDigest,
    size: u64,
) -> Result<(), CatalogError> {
    tx.execute(
        "UPDATE blobs SET size = ?2 WHERE digest = ?1",
        params![Sql(digest), size],
    )
    .doing("note the size of a blob")?;
    Ok(())
}

/// Notes that the bytes of a blob are no longer kept.
pub(crate) fn drop_blob_bytes(
    tx: &Transaction<'_>,
    digest: BlobDigest,
) -> Result<(), CatalogError> {
    tx.execute("UPDATE blobs SET kept = 0 WHERE digest = ?1", [Sql(digest)])
        .doing("forget a blob's bytes")?;
    Ok(())
}

/// Adds a document; the same one again changes nothing.
pub(crate) fn insert_document(
    tx: &Transaction<'_>,
    digest: BlobDigest,
    bytes: &[u8],
) -> Result<(), CatalogError> {
    tx.execute(
        "INSERT INTO documents (digest, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        params![Sql(digest), bytes],
    )
    .doing("add a document")?;
    Ok(())
}

/// Returns a document's bytes.
pub(crate) fn document(
    tx: &Transaction<'_>,
    digest: BlobDigest,
) -> Result<Option<Vec<u8>>, CatalogError> {
    tx.query_row(
        "SELECT bytes FROM documents WHERE digest = ?1",
        [Sql(digest)],
        |row| row.get(0),
    )
    .optional()
    .doing("read a document")
}

/// Adds an image with its layers and names; a name that another image had moves over.
pub(crate) fn insert_image(tx: &Transaction<'_>, image: &ImageRecord) -> Result<(), CatalogError> {
    let manifest = || Sql(image.manifest);
    tx.execute(
        "INSERT INTO images (manifest, config, media_type, os, architecture, os_version, created)
         VALUES (?1,?2,?3,?4,?5,?6,?7) ON CONFLICT DO NOTHING",
        params![
            manifest(),
            Sql(image.config),
            image.media_type,
            image.platform.os,
            image.platform.architecture,
            image.platform.os_version,
            image.created,
        ],
    )
    .doing("add an image")?;
    for (position, layer) in image.layers.iter().enumerate() {
        tx.execute(
            "INSERT INTO image_layers (manifest, position, diff_id, blob) VALUES (?1,?2,?3,?4)
             ON CONFLICT DO NOTHING",
            params![
                manifest(),
                position as i64,
                Sql(layer.diff_id),
                Sql(layer.blob)
            ],
        )
        .doing("add an image's layer")?;
    }
    for name in &image.names {
        insert_name(tx, name, image.manifest)?;
    }
    Ok(())
}

/// Gives an image a name; another image that had it loses it.
pub(crate) fn insert_name(
    tx: &Transaction<'_>,
    name: &str,
    manifest: BlobDigest,
) -> Result<(), CatalogError> {
    tx.execute(
        "INSERT INTO names (name, manifest) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET manifest = excluded.manifest",
        params![name, Sql(manifest)],
    )
    .doing("name an image")?;
    Ok(())
}

/// Takes a name away.
pub(crate) fn delete_name(tx: &Transaction<'_>, name: &str) -> Result<(), CatalogError> {
    tx.execute("DELETE FROM names WHERE name = ?1", [name])
        .doing("take a name away")?;
    Ok(())
}

/// Returns the names of an image, in order.
pub(crate) fn names_of(
    tx: &Transaction<'_>,
    manifest: BlobDigest,
) -> Result<Vec<String>, CatalogError> {
    tx.prepare_cached("SELECT name FROM names WHERE manifest = ?1 ORDER BY name")
        .and_then(|mut names| {
            names
                .query_map([Sql(manifest)], |row| row.get(0))?
                .collect()
        })
        .doing("list the names of an image")
}

/// Forgets an image, its names, and the documents nothing else refers to.
pub(crate) fn delete_image(tx: &Transaction<'_>, manifest: BlobDigest) -> Result<(), CatalogError> {
    tx.execute("DELETE FROM images WHERE manifest = ?1", [Sql(manifest)])
        .and_then(|_| tx.execute(DELETE_UNUSED_DOCUMENTS, []))
        .doing("forget an image")?;
    Ok(())
}

/// Says whether there is an image of this manifest.
pub(crate) fn has_image(tx: &Transaction<'_>, manifest: BlobDigest) -> Result<bool, CatalogError> {
    tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM images WHERE manifest = ?1)",
        [Sql(manifest)],
        |row| row.get(0),
    )
    .doing("look an image up")
}

/// What [`read_image`] wants of a row of `images`, in this order.
const IMAGE: &str = "images.manifest, config, media_type, os, architecture, os_version, created";

/// Reads an image, all but its layers and names.
fn read_image(row: &rusqlite::Row<'_>) -> rusqlite::Result<ImageRecord> {
    Ok(ImageRecord {
        manifest: row.get::<_, Sql<_>>(0)?.0,
        config: row.get::<_, Sql<_>>(1)?.0,
        media_type: row.get(2)?,
        platform: Platform {
            os: row.get(3)?,
            architecture: row.get(4)?,
            os_version: row.get(5)?,
        },
        layers: Vec::new(),
        names: Vec::new(),
        created: row.get(6)?,
    })
}

/// Returns all images: named ones by name, then the others by digest.
pub(crate) fn images(tx: &Transaction<'_>) -> Result<Vec<ImageRecord>, CatalogError> {
    let mut images: Vec<ImageRecord> = tx
        .prepare_cached(&format!("SELECT {IMAGE} FROM images"))
        .and_then(|mut query| query.query_map([], read_image)?.collect())
        .doing("list images")?;
    let mut names = all_names(tx)?;
    for image in &mut images {
        image.layers = layers_of_image(tx, image.manifest)?;
        image.names = names.remove(&image.manifest).unwrap_or_default();
    }
    images.sort_by(|a, b| {
        let key = |image: &ImageRecord| (image.names.is_empty(), image.names.first().cloned());
        key(a).cmp(&key(b)).then(a.manifest.cmp(&b.manifest))
    });
    Ok(images)
}

/// Returns the image with this very name.
pub(crate) fn image_named(
    tx: &Transaction<'_>,
    name: &str,
) -> Result<Option<ImageRecord>, CatalogError> {
    let image = tx
        .prepare_cached(&format!(
            "SELECT {IMAGE} FROM images JOIN names ON names.manifest = images.manifest
             WHERE names.name = ?1"
        ))
        .and_then(|mut query| query.query_row([name], read_image).optional())
        .doing("look for an image")?;
    let Some(mut image) = image else {
        return Ok(None);
    };
    image.layers = layers_of_image(tx, image.manifest)?;
    image.names = names_of(tx, image.manifest)?;
    Ok(Some(image))
}

/// Returns the names of every image, in order.
fn all_names(tx: &Transaction<'_>) -> Result<HashMap<BlobDigest, Vec<String>>, CatalogError> {
    let mut names: HashMap<BlobDigest, Vec<String>> = HashMap::new();
    tx.prepare_cached("SELECT manifest, name FROM names ORDER BY name")
        .and_then(|mut query| {
            let rows = query.query_map([], |row| Ok((row.get::<_, Sql<_>>(0)?.0, row.get(1)?)))?;
            for row in rows {
                let (manifest, name) = row?;
                names.entry(manifest).or_default().push(name);
            }
            Ok(())
        })
        .doing("list the names of images")?;
    Ok(names)
}

/// Returns the layers of an image, base first.
fn layers_of_image(
    tx: &Transaction<'_>,
    manifest: BlobDigest,
) -> Result<Vec<ImageLayer>, CatalogError> {
    tx.prepare_cached(
        "SELECT diff_id, blob FROM image_layers WHERE manifest = ?1 ORDER BY position",
    )
    .and_then(|mut layers| {
        layers
            .query_map([Sql(manifest)], |row| {
                Ok(ImageLayer {
                    diff_id: row.get::<_, Sql<_>>(0)?.0,
                    blob: row.get::<_, Sql<_>>(1)?.0,
                })
            })?
            .collect()
    })
    .doing("list the layers of an image")
}

/// Returns every stack of layers that an image, a named layer or a snapshot has, base first.
pub(crate) fn all_chains(tx: &Transaction<'_>) -> Result<Vec<Vec<DiffId>>, CatalogError> {
    let of_images = images(tx)?.into_iter().map(|image| image.diff_ids());
    let of_named = named_layers(tx)?.into_iter().map(|layer| layer.chain());
    let of_snapshots = snapshot::all_chains(tx)?;
    Ok(of_images.chain(of_named).chain(of_snapshots).collect())
}

/// Keeps a layer for `holder` until the lease is given back.
pub(crate) fn insert_lease(
    tx: &Transaction<'_>,
    holder: &str,
    id: DiffId,
) -> Result<(), CatalogError> {
    tx.execute(
        "INSERT INTO leases (holder, diff_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        params![holder, Sql(id)],
    )
    .doing("lease a layer")?;
    Ok(())
}

/// Returns the layers that are leased.
pub(crate) fn leased_layers(tx: &Transaction<'_>) -> Result<HashSet<DiffId>, CatalogError> {
    tx.prepare_cached("SELECT DISTINCT diff_id FROM leases")
        .and_then(|mut query| {
            query
                .query_map([], |row| Ok(row.get::<_, Sql<_>>(0)?.0))?
                .collect()
        })
        .doing("list leases")
}

/// Returns the layers that `holder` keeps.
pub(crate) fn layers_leased_by(
    tx: &Transaction<'_>,
    holder: &str,
) -> Result<HashSet<DiffId>, CatalogError> {
    tx.prepare_cached("SELECT diff_id FROM leases WHERE holder = ?1")
        .and_then(|mut query| {
            query
                .query_map([holder], |row| Ok(row.get::<_, Sql<_>>(0)?.0))?
                .collect()
        })
        .doing("list leases")
}

/// Gives all leases of `holder` back.
pub(crate) fn delete_leases(tx: &Transaction<'_>, holder: &str) -> Result<(), CatalogError> {
    tx.execute("DELETE FROM leases WHERE holder = ?1", [holder])
        .doing("give leases back")?;
    Ok(())
}

/// Returns the holders of leases.
pub(crate) fn lease_holders(tx: &Transaction<'_>) -> Result<Vec<String>, CatalogError> {
    tx.prepare_cached("SELECT DISTINCT holder FROM leases ORDER BY holder")
        .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
        .doing("list leases")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Layout;

    #[test]
    fn the_document_of_the_format_names_every_table_and_column() {
        let document = crate::layout::tests::document();
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&Layout::of(folder.path())).unwrap();
        let names: Vec<String> = catalog
            .read(|tx| {
                tx.prepare(
                    // Not SQLite's own, which it makes for numbers that are never given twice.
                    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
                     UNION SELECT c.name FROM sqlite_schema t, pragma_table_info(t.name) c
                     WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'",
                )
                .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
                .doing("list its tables")
            })
            .unwrap();
        assert!(names.len() > 20);
        for name in names {
            assert!(document.contains(&format!("`{name}`")), "{name}");
        }
    }

    #[test]
    fn a_write_that_fails_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&Layout::of(folder.path())).unwrap();
        let failed = catalog.write(|tx| {
            let digest = BlobDigest(transom_layer::Digest::of(b"x"));
            insert_document(tx, digest, b"x")?;
            Err::<(), _>(CatalogError::TooNew { found: 2 })
        });
        assert!(failed.is_err());
        let count = |tx: &Transaction<'_>| {
            tx.query_row("SELECT count(*) FROM documents", [], |row| {
                row.get::<_, i64>(0)
            })
            .doing("count")
        };
        assert_eq!(catalog.read(count).unwrap(), 0);
    }
}
