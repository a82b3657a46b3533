//! `transom cat`

use std::io::{self, Write};

use anyhow::{Context, Result};
use transom_sealed::Store;

use crate::args::Cat;
use crate::output;
use crate::target::{self, Target};

pub(super) fn run(store: &Store, args: &Cat) -> Result<()> {
    let tree = Target::find(store, &args.reference)?.open(store, args.view.whiteouts.rule())?;
    let mut out = output::stdout();
    for path in &args.paths {
        let node = target::find(&tree, path, args.view.raw)?;
        let mut data = tree.open_data(&node)?;
        io::copy(&mut data, &mut out).with_context(|| format!("cannot print {path}"))?;
    }
    out.flush().context("cannot print")
}
