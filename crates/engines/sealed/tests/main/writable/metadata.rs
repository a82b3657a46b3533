//! What is known of an entry beside its data, through a mount and into a layer.

use std::fs::{self, FileTimes};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::time::{Duration, SystemTime};

use transom_layertar::{Shape, WindowsMetadata};
use transom_ntmeta::attributes::FileAttributes;
use transom_ntmeta::filetime::UnixTime;
use transom_ntmeta::inherit::{self, Creator};
use transom_ntmeta::sddl;
use transom_ntmeta::security::SecurityDescriptor;

use super::{Bench, Layer, base, id, same_as_mount, set_xattr, xattr};
use crate::support::{TIME, metadata, read, text, with_attributes};

/// Size of a file that nobody wants copied to change one bit of its metadata.
const LARGE: usize = 10 << 20;

fn large() -> Vec<u8> {
    (0..LARGE).map(|at| (at / 4096) as u8).collect()
}

fn with_security(attributes: u32, sddl: &str) -> WindowsMetadata {
    let mut metadata = with_attributes(attributes);
    metadata.security = Some(descriptor(sddl));
    metadata
}

fn descriptor(text: &str) -> Vec<u8> {
    sddl::from_sddl(text).unwrap()
}

fn folder(layer: Layer, path: &str, sddl: &str) -> Layer {
    let metadata = with_security(0x10, sddl);
    layer.entry(path, &Shape::Directory, &metadata, b"")
}

fn changed_mode(path: &std::path::Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn moment(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

#[test]
fn metadata_alone_is_told_with_the_data_of_the_base() {
    let base = Layer::new()
        .dir("Files")
        .file("Files/large", &large())
        .file("Files/small", b"small")
        .dir("Hives")
        .bytes();
    let Some(edited) = same_as_mount(base, |root| {
        changed_mode(&root.join("large"), 0o444);
        set_xattr(&root.join("small"), "user.MSWINDOWS.fileattr", b"35");
    }) else {
        return;
    };
    assert_eq!(read(&edited.tree, "Files/large"), large());
    let changed = metadata(&edited.tree, "Files/large");
    let read_only = FileAttributes::ARCHIVE | FileAttributes::READONLY;
    assert_eq!(changed.attributes, Some(read_only));
    assert_eq!((changed.created, changed.modified), (Some(TIME), TIME));
    let changed = metadata(&edited.tree, "Files/small");
    assert_eq!(changed.attributes, Some(read_only | FileAttributes::HIDDEN));
    assert_eq!(text(&edited.tree, "Files/small"), "small");
}

#[test]
fn the_read_only_attribute_goes_and_comes_with_the_permission_to_write() {
    let read_only = with_attributes(0x21);
    let base = Layer::new()
        .dir("Files")
        .entry("Files/locked", &Shape::File { size: 1 }, &read_only, b"x")
        .file("Files/open", b"x")
        .dir("Hives")
        .bytes();
    let Some(edited) = same_as_mount(base, |root| {
        changed_mode(&root.join("locked"), 0o644);
        changed_mode(&root.join("open"), 0o400);
        fs::write(root.join("new"), "").unwrap();
        changed_mode(&root.join("new"), 0o444);
    }) else {
        return;
    };
    let attributes = |path| metadata(&edited.tree, path).attributes.unwrap();
    assert_eq!(attributes("Files/locked"), FileAttributes::ARCHIVE);
    let both = FileAttributes::ARCHIVE | FileAttributes::READONLY;
    assert_eq!(attributes("Files/open"), both);
    assert_eq!(attributes("Files/new"), both);
}

#[test]
fn times_set_by_a_program_are_told() {
    let Some(edited) = same_as_mount(base(), |root| {
        for path in ["data/x", "data/deep"] {
            let times = FileTimes::new().set_modified(moment(1_000_000_000));
            let file = fs::File::open(root.join(path)).unwrap();
            file.set_times(times).unwrap();
        }
    }) else {
        return;
    };
    for path in ["Files/data/x", "Files/data/deep"] {
        let found = metadata(&edited.tree, path);
        assert_eq!(found.modified.seconds, 1_000_000_000, "{path}");
        assert_eq!(found.created, Some(TIME), "{path}");
    }
    let untouched = metadata(&edited.tree, "Files/data");
    assert_eq!(untouched.modified, TIME, "nothing was put in or taken out");
}

#[test]
fn folders_have_the_time_of_what_was_put_into_them_and_only_that() {
    let Some(edited) = same_as_mount(base(), |root| {
        fs::write(root.join("data/deep/z"), "changed in place").unwrap();
        fs::write(root.join("Program Files/new"), "").unwrap();
    }) else {
        return;
    };
    assert_eq!(metadata(&edited.tree, "Files/data/deep").modified, TIME);
    assert_eq!(metadata(&edited.tree, "Files/data").modified, TIME);
    assert_eq!(metadata(&edited.tree, "Files").modified, TIME);
    let filled = metadata(&edited.tree, "Files/Program Files");
    let on_disk = fs::metadata(edited.root.join("Program Files")).unwrap();
    let since = on_disk.modified().unwrap();
    let since = since.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let exact = UnixTime {
        seconds: since.as_secs() as i64,
        nanos: since.subsec_nanos() / 100 * 100,
    };
    assert_eq!(filled.modified, exact);
    assert_eq!(filled.changed, Some(exact));
}

#[test]
fn what_is_written_keeps_the_descriptor_the_creation_time_and_the_extended_attributes() {
    let mut about = with_security(0x22, "O:BAG:SYD:P(A;;FA;;;SY)");
    about.eas = vec![
        (b"A.B".to_vec(), vec![0, 1, 2, 255]),
        (b"EMPTY".to_vec(), vec![]),
    ];
    let shape = Shape::File { size: 3 };
    let base = Layer::new()
        .dir("Files")
        .entry("Files/f", &shape, &about, b"old")
        .dir("Hives")
        .bytes();
    let Some(edited) = same_as_mount(base, |root| {
        fs::write(root.join("f"), "written").unwrap();
    }) else {
        return;
    };
    let found = metadata(&edited.tree, "Files/f");
    assert_eq!(found.security, about.security);
    assert_eq!(found.eas, about.eas);
    assert_eq!(found.created, Some(TIME));
    assert!(found.modified > TIME && found.changed >= Some(found.modified));
    assert_eq!(found.attributes.unwrap().bits(), 0x22);
}

#[test]
fn descriptor_and_attributes_set_through_the_mount_are_told() {
    let own = descriptor("O:SYG:SYD:P(A;;FR;;;WD)");
    let Some(edited) = same_as_mount(base(), |root| {
        for name in ["data", "data/x", "new"] {
            let path = root.join(name);
            if name == "new" {
                fs::write(&path, "").unwrap();
            }
            set_xattr(&path, "user.MSWINDOWS.rawsd", &own);
        }
        set_xattr(&root.join("new"), "user.MSWINDOWS.fileattr", b"6");
        set_xattr(&root.join("new"), "user.MSWINDOWS.xattr.EA", b"\0value");
        let created = b"1000000000.5";
        set_xattr(&root.join("new"), "user.LIBARCHIVE.creationtime", created);
        fs::write(root.join("attributes-only"), "").unwrap();
        let path = root.join("attributes-only");
        set_xattr(&path, "user.MSWINDOWS.fileattr", b"6");
    }) else {
        return;
    };
    for path in ["Files/data", "Files/data/x", "Files/new"] {
        assert_eq!(metadata(&edited.tree, path).security, Some(own.clone()));
    }
    let new = metadata(&edited.tree, "Files/new");
    assert_eq!(new.attributes.unwrap().bits(), 6);
    assert_eq!(new.eas, [(b"EA".to_vec(), b"\0value".to_vec())]);
    assert_eq!(new.created.unwrap().nanos, 500_000_000);
    let plain = metadata(&edited.tree, "Files/attributes-only");
    assert_eq!(plain.attributes.unwrap().bits(), 6);
    assert!(plain.security.is_some() && plain.created.is_some());
}

#[test]
fn a_damaged_attribute_is_refused_by_path() {
    for (name, word) in [
        ("user.MSWINDOWS.fileattr", "attribute word"),
        ("user.LIBARCHIVE.creationtime", "creation time"),
    ] {
        let Some(why) = super::refused(base(), |root| {
            set_xattr(&root.join("data/x"), name, b"nonsense");
        }) else {
            return;
        };
        assert!(why.contains("Files/data/x") && why.contains(word), "{why}");
    }
}

#[test]
fn new_files_and_chains_of_new_folders_inherit_as_on_ntfs() {
    let top = "O:SYG:SYD:PAI(A;OICI;FA;;;SY)(A;OICIIO;GA;;;CO)(A;CI;FR;;;BU)(A;OINP;FW;;;WD)";
    let base = folder(Layer::new().dir("Files"), "Files/secured", top)
        .dir("Hives")
        .bytes();
    let Some(edited) = same_as_mount(base, |root| {
        fs::create_dir_all(root.join("secured/one/two")).unwrap();
        for name in ["secured/file", "secured/one/file", "secured/one/two/file"] {
            fs::write(root.join(name), "").unwrap();
        }
    }) else {
        return;
    };
    let heir = |parent: &[u8], is_folder| {
        let parent = SecurityDescriptor::parse(parent).unwrap();
        inherit::inherit(
            Some(&parent),
            is_folder,
            &Creator::container_administrator(),
        )
        .unwrap()
    };
    let found = |path: &str| metadata(&edited.tree, path).security.unwrap();
    let mut parent = descriptor(top);
    assert_eq!(found("Files/secured"), parent);
    for path in [
        "Files/secured",
        "Files/secured/one",
        "Files/secured/one/two",
    ] {
        if path != "Files/secured" {
            parent = heir(&parent, true);
            assert_eq!(found(path), parent, "{path}");
        }
        let file = format!("{path}/file");
        assert_eq!(found(&file), heir(&parent, false), "{file}");
    }
}

#[test]
fn below_folders_without_a_descriptor_the_one_further_up_or_of_a_fresh_volume_is_inherited() {
    let base = folder(
        Layer::new().dir("Files"),
        "Files/with",
        "D:P(A;OICI;FA;;;SY)",
    )
    .dir("Files/with/without")
    .dir("Files/bare")
    .dir("Hives")
    .bytes();
    let Some(edited) = same_as_mount(base, |root| {
        fs::write(root.join("with/without/file"), "").unwrap();
        fs::write(root.join("bare/file"), "").unwrap();
    }) else {
        return;
    };
    let heir = |parent: &[u8], is_folder| {
        let parent = SecurityDescriptor::parse(parent).unwrap();
        inherit::inherit(
            Some(&parent),
            is_folder,
            &Creator::container_administrator(),
        )
        .unwrap()
    };
    let found = |path: &str| metadata(&edited.tree, path).security;
    assert_eq!(found("Files/with/without"), None, "as the base has it");
    let between = heir(&descriptor("D:P(A;OICI;FA;;;SY)"), true);
    let expected = heir(&between, false);
    assert_eq!(found("Files/with/without/file"), Some(expected));
    let between = heir(inherit::default_root(), true);
    assert_eq!(found("Files/bare/file"), Some(heir(&between, false)));
}

#[test]
fn sparse_files_keep_attribute_and_content() {
    let sparse = with_attributes(0x220);
    let shape = Shape::File { size: 300_000 };
    let mut data = vec![0; 300_000];
    data[150_000] = 1;
    let base = Layer::new()
        .dir("Files")
        .entry("Files/old", &shape, &sparse, &data)
        .dir("Hives")
        .bytes();
    let Some(edited) = same_as_mount(base, |root| {
        let file = fs::File::options().write(true).open(root.join("old"));
        file.unwrap().write_all_at(b"2", 10).unwrap();
        let file = fs::File::create(root.join("new")).unwrap();
        file.set_len(1 << 20).unwrap();
        file.write_all_at(b"end", (1 << 20) - 3).unwrap();
    }) else {
        return;
    };
    data[10] = b'2';
    assert_eq!(read(&edited.tree, "Files/old"), data);
    let attributes = |path| metadata(&edited.tree, path).attributes.unwrap();
    assert!(attributes("Files/old").contains(FileAttributes::SPARSE_FILE));
    assert!(attributes("Files/new").contains(FileAttributes::SPARSE_FILE));
    assert_eq!(read(&edited.tree, "Files/new").len(), 1 << 20);
}

#[test]
fn a_file_without_a_data_stream_stays_one_until_it_is_written() {
    let base = Layer::new()
        .dir("Files")
        .entry(
            "Files/a",
            &Shape::FileWithoutData,
            &with_attributes(0x20),
            b"",
        )
        .entry(
            "Files/b",
            &Shape::FileWithoutData,
            &with_attributes(0x20),
            b"",
        )
        .dir("Hives")
        .bytes();
    let Some(edited) = same_as_mount(base, |root| {
        set_xattr(&root.join("a"), "user.MSWINDOWS.fileattr", b"34");
        fs::write(root.join("b"), "data").unwrap();
    }) else {
        return;
    };
    assert!(!metadata(&edited.tree, "Files/a").has_data_stream);
    assert!(metadata(&edited.tree, "Files/b").has_data_stream);
}

#[test]
fn the_mount_shows_the_attributes_of_the_base() {
    let about = with_security(0x10, "D:P(A;OICI;FA;;;SY)");
    let base = Layer::new()
        .dir("Files")
        .entry("Files/d", &Shape::Directory, &about, b"")
        .dir("Hives")
        .bytes();
    let Some(bench) = Bench::new() else { return };
    bench.base("base", None, &base);
    let root = bench.writable("top", Some("base"));
    assert_eq!(
        xattr(&root.join("d"), "user.MSWINDOWS.rawsd"),
        about.security
    );
}

#[test]
fn with_a_latest_time_equal_changes_make_equal_tars() {
    let latest = UnixTime {
        seconds: 1_600_000_000,
        nanos: 0,
    };
    let Some(bench) = Bench::new() else { return };
    bench.base("base", None, &base());
    let mut tars = Vec::new();
    for name in ["first", "second"] {
        let root = bench.writable(name, Some("base"));
        fs::create_dir_all(root.join("new/folder")).unwrap();
        fs::write(root.join("new/folder/file"), "x").unwrap();
        fs::write(root.join("new/folder/file:s"), "stream").unwrap();
        fs::hard_link(root.join("new/folder/file"), root.join("new/link")).unwrap();
        fs::remove_dir_all(root.join("data")).unwrap();
        fs::rename(root.join("readme.txt"), root.join("README")).unwrap();
        fs::write(root.join("Program Files/tool.exe"), "changed").unwrap();
        std::os::unix::fs::symlink("new", root.join("to-new")).unwrap();
        bench.driver.put(&id(name)).unwrap();
        let writable = bench.home.store.open_writable(name).unwrap();
        let mut tar = Vec::new();
        writable.export(Some(latest), &mut tar).unwrap();
        tars.push(tar);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(tars[0], tars[1]);
    let tree = bench.stacked(&[base(), tars.remove(0)]);
    let new = metadata(&tree, "Files/new/folder/file");
    assert_eq!(new.modified, latest);
    assert_eq!(new.created, Some(latest));
}
