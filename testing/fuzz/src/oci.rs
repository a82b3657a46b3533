//! Documents of images: what is accepted has only valid digests and bounded lists.

use transom_oci::{Config, Index, Manifest};

/// Reads bytes as each kind of document.
pub fn oci_json(data: &[u8]) {
    const MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
    if let Ok(index) = Index::parse("index", data, None) {
        assert!(index.manifests.len() <= 10_000);
    }
    if let Ok(manifest) = Manifest::parse("manifest", data, Some(MEDIA_TYPE)) {
        assert!(manifest.layers.len() <= 1_000);
    }
    if let Ok(config) = Config::parse("config", data) {
        assert!(config.diff_ids.len() <= 1_000);
    }
}
