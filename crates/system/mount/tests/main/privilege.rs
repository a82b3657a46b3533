//! What happens without privileges.

use std::thread;

use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use transom_mount::{Kind, Why, can_mount, erofs, scratch};

use crate::support::{Folder, Image, ready};

#[test]
fn thread_without_the_capability_cannot_mount_and_is_told_so() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let image = Image::new(folder.path(), 1);
    let scratch_image = folder.file("scratch");
    thread::scope(|scope| {
        let work = || {
            let mut sets = capabilities(None).unwrap();
            sets.effective.remove(CapabilitySet::SYS_ADMIN);
            set_capabilities(None, sets).unwrap();

            assert_eq!(can_mount(), Err(Why::NotPrivileged));
            let error = erofs(&image.index, &image.devices, None).unwrap_err();
            assert_eq!(error.kind(), Kind::Denied);
            scratch::create(&scratch_image, scratch::MINIMUM_SIZE).unwrap();
            let error = scratch::mount(&scratch_image).unwrap_err();
            assert_eq!(error.kind(), Kind::Denied);
        };
        scope.spawn(work).join().unwrap();
    });
    scratch::mount(&scratch_image).unwrap();
}
