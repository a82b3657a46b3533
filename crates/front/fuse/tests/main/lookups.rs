//! Names, streams, listings, links.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use transom_fuse::View;
use transom_layertar::{EntryKind, Header};
use transom_sample::shape::Content;

use crate::support::{Home, Mounted, add, add_file, can_mount, errno_of, layer};

#[test]
fn names_are_found_in_any_case_and_are_one_file() {
    if !can_mount() {
        return;
    }
    let mut layer = layer();
    add_file(&mut layer, "Files/Dir/Straße Ñandú.txt", b"hello");
    let mounted = Mounted::of(&layer, View::Volume);
    let numbers: BTreeSet<u64> = [
        "Dir/Straße Ñandú.txt",
        "DIR/STRAßE ñANDÚ.TXT",
        "dir/straße ñandú.txt",
    ]
    .into_iter()
    .map(|path| fs::metadata(mounted.at(path)).unwrap().ino())
    .collect();
    assert_eq!(numbers.len(), 1);
    assert_eq!(
        fs::read(mounted.at("dIR/straßE Ñandú.TXT")).unwrap(),
        b"hello"
    );
    let listed: Vec<_> = fs::read_dir(mounted.at("DIR")).unwrap().collect();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].as_ref().unwrap().file_name(), "Straße Ñandú.txt");
    for missing in [
        "Dir/other",
        "Dir/other",
        "dir/OTHER",
        "Dir/Straße Ñandú.txt/x",
    ] {
        assert!(fs::metadata(mounted.at(missing)).is_err(), "{missing}");
    }
}

#[test]
fn names_of_a_linux_image_are_found_in_their_own_case_alone() {
    if !can_mount() {
        return;
    }
    let home = Home::new();
    let mut folder = Header::new(EntryKind::Directory, b"dir");
    folder.mode = 0o750;
    let mut file = Header::new(EntryKind::File, b"dir/a:b");
    (file.mode, file.uid, file.gid) = (0o4711, 12, 34);
    let tree = home.posix(&[(folder, b""), (file, b"data")]);
    let mounted = Mounted::new(&tree, View::Volume);
    assert_eq!(fs::read(mounted.at("dir/a:b")).unwrap(), b"data");
    assert!(fs::metadata(mounted.at("DIR")).is_err());
    let found = fs::metadata(mounted.at("dir/a:b")).unwrap();
    assert_eq!(
        (found.mode() & 0o7777, found.uid(), found.gid()),
        (0o4711, 12, 34)
    );
}

#[test]
fn hard_links_are_one_file() {
    if !can_mount() {
        return;
    }
    let mut layer = layer();
    add_file(&mut layer, "Files/Dir/a", b"shared");
    add(
        &mut layer,
        "Files/Dir/b",
        Content::HardLink("Files/Dir/a".into()),
    );
    let mounted = Mounted::of(&layer, View::Volume);
    let [a, b] = ["Dir/a", "dir/B"].map(|path| fs::metadata(mounted.at(path)).unwrap());
    assert_eq!((a.ino(), a.nlink()), (b.ino(), 2));
    assert_eq!(fs::read(mounted.at("Dir/b")).unwrap(), b"shared");
}

#[test]
fn a_colon_opens_an_alternate_stream() {
    if !can_mount() {
        return;
    }
    let mut layer = layer();
    add_file(&mut layer, "Files/Dir/a.txt", b"main")
        .stream("Zone", "[Zone]")
        .stream("empty", "");
    add(&mut layer, "Files/Dir/sub", Content::Folder).stream("s", "of the folder");
    let mounted = Mounted::of(&layer, View::Volume);
    let read = |path: &str| fs::read(mounted.at(path));
    assert_eq!(read("Dir/a.txt:Zone").unwrap(), b"[Zone]");
    assert_eq!(read("Dir/A.TXT:zONE:$data").unwrap(), b"[Zone]");
    assert_eq!(read("Dir/a.txt::$DATA").unwrap(), b"main");
    assert_eq!(read("Dir/a.txt:empty").unwrap(), b"");
    assert_eq!(read("Dir/SUB:S").unwrap(), b"of the folder");
    for missing in ["Dir/a.txt:none", "Dir/none:Zone", "Dir/:Zone"] {
        assert_eq!(
            errno_of(read(missing)),
            Errno::NOENT.raw_os_error(),
            "{missing}"
        );
    }
    assert_eq!(fs::read_dir(mounted.at("Dir")).unwrap().count(), 2);
}

#[test]
fn a_large_folder_is_listed_and_looked_up_in_a_time_that_grows_with_it() {
    if !can_mount() {
        return;
    }
    const COUNT: usize = 100_000;
    let mut layer = layer();
    for number in 0..COUNT {
        add(
            &mut layer,
            &format!("Files/Dir/file-{number:06}.dll"),
            Content::NoData,
        );
    }
    let mounted = Mounted::of(&layer, View::Volume);
    let start = Instant::now();
    let names: BTreeSet<_> = fs::read_dir(mounted.at("Dir"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), COUNT);
    for name in &names {
        fs::symlink_metadata(mounted.at("Dir").join(name)).unwrap();
    }
    for number in 0..COUNT / 50 {
        let other = format!("Dir/FILE-{number:06}.DLL");
        fs::symlink_metadata(mounted.at(other)).unwrap();
        let missing = format!("Dir/none-{number:06}.dll");
        assert!(fs::symlink_metadata(mounted.at(missing)).is_err());
    }
    let took = start.elapsed();
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[test]
fn reading_at_any_place_gives_the_bytes_there() {
    if !can_mount() {
        return;
    }
    let data: Vec<u8> = (0..3_000_000u32).map(|at| (at * 7 / 1000) as u8).collect();
    let mut layer = layer();
    add_file(&mut layer, "Files/Dir/big", &data);
    let mounted = Mounted::of(&layer, View::Volume);
    let file = fs::File::open(mounted.at("Dir/big")).unwrap();
    for (at, len) in [
        (2_999_990, 10),
        (0, 1),
        (1_048_570, 5000),
        (131_071, 131_073),
    ] {
        let mut buffer = vec![0; len];
        file.read_exact_at(&mut buffer, at as u64).unwrap();
        assert!(buffer == data[at..at + len], "{at}");
    }
    assert_eq!(file.read_at(&mut [0; 10], 3_000_000).unwrap(), 0);
    assert_eq!(file.read_at(&mut [0; 10], 1 << 40).unwrap(), 0);
}

#[test]
fn links_lead_where_windows_goes() {
    if !can_mount() {
        return;
    }
    let mut layer = layer();
    add_file(&mut layer, "Files/Dir/target.txt", b"found");
    let links = [
        ("absolute", r"C:\dir\TARGET.txt", Some("Dir/target.txt")),
        ("rooted", r"\Dir\target.txt", Some("Dir/target.txt")),
        ("relative", r"dir\Target.txt", Some("Dir/target.txt")),
        ("up", r"..\..\Dir\target.txt", Some("Dir/target.txt")),
        (
            "through",
            r"C:\JUNCTION\TARGET.TXT",
            Some("junction/TARGET.TXT"),
        ),
        ("gone", r"C:\Dir\gone\x", None),
    ];
    for (name, target, _) in links {
        add(
            &mut layer,
            &format!("Files/{name}"),
            Content::FileLink(target.into()),
        );
    }
    add(
        &mut layer,
        "Files/Dir/deep",
        Content::FileLink(r"C:\dir\TARGET.txt".into()),
    );
    add(
        &mut layer,
        "Files/junction",
        Content::Junction(r"\??\C:\DIR".into()),
    );
    add(
        &mut layer,
        "Files/Dir/root",
        Content::FolderLink(r"C:\".into()),
    );
    add(
        &mut layer,
        "Files/unc",
        Content::FolderLink(r"\\server\share".into()),
    );
    let home = Home::new();
    let tree = home.windows(&layer);
    for (view, root) in [(View::Volume, ""), (View::Raw, "Files/")] {
        let mounted = Mounted::new(&tree, view);
        let target = |path: &str| {
            let target = fs::read_link(mounted.at(format!("{root}{path}"))).unwrap();
            target.to_str().unwrap().to_owned()
        };
        for (name, _, shown) in links {
            let content = fs::read(mounted.at(format!("{root}{name}")));
            match shown {
                Some(shown) => {
                    assert_eq!(target(name), shown, "{name}");
                    assert_eq!(content.unwrap(), b"found", "{name}");
                }
                None => assert_eq!(errno_of(content), Errno::NOENT.raw_os_error(), "{name}"),
            }
        }
        assert_eq!(target("Dir/deep"), "target.txt");
        assert_eq!(target("junction"), "Dir");
        assert_eq!(target("Dir/root"), "..");
        assert_eq!(target("unc"), r"\\server\share");
        assert_eq!(
            fs::read(mounted.at(format!("{root}dir/ROOT/Dir/target.txt"))).unwrap(),
            b"found"
        );
    }
}
