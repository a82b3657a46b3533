//! From a new layer to a new image: the documents of the image it was made from, one step longer.

use serde_json::{Map, Value, json};
use transom_layer::{BlobDigest, DiffId, Digest};
use transom_ntmeta::filetime::{FileTime, UnixTime};
use transom_sealed::{
    AddImageError, AddedImage, Compression, ImageLayer, ImageRecord, ImportedLayer, NewImage,
    Platform, Session, Store, StoreError,
};

use crate::document::Config;
use crate::json::{self, JsonError};
use crate::media;

/// An image that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// A document of the image below cannot be read.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A document of the image below is not in the store.
    #[error("the store has no {0}, which the image below needs; `verify` tells more")]
    NoDocument(BlobDigest),
    /// The layers below are not those of the image that the config is of.
    #[error("the layers below are not those of the image that the layer was made from")]
    OtherLayers,
    /// The new image does not make a stack.
    #[error(transparent)]
    Image(#[from] AddImageError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How the history tells the new layer.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// When it was made.
    pub created: UnixTime,
    /// The command that made it.
    pub created_by: String,
    /// Who made it; empty if not said.
    pub author: String,
    /// A remark; empty if not said.
    pub comment: String,
}

/// What a new layer is put upon.
#[derive(Debug, Clone)]
pub struct Below {
    /// The layers, base first.
    pub layers: Vec<DiffId>,
    /// The config of the image that they are of.
    pub config: BlobDigest,
}

/// Adds an image that has one layer more. The config is that of the image below, history and layers added
/// to, everything else kept; the manifest names the new layer as it came.
///
/// # Errors
/// [`CommitError`]; no image was added then.
pub fn commit(
    store: &Store,
    session: &Session<'_>,
    below: &Below,
    layer: &ImportedLayer,
    step: &Step,
    names: Vec<String>,
) -> Result<AddedImage, CommitError> {
    let document = |digest| {
        store
            .document(digest)?
            .ok_or(CommitError::NoDocument(digest))
    };
    let config = with_layers(&document(below.config)?, &below.layers)?;
    let config = with_step(&config, layer.diff_id, step)?;
    let images = store.images()?;
    let is_below =
        |image: &&ImageRecord| image.config == below.config && image.diff_ids() == below.layers;
    let mut layers = match images.iter().find(is_below) {
        Some(image) => described_layers(&document(image.manifest)?, image)?,
        None => plain_layers(store, &below.layers)?,
    };
    let suffix = match layer.compression {
        Compression::None => "",
        Compression::Gzip => "+gzip",
        Compression::Zstd => "+zstd",
    };
    let media_type = format!("{}{suffix}", media::OCI_LAYER);
    layers.push((
        descriptor(&media_type, layer.blob, layer.blob_size),
        ImageLayer {
            diff_id: layer.diff_id,
            blob: layer.blob,
        },
    ));
    let (descriptors, layers): (Vec<Value>, Vec<ImageLayer>) = layers.into_iter().unzip();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media::OCI_MANIFEST,
        "config": {
            "mediaType": media::OCI_CONFIG,
            "digest": Digest::of(&config).to_string(),
            "size": config.len(),
        },
        "layers": descriptors,
    });
    let platform = Config::parse("the new config", &config)?.platform;
    Ok(session.add_image(NewImage {
        manifest: manifest.to_string().as_bytes(),
        media_type: media::OCI_MANIFEST,
        config: &config,
        platform: Platform {
            os: platform.os,
            architecture: platform.architecture,
            os_version: platform.os_version,
        },
        layers,
        names,
        whiteouts: None,
        strict: false,
    })?)
}

/// Adds the layers to a config that were put on its image before: a driver makes layers of layers, not of images.
fn with_layers(config: &[u8], layers: &[DiffId]) -> Result<Vec<u8>, CommitError> {
    let known = Config::parse("the config below", config)?.diff_ids;
    let Some(added) = layers.strip_prefix(known.as_slice()) else {
        return Err(CommitError::OtherLayers);
    };
    let mut config = config.to_vec();
    for diff_id in added {
        let step = Step {
            created_by: "a layer made of a layer".to_owned(),
            ..Step::default()
        };
        config = with_step(&config, *diff_id, &step)?;
    }
    Ok(config)
}

/// Adds a layer and a step to a config; all else keeps its value and place.
fn with_step(config: &[u8], diff_id: DiffId, step: &Step) -> Result<Vec<u8>, JsonError> {
    // Refuses what cannot be added to.
    Config::parse("the config below", config)?;
    let mut value = json::parse("the config below", config)?;
    let created = rfc3339(step.created);
    let mut entry = Map::new();
    for (key, text) in [
        ("created", created.as_str()),
        ("created_by", &step.created_by),
        ("author", &step.author),
        ("comment", &step.comment),
    ] {
        if !text.is_empty() {
            entry.insert(key.to_owned(), text.into());
        }
    }
    if let Value::Object(map) = &mut value {
        *field(map, "created") = created.into();
        if !step.author.is_empty() {
            *field(map, "author") = step.author.as_str().into();
        }
        push(field(map, "history"), entry.into());
        let rootfs = field(map, "rootfs");
        if !rootfs.is_object() {
            *rootfs = json!({ "type": "layers" });
        }
        if let Value::Object(rootfs) = rootfs {
            push(field(rootfs, "diff_ids"), diff_id.to_string().into());
        }
    }
    Ok(value.to_string().into_bytes())
}

/// Returns a field as readers would find it, made if it is missing.
fn field<'a>(map: &'a mut Map<String, Value>, name: &str) -> &'a mut Value {
    let key = json::key_of(map, name)
        .map_or(name, String::as_str)
        .to_owned();
    map.entry(key).or_insert(Value::Null)
}

fn push(list: &mut Value, value: Value) {
    match list {
        Value::Array(list) => list.push(value),
        other => *other = Value::Array(vec![value]),
    }
}

fn rfc3339(time: UnixTime) -> String {
    FileTime::from_unix_checked(time).map_or_else(String::new, |time| time.to_string())
}

/// The layers of an image as its manifest describes them; types of Docker's become those of the OCI that mean
/// the same, as the new manifest is an OCI one.
fn described_layers(
    manifest: &[u8],
    image: &ImageRecord,
) -> Result<Vec<(Value, ImageLayer)>, JsonError> {
    let value = json::parse("the manifest below", manifest)?;
    let described = value
        .as_object()
        .and_then(|map| json::find(map, "layers")?.as_array());
    let described = described.into_iter().flatten().cloned();
    Ok(described
        .zip(&image.layers)
        .map(|(mut descriptor, layer)| {
            if let Value::Object(map) = &mut descriptor {
                let media_type = field(map, "mediaType");
                let own = media_type.as_str().unwrap_or_default();
                *media_type = media::as_oci(own).into();
            }
            (descriptor, *layer)
        })
        .collect())
}

/// The layers of an image that is gone, as they lie in the store.
fn plain_layers(store: &Store, layers: &[DiffId]) -> Result<Vec<(Value, ImageLayer)>, StoreError> {
    let plain = |id: &DiffId| {
        let blob = BlobDigest(id.0);
        let layer = ImageLayer { diff_id: *id, blob };
        Ok((
            descriptor(media::OCI_LAYER, blob, store.layer(*id)?.size),
            layer,
        ))
    };
    layers.iter().map(plain).collect()
}

fn descriptor(media_type: &str, blob: BlobDigest, size: u64) -> Value {
    json!({
        "mediaType": media_type,
        "digest": blob.to_string(),
        "size": size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff_id() -> DiffId {
        DiffId(Digest::of(b"new"))
    }

    #[test]
    fn a_step_is_added_and_everything_else_stays_where_it_was() {
        let config = concat!(
            r#"{"os.version":"10.0.20348.1","x":[1],"rootfS":{"type":"layers","diff_ids":["#,
            r#""sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]},"os":"windows"}"#
        );
        let step = Step {
            created: UnixTime {
                seconds: 86_400,
                nanos: 0,
            },
            created_by: "made".to_owned(),
            author: String::new(),
            comment: "why".to_owned(),
        };
        let bytes = with_step(config.as_bytes(), diff_id(), &step).unwrap();
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            ["os.version", "x", "rootfS", "os", "created", "history"]
        );
        assert_eq!(value["rootfS"]["diff_ids"][1], diff_id().to_string());
        let history = &value["history"][0];
        assert_eq!(history["created_by"], "made");
        assert_eq!(history["comment"], "why");
        assert!(
            history["created"]
                .as_str()
                .unwrap()
                .starts_with("1970-01-02T00:00:00")
        );
        let read = Config::parse("c", &bytes).unwrap();
        assert_eq!(read.diff_ids.len(), 2);
        assert_eq!(read.platform.os_version, "10.0.20348.1");
    }

    #[test]
    fn layers_that_were_added_before_are_told_and_others_are_refused() {
        let first = with_step(br#"{"os":"windows"}"#, diff_id(), &Step::default()).unwrap();
        let second = DiffId(Digest::of(b"second"));
        let both = with_layers(&first, &[diff_id(), second]).unwrap();
        let read = Config::parse("c", &both).unwrap();
        assert_eq!(read.diff_ids, [diff_id(), second]);
        assert_eq!(read.history.len(), 2);
        assert_eq!(with_layers(&first, &[diff_id()]).unwrap(), first);
        let error = with_layers(&first, &[second]).unwrap_err();
        assert!(matches!(error, CommitError::OtherLayers));
    }

    #[test]
    fn a_config_without_layers_or_history_gets_both() {
        let bytes = with_step(br#"{"os":"windows"}"#, diff_id(), &Step::default()).unwrap();
        let read = Config::parse("c", &bytes).unwrap();
        assert_eq!((read.diff_ids.len(), read.history.len()), (1, 1));
        assert!(with_step(b"[]", diff_id(), &Step::default()).is_err());
    }
}
