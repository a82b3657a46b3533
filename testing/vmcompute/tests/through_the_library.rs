//! The service as a program calls it, with the stand-in's library where Windows has its own.
#![cfg(windows)]
#![allow(
    unsafe_code,
    clippy::print_stdout,
    reason = "the environment tells the library of its machine; a test that is skipped says so"
)]

mod site;

use serde_json::Value;
use transom_standin::{Action, Rule};
use transom_windows::{HResult, Hcs as _, HcsError, SystemHcs};

use site::Site;

#[test]
fn a_call_for_compute_systems_that_fails_tells_why() {
    let Some(site) = Site::new() else { return };
    let code = HResult(0xc037_0105);
    let rule = Rule::next("HcsEnumerateComputeSystems", Action::Fail(code));
    site.machine().plan(&rule).unwrap();
    let error = SystemHcs.enumerate_compute_systems("{}").unwrap_err();
    let HcsError::Failed {
        detail: Some(detail),
        ..
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!(error.code(), Some(code));
    let result: Value = serde_json::from_str(detail).unwrap();
    assert_eq!(result["Error"], 0xc037_0105_u32.cast_signed());

    let rule = Rule::next("ActivateLayer", Action::Fail(code));
    site.machine().plan(&rule).unwrap();
    let error = SystemHcs.activate_layer(&site.layer("a")).unwrap_err();
    assert!(
        matches!(error, HcsError::Failed { detail: None, .. }),
        "{error:?}"
    );
}
