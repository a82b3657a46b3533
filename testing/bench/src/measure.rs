//! One process, measured: how long it took, what it took of the processors, how much memory it had at its peak.

use std::io::{Read, Seek};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, anyhow};
use wait4::Wait4;

/// What a process took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Sample {
    /// From its start to its end.
    pub(crate) wall: Duration,
    /// Time on all processors, in it and its children. `None` where others work for it.
    pub(crate) cpu: Option<Duration>,
    /// Most bytes of memory that it, or one of its children, had at a time.
    pub(crate) peak: Option<u64>,
}

impl Sample {
    /// The same without what is not the process's own: a client of a daemon tells only how long the daemon took.
    pub(crate) fn of_client(self) -> Self {
        Self {
            cpu: None,
            peak: None,
            ..self
        }
    }
}

/// Runs a command that must succeed, and measures it.
///
/// What others have left to be written is written before.
///
/// # Errors
/// If it cannot be started or fails; the error has what it said.
pub(crate) fn measure(command: &mut Command) -> Result<Sample> {
    rustix::fs::sync();
    let mut errors = tempfile::tempfile()?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors.try_clone()?);
    let start = Instant::now();
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {}", name(command)))?;
    let used = child.wait4()?;
    let wall = start.elapsed();
    if !used.status.success() {
        let mut said = Vec::new();
        errors.rewind()?;
        errors.read_to_end(&mut said)?;
        return Err(failed(command, used.status, &said));
    }
    Ok(Sample {
        wall,
        cpu: Some(used.rusage.utime + used.rusage.stime),
        peak: Some(used.rusage.maxrss),
    })
}

/// Runs a command that must succeed, for what it does.
///
/// # Errors
/// If it cannot be started or fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    text(command).map(drop)
}

/// Runs a command that must succeed, and returns what it printed.
///
/// # Errors
/// If it cannot be started or fails, or its output is not UTF-8.
pub(crate) fn text(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", name(command)))?;
    if !output.status.success() {
        return Err(failed(command, output.status, &output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn failed(command: &Command, status: ExitStatus, said: &[u8]) -> Error {
    let said = String::from_utf8_lossy(said);
    // The last of many lines tells most.
    let last = said.trim().lines().next_back().unwrap_or_default();
    anyhow!("{} failed, {status}: {last}", name(command))
}

/// The program and the words that say what it is to do; options may be very long.
fn name(command: &Command) -> String {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<_> = words.take(6).map(|word| word.to_string_lossy()).collect();
    words.join(" ").chars().take(200).collect()
}
