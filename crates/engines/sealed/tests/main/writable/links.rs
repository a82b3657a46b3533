//! Hard links, links and junctions.

use std::fs;
use std::os::unix::fs::symlink;

use transom_ntmeta::attributes::FileAttributes;
use transom_sealed::Kind;

use super::{Layer, base, edited, entries, same_as_mount};
use crate::support::{find, has, metadata, text, with_attributes};
use transom_layertar::Shape;

/// A file with three names in three folders.
fn three_names() -> Vec<u8> {
    Layer::new()
        .dir("Files")
        .dir("Files/a")
        .file("Files/a/one", b"shared")
        .dir("Files/b")
        .link("Files/b/two", "Files/a/one")
        .dir("Files/c")
        .link("Files/c/three", "Files/a/one")
        .file("Files/c/x", b"x")
        .dir("Hives")
        .bytes()
}

#[test]
fn new_hard_links_are_one_file() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::write(root.join("one"), "shared").unwrap();
        fs::hard_link(root.join("one"), root.join("data/two")).unwrap();
    }) else {
        return;
    };
    let expected = [
        "Files",
        "Files/data",
        "Files/data/two",
        "Files/one = Files/data/two",
        "Hives",
    ];
    assert_eq!(edited.entries(), expected);
    assert_eq!(edited.bench.driver.diff_size(&super::id("top")).unwrap(), 6);
    assert_eq!(metadata(&edited.tree, "Files/one").links, 2);
}

#[test]
fn a_file_of_the_base_gets_another_name() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::hard_link(root.join("readme.txt"), root.join("again.txt")).unwrap();
    }) else {
        return;
    };
    let (one, other) = ("Files/readme.txt", "Files/again.txt");
    let id = |path| find(&edited.tree, path).id();
    assert_eq!(id(one), id(other));
    assert_eq!(text(&edited.tree, other), "read me");
    assert_eq!(edited.streams(one), edited.streams(other));
    assert_eq!(edited.streams(other).len(), 1);
}

#[test]
fn a_file_changed_by_one_name_is_told_by_all() {
    for name in ["a/one", "b/two", "c/three"] {
        let Some(edited) = same_as_mount(three_names(), |root| {
            fs::write(root.join(name), "changed").unwrap();
        }) else {
            return;
        };
        let expected = [
            "Files",
            "Files/a",
            "Files/a/one",
            "Files/b",
            "Files/b/two = Files/a/one",
            "Files/c",
            "Files/c/three = Files/a/one",
            "Hives",
        ];
        assert_eq!(edited.entries(), expected, "by {name}");
        assert_eq!(text(&edited.tree, "Files/b/two"), "changed");
    }
}

#[test]
fn metadata_changed_by_one_name_is_told_by_all() {
    let Some(edited) = same_as_mount(three_names(), |root| {
        super::set_xattr(&root.join("c/three"), "user.MSWINDOWS.fileattr", b"34");
    }) else {
        return;
    };
    let hidden = FileAttributes::ARCHIVE | FileAttributes::HIDDEN;
    for name in ["Files/a/one", "Files/b/two", "Files/c/three"] {
        assert_eq!(metadata(&edited.tree, name).attributes, Some(hidden));
        assert_eq!(text(&edited.tree, name), "shared");
    }
}

#[test]
fn one_deleted_name_leaves_the_others_one_file() {
    let Some(edited) = same_as_mount(three_names(), |root| {
        fs::remove_file(root.join("a/one")).unwrap();
    }) else {
        return;
    };
    let expected = ["Files", "Files/a", "Files/a/.wh.one", "Hives"];
    assert_eq!(edited.entries(), expected);
}

#[test]
fn a_file_changed_after_a_name_was_deleted_is_told_by_those_left() {
    let Some(edited) = same_as_mount(three_names(), |root| {
        fs::remove_file(root.join("a/one")).unwrap();
        fs::write(root.join("c/three"), "changed").unwrap();
    }) else {
        return;
    };
    let expected = [
        "Files",
        "Files/a",
        "Files/a/.wh.one",
        "Files/b",
        "Files/b/two",
        "Files/c",
        "Files/c/three = Files/b/two",
        "Hives",
    ];
    assert_eq!(edited.entries(), expected);
}

#[test]
fn what_was_written_by_a_name_that_is_gone_is_told_by_those_left() {
    let Some(edited) = same_as_mount(three_names(), |root| {
        fs::write(root.join("a/one"), "changed").unwrap();
        fs::remove_file(root.join("a/one")).unwrap();
    }) else {
        return;
    };
    for name in ["Files/b/two", "Files/c/three"] {
        assert_eq!(text(&edited.tree, name), "changed");
    }
}

#[test]
fn what_was_written_in_a_folder_that_is_gone_is_told_by_names_elsewhere() {
    let Some(edited) = same_as_mount(three_names(), |root| {
        fs::write(root.join("a/one"), "changed").unwrap();
        fs::remove_dir_all(root.join("a")).unwrap();
        fs::rename(root.join("b"), root.join("moved")).unwrap();
    }) else {
        return;
    };
    for name in ["Files/moved/two", "Files/c/three"] {
        assert_eq!(text(&edited.tree, name), "changed");
    }
}

#[test]
fn metadata_changed_by_a_name_that_is_gone_is_told_by_those_left() {
    let Some(edited) = same_as_mount(three_names(), |root| {
        super::set_xattr(&root.join("a/one"), "user.MSWINDOWS.fileattr", b"34");
        fs::remove_file(root.join("a/one")).unwrap();
    }) else {
        return;
    };
    let hidden = FileAttributes::ARCHIVE | FileAttributes::HIDDEN;
    for name in ["Files/b/two", "Files/c/three"] {
        assert_eq!(metadata(&edited.tree, name).attributes, Some(hidden));
        assert_eq!(text(&edited.tree, name), "shared");
    }
}

#[test]
fn a_name_replaced_by_another_file_is_no_link_any_more() {
    let Some(edited) = same_as_mount(three_names(), |root| {
        fs::write(root.join("temporary"), "own").unwrap();
        fs::rename(root.join("temporary"), root.join("b/two")).unwrap();
    }) else {
        return;
    };
    assert_eq!(text(&edited.tree, "Files/b/two"), "own");
    assert_eq!(text(&edited.tree, "Files/c/three"), "shared");
}

#[test]
fn links_and_renames_together_keep_the_file_one() {
    let Some(edited) = same_as_mount(three_names(), |root| {
        fs::rename(root.join("b/two"), root.join("b/renamed")).unwrap();
        fs::hard_link(root.join("c/three"), root.join("c/four")).unwrap();
        fs::remove_file(root.join("a/one")).unwrap();
    }) else {
        return;
    };
    for name in ["Files/b/renamed", "Files/c/three", "Files/c/four"] {
        assert_eq!(text(&edited.tree, name), "shared");
        assert_eq!(metadata(&edited.tree, name).links, 3);
    }
}

#[test]
fn a_renamed_name_stays_linked_to_names_elsewhere() {
    let Some(edited) = same_as_mount(three_names(), |root| {
        fs::rename(root.join("b/two"), root.join("c/moved")).unwrap();
    }) else {
        return;
    };
    assert!(!has(&edited.tree, "Files/b/two"));
}

#[test]
fn a_renamed_folder_keeps_its_files_linked_to_names_elsewhere() {
    let Some(edited) = same_as_mount(three_names(), |root| {
        fs::rename(root.join("b"), root.join("moved")).unwrap();
    }) else {
        return;
    };
    let id = |path| find(&edited.tree, path).id();
    assert_eq!(id("Files/moved/two"), id("Files/a/one"));
    assert_eq!(id("Files/moved/two"), id("Files/c/three"));
}

#[test]
fn a_file_changed_in_a_renamed_folder_changes_by_all_names() {
    let Some(edited) = same_as_mount(three_names(), |root| {
        fs::rename(root.join("b"), root.join("moved")).unwrap();
        fs::write(root.join("moved/two"), "changed").unwrap();
    }) else {
        return;
    };
    assert_eq!(text(&edited.tree, "Files/a/one"), "changed");
    assert_eq!(text(&edited.tree, "Files/c/three"), "changed");
}

#[test]
fn a_stream_changed_in_a_renamed_folder_changes_by_all_names() {
    let base = Layer::new()
        .dir("Files")
        .dir("Files/a")
        .file("Files/a/one", b"shared")
        .stream("Files/a/one:s", b"old")
        .dir("Files/b")
        .link("Files/b/two", "Files/a/one")
        .dir("Hives")
        .bytes();
    let Some(edited) = same_as_mount(base, |root| {
        fs::rename(root.join("b"), root.join("moved")).unwrap();
        fs::write(root.join("moved/two:s"), "new").unwrap();
    }) else {
        return;
    };
    let expected = [("s".to_owned(), "new".to_owned())];
    assert_eq!(edited.streams("Files/moved/two"), expected);
    assert_eq!(edited.streams("Files/a/one"), expected);
}

#[test]
fn links_of_two_layers_are_one_file_in_the_third() {
    let Some(edited) = same_as_mount(three_names(), |root| {
        fs::hard_link(root.join("b/two"), root.join("b/four")).unwrap();
    }) else {
        return;
    };
    let third = edited.bench.writable("third", Some("sealed"));
    fs::write(third.join("b/four"), "changed").unwrap();
    let tar = edited.bench.diff("third");
    super::assert_well_ordered(&tar);
    let links = entries(&tar).into_iter();
    let links: Vec<String> = links.filter(|entry| entry.contains(" = ")).collect();
    assert_eq!(
        links,
        [
            "Files/b/four = Files/a/one",
            "Files/b/two = Files/a/one",
            "Files/c/three = Files/a/one"
        ]
    );
}

#[test]
fn links_get_the_form_and_kind_that_windows_gives_them() {
    let Some(edited) = same_as_mount(base(), |root| {
        for (target, name) in [
            ("readme.txt", "to-file"),
            ("data", "to-folder"),
            ("/data/deep", "absolute"),
            ("deep/z", "data/inside"),
            ("../Program Files", "data/up"),
            ("data/../data/deep", "around"),
            ("made", "to-new"),
            ("nowhere", "dangling"),
            ("/../../outside", "outside"),
        ] {
            symlink(target, root.join(name)).unwrap();
        }
        fs::create_dir(root.join("made")).unwrap();
    }) else {
        return;
    };
    let file = FileAttributes::REPARSE_POINT | FileAttributes::ARCHIVE;
    let folder = FileAttributes::REPARSE_POINT | FileAttributes::DIRECTORY;
    for (name, target, attributes) in [
        ("to-file", "readme.txt", file),
        ("to-folder", "data", folder),
        ("absolute", r"C:\data\deep", folder),
        ("data/inside", r"deep\z", file),
        ("data/up", r"..\Program Files", folder),
        ("around", r"data\..\data\deep", folder),
        ("to-new", "made", folder),
        ("dangling", "nowhere", file),
        ("outside", r"C:\..\..\outside", file),
    ] {
        let link = metadata(&edited.tree, &format!("Files/{name}"));
        assert_eq!(link.kind, Kind::Symlink);
        assert_eq!(link.target.as_deref(), Some(target.as_bytes()), "{name}");
        assert_eq!(link.attributes, Some(attributes), "{name}");
        assert!(link.security.is_some(), "{name}");
    }
}

#[test]
fn links_and_junctions_of_the_base_keep_their_metadata_when_they_are_moved() {
    let mut about = with_attributes(0x410);
    about.security = Some(transom_ntmeta::inherit::default_root().to_vec());
    about.eas = vec![(b"A".to_vec(), vec![1, 0, 2])];
    let junction = Shape::Junction {
        target: br"\\?\Volume{01234567-89ab-cdef-0123-456789abcdef}\",
    };
    let link = Shape::Symlink { target: br"\data" };
    let base = Layer::new()
        .dir("Files")
        .dir("Files/data")
        .entry("Files/junction", &junction, &about, b"")
        .entry("Files/link", &link, &about, b"")
        .dir("Hives")
        .bytes();
    let Some(edited) = same_as_mount(base, |root| {
        fs::rename(root.join("junction"), root.join("data/moved")).unwrap();
        fs::rename(root.join("link"), root.join("other")).unwrap();
    }) else {
        return;
    };
    let below = edited.bench.stacked(std::slice::from_ref(&edited.base));
    for (from, to) in [("junction", "data/moved"), ("link", "other")] {
        let before = metadata(&below, &format!("Files/{from}"));
        let mut after = metadata(&edited.tree, &format!("Files/{to}"));
        after.layer = before.layer;
        assert_eq!(after, before);
    }
}

#[test]
fn a_link_of_the_base_is_replaced_by_a_file() {
    let Some(edited) = edited(base(), |root| {
        fs::remove_file(root.join("latest")).unwrap();
        fs::write(root.join("latest"), "file").unwrap();
    }) else {
        return;
    };
    let latest = metadata(&edited.tree, "Files/latest");
    assert_eq!(latest.attributes, Some(FileAttributes::ARCHIVE));
}
