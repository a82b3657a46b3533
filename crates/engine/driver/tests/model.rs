//! The state machine of layers under a model checker: threads take turns in all orders, or in very many.
//!
//! Each lock of the driver and of the engine in memory is a point at which another thread may go on.
#![expect(clippy::print_stdout, reason = "tests say how much they tried")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::thread;
use transom_driver::memory::MemoryEngine;
use transom_driver::{Driver, ErrorKind, Exports, Id, Step};

/// How many orders are tried of each kind where there are too many to try all: a night's run asks for more.
const ORDERS: &str = "TRANSOM_ORDERS";
const ORDERS_HERE: usize = 1_500;

const NO_OPTIONS: [(&str, &str); 0] = [];

fn id(text: &str) -> Id {
    Id::new(text).expect("is an id")
}

/// A base and a writable layer on it.
fn two_layers() -> (Arc<Driver<MemoryEngine>>, MemoryEngine) {
    let engine = MemoryEngine::new(Exports::Unprepared);
    let driver = Driver::open(engine.clone()).expect("opens");
    driver.create(&id("base"), None).expect("creates");
    let base = id("base");
    driver
        .create_writable(&id("top"), Some(&base), NO_OPTIONS)
        .expect("creates");
    engine.faults().take_calls();
    (Arc::new(driver), engine)
}

/// What the engine was asked to do with a layer comes in the only order that is right: activate, prepare, and back.
fn assert_steps_in_order(engine: &MemoryEngine, layer: &Id) {
    let mut state = (false, false);
    for (step, of) in engine.faults().take_calls() {
        if of.as_ref() != Some(layer) {
            continue;
        }
        let next = match step {
            Step::Activate => ((false, false), (true, false)),
            Step::Prepare => ((true, false), (true, true)),
            Step::Unprepare => ((true, true), (true, false)),
            Step::Deactivate => ((true, false), (false, false)),
            Step::Destroy => ((false, false), (false, false)),
            _ => continue,
        };
        assert_eq!(state, next.0, "{step:?} of a layer in this state");
        state = next.1;
    }
    assert_eq!(state, (false, false), "the layer is left mounted");
}

/// Tries the orders of `case`'s threads: one after the other, then those that reveal most with few switches.
fn in_many_orders(name: &str, case: impl Fn() + Send + Sync + Clone + 'static) {
    let most =
        std::env::var(ORDERS).map_or(ORDERS_HERE, |orders| orders.parse().expect("a number"));
    let count = Arc::new(AtomicUsize::new(0));
    let counted = {
        let count = Arc::clone(&count);
        move || {
            count.fetch_add(1, Ordering::Relaxed);
            case();
        }
    };
    shuttle::check_dfs(counted.clone(), Some(most));
    let all = count.load(Ordering::Relaxed);
    if all >= most {
        shuttle::check_random(counted.clone(), most);
        shuttle::check_pct(counted, most, 3);
    }
    let all_of_them = if all < most { " (all)" } else { "" };
    println!(
        "counted: model of {name}: {} orders{all_of_them}",
        count.load(Ordering::Relaxed)
    );
}

#[test]
fn gets_and_puts_at_once_mount_once_and_leave_nothing_mounted() {
    in_many_orders("gets and puts", || {
        let (driver, engine) = two_layers();
        let users: Vec<_> = (0..2)
            .map(|_| {
                let driver = Arc::clone(&driver);
                thread::spawn(move || {
                    let path = driver.get(&id("top")).expect("mounts");
                    assert!(path.exists(), "mounted as long as somebody holds it");
                    driver.put(&id("top")).expect("unmounts");
                })
            })
            .collect();
        users
            .into_iter()
            .for_each(|user| user.join().expect("ends"));
        assert_eq!(engine.snapshot().references(&id("top")), 0);
        assert_steps_in_order(&engine, &id("top"));
    });
}

#[test]
fn a_layer_that_is_being_mounted_is_not_removed_and_one_that_is_removed_is_not_mounted() {
    in_many_orders("a get and a removal", || {
        let (driver, engine) = two_layers();
        let user = {
            let driver = Arc::clone(&driver);
            thread::spawn(move || match driver.get(&id("top")) {
                Ok(path) => {
                    assert!(path.exists());
                    driver.put(&id("top")).expect("unmounts");
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound),
            })
        };
        let removed = match driver.remove(&id("top")) {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InUse);
                false
            }
        };
        user.join().expect("ends");
        let is_there = engine.snapshot().layers().any(|layer| *layer == id("top"));
        assert_eq!(is_there, !removed);
        // Of a layer that is gone the first step is tried, and fails.
        if is_there {
            assert_steps_in_order(&engine, &id("top"));
        }
    });
}

#[test]
fn two_that_make_the_same_layer_make_it_once() {
    in_many_orders("two creations of one id", || {
        let (driver, engine) = two_layers();
        let makers: Vec<_> = (0..2)
            .map(|_| {
                let driver = Arc::clone(&driver);
                thread::spawn(move || driver.create(&id("new"), Some(&id("base"))).is_ok())
            })
            .collect();
        let made = makers.into_iter().map(|maker| maker.join().expect("ends"));
        assert_eq!(made.filter(|made| *made).count(), 1);
        assert_eq!(engine.snapshot().layers().count(), 3);
    });
}

#[test]
fn a_parent_is_not_removed_under_a_layer_that_is_being_made() {
    in_many_orders("a creation and the removal of its parent", || {
        let engine = MemoryEngine::new(Exports::Unprepared);
        let driver = Arc::new(Driver::open(engine.clone()).expect("opens"));
        driver.create(&id("base"), None).expect("creates");
        let maker = {
            let driver = Arc::clone(&driver);
            thread::spawn(move || driver.create(&id("new"), Some(&id("base"))).is_ok())
        };
        let removed = driver.remove(&id("base")).is_ok();
        let made = maker.join().expect("ends");
        assert!(
            made != removed,
            "one of the two, made {made}, removed {removed}"
        );
    });
}

#[test]
fn a_step_that_fails_for_one_does_not_take_the_mount_of_another() {
    in_many_orders("gets of which a step fails", || {
        let (driver, engine) = two_layers();
        let top = id("top");
        engine
            .faults()
            .fail_once(Step::Prepare, Some(&top), ErrorKind::Other);
        let users: Vec<_> = (0..2)
            .map(|_| {
                let driver = Arc::clone(&driver);
                thread::spawn(move || {
                    let got = driver.get(&id("top")).is_ok();
                    if got {
                        driver.put(&id("top")).expect("unmounts");
                    }
                    got
                })
            })
            .collect();
        let got = users.into_iter().map(|user| user.join().expect("ends"));
        assert_eq!(got.filter(|got| *got).count(), 1);
        assert_eq!(engine.snapshot().references(&top), 0);
        assert_eq!(
            engine.snapshot().is_active_and_prepared(&top),
            (false, false)
        );
    });
}
