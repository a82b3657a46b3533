//! The hex dump in `docs/formats/erofs.md` is the image that the writer makes.

use std::path::Path;

use transom_erofs::{Attributes, Builder, FileData, Options, Timestamp};

/// The image that the document shows.
fn example() -> Vec<u8> {
    let root = Attributes {
        mode: 0o755,
        ..Attributes::default()
    };
    let options = Options {
        uuid: *b"sixteen byte id.",
        build_time: 1_700_000_000,
    };
    let mut builder = Builder::new(options, root.clone());
    let device = builder.add_device("layer.tar", 1 << 20).unwrap();
    let shared = builder.xattr(b"user.s", b"both").unwrap();
    let own = builder.xattr(b"user.own", b"1").unwrap();
    let root = Attributes {
        xattrs: vec![shared],
        ..root
    };
    builder.set_attributes(builder.root(), root).unwrap();
    let attributes = Attributes {
        mode: 0o644,
        uid: 1000,
        gid: 100,
        mtime: Timestamp {
            seconds: 1_700_000_001,
            nanoseconds: 500_000_000,
        },
        xattrs: vec![shared, own],
    };
    let data = FileData::Contiguous {
        size: 700,
        device,
        offset: 1536,
    };
    let file = builder.file(attributes, data).unwrap();
    builder.link(builder.root(), b"hosts", file).unwrap();
    let mut bytes = Vec::new();
    builder.write(&mut bytes).unwrap();
    bytes
}

/// Rows of 16 bytes as `xxd -g 1` shows them, without its last column; rows of zeros are left out.
fn dump(bytes: &[u8]) -> Vec<String> {
    let row = |(number, row): (usize, &[u8])| {
        let hex: Vec<_> = row.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{:04x}: {}", number * 16, hex.join(" "))
    };
    let rows = bytes.chunks(16).enumerate();
    rows.filter(|(_, row)| row.iter().any(|byte| *byte != 0))
        .map(row)
        .collect()
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn document_shows_the_bytes_that_are_written() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/formats/erofs.md");
    let Ok(document) = std::fs::read_to_string(path) else {
        eprintln!("skipped: docs/formats/erofs.md is not here");
        return;
    };
    let is_row = |line: &&str| line.len() > 6 && line.as_bytes()[4] == b':';
    let shown: Vec<_> = document
        .lines()
        .filter(is_row)
        .filter_map(|line| line.get(..53))
        .collect();
    assert_eq!(shown, dump(&example()));
}
