//! What the program writes, cut off behind each change, with what a disk may have lost of it.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use anyhow::Result;
use transom_crash::disk::{Crash, Effort, Recording, Tree};
use transom_crash::trace;

use crate::outcome::Outcome;
use crate::scenario::{CREATE, EPOCH, Home, IMAGE, LOAD, SAMPLE, is_thorough, program, shown};

/// Runs `words` on what `before` made and replays it up to every crash.
///
/// What is there after recovery must be what was there before or what is there afterwards, and the same words,
/// said again, must lead to the latter.
fn no_crash_hurts(before: &[&[&str]], words: &[&str]) {
    let home = Home::new();
    no_crash_hurts_in(&home, before, words);
}

fn no_crash_hurts_in(home: &Home, before: &[&[&str]], words: &[&str]) {
    if !trace::is_possible() {
        println!("skipped: needs strace");
        return;
    }
    for words in before {
        home.run(words);
    }
    let effort = match is_thorough() {
        true => Effort::All,
        false => Effort::Some,
    };
    let start = Tree::read(&home.root()).unwrap();
    let (output, calls) = trace::record(program(), &home.arguments(words)).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {said}");
    let recording = Recording::new(&home.root(), start.clone(), &calls).unwrap();
    let end = Tree::read(&home.root()).unwrap();
    assert_same(&recording.end(), &end);
    home.unmount();

    let judge = Judge {
        home,
        words,
        outcome: Outcome::new(home, words, &start, &end),
    };
    let states = judge.all(&recording, effort);
    println!(
        "counted: {}: {} changes, {states} states of the disk, {} outcomes",
        shown(words),
        recording.len(),
        judge.outcome.count()
    );
}

fn assert_same(model: &Tree, real: &Tree) {
    let (mut model, mut real) = (model.listing(), real.listing());
    // The kernel's own folder beside the changes.
    model.retain(|path, _| path.iter().nth(2).is_none_or(|name| name != "work"));
    real.retain(|path, _| path.iter().nth(2).is_none_or(|name| name != "work"));
    for (path, what) in &real {
        assert_eq!(model.get(path), Some(what), "{}", path.display());
    }
    for path in model.keys() {
        assert!(
            real.contains_key(path),
            "{} is there in the model only",
            path.display()
        );
    }
}

struct Judge<'a> {
    home: &'a Home,
    words: &'a [&'a str],
    outcome: Outcome<'a>,
}

impl Judge<'_> {
    /// Judges all states, on all cores; returns how many there were.
    fn all(&self, recording: &Recording, effort: Effort) -> usize {
        // Trees are made by one thread and judged by the others.
        let (to, from) = std::sync::mpsc::sync_channel::<Crash>(8);
        let from = Mutex::new(from);
        let cores = thread::available_parallelism().map_or(2, usize::from);
        let mut count = 0;
        let failures: Mutex<Vec<String>> = Mutex::default();
        thread::scope(|scope| {
            let judges: Vec<_> = (0..cores)
                .map(|number| {
                    let (from, failures) = (&from, &failures);
                    scope.spawn(move || {
                        let root = self.home.path(&format!("judge-{number}"));
                        loop {
                            let Ok(crash) = from.lock().unwrap().recv() else {
                                return;
                            };
                            let is_end = crash.after == recording.len();
                            if let Err(error) = self.one(&crash, &root, is_end) {
                                let told = format!(
                                    "{:?}, crash after {} changes, the disk kept: {}: {error:#}",
                                    self.words, crash.after, crash.kept
                                );
                                failures.lock().unwrap().push(told);
                                let _ = std::fs::remove_dir_all(&root);
                            }
                        }
                    })
                })
                .collect();
            let mut seen = HashSet::new();
            for after in 0..=recording.len() {
                let sent = recording.crashes(after, effort, &mut seen, |crash| {
                    count += 1;
                    to.send(crash)
                });
                // A few of many are enough to see what is wrong.
                if sent.is_err() || failures.lock().unwrap().len() >= 3 {
                    break;
                }
            }
            drop(to);
            for judge in judges {
                judge.join().unwrap();
            }
        });
        let failures = failures.into_inner().unwrap();
        assert!(failures.is_empty(), "{}", failures.join("\n\n"));
        count
    }

    fn one(&self, crash: &Crash, root: &Path, is_end: bool) -> Result<()> {
        crash.tree.write(root)?;
        self.outcome.check(root, is_end)?;
        Ok(std::fs::remove_dir_all(root)?)
    }
}

#[test]
fn the_first_load_into_a_new_root() {
    no_crash_hurts(&[], LOAD);
}

#[test]
fn a_load_of_what_is_there() {
    no_crash_hurts(&[LOAD], LOAD);
}

#[test]
fn a_load_that_keeps_no_compressed_layers() {
    no_crash_hurts(&[], &["load", "-q", "--drop-compressed", SAMPLE]);
}

#[test]
fn one_more_name_and_one_less() {
    no_crash_hurts(&[LOAD], &["tag", IMAGE, "other:2"]);
    no_crash_hurts(&[LOAD, &["tag", IMAGE, "other:2"]], &["rm", "other:2"]);
}

#[test]
fn a_writable_layer_is_made_and_removed() {
    no_crash_hurts(&[LOAD], CREATE);
    no_crash_hurts(&[LOAD, CREATE], &["rm", "layer"]);
}

#[test]
fn edits() {
    let home = Home::new();
    let file = home.file("file", b"new");
    for edit in [
        &["cp", &file, "layer:/Windows/new.txt"][..],
        &["cp", &file, "layer:/Windows/System32/ntdll.dll"],
        &["mkdir", "layer:/new"],
        &["mv", "layer:/Windows", "/Moved"],
        &["rm", "-r", "layer:/Windows"],
        &["attrib", "+R", "layer:/Windows"],
        &["acl", "layer:/Windows", "O:BAG:BAD:(A;;FA;;;WD)"],
    ] {
        no_crash_hurts(&[LOAD, CREATE], edit);
    }
}

#[test]
fn a_commit() {
    let edits: &[&str] = &["mkdir", "layer:/new"];
    no_crash_hurts(
        &[LOAD, CREATE, edits],
        &["commit", "layer", "-t", "mine:1", EPOCH, "0"],
    );
}

#[test]
fn an_apply() {
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
    no_crash_hurts(
        &[LOAD],
        &["apply", EPOCH, "0", "--on", IMAGE, "-t", "mine:1", &tar],
    );
}

#[test]
fn an_image_is_removed() {
    no_crash_hurts(&[LOAD], &["rm", IMAGE]);
}

#[test]
fn what_is_not_needed_is_collected() {
    let commit: &[&str] = &["commit", "layer", "-t", "mine:1", EPOCH, "0"];
    no_crash_hurts(&[LOAD, CREATE, &["mkdir", "layer:/new"], commit], &["gc"]);
    no_crash_hurts(&[LOAD], &["gc", "--compressed"]);
}

#[test]
fn snapshots() {
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
    let above: &[&str] = &["snapshot", "prepare", "container", "one"];
    no_crash_hurts(&[LOAD], prepare);
    no_crash_hurts(&[LOAD, prepare], apply);
    no_crash_hurts(&[LOAD, prepare, apply], commit);
    no_crash_hurts(&[LOAD, prepare, apply, commit], above);
    no_crash_hurts(
        &[LOAD, prepare, apply, commit],
        &["snapshot", "label", "one", "value"],
    );
    no_crash_hurts(
        &[LOAD, prepare, apply, commit, above],
        &["snapshot", "remove", "container"],
    );
    no_crash_hurts(
        &[LOAD, prepare, apply, commit],
        &["snapshot", "remove", "one"],
    );
}

#[test]
fn a_mount_and_its_end() {
    let home = Home::new();
    let at = home.path("at").to_str().unwrap().to_owned();
    std::fs::create_dir(&at).unwrap();
    no_crash_hurts_in(&home, &[LOAD, CREATE], &["mount", "layer", &at]);
    no_crash_hurts_in(&home, &[&["mount", "layer", &at]], &["umount", "layer"]);
}

/// A store with something of every kind.
fn rich() -> Home {
    let home = Home::new();
    for words in [
        LOAD,
        &["tag", IMAGE, "other:2"],
        CREATE,
        &["mkdir", "layer:/new"],
        &["snapshot", "prepare", "extract-1"],
        &["snapshot", "label", "extract-1", "value"],
    ] {
        home.run(words);
    }
    home
}

#[test]
fn the_catalog_is_made_again() {
    let home = rich();
    let catalog = home.root().join("transom.db");
    std::fs::remove_file(&catalog).unwrap();
    no_crash_hurts_in(&home, &[], &["snapshot", "rebuild"]);
    let damaged = rich();
    let catalog = damaged.root().join("transom.db");
    let mut bytes = std::fs::read(&catalog).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xa5);
    std::fs::write(&catalog, bytes).unwrap();
    no_crash_hurts_in(&damaged, &[], &["snapshot", "rebuild"]);
}

#[test]
fn the_schema_is_upgraded() {
    let home = rich();
    let catalog = rusqlite::Connection::open(home.root().join("transom.db")).unwrap();
    let older = "DROP TABLE notes; PRAGMA user_version = 3; PRAGMA wal_checkpoint(TRUNCATE);";
    catalog.execute_batch(older).unwrap();
    drop(catalog);
    std::fs::remove_file(home.root().join("notes.log")).unwrap();
    std::fs::remove_file(home.root().join("store.lock")).unwrap();
    no_crash_hurts_in(&home, &[], &["images"]);
}
