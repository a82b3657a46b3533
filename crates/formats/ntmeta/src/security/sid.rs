//! Security identifiers (MS-DTYP 2.4.2).

use std::fmt;

use super::SecurityError;

/// Most sub-authorities a SID can have.
pub const MAX_SUB_AUTHORITIES: usize = 15;

/// Revision, count, 48 bits of authority.
const FIXED_LEN: usize = 8;
const REVISION: u8 = 1;

/// A security identifier: exactly the bytes of one, checked.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sid<'a>(&'a [u8]);

impl Sid<'static> {
    /// `S-1-3-0`: in an inheritable entry, whoever will own the file that inherits it (MS-DTYP 2.4.2.4).
    pub const CREATOR_OWNER: Sid<'static> = Sid(&[1, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0]);
    /// `S-1-3-1`: in an inheritable entry, the primary group of the file that inherits it (MS-DTYP 2.4.2.4).
    pub const CREATOR_GROUP: Sid<'static> = Sid(&[1, 1, 0, 0, 0, 0, 0, 3, 1, 0, 0, 0]);
    /// `S-1-5-18`: the operating system (MS-DTYP 2.4.2.4).
    pub const LOCAL_SYSTEM: Sid<'static> = Sid(&[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]);
    /// `S-1-5-32-544`: the group of administrators (MS-DTYP 2.4.2.4).
    pub const ADMINISTRATORS: Sid<'static> =
        Sid(&[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0]);
}

impl<'a> Sid<'a> {
    /// Checks bytes that are one SID and nothing else.
    ///
    /// # Errors
    /// Unknown revisions, more than 15 sub-authorities, bytes missing or left over.
    pub fn parse(bytes: &'a [u8]) -> Result<Sid<'a>, SecurityError> {
        let sid = Sid::parse_prefix(bytes, 0)?;
        if sid.0.len() != bytes.len() {
            return Err(SecurityError::Size {
                part: "SID",
                at: 0,
                expected: bytes.len(),
                found: sid.0.len(),
            });
        }
        Ok(sid)
    }

    /// Takes the SID that the bytes begin with; `at` is their position, for errors.
    pub(super) fn parse_prefix(bytes: &'a [u8], at: usize) -> Result<Sid<'a>, SecurityError> {
        let truncated = |expected| SecurityError::Truncated {
            part: "SID",
            at,
            expected,
            found: bytes.len(),
        };
        let [revision, count, ..] = *bytes
            .first_chunk::<FIXED_LEN>()
            .ok_or_else(|| truncated(FIXED_LEN))?;
        if revision != REVISION {
            return Err(SecurityError::Revision {
                part: "SID",
                at,
                found: revision,
            });
        }
        if usize::from(count) > MAX_SUB_AUTHORITIES {
            return Err(SecurityError::TooManySubAuthorities { at, found: count });
        }
        let len = FIXED_LEN + usize::from(count) * 4;
        bytes.get(..len).map(Sid).ok_or_else(|| truncated(len))
    }

    /// Returns the SID's bytes.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Returns the identifier authority, a 48-bit number.
    pub fn authority(&self) -> u64 {
        self.0
            .iter()
            .take(FIXED_LEN)
            .skip(2)
            .fold(0, |value, &byte| value << 8 | u64::from(byte))
    }

    /// Returns the sub-authorities, the last of which is the relative identifier.
    pub fn sub_authorities(&self) -> impl ExactSizeIterator<Item = u32> + 'a {
        self.0
            .get(FIXED_LEN..)
            .unwrap_or_default()
            .chunks_exact(4)
            .map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }
}

/// Writes `S-1-5-32-544`; authorities from 2^32 on are written in hexadecimal, as Windows does.
impl fmt::Display for Sid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.authority() {
            small if small <= u64::from(u32::MAX) => write!(f, "S-1-{small}")?,
            large => write!(f, "S-1-{large:#X}")?,
        }
        for sub_authority in self.sub_authorities() {
            write!(f, "-{sub_authority}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Sid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sid({self})")
    }
}
