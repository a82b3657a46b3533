//! Diffs that are read, given up, and that fail half-way.

use std::io::Read;

use transom_driver::{DriverError, ErrorKind, Exports, Step};

use crate::support::{id, read_to_end, steps, tar, two_layers};

#[test]
fn an_imported_layer_is_exported_byte_for_byte() {
    for exports in [Exports::Unprepared, Exports::AnyState] {
        let (driver, _) = two_layers(exports);
        let exported = read_to_end(driver.diff(&id("base")).expect("starts"));
        assert_eq!(exported, tar(&[("Files/a.txt", "a")]));
    }
}

#[test]
fn an_export_that_fails_half_way_reaches_the_reader_as_the_engines_error() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    engine.faults().fail(Step::Export, None, ErrorKind::Corrupt);
    let mut diff = driver.diff(&id("base")).expect("starts");
    let mut received = Vec::new();
    let error = diff.read_to_end(&mut received).expect_err("fails half-way");
    let whole = tar(&[("Files/a.txt", "a")]);
    assert_eq!(received, whole[..whole.len() / 2]);
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    let error = error.downcast::<DriverError>().expect("the driver's error");
    assert_eq!(
        error.to_string(),
        "cannot diff layer base: failed to export it: planned fault of Export: damaged"
    );
    assert!(
        diff.read(&mut [0]).is_err(),
        "the end of a broken diff is never reached"
    );
}

#[test]
fn a_diff_given_up_stops_the_export_and_prepares_the_layer_again() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    let top = id("top");
    let root = driver.get(&top).expect("mounts");
    // More than waits for a reader: the export cannot end unless it is stopped.
    std::fs::write(root.join("big.bin"), vec![1; 4 << 20]).expect("writes");
    engine.faults().take_calls();
    let mut diff = driver.diff(&top).expect("starts");
    diff.read_exact(&mut [0; 512])
        .expect("reads the first block");
    assert_eq!(
        engine.snapshot().is_active_and_prepared(&top),
        (true, false)
    );
    drop(diff);
    driver.put(&top).expect("waits for the diff, and unmounts");
    let expected = [
        Step::Unprepare,
        Step::Prepare,
        Step::Unprepare,
        Step::Deactivate,
        Step::StoreReferences,
    ];
    let steps: Vec<_> = steps(&engine)
        .into_iter()
        .filter(|step| *step != Step::Export)
        .collect();
    assert_eq!(steps, expected);
}

#[test]
fn a_layer_is_prepared_again_before_its_diff_ends() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    let top = id("top");
    driver.get(&top).expect("mounts");
    let mut diff = driver.diff(&top).expect("starts");
    diff.read_to_end(&mut Vec::new()).expect("reads to the end");
    assert_eq!(engine.snapshot().is_active_and_prepared(&top), (true, true));
    driver
        .put(&top)
        .expect("the turn is free while the reader is still there");
}

#[test]
fn a_layer_that_was_never_prepared_is_prepared_once_before_its_export() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    read_to_end(driver.diff(&id("top")).expect("starts"));
    let expected = [
        Step::Activate,
        Step::Prepare,
        Step::Unprepare,
        Step::Export,
        Step::Deactivate,
    ];
    assert_eq!(steps(&engine), expected);
}

#[test]
fn an_engine_that_exports_in_any_state_is_asked_for_nothing_else() {
    let (driver, engine) = two_layers(Exports::AnyState);
    let top = id("top");
    read_to_end(driver.diff(&top).expect("starts"));
    driver.get(&top).expect("mounts");
    engine.faults().take_calls();
    read_to_end(driver.diff(&top).expect("starts"));
    driver.changes(&top).expect("lists");
    driver.diff_size(&top).expect("measures");
    assert_eq!(
        steps(&engine),
        [Step::Export, Step::Changes, Step::DiffSize]
    );
}

#[test]
fn the_diff_of_a_layer_that_is_not_there_is_an_error() {
    for exports in [Exports::Unprepared, Exports::AnyState] {
        let (driver, _) = two_layers(exports);
        let error = match driver.diff(&id("gone")) {
            Ok(mut diff) => diff.read(&mut [0]).expect_err("is not there").kind(),
            Err(error) => std::io::Error::from(error).kind(),
        };
        assert_eq!(error, std::io::ErrorKind::NotFound);
    }
}

#[test]
fn a_stream_is_read_to_its_end_beyond_the_tars() {
    let (driver, _) = two_layers(Exports::Unprepared);
    driver.create(&id("new"), None).expect("creates");
    let mut padded = tar(&[("Files/a.txt", "12345")]);
    padded.extend([0; 10_240]);
    let mut stream = padded.as_slice();
    let size = driver.apply_diff(&id("new"), None, &mut stream);
    assert_eq!(size.expect("fills"), 5);
    assert!(stream.is_empty());
}

#[test]
fn an_export_that_panics_reaches_the_reader_and_leaves_the_layer_mounted() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    let top = id("top");
    driver.get(&top).expect("mounts");
    engine.faults().panic(Step::Export, &top);
    let mut diff = driver.diff(&top).expect("starts");
    let error = diff.read_to_end(&mut Vec::new()).expect_err("has no end");
    assert_eq!(error.to_string(), "the export of the layer broke off");
    engine.faults().take_calls();
    driver.put(&top).expect("the turn was given back");
    let unmount = [Step::Unprepare, Step::Deactivate, Step::StoreReferences];
    assert!(
        steps(&engine).ends_with(&unmount),
        "it was prepared again before"
    );
}
