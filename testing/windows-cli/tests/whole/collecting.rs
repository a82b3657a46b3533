//! Layers in Windows go when nothing needs them.

use std::path::Path;

use transom_driver::conformance::Volume as _;
use transom_standin::{Action, PlainVolume, Rule};
use transom_windows::HResult;

use crate::support::{HELLO, Host};

fn layers(host: &Host) -> usize {
    let mut names = host.names_in("windowsfilter");
    names.retain(|name| name != ".transom");
    names.len()
}

fn given_back(host: &Host, arguments: &[&str]) -> u64 {
    host.json(arguments)["bytes"].as_u64().expect("a number")
}

fn usage(host: &Host, what: &str) -> u64 {
    host.json(&["df"])[what].as_u64().expect("a number")
}

/// All that layers take; the store's own files stay when they go.
fn of_layers(host: &Host) -> u64 {
    ["catalog", "notes", "other"]
        .iter()
        .fold(usage(host, "total"), |rest, own| rest - usage(host, own))
}

#[test]
fn what_an_image_has_in_windows_goes_with_it() {
    let Some(host) = Host::with_hello() else {
        return;
    };
    assert_eq!(usage(&host, "in_windows"), 0);
    host.run(&["create", "box", "--from", HELLO]);
    assert_eq!(layers(&host), 4);
    let made = usage(&host, "in_windows");
    assert!(made > 0 && usage(&host, "writable") > 0);
    assert_eq!(usage(&host, "reclaimable"), 0);

    assert!(given_back(&host, &["rm", "box"]) > 0);
    assert_eq!(layers(&host), 3, "a cache, as long as there is the image");
    assert_eq!(
        (usage(&host, "in_windows"), usage(&host, "writable")),
        (made, 0)
    );
    assert_eq!(given_back(&host, &["gc"]), 0);

    let before = of_layers(&host);
    assert_eq!(given_back(&host, &["rm", HELLO]), before);
    assert_eq!(layers(&host), 0);
    assert_eq!(usage(&host, "in_windows"), 0);
    host.assert_all_can_go();
}

#[test]
fn removing_an_image_leaves_the_layers_over_it_usable() {
    let Some(host) = Host::with_hello() else {
        return;
    };
    host.run(&["create", "box", "--from", HELLO]);
    host.run(&["rm", HELLO]);
    host.run(&["gc"]);
    assert_eq!(layers(&host), 4);
    assert!(host.run(&["list"]).contains("(removed)"));
    let volume = host.run(&["mount", "box"]);
    PlainVolume
        .write(Path::new(&volume), "new.txt", b"new")
        .expect("is mounted");
    host.run(&["umount", "box"]);
    host.run(&["commit", "box", "-t", "mine:1"]);
    assert_eq!(host.run(&["cat", "mine:1", r"C:\new.txt"]), "new");
    host.run(&["rm", "mine:1"]);
    assert_eq!(layers(&host), 4);
    host.run(&["rm", "box"]);
    assert_eq!(layers(&host), 0, "nobody needs the layers below any more");
    assert_eq!(host.names_in("layers"), Vec::<String>::new());
    host.assert_all_can_go();
}

#[test]
fn layers_that_another_image_has_stay() {
    let Some(host) = Host::with_hello() else {
        return;
    };
    host.run(&["create", "box", "--from", HELLO]);
    host.run(&["commit", "box", "-t", "second:1"]);
    host.run(&["create", "over", "--from", "second:1"]);
    assert_eq!(layers(&host), 6);
    host.run(&["rm", "over"]);
    host.run(&["rm", "second:1"]);
    assert_eq!(layers(&host), 4, "three of the sample, and the box");
    host.assert_clean();
    host.assert_all_can_go();
}

#[test]
fn bytes_that_windows_does_not_let_go_of_are_not_told_as_given_back() {
    let Some(host) = Host::with_hello() else {
        return;
    };
    host.run(&["create", "box", "--from", HELLO]);
    host.run(&["rm", "box"]);
    let made = usage(&host, "in_windows");
    let sealed = of_layers(&host) - made;
    let held = Action::Fail(HResult::SHARING_VIOLATION);
    for _ in 0..3 {
        let rule = Rule::next("DestroyLayer", held);
        host.machine().plan(&rule).expect("is noted");
    }
    assert_eq!(given_back(&host, &["rm", HELLO]), sealed);
    assert_eq!(usage(&host, "in_windows"), made);
    assert_eq!(usage(&host, "reclaimable"), made);
    assert_eq!(given_back(&host, &["gc"]), made);
    host.assert_all_can_go();
}

#[test]
fn a_layer_that_somebody_else_has_put_there_is_left_alone() {
    let Some(host) = Host::with_hello() else {
        return;
    };
    host.run(&["create", "box", "--from", HELLO]);
    let other = host.path("store").join("windowsfilter").join("other");
    std::fs::create_dir(&other).expect("is new");
    std::fs::write(other.join("layerchain.json"), "null").expect("is written");
    let error = host.fails(&["create", "other", "--from", HELLO]);
    assert!(
        error.contains("there is a layer \"other\" already"),
        "{error}"
    );
    let error = host.fails(&["rm", "other"]);
    assert!(error.contains("other"), "{error}");
    host.run(&["rm", "box"]);
    host.run(&["rm", HELLO]);
    host.run(&["gc"]);
    assert_eq!(host.names_in("windowsfilter"), [".transom", "other"]);
}
