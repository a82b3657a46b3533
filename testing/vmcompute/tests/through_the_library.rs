//! The service as a program calls it, with the stand-in's library where Windows has its own.
#![cfg(windows)]
#![allow(
    unsafe_code,
    clippy::print_stdout,
    reason = "the environment tells the library of its machine; a test that is skipped says so"
)]

mod site;

use serde_json::Value;
use transom_driver::conformance::Volume as _;
use transom_standin::{Action, PlainVolume, Rule};
use transom_windows::{BasicInfo, HResult, Hcs as _, HcsError, SystemHcs};

use site::Site;

#[test]
fn a_call_for_compute_systems_that_fails_tells_why() {
    let Some(site) = Site::new() else { return };
    let code = HResult(0xc037_0105);
    let rule = Rule::next("HcsEnumerateComputeSystems", Action::Fail(code));
    site.machine().plan(&rule).unwrap();
    let error = SystemHcs.enumerate_compute_systems("{}").unwrap_err();
    let HcsError::Failed {
        detail: Some(detail),
        ..
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!(error.code(), Some(code));
    let result: Value = serde_json::from_str(detail).unwrap();
    assert_eq!(result["Error"], 0xc037_0105_u32.cast_signed());

    let rule = Rule::next("ActivateLayer", Action::Fail(code));
    site.machine().plan(&rule).unwrap();
    let error = SystemHcs.activate_layer(&site.layer("a")).unwrap_err();
    assert!(
        matches!(error, HcsError::Failed { detail: None, .. }),
        "{error:?}"
    );
}

#[test]
fn what_is_streamed_and_what_is_copied_shows_the_same() {
    let Some(site) = Site::new() else { return };
    let (hcs, scratch, new) = (SystemHcs, site.layer("box"), site.layer("new"));
    let parents = [site.base()];
    let volume = site.mount("box", &parents);
    PlainVolume
        .write(&volume, "new/large", &[7; 3 << 20])
        .unwrap();
    PlainVolume.remove(&volume, "gone.txt").unwrap();
    let changed = PlainVolume.read_all(&volume).unwrap();
    hcs.unprepare_layer(&scratch).unwrap();
    hcs.create_layer(&new, "base").unwrap();
    site.machine().clear_log().unwrap();

    let mut from = hcs.begin_export(&scratch, &parents).unwrap();
    let mut to = hcs.begin_import(&new, &parents).unwrap();
    let mut names = Vec::new();
    let mut buffer = vec![0; 100_000];
    while let Some(entry) = from.next_entry().unwrap() {
        match &entry.info {
            Some(info) => to.add(&entry.name, info).unwrap(),
            None => to.remove(&entry.name).unwrap(),
        }
        loop {
            match from.read(&mut buffer).unwrap() {
                0 => break,
                read => to.write(&buffer[..read]).unwrap(),
            }
        }
        names.push((entry.name, entry.size, entry.info.is_some()));
    }
    from.finish().unwrap();
    to.finish().unwrap();
    assert!(
        names.contains(&("Files/new/large".to_owned(), 3 << 20, true)),
        "{names:?}"
    );
    assert_eq!(names.last(), Some(&("Files/gone.txt".to_owned(), 0, false)));
    let log = site.machine().log();
    let id = |name| format!("flavour=1 home='' id={}", site.layer(name).display());
    let list = format!("n=1 [{{flags 0, path {}}}]", site.layer("base").display());
    assert_eq!(
        log[..4],
        [
            format!("ExportLayerBegin({} {list})", id("box")),
            format!("ImportLayerBegin({} {list})", id("new")),
            format!("ExportLayerNext({})", id("box")),
            format!("ImportLayerNext({} name=\\Files)", id("new")),
        ]
    );
    assert_eq!(
        log[log.len() - 4..],
        [
            format!(
                "ImportLayerNext({} name=\\Files\\gone.txt deleted)",
                id("new")
            ),
            format!("ExportLayerNext({})", id("box")),
            format!("ExportLayerEnd({})", id("box")),
            format!("ImportLayerEnd({})", id("new")),
        ]
    );

    hcs.deactivate_layer(&scratch).unwrap();
    hcs.copy_layer(&scratch, &site.layer("copy"), &parents)
        .unwrap();
    for top in ["new", "copy"] {
        let parents = [site.parent(top), site.parent("base")];
        let volume = site.mount(&format!("on-{top}"), &parents);
        assert!(PlainVolume.read_all(&volume).unwrap() == changed, "{top}");
    }
    assert_eq!(site.machine().complaints(), Vec::<String>::new());
}

#[test]
fn streams_that_are_given_up_are_ended() {
    let Some(site) = Site::new() else { return };
    let (hcs, parents, new) = (SystemHcs, [site.base()], site.layer("new"));
    site.mount("box", &parents);
    hcs.unprepare_layer(&site.layer("box")).unwrap();
    hcs.create_layer(&new, "base").unwrap();
    site.machine().clear_log().unwrap();
    let mut to = hcs.begin_import(&new, &parents).unwrap();
    to.add(
        "Files",
        &BasicInfo {
            attributes: 0x10,
            ..BasicInfo::default()
        },
    )
    .unwrap();
    drop(to);
    let mut from = hcs.begin_export(&site.layer("box"), &parents).unwrap();
    from.next_entry().unwrap();
    drop(from);
    let from = hcs.begin_export(&site.layer("box"), &parents).unwrap();
    from.finish().unwrap_err();
    let calls: Vec<_> = site.machine().log();
    let count = |call: &str| calls.iter().filter(|line| line.starts_with(call)).count();
    assert_eq!((count("ImportLayerBegin"), count("ImportLayerEnd")), (1, 1));
    assert_eq!((count("ExportLayerBegin"), count("ExportLayerEnd")), (2, 2));
    assert!(!new.join("Files").exists(), "half a layer is none");
    let mut to = hcs.begin_import(&new, &parents).unwrap();
    let error = to.write(b"early").unwrap_err();
    assert_eq!(error.code(), Some(HResult::INVALID_PARAMETER), "{error}");
    to.remove("Other/a").unwrap_err();
}

#[test]
fn base_images_are_told_and_machines_get_their_files() {
    let Some(site) = Site::new() else { return };
    assert_eq!(SystemHcs.base_images().unwrap(), r#"{"Images":[]}"#);
    let file = std::env::current_exe().unwrap();
    SystemHcs.grant_vm_access("vm", &file).unwrap();
    let error = SystemHcs
        .grant_vm_access("vm", &site.layer("none"))
        .unwrap_err();
    assert_eq!(error.code(), Some(HResult::FILE_NOT_FOUND));
    SystemHcs.grant_vm_access("", &file).unwrap_err();
    let log = site.machine().log();
    assert_eq!(
        log[..2],
        [
            "GetBaseImages()".to_owned(),
            format!("GrantVmAccess(vm=vm file={})", file.display())
        ]
    );
}

#[test]
fn a_path_is_asked_for_twice_first_for_its_length() {
    let Some(site) = Site::new() else { return };
    let parents = [site.base()];
    let volume = site.mount("box", &parents);
    let length = volume.to_string_lossy().encode_utf16().count() + 1;
    let id = site.layer("box").display().to_string();
    let log = site.machine().log();
    assert_eq!(
        log[log.len() - 2..],
        [
            format!("GetLayerMountPath(flavour=1 home='' id={id} len=0 NULL)"),
            format!("GetLayerMountPath(flavour=1 home='' id={id} len={length} buffer)"),
        ]
    );
}
