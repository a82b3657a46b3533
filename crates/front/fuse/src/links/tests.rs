use proptest::prelude::*;

use super::*;

/// The target of a link in `folder`, with nothing there to take the case of letters from.
fn shown(folder: &str, target: &str) -> Option<String> {
    let folder: Vec<&[u8]> = folder.split('/').map(str::as_bytes).collect();
    let slashed = replaced(target.as_bytes(), b'\\', b'/');
    let place = place_in_tar(&folder, &slashed)?;
    Some(String::from_utf8(relative(&folder, &place)).unwrap())
}

#[test]
fn a_target_on_the_volume_becomes_the_way_there() {
    for (folder, target, expected) in [
        ("Files/a/b", r"C:\Windows\x", "../../Windows/x"),
        ("Files", r"c:\Windows\", "Windows"),
        ("Files", r"C:\", "."),
        ("Files", "C:", "."),
        ("Files/a", r"C:\a\b", "b"),
        ("Files/a", r"\b", "../b"),
        ("Files/a", "/b", "../b"),
        ("Files/a", r"\??\C:\b", "../b"),
        ("Files/a", r"\\?\C:\b", "../b"),
        ("Files/a", r"//./c:/b", "../b"),
        ("Files/a", r"..\b\.\c\\d", "../b/c/d"),
        ("Files/a", r"b\..\..\c", "../c"),
        ("Files/a", "", "."),
        ("UtilityVM/Files/a", r"C:\b", "../b"),
        ("Hives", "x", "x"),
    ] {
        let found = shown(folder, target);
        assert_eq!(found.as_deref(), Some(expected), "{folder}: {target}");
    }
}

#[test]
fn upwards_ends_at_the_volume() {
    assert_eq!(shown("Files/a", r"..\..\..\etc").as_deref(), Some("../etc"));
    assert_eq!(shown("Files", r"C:\..\..\etc").as_deref(), Some("etc"));
    assert_eq!(shown("UtilityVM/Files", r"..\..\x").as_deref(), Some("x"));
    assert_eq!(shown("Hives", r"..\..\etc").as_deref(), Some("../etc"));
}

#[test]
fn a_target_on_another_volume_has_no_place() {
    for target in [
        r"\\server\share",
        "//server/share",
        r"D:\x",
        r"C:x",
        r"\\?\Volume{26a21bda-a627-11d7-9931-806e6f6e6963}\x",
        r"\??\UNC\server\share",
        r"\\.\pipe\x",
    ] {
        assert_eq!(shown("Files/a", target), None, "{target}");
    }
    assert_eq!(shown("Hives", r"C:\x"), None);
}

proptest! {
    #[test]
    fn no_way_leads_out_of_the_volume(depth in 0usize..5, target in r"(C:|\\)?([ab.]{0,3}[\\/]){0,8}[ab.]{0,2}") {
        let folder = ["Files", "b", "b", "b", "b"][..=depth.min(4)].join("/");
        if let Some(way) = shown(&folder, &target) {
            prop_assert!(!way.starts_with('/'));
            let mut at = depth as i64;
            for component in way.split('/') {
                match component {
                    "." => {}
                    ".." => at -= 1,
                    _ => at += 1,
                }
                prop_assert!(at >= 0, "{folder}: {target} -> {way}");
            }
        }
    }
}
