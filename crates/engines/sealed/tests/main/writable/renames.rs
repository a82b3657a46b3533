//! Files and folders that get other names.

use std::fs;
use std::path::Path;

use transom_sealed::Kind;

use super::{Layer, base, edited, same_as_mount};
use crate::support::{TIME, has, metadata, names, text};

fn mv(root: &Path, from: &str, to: &str) {
    fs::rename(root.join(from), root.join(to)).unwrap();
}

/// Folders in folders, with files on each level.
fn deep() -> Vec<u8> {
    Layer::new()
        .dir("Files")
        .dir("Files/top")
        .file("Files/top/one", b"1")
        .dir("Files/top/middle")
        .file("Files/top/middle/two", b"2")
        .dir("Files/top/middle/bottom")
        .file("Files/top/middle/bottom/three", b"3")
        .dir("Files/other")
        .file("Files/other/four", b"4")
        .dir("Hives")
        .bytes()
}

#[test]
fn a_renamed_file_keeps_data_and_metadata() {
    let Some(edited) = same_as_mount(base(), |root| mv(root, "data/x", "data/renamed")) else {
        return;
    };
    let expected = [
        "Files",
        "Files/data",
        "Files/data/.wh.x",
        "Files/data/renamed",
        "Hives",
    ];
    assert_eq!(edited.entries(), expected);
    let moved = metadata(&edited.tree, "Files/data/renamed");
    assert_eq!((moved.created, moved.modified), (Some(TIME), TIME));
    assert_eq!(moved.security, None, "the descriptor goes with the file");
}

#[test]
fn a_renamed_folder_is_told_with_all_that_is_in_it() {
    let Some(edited) = same_as_mount(deep(), |root| mv(root, "top", "renamed")) else {
        return;
    };
    let expected = [
        "Files",
        "Files/.wh.top",
        "Files/renamed",
        "Files/renamed/middle",
        "Files/renamed/middle/bottom",
        "Files/renamed/middle/bottom/three",
        "Files/renamed/middle/two",
        "Files/renamed/one",
        "Hives",
    ];
    assert_eq!(edited.entries(), expected);
    let moved = metadata(&edited.tree, "Files/renamed/middle");
    assert_eq!((moved.created, moved.modified), (Some(TIME), TIME));
}

#[test]
fn a_file_renamed_over_another_replaces_it() {
    let Some(edited) = same_as_mount(base(), |root| mv(root, "data/x", "readme.txt")) else {
        return;
    };
    assert_eq!(text(&edited.tree, "Files/readme.txt"), "x");
    assert_eq!(edited.streams("Files/readme.txt"), []);
    assert!(!has(&edited.tree, "Files/data/x"));
}

#[test]
fn a_folder_renamed_over_an_emptied_one_shows_only_its_own_content() {
    let Some(edited) = same_as_mount(deep(), |root| {
        fs::remove_file(root.join("other/four")).unwrap();
        mv(root, "top/middle", "other");
    }) else {
        return;
    };
    assert_eq!(names(&edited.tree, "Files/other"), ["bottom", "two"]);
    assert!(!has(&edited.tree, "Files/top/middle"));
}

#[test]
fn things_move_out_of_and_into_renamed_folders() {
    let Some(edited) = same_as_mount(deep(), |root| {
        mv(root, "top", "renamed");
        mv(root, "renamed/middle/two", "two");
        mv(root, "renamed/middle/bottom", "other/bottom");
        mv(root, "other/four", "renamed/four");
    }) else {
        return;
    };
    assert_eq!(text(&edited.tree, "Files/other/bottom/three"), "3");
    assert_eq!(text(&edited.tree, "Files/renamed/four"), "4");
}

#[test]
fn what_changes_in_a_renamed_folder_is_part_of_it() {
    let Some(edited) = same_as_mount(deep(), |root| {
        mv(root, "top", "renamed");
        fs::write(root.join("renamed/one"), "changed").unwrap();
        fs::remove_file(root.join("renamed/middle/two")).unwrap();
        fs::write(root.join("renamed/middle/bottom/new"), "new").unwrap();
        fs::create_dir(root.join("top")).unwrap();
        fs::write(root.join("top/middle"), "a file now").unwrap();
    }) else {
        return;
    };
    assert_eq!(text(&edited.tree, "Files/renamed/one"), "changed");
    let expected = [
        "Files",
        "Files/renamed",
        "Files/renamed/middle",
        "Files/renamed/middle/bottom",
        "Files/renamed/middle/bottom/new",
        "Files/renamed/middle/bottom/three",
        "Files/renamed/one",
        "Files/top",
        "Files/top/.wh.one",
        "Files/top/middle",
        "Hives",
    ];
    assert_eq!(edited.entries(), expected);
}

#[test]
fn a_folder_renamed_inside_a_renamed_one_is_found() {
    let Some(edited) = same_as_mount(deep(), |root| {
        mv(root, "top/middle", "top/centre");
        mv(root, "top", "renamed");
        mv(root, "renamed/centre/bottom", "renamed/centre/ground");
    }) else {
        return;
    };
    assert_eq!(text(&edited.tree, "Files/renamed/centre/ground/three"), "3");
}

#[test]
fn a_folder_renamed_below_the_old_name_of_another_is_not_mixed_up() {
    let base = Layer::new()
        .dir("Files")
        .dir("Files/a")
        .dir("Files/a/x")
        .file("Files/a/x/from-a", b"a")
        .dir("Files/b")
        .dir("Files/b/x")
        .file("Files/b/x/from-b", b"b")
        .dir("Hives")
        .bytes();
    let Some(edited) = same_as_mount(base, |root| {
        mv(root, "a/x", "a/y");
        mv(root, "b/x", "b/y");
        mv(root, "a", "c");
        mv(root, "b", "a");
        mv(root, "c", "b");
    }) else {
        return;
    };
    assert_eq!(names(&edited.tree, "Files/a/y"), ["from-b"]);
    assert_eq!(names(&edited.tree, "Files/b/y"), ["from-a"]);
}

#[test]
fn a_folder_renamed_twice_and_back_is_where_it_was() {
    let Some(edited) = same_as_mount(deep(), |root| {
        mv(root, "top", "first");
        mv(root, "first", "second");
        mv(root, "second", "top");
        mv(root, "other", "first");
        mv(root, "first", "second");
    }) else {
        return;
    };
    assert_eq!(text(&edited.tree, "Files/top/middle/two"), "2");
    assert_eq!(names(&edited.tree, "Files/second"), ["four"]);
    assert!(!edited.entries().contains(&"Files/top/one".to_owned()));
}

#[test]
fn two_folders_change_places() {
    let Some(edited) = same_as_mount(deep(), |root| {
        mv(root, "top", "temporary");
        mv(root, "other", "top");
        mv(root, "temporary", "other");
    }) else {
        return;
    };
    assert_eq!(names(&edited.tree, "Files/top"), ["four"]);
    assert_eq!(names(&edited.tree, "Files/other"), ["middle", "one"]);
}

#[test]
fn a_rename_in_case_alone_is_a_new_case_and_no_deletion() {
    let Some(edited) = same_as_mount(base(), |root| {
        mv(root, "readme.txt", "README.TXT");
        mv(root, "data", "DATA");
    }) else {
        return;
    };
    let entries = edited.entries();
    assert!(
        entries.iter().all(|entry| !entry.contains(".wh.")),
        "{entries:?}"
    );
    let top = names(&edited.tree, "Files");
    assert!(top.contains(&"README.TXT".to_owned()) && top.contains(&"DATA".to_owned()));
    assert_eq!(edited.streams("Files/README.TXT").len(), 1);
    assert_eq!(
        metadata(&edited.tree, "Files/README.TXT").created,
        Some(TIME)
    );
    assert_eq!(text(&edited.tree, "Files/DATA/deep/z"), "z");
}

#[test]
fn a_link_and_an_untouched_neighbour_keep_their_places() {
    let Some(edited) = same_as_mount(base(), |root| mv(root, "latest", "data/latest")) else {
        return;
    };
    let link = metadata(&edited.tree, "Files/data/latest");
    assert_eq!(link.kind, Kind::Symlink);
    let target = link.target.unwrap();
    assert_eq!(target, br"C:\Program Files\tool.exe");
}

#[test]
fn a_new_folder_is_renamed_over_the_name_of_a_deleted_one() {
    let Some(edited) = same_as_mount(deep(), |root| {
        fs::create_dir(root.join("new")).unwrap();
        fs::write(root.join("new/file"), "new").unwrap();
        fs::remove_dir_all(root.join("top")).unwrap();
        mv(root, "new", "top");
    }) else {
        return;
    };
    assert_eq!(names(&edited.tree, "Files/top"), ["file"]);
}

#[test]
fn a_renamed_folder_of_the_second_layer_is_found_from_the_third() {
    let Some(edited) = edited(deep(), |root| mv(root, "top", "renamed")) else {
        return;
    };
    let third = edited.bench.writable("third", Some("sealed"));
    mv(&third, "renamed/middle", "top");
    let below: [&[u8]; 2] = [&edited.base, &edited.tar];
    let tree = edited.bench.sealed("third", &below);
    assert_eq!(text(&tree, "Files/top/bottom/three"), "3");
    assert_eq!(super::seen_in_tree(&tree), super::seen_in_mount(&third));
}
