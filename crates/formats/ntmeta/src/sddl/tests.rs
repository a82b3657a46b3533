use super::*;
use crate::fixtures::{fixture, fixtures_in};
use crate::security::{AclField, Control};
use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use std::io::Read;

const DOMAIN: &str = "S-1-5-21-2457507606-2709100691-398136650";

/// Control bits that SDDL has letters for, if there is the list that they are about.
fn sayable_control(sd: &SecurityDescriptor<'_>) -> Control {
    let mut sayable = Control::SELF_RELATIVE | Control::DACL_PRESENT | Control::SACL_PRESENT;
    if sd.dacl() != AclField::Absent {
        sayable |=
            Control::DACL_PROTECTED | Control::DACL_AUTO_INHERITED | Control::DACL_AUTO_INHERIT_REQ;
    }
    if sd.sacl() != AclField::Absent {
        sayable |=
            Control::SACL_PROTECTED | Control::SACL_AUTO_INHERITED | Control::SACL_AUTO_INHERIT_REQ;
    }
    sd.control() & sayable
}

/// Compares what two descriptors say, wherever their parts lie.
#[track_caller]
fn assert_same(a: &[u8], b: &[u8], what: &str) {
    let (a, b) = (
        SecurityDescriptor::parse(a).unwrap(),
        SecurityDescriptor::parse(b).unwrap(),
    );
    assert_eq!(sayable_control(&a), sayable_control(&b), "{what}");
    assert_eq!((a.owner(), a.group()), (b.owner(), b.group()), "{what}");
    for (a, b) in [(a.dacl(), b.dacl()), (a.sacl(), b.sacl())] {
        match (a, b) {
            (AclField::Present(a), AclField::Present(b)) => {
                let raws = |acl: crate::security::Acl<'_>| -> Vec<Vec<u8>> {
                    acl.aces().map(|ace| ace.raw.to_vec()).collect()
                };
                assert_eq!(raws(a), raws(b), "{what}");
            }
            (a, b) => assert_eq!(a, b, "{what}"),
        }
    }
}

fn in_domain(text: &str) -> Result<Vec<u8>, SddlError> {
    let owner = from_sddl(&format!("O:{DOMAIN}")).unwrap();
    from_sddl_in_domain(
        text,
        SecurityDescriptor::parse(&owner).unwrap().owner().unwrap(),
    )
}

fn print(bytes: &[u8]) -> Result<String, SddlError> {
    to_sddl(&SecurityDescriptor::parse(bytes).unwrap())
}

/// The lines of a list of the test data: text, and what Windows makes of it.
fn pairs_in(path: &str) -> Option<Vec<(String, String)>> {
    let text = String::from_utf8(fixture(path)?).unwrap();
    let pairs = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let (left, right) = line.split_once(" -> ").unwrap();
            (left.to_owned(), right.to_owned())
        });
    Some(pairs.collect())
}

/// Reads each text of a list, compares it with its canonical form in bytes and as printed, and returns how many there are.
fn check_accepted(path: &str) -> Option<usize> {
    let pairs = pairs_in(path)?;
    for (text, canonical) in &pairs {
        let bytes = in_domain(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(bytes, in_domain(canonical).unwrap(), "{text}");
        let printed = print(&bytes).unwrap();
        assert_eq!(bytes, from_sddl(&printed).unwrap(), "{text}");
        // Windows knows its own domain and prints aliases for it.
        let in_numbers =
            [("LA", 500), ("LG", 501)]
                .iter()
                .fold(canonical.clone(), |text, (alias, rid)| {
                    let text = text.replace(&format!(";{alias})"), &format!(";{DOMAIN}-{rid})"));
                    text.replace(&format!("O:{alias}"), &format!("O:{DOMAIN}-{rid}"))
                });
        assert_eq!(printed, in_numbers);
    }
    Some(pairs.len())
}

#[test]
fn all_texts_that_windows_accepts_are_read_and_printed_as_windows_prints_them() {
    let Some(canonical) = check_accepted("sddl/windows__canonical.txt") else {
        return;
    };
    let non_canonical = check_accepted("sddl/windows__non_canonical.txt").unwrap();
    let less_fussy = check_accepted("sddl/windows__windows_is_less_fussy.txt").unwrap();
    assert_eq!((canonical, non_canonical, less_fussy), (19, 50, 23));
}

#[test]
fn all_texts_that_windows_refuses_are_refused() {
    let Some(refused) = pairs_in("sddl/windows__should_fail.txt") else {
        return;
    };
    let fussy = pairs_in("sddl/windows__windows_is_fussy.txt").unwrap();
    assert_eq!((refused.len(), fussy.len()), (47, 1));
    for (text, _) in refused.iter().chain(&fussy) {
        assert!(in_domain(text).is_err(), "{text}");
    }
}

#[test]
fn numbers_that_windows_wraps_or_clamps_are_refused() {
    let Some(weird) = pairs_in("sddl/windows__windows_is_weird.txt") else {
        return;
    };
    assert_eq!(weird.len(), 10);
    for (text, _) in weird {
        assert!(in_domain(&text).is_err(), "{text}");
    }
}

#[test]
fn texts_give_the_bytes_that_windows_gives() {
    let Some(registry) = fixture("sddl/data__registry-object-rights.json") else {
        return;
    };
    let compressed = fixture("sddl/data__short-ordinary-acls-v2.json.gz").unwrap();
    let mut ordinary = Vec::new();
    flate2::read::GzDecoder::new(compressed.as_slice())
        .read_to_end(&mut ordinary)
        .unwrap();
    let mut counts = Vec::new();
    for json in [registry, ordinary] {
        let vectors: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&json).unwrap();
        for (text, bytes) in &vectors {
            let bytes: Vec<u8> = serde_json::from_value(bytes.clone()).unwrap();
            assert_eq!(in_domain(text).unwrap(), bytes, "{text}");
            assert_eq!(print(&bytes).unwrap(), *text);
        }
        counts.push(vectors.len());
    }
    assert_eq!(counts, [11, 117]);
}

#[test]
fn all_descriptors_made_by_windows_survive_as_text() {
    let Some(files) = fixtures_in("sd") else {
        return;
    };
    assert_eq!(files.len(), 34);
    for (name, bytes) in files {
        let text = print(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_same(&from_sddl(&text).unwrap(), &bytes, &name);
    }
}

#[test]
fn texts_by_samba_mean_the_same() {
    let Some(vectors) = fixture("vectors.json") else {
        return;
    };
    let vectors: serde_json::Value = serde_json::from_slice(&vectors).unwrap();
    let mut compared = 0;
    for vector in vectors["sd"].as_array().unwrap() {
        // Samba crashed on the others, which have integrity labels.
        if let Some(text) = vector["sddl_samba"].as_str() {
            let bytes = fixture(vector["file"].as_str().unwrap()).unwrap();
            assert_same(&from_sddl(text).unwrap(), &bytes, text);
            compared += 1;
        }
    }
    assert_eq!(compared, 26);
}

#[test]
fn descriptors_of_other_tools_have_their_known_text() {
    // BuildKit's for directories and for files, imgutil's for administrators and for users.
    for (base64, text) in [
        (
            "AQAEgBQAAAAkAAAAAAAAADAAAAABAgAAAAAABSAAAAAgAgAAAQEAAAAAAAUSAAAAAgCoAAcAAAAAAxgA/wEfAAECAAAAAAAFIAAAACACAAAAAxQA/wEfAAEBAAAAAAAFEgAAAAAAGAD/AR8AAQIAAAAAAAUgAAAAIAIAAAALFAAAAAAQAQEAAAAAAAMAAAAAAAMYAKkAEgABAgAAAAAABSAAAAAhAgAAAAIYAAQAAAABAgAAAAAABSAAAAAhAgAAAAIYAAIAAAABAgAAAAAABSAAAAAhAgAA",
            "O:BAG:SYD:(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;;FA;;;BA)(A;OICIIO;GA;;;CO)(A;OICI;0x1200a9;;;BU)(A;CI;LC;;;BU)(A;CI;DC;;;BU)",
        ),
        (
            "AQAEgBQAAAAkAAAAAAAAADAAAAABAgAAAAAABSAAAAAgAgAAAQEAAAAAAAUSAAAAAgBMAAMAAAAAABgA/wEfAAECAAAAAAAFIAAAACACAAAAABQA/wEfAAEBAAAAAAAFEgAAAAAAGACpABIAAQIAAAAAAAUgAAAAIQIAAA==",
            "O:BAG:SYD:(A;;FA;;;BA)(A;;FA;;;SY)(A;;0x1200a9;;;BU)",
        ),
        (
            "AQAAgBQAAAAkAAAAAAAAAAAAAAABAgAAAAAABSAAAAAgAgAAAQIAAAAAAAUgAAAAIAIAAA==",
            "O:BAG:BA",
        ),
        (
            "AQAAgBQAAAAkAAAAAAAAAAAAAAABAgAAAAAABSAAAAAhAgAAAQIAAAAAAAUgAAAAIQIAAA==",
            "O:BUG:BU",
        ),
    ] {
        let bytes = STANDARD.decode(base64).unwrap();
        assert_eq!(print(&bytes).unwrap(), text);
        assert_same(&from_sddl(text).unwrap(), &bytes, text);
    }
}

#[test]
fn the_parts_lie_where_windows_puts_them() {
    let bytes = from_sddl("O:ISD:ARAIS:PAR").unwrap();
    let mut expected = vec![
        1, 0, 20, 167, 36, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 28, 0, 0, 0,
    ];
    expected.extend([2, 0, 8, 0, 0, 0, 0, 0]);
    expected.extend([2, 0, 8, 0, 0, 0, 0, 0]);
    expected.extend([1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x38, 2, 0, 0]);
    assert_eq!(bytes, expected);
}

#[test]
fn null_and_empty_and_absent_lists_are_told_apart() {
    for text in [
        "",
        "D:",
        "D:NO_ACCESS_CONTROL",
        "D:PNO_ACCESS_CONTROLS:NO_ACCESS_CONTROL",
    ] {
        assert_eq!(print(&from_sddl(text).unwrap()).unwrap(), text);
    }
    let null = from_sddl("D:NO_ACCESS_CONTROL").unwrap();
    assert_eq!(
        SecurityDescriptor::parse(&null).unwrap().dacl(),
        AclField::Null
    );
    assert!(from_sddl("D:NO_ACCESS_CONTROL(A;;GA;;;WD)").is_err());
}

#[test]
fn every_alias_is_printed_as_it_was_read() {
    for (alias, sid) in [
        ("HO", "S-1-5-32-584"),
        ("SH", "S-1-5-32-585"),
        ("UD", "S-1-5-84-0-0-0-0-0"),
        ("AC", "S-1-15-2-1"),
        ("MP", "S-1-16-8448"),
        ("SS", "S-1-18-2"),
        ("OW", "S-1-3-4"),
        ("WR", "S-1-5-33"),
        ("IS", "S-1-5-32-568"),
    ] {
        assert_eq!(
            from_sddl(&format!("O:{alias}")),
            from_sddl(&format!("O:{sid}")),
            "{alias}"
        );
        assert_eq!(
            print(&from_sddl(&format!("O:{sid}")).unwrap()).unwrap(),
            format!("O:{alias}")
        );
    }
}

#[test]
fn aliases_of_a_domain_need_one() {
    assert_eq!(
        from_sddl("O:DA"),
        Err(SddlError::DomainNeeded { alias: "DA" })
    );
    assert_eq!(
        print(&in_domain("O:DA").unwrap()).unwrap(),
        format!("O:{DOMAIN}-512")
    );
}

#[test]
fn entries_for_labels_policies_and_filters_have_their_own_letters() {
    for text in [
        "S:(ML;OICI;NWNRNX;;;HI)",
        "S:(ML;;NW;;;LW)(ML;;0x8;;;SI)",
        "S:(SP;;;;;S-1-17-1)",
        "S:(TL;;0x40000000;;;S-1-19-512-4096)",
        "S:(FL;TP;FA;;;WD;(@User.a == 1))(FL;;FA;;;WD)",
        "S:(AL;SAFA;FA;;;WD)",
        "D:(OD;CR;CR;bf967aba-0de6-11d0-a285-00aa003049e2;;WD)",
        "D:(ZA;;CR;;bf967aba-0de6-11d0-a285-00aa003049e2;WD;(Exists a))",
    ] {
        let bytes = from_sddl(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let printed = print(&bytes).unwrap();
        let again = printed.replace("0x40000000", "GW");
        assert_eq!(again, text.replace("0x40000000", "GW"));
    }
}

#[test]
fn conditions_have_the_bytes_of_ms_dtyp() {
    let bytes = from_sddl("D:(XA;;FX;;;WD;(@User.Title==\"PM\"))").unwrap();
    let mut condition = b"artx\xF9\x0A\0\0\0T\0i\0t\0l\0e\0\x10\x04\0\0\0P\0M\0\x80".to_vec();
    condition.resize(condition.len().next_multiple_of(4), 0);
    assert!(bytes.ends_with(&condition));
    assert_eq!(
        print(&bytes).unwrap(),
        "D:(XA;;FX;;;WD;(@User.Title == \"PM\"))"
    );
    // Operands come before their operator, and `&&` binds closer than `||`.
    let bytes = from_sddl("D:(XA;;FX;;;WD;(a || b && !c))").unwrap();
    let condition = b"artx\xF8\x02\0\0\0a\0\xF8\x02\0\0\0b\0\xF8\x02\0\0\0c\0\xA2\xA0\xA1";
    assert!(
        bytes
            .windows(condition.len())
            .any(|window| window == condition)
    );
}

#[test]
fn conditions_come_back_as_text() {
    for (condition, expected) in [
        ("(a)", "(a)"),
        ("(((a)))", "(a)"),
        ("( @User.a==-0x10 )", "(@User.a == -0x10)"),
        ("(@Device.a!=+017)", "(@Device.a != +017)"),
        (
            "(@Resource.a<=9223372036854775807)",
            "(@Resource.a <= 9223372036854775807)",
        ),
        ("(a>= -9223372036854775808)", "(a >= -9223372036854775808)"),
        ("(a < 00 || a > 0)", "((a < 00) || (a > 0))"),
        (
            "(@user.a Contains {1,\"x y\",#0aFF,SID(BA)})",
            "(@User.a Contains {1, \"x y\", #0aff, SID(BA)})",
        ),
        ("(a any_of {})", "(a Any_of {})"),
        ("(a Not_Any_of @Resource.b)", "(a Not_Any_of @Resource.b)"),
        ("(a Not_Contains #)", "(a Not_Contains #)"),
        (
            "(Member_of{SID(BA),SID(S-1-5-21-1-2-3-4)})",
            "(Member_of {SID(BA), SID(S-1-5-21-1-2-3-4)})",
        ),
        (
            "(Not_Device_Member_of_Any SID(BO))",
            "(Not_Device_Member_of_Any SID(BO))",
        ),
        (
            "(Exists @User.x && Not_Exists y)",
            "((Exists @User.x) && (Not_Exists y))",
        ),
        ("(!(a && b) || !c)", "((!(a && b)) || (!c))"),
        ("(a && b && c)", "((a && b) && c)"),
        (
            "(@User.pr%006fject/x:y._é == 1)",
            "(@User.project/x:y._é == 1)",
        ),
        (
            "(@User.a%0022b%d800 == \";)(\")",
            "(@User.a%0022b%d800 == \";)(\")",
        ),
    ] {
        let text = format!("D:(XA;;FX;;;WD;{condition})");
        let bytes = from_sddl(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let printed = print(&bytes).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(printed, format!("D:(XA;;FX;;;WD;{expected})"));
        assert_eq!(from_sddl(&printed).unwrap(), bytes);
    }
}

#[test]
fn conditions_that_are_none_are_refused() {
    for condition in [
        "",
        "()",
        "(",
        "(a",
        "(a))",
        "a",
        "(\"x\")",
        "(a ==)",
        "(a == {1)",
        "(a == \"x)",
        "(a & b)",
        "(a && )",
        "(&& a)",
        "(!)",
        "(Member_of a)",
        "(Member_of {a})",
        "(a == 09)",
        "(a == 0x)",
        "(a == 9223372036854775808)",
        "(a == -9223372036854775809)",
        "(a == #123)",
        "(a%12 == 1)",
        "(@User. == 1)",
        "(a == {{1}})",
        "(a b)",
    ] {
        let text = format!("D:(XA;;FX;;;WD;{condition})");
        assert!(from_sddl(&text).is_err(), "{text}");
    }
    assert!(from_sddl("D:(XA;;FX;;;WD)").is_err());
    assert!(from_sddl("D:(A;;FX;;;WD;(a))").is_err());
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    for deep in ["(".repeat(100_000), "(".to_owned() + &"!".repeat(100_000)] {
        let text = format!("D:(XA;;FX;;;WD;{deep}a");
        assert_eq!(from_sddl(&text), Err(SddlError::TooDeep));
    }
    // In bytes, where parentheses cost nothing.
    let mut bytes = from_sddl("D:(XA;;FX;;;WD;(a))").unwrap();
    let nots = 400usize;
    let position = bytes.windows(2).position(|two| two == b"a\0").unwrap() + 2;
    bytes.splice(position.., vec![0xA2; nots]);
    let ace_len = (bytes.len() - 28) as u16;
    bytes[30..32].copy_from_slice(&ace_len.to_le_bytes());
    bytes[22..24].copy_from_slice(&(ace_len + 8).to_le_bytes());
    assert_eq!(print(&bytes), Err(SddlError::TooDeep));
}

#[test]
fn resource_attributes_come_back_as_text() {
    for (claim, expected) in [
        (
            "(\"Project\",TS,0,\"Windows\",\"SQL\")",
            "(\"Project\",TS,0x0,\"Windows\",\"SQL\")",
        ),
        (
            "(\"Secrecy\", TU, 0xffffffff, 3, 18446744073709551615)",
            "(\"Secrecy\",TU,0xffffffff,3,18446744073709551615)",
        ),
        (
            "(\"n\",ti,0x2,-5,-9223372036854775808,9223372036854775807)",
            "(\"n\",TI,0x2,-5,-9223372036854775808,9223372036854775807)",
        ),
        (
            "(\"s\",TD,0x0,SID(BA),SID(S-1-5-21-1-2-3-4))",
            "(\"s\",TD,0x0,SID(BA),SID(S-1-5-21-1-2-3-4))",
        ),
        ("(\"o\",TX,0x0,#00fF,#)", "(\"o\",TX,0x0,#00ff,#)"),
        ("(\"b\",TB,0x0,1,0)", "(\"b\",TB,0x0,1,0)"),
        ("(\"none\",TS,0x0)", "(\"none\",TS,0x0)"),
    ] {
        let text = format!("S:(RA;;;;;WD;{claim})");
        let bytes = from_sddl(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let printed = print(&bytes).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(printed, format!("S:(RA;;;;;WD;{expected})"));
        assert_eq!(from_sddl(&printed).unwrap(), bytes);
    }
    for claim in [
        "",
        "()",
        "(\"a\")",
        "(\"a\",TS)",
        "(\"a\",TQ,0)",
        "(\"a\",TB,0,2)",
        "(\"a\",TI,0,x)",
        "(\"a\",TS,0,1)",
        "(\"a\",TI,0,9223372036854775808)",
        "(a,TS,0)",
        "(\"a\",TS,0,)",
        "(\"a\",TS,0x100000000)",
    ] {
        assert!(
            from_sddl(&format!("S:(RA;;;;;WD;{claim})")).is_err(),
            "{claim}"
        );
    }
}

#[test]
fn what_the_text_would_lose_is_refused() {
    let plain = from_sddl("D:(A;;FA;;;WD)").unwrap();
    let damaged = |at: usize, byte: u8| {
        let mut bytes = plain.clone();
        bytes[at] = byte;
        print(&bytes)
    };
    // Audit entries in a DACL, unknown types, types that need a condition and have none.
    for ace_type in [0x02, 0x04, 0x0E, 0x20, 0x09] {
        assert!(
            matches!(damaged(28, ace_type), Err(SddlError::Unsupported { .. })),
            "{ace_type:#x}"
        );
    }
    // Bytes after the SID of an ordinary entry.
    let mut bytes = plain.clone();
    bytes.extend([0; 4]);
    bytes[22] += 4;
    bytes[30] += 4;
    assert!(matches!(print(&bytes), Err(SddlError::Unsupported { .. })));
    // A SID without sub-authorities.
    let bytes = [
        &[1, 0, 0, 0x80, 20][..],
        &[0; 15],
        &[1, 0, 0, 0, 0, 0, 0, 5],
    ]
    .concat();
    assert!(matches!(print(&bytes), Err(SddlError::Unsupported { .. })));
}

#[test]
fn lists_that_do_not_fit_are_refused() {
    let text = "D:".to_owned() + &"(A;;FA;;;WD)".repeat(3276);
    assert_eq!(print(&from_sddl(&text).unwrap()).unwrap(), text);
    let text = text + "(A;;FA;;;WD)";
    assert_eq!(
        from_sddl(&text),
        Err(SddlError::TooLarge {
            what: "DACL",
            found: 65_548,
            limit: 65_535
        })
    );
    let long = format!("D:(XA;;FA;;;WD;(a == \"{}\"))", "x".repeat(40_000));
    assert!(matches!(from_sddl(&long), Err(SddlError::TooLarge { .. })));
}

#[test]
fn errors_say_where() {
    for (text, at) in [
        ("X:BA", 0),
        ("O:BAQ:SY", 4),
        ("D:(A;;GA;;;WD)x", 14),
        ("D:(A;;GAXX;;;WD)", 8),
        ("D:(A;OIXX;GA;;;WD)", 7),
        ("D:(A;;GA;;;XX)", 11),
        ("D:(Q;;GA;;;WD)", 3),
        ("D:Q", 2),
    ] {
        let error = from_sddl(text).unwrap_err();
        let (SddlError::Syntax { at: found, .. } | SddlError::UnknownName { at: found, .. }) =
            error
        else {
            panic!("{text}: {error}");
        };
        assert_eq!(found, at, "{text}");
    }
    assert_eq!(
        from_sddl("O:BAO:BA"),
        Err(SddlError::DuplicateSection {
            at: 4,
            section: 'O'
        })
    );
    assert_eq!(
        from_sddl("D:(AU;SA;GA;;;WD)"),
        Err(SddlError::WrongList {
            at: 3,
            ace_type: "AU",
            list: "DACL"
        })
    );
}

fn any_condition() -> impl Strategy<Value = String> {
    let attribute = "(@User\\.|@Device\\.|@Resource\\.|)[a-z/_:é]{1,5}x";
    let literal = prop_oneof![
        "[+-]?(0x[0-9a-f]{1,8}|0[0-7]{0,8}|[1-9][0-9]{0,9})",
        "\"[a-z ();,é]{0,5}\"",
        "#([0-9a-f]{2}){0,3}",
        Just("SID(BA)".to_owned()),
        Just("{1, SID(WD)}".to_owned()),
    ];
    let leaf = prop_oneof![
        attribute,
        (
            attribute,
            "==|!=|<|<=|>|>=|Contains|Any_of|Not_Contains|Not_Any_of",
            literal
        )
            .prop_map(|(attribute, operator, literal)| format!(
                "({attribute} {operator} {literal})"
            )),
        attribute.prop_map(|attribute| format!("(Exists {attribute})")),
        Just("(Member_of_Any {SID(BA)})".to_owned()),
    ];
    leaf.prop_recursive(5, 20, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| format!("(!{inner})")),
            (inner.clone(), "&&|\\|\\|", inner)
                .prop_map(|(left, operator, right)| format!("({left} {operator} {right})")),
        ]
    })
}

fn any_ace() -> impl Strategy<Value = String> {
    let sid = prop_oneof![
        "WD|SY|BA|CO|OW|AC|HI|ED",
        "S-1-[0-9]{1,9}(-[1-9][0-9]{0,8}){1,15}",
        "S-1-0x[1-9A-F][0-9A-F]{8,11}-7",
    ];
    let flags = "(OI)?(CI)?(NP)?(IO)?(ID)?(CR)?(SA)?(FA)?";
    let guid = "(([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12}))?";
    (
        any::<u32>(),
        0usize..3,
        flags,
        guid,
        guid,
        sid,
        any_condition(),
    )
        .prop_map(
            |(mask, kind, flags, object, inherited, sid, condition)| match kind {
                0 => format!("(A;{flags};{mask:#x};;;{sid})"),
                1 => format!("(OD;{flags};{mask};{object};{inherited};{sid})"),
                _ => format!("(XA;{flags};0{mask:o};;;{sid};({condition}))"),
            },
        )
}

proptest! {
    #[test]
    fn text_survives_a_round_trip_through_bytes(aces in proptest::collection::vec(any_ace(), 0..4), flags in "P?(AR)?(AI)?", owner in "(O:BA)?(G:S-1-5-21-1-2-3-4)?") {
        let text = format!("{owner}D:{flags}{}", aces.concat());
        let bytes = from_sddl(&text).unwrap();
        let printed = print(&bytes).unwrap();
        prop_assert_eq!(from_sddl(&printed).unwrap(), bytes);
    }

    #[test]
    fn what_is_printed_of_damaged_bytes_says_the_same(changes in proptest::collection::vec((0usize..400, any::<u8>()), 0..5)) {
        let text = "O:BAG:SYD:P(A;OICI;FA;;;BA)(OA;;CR;bf967aba-0de6-11d0-a285-00aa003049e2;;WD)(XA;;FX;;;WD;(@User.a == {1, \"x\"} && !b))S:(ML;;NW;;;HI)(AU;SA;FA;;;WD)";
        let mut bytes = from_sddl(text).unwrap();
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        if let Ok(sd) = SecurityDescriptor::parse(&bytes) && let Ok(text) = to_sddl(&sd) {
            assert_same(&from_sddl(&text).unwrap(), &bytes, &text);
        }
    }

    #[test]
    fn damaged_claims_never_panic(changes in proptest::collection::vec((0usize..400, 0u8..70), 0..5)) {
        let mut bytes = from_sddl("S:(RA;;;;;WD;(\"n\",TS,0x1,\"ab\",\"c\"))(RA;;;;;WD;(\"n\",TX,0x1,#0011,#))(RA;;;;;WD;(\"n\",TI,0x1,1,2))").unwrap();
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        if let Ok(sd) = SecurityDescriptor::parse(&bytes) && let Ok(text) = to_sddl(&sd) {
            let again = from_sddl(&text).unwrap();
            prop_assert_eq!(print(&again).unwrap(), text);
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in "[OGDS:();PARI \"@!&|=#{}é0-9x-]{0,60}", any in ".{0,40}") {
        for text in [text, any] {
            if let Ok(bytes) = from_sddl(&text) {
                let printed = print(&bytes).unwrap();
                prop_assert_eq!(from_sddl(&printed).unwrap(), bytes);
            }
        }
    }
}
