//! What is refused, and what is left when an edit fails.

use std::fs;
use std::io::{self, Read};

use transom_layer::Names;
use transom_ntmeta::attributes::FileAttributes;

use super::{Bench, at, base};
use crate::support::{Home, has, path, read};

/// A layer over [`base`] in a store of its own.
fn home() -> Home {
    let home = Home::on_disk();
    let bottom = home.import(&base());
    let new = transom_sealed::NewWritable {
        id: &transom_driver::Id::new("w").unwrap(),
        below: vec![bottom],
        names: Names::Windows,
        bound: None,
        config: None,
    };
    home.store.create_writable(new).unwrap();
    home
}

fn changes(home: &Home) -> Vec<String> {
    let changes = home.store.open_writable("w").unwrap().changes().unwrap();
    let paths = changes.into_iter().map(|change| change.path);
    paths.map(|path| String::from_utf8(path).unwrap()).collect()
}

/// The stack with the changes sealed.
fn sealed(home: &Home) -> transom_sealed::Tree {
    let writable = home.store.open_writable("w").unwrap();
    let mut tar = Vec::new();
    writable.export(None, &mut tar).unwrap();
    let layers = [writable.layer().below[0], home.import(&tar)];
    home.store
        .open_chain(&layers, crate::support::WINDOWS)
        .unwrap()
}

/// Gives some bytes, then fails.
struct Failing(usize);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::Error::other("the tape is torn"));
        }
        let count = self.0.min(buffer.len());
        buffer[..count].fill(7);
        self.0 -= count;
        Ok(count)
    }
}

#[test]
fn a_source_that_fails_leaves_the_file_as_it_was() {
    let home = home();
    let editor = home.store.edit_writable("w").unwrap();
    for name in [
        "Files/data/x",
        "Files/a.txt",
        "Files/a.txt:note",
        "Files/new",
    ] {
        let error = editor
            .write(&at(name), &mut Failing(1 << 20), None)
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(name) && text.contains("the tape is torn"),
            "{text}"
        );
    }
    drop(editor);
    assert_eq!(changes(&home), [""; 0]);
    let tree = sealed(&home);
    assert_eq!(read(&tree, "Files/data/x"), b"x");
    assert_eq!(read(&tree, "Files/a.txt"), b"one");
    assert_eq!(read(&tree, "Files/a.txt:note"), b"a note");
    assert!(!has(&tree, "Files/new"));
    let left: Vec<_> = fs::read_dir(home.root().join("writable/w/edit"))
        .unwrap()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_a_killed_editor_left_is_gone_at_the_next_edit() {
    let home = home();
    let drafts = home.root().join("writable/w/edit");
    fs::create_dir_all(drafts.join("draft/deep")).unwrap();
    fs::write(drafts.join("draft/deep/half"), "half").unwrap();
    assert_eq!(changes(&home), [""; 0]);
    let editor = home.store.edit_writable("w").unwrap();
    editor.create_folder(&at("Files/new")).unwrap();
    assert_eq!(fs::read_dir(drafts).unwrap().count(), 0);
}

#[test]
fn a_full_disk_leaves_nothing_half_made() {
    let Some(bench) = Bench::new() else { return };
    let bottom = bench.import(&base(), Names::Windows);
    bench.create_bounded("w", bottom, Names::Windows, Some(16 << 20));
    let editor = bench.store().edit_writable("w").unwrap();
    let big = at("Files/data/x");
    let error = editor
        .write(&big, &mut io::repeat(7).take(64 << 20), None)
        .unwrap_err();
    assert!(error.to_string().contains("No space left"), "{error}");
    editor
        .write(&at("Files/small"), &mut &b"fits"[..], None)
        .unwrap();
    drop(editor);
    assert_eq!(bench.changes("w"), ["Files", "Files/small"]);
}

#[test]
fn a_file_of_several_names_is_changed_under_all_of_them() {
    let home = home();
    let editor = home.store.edit_writable("w").unwrap();
    editor
        .write(&at("Files/second.txt"), &mut &b"two"[..], None)
        .unwrap();
    editor
        .write(&at("Files/a.txt:new"), &mut &b"stream"[..], None)
        .unwrap();
    let hidden = FileAttributes::HIDDEN;
    editor
        .set_attributes(&at("Files/data/third.txt"), hidden, FileAttributes::empty())
        .unwrap();
    // The others keep what was changed under the name that goes away.
    editor.remove(&at("Files/second.txt"), false).unwrap();
    editor
        .rename(&at("Files/a.txt"), &at("Files/data/moved"))
        .unwrap();
    drop(editor);
    let tree = sealed(&home);
    assert!(!has(&tree, "Files/second.txt") && !has(&tree, "Files/a.txt"));
    let ids = ["Files/data/third.txt", "Files/data/moved"].map(|name| {
        assert_eq!(read(&tree, name), b"two");
        assert_eq!(read(&tree, &format!("{name}:new")), b"stream");
        assert_eq!(read(&tree, &format!("{name}:note")), b"a note");
        let node = tree.find(&at(name)).unwrap();
        let attributes = tree.metadata(&node).unwrap().attributes.unwrap();
        assert!(attributes.contains(hidden), "{attributes:?}");
        node.id()
    });
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn a_folder_swapped_for_a_link_is_not_followed() {
    let home = home();
    let outside = home.dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("x"), "precious").unwrap();
    let upper = home.root().join("writable/w/upper");
    fs::create_dir_all(upper.join("Files")).unwrap();
    std::os::unix::fs::symlink(&outside, upper.join("Files/data")).unwrap();
    let editor = home.store.edit_writable("w").unwrap();
    assert!(
        editor
            .write(&at("Files/data/x"), &mut &b"bad"[..], None)
            .is_err()
    );
    assert!(editor.create_folder(&at("Files/data/folder")).is_err());
    assert!(editor.remove(&at("Files/data/x"), true).is_err());
    assert!(
        editor
            .rename(&at("Files/a.txt"), &at("Files/data/a.txt"))
            .is_err()
    );
    editor.remove(&at("Files/data"), true).unwrap();
    assert_eq!(fs::read_to_string(outside.join("x")).unwrap(), "precious");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    fs::remove_dir_all(&outside).unwrap();
}

#[test]
fn names_that_no_layer_can_have_are_refused_and_told() {
    let home = home();
    let editor = home.store.edit_writable("w").unwrap();
    let too_long = format!("Files/{}", "x".repeat(256));
    for (name, why) in [
        (too_long.as_str(), "256"),
        ("Files/.wh.x", "deletion"),
        ("Files/x.$wcidirs$", "dropped by Windows"),
        ("Files/a.txt:", "file:stream"),
        ("Files/a.txt:b:c", "file:stream"),
    ] {
        let error = editor.write(&at(name), &mut io::empty(), None).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("layer w: Files/") && text.contains(why),
            "{text}"
        );
    }
    let bad = path("Files", Names::Windows).join(b"\xff");
    assert!(editor.create_folder(&bad).is_err());
    drop(editor);
    assert_eq!(changes(&home), [""; 0]);
}

#[test]
fn an_edit_that_makes_no_sense_says_so_and_changes_nothing() {
    let home = home();
    let editor = home.store.edit_writable("w").unwrap();
    let write = |name: &str| editor.write(&at(name), &mut io::empty(), None);
    let folder = |name: &str| editor.create_folder(&at(name));
    let rename = |from: &str, to: &str| editor.rename(&at(from), &at(to));
    let remove = |name: &str| editor.remove(&at(name), false);
    let none = FileAttributes::empty();
    for (result, why) in [
        (write("Files/data"), "Files/data is a folder"),
        (write("Files/none/x"), "there is no Files/none"),
        (write("Files/a.txt/x"), "no folder"),
        (write("Files/none:s"), "there is no Files/none"),
        (folder("Files/DATA"), "there is a Files/DATA already"),
        (folder("Files/a.txt:s"), "neither a folder nor a link"),
        (remove("Files/data"), "not empty"),
        (remove("Files/none"), "there is no Files/none"),
        (remove("Files"), "no layer can delete"),
        (remove("Hives/System_Base"), "no layer can delete"),
        (
            rename("Hives/System_Base", "Hives/x"),
            "no layer can delete",
        ),
        (rename("Files/data", "Files/data/x/y"), "into itself"),
        (rename("Files/a.txt", "Files/data"), "already"),
        (rename("Files/data", "Files/a.txt"), "already"),
        (rename("Files/a.txt:note", "Files/x"), "stays with its file"),
        (
            editor.set_attributes(&at("Files/a.txt:note"), none, none),
            "of its own",
        ),
        (editor.set_security(&at("Files/a.txt"), b"junk"), "damaged"),
        (
            editor.set_permissions(&at("Files/a.txt"), 0o600),
            "no permission bits",
        ),
    ] {
        let text = result.unwrap_err().to_string();
        assert!(text.contains(why), "{text}: {why}");
    }
    drop(editor);
    assert_eq!(changes(&home), [""; 0]);
}

#[test]
fn a_name_longer_than_linux_takes_is_made_moved_and_deleted() {
    let home = home();
    let editor = home.store.edit_writable("w").unwrap();
    let long = |first: &str| format!("{first}{}", "語".repeat(200));
    let name = |first: &str| at(&format!("Files/{}", long(first)));
    editor.write(&name("a"), &mut &b"long"[..], None).unwrap();
    editor.create_folder(&name("b")).unwrap();
    let inside = name("b").join(long("c").as_bytes());
    editor.rename(&name("a"), &inside).unwrap();
    editor.create_link(&name("d"), b"a.txt").unwrap();
    editor.write(&name("e"), &mut &b"gone"[..], None).unwrap();
    editor.remove(&name("e"), false).unwrap();
    editor.rename(&at("Files/data/x"), &name("f")).unwrap();
    drop(editor);
    let tree = sealed(&home);
    let inside = tree.find(&inside).unwrap();
    assert_eq!(inside.name(), long("c").as_bytes());
    for (first, there) in [
        ("a", false),
        ("b", true),
        ("d", true),
        ("e", false),
        ("f", true),
    ] {
        assert_eq!(tree.find(&name(first)).is_ok(), there, "{first}");
    }
}
