//! `transom diff` and `transom changes`

use std::io::{self, Write};

use anyhow::{Context, Result};
use serde_json::json;
use transom_sealed::diff::{Change, Difference, changes as changes_of, compare};
use transom_sealed::{Stacking, Store};

use crate::args::{Changes, Diff, Global};
use crate::output::{self, JsonArray, Out};
use crate::show;
use crate::target::Target;

pub(super) fn diff(store: &Store, global: &Global, args: &Diff) -> Result<()> {
    let Some(second) = &args.second else {
        return super::writable::export(store, args);
    };
    let rule = args.whiteouts.rule();
    let first = Target::find(store, &args.first)?.open(store, rule)?;
    let second = Target::find(store, second)?.open(store, rule)?;
    let mut printer = Printer::new(global)?;
    compare(&first, &second, &mut |difference| {
        if args.content && difference.change == Change::Metadata {
            return Ok(());
        }
        printer.print(&difference)
    })?;
    Ok(printer.end()?)
}

pub(super) fn changes(store: &Store, global: &Global, args: &Changes) -> Result<()> {
    if let Some(changes) = super::writable::changes(store, &args.reference)? {
        let mut printer = Printer::new(global)?;
        for difference in &changes {
            printer.print(difference)?;
        }
        return Ok(printer.end()?);
    }
    let target = Target::find(store, &args.reference)?;
    let place = target.below(store)?;
    let (layer, names) = match (&target, &place) {
        (_, Some((image, position))) => (image.layers[*position].diff_id, image.names_rule()),
        (Target::Layer(layer), None) => (layer.diff_id, layer.names),
        (Target::Image(_), None) => anyhow::bail!("the image has no layers"),
    };
    let tree = store.open_layer(layer, names)?;
    let lower = match place {
        Some((image, position)) if position > 0 => {
            let below = &image.diff_ids()[..position];
            let stacking = Stacking {
                names,
                whiteouts: None,
            };
            Some(
                store
                    .open_chain(below, stacking)
                    .context("cannot stack the layers below")?,
            )
        }
        _ => None,
    };
    let mut printer = Printer::new(global)?;
    changes_of(&tree, lower.as_ref(), &mut |difference| {
        printer.print(&difference)
    })?;
    Ok(printer.end()?)
}

enum Printer {
    Json(JsonArray),
    Text(Out),
}

impl Printer {
    fn new(global: &Global) -> io::Result<Self> {
        Ok(if global.json {
            Self::Json(JsonArray::begin()?)
        } else {
            Self::Text(output::stdout())
        })
    }

    fn print(&mut self, difference: &Difference) -> io::Result<()> {
        let (letter, word) = match difference.change {
            Change::Added => ('A', "added"),
            Change::Deleted => ('D', "deleted"),
            Change::Modified => ('C', "changed"),
            Change::Metadata => ('M', "metadata"),
        };
        match self {
            Self::Json(json) => json.push(&json!({
                "path": show::json_text(&difference.path),
                "change": word,
                "kind": difference.kind.as_str(),
                "what": difference.what,
            })),
            Self::Text(out) => {
                let what = match difference.what.as_slice() {
                    [] => String::new(),
                    what => format!(" ({})", what.join(", ")),
                };
                writeln!(out, "{letter} {}{what}", show::text(&difference.path))
            }
        }
    }

    fn end(self) -> io::Result<()> {
        match self {
            Self::Json(json) => json.end(),
            Self::Text(mut out) => out.flush(),
        }
    }
}
