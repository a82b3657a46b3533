//! Images in the store of a benchmark.

use std::error::Error;

use transom_layer::{BlobDigest, DiffId};
use transom_sealed::{ImageLayer, ImageRecord, NewImage, Platform, Store};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Adds an image of layers that the store has; its documents say nothing.
pub(crate) fn add_image(store: &Store, name: &str, layers: &[DiffId]) -> Result<ImageRecord> {
    let layers = layers.iter().map(|id| ImageLayer {
        diff_id: *id,
        blob: BlobDigest(*id.digest()),
    });
    let image = NewImage {
        manifest: name.as_bytes(),
        media_type: "application/vnd.oci.image.manifest.v1+json",
        config: b"{ }",
        platform: Platform {
            os: "windows".to_owned(),
            architecture: "amd64".to_owned(),
            os_version: String::new(),
        },
        layers: layers.collect(),
        names: vec![name.to_owned()],
        whiteouts: None,
        strict: false,
    };
    Ok(store.session()?.add_image(image)?.record)
}
