use super::*;
use crate::fixtures::fixture;
use crate::sddl::{from_sddl, to_sddl};
use crate::security::{Ace, SecurityDescriptor};
use proptest::prelude::*;

const USER: &str = "S-1-5-21-1-2-3-1000";
const TRUSTED_INSTALLER: &str = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";

fn parse(bytes: &[u8]) -> SecurityDescriptor<'_> {
    SecurityDescriptor::parse(bytes).unwrap()
}

fn entries<'a>(list: AclField<'a>) -> Vec<Ace<'a>> {
    match list {
        AclField::Present(acl) => acl.aces().collect(),
        AclField::Absent | AclField::Null => Vec::new(),
    }
}

/// What a child gets whose creator is the owner and group of another descriptor.
fn child_by(parent: &[u8], is_directory: bool, creator: &[u8]) -> Vec<u8> {
    let creator = parse(creator);
    let creator = Creator {
        owner: creator.owner().unwrap(),
        group: creator.group().unwrap(),
    };
    inherit(Some(&parse(parent)), is_directory, &creator).unwrap()
}

/// Compares the lists of a file and a folder, made by a user of group BU, with SDDL.
#[track_caller]
fn check(parent: &str, file: &str, folder: &str) {
    let creator = format!("O:{USER}G:BU");
    let parent_bytes = from_sddl(parent).unwrap();
    let creator_bytes = from_sddl(&creator).unwrap();
    for (is_directory, expected) in [(false, file), (true, folder)] {
        let child = child_by(&parent_bytes, is_directory, &creator_bytes);
        let text = to_sddl(&parse(&child)).unwrap();
        let lists = text.strip_prefix(&creator).unwrap();
        let expected = expected.replace("USER", USER);
        assert_eq!(lists, expected, "{parent}, folder: {is_directory}");
    }
}

/// What a child gets where nothing is inherited.
const DEFAULT: &str = "D:(A;;FA;;;USER)(A;;FA;;;SY)";

#[test]
fn files_take_what_objects_inherit_and_folders_what_containers_inherit() {
    for (flags, file, folder) in [
        ("", None, None),
        ("IO", None, None),
        ("NP", None, None),
        ("ID", None, None),
        ("OI", Some("ID"), Some("OIIOID")),
        ("OIIO", Some("ID"), Some("OIIOID")),
        ("OINP", Some("ID"), None),
        ("CI", None, Some("CIID")),
        ("CIIO", None, Some("CIID")),
        ("CINP", None, Some("ID")),
        ("CINPIO", None, Some("ID")),
        ("OICI", Some("ID"), Some("OICIID")),
        ("OICIID", Some("ID"), Some("OICIID")),
        ("OICIIO", Some("ID"), Some("OICIID")),
        ("OICINP", Some("ID"), Some("ID")),
        ("OICINPIO", Some("ID"), Some("ID")),
    ] {
        let list = |flags: Option<&str>| match flags {
            Some(flags) => format!("D:AI(A;{flags};0x1200a9;;;BU)"),
            None => DEFAULT.to_owned(),
        };
        check(&list(Some(flags)), &list(file), &list(folder));
    }
}

#[test]
fn entries_keep_their_order_and_kind() {
    check(
        "D:AI(D;OICI;DC;;;WD)(A;;FA;;;BA)(A;OICI;FA;;;BA)(D;CI;WP;;;BU)(A;OI;FR;;;AU)",
        "D:AI(D;ID;DC;;;WD)(A;ID;FA;;;BA)(A;ID;FR;;;AU)",
        "D:AI(D;OICIID;DC;;;WD)(A;OICIID;FA;;;BA)(D;CIID;WP;;;BU)(A;OIIOID;FR;;;AU)",
    );
}

#[test]
fn below_a_list_that_is_not_auto_inherited_nothing_is_marked() {
    check(
        "D:(A;OICI;FA;;;BA)(A;OICIID;FR;;;BU)",
        "D:(A;;FA;;;BA)(A;;FR;;;BU)",
        "D:(A;OICI;FA;;;BA)(A;OICI;FR;;;BU)",
    );
    check(
        "D:(A;OICI;FA;;;BA)S:AI(AU;OICISAFA;FA;;;WD)",
        "D:(A;;FA;;;BA)S:AI(AU;IDSAFA;FA;;;WD)",
        "D:(A;OICI;FA;;;BA)S:AI(AU;OICIIDSAFA;FA;;;WD)",
    );
}

#[test]
fn a_protected_parent_still_passes_on_its_entries() {
    check(
        "D:PAI(A;OICI;FA;;;BA)S:PAI(AU;OICIFA;FA;;;WD)",
        "D:AI(A;ID;FA;;;BA)S:AI(AU;IDFA;FA;;;WD)",
        "D:AI(A;OICIID;FA;;;BA)S:AI(AU;OICIIDFA;FA;;;WD)",
    );
}

#[test]
fn creator_owner_and_group_are_the_creators() {
    check(
        "D:AI(A;OICIIO;GA;;;CO)(A;OICI;FR;;;CG)",
        "D:AI(A;ID;FA;;;USER)(A;ID;FR;;;BU)",
        "D:AI(A;ID;FA;;;USER)(A;OICIIOID;GA;;;CO)(A;ID;FR;;;BU)(A;OICIIOID;FR;;;CG)",
    );
    check(
        "D:AI(A;CINP;FA;;;CO)(A;OIIO;FA;;;CG)",
        "D:AI(A;ID;FA;;;BU)",
        "D:AI(A;ID;FA;;;USER)(A;OIIOID;FA;;;CG)",
    );
}

#[test]
fn owner_rights_stay_owner_rights() {
    check(
        "D:AI(A;OICI;RC;;;OW)",
        "D:AI(A;ID;RC;;;OW)",
        "D:AI(A;OICIID;RC;;;OW)",
    );
}

#[test]
fn generic_rights_become_rights_to_files_where_they_take_effect() {
    for (generic, specific) in [
        ("GA", "FA"),
        ("GR", "FR"),
        ("GW", "FW"),
        ("GX", "FX"),
        ("GXGR", "0x1200a9"),
        ("SDGXGWGR", "0x1301bf"),
    ] {
        check(
            &format!("D:AI(A;OICI;{generic};;;BA)"),
            &format!("D:AI(A;ID;{specific};;;BA)"),
            &format!("D:AI(A;ID;{specific};;;BA)(A;OICIIOID;{generic};;;BA)"),
        );
    }
    check(
        "D:AI(A;CI;GA;;;BA)(A;OI;GR;;;BU)(D;CINP;GW;;;WD)",
        "D:AI(A;ID;FR;;;BU)",
        "D:AI(A;ID;FA;;;BA)(A;CIIOID;GA;;;BA)(A;OIIOID;GR;;;BU)(D;ID;FW;;;WD)",
    );
}

#[test]
fn a_right_of_the_creator_that_is_there_already_is_not_repeated() {
    check(
        &format!("D:AI(A;OICI;FA;;;{USER})(A;OICIIO;GA;;;CO)"),
        "D:AI(A;ID;FA;;;USER)",
        "D:AI(A;OICIID;FA;;;USER)(A;OICIIOID;GA;;;CO)",
    );
    // An entry for children only, or one of another kind, does not count.
    check(
        &format!("D:AI(A;OI;FA;;;{USER})(D;OICI;FA;;;{USER})(A;CIIO;GA;;;CO)"),
        "D:AI(A;ID;FA;;;USER)(D;ID;FA;;;USER)",
        "D:AI(A;OIIOID;FA;;;USER)(D;OICIID;FA;;;USER)(A;ID;FA;;;USER)(A;CIIOID;GA;;;CO)",
    );
}

#[test]
fn entries_for_children_of_one_class_never_take_effect_on_files() {
    let class = "bf967aba-0de6-11d0-a285-00aa003049e2";
    check(
        &format!("D:AI(OA;OICI;CR;;{class};WD)(OA;OICINP;CR;;{class};WD)(OA;OICI;GR;{class};;CO)"),
        &format!("D:AI(OA;ID;FR;{class};;USER)"),
        &format!(
            "D:AI(OA;OICIIOID;CR;;{class};WD)(OA;ID;FR;{class};;USER)(OA;OICIIOID;GR;{class};;CO)"
        ),
    );
    let parent = from_sddl(&format!("D:AI(OA;OICI;CR;{class};;WD)")).unwrap();
    let child = child_by(&parent, false, default_root());
    let AclField::Present(dacl) = parse(&child).dacl() else {
        panic!("there is a DACL");
    };
    assert_eq!(dacl.revision(), 4);
}

#[test]
fn conditions_claims_labels_and_policies_come_along_whole() {
    check(
        "D:AI(XA;OICI;GX;;;CO;(@User.Title == \"PM\"))",
        "D:AI(XA;ID;FX;;;USER;(@User.Title == \"PM\"))",
        "D:AI(XA;ID;FX;;;USER;(@User.Title == \"PM\"))(XA;OICIIOID;GX;;;CO;(@User.Title == \"PM\"))",
    );
    check(
        "S:AI(ML;OICI;NW;;;LW)(RA;OICI;;;;WD;(\"a\",TU,0x0,1,2))(SP;OICI;;;;S-1-17-1)(AU;CISA;GA;;;CO)",
        "D:(A;;FA;;;USER)(A;;FA;;;SY)S:AI(ML;ID;NW;;;LW)(RA;ID;;;;WD;(\"a\",TU,0x0,1,2))(SP;ID;;;;S-1-17-1)",
        "D:(A;;FA;;;USER)(A;;FA;;;SY)S:AI(ML;OICIID;NW;;;LW)(RA;OICIID;;;;WD;(\"a\",TU,0x0,1,2))(SP;OICIID;;;;S-1-17-1)(AU;IDSA;FA;;;USER)(AU;CIIOIDSA;GA;;;CO)",
    );
    check(
        "S:AI(TL;OICI;GW;;;S-1-19-512-4096)(FL;OICI;GR;;;CO)",
        "D:(A;;FA;;;USER)(A;;FA;;;SY)S:AI(TL;ID;GW;;;S-1-19-512-4096)(FL;ID;GR;;;CO)",
        "D:(A;;FA;;;USER)(A;;FA;;;SY)S:AI(TL;OICIID;GW;;;S-1-19-512-4096)(FL;OICIID;GR;;;CO)",
    );
}

#[test]
fn without_anything_to_inherit_the_owner_and_system_have_full_access() {
    for parent in [
        "",
        "O:BAG:BA",
        "D:",
        "D:NO_ACCESS_CONTROL",
        "D:PAI(A;;FA;;;BA)",
        "S:AI",
    ] {
        check(parent, DEFAULT, DEFAULT);
    }
    let creator = Creator::container_administrator();
    let child = inherit(None, true, &creator).unwrap();
    assert_eq!(
        child,
        from_sddl("O:BAG:BAD:(A;;FA;;;BA)(A;;FA;;;SY)").unwrap()
    );
    let system = Creator {
        owner: Sid::LOCAL_SYSTEM,
        group: Sid::LOCAL_SYSTEM,
    };
    let child = inherit(None, false, &system).unwrap();
    assert_eq!(child, from_sddl("O:SYG:SYD:(A;;FA;;;SY)").unwrap());
}

#[test]
fn the_default_root_says_what_its_text_says() {
    let dacl = "D:PAI(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICIIO;GA;;;CO)(A;OICI;0x1200a9;;;BU)(A;CI;LC;;;BU)(A;CIIO;DC;;;BU)";
    let text = format!("O:{TRUSTED_INSTALLER}G:{TRUSTED_INSTALLER}{dacl}");
    // `from_sddl` lays the parts out as Windows does, and so does this.
    assert_eq!(default_root(), from_sddl(&text).unwrap());
}

#[test]
fn folders_that_windows_made_are_made_alike() {
    // As `Get-Acl` and `cacls /S` show them for folders that administrators made.
    let program_data = "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICIIO;GA;;;CO)(A;OICI;0x1200a9;;;BU)(A;CI;DCLCRPCR;;;BU)";
    let below_program_data = "D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIIOID;GA;;;CO)(A;OICIID;0x1200a9;;;BU)(A;CIID;DCLCRPCR;;;BU)";
    let program_files = "D:PAI(A;;FA;;;TI)(A;CIIO;GA;;;TI)(A;;0x1301bf;;;SY)(A;OICIIO;GA;;;SY)(A;;0x1301bf;;;BA)(A;OICIIO;GA;;;BA)(A;;0x1200a9;;;BU)(A;OICIIO;GXGR;;;BU)(A;OICIIO;GA;;;CO)(A;;0x1200a9;;;AC)(A;OICIIO;GXGR;;;AC)";
    let below_program_files = "D:AI(A;ID;FA;;;TI)(A;CIIOID;GA;;;TI)(A;ID;FA;;;SY)(A;OICIIOID;GA;;;SY)(A;ID;FA;;;BA)(A;OICIIOID;GA;;;BA)(A;ID;0x1200a9;;;BU)(A;OICIIOID;GXGR;;;BU)(A;OICIIOID;GA;;;CO)(A;ID;0x1200a9;;;AC)(A;OICIIOID;GXGR;;;AC)";
    for (parent, child) in [
        (program_data, below_program_data),
        (program_files, below_program_files),
    ] {
        let [parent, child] =
            [parent, child].map(|text| text.replace(";TI)", &format!(";{TRUSTED_INSTALLER})")));
        let parent = from_sddl(&parent).unwrap();
        let creator = Creator::container_administrator();
        assert_eq!(
            inherit(Some(&parse(&parent)), true, &creator).unwrap(),
            from_sddl(&format!("O:BAG:BA{child}")).unwrap()
        );
    }
    // A user who has no entry yet gets one, before the placeholder.
    check(
        program_data,
        "D:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;FA;;;USER)(A;ID;0x1200a9;;;BU)",
        "D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;ID;FA;;;USER)(A;OICIIOID;GA;;;CO)(A;OICIID;0x1200a9;;;BU)(A;CIID;DCLCRPCR;;;BU)",
    );
}

#[test]
fn pairs_on_volumes_that_windows_wrote_are_reproduced_byte_for_byte() {
    // A recycle bin and the file in it; folders and files in the root of data volumes.
    for (parent, is_directory, child) in [
        ("ntfs-265", false, "ntfs-266"),
        ("ntfs-263", false, "ntfs-267"),
        ("ntfs-263", true, "ntfs-263"),
        ("dfvfs-262", false, "dfvfs-263"),
        ("dfvfs-262", true, "dfvfs-262"),
    ] {
        let Some(parent_bytes) = fixture(&format!("sd/{parent}.bin")) else {
            return;
        };
        let expected = fixture(&format!("sd/{child}.bin")).unwrap();
        assert_eq!(
            child_by(&parent_bytes, is_directory, &expected),
            expected,
            "{parent} to {child}"
        );
    }
}

#[test]
fn folders_and_files_in_the_root_of_a_data_volume_get_what_they_have_there() {
    // What FORMAT gives the root.
    let root =
        from_sddl("D:(A;OICI;GA;;;BA)(A;OICI;GA;;;SY)(A;OICI;SDGXGWGR;;;AU)(A;OICI;GXGR;;;BU)")
            .unwrap();
    for (is_directory, child) in [
        (true, "ntfs-263"),
        (false, "ntfs-267"),
        (true, "dfvfs-262"),
        (false, "dfvfs-263"),
    ] {
        let Some(expected) = fixture(&format!("sd/{child}.bin")) else {
            return;
        };
        assert_eq!(
            child_by(&root, is_directory, &expected),
            expected,
            "{child}"
        );
    }
}

#[test]
fn what_files_of_system_have_inherited_is_what_the_default_root_passes_on() {
    for (is_directory, name) in [
        (true, "security_descriptor_1"),
        (false, "security_descriptor_2"),
    ] {
        let Some(bytes) = fixture(&format!("sd/{name}.bin")) else {
            return;
        };
        // Before what they have inherited they have an entry of their own, for SYSTEM.
        let found: Vec<Vec<u8>> = entries(parse(&bytes).dacl())
            .iter()
            .filter(|ace| ace.flags.contains(AceFlags::INHERITED))
            .map(|ace| ace.raw.to_vec())
            .collect();
        let child = child_by(default_root(), is_directory, &bytes);
        let expected: Vec<Vec<u8>> = entries(parse(&child).dacl())
            .iter()
            .map(|ace| ace.raw.to_vec())
            .collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_list_that_does_not_fit_is_refused() {
    let entry = "(A;OICI;GA;;;CO)";
    let text = format!("D:AI{}", entry.repeat(3000));
    let parent = from_sddl(&text).unwrap();
    let long = from_sddl("O:S-1-5-21-1-2-3-4-5-6-7-8-9-10-11-12G:BA").unwrap();
    let creator = Creator {
        owner: parse(&long).owner().unwrap(),
        group: parse(&long).group().unwrap(),
    };
    // Of the effective entries, one is left; all are passed on.
    let child = inherit(Some(&parse(&parent)), true, &creator).unwrap();
    assert_eq!(entries(parse(&child).dacl()).len(), 3001);
    let rights = (0..3000).map(|right| format!("(AU;OICISA;{right:#x};;;CO)"));
    let text = format!("S:AI{}", rights.collect::<String>());
    let parent = from_sddl(&text).unwrap();
    assert_eq!(
        inherit(Some(&parse(&parent)), true, &creator),
        Err(InheritError::TooLarge {
            list: "SACL",
            found: 8 + 3000 * (20 + 8 + 8 + 13 * 4),
            limit: 65535
        })
    );
}

/// Lists with every combination of flags, in both forms of inheritance.
fn parents() -> impl Strategy<Value = Vec<u8>> {
    let sid = prop::sample::select(vec![
        Sid::CREATOR_OWNER,
        Sid::CREATOR_GROUP,
        Sid::ADMINISTRATORS,
        Sid::LOCAL_SYSTEM,
    ]);
    let ace_type = prop::sample::select(vec![0u8, 1, 2, 4, 5, 9, 0x11, 0x12, 0x42]);
    let mask = prop_oneof![
        Just(FILE_ALL_ACCESS),
        Just(0x1000_0000u32),
        Just(0x8000_0001),
        any::<u32>()
    ];
    let ace = (ace_type, any::<u8>(), mask, 0u32..4, sid).prop_map(
        |(ace_type, flags, mask, object, sid)| {
            let mut body = mask.to_le_bytes().to_vec();
            if ace_type == 5 {
                body.extend(object.to_le_bytes());
                body.extend(vec![7; 16 * object.count_ones() as usize]);
            }
            body.extend(sid.as_bytes());
            let mut ace = vec![ace_type, flags, body.len() as u8 + 4, 0];
            ace.extend(body);
            ace
        },
    );
    let aces = || prop::collection::vec(ace.clone(), 0..8);
    (aces(), aces(), any::<u16>()).prop_map(|(dacl, sacl, control)| {
        let dacl = writer::acl(&dacl).unwrap();
        let sacl = writer::acl(&sacl).unwrap();
        let parts = writer::Parts {
            dacl: Some(&dacl),
            sacl: Some(&sacl),
            ..writer::Parts::default()
        };
        writer::descriptor(Control::from_bits_retain(control), &parts)
    })
}

/// Makes a child of administrators and checks what holds for every child.
fn checked_child(parent: &[u8], is_directory: bool) -> Vec<u8> {
    let parent = parse(parent);
    let child = inherit(
        Some(&parent),
        is_directory,
        &Creator::container_administrator(),
    )
    .unwrap();
    let sd = parse(&child);
    for (list, mark) in [
        (sd.dacl(), Control::DACL_AUTO_INHERITED),
        (sd.sacl(), Control::SACL_AUTO_INHERITED),
    ] {
        let is_marked = sd.control().contains(mark);
        assert!(!is_marked || parent.control().contains(mark));
        for ace in entries(list) {
            assert_eq!(ace.flags.contains(AceFlags::INHERITED), is_marked);
            assert!(!ace.flags.contains(AceFlags::NO_PROPAGATE_INHERIT));
            if !is_directory {
                assert!(!ace.flags.intersects(
                    AceFlags::OBJECT_INHERIT | AceFlags::CONTAINER_INHERIT | AceFlags::INHERIT_ONLY
                ));
            }
        }
    }
    assert!(matches!(sd.dacl(), AclField::Present(_)));
    child
}

/// The same descriptor with `NP` taken out of all entries, or set in all.
fn with_no_propagate(parent: &[u8], is_set: bool) -> Vec<u8> {
    let sd = parse(parent);
    let [dacl, sacl] = [sd.dacl(), sd.sacl()].map(|list| {
        let aces: Vec<Vec<u8>> = entries(list)
            .iter()
            .map(|ace| {
                let mut raw = ace.raw.to_vec();
                let mut flags = ace.flags;
                flags.set(AceFlags::NO_PROPAGATE_INHERIT, is_set);
                raw[1] = flags.bits();
                raw
            })
            .collect();
        writer::acl(&aces).unwrap()
    });
    let parts = writer::Parts {
        dacl: Some(&dacl),
        sacl: Some(&sacl),
        ..writer::Parts::default()
    };
    writer::descriptor(sd.control(), &parts)
}

proptest! {
    #[test]
    fn children_are_marked_as_their_parent_is_and_files_pass_nothing_on(parent in parents()) {
        checked_child(&parent, false);
        checked_child(&parent, true);
    }

    #[test]
    fn below_the_first_folder_nothing_changes_any_more(parent in parents()) {
        let parent = with_no_propagate(&parent, false);
        let first = checked_child(&parent, true);
        prop_assert_eq!(&checked_child(&first, true), &first);
        prop_assert_eq!(checked_child(&first, false), checked_child(&parent, false));
    }

    #[test]
    fn what_is_not_propagated_ends_with_the_children(parent in parents()) {
        let child = checked_child(&with_no_propagate(&parent, true), true);
        let creator = Creator::container_administrator();
        let nothing = inherit(None, true, &creator).unwrap();
        prop_assert_eq!(checked_child(&child, true), nothing);
    }

    #[test]
    fn no_bytes_of_a_parent_make_it_panic(
        parent in parents(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        is_directory: bool,
    ) {
        let mut bytes = parent;
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(parent) = SecurityDescriptor::parse(&bytes) {
            let creator = Creator::container_administrator();
            if let Ok(child) = inherit(Some(&parent), is_directory, &creator) {
                prop_assert!(SecurityDescriptor::parse(&child).is_ok());
            }
        }
    }
}
