//! The worker process: it has the privileges, and reads and writes layers' files for the one that has not.
//!
//! The tar is on its standard input or output, what it logs on its standard error, and its result in a file of its own,
//! so that none is taken for another (Docker parses the number of bytes out of all that its worker printed). What else
//! the two have in common is in [`workplace`](crate::workplace).

use std::ffi::OsString;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;

use serde_json::{Value, json};
use transom_driver::{Change, ChangeKind, ErrorKind};
use transom_windows::{Folder, Hcs};

use crate::diagnosis;
use crate::error::Cause;
use crate::work::Work;
use crate::workplace::{Presence, Workplace};

/// How much of the end of a worker's log is kept for errors, in bytes.
const LOG: usize = 4096;

/// Where layers' files are read and written.
#[derive(Debug, Clone)]
pub enum Worker {
    /// In this process, which then needs SeBackupPrivilege and SeRestorePrivilege.
    InProcess,
    /// In a process of its own.
    Process {
        /// The program: it calls [`serve`] with the arguments that follow those given here.
        program: PathBuf,
        /// What its first arguments are.
        arguments: Vec<OsString>,
    },
}

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    Import,
    Export,
    Changes,
    Size,
}

const TASKS: [(Task, &str); 4] = [
    (Task::Import, "import"),
    (Task::Export, "export"),
    (Task::Changes, "changes"),
    (Task::Size, "size"),
];

impl Task {
    fn name(self) -> &'static str {
        TASKS
            .iter()
            .find(|(task, _)| *task == self)
            .map_or("", |(_, name)| name)
    }

    fn named(name: &str) -> Option<Self> {
        TASKS
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(task, _)| *task)
    }
}

/// What goes into a worker and comes out of it, beside the result.
pub(crate) enum Pipe<'a> {
    None,
    In(&'a mut dyn Read),
    Out(&'a mut dyn Write),
}

/// Does a task in this process.
pub(crate) fn perform<F: Folder>(
    work: &Work<'_>,
    task: Task,
    pipe: Pipe<'_>,
) -> Result<Value, Cause> {
    Ok(match (task, pipe) {
        (Task::Import, Pipe::In(tar)) => json!(work.import::<F>(tar)?),
        (Task::Export, Pipe::Out(out)) => {
            work.export::<F>(out)?;
            Value::Null
        }
        (Task::Changes, _) => changes_to_json(&work.changes::<F>()?),
        (Task::Size, _) => json!(work.size::<F>()?),
        (Task::Import | Task::Export, _) => {
            return Err(Cause::state(
                ErrorKind::Invalid,
                "there is no tar to read or write",
            ));
        }
    })
}

fn changes_to_json(changes: &[Change]) -> Value {
    let pair = |change: &Change| json!([change.path, change.kind.number()]);
    changes.iter().map(pair).collect()
}

pub(crate) fn changes_from_json(value: &Value) -> Option<Vec<Change>> {
    let change = |pair: &Value| {
        let kind = match pair.get(1)?.as_u64()? {
            0 => ChangeKind::Modified,
            1 => ChangeKind::Added,
            _ => ChangeKind::Deleted,
        };
        let path = pair.get(0)?.as_str()?.to_owned();
        Some(Change { path, kind })
    };
    value.as_array()?.iter().map(change).collect()
}

/// Is the worker process: does what the arguments say, and returns how the process is to end.
///
/// The arguments are those that follow [`Worker::Process`]'s own. Before this the process has to get its privileges.
pub fn serve<F: Folder>(hcs: &dyn Hcs, arguments: &[OsString]) -> ExitCode {
    let [task, home, layer, staging, workplace] = arguments else {
        return ExitCode::from(2);
    };
    let Some(task) = task.to_str().and_then(Task::named) else {
        return ExitCode::from(2);
    };
    // Before anything is touched.
    let Ok(Some(presence)) = Presence::begin(Path::new(workplace)) else {
        return ExitCode::from(4);
    };
    let (home, layer, staging) = (Path::new(home), Path::new(layer), Path::new(staging));
    let mut out = BufWriter::new(io::stdout().lock());
    let mut tar = presence.tar(io::stdin().lock());
    let pipe = match task {
        Task::Import => Pipe::In(&mut tar),
        Task::Export => Pipe::Out(&mut out),
        Task::Changes | Task::Size => Pipe::None,
    };
    let done = Work::new(hcs, home, layer, staging)
        .and_then(|work| perform::<F>(&work, task, pipe))
        .and_then(|value| match out.flush() {
            Ok(()) => Ok(value),
            Err(error) => Err(Cause::io("write to", "standard output")(error)),
        });
    let report = match done {
        Ok(value) => json!({ "done": value }),
        Err(cause) => {
            json!({ "kind": cause.kind().to_string(), "error": with_sources(&cause) + &diagnosis::likely(&cause) })
        }
    };
    match presence.write_report(report.to_string().as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(3),
    }
}

/// Puts an error and what is behind it into one line, without saying anything twice in a row.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let said = error.to_string();
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        next = error.source();
    }
    text
}

fn kind_named(name: &str) -> ErrorKind {
    const KINDS: [ErrorKind; 9] = [
        ErrorKind::NotFound,
        ErrorKind::Exists,
        ErrorKind::InUse,
        ErrorKind::Corrupt,
        ErrorKind::Unsupported,
        ErrorKind::NoSpace,
        ErrorKind::Denied,
        ErrorKind::Invalid,
        ErrorKind::Other,
    ];
    KINDS
        .into_iter()
        .find(|kind| kind.to_string() == name)
        .unwrap_or(ErrorKind::Other)
}

/// Where a worker is to work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site<'a> {
    pub(crate) home: &'a Path,
    pub(crate) layer: &'a Path,
    pub(crate) staging: &'a Path,
}

/// Does a task in a process of its own.
pub(crate) fn delegate(
    program: &Path,
    arguments: &[OsString],
    task: Task,
    site: Site<'_>,
    pipe: Pipe<'_>,
) -> Result<Value, Cause> {
    let workplace =
        Workplace::new(site.staging).map_err(Cause::io("make a folder in", site.staging))?;
    let is_piped = |is_piped| match is_piped {
        true => Stdio::piped(),
        false => Stdio::null(),
    };
    let mut child = Command::new(program)
        .args(arguments)
        .arg(task.name())
        .args([site.home, site.layer, site.staging, workplace.folder()])
        .stdin(is_piped(matches!(pipe, Pipe::In(_))))
        .stdout(is_piped(matches!(pipe, Pipe::Out(_))))
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Cause::io("start the worker", program))?;
    // If this process is killed, so is the worker; where that cannot be had, the worker's lock is waited for.
    #[cfg(windows)]
    let _job = transom_windows::Job::around(&child).ok();
    let log = child
        .stderr
        .take()
        .map(|log| thread::spawn(move || tail(log)));
    let carried = carry(&mut child, pipe, &workplace);
    if carried.is_err() {
        // Nobody wants the rest. It may have ended by itself.
        let _ = child.kill();
    }
    let status = child.wait().map_err(Cause::io("wait for", program))?;
    let log = log.and_then(|log| log.join().ok()).unwrap_or_default();
    carried.map_err(Cause::io("carry the tar of", "the worker"))?;
    match workplace.report() {
        Ok(report) => read_report(&report),
        Err(_) => Err(Cause::Worker {
            kind: ErrorKind::Other,
            what: format!(
                "the worker process ended ({status}) without a result; try again{}{}",
                if log.is_empty() {
                    ""
                } else {
                    ". Its log ends: "
                },
                log.trim()
            ),
        }),
    }
}

fn read_report(report: &[u8]) -> Result<Value, Cause> {
    let report: Value = serde_json::from_slice(report).unwrap_or_default();
    if let Some(error) = report.get("error").and_then(Value::as_str) {
        let kind = report.get("kind").and_then(Value::as_str);
        return Err(Cause::Worker {
            kind: kind_named(kind.unwrap_or_default()),
            what: error.to_owned(),
        });
    }
    report.get("done").cloned().ok_or_else(nonsense)
}

/// Carries the tar in or out. A worker that stops reading has its reason in its result.
fn carry(child: &mut Child, pipe: Pipe<'_>, workplace: &Workplace) -> io::Result<()> {
    match (pipe, child.stdin.take(), child.stdout.take()) {
        (Pipe::In(tar), Some(mut stdin), _) => {
            let mut buffer = vec![0; 128 * 1024];
            loop {
                let read = match tar.read(&mut buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    read => read?,
                };
                let bytes = buffer.get(..read).unwrap_or_default();
                if bytes.is_empty() {
                    // Before the stream ends.
                    return workplace.tar_is_whole();
                }
                if stdin.write_all(bytes).is_err() {
                    return Ok(());
                }
            }
        }
        (Pipe::Out(out), _, Some(mut stdout)) => io::copy(&mut stdout, out).map(drop),
        _ => Ok(()),
    }
}

fn tail(mut log: impl Read) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(read @ 1..) = log.read(&mut buffer) {
        kept.extend_from_slice(buffer.get(..read).unwrap_or_default());
        let excess = kept.len().saturating_sub(LOG);
        kept.drain(..excess);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// Says that what a worker gave back makes no sense.
pub(crate) fn nonsense() -> Cause {
    Cause::Worker {
        kind: ErrorKind::Other,
        what: "the worker process gave a result that makes no sense".to_owned(),
    }
}
