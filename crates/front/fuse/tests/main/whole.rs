//! A mount shows just what the engine reads.

use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::Path;
use std::thread;

use transom_fuse::View;
use transom_layer::Digest;
use transom_sealed::{Kind, Node, Tree};

use crate::support::{Home, Mounted, can_mount};

fn data_of(tree: &Tree, node: &Node) -> Vec<u8> {
    let mut data = Vec::new();
    tree.open_data(node)
        .unwrap()
        .read_to_end(&mut data)
        .unwrap();
    data
}

/// Asserts that a folder of the mount is the folder of the tree, and returns how many entries it has below.
fn assert_same(tree: &Tree, node: &Node, at: &Path) -> usize {
    let mut listed: Vec<_> = fs::read_dir(at).unwrap().map(Result::unwrap).collect();
    listed.sort_by_key(fs::DirEntry::file_name);
    let children = tree.children(node).unwrap();
    let names: Vec<_> = listed.iter().map(fs::DirEntry::file_name).collect();
    let expected: Vec<_> = children.iter().map(Node::name).collect();
    assert!(
        names.iter().map(|name| name.as_bytes()).eq(expected),
        "{names:?}"
    );
    let mut count = children.len();
    for (child, entry) in children.iter().zip(&listed) {
        let path = entry.path();
        let shown = path.display();
        let metadata = tree.metadata(child).unwrap();
        let found = fs::symlink_metadata(&path).unwrap();
        assert_eq!(found.file_type(), entry.file_type().unwrap(), "{shown}");
        assert_eq!(found.ino(), entry.ino(), "{shown}");
        assert_eq!(found.nlink(), u64::from(metadata.links), "{shown}");
        assert_eq!(found.mtime(), metadata.modified.seconds, "{shown}");
        assert_eq!(
            found.mtime_nsec(),
            i64::from(metadata.modified.nanos),
            "{shown}"
        );
        assert_eq!(
            found.mode() & 0o222,
            if found.is_symlink() { 0o222 } else { 0 },
            "{shown}"
        );
        match metadata.kind {
            Kind::Directory => {
                assert!(found.is_dir(), "{shown}");
                count += assert_same(tree, child, &path);
            }
            Kind::File => {
                assert!(found.is_file(), "{shown}");
                assert_eq!(found.len(), metadata.size, "{shown}");
                assert!(fs::read(&path).unwrap() == data_of(tree, child), "{shown}");
            }
            Kind::Symlink | Kind::Junction => {
                let target = fs::read_link(&path).unwrap();
                assert_eq!(found.len(), target.as_os_str().len() as u64, "{shown}");
            }
            Kind::Special => panic!("{shown}"),
        }
        for stream in tree.streams(child).unwrap() {
            let path = at.join(std::ffi::OsStr::from_bytes(stream.name()));
            assert!(
                fs::read(&path).unwrap() == data_of(tree, &stream),
                "{path:?}"
            );
        }
    }
    count
}

#[test]
fn the_bundled_image_reads_through_a_mount_as_the_engine_reads_it() {
    if !can_mount() {
        return;
    }
    let home = Home::new();
    let tree = home.sample();
    let mounted = Mounted::new(&tree, View::Raw);
    let root = tree.root().unwrap();
    // The second time the kernel answers from what it remembers.
    for _ in 0..2 {
        assert!(assert_same(&tree, &root, mounted.root()) > 60);
    }
    let names = |path: &Path| fs::read_dir(path).unwrap().count();
    assert_eq!(names(mounted.root()), 3);
    let volume = Mounted::new(&tree, View::Volume);
    let files = tree.child(&root, b"Files").unwrap().unwrap();
    assert_same(&tree, &files, volume.root());
}

#[test]
fn eight_threads_read_the_same_at_once() {
    if !can_mount() {
        return;
    }
    let home = Home::new();
    let tree = home.sample();
    let mounted = Mounted::new(&tree, View::Volume);
    let hashes: Vec<Vec<Digest>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut hashes = Vec::new();
                    hash_all(mounted.root(), &mut hashes);
                    hashes
                })
            })
            .collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert!(hashes[0].len() > 20, "{}", hashes[0].len());
    assert!(hashes.iter().all(|other| *other == hashes[0]));
}

fn hash_all(folder: &Path, hashes: &mut Vec<Digest>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            hash_all(&entry.path(), hashes);
        } else if kind.is_file() {
            hashes.push(Digest::of(&fs::read(entry.path()).unwrap()));
        }
    }
}
