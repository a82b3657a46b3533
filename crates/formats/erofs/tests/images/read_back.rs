//! The reader gives back what the writer was given.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use transom_erofs::{
    Attributes, Builder, FileData, FileKind, Image, Inode, Location, ReadAt, ReadError, Run,
};

use crate::strategy;
use crate::tree::{Expected, OPTIONS, Tree, catalogue, children, deep, meta, noise, split};

/// The data of a file, put together from its runs.
pub(crate) fn read_data<R: ReadAt>(
    image: &Image<R>,
    inode: &Inode,
    devices: &[Vec<u8>],
) -> Vec<u8> {
    let mut data = Vec::new();
    for run in image.extents(inode).unwrap() {
        let Run {
            logical,
            length,
            location,
        } = run.unwrap();
        assert_eq!(logical, data.len() as u64, "runs follow each other");
        let mut bytes = vec![0; length as usize];
        let count = match location {
            Location::Hole => bytes.len(),
            Location::Image { offset } => image.source().read_at(&mut bytes, offset).unwrap(),
            Location::Device { id, offset } => {
                devices[id.index()].read_at(&mut bytes, offset).unwrap()
            }
        };
        assert_eq!(count, bytes.len());
        data.extend(bytes);
    }
    assert_eq!(data.len() as u64, inode.size);
    data
}

/// Follows a path by look-ups.
pub(crate) fn resolve<R: ReadAt>(image: &Image<R>, path: &[u8]) -> Option<Inode> {
    let mut inode = image.root().unwrap();
    for name in path
        .split(|byte| *byte == b'/')
        .filter(|name| !name.is_empty())
    {
        let entry = image.lookup(&inode, name).unwrap()?;
        inode = image.inode(entry.nid).unwrap();
        assert_eq!(inode.kind, entry.kind);
    }
    Some(inode)
}

fn check(tree: Tree) {
    let (bytes, expected, devices) = tree.write();
    let image = Image::open(bytes).unwrap();
    check_image(&image, &expected, &devices);
}

fn check_image<R: ReadAt>(
    image: &Image<R>,
    expected: &BTreeMap<Vec<u8>, Expected>,
    devices: &[Vec<u8>],
) {
    for (path, want) in expected {
        let shown = String::from_utf8_lossy(path).into_owned();
        let inode = resolve(image, path).unwrap_or_else(|| panic!("{shown} is not found"));
        let meta = &want.meta;
        assert_eq!(inode.kind, want.kind, "kind of {shown}");
        assert_eq!(inode.permissions, meta.mode, "mode of {shown}");
        assert_eq!(
            (inode.uid, inode.gid),
            (meta.uid, meta.gid),
            "owner of {shown}"
        );
        assert_eq!(inode.mtime, meta.mtime, "mtime of {shown}");
        assert_eq!(inode.nlink, want.nlink, "links of {shown}");
        assert_eq!(inode.rdev, want.rdev, "device number of {shown}");
        let xattrs = image.xattrs(&inode).unwrap();
        assert_eq!(xattrs.len(), meta.xattrs.len(), "attributes of {shown}");
        for (name, value) in &xattrs {
            assert_eq!(meta.xattrs.get(name), Some(value), "attributes of {shown}");
            assert_eq!(image.xattr(&inode, name).unwrap().as_ref(), Some(value));
        }
        assert_eq!(image.xattr(&inode, b"user.absent").unwrap(), None);
        match want.kind {
            FileKind::Directory => {
                let names: Vec<_> = image
                    .read_dir(&inode)
                    .unwrap()
                    .map(|entry| entry.unwrap().name)
                    .collect();
                assert_eq!(names, children(expected, path), "entries of {shown}");
                for absent in [
                    &b"\x01\x01absent"[..],
                    b"m absent",
                    b"\xff\xff",
                    b".",
                    b"..",
                ] {
                    assert_eq!(image.lookup(&inode, absent).unwrap(), None);
                }
            }
            FileKind::Symlink => {
                assert_eq!(
                    image.symlink_target(&inode).unwrap(),
                    want.target,
                    "{shown}"
                );
            }
            FileKind::Regular => {
                assert!(
                    read_data(image, &inode, devices) == want.data(),
                    "data of {shown}"
                );
            }
            _ => {}
        }
    }
    let mut walked: Vec<_> = image
        .walk(2000)
        .unwrap()
        .map(|entry| entry.unwrap().path)
        .collect();
    walked.sort();
    assert!(
        walked.iter().eq(expected.keys().skip(1)),
        "the walk differs"
    );
    let names: std::collections::BTreeSet<_> =
        expected.values().map(|expected| expected.node).collect();
    assert_eq!(image.inode_count(), names.len() as u64);
}

/// A source that counts reads.
#[derive(Debug)]
struct Counting {
    bytes: Vec<u8>,
    reads: AtomicU64,
}

impl ReadAt for Counting {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.bytes.read_at(buf, offset)
    }

    fn len(&self) -> io::Result<u64> {
        ReadAt::len(&self.bytes)
    }
}

#[test]
fn one_of_everything_is_read_back() {
    check(catalogue());
}

#[test]
fn a_thousand_levels_are_read_back() {
    let mut tree = Tree::new(meta(0o755), vec![noise(4096, 1)]);
    let path = deep(&mut tree, 1000);
    let (bytes, _, _) = tree.write();
    let image = Image::open(bytes).unwrap();
    assert_eq!(resolve(&image, &path).unwrap().size, 1000);
    assert_eq!(
        image.walk(1001).unwrap().last().unwrap().unwrap().path,
        path
    );
    let too_deep = image.walk(999).unwrap().last().unwrap();
    assert!(matches!(
        too_deep,
        Err(ReadError::TooDeep { limit: 999, .. })
    ));
}

#[test]
fn file_larger_than_4_gib_is_one_run() {
    let mut builder = Builder::new(OPTIONS, Attributes::default());
    let device = builder.add_device("tar", 20 << 30).unwrap();
    let size = (9 << 30) + 1;
    let data = FileData::Contiguous {
        size,
        device,
        offset: 10 << 30,
    };
    let file = builder.file(Attributes::default(), data).unwrap();
    builder.link(builder.root(), b"large", file).unwrap();
    let mut bytes = Vec::new();
    builder.write(&mut bytes).unwrap();
    let image = Image::open(bytes).unwrap();
    let inode = resolve(&image, b"large").unwrap();
    let runs: Vec<_> = image.extents(&inode).unwrap().map(Result::unwrap).collect();
    let location = Location::Device {
        id: device,
        offset: 10 << 30,
    };
    assert_eq!(
        runs,
        [Run {
            logical: 0,
            length: size,
            location
        }]
    );
    assert_eq!(
        (image.devices()[0].tag.as_slice(), image.devices()[0].blocks),
        (&b"tar"[..], 20 << 21)
    );
}

#[test]
fn look_up_and_listing_need_few_reads() {
    let mut tree = Tree::new(meta(0o755), vec![noise(4096, 1)]);
    tree.directory(b"wide", meta(0o755));
    for number in 0..20_000 {
        tree.contiguous(
            format!("wide/file number {number:06}").as_bytes(),
            meta(0o644),
            1,
            100,
        );
    }
    let (bytes, _, _) = tree.write();
    let image = Image::open(Counting {
        bytes,
        reads: AtomicU64::new(0),
    })
    .unwrap();
    let reads = || image.source().reads.swap(0, Ordering::Relaxed);
    let wide = resolve(&image, b"wide").unwrap();
    reads();
    assert!(
        image
            .lookup(&wide, b"file number 012345")
            .unwrap()
            .is_some()
    );
    let search = reads();
    assert!(
        search <= 11,
        "a binary search over 1,250 blocks took {search} reads"
    );
    assert_eq!(image.read_dir(&wide).unwrap().count(), 20_000);
    let listing = reads();
    assert!(listing <= 14, "a listing of 640 KB took {listing} reads");
    assert!(matches!(split(b"wide/x"), (b"wide", b"x")));
}

#[test]
fn attributes_of_many_inodes_are_stored_once() {
    let mut builder = Builder::new(OPTIONS, Attributes::default());
    let shared = builder.xattr(b"user.shared", &[b's'; 300]).unwrap();
    for number in 0..1000u32 {
        let own = builder.xattr(b"user.own", &number.to_le_bytes()).unwrap();
        let attributes = Attributes {
            xattrs: vec![shared, own],
            ..Attributes::default()
        };
        let node = builder
            .special(attributes, transom_erofs::SpecialKind::Fifo)
            .unwrap();
        builder
            .link(builder.root(), number.to_string().as_bytes(), node)
            .unwrap();
    }
    let mut bytes = Vec::new();
    let summary = builder.write(&mut bytes).unwrap();
    assert_eq!((summary.inodes, summary.shared_xattrs), (1001, 1));
    assert!(summary.bytes < 150_000, "{} bytes", summary.bytes);
}

#[test]
fn more_shared_attributes_than_an_inode_can_count_stay_with_it() {
    let mut builder = Builder::new(OPTIONS, Attributes::default());
    let names: Vec<_> = (0..300).map(|number| format!("user.{number:03}")).collect();
    let xattrs: Vec<_> = names
        .iter()
        .map(|name| builder.xattr(name.as_bytes(), b"value").unwrap())
        .collect();
    for name in [b"a", b"b"] {
        let attributes = Attributes {
            xattrs: xattrs.clone(),
            ..Attributes::default()
        };
        let node = builder.directory(attributes).unwrap();
        builder.link(builder.root(), name, node).unwrap();
    }
    let mut bytes = Vec::new();
    builder.write(&mut bytes).unwrap();
    let image = Image::open(bytes).unwrap();
    let mut read: Vec<_> = image
        .xattrs(&resolve(&image, b"b").unwrap())
        .unwrap()
        .into_iter()
        .map(|(name, _)| String::from_utf8(name).unwrap())
        .collect();
    read.sort();
    assert_eq!(read, names);
}

#[test]
fn equal_calls_give_equal_bytes() {
    assert!(catalogue().write().0 == catalogue().write().0);
}

#[test]
fn calls_for_another_kind_are_refused() {
    let (bytes, _, _) = catalogue().write();
    let image = Image::open(bytes).unwrap();
    let (root, file) = (image.root().unwrap(), resolve(&image, b"hole").unwrap());
    assert!(matches!(
        image.read_dir(&file),
        Err(ReadError::WrongKind { .. })
    ));
    assert!(matches!(
        image.lookup(&file, b"x"),
        Err(ReadError::WrongKind { .. })
    ));
    assert!(matches!(
        image.extents(&root),
        Err(ReadError::WrongKind { .. })
    ));
    assert!(matches!(
        image.symlink_target(&root),
        Err(ReadError::WrongKind { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_tree_is_read_back_as_it_was_built(plan in strategy::plan()) {
        check(strategy::build(plan));
    }
}
