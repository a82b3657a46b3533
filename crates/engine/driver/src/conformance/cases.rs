//! The cases.

use std::io::{Read, Write};

use transom_layertar::{EntryKind, Header, Writer};

use super::building::{
    NO_OPTIONS, changes, contents, contents_through_child, diff, expect_changes, id, make_base,
    make_writable, mounted, remove_all, seal,
};
use super::volume::Volume;
use crate::{ChangeKind, Driver, Engine, ErrorKind};

/// Layers of the deep stack; Docker allows 125, and each one is mounted once while it is built.
const DEPTH: usize = 20;

/// CreateEmpty: layers exist from their creation to their removal, also those that hold nothing.
pub fn layers_exist_until_they_are_removed<E: Engine, V: Volume>(driver: &Driver<E>, _: &V) {
    let case = "exist";
    let empty = id(case, "empty");
    assert!(!driver.exists(&empty).expect("can tell"), "not yet made");
    driver.create(&empty, None).expect("creates an empty layer");
    assert!(driver.exists(&empty).expect("can tell"), "was made");
    let again = driver.create(&empty, None).expect_err("is there already");
    assert_eq!(again.kind(), ErrorKind::Exists);
    assert!(driver.exists(&empty).expect("can tell"), "is still there");
    remove_all(driver, &[&empty]);
    driver
        .remove(&empty)
        .expect("removing what is gone is no error");

    let orphan = id(case, "orphan");
    let missing = driver.create_writable(&orphan, Some(&empty), NO_OPTIONS);
    assert_eq!(
        missing.expect_err("has no parent").kind(),
        ErrorKind::NotFound
    );
    assert!(
        !driver.exists(&orphan).expect("can tell"),
        "nothing is left"
    );
}

/// CreateBase and CreateSnap: a writable layer shows exactly its parent, then what is written, also at the next mount.
pub fn writable_layers_show_their_parent_and_keep_what_is_written<E: Engine, V: Volume>(
    driver: &Driver<E>,
    volume: &V,
) {
    let case = "snap";
    let base = make_base(driver, case);
    let (one, other) = (id(case, "one"), id(case, "other"));
    make_writable(driver, &one, &base);
    make_writable(driver, &other, &base);
    let shown = contents(driver, volume, &one);
    let names: Vec<_> = shown.keys().map(String::as_str).collect();
    let expected = [
        "Windows",
        "Windows/System32",
        "Windows/System32/config",
        "Windows/System32/config/DEFAULT",
        "Windows/System32/config/SAM",
        "Windows/System32/config/SECURITY",
        "Windows/System32/config/SOFTWARE",
        "Windows/System32/config/SYSTEM",
        "bottom.txt",
    ];
    assert_eq!(
        names, expected,
        "the root of the volume is the content of Files"
    );
    assert_eq!(shown["bottom.txt"].as_deref(), Some(&b"bottom"[..]));

    mounted(driver, &one, |root| {
        volume.write(root, "dir/new.txt", b"new").expect("writes");
        volume
            .write(root, "bottom.txt", b"changed")
            .expect("writes");
        volume
            .remove(root, "Windows/System32/config/SAM")
            .expect("removes");
    });
    let mut expected = shown.clone();
    expected.insert("dir".into(), None);
    expected.insert("dir/new.txt".into(), Some(b"new".into()));
    expected.insert("bottom.txt".into(), Some(b"changed".into()));
    expected.remove("Windows/System32/config/SAM");
    assert_eq!(
        contents(driver, volume, &one),
        expected,
        "at the second mount"
    );
    assert_eq!(
        contents(driver, volume, &other),
        shown,
        "its sibling sees nothing of it"
    );
    remove_all(driver, &[&one, &other, &base]);
}

/// DeepLayerRead: the bottom and every layer on it are seen through the whole stack, which is removed from the top.
pub fn the_bottom_of_a_deep_stack_is_read<E: Engine, V: Volume>(driver: &Driver<E>, volume: &V) {
    let case = "deep";
    let mut stack = vec![make_base(driver, case)];
    for depth in 1..=DEPTH {
        let parent = &stack[depth - 1];
        let scratch = id(case, "scratch");
        make_writable(driver, &scratch, parent);
        mounted(driver, &scratch, |root| {
            let name = format!("layers/{depth}.txt");
            volume
                .write(root, &name, depth.to_string().as_bytes())
                .expect("writes");
            volume
                .write(root, "top.txt", depth.to_string().as_bytes())
                .expect("writes");
        });
        let layer = id(case, &depth.to_string());
        seal(driver, &scratch, parent, &layer);
        remove_all(driver, &[&scratch]);
        stack.push(layer);
    }
    let shown = contents_through_child(driver, volume, &stack[DEPTH]);
    assert_eq!(shown["bottom.txt"].as_deref(), Some(&b"bottom"[..]));
    for depth in 1..=DEPTH {
        let found = shown[&format!("layers/{depth}.txt")].as_deref();
        assert_eq!(found, Some(depth.to_string().as_bytes()));
    }
    let top = shown["top.txt"].as_deref();
    assert_eq!(
        top,
        Some(DEPTH.to_string().as_bytes()),
        "the top layer wins"
    );
    let from_top: Vec<_> = stack.iter().rev().collect();
    remove_all(driver, &from_top);
}

/// DiffApply: a diff applied to a sibling gives the same tree, removals included, and the size that DiffSize said.
pub fn the_diff_of_a_layer_makes_the_same_layer_elsewhere<E: Engine, V: Volume>(
    driver: &Driver<E>,
    volume: &V,
) {
    let case = "apply";
    let base = make_base(driver, case);
    let (scratch, sealed) = (id(case, "scratch"), id(case, "sealed"));
    make_writable(driver, &scratch, &base);
    mounted(driver, &scratch, |root| {
        for number in 0..30_usize {
            let data = vec![b'x'; number * 100];
            volume
                .write(root, &format!("many/{number}.bin"), &data)
                .expect("writes");
        }
        // Sorts between a folder's name and what is in the folder, if whole paths are compared.
        volume
            .write(root, "many.txt", b"beside the folder")
            .expect("writes");
        volume
            .write(root, "Windows/System32/config/SAM", b"longer than before")
            .expect("writes");
        volume.remove(root, "bottom.txt").expect("removes");
        volume
            .remove(root, "Windows/System32/config/SECURITY")
            .expect("removes");
    });
    let size = driver.diff_size(&scratch).expect("measures");
    let applied = seal(driver, &scratch, &base, &sealed);
    assert_eq!(
        applied, size,
        "what apply_diff returns is what diff_size said"
    );
    assert_eq!(
        driver.diff_size(&sealed).expect("measures"),
        size,
        "and says of the result"
    );
    let written = contents(driver, volume, &scratch);
    assert_eq!(contents_through_child(driver, volume, &sealed), written);
    assert_eq!(
        diff(driver, &scratch),
        diff(driver, &scratch),
        "a diff is deterministic"
    );
    remove_all(driver, &[&sealed, &scratch, &base]);
}

/// Changes: the exact list of what was added, modified and deleted, in a writable layer and once it is sealed.
pub fn changes_list_what_was_added_modified_and_deleted<E: Engine, V: Volume>(
    driver: &Driver<E>,
    volume: &V,
) {
    use ChangeKind::{Added, Deleted, Modified};
    let case = "changes";
    let base = make_base(driver, case);
    let (lower, layer, top) = (id(case, "lower"), id(case, "layer"), id(case, "top"));
    make_writable(driver, &lower, &base);
    expect_changes(&changes(driver, &lower, &[]), &[]);
    mounted(driver, &lower, |root| {
        for name in ["keep.txt", "edit.txt", "gone.txt", "old/a.txt", "old/b.txt"] {
            volume.write(root, name, name.as_bytes()).expect("writes");
        }
    });
    seal(driver, &lower, &base, &layer);
    make_writable(driver, &top, &layer);
    mounted(driver, &top, |root| {
        volume.write(root, "edit.txt", b"edited").expect("writes");
        volume.write(root, "new/c.txt", b"c").expect("writes");
        volume.remove(root, "gone.txt").expect("removes");
        volume.remove(root, "old").expect("removes");
        volume.remove(root, "bottom.txt").expect("removes");
    });
    let lower_changes = [
        ("Files/edit.txt", Added),
        ("Files/gone.txt", Added),
        ("Files/keep.txt", Added),
        ("Files/old", Added),
        ("Files/old/a.txt", Added),
        ("Files/old/b.txt", Added),
    ];
    expect_changes(&changes(driver, &lower, &[]), &lower_changes);
    expect_changes(&changes(driver, &layer, &[]), &lower_changes);
    let top_changes = [
        ("Files/bottom.txt", Deleted),
        ("Files/edit.txt", Modified),
        ("Files/gone.txt", Deleted),
        ("Files/new", Added),
        ("Files/new/c.txt", Added),
        ("Files/old", Deleted),
    ];
    expect_changes(&changes(driver, &top, &[]), &top_changes);
    remove_all(driver, &[&top, &layer, &lower, &base]);
}

/// Echo (containers/storage): a history that adds, removes a part and adds again; each layer lists its own step.
pub fn each_step_of_a_history_lists_its_changes<E: Engine, V: Volume>(
    driver: &Driver<E>,
    volume: &V,
) {
    use ChangeKind::{Added, Deleted};
    let case = "echo";
    let mut stack = vec![make_base(driver, case)];
    for depth in 1..=6_usize {
        let parent = stack[depth - 1].clone();
        let (scratch, layer) = (id(case, "scratch"), id(case, &depth.to_string()));
        make_writable(driver, &scratch, &parent);
        let adds = depth % 2 == 1;
        mounted(driver, &scratch, |root| {
            if adds {
                volume.write(root, "again/a.txt", b"a").expect("writes");
                volume.write(root, "again/b.txt", b"b").expect("writes");
            } else if depth % 4 == 2 {
                volume.remove(root, "again/a.txt").expect("removes");
            } else {
                volume.remove(root, "again").expect("removes");
            }
        });
        seal(driver, &scratch, &parent, &layer);
        let expected: &[_] = match depth % 4 {
            // Layer 3 finds `b.txt` as it writes it.
            1 => &[
                ("Files/again", Added),
                ("Files/again/a.txt", Added),
                ("Files/again/b.txt", Added),
            ],
            2 => &[("Files/again/a.txt", Deleted)],
            3 => &[("Files/again/a.txt", Added)],
            _ => &[("Files/again", Deleted)],
        };
        let mut found = changes(driver, &layer, &["Files/again"]);
        // An engine may list what was written with the same content.
        found.retain(|(path, kind)| depth % 4 != 3 || path != "Files/again/b.txt" || *kind != 0);
        expect_changes(&found, expected);
        remove_all(driver, &[&scratch]);
        stack.push(layer);
    }
    let from_top: Vec<_> = stack.iter().rev().collect();
    remove_all(driver, &from_top);
}

/// A diff, and a diff given up, leave a mounted layer mounted at the same place with the same files.
pub fn the_diff_of_a_mounted_layer_leaves_it_mounted<E: Engine, V: Volume>(
    driver: &Driver<E>,
    volume: &V,
) {
    let case = "mounted";
    let base = make_base(driver, case);
    let layer = id(case, "layer");
    make_writable(driver, &layer, &base);
    let root = driver.get(&layer).expect("mounts");
    volume
        .write(&root, "big.bin", &vec![7; 3 << 20])
        .expect("writes");
    let shown = volume.read_all(&root).expect("reads all files");
    let mounted_diff = diff(driver, &layer);
    drop(driver.diff(&layer).expect("starts an export"));
    let again = driver.get(&layer).expect("adds a reference");
    assert_eq!(again, root, "the mount is where it was");
    assert_eq!(volume.read_all(&root).expect("reads all files"), shown);
    driver.put(&layer).expect("drops a reference");
    assert_eq!(volume.read_all(&root).expect("is still mounted"), shown);
    driver.put(&layer).expect("unmounts");
    assert_eq!(
        diff(driver, &layer),
        mounted_diff,
        "the same diff without a mount"
    );
    remove_all(driver, &[&layer, &base]);
}

/// DiffGetter: what tar-split needs to put a layer's tar together again.
pub fn files_of_a_layer_open_by_their_names_in_the_tar<E: Engine, V: Volume>(
    driver: &Driver<E>,
    _: &V,
) {
    let case = "getter";
    let base = make_base(driver, case);
    let layer = id(case, "layer");
    driver.create(&layer, Some(&base)).expect("creates a layer");
    let mut tar = Writer::new(Vec::new());
    let mut add = |kind, name: &[u8], data: &[u8]| {
        let mut header = Header::new(kind, name);
        header.size = data.len() as u64;
        tar.append(&header).expect("fits a tar");
        tar.write_all(data).expect("memory takes all");
    };
    add(EntryKind::Directory, b"Files", b"");
    add(EntryKind::File, b"Files/a.txt", b"main");
    add(EntryKind::File, b"Files/a.txt:Zone.Identifier", b"stream");
    add(EntryKind::Directory, b"Hives", b"");
    add(EntryKind::File, b"Hives/System_Delta", b"delta");
    let tar = tar.finish().expect("is complete");
    let size = driver.apply_diff(&layer, Some(&base), &mut &tar[..]);
    assert_eq!(size.expect("fills a layer"), 9, "streams do not count");

    let getter = driver.diff_getter(&layer);
    for (name, expected) in [
        ("Files/a.txt", "main"),
        ("Files/a.txt:Zone.Identifier", "stream"),
        ("Hives/System_Delta", "delta"),
    ] {
        let mut found = String::new();
        let mut file = getter.get(name).expect("opens a file of the layer");
        file.read_to_string(&mut found).expect("reads");
        assert_eq!(found, expected, "{name}");
    }
    let of_parent = getter
        .get("Files/bottom.txt")
        .err()
        .expect("is the parent's file");
    assert_eq!(of_parent.kind(), ErrorKind::NotFound);
    remove_all(driver, &[&layer, &base]);
}

/// What is mounted or built upon stays.
pub fn what_is_in_use_is_not_removed<E: Engine, V: Volume>(driver: &Driver<E>, volume: &V) {
    let case = "in-use";
    let base = make_base(driver, case);
    let layer = id(case, "layer");
    make_writable(driver, &layer, &base);
    let built_on = driver.remove(&base).expect_err("has a child");
    assert_eq!(built_on.kind(), ErrorKind::InUse);
    let root = driver.get(&layer).expect("mounts");
    let mounted = driver.remove(&layer).expect_err("is mounted");
    assert_eq!(mounted.kind(), ErrorKind::InUse);
    assert!(
        volume
            .read_all(&root)
            .expect("is mounted")
            .contains_key("bottom.txt")
    );
    driver.put(&layer).expect("unmounts");
    remove_all(driver, &[&layer, &base]);
}
