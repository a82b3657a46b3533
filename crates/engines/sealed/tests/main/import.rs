//! What comes in is kept, byte for byte and attribute by attribute.

use std::fs;
use std::path::Path;

use transom_layer::{BlobDigest, DiffId, Names, TreePath, View};
use transom_layertar::{EntryKind, Header, Shape, WindowsMetadata};
use transom_ntmeta::filetime::{FileTime, UnixTime};
use transom_sealed::{Compression, DeviceKind, Dialect, Kind, Stacking};

use crate::support::{
    Home, Layer, TIME, block, chain, digest, find, gzip, has, metadata, names, padded, paths, pax,
    read, request, sealed, text, with_attributes,
};

fn sample() -> Layer {
    Layer::new()
        .dir("Files")
        .file("Files/a.txt", b"hello")
        .file("Files/big", &[7; 100_000])
}

#[test]
fn every_compression_gives_the_same_layer_and_both_digests() {
    let tar = sample().tar();
    let (head, tail) = tar.split_at(1500);
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..]].concat();
    let zstd = zstd::encode_all(&tar[..], 3).unwrap();
    for (blob, compression) in [
        (tar.clone(), Compression::None),
        (gzip(&tar), Compression::Gzip),
        ([gzip(head), gzip(tail)].concat(), Compression::Gzip),
        ([gzip(&tar), gzip(b"")].concat(), Compression::Gzip),
        (zstd.clone(), Compression::Zstd),
        ([skippable, zstd].concat(), Compression::Zstd),
    ] {
        let home = Home::new();
        let mut request = request("layer", Names::Windows);
        request.keep_blob = true;
        request.blob = Some(BlobDigest(digest(&blob)));
        request.blob_size = Some(blob.len() as u64);
        request.diff_id = Some(DiffId(digest(&tar)));
        let layer = home.import_as(&blob, &request).unwrap();
        assert_eq!(layer.diff_id.0, digest(&tar));
        assert_eq!(layer.blob.0, digest(&blob));
        assert_eq!(
            (layer.size, layer.blob_size),
            (tar.len() as u64, blob.len() as u64)
        );
        assert_eq!(layer.compression, compression);
        assert!(!layer.already_there);
        assert_eq!(
            fs::read(home.layer_file(layer.diff_id, "layer.tar")).unwrap(),
            tar
        );
        let (record, mut file) = home.store.kept_blob(layer.blob).unwrap().unwrap();
        let mut kept = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut kept).unwrap();
        assert_eq!(kept, blob);
        assert_eq!(record.compression, compression);
        assert_eq!(record.kept, compression != Compression::None);
        home.assert_tidy();
    }
}

#[test]
fn bytes_that_are_not_to_be_kept_are_not() {
    let home = Home::new();
    let blob = gzip(&sample().tar());
    let layer = home
        .import_as(&blob, &request("layer", Names::Windows))
        .unwrap();
    assert!(home.store.kept_blob(layer.blob).unwrap().is_none());
    let session = home.store.session().unwrap();
    let known = session.known_blob(layer.blob).unwrap().unwrap();
    session.keep_unused();
    assert_eq!((known.diff_id, known.kept), (layer.diff_id, false));
    // The same blob again, to be kept this time.
    let mut request = request("layer", Names::Windows);
    request.keep_blob = true;
    assert!(home.import_as(&blob, &request).unwrap().already_there);
    assert!(home.store.kept_blob(layer.blob).unwrap().unwrap().0.kept);
    home.assert_tidy();
}

#[test]
fn bytes_after_the_end_mark_belong_to_the_layer() {
    let home = Home::new();
    for trailer in [&[0; 512][..], &[0; 9000], b"not a tar at all"] {
        let tar = [&sample().tar(), trailer].concat();
        let id = home.import(&tar);
        assert_eq!(id.0, digest(&tar));
        assert_eq!(fs::read(home.layer_file(id, "layer.tar")).unwrap(), tar);
        assert_eq!(home.store.layer(id).unwrap().size, tar.len() as u64);
    }
    home.assert_tidy();
}

#[test]
fn a_tar_without_an_end_mark_is_a_layer() {
    let home = Home::new();
    let tree = home.tree(&sample().bytes());
    assert_eq!(text(&tree, "Files/a.txt"), "hello");
}

#[test]
fn an_empty_layer_is_a_layer_of_both_kinds_of_names() {
    let home = Home::new();
    for tar in [&[0; 1024][..], &[]] {
        let id = home.import(tar);
        assert_eq!(home.import_posix(tar), id);
        for names in [Names::Windows, Names::Posix] {
            let tree = home.store.open_layer(id, names).unwrap();
            assert_eq!(paths(&tree), [""; 0]);
        }
    }
    home.assert_tidy();
}

#[test]
fn one_layer_may_be_part_of_a_windows_and_of_a_linux_image() {
    let home = Home::new();
    let tar = Layer::new()
        .dir("Files")
        .file("Files/a.txt", b"one")
        .stream("Files/a.txt:s", b"two")
        .tar();
    let id = home.import(&tar);
    assert_eq!(home.import_posix(&tar), id);
    let open = |names| {
        let stacking = Stacking {
            names,
            whiteouts: None,
        };
        home.store.open_chain(&[id], stacking).unwrap()
    };
    assert_eq!(text(&open(Names::Windows), "Files/A.TXT:S"), "two");
    let linux = open(Names::Posix);
    let path = TreePath::parse("Files/a.txt:s", Names::Posix, View::Raw).unwrap();
    assert!(linux.find(&path).is_ok());
    home.assert_tidy();
}

#[test]
fn a_linux_layer_that_breaks_windows_rules_is_no_part_of_a_windows_image() {
    let home = Home::new();
    let id = home.import_posix(
        &Layer::new()
            .dir("Files")
            .file("Files/a", b"1")
            .file("Files/A", b"2")
            .tar(),
    );
    let stacking = Stacking {
        names: Names::Windows,
        whiteouts: None,
    };
    let error = chain(&home.store.open_chain(&[id], stacking).unwrap_err());
    assert!(
        error.contains("cannot be part of an image with windows names"),
        "{error}"
    );
    assert!(error.contains("Files/A"), "{error}");
}

/// What tells a file from another one that has taken its place.
#[cfg(unix)]
fn identity(path: &Path) -> u64 {
    std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap())
}

/// What tells a file from another one that has taken its place: std knows no file ids here, but times to 100 ns.
#[cfg(windows)]
fn identity(path: &Path) -> (u64, u64) {
    use std::os::windows::fs::MetadataExt;
    let metadata = fs::metadata(path).unwrap();
    (metadata.creation_time(), metadata.last_write_time())
}

#[test]
fn a_known_layer_is_not_written_twice() {
    let home = Home::new();
    let tar = sample().tar();
    let id = home.import(&tar);
    let identity = || identity(&home.layer_file(id, "layer.tar"));
    let before = identity();
    for expected in [None, Some(id)] {
        let mut request = request("again", Names::Windows);
        request.diff_id = expected;
        let layer = home.import_as(&gzip(&tar), &request).unwrap();
        assert!(layer.already_there);
        assert_eq!((layer.diff_id, layer.size), (id, tar.len() as u64));
    }
    assert_eq!(identity(), before);
    home.assert_tidy();
}

#[test]
fn a_layer_whose_files_are_lost_gets_them_back_from_the_next_import() {
    let home = Home::new();
    let tar = sample().tar();
    let id = home.import(&tar);
    for expected in [None, Some(id)] {
        fs::remove_dir_all(home.root().join("layers").join(id.0.hex())).unwrap();
        let mut request = request("again", Names::Windows);
        request.diff_id = expected;
        home.import_as(&tar, &request).unwrap();
        home.assert_tidy();
    }
}

#[test]
fn equal_tars_have_equal_indexes() {
    let layer = sample()
        .stream("Files/a.txt:s", b"1")
        .link("Files/b", "Files/a.txt");
    let tar = layer
        .symlink("Files/l", r"C:\x")
        .whiteout("Files/gone")
        .tar();
    let indexes: Vec<Vec<u8>> = (0..2)
        .map(|_| {
            let home = Home::new();
            let id = home.import(&tar);
            fs::read(home.layer_file(id, "index.erofs")).unwrap()
        })
        .collect();
    assert_eq!(indexes[0], indexes[1]);
}

#[test]
fn progress_tells_every_byte_of_the_source() {
    use std::sync::atomic::{AtomicU64, Ordering};

    let home = Home::new();
    for blob in [sample().tar(), gzip(&sample().tar())] {
        let seen = AtomicU64::new(0);
        let session = home.store.session().unwrap();
        let count = |bytes| _ = seen.fetch_add(bytes, Ordering::Relaxed);
        let request = request("layer", Names::Windows);
        session.import_layer(&blob[..], &request, &count).unwrap();
        assert_eq!(seen.into_inner(), blob.len() as u64);
    }
}

#[test]
fn all_windows_metadata_comes_back() {
    let home = Home::new();
    let full = WindowsMetadata {
        attributes: Some(0x2022),
        creation: Some(UnixTime {
            seconds: -1,
            nanos: 999_999_900,
        }),
        last_access: Some(UnixTime {
            seconds: 1,
            nanos: 100,
        }),
        last_write: UnixTime {
            seconds: 2,
            nanos: 200,
        },
        change: Some(UnixTime {
            seconds: 3,
            nanos: 0,
        }),
        security: Some((0..=255).collect()),
        eas: vec![
            (b"$KERNEL.PURGE".to_vec(), vec![0, 1, 2]),
            (b"A".to_vec(), Vec::new()),
        ],
        mount_point: false,
    };
    let mut dir = full.clone();
    dir.attributes = Some(0x12);
    let tar = Layer::new()
        .entry("Files", &Shape::Directory, &dir, b"")
        .entry("Files/f", &Shape::File { size: 1 }, &full, b"x")
        .tar();
    let tree = home.tree(&tar);
    for (at, bits) in [("Files", 0x12), ("Files/f", 0x2022)] {
        let found = metadata(&tree, at);
        assert_eq!(found.attributes.unwrap().bits(), bits);
        assert_eq!(found.created, full.creation);
        assert_eq!(found.accessed, full.last_access);
        assert_eq!(found.modified, full.last_write);
        assert_eq!(found.changed, full.change);
        assert_eq!(found.security, full.security);
        let mut eas = full.eas.clone();
        eas.sort();
        assert_eq!(found.eas, eas);
        assert_eq!(found.xattrs, []);
        assert!(!found.is_implied);
    }
}

#[test]
fn every_time_that_a_tar_can_hold_comes_back() {
    let home = Home::new();
    let times = [
        FileTime(0).to_unix_wrapping(),
        FileTime(1).to_unix_wrapping(),
        UnixTime {
            seconds: 0,
            nanos: 0,
        },
        UnixTime {
            seconds: -11_644_473_600,
            nanos: 0,
        },
        UnixTime {
            seconds: -2,
            nanos: 500_000_000,
        },
        UnixTime {
            seconds: 6_802_270_473,
            nanos: 709_551_616,
        },
        UnixTime {
            seconds: 1 << 40,
            nanos: 1,
        },
    ];
    let mut layer = Layer::new().dir("Files");
    for (number, time) in times.iter().enumerate() {
        let mut metadata = with_attributes(0x20);
        (metadata.creation, metadata.last_access) = (Some(*time), Some(*time));
        (metadata.last_write, metadata.change) = (*time, Some(*time));
        let shape = Shape::File { size: 0 };
        layer = layer.entry(&format!("Files/{number}"), &shape, &metadata, b"");
    }
    let tree = home.tree(&layer.tar());
    for (number, time) in times.iter().enumerate() {
        let found = metadata(&tree, &format!("Files/{number}"));
        assert_eq!(found.modified, *time);
        let others = [found.created, found.accessed, found.changed];
        assert_eq!(others, [Some(*time); 3]);
    }
    assert_eq!(metadata(&tree, "Files/0").modified.seconds, 6_802_270_473);
}

#[test]
fn a_file_without_a_data_stream_is_not_an_empty_file() {
    let home = Home::new();
    let metadata_of = with_attributes(0x20);
    let tar = Layer::new()
        .dir("Files")
        .entry("Files/none", &Shape::FileWithoutData, &metadata_of, b"")
        .file("Files/empty", b"")
        .tar();
    let tree = home.tree(&tar);
    assert!(!metadata(&tree, "Files/none").has_data_stream);
    assert!(metadata(&tree, "Files/empty").has_data_stream);
    assert_eq!(read(&tree, "Files/none"), b"");
}

#[test]
fn links_keep_any_target() {
    let home = Home::new();
    let long = r"C:\x".repeat(1200);
    let targets = ["", r"C:\Windows", r"..\a", r"\\?\Volume{1}\", "a/b", &long];
    let mut layer = Layer::new().dir("Files");
    for (number, target) in targets.iter().enumerate() {
        layer = layer
            .symlink(&format!("Files/s{number}"), target)
            .junction(&format!("Files/j{number}"), target);
    }
    let tree = home.tree(&layer.tar());
    for (number, target) in targets.iter().enumerate() {
        for (letter, kind) in [("s", Kind::Symlink), ("j", Kind::Junction)] {
            let found = metadata(&tree, &format!("Files/{letter}{number}"));
            assert_eq!(found.kind, kind);
            assert_eq!(found.target.as_deref(), Some(target.as_bytes()));
            assert!(!found.has_data_stream);
        }
    }
}

#[test]
fn streams_come_back_from_files_folders_and_links() {
    let home = Home::new();
    let tar = Layer::new()
        .dir("Files")
        .stream("Files:of-a-folder", b"1")
        .file("Files/a", b"main")
        .stream("Files/a:one", b"stream one")
        .stream("Files/a:Zone.Identifier:$DATA", b"[ZoneTransfer]")
        .file("Files/a b", b"no stream")
        .symlink("Files/l", "a")
        .stream("Files/l:of-a-link", b"2")
        .link("Files/second", "Files/a")
        .tar();
    let tree = home.tree(&tar);
    assert_eq!(text(&tree, "Files:of-a-folder"), "1");
    assert_eq!(text(&tree, "Files/a:one"), "stream one");
    assert_eq!(text(&tree, "files/A:ZONE.identifier"), "[ZoneTransfer]");
    assert_eq!(text(&tree, "Files/l:of-a-link"), "2");
    assert_eq!(text(&tree, "Files/second:one"), "stream one");
    assert_eq!(names(&tree, "Files"), ["a", "a b", "l", "second"]);
    let streams = |at: &str| -> Vec<String> {
        let streams = tree.streams(&find(&tree, at)).unwrap();
        streams
            .iter()
            .map(|node| String::from_utf8_lossy(node.path()).into_owned())
            .collect()
    };
    assert_eq!(streams("Files"), ["Files:of-a-folder"]);
    assert_eq!(
        streams("Files/a"),
        ["Files/a:Zone.Identifier", "Files/a:one"]
    );
    assert_eq!(streams("Files/a b"), [""; 0]);
    assert_eq!(streams("Files/second").len(), 2);
}

#[test]
fn hard_links_are_one_file() {
    let home = Home::new();
    let tar = Layer::new()
        .dir("Files")
        .file("Files/a", b"data")
        .dir("Files/d")
        .link("Files/d/b", "Files/a")
        .link("Files/c", "files/D/B")
        .tar();
    let tree = home.tree(&tar);
    let ids: Vec<u64> = ["Files/a", "Files/d/b", "Files/c"]
        .iter()
        .map(|at| find(&tree, at).id())
        .collect();
    assert_eq!(ids, [ids[0]; 3]);
    assert_eq!(metadata(&tree, "Files/c").links, 3);
    assert_eq!(text(&tree, "Files/c"), "data");
    // The metadata is the first name's; links have none of their own.
    assert_eq!(metadata(&tree, "Files/c").attributes.unwrap().bits(), 0x20);
}

#[test]
fn names_that_linux_cannot_hold_come_back_whole() {
    let home = Home::new();
    let long = "日".repeat(250);
    let other = "本".repeat(255);
    // Looks like a name that was shortened.
    let alike = format!("{}~0123456789abcdef", "x".repeat(236));
    let tar = Layer::new()
        .dir("Files")
        .dir(&format!("Files/{long}"))
        .file(&format!("Files/{long}/{other}"), b"deep")
        .link(&format!("Files/{other}"), &format!("Files/{long}/{other}"))
        .file("Files/f", b"f")
        .stream(&format!("Files/f:{long}"), b"stream")
        .file(&format!("Files/{alike}"), b"alike")
        .tar();
    let tree = home.tree(&tar);
    assert_eq!(
        names(&tree, "Files"),
        ["f".to_owned(), alike.clone(), long.clone(), other.clone()]
    );
    assert_eq!(text(&tree, &format!("Files/{long}/{other}")), "deep");
    assert_eq!(text(&tree, &format!("Files/{other}")), "deep");
    assert_eq!(text(&tree, &format!("Files/f:{long}")), "stream");
    assert_eq!(
        text(&tree, &format!("FILES/{}", alike.replace('x', "X"))),
        "alike"
    );
    assert_eq!(metadata(&tree, &format!("Files/{other}")).links, 2);
}

#[test]
fn a_layer_in_the_old_dialect_is_read() {
    let home = Home::new();
    let old_file = |name: &str, data: &[u8]| {
        let mut main = block(name.as_bytes(), b'0', data.len() as u64, false);
        main[..100].fill(0);
        let records = pax(&[
            ("LIBARCHIVE.creationtime", "1536220800.123456700"),
            ("MSWINDOWS.fileattr", "32"),
            ("atime", "1536220800.123456700"),
            ("ctime", "1536220800.123456700"),
            ("mtime", "-2.500000000"),
            ("path", name),
        ]);
        [records, sealed(main).to_vec(), padded(data)].concat()
    };
    let whiteout = [
        pax(&[("mtime", "-62135596800")]),
        block(b"Files/.wh.gone", 0, 0, false).to_vec(),
    ]
    .concat();
    let tar = Layer::new()
        .dir("Files")
        .raw(&whiteout)
        .raw(&old_file("Files/ü", b"old"))
        .tar();
    let id = home.import(&tar);
    let record = home.store.layer(id).unwrap();
    assert_eq!((record.whiteouts, record.entries), (1, 3));
    assert_eq!(record.dialect, Dialect::Windows);
    let tree = home.store.open_layer(id, Names::Windows).unwrap();
    assert_eq!(names(&tree, "Files"), [".wh.gone", "ü"]);
    assert_eq!(text(&tree, "Files/Ü"), "old");
    let found = metadata(&tree, "Files/ü");
    assert_eq!(found.created, Some(TIME));
    assert_eq!(
        found.modified,
        UnixTime {
            seconds: -3,
            nanos: 500_000_000
        }
    );
}

#[test]
fn a_tar_of_any_other_writer_is_read() {
    let home = Home::new();
    let tar = Layer::new()
        .plain(EntryKind::Directory, "./", b"")
        .plain(EntryKind::Directory, "./Files/", b"")
        .plain(EntryKind::File, "./Files/a", b"a")
        .plain(EntryKind::File, "Files/no/parents/given", b"deep")
        .plain(EntryKind::Directory, "Files/no/", b"")
        .plain(EntryKind::File, "Files//twice/./x", b"x")
        .tar();
    let id = home.import(&tar);
    assert_eq!(home.store.layer(id).unwrap().dialect, Dialect::Foreign);
    let tree = home.store.open_layer(id, Names::Windows).unwrap();
    assert_eq!(names(&tree, "Files"), ["a", "no", "twice"]);
    assert_eq!(text(&tree, "Files/no/parents/given"), "deep");
    assert_eq!(text(&tree, "Files/twice/x"), "x");
    assert_eq!(metadata(&tree, "Files/a").attributes, None);
    assert!(!metadata(&tree, "Files/no").is_implied);
    assert!(metadata(&tree, "Files/no/parents").is_implied);
    assert_eq!(metadata(&tree, "Files/no").modified, TIME);
}

#[test]
fn the_writer_of_a_tar_is_told_by_its_entries() {
    let home = Home::new();
    let windows = Layer::new()
        .dir("Files")
        .file("Files/a", b"")
        .stream("Files/a:s", b"");
    for (layer, dialect) in [
        (windows.clone(), Dialect::Windows),
        (windows.clone().whiteout("Files/b"), Dialect::Windows),
        (windows.clone().opaque("Files"), Dialect::Foreign),
        (
            windows.clone().plain(EntryKind::Directory, "Files/d/", b""),
            Dialect::Foreign,
        ),
        (
            windows.plain(EntryKind::File, "Files/plain", b""),
            Dialect::Foreign,
        ),
        (Layer::new().whiteout("Files/b"), Dialect::Foreign),
        (Layer::new(), Dialect::Foreign),
    ] {
        let id = home.import(&layer.tar());
        assert_eq!(home.store.layer(id).unwrap().dialect, dialect);
    }
}

#[test]
fn attributes_decide_what_is_a_folder() {
    let home = Home::new();
    let as_file = with_attributes(0x20);
    let as_folder = with_attributes(0x10);
    let tar = Layer::new()
        .entry("f", &Shape::Directory, &as_file, b"")
        .entry("d", &Shape::File { size: 0 }, &as_folder, b"")
        .file("d/x", b"x")
        .entry("r", &Shape::Directory, &with_attributes(0x410), b"")
        .tar();
    let tree = home.tree(&tar);
    assert_eq!(metadata(&tree, "f").kind, Kind::File);
    assert_eq!(metadata(&tree, "d").kind, Kind::Directory);
    assert_eq!(metadata(&tree, "r").kind, Kind::Directory);
    assert_eq!(text(&tree, "d/x"), "x");
}

#[test]
fn a_linux_layer_keeps_owners_devices_xattrs_and_case() {
    let home = Home::new();
    let entry = |kind, name: &str, mode, change: &dyn Fn(&mut Header)| {
        let mut header = Header::new(kind, name.as_bytes());
        (header.mode, header.uid, header.gid, header.mtime) = (mode, 1000, 4_000_000_000, TIME);
        change(&mut header);
        Layer::new().header(&header, b"").bytes()
    };
    let device = |major, minor| {
        move |header: &mut Header| (header.dev_major, header.dev_minor) = (major, minor)
    };
    let mut layer = Layer::new()
        .raw(&entry(EntryKind::Directory, "etc/", 0o750, &|_| {}))
        .raw(&entry(EntryKind::File, "etc/A", 0o4755, &|header| {
            header
                .pax
                .insert(b"SCHILY.xattr.user.mine".to_vec(), b"v\0w".to_vec());
            let key = b"SCHILY.xattr.security.capability".to_vec();
            header.pax.insert(key, vec![1, 0, 0, 2]);
        }))
        .raw(&entry(EntryKind::File, "etc/a", 0o600, &|_| {}))
        .raw(&entry(EntryKind::File, "etc/a:b\\c", 0o600, &|_| {}))
        .raw(&entry(EntryKind::CharDevice, "null", 0o666, &device(1, 3)))
        .raw(&entry(
            EntryKind::BlockDevice,
            "disk",
            0o660,
            &device(259, 300),
        ))
        .raw(&entry(EntryKind::Fifo, "pipe", 0o644, &|_| {}));
    layer = layer.plain(EntryKind::Directory, "etc/", b"");
    let tree = home.posix_tree(&layer.tar());
    assert_eq!(names(&tree, "etc"), ["A", "a", "a:b\\c"]);
    let found = metadata(&tree, "etc/A");
    assert_eq!(
        (found.mode, found.uid, found.gid),
        (0o4755, 1000, 4_000_000_000)
    );
    assert_eq!(
        found.xattrs,
        [
            (b"security.capability".to_vec(), vec![1, 0, 0, 2]),
            (b"user.mine".to_vec(), b"v\0w".to_vec())
        ]
    );
    // The later entry of a folder describes it again.
    assert_eq!(metadata(&tree, "etc").mode, 0o644);
    assert_eq!(metadata(&tree, "null").kind, Kind::Special);
    let (kind, null) = metadata(&tree, "null").device.unwrap();
    assert_eq!((kind, null.major, null.minor), (DeviceKind::Char, 1, 3));
    let (kind, disk) = metadata(&tree, "disk").device.unwrap();
    assert_eq!(
        (kind, disk.major, disk.minor),
        (DeviceKind::Block, 259, 300)
    );
    assert_eq!(metadata(&tree, "pipe").device, None);
    assert!(!has(&tree, "ETC"));
}

#[test]
fn in_a_linux_layer_the_later_of_two_entries_wins() {
    let home = Home::new();
    let tar = Layer::new()
        .plain(EntryKind::File, "a", b"first")
        .plain(EntryKind::File, "a", b"second")
        .plain(EntryKind::File, "d/x", b"x")
        .plain(EntryKind::File, "d", b"a file now")
        .plain(EntryKind::File, "e", b"a file")
        .plain(EntryKind::Directory, "e/", b"")
        .plain(EntryKind::File, "e/y", b"y")
        .tar();
    let tree = home.posix_tree(&tar);
    assert_eq!(paths(&tree), ["a", "d", "e", "e/y"]);
    assert_eq!(text(&tree, "a"), "second");
    assert_eq!(text(&tree, "d"), "a file now");
}
