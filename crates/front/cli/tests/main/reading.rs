//! ls, stat, cat, find, diff, changes, history.

use std::io::Read;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{HELLO, Home};

fn paths(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["path"].as_str().unwrap())
        .collect()
}

#[test]
fn a_path_may_be_written_in_every_way_windows_people_write_it() {
    let home = Home::with_sample();
    let expected = home.ok(["cat", HELLO, r"C:\hello\readme.txt"]);
    assert!(expected.contains("Version 2"), "{expected}");
    for path in [
        "/hello/readme.txt",
        "Files/HELLO/Readme.TXT",
        "c:/HELLO/README.TXT",
        "hello/readme.txt",
    ] {
        assert_eq!(home.ok(["cat", HELLO, path]), expected, "{path}");
    }
    let raw = home.ok(["cat", "--raw", HELLO, "/Files/hello/readme.txt"]);
    assert_eq!(raw, expected);
}

#[test]
fn the_volume_and_the_raw_view_begin_where_they_should() {
    let home = Home::with_sample();
    assert!(home.ok(["ls", HELLO]).lines().any(|name| name == "Windows"));
    let raw: Vec<String> = home
        .ok(["ls", "--raw", HELLO])
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(raw, ["Files", "Hives", "UtilityVM"]);
}

#[test]
fn stat_tells_everything() {
    let home = Home::with_sample();
    let stat = &home.json(["stat", HELLO, "/hello/hello.exe"])[0];
    assert_eq!(stat["kind"], "file");
    assert_eq!(stat["owner"], "Administrators");
    assert_eq!(stat["links"], 2);
    assert_eq!(stat["layer"]["position"], 1);
    assert_eq!(stat["streams"].as_array().unwrap().len(), 2);
    assert!(
        stat["security"]["sddl"]
            .as_str()
            .unwrap()
            .starts_with("O:BAG:SYD:")
    );
    for time in ["created", "modified", "accessed", "changed"] {
        assert!(
            stat[time].as_str().unwrap().starts_with("2024-01-08T"),
            "{time}"
        );
    }
    let junction = &home.json(["stat", HELLO, "/Documents and Settings"])[0];
    assert_eq!(
        (&junction["kind"], &junction["target"]),
        (&"junction".into(), &r"C:\Users".into())
    );
    let with_eas = &home.json(["stat", HELLO, "/Data/wsl.sh"])[0];
    assert_eq!(with_eas["eas"][0]["name"], "$LXGID");
    let text = home.ok(["stat", HELLO, "/Data/no data.txt"]);
    assert!(text.contains("0 bytes (no data stream)"), "{text}");
}

#[test]
fn streams_are_read_by_name_and_hidden_from_plain_listings() {
    let home = Home::with_sample();
    let greeting = home.ok(["cat", HELLO, r"C:\hello\HELLO.EXE:Greeting:$DATA"]);
    assert!(greeting.contains("hello.exe:greeting"), "{greeting}");
    assert!(!home.ok(["ls", HELLO, "/hello"]).contains(':'));
    assert!(
        home.ok(["ls", "-s", HELLO, "/hello"])
            .contains("hello.exe:greeting")
    );
    assert!(home.ok(["ls", "-s", HELLO, "/Data"]).contains("tagged:tag"));
}

#[test]
fn whiteouts_hide_and_replacements_replace() {
    let home = Home::with_sample();
    for gone in ["/Data/gone", "/hello/old.txt"] {
        let stderr = home.fails(["stat", HELLO, gone]);
        assert!(stderr.contains("there is no Files"), "{stderr}");
    }
    let kind = |path: &str| home.json(["stat", HELLO, path])[0]["kind"].clone();
    assert_eq!(kind("/Data/becomes a file"), "file");
    assert_eq!(kind("/Data/becomes a folder"), "directory");
}

#[test]
fn find_matches_names_in_any_case_and_kinds() {
    let home = Home::with_sample();
    let found = home.json(["find", HELLO, "--name", "*README.*"]);
    assert_eq!(paths(&found), ["Files/HELLO/Readme.TXT"]);
    let streams = home.json(["find", HELLO, "--type", "stream", "/Data"]);
    assert!(paths(&streams).contains(&"Files/Data/tagged:tag"));
    let folders = home.json(["find", HELLO, "--type", "d", "/hello"]);
    assert_eq!(paths(&folders), ["Files/HELLO"]);
    assert!(
        home.ok(["find", HELLO, "--name", "日本*"])
            .contains("日本語.txt")
    );
}

#[test]
fn diff_tells_additions_deletions_changes_and_metadata_apart() {
    let home = Home::with_sample();
    let layers = home.json(["images"])[0]["layers"].clone();
    let [base, .., top] = layers.as_array().unwrap().as_slice() else {
        panic!("three layers")
    };
    let digest = |layer: &Value| layer["diff_id"].as_str().unwrap().to_owned();
    let same = home.json(["diff", HELLO, HELLO]);
    assert_eq!(same, serde_json::json!([]));
    let changes = home.json(["diff", &digest(base), &digest(top)]);
    let words: std::collections::BTreeSet<_> = changes
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["change"].as_str().unwrap())
        .collect();
    assert!(
        words.contains("added") && words.contains("deleted"),
        "{words:?}"
    );
    let content = home.json(["diff", "--content", &digest(base), &digest(top)]);
    assert!(
        content
            .as_array()
            .unwrap()
            .iter()
            .all(|change| change["change"] != "metadata")
    );
}

#[test]
fn changes_tell_what_the_topmost_layer_does() {
    let home = Home::with_sample();
    let changes = home.json(["changes", HELLO]);
    let has = |path: &str, change: &str| {
        let wanted = |entry: &&Value| entry["path"] == path && entry["change"] == change;
        assert!(
            changes
                .as_array()
                .unwrap()
                .iter()
                .any(|entry| wanted(&entry)),
            "{path} {change}"
        );
    };
    has("Files/Data/gone", "deleted");
    has("Files/Data/new.txt", "added");
    has("Files/HELLO/Readme.TXT", "changed");
}

#[test]
fn history_names_the_layers_of_its_steps() {
    let home = Home::with_sample();
    let history = home.json(["history", HELLO]);
    let layers = home.json(["images"])[0]["layers"].clone();
    assert_eq!(history[0]["diff_id"], layers[0]["diff_id"]);
    assert_eq!(home.ok(["history", HELLO]).lines().count(), 4);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let home = Home::with_sample();
    let mut child = home
        .command()
        .args(["cat", HELLO, "/Data/sparse.bin", "/Data/sparse.bin"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut start = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut start).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_folder_is_not_printed_and_a_file_not_listed_as_a_folder() {
    let home = Home::with_sample();
    let stderr = home.fails(["cat", HELLO, "/Windows"]);
    assert!(
        stderr.contains("Files/Windows is a folder, not a file"),
        "{stderr}"
    );
    let stderr = home.fails(["stat", HELLO, "/License.txt/x"]);
    assert!(
        stderr.contains("Files/License.txt is a file, not a folder"),
        "{stderr}"
    );
    assert_eq!(home.ok(["ls", HELLO, "/License.txt"]), "License.txt\n");
}
