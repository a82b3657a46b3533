//! Why an import failed.

use std::io;

use transom_erofs::WriteError;
use transom_layer::{BlobDigest, DiffId};
use transom_layertar::ParseError;

use crate::catalog::CatalogError;
use crate::durable::FileError;
use crate::index::BuildError;

/// A layer that could not be imported; the store is as it was before.
#[derive(Debug, thiserror::Error)]
#[error("cannot import layer {label}")]
pub struct ImportError {
    /// How the caller named the layer.
    pub label: String,
    /// What went wrong.
    #[source]
    pub failure: ImportFailure,
}

/// The reason of an [`ImportError`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportFailure {
    /// The source failed to give its bytes.
    #[error("its bytes cannot be read: {0}")]
    Source(io::Error),
    /// The compressed stream is damaged or cut off.
    #[error("its {compression} stream is damaged or cut off: {source}")]
    Decode {
        /// How it is compressed.
        compression: &'static str,
        /// What the decoder said.
        source: io::Error,
    },
    /// The tar breaks a rule of its format, or is cut off.
    #[error("its tar is damaged: {0}")]
    Tar(#[from] ParseError),
    /// An entry cannot be part of a layer.
    #[error(transparent)]
    Entry(Box<BuildError>),
    /// The index cannot be written.
    #[error("its index cannot be written: {0}")]
    Index(#[source] WriteError),
    /// More entries than allowed.
    #[error("entry {name:?} is one too many: the limit is {limit} entries")]
    TooManyEntries {
        /// The first entry over the limit.
        name: String,
        /// The limit.
        limit: u64,
    },
    /// The tar is larger than allowed.
    #[error("its tar is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// It is compressed more than allowed.
    #[error("its tar has {bytes} bytes at least, made of {came}: more than {limit} times as many")]
    TooCompressed {
        /// Bytes of the tar that passed.
        bytes: u64,
        /// Bytes that came.
        came: u64,
        /// The limit of the ratio.
        limit: u64,
    },
    /// A path has more names than allowed.
    #[error("entry {name:?}… lies too deep: the limit is {limit} names in a path")]
    TooDeep {
        /// How it begins.
        name: String,
        /// The limit.
        limit: u64,
    },
    /// The number of bytes differs from the one announced.
    #[error("its size is {found} bytes, its descriptor says {expected}")]
    WrongSize {
        /// Bytes announced.
        expected: u64,
        /// Bytes that came.
        found: u64,
    },
    /// The bytes are not those announced.
    #[error("its digest is {found}, its descriptor says {expected}")]
    WrongBlob {
        /// Digest announced.
        expected: BlobDigest,
        /// Digest of what came.
        found: BlobDigest,
    },
    /// The tar is not the one announced.
    #[error("the digest of its tar is {found}, the image's config says {expected}")]
    WrongDiffId {
        /// Digest announced.
        expected: DiffId,
        /// Digest of what came.
        found: DiffId,
    },
    /// The store had the layer at first and lost it meanwhile.
    #[error("{0} was removed from the store meanwhile: try again")]
    Vanished(DiffId),
    /// A file of the store could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}
