//! Each call, as Docker makes it.

use serde_json::json;

use crate::server::{Memory, tar};

const NO_TAR: [u8; 1024] = [0; 1024];

#[test]
fn a_daemon_that_starts_is_told_what_this_is() {
    let memory = Memory::new();
    let server = memory.serve();
    let answer = server.send("Plugin.Activate", b"");
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({ "Implements": ["GraphDriver"] }))
    );
    let init =
        json!({ "Home": "/var/lib/docker/x", "Opts": null, "UIDMaps": null, "GIDMaps": null });
    server.ok("Init", init);
    let capabilities = server.ok("Capabilities", json!({}));
    assert_eq!(
        capabilities,
        json!({ "Capabilities": { "ReproducesExactDiffs": true } })
    );
    let status = server.ok("Status", json!({}));
    assert!(status["Status"][0][0].is_string(), "{status}");
    server.ok("Cleanup", json!({}));
}

#[test]
fn what_this_driver_does_not_have_is_refused_when_the_daemon_starts() {
    let memory = Memory::new();
    let server = memory.serve();
    let error = server.fails("Init", json!({ "Home": "/x", "Opts": ["dm.size=3"] }));
    assert!(error.contains("dm.size=3"), "{error}");
    let map = json!([{ "container_id": 0, "host_id": 100_000, "size": 65536 }]);
    let error = server.fails("Init", json!({ "Home": "/x", "UIDMaps": map }));
    assert!(error.contains("--userns-remap"), "{error}");
    let same = json!([{ "container_id": 0, "host_id": 0, "size": 65536 }]);
    server.ok(
        "Init",
        json!({ "Home": "/x", "UIDMaps": same, "GIDMaps": same }),
    );
}

#[test]
fn a_layer_lives_as_docker_has_it_live() {
    let memory = Memory::new();
    let server = memory.serve();
    let base = tar(&[("Files/old.txt", b"old"), ("Files/kept.txt", b"kept")]);
    assert_eq!(server.layer("base", "", &base), 7);
    assert_eq!(server.diff("base", ""), base);

    let size = json!({ "size": "20GB" });
    server.ok(
        "CreateReadWrite",
        json!({ "ID": "top-init", "Parent": "base" }),
    );
    server.ok(
        "CreateReadWrite",
        json!({ "ID": "top", "Parent": "base", "MountLabel": "label", "StorageOpt": size }),
    );
    let got = server.ok("Get", json!({ "ID": "top", "MountLabel": "label" }));
    let dir = std::path::PathBuf::from(got["Dir"].as_str().unwrap());
    assert_eq!(std::fs::read(dir.join("old.txt")).unwrap(), b"old");
    std::fs::write(dir.join("new.txt"), "new").unwrap();
    std::fs::remove_file(dir.join("old.txt")).unwrap();
    server.ok("Put", json!({ "ID": "top" }));

    let changes = server.ok("Changes", json!({ "ID": "top", "Parent": "base" }));
    let changes = changes["Changes"].as_array().unwrap();
    assert!(
        changes.contains(&json!({ "Path": "/Files/new.txt", "Kind": 1 })),
        "{changes:?}"
    );
    assert!(
        changes.contains(&json!({ "Path": "/Files/old.txt", "Kind": 2 })),
        "{changes:?}"
    );
    let size = server.ok("DiffSize", json!({ "ID": "top", "Parent": "base" }));
    let diff = server.diff("top", "base");
    let applied = server.layer("committed", "base", &diff);
    assert_eq!(size["Size"], applied);

    for (id, exists) in [("top", true), ("other", false)] {
        assert_eq!(
            server.ok("Exists", json!({ "ID": id })),
            json!({ "Exists": exists })
        );
    }
    assert!(server.ok("GetMetadata", json!({ "ID": "top" }))["Metadata"].is_object());
    for id in ["top", "top-init", "committed", "base"] {
        server.ok("Remove", json!({ "ID": id }));
        assert_eq!(server.ok("Exists", json!({ "ID": id }))["Exists"], false);
    }
}

#[test]
fn what_fails_says_what_and_why() {
    let memory = Memory::new();
    let server = memory.serve();
    server.layer("base", "", &NO_TAR);
    for (call, request, expected) in [
        ("Create", json!({ "ID": "base" }), "base"),
        (
            "Create",
            json!({ "ID": "top", "Parent": "gone" }),
            "missing parent gone",
        ),
        (
            "CreateReadWrite",
            json!({ "ID": "top", "Parent": "gone" }),
            "missing parent gone",
        ),
        (
            "CreateReadWrite",
            json!({ "ID": "top", "Parent": "base", "StorageOpt": { "size": "much" } }),
            "Failed to parse storage options",
        ),
        ("Get", json!({ "ID": "gone" }), "gone"),
        ("GetMetadata", json!({ "ID": "gone" }), "gone"),
        ("Changes", json!({ "ID": "gone" }), "gone"),
        ("DiffSize", json!({ "ID": "gone" }), "gone"),
    ] {
        let (status, answer) = server.post(&format!("GraphDriver.{call}"), &request);
        assert_eq!(status, 200, "{call}");
        let error = answer["Err"].as_str().unwrap_or_default();
        assert!(error.contains(expected), "{call} {request}: {answer}");
    }
    // With status 200 Docker would take the message for the tar.
    let (status, answer) = server.post("GraphDriver.Diff", &json!({ "ID": "gone" }));
    assert_eq!(status, 500);
    assert!(answer["Err"].as_str().unwrap().contains("gone"), "{answer}");
    let answer = server.apply("gone", "", &NO_TAR);
    assert!(answer["Err"].as_str().unwrap().contains("gone"), "{answer}");
}

#[test]
fn a_layer_whose_references_were_forgotten_can_be_removed() {
    let memory = Memory::new();
    let server = memory.serve();
    server.layer("base", "", &NO_TAR);
    server.ok("CreateReadWrite", json!({ "ID": "top", "Parent": "base" }));
    for _ in 0..3 {
        server.ok("Get", json!({ "ID": "top" }));
    }
    drop(server);
    let server = memory.serve();
    server.ok("Remove", json!({ "ID": "top" }));
    server.ok("Remove", json!({ "ID": "base" }));
}

#[test]
fn two_plugins_do_not_share_a_folder() {
    let memory = Memory::new();
    let _server = memory.serve();
    let folder = tempfile::tempdir().unwrap();
    let open = |engine| {
        let driver = transom_driver::Driver::open(engine).unwrap();
        transom_graphdriver::Plugin::open(driver, folder.path())
    };
    let first = open(memory.engine.clone()).unwrap();
    let error = open(memory.engine.clone()).unwrap_err();
    assert!(
        matches!(error, transom_graphdriver::OpenError::Taken),
        "{error}"
    );
    drop(first);
    open(memory.engine.clone()).unwrap();
}
