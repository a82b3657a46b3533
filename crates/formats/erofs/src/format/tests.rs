use proptest::prelude::*;

use super::*;

#[test]
fn checksum_is_the_raw_crc32c_register_with_the_field_zeroed() {
    // CRC-32C of 32 zero bytes is 0x8a9136aa (RFC 3720 B.4); the register is its complement.
    let mut bytes = [0; 32];
    assert_eq!(superblock_checksum(&bytes), !0x8a91_36aa);
    bytes[4..8].copy_from_slice(&[1, 2, 3, 4]);
    assert_eq!(superblock_checksum(&bytes), !0x8a91_36aa);
    bytes[8] = 1;
    assert_ne!(superblock_checksum(&bytes), !0x8a91_36aa);
}

#[test]
fn checksum_covers_the_rest_of_the_block_with_the_superblock() {
    assert_eq!(checksum_end(9), 1536);
    assert_eq!(checksum_end(10), 2048);
    assert_eq!(checksum_end(12), 4096);
}

#[test]
fn xattr_names_split_only_in_known_namespaces() {
    assert_eq!(split_xattr_name(b"user.a"), Some((1, &b"a"[..])));
    assert_eq!(
        split_xattr_name(b"trusted.overlay.opaque"),
        Some((4, &b"overlay.opaque"[..]))
    );
    assert_eq!(
        split_xattr_name(b"security.selinux"),
        Some((6, &b"selinux"[..]))
    );
    assert_eq!(
        split_xattr_name(b"system.posix_acl_access"),
        Some((2, &b""[..]))
    );
    for refused in [
        &b"user."[..],
        b"users.a",
        b"",
        b"system.posix_acl_access2",
        b"system.other",
        b"user.a\0b",
    ] {
        assert_eq!(split_xattr_name(refused), None);
    }
    let long = [b"user.".as_slice(), &[b'x'; 255]].concat();
    assert!(split_xattr_name(&long).is_some());
    assert_eq!(split_xattr_name(&[&long[..], b"x"].concat()), None);
}

#[test]
fn extended_inode_has_its_fields_where_the_kernel_header_says() {
    let raw = RawInode {
        extended: true,
        layout: LAYOUT_CHUNK_BASED,
        xattr_count: 0x0102,
        mode: 0o100_644,
        size: 0x1122_3344_5566_7788,
        union: 0x2a,
        ino: 5,
        uid: 6,
        gid: 7,
        mtime: Timestamp {
            seconds: -1,
            nanoseconds: 8,
        },
        nlink: 9,
    };
    let golden = "0900 0201 a481 0000 8877665544332211 2a000000 05000000 06000000 07000000 \
                  ffffffffffffffff 08000000 09000000 00000000000000000000000000000000";
    let hex: String = raw
        .encode()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(hex, golden.replace(' ', ""));
}

#[test]
fn compact_inode_counts_its_time_from_the_build_time() {
    let mut bytes = [0; COMPACT_SIZE];
    bytes[0] = 4;
    bytes[6] = 3;
    bytes[8] = 100;
    bytes[12] = 50;
    let epoch = Timestamp {
        seconds: 1000,
        nanoseconds: 7,
    };
    let raw = RawInode::decode(&bytes, epoch).expect("valid");
    assert_eq!(
        raw.mtime,
        Timestamp {
            seconds: 1050,
            nanoseconds: 7
        }
    );
    assert_eq!(
        (raw.layout, raw.nlink, raw.size),
        (LAYOUT_FLAT_INLINE, 3, 100)
    );
}

#[test]
fn inode_with_unknown_format_bits_is_refused() {
    let mut bytes = [0; EXTENDED_SIZE];
    bytes[0] = 0x11;
    assert_eq!(RawInode::decode(&bytes, Timestamp::default()), None);
    bytes[0] = 1;
    assert!(RawInode::decode(&bytes, Timestamp::default()).is_some());
    assert_eq!(RawInode::decode(&bytes[..63], Timestamp::default()), None);
}

proptest! {
    #[test]
    fn superblock_decodes_to_what_was_encoded(
        (a, b, c, d) in any::<(u32, u32, u8, u16)>(),
        (e, f, g, h) in any::<(u64, i64, u32, u32)>(),
        (i, j, uuid, k) in any::<(u32, u32, [u8; 16], u32)>(),
        (l, m, n) in any::<(u16, u16, u8)>(),
    ) {
        let superblock = Superblock {
            checksum: a,
            feature_compat: b,
            block_bits: c,
            root_nid: d,
            inodes: e,
            build_time: f,
            build_nanoseconds: g,
            blocks: h,
            meta_block: i,
            xattr_block: j,
            uuid,
            feature_incompat: k,
            extra_devices: l,
            device_slot: m,
            dir_block_bits: n,
        };
        prop_assert_eq!(Superblock::decode(&superblock.encode()), superblock);
    }

    #[test]
    fn extended_inode_decodes_to_what_was_encoded(
        (layout, xattr_count, mode, size) in (0u16..8, any::<u16>(), any::<u16>(), any::<u64>()),
        (union, ino, uid, gid) in any::<(u32, u32, u32, u32)>(),
        (seconds, nanoseconds, nlink) in any::<(i64, u32, u32)>(),
    ) {
        let raw = RawInode {
            extended: true,
            layout,
            xattr_count,
            mode,
            size,
            union,
            ino,
            uid,
            gid,
            mtime: Timestamp { seconds, nanoseconds },
            nlink,
        };
        prop_assert_eq!(RawInode::decode(&raw.encode(), Timestamp::default()), Some(raw));
    }

    #[test]
    fn decoding_arbitrary_inode_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = RawInode::decode(&bytes, Timestamp { seconds: i64::MAX, nanoseconds: 0 });
    }
}
