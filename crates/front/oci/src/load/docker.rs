//! The images of a docker-archive (Docker image specification v1.2, "Combined Image JSON + Filesystem
//! Changeset Format").
//!
//! It has no OCI manifest. One is made, over the plain tars, with the same bytes that Docker 25 and later
//! put beside `manifest.json`: an image keeps its digest whichever of the two is read.

use std::collections::HashMap;

use serde_json::{Value, json};
use transom_layer::{BlobDigest, DiffId, Digest};

use super::LoadError;
use super::layers::LayerKey;
use super::plan::{
    Documents, ManifestPlan, PlannedImage, PlannedLayer, check_count, missing_entry, platform_of,
};
use crate::document::{Config, MAX_LAYERS, PlatformSpec};
use crate::json::{self, Fields, JsonError};
use crate::media;
use crate::select::{self, PlatformChoice};
use crate::source::{DOCKER_FILE, Source};

/// Most images that an archive may have.
const MAX_IMAGES: usize = 1_000;
/// Most names that an image may have.
const MAX_NAMES: usize = 1_000;

/// One image in `manifest.json`.
#[derive(Debug)]
struct Item {
    config: String,
    names: Vec<String>,
    layers: Vec<String>,
}

/// What a hybrid archive says about the names of a config.
#[derive(Debug)]
pub(super) struct TaggedConfig {
    pub(super) config: BlobDigest,
    pub(super) names: Vec<String>,
}

/// Reads and checks all documents of the archive's images.
pub(super) fn plan(
    source: &Source<'_>,
    choice: Option<&PlatformChoice>,
) -> Result<Vec<PlannedImage>, LoadError> {
    let mut documents = Documents::new(source);
    let items = items(&mut documents)?;
    if items.is_empty() {
        return Err(LoadError::Empty {
            media_types: Vec::new(),
        });
    }
    // Links to one tar are one layer; so are copies of it, by what the configs say.
    let mut keys = HashMap::new();
    let images = items
        .into_iter()
        .map(|item| plan_image(&mut documents, item, choice, &mut keys));
    images.collect()
}

/// Reads which names a hybrid archive gives to which configs.
pub(super) fn tagged_configs(
    documents: &mut Documents<'_>,
) -> Result<Vec<TaggedConfig>, LoadError> {
    let items = items(documents)?.into_iter();
    let tagged = items.filter_map(|item| {
        Some(TaggedConfig {
            config: digest_in(&item.config)?,
            names: item.names,
        })
    });
    Ok(tagged.collect())
}

fn items(documents: &mut Documents<'_>) -> Result<Vec<Item>, LoadError> {
    let bytes = documents.read_named(DOCKER_FILE)?;
    let list = match json::parse(DOCKER_FILE, &bytes)? {
        Value::Array(list) if list.len() <= MAX_IMAGES => list,
        Value::Array(list) => {
            return Err(LoadError::Json(JsonError::TooMany {
                document: DOCKER_FILE.to_owned(),
                field: "(the whole)".to_owned(),
                limit: MAX_IMAGES,
                found: list.len(),
            }));
        }
        other => {
            return Err(LoadError::Json(json::wrong_type(
                DOCKER_FILE,
                String::new(),
                "a list",
                &other,
            )));
        }
    };
    let item = |(position, value): (usize, &Value)| {
        let fields = Fields::at(DOCKER_FILE, format!("[{position}]"), value)?;
        Ok(Item {
            config: fields.required_text("Config")?,
            names: fields.texts("RepoTags", MAX_NAMES)?,
            layers: fields.texts("Layers", MAX_LAYERS)?,
        })
    };
    let items = list.iter().enumerate().map(item);
    Ok(items.collect::<Result<_, JsonError>>()?)
}

fn plan_image(
    documents: &mut Documents<'_>,
    item: Item,
    choice: Option<&PlatformChoice>,
    keys: &mut HashMap<DiffId, LayerKey>,
) -> Result<PlannedImage, LoadError> {
    let bytes = documents.read_named(&item.config)?;
    let digest = BlobDigest(Digest::of(&bytes));
    if let Some(expected) = digest_in(&item.config).filter(|expected| *expected != digest) {
        return Err(LoadError::DocumentDigest {
            what: "config",
            expected,
            found: digest,
        });
    }
    let config = Config::parse(&format!("config {}", item.config), &bytes)?;
    let platform = platform_of(&config, digest, &PlatformSpec::default())?;
    let label = item.names.first().unwrap_or(&item.config);
    if choice.is_some() {
        let listed = [config.platform.clone()];
        select::choose(&listed, choice, select::host_architecture()).map_err(|source| {
            LoadError::Select {
                image: label.clone(),
                source,
            }
        })?;
    }
    check_count(label, item.layers.len(), config.diff_ids.len())?;
    let layers = item
        .layers
        .into_iter()
        .zip(config.diff_ids)
        .map(|(name, diff_id)| {
            if documents.source.find(&name)?.is_none() {
                return Err(missing_entry(&name));
            }
            Ok(PlannedLayer {
                key: keys.entry(diff_id).or_insert(LayerKey::Entry(name)).clone(),
                diff_id,
                blob_size: None,
                foreign_urls: None,
            })
        });
    Ok(PlannedImage {
        manifest: ManifestPlan::Synthetic,
        config: bytes,
        platform,
        layers: layers.collect::<Result<_, _>>()?,
        names: item.names,
        notes: Vec::new(),
    })
}

/// Reads the digest that a config's name holds: `<hex>.json`, `sha256:<hex>` or `blobs/sha256/<hex>`.
fn digest_in(name: &str) -> Option<BlobDigest> {
    let last = name.rsplit('/').next().unwrap_or(name);
    let last = last.strip_suffix(".json").unwrap_or(last);
    let hex = last.strip_prefix("sha256:").unwrap_or(last);
    Digest::from_hex(hex).ok().map(BlobDigest)
}

/// Makes the manifest of an image over its plain tars, given their lengths, and says its media type.
pub(super) fn synthesize(config: &[u8], layers: &[(DiffId, u64)]) -> (Vec<u8>, String) {
    let descriptor = |media_type: &str, digest: Digest, size: u64| json!({ "mediaType": media_type, "digest": digest.to_string(), "size": size });
    let layers: Vec<Value> = layers
        .iter()
        .map(|(diff_id, size)| descriptor(media::OCI_LAYER, diff_id.0, *size))
        .collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media::OCI_MANIFEST,
        "config": descriptor(media::OCI_CONFIG, Digest::of(config), config.len() as u64),
        "layers": layers,
    });
    (
        manifest.to_string().into_bytes(),
        media::OCI_MANIFEST.to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configs_name_may_hold_its_digest() {
        let hex = "ab".repeat(32);
        for name in [
            format!("{hex}.json"),
            format!("sha256:{hex}"),
            format!("blobs/sha256/{hex}"),
            hex.clone(),
        ] {
            assert_eq!(
                digest_in(&name).map(|digest| digest.0.hex()),
                Some(hex.clone()),
                "{name}"
            );
        }
        for name in ["config.json", "", "abcd.json"] {
            assert_eq!(digest_in(name), None, "{name}");
        }
    }

    #[test]
    fn the_synthetic_manifest_has_dockers_bytes() {
        let diff_id = DiffId(Digest::of(b"tar"));
        let (bytes, media_type) = synthesize(b"{}", &[(diff_id, 3)]);
        assert_eq!(media_type, "application/vnd.oci.image.manifest.v1+json");
        let expected = format!(
            concat!(
                r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","#,
                r#""config":{{"mediaType":"application/vnd.oci.image.config.v1+json","#,
                r#""digest":"{}","size":2}},"layers":[{{"#,
                r#""mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{}","size":3}}]}}"#
            ),
            Digest::of(b"{}"),
            diff_id
        );
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }
}
