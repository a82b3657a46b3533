//! Trees and data, whatever state the files are in.

use std::fs;
use std::io::{Read, Seek, SeekFrom};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use transom_layer::Names;
use transom_sealed::TreeError;

use crate::support::{Home, Layer, WINDOWS, chain, find, has, path, paths, text};

fn sample() -> Layer {
    Layer::new()
        .dir("Files")
        .dir("Files/Windows")
        .file(
            "Files/Windows/Notepad.exe",
            &(0..=255).cycle().take(5000).collect::<Vec<u8>>(),
        )
        .stream("Files/Windows/Notepad.exe:Zone", b"zone")
        .file("Files/Ünï", b"name")
        .junction("Files/Users", r"C:\u")
        .file(&format!("Files/{}", "日".repeat(200)), b"long")
}

#[test]
fn paths_are_found_in_any_case_and_in_every_spelling() {
    let home = Home::new();
    let tree = home.tree(&sample().tar());
    for spelling in ["files/WINDOWS/notepad.EXE", r"Files\Windows\Notepad.exe"] {
        assert_eq!(find(&tree, spelling).path(), b"Files/Windows/Notepad.exe");
    }
    assert_eq!(text(&tree, "FILES/üNÏ"), "name");
    assert_eq!(text(&tree, "files/windows/NOTEPAD.exe:ZONE"), "zone");
    assert_eq!(text(&tree, &format!("files/{}", "日".repeat(200))), "long");
    assert!(!has(&tree, &format!("files/{}", "日".repeat(201))));
    let error = |at: &str| tree.find(&path(at, Names::Windows)).unwrap_err();
    assert!(matches!(error("Files/none"), TreeError::NotFound { .. }));
    assert!(matches!(
        error("Files/Windows/Notepad.exe:none"),
        TreeError::NotFound { .. }
    ));
    for (at, what) in [
        ("Files/Windows/notepad.exe/x", "a file"),
        ("Files/users/x", "a junction"),
    ] {
        let text = chain(&error(at));
        assert!(text.contains(what), "{text}");
    }
    assert!(tree.open_data(&find(&tree, "Files/users")).is_err());
    assert!(tree.children(&find(&tree, "Files/Ünï")).is_err());
}

#[test]
fn data_is_read_from_any_place() {
    let home = Home::new();
    let tree = home.tree(&sample().tar());
    let mut data = tree
        .open_data(&find(&tree, "Files/Windows/Notepad.exe"))
        .unwrap();
    let mut bytes = [0; 3];
    for (to, expected) in [
        (SeekFrom::Start(4997), Some([133, 134, 135])),
        (SeekFrom::End(-5000), Some([0, 1, 2])),
        (SeekFrom::Current(253), Some([0, 1, 2])),
        (SeekFrom::Start(4998), None),
        (SeekFrom::Start(1 << 60), None),
    ] {
        data.seek(to).unwrap();
        assert_eq!(
            data.read_exact(&mut bytes).ok().map(|()| bytes),
            expected,
            "{to:?}"
        );
    }
    assert!(data.seek(SeekFrom::End(-5001)).is_err());
    assert!(data.seek(SeekFrom::Current(i64::MIN)).is_err());
    data.seek(SeekFrom::Start(0)).unwrap();
    let mut all = Vec::new();
    data.read_to_end(&mut all).unwrap();
    assert_eq!(all.len(), 5000);
    assert_eq!(data.read(&mut bytes).unwrap(), 0);
}

#[test]
fn a_tar_that_is_cut_off_gives_an_error_that_says_so() {
    let home = Home::new();
    let id = home.import(&sample().tar());
    let tar = home.layer_file(id, "layer.tar");
    fs::File::options()
        .write(true)
        .open(&tar)
        .unwrap()
        .set_len(4000)
        .unwrap();
    let tree = home.store.open_layer(id, Names::Windows).unwrap();
    let mut data = tree
        .open_data(&find(&tree, "Files/Windows/Notepad.exe"))
        .unwrap();
    let error = data.read_to_end(&mut Vec::new()).unwrap_err();
    assert!(
        error.to_string().contains("shorter than its index says"),
        "{error}"
    );
    // Not every system lets go of a file that is open.
    drop((data, tree));
    fs::remove_file(&tar).unwrap();
    let tree = home.store.open_layer(id, Names::Windows).unwrap();
    let error = tree.open_data(&find(&tree, "Files/Ünï")).unwrap_err();
    assert!(chain(&error).contains("layer.tar"), "{error}");
}

#[test]
fn an_index_that_is_gone_or_cut_off_is_an_error() {
    let home = Home::new();
    let ids = [
        home.import(&sample().tar()),
        home.import(&Layer::new().dir("Files").tar()),
    ];
    let index = home.layer_file(ids[0], "index.erofs");
    let whole = fs::read(&index).unwrap();
    for bytes in [&b""[..], &whole[..1500], b"no index"] {
        fs::write(&index, bytes).unwrap();
        let error = home.store.open_layer(ids[0], Names::Windows).unwrap_err();
        assert!(chain(&error).contains("damaged"), "{error}");
        let error = home.store.open_chain(&ids, WINDOWS).unwrap_err();
        let text = chain(&error);
        assert!(
            text.contains(&ids[0].to_string()) && text.contains("damaged"),
            "{text}"
        );
    }
    fs::remove_file(&index).unwrap();
    assert!(home.store.open_layer(ids[0], Names::Windows).is_err());
    assert!(home.store.open_chain(&ids, WINDOWS).is_err());
}

/// Reads everything that can be read; errors are fine.
fn read_all(tree: &transom_sealed::Tree) {
    let Ok(root) = tree.root() else { return };
    let mut nodes = vec![root];
    let mut left = 2000;
    while let Some(node) = nodes.pop() {
        left -= 1;
        if left == 0 {
            break;
        }
        let _ = tree.metadata(&node);
        let _ = tree.streams(&node);
        if let Ok(data) = tree.open_data(&node) {
            let _ = data.take(1 << 20).read_to_end(&mut Vec::new());
        }
        if let Ok(entries) = tree.entries(&node) {
            assert!(entries.iter().all(|entry| !entry.name().contains(&b'/')));
            nodes.extend(entries);
        }
    }
}

#[test]
fn a_flipped_byte_in_an_index_never_makes_reading_panic() {
    let home = Home::new();
    let other = home.import(&Layer::new().dir("Files").whiteout("Files/Ünï").tar());
    let id = home.import(&sample().tar());
    let index = home.layer_file(id, "index.erofs");
    let whole = fs::read(&index).unwrap();
    let sound = home.store.open_layer(id, Names::Windows).unwrap();
    assert!(paths(&sound).len() > 6);
    // Everything before byte 1024 is unused, and a flip in the superblock fails its checksum.
    let flips = prop::collection::vec((1500..whole.len(), any::<u8>()), 1..4);
    let config = ProptestConfig {
        cases: 600,
        failure_persistence: None,
        ..Default::default()
    };
    let result = TestRunner::new(config).run(&flips, |flips| {
        let mut bytes = whole.clone();
        flips.iter().for_each(|(at, with)| bytes[*at] ^= with);
        fs::write(&index, bytes).unwrap();
        if let Ok(tree) = home.store.open_layer(id, Names::Windows) {
            read_all(&tree);
            let mut changes = 0;
            let _ = transom_sealed::diff::compare(&tree, &sound, &mut |_| {
                changes += 1;
                match changes {
                    2000 => Err(std::io::ErrorKind::Other.into()),
                    _ => Ok(()),
                }
            });
        }
        if let Ok(tree) = home.store.open_chain(&[id, other], WINDOWS) {
            read_all(&tree);
        }
        fs::remove_dir_all(home.root().join("chains")).unwrap();
        fs::create_dir(home.root().join("chains")).unwrap();
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}
