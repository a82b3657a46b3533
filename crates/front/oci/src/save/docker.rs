//! The files of a docker-archive: `manifest.json`, configs, and the layers' plain tars.

use serde_json::{Value, json};
use transom_layer::BlobDigest;

use super::error::SaveError;
use super::files::Files;
use super::{SaveImage, SavedImage};
use crate::reference::{ReferenceError, long_form, tag_of};
use crate::source::DOCKER_FILE;

/// One image of the archive; images with the same config are one image to Docker.
struct Item {
    config: BlobDigest,
    names: Vec<String>,
    layers: Vec<String>,
}

/// Lists the files of an archive that holds `images`.
pub(super) fn collect(
    files: &mut Files<'_>,
    images: &[SaveImage<'_>],
) -> Result<Vec<SavedImage>, SaveError> {
    let mut items: Vec<Item> = Vec::new();
    for image in images {
        let record = image.record;
        let names = image
            .names
            .iter()
            .map(|name| tagged(name))
            .collect::<Result<Vec<_>, _>>()?;
        for name in &names {
            let is_taken = |item: &Item| item.config != record.config && item.names.contains(name);
            if items.iter().any(is_taken) {
                return Err(SaveError::DuplicateName(name.clone()));
            }
        }
        if let Some(item) = items.iter_mut().find(|item| item.config == record.config) {
            item.names.extend(names);
            item.names.sort();
            item.names.dedup();
            continue;
        }
        files.add_bytes(
            config_name(record.config),
            files.document("config", record.config)?,
        );
        let mut layers = Vec::new();
        for layer in &record.layers {
            let folder = layer.diff_id.0.hex();
            let name = format!("{folder}/layer.tar");
            files.add_layer(name.clone(), files.tar(layer.diff_id)?);
            files.add_folder(folder);
            layers.push(name);
        }
        items.push(Item {
            config: record.config,
            names,
            layers,
        });
    }
    let list: Vec<Value> = items
        .iter()
        .map(|item| {
            json!({
                "Config": config_name(item.config),
                // Docker writes null for an image without a name.
                "RepoTags": (!item.names.is_empty()).then_some(&item.names),
                "Layers": item.layers,
            })
        })
        .collect();
    files.add_bytes(
        DOCKER_FILE.to_owned(),
        Value::Array(list).to_string().into_bytes(),
    );
    let saved = images.iter().map(|image| SavedImage {
        original: image.record.manifest,
        manifest: None,
        recompressed: Vec::new(),
    });
    Ok(saved.collect())
}

fn config_name(config: BlobDigest) -> String {
    format!("{}.json", config.0.hex())
}

/// Docker takes only names with a tag, and refuses the whole archive for one that is no name.
fn tagged(name: &str) -> Result<String, ReferenceError> {
    match (long_form(name), tag_of(name)) {
        (None, _) => Err(ReferenceError::BadName(
            name.to_owned(),
            "Docker would refuse it",
        )),
        (Some(_), Some(_)) => Ok(name.to_owned()),
        (Some(_), None) => Ok(format!("{name}:latest")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_a_tag_and_bad_ones_are_refused() {
        assert_eq!(tagged("v1"), Ok("v1:latest".to_owned()));
        assert_eq!(tagged("h:5000/a"), Ok("h:5000/a:latest".to_owned()));
        assert_eq!(tagged("a:1"), Ok("a:1".to_owned()));
        assert!(tagged("No Name").is_err());
    }
}
