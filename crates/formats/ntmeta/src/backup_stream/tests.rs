use super::*;
use proptest::prelude::*;
use std::io::{Read, Write};

fn write_all(streams: &[(StreamHeader, Vec<u8>)]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (header, data) in streams {
        writer.begin(header).unwrap();
        writer.write_all(data).unwrap();
    }
    writer.finish().unwrap()
}

fn read_all(bytes: &[u8]) -> Result<Vec<(StreamHeader, Vec<u8>)>, BackupError> {
    let mut reader = Reader::new(bytes);
    let mut streams = Vec::new();
    while let Some(header) = reader.next()? {
        let mut data = Vec::new();
        reader
            .read_to_end(&mut data)
            .map_err(|source| BackupError::Io {
                verb: "read",
                source,
            })?;
        streams.push((header, data));
    }
    Ok(streams)
}

fn first_error(bytes: &[u8]) -> BackupError {
    let mut reader = Reader::new(bytes);
    loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the input was accepted"),
            Err(error) => return error,
        }
    }
}

/// A header with nothing checked.
fn raw(id: u32, attributes: u32, size: u64, name: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes = id.to_le_bytes().to_vec();
    bytes.extend(attributes.to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes.extend((name.len() as u32).to_le_bytes());
    bytes.extend(name);
    bytes.extend(data);
    bytes
}

#[test]
fn streams_have_the_layout_of_ms_bkup() {
    let streams = [
        (
            StreamHeader::new(StreamId::SECURITY_DATA, 3),
            b"abc".to_vec(),
        ),
        (StreamHeader::alternate("s", 2), b"xy".to_vec()),
        (StreamHeader::sparse_block(0x1_0000, 1), b"z".to_vec()),
    ];
    let mut expected = raw(3, 0, 3, b"", b"abc");
    expected.extend(raw(4, 0, 2, b":\0s\0:\0$\0D\0A\0T\0A\0", b"xy"));
    // The block's size counts its place.
    expected.extend(raw(9, 0, 9, b"", b"\0\0\x01\0\0\0\0\0z"));
    assert_eq!(write_all(&streams), expected);
    assert_eq!(read_all(&expected).unwrap(), streams);
}

#[test]
fn the_name_of_a_stream_is_text_unless_it_has_lone_surrogates() {
    let mut header = StreamHeader::alternate("é", 0);
    assert_eq!(header.name_text().as_deref(), Some(":é:$DATA"));
    header.name = vec![0xD800];
    assert_eq!(header.name_text(), None);
}

#[test]
fn unread_data_is_passed_over() {
    let mut bytes = raw(1, 0, 5, b"", b"hello");
    bytes.extend(raw(3, 0, 2, b"", b"sd"));
    let mut reader = Reader::new(bytes.as_slice());
    reader.next().unwrap();
    let mut two = [0; 2];
    reader.read_exact(&mut two).unwrap();
    assert_eq!(reader.remaining(), 3);
    assert_eq!(reader.next().unwrap().unwrap().id, StreamId::SECURITY_DATA);
    let mut data = String::new();
    reader.read_to_string(&mut data).unwrap();
    assert_eq!(data, "sd");
    assert!(reader.next().unwrap().is_none());
    assert!(reader.next().unwrap().is_none());
}

#[test]
fn an_unknown_id_is_kept() {
    let streams = read_all(&raw(77, 0x8000_0010, 0, b"", b"")).unwrap();
    assert_eq!(streams[0].0.id, StreamId(77));
    assert_eq!(streams[0].0.attributes.bits(), 0x8000_0010);
    assert_eq!(StreamId(77).to_string(), "stream id 77");
    assert_eq!(StreamId(11).to_string(), "GHOSTED_FILE_EXTENTS");
}

#[test]
fn input_that_ends_early_is_refused_wherever_it_ends() {
    let mut whole = raw(1, 0, 2, b"", b"ab");
    whole.extend(raw(4, 0, 3, b":\0s\0", b"abc"));
    whole.extend(raw(9, 0, 10, b"", b"\0\0\0\0\0\0\0\0ab"));
    let boundaries = [0, 22, 22 + 27, whole.len()];
    for len in 0..=whole.len() {
        let outcome = read_all(&whole[..len]);
        assert_eq!(outcome.is_ok(), boundaries.contains(&len), "{len}");
    }
    for (len, expected_at, expected_part, expected_missing) in [
        (19, 0, "header", 1),
        (21, 0, "data", 1),
        (22 + 21, 22, "name", 3),
        (22 + 27 + 21, 49, "offset", 7),
    ] {
        let BackupError::Truncated { at, part, missing } = first_error(&whole[..len]) else {
            panic!("{len}");
        };
        assert_eq!(
            (at, part, missing),
            (expected_at, expected_part, expected_missing)
        );
    }
}

#[test]
fn reading_past_the_end_of_the_input_is_an_error() {
    let bytes = raw(1, 0, 5, b"", b"hel");
    let mut reader = Reader::new(bytes.as_slice());
    reader.next().unwrap();
    let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn headers_that_cannot_be_are_refused() {
    assert!(matches!(
        first_error(&raw(4, 0, 0, b":\0s", b"")),
        BackupError::OddNameSize { at: 0, found: 3 }
    ));
    assert!(matches!(
        first_error(&raw(4, 0, 0, &[b'a'; 594], b"")),
        BackupError::NameTooLong { at: 0, found: 594 }
    ));
    assert!(matches!(
        first_error(&raw(4, 0, 0, b"a\0\0\0", b"")),
        BackupError::NameHoldsNul { at: 0 }
    ));
    assert!(matches!(
        first_error(&raw(1, 0, 1 << 63, b"", b"")),
        BackupError::TooLarge {
            at: 0,
            id: StreamId::DATA
        }
    ));
    assert!(matches!(
        first_error(&raw(9, 0, 7, b"", b"1234567")),
        BackupError::SparseBlockTooShort { at: 0, found: 7 }
    ));
    // A block at a negative place, and one whose end is not representable.
    assert!(matches!(
        first_error(&raw(9, 0, 8, b"", &u64::MAX.to_le_bytes())),
        BackupError::TooLarge { .. }
    ));
    assert!(matches!(
        first_error(&raw(9, 0, 1 << 62, b"", &(1u64 << 62).to_le_bytes())),
        BackupError::TooLarge { .. }
    ));
}

#[test]
fn the_writer_refuses_what_the_reader_would() {
    let mut writer = Writer::new(Vec::new());
    let long = "n".repeat(MAX_NAME_UNITS);
    assert!(matches!(
        writer.begin(&StreamHeader::alternate(&long, 0)),
        Err(BackupError::NameTooLong { found: 606, .. })
    ));
    assert!(matches!(
        writer.begin(&StreamHeader::alternate("\0", 0)),
        Err(BackupError::NameHoldsNul { .. })
    ));
    assert!(matches!(
        writer.begin(&StreamHeader::new(StreamId::DATA, u64::MAX)),
        Err(BackupError::TooLarge { .. })
    ));
    assert!(matches!(
        writer.begin(&StreamHeader::sparse_block(u64::MAX, 1)),
        Err(BackupError::TooLarge { .. })
    ));
    assert!(matches!(
        writer.begin(&StreamHeader::new(StreamId::SPARSE_BLOCK, 0)),
        Err(BackupError::OffsetMismatch { .. })
    ));
    assert_eq!(writer.finish().unwrap(), b"");
}

#[test]
fn an_incomplete_stream_is_noticed_also_when_it_is_the_last() {
    let mut writer = Writer::new(Vec::new());
    writer.begin(&StreamHeader::new(StreamId::DATA, 3)).unwrap();
    writer.write_all(b"a").unwrap();
    assert!(matches!(
        writer.begin(&StreamHeader::new(StreamId::EA_DATA, 0)),
        Err(BackupError::Incomplete {
            id: StreamId::DATA,
            missing: 2
        })
    ));
    assert!(matches!(
        writer.finish(),
        Err(BackupError::Incomplete { missing: 2, .. })
    ));
}

#[test]
fn too_many_bytes_are_refused_as_a_whole() {
    let mut writer = Writer::new(Vec::new());
    writer.begin(&StreamHeader::new(StreamId::DATA, 3)).unwrap();
    let error = writer.write(b"abcd").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("too many bytes by 1"));
    writer.write_all(b"abc").unwrap();
    assert_eq!(writer.finish().unwrap().len(), 23);
}

fn data(size: u64, sparse: bool) -> StreamHeader {
    let mut header = StreamHeader::new(StreamId::DATA, size);
    if sparse {
        header.attributes = StreamAttributes::SPARSE;
    }
    header
}

fn map_of(start: &StreamHeader, blocks: &[(u64, u64)]) -> Result<SparseMap, SparseError> {
    let mut mapper = SparseMapper::start(start)?;
    for &(offset, size) in blocks {
        mapper.push(&StreamHeader::sparse_block(offset, size))?;
    }
    mapper.finish()
}

#[test]
fn each_form_of_a_sparse_file_has_its_size_and_ranges() {
    let map = |size, extents: &[(u64, u64)]| {
        Ok(SparseMap {
            size,
            extents: extents
                .iter()
                .map(|&(offset, len)| Extent { offset, len })
                .collect(),
        })
    };
    // Empty; nothing allocated; one range covering all; several ranges.
    assert_eq!(map_of(&data(0, true), &[]), map(0, &[]));
    assert_eq!(map_of(&data(0, true), &[(1 << 20, 0)]), map(1 << 20, &[]));
    assert_eq!(map_of(&data(9, true), &[]), map(9, &[(0, 9)]));
    assert_eq!(
        map_of(&data(0, true), &[(0, 4), (8, 4), (12, 1), (100, 0)]),
        map(100, &[(0, 4), (8, 4), (12, 1)])
    );
    // A last range may reach the end, and dense files are maps too.
    assert_eq!(
        map_of(&data(0, true), &[(6, 4), (10, 0)]),
        map(10, &[(6, 4)])
    );
    assert_eq!(map_of(&data(9, false), &[]), map(9, &[(0, 9)]));
    assert_eq!(map_of(&data(0, false), &[]), map(0, &[]));
    assert_eq!(
        map_of(&StreamHeader::alternate("s", 2), &[]),
        map(2, &[(0, 2)])
    );
}

#[test]
fn blocks_that_make_no_file_are_refused() {
    assert_eq!(
        map_of(&data(0, true), &[(8, 4), (11, 1)]),
        Err(SparseError::Backwards {
            offset: 11,
            end: 12
        })
    );
    assert_eq!(
        map_of(&data(0, true), &[(8, 4), (11, 0)]),
        Err(SparseError::Backwards {
            offset: 11,
            end: 12
        })
    );
    assert_eq!(
        map_of(&data(0, true), &[(8, 4)]),
        Err(SparseError::NoTerminator { end: 12 })
    );
    assert_eq!(
        map_of(&data(0, true), &[(8, 0), (8, 1)]),
        Err(SparseError::BlockNotExpected { offset: 8 })
    );
    assert_eq!(
        map_of(&data(9, true), &[(9, 0)]),
        Err(SparseError::BlockNotExpected { offset: 9 })
    );
    assert_eq!(
        map_of(&data(0, false), &[(9, 0)]),
        Err(SparseError::BlockNotExpected { offset: 9 })
    );
    assert!(matches!(
        SparseMapper::start(&StreamHeader::new(StreamId::EA_DATA, 0)),
        Err(SparseError::UnexpectedStream {
            found: StreamId::EA_DATA,
            ..
        })
    ));
    let mut mapper = SparseMapper::start(&data(0, true)).unwrap();
    assert!(matches!(
        mapper.push(&data(0, true)),
        Err(SparseError::UnexpectedStream {
            found: StreamId::DATA,
            ..
        })
    ));
}

fn any_stream() -> impl Strategy<Value = (StreamHeader, Vec<u8>)> {
    (
        1u32..14,
        any::<u32>(),
        proptest::collection::vec(1u16.., 0..20),
        0u64..1 << 40,
        proptest::collection::vec(any::<u8>(), 0..60),
    )
        .prop_map(|(id, attributes, name, offset, data)| {
            let id = StreamId(id);
            let header = StreamHeader {
                id,
                attributes: StreamAttributes::from_bits_retain(attributes),
                size: data.len() as u64,
                name,
                offset: (id == StreamId::SPARSE_BLOCK).then_some(offset),
            };
            (header, data)
        })
}

proptest! {
    #[test]
    fn written_streams_read_back(streams in proptest::collection::vec(any_stream(), 0..6)) {
        prop_assert_eq!(read_all(&write_all(&streams)).unwrap(), streams);
    }

    #[test]
    fn what_is_accepted_is_written_as_the_same_bytes(bytes in proptest::collection::vec(0u8..12, 0..120)) {
        if let Ok(streams) = read_all(&bytes) {
            prop_assert_eq!(write_all(&streams), bytes);
        }
    }

    #[test]
    fn short_random_streams_never_panic(parts in proptest::collection::vec((0u32..12, 0u64..20, proptest::collection::vec(0u8..3, 0..20)), 0..4)) {
        let bytes: Vec<u8> = parts.iter().flat_map(|(id, size, data)| raw(*id, 8, *size, b"", data)).collect();
        if let Ok(streams) = read_all(&bytes) {
            prop_assert_eq!(write_all(&streams), bytes);
        }
    }

    #[test]
    fn maps_are_ascending_and_within_the_size(blocks in proptest::collection::vec((any::<u64>(), 0u64..5), 0..5), near in proptest::collection::vec((0u64..20, 0u64..4), 0..5)) {
        for blocks in [blocks, near] {
            if let Ok(map) = map_of(&data(0, true), &blocks) {
                let mut end = 0;
                for extent in &map.extents {
                    prop_assert!(extent.offset >= end && extent.len > 0);
                    end = extent.offset.saturating_add(extent.len);
                }
                prop_assert!(end <= map.size);
            }
        }
    }
}
