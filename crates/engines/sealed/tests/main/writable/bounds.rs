//! Sizes of writable layers, and how many layers a stack can have.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use transom_driver::{EngineError, ErrorKind};
use transom_layer::Names;
use transom_sealed::NewWritable;

use super::{Bench, Layer, entries, id, unmount_below};
use crate::support::{all_names, has, skipped};

const MIB: usize = 1 << 20;

fn small_base() -> Vec<u8> {
    Layer::new()
        .dir("Files")
        .file("Files/bottom", b"bottom")
        .dir("Hives")
        .bytes()
}

#[test]
fn a_layer_of_fifty_megabytes_takes_half_of_that_and_no_more_than_that() {
    let Some(bench) = Bench::new() else { return };
    bench.base("base", None, &small_base());
    let root = bench.writable_of_size("top", Some("base"), Some("50M"));
    fs::write(root.join("half"), vec![1; 25 * MIB]).unwrap();
    let mut overflow = fs::File::create(root.join("overflow")).unwrap();
    let mut result = Ok(());
    for _ in 0..50 {
        result = overflow.write_all(&vec![2; MIB]);
        if result.is_err() {
            break;
        }
    }
    let result = result.and_then(|()| overflow.sync_all());
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::StorageFull);
    drop(overflow);
    fs::remove_file(root.join("overflow")).unwrap();
    assert_eq!(fs::read(root.join("half")).unwrap(), vec![1; 25 * MIB]);
    assert_eq!(fs::read(root.join("bottom")).unwrap(), b"bottom");
    let shown = rustix::fs::statvfs(&root).unwrap();
    let size = shown.f_blocks * shown.f_frsize;
    let expected = (40 * MIB) as u64..=(50 * MIB) as u64;
    assert!(expected.contains(&size), "df shows {size}");
    assert_eq!(bench.driver.diff_size(&id("top")).unwrap(), 25 * MIB as u64);
    let tree = bench.sealed("top", &[&small_base()]);
    assert!(has(&tree, "Files/half") && !has(&tree, "Files/overflow"));
}

#[test]
fn a_mounted_layer_grows_and_never_shrinks() {
    let Some(bench) = Bench::new() else { return };
    bench.base("base", None, &small_base());
    let root = bench.writable_of_size("top", Some("base"), Some("20M"));
    fs::write(root.join("first"), vec![1; 5 * MIB]).unwrap();
    let store = &bench.home.store;
    match store.grow_writable("top", 60 * MIB as u64) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::Denied => {
            return skipped("needs CAP_SYS_RESOURCE to make a mounted layer grow");
        }
        Err(error) => panic!("{error}"),
    }
    fs::write(root.join("second"), vec![2; 30 * MIB]).unwrap();
    let why = store.grow_writable("top", 30 * MIB as u64).unwrap_err();
    assert!(why.to_string().contains("top"), "{why}");
    assert_eq!(fs::read(root.join("first")).unwrap(), vec![1; 5 * MIB]);
    assert_eq!(fs::read(root.join("second")).unwrap(), vec![2; 30 * MIB]);
}

#[test]
fn a_layer_at_rest_grows_and_never_shrinks() {
    let Some(bench) = Bench::new() else { return };
    bench.base("base", None, &small_base());
    let root = bench.writable_of_size("top", Some("base"), Some("20M"));
    fs::write(root.join("first"), vec![1; 5 * MIB]).unwrap();
    bench.driver.put(&id("top")).unwrap();
    let store = &bench.home.store;
    store.grow_writable("top", 80 * MIB as u64).unwrap();
    store.grow_writable("top", 30 * MIB as u64).unwrap_err();
    let root = bench.driver.get(&id("top")).unwrap();
    assert_eq!(fs::read(root.join("first")).unwrap(), vec![1; 5 * MIB]);
    fs::write(root.join("second"), vec![2; 40 * MIB]).unwrap();
    let shown = rustix::fs::statvfs(&root).unwrap();
    assert!(shown.f_blocks * shown.f_frsize > 65 * MIB as u64);
}

#[test]
fn a_size_that_holds_nothing_is_refused_and_leaves_no_layer() {
    let Some(bench) = Bench::new() else { return };
    bench.base("base", None, &small_base());
    let (top, base) = (id("top"), id("base"));
    let made = bench
        .driver
        .create_writable(&top, Some(&base), [("size", "1M")]);
    made.unwrap_err();
    assert!(!bench.driver.exists(&top).unwrap());
    bench.home.assert_tidy();
}

#[test]
fn a_layer_with_a_size_is_removed_with_its_image() {
    let Some(bench) = Bench::new() else { return };
    bench.base("base", None, &small_base());
    bench.writable_of_size("top", Some("base"), Some("20M"));
    bench.driver.put(&id("top")).unwrap();
    bench.driver.remove(&id("top")).unwrap();
    let left = fs::read_dir(bench.home.root().join("writable")).unwrap();
    assert_eq!(left.count(), 0);
    bench.home.assert_tidy();
}

/// A layer of a high stack: it changes one file, adds one, and empties and fills a folder.
fn story(number: usize) -> Vec<u8> {
    if number == 0 {
        return small_base();
    }
    let text = number.to_string();
    let mut layer = Layer::new().dir("Files").dir("Files/again");
    if number > 1 {
        layer = layer.whiteout(&format!("Files/again/{}", number - 1));
    }
    layer
        .file(&format!("Files/again/{text}"), b"")
        .file("Files/changed", text.as_bytes())
        .file(&format!("Files/of-{text}"), text.as_bytes())
        .dir("Hives")
        .tar()
}

/// Checks the mount of a writable layer `top` on a stack of that many layers, changes a file, and looks at the diff.
fn check_mount(bench: &Bench, root: &Path, count: usize) {
    let last = (count - 1).to_string();
    assert_eq!(fs::read(root.join("bottom")).unwrap(), b"bottom");
    assert_eq!(fs::read_to_string(root.join("changed")).unwrap(), last);
    assert_eq!(all_names(&root.join("again")), [&*last]);
    for number in 1..count {
        let text = number.to_string();
        let found = fs::read_to_string(root.join(format!("of-{text}")));
        assert_eq!(found.unwrap(), text);
    }
    fs::write(root.join("bottom"), "changed").unwrap();
    assert_eq!(bench.changes("top"), ["~Files", "~Files/bottom"]);
    let expected = ["Files", "Files/bottom", "Hives"];
    assert_eq!(entries(&bench.diff("top")), expected);
    bench.driver.put(&id("top")).unwrap();
    bench.driver.remove(&id("top")).unwrap();
    assert!(!bench.driver.exists(&id("top")).unwrap());
}

#[test]
fn a_stack_of_128_layers_is_made_layer_by_layer_mounted_changed_and_removed() {
    let Some(bench) = Bench::new() else { return };
    bench.base("0", None, &story(0));
    for number in 1..128 {
        let parent = (number - 1).to_string();
        bench.base(&number.to_string(), Some(&parent), &story(number));
    }
    let root = bench.writable("top", Some("127"));
    check_mount(&bench, &root, 128);
    let in_use = bench.driver.remove(&id("0")).unwrap_err();
    assert_eq!(in_use.kind(), ErrorKind::InUse);
    for number in (0..128_usize).rev() {
        bench.driver.remove(&id(&number.to_string())).unwrap();
    }
    assert_eq!(bench.home.store.named_layers().unwrap(), []);
    assert_eq!(bench.home.store.layers().unwrap(), []);
    unmount_below(&bench.home.root());
}

#[test]
fn a_stack_of_500_layers_is_mounted_changed_and_removed() {
    let Some(bench) = Bench::new() else { return };
    let session = bench.home.store.session().unwrap();
    let below = (0..500).map(|number| {
        let request = crate::support::request("story", Names::Windows);
        let imported = session.import_layer(&story(number)[..], &request, &|_| {});
        imported.unwrap().diff_id
    });
    let new = NewWritable {
        id: &id("top"),
        below: below.collect(),
        names: Names::Windows,
        bound: None,
        config: None,
    };
    bench.home.store.create_writable(new).unwrap();
    drop(session);
    let root = bench.driver.get(&id("top")).unwrap();
    check_mount(&bench, &root, 500);
    assert_eq!(bench.home.store.layers().unwrap(), []);
    unmount_below(&bench.home.root());
}
