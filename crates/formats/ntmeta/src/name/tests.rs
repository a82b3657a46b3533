use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

#[test]
fn names_fold_by_the_upcase_table() {
    for (a, b, equal) in [
        ("Program Files", "PROGRAM files", true),
        ("Ünïcode", "üNÏCODE", true),
        ("\u{3b1}\u{3c9}", "\u{391}\u{3a9}", true),
        ("straße", "STRASSE", false),
        ("straße", "STRAßE", true),
        // Unicode would fold these two onto ASCII letters; NTFS does not.
        ("\u{212a}", "k", false),
        ("\u{17f}", "s", false),
        // Deseret has case in Unicode, but lies outside the table.
        ("\u{10428}", "\u{10400}", false),
        ("a", "ab", false),
        ("", "", true),
    ] {
        assert_eq!(eq_folded(a.as_bytes(), b.as_bytes()), equal, "{a} {b}");
        assert_eq!(fold(a.as_bytes()) == fold(b.as_bytes()), equal, "{a} {b}");
    }
}

#[test]
fn bytes_outside_utf8_become_lone_surrogates() {
    assert_eq!(fold(b"a\xFF").as_units(), [0x41, 0xDCFF]);
    assert_eq!(fold("\u{10400}".as_bytes()).as_units(), [0xD801, 0xDC00]);
    // WTF-8 for U+DCFF is three bytes and stays apart from the stray byte FF.
    assert_eq!(fold(b"\xED\xB3\xBF").as_units(), [0xDCED, 0xDCB3, 0xDCBF]);
}

#[test]
fn a_reused_buffer_finds_a_folded_key() {
    let mut map = HashMap::new();
    map.insert(fold(b"Windows"), 1);
    let mut units = vec![7];
    fold_into(b"WINDOWS", &mut units);
    assert_eq!(units[0], 7);
    assert_eq!(map.get(&units[1..]), Some(&1));
}

#[test]
fn ordinary_names_are_accepted() {
    let longest = "\u{fc}".repeat(255);
    for name in [
        "a",
        "a b",
        ".hidden",
        "...a",
        "CONSOLE",
        "COM0",
        "COM10",
        "LPTX",
        "COM",
        "nul-1",
        "aux_",
        "a,b;c=d[e]",
        "über.txt",
        "$Recycle.Bin",
        "~1",
        "\u{1f600}",
        &longest,
        "CON\u{e9}",
        "NULL.txt",
    ] {
        assert_eq!(check_component(name.as_bytes()), Ok(()), "{name}");
    }
    // A lone surrogate, spelled as WTF-8, is one unit.
    let mut name = vec![b'a'; 254];
    name.extend(b"\xED\xA0\x80");
    assert_eq!(check_component(&name), Ok(()));
}

#[test]
fn names_that_cannot_be_stored_are_impossible() {
    let too_long = "a".repeat(256);
    let too_long_wide = "\u{1f600}".repeat(128);
    for (name, expected) in [
        (&b""[..], NameError::Empty),
        (b".", NameError::Dots),
        (b"..", NameError::Dots),
        (b"a\0b", NameError::Separator { at: 1, byte: 0 }),
        (b"a/b", NameError::Separator { at: 1, byte: b'/' }),
        (b"a\\b", NameError::Separator { at: 1, byte: b'\\' }),
        (b"ab:c", NameError::Separator { at: 2, byte: b':' }),
        (too_long.as_bytes(), NameError::TooLong { found: 256 }),
        (too_long_wide.as_bytes(), NameError::TooLong { found: 256 }),
        ("é\u{0}".as_bytes(), NameError::Separator { at: 2, byte: 0 }),
        (b"ab\xE9", NameError::NotUnicode { at: 2, byte: 0xE9 }),
        (
            b"\xED\xA0\x80\xFF",
            NameError::NotUnicode { at: 3, byte: 0xFF },
        ),
        // The worse rule is named first.
        (b"nul:", NameError::Separator { at: 3, byte: b':' }),
    ] {
        let error = check_component(name).unwrap_err();
        assert_eq!(error, expected);
        assert_eq!(error.issue(), NameIssue::Impossible);
    }
}

#[test]
fn names_that_win32_does_not_reach_are_told_apart() {
    let device = |device: &str| NameError::Device {
        device: device.to_owned(),
    };
    for (name, expected) in [
        ("a.", NameError::TrailingDotOrSpace),
        ("a ", NameError::TrailingDotOrSpace),
        ("...", NameError::TrailingDotOrSpace),
        ("a\u{1}", NameError::Reserved { at: 1, byte: 1 }),
        ("a\u{1f}", NameError::Reserved { at: 1, byte: 0x1F }),
        ("a?", NameError::Reserved { at: 1, byte: b'?' }),
        ("<", NameError::Reserved { at: 0, byte: b'<' }),
        (">", NameError::Reserved { at: 0, byte: b'>' }),
        ("\"", NameError::Reserved { at: 0, byte: b'"' }),
        ("|", NameError::Reserved { at: 0, byte: b'|' }),
        ("*", NameError::Reserved { at: 0, byte: b'*' }),
        ("con", device("CON")),
        ("Prn", device("PRN")),
        ("aux.h", device("AUX")),
        ("NUL.tar.gz", device("NUL")),
        ("nul .txt", device("NUL")),
        ("com1", device("COM1")),
        ("COM9.log", device("COM9")),
        ("LPT\u{b2}", device("LPT\u{b2}")),
        ("com\u{b9}.x", device("COM\u{b9}")),
        ("CONIN$", device("CONIN$")),
        ("conout$", device("CONOUT$")),
    ] {
        let error = check_component(name.as_bytes()).unwrap_err();
        assert_eq!(error, expected, "{name:?}");
        assert_eq!(error.issue(), NameIssue::Win32Unreachable);
    }
}

#[test]
fn stream_names_are_split_off() {
    for (name, file, stream) in [
        ("a.txt", "a.txt", None),
        ("a.txt:s", "a.txt", Some("s")),
        ("a.txt:s:$DATA", "a.txt", Some("s")),
        ("a.txt:s:$data", "a.txt", Some("s")),
        ("a.txt::$DATA", "a.txt", None),
        ("a.txt:", "a.txt", Some("")),
        ("a.txt:$DATA", "a.txt", Some("$DATA")),
        ("d:i:$INDEX_ALLOCATION", "d", Some("i:$INDEX_ALLOCATION")),
        (":s", "", Some("s")),
        ("a:é:$DATA", "a", Some("é")),
    ] {
        assert_eq!(
            split_stream(name.as_bytes()),
            (file.as_bytes(), stream.map(str::as_bytes)),
            "{name}"
        );
    }
}

proptest! {
    #[test]
    fn different_names_have_different_units(a in proptest::collection::vec(any::<u8>(), 0..12), b in proptest::collection::vec(any::<u8>(), 0..12)) {
        let same = units_of(&a).eq(units_of(&b));
        prop_assert_eq!(same, a == b);
    }

    #[test]
    fn surrogate_soup_has_different_units(a in "[\u{ed}\u{b3}\u{bf}]{0,6}", b in "[\u{ed}\u{b3}\u{bf}\u{1f600}]{0,6}") {
        // Latin-1 text as bytes: sequences that look like WTF-8 surrogates and broken UTF-8.
        let bytes = |text: &str| text.chars().map(|c| c as u32 as u8).collect::<Vec<u8>>();
        let (a, b) = (bytes(&a), bytes(&b));
        prop_assert_eq!(units_of(&a).eq(units_of(&b)), a == b);
    }

    #[test]
    fn comparing_and_folding_agree(a in proptest::collection::vec(any::<u8>(), 0..12), b in proptest::collection::vec(any::<u8>(), 0..12)) {
        prop_assert_eq!(eq_folded(&a, &b), fold(&a) == fold(&b));
        prop_assert!(eq_folded(&a, &a));
        let upper: Vec<u8> = a.to_ascii_uppercase();
        prop_assert!(eq_folded(&a, &upper));
    }

    #[test]
    fn checking_never_panics(name in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = split_stream(&name);
        if check_component(&name).is_ok() {
            prop_assert!(units_of(&name).count() > 0);
        }
    }
}
