//! What is known of the images in a source once all their documents are checked.

use transom_layer::{BlobDigest, DiffId};
use transom_sealed::Platform;

use super::LoadError;
use super::layers::LayerKey;
use crate::document::{Config, Descriptor, PlatformSpec};
use crate::source::{self, Source, SourceError};

/// Most bytes of documents that one source may have: 60 of the largest allowed.
const MAX_DOCUMENTS: u64 = 256 << 20;

/// An image to load.
#[derive(Debug)]
pub(super) struct PlannedImage {
    pub(super) manifest: ManifestPlan,
    pub(super) config: Vec<u8>,
    pub(super) platform: Platform,
    pub(super) layers: Vec<PlannedLayer>,
    pub(super) names: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// Where the manifest comes from.
#[derive(Debug)]
pub(super) enum ManifestPlan {
    /// From the source, byte for byte.
    Given { bytes: Vec<u8>, media_type: String },
    /// It will be made when the sizes of the layers' tars are known.
    Synthetic,
}

/// A layer to load.
#[derive(Debug, Clone)]
pub(super) struct PlannedLayer {
    pub(super) key: LayerKey,
    pub(super) diff_id: DiffId,
    /// The blob's length as its descriptor says.
    pub(super) blob_size: Option<u64>,
    /// The blob need not be in the source: these say where it may be had.
    pub(super) foreign_urls: Option<Vec<String>>,
}

impl PlannedLayer {
    /// The descriptor of a layer that is this blob.
    pub(super) fn descriptor(&self, digest: BlobDigest) -> Descriptor {
        Descriptor {
            media_type: String::new(),
            digest,
            size: self.blob_size.unwrap_or_default(),
            urls: self.foreign_urls.clone().unwrap_or_default(),
            annotations: Vec::new(),
            platform: None,
        }
    }
}

/// Reads documents of a source, but not without end.
#[derive(Debug)]
pub(super) struct Documents<'a> {
    pub(super) source: &'a Source<'a>,
    left: u64,
}

impl<'a> Documents<'a> {
    pub(super) fn new(source: &'a Source<'a>) -> Self {
        Self {
            source,
            left: MAX_DOCUMENTS,
        }
    }

    /// Counts what was read.
    pub(super) fn count(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>, LoadError> {
        let limit = MAX_DOCUMENTS;
        self.left = self
            .left
            .checked_sub(bytes.len() as u64)
            .ok_or(LoadError::TooManyDocuments { limit })?;
        Ok(bytes)
    }

    /// Reads the document that `descriptor` points to; its length and digest must be as it says.
    pub(super) fn read(
        &mut self,
        what: &'static str,
        descriptor: &Descriptor,
    ) -> Result<Vec<u8>, LoadError> {
        let digest = descriptor.digest;
        let piece = self
            .source
            .blob(descriptor)?
            .ok_or(LoadError::MissingDocument { what, digest })?;
        if piece.len() != descriptor.size {
            return Err(LoadError::DocumentSize {
                what,
                digest,
                expected: descriptor.size,
                found: piece.len(),
            });
        }
        let bytes = source::read_document(piece, &format!("{what} {digest}"))?;
        let found = BlobDigest(transom_layer::Digest::of(&bytes));
        if found != digest {
            return Err(LoadError::DocumentDigest {
                what,
                expected: digest,
                found,
            });
        }
        self.count(bytes)
    }

    /// Reads the document with this name, which must be there.
    pub(super) fn read_named(&mut self, name: &str) -> Result<Vec<u8>, LoadError> {
        let bytes = self.source.document(name)?;
        self.count(bytes)
    }
}

/// Tells the platform that the store records: the config's, and what it leaves out as it is listed.
pub(super) fn platform_of(
    config: &Config,
    digest: BlobDigest,
    listed: &PlatformSpec,
) -> Result<Platform, LoadError> {
    let or_listed = |own: &String, listed: &String| {
        if own.is_empty() {
            listed.clone()
        } else {
            own.clone()
        }
    };
    if config.platform.os.is_empty() {
        return Err(LoadError::NoOs { config: digest });
    }
    Ok(Platform {
        os: config.platform.os.clone(),
        architecture: or_listed(&config.platform.architecture, &listed.architecture),
        os_version: or_listed(&config.platform.os_version, &listed.os_version),
    })
}

/// Checks that manifest and config have the same number of layers.
pub(super) fn check_count(image: &str, layers: usize, diff_ids: usize) -> Result<(), LoadError> {
    if layers == diff_ids {
        return Ok(());
    }
    Err(LoadError::LayerCount {
        image: image.to_owned(),
        layers,
        diff_ids,
    })
}

/// Says which entry of the archive is missing.
pub(super) fn missing_entry(name: &str) -> LoadError {
    LoadError::Source(SourceError::Missing {
        name: name.to_owned(),
    })
}
