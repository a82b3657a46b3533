//! Descriptors to SDDL text.

use super::SddlError;
use super::names::{
    ACE_FLAGS, LABEL_RIGHTS, List, RIGHT_SETS, RIGHTS, TRUST_PROTECTED, TYPES, Tail, alias_of,
};
use super::parse::Parser;
use super::{claim, condition};
use crate::security::{
    Ace, AceBody, AceFlags, AceType, AclField, Control, Guid, SecurityDescriptor, Sid,
};

/// Writes a whole descriptor.
pub(super) fn descriptor(sd: &SecurityDescriptor<'_>) -> Result<String, SddlError> {
    let mut text = String::new();
    for (section, sid) in [("O:", sd.owner()), ("G:", sd.group())] {
        if let Some(sid) = sid {
            text.push_str(section);
            text.push_str(&sid_text(sid)?);
        }
    }
    for (list, acl) in [(List::Dacl, sd.dacl()), (List::Sacl, sd.sacl())] {
        let (section, protected, required, inherited) = match list {
            List::Dacl => (
                "D:",
                Control::DACL_PROTECTED,
                Control::DACL_AUTO_INHERIT_REQ,
                Control::DACL_AUTO_INHERITED,
            ),
            List::Sacl => (
                "S:",
                Control::SACL_PROTECTED,
                Control::SACL_AUTO_INHERIT_REQ,
                Control::SACL_AUTO_INHERITED,
            ),
        };
        if acl == AclField::Absent {
            continue;
        }
        text.push_str(section);
        for (flag, letters) in [(protected, "P"), (required, "AR"), (inherited, "AI")] {
            if sd.control().contains(flag) {
                text.push_str(letters);
            }
        }
        match acl {
            AclField::Absent | AclField::Null => text.push_str("NO_ACCESS_CONTROL"),
            AclField::Present(acl) => {
                for ace in acl.aces() {
                    text.push_str(&checked_ace(&ace, list)?);
                }
            }
        }
    }
    Ok(text)
}

/// Writes a SID as its alias, or in numbers.
pub(super) fn sid_text(sid: Sid<'_>) -> Result<String, SddlError> {
    if sid.sub_authorities().len() == 0 {
        return Err(unsupported(format!("{sid}, a SID without sub-authorities")));
    }
    Ok(match alias_of(sid) {
        Some(alias) => alias.to_owned(),
        None => sid.to_string(),
    })
}

pub(super) fn unsupported(what: impl Into<String>) -> SddlError {
    SddlError::Unsupported { what: what.into() }
}

/// Writes an entry, and reads it back: only if that gives the same entry, nothing has been lost.
fn checked_ace(ace: &Ace<'_>, list: List) -> Result<String, SddlError> {
    let lossy = || {
        unsupported(format!(
            "all of an entry of type {:#04x} in the {}",
            ace.ace_type.0,
            list.name()
        ))
    };
    let text = ace_text(ace, list)?;
    let again = Parser::new(&text, None).ace(list).map_err(|_| lossy())?;
    let is_same = match &ace.body {
        // A claim's parts may lie in any order; the claim is compared, not its bytes.
        Some(body) if ace.ace_type == AceType::SYSTEM_RESOURCE_ATTRIBUTE => {
            claim::is_same_entry(ace.raw, &again, body.application_data.len())
        }
        _ => again == ace.raw,
    };
    if is_same { Ok(text) } else { Err(lossy()) }
}

fn ace_text(ace: &Ace<'_>, list: List) -> Result<String, SddlError> {
    let kind = TYPES
        .iter()
        .find(|kind| kind.ace_type == ace.ace_type && kind.list == list);
    let (Some(kind), Some(body)) = (kind, &ace.body) else {
        return Err(unsupported(format!(
            "an entry of type {:#04x} in the {}",
            ace.ace_type.0,
            list.name()
        )));
    };
    let AceBody {
        mask,
        object,
        sid,
        application_data,
    } = *body;
    let guid_text = |guid: Option<Guid>| guid.map(|guid| guid.to_string()).unwrap_or_default();
    let mut text = format!(
        "({};{};{};{};{};{}",
        kind.letters,
        flags_text(ace.flags, ace.ace_type),
        mask_text(mask, ace.ace_type),
        guid_text(object.and_then(|object| object.object_type)),
        guid_text(object.and_then(|object| object.inherited_object_type)),
        sid_text(sid)?,
    );
    let tail = match kind.tail {
        Tail::Nothing => None,
        Tail::OptionalCondition if application_data.is_empty() => None,
        Tail::Condition | Tail::OptionalCondition => Some(condition::text(application_data)?),
        Tail::Claim => Some(claim::text(application_data)?),
    };
    if let Some(tail) = tail {
        text.push(';');
        text.push_str(&tail);
    }
    text.push(')');
    Ok(text)
}

fn flags_text(flags: AceFlags, ace_type: AceType) -> String {
    ACE_FLAGS
        .iter()
        .filter(|(_, flag)| flags.contains(*flag))
        .map(|&(letters, flag)| match (ace_type, flag) {
            (AceType::SYSTEM_ACCESS_FILTER, AceFlags::SUCCESSFUL_ACCESS) => TRUST_PROTECTED,
            _ => letters,
        })
        .collect()
}

fn mask_text(mask: u32, ace_type: AceType) -> String {
    let singles: &[(&str, u32)] = match ace_type {
        AceType::SYSTEM_MANDATORY_LABEL => &LABEL_RIGHTS,
        _ => {
            if let Some((letters, _)) = RIGHT_SETS.iter().find(|(_, set)| *set == mask) {
                return (*letters).to_owned();
            }
            &RIGHTS
        }
    };
    let sayable = singles.iter().fold(0, |all, (_, right)| all | right);
    if mask & !sayable != 0 {
        return format!("{mask:#x}");
    }
    singles
        .iter()
        .filter(|(_, right)| mask & right != 0)
        .map(|(letters, _)| *letters)
        .collect()
}
