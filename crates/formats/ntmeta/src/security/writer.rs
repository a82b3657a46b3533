//! Access control lists and self-relative descriptors from their parts, laid out as Windows does.

use super::acl::ACL_HEADER_LEN;
use super::{AceType, Control, HEADER_LEN, REVISION};

/// Most bytes of an ACL, and of an ACE: both have 16-bit sizes.
pub(crate) const MAX_ACL_LEN: usize = u16::MAX as usize;

/// The parts of a descriptor as bytes; `None` leaves the part's offset 0.
#[derive(Debug, Default)]
pub(crate) struct Parts<'a> {
    /// The owner's SID.
    pub(crate) owner: Option<&'a [u8]>,
    /// The primary group's SID.
    pub(crate) group: Option<&'a [u8]>,
    /// A whole SACL.
    pub(crate) sacl: Option<&'a [u8]>,
    /// A whole DACL.
    pub(crate) dacl: Option<&'a [u8]>,
}

/// Returns a list of whole entries: revision 4 if one of them is for objects, else 2.
///
/// # Errors
/// The list's length in bytes, where that is more than [`MAX_ACL_LEN`].
pub(crate) fn acl(aces: &[Vec<u8>]) -> Result<Vec<u8>, usize> {
    let len = ACL_HEADER_LEN + aces.iter().map(Vec::len).sum::<usize>();
    let size = u16::try_from(len).map_err(|_| len)?;
    let has_objects = aces
        .iter()
        .filter_map(|ace| ace.first())
        .any(|&code| AceType(code).is_object());
    let mut bytes = Vec::with_capacity(len);
    bytes.extend([if has_objects { 4 } else { 2 }, 0]);
    bytes.extend(size.to_le_bytes());
    // An ACE has at least 4 bytes, so the size limit also bounds the count.
    bytes.extend((aces.len() as u16).to_le_bytes());
    bytes.extend([0, 0]);
    for ace in aces {
        bytes.extend(ace);
    }
    Ok(bytes)
}

/// Returns a descriptor without slack: header, SACL, DACL, owner, group.
pub(crate) fn descriptor(control: Control, parts: &Parts<'_>) -> Vec<u8> {
    let mut body: Vec<u8> = Vec::new();
    let [sacl_at, dacl_at, owner_at, group_at] = [parts.sacl, parts.dacl, parts.owner, parts.group]
        .map(|part| {
            let Some(part) = part else { return 0 };
            let at = HEADER_LEN + body.len();
            body.extend(part);
            // Two lists of 64 KiB and two SIDs are far below 2^32 bytes.
            at as u32
        });
    let mut bytes = vec![REVISION, 0];
    bytes.extend((control | Control::SELF_RELATIVE).bits().to_le_bytes());
    for offset in [owner_at, group_at, sacl_at, dacl_at] {
        bytes.extend(offset.to_le_bytes());
    }
    bytes.extend(body);
    bytes
}
