//! SDDL text to self-relative bytes.
//!
//! Spaces are allowed where Windows' parser allows them: before values, between letters of a field, around
//! sections, but not after numbers or rights. Names are accepted in any case, section letters are not.

use super::SddlError;
use super::fields::{ace_flags, guid, numeric_sid, rights_mask, sid_bytes, type_of};
use super::names::{Alias, List, Tail, TypeName, alias};
use crate::security::writer::{self, MAX_ACL_LEN};
use crate::security::{Control, MAX_SUB_AUTHORITIES, Sid};

/// ACEs are padded to this many bytes.
const ALIGNMENT: usize = 4;

/// A list that the text gives: its control bits, and its bytes unless it is NULL.
struct ListText {
    control: Control,
    acl: Option<Vec<u8>>,
}

/// Parses a whole descriptor.
pub(super) fn descriptor(text: &str, domain: Option<Sid<'_>>) -> Result<Vec<u8>, SddlError> {
    let mut parser = Parser::new(text, domain);
    let (mut owner, mut group, mut dacl, mut sacl) = (None, None, None, None);
    loop {
        parser.skip_spaces();
        let at = parser.at;
        let rest = parser.rest();
        if rest.is_empty() {
            break;
        }
        let Some((section, _)) = rest.split_once(':').filter(|(name, _)| name.len() == 1) else {
            return Err(parser.expected("one of `O:`, `G:`, `D:` and `S:`"));
        };
        parser.at += 2;
        let is_duplicate = match section {
            "O" => owner.replace(parser.section_sid()?).is_some(),
            "G" => group.replace(parser.section_sid()?).is_some(),
            "D" => dacl.replace(parser.list(List::Dacl)?).is_some(),
            "S" => sacl.replace(parser.list(List::Sacl)?).is_some(),
            _ => {
                parser.at = at;
                return Err(parser.expected("one of `O:`, `G:`, `D:` and `S:`"));
            }
        };
        if is_duplicate {
            let section = section.chars().next().unwrap_or_default();
            return Err(SddlError::DuplicateSection { at, section });
        }
    }
    let mut control = Control::SELF_RELATIVE;
    let [sacl, dacl] = [sacl, dacl].map(|list| {
        list.and_then(|list| {
            control |= list.control;
            list.acl
        })
    });
    let parts = writer::Parts {
        owner: owner.as_deref(),
        group: group.as_deref(),
        sacl: sacl.as_deref(),
        dacl: dacl.as_deref(),
    };
    Ok(writer::descriptor(control, &parts))
}

/// A place in SDDL text.
pub(super) struct Parser<'t, 'd> {
    text: &'t str,
    pub(super) at: usize,
    domain: Option<Sid<'d>>,
}

impl<'t, 'd> Parser<'t, 'd> {
    pub(super) fn new(text: &'t str, domain: Option<Sid<'d>>) -> Parser<'t, 'd> {
        Parser {
            text,
            at: 0,
            domain,
        }
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn expected(&self, expected: &'static str) -> SddlError {
        SddlError::Syntax {
            at: self.at,
            expected,
        }
    }

    pub(super) fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(' ').len();
    }

    /// Takes the given text if it is what comes next.
    pub(super) fn take(&mut self, literal: &str) -> bool {
        let found = self.rest().starts_with(literal);
        if found {
            self.at += literal.len();
        }
        found
    }

    /// Takes everything up to the first of the given characters, or to the end; returns it with its place.
    pub(super) fn take_until(&mut self, stops: &[char]) -> (usize, &'t str) {
        let at = self.at;
        let rest = self.rest();
        let taken = &rest[..rest.find(stops).unwrap_or(rest.len())];
        self.at += taken.len();
        (at, taken)
    }

    /// How much of the rest belongs to this section, if no parentheses come first.
    fn section_rest(&self) -> &'t str {
        let rest = self.rest();
        match rest.find(':') {
            // The character before the colon names the next section.
            Some(colon) => rest.get(..colon.saturating_sub(1)).unwrap_or(rest),
            None => rest,
        }
    }

    fn section_sid(&mut self) -> Result<Vec<u8>, SddlError> {
        let value = self.section_rest();
        let sid = self.sid(self.at, value.trim_end_matches(' '))?;
        self.at += value.len();
        Ok(sid)
    }

    fn list(&mut self, list: List) -> Result<ListText, SddlError> {
        let flags_end = self.rest().find('(').unwrap_or(usize::MAX);
        let flags = self.section_rest();
        let flags = flags.get(..flags_end).unwrap_or(flags);
        let (mut control, is_null) = self.list_flags(list, flags)?;
        control |= match list {
            List::Dacl => Control::DACL_PRESENT,
            List::Sacl => Control::SACL_PRESENT,
        };
        let mut aces = Vec::new();
        loop {
            self.skip_spaces();
            if !self.rest().starts_with('(') {
                break;
            }
            if is_null {
                return Err(self.expected("no entries after NO_ACCESS_CONTROL"));
            }
            aces.push(self.ace(list)?);
        }
        if is_null {
            return Ok(ListText { control, acl: None });
        }
        let acl = writer::acl(&aces).map_err(|found| SddlError::TooLarge {
            what: list.name(),
            found,
            limit: MAX_ACL_LEN,
        })?;
        Ok(ListText {
            control,
            acl: Some(acl),
        })
    }

    /// Reads the flags of a list, and whether it is NULL.
    fn list_flags(&mut self, list: List, flags: &str) -> Result<(Control, bool), SddlError> {
        let (protected, required, inherited) = match list {
            List::Dacl => (
                Control::DACL_PROTECTED,
                Control::DACL_AUTO_INHERIT_REQ,
                Control::DACL_AUTO_INHERITED,
            ),
            List::Sacl => (
                Control::SACL_PROTECTED,
                Control::SACL_AUTO_INHERIT_REQ,
                Control::SACL_AUTO_INHERITED,
            ),
        };
        let end = self.at + flags.len();
        let mut control = Control::empty();
        let mut is_null = false;
        loop {
            self.skip_spaces();
            if self.at >= end {
                return Ok((control, is_null));
            }
            if self.take("P") {
                control |= protected;
            } else if self.take("AR") {
                control |= required;
            } else if self.take("AI") {
                control |= inherited;
            } else if self.take("NO_ACCESS_CONTROL") {
                is_null = true;
            } else {
                return Err(self.expected(
                    "`P`, `AR`, `AI`, `NO_ACCESS_CONTROL`, an entry or the next section",
                ));
            }
        }
    }

    /// Reads one entry in parentheses and returns its bytes.
    pub(super) fn ace(&mut self, list: List) -> Result<Vec<u8>, SddlError> {
        if !self.take("(") {
            return Err(self.expected("`(`"));
        }
        let (at, letters) = self.field()?;
        let kind = type_of(at, letters)?;
        if kind.list != list {
            return Err(SddlError::WrongList {
                at,
                ace_type: kind.letters,
                list: list.name(),
            });
        }
        let (at, flags) = self.field()?;
        let flags = ace_flags(at, flags, kind.ace_type)?;
        let (at, rights) = self.field()?;
        let mask = rights_mask(at, rights)?;
        let object_type = self.guid_field(kind)?;
        let inherited_object_type = self.guid_field(kind)?;
        let (at, sid) = self.take_until(&[';', ')']);
        let sid = self.sid(at, sid)?;

        let mut body = mask.to_le_bytes().to_vec();
        if kind.ace_type.is_object() {
            let present =
                u32::from(object_type.is_some()) | u32::from(inherited_object_type.is_some()) << 1;
            body.extend(present.to_le_bytes());
            body.extend(object_type.into_iter().flatten());
            body.extend(inherited_object_type.into_iter().flatten());
        }
        body.extend(sid);
        let has_tail = match kind.tail {
            Tail::Nothing => false,
            Tail::OptionalCondition => self.take(";"),
            Tail::Condition | Tail::Claim => {
                if !self.take(";") {
                    return Err(self.expected("`;`"));
                }
                true
            }
        };
        if has_tail {
            body.extend(match kind.tail {
                Tail::Claim => self.claim()?,
                _ => self.condition()?,
            });
        }
        if !self.take(")") {
            return Err(self.expected("`)`"));
        }

        body.resize(body.len().next_multiple_of(ALIGNMENT), 0);
        let found = body.len() + 4;
        let size = u16::try_from(found).map_err(|_| SddlError::TooLarge {
            what: "ACE",
            found,
            limit: MAX_ACL_LEN,
        })?;
        let mut ace = vec![kind.ace_type.0, flags.bits()];
        ace.extend(size.to_le_bytes());
        ace.extend(body);
        Ok(ace)
    }

    /// Takes a field of an entry and the semicolon after it.
    fn field(&mut self) -> Result<(usize, &'t str), SddlError> {
        let field = self.take_until(&[';', '(', ')']);
        if !self.take(";") {
            return Err(self.expected("`;`"));
        }
        Ok(field)
    }

    fn guid_field(&mut self, kind: &TypeName) -> Result<Option<[u8; 16]>, SddlError> {
        let (at, text) = self.field()?;
        if text.trim_matches(' ').is_empty() {
            return Ok(None);
        }
        if !kind.ace_type.is_object() {
            return Err(SddlError::Syntax {
                at,
                expected: "no GUID: only entries for objects have one",
            });
        }
        guid(text).map(Some).ok_or(SddlError::Syntax {
            at,
            expected: "a GUID",
        })
    }

    /// Reads a SID, as an alias or in numbers; the text is one whole field.
    pub(super) fn sid(&self, at: usize, field: &str) -> Result<Vec<u8>, SddlError> {
        let text = field.trim_start_matches(' ');
        let at = at + field.len() - text.len();
        if let Some(numbers) = text.strip_prefix("S-").or_else(|| text.strip_prefix("s-")) {
            return numeric_sid(at, numbers);
        }
        let letters = text.trim_end_matches(' ');
        match alias(letters) {
            None => Err(SddlError::UnknownName {
                at,
                kind: "SID",
                found: letters.to_owned(),
            }),
            Some(Alias::WellKnown {
                authority,
                sub_authorities,
            }) => Ok(sid_bytes(u64::from(authority), sub_authorities)),
            Some(Alias::InDomain { alias, rid }) => {
                let domain = self.domain.ok_or(SddlError::DomainNeeded { alias })?;
                let mut sub_authorities: Vec<u32> = domain.sub_authorities().collect();
                sub_authorities.push(rid);
                if sub_authorities.len() > MAX_SUB_AUTHORITIES {
                    return Err(SddlError::DomainNeeded { alias });
                }
                Ok(sid_bytes(domain.authority(), &sub_authorities))
            }
        }
    }
}
