//! `transom fsck`

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::json;
use transom_layer::DiffId;
use transom_sealed::{CheckOptions, Finding, LayerRecord, Rebuilt, Remedy, Repair, Store};

use super::root;
use crate::args::{Fsck, Global};
use crate::{output, progress, show};

/// What `fsck` ends with if all is right now, and was not before (fsck(8)).
const REPAIRED: u8 = 1;
/// What it ends with if something is left (fsck(8)).
const LEFT: u8 = 4;

pub(super) fn run(global: &Global, args: &Fsck) -> Result<ExitCode> {
    match check(global, args) {
        Ok(code) => Ok(code),
        Err(error) if output::is_closed_pipe(&error) => Err(error),
        // A store that cannot be checked is not one that is right.
        Err(error) => {
            crate::report(&error);
            Ok(ExitCode::from(LEFT))
        }
    }
}

fn check(global: &Global, args: &Fsck) -> Result<ExitCode> {
    let root = root(global)?;
    let progress = progress::to_stderr(global.quiet);
    let watch = progress.layer_started("all layers", None);
    let rebuilt = match args.rebuild {
        true => Store::rebuild(&root, &|bytes| watch.advance(bytes))
            .context("cannot make the catalog again")?,
        false => None,
    };
    if let Some(rebuilt) = &rebuilt
        && !global.json
    {
        tell_rebuilt(rebuilt)?;
    }
    let store = Store::open_to_check(&root)
        .with_context(|| format!("cannot open the store at {}", root.display()))?;
    let options = CheckOptions {
        full: args.full,
        progress: &|bytes| watch.advance(bytes),
    };
    let findings = store.check(&options)?;
    let repairs = match args.dry_run {
        true => findings.into_iter().map(untouched).collect(),
        false if findings.is_empty() => Vec::new(),
        false => store.repair(findings, &options)?,
    };
    let back = match args.dry_run {
        true => Vec::new(),
        false => store.bring_back(options.progress)?,
    };
    let mut set_aside = store.layers()?;
    set_aside.retain(|layer| store.is_set_aside(layer.diff_id));
    let told = Told {
        rebuilt: rebuilt.as_ref(),
        repairs: &repairs,
        back: &back,
        set_aside: &set_aside,
    };
    tell(global, args, &told)?;
    // A layer that was set aside is damage until it has been loaded again.
    let is_all_done = set_aside.is_empty() && repairs.iter().all(|repair| repair.is_done);
    Ok(match is_all_done {
        true if repairs.is_empty() && back.is_empty() && rebuilt.is_none() => ExitCode::SUCCESS,
        true => ExitCode::from(REPAIRED),
        false => ExitCode::from(LEFT),
    })
}

fn tell_rebuilt(rebuilt: &Rebuilt) -> Result<()> {
    let counts = [
        (rebuilt.layers, "layer"),
        (rebuilt.images, "image"),
        (rebuilt.named_layers, "named layer"),
        (rebuilt.snapshots, "snapshot"),
    ];
    let counts = counts.map(|(number, what)| show::count(number, what));
    let made = format!("the catalog was made again: {}", counts.join(", "));
    let found = rebuilt.found.iter().map(|layer| {
        format!("layer {layer} was taken back from its files: nothing else told of it any more")
    });
    let aside = rebuilt.aside.display();
    let unknown = rebuilt.unknown.iter().map(|path| {
        let path = show::text(path.to_string_lossy().as_bytes());
        format!("{path}: nothing tells of it any more: moved to {aside}")
    });
    let lost = [
        (rebuilt.damaged_notes, "damaged line of notes.log"),
        (rebuilt.left_out, "row"),
    ];
    let lost = lost.into_iter().filter(|(number, _)| *number > 0);
    let lost = lost.map(|(number, what)| format!("left out: {}", show::count(number, what)));
    let old = format!("the old one is in {aside}: delete it when you do not need it");
    let lines = std::iter::once(made)
        .chain(found)
        .chain(unknown)
        .chain(lost);
    output::lines(&lines.chain([old]).collect::<Vec<_>>())
}

fn rebuilt_as_json(rebuilt: &Rebuilt) -> serde_json::Value {
    json!({
        "layers": rebuilt.layers,
        "images": rebuilt.images,
        "named_layers": rebuilt.named_layers,
        "snapshots": rebuilt.snapshots,
        "damaged_notes": rebuilt.damaged_notes,
        "left_out": rebuilt.left_out,
        "found": rebuilt.found.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "unknown": rebuilt.unknown.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
        "aside": rebuilt.aside.to_string_lossy(),
    })
}

fn untouched(finding: Finding) -> Repair {
    Repair {
        finding,
        is_done: false,
        failure: None,
    }
}

/// Says what was done about a finding, or is to be done.
fn outcome(repair: &Repair, dry_run: bool) -> String {
    let remedy = repair.finding.problem.remedy();
    match (remedy, repair.is_done, &repair.failure) {
        (Remedy::Leave, false, _) => "left".to_owned(),
        (Remedy::Rebuild, false, _) => "left: run `transom fsck --rebuild`".to_owned(),
        (_, true, _) => remedy.as_str().to_owned(),
        (_, false, Some(failure)) => format!("left: {failure}"),
        (_, false, None) if dry_run => format!("would be {}", remedy.as_str()),
        (_, false, None) => "left".to_owned(),
    }
}

/// What there is to say at the end.
struct Told<'a> {
    rebuilt: Option<&'a Rebuilt>,
    repairs: &'a [Repair],
    /// Layers that were made again from their compressed forms.
    back: &'a [DiffId],
    /// Layers that are to be loaded again.
    set_aside: &'a [LayerRecord],
}

fn tell(global: &Global, args: &Fsck, told: &Told<'_>) -> Result<()> {
    let Told {
        rebuilt,
        repairs,
        back,
        set_aside,
    } = *told;
    if global.json {
        return output::json(&json!({
            "rebuilt": rebuilt.map(rebuilt_as_json),
            "findings": repairs.iter().map(|repair| json!({
                "place": repair.finding.place.to_string_lossy(),
                "problem": repair.finding.problem.to_string(),
                "bytes": repair.finding.bytes,
                "done": repair.is_done,
                "outcome": outcome(repair, args.dry_run),
            })).collect::<Vec<_>>(),
            "brought_back": back.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "set_aside": set_aside.iter().map(|layer| layer.diff_id.to_string()).collect::<Vec<_>>(),
        }));
    }
    let findings = repairs.iter().map(|repair| {
        let place = repair.finding.place.to_string_lossy();
        format!(
            "{}: {} ({}): {}",
            show::text(place.as_bytes()),
            show::text(repair.finding.problem.to_string().as_bytes()),
            show::size(repair.finding.bytes),
            show::text(outcome(repair, args.dry_run).as_bytes()),
        )
    });
    let back = back
        .iter()
        .map(|layer| format!("layer {layer} was made again from its compressed form"));
    let layers = set_aside
        .iter()
        .map(|layer| format!("layer {} is damaged: load or pull it again", layer.diff_id));
    let left = repairs.iter().filter(|repair| !repair.is_done).count();
    let sum = match (repairs.len(), left) {
        (0, _) if set_aside.is_empty() && told.back.is_empty() => "nothing is wrong".to_owned(),
        (0, _) => "nothing else is wrong".to_owned(),
        (number, _) if args.dry_run => show::count(number as u64, "finding"),
        (number, left) => format!("{}, {left} left", show::count(number as u64, "finding")),
    };
    output::lines(
        &findings
            .chain(back)
            .chain(layers)
            .chain([sum])
            .collect::<Vec<_>>(),
    )
}
