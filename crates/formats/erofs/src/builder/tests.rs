use super::*;
use crate::attributes::{DeviceNumber, Timestamp};
use crate::content::{Extent, Source};
use crate::image::Image;

fn builder() -> Builder {
    Builder::new(
        Options {
            uuid: [1; 16],
            build_time: 5,
        },
        Attributes::default(),
    )
}

fn written(builder: Builder) -> (Summary, Image<Vec<u8>>) {
    let mut bytes = Vec::new();
    let summary = builder.write(&mut bytes).unwrap();
    (summary, Image::open(bytes).unwrap())
}

fn names(image: &Image<Vec<u8>>) -> Vec<String> {
    let root = image.root().unwrap();
    let entries = image.read_dir(&root).unwrap();
    entries
        .map(|entry| String::from_utf8(entry.unwrap().name).unwrap())
        .collect()
}

#[test]
fn names_that_no_file_can_have_are_refused() {
    let mut builder = builder();
    let root = builder.root();
    let node = builder.directory(Attributes::default()).unwrap();
    for name in [&b""[..], b".", b"..", b"a/b", b"a\0", &[b'x'; 256]] {
        assert!(matches!(
            builder.link(root, name, node),
            Err(WriteError::Name { .. })
        ));
    }
    builder.link(root, &[b'x'; 255], node).unwrap();
}

#[test]
fn second_entry_of_one_name_is_refused() {
    let mut builder = builder();
    let root = builder.root();
    let first = builder
        .special(Attributes::default(), SpecialKind::Fifo)
        .unwrap();
    builder.link(root, b"a", first).unwrap();
    assert!(matches!(
        builder.link(root, b"a", first),
        Err(WriteError::Exists { .. })
    ));
    assert_eq!(builder.lookup(root, b"a"), Some(first));
}

#[test]
fn directory_has_one_name_and_can_be_moved() {
    let mut builder = builder();
    let root = builder.root();
    let directory = builder.directory(Attributes::default()).unwrap();
    builder.link(root, b"a", directory).unwrap();
    for (parent, child) in [(root, directory), (directory, root), (root, root)] {
        let refused = builder.link(parent, b"b", child);
        assert!(matches!(
            refused,
            Err(WriteError::DirectoryLinkedTwice { .. })
        ));
    }
    assert_eq!(builder.unlink(root, b"a"), Some(directory));
    builder.link(root, b"b", directory).unwrap();
    assert_eq!(names(&written(builder).1), ["b"]);
}

#[test]
fn only_directories_have_entries() {
    let mut builder = builder();
    let fifo = builder
        .special(Attributes::default(), SpecialKind::Fifo)
        .unwrap();
    assert!(matches!(
        builder.link(fifo, b"a", fifo),
        Err(WriteError::NotADirectory { .. })
    ));
    assert_eq!(builder.lookup(fifo, b"a"), None);
    assert_eq!(builder.unlink(fifo, b"a"), None);
    assert_eq!(builder.children(fifo).count(), 0);
}

#[test]
fn what_nothing_names_is_not_written() {
    let mut builder = builder();
    let root = builder.root();
    let (upper, lower) = (
        builder.directory(Attributes::default()).unwrap(),
        builder.directory(Attributes::default()).unwrap(),
    );
    let kept = builder
        .special(Attributes::default(), SpecialKind::Fifo)
        .unwrap();
    builder.link(root, b"upper", upper).unwrap();
    builder.link(upper, b"lower", lower).unwrap();
    builder.link(lower, b"pipe", kept).unwrap();
    builder.link(root, b"pipe", kept).unwrap();
    assert_eq!(builder.unlink(root, b"upper"), Some(upper));
    assert_eq!(builder.unlink(root, b"upper"), None);
    assert_eq!(builder.node_count(), 4);
    let (summary, image) = written(builder);
    assert_eq!((summary.inodes, image.inode_count()), (2, 2));
    assert_eq!(names(&image), ["pipe"]);
    let entry = image
        .lookup(&image.root().unwrap(), b"pipe")
        .unwrap()
        .unwrap();
    // The name below the dropped directory does not count.
    assert_eq!(image.inode(entry.nid).unwrap().nlink, 1);
}

#[test]
fn detached_ring_of_directories_is_left_out() {
    let mut builder = builder();
    let (one, two) = (
        builder.directory(Attributes::default()).unwrap(),
        builder.directory(Attributes::default()).unwrap(),
    );
    builder.link(one, b"two", two).unwrap();
    builder.link(two, b"one", one).unwrap();
    assert_eq!(written(builder).0.inodes, 1);
}

#[test]
fn attributes_can_be_set_later() {
    let mut builder = builder();
    let root = builder.root();
    let directory = builder.directory(Attributes::default()).unwrap();
    builder.link(root, b"a", directory).unwrap();
    let xattrs = vec![builder.xattr(b"user.a", b"value").unwrap()];
    let mtime = Timestamp {
        seconds: -5,
        nanoseconds: 6,
    };
    let attributes = Attributes {
        mode: 0o750,
        uid: 1,
        gid: 2,
        mtime,
        xattrs,
    };
    builder.set_attributes(directory, attributes).unwrap();
    let (_, image) = written(builder);
    let entry = image.lookup(&image.root().unwrap(), b"a").unwrap().unwrap();
    let inode = image.inode(entry.nid).unwrap();
    assert_eq!(
        (inode.permissions, inode.uid, inode.gid, inode.mtime),
        (0o750, 1, 2, mtime)
    );
    assert_eq!(image.xattr(&inode, b"user.a").unwrap().unwrap(), b"value");
    assert_eq!((image.uuid(), image.build_time().seconds), ([1; 16], 5));
}

#[test]
fn values_out_of_range_are_refused() {
    use WriteError as E;
    let mut builder = builder();
    let with = |change: fn(&mut Attributes)| {
        let mut attributes = Attributes::default();
        change(&mut attributes);
        attributes
    };
    let refused = builder.directory(with(|attributes| attributes.mode = 0o10000));
    assert!(matches!(refused, Err(E::Mode { found: 0o10000 })));
    let refused = builder.directory(with(|attributes| {
        attributes.mtime.nanoseconds = 1_000_000_000
    }));
    assert!(matches!(refused, Err(E::Nanoseconds { .. })));
    let refused = builder.directory(with(|attributes| attributes.xattrs = vec![XattrId(0)]));
    assert!(matches!(refused, Err(E::ForeignId { .. })));
    let refused = builder.set_attributes(NodeId(9), Attributes::default());
    assert!(matches!(refused, Err(E::ForeignId { .. })));
    for target in [&b""[..], b"a\0", &[b'x'; 4096]] {
        let refused = builder.symlink(Attributes::default(), target);
        assert!(matches!(refused, Err(E::SymlinkTarget { .. })));
    }
    let number = DeviceNumber {
        major: 4096,
        minor: 0,
    };
    let refused = builder.special(Attributes::default(), SpecialKind::CharDevice(number));
    assert!(matches!(refused, Err(E::DeviceNumber { .. })));
    let refused = builder.file(
        Attributes::default(),
        FileData::Extents {
            size: 1 << 63,
            extents: vec![],
        },
    );
    assert!(matches!(refused, Err(E::FileTooLarge { .. })));
    let data = FileData::Contiguous {
        size: 1,
        device: DeviceId(1),
        offset: 0,
    };
    let refused = builder.file(Attributes::default(), data);
    assert!(matches!(refused, Err(E::UnknownDevice { .. })));
    assert!(matches!(
        builder.add_device(&"x".repeat(65), 0),
        Err(E::TagTooLong { found: 65 })
    ));
    assert!(matches!(
        builder.add_device("x", 512 << 32),
        Err(E::DeviceTooLarge { .. })
    ));
    assert!(builder.add_device(&"x".repeat(64), 511 << 32).is_ok());
}

#[test]
fn two_attributes_of_one_name_are_refused() {
    let mut builder = builder();
    let xattrs = ["1", "2"].map(|value| builder.xattr(b"user.a", value.as_bytes()).unwrap());
    let attributes = Attributes {
        xattrs: xattrs.to_vec(),
        ..Attributes::default()
    };
    let refused = builder.directory(attributes);
    assert!(matches!(refused, Err(WriteError::DuplicateXattr { name }) if name == "user.a"));
}

#[test]
fn more_attributes_than_an_inode_can_hold_are_refused() {
    let mut builder = builder();
    let xattrs = (0..700u32)
        .map(|number| {
            let value = [number.to_le_bytes(); 100].concat();
            builder
                .xattr(format!("user.{number}").as_bytes(), &value)
                .unwrap()
        })
        .collect();
    let root = builder.root();
    builder
        .set_attributes(
            root,
            Attributes {
                xattrs,
                ..Attributes::default()
            },
        )
        .unwrap();
    let mut bytes = Vec::new();
    let refused = builder.write(&mut bytes);
    assert!(matches!(refused, Err(WriteError::XattrsTooLarge { .. })));
    assert_eq!(bytes, []);
}

#[test]
fn image_above_4_gib_is_refused_before_a_byte_is_written() {
    let mut builder = builder();
    let device = builder.add_device("tar", 1 << 40).unwrap();
    let root = builder.root();
    // Each file is cut at every block: 128 MiB of index.
    for number in 0..33 {
        let source = Source::Device {
            id: device,
            offset: 512,
        };
        let extents = vec![Extent {
            logical: 512,
            length: 512,
            source,
        }];
        let data = FileData::Extents {
            size: 512 << 24,
            extents,
        };
        let file = builder.file(Attributes::default(), data).unwrap();
        builder
            .link(root, format!("{number}").as_bytes(), file)
            .unwrap();
    }
    let mut bytes = Vec::new();
    assert!(matches!(
        builder.write(&mut bytes),
        Err(WriteError::ImageTooLarge { .. })
    ));
    assert_eq!(bytes, []);
}

#[test]
fn failing_output_is_an_error() {
    let mut room = [0u8; 1000];
    let refused = builder().write(&mut &mut room[..]);
    assert!(matches!(refused, Err(WriteError::Io(_))));
}
