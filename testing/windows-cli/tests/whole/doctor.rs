//! The self-test lets a layer live.

use std::path::PathBuf;

use serde_json::Value;
use transom_standin::{Action, Rule};
use transom_windows::HResult;

use crate::support::Host;

/// Runs the self-test in a folder of its own; returns how it ended and what it told.
fn doctor(host: &Host) -> (Option<i32>, Vec<Value>) {
    let folder = host.path("tried");
    std::fs::create_dir_all(&folder).expect("can be made");
    let arguments = ["--json", "doctor", "--folder", &host.text("tried")];
    let output = host.command(&arguments).output().expect("starts");
    let told: Value = serde_json::from_slice(&output.stdout).expect("is JSON");
    assert_eq!(told["works"], output.status.success());
    let left = std::fs::read_dir(&folder).expect("is there");
    assert_eq!(left.count(), 0, "it leaves nothing");
    let active = host.machine().active().expect("is known");
    assert_eq!(active, Vec::<PathBuf>::new());
    let checks = told["checks"].as_array().expect("is a list").clone();
    (output.status.code(), checks)
}

#[test]
fn a_layer_lives_and_every_step_is_told() {
    let Some(host) = Host::new() else { return };
    let (code, checks) = doctor(&host);
    assert_eq!(code, Some(0), "{checks:#?}");
    let works = |what: &str| {
        let is_it = |check: &&Value| check["check"] == what;
        let found = checks.iter().find(is_it);
        found.is_some_and(|check| check["works"] == true)
    };
    for what in [
        "ids of layers",
        "import into it",
        "import into that",
        "make a writable layer",
        "mount it",
        "write a file there",
        "unmount it",
        "export its changes",
        "remove the writable layer",
        "remove the base layer",
    ] {
        assert!(works(what), "{what}: {checks:#?}");
    }
    let hives = checks
        .iter()
        .find(|check| check["check"] == "base layer's hives");
    let why = hives.and_then(|check| check["why"].as_str());
    assert!(why.is_some_and(|why| why.contains("never verified")));
    assert_eq!(host.machine().complaints(), Vec::<String>::new());
}

#[test]
fn a_call_that_fails_is_named_and_the_end() {
    let Some(host) = Host::new() else { return };
    for (call, step) in [
        ("NameToGuid", "ids of layers"),
        ("CreateLayer", "make a base layer"),
        ("ProcessBaseImage", "import into it"),
        ("ImportLayer", "import into that"),
        ("CreateSandboxLayer", "make a writable layer"),
        ("ActivateLayer", "mount it"),
        ("PrepareLayer", "mount it"),
        ("ExportLayer", "export its changes"),
    ] {
        let refused = Action::Fail(HResult::ACCESS_DENIED);
        let rule = Rule::next(call, refused);
        host.machine().plan(&rule).expect("is noted");
        let (code, checks) = doctor(&host);
        assert_eq!(code, Some(1), "{call}");
        let failed: Vec<_> = checks
            .iter()
            .filter(|check| check["state"] == "does not work")
            .collect();
        let [failed] = failed[..] else {
            panic!("{call}: {checks:#?}");
        };
        assert_eq!(failed["check"], step, "{call}");
        let why = failed["why"].as_str().expect("is text");
        assert!(why.contains(call) && why.contains("0x80070005"), "{why}");
    }
}
