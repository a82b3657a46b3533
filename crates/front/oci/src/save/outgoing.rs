//! An image on its way to somewhere that is neither a file nor a folder: a registry.

use std::fmt;
use std::fs::File;

use serde_json::json;
use transom_layer::BlobDigest;
use transom_sealed::{ImageRecord, Session, Store};

use super::SavedImage;
use super::error::SaveError;
use super::files::{Files, Layer};
use super::oci::{self, Foreign, Parts};
use crate::media;
use crate::progress::Progress;

/// An image as it is sent: documents and layers, the layers with the bytes they came with where the
/// store has kept them. Scratch files for the others last as long as the session.
pub struct Outgoing<'a> {
    files: Files<'a>,
    parts: Parts,
    media_type: String,
    config: BlobDigest,
    entry: serde_json::Value,
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("saved", &self.parts.saved)
            .finish_non_exhaustive()
    }
}

/// A layer of an [`Outgoing`] image.
#[derive(Debug, Clone, Copy)]
pub struct OutgoingLayer<'a> {
    /// The blob that the manifest names.
    pub blob: BlobDigest,
    /// Its length in bytes; `None` for a layer that is not distributed with the image, and is left out.
    pub size: Option<u64>,
    layer: Option<&'a Layer>,
}

impl<'a> Outgoing<'a> {
    /// Finds or makes all that is to be sent. With `push_foreign`, layers that are not distributed with
    /// the image become ordinary ones, and the manifest another; else they are left out.
    ///
    /// # Errors
    /// [`SaveError`] if a document or layer cannot be read.
    pub fn prepare(
        store: &'a Store,
        session: &'a Session<'a>,
        record: &ImageRecord,
        push_foreign: bool,
        progress: &'a dyn Progress,
    ) -> Result<Self, SaveError> {
        let foreign = if push_foreign {
            Foreign::Ordinary
        } else {
            Foreign::LeftOut
        };
        let mut files = Files::new(store, session, progress);
        let parts = oci::parts(&mut files, record, foreign)?;
        let entry = oci::index_entry(record, &parts.config, &parts.manifest)?;
        Ok(Self {
            files,
            parts,
            media_type: record.media_type.clone(),
            config: record.config,
            entry,
        })
    }

    /// What became of the image.
    pub fn saved(&self) -> &SavedImage {
        &self.parts.saved
    }

    /// The manifest's bytes.
    pub fn manifest(&self) -> &[u8] {
        &self.parts.manifest
    }

    /// The manifest's media type.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// The config's digest and bytes.
    pub fn config(&self) -> (BlobDigest, &[u8]) {
        (self.config, &self.parts.config)
    }

    /// The layers, base first.
    pub fn layers(&self) -> impl Iterator<Item = OutgoingLayer<'_>> {
        self.parts.layers.iter().map(|part| OutgoingLayer {
            blob: part.blob,
            size: part.layer.as_ref().map(|layer| layer.size),
            layer: part.layer.as_ref(),
        })
    }

    /// Opens a layer's bytes; `None` for one that is left out. They are not checked against the digest.
    ///
    /// # Errors
    /// [`SaveError`] if it cannot be opened.
    pub fn open(&self, layer: &OutgoingLayer<'_>) -> Result<Option<File>, SaveError> {
        layer.layer.map(|layer| self.files.open(layer)).transpose()
    }
}

/// Makes an index of several images, and says its media type: Docker's list if all of them are Docker's.
pub fn index_of(images: &[Outgoing<'_>]) -> (Vec<u8>, &'static str) {
    let media_type = media::index_for(images.iter().map(Outgoing::media_type));
    let entries: Vec<_> = images.iter().map(|image| &image.entry).collect();
    let index = json!({
        "schemaVersion": 2,
        "mediaType": media_type,
        "manifests": entries,
    });
    (index.to_string().into_bytes(), media_type)
}
