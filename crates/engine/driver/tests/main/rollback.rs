//! Every step of every method fails once: what was begun is undone, and the error says what failed.

use std::io::{self, Read};

use transom_driver::memory::{MemoryEngine, Snapshot};
use transom_driver::{Driver, DriverError, ErrorKind, Exports, Step};

use crate::support::{NO_OPTIONS, id, tar, two_layers};

type TestDriver = Driver<MemoryEngine>;
type Outcome = Result<(), DriverError>;

/// Runs an operation once for each of its steps, with that step failing, after `set_up`.
///
/// `check` sees the driver, the step, and the states before and after.
fn fail_each_step(
    exports: Exports,
    set_up: fn(&TestDriver),
    operation: fn(&TestDriver) -> Outcome,
    check: impl Fn(&TestDriver, &MemoryEngine, Step, (Snapshot, Snapshot)),
) -> Vec<Step> {
    let prepare = || {
        let (driver, engine) = two_layers(exports);
        set_up(&driver);
        engine.faults().take_calls();
        (driver, engine)
    };
    let (driver, engine) = prepare();
    operation(&driver).expect("works without faults");
    let steps: Vec<Step> = crate::support::steps(&engine);
    assert!(!steps.is_empty());
    for &step in &steps {
        let (driver, engine) = prepare();
        let before = engine.snapshot();
        engine.faults().fail_once(step, None, ErrorKind::NoSpace);
        let error = operation(&driver).expect_err("the step fails");
        assert_eq!(error.step(), Some(step));
        assert_eq!(error.kind(), ErrorKind::NoSpace, "the engine's verdict");
        assert!(error.also_failed().is_empty(), "undoing worked: {error}");
        let text = error.to_string();
        assert!(
            text.contains(&format!("planned fault of {step:?}")),
            "{text}"
        );
        check(&driver, &engine, step, (before, engine.snapshot()));
    }
    steps
}

fn as_before(_: &TestDriver, _: &MemoryEngine, step: Step, (before, after): (Snapshot, Snapshot)) {
    assert_eq!(before, after, "after {step:?} failed");
}

fn nothing(_: &TestDriver) {}

fn mount_top(driver: &TestDriver) {
    driver.get(&id("top")).expect("mounts");
}

fn read_diff(driver: &TestDriver) -> Outcome {
    let mut diff = driver.diff(&id("top"))?;
    match diff.read_to_end(&mut Vec::new()) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.downcast::<DriverError>().expect("the driver's error")),
    }
}

#[test]
fn a_creation_that_fails_leaves_nothing() {
    let create = |driver: &TestDriver| driver.create(&id("new"), Some(&id("base")));
    let steps = fail_each_step(Exports::Unprepared, nothing, create, as_before);
    assert_eq!(steps, [Step::Path, Step::Create]);

    let create = |driver: &TestDriver| {
        driver.create_writable(&id("new"), Some(&id("base")), [("size", "1g")])
    };
    let steps = fail_each_step(Exports::Unprepared, nothing, create, as_before);
    assert_eq!(steps, [Step::Path, Step::CreateWritable]);
}

#[test]
fn a_first_get_that_fails_leaves_the_layer_unmounted_and_the_next_one_works() {
    let get = |driver: &TestDriver| driver.get(&id("top")).map(drop);
    let check = |driver: &TestDriver, engine: &MemoryEngine, step, (before, after)| {
        as_before(driver, engine, step, (before, after));
        mount_top(driver);
        driver.put(&id("top")).expect("unmounts");
    };
    let steps = fail_each_step(Exports::Unprepared, nothing, get, check);
    let expected = [
        Step::Activate,
        Step::Prepare,
        Step::MountPath,
        Step::StoreReferences,
    ];
    assert_eq!(steps, expected);
}

#[test]
fn a_second_get_that_fails_leaves_one_reference() {
    let get = |driver: &TestDriver| driver.get(&id("top")).map(drop);
    let check = |driver: &TestDriver, engine: &MemoryEngine, step, (before, after)| {
        as_before(driver, engine, step, (before, after));
        driver.put(&id("top")).expect("unmounts");
        driver.remove(&id("top")).expect("is not mounted any more");
    };
    let steps = fail_each_step(Exports::Unprepared, mount_top, get, check);
    assert_eq!(steps, [Step::StoreReferences]);
}

#[test]
fn a_put_that_is_not_the_last_and_fails_keeps_its_reference() {
    let mount_twice = |driver: &TestDriver| {
        mount_top(driver);
        mount_top(driver);
    };
    let put = |driver: &TestDriver| driver.put(&id("top"));
    let steps = fail_each_step(Exports::Unprepared, mount_twice, put, as_before);
    assert_eq!(steps, [Step::StoreReferences]);
}

#[test]
fn after_a_last_put_that_failed_a_second_one_does_what_is_left() {
    let put = |driver: &TestDriver| driver.put(&id("top"));
    let check = |driver: &TestDriver, engine: &MemoryEngine, step, (_, after): (_, Snapshot)| {
        let top = id("top");
        assert_eq!(after.references(&top), 1, "a restart would find it");
        let left = match step {
            Step::Unprepare => (false, true),
            Step::Deactivate => (true, false),
            _ => (false, false),
        };
        assert_eq!(after.is_active_and_prepared(&top), left);
        engine.faults().take_calls();
        driver.put(&top).expect("does what is left");
        let expected: &[_] = match step {
            Step::StoreReferences => &[Step::StoreReferences],
            _ => &[step, Step::StoreReferences],
        };
        assert_eq!(crate::support::steps(engine), expected);
        driver.put(&top).expect("has nothing left to do");
        assert!(crate::support::steps(engine).is_empty());
        driver.remove(&top).expect("is not mounted any more");
    };
    let steps = fail_each_step(Exports::Unprepared, mount_top, put, check);
    let expected = [Step::Unprepare, Step::Deactivate, Step::StoreReferences];
    assert_eq!(steps, expected);
}

#[test]
fn get_and_remove_first_do_what_a_failed_put_has_left() {
    for step in [Step::Unprepare, Step::Deactivate, Step::StoreReferences] {
        let (driver, engine) = two_layers(Exports::Unprepared);
        let top = id("top");
        for _ in 0..2 {
            let root = driver.get(&top).expect("mounts, whatever was left");
            assert!(root.join("a.txt").exists());
            engine.faults().fail_once(step, None, ErrorKind::InUse);
            driver.put(&top).expect_err("the step fails");
        }
        driver.remove(&top).expect("unmounts and removes");
        assert!(!driver.exists(&top).expect("can tell"));
    }
}

#[test]
fn reading_a_layer_that_fails_brings_it_back_to_where_it_was() {
    let changes = |driver: &TestDriver| driver.changes(&id("top")).map(drop);
    let size = |driver: &TestDriver| driver.diff_size(&id("top")).map(drop);
    for (operation, step) in [
        (changes as fn(&TestDriver) -> Outcome, Step::Changes),
        (size, Step::DiffSize),
        (read_diff, Step::Export),
    ] {
        let steps = fail_each_step(Exports::AnyState, nothing, operation, as_before);
        assert_eq!(steps, [step]);
        let steps = fail_each_step(Exports::AnyState, mount_top, operation, as_before);
        assert_eq!(steps, [step]);

        let check = |driver: &TestDriver, engine: &MemoryEngine, failed, states| match failed {
            // Undoing is done by nobody else: it stays to be done.
            Step::Deactivate => driver.put(&id("top")).expect("does what is left"),
            // The export cannot start, but the layer can be unprepared a moment later.
            _ => as_before(driver, engine, failed, states),
        };
        let steps = fail_each_step(Exports::Unprepared, nothing, operation, check);
        let expected = [
            Step::Activate,
            Step::Prepare,
            Step::Unprepare,
            step,
            Step::Deactivate,
        ];
        assert_eq!(steps, expected);

        let check = |driver: &TestDriver, engine: &MemoryEngine, failed, states| match failed {
            // The next get prepares it again.
            Step::Prepare => {
                let root = driver.get(&id("top")).expect("prepares");
                assert!(root.join("a.txt").exists());
            }
            _ => as_before(driver, engine, failed, states),
        };
        let steps = fail_each_step(Exports::Unprepared, mount_top, operation, check);
        assert_eq!(steps, [Step::Unprepare, step, Step::Prepare]);
    }
}

#[test]
fn an_import_that_fails_leaves_the_layer_empty() {
    let create = |driver: &TestDriver| {
        driver
            .create(&id("new"), Some(&id("base")))
            .expect("creates");
    };
    let apply = |driver: &TestDriver| {
        let tar = tar(&[("Files/new.txt", "new")]);
        driver
            .apply_diff(&id("new"), Some(&id("base")), &mut &tar[..])
            .map(drop)
    };
    let steps = fail_each_step(Exports::Unprepared, create, apply, as_before);
    assert_eq!(steps, [Step::Path, Step::Import]);
}

#[test]
fn a_removal_that_fails_leaves_the_layer() {
    let remove = |driver: &TestDriver| driver.remove(&id("top"));
    let steps = fail_each_step(Exports::Unprepared, nothing, remove, as_before);
    assert_eq!(steps, [Step::Destroy]);
}

#[test]
fn questions_that_fail_change_nothing() {
    let exists = |driver: &TestDriver| driver.exists(&id("top")).map(drop);
    let metadata = |driver: &TestDriver| driver.metadata(&id("top")).map(drop);
    let path = |driver: &TestDriver| driver.layer_path(&id("top")).map(drop);
    let cleanup = |driver: &TestDriver| driver.cleanup();
    let file = |driver: &TestDriver| driver.diff_getter(&id("base")).get("Files/a.txt").map(drop);
    for operation in [
        exists as fn(&TestDriver) -> Outcome,
        metadata,
        path,
        cleanup,
        file,
    ] {
        let steps = fail_each_step(Exports::Unprepared, nothing, operation, as_before);
        assert_eq!(steps.len(), 1);
    }
}

#[test]
fn a_driver_that_cannot_tell_what_is_mounted_does_not_open() {
    let (_, engine) = two_layers(Exports::Unprepared);
    engine
        .faults()
        .fail(Step::References, None, ErrorKind::Corrupt);
    let error = Driver::open(engine).expect_err("the step fails");
    assert_eq!((error.kind(), error.layer()), (ErrorKind::Corrupt, None));
    assert!(
        error
            .to_string()
            .starts_with("cannot open the driver: failed to read")
    );
}

#[test]
fn failures_while_undoing_are_in_the_error() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    let top = id("top");
    engine
        .faults()
        .fail(Step::MountPath, None, ErrorKind::Other);
    engine
        .faults()
        .fail(Step::Unprepare, None, ErrorKind::InUse);
    engine
        .faults()
        .fail(Step::Deactivate, None, ErrorKind::Denied);
    let error = driver.get(&top).expect_err("the step fails");
    assert_eq!(error.step(), Some(Step::MountPath));
    assert_eq!(
        error.to_string(),
        "cannot get layer top: failed to find its mount path: planned fault of MountPath: failed; \
         then failed to unprepare it: planned fault of Unprepare: in use; \
         then failed to deactivate it: planned fault of Deactivate: denied"
    );
    let kinds: Vec<_> = error.also_failed().iter().map(|also| also.kind()).collect();
    assert_eq!(kinds, [ErrorKind::InUse, ErrorKind::Denied]);

    engine.faults().clear();
    driver.get(&top).expect("undoes what was left, and mounts");
    driver.put(&top).expect("unmounts");

    engine
        .faults()
        .fail_once(Step::Changes, None, ErrorKind::Corrupt);
    engine
        .faults()
        .fail_once(Step::Deactivate, None, ErrorKind::InUse);
    let error = driver.changes(&top).expect_err("the step fails");
    assert_eq!(error.step(), Some(Step::Changes));
    assert_eq!(error.also_failed()[0].step(), Step::Deactivate);
}

#[test]
fn a_stream_that_breaks_behind_the_tar_is_an_error() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("connection reset"))
        }
    }
    let (driver, _) = two_layers(Exports::Unprepared);
    driver.create(&id("new"), None).expect("creates");
    let tar = tar(&[]);
    let mut stream = tar.as_slice().chain(Broken);
    let error = driver
        .apply_diff(&id("new"), None, &mut stream)
        .expect_err("the stream breaks");
    assert_eq!(
        error.to_string(),
        "cannot apply a diff to layer new: failed to read what follows the tar: connection reset"
    );
    driver
        .remove(&id("new"))
        .expect("is removed as Docker would");
}

#[test]
fn without_a_size_no_size_is_set() {
    let (driver, _) = two_layers(Exports::Unprepared);
    for (name, options) in [("none", &NO_OPTIONS[..]), ("zero", &[("size", "0")])] {
        let options = options.iter().copied();
        driver
            .create_writable(&id(name), None, options)
            .expect("creates");
        let metadata = driver.metadata(&id(name)).expect("is there");
        assert!(!metadata.iter().any(|(key, _)| key == "size"));
    }
}
