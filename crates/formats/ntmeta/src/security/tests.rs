use super::*;
use crate::fixtures::{fixture, fixtures_in};
use proptest::prelude::*;

/// What go-winio's users give to files made on other systems: `O:BAG:SYD:(A;;FA;;;BA)(A;;FA;;;SY)(A;;0x1200a9;;;BU)`.
const FILE_SD: [u8; 124] = [
    1, 0, 4, 0x80, 20, 0, 0, 0, 36, 0, 0, 0, 0, 0, 0, 0, 48, 0, 0, 0, // header
    1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0, // owner
    1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0, // group
    2, 0, 76, 0, 3, 0, 0, 0, // DACL
    0, 0, 24, 0, 0xFF, 1, 0x1F, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0, //
    0, 0, 20, 0, 0xFF, 1, 0x1F, 0, 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0, //
    0, 0, 24, 0, 0xA9, 0, 0x12, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0,
];

fn with(at: usize, byte: u8) -> Vec<u8> {
    let mut bytes = FILE_SD.to_vec();
    bytes[at] = byte;
    bytes
}

#[test]
fn a_descriptor_shows_its_parts() {
    let sd = SecurityDescriptor::parse(&FILE_SD).unwrap();
    assert_eq!(sd.as_bytes(), FILE_SD);
    assert_eq!(sd.control(), Control::DACL_PRESENT | Control::SELF_RELATIVE);
    assert_eq!(sd.owner().unwrap().to_string(), "S-1-5-32-544");
    assert_eq!(sd.group().unwrap().to_string(), "S-1-5-18");
    assert_eq!(sd.sacl(), AclField::Absent);
    let AclField::Present(dacl) = sd.dacl() else {
        panic!("there is a DACL");
    };
    let seen: Vec<(u8, u32, String)> = dacl
        .aces()
        .map(|ace| {
            let body = ace.body.unwrap();
            (ace.ace_type.0, body.mask, body.sid.to_string())
        })
        .collect();
    assert_eq!(
        seen,
        [
            (0, 0x1F_01FF, "S-1-5-32-544".to_owned()),
            (0, 0x1F_01FF, "S-1-5-18".to_owned()),
            (0, 0x12_00A9, "S-1-5-32-545".to_owned()),
        ]
    );
}

#[test]
fn absent_null_and_empty_lists_differ() {
    let header = |control: u16, dacl: u32| {
        let mut bytes = vec![1, 0];
        bytes.extend((control | 0x8000).to_le_bytes());
        bytes.extend([0; 12]);
        bytes.extend(dacl.to_le_bytes());
        bytes.extend([2, 0, 8, 0, 0, 0, 0, 0]);
        bytes
    };
    let absent = header(0, 20);
    assert_eq!(
        SecurityDescriptor::parse(&absent).unwrap().dacl(),
        AclField::Absent
    );
    let null = header(4, 0);
    assert_eq!(
        SecurityDescriptor::parse(&null).unwrap().dacl(),
        AclField::Null
    );
    let empty = header(4, 20);
    let AclField::Present(acl) = SecurityDescriptor::parse(&empty).unwrap().dacl() else {
        panic!("there is a DACL");
    };
    assert_eq!((acl.aces().count(), acl.revision()), (0, 2));
}

#[test]
fn slack_is_tolerated() {
    let mut bytes = FILE_SD.to_vec();
    bytes.extend([0xEE; 9]);
    assert!(SecurityDescriptor::parse(&bytes).is_ok());
    // One ACE fewer than there is room for.
    let bytes = with(52, 2);
    let AclField::Present(dacl) = SecurityDescriptor::parse(&bytes).unwrap().dacl() else {
        panic!("there is a DACL");
    };
    assert_eq!(dacl.aces().count(), 2);
}

#[test]
fn damage_is_named_with_its_place() {
    let error = |bytes: &[u8]| SecurityDescriptor::parse(bytes).unwrap_err();
    assert_eq!(
        error(&FILE_SD[..19]),
        SecurityError::Truncated {
            part: "security descriptor",
            at: 0,
            expected: 20,
            found: 19
        }
    );
    assert_eq!(
        error(&with(0, 2)),
        SecurityError::Revision {
            part: "security descriptor",
            at: 0,
            found: 2
        }
    );
    assert_eq!(
        error(&with(3, 0)),
        SecurityError::NotSelfRelative { control: 4 }
    );
    assert_eq!(
        error(&with(4, 19)),
        SecurityError::Offset {
            part: "owner",
            offset: 19,
            len: 124
        }
    );
    assert_eq!(
        error(&with(11, 0x80)),
        SecurityError::Offset {
            part: "group",
            offset: 0x8000_0024,
            len: 124
        }
    );
    assert_eq!(
        error(&with(21, 16)),
        SecurityError::TooManySubAuthorities { at: 20, found: 16 }
    );
    assert_eq!(
        error(&with(16, 117)),
        SecurityError::Truncated {
            part: "ACL",
            at: 117,
            expected: 8,
            found: 7
        }
    );
    assert_eq!(
        error(&with(50, 77)),
        SecurityError::Truncated {
            part: "ACL",
            at: 48,
            expected: 77,
            found: 76
        }
    );
    assert_eq!(
        error(&with(50, 7)),
        SecurityError::Size {
            part: "ACL",
            at: 48,
            expected: 8,
            found: 7
        }
    );
    assert_eq!(
        error(&with(48, 5)),
        SecurityError::Revision {
            part: "ACL",
            at: 48,
            found: 5
        }
    );
    assert_eq!(
        error(&with(52, 4)),
        SecurityError::Truncated {
            part: "ACE",
            at: 124,
            expected: 4,
            found: 0
        }
    );
    assert_eq!(
        error(&with(58, 3)),
        SecurityError::Size {
            part: "ACE",
            at: 56,
            expected: 4,
            found: 3
        }
    );
    assert_eq!(
        error(&with(58, 23)),
        SecurityError::Truncated {
            part: "SID",
            at: 64,
            expected: 16,
            found: 15
        }
    );
    // As an object entry its SID's first bytes are the flags, and 1 asks for a GUID.
    assert_eq!(
        error(&with(56, 5)),
        SecurityError::Truncated {
            part: "ACE",
            at: 60,
            expected: 24,
            found: 20
        }
    );
}

#[test]
fn object_entries_have_their_guids() {
    let mut ace = vec![5, 0, 0, 0, 0x10, 0, 0, 0, 3, 0, 0, 0];
    ace.extend([
        0xBA, 0x7A, 0x96, 0xBF, 0xE6, 0x0D, 0xD0, 0x11, 0xA2, 0x85, 0, 0xAA, 0, 0x30, 0x49, 0xE2,
    ]);
    ace.extend([7; 16]);
    ace.extend([1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    ace.extend(b"app!");
    ace[2] = ace.len() as u8;
    let mut acl = vec![4, 0, ace.len() as u8 + 8, 0, 1, 0, 0, 0];
    acl.extend(&ace);
    let acl = Acl::parse_prefix(&acl, 0).unwrap();
    let entry = acl.aces().next().unwrap();
    assert_eq!(entry.raw, ace);
    assert!(entry.ace_type.is_object());
    let body = entry.body.unwrap();
    let object = body.object.unwrap();
    assert_eq!(
        object.object_type.unwrap().to_string(),
        "bf967aba-0de6-11d0-a285-00aa003049e2"
    );
    assert_eq!(object.inherited_object_type, Some(Guid([7; 16])));
    assert_eq!(body.sid.to_string(), "S-1-1-0");
    assert_eq!(body.application_data, b"app!");
}

#[test]
fn entries_of_unknown_types_are_kept_whole() {
    let acl = [2, 0, 16, 0, 1, 0, 0, 0, 0x42, 0x1F, 8, 0, 1, 2, 3, 4];
    let acl = Acl::parse_prefix(&acl, 0).unwrap();
    let entry = acl.aces().next().unwrap();
    assert_eq!((entry.ace_type, entry.body), (AceType(0x42), None));
    assert_eq!(entry.raw, [0x42, 0x1F, 8, 0, 1, 2, 3, 4]);
}

#[test]
fn large_authorities_are_shown_in_hexadecimal() {
    for (bytes, text) in [
        (
            &[1, 1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 9, 0, 0, 0][..],
            "S-1-4294967295-9",
        ),
        (&[1, 1, 0, 5, 0, 0, 0, 0, 9, 0, 0, 0], "S-1-0x500000000-9"),
        (&[1, 0, 0, 0, 0, 0, 0, 5], "S-1-5"),
    ] {
        assert_eq!(Sid::parse(bytes).unwrap().to_string(), text);
    }
    assert!(Sid::parse(&[1, 0, 0, 0, 0, 0, 0, 5, 0]).is_err());
}

#[test]
fn every_descriptor_made_by_windows_parses_to_what_its_vector_says() {
    let Some(vectors) = fixture("vectors.json") else {
        return;
    };
    let vectors: serde_json::Value = serde_json::from_slice(&vectors).unwrap();
    let mut seen = 0;
    for vector in vectors["sd"].as_array().unwrap() {
        let path = vector["file"].as_str().unwrap();
        let bytes = fixture(path).unwrap();
        let sd = SecurityDescriptor::parse(&bytes).unwrap();
        assert_eq!(
            format!("{:#06x}", sd.control().bits()),
            vector["control"],
            "{path}"
        );
        assert_eq!(sd.owner().unwrap().to_string(), vector["owner"], "{path}");
        assert_eq!(sd.group().unwrap().to_string(), vector["group"], "{path}");
        for (acl, expected) in [(sd.dacl(), &vector["dacl"]), (sd.sacl(), &vector["sacl"])] {
            match acl {
                AclField::Absent => assert!(expected.is_null(), "{path}"),
                AclField::Null => panic!("{path} has no NULL list"),
                AclField::Present(acl) => {
                    let types: Vec<u8> = acl.aces().map(|ace| ace.ace_type.0).collect();
                    assert_eq!(serde_json::json!(types), expected["types"], "{path}");
                }
            }
        }
        seen += 1;
    }
    assert_eq!(seen, 32);
}

#[test]
fn all_sample_descriptors_parse_and_all_entries_have_a_body() {
    let Some(files) = fixtures_in("sd") else {
        return;
    };
    assert_eq!(files.len(), 34);
    for (name, bytes) in files {
        let sd =
            SecurityDescriptor::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        for acl in [sd.dacl(), sd.sacl()] {
            if let AclField::Present(acl) = acl {
                assert!(acl.aces().all(|ace| ace.body.is_some()), "{name}");
            }
        }
    }
}

#[test]
fn single_structures_of_the_format_library_parse() {
    let Some(sd) = fixture("structs/libfwnt-security_descriptor.1") else {
        return;
    };
    let acl = fixture("structs/libfwnt-access_control_list.1").unwrap();
    let ace = fixture("structs/libfwnt-access_control_entry.1").unwrap();
    let sid = fixture("structs/libfwnt-security_identifier.1").unwrap();
    let sd = SecurityDescriptor::parse(&sd).unwrap();
    let AclField::Present(dacl) = sd.dacl() else {
        panic!("there is a DACL");
    };
    let alone = Acl::parse_prefix(&acl, 0).unwrap();
    let raws: Vec<&[u8]> = dacl.aces().map(|ace| ace.raw).collect();
    assert_eq!(raws, alone.aces().map(|ace| ace.raw).collect::<Vec<_>>());
    assert_eq!(raws[0], ace);
    assert_eq!(
        Sid::parse(&sid).unwrap().to_string(),
        "S-1-5-21-623811015-3229964156-30300820-1013"
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..160)) {
        let _ = SecurityDescriptor::parse(&bytes);
    }

    #[test]
    fn damaged_descriptors_never_panic(changes in proptest::collection::vec((0usize..124, any::<u8>()), 0..4), len in 0usize..125) {
        let mut bytes = FILE_SD.to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        bytes.truncate(len);
        if let Ok(sd) = SecurityDescriptor::parse(&bytes) {
            for acl in [sd.dacl(), sd.sacl()] {
                if let AclField::Present(acl) = acl {
                    // The iterator never ends before the count that was checked.
                    prop_assert_eq!(acl.aces().count(), acl.aces().size_hint().0);
                }
            }
        }
    }
}
