//! What dead processes leave, and what stays.

use transom_driver::conformance::Volume as _;
use transom_standin::PlainVolume;

use crate::support::{Site, TestDriver, base, id, make_stack};

/// Makes a stack, and the writable layer `box` on it.
fn with_box(site: &Site) -> TestDriver {
    let driver = site.driver();
    let (_, middle) = make_stack(&driver);
    driver
        .create_writable(&id("box"), Some(&middle), [("size", "0")])
        .expect("is new");
    driver
}

#[test]
fn a_mount_and_its_references_outlive_the_process() {
    let site = Site::new();
    let layer = id("box");
    {
        let driver = with_box(&site);
        driver.get(&layer).expect("mounts");
        driver.get(&layer).expect("is mounted");
    }
    let driver = site.driver();
    driver.put(&layer).expect("one reference less");
    assert!(!site.active().is_empty(), "one is left");
    driver.put(&layer).expect("unmounts");
    assert!(site.active().is_empty());
}

#[test]
fn after_a_restart_of_the_host_a_layer_is_mounted_anew() {
    let site = Site::new();
    let layer = id("box");
    {
        let driver = with_box(&site);
        let root = driver.get(&layer).expect("mounts");
        PlainVolume
            .write(&root, "kept.txt", b"kept")
            .expect("writes");
    }
    // The kernel forgets what was active.
    let disk = site.layer(&layer).join("sandbox.vhdx");
    transom_windows::Hcs::detach_virtual_disk(&site.machine(), &disk).expect("was attached");
    let driver = site.driver();
    let root = driver.get(&layer).expect("mounts");
    assert!(
        PlainVolume
            .read_all(&root)
            .expect("reads")
            .contains_key("kept.txt")
    );
    driver.put(&layer).expect("unmounts");
    assert!(site.active().is_empty());
}

#[test]
fn template_machines_of_a_layer_are_stopped_and_no_others() {
    let site = Site::new();
    let driver = site.driver();
    make_stack(&driver);
    let system = |id: &str, path: &str, is_template: bool| serde_json::json!({ "Id": id, "RuntimeImagePath": path, "IsRuntimeTemplate": is_template });
    let systems = [
        system("of-top", r"C:\store\top\UtilityVM", true),
        system("of-another", r"C:\store\top2\UtilityVM", true),
        system("container", r"C:\store\top\UtilityVM", false),
    ];
    let path = site.path("machine").join("systems.json");
    std::fs::write(&path, serde_json::Value::from(systems.to_vec()).to_string()).expect("writes");
    driver.remove(&id("top")).expect("removes");
    let left = std::fs::read_to_string(path).expect("reads");
    assert!(!left.contains("of-top"), "{left}");
    assert!(
        left.contains("of-another") && left.contains("container"),
        "{left}"
    );
}

#[test]
fn a_layer_without_its_size_is_not_there_even_if_it_cannot_be_taken_away() {
    let site = Site::new();
    let driver = site.driver();
    let (_, middle) = make_stack(&driver);
    // What is left of an earlier removal is in the way, and cannot be destroyed either.
    std::fs::create_dir(site.home().join("box-removing")).expect("is free");
    let fail =
        |call| serde_json::json!({ "call": call, "action": "fail", "code": 0x8007_0070_u32 });
    let rules = format!("{}\n{}\n", fail("ExpandSandboxSize"), fail("DestroyLayer"));
    std::fs::write(site.path("machine").join("control"), rules).expect("writes");
    let layer = id("box");
    let create = || driver.create_writable(&layer, Some(&middle), [("size", "40GB")]);
    let error = create().expect_err("the disk is full");
    assert_eq!(error.kind(), transom_driver::ErrorKind::NoSpace, "{error}");
    assert!(site.layer(&layer).is_dir(), "it could not be taken away");
    assert!(!driver.exists(&layer).expect("can tell"));
    driver.get(&layer).expect_err("is not there");
    create().expect("takes away what is left, and makes it");
    assert!(driver.exists(&layer).expect("can tell"));
    site.expect_no_complaints();
}

#[test]
fn a_layer_counts_as_filled_from_the_import_that_succeeds() {
    let site = Site::new();
    let driver = site.driver();
    let layer = id("base");
    let is_filled = || transom_hcs::is_filled(&site.layer(&layer)).expect("can be looked into");
    driver.create(&layer, None).expect("is new");
    assert!(!is_filled());
    let tar = base();
    let content = b"boot store";
    let at = tar
        .windows(content.len())
        .position(|bytes| bytes == content);
    let torn = tar.get(..at.expect("is in it") + 4).expect("is longer");
    let import = |mut tar: &[u8]| driver.apply_diff(&layer, None, &mut tar);
    import(torn).expect_err("ends in the middle of a file");
    assert!(!is_filled());
    import(&tar).expect("is valid");
    assert!(is_filled());
    let error = import(&tar).expect_err("is filled");
    assert_eq!(error.kind(), transom_driver::ErrorKind::Exists, "{error}");
}
