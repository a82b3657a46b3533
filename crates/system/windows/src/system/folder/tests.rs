use std::io::{Read, Seek, SeekFrom, Write};

use tempfile::TempDir;
use transom_ntmeta::filetime::FileTime;

use super::*;
use crate::system::skip;
use crate::{BasicInfo, Privilege, Privileges};

const ARCHIVE: u32 = 0x20;

/// A root, and the privileges without which nothing can be made beneath it.
struct Root {
    folder: NtfsFolder,
    place: TempDir,
    _privileges: Privileges,
}

/// `None` after a line that says so if the account has no privileges.
fn root() -> Option<Root> {
    let wanted = [Privilege::Backup, Privilege::Restore, Privilege::Security];
    let privileges = match Privileges::enable(&wanted) {
        Ok(privileges) => privileges,
        Err(error) => {
            skip(error);
            return None;
        }
    };
    let place = tempfile::tempdir().unwrap();
    Some(Root {
        folder: NtfsFolder::open_root(place.path()).unwrap(),
        place,
        _privileges: privileges,
    })
}

fn make(folder: &NtfsFolder, name: &str, content: &[u8]) {
    let mut node = folder.create_file(name, Create::New).unwrap();
    node.write_all(content).unwrap();
}

fn read(folder: &NtfsFolder, name: &str) -> Vec<u8> {
    let mut content = Vec::new();
    folder
        .open(name)
        .unwrap()
        .read_to_end(&mut content)
        .unwrap();
    content
}

fn names(folder: &NtfsFolder, name: &str) -> Vec<String> {
    let mut names: Vec<_> = folder
        .list(name)
        .unwrap()
        .into_iter()
        .map(|listed| listed.name)
        .collect();
    names.sort();
    names
}

fn kind<T: std::fmt::Debug>(result: io::Result<T>) -> io::ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn what_is_made_is_listed_and_read() {
    let Some(Root { folder, .. }) = root() else {
        return;
    };
    folder.create_folder("Files").unwrap();
    folder.create_folder("Files/Füße").unwrap();
    make(&folder, "Files/Füße/a.txt", b"content");
    make(&folder, "Files/trailing.", b"");
    make(&folder, "Files/con", b"");

    assert_eq!(names(&folder, ""), ["Files"]);
    assert_eq!(names(&folder, "Files"), ["Füße", "con", "trailing."]);
    assert_eq!(names(&folder, "Files/Füße"), ["a.txt"]);
    assert_eq!(read(&folder, "Files/Füße/a.txt"), b"content");
    let listed = folder.list("Files").unwrap();
    for entry in &listed {
        let is_folder = entry.attributes & FILE_ATTRIBUTE_DIRECTORY != 0;
        assert_eq!(is_folder, entry.name == "Füße", "{entry:?}");
        let attributes = folder.attributes(&format!("Files/{}", entry.name)).unwrap();
        assert_eq!(attributes, entry.attributes, "{entry:?}");
    }
    assert_ne!(folder.attributes("").unwrap() & FILE_ATTRIBUTE_DIRECTORY, 0);
}

#[test]
fn a_large_folder_is_listed_whole_and_twice() {
    let Some(Root { folder, .. }) = root() else {
        return;
    };
    let mut expected = Vec::new();
    for number in 0..1500 {
        let name = format!("a file with a long name, so that it takes some space: {number:05}")
            .replace(':', "-");
        make(&folder, &name, b"");
        expected.push(name);
    }
    assert_eq!(names(&folder, ""), expected);
    assert_eq!(names(&folder, ""), expected);
}

#[test]
fn names_are_found_in_any_case() {
    let Some(Root { folder, .. }) = root() else {
        return;
    };
    folder.create_folder("Files").unwrap();
    make(&folder, "Files/Name.TXT", b"x");
    assert_eq!(read(&folder, "fILES/nAME.txt"), b"x");
    let result = folder.create_file("files/name.txt", Create::New);
    assert_eq!(kind(result), io::ErrorKind::AlreadyExists);
    let result = folder.create_folder("FILES");
    assert_eq!(kind(result), io::ErrorKind::AlreadyExists);
    assert_eq!(names(&folder, "files"), ["Name.TXT"]);
}

#[test]
fn names_that_lead_elsewhere_are_refused_by_every_call() {
    let Some(Root { folder, .. }) = root() else {
        return;
    };
    make(&folder, "a", b"");
    for name in ["../x", "a:s", "a\\b", "/a", "a/", "./a", "a\0"] {
        let kinds = [
            kind(folder.attributes(name)),
            kind(folder.list(name)),
            kind(folder.open(name)),
            kind(folder.create_file(name, Create::New)),
            kind(folder.create_file(name, Create::Replace)),
            kind(folder.create_folder(name)),
            kind(folder.remove(name)),
            kind(folder.link(name, &folder, "a")),
            kind(folder.link("b", &folder, name)),
        ];
        assert_eq!(kinds, [io::ErrorKind::InvalidInput; 9], "{name:?}");
    }
    assert_eq!(kind(folder.remove("")), io::ErrorKind::InvalidInput);
    assert_eq!(names(&folder, ""), ["a"]);
}

#[test]
fn what_is_not_there_is_not_found() {
    let Some(Root { folder, place, .. }) = root() else {
        return;
    };
    make(&folder, "file", b"");
    for name in ["a", "a/b"] {
        assert_eq!(kind(folder.attributes(name)), io::ErrorKind::NotFound);
        assert_eq!(kind(folder.open(name)), io::ErrorKind::NotFound);
        assert_eq!(kind(folder.remove(name)), io::ErrorKind::NotFound);
        assert_eq!(kind(folder.list(name)), io::ErrorKind::NotFound);
    }
    assert!(folder.list("file").is_err());
    assert!(folder.open("file/a").is_err());
    assert!(NtfsFolder::open_root(&place.path().join("a")).is_err());
    let result = NtfsFolder::open_root(&place.path().join("file"));
    assert_eq!(kind(result), io::ErrorKind::NotADirectory);
}

#[test]
fn a_file_can_take_the_place_of_another() {
    let Some(Root { folder, .. }) = root() else {
        return;
    };
    make(&folder, "a", b"long content");
    let mut node = folder.create_file("A", Create::Replace).unwrap();
    node.write_all(b"short").unwrap();
    node.seek(SeekFrom::Start(1)).unwrap();
    let mut content = String::new();
    node.read_to_string(&mut content).unwrap();
    assert_eq!(content, "hort");
    drop(node);
    assert_eq!(read(&folder, "a"), b"short");
    folder.create_folder("b").unwrap();
    assert!(folder.create_file("b", Create::Replace).is_err());
}

#[test]
fn removing_takes_files_and_empty_folders() {
    let Some(Root { folder, .. }) = root() else {
        return;
    };
    folder.create_folder("a").unwrap();
    make(&folder, "a/b", b"");
    let result = folder.remove("a");
    assert_eq!(kind(result), io::ErrorKind::DirectoryNotEmpty);
    folder.remove("a/B").unwrap();
    folder.remove("a").unwrap();
    assert_eq!(names(&folder, ""), [""; 0]);
}

#[test]
fn removing_takes_read_only_files_and_leaves_their_other_names_so() {
    let Some(Root { folder, .. }) = root() else {
        return;
    };
    let read_only = BasicInfo {
        attributes: FILE_ATTRIBUTE_READONLY,
        ..BasicInfo::default()
    };
    let mut node = folder.create_file("a", Create::New).unwrap();
    node.set_basic_info(&read_only).unwrap();
    drop(node);
    folder.link("b", &folder, "a").unwrap();
    folder.remove("a").unwrap();
    assert_eq!(names(&folder, ""), ["b"]);
    let attributes = folder.attributes("b").unwrap();
    assert_ne!(attributes & FILE_ATTRIBUTE_READONLY, 0);
    folder.remove("b").unwrap();
    assert_eq!(names(&folder, ""), [""; 0]);
}

#[test]
fn a_link_is_the_same_file_also_from_another_root() {
    let Some(Root { folder, place, .. }) = root() else {
        return;
    };
    folder.create_folder("one").unwrap();
    folder.create_folder("two").unwrap();
    folder.create_folder("two/deep").unwrap();
    let one = NtfsFolder::open_root(&place.path().join("one")).unwrap();
    let two = NtfsFolder::open_root(&place.path().join("two")).unwrap();
    make(&one, "a", b"shared");
    two.link("deep/b", &one, "A").unwrap();
    assert_eq!(read(&two, "deep/b"), b"shared");
    let identity = one.open("a").unwrap().identity().unwrap();
    assert_eq!(identity.links, 2);
    assert_eq!(two.open("deep/b").unwrap().identity().unwrap(), identity);
    let other = two.open("deep").unwrap().identity().unwrap();
    assert_ne!(other.id, identity.id);

    let result = two.link("DEEP/B", &one, "a");
    assert_eq!(kind(result), io::ErrorKind::AlreadyExists);
    let result = two.link("c", &one, "nothing");
    assert_eq!(kind(result), io::ErrorKind::NotFound);
    let result = two.link("nothing/c", &one, "a");
    assert_eq!(kind(result), io::ErrorKind::NotFound);
}

#[test]
fn times_and_attributes_are_kept() {
    let Some(Root { folder, .. }) = root() else {
        return;
    };
    let written = FileTime(132_000_000_000_000_001);
    for name in ["file", "folder"] {
        let mut node = match name {
            "file" => folder.create_file(name, Create::New).unwrap(),
            _ => folder.create_folder(name).unwrap(),
        };
        // Of times, Wine keeps those of the last access and write only.
        node.set_basic_info(&BasicInfo {
            last_write: written,
            ..BasicInfo::default()
        })
        .unwrap();
        assert_eq!(node.basic_info().unwrap().last_write, written);
        drop(node);
        // Zero leaves what is there.
        let mut node = folder.open(name).unwrap();
        node.set_basic_info(&BasicInfo {
            attributes: ARCHIVE | 2,
            ..BasicInfo::default()
        })
        .unwrap();
        let info = node.basic_info().unwrap();
        assert_eq!(info.last_write, written);
        assert_ne!(info.attributes & 2, 0);
    }
    assert_ne!(folder.open("").unwrap().basic_info().unwrap().attributes, 0);
}

#[test]
fn a_file_may_be_read_twice_but_not_written_meanwhile() {
    let Some(Root { folder, .. }) = root() else {
        return;
    };
    make(&folder, "a", b"x");
    let first = folder.open("a").unwrap();
    assert_eq!(read(&folder, "a"), b"x");
    assert!(folder.create_file("a", Create::Replace).is_err());
    drop(first);
    folder.create_file("a", Create::Replace).unwrap();
}
