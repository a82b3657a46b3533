//! The self-test.

use crate::support::Home;

#[test]
#[cfg(target_os = "linux")]
fn a_folder_that_can_be_written_is_well_and_what_is_no_folder_is_not() {
    let home = Home::empty();
    let said = home.json(["doctor"]);
    assert_eq!(said["works"], true);
    let checks = said["checks"].as_array().unwrap();
    let named: Vec<_> = checks.iter().map(|check| &check["check"]).collect();
    assert_eq!(named, ["root", "kernel mounts", "FUSE", "store folder"]);
    for check in checks {
        assert_ne!(check["why"], "", "{check}");
    }
    // It only looks.
    assert!(!home.path("store").exists());

    let file = home.path("file");
    std::fs::write(&file, "").unwrap();
    let args = ["doctor".as_ref(), "--folder".as_ref(), file.as_os_str()];
    let said = home.run(args);
    assert_eq!(said.status.code(), Some(1));
    let table = String::from_utf8(said.stdout).unwrap();
    assert!(table.contains("is no folder"), "{table}");
}

/// Wine has no Host Compute Service of its own, and says so.
#[test]
#[cfg(windows)]
fn every_part_is_told_and_nothing_stays() {
    let home = Home::empty();
    let folder = home.path("test");
    std::fs::create_dir(&folder).unwrap();
    let args = [
        "--json".as_ref(),
        "doctor".as_ref(),
        "--folder".as_ref(),
        folder.as_os_str(),
    ];
    let said = home.run(args);
    let table: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(table["works"], said.status.success());
    let checks = table["checks"].as_array().unwrap();
    let is_there = |what: &str| checks.iter().any(|check| check["check"] == what);
    assert!(is_there("SeBackupPrivilege") && is_there("file system"));
    assert!(is_there("Host Compute Service") && is_there("Windows"));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}
