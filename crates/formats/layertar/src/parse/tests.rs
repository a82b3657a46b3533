//! Tests of the parser.

use transom_ntmeta::filetime::UnixTime;

use super::*;

/// An entry with nothing set.
pub(crate) fn sample_entry() -> Entry {
    Entry {
        header_offset: 0,
        data_offset: 512,
        stored_size: 0,
        kind: EntryKind::File,
        name: b"Files/a".to_vec(),
        link_name: Vec::new(),
        size: 0,
        mode: 0,
        uid: 0,
        gid: 0,
        uname: Vec::new(),
        gname: Vec::new(),
        mtime: UnixTime {
            seconds: 0,
            nanos: 0,
        },
        atime: None,
        ctime: None,
        dev_major: 0,
        dev_minor: 0,
        pax: Vec::new(),
        sparse: None,
        typeflag: b'0',
        format: Format::Ustar,
    }
}

/// Pushes all bytes in pieces of the given sizes, in turn; returns the entries and how it ended.
fn parse_in(bytes: &[u8], pieces: &[usize]) -> (Vec<Entry>, Result<(), ParseError>) {
    let mut parser = Parser::new(Limits::default());
    let mut entries = Vec::new();
    let mut rest = bytes;
    let mut sizes = pieces.iter().cycle();
    while !rest.is_empty() {
        let size = sizes
            .next()
            .copied()
            .unwrap_or(rest.len())
            .clamp(1, rest.len());
        let (mut piece, tail) = rest.split_at(size);
        rest = tail;
        while !piece.is_empty() {
            match parser.push(piece) {
                Ok((used, step)) => {
                    assert!(used > 0, "a push always gets on");
                    piece = &piece[used..];
                    if let Step::Entry(entry) = step {
                        entries.push(*entry);
                    }
                }
                Err(error) => return (entries, Err(error)),
            }
        }
    }
    assert_eq!(parser.position(), bytes.len() as u64);
    (entries, parser.finish())
}

fn parse(bytes: &[u8]) -> (Vec<Entry>, Result<(), ParseError>) {
    parse_in(bytes, &[])
}

/// Builds a header block field by field.
#[derive(Clone)]
struct TestBlock(Block);

impl TestBlock {
    fn new(name: &str, typeflag: u8, size: u64) -> Self {
        let mut block = Self([0; BLOCK])
            .text(0, name.as_bytes())
            .text(257, b"ustar\x0000");
        block.0[156] = typeflag;
        block.text(124, format!("{size:011o}").as_bytes())
    }

    fn text(mut self, at: usize, text: &[u8]) -> Self {
        self.0[at..at + text.len()].copy_from_slice(text);
        self
    }

    fn gnu(self) -> Self {
        self.text(257, b"ustar  \0")
    }

    fn sealed(self) -> Vec<u8> {
        let mut block = self.text(148, b"        ");
        let sum: u32 = block.0.iter().map(|&b| u32::from(b)).sum();
        block = block.text(148, format!("{sum:06o}\0 ").as_bytes());
        block.0.to_vec()
    }
}

/// A header with its data, padded.
fn member(block: TestBlock, data: &[u8]) -> Vec<u8> {
    let mut bytes = block.sealed();
    bytes.extend_from_slice(data);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

fn pax(records: &str) -> Vec<u8> {
    member(
        TestBlock::new("x", b'x', records.len() as u64),
        records.as_bytes(),
    )
}

fn record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length += 1;
    }
    format!("{length} {key}={value}\n")
}

fn only(bytes: &[u8]) -> Entry {
    let (mut entries, end) = parse(bytes);
    assert_eq!((entries.len(), end), (1, Ok(())));
    entries.remove(0)
}

fn refused(bytes: &[u8]) -> String {
    parse(bytes).1.expect_err("must be refused").to_string()
}

#[test]
fn an_archive_may_be_cut_only_where_go_lets_it() {
    // One file of 684 bytes, then zeros.
    let mut tar = member(TestBlock::new("foo", b'0', 684), &[7; 684]);
    assert_eq!(tar.len(), 1536);
    tar.resize(1536 + 5120, 0);
    let header_only = pax(&record("path", "lost"));
    let trash = [b'g'; 512];
    let with = |cut: usize, tail: &[u8]| [&tar[..cut], tail].concat();
    let cases: Vec<(Vec<u8>, usize, Option<&str>)> = vec![
        (vec![], 0, None),
        (with(1, b""), 0, Some("a header block")),
        (with(511, b""), 0, Some("a header block")),
        (with(512, b""), 1, Some("684 bytes of entry \"foo\"")),
        (with(1195, b""), 1, Some("1 bytes of entry \"foo\"")),
        (with(1196, b""), 1, None),
        (with(1200, b""), 1, None),
        (with(1535, b""), 1, None),
        (with(1536, b""), 1, None),
        (with(1536, &trash[..1]), 1, Some("a header block")),
        (with(1536, &trash[..511]), 1, Some("a header block")),
        (with(1536, &trash), 1, Some("checksum")),
        (with(2048, b""), 1, None),
        (with(2048, &trash[..1]), 1, Some("the end mark")),
        (with(2048, &trash[..511]), 1, Some("the end mark")),
        (with(2048, &trash), 1, Some("block of zeros at byte 1536")),
        (with(2560, b""), 1, None),
        (with(2560, &trash[..1]), 1, None),
        (with(2560, &trash), 1, None),
        (with(6656, b""), 1, None),
        (header_only.clone(), 0, None),
        (header_only[..600].to_vec(), 0, None),
        (
            header_only[..520].to_vec(),
            0,
            Some("an extension header, which began at byte 0"),
        ),
        (
            [&header_only[..], &trash[..1]].concat(),
            0,
            Some("a header block"),
        ),
        ([&header_only[..], &tar].concat(), 1, None),
    ];
    for (i, (bytes, count, reason)) in cases.into_iter().enumerate() {
        for pieces in [&[][..], &[1], &[7, 512, 513]] {
            let (entries, end) = parse_in(&bytes, pieces);
            assert_eq!(entries.len(), count, "case {i}");
            match (end, reason) {
                (Ok(()), None) => {}
                (Err(error), Some(reason)) => {
                    assert!(error.to_string().contains(reason), "case {i}: {error}")
                }
                (end, _) => panic!("case {i}: {end:?}"),
            }
        }
    }
}

#[test]
fn steps_tell_data_from_everything_else() {
    let tar = [
        member(TestBlock::new("a", b'0', 600), &[1; 600]),
        vec![0; 1024],
        vec![9; 77],
    ]
    .concat();
    let mut parser = Parser::new(Limits::default());
    let mut push = |from: usize| parser.push(&tar[from..]).expect("is valid");
    let (used, step) = push(0);
    assert!(
        matches!(step, Step::Entry(entry) if entry.data_offset == 512 && entry.stored_size == 600)
    );
    assert_eq!(used, 512);
    assert_eq!(push(512), (600, Step::Data));
    assert_eq!(push(1112), (424 + 1024, Step::End));
    assert_eq!(push(2560), (77, Step::NeedMore));
    assert_eq!(
        (parser.trailing_bytes(), parser.position()),
        (77, tar.len() as u64)
    );
}

#[test]
fn data_and_padding_can_be_skipped_and_nothing_else() {
    let tar = [
        member(TestBlock::new("a", b'0', 600), &[1; 600]),
        vec![0; 1024],
    ]
    .concat();
    let mut parser = Parser::new(Limits::default());
    assert_eq!(parser.skip(1), 0);
    parser.push(&tar[..512]).expect("is valid");
    assert_eq!((parser.data_left(), parser.padding_left()), (600, 424));
    assert_eq!(parser.skip(599), 599);
    assert_eq!((parser.data_left(), parser.padding_left()), (1, 424));
    assert_eq!(parser.skip(u64::MAX), 425);
    assert_eq!((parser.skip(1), parser.position()), (0, 1536));
    assert_eq!(
        parser.push(&tar[1536..]).expect("is valid"),
        (1024, Step::End)
    );
}

#[test]
fn an_error_is_final() {
    let mut parser = Parser::new(Limits::default());
    let error = parser.push(&[1; 512]).expect_err("is no header");
    assert_eq!(parser.push(&[0; 1024]), Err(error.clone()));
    assert_eq!(parser.finish(), Err(error));
}

#[test]
fn offsets_cover_the_archive_without_gaps() {
    let first = member(TestBlock::new("a", b'0', 3), b"abc");
    let tar = [
        first.clone(),
        pax(&record("path", "b")),
        pax(&record("path", "c")),
        first,
        vec![0; 1024],
    ]
    .concat();
    let (entries, end) = parse(&tar);
    assert_eq!(end, Ok(()));
    let places: Vec<_> = entries
        .iter()
        .map(|e| (e.header_offset, e.data_offset))
        .collect();
    assert_eq!(places, [(0, 512), (1024, 3584)]);
    assert_eq!(
        entries[1].name, b"c",
        "of several x headers the last one counts"
    );
}

#[test]
fn a_pax_size_replaces_that_of_the_header() {
    // RUSTSEC-2026-0068: a reader that believes the header's size sees an entry inside the data.
    let hidden = member(TestBlock::new("hidden", b'0', 0), b"");
    let mut tar = pax(&record("size", "512"));
    tar.extend(TestBlock::new("outer", b'0', 7).sealed());
    tar.extend(&hidden);
    let entry = only(&tar);
    assert_eq!((entry.name.as_slice(), entry.size), (&b"outer"[..], 512));

    // RUSTSEC-2025-0110: the other way round, size 0 in the header and data by the record.
    let mut tar = pax(&record("size", "512"));
    tar.extend(TestBlock::new("outer", b'0', 0).sealed());
    tar.extend(&hidden);
    assert_eq!(only(&tar).stored_size, 512);
}

#[test]
fn pax_records_apply_to_the_entry_and_not_to_a_long_name_between() {
    // GHSA-3cv2-h65g-fgmm: a size record that is applied to the L header makes the reader lose its place.
    let long = "n".repeat(200);
    let tar = [
        pax(&record("size", "3")),
        member(
            TestBlock::new("././@LongLink", b'L', 201).gnu(),
            format!("{long}\0").as_bytes(),
        ),
        member(TestBlock::new("short", b'0', 0), b"abc"),
    ]
    .concat();
    let entry = only(&tar);
    assert_eq!(
        (entry.name, entry.size, entry.format),
        (long.into_bytes(), 3, Format::Unknown)
    );
}

#[test]
fn records_with_no_value_or_a_bad_one() {
    let with =
        |records: &str| [pax(records), member(TestBlock::new("a", b'0', 3), b"abc")].concat();
    let entry = only(&with(&(record("path", "") + &record("size", ""))));
    assert_eq!((entry.name.as_slice(), entry.size), (&b"a"[..], 3));
    assert_eq!(entry.pax.len(), 2, "the raw records are kept");
    assert!(refused(&with(&record("size", "-1"))).contains("size is -1"));
    for (key, value) in [
        ("size", "x"),
        ("uid", "1.5"),
        ("gid", ""),
        ("mtime", "1.x"),
        ("atime", "x"),
        ("ctime", "."),
    ] {
        let result = parse(&with(&record(key, value))).1;
        assert_eq!(result.is_err(), !value.is_empty(), "{key}={value}");
    }
    let entry = only(&with(&(record("mtime", "-1.5") + &record("uid", "+7"))));
    assert_eq!(
        (entry.mtime, entry.uid),
        (
            UnixTime {
                seconds: -2,
                nanos: 500_000_000
            },
            7
        )
    );
}

#[test]
fn metadata_over_the_limits_is_refused_before_it_is_read() {
    let body = format!("1048577 path={}\n", "X".repeat(1_048_577 - 14));
    let tar = member(
        TestBlock::new("x", b'x', body.len() as u64),
        body.as_bytes(),
    );
    assert_eq!(
        refused(&tar),
        "header at byte 0: the PAX header's size is 1048577, the limit is 1048576"
    );
    let fits = pax(&format!("1048576 path={}\n", "X".repeat(1_048_576 - 14)));
    assert_eq!(parse(&fits).1, Ok(()));
    for (flag, what) in [
        (b'g', "PAX header"),
        (b'L', "long name"),
        (b'K', "long name"),
    ] {
        assert!(refused(&TestBlock::new("x", flag, 1 << 32).sealed()).contains(what));
    }
}

#[test]
fn signed_checksums_are_accepted() {
    let mut block = TestBlock::new("\u{fc}", b'0', 0).text(148, b"        ");
    let sum: i64 = block.0.iter().map(|&b| i64::from(b.cast_signed())).sum();
    block = block.text(148, format!("{sum:06o}\0 ").as_bytes());
    assert_eq!(only(&block.0).name, "\u{fc}".as_bytes());
    block.0[0] ^= 1;
    assert!(refused(&block.0).contains("checksum"));
}

#[test]
fn a_trailing_slash_makes_a_directory_only_of_a_nul_flag() {
    assert_eq!(
        only(&member(TestBlock::new("d/", 0, 5), b"")).kind,
        EntryKind::Directory
    );
    assert_eq!(
        only(&member(TestBlock::new("d/", b'0', 5), b"12345")).kind,
        EntryKind::File
    );
    let by_record = [
        pax(&record("path", "d/")),
        member(TestBlock::new("d", 0, 5), b""),
    ]
    .concat();
    assert_eq!(
        (only(&by_record).kind, only(&by_record).stored_size),
        (EntryKind::Directory, 0)
    );
}

#[test]
fn sizes_of_entries_without_data_are_not_believed() {
    for flag in *b"123456" {
        let tar = [TestBlock::new("a", flag, 600).sealed(), vec![0; 1024]].concat();
        assert_eq!((only(&tar).size, only(&tar).stored_size), (0, 0));
    }
    for flag in *b"7ADMNV" {
        let tar = member(TestBlock::new("a", flag, 600), &[1; 600]);
        assert_eq!(
            (only(&tar).kind, only(&tar).size),
            (EntryKind::Other(flag), 600)
        );
    }
}

#[test]
fn a_global_header_is_an_entry_and_drops_what_waited_before_it() {
    let body = record("comment", "all");
    let tar = [
        pax(&record("path", "dropped")),
        member(
            TestBlock::new("g", b'g', body.len() as u64),
            body.as_bytes(),
        ),
        member(TestBlock::new("a", b'0', 3), b"abc"),
    ]
    .concat();
    let (entries, end) = parse(&tar);
    assert_eq!((entries.len(), end), (2, Ok(())));
    assert_eq!(entries[0].kind, EntryKind::GlobalHeader);
    assert_eq!(entries[0].pax_value(b"comment"), Some(&b"all"[..]));
    assert_eq!(
        (entries[1].name.as_slice(), &entries[1].pax),
        (&b"a"[..], &vec![])
    );
    assert_eq!(entries[1].header_offset, 2048);
}

#[test]
fn numbers_out_of_range_are_refused() {
    let base256 = |at: usize, bytes: &[u8]| TestBlock::new("a", b'0', 0).text(at, bytes).sealed();
    assert!(
        refused(&base256(
            124,
            b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
        ))
        .contains("field size")
    );
    assert!(refused(&base256(124, &[0xff; 12])).contains("size is -1"));
    assert!(refused(&base256(100, b"\x80\0\0\x01\0\0\0\0")).contains("field mode"));
    assert!(refused(&base256(108, b"12 34567")).contains("field uid"));
    let huge = base256(124, b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff");
    let mut parser = Parser::new(Limits::default());
    parser.push(&huge).expect("is representable");
    assert_eq!(parser.skip(u64::MAX), i64::MAX as u64 + 1);
    assert!(matches!(parser.push(&huge), Err(ParseError::TooFar { .. })));
}

#[test]
fn old_gnu_maps_continue_in_extension_blocks() {
    let pair = |offset: u64, length: u64| format!("{offset:011o}\0{length:011o}\0").into_bytes();
    let header = |extended: u8| {
        let mut block = TestBlock::new("s", b'S', 12)
            .gnu()
            .text(483, b"00000001750\0");
        for i in 0..4 {
            block = block.text(386 + 24 * i, &pair(10 * i as u64, 2));
        }
        block.0[482] = extended;
        block
    };
    let mut extension = [0; BLOCK];
    extension[..24].copy_from_slice(&pair(100, 3));
    extension[24..48].copy_from_slice(&pair(997, 1));
    let tar = [
        header(1).sealed(),
        extension.to_vec(),
        vec![b'd'; 12],
        vec![0; 500],
    ]
    .concat();
    let entry = only(&tar);
    assert_eq!(
        (entry.size, entry.stored_size, entry.data_offset),
        (1000, 12, 1024)
    );
    let segments = entry.sparse.expect("is sparse");
    assert_eq!(segments.len(), 6);
    assert_eq!(
        segments[5],
        Segment {
            logical: 997,
            length: 1,
            data_offset: 1024 + 11
        }
    );

    assert!(refused(&tar[..700]).contains("a sparse map, which began at byte 0"));
    assert!(refused(&tar[..512]).contains("a sparse map"));
    assert!(refused(&header(0).sealed()).contains("stores data that no segment refers to"));
    let mut bad = header(0);
    bad.0[386] = b'x';
    assert!(refused(&bad.sealed()).contains("a number of its map is bad"));
    assert!(refused(&TestBlock::new("s", b'S', 0).sealed()).contains("star's sparse format"));
}

#[test]
fn pax_sparse_maps_must_fit_their_file() {
    let records =
        |list: &[(&str, &str)]| list.iter().map(|(k, v)| record(k, v)).collect::<String>();
    let tar = |list: &[(&str, &str)], data: &[u8]| {
        [
            pax(&records(list)),
            member(TestBlock::new("s", b'0', data.len() as u64), data),
        ]
        .concat()
    };
    let (size, blocks, map) = ("GNU.sparse.size", "GNU.sparse.numblocks", "GNU.sparse.map");
    let good = only(&tar(
        &[
            (size, "40"),
            (blocks, "2"),
            (map, "0,5,10,5"),
            ("GNU.sparse.name", "t"),
        ],
        &[1; 10],
    ));
    assert_eq!(
        (good.name.as_slice(), good.size, good.stored_size),
        (&b"t"[..], 40, 10)
    );
    for (numbers, value) in [
        ("-2", "0,5,10,5"),
        ("x", "0,5,10,5"),
        ("9223372036854775807", "0,5,10,5"),
        ("2", "0,5,10"),
        ("2", "0,5,10,5.5"),
        ("2", "0,5,10,-5"),
        ("2", "10,5,0,5"),
        ("2", "0,5,36,5"),
    ] {
        let bytes = tar(&[(size, "40"), (blocks, numbers), (map, value)], &[1; 10]);
        assert!(
            refused(&bytes).contains("sparse entry"),
            "{numbers} {value}"
        );
    }
    assert!(
        refused(&tar(&[(size, "x"), (blocks, "1"), (map, "0,1")], &[1; 1]))
            .contains("its size is bad")
    );
    // A version nobody knows is an ordinary file to Go.
    let unknown = only(&tar(
        &[("GNU.sparse.major", "9"), ("GNU.sparse.minor", "9")],
        &[1; 10],
    ));
    assert_eq!((unknown.sparse, unknown.size), (None, 10));

    let in_data = [
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.realsize", "40"),
    ];
    let mut data = b"1\n3\n4\n".to_vec();
    data.resize(512, 0);
    data.extend(b"data");
    let good = only(&tar(&in_data, &data));
    assert_eq!((good.data_offset, good.stored_size), (1024 + 512 + 512, 4));
    assert_eq!(
        good.sparse,
        Some(vec![Segment {
            logical: 3,
            length: 4,
            data_offset: 2048
        }])
    );
    assert!(refused(&tar(&in_data, b"1\n3\n4\n")).contains("its map is longer than its data"));
    assert!(refused(&tar(&in_data, &[b'1'; 1024])).contains("its map is longer than its data"));
    assert!(refused(&tar(&in_data, &vec![b'1'; 2 << 20])).contains("the sparse map's size"));
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    /// Archives with all kinds of headers, put together and then damaged a little or not at all.
    fn archives() -> impl Strategy<Value = Vec<u8>> {
        let name = "[a-zü/]{1,120}";
        let member_of = prop_oneof![
            (
                "[a-z]{1,90}",
                prop::sample::select(b"01234567gxLKSD\0".to_vec()),
                0u64..1500
            )
                .prop_map(|(name, flag, size)| {
                    member(
                        TestBlock::new(&name, flag, size),
                        &vec![b'1'; usize::try_from(size).expect("is small")],
                    )
                }),
            (name, "[0-9.-]{0,12}", "[a-z]{1,5}").prop_map(|(path, time, value)| {
                pax(&(record("path", &path) + &record("mtime", &time) + &record("k", &value)))
            }),
            (0u64..30, 0u64..30, "[0-9,]{0,8}").prop_map(|(size, blocks, map)| {
                pax(&(record("GNU.sparse.size", &size.to_string())
                    + &record("GNU.sparse.numblocks", &blocks.to_string())
                    + &record("GNU.sparse.map", &map)))
            }),
            Just(pax(
                &(record("GNU.sparse.major", "1") + &record("GNU.sparse.minor", "0"))
            )),
            name.prop_map(|name| member(
                TestBlock::new("L", b'L', name.len() as u64).gnu(),
                name.as_bytes()
            )),
            Just(vec![0; 512]),
        ];
        let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
        (
            prop::collection::vec(member_of, 0..6),
            damage,
            any::<prop::sample::Index>(),
            any::<bool>(),
        )
            .prop_map(|(members, damage, cut, is_cut)| {
                let mut tar = members.concat();
                if !tar.is_empty() {
                    for (at, byte) in damage {
                        let at = at.index(tar.len());
                        tar[at] = byte;
                    }
                    if is_cut {
                        tar.truncate(cut.index(tar.len()));
                    }
                }
                tar
            })
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same_entries(
            tar in archives(),
            pieces in prop::collection::vec(1usize..1200, 1..8),
        ) {
            prop_assert_eq!(parse_in(&tar, &pieces), parse(&tar));
        }

        #[test]
        fn entries_lie_inside_the_archive_and_in_order(tar in archives()) {
            let (entries, end) = parse(&tar);
            let mut position = 0;
            for (i, entry) in entries.iter().enumerate() {
                prop_assert!(entry.header_offset >= position && entry.data_offset > entry.header_offset);
                position = entry.data_offset + entry.stored_size;
                let is_last = i + 1 == entries.len();
                prop_assert!(position <= tar.len() as u64 || (is_last && end.is_err()));
                for segment in entry.sparse.iter().flatten() {
                    prop_assert!(segment.logical + segment.length <= entry.size);
                    prop_assert!(segment.data_offset >= entry.data_offset);
                    prop_assert!(segment.data_offset + segment.length <= position);
                }
            }
        }

        #[test]
        fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..1600)) {
            let _ = parse(&bytes);
        }
    }
}
