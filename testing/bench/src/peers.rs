//! Other programs that do the same work.

pub(crate) mod containerd;
pub(crate) mod overlay;
pub(crate) mod unpack;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

/// Finds a program.
///
/// # Errors
/// If it is not installed.
pub(crate) fn find(program: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    let mut found = std::env::split_paths(&path)
        .chain(system)
        .map(|folder| folder.join(program))
        .filter(|path| path.is_file());
    let found = found.next();
    found.with_context(|| {
        format!("there is no {program} here (cargo xtask bench installs it as root on Debian)")
    })
}

/// A line for the shell; `"$0"`, `"$1"` … in it are the arguments.
///
/// # Errors
/// If the program whose work it is, the line's first word, is not installed.
pub(crate) fn shell(line: &str) -> Result<Command> {
    find(line.split_whitespace().next().unwrap_or_default())?;
    let mut command = Command::new("sh");
    command.args(["-e", "-c", line]);
    Ok(command)
}
