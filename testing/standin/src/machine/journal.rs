//! What was called, and what was wrong with it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use transom_windows::Descriptor;

/// Before a line that names a wrong argument.
const COMPLAINT: char = '!';

/// The calls' log: a line for each, in their order.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
}

impl Journal {
    pub(super) fn new(state: &Path) -> Self {
        Self {
            path: state.join("log"),
        }
    }

    pub(super) fn called(&self, call: &str, arguments: &str) -> io::Result<()> {
        append(&self.path, &format!("{call}({arguments})"))
    }

    pub(super) fn complain(&self, call: &str, what: &str) -> io::Result<()> {
        append(&self.path, &format!("{COMPLAINT} {call}: {what}"))
    }

    /// Notes what the file system said: no part of the log, for whoever looks for the reason of a failure.
    pub(super) fn detail(&self, call: &str, what: &str) -> io::Result<()> {
        append(
            &self.path.with_file_name("errors"),
            &format!("{call}: {what}"),
        )
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        let mut lines = self.lines();
        lines.retain(|line| line.starts_with(COMPLAINT));
        lines
    }

    pub(super) fn clear(&self) -> io::Result<()> {
        fs::write(&self.path, "")
    }
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    let line = format!("{}\n", line.replace(['\n', '\r'], " "));
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(line.as_bytes())
}

/// Tells the layer of a call as the real functions get it.
pub(super) fn layer(path: &Path) -> String {
    format!("flavour=1 home='' id={}", path.display())
}

/// Tells a list of parents as the real functions get it.
pub(super) fn parents(parents: &[Descriptor]) -> String {
    let told: Vec<String> = parents
        .iter()
        .map(|parent| format!("{{flags 0, path {}}}", parent.path.display()))
        .collect();
    format!("n={} [{}]", parents.len(), told.join(", "))
}
