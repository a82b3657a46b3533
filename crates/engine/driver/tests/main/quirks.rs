//! The seed's known bugs, each with the test that it is not one here; named after what holds now.

use transom_driver::{Change, ChangeKind, ErrorKind, Exports, Step};

use crate::support::{NO_OPTIONS, driver, id, steps, tar, two_layers};

#[test]
fn a_diff_is_always_against_the_immediate_parent() {
    let (driver, _) = two_layers(Exports::Unprepared);
    let middle = id("middle");
    driver.create(&middle, Some(&id("base"))).expect("creates");
    let content = tar(&[("Files/b.txt", "b")]);
    driver
        .apply_diff(&middle, Some(&id("base")), &mut &content[..])
        .expect("fills");
    let changes = driver.changes(&middle).expect("lists");
    let only = Change {
        path: "Files/b.txt".into(),
        kind: ChangeKind::Added,
    };
    assert_eq!(changes, [only]);
}

#[test]
fn every_get_of_a_mounted_layer_returns_the_true_path() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    let top = id("top");
    let first = driver.get(&top).expect("mounts");
    let second = driver.get(&top).expect("adds a reference");
    assert_eq!(first, second);
    assert!(first.join("a.txt").exists());
    let activations = steps(&engine)
        .into_iter()
        .filter(|step| *step == Step::Activate);
    assert_eq!(activations.count(), 1);
}

#[test]
fn a_put_deactivates_even_if_unprepare_fails() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    driver.get(&id("top")).expect("mounts");
    engine.faults().take_calls();
    engine
        .faults()
        .fail(Step::Unprepare, None, ErrorKind::InUse);
    let error = driver.put(&id("top")).expect_err("the step fails");
    assert_eq!(error.step(), Some(Step::Unprepare), "the first error");
    assert_eq!(steps(&engine), [Step::Unprepare, Step::Deactivate]);
}

#[test]
fn options_that_cannot_be_read_are_refused_before_anything_is_made() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    let before = engine.snapshot();
    let error = driver
        .create_writable(&id("new"), Some(&id("base")), [("Size", "12 parsecs")])
        .expect_err("is no size");
    assert_eq!(
        error.to_string(),
        "cannot create writable layer new: Failed to parse storage options - invalid size: '12 parsecs'"
    );
    assert_eq!((error.kind(), error.step()), (ErrorKind::Invalid, None));
    assert!(steps(&engine).is_empty());
    assert_eq!(engine.snapshot(), before);
}

#[test]
fn a_layer_and_its_size_are_one_step() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    engine
        .faults()
        .fail_once(Step::CreateWritable, None, ErrorKind::NoSpace);
    let create = || driver.create_writable(&id("new"), None, [("size", "40GB")]);
    let error = create().expect_err("the step fails");
    assert_eq!(error.kind(), ErrorKind::NoSpace);
    assert_eq!(steps(&engine), [Step::CreateWritable]);
    assert!(!driver.exists(&id("new")).expect("can tell"));
    create().expect("creates");
    let metadata = driver.metadata(&id("new")).expect("is there");
    assert!(metadata.contains(&("size".into(), "42949672960".into())));
}

#[test]
fn a_creation_that_finds_the_id_taken_leaves_that_layer_alone() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    let before = engine.snapshot();
    let options = [("size", "1g")];
    let create = driver.create_writable(&id("top"), Some(&id("base")), options);
    assert_eq!(create.expect_err("is there").kind(), ErrorKind::Exists);
    assert_eq!(engine.snapshot(), before);
}

#[test]
fn a_missing_parent_is_named() {
    let (driver, engine) = driver(Exports::Unprepared);
    let (new, gone) = (id("new"), id("gone"));
    for (text, error) in [
        ("create", driver.create(&new, Some(&gone))),
        (
            "create writable",
            driver.create_writable(&new, Some(&gone), NO_OPTIONS),
        ),
        (
            "apply a diff to",
            driver
                .apply_diff(&new, Some(&gone), &mut &b""[..])
                .map(drop),
        ),
    ] {
        let error = error.expect_err("has no parent");
        assert_eq!(
            error.to_string(),
            format!("cannot {text} layer new: missing parent gone")
        );
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    assert_eq!(engine.snapshot().layers().count(), 0);
}

#[test]
fn the_size_of_a_diff_is_the_size_of_its_files() {
    let (driver, _) = two_layers(Exports::Unprepared);
    let top = id("top");
    let root = driver.get(&top).expect("mounts");
    std::fs::write(root.join("new.bin"), [0; 1234]).expect("writes");
    std::fs::create_dir(root.join("folder")).expect("makes a folder");
    assert_eq!(
        driver.diff_size(&top).expect("measures"),
        1234,
        "while mounted"
    );
    driver.put(&top).expect("unmounts");
    assert_eq!(driver.diff_size(&top).expect("measures"), 1234);
}

#[test]
fn a_tar_that_breaks_off_is_not_imported() {
    let (driver, _) = two_layers(Exports::Unprepared);
    let new = id("new");
    driver.create(&new, Some(&id("base"))).expect("creates");
    let whole = tar(&[("Files/b.txt", "b")]);
    let cut = &whole[..whole.len() - 1024 - 512];
    let error = driver
        .apply_diff(&new, None, &mut &*cut)
        .expect_err("is cut off");
    assert_eq!(
        (error.kind(), error.step()),
        (ErrorKind::Corrupt, Some(Step::Import))
    );
    assert_eq!(driver.changes(&new).expect("lists"), []);
}

#[test]
fn all_methods_mean_the_same_layer_by_an_id() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    let top = id("top");
    driver.changes(&top).expect("lists");
    driver.diff_size(&top).expect("measures");
    drop(driver.diff(&top).expect("starts"));
    driver
        .remove(&top)
        .expect("waits for the diff, and removes");
    let calls = engine.faults().take_calls();
    assert!(
        calls.iter().all(|(_, id)| id.as_ref() == Some(&top)),
        "{calls:?}"
    );
}

#[test]
fn an_engine_that_cannot_tell_whether_a_layer_exists_says_so() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    engine.faults().fail(Step::Exists, None, ErrorKind::Denied);
    let error = driver.exists(&id("top")).expect_err("the step fails");
    assert_eq!(
        error.to_string(),
        "cannot look for layer top: failed to see whether it is there: planned fault of Exists: denied"
    );
}

#[test]
fn a_put_without_a_get_does_nothing() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    driver.put(&id("top")).expect("is no error");
    driver.put(&id("no-such-layer")).expect("is no error");
    assert!(steps(&engine).is_empty());
}

#[test]
fn metadata_path_and_status_come_from_the_engine() {
    let (driver, _) = driver(Exports::Unprepared);
    let layer = id("layer");
    driver
        .create_writable(&layer, None, [("size", "2k")])
        .expect("creates");
    let folder = driver.layer_path(&layer).expect("is there");
    let dir = folder.to_string_lossy().into_owned();
    let expected = [
        ("dir".to_owned(), dir),
        ("size".to_owned(), "2048".to_owned()),
    ];
    assert_eq!(driver.metadata(&layer).expect("is there"), expected);
    assert_eq!(driver.status(), [("Layers".to_owned(), "1".to_owned())]);
    let missing = driver.metadata(&id("gone")).expect_err("is not there");
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

#[test]
fn a_mounted_layer_is_not_removed_whatever_the_engine_would_do() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    let top = id("top");
    driver.get(&top).expect("mounts");
    engine.faults().take_calls();
    let error = driver.remove(&top).expect_err("is mounted");
    assert_eq!(
        error.to_string(),
        "cannot remove layer top: it is mounted, references held: 1"
    );
    assert!(steps(&engine).is_empty());
}
