//! Names in another case, names that Windows cannot have, and names longer than Linux can have.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{Layer, base, edited, refused, same_as_mount, xattr};
use crate::support::{TIME, all_names, has, metadata, names, text};

#[test]
fn a_new_folder_in_another_case_lands_in_the_one_of_the_base() {
    let Some(edited) = edited(base(), |root| {
        fs::create_dir_all(root.join("program files/vendor")).unwrap();
        fs::write(root.join("program files/vendor/x"), "x").unwrap();
    }) else {
        return;
    };
    assert_eq!(
        names(&edited.tree, "Files/Program Files"),
        ["tool.exe", "vendor"]
    );
    assert!(names(&edited.tree, "Files").contains(&"Program Files".to_owned()));
    assert_eq!(text(&edited.tree, "Files/Program Files/vendor/x"), "x");
    let folder = metadata(&edited.tree, "Files/Program Files");
    assert_eq!(folder.created, Some(TIME), "it is the folder of the base");
    assert!(folder.modified > TIME, "something was put into it");
}

#[test]
fn folders_in_three_cases_are_one() {
    let Some(edited) = edited(base(), |root| {
        fs::write(root.join("Program Files/own"), "1").unwrap();
        fs::create_dir(root.join("program files")).unwrap();
        fs::write(root.join("program files/lower"), "2").unwrap();
        fs::create_dir(root.join("PROGRAM FILES")).unwrap();
        fs::write(root.join("PROGRAM FILES/upper"), "3").unwrap();
    }) else {
        return;
    };
    let expected = ["lower", "own", "tool.exe", "upper"];
    assert_eq!(names(&edited.tree, "Files/Program Files"), expected);
}

#[test]
fn names_below_a_folder_in_another_case_are_matched_as_well() {
    let Some(edited) = edited(base(), |root| {
        fs::create_dir_all(root.join("DATA/DEEP")).unwrap();
        fs::write(root.join("DATA/DEEP/Z"), "changed").unwrap();
        fs::write(root.join("DATA/DEEP/new"), "new").unwrap();
    }) else {
        return;
    };
    assert_eq!(names(&edited.tree, "Files/data/deep"), ["new", "z"]);
    assert_eq!(text(&edited.tree, "Files/data/deep/z"), "changed");
    assert_eq!(text(&edited.tree, "Files/data/x"), "x");
}

#[test]
fn a_file_written_in_another_case_keeps_the_name_and_metadata_of_the_base() {
    let Some(edited) = edited(base(), |root| {
        fs::write(root.join("README.TXT"), "written").unwrap();
    }) else {
        return;
    };
    assert!(names(&edited.tree, "Files").contains(&"readme.txt".to_owned()));
    assert_eq!(text(&edited.tree, "Files/readme.txt"), "written");
    let written = metadata(&edited.tree, "Files/readme.txt");
    assert_eq!(written.created, Some(TIME));
    assert_eq!(written.security, None);
    assert_eq!(edited.streams("Files/readme.txt").len(), 1);
}

#[test]
fn two_new_names_that_are_one_on_windows_are_refused_with_both() {
    for (one, other) in [("new", "NEW"), ("Über", "üBER")] {
        let Some(why) = refused(base(), |root| {
            fs::write(root.join(one), "1").unwrap();
            fs::write(root.join(other), "2").unwrap();
        }) else {
            return;
        };
        assert!(why.contains(one) && why.contains(other), "{why}");
    }
    let Some(why) = refused(base(), |root| {
        fs::create_dir(root.join("new")).unwrap();
        fs::create_dir(root.join("NEW")).unwrap();
    }) else {
        return;
    };
    assert!(
        why.contains("Files/new") && why.contains("Files/NEW"),
        "{why}"
    );
}

#[test]
fn a_name_changed_in_two_cases_is_refused_with_both() {
    let Some(why) = refused(base(), |root| {
        fs::write(root.join("readme.txt"), "1").unwrap();
        fs::write(root.join("README.TXT"), "2").unwrap();
    }) else {
        return;
    };
    assert!(
        why.contains("readme.txt") && why.contains("README.TXT"),
        "{why}"
    );
}

#[test]
fn another_kind_of_thing_in_another_case_is_refused_with_both() {
    let Some(why) = refused(base(), |root| {
        fs::create_dir(root.join("README.TXT")).unwrap()
    }) else {
        return;
    };
    assert!(
        why.contains("readme.txt") && why.contains("README.TXT"),
        "{why}"
    );
    let Some(why) = refused(base(), |root| fs::write(root.join("DATA"), "").unwrap()) else {
        return;
    };
    assert!(
        why.contains("Files/data") && why.contains("Files/DATA"),
        "{why}"
    );
    let Some(why) = refused(base(), |root| fs::write(root.join("LATEST"), "").unwrap()) else {
        return;
    };
    assert!(why.contains("latest") && why.contains("LATEST"), "{why}");
}

#[test]
fn a_folder_renamed_onto_another_case_of_a_folder_is_refused_with_both() {
    for also_changed in [false, true] {
        let Some(why) = refused(base(), |root| {
            fs::rename(root.join("data"), root.join("PROGRAM FILES")).unwrap();
            if also_changed {
                fs::write(root.join("Program Files/own"), "1").unwrap();
            }
        }) else {
            return;
        };
        let both = why.contains("Program Files") && why.contains("PROGRAM FILES");
        assert!(both, "{why}");
    }
}

#[test]
fn a_deleted_name_may_come_back_in_another_case() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::remove_dir_all(root.join("data")).unwrap();
        fs::create_dir(root.join("Data")).unwrap();
        fs::write(root.join("Data/X"), "new").unwrap();
        fs::remove_file(root.join("readme.txt")).unwrap();
        fs::write(root.join("Readme.txt"), "new").unwrap();
    }) else {
        return;
    };
    assert_eq!(names(&edited.tree, "Files/Data"), ["X"]);
    assert_ne!(
        metadata(&edited.tree, "Files/Readme.txt").created,
        Some(TIME)
    );
}

#[test]
fn names_that_windows_cannot_have_are_refused_by_path() {
    let bad: [&[u8]; 8] = [
        b"a?b",
        b"a*b",
        b"a|b",
        b"a\"b",
        b"a<b",
        b"back\\slash",
        b"control\x01",
        b"not-\xff-utf8",
    ];
    for name in bad {
        for is_folder in [false, true] {
            let Some(why) = refused(base(), |root| {
                let path = root.join("data").join(OsStr::from_bytes(name));
                match is_folder {
                    true => fs::create_dir(path).unwrap(),
                    false => fs::write(path, "").unwrap(),
                }
            }) else {
                return;
            };
            let shown = String::from_utf8_lossy(name);
            let shown = format!("Files/data/{shown}");
            assert!(why.contains(&shown) && why.contains("rename"), "{why}");
        }
    }
}

#[test]
fn names_that_only_programs_cannot_reach_are_kept() {
    let Some(edited) = same_as_mount(base(), |root| {
        for name in ["trailing.", "space ", "aux", "con.txt"] {
            fs::write(root.join(name), name).unwrap();
        }
    }) else {
        return;
    };
    assert_eq!(text(&edited.tree, "Files/trailing."), "trailing.");
}

#[test]
fn names_that_mean_something_in_a_layer_are_refused_by_path() {
    for name in [".wh.x", ".wh..wh..opq", ".wh.", "x.$wcidirs$"] {
        let Some(why) = refused(base(), |root| {
            fs::write(root.join("data").join(name), "").unwrap();
        }) else {
            return;
        };
        assert!(why.contains(&format!("Files/data/{name}")), "{why}");
    }
}

#[test]
fn a_bad_name_is_refused_also_where_its_folder_was_moved() {
    let Some(why) = refused(base(), |root| {
        fs::rename(root.join("data"), root.join("moved")).unwrap();
        fs::write(root.join("moved/a?b"), "").unwrap();
    }) else {
        return;
    };
    assert!(why.contains("Files/moved/a?b"), "{why}");
}

/// A name of 251 UTF-16 units and 753 bytes. With `.wh.` before it, it is as long as a name can be.
fn long() -> String {
    "日".repeat(251)
}

/// A base with long names of files, folders and streams.
fn long_names() -> Vec<u8> {
    let long = long();
    Layer::new()
        .dir("Files")
        .dir("Files/in")
        .file(&format!("Files/in/{long}"), b"file")
        .stream(&format!("Files/in/{long}:s"), b"stream")
        .link("Files/second", &format!("Files/in/{long}"))
        .dir("Files/own")
        .file(&format!("Files/own/{long}"), b"own")
        .stream(&format!("Files/own/{long}:s"), b"stream")
        .dir(&format!("Files/{long}"))
        .file(&format!("Files/{long}/inside"), b"inside")
        .dir("Hives")
        .bytes()
}

/// The name under which a mount shows the file or folder with the long name.
fn shown(folder: &Path) -> String {
    let is_long = |name: &&String| {
        let digits = name.rsplit_once('~').map(|(_, digits)| digits);
        let attribute = digits.map(|digits| format!("user.transom.name.{digits}"));
        let named = attribute.and_then(|attribute| xattr(&folder.join(name), &attribute));
        named == Some(long().into_bytes())
    };
    let names = all_names(folder);
    names.iter().find(is_long).unwrap().clone()
}

#[test]
fn long_names_of_the_base_are_changed() {
    let long = long();
    let Some(edited) = edited(long_names(), |root| {
        let file = root.join("in").join(shown(&root.join("in")));
        fs::write(file, "changed").unwrap();
        let folder = root.join(shown(root));
        fs::write(folder.join("new"), "new").unwrap();
    }) else {
        return;
    };
    assert_eq!(names(&edited.tree, "Files/in"), std::slice::from_ref(&long));
    assert_eq!(text(&edited.tree, &format!("Files/in/{long}")), "changed");
    assert_eq!(text(&edited.tree, "Files/second"), "changed");
    let streams = edited.streams(&format!("Files/in/{long}"));
    assert_eq!(streams, [("s".to_owned(), "stream".to_owned())]);
    let inside = names(&edited.tree, &format!("Files/{long}"));
    assert_eq!(inside, ["inside", "new"]);
}

#[test]
fn long_names_of_the_base_are_deleted() {
    let long = long();
    let Some(edited) = edited(long_names(), |root| {
        fs::remove_file(root.join("in").join(shown(&root.join("in")))).unwrap();
        fs::remove_dir_all(root.join(shown(root))).unwrap();
    }) else {
        return;
    };
    assert_eq!(names(&edited.tree, "Files/in"), [] as [&str; 0]);
    assert!(!has(&edited.tree, &format!("Files/{long}")));
    assert_eq!(text(&edited.tree, "Files/second"), "file");
}

#[test]
fn long_names_of_the_base_are_given_up() {
    let Some(edited) = edited(long_names(), |root| {
        let folder = root.join("own");
        fs::rename(folder.join(shown(&folder)), folder.join("short")).unwrap();
    }) else {
        return;
    };
    assert_eq!(names(&edited.tree, "Files/own"), ["short"]);
    assert_eq!(text(&edited.tree, "Files/own/short"), "own");
    assert_eq!(edited.streams("Files/own/short").len(), 1);
}

#[test]
fn streams_of_files_with_long_names_are_deleted() {
    let long = long();
    let Some(edited) = edited(long_names(), |root| {
        let folder = root.join("own");
        let streams = all_names(&folder).into_iter();
        let mut streams = streams.filter(|name| *name != shown(&folder));
        fs::remove_file(folder.join(streams.next().unwrap())).unwrap();
    }) else {
        return;
    };
    assert_eq!(edited.streams(&format!("Files/own/{long}")), []);
    assert_eq!(text(&edited.tree, &format!("Files/own/{long}")), "own");
}

#[test]
fn a_long_name_moves_along_with_its_folder() {
    let long = long();
    let Some(edited) = edited(long_names(), |root| {
        fs::rename(root.join("in"), root.join("out")).unwrap();
        let file = root.join("out").join(shown(&root.join("out")));
        fs::write(file, "changed").unwrap();
    }) else {
        return;
    };
    assert_eq!(text(&edited.tree, &format!("Files/out/{long}")), "changed");
    assert_eq!(text(&edited.tree, "Files/second"), "changed");
}
