//! Alternate streams, which a mount shows as files called `file:stream`.

use std::fs;

use super::{Layer, base, edited, refused, same_as_mount};
use crate::support::{has, metadata, text};

fn owned(streams: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    streams.iter().map(owned).collect()
}

#[test]
fn a_stream_added_to_a_file_of_the_base_brings_the_file_and_all_its_streams() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::write(root.join("readme.txt:summary"), "short").unwrap();
    }) else {
        return;
    };
    let expected = [
        "Files",
        "Files/readme.txt",
        "Files/readme.txt:Zone.Identifier",
        "Files/readme.txt:summary",
        "Hives",
    ];
    assert_eq!(edited.entries(), expected);
    assert_eq!(text(&edited.tree, "Files/readme.txt"), "read me");
    let expected = owned(&[("Zone.Identifier", "[ZoneTransfer]"), ("summary", "short")]);
    assert_eq!(edited.streams("Files/readme.txt"), expected);
    let changes = edited.changes();
    assert!(
        changes.contains(&"+Files/readme.txt:summary".to_owned()),
        "{changes:?}"
    );
}

#[test]
fn a_stream_is_changed_and_deleted_with_its_file_left_alone() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::write(root.join("readme.txt:Zone.Identifier"), "trusted").unwrap();
    }) else {
        return;
    };
    let expected = owned(&[("Zone.Identifier", "trusted")]);
    assert_eq!(edited.streams("Files/readme.txt"), expected);

    let Some(edited) = same_as_mount(base(), |root| {
        fs::remove_file(root.join("readme.txt:Zone.Identifier")).unwrap();
    }) else {
        return;
    };
    assert_eq!(edited.entries(), ["Files", "Files/readme.txt", "Hives"]);
    assert_eq!(edited.streams("Files/readme.txt"), []);
    assert_eq!(text(&edited.tree, "Files/readme.txt"), "read me");
}

#[test]
fn a_stream_written_in_another_case_is_the_one_that_is_there() {
    let Some(edited) = edited(base(), |root| {
        fs::write(root.join("README.txt:ZONE.identifier"), "trusted").unwrap();
    }) else {
        return;
    };
    let streams = edited.streams("Files/readme.txt");
    assert_eq!(streams.len(), 1, "{streams:?}");
    assert_eq!(streams[0].1, "trusted");
}

#[test]
fn two_streams_that_are_one_on_windows_are_refused() {
    let Some(why) = refused(base(), |root| {
        fs::write(root.join("readme.txt:new"), "1").unwrap();
        fs::write(root.join("README.TXT:NEW"), "2").unwrap();
    }) else {
        return;
    };
    assert!(
        why.contains("readme.txt:new") && why.contains("README.TXT:NEW"),
        "{why}"
    );
}

#[test]
fn folders_and_links_have_streams_too() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::write(root.join("data:comment"), "a folder").unwrap();
        fs::create_dir(root.join("made")).unwrap();
        fs::write(root.join("made:comment"), "made").unwrap();
    }) else {
        return;
    };
    let expected = [
        "Files",
        "Files/data",
        "Files/data:comment",
        "Files/made",
        "Files/made:comment",
        "Hives",
    ];
    assert_eq!(edited.entries(), expected);
    assert_eq!(
        edited.streams("Files/data"),
        owned(&[("comment", "a folder")])
    );
    assert!(has(&edited.tree, "Files/data/deep/z"));
}

#[test]
fn streams_of_a_folder_of_the_base_stay_when_something_in_it_changes() {
    let base = Layer::new()
        .dir("Files")
        .dir("Files/data")
        .stream("Files/data:comment", b"kept")
        .file("Files/data/x", b"x")
        .dir("Hives")
        .bytes();
    let Some(edited) = same_as_mount(base, |root| {
        fs::write(root.join("data/x"), "changed").unwrap();
    }) else {
        return;
    };
    assert_eq!(edited.streams("Files/data"), owned(&[("comment", "kept")]));
}

#[test]
fn a_new_file_may_have_streams() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::write(root.join("new"), "new").unwrap();
        fs::write(root.join("new:b"), "2").unwrap();
        fs::write(root.join("new:a"), "1").unwrap();
        fs::write(root.join("new:c:$DATA"), "3").unwrap();
    }) else {
        return;
    };
    let expected = owned(&[("a", "1"), ("b", "2"), ("c", "3")]);
    assert_eq!(edited.streams("Files/new"), expected);
    let expected = [
        "Files",
        "Files/new",
        "Files/new:a",
        "Files/new:b",
        "Files/new:c",
        "Hives",
    ];
    assert_eq!(edited.entries(), expected);
}

#[test]
fn a_stream_belongs_to_the_file_by_whichever_name_it_is_written() {
    for name in ["a.txt", "second.txt"] {
        let Some(edited) = same_as_mount(base(), |root| {
            fs::write(root.join(format!("{name}:note")), "changed").unwrap();
            fs::write(root.join(format!("{name}:more")), "more").unwrap();
        }) else {
            return;
        };
        let expected = owned(&[("more", "more"), ("note", "changed")]);
        assert_eq!(edited.streams("Files/a.txt"), expected, "by {name}");
        assert_eq!(edited.streams("Files/second.txt"), expected, "by {name}");
        assert_eq!(text(&edited.tree, "Files/second.txt"), "one");
    }
}

#[test]
fn a_stream_deleted_by_one_name_is_gone_for_all_names() {
    for name in ["a.txt", "second.txt"] {
        let Some(edited) = same_as_mount(base(), |root| {
            fs::remove_file(root.join(format!("{name}:note"))).unwrap();
        }) else {
            return;
        };
        assert_eq!(edited.streams("Files/a.txt"), [], "by {name}");
        assert_eq!(edited.streams("Files/second.txt"), [], "by {name}");
    }
}

#[test]
fn a_name_deleted_with_its_streams_leaves_the_other_name_and_the_streams() {
    for (gone, left) in [("a.txt", "second.txt"), ("second.txt", "a.txt")] {
        let Some(edited) = same_as_mount(base(), |root| {
            fs::remove_file(root.join(format!("{gone}:note"))).unwrap();
            fs::remove_file(root.join(gone)).unwrap();
        }) else {
            return;
        };
        let left = format!("Files/{left}");
        assert_eq!(edited.streams(&left), owned(&[("note", "a note")]));
        assert!(!has(&edited.tree, &format!("Files/{gone}")));
    }
}

#[test]
fn a_stream_written_by_a_name_that_is_gone_stays_with_the_file() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::write(root.join("a.txt:note"), "changed").unwrap();
        fs::remove_file(root.join("a.txt:note")).unwrap();
        fs::remove_file(root.join("a.txt")).unwrap();
        assert_eq!(fs::read(root.join("second.txt:note")).unwrap(), b"changed");
    }) else {
        return;
    };
    let expected = owned(&[("note", "changed")]);
    assert_eq!(edited.streams("Files/second.txt"), expected);
}

#[test]
fn data_and_stream_of_a_linked_file_change_by_different_names() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::write(root.join("second.txt"), "two").unwrap();
        fs::write(root.join("a.txt:note"), "changed").unwrap();
    }) else {
        return;
    };
    for name in ["Files/a.txt", "Files/second.txt"] {
        assert_eq!(text(&edited.tree, name), "two");
        assert_eq!(edited.streams(name), owned(&[("note", "changed")]));
    }
}

#[test]
fn a_moved_file_keeps_its_streams() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::rename(root.join("readme.txt"), root.join("data/moved.txt")).unwrap();
    }) else {
        return;
    };
    let expected = owned(&[("Zone.Identifier", "[ZoneTransfer]")]);
    assert_eq!(edited.streams("Files/data/moved.txt"), expected);
    assert!(!has(&edited.tree, "Files/readme.txt:Zone.Identifier"));
}

#[test]
fn streams_moved_along_with_their_file_are_told_once() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::rename(root.join("readme.txt"), root.join("moved.txt")).unwrap();
        let stream = |name: &str| root.join(format!("{name}:Zone.Identifier"));
        fs::rename(stream("readme.txt"), stream("moved.txt")).unwrap();
        fs::write(stream("moved.txt"), "changed").unwrap();
    }) else {
        return;
    };
    let expected = owned(&[("Zone.Identifier", "changed")]);
    assert_eq!(edited.streams("Files/moved.txt"), expected);
}

#[test]
fn a_stream_moved_along_and_then_deleted_is_gone() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::rename(root.join("readme.txt"), root.join("moved.txt")).unwrap();
        let stream = |name: &str| root.join(format!("{name}:Zone.Identifier"));
        fs::rename(stream("readme.txt"), stream("moved.txt")).unwrap();
        fs::remove_file(stream("moved.txt")).unwrap();
    }) else {
        return;
    };
    assert_eq!(edited.streams("Files/moved.txt"), []);
}

#[test]
fn a_stream_deleted_after_its_file_and_folder_were_moved_is_gone() {
    let base = Layer::new()
        .dir("Files")
        .dir("Files/data")
        .file("Files/data/x", b"x")
        .stream("Files/data/x:s", b"s")
        .dir("Hives")
        .bytes();
    let Some(edited) = same_as_mount(base, |root| {
        fs::rename(root.join("data"), root.join("moved")).unwrap();
        fs::rename(root.join("moved/x"), root.join("y")).unwrap();
        fs::rename(root.join("moved/x:s"), root.join("y:s")).unwrap();
        fs::remove_file(root.join("y:s")).unwrap();
    }) else {
        return;
    };
    assert_eq!(edited.streams("Files/y"), []);
}

#[test]
fn a_moved_folder_takes_its_streams_and_those_of_its_files_along() {
    let base = Layer::new()
        .dir("Files")
        .dir("Files/data")
        .stream("Files/data:comment", b"of the folder")
        .file("Files/data/x", b"x")
        .stream("Files/data/x:s", b"of the file")
        .dir("Hives")
        .bytes();
    let Some(edited) = same_as_mount(base, |root| {
        fs::rename(root.join("data"), root.join("moved")).unwrap();
    }) else {
        return;
    };
    let expected = [
        "Files",
        "Files/.wh.data",
        "Files/moved",
        "Files/moved:comment",
        "Files/moved/x",
        "Files/moved/x:s",
        "Hives",
    ];
    assert_eq!(edited.entries(), expected);
}

#[test]
fn a_deleted_file_takes_its_streams_along() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::remove_file(root.join("readme.txt")).unwrap();
    }) else {
        return;
    };
    let expected = ["Files", "Files/.wh.readme.txt", "Hives"];
    assert_eq!(edited.entries(), expected);
    assert!(!has(&edited.tree, "Files/readme.txt:Zone.Identifier"));
}

#[test]
fn a_stream_without_a_file_is_refused_by_name() {
    let Some(why) = refused(base(), |root| {
        fs::write(root.join("data/nothing:s"), "lost").unwrap();
    }) else {
        return;
    };
    assert!(why.contains("Files/data/nothing:s"), "{why}");

    let Some(why) = refused(base(), |root| {
        fs::write(root.join("readme.txt:Zone.Identifier"), "x").unwrap();
        fs::remove_file(root.join("readme.txt")).unwrap();
    }) else {
        return;
    };
    assert!(why.contains("Files/readme.txt:Zone.Identifier"), "{why}");
}

#[test]
fn a_folder_or_link_called_like_a_stream_is_refused_by_name() {
    let Some(why) = refused(base(), |root| {
        fs::create_dir(root.join("readme.txt:folder")).unwrap();
    }) else {
        return;
    };
    assert!(why.contains("readme.txt:folder"), "{why}");
    let Some(why) = refused(base(), |root| {
        std::os::unix::fs::symlink("x", root.join("readme.txt:link")).unwrap();
    }) else {
        return;
    };
    assert!(why.contains("readme.txt:link"), "{why}");
}

#[test]
fn a_stream_whose_name_windows_cannot_have_is_refused_by_name() {
    for name in ["readme.txt:a:b", "readme.txt:", "readme.txt:s:$OTHER"] {
        let Some(why) = refused(base(), |root| {
            fs::write(root.join(name), "x").unwrap();
        }) else {
            return;
        };
        assert!(why.contains(name), "{why}");
    }
}

#[test]
fn a_file_replaced_by_a_new_one_has_none_of_the_old_streams() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::write(root.join("temporary"), "replaced").unwrap();
        fs::rename(root.join("temporary"), root.join("readme.txt")).unwrap();
    }) else {
        return;
    };
    assert_eq!(text(&edited.tree, "Files/readme.txt"), "replaced");
    assert_eq!(edited.streams("Files/readme.txt"), []);
    let changed = metadata(&edited.tree, "Files/readme.txt");
    assert!(changed.security.is_some(), "is a new file");
}
