//! The calls of each operation, in their order and with their arguments: those that hcsshim's client makes.
//!
//! The expected lists were logged from hcsshim's own client; `{temp}` stands for the name of a temporary folder.

use std::io::Read as _;

use transom_driver::Id;

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

/// A parent as it is told.
const BASE: &str = "n=1 [{flags 0, path base}]";

fn on(call: &str, layer: &str) -> String {
    format!("{call}(flavour=1 home='' id={layer})")
}

#[test]
fn an_import_makes_the_reference_clients_calls() {
    let site = Site::new();
    let driver = site.driver();
    let (bottom, _) = make_stack(&driver);
    let other = id("other");
    // What hcsshim leaves to its caller: Docker's driver makes the folder by this call.
    let made = calls(&site, || {
        driver.create(&other, Some(&bottom)).expect("is new");
    });
    assert_eq!(
        made,
        ["CreateLayer(flavour=1 home='' id=other parent='base')"]
    );
    let imported = calls(&site, || {
        driver
            .apply_diff(&other, Some(&bottom), &mut &top()[..])
            .expect("is valid");
    });
    assert_eq!(
        imported,
        [
            "NameToGuid(base)".to_owned(),
            format!("ImportLayer(flavour=1 home='' id=other folder={{temp}} {BASE})"),
        ]
    );
    site.expect_no_complaints();
}

#[test]
fn a_writable_layer_makes_the_reference_clients_calls() {
    let site = Site::new();
    let driver = site.driver();
    let (bottom, middle) = make_stack(&driver);
    let (scratch, sized, deep) = (id("scratch"), id("sized"), id("deep"));
    let create = |layer: &Id, parent: &Id, size: &str| {
        let made = driver.create_writable(layer, Some(parent), [("size", size)]);
        made.expect("is new");
    };
    let created = calls(&site, || create(&scratch, &bottom, "0"));
    let sandbox = |layer| format!("CreateSandboxLayer(flavour=1 home='' id={layer} {BASE})");
    let name = "NameToGuid(base)".to_owned();
    assert_eq!(created, [name.clone(), sandbox("scratch")], "create");
    let created = calls(&site, || create(&sized, &bottom, "40GB"));
    let expand = "ExpandSandboxSize(flavour=1 home='' id=sized bytes=42949672960)";
    assert_eq!(
        created,
        [name.clone(), sandbox("sized"), expand.to_owned()],
        "create with a size"
    );
    let created = calls(&site, || create(&deep, &middle, "0"));
    assert_eq!(
        created,
        [
            "NameToGuid(top)",
            "NameToGuid(base)",
            "CreateSandboxLayer(flavour=1 home='' id=deep n=2 [{flags 0, path top}, {flags 0, path base}])",
        ],
        "the immediate parent comes first"
    );

    let prepare = format!("PrepareLayer(flavour=1 home='' id=scratch {BASE})");
    let mut length = 0;
    let mounted = calls(&site, || {
        let path = driver.get(&scratch).expect("mounts");
        length = path.to_string_lossy().encode_utf16().count() + 1;
    });
    assert_eq!(
        mounted,
        [
            on("ActivateLayer", "scratch"),
            name.clone(),
            prepare.clone(),
            "GetLayerMountPath(flavour=1 home='' id=scratch len=0 NULL)".to_owned(),
            format!("GetLayerMountPath(flavour=1 home='' id=scratch len={length} buffer)"),
        ],
        "mount"
    );

    let unmounted = calls(&site, || driver.put(&scratch).expect("unmounts"));
    assert_eq!(
        unmounted,
        [
            on("UnprepareLayer", "scratch"),
            on("DeactivateLayer", "scratch")
        ],
        "unmount"
    );

    let exported = calls(&site, || {
        let mut diff = driver.diff(&scratch).expect("starts");
        diff.read_to_end(&mut Vec::new()).expect("exports");
    });
    assert_eq!(
        exported,
        [
            on("ActivateLayer", "scratch"),
            name.clone(),
            prepare,
            on("UnprepareLayer", "scratch"),
            name,
            format!("ExportLayer(flavour=1 home='' id=scratch folder={{temp}} {BASE})"),
            on("DeactivateLayer", "scratch"),
        ],
        "export"
    );

    // What hcsshim leaves to its caller: Docker's driver looks for templates first, and renames the folder.
    let removed = calls(&site, || driver.remove(&scratch).expect("removes"));
    assert_eq!(
        removed,
        [
            "HcsEnumerateComputeSystems({})".to_owned(),
            on("DestroyLayer", "scratch-removing"),
        ],
        "remove"
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
