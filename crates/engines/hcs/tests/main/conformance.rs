//! What every engine must be able to do.

use transom_driver::conformance;
use transom_standin::PlainVolume;

use crate::support::Site;

#[test]
fn the_engine_conforms() {
    for (name, case) in conformance::cases() {
        println!("{name}");
        let site = Site::new();
        case(&site.driver(), &PlainVolume);
        site.expect_no_complaints();
        assert_eq!(site.active(), Vec::<std::path::PathBuf>::new());
    }
}

#[test]
fn the_engine_conforms_with_a_worker_process() {
    for (name, case) in conformance::cases() {
        println!("{name}");
        let site = Site::new();
        case(&site.driver_with_worker(), &PlainVolume);
        site.expect_no_complaints();
    }
}
