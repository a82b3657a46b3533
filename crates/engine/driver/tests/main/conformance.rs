//! The engine in memory passes what every engine must pass.

use transom_driver::Exports;
use transom_driver::conformance::{self, PlainFolder};

use crate::support::driver;

#[test]
fn memory_passes_every_case_whatever_state_it_exports_in() {
    for exports in [Exports::Unprepared, Exports::AnyState] {
        let (driver, engine) = driver(exports);
        for (_, case) in conformance::cases() {
            case(&driver, &PlainFolder);
            assert_eq!(
                engine.snapshot().layers().count(),
                0,
                "no case leaves layers"
            );
        }
    }
}
