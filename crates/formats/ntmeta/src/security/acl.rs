//! Access control lists and their entries (MS-DTYP 2.4.4 and 2.4.5).

use std::fmt;

use bitflags::bitflags;

use super::{SecurityError, Sid};

/// Revision, size, count and two reserved fields.
pub(super) const ACL_HEADER_LEN: usize = 8;
/// Type, flags, size.
const ACE_HEADER_LEN: usize = 4;
/// Revisions that Windows accepts; 4 has entries for objects.
const REVISIONS: std::ops::RangeInclusive<u8> = 2..=4;

/// An access control list whose entries have all been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acl<'a> {
    revision: u8,
    count: u16,
    /// Everything after the header, slack included.
    entries: &'a [u8],
    /// Position of `entries` in what was parsed.
    at: usize,
}

impl<'a> Acl<'a> {
    /// Takes the ACL that the bytes begin with; `at` is their position, for errors.
    pub(super) fn parse_prefix(bytes: &'a [u8], at: usize) -> Result<Acl<'a>, SecurityError> {
        let truncated = |expected| SecurityError::Truncated {
            part: "ACL",
            at,
            expected,
            found: bytes.len(),
        };
        let [revision, _, s0, s1, c0, c1, ..] = *bytes
            .first_chunk::<ACL_HEADER_LEN>()
            .ok_or_else(|| truncated(ACL_HEADER_LEN))?;
        if !REVISIONS.contains(&revision) {
            return Err(SecurityError::Revision {
                part: "ACL",
                at,
                found: revision,
            });
        }
        let size = usize::from(u16::from_le_bytes([s0, s1]));
        let whole = bytes.get(..size).ok_or_else(|| truncated(size))?;
        let entries = whole.get(ACL_HEADER_LEN..).ok_or(SecurityError::Size {
            part: "ACL",
            at,
            expected: ACL_HEADER_LEN,
            found: size,
        })?;
        let acl = Acl {
            revision,
            count: u16::from_le_bytes([c0, c1]),
            entries,
            at: at + ACL_HEADER_LEN,
        };
        let mut rest = entries;
        for _ in 0..acl.count {
            let position = acl.at + entries.len() - rest.len();
            rest = Ace::parse_prefix(rest, position)?.1;
        }
        Ok(acl)
    }

    /// Returns the revision: 2, or 4 where entries for objects are.
    pub fn revision(&self) -> u8 {
        self.revision
    }

    /// Returns the entries in order.
    pub fn aces(&self) -> Aces<'a> {
        Aces {
            left: self.count,
            rest: self.entries,
            at: self.at,
        }
    }
}

/// The entries of an [`Acl`], in order.
#[derive(Debug, Clone)]
pub struct Aces<'a> {
    left: u16,
    rest: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Aces<'a> {
    type Item = Ace<'a>;

    fn next(&mut self) -> Option<Ace<'a>> {
        self.left = self.left.checked_sub(1)?;
        // All entries were checked when the list was parsed, so an error cannot come up here.
        let (ace, rest) = Ace::parse_prefix(self.rest, self.at).ok()?;
        self.at += self.rest.len() - rest.len();
        self.rest = rest;
        Some(ace)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.left), Some(usize::from(self.left)))
    }
}

/// The type of an entry. Types that are not known are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AceType(pub u8);

impl AceType {
    /// Grants rights.
    pub const ACCESS_ALLOWED: AceType = AceType(0x00);
    /// Denies rights.
    pub const ACCESS_DENIED: AceType = AceType(0x01);
    /// Audits attempts.
    pub const SYSTEM_AUDIT: AceType = AceType(0x02);
    /// Reserved for alarms.
    pub const SYSTEM_ALARM: AceType = AceType(0x03);
    /// Grants rights on an object, a property or to create a kind of object.
    pub const ACCESS_ALLOWED_OBJECT: AceType = AceType(0x05);
    /// Denies rights on an object, a property or to create a kind of object.
    pub const ACCESS_DENIED_OBJECT: AceType = AceType(0x06);
    /// Audits attempts on an object or a property.
    pub const SYSTEM_AUDIT_OBJECT: AceType = AceType(0x07);
    /// Reserved for alarms on objects.
    pub const SYSTEM_ALARM_OBJECT: AceType = AceType(0x08);
    /// Grants rights under a condition.
    pub const ACCESS_ALLOWED_CALLBACK: AceType = AceType(0x09);
    /// Denies rights under a condition.
    pub const ACCESS_DENIED_CALLBACK: AceType = AceType(0x0A);
    /// Grants rights on an object under a condition.
    pub const ACCESS_ALLOWED_CALLBACK_OBJECT: AceType = AceType(0x0B);
    /// Denies rights on an object under a condition.
    pub const ACCESS_DENIED_CALLBACK_OBJECT: AceType = AceType(0x0C);
    /// Audits attempts under a condition.
    pub const SYSTEM_AUDIT_CALLBACK: AceType = AceType(0x0D);
    /// Reserved for alarms under a condition.
    pub const SYSTEM_ALARM_CALLBACK: AceType = AceType(0x0E);
    /// Audits attempts on an object under a condition.
    pub const SYSTEM_AUDIT_CALLBACK_OBJECT: AceType = AceType(0x0F);
    /// Reserved for alarms on objects under a condition.
    pub const SYSTEM_ALARM_CALLBACK_OBJECT: AceType = AceType(0x10);
    /// The integrity level.
    pub const SYSTEM_MANDATORY_LABEL: AceType = AceType(0x11);
    /// A claim about the file itself.
    pub const SYSTEM_RESOURCE_ATTRIBUTE: AceType = AceType(0x12);
    /// The central access policy that applies.
    pub const SYSTEM_SCOPED_POLICY_ID: AceType = AceType(0x13);
    /// The protection level that a process needs.
    pub const SYSTEM_PROCESS_TRUST_LABEL: AceType = AceType(0x14);
    /// Limits access by a condition.
    pub const SYSTEM_ACCESS_FILTER: AceType = AceType(0x15);

    /// Whether entries of this type have a mask and a SID, and whether they have object types between them.
    fn layout(self) -> Layout {
        match self.0 {
            0x05..=0x08 | 0x0B | 0x0C | 0x0F | 0x10 => Layout::Object,
            0x00..=0x03 | 0x09 | 0x0A | 0x0D | 0x0E | 0x11..=0x15 => Layout::Plain,
            // Compound entries (4) were never used; what comes after 0x15 is not public.
            _ => Layout::Unknown,
        }
    }

    /// Says whether entries of this type may name object types; they make their list revision 4.
    pub fn is_object(self) -> bool {
        self.layout() == Layout::Object
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Plain,
    Object,
    Unknown,
}

bitflags! {
    /// The flags of an entry (MS-DTYP 2.4.4.1). Bits without a name are kept.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct AceFlags: u8 {
        /// Files inherit the entry (`OI`).
        const OBJECT_INHERIT = 0x01;
        /// Directories inherit the entry (`CI`).
        const CONTAINER_INHERIT = 0x02;
        /// Inheritors do not pass it on (`NP`).
        const NO_PROPAGATE_INHERIT = 0x04;
        /// The entry does not apply here, only below (`IO`).
        const INHERIT_ONLY = 0x08;
        /// The entry was inherited (`ID`).
        const INHERITED = 0x10;
        /// The entry must not be removed (`CR`).
        const CRITICAL = 0x20;
        /// Successes are audited (`SA`); on an access filter, "trust protected" (`TP`).
        const SUCCESSFUL_ACCESS = 0x40;
        /// Failures are audited (`FA`).
        const FAILED_ACCESS = 0x80;
    }
}

/// A GUID in its on-disk order, in which the first three groups are little-endian.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guid(pub [u8; 16]);

/// Writes `bf967aba-0de6-11d0-a285-00aa003049e2`.
impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g, h, i, rest @ ..] = self.0;
        let first = u32::from_le_bytes([a, b, c, d]);
        let second = u16::from_le_bytes([e, g]);
        let third = u16::from_le_bytes([h, i]);
        write!(f, "{first:08x}-{second:04x}-{third:04x}-")?;
        for (index, byte) in rest.iter().enumerate() {
            if index == 2 {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guid({self})")
    }
}

/// One entry of an access control list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ace<'a> {
    /// The type, which decides what the entry does.
    pub ace_type: AceType,
    /// Inheritance and auditing.
    pub flags: AceFlags,
    /// What the type is known to hold; `None` for types whose layout is not known.
    pub body: Option<AceBody<'a>>,
    /// The whole entry, header included.
    pub raw: &'a [u8],
}

/// The parts of an entry after its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AceBody<'a> {
    /// The rights (for labels: what is forbidden).
    pub mask: u32,
    /// The object types; only entries whose type says so have them.
    pub object: Option<ObjectTypes>,
    /// Whom the entry is about.
    pub sid: Sid<'a>,
    /// What follows the SID: a condition, a claim, padding. Empty for most entries.
    pub application_data: &'a [u8],
}

/// The object types of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectTypes {
    /// Which of the two GUIDs are there: 1 and 2.
    pub flags: u32,
    /// The object, property or extended right the entry is about.
    pub object_type: Option<Guid>,
    /// The kind of object that inherits the entry.
    pub inherited_object_type: Option<Guid>,
}

impl<'a> Ace<'a> {
    /// Takes the entry that the bytes begin with, and returns what follows it; `at` is their position, for errors.
    fn parse_prefix(bytes: &'a [u8], at: usize) -> Result<(Ace<'a>, &'a [u8]), SecurityError> {
        let truncated = |expected| SecurityError::Truncated {
            part: "ACE",
            at,
            expected,
            found: bytes.len(),
        };
        let [ace_type, flags, s0, s1] = *bytes
            .first_chunk::<ACE_HEADER_LEN>()
            .ok_or_else(|| truncated(ACE_HEADER_LEN))?;
        let ace_type = AceType(ace_type);
        let size = usize::from(u16::from_le_bytes([s0, s1]));
        let (raw, rest) = bytes
            .split_at_checked(size)
            .ok_or_else(|| truncated(size))?;
        let body = raw.get(ACE_HEADER_LEN..).ok_or(SecurityError::Size {
            part: "ACE",
            at,
            expected: ACE_HEADER_LEN,
            found: size,
        })?;
        let ace = Ace {
            ace_type,
            flags: AceFlags::from_bits_retain(flags),
            body: AceBody::parse(body, ace_type.layout(), at + ACE_HEADER_LEN)?,
            raw,
        };
        Ok((ace, rest))
    }
}

impl<'a> AceBody<'a> {
    fn parse(
        body: &'a [u8],
        layout: Layout,
        at: usize,
    ) -> Result<Option<AceBody<'a>>, SecurityError> {
        let mut fields = Fields { body, used: 0, at };
        let (mask, object) = match layout {
            Layout::Unknown => return Ok(None),
            Layout::Plain => (u32::from_le_bytes(fields.take()?), None),
            Layout::Object => {
                let mask = u32::from_le_bytes(fields.take()?);
                let flags = u32::from_le_bytes(fields.take()?);
                let mut guid = |bit: u32| -> Result<Option<Guid>, SecurityError> {
                    if flags & bit == 0 {
                        return Ok(None);
                    }
                    Ok(Some(Guid(fields.take()?)))
                };
                let object_type = guid(1)?;
                let inherited_object_type = guid(2)?;
                (
                    mask,
                    Some(ObjectTypes {
                        flags,
                        object_type,
                        inherited_object_type,
                    }),
                )
            }
        };
        let rest = fields.rest();
        let sid = Sid::parse_prefix(rest, at + fields.used)?;
        let application_data = rest.get(sid.as_bytes().len()..).unwrap_or_default();
        Ok(Some(AceBody {
            mask,
            object,
            sid,
            application_data,
        }))
    }
}

/// Fixed-size fields taken from an entry one after the other.
struct Fields<'a> {
    body: &'a [u8],
    used: usize,
    at: usize,
}

impl<'a> Fields<'a> {
    fn rest(&self) -> &'a [u8] {
        self.body.get(self.used..).unwrap_or_default()
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], SecurityError> {
        let field = self
            .rest()
            .first_chunk::<N>()
            .ok_or(SecurityError::Truncated {
                part: "ACE",
                at: self.at,
                expected: self.used + N,
                found: self.body.len(),
            })?;
        self.used += N;
        Ok(*field)
    }
}
