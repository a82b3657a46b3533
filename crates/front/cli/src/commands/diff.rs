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
        return super::writable::export(store, global, args);
    };
    let rule = args.whiteouts.rule();
    let first = Target::find(store, &args.first)?.open(store, rule)?;
    let second = Target::find(store, second)?.open(store, rule)?;
    let mut printer = Printer::new(global)?;
    compare(&first, &second, &mut |difference| {
        if args.content && difference.change == Change::Metadata {
            return Ok(());
        }
        printer.print(&difference.into())
    })?;
    Ok(printer.end()?)
}

pub(super) fn changes(store: &Store, global: &Global, args: &Changes) -> Result<()> {
    if let Some(changes) = super::writable::changes(store, global, &args.reference)? {
        let mut printer = Printer::new(global)?;
        for line in &changes {
            printer.print(line)?;
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
        printer.print(&difference.into())
    })?;
    Ok(printer.end()?)
}

/// One difference, as it is printed.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) path: Vec<u8>,
    pub(super) change: Change,
    /// What it is, where that is known.
    pub(super) kind: Option<&'static str>,
    pub(super) what: Vec<&'static str>,
}

impl From<Difference> for Line {
    fn from(difference: Difference) -> Self {
        Self {
            kind: Some(difference.kind.as_str()),
            path: difference.path,
            change: difference.change,
            what: difference.what,
        }
    }
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

    fn print(&mut self, line: &Line) -> io::Result<()> {
        let (letter, word) = match line.change {
            Change::Added => ('A', "added"),
            Change::Deleted => ('D', "deleted"),
            Change::Modified => ('C', "changed"),
            Change::Metadata => ('M', "metadata"),
        };
        match self {
            Self::Json(json) => json.push(&json!({
                "path": show::json_text(&line.path),
                "change": word,
                "kind": line.kind,
                "what": line.what,
            })),
            Self::Text(out) => {
                let what = match line.what.as_slice() {
                    [] => String::new(),
                    what => format!(" ({})", what.join(", ")),
                };
                writeln!(out, "{letter} {}{what}", show::text(&line.path))
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
