//! Reference counts over a restart: the driver is dropped, and another one opened over the same engine.

use proptest::prelude::*;
use transom_driver::{Driver, ErrorKind, Exports, Step};

use crate::support::{id, steps, two_layers};

#[test]
fn a_restart_takes_the_references_back() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    let top = id("top");
    let root = driver.get(&top).expect("mounts");
    driver.get(&top).expect("adds a reference");
    std::fs::write(root.join("kept.txt"), "kept").expect("writes");
    drop(driver);

    let driver = Driver::open(engine.clone()).expect("opens");
    engine.faults().take_calls();
    assert_eq!(driver.get(&top).expect("adds a third reference"), root);
    assert_eq!(steps(&engine), [Step::MountPath, Step::StoreReferences]);
    for _ in 0..2 {
        driver.put(&top).expect("drops a reference");
        assert!(root.join("kept.txt").exists(), "is still mounted");
    }
    driver.put(&top).expect("unmounts");
    assert!(!root.exists());
    driver.remove(&top).expect("is not mounted any more");
}

#[test]
fn all_references_are_given_back_at_once() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    let top = id("top");
    driver.put_all(&top).expect("nothing is no error");
    let root = driver.get(&top).expect("mounts");
    driver.get(&top).expect("adds a reference");
    engine
        .faults()
        .fail_once(Step::Deactivate, None, ErrorKind::InUse);
    let error = driver.put_all(&top).expect_err("the step fails");
    assert_eq!(error.kind(), ErrorKind::InUse);
    driver.put_all(&top).expect("tries again what failed");
    assert!(!root.exists());
    assert_eq!(engine.snapshot().references(&top), 0);
    driver.remove(&top).expect("is not mounted any more");
}

#[test]
fn a_layer_found_mounted_without_a_count_has_one_reference() {
    let (driver, engine) = two_layers(Exports::Unprepared);
    let top = id("top");
    driver.get(&top).expect("mounts");
    drop(driver);
    // A process that died between mounting and storing the count.
    transom_driver::Engine::store_references(&engine, &top, 0).expect("forgets");

    let driver = Driver::open(engine.clone()).expect("opens");
    let mounted = driver.remove(&top).expect_err("is mounted");
    assert_eq!(mounted.kind(), ErrorKind::InUse);
    driver.put(&top).expect("unmounts");
    driver.remove(&top).expect("is not mounted any more");
}

#[test]
fn what_is_half_mounted_is_undone_at_a_restart() {
    for step in [Step::Unprepare, Step::Deactivate] {
        let (driver, engine) = two_layers(Exports::Unprepared);
        let top = id("top");
        driver.get(&top).expect("mounts");
        engine.faults().fail_once(step, None, ErrorKind::InUse);
        driver.put(&top).expect_err("the step fails");
        drop(driver);

        let driver = Driver::open(engine.clone()).expect("opens");
        assert_eq!(
            engine.snapshot().is_active_and_prepared(&top),
            (false, false)
        );
        assert_eq!(engine.snapshot().references(&top), 0);
        driver.remove(&top).expect("is not mounted any more");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Gets, puts and restarts in any order, against a plain number.
    #[test]
    fn a_layer_is_mounted_exactly_while_gets_outnumber_puts(
        actions in proptest::collection::vec(0_u8..3, 1..30)
    ) {
        let (mut driver, engine) = two_layers(Exports::Unprepared);
        let top = id("top");
        let mut count = 0_u64;
        for action in actions {
            match action {
                0 => {
                    driver.get(&top).expect("mounts");
                    count += 1;
                }
                1 => {
                    driver.put(&top).expect("unmounts");
                    count = count.saturating_sub(1);
                }
                _ => driver = Driver::open(engine.clone()).expect("opens"),
            }
            let state = engine.snapshot();
            prop_assert_eq!(state.references(&top), count);
            prop_assert_eq!(state.is_active_and_prepared(&top), (count > 0, count > 0));
        }
    }
}
