//! A tree that is built twice: in a [`Builder`], and as a plain map of what must be read back.

use std::collections::BTreeMap;

use transom_erofs::{
    Attributes, Builder, DeviceId, DeviceNumber, Extent, FileData, FileKind, NodeId, Options,
    Source, SpecialKind, Timestamp,
};

/// Names and values of extended attributes.
pub(crate) type Xattrs = BTreeMap<Vec<u8>, Vec<u8>>;

/// Attributes as a test states them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) mode: u16,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mtime: Timestamp,
    pub(crate) xattrs: Xattrs,
}

/// What must be read back at one path.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) meta: Meta,
    pub(crate) kind: FileKind,
    pub(crate) size: u64,
    pub(crate) nlink: u32,
    pub(crate) rdev: Option<DeviceNumber>,
    pub(crate) target: Vec<u8>,
    /// Parts of the file that are not zeros.
    pub(crate) parts: Vec<(u64, Vec<u8>)>,
    pub(crate) node: NodeId,
}

/// The tree under both forms. Paths have no slash at the start; the root is the empty path.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) builder: Builder,
    pub(crate) expected: BTreeMap<Vec<u8>, Expected>,
    pub(crate) devices: Vec<Vec<u8>>,
    pub(crate) ids: Vec<DeviceId>,
}

/// A part of a file: blocks of hole before it, and its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) gap_blocks: u64,
    pub(crate) length: u64,
    /// Device (by place) and block on it, or bytes of this value in the image.
    pub(crate) source: Result<(usize, u64), u8>,
}

pub(crate) const OPTIONS: Options = Options {
    uuid: *b"transom test uid",
    build_time: 1_700_000_000,
};

impl Tree {
    /// A tree over devices with these contents.
    pub(crate) fn new(root: Meta, devices: Vec<Vec<u8>>) -> Self {
        let mut builder = Builder::new(OPTIONS, Attributes::default());
        let ids = devices
            .iter()
            .enumerate()
            .map(|(n, bytes)| {
                builder
                    .add_device(&format!("tar-{n}"), bytes.len() as u64)
                    .unwrap()
            })
            .collect();
        let node = builder.root();
        let mut tree = Self {
            builder,
            expected: BTreeMap::new(),
            devices,
            ids,
        };
        let attributes = tree.attributes(&root);
        tree.builder.set_attributes(node, attributes).unwrap();
        tree.expect(b"", root, FileKind::Directory, 0, node);
        tree.expected.get_mut(&b""[..]).unwrap().nlink = 2;
        tree
    }

    fn attributes(&mut self, meta: &Meta) -> Attributes {
        let xattrs = meta.xattrs.iter();
        let xattrs = xattrs
            .map(|(name, value)| self.builder.xattr(name, value).unwrap())
            .collect();
        Attributes {
            mode: meta.mode,
            uid: meta.uid,
            gid: meta.gid,
            mtime: meta.mtime,
            xattrs,
        }
    }

    fn expect(&mut self, path: &[u8], meta: Meta, kind: FileKind, size: u64, node: NodeId) {
        let expected = Expected {
            meta,
            kind,
            size,
            nlink: 1,
            rdev: None,
            target: Vec::new(),
            parts: Vec::new(),
            node,
        };
        assert!(
            self.expected.insert(path.to_vec(), expected).is_none(),
            "{path:?} twice"
        );
    }

    fn link_new(&mut self, path: &[u8], node: NodeId) {
        let (parent, name) = split(path);
        let parent = self.expected.get_mut(parent).expect("parent was made");
        let parent_node = parent.node;
        if self.builder.kind(node) == Some(FileKind::Directory) {
            parent.nlink += 1;
        }
        self.builder.link(parent_node, name, node).unwrap();
    }

    pub(crate) fn directory(&mut self, path: &[u8], meta: Meta) {
        let attributes = self.attributes(&meta);
        let node = self.builder.directory(attributes).unwrap();
        self.link_new(path, node);
        self.expect(path, meta, FileKind::Directory, 0, node);
        self.expected.get_mut(path).unwrap().nlink = 2;
    }

    pub(crate) fn symlink(&mut self, path: &[u8], meta: Meta, target: &[u8]) {
        let attributes = self.attributes(&meta);
        let node = self.builder.symlink(attributes, target).unwrap();
        self.link_new(path, node);
        self.expect(path, meta, FileKind::Symlink, target.len() as u64, node);
        self.expected.get_mut(path).unwrap().target = target.to_vec();
    }

    pub(crate) fn special(&mut self, path: &[u8], meta: Meta, kind: SpecialKind) {
        let attributes = self.attributes(&meta);
        let node = self.builder.special(attributes, kind).unwrap();
        self.link_new(path, node);
        let (file_kind, rdev) = match kind {
            SpecialKind::CharDevice(number) => (FileKind::CharDevice, Some(number)),
            SpecialKind::BlockDevice(number) => (FileKind::BlockDevice, Some(number)),
            SpecialKind::Fifo => (FileKind::Fifo, None),
            SpecialKind::Socket => (FileKind::Socket, None),
        };
        self.expect(path, meta, file_kind, 0, node);
        self.expected.get_mut(path).unwrap().rdev = rdev;
    }

    /// A file in the given form, whose data is in `parts`.
    pub(crate) fn file(
        &mut self,
        path: &[u8],
        meta: Meta,
        data: FileData,
        parts: Vec<(u64, Vec<u8>)>,
    ) {
        let (FileData::Contiguous { size, .. } | FileData::Extents { size, .. }) = data;
        let attributes = self.attributes(&meta);
        let node = self.builder.file(attributes, data).unwrap();
        self.link_new(path, node);
        self.expect(path, meta, FileKind::Regular, size, node);
        self.expected.get_mut(path).unwrap().parts = parts;
    }

    /// A file that is one run of device 0 from `block` on.
    pub(crate) fn contiguous(&mut self, path: &[u8], meta: Meta, block: u64, size: u64) {
        let offset = block * 512;
        let data = FileData::Contiguous {
            size,
            device: self.ids[0],
            offset,
        };
        let bytes = self.devices[0][offset as usize..(offset + size) as usize].to_vec();
        self.file(path, meta, data, vec![(0, bytes)]);
    }

    /// A file made of pieces and a hole of `tail` bytes at its end.
    pub(crate) fn pieces(&mut self, path: &[u8], meta: Meta, pieces: &[Piece], tail: u64) {
        let (mut extents, mut parts) = (Vec::new(), Vec::new());
        let mut end = 0u64;
        for (number, piece) in pieces.iter().enumerate() {
            let logical = end.next_multiple_of(512) + piece.gap_blocks * 512;
            let last = number + 1 == pieces.len() && tail == 0;
            let (length, source, bytes) = match piece.source {
                Ok((device, block)) => {
                    let length = if last {
                        piece.length
                    } else {
                        piece.length.next_multiple_of(512)
                    };
                    let start = (block * 512) as usize;
                    let bytes = self.devices[device][start..start + length as usize].to_vec();
                    let source = Source::Device {
                        id: self.ids[device],
                        offset: block * 512,
                    };
                    (length, source, bytes)
                }
                Err(value) => {
                    let bytes = vec![value; piece.length as usize];
                    (piece.length, Source::Bytes(bytes.clone()), bytes)
                }
            };
            extents.push(Extent {
                logical,
                length,
                source,
            });
            parts.push((logical, bytes));
            end = logical + length;
        }
        self.file(
            path,
            meta,
            FileData::Extents {
                size: end + tail,
                extents,
            },
            parts,
        );
    }

    /// A second name for a node that is not a directory.
    pub(crate) fn hard_link(&mut self, path: &[u8], to: &[u8]) {
        let node = self.expected[to].node;
        self.link_new(path, node);
        let copy = self.expected[to].clone();
        assert!(
            self.expected.insert(path.to_vec(), copy).is_none(),
            "{path:?} twice"
        );
        let names = self
            .expected
            .values()
            .filter(|expected| expected.node == node)
            .count();
        for expected in self
            .expected
            .values_mut()
            .filter(|expected| expected.node == node)
        {
            expected.nlink = names as u32;
        }
    }

    /// The image, what it must hold, and the devices.
    pub(crate) fn write(self) -> (Vec<u8>, BTreeMap<Vec<u8>, Expected>, Vec<Vec<u8>>) {
        let mut image = Vec::new();
        let summary = self.builder.write(&mut image).unwrap();
        assert_eq!(summary.bytes, image.len() as u64);
        (image, self.expected, self.devices)
    }
}

impl Expected {
    /// The whole data; for files that fit memory.
    pub(crate) fn data(&self) -> Vec<u8> {
        let mut data = vec![0; self.size as usize];
        for (start, bytes) in &self.parts {
            data[*start as usize..*start as usize + bytes.len()].copy_from_slice(bytes);
        }
        data
    }
}

pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}

/// Names of the direct children of `directory`.
pub(crate) fn children<'a>(
    expected: &'a BTreeMap<Vec<u8>, Expected>,
    directory: &[u8],
) -> Vec<&'a [u8]> {
    expected
        .keys()
        .filter(|path| !path.is_empty())
        .map(|path| split(path))
        .filter(|(parent, _)| *parent == directory)
        .map(|(_, name)| name)
        .collect()
}

/// Bytes without a pattern that a shift by blocks would keep.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    });
    next.take(length).collect()
}

pub(crate) fn meta(mode: u16) -> Meta {
    let mtime = Timestamp {
        seconds: 1_600_000_000 + i64::from(mode),
        nanoseconds: 123_456_789,
    };
    Meta {
        mode,
        uid: 1000,
        gid: 70_000,
        mtime,
        xattrs: Xattrs::new(),
    }
}

pub(crate) fn with_xattrs(mut meta: Meta, xattrs: &[(&str, &[u8])]) -> Meta {
    let owned = xattrs
        .iter()
        .map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()));
    meta.xattrs.extend(owned);
    meta
}

/// A tree with one of everything that has a rule of its own.
pub(crate) fn catalogue() -> Tree {
    let shared: (&str, &[u8]) = ("user.MSWINDOWS.rawsd", &[b'A'; 160]);
    let mut tree = Tree::new(
        with_xattrs(meta(0o755), &[shared, ("trusted.root", b"yes")]),
        vec![noise(1 << 20, 1), noise(100_000, 2)],
    );
    tree.directory(b"empty", meta(0o700));
    tree.directory(
        b"dir",
        with_xattrs(meta(0o1777), &[shared, ("user.own", b"1")]),
    );
    tree.contiguous(b"dir/one", with_xattrs(meta(0o4755), &[shared]), 3, 1);
    tree.contiguous(b"dir/block", meta(0o644), 5, 512);
    tree.contiguous(b"dir/large", meta(0o644), 7, 300_001);
    tree.contiguous(b"dir/empty", meta(0o600), 0, 0);
    tree.hard_link(b"second name", b"dir/large");
    tree.hard_link(b"dir/third name", b"dir/large");

    let before_epoch = Timestamp {
        seconds: -11_644_473_600,
        nanoseconds: 999_999_999,
    };
    tree.file(
        b"hole",
        Meta {
            mtime: before_epoch,
            ..meta(0)
        },
        FileData::Extents {
            size: 1_000_000,
            extents: vec![],
        },
        vec![],
    );
    let device = |gap_blocks, length, block| Piece {
        gap_blocks,
        length,
        source: Ok((0, block)),
    };
    tree.pieces(b"hole at start", meta(0o644), &[device(5, 700, 9)], 0);
    tree.pieces(
        b"hole in middle",
        meta(0o644),
        &[device(0, 1024, 2), device(2, 2048, 40)],
        0,
    );
    tree.pieces(b"hole at end", meta(0o644), &[device(0, 4096, 2)], 5001);
    let bytes = |gap_blocks, length| Piece {
        gap_blocks,
        length,
        source: Err(0x5a),
    };
    tree.pieces(b"bytes", meta(0o644), &[bytes(0, 1300)], 0);
    let other = Piece {
        gap_blocks: 1,
        length: 512,
        source: Ok((1, 8)),
    };
    tree.pieces(
        b"mixed",
        meta(0o644),
        &[bytes(1, 100), device(0, 512, 1), other],
        77,
    );

    tree.symlink(b"link", meta(0o777), b"dir/one");
    for length in [400, 511, 512, 513, 1024, 4095] {
        let path = format!("link {length}");
        tree.symlink(path.as_bytes(), meta(0o777), &vec![b'x'; length]);
    }
    let number = DeviceNumber {
        major: 259,
        minor: 70_000,
    };
    tree.special(b"char", meta(0o620), SpecialKind::CharDevice(number));
    tree.special(b"block", meta(0o660), SpecialKind::BlockDevice(number));
    tree.special(b"fifo", meta(0o600), SpecialKind::Fifo);
    tree.special(b"socket", meta(0o600), SpecialKind::Socket);

    tree.directory(b"many", meta(0o755));
    for number in 0..400 {
        let path = format!("many/entry number {number}");
        tree.contiguous(
            path.as_bytes(),
            with_xattrs(meta(0o644), &[shared]),
            number,
            600,
        );
    }
    // Names around `.` and `..` in byte order, the longest one, and bytes that are not UTF-8.
    tree.directory(b"names", meta(0o755));
    for name in [
        &b"!"[..],
        b"-",
        b".!",
        b"...",
        b".a",
        b"\xff\xfe",
        b"\x01",
        b"a b",
    ] {
        tree.contiguous(&[b"names/", name].concat(), meta(0o644), 1, 10);
    }
    for letter in *b"ab" {
        tree.contiguous(
            &[b"names/".as_slice(), &[letter; 255]].concat(),
            meta(0o644),
            1,
            10,
        );
    }

    let mut many = meta(0o644);
    for number in 0..40 {
        let value = noise(number * 7, number as u64);
        many.xattrs
            .insert(format!("user.number.{number}").into_bytes(), value);
    }
    tree.contiguous(b"forty attributes", many, 1, 10);
    let large = with_xattrs(meta(0o644), &[("user.large", &noise(60 * 1024, 3)), shared]);
    tree.contiguous(b"large attribute", large, 1, 10);
    let largest = with_xattrs(
        meta(0o644),
        &[("user.largest", &noise(65_535, 4)), ("user.no", b"")],
    );
    tree.contiguous(b"largest attribute", largest, 1, 10);
    let long_name = format!("user.{}", "n".repeat(250));
    let all = [
        (&*long_name, &b"v"[..]),
        ("trusted.overlay.opaque", b"y"),
        ("security.x", b"\0z"),
    ];
    tree.directory(b"namespaces", with_xattrs(meta(0o755), &all));
    tree
}

/// A chain of `levels` directories with a file at its end; returns the path of the file.
pub(crate) fn deep(tree: &mut Tree, levels: usize) -> Vec<u8> {
    let mut path = b"d".to_vec();
    tree.directory(&path, meta(0o755));
    for _ in 1..levels {
        path.extend_from_slice(b"/d");
        tree.directory(&path, meta(0o755));
    }
    path.extend_from_slice(b"/file");
    tree.contiguous(&path, meta(0o644), 1, 1000);
    path
}
