//! The files of an OCI layout.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use transom_layer::{BlobDigest, Digest};
use transom_sealed::ImageRecord;

use super::error::SaveError;
use super::files::{Files, Layer};
use super::{Recompressed, SaveImage, SavedImage};
use crate::document::{Config, Manifest};
use crate::json;
use crate::load::{CONTAINERD_NAME, REF_NAME};
use crate::media;
use crate::reference::long_form;
use crate::source::{INDEX_FILE, LAYOUT_FILE, blob_name};

/// Lists the files of a layout that holds `images`.
pub(super) fn collect(
    files: &mut Files<'_>,
    images: &[SaveImage<'_>],
) -> Result<Vec<SavedImage>, SaveError> {
    check_names(images)?;
    for folder in ["blobs", "blobs/sha256"] {
        files.add_folder(folder.to_owned());
    }
    let mut entries = Vec::new();
    let mut saved = Vec::new();
    for image in images {
        let (manifest, one) = collect_image(files, image)?;
        entries.extend(index_entries(files, image, &manifest)?);
        files.add_bytes(blob_name(digest_of(&manifest)), manifest);
        saved.push(one);
    }
    let index = json!({
        "schemaVersion": 2,
        "mediaType": media::OCI_INDEX,
        "manifests": entries,
    });
    files.add_bytes(INDEX_FILE.to_owned(), index.to_string().into_bytes());
    files.add_bytes(
        LAYOUT_FILE.to_owned(),
        br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec(),
    );
    Ok(saved)
}

/// Images in a layout are told apart by their names alone.
fn check_names(images: &[SaveImage<'_>]) -> Result<(), SaveError> {
    let mut seen: HashMap<&str, BlobDigest> = HashMap::new();
    for image in images {
        let unnamed = image.names.is_empty().then_some("");
        for name in image.names.iter().map(String::as_str).chain(unnamed) {
            let manifest = image.record.manifest;
            match seen.insert(name, manifest) {
                Some(other) if other != manifest && name.is_empty() => {
                    return Err(SaveError::Unnamed(other, manifest));
                }
                Some(other) if other != manifest => {
                    return Err(SaveError::DuplicateName(name.to_owned()));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Adds the image's config and layers, and returns the manifest to write.
fn collect_image(
    files: &mut Files<'_>,
    image: &SaveImage<'_>,
) -> Result<(Vec<u8>, SavedImage), SaveError> {
    let parts = parts(files, image.record, Foreign::AsTheyAre)?;
    files.add_bytes(blob_name(image.record.config), parts.config);
    for layer in parts.layers.into_iter().filter_map(|part| part.layer) {
        files.add_layer(blob_name(BlobDigest(layer.digest)), layer);
    }
    Ok((parts.manifest, parts.saved))
}

/// What becomes of layers that are not distributed with the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign {
    /// They are written like the others and stay what they are called.
    AsTheyAre,
    /// They are left out.
    LeftOut,
    /// They become ordinary layers; the manifest changes.
    Ordinary,
}

/// What an image is written as.
pub(super) struct Parts {
    pub(super) manifest: Vec<u8>,
    pub(super) config: Vec<u8>,
    pub(super) layers: Vec<Part>,
    pub(super) saved: SavedImage,
}

/// One layer of an image, and its bytes unless they are left out.
pub(super) struct Part {
    pub(super) blob: BlobDigest,
    pub(super) layer: Option<Layer>,
}

/// Finds or makes the blobs of an image, and its manifest with them.
pub(super) fn parts(
    files: &mut Files<'_>,
    record: &ImageRecord,
    foreign: Foreign,
) -> Result<Parts, SaveError> {
    let inconsistent = |reason| SaveError::Inconsistent {
        manifest: record.manifest,
        reason,
    };
    let bytes = files.document("manifest", record.manifest)?;
    let manifest = Manifest::parse(&format!("manifest {}", record.manifest), &bytes, None)?;
    if manifest.config.digest != record.config {
        return Err(inconsistent("they name different configs"));
    }
    if manifest.layers.len() != record.layers.len() {
        return Err(inconsistent("they have different numbers of layers"));
    }

    let mut replaced = HashMap::new();
    let mut recompressed = Vec::new();
    let mut layers = Vec::new();
    for (position, (named, layer)) in manifest.layers.iter().zip(&record.layers).enumerate() {
        if named.digest != layer.blob {
            return Err(inconsistent("they name different layers"));
        }
        let is_foreign = media::is_foreign(&named.media_type) || !named.urls.is_empty();
        if is_foreign && foreign == Foreign::LeftOut {
            layers.push(Part {
                blob: layer.blob,
                layer: None,
            });
            continue;
        }
        let found = match files.blob(layer.diff_id, layer.blob)? {
            Some(kept) => kept,
            None => files.compress(layer.diff_id)?,
        };
        let blob = BlobDigest(found.digest);
        if blob != layer.blob {
            let media_type = media::as_gzip(&named.media_type).to_owned();
            replaced.insert(position, (media_type, blob, found.size));
            recompressed.push(Recompressed {
                diff_id: layer.diff_id,
                before: layer.blob,
                after: blob,
                size: found.size,
            });
        } else if found.size != named.size {
            return Err(inconsistent("they give a layer different lengths"));
        } else if is_foreign && foreign == Foreign::Ordinary {
            let media_type = media::as_ordinary(&named.media_type);
            replaced.insert(position, (media_type, blob, found.size));
        }
        layers.push(Part {
            blob,
            layer: Some(found),
        });
    }
    let bytes = if replaced.is_empty() {
        bytes
    } else {
        rewrite(&bytes, &replaced)?
    };
    Ok(Parts {
        config: files.document("config", record.config)?,
        layers,
        saved: SavedImage {
            original: record.manifest,
            manifest: Some(digest_of(&bytes)),
            recompressed,
        },
        manifest: bytes,
    })
}

fn digest_of(bytes: &[u8]) -> BlobDigest {
    BlobDigest(Digest::of(bytes))
}

/// Makes the manifest with other blobs for some layers. All else keeps its value and place.
fn rewrite(
    bytes: &[u8],
    replaced: &HashMap<usize, (String, BlobDigest, u64)>,
) -> Result<Vec<u8>, SaveError> {
    let mut value = json::parse("the manifest", bytes)?;
    let layers = value.as_object_mut().and_then(|map| {
        let key = json::key_of(map, "layers")?.clone();
        map.get_mut(&key)?.as_array_mut()
    });
    for (position, layer) in layers.into_iter().flatten().enumerate() {
        let Some((media_type, digest, size)) = replaced.get(&position) else {
            continue;
        };
        // Made from scratch: what else the old descriptor says (urls, embedded data) is true of the
        // old blob only.
        let mut descriptor = Map::new();
        descriptor.insert("mediaType".to_owned(), media_type.as_str().into());
        descriptor.insert("digest".to_owned(), digest.to_string().into());
        descriptor.insert("size".to_owned(), (*size).into());
        if let Some(annotations) = layer
            .as_object()
            .and_then(|map| json::find(map, "annotations"))
        {
            descriptor.insert("annotations".to_owned(), annotations.clone());
        }
        *layer = Value::Object(descriptor);
    }
    Ok(value.to_string().into_bytes())
}

/// Makes the entry of an index that says what the image is and what it is for.
pub(super) fn index_entry(
    record: &ImageRecord,
    config: &[u8],
    manifest: &[u8],
) -> Result<Value, SaveError> {
    let config = Config::parse(&format!("config {}", record.config), config)?;
    let mut platform = Map::new();
    for (key, text) in [
        ("architecture", &record.platform.architecture),
        ("os", &record.platform.os),
        ("os.version", &record.platform.os_version),
        ("variant", &config.platform.variant),
    ] {
        if !text.is_empty() {
            platform.insert(key.to_owned(), text.as_str().into());
        }
    }
    Ok(json!({
        "mediaType": record.media_type,
        "digest": digest_of(manifest).to_string(),
        "size": manifest.len(),
        "platform": platform,
    }))
}

/// Makes the entries of the index: one for each name.
fn index_entries(
    files: &Files<'_>,
    image: &SaveImage<'_>,
    manifest: &[u8],
) -> Result<Vec<Value>, SaveError> {
    let config = files.document("config", image.record.config)?;
    let entry = index_entry(image.record, &config, manifest)?;
    if image.names.is_empty() {
        return Ok(vec![entry]);
    }
    let named = image.names.iter().map(|name| {
        let mut entry = entry.clone();
        let mut annotations = Map::new();
        if let Some(long) = long_form(name) {
            annotations.insert(CONTAINERD_NAME.to_owned(), long.into());
        }
        annotations.insert(REF_NAME.to_owned(), name.as_str().into());
        if let Some(map) = entry.as_object_mut() {
            map.insert("annotations".to_owned(), annotations.into());
        }
        entry
    });
    Ok(named.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rewritten_manifest_keeps_all_but_the_new_layer() {
        let old = format!("sha256:{}", "a".repeat(64));
        let new: BlobDigest = format!("sha256:{}", "b".repeat(64)).parse().unwrap();
        let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
        let text = format!(
            concat!(
                r#"{{"schemaVersion":2,"x":1,"config":{{"digest":"{old}","size":1}},"LAYERS":["#,
                r#"{{"mediaType":"{foreign}","digest":"{old}","size":5,"urls":["u"],"annotations":{{"k":"v"}}}},"#,
                r#"{{"mediaType":"t","digest":"{old}","size":5}}],"annotations":{{"k":"v"}}}}"#
            ),
            old = old,
            foreign = foreign
        );
        let gzip = media::as_gzip(foreign).to_owned();
        let replaced = HashMap::from([(0, (gzip, new, 7))]);
        let bytes = rewrite(text.as_bytes(), &replaced).unwrap();
        let expected = text.replacen(
            &format!(
                r#"{{"mediaType":"{foreign}","digest":"{old}","size":5,"urls":["u"],"annotations":{{"k":"v"}}}}"#
            ),
            &format!(
                r#"{{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","digest":"{new}","size":7,"annotations":{{"k":"v"}}}}"#
            ),
            1,
        );
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }
}
