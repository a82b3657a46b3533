//! Both directions, and that one undoes the other.

use std::io::{Cursor, Write as _};

use proptest::prelude::*;
use transom_ntmeta::backup_stream::{
    StreamAttributes, StreamHeader, StreamId, Writer as StreamWriter,
};
use transom_ntmeta::ea::{self, Ea};
use transom_ntmeta::reparse::{LinkKind, encode_link};

use super::*;
use crate::parse::{Entry, EntryKind};
use crate::windows::{WindowsMetadata, to_header};
use crate::write::Writer;
use crate::write::tests::{any_metadata, read_all};

fn streams(list: &[(StreamHeader, &[u8])]) -> Vec<u8> {
    let mut writer = StreamWriter::new(Vec::new());
    for (header, data) in list {
        writer.begin(header).expect("is valid");
        writer.write_all(data).expect("is announced");
    }
    writer.finish().expect("is complete")
}

fn stream(id: StreamId, data: &[u8]) -> (StreamHeader, &[u8]) {
    (StreamHeader::new(id, data.len() as u64), data)
}

fn sparse(id: StreamId) -> StreamHeader {
    StreamHeader {
        attributes: StreamAttributes::SPARSE,
        ..StreamHeader::new(id, 0)
    }
}

fn block(offset: u64, data: &[u8]) -> (StreamHeader, &[u8]) {
    (StreamHeader::sparse_block(offset, data.len() as u64), data)
}

/// Turns a backup stream into entries with their content.
fn to_tar(backup: &[u8], basic: &WindowsMetadata) -> Result<Vec<(Entry, Vec<u8>)>, ToTarError> {
    let plan = Plan::read(backup)?;
    let mut writer = Writer::new(Vec::new());
    // The source need not begin with the stream.
    let mut source = Cursor::new([b"before", backup].concat());
    source.set_position(6);
    plan.append_to(&mut writer, b"Files/f", basic, source)?;
    Ok(read_all(&writer.finish()?))
}

/// Turns entries into a backup stream, as an importer does.
fn to_backup(entries: &[(Entry, Vec<u8>)]) -> Result<Vec<u8>, ToBackupError> {
    let mut writer = StreamWriter::new(Vec::new());
    let (main, content) = &entries[0];
    let metadata = WindowsMetadata::from_entry(main).expect("is valid");
    write_backup_stream(&mut writer, main, &metadata, &content[..])?;
    for (entry, content) in &entries[1..] {
        write_alternate_stream(&mut writer, &main.name, entry, &content[..])?;
    }
    Ok(writer.finish().expect("is complete"))
}

fn file() -> WindowsMetadata {
    WindowsMetadata {
        attributes: Some(0x20),
        ..WindowsMetadata::default()
    }
}

fn refused(list: &[(StreamHeader, &[u8])]) -> String {
    let error = Plan::read(&streams(list)[..]).expect_err("must be refused");
    error.to_string()
}

#[test]
fn streams_come_out_in_the_order_windows_wants() {
    let eas = ea::encode(&[Ea {
        name: b"E".to_vec(),
        value: vec![1],
        flags: 0,
    }])
    .expect("is valid");
    let link = encode_link(LinkKind::Symlink, r"..\x").expect("is valid");
    // EAs after the data and alternate streams between them, as BackupRead may give them.
    let shuffled = streams(&[
        (StreamHeader::alternate("s", 3), b"ads"),
        stream(StreamId::DATA, b"hello"),
        stream(StreamId::EA_DATA, &eas),
        (StreamHeader::alternate("t", 0), b""),
        stream(StreamId::SECURITY_DATA, b"sd"),
    ]);
    let ordered = streams(&[
        stream(StreamId::SECURITY_DATA, b"sd"),
        stream(StreamId::EA_DATA, &eas),
        stream(StreamId::DATA, b"hello"),
        (StreamHeader::alternate("s", 3), b"ads"),
        (StreamHeader::alternate("t", 0), b""),
    ]);
    let entries = to_tar(&shuffled, &file()).expect("is valid");
    let names: Vec<_> = entries
        .iter()
        .map(|(e, _)| e.name.escape_ascii().to_string())
        .collect();
    assert_eq!(names, ["Files/f", "Files/f:s", "Files/f:t"]);
    assert_eq!(to_backup(&entries).expect("is valid"), ordered);

    let link_streams = streams(&[
        stream(StreamId::SECURITY_DATA, b"sd"),
        stream(StreamId::REPARSE_DATA, &link),
    ]);
    let entries = to_tar(&link_streams, &file()).expect("is valid");
    assert_eq!(entries[0].0.link_name, br"..\x");
    assert_eq!(to_backup(&entries).expect("is valid"), link_streams);
}

#[test]
fn alternate_streams_of_directories_and_links_are_kept() {
    let junction = encode_link(LinkKind::MountPoint, r"C:\T").expect("is valid");
    let directory = WindowsMetadata {
        attributes: Some(0x10),
        ..WindowsMetadata::default()
    };
    for main in [vec![], vec![stream(StreamId::REPARSE_DATA, &junction)]] {
        let backup = streams(&[main, vec![(StreamHeader::alternate("s", 3), b"ads")]].concat());
        let entries = to_tar(&backup, &directory).expect("is valid");
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].0.mode, entries[1].0.mode);
        assert_eq!(to_backup(&entries).expect("is valid"), backup);
    }
}

#[test]
fn all_four_forms_of_sparse_files_become_plain_ones() {
    let content = |list: &[(StreamHeader, &[u8])]| {
        let mut entries = to_tar(&streams(list), &file()).expect("is valid");
        assert_eq!(entries.len(), 1);
        entries.remove(0).1
    };
    assert_eq!(content(&[]), b"");
    assert_eq!(content(&[(sparse(StreamId::DATA), b"")]), b"");
    let inline = StreamHeader {
        size: 5,
        ..sparse(StreamId::DATA)
    };
    assert_eq!(content(&[(inline, b"hello")]), b"hello");
    let hole = [(sparse(StreamId::DATA), &b""[..]), block(1000, b"")];
    assert_eq!(content(&hole), [0; 1000]);
    let ranges = [
        (sparse(StreamId::DATA), &b""[..]),
        block(2, b"ab"),
        block(4, b"c"),
        block(9, b"d"),
        block(12, b""),
    ];
    assert_eq!(content(&ranges), b"\0\0abc\0\0\0\0d\0\0");
}

#[test]
fn sparse_alternate_streams_and_what_follows_blocks_are_kept() {
    let backup = streams(&[
        (sparse(StreamId::DATA), b""),
        block(1, b"x"),
        block(3, b""),
        (
            StreamHeader {
                name: StreamHeader::alternate("s", 0).name,
                ..sparse(StreamId::ALTERNATE_DATA)
            },
            b"",
        ),
        block(2, b"y"),
        block(3, b""),
        stream(StreamId::SECURITY_DATA, b"sd"),
    ]);
    let entries = to_tar(&backup, &file()).expect("is valid");
    assert_eq!(
        (&*entries[0].1, &*entries[1].1),
        (&b"\0x\0"[..], &b"\0\0y"[..])
    );
    assert_eq!(
        WindowsMetadata::from_entry(&entries[0].0)
            .expect("is valid")
            .security
            .as_deref(),
        Some(&b"sd"[..])
    );
}

#[test]
fn broken_sparse_blocks_are_refused() {
    let start = || (sparse(StreamId::DATA), &b""[..]);
    for list in [
        vec![start(), block(5, b"ab"), block(4, b"c"), block(9, b"")],
        vec![start(), block(5, b"ab")],
        vec![start(), block(5, b"ab"), block(6, b"")],
        vec![stream(StreamId::DATA, b"x"), block(5, b"")],
    ] {
        assert!(refused(&list).contains("bad sparse blocks"));
    }
    assert!(refused(&[block(0, b"x")]).contains("cannot be kept in a tar"));
}

#[test]
fn what_a_tar_cannot_hold_is_refused_by_name() {
    let ghosted = StreamHeader {
        attributes: StreamAttributes::GHOSTED,
        ..StreamHeader::new(StreamId::DATA, 0)
    };
    let named = |name: &str| StreamHeader {
        name: name.encode_utf16().collect(),
        ..StreamHeader::new(StreamId::ALTERNATE_DATA, 0)
    };
    let wof = [0x17, 0, 0, 0x80, 0, 0, 0, 0];
    // A volume mount point that shows another place than it leads to.
    let mut lossy = encode_link(LinkKind::MountPoint, r"C:\T").expect("is valid");
    let last_letter = lossy.len() - 4;
    lossy[last_letter] = b'U';
    let large = vec![0; (1 << 20) + 1];
    for (list, reason) in [
        (
            vec![stream(StreamId::REPARSE_DATA, &wof)],
            "reparse point cannot be kept",
        ),
        (
            vec![stream(StreamId::REPARSE_DATA, &lossy)],
            r#"a link to "\\??\\C:\\T" that shows "C:\\U""#,
        ),
        (vec![(ghosted, &b""[..])], "ghosted"),
        (
            vec![stream(StreamId::GHOSTED_FILE_EXTENTS, b"")],
            "cannot be kept in a tar",
        ),
        (vec![stream(StreamId(99), b"")], "cannot be kept in a tar"),
        (
            vec![stream(StreamId::DATA, b""), stream(StreamId::DATA, b"")],
            "a second",
        ),
        (
            vec![stream(StreamId::EA_DATA, b"bad")],
            "bad extended attributes",
        ),
        (
            vec![stream(StreamId::SECURITY_DATA, &large)],
            "of 1048577 bytes",
        ),
        (
            vec![(named(":s:$INDEX_ALLOCATION"), &b""[..])],
            "no name of an alternate",
        ),
        (vec![(named("s"), &b""[..])], "no name of an alternate"),
        (
            vec![(named("::$DATA"), &b""[..])],
            "no name of an alternate",
        ),
        (
            vec![(named(":a/b:$DATA"), &b""[..])],
            "no name of an alternate",
        ),
        (
            vec![(named(":s:$DATA"), &b""[..]), (named(":S:$DATA"), &b""[..])],
            "a second stream named \"S\"",
        ),
    ] {
        let error = refused(&list);
        assert!(error.contains(reason), "{error}");
    }
    let link = encode_link(LinkKind::Symlink, "x").expect("is valid");
    let link_with_data = streams(&[
        stream(StreamId::REPARSE_DATA, &link),
        stream(StreamId::DATA, b"x"),
    ]);
    assert!(matches!(
        to_tar(&link_with_data, &file()),
        Err(ToTarError::UnexpectedData {
            what: "a link",
            size: 1
        })
    ));
    let directory = WindowsMetadata {
        attributes: Some(0x10),
        ..WindowsMetadata::default()
    };
    let with_data = streams(&[stream(StreamId::DATA, b"x")]);
    assert!(matches!(
        to_tar(&with_data, &directory),
        Err(ToTarError::UnexpectedData {
            what: "a directory",
            ..
        })
    ));
}

#[test]
fn customary_losses_are_listed() {
    let eas = ea::encode(&[Ea {
        name: b"NEED".to_vec(),
        value: vec![1],
        flags: 0x80,
    }])
    .expect("is valid");
    let backup = streams(&[
        stream(StreamId::OBJECT_ID, &[7; 64]),
        stream(StreamId::EA_DATA, &eas),
        stream(StreamId::DATA, b"x"),
        stream(StreamId::LINK, b"link"),
        stream(StreamId::TXFS_DATA, b""),
        stream(StreamId::PROPERTY_DATA, b""),
    ]);
    let plan = Plan::read(&backup[..]).expect("is valid");
    let stream = |id, size| Ignored::Stream { id, size };
    assert_eq!(
        plan.ignored,
        [
            stream(StreamId::OBJECT_ID, 64),
            Ignored::EaFlags {
                name: b"NEED".to_vec(),
                flags: 0x80
            },
            stream(StreamId::LINK, 4),
            stream(StreamId::TXFS_DATA, 0),
            stream(StreamId::PROPERTY_DATA, 0),
        ]
    );
    assert_eq!(to_tar(&backup, &file()).expect("is valid")[0].1, b"x");
}

#[test]
fn a_truncated_backup_stream_is_refused_everywhere_but_between_streams() {
    let backup = streams(&[
        stream(StreamId::SECURITY_DATA, b"sd"),
        stream(StreamId::DATA, b"hello"),
        (StreamHeader::alternate("s", 3), b"ads"),
    ]);
    let whole: Vec<_> = (0..=backup.len())
        .filter(|&cut| Plan::read(&backup[..cut]).is_ok())
        .collect();
    assert_eq!(whole, [0, 22, 47, backup.len()]);
}

#[test]
fn only_a_stream_right_after_its_file_continues_it() {
    let header = |name: &[u8], kind| {
        let mut entry = crate::parse::tests::sample_entry();
        (entry.name, entry.kind) = (name.to_vec(), kind);
        entry
    };
    let continued = |file: &str, next: &str, kind| {
        let next = header(next.as_bytes(), kind);
        continues(file.as_bytes(), &next).map(|s| String::from_utf8(s.to_vec()).expect("is text"))
    };
    assert_eq!(continued("a", "a:s", EntryKind::File).as_deref(), Some("s"));
    assert_eq!(
        continued("a", "a:s:$DATA", EntryKind::File).as_deref(),
        Some("s")
    );
    assert_eq!(continued("a", "a:", EntryKind::File), None);
    assert_eq!(
        continued("a", "A:s", EntryKind::File),
        None,
        "the name must be exactly the file's"
    );
    assert_eq!(continued("a", "ab:s", EntryKind::File), None);
    assert_eq!(continued("a", "a:s", EntryKind::Directory), None);

    let mut sink = StreamWriter::new(Vec::new());
    for name in ["b:s", "a:x:y", "a:x/y", "a:x\\y", "a:\u{0}"] {
        let entry = header(name.as_bytes(), EntryKind::File);
        let error = write_alternate_stream(&mut sink, b"a", &entry, &b""[..]);
        assert!(
            matches!(error, Err(ToBackupError::NotAStream { .. })),
            "{name}"
        );
    }
}

#[test]
fn entries_that_make_no_backup_stream_are_refused() {
    let write = |change: fn(&mut Entry), content: &[u8]| {
        let mut entry = crate::parse::tests::sample_entry();
        change(&mut entry);
        let mut sink = StreamWriter::new(Vec::new());
        write_backup_stream(&mut sink, &entry, &WindowsMetadata::default(), content)
    };
    let kinds: [fn(&mut Entry); 3] = [
        |e| e.kind = EntryKind::HardLink,
        |e| e.kind = EntryKind::Fifo,
        |e| e.kind = EntryKind::GlobalHeader,
    ];
    for kind in kinds {
        assert!(matches!(
            write(kind, b""),
            Err(ToBackupError::NoStreams { .. })
        ));
    }
    let link = |e: &mut Entry| (e.kind, e.link_name) = (EntryKind::Symlink, b"\xff".to_vec());
    assert!(matches!(
        write(link, b""),
        Err(ToBackupError::Target { source: None, .. })
    ));
    let link = |e: &mut Entry| (e.kind, e.link_name) = (EntryKind::Symlink, b"a\0".to_vec());
    assert!(matches!(
        write(link, b""),
        Err(ToBackupError::Target {
            source: Some(_),
            ..
        })
    ));
    let sized = |e: &mut Entry| e.size = 3;
    assert!(matches!(
        write(sized, b"ab"),
        Err(ToBackupError::ContentSize { found: 2, .. })
    ));
    assert!(matches!(
        write(sized, b"abcd"),
        Err(ToBackupError::ContentSize { found: 4, .. })
    ));
    write(sized, b"abc").expect("is the announced size");
}

#[test]
fn an_empty_file_without_data_comes_back_with_an_empty_stream() {
    // Windows' import writes a data stream for every regular entry.
    let entries = to_tar(&[], &file()).expect("is valid");
    assert_eq!(entries[0].0.mode, 0);
    assert_eq!(
        to_backup(&entries).expect("is valid"),
        streams(&[stream(StreamId::DATA, b"")])
    );
}

proptest! {
    #[test]
    fn backup_to_tar_to_backup_is_the_same(
        metadata in any_metadata(),
        main in 0..4u8,
        data in proptest::collection::vec(any::<u8>(), 0..1100),
        target in r"([A-Z]:\\|\\\\|\.\.\\|\\\\\?\\)?[a-zü\\]{1,20}",
        alternates in proptest::collection::btree_map("[a-zü.]{1,10}", proptest::collection::vec(any::<u8>(), 0..600), 0..3),
    ) {
        let mut list = Vec::new();
        if let Some(security) = metadata.security.as_ref().filter(|s| !s.is_empty()) {
            list.push(stream(StreamId::SECURITY_DATA, security));
        }
        let eas: Vec<_> = metadata.eas.iter()
            .map(|(name, value)| Ea { name: name.clone(), value: value.clone(), flags: 0 })
            .collect();
        let eas = ea::encode(&eas).expect("is valid");
        if !eas.is_empty() {
            list.push(stream(StreamId::EA_DATA, &eas));
        }
        let kind = if main == 2 { LinkKind::Symlink } else { LinkKind::MountPoint };
        let link = encode_link(kind, &target).expect("is valid");
        match main {
            0 => {}
            1 => list.push(stream(StreamId::DATA, &data)),
            _ => list.push(stream(StreamId::REPARSE_DATA, &link)),
        }
        for (name, data) in &alternates {
            list.push((StreamHeader::alternate(name, data.len() as u64), data));
        }
        let backup = streams(&list);
        let attributes = metadata.attributes.unwrap_or(0) & !0x10;
        let basic = WindowsMetadata {
            attributes: Some(if main == 1 { attributes } else { attributes | 0x10 }),
            security: None,
            eas: vec![],
            ..metadata
        };
        let entries = to_tar(&backup, &basic).expect("is valid");
        prop_assert_eq!(entries.len(), 1 + alternates.len());
        prop_assert_eq!(to_backup(&entries).expect("is valid"), backup);

        // And from the tar the same entries come again.
        let again = to_tar(&to_backup(&entries).expect("is valid"), &basic).expect("is valid");
        prop_assert_eq!(again, entries);
    }

    #[test]
    fn no_bytes_make_planning_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), id in 0u8..12, size in 0u8..60) {
        let _ = Plan::read(&bytes[..]);
        let mut likely = vec![id, 0, 0, 0, size % 9, 0, 0, 0, size, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        likely.extend(bytes);
        let _ = Plan::read(&likely[..]);
    }

    #[test]
    fn sparse_ranges_come_out_where_they_were(
        ranges in proptest::collection::vec((0u64..50, proptest::collection::vec(1u8..=255, 1..40)), 0..6),
        tail in 0u64..50,
    ) {
        let mut expected = Vec::new();
        let mut list = vec![(sparse(StreamId::DATA), &b""[..])];
        for (gap, data) in &ranges {
            expected.resize(expected.len() + usize::try_from(*gap).expect("is small"), 0);
            list.push(block(expected.len() as u64, data));
            expected.extend_from_slice(data);
        }
        expected.resize(expected.len() + usize::try_from(tail).expect("is small"), 0);
        list.push(block(expected.len() as u64, b""));
        let entries = to_tar(&streams(&list), &file()).expect("is valid");
        prop_assert_eq!(&entries[0].1, &expected);
    }
}

#[test]
fn a_header_is_made_from_the_plan_and_the_basic_information_alone() {
    let backup = streams(&[stream(StreamId::DATA, b"x")]);
    let basic = WindowsMetadata {
        security: Some(b"not looked at".to_vec()),
        ..file()
    };
    let entries = to_tar(&backup, &basic).expect("is valid");
    let expected = to_header(
        b"Files/f",
        &crate::windows::Shape::File { size: 1 },
        &file(),
    )
    .expect("is valid");
    assert_eq!(
        crate::write::Header::from_entry(&entries[0].0).expect("fits"),
        expected
    );
}
