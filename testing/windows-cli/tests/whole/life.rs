//! One image from its load to its removal.

use std::path::Path;

use transom_driver::conformance::Volume as _;
use transom_standin::PlainVolume;

use crate::support::{HELLO, Host};

#[test]
fn an_image_is_patched_through_a_mounted_layer() {
    let Some(host) = Host::with_hello() else {
        return;
    };
    host.run(&["create", "patch", "--from", HELLO]);
    let volume = host.run(&["mount", "patch"]);
    let volume = Path::new(&volume);
    let written = PlainVolume
        .write(volume, "HELLO/new.txt", b"new")
        .and_then(|()| PlainVolume.remove(volume, "HELLO/settings.ini"));
    written.expect("is mounted");
    host.run(&["umount", "patch"]);
    let changes = host.run(&["changes", "patch"]);
    for change in ["A Files/HELLO/new.txt", "D Files/HELLO/settings.ini"] {
        assert!(changes.lines().any(|line| line == change), "{changes}");
    }
    host.run(&["commit", "patch", "-t", "hello:patched"]);
    let new = host.run(&["cat", "hello:patched", r"C:\hello\new.txt"]);
    assert_eq!(new, "new");
    host.run(&["create", "again", "--from", "hello:patched"]);
    host.assert_clean();
    host.assert_all_can_go();
}

#[test]
fn the_tar_of_a_layer_makes_the_same_image_by_apply() {
    let Some(host) = Host::with_hello() else {
        return;
    };
    host.run(&["create", "patch", "--from", HELLO]);
    let volume = host.run(&["mount", "patch"]);
    PlainVolume
        .write(Path::new(&volume), "HELLO/new.txt", b"new")
        .expect("is mounted");
    host.run(&["umount", "patch"]);
    let tar = host.text("patch.tar");
    host.run(&["diff", "patch", "-o", &tar]);
    let committed = host.json(&["commit", "patch", "-t", "hello:patched"]);
    let applied = host.json(&["apply", &tar, "--on", HELLO, "-t", "hello:applied"]);
    assert_eq!(committed["layer"], applied["layer"]);
    assert_eq!(host.run(&["diff", "hello:patched", "hello:applied"]), "");
    assert!(
        host.run(&["diff", HELLO, "hello:applied"])
            .contains("new.txt")
    );
    let volume = {
        host.run(&["create", "over", "--from", "hello:applied"]);
        host.run(&["mount", "over"])
    };
    let contents = PlainVolume
        .read_all(Path::new(&volume))
        .expect("is mounted");
    assert_eq!(contents["HELLO/new.txt"].as_deref(), Some(&b"new"[..]));
    host.run(&["umount", "over"]);
    // Both images have the same layers: each is in Windows once.
    host.run(&["create", "too", "--from", "hello:patched"]);
    assert_eq!(host.calls("ImportLayer"), 3);
    host.assert_clean();
    host.assert_all_can_go();
}

#[test]
fn a_layer_that_is_mounted_is_not_removed() {
    let Some(host) = Host::with_hello() else {
        return;
    };
    host.run(&["create", "box", "--from", HELLO]);
    host.run(&["mount", "box"]);
    let error = host.fails(&["rm", "box"]);
    assert!(error.contains("mounted"), "{error}");
    host.run(&["umount", "box"]);
    host.assert_all_can_go();
}
