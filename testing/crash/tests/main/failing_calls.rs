//! Each system call of an operation fails once, with each of the errors that it can fail with.

use std::path::Path;
use std::process::Output;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use transom_crash::disk::Tree;
use transom_crash::trace::{self, Fault};

use crate::outcome::Outcome;
use crate::scenario::{CREATE, EPOCH, Home, IMAGE, LOAD, is_thorough, program, shown};

/// System calls and what they fail with on a disk that is full or broken, or for want of files and locks.
///
/// `fcntl` is not among them: most of its calls give SQLite's locks back, which no local file system refuses.
const CALLS: &[(&str, &[&str])] = &[
    ("openat", &["EMFILE", "EIO", "ENOSPC", "EACCES"]),
    ("open", &["EMFILE", "EIO", "ENOSPC", "EACCES"]),
    ("openat2", &["EMFILE", "EIO", "EAGAIN"]),
    ("read", &["EIO"]),
    ("pread64", &["EIO"]),
    ("write", &["ENOSPC", "EIO", "EDQUOT"]),
    ("pwrite64", &["ENOSPC", "EIO", "EDQUOT"]),
    ("fsync", &["EIO", "ENOSPC"]),
    ("fdatasync", &["EIO", "ENOSPC"]),
    ("syncfs", &["EIO"]),
    ("ftruncate", &["EIO", "ENOSPC"]),
    ("mkdir", &["ENOSPC", "EIO", "EDQUOT"]),
    ("mkdirat", &["ENOSPC", "EIO", "EDQUOT"]),
    ("rename", &["EIO", "ENOSPC"]),
    ("renameat", &["EIO", "ENOSPC"]),
    ("renameat2", &["EIO", "ENOSPC"]),
    ("unlink", &["EIO"]),
    ("unlinkat", &["EIO"]),
    ("rmdir", &["EIO"]),
    ("getdents64", &["EIO"]),
    ("statx", &["EIO", "ENOMEM"]),
    ("flock", &["ENOLCK", "EINTR"]),
    ("lsetxattr", &["ENOSPC", "EIO", "EDQUOT"]),
    ("fsetxattr", &["ENOSPC", "EIO", "EDQUOT"]),
    ("fchmod", &["EIO"]),
    ("utimensat", &["EIO"]),
];

/// Of calls that are made more often than this only some fail, unless all are asked for.
const MANY: u32 = 24;

/// How long an operation may take; it takes a small part of a second.
const SECONDS: u32 = 20;

/// Lets each call of `words` fail on what `before` made.
///
/// The program must say why it failed, and leave what was there before, or what is there afterwards.
fn no_failure_hurts(before: &[&[&str]], words: &[&str]) {
    if !trace::is_possible() {
        println!("skipped: needs strace");
        return;
    }
    let home = Home::new();
    for words in before {
        home.run(words);
    }
    let start = Tree::read(&home.root()).unwrap();
    home.run(words);
    let end = Tree::read(&home.root()).unwrap();
    let trial = Trial {
        outcome: Outcome::new(&home, words, &start, &end),
        home: &home,
        start,
        words,
        runs: AtomicU32::new(0),
        failures: Mutex::default(),
    };
    let next = AtomicU32::new(0);
    thread::scope(|scope| {
        for number in 0..thread::available_parallelism().map_or(2, usize::from) {
            let (trial, next) = (&trial, &next);
            scope.spawn(move || {
                let root = trial.home.path(&format!("trial-{number}"));
                while let Some((call, errors)) =
                    CALLS.get(next.fetch_add(1, Ordering::Relaxed) as usize)
                {
                    trial.each_call(call, errors, &root);
                }
            });
        }
    });
    let failures = trial.failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    println!(
        "counted: {}: {} failing calls",
        shown(words),
        trial.runs.into_inner()
    );
}

struct Trial<'a> {
    home: &'a Home,
    start: Tree,
    words: &'a [&'a str],
    outcome: Outcome<'a>,
    runs: AtomicU32,
    failures: Mutex<Vec<String>>,
}

impl Trial<'_> {
    fn each_call(&self, call: &str, errors: &[&str], root: &Path) {
        for number in 1.. {
            let (errors, many) = match is_thorough() {
                true => (errors, false),
                // Another error at each call.
                false => {
                    let one = number as usize % errors.len();
                    (
                        &errors[one..=one],
                        number > MANY && !number.is_multiple_of(8),
                    )
                }
            };
            if many {
                continue;
            }
            for error in errors {
                let fault = Fault {
                    call,
                    error,
                    number,
                };
                match self.one(fault, root) {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => {
                        let told = format!("{:?}: {fault:?}: {error:#}", self.words);
                        self.failures.lock().unwrap().push(told);
                    }
                }
                let _ = std::fs::remove_dir_all(root);
                self.runs.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Says whether there was such a call.
    fn one(&self, fault: Fault<'_>, root: &Path) -> Result<bool> {
        self.start.write(root)?;
        let words = self.home.arguments_for(root, self.words);
        let Some(output) = trace::inject(program(), &words, fault, SECONDS)? else {
            let _ = std::fs::remove_dir_all(root);
            return Ok(false);
        };
        // What it has to say is written, too.
        if fault.call != "write" {
            is_clear(&output)?;
        }
        self.outcome
            .check(root, output.status.success())
            .with_context(|| said(&output))?;
        Ok(true)
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A failure is told in words, not by a panic or a signal.
fn is_clear(output: &Output) -> Result<()> {
    let said = said(output);
    ensure!(!said.contains("panicked"), "{said}");
    match output.status.code() {
        Some(0) => Ok(()),
        // The loader of programs, before the program begins.
        Some(127) if said.contains("shared libraries") => Ok(()),
        Some(1 | 2) => {
            ensure!(
                said.starts_with("error: ") || said.contains("\nerror: "),
                "it does not say why: {said:?}"
            );
            Ok(())
        }
        code => bail!("it ends with {code:?} ({}): {said}", output.status),
    }
}

#[test]
fn of_the_first_load() {
    no_failure_hurts(&[], LOAD);
}

#[test]
fn of_a_writable_layer_that_is_made_and_removed() {
    no_failure_hurts(&[LOAD], CREATE);
    no_failure_hurts(&[LOAD, CREATE], &["rm", "layer"]);
}

#[test]
fn of_edits() {
    let home = Home::new();
    let file = home.file("file", b"new");
    for edit in [
        &["cp", &file, "layer:/Windows/new.txt"][..],
        &["mv", "layer:/Windows", "/Moved"],
        &["rm", "-r", "layer:/Windows"],
    ] {
        no_failure_hurts(&[LOAD, CREATE], edit);
    }
}

#[test]
fn of_a_commit() {
    let commit = &["commit", "layer", "-t", "mine:1", EPOCH, "0"];
    no_failure_hurts(&[LOAD, CREATE, &["mkdir", "layer:/new"]], commit);
}

#[test]
fn of_a_removal() {
    no_failure_hurts(&[LOAD], &["rm", IMAGE]);
}

#[test]
fn of_a_new_name() {
    no_failure_hurts(&[LOAD], &["tag", IMAGE, "other:2"]);
}

#[test]
fn of_a_collection() {
    no_failure_hurts(&[LOAD], &["gc", "--compressed"]);
}

#[test]
fn of_snapshots() {
    let home = Home::new();
    let tar = home.path("layer.tar").to_str().unwrap().to_owned();
    for words in [
        LOAD,
        CREATE,
        &["mkdir", "layer:/new"],
        &["diff", "layer", "-o", &tar],
    ] {
        home.run(words);
    }
    let prepare: &[&str] = &["snapshot", "prepare", "extract-1"];
    let apply: &[&str] = &["snapshot", "apply", "extract-1", &tar];
    let commit: &[&str] = &["snapshot", "commit", "extract-1", "one"];
    no_failure_hurts(&[LOAD, prepare], apply);
    no_failure_hurts(&[LOAD, prepare, apply], commit);
    no_failure_hurts(
        &[LOAD, prepare, apply, commit],
        &["snapshot", "remove", "one"],
    );
}
