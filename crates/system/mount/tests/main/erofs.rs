//! EROFS images from files and through loop devices.

use std::fs;
use std::thread;

use rustix::io::Errno;
use transom_mount::{Kind, Lower, Overlay, Via, erofs, overlay};

use crate::support::{Folder, Image, assert_reads, loop_devices, ready};

/// The ways that this kernel knows.
fn ways(image: &Image) -> Vec<Via> {
    let mut ways = vec![Via::Loop];
    match erofs(&image.index, &image.devices, Some(Via::File)) {
        Ok(_) => ways.push(Via::File),
        Err(error) => assert_eq!(error.kind(), Kind::Unsupported, "{error}"),
    }
    ways
}

#[test]
fn image_with_devices_reads_right_by_every_way() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let image = Image::new(folder.path(), 20);
    for way in ways(&image) {
        let (mount, via) = erofs(&image.index, &image.devices, Some(way)).unwrap();
        assert_eq!(via, way);
        assert_reads(&mount.path(), 20);
        let devices = if way == Via::Loop { 21 } else { 0 };
        assert_eq!(loop_devices(folder.path()), devices);
        drop(mount);
        folder.wait_for_loop_devices();
    }
}

#[test]
fn files_are_preferred() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let image = Image::new(folder.path(), 1);
    let (_mount, via) = erofs(&image.index, &image.devices, None).unwrap();
    assert_eq!(via, *ways(&image).last().unwrap());
}

#[test]
fn five_hundred_devices_are_mounted() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let image = Image::new(folder.path(), 500);
    assert_reads(&image.mount().path(), 500);
}

#[test]
fn paths_may_be_long_and_have_any_character() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let long = "a long name, with a comma: and more\\".repeat(6);
    let [long] = folder.folders([&format!("{long}/{long}")]);
    let image = Image::new(&long, 3);
    for way in ways(&image) {
        let (mount, _) = erofs(&image.index, &image.devices, Some(way)).unwrap();
        assert_reads(&mount.path(), 3);
    }
}

#[test]
fn nothing_in_an_image_can_be_changed() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let image = Image::new(folder.path(), 1);
    let mount = image.mount();
    let error = fs::write(mount.path().join("Files/0"), "x").unwrap_err();
    assert_eq!(Errno::from_io_error(&error), Some(Errno::ROFS));
}

#[test]
fn missing_device_is_named() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let image = Image::new(folder.path(), 2);
    fs::remove_file(&image.devices[1]).unwrap();
    let error = erofs(&image.index, &image.devices, None).unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    assert!(error.to_string().contains("tar-1"), "{error}");
}

#[test]
fn damaged_image_is_refused_by_every_way() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let image = Image::new(folder.path(), 1);
    let ways = ways(&image);
    fs::write(&image.index, vec![0; 4096]).unwrap();
    for way in ways {
        let error = erofs(&image.index, &image.devices, Some(way)).unwrap_err();
        assert_eq!(error.kind(), Kind::Other);
        assert!(error.to_string().contains("index.erofs"), "{error}");
    }
    folder.wait_for_loop_devices();
}

#[test]
fn many_mounts_at_once_do_not_take_loop_devices_from_each_other() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    thread::scope(|scope| {
        for number in 0..8 {
            let [own] = folder.folders([&number.to_string()]);
            scope.spawn(move || {
                let image = Image::new(&own, 4);
                let (mount, _) = erofs(&image.index, &image.devices, Some(Via::Loop)).unwrap();
                assert_reads(&mount.path(), 4);
            });
        }
    });
    folder.wait_for_loop_devices();
}

#[test]
fn image_that_lies_on_an_overlay_can_be_the_lower_of_another() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let [lower, upper, work, first] = folder.folders(["lower", "upper", "work", "first"]);
    let options = Overlay {
        lower: Lower::Folder(&lower),
        upper: &upper,
        work: &work,
        staging: &first,
        source: "first",
    };
    overlay(options).unwrap().0.attach(None, &first).unwrap();
    let image = Image::new(&first, 2);

    let (mount, via) = erofs(&image.index, &image.devices, None).unwrap();

    assert_eq!(via, Via::Loop);
    let [upper, work, second] = folder.folders(["upper 2", "work 2", "second"]);
    let options = Overlay {
        lower: Lower::Mount(mount),
        upper: &upper,
        work: &work,
        staging: &second,
        source: "second",
    };
    let (mount, _) = overlay(options).unwrap();
    assert_reads(&mount.path(), 2);
}
