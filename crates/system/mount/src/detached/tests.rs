//! The way to attach that older kernels need works here too, so it is tried here.

use std::fs;

use rustix::mount::MountAttrFlags;
use tempfile::TempDir;

use super::*;
use crate::context::Context;
use crate::{Kind, can_mount, unmount};

/// A mount with a file in a folder; `None`, with a line that says why, where none can be made.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
pub(crate) fn memory() -> Option<Detached> {
    if let Err(why) = can_mount() {
        println!("skipped: {why}");
        return None;
    }
    let context = Context::new("tmpfs", Path::new("memory")).unwrap();
    let mount = context.mount(MountAttrFlags::empty()).unwrap();
    fs::create_dir(mount.path().join("Files")).unwrap();
    fs::write(mount.path().join("Files/a"), "1").unwrap();
    Some(mount)
}

#[test]
fn mount_attached_by_moving_can_be_attached_again() {
    let Some(mut mount) = memory() else { return };
    let folder = TempDir::new().unwrap();
    let [part, whole] = ["part", "whole"].map(|name| folder.path().join(name));
    for target in [&part, &whole] {
        fs::create_dir(target).unwrap();
    }

    mount
        .attach_by_moving(Some(Path::new("Files")), &part)
        .unwrap();
    mount.attach_by_moving(None, &whole).unwrap();
    drop(mount);

    fs::write(part.join("a"), "2").unwrap();
    assert_eq!(fs::read(whole.join("Files/a")).unwrap(), b"2");
    for target in [&part, &whole] {
        unmount(target).unwrap();
        assert_eq!(
            fs::read_dir(target).unwrap().count(),
            0,
            "nothing is beneath"
        );
    }
}

#[test]
fn mount_survives_that_moving_fails() {
    let Some(mut mount) = memory() else { return };
    let folder = TempDir::new().unwrap();

    let error = mount
        .attach_by_moving(Some(Path::new("absent")), folder.path())
        .unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    mount.attach_by_moving(None, folder.path()).unwrap();
    assert_eq!(fs::read(folder.path().join("Files/a")).unwrap(), b"1");
    unmount(folder.path()).unwrap();
}
