//! Damaged images: every call ends in a value or an error, soon and in little memory.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use transom_erofs::{FileKind, Image, Inode, Nid, OpenError, ReadAt, ReadError};

use crate::read_back::resolve;
use crate::tree::{Tree, catalogue, meta, noise};

/// Calls everything that there is for an inode.
fn touch<R: ReadAt>(image: &Image<R>, inode: &Inode) {
    let _ = image.xattrs(inode);
    let _ = image.xattr(inode, b"user.MSWINDOWS.rawsd");
    let _ = image.symlink_target(inode);
    if let Ok(extents) = image.extents(inode) {
        // A flipped size can claim as many chunks as the image has words.
        let _ = extents.take(10_000).filter_map(Result::ok).count();
    }
    let _ = image.lookup(inode, b"entry number 77");
}

fn touch_everything(bytes: Vec<u8>) -> Result<usize, ReadError> {
    let Ok(image) = Image::open(bytes) else {
        return Ok(0);
    };
    let root = image.root()?;
    touch(&image, &root);
    let mut count = 0;
    for entry in image.walk(64)? {
        touch(&image, &entry?.inode);
        count += 1;
    }
    Ok(count)
}

/// The image of the catalogue, and the same without a checksum.
fn sample() -> &'static (Vec<u8>, Vec<u8>) {
    static SAMPLE: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let (bytes, _, _) = catalogue().write();
        let mut unchecked = bytes.clone();
        unchecked[1032] &= !1;
        (bytes, unchecked)
    })
}

fn small(edit: impl FnOnce(&mut Vec<u8>)) -> Result<Image<Vec<u8>>, OpenError> {
    let mut tree = Tree::new(meta(0o755), vec![noise(4096, 1)]);
    tree.directory(b"a", meta(0o755));
    tree.directory(b"a/b", meta(0o755));
    tree.contiguous(b"a/file", meta(0o644), 1, 1000);
    let (mut bytes, _, _) = tree.write();
    bytes[1032] &= !1;
    edit(&mut bytes);
    Image::open(bytes)
}

/// Byte of an inode: numbers count from the metadata block that the superblock names.
fn inode_at(bytes: &[u8], nid: Nid) -> usize {
    let block = u32::from_le_bytes(bytes[1064..1068].try_into().unwrap());
    block as usize * 512 + nid.0 as usize * 32
}

#[test]
fn what_is_not_an_image_is_refused() {
    assert!(matches!(
        Image::open(vec![0; 1151]),
        Err(OpenError::TooShort { expected: 1152, .. })
    ));
    assert!(matches!(
        Image::open(vec![0; 4096]),
        Err(OpenError::Magic { found: 0 })
    ));
    assert!(matches!(
        Image::open(Vec::new()),
        Err(OpenError::TooShort { .. })
    ));
}

#[test]
fn damaged_superblock_is_noticed_by_its_checksum() {
    for byte in [1036 + 8, 1072, 1152, 1535] {
        let mut bytes = sample().0.clone();
        bytes[byte] ^= 1;
        assert!(
            matches!(Image::open(bytes), Err(OpenError::Checksum { .. })),
            "byte {byte}"
        );
    }
}

#[test]
fn unknown_features_are_refused_by_name() {
    let bits = [
        (0x2, "compression"),
        (0x10, "tail-packed"),
        (0x20, "fragments"),
        (0x40, "prefixes"),
        (0x80, "48-bit"),
        (0x100, "metadata area"),
        (0x4000_0000, "0x40000000"),
    ];
    for (bit, word) in bits {
        let opened = small(|bytes| {
            let value = u32::from_le_bytes(bytes[1104..1108].try_into().unwrap()) | bit;
            bytes[1104..1108].copy_from_slice(&value.to_le_bytes());
        });
        let error = opened.expect_err("a feature that is not supported");
        assert!(error.to_string().contains(word), "{error}");
    }
    assert!(matches!(
        small(|bytes| bytes[1036] = 8),
        Err(OpenError::BlockSize { found: 8 })
    ));
    assert!(matches!(
        small(|bytes| bytes[1036] = 17),
        Err(OpenError::BlockSize { found: 17 })
    ));
    assert!(matches!(
        small(|bytes| bytes[1114] = 1),
        Err(OpenError::Feature { .. })
    ));
    let many_devices = small(|bytes| bytes[1110..1112].copy_from_slice(&[0xff, 0xff]));
    assert!(matches!(
        many_devices,
        Err(OpenError::TooShort {
            what: "device table",
            ..
        })
    ));
}

#[test]
fn compressed_inode_is_refused_by_name() {
    let image = small(|_| ()).unwrap();
    let nid = resolve(&image, b"a/file").unwrap().nid;
    let image = small(|bytes| {
        let at = inode_at(bytes, nid);
        bytes[at] = 1 | 3 << 1;
    });
    let error = image.unwrap().inode(nid).unwrap_err();
    assert!(matches!(
        error,
        ReadError::Unsupported {
            name: "compressed data",
            ..
        }
    ));
}

#[test]
fn directory_that_contains_itself_ends_the_walk() {
    let image = small(|_| ()).unwrap();
    let (outer, inner) = (
        resolve(&image, b"a").unwrap(),
        resolve(&image, b"a/b").unwrap(),
    );
    // Let the entry "b" of "a" name "a": find its record by the number it holds.
    let image = small(|bytes| {
        let at = inode_at(bytes, outer.nid);
        let record = inner.nid.0.to_le_bytes();
        let place = bytes[at..]
            .windows(8)
            .position(|eight| eight == record)
            .unwrap();
        bytes[at + place..at + place + 8].copy_from_slice(&outer.nid.0.to_le_bytes());
    })
    .unwrap();
    assert_eq!(resolve(&image, b"a/b/b/b/b").unwrap().nid, outer.nid);
    let last = image.walk(64).unwrap().last().unwrap();
    assert!(matches!(last, Err(ReadError::DirectoryTwice { nid }) if nid == outer.nid.0));
}

#[test]
fn numbers_far_out_are_errors() {
    let image = small(|_| ()).unwrap();
    for nid in [u64::MAX, u64::MAX / 32, 1 << 58, 1 << 20] {
        assert!(image.inode(Nid(nid)).is_err(), "{nid}");
    }
    let file = resolve(&image, b"a/file").unwrap();
    let root = image.root().unwrap();
    let grown = |kind, size: u64| {
        let nid = if kind == FileKind::Directory {
            root.nid
        } else {
            file.nid
        };
        let image = small(|bytes| {
            let at = inode_at(bytes, nid) + 8;
            bytes[at..at + 8].copy_from_slice(&size.to_le_bytes());
        });
        let image = image.unwrap();
        let inode = image.inode(nid);
        (image, inode)
    };
    let (image, inode) = grown(FileKind::Directory, (1 << 40) + 20);
    assert!(matches!(
        image.read_dir(&inode.unwrap()),
        Err(ReadError::BeyondEnd { .. })
    ));
    let (image, inode) = grown(FileKind::Regular, 1 << 50);
    assert!(matches!(
        image.extents(&inode.unwrap()),
        Err(ReadError::BeyondEnd { .. })
    ));
    let (_, inode) = grown(FileKind::Regular, 1 << 63);
    assert!(matches!(
        inode,
        Err(ReadError::Corrupt { what: "size", .. })
    ));
}

#[test]
fn device_that_is_not_there_is_an_error() {
    let image = small(|_| ()).unwrap();
    let file = resolve(&image, b"a/file").unwrap();
    for (at, value) in [(66, 3u8), (68, 200)] {
        // Behind the 64 bytes of the inode: advise (2), device (2), block (4).
        let image = small(|bytes| {
            let inode = inode_at(bytes, file.nid);
            bytes[inode + at] = value;
        });
        let run = image.unwrap().extents(&file).unwrap().next().unwrap();
        assert!(
            matches!(run, Err(ReadError::Corrupt { .. })),
            "byte {at}: {run:?}"
        );
    }
}

#[test]
fn truncated_images_are_errors_or_smaller_trees() {
    let (_, bytes) = sample();
    for length in (1100..bytes.len()).step_by(bytes.len() / 200) {
        let _ = touch_everything(bytes[..length].to_vec());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn flipped_bytes_give_values_or_errors(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        let mut bytes = sample().1.clone();
        let length = bytes.len();
        for (index, value) in flips {
            bytes[1024 + index.index(length - 1024)] = value;
        }
        bytes[1032] &= !1;
        let start = Instant::now();
        let _ = touch_everything(bytes);
        prop_assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn flipped_bytes_of_a_small_image_give_values_or_errors(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let image = small(|bytes| {
            let length = bytes.len();
            for (index, value) in flips {
                bytes[1028 + index.index(length - 1028)] = value;
            }
            bytes[1032] &= !1;
        });
        if let Ok(image) = image
            && let (Ok(root), Ok(walk)) = (image.root(), image.walk(8))
        {
            touch(&image, &root);
            for entry in walk {
                let Ok(entry) = entry else { break };
                touch(&image, &entry.inode);
            }
        }
    }

    #[test]
    fn arbitrary_bytes_behind_a_superblock_never_panic(tail in prop::collection::vec(any::<u8>(), 0..2000)) {
        let mut bytes = sample().1[..1152].to_vec();
        bytes.extend(tail);
        let _ = touch_everything(bytes);
    }
}
