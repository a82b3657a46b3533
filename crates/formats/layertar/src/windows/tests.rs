//! Tests of metadata, headers and classification.

use super::*;
use crate::parse::tests::sample_entry;
use crate::whiteout::Whiteout;

fn with(records: &[(&str, &str)]) -> Entry {
    let mut entry = sample_entry();
    entry.pax = records
        .iter()
        .map(|(k, v)| (k.as_bytes().to_vec(), v.as_bytes().to_vec()))
        .collect();
    entry
}

fn at(seconds: i64) -> UnixTime {
    UnixTime { seconds, nanos: 0 }
}

#[test]
fn every_known_key_is_read() {
    let mut entry = with(&[
        ("LIBARCHIVE.creationtime", "-1.5"),
        ("MSWINDOWS.fileattr", "4294967295"),
        ("MSWINDOWS.mountpoint", "0"),
        ("MSWINDOWS.rawsd", "AQI="),
        ("MSWINDOWS.xattr.A.B", "AwQF"),
        ("MSWINDOWS.xattr.EMPTY", ""),
        ("MSWINDOWS.unknown", "x"),
        ("SCHILY.xattr.user.x", "x"),
    ]);
    (entry.mtime, entry.atime, entry.ctime) = (at(1), Some(at(2)), Some(at(3)));
    let metadata = WindowsMetadata::from_entry(&entry).expect("is valid");
    assert_eq!(
        metadata,
        WindowsMetadata {
            attributes: Some(u32::MAX),
            creation: Some(UnixTime {
                seconds: -2,
                nanos: 500_000_000
            }),
            last_access: Some(at(2)),
            last_write: at(1),
            change: Some(at(3)),
            security: Some(vec![1, 2]),
            eas: vec![
                (b"A.B".to_vec(), vec![3, 4, 5]),
                (b"EMPTY".to_vec(), vec![])
            ],
            // The key alone counts.
            mount_point: true,
        }
    );
}

#[test]
fn an_entry_without_records_has_only_its_mtime() {
    let metadata = WindowsMetadata::from_entry(&sample_entry()).expect("is valid");
    assert_eq!(metadata, WindowsMetadata::default());
}

#[test]
fn records_that_do_not_hold_what_they_should_are_named() {
    for (key, value, message) in [
        (
            "MSWINDOWS.fileattr",
            "4294967296",
            "not a number below 2^32",
        ),
        ("MSWINDOWS.fileattr", "+1", "not a number below 2^32"),
        ("MSWINDOWS.fileattr", "0x10", "not a number below 2^32"),
        ("MSWINDOWS.fileattr", "", "not a number below 2^32"),
        ("LIBARCHIVE.creationtime", "yesterday", "not a time"),
        (
            "MSWINDOWS.rawsd",
            "AQI",
            "MSWINDOWS.rawsd\" is not valid base64",
        ),
        ("MSWINDOWS.rawsd", "A-_=", "not valid base64"),
        ("MSWINDOWS.rawsd", "AQ==AQ==", "not valid base64"),
        (
            "MSWINDOWS.xattr.X",
            "?",
            "MSWINDOWS.xattr.X\" is not valid base64",
        ),
        (
            "MSWINDOWS.sd",
            "nonsense",
            "MSWINDOWS.sd cannot be converted",
        ),
    ] {
        let error = WindowsMetadata::from_entry(&with(&[(key, value)])).expect_err(value);
        assert!(
            error.to_string().contains(message),
            "{key}={value}: {error}"
        );
    }
}

#[test]
fn base64_is_as_lenient_as_go() {
    for text in ["AQI=", "AQ\nI\r\n=", "AQJ="] {
        assert_eq!(decode_base64(text.as_bytes()), Ok(vec![1, 2]), "{text:?}");
    }
}

#[test]
fn a_legacy_descriptor_is_converted_and_the_raw_one_wins() {
    let legacy = (
        "MSWINDOWS.sd",
        "O:BAG:SYD:(A;;FA;;;BA)(A;;FA;;;SY)(A;;0x1200a9;;;BU)",
    );
    let security = |records: &[(&str, &str)]| {
        WindowsMetadata::from_entry(&with(records))
            .expect("is valid")
            .security
            .expect("is there")
    };
    let converted = security(&[legacy]);
    let view =
        transom_ntmeta::security::SecurityDescriptor::parse(&converted).expect("is well formed");
    assert_eq!(view.owner().expect("is there").to_string(), "S-1-5-32-544");
    assert_eq!(security(&[legacy, ("MSWINDOWS.rawsd", "AQI=")]), [1, 2]);
    assert_eq!(
        security(&[("MSWINDOWS.rawsd", "AQI="), ("MSWINDOWS.sd", "nonsense")]),
        [1, 2]
    );
}

#[test]
fn attributes_decide_what_is_a_directory() {
    let class = |kind, attributes: Option<u32>| {
        let mut entry = sample_entry();
        entry.kind = kind;
        let metadata = WindowsMetadata {
            attributes,
            ..WindowsMetadata::default()
        };
        classify(&entry, &metadata).expect("is valid")
    };
    assert_eq!(class(EntryKind::Directory, None), Class::Directory);
    assert_eq!(class(EntryKind::Directory, Some(0x20)), Class::File);
    assert_eq!(class(EntryKind::File, None), Class::File);
    assert_eq!(class(EntryKind::File, Some(0x410)), Class::Directory);
    assert_eq!(
        class(EntryKind::Symlink, None),
        Class::Symlink { directory: false }
    );
    assert_eq!(
        class(EntryKind::Symlink, Some(0x410)),
        Class::Symlink { directory: true }
    );
    assert_eq!(class(EntryKind::HardLink, Some(0x10)), Class::HardLink);
    assert_eq!(class(EntryKind::GlobalHeader, None), Class::GlobalHeader);
    assert_eq!(class(EntryKind::Fifo, None), Class::Other(b'0'));
    assert_eq!(
        WindowsMetadata::default().effective_attributes(EntryKind::Directory),
        0x10
    );
    assert_eq!(
        WindowsMetadata::default().effective_attributes(EntryKind::File),
        0
    );
}

#[test]
fn names_make_streams_and_whiteouts() {
    let class = |name: &str, kind| {
        let mut entry = sample_entry();
        (entry.name, entry.kind) = (name.as_bytes().to_vec(), kind);
        classify(&entry, &WindowsMetadata::default())
    };
    let stream = |file: &str, stream: &str| {
        Ok(Class::Stream {
            file: file.as_bytes().to_vec(),
            stream: stream.as_bytes().to_vec(),
        })
    };
    assert_eq!(class("Files/a:s", EntryKind::File), stream("Files/a", "s"));
    assert_eq!(
        class("Files/a:s:$DATA", EntryKind::File),
        stream("Files/a", "s")
    );
    assert_eq!(class("Files/a:b/c", EntryKind::File), Ok(Class::File));
    assert_eq!(
        class("Files/a:s", EntryKind::Directory),
        Ok(Class::Directory)
    );
    let removed = Ok(Class::Whiteout(Whiteout::Removed(b"Files/x".to_vec())));
    for kind in [EntryKind::File, EntryKind::HardLink, EntryKind::Directory] {
        assert_eq!(class("Files/.wh.x", kind), removed);
    }
    assert!(class("Files/.wh.", EntryKind::File).is_err());
}

#[test]
fn headers_have_the_modes_and_records_of_backuptar() {
    let metadata = WindowsMetadata {
        attributes: Some(0x410),
        creation: Some(at(1)),
        last_access: Some(at(2)),
        last_write: at(3),
        change: Some(at(4)),
        security: Some(vec![1, 2]),
        eas: vec![(b"E".to_vec(), vec![3])],
        mount_point: false,
    };
    let (attr, created) = ("MSWINDOWS.fileattr=1040", "LIBARCHIVE.creationtime=1");
    let (sd, ea) = ("MSWINDOWS.rawsd=AQI=", "MSWINDOWS.xattr.E=Aw==");
    for (shape, mode, size, records) in [
        (Shape::Directory, 0o040000, 0, vec![created, attr, sd, ea]),
        (
            Shape::File { size: 7 },
            0o100000,
            7,
            vec![created, attr, sd, ea],
        ),
        (Shape::FileWithoutData, 0, 0, vec![created, attr, sd, ea]),
        (
            Shape::Symlink { target: b"..\\x" },
            0o160000,
            0,
            vec![created, attr, sd, ea],
        ),
        (
            Shape::Junction { target: b"C:\\x" },
            0o160000,
            0,
            vec![created, attr, "MSWINDOWS.mountpoint=1", sd, ea],
        ),
        (
            Shape::HardLink { target: b"Files/b" },
            0o644,
            0,
            vec![created, attr],
        ),
        (
            Shape::Stream {
                size: 5,
                mode: 0o100000,
            },
            0o100000,
            5,
            vec![],
        ),
    ] {
        let header = to_header(b"Files/a", &shape, &metadata).expect("is valid");
        let found: Vec<_> = header
            .pax
            .iter()
            .map(|(k, v)| String::from_utf8([k, &b"="[..], v].concat()).expect("is text"))
            .collect();
        assert_eq!(
            (header.mode, header.size, found),
            (
                mode,
                size,
                records.iter().map(|r| (*r).to_owned()).collect()
            )
        );
        assert_eq!(
            (header.mtime, header.atime, header.ctime),
            (at(3), Some(at(2)), Some(at(4)))
        );
    }
    let file_link = WindowsMetadata {
        attributes: Some(0x420),
        ..metadata
    };
    let header = to_header(b"l", &Shape::Symlink { target: b"x" }, &file_link).expect("is valid");
    assert_eq!(
        (header.mode, header.link_name.as_slice()),
        (0o120000, &b"x"[..])
    );
}

#[test]
fn extended_attributes_that_a_tar_cannot_name_are_refused() {
    for names in [vec!["A=B"], vec!["A\0"], vec!["A", "A"]] {
        let metadata = WindowsMetadata {
            eas: names
                .iter()
                .map(|n| (n.as_bytes().to_vec(), vec![]))
                .collect(),
            ..WindowsMetadata::default()
        };
        let error = to_header(b"f", &Shape::Directory, &metadata).expect_err("must be refused");
        assert!(matches!(error, MetadataError::EaName { .. }), "{error}");
    }
}
