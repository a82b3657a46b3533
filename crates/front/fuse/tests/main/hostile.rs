//! A damaged index gives errors, not wrong answers, panics or endless loops.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::test_runner::{Config, TestRunner};
use rustix::io::Errno;
use transom_fuse::{View, mount};
use transom_layer::Names;

use crate::support::{Home, add, add_file, can_mount, errno_of, layer, options};
use transom_sample::shape::{Content, LayerTree};

/// A store with one layer, and where its index lies.
fn stored(layer: &LayerTree) -> (Home, transom_layer::DiffId, std::path::PathBuf) {
    let home = Home::new();
    let id = home.import(&layer.write(Vec::new()).unwrap(), Names::Windows);
    let folder = home.dir.path().join("store/layers").join(id.0.hex());
    (home, id, folder.join("index.erofs"))
}

/// Reads all there is, deep and wide as it may be, and stops after some thousand entries.
fn read_all(folder: &Path, depth: usize, left: &mut usize) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let Ok(entry) = entry else { return };
        if *left == 0 {
            return;
        }
        *left -= 1;
        let path = entry.path();
        let _ = rustix::fs::llistxattr(&path, &mut [0; 1000]);
        let _ = fs::read_link(&path);
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() && depth < 40 => read_all(&path, depth + 1, left),
            Ok(metadata) if metadata.is_file() => {
                if let Ok(file) = fs::File::open(&path) {
                    let _ = file.read_at(&mut [0; 4096], metadata.len().saturating_sub(5));
                }
            }
            _ => {}
        }
    }
}

#[test]
fn a_folder_that_lies_in_itself_is_an_error() {
    if !can_mount() {
        return;
    }
    let mut layer = layer();
    add(&mut layer, "Files/Dir/inner", Content::Folder);
    add_file(&mut layer, "Files/Dir/inner/file", b"x");
    let (home, id, index) = stored(&layer);
    let tree = home.store.open_layer(id, Names::Windows).unwrap();
    let mut node = tree.root().unwrap();
    let mut ids = Vec::new();
    for name in ["Files", "Dir", "inner"] {
        node = tree.child(&node, name.as_bytes()).unwrap().unwrap();
        ids.push(node.id());
    }
    let good = fs::read(&index).unwrap();
    for ancestor in &ids[..2] {
        // The number of `inner` in its folder becomes that of a folder above.
        let mut bad = good.clone();
        for at in 0..bad.len() - 12 {
            // A directory entry: number, place of the name, kind 2, a zero.
            let is_entry = bad[at..].starts_with(&ids[2].to_le_bytes());
            if is_entry && bad[at + 10..at + 12] == [2, 0] {
                bad[at..at + 8].copy_from_slice(&ancestor.to_le_bytes());
            }
        }
        fs::write(&index, bad).unwrap();
        let tree = home.store.open_layer(id, Names::Windows).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let session = mount(tree.into(), &options(View::Volume), dir.path()).unwrap();
        let looped = dir.path().join("Dir/inner");
        assert_eq!(errno_of(fs::metadata(&looped)), Errno::IO.raw_os_error());
        let mut left = 100;
        read_all(dir.path(), 0, &mut left);
        assert!((90..100).contains(&left), "{} entries", 100 - left);
        session.unmount().unwrap();
        session.join().unwrap();
    }
}

#[test]
fn data_that_the_tar_no_longer_has_is_an_error() {
    if !can_mount() {
        return;
    }
    let mut layer = layer();
    add_file(&mut layer, "Files/Dir/file", &[7; 300_000]);
    let (home, id, index) = stored(&layer);
    let tar = fs::File::options()
        .write(true)
        .open(index.with_file_name("layer.tar"))
        .unwrap();
    tar.set_len(50_000).unwrap();
    let tree = home.store.open_layer(id, Names::Windows).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let _session = mount(tree.into(), &options(View::Volume), dir.path()).unwrap();
    assert_eq!(
        errno_of(fs::read(dir.path().join("Dir/file"))),
        Errno::IO.raw_os_error()
    );
}

#[test]
fn an_index_with_any_byte_changed_is_served_without_a_panic() {
    if !can_mount() {
        return;
    }
    let mut layer = layer();
    for number in 0..20 {
        let node = add_file(&mut layer, &format!("Files/Dir/{number}"), &[1; 5000]);
        node.stream("s", "stream");
        node.metadata.security = Some(vec![1; 40]);
    }
    add(&mut layer, "Files/Dir/sub", Content::Folder);
    add(
        &mut layer,
        "Files/Dir/sub/link",
        Content::FileLink(r"C:\Dir\1".into()),
    );
    let (home, id, index) = stored(&layer);
    let good = fs::read(&index).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut runner = TestRunner::new(Config {
        cases: 60,
        failure_persistence: None,
        ..Config::default()
    });
    let changes = proptest::collection::vec((0..good.len(), proptest::num::u8::ANY), 1..30);
    let start = Instant::now();
    let mounts = Cell::new(0);
    runner
        .run(&changes, |changes| {
            let mut bad = good.clone();
            for (at, byte) in changes {
                bad[at] = byte;
            }
            fs::write(&index, bad).unwrap();
            if let Ok(tree) = home.store.open_layer(id, Names::Windows)
                && let Ok(session) = mount(tree.into(), &options(View::Raw), dir.path())
            {
                mounts.set(mounts.get() + 1);
                read_all(dir.path(), 0, &mut 2000);
                session.unmount().unwrap();
                session.join().unwrap();
            }
            Ok(())
        })
        .unwrap();
    assert!(mounts.get() > 10, "{} mounts", mounts.get());
    assert!(start.elapsed() < Duration::from_secs(120));
}
