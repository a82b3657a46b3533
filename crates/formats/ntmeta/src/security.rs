//! Self-relative security descriptors (MS-DTYP 2.4.6): checked views that never re-encode.
//!
//! [`SecurityDescriptor::parse`] walks everything once: each offset, each ACE, each SID. The views it hands out
//! afterwards borrow the same bytes, and the bytes stay what is stored. Slack between the parts and after them
//! is tolerated, as Windows does.

mod acl;
mod sid;
pub(crate) mod writer;

#[cfg(test)]
mod tests;

pub use acl::{Ace, AceBody, AceFlags, AceType, Aces, Acl, Guid, ObjectTypes};
pub use sid::{MAX_SUB_AUTHORITIES, Sid};

use bitflags::bitflags;

/// Revision, reserved byte, control, four offsets.
const HEADER_LEN: usize = 20;
/// The only revision there is.
const REVISION: u8 = 1;

bitflags! {
    /// The control bits of a security descriptor (MS-DTYP 2.4.6).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct Control: u16 {
        /// The owner was given by default.
        const OWNER_DEFAULTED = 0x0001;
        /// The group was given by default.
        const GROUP_DEFAULTED = 0x0002;
        /// There is a DACL, or an explicit NULL DACL.
        const DACL_PRESENT = 0x0004;
        /// The DACL was given by default.
        const DACL_DEFAULTED = 0x0008;
        /// There is a SACL, or an explicit NULL SACL.
        const SACL_PRESENT = 0x0010;
        /// The SACL was given by default.
        const SACL_DEFAULTED = 0x0020;
        /// The descriptor comes from a trusted source.
        const DACL_TRUSTED = 0x0040;
        /// Entries for the server are to be added.
        const SERVER_SECURITY = 0x0080;
        /// The DACL's inheritance is to be computed (`AR`).
        const DACL_AUTO_INHERIT_REQ = 0x0100;
        /// The SACL's inheritance is to be computed (`AR`).
        const SACL_AUTO_INHERIT_REQ = 0x0200;
        /// The DACL's inheritance has been computed (`AI`).
        const DACL_AUTO_INHERITED = 0x0400;
        /// The SACL's inheritance has been computed (`AI`).
        const SACL_AUTO_INHERITED = 0x0800;
        /// The DACL does not take inherited entries (`P`).
        const DACL_PROTECTED = 0x1000;
        /// The SACL does not take inherited entries (`P`).
        const SACL_PROTECTED = 0x2000;
        /// The reserved byte of the header belongs to the resource manager.
        const RM_CONTROL_VALID = 0x4000;
        /// The parts are found by offsets; always set here.
        const SELF_RELATIVE = 0x8000;
    }
}

/// An access control list as a descriptor names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AclField<'a> {
    /// The descriptor says nothing: for a DACL, everyone has access, until inheritance or defaults give it one.
    Absent,
    /// The descriptor says explicitly that there is none: for a DACL, everyone has access.
    Null,
    /// There is one. Without entries, a DACL grants nothing to anyone.
    Present(Acl<'a>),
}

/// A self-relative security descriptor whose parts have all been checked to lie within its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecurityDescriptor<'a> {
    bytes: &'a [u8],
    control: Control,
    owner: Option<Sid<'a>>,
    group: Option<Sid<'a>>,
    sacl: AclField<'a>,
    dacl: AclField<'a>,
}

/// Why bytes are not a security descriptor. Positions count from the start of what was parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecurityError {
    /// A part does not fit into the bytes there are.
    #[error("{part} at byte {at} needs {expected} bytes, {found} are left")]
    Truncated {
        /// Which structure.
        part: &'static str,
        /// Its start in bytes.
        at: usize,
        /// Bytes it needs, as far as known.
        expected: usize,
        /// Bytes that are left.
        found: usize,
    },
    /// A structure has a revision that is not known.
    #[error("{part} at byte {at} has revision {found}")]
    Revision {
        /// Which structure.
        part: &'static str,
        /// Its start in bytes.
        at: usize,
        /// The revision found.
        found: u8,
    },
    /// The descriptor is in absolute form, whose parts are pointers.
    #[error("security descriptor is not self-relative: control {control:#06x}")]
    NotSelfRelative {
        /// The control bits.
        control: u16,
    },
    /// An offset leads into the header or past the end.
    #[error(
        "{part} offset {offset} of the security descriptor is outside its {len} bytes, or in its header"
    )]
    Offset {
        /// Which part.
        part: &'static str,
        /// The offset found, in bytes.
        offset: u32,
        /// Length of the descriptor in bytes.
        len: usize,
    },
    /// A SID has more sub-authorities than there may be.
    #[error(
        "SID at byte {at} has {found} sub-authorities, at most {MAX_SUB_AUTHORITIES} are allowed"
    )]
    TooManySubAuthorities {
        /// The SID's start in bytes.
        at: usize,
        /// The count found.
        found: u8,
    },
    /// A structure's own size is smaller than its fixed part.
    #[error("{part} at byte {at} says it has {found} bytes, its fixed part needs {expected}")]
    Size {
        /// Which structure.
        part: &'static str,
        /// Its start in bytes.
        at: usize,
        /// Bytes of its fixed part.
        expected: usize,
        /// The size found.
        found: usize,
    },
}

impl<'a> SecurityDescriptor<'a> {
    /// Checks a whole descriptor.
    ///
    /// # Errors
    /// The first part that does not lie within the bytes or contradicts itself.
    pub fn parse(bytes: &'a [u8]) -> Result<SecurityDescriptor<'a>, SecurityError> {
        let Some(header) = bytes.first_chunk::<HEADER_LEN>() else {
            return Err(SecurityError::Truncated {
                part: "security descriptor",
                at: 0,
                expected: HEADER_LEN,
                found: bytes.len(),
            });
        };
        if header[0] != REVISION {
            return Err(SecurityError::Revision {
                part: "security descriptor",
                at: 0,
                found: header[0],
            });
        }
        let control = Control::from_bits_retain(u16::from_le_bytes([header[2], header[3]]));
        if !control.contains(Control::SELF_RELATIVE) {
            return Err(SecurityError::NotSelfRelative {
                control: control.bits(),
            });
        }
        let offset = |at: usize| {
            u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        Ok(SecurityDescriptor {
            bytes,
            control,
            owner: sid_at(bytes, "owner", offset(4))?,
            group: sid_at(bytes, "group", offset(8))?,
            sacl: acl_at(
                bytes,
                "SACL",
                offset(12),
                control.contains(Control::SACL_PRESENT),
            )?,
            dacl: acl_at(
                bytes,
                "DACL",
                offset(16),
                control.contains(Control::DACL_PRESENT),
            )?,
        })
    }

    /// Returns the bytes the descriptor was parsed from, slack included.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns the control bits.
    pub fn control(&self) -> Control {
        self.control
    }

    /// Returns the reserved byte of the header, which means something only with [`Control::RM_CONTROL_VALID`].
    pub fn rm_control(&self) -> u8 {
        // The header has been checked to be there.
        self.bytes.get(1).copied().unwrap_or(0)
    }

    /// Returns the owner.
    pub fn owner(&self) -> Option<Sid<'a>> {
        self.owner
    }

    /// Returns the primary group.
    pub fn group(&self) -> Option<Sid<'a>> {
        self.group
    }

    /// Returns the list of what is audited, with labels and resource attributes.
    pub fn sacl(&self) -> AclField<'a> {
        self.sacl
    }

    /// Returns the list of who may do what.
    pub fn dacl(&self) -> AclField<'a> {
        self.dacl
    }
}

/// The bytes from a part's offset on; `None` for offset 0.
fn part_at<'a>(
    bytes: &'a [u8],
    part: &'static str,
    offset: u32,
) -> Result<Option<(usize, &'a [u8])>, SecurityError> {
    if offset == 0 {
        return Ok(None);
    }
    usize::try_from(offset)
        .ok()
        .filter(|&at| at >= HEADER_LEN)
        .and_then(|at| bytes.get(at..).map(|rest| Some((at, rest))))
        .ok_or(SecurityError::Offset {
            part,
            offset,
            len: bytes.len(),
        })
}

fn sid_at<'a>(
    bytes: &'a [u8],
    part: &'static str,
    offset: u32,
) -> Result<Option<Sid<'a>>, SecurityError> {
    part_at(bytes, part, offset)?
        .map(|(at, rest)| Sid::parse_prefix(rest, at))
        .transpose()
}

fn acl_at<'a>(
    bytes: &'a [u8],
    part: &'static str,
    offset: u32,
    is_present: bool,
) -> Result<AclField<'a>, SecurityError> {
    // Without its control bit an ACL does not exist, whatever the offset says.
    if !is_present {
        return Ok(AclField::Absent);
    }
    match part_at(bytes, part, offset)? {
        None => Ok(AclField::Null),
        Some((at, rest)) => Acl::parse_prefix(rest, at).map(AclField::Present),
    }
}
