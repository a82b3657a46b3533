//! Windows images: layers that are applied, seen as `C:\`, changed, and told with all they have.

use std::fs;

use transom_sample::shape::{Content, LayerTree, Node, metadata};

use crate::content::apply;
use crate::mounted::{can_mount, read, write};
use crate::support::Bench;

/// FILE_ATTRIBUTE_ARCHIVE and FILE_ATTRIBUTE_HIDDEN (MS-FSCC 2.6).
const ARCHIVE: u32 = 0x20;
const HIDDEN: u32 = 0x2;

/// A layer of a Windows image: what every base layer has.
pub(crate) fn base_layer() -> Vec<u8> {
    let mut layer = LayerTree::default();
    let sddl = "O:SYG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)";
    let security = transom_sample::descriptors::bytes(sddl).unwrap();
    let mut add = |path: &str, content: Content| {
        let attributes = match content {
            Content::Folder => 0,
            _ => ARCHIVE,
        };
        let metadata = metadata(1_000_000, attributes, Some(security.clone()));
        layer.add(path, Node::new(metadata, content));
    };
    for folder in [
        "Files",
        "Files/Program Files",
        "Files/Windows",
        "Files/Windows/System32",
        "Hives",
    ] {
        add(folder, Content::Folder);
    }
    add(
        "Files/Windows/System32/cmd.exe",
        Content::Bytes(vec![b'M'; 3000]),
    );
    add(
        "Files/Windows/System32/ReadMe.txt",
        Content::Bytes(b"read me".to_vec()),
    );
    add("Files/Windows/System32/empty", Content::NoData);
    add("Hives/System_Base", Content::Bytes(vec![0; 512]));
    let readme = layer.node("Files/Windows/System32/ReadMe.txt").unwrap();
    readme.add_attributes(HIDDEN);
    readme.stream("Zone.Identifier", "[ZoneTransfer]\r\nZoneId=3\r\n");
    layer.write(Vec::new()).unwrap()
}

/// A bench with a committed snapshot `base` of that layer.
pub(crate) fn with_base() -> Bench {
    let bench = Bench::new();
    unpack(&bench, "base", "", &base_layer());
    bench
}

/// Unpacks a layer as containerd does.
pub(crate) fn unpack(bench: &Bench, name: &str, parent: &str, tar: &[u8]) {
    let key = format!("default/1/extract-1-{name}");
    let mounts = bench.prepare(&key, parent);
    assert_eq!(mounts[0].r#type, "transom");
    apply(bench, &mounts, tar).unwrap();
    bench.commit(name, &key).unwrap();
}

#[test]
fn a_windows_layer_is_known_by_itself_and_shown_as_c() {
    if !can_mount() {
        return;
    }
    let bench = with_base();
    bench.look_at("base", |root| {
        assert_eq!(read(root, "Windows/System32/ReadMe.txt"), "read me");
        assert!(!root.join("Files").exists() && !root.join("Hives").exists());
    });
}

#[test]
fn a_new_folder_lands_in_the_one_of_the_base_that_differs_in_case() {
    if !can_mount() {
        return;
    }
    let bench = with_base();
    bench.commit_with("one", "base", |root| {
        write(root, "program files/App/app.exe", "app");
    });
    bench.look_at("one", |root| {
        assert_eq!(read(root, "Program Files/App/app.exe"), "app");
        let folders = fs::read_dir(root).unwrap().count();
        assert_eq!(folders, 2, "Program Files and Windows");
    });
}

#[test]
fn a_size_label_bounds_what_can_be_written() {
    if !can_mount() {
        return;
    }
    let bench = with_base();
    let size = [(
        "containerd.io/snapshot/windows/rootfs.sizebytes",
        "33554432",
    )];
    let mounts = bench
        .try_prepare("small", "base", crate::support::labels(&size))
        .unwrap();
    let mounted = bench.mount(&mounts);
    let error = fs::write(mounted.path().join("big"), vec![0; 40 << 20]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    fs::remove_file(mounted.path().join("big")).unwrap();
    write(mounted.path(), "small", "fits");
}

/// A Docker daemon on Linux makes a working directory as one folder with the whole path as its name.
#[test]
fn an_empty_folder_named_by_a_whole_path_is_not_told_and_one_with_files_is_refused() {
    if !can_mount() {
        return;
    }
    let bench = with_base();
    bench.commit_with("one", "base", |root| {
        fs::create_dir(root.join("C:\\hello")).unwrap();
        write(root, "new", "new");
    });
    bench.look_at("one", |root| {
        assert_eq!(read(root, "new"), "new");
        assert!(!root.join("C:\\hello").exists());
    });
    let mounted = bench.mount(&bench.prepare("two", "one"));
    write(mounted.path(), "C:\\hello/file", "lost?");
    drop(mounted);
    let error = bench.commit("done", "two").unwrap_err();
    assert!(error.message().contains("C:\\hello"), "{error}");
}
