//! The driver over this engine: what moby's tests of graph drivers and of its layer store demand.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use transom_driver::ErrorKind;
use transom_driver::conformance::{self, PlainFolder};

use super::{Bench, Layer, base, edited, id, open, seen_in_mount, seen_in_tree, unmount_below};
use crate::support::{Home, all_names, names, text};

#[test]
fn the_engine_does_what_every_engine_must() {
    let Some(bench) = Bench::new() else { return };
    for (name, case) in conformance::cases() {
        case(&bench.driver, &PlainFolder);
        let left = bench.home.store.named_layers().unwrap();
        assert_eq!(left, [], "{name} leaves layers");
        assert_eq!(mounts_below(&bench.home), 0, "{name} leaves mounts");
    }
}

fn mounts_below(home: &Home) -> usize {
    let table = transom_mount::table().unwrap();
    let root = home.root();
    let ours = table.iter().filter(|line| line.target.starts_with(&root));
    ours.count()
}

/// `testDriverCreateEmpty` of graphtest.
#[test]
fn create_empty() {
    let Some(bench) = Bench::new() else { return };
    bench.driver.create(&id("empty"), None).unwrap();
    assert!(bench.driver.exists(&id("empty")).unwrap());
    let root = bench.driver.get(&id("empty")).unwrap();
    assert_eq!(all_names(&root), [] as [&str; 0]);
    bench.driver.put(&id("empty")).unwrap();
    assert_eq!(bench.driver.diff_size(&id("empty")).unwrap(), 0);
    assert_eq!(bench.changes("empty"), [] as [&str; 0]);
    bench.driver.remove(&id("empty")).unwrap();
    assert!(!bench.driver.exists(&id("empty")).unwrap());
}

/// `testDriverCreateBase` and `testDriverCreateSnap` of graphtest.
#[test]
fn create_base_and_snap() {
    let Some(bench) = Bench::new() else { return };
    bench.base("base", None, &base());
    let below = bench.driver.get(&id("base")).unwrap();
    let root = bench.writable("snap", Some("base"));
    assert_eq!(seen_in_mount(&root), seen_in_mount(&below));
    assert!(fs::write(below.join("a.txt"), "").is_err(), "is read-only");
    bench.driver.put(&id("base")).unwrap();
}

/// `testDriverDeepLayerRead` of graphtest, through 20 layers that were written.
#[test]
fn deep_layer_read() {
    let Some(bench) = Bench::new() else { return };
    bench.base("0", None, &base());
    for number in 1..=20 {
        let (parent, name) = ((number - 1).to_string(), number.to_string());
        let root = bench.writable("scratch", Some(&parent));
        fs::write(root.join(&name), &name).unwrap();
        let tar = bench.diff("scratch");
        bench.driver.put(&id("scratch")).unwrap();
        bench.driver.remove(&id("scratch")).unwrap();
        bench.base(&name, Some(&parent), &tar);
    }
    let root = bench.writable("top", Some("20"));
    assert_eq!(fs::read(root.join("a.txt")).unwrap(), b"one");
    for number in 1..=20 {
        let name = number.to_string();
        assert_eq!(fs::read_to_string(root.join(&name)).unwrap(), name);
    }
}

/// `testDriverDiffApply` of graphtest.
#[test]
fn diff_apply() {
    let Some(edited) = edited(base(), |root| {
        for number in 0..100 {
            fs::write(root.join(format!("data/{number}")), vec![7; number]).unwrap();
        }
        fs::remove_file(root.join("data/x")).unwrap();
        fs::remove_dir_all(root.join("Program Files")).unwrap();
        fs::write(root.join("a.txt"), "changed").unwrap();
    }) else {
        return;
    };
    // That the applied size is diff_size has been checked.
    let sibling = edited.bench.writable("sibling", Some("sealed"));
    assert_eq!(seen_in_mount(&sibling), seen_in_mount(&edited.root));
}

#[test]
fn an_untouched_layer_on_a_sealed_one_adds_nothing() {
    let Some(edited) = edited(base(), |root| {
        fs::rename(root.join("data"), root.join("moved")).unwrap();
        fs::write(root.join("second.txt:more"), "stream").unwrap();
        fs::write(root.join("moved/x"), "changed").unwrap();
        fs::remove_file(root.join("latest")).unwrap();
    }) else {
        return;
    };
    edited.bench.writable("again", Some("sealed"));
    let below: [&[u8]; 2] = [&edited.base, &edited.tar];
    let again = edited.bench.sealed("again", &below);
    let mut found = Vec::new();
    transom_sealed::diff::compare(&edited.tree, &again, &mut |difference| {
        found.push(difference);
        Ok(())
    })
    .unwrap();
    assert_eq!(found, []);
}

/// `testDriverChanges` of graphtest, with 20 files.
#[test]
fn changes() {
    let many = (0..20).fold(Layer::new().dir("Files").dir("Files/many"), |layer, n| {
        layer.file(&format!("Files/many/{n:02}"), b"before")
    });
    let base = many.dir("Hives").bytes();
    let Some(edited) = edited(base, |root| {
        for number in 0..20 {
            let path = root.join(format!("many/{number:02}"));
            match number % 3 {
                0 => fs::write(path, "changed").unwrap(),
                1 => fs::remove_file(path).unwrap(),
                _ => fs::write(root.join(format!("many/{number:02}-new")), "").unwrap(),
            }
        }
    }) else {
        return;
    };
    let mut expected = vec!["~Files".to_owned(), "~Files/many".to_owned()];
    for (remainder, sign, ending) in [(1, '-', ""), (0, '~', ""), (2, '+', "-new")] {
        let numbers = (0..20).filter(|number| number % 3 == remainder);
        expected.extend(numbers.map(|number| format!("{sign}Files/many/{number:02}{ending}")));
    }
    let sort = |mut changes: Vec<String>| {
        changes.sort();
        changes
    };
    assert_eq!(sort(edited.changes()), sort(expected));
    // The sealed layer says the same of itself.
    let of_sealed = edited.bench.changes("sealed").into_iter();
    let of_sealed: Vec<String> = of_sealed.filter(|change| change != "~Hives").collect();
    assert_eq!(sort(of_sealed), sort(edited.changes()));
}

/// `testDriverEcho` of containers/storage: trees of depths 1 to 10 are added, thinned out and added again.
#[test]
fn echo() {
    fn fill(folder: &Path, depth: usize) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("file"), depth.to_string()).unwrap();
        if depth > 1 {
            fill(&folder.join("a"), depth - 1);
            fs::create_dir_all(folder.join("b")).unwrap();
        }
    }
    for depth in [1, 2, 5, 10] {
        let Some(bench) = Bench::new() else { return };
        bench.base("base", None, &base());
        let mut parent = "base".to_owned();
        let mut below = seen_in_tree(&bench.stacked(&[base()]));
        for (step, name) in ["add", "thin", "again"].into_iter().enumerate() {
            let root = bench.writable("scratch", Some(&parent));
            match step {
                1 => {
                    fs::remove_dir_all(root.join("tree/a")).unwrap_or(());
                    fs::remove_file(root.join("tree/file")).unwrap();
                }
                _ => fill(&root.join("tree"), depth),
            }
            let now = seen_in_mount(&root);
            let mut expected = BTreeMap::new();
            for (path, about) in &now {
                match below.get(path) {
                    None => drop(expected.insert(path.clone(), '+')),
                    Some(before) if before != about => drop(expected.insert(path.clone(), '~')),
                    Some(_) => {}
                }
            }
            let is_below_gone = |path: &str| {
                let ends = path.match_indices('/').map(|(end, _)| &path[..end]);
                ends.into_iter()
                    .any(|folder| below.contains_key(folder) && !now.contains_key(folder))
            };
            for path in below.keys() {
                if !now.contains_key(path) && !is_below_gone(path) {
                    expected.insert(path.clone(), '-');
                }
            }
            let mut found = BTreeMap::new();
            for change in bench.changes("scratch") {
                let path = change[1..]
                    .trim_start_matches("Files")
                    .trim_start_matches('/');
                let is_folder = fs::metadata(root.join(path)).is_ok_and(|about| about.is_dir());
                if !(change.starts_with('~') && is_folder) {
                    found.insert(path.to_owned(), change.chars().next().unwrap());
                }
            }
            assert_eq!(found, expected, "depth {depth}, {name}");
            let tar = bench.diff("scratch");
            bench.driver.put(&id("scratch")).unwrap();
            bench.driver.remove(&id("scratch")).unwrap();
            bench.base(name, Some(&parent), &tar);
            parent = name.to_owned();
            below = now;
        }
    }
}

/// `TestTarStreamStability` of moby's layer store.
#[test]
fn tar_stream_stability() {
    let Some(bench) = Bench::new() else { return };
    let tar = base();
    bench.base("base", None, &tar);
    assert_eq!(bench.diff("base"), tar);
    let root = bench.writable("top", Some("base"));
    fs::write(root.join("new"), "new").unwrap();
    let diff = bench.diff("top");
    bench.base("sealed", Some("base"), &diff);
    assert_eq!(bench.diff("sealed"), diff);
    bench.driver.cleanup().unwrap();
    assert_eq!(bench.diff("sealed"), diff);
}

/// `TestRegisterExistingLayer` of moby's layer store.
#[test]
fn one_chain_registered_twice_is_stored_once() {
    let Some(bench) = Bench::new() else { return };
    let tar = Layer::new().dir("Files").file("Files/top", b"").tar();
    for name in ["one", "other"] {
        bench.base(&format!("{name}-base"), None, &base());
        bench.base(name, Some(&format!("{name}-base")), &tar);
    }
    assert_eq!(bench.home.store.layers().unwrap().len(), 2);
    bench.driver.remove(&id("one")).unwrap();
    bench.driver.remove(&id("one-base")).unwrap();
    let root = bench.writable("top", Some("other"));
    assert_eq!(fs::read(root.join("a.txt")).unwrap(), b"one");
    assert!(root.join("top").exists());
}

/// `TestStoreRestore` of moby's layer store, with mounts that the process before has left.
#[test]
fn mounts_are_taken_back_with_their_counts() {
    let Some(mut bench) = Bench::new() else {
        return;
    };
    bench.base("base", None, &base());
    let root = bench.writable("top", Some("base"));
    assert_eq!(bench.driver.get(&id("top")).unwrap(), root);
    fs::write(root.join("kept"), "open").unwrap();
    bench.driver = open(&bench.home.root());
    assert_eq!(fs::read(root.join("kept")).unwrap(), b"open");
    let in_use = bench.driver.remove(&id("top")).unwrap_err();
    assert_eq!(in_use.kind(), ErrorKind::InUse);
    bench.driver.put(&id("top")).unwrap();
    assert!(root.join("kept").exists(), "one reference is left");
    bench.driver.put(&id("top")).unwrap();
    assert_eq!(mounts_below(&bench.home), 0);
    let root = bench.driver.get(&id("top")).unwrap();
    assert_eq!(fs::read(root.join("kept")).unwrap(), b"open");
}

#[test]
fn references_of_mounts_that_are_gone_are_forgotten() {
    let Some(mut bench) = Bench::new() else {
        return;
    };
    bench.base("base", None, &base());
    bench.writable("top", Some("base"));
    // As after a restart of the machine.
    unmount_below(&bench.home.root());
    bench.driver = open(&bench.home.root());
    bench.driver.remove(&id("top")).unwrap();
    assert_eq!(mounts_below(&bench.home), 0);
}

/// `TestGetOrphan` of moby's layer store: a mount that nobody holds.
#[test]
fn a_mount_without_references_is_unmounted_by_the_next_who_opens() {
    let Some(mut bench) = Bench::new() else {
        return;
    };
    bench.base("base", None, &base());
    let root = bench.writable("top", Some("base"));
    fs::write(root.join("kept"), "x").unwrap();
    // As if the process had died before it noted its reference.
    use transom_driver::Engine;
    let engine = transom_sealed::SealedEngine::new(bench.home.open_again(), super::Names::Windows);
    engine.store_references(&id("top"), 0).unwrap();
    drop(engine);
    bench.driver = open(&bench.home.root());
    assert_eq!(mounts_below(&bench.home), 0);
    let root = bench.driver.get(&id("top")).unwrap();
    assert_eq!(fs::read(root.join("kept")).unwrap(), b"x");
}

/// `TestMountAndRegister` of moby's layer store.
#[test]
fn what_is_written_in_a_mount_is_registered_while_it_is_mounted() {
    let Some(bench) = Bench::new() else { return };
    bench.base("base", None, &base());
    let root = bench.writable("top", Some("base"));
    fs::write(root.join("data/new"), "new").unwrap();
    let tar = bench.diff("top");
    bench.base("registered", Some("base"), &tar);
    fs::write(root.join("data/new"), "later").unwrap();
    let other = bench.writable("other", Some("registered"));
    assert_eq!(fs::read(other.join("data/new")).unwrap(), b"new");
}

#[test]
fn a_layer_over_a_writable_one_sees_it_as_it_was() {
    let Some(bench) = Bench::new() else { return };
    bench.base("base", None, &base());
    let root = bench.writable("below", Some("base"));
    fs::write(root.join("early"), "1").unwrap();
    let above = bench.writable("above", Some("below"));
    fs::write(root.join("late"), "2").unwrap();
    assert!(above.join("early").exists() && !above.join("late").exists());
    let in_use = bench.driver.put(&id("below"));
    in_use.unwrap();
    let in_use = bench.driver.remove(&id("below")).unwrap_err();
    assert_eq!(in_use.kind(), ErrorKind::InUse);
}

/// `testDriverCreateFromTemplate` of containers/storage: copies of a layer, read-only and writable, show what it shows
/// with the same metadata, and go their own ways.
#[test]
fn create_from_template() {
    let Some(bench) = Bench::new() else { return };
    bench.base("base", None, &base());
    let template = bench.writable("template", Some("base"));
    fs::write(template.join("new"), "of the template").unwrap();
    fs::remove_file(template.join("data/x")).unwrap();
    fs::rename(template.join("Program Files"), template.join("moved")).unwrap();
    let shown = seen_in_mount(&template);
    let copy = bench.writable("copy", Some("template"));
    assert_eq!(seen_in_mount(&copy), shown);
    bench
        .driver
        .create(&id("read-only"), Some(&id("template")))
        .unwrap();
    let read_only = bench.driver.get(&id("read-only")).unwrap();
    assert_eq!(seen_in_mount(&read_only), shown);
    assert_eq!(bench.changes("copy"), [] as [&str; 0]);
    assert_eq!(bench.driver.diff_size(&id("copy")).unwrap(), 0);
    fs::write(copy.join("new"), "of the copy").unwrap();
    assert_eq!(seen_in_mount(&template), shown);
    assert_eq!(seen_in_mount(&read_only), shown);
    assert_eq!(bench.changes("copy"), ["~Files", "~Files/new"]);
}

/// `TestTarStreamVerification` of moby's layer store.
#[test]
fn a_tampered_layer_is_found() {
    let Some(bench) = Bench::new() else { return };
    bench.base("base", None, &base());
    let layers = bench.home.store.layers().unwrap();
    let [layer] = layers.as_slice() else {
        panic!("one layer was made: {layers:?}")
    };
    let store = &bench.home.store;
    assert_eq!(store.verify_layer(layer, &|_| {}).unwrap(), []);
    let path = bench.home.layer_file(layer.diff_id, "layer.tar");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(4).position(|found| found == b"tool").unwrap();
    bytes[at] = b'f';
    fs::write(&path, bytes).unwrap();
    let damage = store.verify_layer(layer, &|_| {}).unwrap();
    assert_ne!(damage, []);
}

#[test]
fn files_are_opened_by_their_names_in_the_tar_with_their_own_bytes() {
    let boot = "UtilityVM/Files/EFI/Microsoft/Boot/BCD";
    let tar = Layer::new()
        .dir("Files")
        .file("Files/a", b"data")
        .stream("Files/a:s", b"stream")
        .dir("Hives")
        .dir("UtilityVM")
        .dir("UtilityVM/Files")
        .dir("UtilityVM/Files/EFI")
        .dir("UtilityVM/Files/EFI/Microsoft")
        .dir("UtilityVM/Files/EFI/Microsoft/Boot")
        .file(boot, b"boot data as it came")
        .bytes();
    let Some(bench) = Bench::new() else { return };
    bench.base("base", None, &tar);
    let files = bench.driver.diff_getter(&id("base"));
    let get = |name: &str| {
        let mut bytes = Vec::new();
        files.get(name).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    assert_eq!(get("Files/a"), b"data");
    assert_eq!(get("Files/a:s"), b"stream");
    assert_eq!(get("./Files/a"), b"data");
    assert_eq!(get(boot), b"boot data as it came");
    for name in ["Files/b", "Files/a:t", "Files", "", "../Files/a"] {
        let missing = files.get(name).err().map(|error| error.kind());
        assert_eq!(missing, Some(ErrorKind::NotFound), "{name:?}");
    }
}

#[test]
fn a_tar_that_is_refused_leaves_the_layer_empty() {
    let Some(bench) = Bench::new() else { return };
    let twice = Layer::new().dir("Files").dir("Files").dir("Hives").bytes();
    bench.driver.create(&id("bad"), None).unwrap();
    let refused = bench.driver.apply_diff(&id("bad"), None, &mut &twice[..]);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(bench.home.store.layers().unwrap(), []);
    let applied = bench.driver.apply_diff(&id("bad"), None, &mut &base()[..]);
    applied.unwrap();
    let root = bench.writable("top", Some("bad"));
    assert!(root.join("data/x").exists());
}

#[test]
fn a_renamed_store_is_opened_elsewhere() {
    let Some(bench) = Bench::new() else { return };
    bench.base("base", None, &base());
    let root = bench.writable("top", Some("base"));
    fs::write(root.join("kept"), "x").unwrap();
    bench.driver.put(&id("top")).unwrap();
    let elsewhere = bench.home.dir.path().join("elsewhere");
    fs::rename(bench.home.root(), &elsewhere).unwrap();
    let driver = open(&elsewhere);
    let root = driver.get(&id("top")).unwrap();
    assert_eq!(fs::read(root.join("kept")).unwrap(), b"x");
    driver.put(&id("top")).unwrap();
    unmount_below(&elsewhere);
}

#[test]
fn layers_of_one_base_do_not_see_each_other() {
    let Some(bench) = Bench::new() else { return };
    bench.base("base", None, &base());
    let (one, other) = (
        bench.writable("one", Some("base")),
        bench.writable("other", Some("base")),
    );
    fs::write(one.join("a.txt"), "one changed it").unwrap();
    assert_eq!(fs::read(other.join("a.txt")).unwrap(), b"one");
    assert_eq!(bench.changes("other"), [] as [&str; 0]);
    let tree = bench.sealed("one", &[&base()]);
    assert_eq!(text(&tree, "Files/second.txt"), "one changed it");
    assert_eq!(names(&tree, "Files/data"), ["deep", "x", "y"]);
}
