//! The server's configuration: flags, environment and file.

use std::fs;

use serde_json::json;

use crate::support::Home;

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_defaults() {
    let home = Home::empty();
    let file = home.path("config.toml");
    fs::write(
        &file,
        "log-level = \"warn\"\nmounts = \"windows-layer\"\nlimits.max-depth = 7\n",
    )
    .unwrap();
    let output = home
        .command()
        .args(["--json", "config", "show", "--config"])
        .arg(&file)
        .env("TRANSOM_LOG_LEVEL", "debug")
        .env("TRANSOM_UNPACK_BY_MOUNT", "true")
        .env("TRANSOM_MAX_ENTRIES", "5")
        .output()
        .unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for (key, value, from) in [
        ("log-level", json!("debug"), "flag or environment"),
        ("unpack-by-mount", json!(true), "flag or environment"),
        ("mounts", json!("windows-layer"), "file"),
        ("log-format", json!("text"), "default"),
        ("metrics", json!(null), "default"),
        ("limits.max-entries", json!(5), "flag or environment"),
        ("limits.max-depth", json!(7), "file"),
        ("limits.max-ratio", json!(2064), "default"),
    ] {
        assert_eq!(shown[key], json!({ "value": value, "from": from }), "{key}");
    }
}

#[test]
fn what_is_shown_is_a_configuration_file() {
    let home = Home::empty();
    let file = home.path("config.toml");
    let before = home.ok(["config", "show"]);
    fs::write(&file, &before).unwrap();
    let again = home.ok([
        "config".as_ref(),
        "show".as_ref(),
        "--config".as_ref(),
        file.as_os_str(),
    ]);
    let values = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.split("  #").next().unwrap());
        lines.map(str::to_owned).collect()
    };
    assert_eq!(values(&before), values(&again));
    assert!(again.contains("  # file"), "{again}");
}

#[test]
fn a_configuration_that_cannot_be_used_starts_no_server() {
    let home = Home::empty();
    let file = home.path("config.toml");
    for (text, expected) in [
        ("log-levle = \"debug\"", "line 1: unknown field `log-levle`"),
        ("\ncontainerd = 7", "line 2: invalid type: integer `7`"),
    ] {
        fs::write(&file, text).unwrap();
        let error = home.fails(["serve".as_ref(), "--config".as_ref(), file.as_os_str()]);
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("config.toml"), "{error}");
    }
    fs::remove_file(&file).unwrap();
    let error = home.fails(["serve".as_ref(), "--config".as_ref(), file.as_os_str()]);
    assert!(
        error.contains("cannot use the configuration file"),
        "{error}"
    );
}
