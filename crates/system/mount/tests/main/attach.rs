//! Attaching and taking away.

use std::fs::{self, File};
use std::path::Path;

use transom_mount::{Kind, copy, unmount, unmount_lazily};

use crate::support::{Folder, Image, assert_reads, attributes, data, ready};

#[test]
fn mount_and_a_folder_of_it_are_attached_side_by_side() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let [raw, volume] = folder.folders(["raw", "volume"]);
    let mut mount = Image::new(folder.path(), 2).mount();

    mount.attach(None, &raw).unwrap();
    mount.attach(Some(Path::new("Files")), &volume).unwrap();
    drop(mount);

    assert_reads(&raw, 2);
    unmount(&raw).unwrap();
    assert_eq!(fs::read(volume.join("1")).unwrap(), data(1));
    unmount(&volume).unwrap();
    assert_eq!(fs::read_dir(&volume).unwrap().count(), 0);
}

#[test]
fn folder_of_what_is_attached_is_shown_elsewhere_as_well() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let [raw, volume] = folder.folders(["raw", "volume"]);
    Image::new(folder.path(), 2)
        .mount()
        .attach(None, &raw)
        .unwrap();

    let mut mount = copy(&raw).unwrap();
    mount.attach(Some(Path::new("Files")), &volume).unwrap();
    drop(mount);

    unmount(&raw).unwrap();
    assert_eq!(fs::read(volume.join("1")).unwrap(), data(1));
    let error = copy(&folder.file("absent")).unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
}

#[test]
fn views_are_read_only_and_without_devices_and_other_users_rights() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let [raw, volume] = folder.folders(["raw", "volume"]);
    let mut mount = Image::new(folder.path(), 1).mount();
    mount.attach(None, &raw).unwrap();
    mount.attach(Some(Path::new("Files")), &volume).unwrap();

    let mounts = folder.mounts();

    let roots: Vec<_> = mounts
        .iter()
        .map(|mounted| mounted.root.as_path())
        .collect();
    assert_eq!(roots, [Path::new("/"), Path::new("/Files")]);
    for mounted in mounts {
        assert_eq!(mounted.file_system, "erofs");
        for option in ["ro", "nosuid", "nodev"] {
            assert!(mounted.options.iter().any(|has| has == option), "{option}");
        }
    }
}

#[test]
fn links_in_the_tree_do_not_lead_out_of_it() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let image = Image::with(folder.path(), 0, [7; 16], |builder, _| {
        for (name, target) in [(&b"absolute"[..], &b"/etc"[..]), (b"inner", b"Files")] {
            let link = builder.symlink(attributes(0o777), target).unwrap();
            builder.link(builder.root(), name, link).unwrap();
        }
    });
    let [target] = folder.folders(["target"]);
    let mut mount = image.mount();
    for way in ["absolute", "inner", "..", "/etc", "Files/../.."] {
        mount.attach(Some(Path::new(way)), &target).expect_err(way);
        assert_eq!(folder.mounts(), [], "{way}");
    }
}

#[test]
fn missing_folders_are_named() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let [target] = folder.folders(["target"]);
    let mut mount = Image::new(folder.path(), 1).mount();

    let error = mount
        .attach(Some(Path::new("absent")), &target)
        .unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    assert!(error.to_string().contains("index.erofs/absent"), "{error}");
    let error = mount.attach(None, &folder.file("nowhere")).unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    assert!(error.to_string().contains("nowhere"), "{error}");

    mount.attach(None, &target).unwrap();
    assert_reads(&target, 1);
}

#[test]
fn mount_in_use_is_busy_until_it_is_unmounted_lazily() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let [target] = folder.folders(["target"]);
    Image::new(folder.path(), 1)
        .mount()
        .attach(None, &target)
        .unwrap();
    let file = File::open(target.join("Files/0")).unwrap();

    assert_eq!(unmount(&target).unwrap_err().kind(), Kind::Busy);
    assert_reads(&target, 1);
    unmount_lazily(&target).unwrap();

    assert_eq!(folder.mounts(), []);
    assert_eq!(std::io::read_to_string(file).unwrap().into_bytes(), data(0));
}

#[test]
fn unmounting_where_nothing_is_mounted_is_an_error() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    for path in [folder.path(), &folder.file("absent")] {
        assert_eq!(unmount(path).unwrap_err().kind(), Kind::NotFound);
        assert_eq!(unmount_lazily(path).unwrap_err().kind(), Kind::NotFound);
    }
}
