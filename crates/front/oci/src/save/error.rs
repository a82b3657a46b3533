//! Why a save failed.

use std::io;
use std::path::PathBuf;

use transom_layer::{BlobDigest, DiffId, Digest};
use transom_layertar::WriteError;
use transom_sealed::StoreError;

use crate::json::JsonError;
use crate::reference::ReferenceError;

/// Why nothing was saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// No image was given.
    #[error("there is no image to save")]
    Nothing,
    /// A layout folder cannot go into a stream.
    #[error("an OCI layout folder cannot be written into a stream: save an archive")]
    FolderIntoStream,
    /// The folder to write has something in it.
    #[error("{} exists and is not an empty folder", .0.display())]
    Exists(PathBuf),
    /// The file to write is a folder.
    #[error("{} is a folder: an archive is a file", .0.display())]
    IsFolder(PathBuf),
    /// The path cannot be a file or folder.
    #[error("{} names no file", .0.display())]
    BadPath(PathBuf),
    /// A name cannot be written.
    #[error(transparent)]
    Name(#[from] ReferenceError),
    /// Two images would have the same name.
    #[error("the name {0:?} is given to two images")]
    DuplicateName(String),
    /// Two images without names cannot be told apart in a layout.
    #[error("images {0} and {1} have no names: in an OCI layout all but one must have one")]
    Unnamed(BlobDigest, BlobDigest),
    /// A document is not in the store.
    #[error("the store has lost {what} {digest}")]
    MissingDocument {
        /// `manifest` or `config`.
        what: &'static str,
        /// Its digest.
        digest: BlobDigest,
    },
    /// A document in the store cannot be read.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The catalog and the manifest disagree on a layer.
    #[error("manifest {manifest} does not match the catalog: {reason}")]
    Inconsistent {
        /// The manifest.
        manifest: BlobDigest,
        /// Where they differ.
        reason: &'static str,
    },
    /// Bytes in the store are not those that were put there.
    #[error("{what} is damaged in the store: its digest is {found}, it was {expected}")]
    Damaged {
        /// What it is, with its name.
        what: String,
        /// The digest it must have.
        expected: Digest,
        /// The digest it has.
        found: Digest,
    },
    /// A file in the store is longer or shorter than it was.
    #[error("{what} is damaged in the store: it has {found} bytes, it had {expected}")]
    DamagedLength {
        /// What it is, with its name.
        what: String,
        /// Its length in bytes when it was stored.
        expected: u64,
        /// Bytes that were read, at most one more than expected.
        found: u64,
    },
    /// A layer cannot be read.
    #[error("layer {layer} cannot be read: {source}")]
    Read {
        /// The layer.
        layer: DiffId,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot {verb} {name}: {source}")]
    Write {
        /// What was being done.
        verb: &'static str,
        /// The file, or the name of an entry.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// The archive cannot be written.
    #[error("cannot write the archive")]
    Archive(#[from] WriteError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Adds what was being done, and to what, to an I/O result.
pub(super) fn doing<T>(
    result: io::Result<T>,
    verb: &'static str,
    name: impl Into<String>,
) -> Result<T, SaveError> {
    result.map_err(|source| SaveError::Write {
        verb,
        name: name.into(),
        source,
    })
}
