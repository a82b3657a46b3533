//! A disk that is full at any byte: writes that stop short, and the failures of all that comes after.

use std::path::Path;
use std::process::Command;

use transom_crash::disk::Tree;
use transom_crash::root::recovered;

use crate::scenario::{CREATE, EPOCH, Home, LOAD, program, shown};

/// Bytes of a page: a file system in memory grows by these.
const PAGE: u64 = 4096;

/// Runs `words` with every amount of room from none to enough, in steps of `step` pages.
fn no_full_disk_hurts(before: &[&[&str]], words: &[&str], step: u64) {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let home = Home::new();
    for words in before {
        home.run(words);
    }
    let start = Tree::read(&home.root()).unwrap();
    home.run(words);
    let after = recovered(&home.root()).unwrap();
    let disk = home.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let mut tried = 0;
    for room in (1..).step_by(step as usize) {
        run("mount", &["-t", "tmpfs", "-o", "size=1g", "tmpfs"], &disk);
        let root = disk.join("root");
        start.write(&root).unwrap();
        let used = rustix::fs::statvfs(&disk).unwrap();
        let size = format!(
            "remount,size={}",
            (used.f_blocks - used.f_bfree + room) * PAGE
        );
        run("mount", &["-o", &size], &disk);
        let output = Command::new(program())
            .args(home.arguments_for(&root, words))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "room for {room} pages: {}: {said}",
            output.status
        );
        run("mount", &["-o", "remount,size=1g"], &disk);
        let contents = recovered(&root)
            .unwrap_or_else(|error| panic!("room for {room} pages: {said}: {error:#}"));
        if output.status.success() {
            assert!(
                contents == after,
                "room for {room} pages: it says that it is done, but is not"
            );
        } else {
            assert!(said.contains("error: "), "room for {room} pages: {said}");
            let output = Command::new(program())
                .args(home.arguments_for(&root, words))
                .output()
                .unwrap();
            // What was done although something after it failed cannot be done again.
            assert!(
                output.status.success() || contents == after,
                "room for {room} pages, repeated: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            assert!(
                recovered(&root).unwrap() == after,
                "room for {room} pages, repeated"
            );
        }
        run("umount", &[], &disk);
        tried += 1;
        if output.status.success() {
            break;
        }
    }
    assert!(tried > 2, "there was always room enough");
    println!("counted: {}: {tried} sizes of a disk", shown(words));
}

fn run(program: &str, words: &[&str], disk: &Path) {
    let output = Command::new(program)
        .args(words)
        .arg(disk)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn under_a_load() {
    no_full_disk_hurts(&[], LOAD, 4);
}

#[test]
fn under_a_commit() {
    let edit: &[&str] = &["mkdir", "layer:/new"];
    no_full_disk_hurts(
        &[LOAD, CREATE, edit],
        &["commit", "layer", "-t", "mine:1", EPOCH, "0"],
        1,
    );
}

#[test]
fn under_a_writable_layer_that_is_made_and_changed() {
    no_full_disk_hurts(&[LOAD], CREATE, 1);
    let home = Home::new();
    let file = home.file("file", &[7; 100_000]);
    no_full_disk_hurts(&[LOAD, CREATE], &["cp", &file, "layer:/new.txt"], 1);
}
