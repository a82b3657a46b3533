//! What no layer can be is refused with a reason, and leaves nothing behind.

use std::io::{self, Read};
use std::process::Command;

use transom_layer::{BlobDigest, DiffId, Names};
use transom_layertar::{EntryKind, Header, Shape};

use crate::support::{
    Home, Layer, WINDOWS, block, chain, digest, gzip, has, names, padded, paths, pax, request,
    sealed, skipped, text, with_attributes,
};

fn good() -> Layer {
    Layer::new()
        .dir("Files")
        .file("Files/a", &[7; 3000])
        .dir("Files/d")
}

/// A store that has a layer already.
fn home() -> Home {
    let home = Home::new();
    home.import(&good().tar());
    home
}

/// Asserts that each layer is refused with a reason that has all these words.
#[track_caller]
fn assert_refused(cases: &[(Layer, &[&str])]) {
    let home = home();
    for (number, (layer, words)) in cases.iter().enumerate() {
        let text = home.refused(&layer.clone().tar());
        for word in *words {
            assert!(
                text.contains(word),
                "case {number}: {word:?} is not in: {text}"
            );
        }
    }
}

#[test]
fn damaged_streams_and_tars_are_refused() {
    let home = home();
    let tar = good().file("Files/new", &[1; 5000]).tar();
    let zipped = gzip(&tar);
    let zstd = zstd::encode_all(&tar[..], 1).unwrap();
    let mut flipped = zipped.clone();
    flipped[zipped.len() - 5] ^= 1;
    let garbage = [&zipped[..], b"garbage"].concat();
    let mut bad_sum = tar.clone();
    bad_sum[3] ^= 1;
    for (bytes, words) in [
        (
            &zipped[..zipped.len() / 2],
            "gzip stream is damaged or cut off",
        ),
        (
            &zipped[..zipped.len() - 1],
            "gzip stream is damaged or cut off",
        ),
        (&flipped, "gzip stream is damaged or cut off"),
        (&garbage, "gzip stream is damaged or cut off"),
        (
            &zstd[..zstd.len() - 10],
            "zstd stream is damaged or cut off",
        ),
        (
            &tar[..tar.len() - 3000],
            "1856 bytes of entry \"Files/new\" are missing",
        ),
        (&tar[..1100], "inside a header block"),
        (&bad_sum, "checksum"),
        (b"\x1f\x8b", "gzip stream is damaged or cut off"),
        (b"just text", "inside a header block"),
    ] {
        let text = home.refused(bytes);
        assert!(text.contains(words), "{words:?} is not in: {text}");
    }
}

#[test]
fn what_is_not_what_was_announced_is_refused() {
    let home = home();
    let tar = good().file("Files/new", b"").tar();
    let zipped = gzip(&tar);
    let other = digest(b"other");
    let plain = request("wrong", Names::Windows);
    for keep_blob in [false, true] {
        let mut request = plain.clone();
        (request.keep_blob, request.blob) = (keep_blob, Some(BlobDigest(other)));
        let text = home.refused_as(&zipped, &request);
        assert!(text.contains(&other.to_string()), "{text}");
        assert!(text.contains(&digest(&zipped).to_string()), "{text}");

        let mut request = plain.clone();
        (request.keep_blob, request.diff_id) = (keep_blob, Some(DiffId(other)));
        let text = home.refused_as(&zipped, &request);
        assert!(
            text.contains(&digest(&tar).to_string()) && text.contains("config"),
            "{text}"
        );

        let mut request = plain.clone();
        (request.keep_blob, request.blob_size) = (keep_blob, Some(zipped.len() as u64 + 1));
        let text = home.refused_as(&zipped, &request);
        assert!(
            text.contains(&format!("size is {} bytes", zipped.len())),
            "{text}"
        );
        // More than announced is not even read.
        request.blob_size = Some(100);
        home.refused_as(&zipped, &request);
        let text = home.refused_as(&tar, &request);
        assert!(
            text.contains("size is") || text.contains("inside a header"),
            "{text}"
        );
    }
}

#[test]
fn names_that_lead_out_of_the_layer_are_refused() {
    let plain = |name: &str| Layer::new().plain(EntryKind::File, name, b"x");
    let cases: Vec<(Layer, &[&str])> = [
        "..",
        "../up",
        "Files/../../up",
        "/etc/passwd",
        "C:/Windows/x",
        r"C:\Windows\x",
        r"\\server\share\x",
        r"Files\back",
        r"Files\..\..\up",
        "Files/a:b:c",
        "Files/a:b/c",
    ]
    .iter()
    .map(|name| (plain(name), &["header at byte 0"][..]))
    .collect();
    assert_refused(&cases);
    let home = home();
    for name in ["../up", "/etc/passwd", "a/../../b"] {
        let text = home.refused_as(&plain(name).tar(), &request("posix", Names::Posix));
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn hard_links_that_lead_nowhere_are_refused() {
    assert_refused(&[
        (
            good().link("Files/l", "../up"),
            &["Files/l", "hard link target", ".."],
        ),
        (
            good().link("Files/l", "/etc/passwd"),
            &["Files/l", "absolute"],
        ),
        (good().link("Files/l", r"C:\x"), &["Files/l", "absolute"]),
        (
            good().link("Files/l", r"Files\a"),
            &["Files/l", "backslash"],
        ),
        (good().link("Files/l", ""), &["Files/l", "empty name"]),
        (good().link("Files/a", "Files/a"), &["Files/a", "to itself"]),
        (good().link("Files/A", "files/a"), &["Files/A", "to itself"]),
        (
            good().link("Files/l", "Files/D"),
            &["Files/l", "folder \"Files/D\""],
        ),
        (good().link("Files/l", "Files"), &["Files/l", "folder"]),
        (good().link("Files/l", "."), &["Files/l", "folder"]),
        (good().link("Files/d", "Files/a"), &["Files/d", "twice"]),
        (
            good().stream("Files/a:s", b"").link("Files/l", "Files/a:s"),
            &["Files/l", "stream"],
        ),
    ]);
    // A link to what only a lower layer can have waits for the stack.
    let home = home();
    let id = home.import(&good().link("Files/l", "Files/nothing").tar());
    assert_eq!(home.store.layer(id).unwrap().unresolved_links, 1);
    let whiteout = good()
        .whiteout("Files/w")
        .link("Files/l", "Files/.wh.w")
        .tar();
    let error = home
        .try_image("image", &[whiteout], Names::Windows, false)
        .unwrap_err();
    let text = chain(&error);
    assert!(
        text.contains("Files/l") || text.contains("Files/.wh.w"),
        "{text}"
    );
    assert_eq!(home.store.images().unwrap(), []);
}

#[test]
fn names_that_fold_alike_are_duplicates_by_the_table_of_ntfs_only() {
    let two = |a: &str, b: &str| {
        let (a, b) = (format!("Files/{a}"), format!("Files/{b}"));
        Layer::new().dir("Files").file(&a, b"1").file(&b, b"2")
    };
    assert_refused(&[
        (two("same", "same"), &["Files/same", "twice"]),
        (two("Name", "nAME"), &["Files/nAME", "\"Name\" came before"]),
        (two("ÄÖÜ", "äöü"), &["äöü", "ÄÖÜ"]),
        (two("ΣΙΓΜΑ", "σιγμα"), &["twice"]),
        (two("ЖЯ", "жя"), &["twice"]),
        (good().dir("Files/D"), &["Files/D", "twice"]),
        (good().symlink("Files/A", "x"), &["Files/A", "twice"]),
        (
            good().stream("Files/a:s", b"1").stream("files/A:S", b"2"),
            &["files/A:S", "twice"],
        ),
    ]);
    let home = home();
    for (a, b) in [
        // The long s, the sharp s, the dotless i, the final sigma: other systems fold them, NTFS does not.
        ("ſ", "s"),
        ("straße", "STRASSE"),
        ("İ", "i"),
        ("ı", "I"),
        ("ς", "Σ"),
        ("ﬁ", "FI"),
        ("\u{212a}", "k"),
        // A composed letter is not its parts.
        ("é", "e\u{301}"),
    ] {
        let tree = home.tree(&two(a, b).tar());
        assert_eq!(names(&tree, "Files").len(), 2, "{a} {b}");
    }
}

#[test]
fn metadata_that_is_announced_too_large_is_refused_before_it_is_read() {
    let home = home();
    for size in [(1u64 << 20) + 1, 2 << 30, 8 << 30] {
        let tar = [
            &block(b"x", b'x', size.min((8 << 30) - 1), false)[..],
            &[b'1'; 512],
        ]
        .concat();
        let text = home.refused(&tar);
        assert!(text.contains("limit is 1048576"), "{text}");
        let tar = [
            &block(b"x", b'L', size.min((8 << 30) - 1), true)[..],
            &[b'1'; 512],
        ]
        .concat();
        assert!(home.refused(&tar).contains("limit is 1048576"));
    }
}

#[test]
fn a_path_of_32767_units_is_accepted_and_a_longer_one_is_not() {
    let home = home();
    // 128 components of 255 units with their slashes, less the last slash.
    let deep = vec!["é".repeat(255); 128].join("/");
    assert_eq!(deep.encode_utf16().count(), 32_767);
    let tree = home.tree(&Layer::new().file(&deep, b"deep").tar());
    assert_eq!(text(&tree, &deep), "deep");
    assert_eq!(paths(&tree).len(), 128);
    let deeper = format!("{}x/{}", &deep[..deep.len() - 2], "y");
    let refused = home.refused(&Layer::new().file(&deeper, b"").tar());
    assert!(refused.contains("32769 UTF-16 units"), "{refused}");

    let limits = request("posix", Names::Posix);
    let path = "a/".repeat(16_384);
    let entry = Layer::new().plain(EntryKind::Directory, &path, b"");
    assert_eq!(paths(&home.posix_tree(&entry.tar())).len(), 16_384);
    let entry = Layer::new().plain(EntryKind::Directory, &format!("{path}b/"), b"");
    let refused = home.refused_as(&entry.tar(), &limits);
    assert!(refused.contains("32769 bytes"), "{refused}");
}

#[test]
fn ten_thousand_folders_in_each_other_are_read_stacked_and_removed() {
    let home = home();
    let path = ["d"; 10_000].join("/");
    let layer = Layer::new()
        .dir("Files")
        .file(&format!("{path}/bottom"), b"here");
    let top = Layer::new().dir("Files").whiteout(&path);
    let tree = home.stack(WINDOWS, &[layer.clone(), Layer::new().dir("Files")]);
    assert_eq!(text(&tree, &format!("{path}/bottom")), "here");
    let mut differences = 0;
    let lower = home.tree(&Layer::new().tar());
    let count = &mut |_| {
        differences += 1;
        Ok(())
    };
    transom_sealed::diff::compare(&lower, &tree, count).unwrap();
    assert_eq!(differences, 10_002);
    let tree = home.stack(WINDOWS, &[layer, top]);
    assert_eq!(paths(&tree).len(), 10_000);
}

#[test]
fn folders_that_only_names_imply_count_as_entries() {
    let mut home = home();
    home.limit(|limits| limits.entries = 1000);
    let request = request("deep", Names::Windows);
    let path = |letter: &str| [letter; 600].join("/");
    let layer = Layer::new().file(&path("a"), b"").file(&path("b"), b"");
    let refused = home.refused_as(&layer.tar(), &request);
    assert!(refused.contains("limit is 1000 entries"), "{refused}");
}

#[test]
fn whiteouts_that_make_no_sense_are_refused() {
    let raw = |name: &str| Layer::new().header(&Header::new(EntryKind::File, name.as_bytes()), b"");
    assert_refused(&[
        (raw("Files/.wh."), &["Files/.wh.", "names nothing"]),
        (raw(".wh."), &["names nothing"]),
        (raw("Files/.wh.a:s"), &["Files/.wh.a:s", "stream"]),
        (
            good().file("Files/.wh.x/below", b""),
            &["Files/.wh.x/below", "no folder"],
        ),
        (
            good().whiteout("Files/x").file("Files/.wh.x/below", b""),
            &["below", "no folder"],
        ),
        (
            good().dir("Files/.wh.x").file("Files/.wh.x/below", b""),
            &["below", "no folder"],
        ),
    ]);
    // Said twice, or with data: still one whiteout.
    let home = home();
    let twice = good().whiteout("Files/x").whiteout("Files/X").plain(
        EntryKind::File,
        "Files/.wh.y",
        b"data",
    );
    let id = home.import(&twice.tar());
    assert_eq!(home.store.layer(id).unwrap().whiteouts, 2);
}

#[test]
fn what_cannot_hold_entries_holds_none() {
    assert_refused(&[
        (
            good().file("Files/a/x", b""),
            &["Files/a/x", "\"Files/a\" is no folder"],
        ),
        (
            good().file("Files/a/b/c/x", b""),
            &["Files/a/b/c/x", "is no folder"],
        ),
        (
            good().symlink("Files/l", "d").file("Files/l/x", b""),
            &["Files/l/x", "is no folder"],
        ),
        (
            good().junction("Files/j", "d").file("Files/j/x", b""),
            &["Files/j/x", "is no folder"],
        ),
        (
            good().link("Files/h", "Files/a").file("Files/h/x", b""),
            &["Files/h/x", "no folder"],
        ),
    ]);
}

#[test]
fn streams_of_nothing_and_of_no_kind_are_refused() {
    let symlink = Shape::Symlink { target: b"x" };
    let link = Shape::HardLink { target: b"Files/a" };
    let metadata = with_attributes(0x20);
    assert_refused(&[
        (
            good().stream("Files/none:s", b""),
            &["Files/none:s", "does not come before"],
        ),
        (
            good().stream("Files/a:", b""),
            &["Files/a:", "separates no stream"],
        ),
        (
            good().entry("Files/a:s", &symlink, &metadata, b""),
            &["Files/a:s", "only the data"],
        ),
        (
            good().entry("Files/a:s", &link, &metadata, b""),
            &["Files/a:s", "only the data"],
        ),
        (good().dir("Files/a:s"), &["Files/a:s", "only the data"]),
        (
            good().link("Files/l", "Files/a").stream("Files/l:s", b""),
            &["Files/l:s", "hard link"],
        ),
    ]);
}

#[test]
fn kinds_that_a_layer_cannot_have_are_refused() {
    let raw = |flag: u8| Layer::new().raw(&block(b"Files/x", flag, 0, false));
    assert_refused(&[
        (raw(b'3'), &["Files/x", "type flag '3'"]),
        (raw(b'4'), &["Files/x", "type flag '4'"]),
        (raw(b'6'), &["Files/x", "type flag '6'"]),
        (raw(b'V'), &["Files/x", "type flag 'V'"]),
        (raw(b'D'), &["Files/x", "type flag 'D'"]),
        (
            Layer::new().entry(
                "d",
                &Shape::File { size: 3 },
                &with_attributes(0x10),
                b"abc",
            ),
            &["\"d\"", "folder with 3 bytes"],
        ),
    ]);
    let root = [&sealed(block(b".", b'0', 0, false))[..], &[0; 1024]].concat();
    assert!(
        home()
            .refused(&root)
            .contains("root of a layer is a folder")
    );
}

#[test]
fn metadata_that_cannot_be_read_is_refused() {
    let with = |key: &str, value: &str| {
        let entry = block(b"Files/x", b'0', 0, false);
        Layer::new().raw(&pax(&[(key, value)])).raw(&entry)
    };
    assert_refused(&[
        (with("MSWINDOWS.fileattr", "-1"), &["Files/x", "fileattr"]),
        (
            with("MSWINDOWS.fileattr", "4294967296"),
            &["Files/x", "fileattr"],
        ),
        (with("MSWINDOWS.rawsd", "!!!"), &["Files/x", "base64"]),
        (with("MSWINDOWS.xattr.A", "===="), &["Files/x", "base64"]),
        (
            with("LIBARCHIVE.creationtime", "now"),
            &["Files/x", "creationtime"],
        ),
        (with("mtime", "1e9"), &["mtime"]),
        (
            with("MSWINDOWS.sd", "not sddl"),
            &["Files/x", "MSWINDOWS.sd"],
        ),
        (
            with("SCHILY.xattr.system.other", "1"),
            &["Files/x", "system.other"],
        ),
    ]);
}

#[test]
fn attributes_that_the_index_uses_itself_cannot_be_brought_in() {
    // Without this, a layer could give an entry any name: `../../etc/passwd` too.
    let digits = "0123456789abcdef";
    let name = format!("{}~{digits}", "x".repeat(238));
    let home = home();
    for key in [
        format!("user.transom.name.{digits}"),
        "user.transom.layer".to_owned(),
        "user.transom.link".to_owned(),
        "user.transom.implied".to_owned(),
        "user.MSWINDOWS.fileattr".to_owned(),
        "user.LIBARCHIVE.creationtime".to_owned(),
        "user.ctime".to_owned(),
    ] {
        let records = pax(&[
            ("path", &name),
            (&format!("SCHILY.xattr.{key}"), "../../etc/passwd"),
        ]);
        let layer = Layer::new().raw(&records).raw(&block(b"x", b'0', 0, false));
        for names in [Names::Windows, Names::Posix] {
            let text = home.refused_as(&layer.clone().tar(), &request("bad", names));
            assert!(text.contains(&key) && text.contains("reserved"), "{text}");
        }
    }
}

#[test]
fn more_metadata_than_a_file_can_have_is_refused() {
    let metadata = |size: usize, count: usize| {
        let mut metadata = with_attributes(0x20);
        metadata.security = Some(vec![1; size]);
        metadata.eas = (0..count)
            .map(|n| (format!("EA{n}").into_bytes(), vec![2; size]))
            .collect();
        metadata
    };
    let file = Shape::File { size: 0 };
    assert_refused(&[
        (
            Layer::new().entry("f", &file, &metadata(65_536, 0), b""),
            &["\"f\"", "65,535"],
        ),
        (
            Layer::new().entry("f", &file, &metadata(60_000, 3), b""),
            &["\"f\"", "at most 196608"],
        ),
    ]);
    let home = home();
    let tree = home.tree(
        &Layer::new()
            .entry("f", &file, &metadata(65_000, 1), b"")
            .tar(),
    );
    let found = crate::support::metadata(&tree, "f");
    assert_eq!(
        (found.security.unwrap().len(), found.eas.len()),
        (65_000, 1)
    );
}

#[test]
fn a_file_can_have_many_long_names_but_not_any_number() {
    let mut layer = Layer::new().dir("Files").file("Files/f", b"f");
    for number in 0..64 {
        layer = layer.link(&format!("Files/{}{number}", "日".repeat(250)), "Files/f");
    }
    let home = home();
    let tree = home.stack(WINDOWS, &[layer.clone(), Layer::new().dir("Files")]);
    assert_eq!(names(&tree, "Files").len(), 65);
    let one_more = layer.link(&format!("Files/{}", "本".repeat(250)), "Files/f");
    let text = home.refused(&one_more.tar());
    assert!(
        text.contains("本本") && text.contains("extended attributes"),
        "{text}"
    );
}

#[test]
fn owners_that_linux_cannot_have_are_refused() {
    let records = pax(&[("uid", "4294967296")]);
    let layer = Layer::new().raw(&records).raw(&block(b"x", b'0', 0, false));
    let text = home().refused_as(&layer.tar(), &request("posix", Names::Posix));
    assert!(
        text.contains("\"x\"") && text.contains("owner 4294967296"),
        "{text}"
    );
}

#[test]
fn more_entries_than_allowed_are_refused() {
    let mut home = home();
    home.limit(|limits| limits.entries = 3);
    let request = request("many", Names::Windows);
    home.import_as(&good().tar(), &request).unwrap();
    let text = home.refused_as(&good().file("Files/fourth", b"").tar(), &request);
    assert!(
        text.contains("Files/fourth") && text.contains("limit is 3 entries"),
        "{text}"
    );
    // Entries that make no node count, too.
    let whiteouts = (0..4).fold(Layer::new(), |layer, _| layer.whiteout("x"));
    assert!(
        home.refused_as(&whiteouts.tar(), &request)
            .contains("limit is 3 entries")
    );
}

#[test]
fn a_tar_that_inflates_beyond_the_limit_is_refused_early() {
    let mut home = home();
    // 256 MiB of zeros in a file, a quarter of a MiB as it comes.
    let header = block(b"bomb", b'0', 256 << 20, false);
    let bomb = io::Cursor::new(header).chain(io::repeat(0).take(256 << 20));
    let mut encoder = flate2::read::GzEncoder::new(bomb, flate2::Compression::fast());
    let mut zipped = Vec::new();
    encoder.read_to_end(&mut zipped).unwrap();
    let mut request = request("bomb", Names::Windows);
    home.limit(|limits| limits.bytes = 4 << 20);
    let text = home.refused_as(&zipped, &request);
    assert!(text.contains("limit of 4194304 bytes"), "{text}");
    // The limit holds for a layer that the store has as well.
    let tar = good().file("Files/more", &[0; 10_000]).tar();
    request.diff_id = Some(home.import(&tar));
    home.limit(|limits| limits.bytes = tar.len() as u64 - 1);
    assert!(
        home.refused_as(&tar, &request)
            .contains("larger than the limit")
    );
    home.limit(|limits| limits.bytes += 1);
    home.import_as(&tar, &request).unwrap();
}

#[test]
fn a_tar_of_a_gibibyte_that_was_compressed_too_well_is_refused() {
    let home = home();
    // Zeros, which take no place on the disk, as the store seems to have this layer.
    let header = block(b"bomb", b'0', 3 << 30, false);
    let bomb = io::Cursor::new(header).chain(io::repeat(0).take(3 << 30));
    let zipped = zstd::stream::encode_all(bomb, 1).unwrap();
    let mut request = request("bomb", Names::Windows);
    request.diff_id = Some(home.import(&good().file("Files/more", b"").tar()));
    let text = home.refused_as(&zipped, &request);
    assert!(text.contains("more than 2064 times as many"), "{text}");
}

#[test]
fn a_path_of_more_names_than_allowed_is_refused() {
    let mut home = home();
    home.limit(|limits| limits.depth = 16);
    let path = |names: usize| vec!["a"; names].join("/");
    home.import(&Layer::new().file(&path(16), b"").tar());
    let text = home.refused(&Layer::new().file(&path(17), b"").tar());
    assert!(text.contains("limit is 16 names"), "{text}");
}

#[test]
fn a_header_larger_than_allowed_is_refused_and_what_was_allowed_can_be_read_again() {
    let mut home = home();
    let long = "x".repeat(2 << 20);
    let layer = Layer::new()
        .raw(&pax(&[("comment", &long)]))
        .file("Files/f", b"1");
    let text = home.refused(&layer.clone().tar());
    assert!(text.contains("PAX"), "{text}");
    home.limit(|limits| limits.pax_bytes = 4 << 20);
    let id = home.import(&layer.tar());
    home.limit(|limits| limits.pax_bytes = 0);
    // The index is made again, to compare.
    let layer = home.store.layer(id).unwrap();
    assert_eq!(home.store.verify_layer(&layer, &|_| {}).unwrap(), []);
}

#[test]
fn a_million_entries_are_a_layer() {
    // Made on the way: the tar is never in memory.
    let count = 1_000_000;
    let mut number = 0;
    let mut rest = io::Cursor::new(Vec::new());
    let source = ReadWith(move |buffer: &mut [u8]| {
        if rest.position() == rest.get_ref().len() as u64 && number < count {
            let blocks = (number..(number + 1000).min(count))
                .map(|n| block(format!("Files/f{n}").as_bytes(), b'0', 0, false));
            rest = io::Cursor::new(blocks.collect::<Vec<_>>().concat());
            number += 1000;
        }
        rest.read(buffer)
    });
    let home = Home::new();
    let session = home.store.session().unwrap();
    let request = request("many", Names::Windows);
    let layer = session.import_layer(source, &request, &|_| {}).unwrap();
    let record = home.store.layer(layer.diff_id).unwrap();
    assert_eq!(record.entries, count);
    let tree = home
        .store
        .open_layer(layer.diff_id, Names::Windows)
        .unwrap();
    assert!(has(&tree, "Files/f999999") && !has(&tree, "Files/f1000000"));
    // Neither the whole folder nor its streams are looked for file by file.
    let children = tree
        .children(&crate::support::find(&tree, "Files"))
        .unwrap();
    assert_eq!(children.len(), count as usize);
    let streams = children
        .iter()
        .map(|node| tree.streams(node).unwrap().len());
    assert_eq!(streams.sum::<usize>(), 0);
    let mut changes = 0;
    let count_changes = &mut |_| {
        changes += 1;
        Ok(())
    };
    let empty = home.tree(&Layer::new().dir("Files").tar());
    transom_sealed::diff::changes(&tree, Some(&empty), count_changes).unwrap();
    assert_eq!(changes, count);
}

#[test]
fn a_hundred_thousand_whiteouts_take_no_longer_than_files() {
    let home = Home::new();
    let mut layer = Vec::new();
    for number in 0..100_000 {
        layer.extend(block(
            format!("Files/.wh.f{number}").as_bytes(),
            b'0',
            0,
            false,
        ));
    }
    layer.extend(block(b"Files/new", b'0', 0, false));
    let top = Layer::new().raw(&layer);
    for rule in [transom_layer::Whiteouts::Hcs, transom_layer::Whiteouts::Oci] {
        let rule = crate::support::stacking(Names::Windows, rule);
        let tree = home.stack(rule, &[good(), top.clone()]);
        assert_eq!(names(&tree, "Files"), ["a", "d", "new"]);
    }
}

#[test]
fn a_source_that_fails_is_told_apart_from_a_damaged_stream() {
    let home = home();
    let tar = good().file("Files/new", &[3; 2 << 20]).tar();
    for (bytes, after) in [
        (tar.clone(), 0),
        (tar.clone(), 2),
        (tar.clone(), 1 << 20),
        (gzip(&tar), 2),
        (gzip(&tar), 3000),
    ] {
        let mut rest = &bytes[..after];
        let source = ReadWith(|buffer: &mut [u8]| match rest.read(buffer) {
            Ok(0) => Err(io::Error::new(
                io::ErrorKind::ConnectionReset,
                "the line went dead",
            )),
            result => result,
        });
        let session = home.store.session().unwrap();
        let request = request("cut", Names::Windows);
        let error = session.import_layer(source, &request, &|_| {}).unwrap_err();
        let text = chain(&error);
        assert!(
            text.contains("bytes cannot be read: the line went dead"),
            "{text}"
        );
        drop(session);
        home.assert_tidy();
    }
}

/// Reads by calling a function.
struct ReadWith<F>(F);

impl<F: FnMut(&mut [u8]) -> io::Result<usize>> Read for ReadWith<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (self.0)(buffer)
    }
}

/// A small file system, unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=6m", "none"])
            .arg(dir.path());
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then(|| Self(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount")
            .arg("--lazy")
            .arg(self.0.path())
            .status();
        assert!(unmounted.unwrap().success());
    }
}

#[test]
fn a_full_disk_is_an_error_that_leaves_nothing() {
    let Some(disk) = SmallDisk::mount() else {
        skipped("needs root, to mount a small disk");
        return;
    };
    let root = disk.0.path().join("store");
    let store = transom_sealed::Store::open(&root).unwrap();
    let import = |tar: &[u8], keep_blob| {
        let mut request = request("large", Names::Windows);
        request.keep_blob = keep_blob;
        let session = store.session().unwrap();
        let imported = session.import_layer(tar, &request, &|_| {});
        session.keep_unused();
        imported
    };
    let small = good().tar();
    import(&small, false).unwrap();
    // Bytes that do not compress, so that the kept blob fills the disk as well.
    let mut noise = 1u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (noise >> 24) as u8
    })
    .take(4 << 20)
    .collect();
    let large = Layer::new().file("noise", &noise);
    let too_large = Layer::new()
        .file("noise", &noise)
        .file("more", &noise)
        .tar();
    let cases = [
        (too_large.clone(), false),
        (gzip(&large.tar()), true),
        (gzip(&too_large), true),
    ];
    for (bytes, keep_blob) in cases {
        let text = chain(&import(&bytes, keep_blob).unwrap_err());
        assert!(
            text.contains("large") && text.contains("No space left"),
            "{text}"
        );
        assert_eq!(store.layers().unwrap().len(), 1);
        assert_eq!(crate::support::all_names(&root.join("staging")), [""; 0]);
    }
    // An index that does not fit is told in the same words.
    let names = (0..12_000).map(|n| block(format!("{n:0>90}").as_bytes(), b'0', 0, false));
    let index_too_large: Vec<u8> = names.collect::<Vec<_>>().concat();
    let text = chain(&import(&gzip(&index_too_large), false).unwrap_err());
    assert!(text.contains("No space left"), "{text}");
    assert_eq!(store.layers().unwrap().len(), 1);
    import(&Layer::new().file("fits", &padded(b"x")).tar(), true).unwrap();
}

#[test]
fn an_extended_attribute_with_a_longer_name_than_an_index_holds_is_refused_by_its_length() {
    let layer = |length: usize| {
        let mut metadata = crate::support::with_attributes(0x20);
        metadata.eas = vec![(vec![b'N'; length], b"v".to_vec())];
        let shape = transom_layertar::windows::Shape::File { size: 0 };
        Layer::new().entry("a", &shape, &metadata, b"").tar()
    };
    let home = Home::new();
    home.import(&layer(239));
    let error = home.refused(&layer(240));
    assert!(
        error.contains("has 240 bytes, an index can hold 239"),
        "{error}"
    );
}
