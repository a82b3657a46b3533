//! The kernel's table of mounts.

use std::fs;
use std::os::unix::fs::MetadataExt;

use transom_mount::table;

use crate::support::{Folder, Image, ready};

#[test]
fn root_is_in_the_table() {
    assert!(
        table()
            .unwrap()
            .iter()
            .any(|mounted| mounted.target.as_os_str() == "/")
    );
}

#[test]
fn mount_is_found_by_its_target_whatever_the_name() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let [target] = folder.folders(["a b\\040\tc\nd#, é"]);
    let image = Image::new(folder.path(), 1);
    image.mount().attach(None, &target).unwrap();

    let [mounted] = &folder.mounts()[..] else {
        panic!("one mount was attached")
    };

    assert_eq!(mounted.target, target);
    assert_eq!(
        mounted.device_number(),
        fs::metadata(&target).unwrap().dev()
    );
}
