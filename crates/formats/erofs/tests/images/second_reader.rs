//! An independent reader, the crate erofs-rs, gives back what the writer was given.

use std::collections::BTreeMap;
use std::io::Read;

use erofs_rs::EroFS;
use erofs_rs::backend::SliceImage;
use erofs_rs::types::Inode;
use proptest::prelude::*;
use transom_erofs::FileKind;

use crate::strategy;
use crate::tree::{Expected, Tree, catalogue};

fn check(tree: Tree) {
    let (image, expected, devices) = tree.write();
    let devices = devices
        .iter()
        .map(|device| SliceImage::new(device))
        .collect();
    let image = EroFS::new_with_devices(SliceImage::new(&image), devices).unwrap();
    let root = image
        .get_inode(image.super_block().root_inode_id())
        .unwrap();
    let mut inodes = BTreeMap::from([(Vec::new(), root)]);
    for entry in image.walk_dir("/").unwrap() {
        let entry = entry.unwrap();
        let path = entry.dir_entry.path().into_vec();
        assert!(inodes.insert(path[1..].to_vec(), entry.inode).is_none());
    }
    assert!(inodes.keys().eq(expected.keys()), "paths differ");
    for (path, inode) in inodes {
        check_inode(
            &image,
            &String::from_utf8_lossy(&path),
            inode,
            &expected[&path],
        );
    }
}

fn check_inode(image: &EroFS<SliceImage<'_>>, shown: &str, inode: Inode, want: &Expected) {
    let meta = &want.meta;
    let mtime = (meta.mtime.seconds, meta.mtime.nanoseconds);
    assert_eq!(inode.modified_unix(), mtime, "mtime of {shown}");
    assert_eq!(
        (inode.uid(), inode.gid()),
        (meta.uid, meta.gid),
        "owner of {shown}"
    );
    assert_eq!(inode.nlink(), want.nlink, "links of {shown}");
    let rdev = want.rdev.map(|number| (number.major, number.minor));
    assert_eq!(inode.device(), rdev, "device number of {shown}");
    assert!(
        image.xattrs_inode(inode).unwrap() == meta.xattrs,
        "attributes of {shown}"
    );
    match want.kind {
        FileKind::Directory => assert!(inode.is_dir(), "{shown}"),
        FileKind::Symlink => {
            let target = image.read_link_inode(inode).unwrap().into_vec();
            assert_eq!(target, want.target, "target of {shown}");
        }
        FileKind::Regular => {
            let mut data = Vec::new();
            image
                .open_inode_file(inode)
                .unwrap()
                .read_to_end(&mut data)
                .unwrap();
            assert!(data == want.data(), "data of {shown}");
        }
        _ => {}
    }
}

#[test]
fn second_reader_shows_one_of_everything() {
    check(catalogue());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    #[test]
    fn second_reader_shows_any_tree_as_it_was_built(plan in strategy::plan()) {
        check(strategy::build(plan));
    }
}
