//! What is written and deleted through a mount, and what the tar says of it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use transom_ntmeta::attributes::FileAttributes;

use super::{Bench, base, edited, entries, id, refused, same_as_mount};
use crate::support::{TIME, all_names, has, metadata, names, text};

#[test]
fn an_untouched_layer_exports_its_two_folders_and_nothing_else() {
    let Some(edited) = same_as_mount(base(), |root| {
        assert_eq!(fs::read(root.join("a.txt")).unwrap(), b"one");
    }) else {
        return;
    };
    assert_eq!(edited.changes(), [] as [&str; 0]);
    assert_eq!(edited.entries(), ["Files", "Hives"]);
}

#[test]
fn what_a_mount_changes_is_told_and_becomes_a_layer() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::write(root.join("new.txt"), "new").unwrap();
        fs::remove_file(root.join("data/x")).unwrap();
        fs::write(root.join("Program Files/tool.exe"), "better").unwrap();
        fs::create_dir(root.join("folder")).unwrap();
        symlink("../Program Files", root.join("folder/link")).unwrap();
    }) else {
        return;
    };
    assert_eq!(
        edited.changes(),
        [
            "~Files",
            "~Files/Program Files",
            "~Files/Program Files/tool.exe",
            "~Files/data",
            "-Files/data/x",
            "+Files/folder",
            "+Files/folder/link",
            "+Files/new.txt",
        ]
    );
    assert_eq!(edited.bench.driver.diff_size(&id("top")).unwrap(), 9);
    let link = metadata(&edited.tree, "Files/folder/link");
    assert_eq!(link.target.unwrap(), br"..\Program Files");
    let folder_link = FileAttributes::DIRECTORY | FileAttributes::REPARSE_POINT;
    assert_eq!(link.attributes, Some(folder_link));
    let new = metadata(&edited.tree, "Files/new.txt");
    assert_eq!(new.attributes, Some(FileAttributes::ARCHIVE));
    assert!(new.security.is_some() && new.created.is_some());
}

#[test]
fn a_deleted_folder_is_one_whiteout() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::remove_dir_all(root.join("data")).unwrap();
        fs::remove_dir_all(root.join("Program Files")).unwrap();
    }) else {
        return;
    };
    let expected = [
        "Files",
        "Files/.wh.Program Files",
        "Files/.wh.data",
        "Hives",
    ];
    assert_eq!(edited.entries(), expected);
    let expected = ["~Files", "-Files/Program Files", "-Files/data"];
    assert_eq!(edited.changes(), expected);
    assert!(!has(&edited.tree, "Files/data/deep/z"));
}

#[test]
fn of_a_folder_made_again_only_the_new_content_shows_also_in_the_third_layer() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::remove_dir_all(root.join("data")).unwrap();
        fs::create_dir(root.join("data")).unwrap();
        fs::write(root.join("data/y"), "new").unwrap();
    }) else {
        return;
    };
    let expected = [
        "Files",
        "Files/data",
        "Files/data/.wh.deep",
        "Files/data/.wh.x",
        "Files/data/y",
        "Hives",
    ];
    assert_eq!(edited.entries(), expected);
    let third = edited.bench.writable("third", Some("sealed"));
    fs::write(third.join("data/third"), "3").unwrap();
    assert_eq!(all_names(&third.join("data")), ["third", "y"]);
    assert_eq!(fs::read(third.join("data/y")).unwrap(), b"new");
    let below: [&[u8]; 2] = [&edited.base, &edited.tar];
    let tree = edited.bench.sealed("third", &below);
    assert_eq!(names(&tree, "Files/data"), ["third", "y"]);
}

#[test]
fn a_folder_made_again_two_levels_down_hides_what_was_there() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::remove_dir_all(root.join("data")).unwrap();
        fs::create_dir_all(root.join("data/deep/more")).unwrap();
        fs::create_dir(root.join("data/x")).unwrap();
    }) else {
        return;
    };
    let expected = [
        "Files",
        "Files/data",
        "Files/data/.wh.y",
        "Files/data/deep",
        "Files/data/deep/.wh.z",
        "Files/data/deep/more",
        "Files/data/x",
        "Hives",
    ];
    assert_eq!(edited.entries(), expected);
}

#[test]
fn a_file_becomes_a_folder_and_a_folder_a_file() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::remove_file(root.join("readme.txt")).unwrap();
        fs::create_dir(root.join("readme.txt")).unwrap();
        fs::write(root.join("readme.txt/inside"), "in").unwrap();
        fs::remove_dir_all(root.join("data")).unwrap();
        fs::write(root.join("data"), "now a file").unwrap();
    }) else {
        return;
    };
    let expected = [
        "Files",
        "Files/data",
        "Files/readme.txt",
        "Files/readme.txt/inside",
        "Hives",
    ];
    assert_eq!(edited.entries(), expected);
    assert_eq!(edited.streams("Files/readme.txt"), []);
}

#[test]
fn a_file_deleted_and_made_again_is_told_once_with_nothing_of_the_old() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::remove_file(root.join("readme.txt")).unwrap();
        fs::write(root.join("readme.txt"), "again").unwrap();
    }) else {
        return;
    };
    assert_eq!(edited.entries(), ["Files", "Files/readme.txt", "Hives"]);
    assert_eq!(edited.streams("Files/readme.txt"), []);
    let again = metadata(&edited.tree, "Files/readme.txt");
    assert_ne!(again.created, Some(TIME));
}

#[test]
fn what_is_made_and_deleted_in_one_layer_leaves_only_the_times_of_its_folder() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::create_dir_all(root.join("data/brief/more")).unwrap();
        fs::write(root.join("data/brief/more/file"), "x").unwrap();
        fs::remove_dir_all(root.join("data/brief")).unwrap();
    }) else {
        return;
    };
    assert_eq!(edited.entries(), ["Files", "Files/data", "Hives"]);
}

#[test]
fn a_tar_is_ordered_as_windows_orders_it() {
    let Some(edited) = same_as_mount(base(), |root| {
        for name in ["a", "a b", "B", "é", "z.txt", "Z"] {
            fs::create_dir(root.join(name)).unwrap();
            fs::write(root.join(name).join("b"), "").unwrap();
        }
        fs::write(root.join("a.b"), "").unwrap();
        fs::remove_file(root.join("latest")).unwrap();
        fs::remove_dir_all(root.join("data/deep")).unwrap();
    }) else {
        return;
    };
    let expected = [
        "Files",
        "Files/.wh.latest",
        "Files/B",
        "Files/B/b",
        "Files/Z",
        "Files/Z/b",
        "Files/a",
        "Files/a/b",
        "Files/a b",
        "Files/a b/b",
        "Files/a.b",
        "Files/data",
        "Files/data/.wh.deep",
        "Files/z.txt",
        "Files/z.txt/b",
        "Files/é",
        "Files/é/b",
        "Hives",
    ];
    assert_eq!(edited.entries(), expected);
}

#[test]
fn appended_and_truncated_files_are_told_whole() {
    let Some(edited) = same_as_mount(base(), |root| {
        let mut options = fs::File::options();
        let mut file = options.append(true).open(root.join("data/x")).unwrap();
        file.write_all(b" and more").unwrap();
        let mut options = fs::File::options();
        let file = options.write(true).open(root.join("data/y")).unwrap();
        file.set_len(0).unwrap();
    }) else {
        return;
    };
    assert_eq!(text(&edited.tree, "Files/data/x"), "x and more");
    assert_eq!(text(&edited.tree, "Files/data/y"), "");
    assert!(metadata(&edited.tree, "Files/data/y").has_data_stream);
}

#[test]
fn the_recycle_bin_is_left_out_as_a_folder_only() {
    let Some(edited) = edited(base(), |root| {
        fs::create_dir(root.join("$RECYCLE.BIN")).unwrap();
        fs::write(root.join("$RECYCLE.BIN/x"), "deleted").unwrap();
        fs::create_dir(root.join("data/$Recycle.Bin")).unwrap();
    }) else {
        return;
    };
    let expected = ["Files", "Files/data", "Files/data/$Recycle.Bin", "Hives"];
    assert_eq!(edited.entries(), expected);
}

#[test]
fn sockets_are_left_out() {
    let Some(edited) = same_as_mount(base(), |root| {
        drop(UnixListener::bind(root.join("socket")).unwrap());
        drop(UnixListener::bind(root.join("data/socket")).unwrap());
    }) else {
        return;
    };
    assert_eq!(edited.entries(), ["Files", "Files/data", "Hives"]);
}

#[test]
fn a_socket_in_place_of_a_file_deletes_the_file() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::remove_file(root.join("readme.txt")).unwrap();
        drop(UnixListener::bind(root.join("readme.txt")).unwrap());
    }) else {
        return;
    };
    let expected = ["Files", "Files/.wh.readme.txt", "Hives"];
    assert_eq!(edited.entries(), expected);
}

#[test]
fn devices_and_pipes_are_refused_by_name() {
    for (kind, word) in [
        (FileType::Fifo, "a pipe"),
        (FileType::CharacterDevice, "a device"),
        (FileType::BlockDevice, "a device"),
    ] {
        let Some(why) = refused(base(), |root| {
            let path = root.join("data/odd");
            mknodat(CWD, &path, kind, Mode::RUSR, makedev(1, 3)).unwrap();
        }) else {
            return;
        };
        assert!(
            why.contains("Files/data/odd") && why.contains(word),
            "{why}"
        );
    }
}

#[test]
fn what_every_layer_has_cannot_be_deleted() {
    for (victim, is_folder) in [
        ("Files", true),
        ("Hives", true),
        ("Hives/System_Base", false),
    ] {
        let Some(bench) = Bench::new() else { return };
        bench.base("base", None, &base());
        bench.writable("top", Some("base"));
        bench.driver.put(&id("top")).unwrap();
        let raw = bench.raw("top");
        match is_folder {
            true => fs::remove_dir_all(raw.join(victim)).unwrap(),
            false => fs::remove_file(raw.join(victim)).unwrap(),
        }
        let why = bench.try_diff("top").unwrap_err();
        assert!(why.contains(victim) && why.contains("deleted"), "{why}");
        bench.home.store.unmount_at(&raw).unwrap();
    }
}

#[test]
fn hives_written_through_the_raw_tree_are_part_of_the_layer() {
    let Some(bench) = Bench::new() else { return };
    bench.base("base", None, &base());
    bench.writable("top", Some("base"));
    let raw = bench.raw("top");
    fs::write(raw.join("Hives/Software_Delta"), "delta").unwrap();
    let expected = ["Files", "Hives", "Hives/Software_Delta"];
    assert_eq!(entries(&bench.diff("top")), expected);
    bench.home.store.unmount_at(&raw).unwrap();
}

#[test]
fn a_layer_over_nothing_has_what_was_written() {
    let Some(bench) = Bench::new() else { return };
    let root = bench.writable("top", None);
    assert_eq!(all_names(&root), [] as [&str; 0]);
    fs::write(root.join("first"), "1").unwrap();
    let tar = bench.diff("top");
    assert_eq!(entries(&tar), ["Files", "Files/first", "Hives"]);
    assert_eq!(text(&bench.stacked(&[tar]), "Files/first"), "1");
}
