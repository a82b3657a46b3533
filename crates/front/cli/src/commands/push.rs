//! `transom push`

use std::io::Write;

use anyhow::{Context, Result};
use serde_json::json;
use transom_registry::{ImageName, PushOptions, PushReport, push};
use transom_sealed::{ImageRecord, Store};

use super::{pull, save};
use crate::args::Global;
use crate::args::registry::Push;
use crate::target::Target;
use crate::{output, progress, show};

pub(super) fn run(store: &Store, global: &Global, args: &Push) -> Result<()> {
    let references = std::iter::once(&args.reference).chain(&args.also);
    let images = references
        .map(|reference| Target::image(store, reference))
        .collect::<Result<Vec<ImageRecord>>>()?;
    let target = match (&args.target, images.first()) {
        (Some(target), _) => target.clone(),
        (None, image) => own_name(image, &args.reference)?,
    };
    let options = PushOptions {
        registry: pull::reached(&args.reach)?,
        push_foreign: args.push_foreign,
        mount_from: args.mount_from.clone(),
        jobs: args.jobs,
    };
    let progress = progress::to_stderr(global.quiet);
    let report = push(store, &images, &target, &options, progress.as_ref())
        .with_context(|| format!("cannot push {target}"))?;
    drop(progress);
    notes(global, &report);
    if global.json {
        return output::json(&as_json(&target, &report));
    }
    let mut out = output::stdout();
    let blobs = [
        (report.uploaded, "uploaded"),
        (report.mounted, "mounted"),
        (report.already_there, "already there"),
        (report.foreign.len(), "left out"),
    ];
    let blobs = blobs.iter().filter(|(count, _)| *count > 0);
    let blobs: Vec<String> = blobs
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    writeln!(
        out,
        "pushed {target} ({}): {}",
        report.digest,
        blobs.join(", ")
    )?;
    Ok(())
}

/// The name by which the image was asked for, or else its only one.
fn own_name(image: Option<&ImageRecord>, reference: &str) -> Result<ImageName> {
    let names = image.map(|image| image.names.as_slice());
    let name = match names.unwrap_or_default() {
        names if names.iter().any(|name| name == reference) => reference,
        [name] => name,
        names => anyhow::bail!(
            "{reference} has {}: say what it is to be called",
            show::count(names.len() as u64, "name")
        ),
    };
    Ok(name.parse()?)
}

fn notes(global: &Global, report: &PushReport) {
    save::note_recompressed(global, &report.images);
    for layer in &report.foreign {
        let note = format!(
            "layer {layer} is not distributed with the image and was not pushed: --push-foreign pushes it"
        );
        progress::note(global.quiet, &note);
    }
    for image in &report.images {
        match image.manifest {
            Some(manifest) if manifest != image.original => {
                let note = format!("manifest {} became {manifest}", image.original);
                progress::note(global.quiet, &note);
            }
            _ => {}
        }
    }
}

fn as_json(target: &ImageName, report: &PushReport) -> serde_json::Value {
    json!({
        "target": target.to_string(),
        "digest": report.digest.to_string(),
        "uploaded": report.uploaded,
        "mounted": report.mounted,
        "already_there": report.already_there,
        "foreign": report.foreign.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "images": report.images.iter().map(save::image_as_json).collect::<Vec<_>>(),
    })
}
