use std::io::{Read, Seek, Write};

use transom_layertar::{Header, Writer};

use super::*;

enum What<'a> {
    File(&'a str),
    Hard(&'a str),
    Soft(&'a str),
    Folder,
}
use What::{File as F, Folder, Hard, Soft};

fn tar(entries: &[(&str, What<'_>)]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (name, what) in entries {
        let kind = match what {
            F(_) => EntryKind::File,
            Hard(_) => EntryKind::HardLink,
            Soft(_) => EntryKind::Symlink,
            Folder => EntryKind::Directory,
        };
        let mut header = Header::new(kind, name.as_bytes());
        match what {
            F(text) => header.size = text.len() as u64,
            Hard(target) | Soft(target) => header.link_name = target.as_bytes().to_vec(),
            Folder => {}
        }
        writer.append(&header).unwrap();
        if let F(text) = what {
            writer.write_all(text.as_bytes()).unwrap();
        }
    }
    writer.finish().unwrap()
}

fn listed(bytes: &[u8]) -> Result<Archive, SourceError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    Archive::list(file, "test.tar")
}

fn read(archive: &Archive, name: &str) -> Option<String> {
    archive.find(name).unwrap().map(|mut piece| {
        let mut text = String::new();
        piece.read_to_string(&mut text).unwrap();
        text
    })
}

#[test]
fn entries_are_found_by_their_clean_names() {
    let archive = listed(&tar(&[
        ("./a", F("1")),
        ("b//c/", Folder),
        ("b/./c/d", F("22")),
        ("b/x/../e", F("3")),
        ("../out", F("4")),
    ]))
    .unwrap();
    for (name, expected) in [
        ("a", Some("1")),
        ("./a", Some("1")),
        ("/a", Some("1")),
        ("b/c/d", Some("22")),
        ("b/e", Some("3")),
        ("out", None),
        ("../out", None),
        ("missing", None),
    ] {
        assert_eq!(read(&archive, name).as_deref(), expected, "{name}");
    }
    assert!(matches!(
        archive.find("b/c"),
        Err(SourceError::NotAFile { .. })
    ));
}

#[test]
fn of_equal_names_the_last_counts() {
    let archive = listed(&tar(&[("a", F("old")), ("b", F("x")), ("./a", F("new"))])).unwrap();
    assert_eq!(read(&archive, "a").as_deref(), Some("new"));
}

#[test]
fn links_are_followed_inside_the_archive_only() {
    let archive = listed(&tar(&[
        ("one/layer.tar", F("layer")),
        ("two/layer.tar", Soft("../one/layer.tar")),
        ("three/layer.tar", Hard("two/layer.tar")),
        ("four/layer.tar", Hard("./one/layer.tar")),
        ("dangling", Soft("nowhere")),
        ("up", Soft("../../etc/passwd")),
        ("absolute", Soft("/one/layer.tar")),
        ("circle", Soft("circle2")),
        ("circle2", Soft("circle")),
    ]))
    .unwrap();
    for name in ["two/layer.tar", "three/layer.tar", "four/layer.tar"] {
        assert_eq!(read(&archive, name).as_deref(), Some("layer"), "{name}");
    }
    for (name, expected) in [
        ("dangling", "no such entry"),
        ("up", "out of the archive"),
        ("absolute", "out of the archive"),
        ("circle", "in circles"),
    ] {
        let error = archive.find(name).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_tar_that_is_cut_off_is_refused() {
    let bytes = tar(&[("a", F("some text")), ("b", F(&"x".repeat(2000)))]);
    for length in [300, 1024 + 100, 1536 + 700] {
        let error = listed(&bytes[..length]).unwrap_err();
        assert!(
            matches!(error, SourceError::Tar { .. }),
            "{length}: {error}"
        );
    }
    assert!(listed(b"this is no tar, but it is longer than nothing").is_err());
}

#[test]
fn pieces_of_one_archive_are_read_side_by_side() {
    let archive = listed(&tar(&[("a", F("aaaa")), ("b", F("bbbb"))])).unwrap();
    let (mut a, mut b) = (
        archive.find("a").unwrap().unwrap(),
        archive.find("b").unwrap().unwrap(),
    );
    let mut two = [0; 2];
    let mut seen = Vec::new();
    for _ in 0..2 {
        for piece in [&mut a, &mut b] {
            piece.read_exact(&mut two).unwrap();
            seen.extend_from_slice(&two);
        }
    }
    assert_eq!(seen, b"aabbaabb");
    assert_eq!(a.read(&mut two).unwrap(), 0);
}

#[test]
fn a_layer_given_for_an_image_is_recognised() {
    let archive = listed(&tar(&[("Files", Folder), ("Files/a", F("x"))])).unwrap();
    assert!(archive.hint().contains("layer"));
}
