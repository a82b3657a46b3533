//! Why a load failed.

use transom_layer::{BlobDigest, DiffId};
use transom_sealed::{AddImageError, ImportError, StoreError};

use crate::json::JsonError;
use crate::reference::ReferenceError;
use crate::select::SelectError;
use crate::source::SourceError;

/// Why nothing, or not everything, was loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The source cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A document is refused.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A name is refused.
    #[error(transparent)]
    Name(#[from] ReferenceError),
    /// Names were given for a source with several images.
    #[error("the source holds {images} images: names can be given to one image only")]
    NamesForSeveral {
        /// How many there are.
        images: usize,
    },
    /// The source lists no image.
    #[error("the source lists no image{}", passed_over(.media_types))]
    Empty {
        /// Media types of what it lists instead.
        media_types: Vec<String>,
    },
    /// No image of a list was chosen.
    #[error("image {image:?}: {source}")]
    Select {
        /// The image's name, or where it is listed.
        image: String,
        /// Why none was chosen.
        source: SelectError,
    },
    /// The list names the image wanted, but the source does not hold it.
    #[error(
        "the image for {platform} is listed, but its manifest {digest} is not in the source: \
         export it again with that platform"
    )]
    NotExported {
        /// The platform chosen.
        platform: String,
        /// Its manifest.
        digest: BlobDigest,
    },
    /// Indexes within indexes, deeper than any real one.
    #[error("index {digest} is nested more than {limit} levels deep")]
    TooDeep {
        /// The index below the limit.
        digest: BlobDigest,
        /// The limit.
        limit: usize,
    },
    /// The documents together are longer than any real image's.
    #[error("the source's documents are longer than {limit} bytes together")]
    TooManyDocuments {
        /// The limit in bytes.
        limit: u64,
    },
    /// A document is not in the source.
    #[error("{what} {digest} is not in the source")]
    MissingDocument {
        /// `index`, `manifest` or `config`.
        what: &'static str,
        /// Its digest.
        digest: BlobDigest,
    },
    /// A document has another length than its descriptor says.
    #[error("{what} {digest} is {found} bytes long, its descriptor says {expected}")]
    DocumentSize {
        /// `index`, `manifest` or `config`.
        what: &'static str,
        /// Its digest.
        digest: BlobDigest,
        /// The length its descriptor says.
        expected: u64,
        /// Its length.
        found: u64,
    },
    /// A document is not the one named.
    #[error("{what} {expected} has the digest {found}: it is damaged or was changed")]
    DocumentDigest {
        /// `index`, `manifest` or `config`.
        what: &'static str,
        /// The digest by which it is named.
        expected: BlobDigest,
        /// The digest it has.
        found: BlobDigest,
    },
    /// The manifest is one of something other than a container image.
    #[error("manifest {manifest} describes no container image: its config is {media_type:?}")]
    NotAnImage {
        /// The manifest.
        manifest: BlobDigest,
        /// Media type of the config.
        media_type: String,
    },
    /// The config does not say which operating system the image is for.
    #[error("config {config} names no operating system")]
    NoOs {
        /// The config.
        config: BlobDigest,
    },
    /// The list and the config disagree on the operating system.
    #[error("manifest {manifest} is listed for {listed:?}, its config says {found:?}")]
    OsConflict {
        /// The manifest.
        manifest: BlobDigest,
        /// The operating system in the list.
        listed: String,
        /// The one in the config.
        found: String,
    },
    /// A layer is of a type that cannot be loaded.
    #[error("layer {digest} is of type {media_type:?}, which cannot be loaded{}", encrypted(.media_type))]
    LayerType {
        /// The layer.
        digest: BlobDigest,
        /// Its media type.
        media_type: String,
    },
    /// Manifest and config disagree on the number of layers.
    #[error("the manifest of {image:?} has {layers} layers, its config {diff_ids}")]
    LayerCount {
        /// The image's name, or where it is listed.
        image: String,
        /// How many the manifest has.
        layers: usize,
        /// How many the config has.
        diff_ids: usize,
    },
    /// A layer's blob has another length than its descriptor says.
    #[error("layer {digest} is {found} bytes long, its descriptor says {expected}")]
    LayerSize {
        /// The layer.
        digest: BlobDigest,
        /// The length its descriptor says.
        expected: u64,
        /// The length it has.
        found: u64,
    },
    /// The same blob is said to inflate to two different tars.
    #[error("layer {blob} inflates to {expected} and cannot be {found}, too")]
    LayerConflict {
        /// The blob.
        blob: BlobDigest,
        /// The tar it inflates to.
        expected: DiffId,
        /// The tar that a config wants it to be.
        found: DiffId,
    },
    /// A layer is not in the source.
    #[error("layer {name:?} is not in the source, and the store has not seen it")]
    MissingLayer {
        /// Its digest, or its name in the archive.
        name: String,
    },
    /// A non-distributable layer is not in the source.
    #[error(
        "layer {digest} ({size} bytes) is not distributed with the image, and the store has not seen it: \
         download it from {} into blobs/sha256/{} of the layout, or load an image that brings it along",
        sources(.urls), .digest.0.hex()
    )]
    ForeignLayer {
        /// The layer.
        digest: BlobDigest,
        /// Its length in bytes.
        size: u64,
        /// Where it may be had.
        urls: Vec<String>,
    },
    /// A layer cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The image cannot be added.
    #[error(transparent)]
    AddImage(#[from] AddImageError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a source says may hold anything, so it is escaped before it is shown.
fn quoted(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| format!("{text:?}")).collect()
}

fn passed_over(media_types: &[String]) -> String {
    match media_types {
        [] => String::new(),
        types => format!(", only {}", quoted(types).join(", ")),
    }
}

fn sources(urls: &[String]) -> String {
    match urls {
        [] => "where its publisher offers it".to_owned(),
        urls => quoted(urls).join(" or "),
    }
}

fn encrypted(media_type: &str) -> &'static str {
    if media_type.ends_with("+encrypted") {
        ": it is encrypted"
    } else {
        ""
    }
}
