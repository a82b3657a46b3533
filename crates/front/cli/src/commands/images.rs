//! What the store holds: `images`, `layers`, `tag`, `inspect`, `history`.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use transom_oci::Config;
use transom_sealed::{ImageRecord, LayerRecord, Store};

use crate::args::{Global, Ref, Tag};
use crate::target::Target;
use crate::{output, show};

/// An image's first name, or the start of its digest.
pub(super) fn display_name(image: &ImageRecord) -> String {
    image
        .names
        .first()
        .cloned()
        .unwrap_or_else(|| image.manifest.digest().short())
}

pub(super) fn images(store: &Store, global: &Global) -> Result<()> {
    let images = store.images()?;
    let layers = store.layers()?;
    if global.json {
        return output::json(
            &images
                .iter()
                .map(|image| image_json(image, &layers))
                .collect(),
        );
    }
    let rows: Vec<Vec<String>> = images
        .iter()
        .flat_map(|image| {
            let names = match image.names.as_slice() {
                [] => vec!["<none>".to_owned()],
                names => names.to_vec(),
            };
            let layers = &layers;
            names.into_iter().map(move |name| {
                vec![
                    name,
                    image.manifest.digest().short(),
                    platform(image),
                    image.layers.len().to_string(),
                    show::size(size_of(image, layers)),
                ]
            })
        })
        .collect();
    output::table(
        &["NAME", "DIGEST", "PLATFORM", "LAYERS", "SIZE"],
        &[3, 4],
        &rows,
    )
}

fn platform(image: &ImageRecord) -> String {
    let platform = &image.platform;
    let version = if platform.os_version.is_empty() {
        ""
    } else {
        ":"
    };
    format!(
        "{}/{}{version}{}",
        platform.os, platform.architecture, platform.os_version
    )
}

fn size_of(image: &ImageRecord, layers: &[LayerRecord]) -> u64 {
    let size = |id| {
        layers
            .iter()
            .find(|layer| layer.diff_id == id)
            .map_or(0, |layer| layer.size)
    };
    image.layers.iter().map(|layer| size(layer.diff_id)).sum()
}

fn image_json(image: &ImageRecord, layers: &[LayerRecord]) -> Value {
    json!({
        "names": image.names,
        "manifest": image.manifest.to_string(),
        "config": image.config.to_string(),
        "media_type": image.media_type,
        "os": image.platform.os,
        "architecture": image.platform.architecture,
        "os_version": image.platform.os_version,
        "size": size_of(image, layers),
        "created": image.created,
        "layers": image.layers.iter().map(|layer| json!({
            "diff_id": layer.diff_id.to_string(),
            "blob": layer.blob.to_string(),
        })).collect::<Vec<_>>(),
    })
}

pub(super) fn layers(store: &Store, global: &Global) -> Result<()> {
    let (layers, images) = (store.layers()?, store.images()?);
    let snapshots = store.snapshots_of_layers()?;
    let snapshots_of = |layer: &LayerRecord| snapshots.get(&layer.diff_id).cloned();
    let images_of = |layer: &LayerRecord| {
        let has = |image: &&ImageRecord| image.layers.iter().any(|l| l.diff_id == layer.diff_id);
        images
            .iter()
            .filter(has)
            .map(display_name)
            .collect::<Vec<_>>()
    };
    if global.json {
        let value = layers.iter().map(|layer| {
            json!({
                "diff_id": layer.diff_id.to_string(),
                "size": layer.size,
                "index_size": layer.index_size,
                "entries": layer.entries,
                "whiteouts": layer.whiteouts,
                "dialect": layer.dialect.as_str(),
                "created": layer.created,
                "images": images_of(layer),
                "snapshots": snapshots_of(layer).unwrap_or_default(),
                "damaged": store.is_set_aside(layer.diff_id),
            })
        });
        return output::json(&value.collect());
    }
    let rows: Vec<Vec<String>> = layers
        .iter()
        .map(|layer| {
            vec![
                layer.diff_id.digest().short(),
                layer.entries.to_string(),
                show::size(layer.size),
                show::size(layer.index_size),
                layer.dialect.as_str().to_owned(),
                state_of(store, layer),
                match images_of(layer) {
                    images if images.is_empty() => of_snapshots(snapshots_of(layer).as_deref()),
                    images => images.join(", "),
                },
            ]
        })
        .collect();
    let header = [
        "LAYER",
        "ENTRIES",
        "SIZE",
        "INDEX",
        "WRITTEN BY",
        "STATE",
        "USED BY",
    ];
    output::table(&header, &[1, 2, 3], &rows)
}

/// Says whether the files of a layer are there.
fn state_of(store: &Store, layer: &LayerRecord) -> String {
    match store.is_set_aside(layer.diff_id) {
        true => "damaged".to_owned(),
        false => "whole".to_owned(),
    }
}

/// Names the snapshots that need a layer, the first of them by its key.
fn of_snapshots(keys: Option<&[String]>) -> String {
    match keys {
        None | Some([]) => String::new(),
        Some([key]) => format!("snapshot {}", show::text(key.as_bytes())),
        Some([key, others @ ..]) => {
            let key = show::text(key.as_bytes());
            format!("snapshot {key} and {} more", others.len())
        }
    }
}

pub(super) fn tag(store: &Store, args: &Tag) -> Result<()> {
    let image = Target::image(store, &args.reference)?;
    Ok(store.name_image(image.manifest, &transom_oci::new_name(&args.name)?)?)
}

/// An image with the documents it came with. JSON in any case: they are.
pub(super) fn inspect(store: &Store, args: &Ref) -> Result<()> {
    let image = Target::image(store, &args.reference)?;
    let layers = store.layers()?;
    let mut value = image_json(&image, &layers);
    for (layer, shown) in image
        .layers
        .iter()
        .zip(value["layers"].as_array_mut().into_iter().flatten())
    {
        if let Some(record) = layers.iter().find(|record| record.diff_id == layer.diff_id) {
            shown["size"] = json!(record.size);
            shown["entries"] = json!(record.entries);
            shown["whiteouts"] = json!(record.whiteouts);
            shown["dialect"] = json!(record.dialect.as_str());
            shown["damaged"] = json!(store.is_set_aside(record.diff_id));
        }
    }
    for (key, digest) in [
        ("manifest_document", image.manifest),
        ("config_document", image.config),
    ] {
        let bytes = store
            .document(digest)?
            .context("a document of the image is missing")?;
        value[key] =
            serde_json::from_slice(&bytes).with_context(|| format!("{digest} is no JSON"))?;
    }
    output::json(&value)
}

pub(super) fn history(store: &Store, global: &Global, args: &Ref) -> Result<()> {
    let image = Target::image(store, &args.reference)?;
    let bytes = store
        .document(image.config)?
        .context("the image's config is missing")?;
    let config = Config::parse("the image's config", &bytes)?;
    let mut layers = image.layers.iter();
    let mut steps = Vec::new();
    for step in &config.history {
        let layer = if step.empty_layer {
            None
        } else {
            layers.next()
        };
        let size = match layer {
            Some(layer) => store.layer(layer.diff_id)?.size,
            None => 0,
        };
        steps.push((step, layer, size));
    }
    if global.json {
        let value = steps.iter().map(|(step, layer, size)| {
            json!({
                "created": step.created,
                "created_by": step.created_by,
                "comment": step.comment,
                "diff_id": layer.map(|layer| layer.diff_id.to_string()),
                "size": size,
            })
        });
        return output::json(&value.collect());
    }
    let rows: Vec<Vec<String>> = steps
        .iter()
        .rev()
        .map(|(step, layer, size)| {
            vec![
                layer.map_or_else(|| "-".to_owned(), |layer| layer.diff_id.digest().short()),
                show::text(step.created.as_bytes()),
                show::size(*size),
                show::text(step.created_by.as_bytes()),
                show::text(step.comment.as_bytes()),
            ]
        })
        .collect();
    output::table(
        &["LAYER", "CREATED", "SIZE", "CREATED BY", "COMMENT"],
        &[2],
        &rows,
    )
}
