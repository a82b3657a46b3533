//! `transom apply`, and what it shares with `commit`: both make an image.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use serde_json::json;
use transom_ntmeta::filetime::UnixTime;
use transom_oci::{Below, Step, new_name};
use transom_sealed::{AddedImage, LayerRequest, Store};

use super::images::display_name;
use crate::args::{Apply, Global, Latest, NewImage};
use crate::target::Target;
use crate::{output, progress};

pub(super) fn apply(store: &Store, global: &Global, args: &Apply) -> Result<()> {
    refuse_layer_of_snapshot(store, &args.on)?;
    let image = Target::image(store, &args.on)?;
    let names = names(&args.image.tag)?;
    let file = open(&args.file)?;
    let label = args.file.display().to_string();
    let request = LayerRequest {
        keep_blob: true,
        ..LayerRequest::new(&label, image.names_rule())
    };
    let session = store.session()?;
    let layer = {
        let progress = progress::to_stderr(global.quiet);
        let watch = progress.layer_started(&label, None);
        session.import_layer(file, &request, &|bytes| watch.advance(bytes))?
    };
    let below = Below {
        layers: image.diff_ids(),
        config: image.config,
    };
    let step = step(&args.image, format!("transom apply {label}"));
    let added = transom_oci::commit(store, &session, &below, &layer, &step, names)?;
    report(global, &added, "applied")
}

/// Refuses a layer that holds what is written to a snapshot, and says whose it is.
pub(super) fn refuse_layer_of_snapshot(store: &Store, name: &str) -> Result<()> {
    match store.snapshot_of_layer(name)? {
        Some(key) => bail!(
            "layer {name} holds what is written to snapshot {key}: commit or remove that where it was made, in containerd"
        ),
        None => Ok(()),
    }
}

fn open(path: &Path) -> Result<Box<dyn Read>> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    Ok(Box::new(file))
}

pub(super) fn names(tags: &[String]) -> Result<Vec<String>> {
    Ok(tags
        .iter()
        .map(|tag| new_name(tag))
        .collect::<Result<_, _>>()?)
}

pub(super) fn step(image: &NewImage, created_by: String) -> Step {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = UnixTime {
        seconds: now.as_secs() as i64,
        nanos: 0,
    };
    Step {
        created: latest(&image.latest).map_or(now, |latest| now.min(latest)),
        created_by,
        author: image.author.clone(),
        comment: image.message.clone(),
    }
}

pub(super) fn latest(args: &Latest) -> Option<UnixTime> {
    args.source_date_epoch
        .map(|seconds| UnixTime { seconds, nanos: 0 })
}

pub(super) fn report(global: &Global, image: &AddedImage, verb: &str) -> Result<()> {
    for note in &image.notes {
        progress::note(global.quiet, note);
    }
    let record = &image.record;
    let top = record.layers.last().map(|layer| layer.diff_id.to_string());
    if global.json {
        return output::json(&json!({
            "manifest": record.manifest.to_string(),
            "names": record.names,
            "layer": top,
        }));
    }
    output::line(&format!(
        "{verb} {} ({}): layer {}",
        display_name(record),
        record.manifest,
        top.unwrap_or_default()
    ))
}
