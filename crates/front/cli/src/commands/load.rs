//! `transom load`

use std::io::Write;

use anyhow::Result;
use serde_json::json;
use transom_oci::{LoadOptions, Loaded, load};
use transom_sealed::Store;

use super::images::display_name;
use crate::args::{Global, Load};
use crate::{output, progress, show};

pub(super) fn run(store: &Store, global: &Global, args: &Load) -> Result<()> {
    let options = LoadOptions {
        names: args.name.clone(),
        platform: args.platform.clone(),
        every_platform: false,
        keep_blobs: !args.drop_compressed,
        whiteouts: args.whiteouts.rule(),
        strict: args.strict,
        jobs: args.jobs,
    };
    let progress = progress::to_stderr(global.quiet);
    let images = load(store, &args.path, &options, progress.as_ref())?;
    drop(progress);
    for note in images.iter().flat_map(|image| &image.notes) {
        crate::progress::note(global.quiet, note);
    }
    if global.json {
        return output::json(&images.iter().map(as_json).collect());
    }
    let mut out = output::stdout();
    for image in &images {
        writeln!(out, "loaded {}", summary(image))?;
    }
    Ok(())
}

/// One line about an image that is in the store now.
pub(super) fn summary(image: &Loaded) -> String {
    let new = image.layers.iter().filter(|layer| !layer.already_there);
    let size = image.layers.iter().map(|layer| layer.size).sum();
    format!(
        "{} ({}): {}, {} of them new, {}",
        display_name(&image.record),
        image.record.manifest,
        show::count(image.layers.len() as u64, "layer"),
        new.count(),
        show::size(size),
    )
}

/// All that a program may want to know about it.
pub(super) fn as_json(image: &Loaded) -> serde_json::Value {
    let layers: Vec<_> = image
        .layers
        .iter()
        .map(|layer| {
            json!({
                "diff_id": layer.diff_id.to_string(),
                "size": layer.size,
                "blob_size": layer.blob_size,
                "already_there": layer.already_there,
            })
        })
        .collect();
    json!({
        "names": image.record.names,
        "manifest": image.record.manifest.to_string(),
        "config": image.record.config.to_string(),
        "layers": layers,
        "notes": image.notes,
    })
}
