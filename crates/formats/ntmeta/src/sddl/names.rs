//! The letters of SDDL (MS-DTYP 2.5.1.1).

use crate::security::{AceFlags, AceType, Sid};

/// Aliases of SIDs that are the same everywhere: letters, authority, sub-authorities.
const WELL_KNOWN: [(&str, u8, &[u32]); 51] = [
    ("WD", 1, &[0]),
    ("CO", 3, &[0]),
    ("CG", 3, &[1]),
    ("OW", 3, &[4]),
    ("NU", 5, &[2]),
    ("IU", 5, &[4]),
    ("SU", 5, &[6]),
    ("AN", 5, &[7]),
    ("ED", 5, &[9]),
    ("PS", 5, &[10]),
    ("AU", 5, &[11]),
    ("RC", 5, &[12]),
    ("SY", 5, &[18]),
    ("LS", 5, &[19]),
    ("NS", 5, &[20]),
    ("WR", 5, &[33]),
    ("BA", 5, &[32, 544]),
    ("BU", 5, &[32, 545]),
    ("BG", 5, &[32, 546]),
    ("PU", 5, &[32, 547]),
    ("AO", 5, &[32, 548]),
    ("SO", 5, &[32, 549]),
    ("PO", 5, &[32, 550]),
    ("BO", 5, &[32, 551]),
    ("RE", 5, &[32, 552]),
    ("RU", 5, &[32, 554]),
    ("RD", 5, &[32, 555]),
    ("NO", 5, &[32, 556]),
    ("MU", 5, &[32, 558]),
    ("LU", 5, &[32, 559]),
    ("IS", 5, &[32, 568]),
    ("CY", 5, &[32, 569]),
    ("ER", 5, &[32, 573]),
    ("CD", 5, &[32, 574]),
    ("RA", 5, &[32, 575]),
    ("ES", 5, &[32, 576]),
    ("MS", 5, &[32, 577]),
    ("HA", 5, &[32, 578]),
    ("AA", 5, &[32, 579]),
    ("RM", 5, &[32, 580]),
    ("HO", 5, &[32, 584]),
    ("SH", 5, &[32, 585]),
    ("UD", 5, &[84, 0, 0, 0, 0, 0]),
    ("AC", 15, &[2, 1]),
    ("LW", 16, &[4096]),
    ("ME", 16, &[8192]),
    ("MP", 16, &[8448]),
    ("HI", 16, &[12288]),
    ("SI", 16, &[16384]),
    ("AS", 18, &[1]),
    ("SS", 18, &[2]),
];

/// Aliases of SIDs within a domain: letters, relative identifier.
const IN_DOMAIN: [(&str, u32); 17] = [
    ("RO", 498),
    ("LA", 500),
    ("LG", 501),
    ("DA", 512),
    ("DU", 513),
    ("DG", 514),
    ("DC", 515),
    ("DD", 516),
    ("CA", 517),
    ("SA", 518),
    ("EA", 519),
    ("PA", 520),
    ("CN", 522),
    ("AP", 525),
    ("KA", 526),
    ("EK", 527),
    ("RS", 553),
];

/// What an alias means.
#[derive(Debug, Clone, Copy)]
pub(super) enum Alias {
    WellKnown {
        authority: u8,
        sub_authorities: &'static [u32],
    },
    InDomain {
        alias: &'static str,
        rid: u32,
    },
}

/// Looks up an alias, in any case.
pub(super) fn alias(letters: &str) -> Option<Alias> {
    let well_known = WELL_KNOWN
        .iter()
        .find(|(alias, ..)| alias.eq_ignore_ascii_case(letters))
        .map(|&(_, authority, sub_authorities)| Alias::WellKnown {
            authority,
            sub_authorities,
        });
    well_known.or_else(|| {
        IN_DOMAIN
            .iter()
            .find(|(alias, _)| alias.eq_ignore_ascii_case(letters))
            .map(|&(alias, rid)| Alias::InDomain { alias, rid })
    })
}

/// The alias of a SID that is the same everywhere.
pub(super) fn alias_of(sid: Sid<'_>) -> Option<&'static str> {
    WELL_KNOWN
        .iter()
        .find(|(_, authority, sub_authorities)| {
            sid.authority() == u64::from(*authority)
                && sid.sub_authorities().eq(sub_authorities.iter().copied())
        })
        .map(|(alias, ..)| *alias)
}

/// The letters of single rights, in the order in which Windows writes them.
pub(super) const RIGHTS: [(&str, u32); 17] = [
    ("CC", 0x0000_0001),
    ("DC", 0x0000_0002),
    ("LC", 0x0000_0004),
    ("SW", 0x0000_0008),
    ("RP", 0x0000_0010),
    ("WP", 0x0000_0020),
    ("DT", 0x0000_0040),
    ("LO", 0x0000_0080),
    ("CR", 0x0000_0100),
    ("SD", 0x0001_0000),
    ("RC", 0x0002_0000),
    ("WD", 0x0004_0000),
    ("WO", 0x0008_0000),
    ("GA", 0x1000_0000),
    ("GX", 0x2000_0000),
    ("GW", 0x4000_0000),
    ("GR", 0x8000_0000),
];

/// The letters of sets of rights, which Windows writes where a mask is exactly the set. `KX` is the same as `KR`.
pub(super) const RIGHT_SETS: [(&str, u32); 8] = [
    ("FA", 0x001F_01FF),
    ("FR", 0x0012_0089),
    ("FW", 0x0012_0116),
    ("FX", 0x0012_00A0),
    ("KA", 0x000F_003F),
    ("KR", 0x0002_0019),
    ("KW", 0x0002_0006),
    ("KX", 0x0002_0019),
];

/// The letters of what an integrity label forbids.
pub(super) const LABEL_RIGHTS: [(&str, u32); 3] = [("NW", 0x1), ("NR", 0x2), ("NX", 0x4)];

/// The letters of entry flags, in the order in which Windows writes them. `TP` means bit 0x40 of access filters.
pub(super) const ACE_FLAGS: [(&str, AceFlags); 8] = [
    ("OI", AceFlags::OBJECT_INHERIT),
    ("CI", AceFlags::CONTAINER_INHERIT),
    ("NP", AceFlags::NO_PROPAGATE_INHERIT),
    ("IO", AceFlags::INHERIT_ONLY),
    ("ID", AceFlags::INHERITED),
    ("CR", AceFlags::CRITICAL),
    ("SA", AceFlags::SUCCESSFUL_ACCESS),
    ("FA", AceFlags::FAILED_ACCESS),
];

/// The flag letters of access filters for [`AceFlags::SUCCESSFUL_ACCESS`].
pub(super) const TRUST_PROTECTED: &str = "TP";

/// One of the two lists of a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    Dacl,
    Sacl,
}

impl List {
    pub(super) fn name(self) -> &'static str {
        match self {
            List::Dacl => "DACL",
            List::Sacl => "SACL",
        }
    }
}

/// What follows the SID of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    Nothing,
    Condition,
    OptionalCondition,
    Claim,
}

/// An entry type that SDDL can say.
#[derive(Debug)]
pub(super) struct TypeName {
    pub(super) letters: &'static str,
    pub(super) ace_type: AceType,
    pub(super) list: List,
    pub(super) tail: Tail,
}

const fn type_name(letters: &'static str, ace_type: AceType, list: List, tail: Tail) -> TypeName {
    TypeName {
        letters,
        ace_type,
        list,
        tail,
    }
}

/// All entry types that SDDL can say, and the list each belongs to.
pub(super) static TYPES: [TypeName; 17] = [
    type_name("A", AceType::ACCESS_ALLOWED, List::Dacl, Tail::Nothing),
    type_name("D", AceType::ACCESS_DENIED, List::Dacl, Tail::Nothing),
    type_name(
        "OA",
        AceType::ACCESS_ALLOWED_OBJECT,
        List::Dacl,
        Tail::Nothing,
    ),
    type_name(
        "OD",
        AceType::ACCESS_DENIED_OBJECT,
        List::Dacl,
        Tail::Nothing,
    ),
    type_name(
        "XA",
        AceType::ACCESS_ALLOWED_CALLBACK,
        List::Dacl,
        Tail::Condition,
    ),
    type_name(
        "XD",
        AceType::ACCESS_DENIED_CALLBACK,
        List::Dacl,
        Tail::Condition,
    ),
    type_name(
        "ZA",
        AceType::ACCESS_ALLOWED_CALLBACK_OBJECT,
        List::Dacl,
        Tail::Condition,
    ),
    type_name("AU", AceType::SYSTEM_AUDIT, List::Sacl, Tail::Nothing),
    type_name("AL", AceType::SYSTEM_ALARM, List::Sacl, Tail::Nothing),
    type_name(
        "OU",
        AceType::SYSTEM_AUDIT_OBJECT,
        List::Sacl,
        Tail::Nothing,
    ),
    type_name(
        "OL",
        AceType::SYSTEM_ALARM_OBJECT,
        List::Sacl,
        Tail::Nothing,
    ),
    type_name(
        "XU",
        AceType::SYSTEM_AUDIT_CALLBACK,
        List::Sacl,
        Tail::Condition,
    ),
    type_name(
        "ML",
        AceType::SYSTEM_MANDATORY_LABEL,
        List::Sacl,
        Tail::Nothing,
    ),
    type_name(
        "RA",
        AceType::SYSTEM_RESOURCE_ATTRIBUTE,
        List::Sacl,
        Tail::Claim,
    ),
    type_name(
        "SP",
        AceType::SYSTEM_SCOPED_POLICY_ID,
        List::Sacl,
        Tail::Nothing,
    ),
    type_name(
        "TL",
        AceType::SYSTEM_PROCESS_TRUST_LABEL,
        List::Sacl,
        Tail::Nothing,
    ),
    type_name(
        "FL",
        AceType::SYSTEM_ACCESS_FILTER,
        List::Sacl,
        Tail::OptionalCondition,
    ),
];
