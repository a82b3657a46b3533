use super::*;

fn wanted(version: &str) -> Wanted {
    Wanted {
        version: version.parse().unwrap(),
        socket: "/run/t.sock".to_owned(),
        root: "/srv/\"t\"".to_owned(),
    }
}

fn parsed(wanted: &Wanted) -> Table {
    parse_toml(&wanted.text().join("\n")).unwrap()
}

#[test]
fn what_is_printed_passes_the_check() {
    for version in ["1.6.20~ds1", "1.7", "v2.0.0-rc.1", "2.1", "2.2", "2.3"] {
        let wanted = wanted(version);
        assert_eq!(
            problems(&wanted, &parsed(&wanted)),
            Vec::<String>::new(),
            "{version}"
        );
    }
}

#[test]
#[cfg_attr(windows, ignore = "the sections of Windows are others")]
fn each_version_is_told_what_it_knows() {
    let old = parsed(&wanted("1.6"));
    assert_eq!(old["proxy_plugins"].as_table().unwrap().len(), 1);
    assert!(!old.contains_key("plugins"));
    let middle = parsed(&wanted("1.7"));
    assert_eq!(middle["version"], Value::from(2));
    assert_eq!(middle["proxy_plugins"][DIFFER]["type"], Value::from("diff"));
    assert!(middle["plugins"].get(TRANSFER).is_none());
    let new = parsed(&wanted("2.1"));
    assert_eq!(new["version"], Value::from(3));
    assert_eq!(
        new["proxy_plugins"][SNAPSHOTTER]["exports"]["root"],
        Value::from("/srv/\"t\"")
    );
    assert!(
        new["proxy_plugins"][SNAPSHOTTER]
            .get("capabilities")
            .is_none()
    );
    assert_eq!(
        new["plugins"][TRANSFER]["unpack_config"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let newest = parsed(&wanted("2.2"));
    assert_eq!(
        newest["proxy_plugins"][SNAPSHOTTER]["capabilities"],
        Value::from(vec!["rebase"])
    );
}

#[test]
#[cfg_attr(windows, ignore = "the sections of Windows are others")]
fn what_is_missing_or_wrong_is_named() {
    let told = |version: &str, text: &str| {
        let found: Table = parse_toml(text).unwrap();
        problems(&wanted(version), &found).join("\n")
    };
    let text = |version: &str| wanted(version).text().join("\n");
    assert!(told("1.7", "").contains("version = 2 is missing"));
    assert!(
        told("1.7", "version = 2").contains("[proxy_plugins.transom] with type = \"snapshot\"")
    );
    assert!(told("1.7", &text("1.6")).contains("[proxy_plugins.transom-diff]"));
    assert!(told("1.6", &text("1.7")).contains("panics"));
    assert!(told("1.7", &text("2.0")).contains("knows none above 2"));
    assert!(
        told("2.1", &text("1.7")).contains("unpack_config]] with platform = \"windows/amd64\"")
    );
    let moved = text("1.7").replace("/run/t.sock", "/run/other.sock");
    assert!(
        told("1.7", &moved).contains("address is \"/run/other.sock\", but the server listens at")
    );
    let second = text("1.7").replace("[\"transom-diff\", \"walking\"]", "[\"walking\"]");
    assert!(told("1.7", &second).contains("with \"transom-diff\" first"));
    let other = text("2.1").replace("differ = \"transom-diff\"", "differ = \"walking\"");
    assert!(told("2.1", &other).contains("differ must be \"transom-diff\""));
    let shape = "version = 2\nproxy_plugins = 3\nplugins = [1]";
    assert!(told("2.1", shape).contains("[proxy_plugins.transom]"));
}

#[test]
fn a_version_is_two_numbers() {
    let parse = |text: &str| text.parse::<ContainerdVersion>();
    assert_eq!(parse("1.7.24~ds1").unwrap(), parse("v1.7").unwrap());
    assert!(parse("1.10").unwrap() > parse("1.9").unwrap());
    for text in ["", "1", "one.two", "1.x"] {
        assert!(parse(text).is_err(), "{text}");
    }
}
