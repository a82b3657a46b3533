use super::*;
use crate::fixtures::fixture;
use proptest::prelude::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// A buffer with free choice of names, their order Windows' own (print name first, no NULs).
fn buffer(tag: u32, flags: Option<u32>, substitute: &str, print: &str) -> Vec<u8> {
    let utf16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let (substitute, print) = (utf16(substitute), utf16(print));
    let mut data = Vec::new();
    for field in [print.len(), substitute.len(), 0, print.len()] {
        data.extend((field as u16).to_le_bytes());
    }
    if let Some(flags) = flags {
        data.extend(flags.to_le_bytes());
    }
    data.extend(print);
    data.extend(substitute);
    let mut buffer = tag.to_le_bytes().to_vec();
    buffer.extend((data.len() as u16).to_le_bytes());
    buffer.extend([0, 0]);
    buffer.extend(data);
    buffer
}

const NAMES_OF_C_T: &str = "5c003f003f005c0043003a005c005400000043003a005c0054000000";

#[test]
fn links_are_encoded_as_go_winio_encodes_them() {
    for (kind, target, expected) in [
        (
            LinkKind::MountPoint,
            r"C:\T",
            format!("030000a02400000000001000120008 00{NAMES_OF_C_T}"),
        ),
        (
            LinkKind::Symlink,
            r"C:\T",
            format!("0c0000a028000000000010001200080000000000{NAMES_OF_C_T}"),
        ),
        (
            LinkKind::Symlink,
            r"..\x",
            "0c0000a020000000000008000a000800010000002e002e005c00780000002e002e005c0078000000"
                .to_owned(),
        ),
        (
            LinkKind::Symlink,
            "",
            "0c0000a01000000000000000020000000100000000000000".to_owned(),
        ),
    ] {
        assert_eq!(
            encode_link(kind, target).unwrap(),
            bytes(&expected),
            "{target}"
        );
    }
    let unc = encode_link(LinkKind::Symlink, r"\\srv\s").unwrap();
    assert_eq!(unc.len(), 64);
    assert_eq!(decode_link(&unc).unwrap().substitute, r"\??\UNC\srv\s");
}

#[test]
fn substitute_names_follow_from_the_form_of_the_target() {
    for (target, substitute, print, relative) in [
        (
            r"\\?\Volume{0}\",
            r"\??\Volume{0}\",
            r"\\?\Volume{0}\",
            false,
        ),
        (r"\\?\C:\x", r"\??\C:\x", r"\\?\C:\x", false),
        ("//srv/s", r"\??\UNC\srv\s", r"\\srv\s", false),
        ("C:/T", r"\??\C:\T", r"C:\T", false),
        ("z:", r"\??\z:", "z:", false),
        (r"\Windows", r"\Windows", r"\Windows", true),
        ("1:x", "1:x", "1:x", true),
        ("a/b", r"a\b", r"a\b", true),
        ("é:", "é:", "é:", true),
    ] {
        let link = decode_link(&encode_link(LinkKind::Symlink, target).unwrap()).unwrap();
        let expected = Link {
            kind: LinkKind::Symlink,
            substitute: substitute.to_owned(),
            print: print.to_owned(),
            relative,
        };
        assert_eq!(link, expected);
        assert_eq!(target_of(&link), print);
    }
}

#[test]
fn an_empty_print_name_is_replaced_by_the_substitute_name() {
    for (substitute, target) in [
        (r"\??\C:\Target", r"C:\Target"),
        (
            r"\??\Volume{01234567-0000-0000-0000-000000000000}\",
            r"\\?\Volume{01234567-0000-0000-0000-000000000000}\",
        ),
        (r"\??\UNC\srv\s", r"\\srv\s"),
    ] {
        let buffer = buffer(TAG_MOUNT_POINT, None, substitute, "");
        assert_eq!(target_of(&decode_link(&buffer).unwrap()), target);
        assert!(is_representable(&buffer), "{substitute}");
    }
    let relative = buffer(TAG_SYMLINK, Some(1), "x", "");
    assert_eq!(target_of(&decode_link(&relative).unwrap()), "x");
}

#[test]
fn links_that_a_target_alone_does_not_describe_are_told() {
    for (tag, flags, substitute, print, representable) in [
        (TAG_SYMLINK, Some(0), r"\??\C:\T", r"C:\T", true),
        (TAG_SYMLINK, Some(1), "x", "x", true),
        (TAG_SYMLINK, Some(1), r"\x", r"\x", true),
        (TAG_MOUNT_POINT, None, r"\??\C:\T", r"C:\T", true),
        // The print name names something else.
        (TAG_SYMLINK, Some(0), r"\??\C:\T", r"D:\T", false),
        (TAG_MOUNT_POINT, None, r"\??\Volume{0}\", r"C:\mnt", false),
        // The flag does not follow from the target.
        (TAG_SYMLINK, Some(0), r"\Device\X", r"\Device\X", false),
        (TAG_SYMLINK, Some(1), r"\??\C:\T", r"C:\T", false),
        // A slash would become a backslash.
        (TAG_SYMLINK, Some(1), "a/b", "a/b", false),
        (0x8000_0023, None, "", "", false),
    ] {
        let buffer = buffer(tag, flags, substitute, print);
        assert_eq!(
            is_representable(&buffer),
            representable,
            "{substitute} {print}"
        );
    }
    assert!(!is_representable(b"junk"));
}

#[test]
fn damaged_buffers_are_refused() {
    let good = encode_link(LinkKind::Symlink, r"C:\T").unwrap();
    let with = |at: usize, byte: u8| {
        let mut bad = good.clone();
        bad[at] = byte;
        decode_link(&bad).unwrap_err()
    };
    assert_eq!(
        with(4, 0x29),
        ReparseError::Length {
            expected: 49,
            found: 48
        }
    );
    assert_eq!(with(6, 1), ReparseError::Reserved { found: 1 });
    assert_eq!(with(16, 2), ReparseError::UnknownFlags { found: 2 });
    assert_eq!(with(0, 0x0D), ReparseError::NotALink { tag: 0xA000_000D });
    // The names are 28 bytes; an odd length, and one that reaches past them.
    let out_of_bounds = |name, offset, len| ReparseError::NameOutOfBounds {
        name,
        offset,
        len,
        available: 28,
    };
    assert_eq!(with(10, 15), out_of_bounds("substitute", 0, 15));
    assert_eq!(with(14, 12), out_of_bounds("print", 18, 12));
    assert_eq!(with(13, 0xFF), out_of_bounds("print", 0xFF12, 8));
    assert_eq!(
        with(21, 0xD8),
        ReparseError::NotUtf16 { name: "substitute" }
    );

    assert_eq!(
        decode_link(&good[..7]),
        Err(ReparseError::TooShort {
            expected: 8,
            found: 7
        })
    );
    assert_eq!(
        decode_link(&bytes("0c0000a0 0400 0000 00000000")),
        Err(ReparseError::TooShort {
            expected: 20,
            found: 12
        })
    );
    assert_eq!(
        ReparseBuffer::parse(&vec![0; MAX_BUFFER_LEN + 1]),
        Err(ReparseError::TooLong {
            found: MAX_BUFFER_LEN + 1
        })
    );
}

#[test]
fn tags_of_others_have_a_guid_before_their_data() {
    let buffer = bytes("01000000 0200 0000 00112233445566778899aabbccddeeff abcd");
    let parsed = ReparseBuffer::parse(&buffer).unwrap();
    assert_eq!(parsed.guid.unwrap()[15], 0xFF);
    assert_eq!(parsed.data, [0xAB, 0xCD]);
    assert_eq!(
        ReparseBuffer::parse(&buffer[..20]),
        Err(ReparseError::TooShort {
            expected: 24,
            found: 20
        })
    );
    let socket = bytes("23000080 0000 0000");
    assert_eq!(
        ReparseBuffer::parse(&socket),
        Ok(ReparseBuffer {
            tag: 0x8000_0023,
            guid: None,
            data: &[]
        })
    );
}

#[test]
fn targets_that_cannot_be_a_link_are_refused() {
    assert!(matches!(
        encode_link(LinkKind::Symlink, "a\0b"),
        Err(ReparseError::TargetHoldsNul { .. })
    ));
    // Header, fields, flags and NULs take 24 bytes, each character 4.
    let longest = "x".repeat((MAX_BUFFER_LEN - 24) / 4);
    assert_eq!(
        encode_link(LinkKind::Symlink, &longest).unwrap().len(),
        MAX_BUFFER_LEN
    );
    assert_eq!(
        encode_link(LinkKind::Symlink, &(longest + "x")),
        Err(ReparseError::TooLong {
            found: MAX_BUFFER_LEN + 4
        })
    );
}

#[test]
fn known_tags_have_names() {
    for (tag, name) in [
        (0x8000_0018, Some("WCI")),
        (0xA000_001F, Some("WCI_TOMBSTONE")),
        (0x8000_0017, Some("WOF")),
        (0x8000_0013, Some("DEDUP")),
        (0x9000_701A, Some("CLOUD_7")),
        (0x8000_0023, Some("AF_UNIX")),
        (0x8000_001B, Some("APPEXECLINK")),
        (0xA000_001D, Some("LX_SYMLINK")),
        (TAG_SYMLINK, Some("SYMLINK")),
        (TAG_MOUNT_POINT, Some("MOUNT_POINT")),
        (0xDEAD_BEEF, None),
    ] {
        assert_eq!(tag_name(tag), name);
    }
}

#[test]
fn links_made_by_windows_are_decoded() {
    for (path, relative, substitute, print) in [
        (
            "reparse/dfvfs-a_link.bin",
            false,
            r"\??\x:\a_directory\another_file",
            r"x:\a_directory\another_file",
        ),
        (
            "reparse/dfir-relative-symlink.bin",
            true,
            "target.txt",
            "target.txt",
        ),
    ] {
        let Some(buffer) = fixture(path) else { return };
        let link = decode_link(&buffer).unwrap();
        assert_eq!(
            (link.substitute.as_str(), link.print.as_str()),
            (substitute, print)
        );
        assert_eq!((link.kind, link.relative), (LinkKind::Symlink, relative));
        assert!(is_representable(&buffer));
    }
}

proptest! {
    #[test]
    fn an_encoded_link_decodes_and_is_representable(target in r"(\\\\|[a-z]:|\\\\\?\\|)[a-z./\\é😀]{0,20}", mount: bool) {
        let kind = if mount { LinkKind::MountPoint } else { LinkKind::Symlink };
        let buffer = encode_link(kind, &target).unwrap();
        let link = decode_link(&buffer).unwrap();
        prop_assert_eq!(&link.print, &target.replace('/', "\\"));
        prop_assert_eq!(link.kind, kind);
        prop_assert!(is_representable(&buffer));
        prop_assert_eq!(encode_link(kind, &target_of(&link)).unwrap(), buffer);
    }

    #[test]
    fn arbitrary_bytes_never_panic(rest in proptest::collection::vec(0u8..40, 0..60), mount: bool) {
        let tag = if mount { TAG_MOUNT_POINT } else { TAG_SYMLINK };
        let mut buffer = tag.to_le_bytes().to_vec();
        buffer.extend((rest.len() as u16).to_le_bytes());
        buffer.extend([0, 0]);
        buffer.extend(rest);
        let _ = is_representable(&buffer);
        if let Ok(link) = decode_link(&buffer) {
            let _ = target_of(&link);
        }
    }
}
