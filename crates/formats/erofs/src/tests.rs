//! The same trees with blocks of 4 KiB, for tools that know no others.

use std::io::ErrorKind;
use std::process::Command;

use crate::{
    Attributes, Builder, DeviceNumber, Extent, FileData, Image, NodeId, Options, Source,
    SpecialKind,
};

/// A tree with every kind of node and attribute, over one device.
fn tree(block_bits: u32) -> Builder {
    let options = Options {
        uuid: [3; 16],
        build_time: 1_700_000_000,
    };
    let mut builder = Builder::new(
        options,
        Attributes {
            mode: 0o755,
            ..Attributes::default()
        },
    );
    builder.block_bits = block_bits;
    let device = builder.add_device("tar", 1 << 20).unwrap();
    let shared = builder.xattr(b"user.shared", &[b's'; 200]).unwrap();
    let large = builder.xattr(b"user.large", &[b'l'; 20_000]).unwrap();
    let attributes = |xattrs: &[_]| Attributes {
        mode: 0o644,
        xattrs: xattrs.to_vec(),
        ..Attributes::default()
    };
    let root = builder.root();
    let many = builder.directory(attributes(&[shared])).unwrap();
    builder.link(root, b"many", many).unwrap();
    for number in 0..300u64 {
        let own = builder
            .xattr(b"trusted.own", &number.to_le_bytes())
            .unwrap();
        let data = FileData::Contiguous {
            size: number * 100,
            device,
            offset: (number / 8) << 12,
        };
        let file = builder.file(attributes(&[shared, own]), data).unwrap();
        builder
            .link(many, format!("file number {number}").as_bytes(), file)
            .unwrap();
        if number % 50 == 0 {
            builder
                .link(root, format!("hard link {number}").as_bytes(), file)
                .unwrap();
        }
    }
    let source = Source::Device {
        id: device,
        offset: 8192,
    };
    let extents = vec![
        Extent {
            logical: 4096,
            length: 8192,
            source,
        },
        Extent {
            logical: 40_960,
            length: 5,
            source: Source::Bytes(b"bytes".to_vec()),
        },
    ];
    let sparse = FileData::Extents {
        size: 100_000,
        extents,
    };
    let sparse = builder.file(attributes(&[large]), sparse).unwrap();
    builder.link(root, b"sparse", sparse).unwrap();
    for length in [10, 4000, 4095] {
        let target = vec![b't'; length];
        let symlink = builder.symlink(attributes(&[]), &target).unwrap();
        builder
            .link(root, format!("link {length}").as_bytes(), symlink)
            .unwrap();
    }
    let number = DeviceNumber {
        major: 7,
        minor: 300,
    };
    for (name, kind) in [
        ("char", SpecialKind::CharDevice(number)),
        ("block", SpecialKind::BlockDevice(number)),
        ("fifo", SpecialKind::Fifo),
        ("socket", SpecialKind::Socket),
    ] {
        let node = builder.special(attributes(&[]), kind).unwrap();
        builder.link(root, name.as_bytes(), node).unwrap();
    }
    let mut parent: NodeId = root;
    for _ in 0..40 {
        let child = builder.directory(attributes(&[])).unwrap();
        builder.link(parent, b"down", child).unwrap();
        parent = child;
    }
    builder
}

/// Runs `fsck.erofs` on an image; `None` where it is not installed.
fn fsck(block_bits: u32) -> Option<(bool, String)> {
    let folder = tempfile::tempdir().unwrap();
    let (image, device) = (folder.path().join("image"), folder.path().join("device"));
    let mut bytes = Vec::new();
    tree(block_bits).write(&mut bytes).unwrap();
    std::fs::write(&image, bytes).unwrap();
    std::fs::write(&device, vec![1; 1 << 20]).unwrap();
    let device = format!("--device={}", device.display());
    match Command::new("fsck.erofs")
        .args(["--extract", &device])
        .arg(&image)
        .output()
    {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Some((
                output.status.success(),
                String::from_utf8_lossy(&text).into_owned(),
            ))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => panic!("cannot run fsck.erofs: {error}"),
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn fsck_finds_nothing() {
    // erofs-utils 1.5 knows blocks of 4 KiB only ("blksize 512 isn't supported on this platform").
    for block_bits in [9, 12] {
        match fsck(block_bits) {
            None => eprintln!("skipped: fsck.erofs is not installed"),
            Some((false, text))
                if block_bits == 9 && text.contains("isn't supported on this platform") =>
            {
                eprintln!("skipped: this fsck.erofs knows no 512-byte blocks");
            }
            Some((clean, text)) => assert!(clean, "blocks of 2^{block_bits}: {text}"),
        }
    }
}

#[test]
fn images_of_any_block_size_hold_the_same_tree() {
    let walked: Vec<Vec<_>> = [9, 10, 12]
        .into_iter()
        .map(|block_bits| {
            let mut bytes = Vec::new();
            tree(block_bits).write(&mut bytes).unwrap();
            let image = Image::open(bytes).unwrap();
            assert_eq!(image.block_size(), 1 << block_bits);
            let entries = image.walk(100).unwrap().map(Result::unwrap);
            let describe = |entry: crate::WalkEntry| {
                let xattrs = image.xattrs(&entry.inode).unwrap();
                // The size of a directory depends on its blocks.
                let size = entry.inode.rdev.is_none() && entry.inode.nlink < 2;
                (
                    entry.path,
                    size.then_some(entry.inode.size),
                    entry.inode.nlink,
                    xattrs,
                )
            };
            entries.map(describe).collect()
        })
        .collect();
    assert_eq!(walked[0].len(), 300 + 6 + 1 + 1 + 3 + 4 + 40);
    assert!(walked.iter().all(|tree| *tree == walked[0]));
}
