//! Docker's layer store calls the driver in this order (moby layer/layer_store.go, mounted_layer.go).

use std::io::Read;

use transom_driver::memory::MemoryEngine;
use transom_driver::{Driver, DriverError, ErrorKind, Exports, Id};

use crate::support::{driver, id, read_to_end, tar};

/// Register: create, apply while the stream is hashed, drain; on any error remove.
fn register(
    driver: &Driver<MemoryEngine>,
    layer: &Id,
    parent: Option<&Id>,
    tar: &[u8],
) -> Result<u64, DriverError> {
    driver.create(layer, parent)?;
    let mut stream = tar;
    let applied = driver.apply_diff(layer, parent, &mut stream);
    if applied.is_err() {
        driver.remove(layer).expect("removes what was begun");
    } else {
        assert!(stream.is_empty(), "all of the stream goes through the hash");
    }
    applied
}

#[test]
fn an_image_is_pulled_run_committed_and_removed() {
    let (driver, engine) = driver(Exports::Unprepared);
    let [base, app, duplicate] = ["base", "app", "duplicate"].map(id);
    let (base_tar, app_tar) = (
        tar(&[("Files/base.txt", "base")]),
        tar(&[("Files/app.txt", "app")]),
    );

    // Pull.
    assert_eq!(
        register(&driver, &base, None, &base_tar).expect("registers"),
        4
    );
    assert_eq!(
        register(&driver, &app, Some(&base), &app_tar).expect("registers"),
        3
    );

    // Another pull of the same layer is found to be a duplicate after it was applied, and removed.
    register(&driver, &duplicate, Some(&base), &app_tar).expect("registers");
    driver.remove(&duplicate).expect("removes the duplicate");

    // A container is created, started, committed while it runs, stopped.
    let (container, committed) = (id("container"), id("committed"));
    driver
        .create_writable(&container, Some(&app), [("size", "40GB")])
        .expect("creates");
    let root = driver.get(&container).expect("starts");
    assert_eq!(
        std::fs::read(root.join("base.txt")).expect("is there"),
        b"base"
    );
    std::fs::write(root.join("data.txt"), "data").expect("writes");
    std::fs::remove_file(root.join("app.txt")).expect("removes");

    driver.get(&container).expect("is mounted for the commit");
    let mut diff = driver.diff(&container).expect("starts");
    driver.create(&committed, Some(&app)).expect("creates");
    let size = driver.apply_diff(&committed, Some(&app), &mut diff);
    assert_eq!(size.expect("fills"), 4);
    drop(diff);
    driver.put(&container).expect("ends the commit");
    assert!(root.join("data.txt").exists(), "the container still runs");
    driver.put(&container).expect("stops");

    // What was committed shows what the container showed.
    let view = id("view");
    driver
        .create_writable(&view, Some(&committed), [("size", "0")])
        .expect("creates");
    let root = driver.get(&view).expect("mounts");
    let mut names: Vec<_> = std::fs::read_dir(&root)
        .expect("lists")
        .map(|entry| entry.expect("is listed").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["base.txt", "data.txt"]);
    driver.put(&view).expect("unmounts");

    // Save: the layer as it came, and each of its files by name.
    assert_eq!(read_to_end(driver.diff(&app).expect("starts")), app_tar);
    let mut content = String::new();
    let mut file = driver
        .diff_getter(&app)
        .get("Files/app.txt")
        .expect("opens");
    file.read_to_string(&mut content).expect("reads");
    assert_eq!(content, "app");

    // Containers go first, then the image from its top layer down.
    let too_early = driver.remove(&app).expect_err("has children");
    assert_eq!(too_early.kind(), ErrorKind::InUse);
    for layer in [&view, &container, &committed, &app, &base] {
        driver.remove(layer).expect("removes");
    }
    driver.cleanup().expect("has nothing left to do");
    assert_eq!(engine.snapshot().layers().count(), 0);
}

#[test]
fn a_layer_whose_tar_is_refused_can_be_registered_again() {
    let (driver, engine) = driver(Exports::Unprepared);
    let layer = id("layer");
    let whole = tar(&[("Files/a.txt", "a")]);
    for broken in [
        &whole[..700],
        b"not a tar at all".as_slice(),
        &tar(&[("../escape", "x")]),
    ] {
        let error = register(&driver, &layer, None, broken).expect_err("is refused");
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert_eq!(engine.snapshot().layers().count(), 0);
    }
    register(&driver, &layer, None, &whole).expect("registers");
}

#[test]
fn a_base_layer_with_a_whiteout_is_refused_and_elsewhere_whiteouts_come_last() {
    let (driver, _) = driver(Exports::Unprepared);
    let (base, layer) = (id("base"), id("layer"));
    let whiteout = tar(&[("Files/.wh.a.txt", ""), ("Files/a.txt", "again")]);
    register(&driver, &base, None, &whiteout).expect_err("is refused");
    register(&driver, &base, None, &tar(&[("Files/A.TXT", "a")])).expect("registers");
    register(&driver, &layer, Some(&base), &whiteout).expect("registers");
    let changes = driver.changes(&layer).expect("lists");
    let changes: Vec<_> = changes
        .iter()
        .map(|change| (change.path.as_str(), change.kind.number()))
        .collect();
    assert_eq!(changes, [("Files/A.TXT", 2)], "names match in any case");
}
