//! The program is killed in the middle of something; the next command finds all in order.

use std::io::Write;
use std::process::Stdio;

use transom_standin::{Action, Rule};

use crate::support::{HELLO, Host, sample, wait_for};

const CREATE: [&str; 4] = ["create", "box", "--from", HELLO];

#[test]
fn a_kill_while_an_image_is_loaded_leaves_nothing() {
    let Some(host) = Host::new() else { return };
    let mut command = host.command(&["load", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().expect("starts");
    let archive = std::fs::read(sample()).expect("is there");
    let half = &archive[..archive.len() / 2];
    let mut stdin = child.stdin.take().expect("is piped");
    stdin.write_all(half).expect("is read");
    wait_for("the import", || !host.names_in("staging").is_empty());
    child.kill().expect("is there");
    child.wait().expect("ends");
    drop(stdin);
    assert_eq!(host.run(&["list"]), "NAME  KIND  IMAGE");
    host.assert_clean();
    assert_eq!(host.names_in("layers"), Vec::<String>::new());
    host.run(&["load", &sample()]);
    host.assert_clean();
    host.assert_all_can_go();
}

#[test]
fn a_kill_while_a_layer_is_made_leaves_nothing() {
    let Some(host) = Host::with_hello() else {
        return;
    };
    // What was filled before a kill stays, so each comes further.
    for (call, skip) in [
        ("CreateLayer", 0),
        ("ProcessBaseImage", 0),
        ("CreateLayer", 0),
        ("ImportLayer", 0),
        ("CreateLayer", 0),
        ("ImportLayer", 0),
        ("CreateSandboxLayer", 0),
    ] {
        host.kill_in(call, skip, &CREATE);
        assert_eq!(host.run(&["list"]), "NAME  KIND  IMAGE", "{call}");
        host.run(&["gc"]);
        host.assert_clean();
    }
    host.run(&CREATE);
    host.run(&["mount", "box"]);
    host.run(&["umount", "box"]);
    host.assert_clean();
    host.assert_all_can_go();
}

#[test]
fn a_kill_ends_the_worker_too() {
    let Some(host) = Host::with_hello() else {
        return;
    };
    host.kill_in("ImportLayer", 0, &CREATE);
    let staging = "windowsfilter/.transom/staging";
    let names = host.names_in(staging);
    let mut names = names.iter().filter(|name| name.starts_with("worker-"));
    let lock = names.next().expect("a worker was at work");
    let lock = host.path("store").join(staging).join(lock).join("alive");
    let lock = std::fs::File::open(lock).expect("is there");
    // The call hangs for an hour.
    wait_for("the worker's end", || lock.try_lock().is_ok());
}

#[test]
fn what_a_killed_create_has_made_is_collected() {
    let Some(host) = Host::with_hello() else {
        return;
    };
    for (call, skip) in [("CreateLayer", 1), ("CreateSandboxLayer", 0)] {
        host.kill_in(call, skip, &CREATE);
        host.run(&["rm", HELLO]);
        host.assert_clean();
        host.assert_all_can_go();
        host.run(&["load", &sample()]);
    }
}

#[test]
fn a_kill_after_windows_has_done_its_part_leaves_nothing() {
    let Some(host) = Host::with_hello() else {
        return;
    };
    let die_after = |call: &str, arguments: &[&str]| {
        let rule = Rule::next(call, Action::DieAfter);
        host.machine().plan(&rule).expect("is noted");
        let output = host.command(arguments).output().expect("starts");
        assert!(!output.status.success(), "{call}");
        host.run(&["gc"]);
        host.assert_clean();
    };
    die_after("CreateLayer", &CREATE);
    die_after("CreateSandboxLayer", &CREATE);
    host.run(&CREATE);
    die_after("ActivateLayer", &["mount", "box"]);
    die_after("PrepareLayer", &["mount", "box"]);
    host.run(&["changes", "box"]);
    die_after("DestroyLayer", &["rm", "box"]);
    assert_eq!(host.run(&["list"]), "NAME  KIND  IMAGE");
    host.assert_all_can_go();
}

#[test]
fn a_kill_while_a_layer_is_mounted_or_unmounted_leaves_it_as_it_was() {
    let Some(host) = Host::with_hello() else {
        return;
    };
    host.run(&CREATE);
    for call in ["ActivateLayer", "PrepareLayer"] {
        host.kill_in(call, 0, &["mount", "box"]);
        host.run(&["changes", "box"]);
        host.assert_clean();
    }
    for call in ["UnprepareLayer", "DeactivateLayer"] {
        host.run(&["mount", "box"]);
        host.kill_in(call, 0, &["umount", "box"]);
        host.run(&["umount", "box"]);
        host.assert_clean();
    }
    host.run(&["mount", "box"]);
    host.run(&["umount", "box"]);
    host.assert_all_can_go();
}

#[test]
fn a_kill_while_a_layer_is_committed_leaves_it_as_it_was() {
    let Some(host) = Host::with_hello() else {
        return;
    };
    host.run(&CREATE);
    for call in ["ActivateLayer", "ExportLayer", "DeactivateLayer"] {
        host.kill_in(call, 0, &["commit", "box", "-t", "new:1"]);
        host.run(&["changes", "box"]);
        host.assert_clean();
        let images = host.json(&["images"]);
        assert_eq!(images.as_array().map(Vec::len), Some(1), "{call}");
    }
    host.run(&["commit", "box", "-t", "new:1"]);
    host.assert_all_can_go();
}

#[test]
fn a_kill_while_something_is_removed_is_made_up_for() {
    let Some(host) = Host::with_hello() else {
        return;
    };
    host.run(&CREATE);
    host.kill_in("HcsEnumerateComputeSystems", 0, &["rm", "box"]);
    assert!(host.run(&["list"]).contains("box"), "it was not begun");
    host.kill_in("DestroyLayer", 0, &["rm", "box"]);
    assert_eq!(host.run(&["list"]), "NAME  KIND  IMAGE");
    host.run(&["gc"]);
    host.assert_clean();
    host.kill_in("DestroyLayer", 1, &["rm", HELLO]);
    assert_eq!(host.json(&["images"]), serde_json::json!([]));
    host.run(&["gc"]);
    host.assert_clean();
    host.assert_all_can_go();
}
