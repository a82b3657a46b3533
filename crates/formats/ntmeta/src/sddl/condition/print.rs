//! Conditions from tokens to SDDL text.

use std::fmt::Write;

use super::{
    AND, ATTRIBUTES, COMPOSITE, EXISTENCES, INT8, INT64, MEMBERSHIPS, NOT, OCTETS, OR, PADDING,
    RELATIONS, SID, SIGN_MINUS, SIGN_PLUS, SIGNATURE, STRING, is_plain_name_char,
};
use crate::sddl::print::{sid_text, unsupported};
use crate::sddl::{MAX_CONDITION_DEPTH, SddlError};
use crate::security::Sid;

/// What stands on the stack while postfix is turned into infix.
struct Operand {
    text: String,
    role: Role,
    /// Operators above each other in the text.
    depth: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Value,
    Attribute,
    Condition,
}

/// Writes a condition in parentheses.
pub(in crate::sddl) fn text(data: &[u8]) -> Result<String, SddlError> {
    let mut rest = data.strip_prefix(SIGNATURE).ok_or_else(malformed)?;
    let mut stack: Vec<Operand> = Vec::new();
    while let Some((&code, after)) = rest.split_first() {
        if code == PADDING && after.iter().all(|&byte| byte == PADDING) {
            break;
        }
        rest = match literal(code, after)? {
            Some((text, after)) => {
                stack.push(Operand {
                    text,
                    role: Role::Value,
                    depth: 0,
                });
                after
            }
            None => match ATTRIBUTES.iter().find(|(_, attribute)| *attribute == code) {
                Some((prefix, _)) => {
                    let (name, after) = counted(after)?;
                    let text = format!("{prefix}{}", escaped_name(name)?);
                    stack.push(Operand {
                        text,
                        role: Role::Attribute,
                        depth: 0,
                    });
                    after
                }
                None => {
                    apply(code, &mut stack)?;
                    after
                }
            },
        };
    }
    let (Some(whole), true) = (stack.pop(), stack.is_empty()) else {
        return Err(malformed());
    };
    match whole.role {
        Role::Condition => Ok(whole.text),
        Role::Attribute => Ok(format!("({})", whole.text)),
        Role::Value => Err(malformed()),
    }
}

fn malformed() -> SddlError {
    unsupported("a malformed condition")
}

/// Applies an operator to what is on the stack.
fn apply(code: u8, stack: &mut Vec<Operand>) -> Result<(), SddlError> {
    let name_in = |table: &[(&'static str, u8)]| {
        table
            .iter()
            .find(|(_, known)| *known == code)
            .map(|(name, _)| *name)
    };
    let right = stack.pop().ok_or_else(malformed)?;
    let (text, depth) = if code == NOT {
        demand(right.role != Role::Value)?;
        (format!("(!{})", right.text), right.depth)
    } else if let Some(name) = name_in(&MEMBERSHIPS) {
        demand(right.role == Role::Value)?;
        (format!("({name} {})", right.text), right.depth)
    } else if let Some(name) = name_in(&EXISTENCES) {
        demand(right.role == Role::Attribute)?;
        (format!("({name} {})", right.text), right.depth)
    } else {
        let left = stack.pop().ok_or_else(malformed)?;
        let symbol = match code {
            AND | OR => {
                demand(left.role != Role::Value && right.role != Role::Value)?;
                if code == AND { "&&" } else { "||" }
            }
            _ => {
                let symbol = name_in(&RELATIONS).ok_or_else(malformed)?;
                demand(left.role == Role::Attribute && right.role != Role::Condition)?;
                symbol
            }
        };
        let depth = left.depth.max(right.depth);
        (format!("({} {symbol} {})", left.text, right.text), depth)
    };
    let depth = depth + 1;
    // Also bounds the time that is spent on copying texts into longer ones.
    if depth >= MAX_CONDITION_DEPTH {
        return Err(SddlError::TooDeep);
    }
    stack.push(Operand {
        text,
        role: Role::Condition,
        depth,
    });
    Ok(())
}

fn demand(holds: bool) -> Result<(), SddlError> {
    if holds { Ok(()) } else { Err(malformed()) }
}

/// Writes the literal that a token begins, and returns what follows it; `None` if the token is no literal.
fn literal(code: u8, after: &[u8]) -> Result<Option<(String, &[u8])>, SddlError> {
    if code == COMPOSITE {
        let (mut members, after) = counted(after)?;
        let mut texts = Vec::new();
        while let Some((&code, rest)) = members.split_first() {
            let (text, rest) = simple_literal(code, rest)?.ok_or_else(malformed)?;
            texts.push(text);
            members = rest;
        }
        return Ok(Some((format!("{{{}}}", texts.join(", ")), after)));
    }
    simple_literal(code, after)
}

fn simple_literal(code: u8, after: &[u8]) -> Result<Option<(String, &[u8])>, SddlError> {
    let literal = match code {
        INT8..=INT64 => {
            let (number, after) = after.split_first_chunk::<10>().ok_or_else(malformed)?;
            (integer_text(number)?, after)
        }
        STRING => {
            let (units, after) = counted(after)?;
            (
                quoted(&String::from_utf16(&units_of(units)?).map_err(|_| malformed())?)?,
                after,
            )
        }
        OCTETS => {
            let (octets, after) = counted(after)?;
            (octets_text(octets), after)
        }
        SID => {
            let (sid, after) = counted(after)?;
            (sid_in_parentheses(sid)?, after)
        }
        _ => return Ok(None),
    };
    Ok(Some(literal))
}

pub(in crate::sddl) fn sid_in_parentheses(sid: &[u8]) -> Result<String, SddlError> {
    let sid = Sid::parse(sid).map_err(|_| malformed())?;
    Ok(format!("SID({})", sid_text(sid)?))
}

pub(in crate::sddl) fn octets_text(octets: &[u8]) -> String {
    octets.iter().fold("#".to_owned(), |mut text, byte| {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Puts a string into quotation marks; SDDL has no way to say one that holds them.
pub(in crate::sddl) fn quoted(text: &str) -> Result<String, SddlError> {
    if text.contains('"') {
        return Err(unsupported("a string that holds a quotation mark"));
    }
    Ok(format!("\"{text}\""))
}

fn integer_text(number: &[u8; 10]) -> Result<String, SddlError> {
    let [v0, v1, v2, v3, v4, v5, v6, v7, sign, base] = *number;
    let value = i64::from_le_bytes([v0, v1, v2, v3, v4, v5, v6, v7]);
    let sign = match sign {
        SIGN_PLUS => "+",
        SIGN_MINUS => "-",
        _ => "",
    };
    let magnitude = value.unsigned_abs();
    Ok(match base {
        1 => format!("{sign}0{magnitude:o}"),
        2 => format!("{sign}{magnitude}"),
        3 => format!("{sign}{magnitude:#x}"),
        _ => return Err(malformed()),
    })
}

/// Takes the content of a token that has its length before it.
fn counted(after: &[u8]) -> Result<(&[u8], &[u8]), SddlError> {
    let (len, rest) = after.split_first_chunk::<4>().ok_or_else(malformed)?;
    let len = usize::try_from(u32::from_le_bytes(*len)).map_err(|_| malformed())?;
    rest.split_at_checked(len).ok_or_else(malformed)
}

fn units_of(bytes: &[u8]) -> Result<Vec<u16>, SddlError> {
    let (pairs, []) = bytes.as_chunks::<2>() else {
        return Err(malformed());
    };
    Ok(pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect())
}

fn escaped_name(name: &[u8]) -> Result<String, SddlError> {
    let units = units_of(name)?;
    let mut text = String::new();
    for unit in char::decode_utf16(units) {
        // Writing into a string does not fail.
        let _ = match unit {
            Ok(c) if is_plain_name_char(c) => write!(text, "{c}"),
            Ok(c) => write!(text, "%{:04x}", u32::from(c)),
            Err(lone) => write!(text, "%{:04x}", lone.unpaired_surrogate()),
        };
    }
    Ok(text)
}
