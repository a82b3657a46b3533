//! What a child gets from one entry of its parent.

use crate::security::{Ace, AceBody, AceFlags, AceType, Sid};

/// All rights to a file or folder (MS-DTYP 2.4.3, winnt.h).
pub(super) const FILE_ALL_ACCESS: u32 = 0x001F_01FF;

/// Each generic right, and what it means for a file (winnt.h FILE_GENERIC_READ and so on).
const GENERIC_RIGHTS: [(u32, u32); 4] = [
    (0x1000_0000, FILE_ALL_ACCESS),
    (0x2000_0000, 0x0012_00A0),
    (0x4000_0000, 0x0012_0116),
    (0x8000_0000, 0x0012_0089),
];
const ANY_GENERIC_RIGHT: u32 = 0xF000_0000;

/// The flags that say how an entry is inherited, and that it was.
const INHERITANCE: AceFlags = AceFlags::OBJECT_INHERIT
    .union(AceFlags::CONTAINER_INHERIT)
    .union(AceFlags::NO_PROPAGATE_INHERIT)
    .union(AceFlags::INHERIT_ONLY)
    .union(AceFlags::INHERITED);
/// The flags by which an entry reaches children.
const REACHES_CHILDREN: AceFlags = AceFlags::OBJECT_INHERIT.union(AceFlags::CONTAINER_INHERIT);

/// The file or folder that is made.
#[derive(Debug)]
pub(super) struct Child<'a> {
    /// Whether it is a folder.
    pub(super) is_directory: bool,
    /// Who takes the place of CREATOR OWNER.
    pub(super) owner: Sid<'a>,
    /// Who takes the place of CREATOR GROUP.
    pub(super) group: Sid<'a>,
}

impl Child<'_> {
    /// Adds what the child gets from an entry of its parent: nothing, one entry, or an effective one and one to pass on.
    ///
    /// `mark` is set on each, or is empty.
    pub(super) fn inherit_entry(&self, ace: &Ace<'_>, mark: AceFlags, entries: &mut Vec<Vec<u8>>) {
        // Files have no class, so an entry for children of one class never takes effect on them.
        let has_class = ace
            .body
            .and_then(|body| body.object)
            .is_some_and(|object| object.inherited_object_type.is_some());
        let reach = if self.is_directory {
            AceFlags::CONTAINER_INHERIT
        } else {
            AceFlags::OBJECT_INHERIT
        };
        let takes_effect = ace.flags.contains(reach) && !has_class;
        let is_passed_on = self.is_directory
            && ace.flags.intersects(REACHES_CHILDREN)
            && !ace.flags.contains(AceFlags::NO_PROPAGATE_INHERIT);
        let own = ace.flags.difference(INHERITANCE) | mark;
        let inheritable = own | (ace.flags & REACHES_CHILDREN);

        let generic = ace.body.filter(|body| is_generic(ace.ace_type, body));
        if takes_effect {
            let Some(body) = generic else {
                let flags = if is_passed_on { inheritable } else { own };
                return entries.push(with_flags(ace, flags));
            };
            let effective = self.effective(ace, &body, own);
            // Of what an entry before it does already, Windows makes no second entry.
            if !entries
                .iter()
                .any(|entry| has_same_effect(entry, &effective))
            {
                entries.push(effective);
            }
        }
        // Placeholders and generic rights stay what they are until they reach the next child.
        if is_passed_on {
            entries.push(with_flags(ace, inheritable | AceFlags::INHERIT_ONLY));
        }
    }

    /// The entry with files' rights in place of generic ones, and the creator in place of a placeholder.
    fn effective(&self, ace: &Ace<'_>, body: &AceBody<'_>, flags: AceFlags) -> Vec<u8> {
        let mask = GENERIC_RIGHTS
            .iter()
            .filter(|(generic, _)| body.mask & generic != 0)
            .fold(body.mask & !ANY_GENERIC_RIGHT, |mask, (_, rights)| {
                mask | rights
            });
        let sid = match body.sid {
            Sid::CREATOR_OWNER => self.owner,
            Sid::CREATOR_GROUP => self.group,
            other => other,
        };
        let tail_len = body.sid.as_bytes().len() + body.application_data.len();
        // Between the mask and the SID are the object types, if there are any.
        let object = ace
            .raw
            .get(8..ace.raw.len().saturating_sub(tail_len))
            .unwrap_or_default();
        entry(
            ace.ace_type,
            flags,
            &[
                &mask.to_le_bytes(),
                object,
                sid.as_bytes(),
                body.application_data,
            ],
        )
    }
}

/// Returns an entry that grants rights and is not inherited any further.
pub(super) fn allow(mask: u32, sid: Sid<'_>) -> Vec<u8> {
    entry(
        AceType::ACCESS_ALLOWED,
        AceFlags::empty(),
        &[&mask.to_le_bytes(), sid.as_bytes()],
    )
}

/// Whether the entry means something only once there is a child: a placeholder, or rights in generic form.
fn is_generic(ace_type: AceType, body: &AceBody<'_>) -> bool {
    // Labels, claims and policies have no rights. Of trust labels and access filters it is not published what
    // becomes of generic rights, so these stay as they are.
    ace_type.0 <= AceType::SYSTEM_ALARM_CALLBACK_OBJECT.0
        && (body.mask & ANY_GENERIC_RIGHT != 0
            || body.sid == Sid::CREATOR_OWNER
            || body.sid == Sid::CREATOR_GROUP)
}

/// Whether two entries do the same to the file itself, whatever they do to its children.
fn has_same_effect(entry: &[u8], effective: &[u8]) -> bool {
    let ([entry_type, entry_flags, entry_rest @ ..], [ace_type, flags, rest @ ..]) =
        (entry, effective)
    else {
        return false;
    };
    let differing = AceFlags::from_bits_retain(entry_flags ^ flags);
    entry_type == ace_type
        && entry_rest == rest
        && differing.difference(REACHES_CHILDREN).is_empty()
}

fn with_flags(ace: &Ace<'_>, flags: AceFlags) -> Vec<u8> {
    entry(ace.ace_type, flags, &[ace.raw.get(4..).unwrap_or_default()])
}

fn entry(ace_type: AceType, flags: AceFlags, body: &[&[u8]]) -> Vec<u8> {
    let len = 4 + body.iter().map(|part| part.len()).sum::<usize>();
    let mut bytes = Vec::with_capacity(len);
    bytes.extend([ace_type.0, flags.bits()]);
    // A longer entry makes its list too long, and that is refused.
    bytes.extend(u16::try_from(len).unwrap_or(u16::MAX).to_le_bytes());
    for part in body {
        bytes.extend(*part);
    }
    bytes
}
