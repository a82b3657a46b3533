//! Single fields of SDDL text: SIDs in numbers, rights, flags, GUIDs.

use super::SddlError;
use super::names::{ACE_FLAGS, LABEL_RIGHTS, RIGHT_SETS, RIGHTS, TRUST_PROTECTED, TYPES, TypeName};
use crate::security::{AceFlags, AceType, MAX_SUB_AUTHORITIES};

/// Reads a SID after its `S-`.
pub(super) fn numeric_sid(at: usize, numbers: &str) -> Result<Vec<u8>, SddlError> {
    const MAX_AUTHORITY: u64 = (1 << 48) - 1;
    let syntax = SddlError::Syntax {
        at,
        expected: "a SID: revision 1, an authority, 1 to 15 sub-authorities",
    };
    let mut parts = numbers.split('-').map(|part| part.trim_start_matches(' '));
    if parts.next() != Some("1") {
        return Err(syntax);
    }
    let number = |part: &str, max: u64| {
        sid_number(part)
            .filter(|&value| value <= max)
            .ok_or_else(|| SddlError::Number {
                at,
                found: part.to_owned(),
            })
    };
    let Some(authority) = parts.next() else {
        return Err(syntax);
    };
    let authority = number(authority, MAX_AUTHORITY)?;
    let mut sub_authorities = Vec::new();
    for part in parts {
        if sub_authorities.len() == MAX_SUB_AUTHORITIES {
            return Err(syntax);
        }
        // The limit makes the value fit.
        sub_authorities.push(number(part, u64::from(u32::MAX))? as u32);
    }
    if sub_authorities.is_empty() {
        return Err(syntax);
    }
    Ok(sid_bytes(authority, &sub_authorities))
}

fn sid_number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => digits_to_u64(digits, 16),
        None => digits_to_u64(text, 10),
    }
}

/// Digits only: the standard parser would also take a sign.
fn digits_to_u64(digits: &str, radix: u32) -> Option<u64> {
    digits
        .chars()
        .all(|digit| digit.is_digit(radix))
        .then(|| u64::from_str_radix(digits, radix).ok())?
}

pub(super) fn sid_bytes(authority: u64, sub_authorities: &[u32]) -> Vec<u8> {
    // Callers keep to the limit of 15 sub-authorities and 48 bits.
    let mut bytes = vec![1, sub_authorities.len() as u8];
    bytes.extend(authority.to_be_bytes().iter().skip(2));
    for sub_authority in sub_authorities {
        bytes.extend(sub_authority.to_le_bytes());
    }
    bytes
}

pub(super) fn type_of(at: usize, letters: &str) -> Result<&'static TypeName, SddlError> {
    let letters = letters.trim_matches(' ');
    TYPES
        .iter()
        .find(|kind| kind.letters.eq_ignore_ascii_case(letters))
        .ok_or_else(|| SddlError::UnknownName {
            at,
            kind: "ACE type",
            found: letters.to_owned(),
        })
}

pub(super) fn ace_flags(at: usize, field: &str, ace_type: AceType) -> Result<AceFlags, SddlError> {
    let mut flags = AceFlags::empty();
    for (at, pair) in pairs(at, field)? {
        let is_filter = ace_type == AceType::SYSTEM_ACCESS_FILTER;
        if is_filter && pair.eq_ignore_ascii_case(TRUST_PROTECTED) {
            flags |= AceFlags::SUCCESSFUL_ACCESS;
            continue;
        }
        let (_, flag) = ACE_FLAGS
            .iter()
            .find(|(letters, _)| letters.eq_ignore_ascii_case(pair))
            .ok_or_else(|| SddlError::UnknownName {
                at,
                kind: "ACE flag",
                found: pair.to_owned(),
            })?;
        flags |= *flag;
    }
    Ok(flags)
}

pub(super) fn rights_mask(at: usize, field: &str) -> Result<u32, SddlError> {
    let text = field.trim_start_matches(' ');
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return c_number(text)
            .and_then(|(value, _)| u32::try_from(value).ok())
            .ok_or_else(|| SddlError::Number {
                at,
                found: text.to_owned(),
            });
    }
    let mut mask = 0;
    for (at, pair) in pairs(at, field)? {
        let (_, right) = RIGHTS
            .iter()
            .chain(&RIGHT_SETS)
            .chain(&LABEL_RIGHTS)
            .find(|(letters, _)| letters.eq_ignore_ascii_case(pair))
            .ok_or_else(|| SddlError::UnknownName {
                at,
                kind: "right",
                found: pair.to_owned(),
            })?;
        mask |= right;
    }
    Ok(mask)
}

/// The base a number is written in, with the code that conditions have for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    Octal = 1,
    Decimal = 2,
    Hexadecimal = 3,
}

/// Reads digits as C does: `0x` begins a hexadecimal number, another `0` an octal one.
pub(super) fn c_number(text: &str) -> Option<(u64, Base)> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return digits_to_u64(digits, 16).map(|value| (value, Base::Hexadecimal));
    }
    match text.strip_prefix('0') {
        Some(digits) if !digits.is_empty() => {
            digits_to_u64(digits, 8).map(|value| (value, Base::Octal))
        }
        _ => digits_to_u64(text, 10).map(|value| (value, Base::Decimal)),
    }
}

/// Splits a field into pairs of letters with their places. Spaces may stand before a pair, and alone.
fn pairs(at: usize, field: &str) -> Result<Vec<(usize, &str)>, SddlError> {
    let mut pairs = Vec::new();
    let mut rest = field;
    loop {
        let trimmed = rest.trim_start_matches(' ');
        let at = at + field.len() - trimmed.len();
        if trimmed.is_empty() {
            // Only a field without any letters may end with spaces.
            if !rest.is_empty() && !pairs.is_empty() {
                return Err(SddlError::Syntax {
                    at,
                    expected: "no space at the end of the field",
                });
            }
            return Ok(pairs);
        }
        let (Some(pair), Some(tail)) = (trimmed.get(..2), trimmed.get(2..)) else {
            return Err(SddlError::Syntax {
                at,
                expected: "a pair of letters",
            });
        };
        pairs.push((at, pair));
        rest = tail;
    }
}

/// Reads `bf967aba-0de6-11d0-a285-00aa003049e2` into its on-disk order.
pub(super) fn guid(text: &str) -> Option<[u8; 16]> {
    let mut groups = text.split('-');
    let mut group = |digits: usize| {
        let text = groups.next().filter(|text| text.len() == digits)?;
        digits_to_u64(text, 16)
    };
    // Each group's length bounds its value.
    let first = group(8)? as u32;
    let second = group(4)? as u16;
    let third = group(4)? as u16;
    let fourth = group(4)? as u16;
    let node = group(12)?;
    if groups.next().is_some() {
        return None;
    }
    let mut guid = Vec::with_capacity(16);
    guid.extend(first.to_le_bytes());
    guid.extend(second.to_le_bytes());
    guid.extend(third.to_le_bytes());
    guid.extend(fourth.to_be_bytes());
    guid.extend(node.to_be_bytes().iter().skip(2));
    guid.try_into().ok()
}
