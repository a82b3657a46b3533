//! Tars through the service and out again.

use crate::support::{Site, Tar, base, diff, expect_same, id, make_stack, names_below, top};

#[test]
fn a_layer_comes_out_as_it_went_in() {
    let site = Site::new();
    let driver = site.driver();
    let (bottom, middle) = make_stack(&driver);
    expect_same(&diff(&driver, &middle), &top());
    expect_same(&diff(&driver, &bottom), &base());
    site.expect_no_complaints();
}

#[test]
fn the_boot_store_that_windows_changed_comes_out_as_it_went_in() {
    let site = Site::new();
    let driver = site.driver();
    let (bottom, _) = make_stack(&driver);
    let boot = "UtilityVM/Files/EFI/Microsoft/Boot/BCD";
    let live = std::fs::read(site.layer(&bottom).join(boot)).expect("is there");
    let kept = std::fs::read(site.layer(&bottom).join("bcd.bak")).expect("is there");
    assert_ne!(
        live.len(),
        kept.len(),
        "the stand-in changes it as Windows does"
    );
    let mut read = Vec::new();
    let mut file = driver.diff_getter(&bottom).get(boot).expect("is there");
    std::io::Read::read_to_end(&mut file, &mut read).expect("reads");
    assert_eq!(read, b"boot store");
}

#[test]
fn a_layer_gets_its_own_boot_store_and_shares_the_rest_of_the_utility_vm() {
    let site = Site::new();
    let driver = site.driver();
    let (bottom, _) = make_stack(&driver);
    let layer = id("services");
    driver.create(&layer, Some(&bottom)).expect("is new");
    let tar = Tar::new()
        .root("Files")
        .root("Hives")
        .root("UtilityVM")
        .folder("UtilityVM/Files")
        .file("UtilityVM/Files/new.txt", b"new")
        .finish();
    driver
        .apply_diff(&layer, Some(&bottom), &mut &tar[..])
        .expect("is valid");
    let size = |layer, name: &str| {
        let path = site.layer(layer).join("UtilityVM/Files").join(name);
        std::fs::metadata(path).expect("is there").len()
    };
    assert_eq!(size(&layer, "vm.txt"), size(&bottom, "vm.txt"));
    let boot = "EFI/Microsoft/Boot/BCD";
    let once = size(&bottom, boot);
    assert!(size(&layer, boot) > once, "changed once more");
    assert_eq!(size(&bottom, boot), once, "in the layer alone");
    site.expect_no_complaints();
}

#[test]
fn what_windows_would_drop_or_cannot_have_is_refused_by_name() {
    let cases: [(&str, Vec<u8>); 7] = [
        (
            "opaque",
            Tar::new()
                .root("Files")
                .file("Files/.wh..wh..opq", b"")
                .finish(),
        ),
        (
            "Other/x",
            Tar::new().root("Files").file("Other/x", b"").finish(),
        ),
        (
            "a.txt:s",
            Tar::new()
                .root("Files")
                .stream("Files/a.txt:s", b"")
                .finish(),
        ),
        (
            "x.$wcidirs$",
            Tar::new()
                .root("Files")
                .file("Files/x.$wcidirs$", b"")
                .finish(),
        ),
        (
            "nowhere",
            Tar::new()
                .root("Files")
                .link("Files/l", "Files/nowhere")
                .finish(),
        ),
        (
            "Hives/x",
            Tar::new().root("Hives").whiteout("Hives/x").finish(),
        ),
        (
            "UtilityVM/Files/x",
            Tar::new()
                .root("Files")
                .file("UtilityVM/Files/x", b"")
                .finish(),
        ),
    ];
    for (named, tar) in cases {
        let site = Site::new();
        let driver = site.driver();
        let (bottom, _) = make_stack(&driver);
        let layer = id("refused");
        driver.create(&layer, Some(&bottom)).expect("is new");
        let empty = names_below(&site.layer(&layer));
        let error = driver
            .apply_diff(&layer, Some(&bottom), &mut &tar[..])
            .expect_err(named);
        let text = format!("{error} {}", chain_of(&error));
        assert!(text.contains(named), "{named}: {text}");
        assert_eq!(
            names_below(&site.layer(&layer)),
            empty,
            "nothing is left of {named}"
        );
        // And the layer can be filled after all.
        driver
            .apply_diff(&layer, Some(&bottom), &mut &top()[..])
            .expect("is valid");
    }
}

#[test]
fn a_whiteout_beats_an_entry_of_its_layer() {
    let site = Site::new();
    let driver = site.driver();
    let (bottom, _) = make_stack(&driver);
    let layer = id("both");
    driver.create(&layer, Some(&bottom)).expect("is new");
    let tar = Tar::new()
        .root("Files")
        .whiteout("Files/a.txt")
        .file("Files/a.txt", b"new")
        .root("Hives")
        .hive("Hives/System_Delta")
        .finish();
    driver
        .apply_diff(&layer, Some(&bottom), &mut &tar[..])
        .expect("is valid");
    let changes = driver.changes(&layer).expect("lists");
    let kind = changes.iter().find(|change| change.path == "Files/a.txt");
    assert_eq!(kind.map(|change| change.kind.number()), Some(2));
}

#[test]
fn filling_a_layer_twice_is_refused() {
    let site = Site::new();
    let driver = site.driver();
    let (bottom, middle) = make_stack(&driver);
    let error = driver
        .apply_diff(&middle, Some(&bottom), &mut &top()[..])
        .expect_err("is filled");
    assert_eq!(error.kind(), transom_driver::ErrorKind::Exists);
}

fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}

#[test]
fn the_kind_of_an_error_goes_through_the_worker_process() {
    let site = Site::new();
    let driver = site.driver_with_worker();
    let (bottom, _) = make_stack(&driver);
    let layer = id("refused");
    driver.create(&layer, Some(&bottom)).expect("is new");
    let tar = Tar::new().root("Files").file("Other/x", b"").finish();
    let error = driver
        .apply_diff(&layer, Some(&bottom), &mut &tar[..])
        .expect_err("is refused");
    assert_eq!(error.kind(), transom_driver::ErrorKind::Invalid);
    assert!(chain_of(&error).contains("Other/x"), "{}", chain_of(&error));
}
