//! The calls of each operation, in their order and with their arguments: those that hcsshim's client makes.
//!
//! The expected lists were logged from hcsshim's own client; `{temp}` stands for the name of a temporary folder.

use std::io::Read as _;

use crate::support::{Site, base, id, make_stack, top};

/// Does `work` and returns what it called, paths shortened.
fn calls(site: &Site, work: impl FnOnce()) -> Vec<String> {
    site.clear_log();
    work();
    let home = format!("{}{}", site.home().display(), std::path::MAIN_SEPARATOR);
    let staging = format!("{home}.transom{0}staging{0}", std::path::MAIN_SEPARATOR);
    let shorten = |line: String| {
        let line = line.replace(r"\\?\", "").replace(&staging, "{staging}/");
        let line = line.replace(&home, "");
        match line.split_once("{staging}/hcs") {
            Some((before, after)) => {
                let rest = after.find(|c: char| !c.is_ascii_alphanumeric());
                let rest = rest.and_then(|at| after.get(at..)).unwrap_or_default();
                format!("{before}{{temp}}{rest}")
            }
            None => line,
        }
    };
    site.machine().log().into_iter().map(shorten).collect()
}

#[test]
fn each_operation_calls_what_the_reference_client_calls() {
    let site = Site::new();
    let driver = site.driver();
    let (bottom, middle) = make_stack(&driver);
    let (scratch, other) = (id("scratch"), id("other"));

    let imported = calls(&site, || {
        driver.create(&other, Some(&bottom)).expect("is new");
        site.clear_log();
        driver
            .apply_diff(&other, Some(&bottom), &mut &top()[..])
            .expect("is valid");
    });
    assert_eq!(
        imported,
        [
            "LayerExists(flavour=1 home='' id=base)",
            "NameToGuid(base)",
            "ImportLayer(flavour=1 home='' id=other folder={temp} n=1 [{flags 0, path base}])",
        ],
        "import"
    );

    let created = calls(&site, || {
        driver
            .create_writable(&scratch, Some(&bottom), [("size", "40GB")])
            .expect("is new");
    });
    assert_eq!(
        created,
        [
            "LayerExists(flavour=1 home='' id=base)",
            "NameToGuid(base)",
            "CreateSandboxLayer(flavour=1 home='' id=scratch n=1 [{flags 0, path base}])",
            "ExpandSandboxSize(flavour=1 home='' id=scratch bytes=42949672960)",
        ],
        "create"
    );

    let mounted = calls(&site, || {
        driver.get(&scratch).expect("mounts");
    });
    let prepare = "PrepareLayer(flavour=1 home='' id=scratch n=1 [{flags 0, path base}])";
    let [activate, unprepare, deactivate] = ["ActivateLayer", "UnprepareLayer", "DeactivateLayer"]
        .map(|call| format!("{call}(flavour=1 home='' id=scratch)"));
    assert_eq!(
        mounted,
        [
            &activate,
            "NameToGuid(base)",
            prepare,
            "GetLayerMountPath(flavour=1 home='' id=scratch)",
        ],
        "mount"
    );

    let unmounted = calls(&site, || driver.put(&scratch).expect("unmounts"));
    assert_eq!(unmounted, [&*unprepare, &*deactivate], "unmount");

    let export =
        "ExportLayer(flavour=1 home='' id=scratch folder={temp} n=1 [{flags 0, path base}])";
    let exported = calls(&site, || {
        let mut diff = driver.diff(&scratch).expect("starts");
        diff.read_to_end(&mut Vec::new()).expect("exports");
    });
    assert_eq!(
        exported,
        [
            &*activate,
            "NameToGuid(base)",
            prepare,
            &*unprepare,
            "NameToGuid(base)",
            export,
            &*deactivate,
        ],
        "export"
    );

    let removed = calls(&site, || driver.remove(&scratch).expect("removes"));
    assert_eq!(
        removed,
        [
            "HcsEnumerateComputeSystems({})",
            "DestroyLayer(flavour=1 home='' id=scratch-removing)",
        ],
        "remove"
    );

    let deep = calls(&site, || {
        driver
            .create_writable(&scratch, Some(&middle), [("size", "0")])
            .expect("is new");
    });
    assert_eq!(
        deep.last().map(String::as_str),
        Some(
            "CreateSandboxLayer(flavour=1 home='' id=scratch n=2 [{flags 0, path top}, {flags 0, path base}])"
        ),
        "the immediate parent comes first"
    );
    site.expect_no_complaints();
}

#[test]
fn a_base_layer_is_processed_after_its_files_are_there() {
    let site = Site::new();
    let driver = site.driver();
    let layer = id("base");
    let imported = calls(&site, || {
        driver.create(&layer, None).expect("is new");
        driver
            .apply_diff(&layer, None, &mut &base()[..])
            .expect("is valid");
    });
    assert_eq!(
        imported,
        [
            "CreateLayer(flavour=1 home='' id=base parent='')".to_owned(),
            "ProcessBaseImage(base)".to_owned(),
            format!(
                "ProcessUtilityImage(base{}UtilityVM)",
                std::path::MAIN_SEPARATOR
            ),
        ]
    );
}
