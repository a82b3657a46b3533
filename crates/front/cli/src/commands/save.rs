//! `transom save`

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use serde_json::json;
use transom_oci::{Format, SaveImage, SaveReport, SavedImage, save, save_to};
use transom_sealed::{ImageRecord, Store};

use crate::args::{self, Global, Save};
use crate::target::Target;
use crate::{output, progress, show};

pub(super) fn run(store: &Store, global: &Global, args: &Save) -> Result<()> {
    let records = args
        .references
        .iter()
        .map(|reference| Ok((Target::image(store, reference)?, reference)))
        .collect::<Result<Vec<(ImageRecord, &String)>>>()?;
    let images: Vec<SaveImage<'_>> = records
        .iter()
        .map(|(record, reference)| SaveImage {
            record,
            names: names(record, reference),
        })
        .collect();
    let format = match args.format {
        args::Format::Oci => Format::OciArchive,
        args::Format::OciDir => Format::OciDir,
        args::Format::DockerArchive => Format::DockerArchive,
    };
    let progress = progress::to_stderr(global.quiet);
    if args.output == Path::new("-") {
        let mut out = output::stdout();
        let report = save_to(store, &images, &mut out, format, progress.as_ref())?;
        out.flush()?;
        note_recompressed(global, &report.images);
        return Ok(());
    }
    let report = save(store, &images, &args.output, format, progress.as_ref())?;
    drop(progress);
    note_recompressed(global, &report.images);
    if global.json {
        return output::json(&as_json(&report));
    }
    let mut out = output::stdout();
    let size = show::size(report.bytes);
    let images = show::count(report.images.len() as u64, "image");
    writeln!(out, "saved {images}, {size}, to {}", args.output.display())?;
    for image in &report.images {
        match image.manifest {
            Some(manifest) if manifest == image.original => {
                writeln!(out, "{manifest}: every digest unchanged")?;
            }
            Some(manifest) => writeln!(out, "{manifest}: layers unchanged, compressed anew")?,
            None => writeln!(out, "{}: layers and config unchanged", image.original)?,
        }
    }
    Ok(())
}

/// A name that was asked for is the one written; an image asked for by digest has all its names.
fn names(record: &ImageRecord, reference: &str) -> Vec<String> {
    match record.names.iter().find(|name| *name == reference) {
        Some(name) => vec![name.clone()],
        None => record.names.clone(),
    }
}

/// Tells which layers have new blobs.
pub(super) fn note_recompressed(global: &Global, images: &[SavedImage]) {
    for layer in images.iter().flat_map(|image| &image.recompressed) {
        let note = format!(
            "the compressed form of layer {} was not kept: {} is written instead of {}",
            layer.diff_id, layer.after, layer.before
        );
        progress::note(global.quiet, &note);
    }
}

fn as_json(report: &SaveReport) -> serde_json::Value {
    let images: Vec<_> = report.images.iter().map(image_as_json).collect();
    json!({ "bytes": report.bytes, "images": images })
}

/// What became of one image.
pub(super) fn image_as_json(image: &SavedImage) -> serde_json::Value {
    json!({
        "original": image.original.to_string(),
        "manifest": image.manifest.map(|digest| digest.to_string()),
        "recompressed": image.recompressed.iter().map(|layer| json!({
            "diff_id": layer.diff_id.to_string(),
            "before": layer.before.to_string(),
            "after": layer.after.to_string(),
            "size": layer.size,
        })).collect::<Vec<_>>(),
    })
}
