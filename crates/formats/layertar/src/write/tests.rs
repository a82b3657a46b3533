//! Golden vectors of both dialects, and the laws of the writer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use transom_ntmeta::filetime::{FileTime, UnixTime};

use super::old_dialect;
use super::*;
use crate::parse::{Entry, EntryKind, Format, Limits};
use crate::reader::Reader;
use crate::whiteout;
use crate::windows::{Shape, WindowsMetadata, to_header};

/// 2018-09-06T08:00:00.1234567Z, and the whole second before.
const T: i64 = 131_806_944_001_234_567;
const S: i64 = 131_806_944_000_000_000;

/// The security descriptor BuildKit gives directories.
pub(crate) const DIRECTORY_SD: &str = "AQAEgBQAAAAkAAAAAAAAADAAAAABAgAAAAAABSAAAAAgAgAAAQEAAAAAAAUSAAAAAgCoAAcAAAAAAxgA/wEfAAECAAAAAAAFIAAAACACAAAAAxQA/wEfAAEBAAAAAAAFEgAAAAAAGAD/AR8AAQIAAAAAAAUgAAAAIAIAAAALFAAAAAAQAQEAAAAAAAMAAAAAAAMYAKkAEgABAgAAAAAABSAAAAAhAgAAAAIYAAQAAAABAgAAAAAABSAAAAAhAgAAAAIYAAIAAAABAgAAAAAABSAAAAAhAgAA";

fn metadata(ticks: i64, attributes: u32) -> WindowsMetadata {
    let time = FileTime(ticks).to_unix_wrapping();
    WindowsMetadata {
        attributes: Some(attributes),
        creation: Some(time),
        last_access: Some(time),
        last_write: time,
        change: Some(time),
        ..WindowsMetadata::default()
    }
}

/// One entry of a vector: a whiteout's name, or a header with data.
enum Item {
    Whiteout(Vec<u8>),
    Entry(Box<Header>, &'static [u8]),
}

fn entry(name: &str, shape: Shape<'_>, metadata: &WindowsMetadata, data: &'static [u8]) -> Item {
    let header = to_header(name.as_bytes(), &shape, metadata).expect("the vectors are valid");
    Item::Entry(Box::new(header), data)
}

fn v1() -> Item {
    entry("Files", Shape::Directory, &metadata(S, 16), b"")
}

fn v2() -> Item {
    let mut metadata = metadata(T, 32);
    metadata.security = Some(STANDARD.decode(DIRECTORY_SD).expect("is base64"));
    entry("Files/a.txt", Shape::File { size: 5 }, &metadata, b"hello")
}

fn v3() -> Item {
    Item::Whiteout(whiteout::name_of(b"Files/gone.txt"))
}

fn v4() -> Item {
    let target = b"C:\\Target Dir";
    entry(
        "Files/J",
        Shape::Junction { target },
        &metadata(T, 1040),
        b"",
    )
}

fn v5() -> Item {
    let shape = Shape::Stream {
        size: 3,
        mode: 0o100000,
    };
    entry("Files/a.txt:stream", shape, &metadata(T, 32), b"ads")
}

fn empty_file(name: &str, ticks: i64) -> Item {
    entry(name, Shape::FileWithoutData, &metadata(ticks, 32), b"")
}

fn vectors() -> Vec<(&'static str, Vec<Item>, &'static str, &'static str)> {
    let long = format!("Files/{}/{}.txt", "d".repeat(60), "f".repeat(60));
    vec![
        (
            "v1",
            vec![v1()],
            "a21352b35a03e02088ed6680694071d5ba58ba1a7bc41436b951450005a76b1e",
            "d051f6a3200e6d961a7db2c9a5adc7c9275df235b9db4ce622f4faf6e8753523",
        ),
        (
            "v2",
            vec![v2()],
            "7e4d361a3e3c55dab8f48f0691fd08317be1484aa800e872ef67c55cb687ba8a",
            "58525d63658cdda46ec4977c5521510946b145f3b11311a70eb41f079d53af5f",
        ),
        (
            "v3",
            vec![v3()],
            "9378b0063a8859c8a1bd3fb8ff880b762b7bdd0bcf1d6dca4dfc11b5f5e91dd9",
            "933c0753bc3bb1de485b5742885cbfeb9fd1dc339d4eb78d09877127686b65f3",
        ),
        (
            "v4",
            vec![v4()],
            "e3377ca686b8e12b66fb547ff2244b1e5359e5274f074a598a9a48e982653ede",
            "f975aa7b1b91193569a49c1004293dd80378c6de91d88fe09d7a19efa87649d3",
        ),
        (
            "v5",
            vec![v5()],
            "74c7988714c9ec1e5bb94e90f39dddf3046032afcc3a357b453c716ff22bff03",
            "a22e31cc79122874da0933f8999c3eccd9cae441b40faabec4f942ca876d721e",
        ),
        (
            "v6",
            vec![empty_file(&long, T)],
            "9c07532a80ad2952aee6894c856d38fec13e3766ec45e7d203a5b09d9cb409f3",
            "f7c0c4fab4f0ac87a77f6c677ac8b85bc151396a1ee52cea88cdbeed29614985",
        ),
        (
            "v7",
            vec![empty_file("Files/über.txt", T)],
            "e492a6c6002cea8df22e6e28e383d4c1ed7d27bf8734f368160eb5557ff79d06",
            "df547fcf8277572af2ff610b4460b09c82db1dbcb6626c1d3877d449845d9601",
        ),
        (
            "v8",
            vec![empty_file("Files/z", 0)],
            "919948abdf939e4b893ce86b7055f8d22372158aaf65740e5ef4bfd9b2c06191",
            "f4df25d15ec150cd3cbbdf9579bb543909b9b911fcb828d7a1fd23a1e2935ff2",
        ),
        (
            "v9",
            vec![Item::Whiteout(whiteout::name_of(
                format!("Files/{}", "w".repeat(120)).as_bytes(),
            ))],
            "b3206c97fea57d2496964fafef257200d3b860be89f1cdafa32a187f26c7b092",
            "dca0f6dd8bcf8cb3c3e0ae7321641fbe1049a4bbae7ffec143ce0f8d4e7152a0",
        ),
        (
            "v10",
            vec![empty_file("Files/p", 116_444_735_985_000_000)],
            "5e26d73ba44b8bd1015a1bcd53c62122e38b362ccbfe920357e9a0b023b1a6a6",
            "210601736e05c5b7b1e21d99df5c600c8743449a839f8e328467e1bda24af8fd",
        ),
        (
            "v11",
            vec![v1(), v2(), v5(), v4(), v3()],
            "d3667f824432ea9876ba213699847565d2d582efd9fad8b6635a043f81fbfb45",
            "9a03112c8ddbdd636e9c77e479bc80a77a3bc7bb9a6d42c88d788120b7ce0330",
        ),
        (
            "v12",
            vec![],
            "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
            "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
        ),
    ]
}

fn write_new(items: &[Item]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for item in items {
        match item {
            Item::Whiteout(name) => writer
                .append(&Header::new(EntryKind::File, name))
                .expect("is valid"),
            Item::Entry(header, data) => {
                writer.append(header).expect("is valid");
                writer.write_all(data).expect("is announced");
            }
        }
    }
    writer.finish().expect("is complete")
}

fn write_old(items: &[Item]) -> Vec<u8> {
    let mut tar = Vec::new();
    for item in items {
        match item {
            Item::Whiteout(name) => old_dialect::append_whiteout(&mut tar, name),
            Item::Entry(header, data) => old_dialect::append(&mut tar, header, data),
        }
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Reads all entries with the content of each.
pub(crate) fn read_all(tar: &[u8]) -> Vec<(Entry, Vec<u8>)> {
    let mut reader = Reader::new(tar, Limits::default());
    let mut all = Vec::new();
    while let Some(entry) = reader.next_entry().expect("the archive is valid") {
        let mut content = Vec::new();
        io::Read::read_to_end(&mut reader.contents(&entry), &mut content).expect("is complete");
        all.push((entry, content));
    }
    all
}

#[test]
fn the_writer_reproduces_all_vectors_of_the_canonical_dialect() {
    for (name, items, new, _) in vectors() {
        assert_eq!(digest(&write_new(&items)), new, "{name}");
    }
}

#[test]
fn the_test_writer_reproduces_all_vectors_of_the_old_dialect() {
    for (name, items, _, old) in vectors() {
        assert_eq!(digest(&write_old(&items)), old, "{name}");
    }
}

#[test]
fn both_dialects_of_each_vector_read_the_same() {
    for (name, items, ..) in vectors() {
        let (new, old) = (read_all(&write_new(&items)), read_all(&write_old(&items)));
        assert_eq!(new.len(), items.len(), "{name}");
        assert_eq!(old.len(), items.len(), "{name}");
        for ((new, new_data), (old, old_data)) in new.iter().zip(&old) {
            let is_whiteout = whiteout::parse(&new.name).expect("is valid").is_some();
            if is_whiteout {
                assert_eq!((old.typeflag, old.mtime.seconds), (0, -62_135_596_800));
                assert_eq!((new.typeflag, new.mtime.seconds), (b'0', 0));
            } else if name != "v10" {
                assert_eq!(new.mtime, old.mtime, "{name}");
                assert_eq!(
                    WindowsMetadata::from_entry(new),
                    WindowsMetadata::from_entry(old),
                    "{name}"
                );
            }
            assert_eq!(
                (&new.name, &new.link_name, new.kind),
                (&old.name, &old.link_name, old.kind)
            );
            assert_eq!((new.mode, new_data), (old.mode, old_data), "{name}");
        }
    }
}

/// The records of the page's example of that name.
fn example<'a>(page: &'a str, name: &str) -> &'a str {
    let (_, rest) = page
        .split_once(&format!("```pax {name}\n"))
        .expect("the example is there");
    rest.split_once("```").expect("the example ends").0
}

#[test]
fn docs_show_the_records_that_are_written() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../docs/formats/tar-windows.md"
    );
    let page = std::fs::read_to_string(path).expect("the page is part of the project");
    for (name, tar) in [
        ("canonical", write_new(&[v1()])),
        ("old", write_old(&[v1()])),
    ] {
        let body = example(&page, name);
        assert_eq!(&tar[512..512 + body.len()], body.as_bytes(), "{name}");
        assert_eq!(tar[512 + body.len()], 0, "{name}");
    }
}

#[test]
fn the_old_dialect_s_negative_fractions_read_as_go_reads_them() {
    let (_, items, ..) = vectors().swap_remove(9);
    let mtime = |tar: &[u8]| read_all(tar)[0].0.mtime;
    // Written as -2.500000000, it can only be taken at its word.
    assert_eq!(
        mtime(&write_old(&items)),
        UnixTime {
            seconds: -3,
            nanos: 500_000_000
        }
    );
    assert_eq!(
        mtime(&write_new(&items)),
        UnixTime {
            seconds: -2,
            nanos: 500_000_000
        }
    );
}

#[test]
fn a_name_that_ustar_can_split_needs_no_pax_header() {
    let splits = [
        format!("{}/{}", "d".repeat(60), "w".repeat(60)),
        format!("{}/w", "d".repeat(155)),
    ];
    for name in splits {
        let tar = write_new(&[Item::Whiteout(name.clone().into_bytes())]);
        let (entry, _) = &read_all(&tar)[0];
        assert_eq!((entry.data_offset, entry.format), (512, Format::Ustar));
        assert_eq!(entry.name, name.as_bytes());
    }
    // With any record the prefix stays empty, as Go leaves it.
    let mut header = Header::new(EntryKind::File, format!("{}/w", "d".repeat(155)).as_bytes());
    header.pax.insert(b"k".to_vec(), b"v".to_vec());
    let tar = write_new(&[Item::Entry(Box::new(header), b"")]);
    assert_eq!(tar[1024 + 345], 0);
    assert_eq!(read_all(&tar)[0].0.pax.len(), 2);
}

#[test]
fn sizes_from_8_gib_on_have_a_record() {
    for (size, record) in [((1 << 33) - 1, None), (1 << 33, Some(&b"8589934592"[..]))] {
        let mut header = Header::new(EntryKind::File, b"f");
        header.size = size;
        let blocks = header.encode().expect("is valid");
        let mut parser = crate::Parser::new(Limits::default());
        let (_, step) = parser.push(&blocks).expect("is valid");
        let crate::Step::Entry(entry) = step else {
            panic!("no entry but {step:?}");
        };
        assert_eq!((entry.size, entry.pax_value(b"size")), (size, record));
    }
}

#[test]
fn what_no_reader_would_take_back_is_refused() {
    let refused = |change: fn(&mut Header)| {
        let mut header = Header::new(EntryKind::File, b"f");
        change(&mut header);
        Writer::new(Vec::new())
            .append(&header)
            .map_err(|e| e.to_string())
            .err()
    };
    let cases: [fn(&mut Header); 10] = [
        |h| h.name = b"f/".to_vec(),
        |h| h.name = b"a\0b".to_vec(),
        |h| _ = h.pax.insert(b"a=b".to_vec(), b"".to_vec()),
        |h| _ = h.pax.insert(b"".to_vec(), b"".to_vec()),
        |h| _ = h.pax.insert(b"mtime".to_vec(), b"1".to_vec()),
        |h| _ = h.pax.insert(b"GNU.sparse.map".to_vec(), b"1".to_vec()),
        |h| _ = h.pax.insert(b"k".to_vec(), vec![b'v'; 1 << 20]),
        |h| h.mode = 1 << 21,
        |h| h.kind = EntryKind::GlobalHeader,
        |h| (h.kind, h.size) = (EntryKind::Directory, 1),
    ];
    for (i, case) in cases.into_iter().enumerate() {
        assert!(refused(case).is_some(), "case {i}");
    }
    assert_eq!(refused(|_| {}), None);
    assert_eq!(
        refused(|h| _ = h.pax.insert(b"k".to_vec(), vec![0; 1_048_563])),
        None
    );
}

#[test]
fn data_must_be_exactly_what_was_announced() {
    let mut header = Header::new(EntryKind::File, b"f");
    header.size = 3;
    let mut writer = Writer::new(Vec::new());
    writer.append(&header).expect("is valid");
    writer.write_all(b"ab").expect("is announced");
    writer.write_all(b"cd").expect_err("is one byte too many");
    assert_eq!(writer.position(), 514, "a refused write writes nothing");
    let missing = writer.append(&header).expect_err("a byte is missing");
    assert!(matches!(
        missing,
        WriteError::MissingData { missing: 1, .. }
    ));
    writer.write_all(b"c").expect("is announced");
    writer.append(&header).expect("the first is complete");
    let missing = writer.finish().expect_err("all is missing");
    assert!(matches!(
        missing,
        WriteError::MissingData { missing: 3, .. }
    ));
}

fn any_time() -> impl Strategy<Value = UnixTime> {
    (
        -70_000_000_000i64..300_000_000_000,
        prop_oneof![Just(0), 0u32..1_000_000_000],
    )
        // Go's zero time means "no time" to the writer.
        .prop_filter("is no time", |(seconds, _)| *seconds != -62_135_596_800)
        .prop_map(|(seconds, nanos)| UnixTime { seconds, nanos })
}

fn any_name() -> impl Strategy<Value = Vec<u8>> {
    let text = "[a-zA-Z ü/:.]{1,150}[a-z]";
    prop_oneof![
        text.prop_map(String::into_bytes),
        proptest::collection::vec(1u8..=255, 1..120)
            .prop_filter("ends in a slash", |n| !n.ends_with(b"/")),
    ]
}

/// Metadata with all there can be.
pub(crate) fn any_metadata() -> impl Strategy<Value = WindowsMetadata> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
    let eas =
        proptest::collection::btree_map("[A-Z.]{1,12}".prop_map(String::into_bytes), bytes(), 0..3);
    let times = (
        any::<bool>(),
        any_time(),
        any_time(),
        any_time(),
        any_time(),
    );
    (
        any::<u32>(),
        times,
        proptest::option::of(bytes()),
        eas,
        any::<bool>(),
    )
        .prop_map(
            |(
                attributes,
                (all, creation, access, write, change),
                security,
                eas,
                with_attributes,
            )| WindowsMetadata {
                attributes: with_attributes.then_some(attributes),
                creation: all.then_some(creation),
                last_access: all.then_some(access),
                last_write: write,
                change: all.then_some(change),
                security,
                eas: eas.into_iter().collect(),
                mount_point: false,
            },
        )
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same(
        name in any_name(),
        target in any_name(),
        shape in 0..7u8,
        size in 0..2000u64,
        mut metadata in any_metadata(),
    ) {
        let shape = match shape {
            0 => Shape::Directory,
            1 => Shape::File { size },
            2 => Shape::FileWithoutData,
            3 => Shape::Symlink { target: &target },
            4 => Shape::Junction { target: &target },
            5 => Shape::HardLink { target: &target },
            _ => Shape::Stream { size, mode: 0o100000 },
        };
        let header = to_header(&name, &shape, &metadata).expect("is valid");
        let data = vec![7; usize::try_from(header.size).expect("is small")];
        let mut writer = Writer::new(Vec::new());
        writer.append(&header).expect("is valid");
        writer.write_all(&data).expect("is announced");
        let tar = writer.finish().expect("is complete");

        let all = read_all(&tar);
        prop_assert_eq!(all.len(), 1);
        let (entry, content) = &all[0];
        prop_assert_eq!(content, &data);
        prop_assert_eq!(&Header::from_entry(entry).expect("fits"), &header);
        match shape {
            Shape::Stream { .. } => {
                metadata = WindowsMetadata { attributes: None, creation: None, security: None, eas: vec![], ..metadata };
            }
            Shape::HardLink { .. } => metadata = WindowsMetadata { security: None, eas: vec![], ..metadata },
            Shape::Junction { .. } => metadata.mount_point = true,
            _ => {}
        }
        prop_assert_eq!(WindowsMetadata::from_entry(entry).expect("is valid"), metadata);
    }
}
