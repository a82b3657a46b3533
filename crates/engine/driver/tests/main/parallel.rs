//! One layer at a time, different layers at once. Steps are held at gates, so the order is not left to chance.

use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use transom_driver::memory::MemoryEngine;
use transom_driver::{Driver, ErrorKind, Exports, Step};

use crate::support::{NO_OPTIONS, driver, id, read_to_end, steps, tar, two_layers};

/// How long something that must not happen is waited for.
const A_WHILE: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs an operation in a scoped thread; what it returns can be received.
fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    operation: impl FnOnce() -> T + Send + 'scope,
) -> Receiver<T> {
    let (sender, receiver) = channel();
    scope.spawn(move || sender.send(operation()));
    receiver
}

#[test]
fn a_second_get_waits_for_the_first_and_returns_its_path() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    let top = id("top");
    let gate = engine.faults().block(Step::Prepare, &top);
    thread::scope(|scope| {
        let first = spawn(scope, || driver.get(&top));
        gate.wait_until_reached();
        let second = spawn(scope, || driver.get(&top));
        assert!(second.recv_timeout(A_WHILE).is_err(), "it waits");
        gate.open();
        let first = first.recv_timeout(PATIENCE).expect("ends").expect("mounts");
        let second = second
            .recv_timeout(PATIENCE)
            .expect("ends")
            .expect("mounts");
        assert_eq!(first, second);
        assert!(first.join("a.txt").exists());
    });
    assert_eq!(engine.snapshot().references(&top), 2);
}

#[test]
fn if_the_first_get_fails_the_waiting_one_mounts() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    let top = id("top");
    let gate = engine.faults().block(Step::Activate, &top);
    engine
        .faults()
        .fail_once(Step::Prepare, Some(&top), ErrorKind::Other);
    thread::scope(|scope| {
        let first = spawn(scope, || driver.get(&top));
        gate.wait_until_reached();
        let second = spawn(scope, || driver.get(&top));
        assert!(second.recv_timeout(A_WHILE).is_err(), "it waits");
        gate.open();
        first
            .recv_timeout(PATIENCE)
            .expect("ends")
            .expect_err("the step fails");
        second
            .recv_timeout(PATIENCE)
            .expect("ends")
            .expect("mounts");
    });
    assert_eq!(engine.snapshot().references(&top), 1);
}

#[test]
fn operations_of_one_layer_wait_for_each_other_and_those_of_others_do_not() {
    type Operation = fn(&Driver<MemoryEngine>, &str);
    let get: Operation = |driver, layer| drop(driver.get(&id(layer)).expect("mounts"));
    let put: Operation = |driver, layer| driver.put(&id(layer)).expect("unmounts");
    let remove: Operation = |driver, layer| driver.remove(&id(layer)).expect("removes");
    let diff: Operation =
        |driver, layer| drop(read_to_end(driver.diff(&id(layer)).expect("starts")));
    let apply: Operation = |driver, layer| {
        let tar = tar(&[("Files/b.txt", "b")]);
        driver
            .apply_diff(&id(layer), None, &mut &tar[..])
            .expect("fills");
    };
    let nothing: Operation = |_, _| {};
    for (name, step, before, operation) in [
        ("get", Step::Activate, nothing, get),
        ("put", Step::Deactivate, get, put),
        ("remove", Step::Destroy, nothing, remove),
        ("diff", Step::Export, nothing, diff),
        ("apply_diff", Step::Import, nothing, apply),
    ] {
        let (driver, engine) = driver(Exports::Unprepared);
        for layer in ["one", "other"] {
            driver.create(&id(layer), None).expect("creates");
            before(&driver, layer);
        }
        let gate = engine.faults().block(step, &id("one"));
        thread::scope(|scope| {
            let blocked = spawn(scope, || operation(&driver, "one"));
            gate.wait_until_reached();
            let same = spawn(scope, || driver.put(&id("one")));
            let other = spawn(scope, || operation(&driver, "other"));
            other
                .recv_timeout(PATIENCE)
                .expect("another layer does not wait");
            assert!(
                driver.exists(&id("one")).expect("a question does not wait"),
                "{name}"
            );
            assert!(
                same.recv_timeout(A_WHILE).is_err(),
                "{name}: the same layer waits"
            );
            gate.open();
            blocked.recv_timeout(PATIENCE).expect("ends");
            same.recv_timeout(PATIENCE)
                .expect("ends")
                .expect("unmounts, if it was mounted");
        });
    }
}

#[test]
fn a_diff_keeps_its_layer_from_being_removed_until_it_has_ended() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    let top = id("top");
    let gate = engine.faults().block(Step::Export, &top);
    let diff = driver.diff(&top).expect("starts");
    gate.wait_until_reached();
    thread::scope(|scope| {
        let removal = spawn(scope, || driver.remove(&top));
        assert!(removal.recv_timeout(A_WHILE).is_err(), "it waits");
        gate.open();
        read_to_end(diff);
        removal
            .recv_timeout(PATIENCE)
            .expect("ends")
            .expect("removes");
    });
    let last = steps(&engine).pop();
    assert_eq!(last, Some(Step::Destroy));
}

#[test]
fn many_threads_leave_no_reference_and_no_mount() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    let layers = ["top", "second", "third"].map(id);
    for layer in &layers[1..] {
        driver
            .create_writable(layer, Some(&id("base")), NO_OPTIONS)
            .expect("creates");
    }
    thread::scope(|scope| {
        for turn in 0..6 {
            let (driver, layers) = (&driver, &layers);
            scope.spawn(move || {
                for round in 0..15 {
                    let layer = &layers[(turn + round) % layers.len()];
                    let root = driver.get(layer).expect("mounts");
                    // A mount that somebody else diffs is away for a moment: the path alone is promised.
                    assert!(root.is_absolute());
                    if round % 5 == 0 {
                        read_to_end(driver.diff(layer).expect("starts"));
                    }
                    driver.put(layer).expect("unmounts");
                }
            });
        }
    });
    for layer in &layers {
        assert_eq!(
            engine.snapshot().is_active_and_prepared(layer),
            (false, false)
        );
        assert_eq!(engine.snapshot().references(layer), 0);
        driver.remove(layer).expect("is not mounted any more");
    }
}
