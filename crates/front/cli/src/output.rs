//! Writing results to stdout, as text or as JSON.

use std::io::{self, BufWriter, StdoutLock, Write};

use anyhow::{Context, Result};
use serde_json::Value;

/// Where results go.
pub(crate) type Out = BufWriter<StdoutLock<'static>>;

/// Opens stdout.
pub(crate) fn stdout() -> Out {
    BufWriter::with_capacity(64 * 1024, io::stdout().lock())
}

/// Opens stdout, unless somebody else writes to it.
pub(crate) fn stdout_unless(is_taken: bool) -> Option<Out> {
    (!is_taken).then(stdout)
}

/// Prints a line.
pub(crate) fn line(text: &str) -> Result<()> {
    lines(&[text.to_owned()])
}

/// Prints lines.
pub(crate) fn lines(lines: &[String]) -> Result<()> {
    let mut out = stdout();
    for line in lines {
        writeln!(out, "{line}").context("cannot write the result")?;
    }
    out.flush().context("cannot write the result")
}

/// Prints one JSON value, for people and programs.
pub(crate) fn json(value: &Value) -> Result<()> {
    let mut out = stdout();
    serde_json::to_writer_pretty(&mut out, value).context("cannot write the result")?;
    writeln!(out)
        .and_then(|()| out.flush())
        .context("cannot write the result")
}

/// A JSON array whose elements are printed one by one, so that it may be of any length.
pub(crate) struct JsonArray {
    out: Out,
    is_empty: bool,
}

impl JsonArray {
    pub(crate) fn begin() -> io::Result<Self> {
        let mut out = stdout();
        out.write_all(b"[")?;
        Ok(Self {
            out,
            is_empty: true,
        })
    }

    pub(crate) fn push(&mut self, value: &Value) -> io::Result<()> {
        self.out
            .write_all(if self.is_empty { b"\n" } else { b",\n" })?;
        self.is_empty = false;
        serde_json::to_writer(&mut self.out, value)?;
        Ok(())
    }

    pub(crate) fn end(mut self) -> io::Result<()> {
        self.out
            .write_all(if self.is_empty { b"]\n" } else { b"\n]\n" })?;
        self.out.flush()
    }
}

/// Says whether an error is only that nobody reads the output any more.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// Prints rows with aligned columns; those in `right` are aligned to the right.
pub(crate) fn table(header: &[&str], right: &[usize], rows: &[Vec<String>]) -> Result<()> {
    let header: Vec<String> = header.iter().map(|title| (*title).to_owned()).collect();
    let all = || std::iter::once(&header).chain(rows);
    let widths: Vec<usize> = (0..header.len())
        .map(|column| {
            all()
                .filter_map(|row| row.get(column))
                .map(|c| width(c))
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut out = stdout();
    for row in all() {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[column].saturating_sub(width(cell)));
            if right.contains(&column) {
                line.push_str(&pad);
                line.push_str(cell);
            } else {
                line.push_str(cell);
                line.push_str(&pad);
            }
            line.push_str("  ");
        }
        writeln!(out, "{}", line.trim_end()).context("cannot write the result")?;
    }
    out.flush().context("cannot write the result")
}

fn width(text: &str) -> usize {
    text.chars().count()
}
