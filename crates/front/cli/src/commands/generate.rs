//! Man pages and completions, made from the same description as the command line itself.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Result};
use clap::{CommandFactory, ValueEnum};
use clap_complete::{Shell, generate, generate_to};

use crate::args::Args;
use crate::output;

const NAME: &str = "transom";

pub(super) fn completions(shell: Shell) -> Result<()> {
    // The generator panics when it cannot write, so it writes to memory.
    let mut script = Vec::new();
    generate(shell, &mut Args::command(), NAME, &mut script);
    let mut out = output::stdout();
    io::copy(&mut script.as_slice(), &mut out).context("cannot print")?;
    io::Write::flush(&mut out).context("cannot print")
}

/// Writes `man/*.1` and `completions/*` into a folder.
pub(super) fn all(folder: &Path) -> Result<()> {
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    for folder in [&man, &completions] {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create folder {}", folder.display()))?;
    }
    clap_mangen::generate_to(Args::command(), &man)
        .with_context(|| format!("cannot write man pages into {}", man.display()))?;
    for shell in Shell::value_variants() {
        generate_to(*shell, &mut Args::command(), NAME, &completions)
            .with_context(|| format!("cannot write into {}", completions.display()))?;
    }
    Ok(())
}
