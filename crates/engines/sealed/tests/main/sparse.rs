//! Sparse files of every tar format, wherever their parts lie.

use std::io::{Read, Seek, SeekFrom};

use proptest::prelude::*;
use transom_layer::Names;

use crate::support::{
    Home, Layer, block, find, metadata, octal11, padded, pax, read, request, sealed,
};

#[derive(Debug, Clone, Copy)]
enum Format {
    OldGnu,
    Pax01,
    Pax10,
}

const FORMATS: [Format; 3] = [Format::OldGnu, Format::Pax01, Format::Pax10];

type Parts = Vec<(u64, Vec<u8>)>;

/// An entry of a sparse file with these parts.
fn sparse(format: Format, name: &str, size: u64, parts: &Parts) -> Vec<u8> {
    let data: Vec<u8> = parts.iter().flat_map(|(_, data)| data).copied().collect();
    let stored = data.len() as u64;
    let numbers: Vec<u64> = parts
        .iter()
        .flat_map(|(offset, data)| [*offset, data.len() as u64])
        .collect();
    match format {
        Format::OldGnu => {
            let mut main = block(name.as_bytes(), b'S', stored, true);
            let field = |block: &mut [u8; 512], at: usize, number: u64| {
                block[at..at + 11].copy_from_slice(octal11(number).as_bytes());
            };
            for (place, number) in numbers.iter().take(8).enumerate() {
                field(&mut main, 386 + 12 * place, *number);
            }
            field(&mut main, 483, size);
            let rest = numbers.get(8..).unwrap_or_default();
            main[482] = u8::from(!rest.is_empty());
            let mut bytes = sealed(main).to_vec();
            let mut rest = rest.chunks(42).peekable();
            while let Some(numbers) = rest.next() {
                let mut more = [0; 512];
                for (place, number) in numbers.iter().enumerate() {
                    field(&mut more, 12 * place, *number);
                }
                more[504] = u8::from(rest.peek().is_some());
                bytes.extend(more);
            }
            bytes.extend(padded(&data));
            bytes
        }
        Format::Pax01 => {
            let map: Vec<String> = numbers.iter().map(u64::to_string).collect();
            let records = pax(&[
                ("GNU.sparse.major", "0"),
                ("GNU.sparse.minor", "1"),
                ("GNU.sparse.size", &size.to_string()),
                ("GNU.sparse.numblocks", &parts.len().to_string()),
                ("GNU.sparse.map", &map.join(",")),
            ]);
            let main = block(name.as_bytes(), b'0', stored, false);
            [records, main.to_vec(), padded(&data)].concat()
        }
        Format::Pax10 => {
            let mut map = format!("{}\n", parts.len());
            numbers
                .iter()
                .for_each(|number| map += &format!("{number}\n"));
            let map = padded(map.as_bytes());
            let records = pax(&[
                ("GNU.sparse.major", "1"),
                ("GNU.sparse.minor", "0"),
                ("GNU.sparse.name", name),
                ("GNU.sparse.realsize", &size.to_string()),
            ]);
            let main = block(b"GNUSparseFile.0/x", b'0', stored + map.len() as u64, false);
            [records, main.to_vec(), map, padded(&data)].concat()
        }
    }
}

fn expected(size: u64, parts: &Parts) -> Vec<u8> {
    let mut bytes = vec![0; size as usize];
    for (offset, data) in parts {
        let offset = *offset as usize;
        bytes[offset..offset + data.len()].copy_from_slice(data);
    }
    bytes
}

#[test]
fn parts_may_lie_anywhere() {
    let home = Home::new();
    let cases: [(u64, Parts); 9] = [
        (4096, vec![(512, vec![1; 512]), (2048, vec![2; 1024])]),
        (1300, vec![(0, vec![1; 512]), (1024, vec![2; 276])]),
        (2000, vec![(1, vec![1; 1])]),
        (
            2000,
            vec![(100, vec![1; 50]), (200, vec![2; 50]), (511, vec![3; 2])],
        ),
        (
            5000,
            vec![(0, vec![1; 700]), (700, vec![2; 700]), (4999, vec![3])],
        ),
        (1_000_000, vec![(999_000, vec![9; 1000])]),
        (1_000_000, vec![]),
        (777, vec![(0, vec![5; 777])]),
        (
            50_000,
            (0..60).map(|n| (n * 800, vec![n as u8 + 1; 300])).collect(),
        ),
    ];
    let mut layer = Layer::new().dir("Files");
    for (number, (size, parts)) in cases.iter().enumerate() {
        for format in FORMATS {
            let name = format!("Files/{number}{format:?}");
            layer = layer.raw(&sparse(format, &name, *size, parts));
        }
    }
    let tree = home.tree(&layer.tar());
    for (number, (size, parts)) in cases.iter().enumerate() {
        for format in FORMATS {
            let name = format!("Files/{number}{format:?}");
            assert!(read(&tree, &name) == expected(*size, parts), "{name}");
            assert_eq!(metadata(&tree, &name).size, *size);
        }
    }
    home.assert_tidy();
}

#[test]
fn a_file_larger_than_4_gib_is_read_where_it_has_data() {
    let home = Home::new();
    let size = (5 << 30) + 77;
    let parts = vec![
        (0, vec![1; 512]),
        (9 << 29, vec![2; 1024]),
        (5 << 30, vec![3; 77]),
    ];
    for format in FORMATS {
        let tree = home.tree(&sparse(format, "big", size, &parts));
        let mut data = tree.open_data(&find(&tree, "big")).unwrap();
        assert_eq!(data.size(), size);
        let mut at = |offset: u64| {
            let mut byte = [0];
            data.seek(SeekFrom::Start(offset)).unwrap();
            data.read_exact(&mut byte).unwrap();
            byte[0]
        };
        for (offset, byte) in [
            (0, 1),
            (511, 1),
            (512, 0),
            ((9 << 29) - 1, 0),
            (9 << 29, 2),
            ((9 << 29) + 1023, 2),
            ((9 << 29) + 1024, 0),
            ((5 << 30) - 1, 0),
            (5 << 30, 3),
            (size - 1, 3),
        ] {
            assert_eq!(at(offset), byte, "{format:?} {offset}");
        }
    }
}

#[test]
fn parts_that_would_have_to_be_copied_are_bounded() {
    let home = Home::new();
    // One byte in each block: a little tar, and 1 KiB of memory for every byte of it.
    let parts: Parts = (0..20_000).map(|n| (n * 1024 + 1, vec![1])).collect();
    let mut layer = Layer::new();
    for number in 0..5 {
        layer = layer.raw(&sparse(
            Format::OldGnu,
            &format!("f{number}"),
            30 << 20,
            &parts,
        ));
    }
    let text = home.refused(&layer.tar());
    assert!(
        text.contains("\"f3\"") && text.contains("not aligned"),
        "{text}"
    );
}

#[test]
fn parts_count_as_entries() {
    let mut home = Home::new();
    let parts: Parts = (0..100).map(|n| (n * 1024, vec![1; 512])).collect();
    home.limit(|limits| limits.entries = 100);
    let request = request("many-parts", Names::Windows);
    let tar = sparse(Format::Pax10, "f", 200 << 10, &parts);
    let text = home.refused_as(&tar, &request);
    assert!(
        text.contains("\"f\"") && text.contains("limit is 100"),
        "{text}"
    );
}

#[test]
fn a_stack_reads_sparse_files_as_their_layer_does() {
    let home = Home::new();
    let aligned: Parts = vec![(1024, vec![1; 512]), (8192, vec![2; 100])];
    let unaligned: Parts = vec![(10, vec![3; 1000]), (4000, vec![4; 1])];
    let base = Layer::new()
        .dir("Files")
        .raw(&sparse(Format::Pax10, "Files/a", 8292, &aligned))
        .raw(&sparse(Format::OldGnu, "Files/u", 4500, &unaligned));
    let upper = Layer::new().dir("Files").link("Files/second", "Files/u");
    let tree = home.stack(crate::support::WINDOWS, &[base, upper]);
    assert_eq!(read(&tree, "Files/a"), expected(8292, &aligned));
    assert_eq!(read(&tree, "Files/u"), expected(4500, &unaligned));
    assert_eq!(read(&tree, "Files/second"), expected(4500, &unaligned));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn any_parts_are_read_back(
        gaps in proptest::collection::vec((0u64..1500, 1usize..1500), 0..12),
        tail in 0u64..1500,
        blocks in any::<bool>(),
    ) {
        let mut parts = Parts::new();
        let mut end = 0;
        for (number, (gap, length)) in gaps.into_iter().enumerate() {
            let (gap, length) = match blocks {
                true => (gap / 512 * 512, length.next_multiple_of(512)),
                false => (gap, length),
            };
            parts.push((end + gap, vec![number as u8 + 1; length]));
            end += gap + length as u64;
        }
        let size = end + tail;
        let home = Home::new();
        for format in FORMATS {
            let tree = home.tree(&sparse(format, "f", size, &parts));
            prop_assert!(read(&tree, "f") == expected(size, &parts), "{:?}", format);
        }
    }
}
