//! Resource attributes: claims about a file, as text and as CLAIM_SECURITY_ATTRIBUTE_RELATIVE_V1 (MS-DTYP 2.4.10.1).
//!
//! The binary form finds its parts by offsets, and no public source says in which order Windows lays them out.
//! Here the name comes first and then the values; entries are compared by what they say, not by their bytes.

use super::SddlError;
use super::condition::{octets_text, quoted, sid_in_parentheses};
use super::fields::c_number;
use super::parse::Parser;
use super::print::unsupported;

/// Name, type, reserved field, flags, count.
const HEADER_LEN: usize = 16;
const ALIGNMENT: usize = 4;

/// A claim; all values are of one type.
#[derive(Debug, PartialEq, Eq)]
struct Claim {
    name: Vec<u16>,
    value_type: ValueType,
    flags: u32,
    values: Vec<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValueType {
    Signed = 0x01,
    Unsigned = 0x02,
    Text = 0x03,
    Sid = 0x05,
    Boolean = 0x06,
    Octets = 0x10,
}

const TYPES: [(&str, ValueType); 6] = [
    ("TI", ValueType::Signed),
    ("TU", ValueType::Unsigned),
    ("TS", ValueType::Text),
    ("TD", ValueType::Sid),
    ("TB", ValueType::Boolean),
    ("TX", ValueType::Octets),
];

#[derive(Debug, PartialEq, Eq)]
enum Value {
    /// Numbers and booleans, as their 64 bits.
    Bits(u64),
    Text(Vec<u16>),
    /// Octets and SIDs.
    Bytes(Vec<u8>),
}

impl Parser<'_, '_> {
    /// Reads `("name",TS,0x0,"value",…)` and returns the binary form without padding.
    pub(super) fn claim(&mut self) -> Result<Vec<u8>, SddlError> {
        if !self.operator("(") {
            return Err(self.expected("a resource attribute in parentheses"));
        }
        self.skip_blanks();
        let name = self.quoted()?.encode_utf16().collect();
        self.comma()?;
        self.skip_blanks();
        let at = self.at;
        let letters = self.alphanumerics();
        let value_type = TYPES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(letters))
            .map(|(_, value_type)| *value_type)
            .ok_or_else(|| SddlError::UnknownName {
                at,
                kind: "claim type",
                found: letters.to_owned(),
            })?;
        self.comma()?;
        let (at, flags) = self.number()?;
        let flags = u32::try_from(flags).map_err(|_| SddlError::Number {
            at,
            found: flags.to_string(),
        })?;
        let mut values = Vec::new();
        while self.operator(",") {
            self.skip_blanks();
            values.push(self.value(value_type)?);
        }
        if !self.operator(")") {
            return Err(self.expected("`,` or `)`"));
        }
        self.skip_blanks();
        Ok(encode(&Claim {
            name,
            value_type,
            flags,
            values,
        }))
    }

    fn value(&mut self, value_type: ValueType) -> Result<Value, SddlError> {
        Ok(match value_type {
            ValueType::Text => Value::Text(self.quoted()?.encode_utf16().collect()),
            ValueType::Octets => Value::Bytes(self.octets()?),
            ValueType::Sid => Value::Bytes(self.sid_in_parentheses()?),
            ValueType::Unsigned => Value::Bits(self.number()?.1),
            ValueType::Boolean => match self.number()? {
                (_, value @ (0 | 1)) => Value::Bits(value),
                (at, value) => {
                    return Err(SddlError::Number {
                        at,
                        found: value.to_string(),
                    });
                }
            },
            ValueType::Signed => {
                let is_negative = self.take("-");
                let (at, magnitude) = self.number()?;
                let value = if is_negative {
                    0i64.checked_sub_unsigned(magnitude)
                } else {
                    i64::try_from(magnitude).ok()
                };
                let value = value.ok_or_else(|| SddlError::Number {
                    at,
                    found: magnitude.to_string(),
                })?;
                Value::Bits(value.cast_unsigned())
            }
        })
    }

    fn number(&mut self) -> Result<(usize, u64), SddlError> {
        self.skip_blanks();
        let at = self.at;
        let digits = self.alphanumerics();
        match c_number(digits) {
            Some((value, _)) => Ok((at, value)),
            None => Err(SddlError::Number {
                at,
                found: digits.to_owned(),
            }),
        }
    }

    fn comma(&mut self) -> Result<(), SddlError> {
        if self.operator(",") {
            Ok(())
        } else {
            Err(self.expected("`,`"))
        }
    }
}

/// Writes a claim in parentheses.
pub(super) fn text(data: &[u8]) -> Result<String, SddlError> {
    let malformed = || unsupported("a malformed resource attribute");
    let claim = decode(data).ok_or_else(malformed)?;
    let units_text = |units: &[u16]| quoted(&String::from_utf16(units).map_err(|_| malformed())?);
    let letters = TYPES
        .iter()
        .find(|(_, known)| *known == claim.value_type)
        .map(|(letters, _)| *letters)
        .ok_or_else(malformed)?;
    let mut text = format!("({},{letters},{:#x}", units_text(&claim.name)?, claim.flags);
    for value in &claim.values {
        text.push(',');
        text.push_str(&match (value, claim.value_type) {
            (Value::Bits(bits), ValueType::Signed) => bits.cast_signed().to_string(),
            (Value::Bits(bits), _) => bits.to_string(),
            (Value::Text(units), _) => units_text(units)?,
            (Value::Bytes(sid), ValueType::Sid) => sid_in_parentheses(sid)?,
            (Value::Bytes(octets), _) => octets_text(octets),
        });
    }
    text.push(')');
    Ok(text)
}

/// Says whether two whole entries, each with a claim at its end, say the same. `tail_len` is that of the first one's claim.
pub(super) fn is_same_entry(raw: &[u8], other: &[u8], tail_len: usize) -> bool {
    // Type and flags, then mask and SID: all but the size, which depends on the claim's layout.
    let head_len = raw.len().saturating_sub(tail_len);
    let parts = |entry: &[u8]| {
        let (head, claim) = entry.split_at_checked(head_len)?;
        let claim = decode(claim)?;
        Some((head.get(..2)?.to_vec(), head.get(4..)?.to_vec(), claim))
    };
    parts(raw).is_some() && parts(raw) == parts(other)
}

fn encode(claim: &Claim) -> Vec<u8> {
    fn pad(body: &mut Vec<u8>) {
        body.resize(body.len().next_multiple_of(ALIGNMENT), 0);
    }
    let data_at = HEADER_LEN + claim.values.len() * 4;
    let mut data = Vec::new();
    let mut offsets = Vec::new();
    let add_text = |data: &mut Vec<u8>, units: &[u16]| {
        data.extend(units.iter().chain(&[0]).flat_map(|unit| unit.to_le_bytes()));
    };
    add_text(&mut data, &claim.name);
    for value in &claim.values {
        pad(&mut data);
        // What does not fit 16 bits is refused with the whole entry.
        offsets.push((data_at + data.len()) as u32);
        match value {
            Value::Bits(bits) => data.extend(bits.to_le_bytes()),
            Value::Text(units) => add_text(&mut data, units),
            Value::Bytes(bytes) => {
                data.extend((bytes.len() as u32).to_le_bytes());
                data.extend(bytes);
            }
        }
    }
    let mut bytes = (data_at as u32).to_le_bytes().to_vec();
    bytes.extend((claim.value_type as u16).to_le_bytes());
    bytes.extend([0, 0]);
    bytes.extend(claim.flags.to_le_bytes());
    bytes.extend((claim.values.len() as u32).to_le_bytes());
    bytes.extend(offsets.iter().flat_map(|offset| offset.to_le_bytes()));
    bytes.extend(data);
    bytes
}

/// Says where a value starts and how long it is, in the bytes from its offset on.
type Measure<'f> = &'f dyn Fn(&[u8]) -> Option<(usize, usize)>;

fn decode(bytes: &[u8]) -> Option<Claim> {
    let u32_at = |at: usize| -> Option<u32> {
        let field = bytes.get(at..)?.first_chunk::<4>()?;
        Some(u32::from_le_bytes(*field))
    };
    let type_and_reserved = u32_at(4)?;
    let (_, value_type) = *TYPES
        .iter()
        .find(|(_, known)| *known as u32 == type_and_reserved & 0xFFFF)?;
    if type_and_reserved >> 16 != 0 {
        return None;
    }
    let count = usize::try_from(u32_at(12)?).ok()?;
    let offsets = bytes.get(HEADER_LEN..)?.get(..count.checked_mul(4)?)?;

    // Values may share bytes; together they may not take more than there are.
    let mut left = bytes.len();
    let mut part = |offset: u32, len_of: Measure<'_>| {
        let from = bytes.get(usize::try_from(offset).ok()?..)?;
        let (start, len) = len_of(from)?;
        left = left.checked_sub(len)?;
        from.get(start..)?.get(..len)
    };
    let text_len = |from: &[u8]| {
        let units = from
            .as_chunks::<2>()
            .0
            .iter()
            .position(|unit| *unit == [0, 0])?;
        Some((0, units * 2))
    };
    let octets_len = |from: &[u8]| {
        let len = u32::from_le_bytes(*from.first_chunk::<4>()?);
        Some((4, usize::try_from(len).ok()?))
    };
    let units = |bytes: &[u8]| -> Vec<u16> {
        let (pairs, _) = bytes.as_chunks::<2>();
        pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect()
    };
    let name = units(part(u32_at(0)?, &text_len)?);
    let mut values = Vec::new();
    for offset in offsets.as_chunks::<4>().0 {
        let offset = u32::from_le_bytes(*offset);
        values.push(match value_type {
            ValueType::Text => Value::Text(units(part(offset, &text_len)?)),
            ValueType::Sid | ValueType::Octets => Value::Bytes(part(offset, &octets_len)?.to_vec()),
            ValueType::Signed | ValueType::Unsigned | ValueType::Boolean => {
                let bits = part(offset, &|_| Some((0, 8)))?;
                Value::Bits(u64::from_le_bytes(bits.try_into().ok()?))
            }
        });
    }
    Some(Claim {
        name,
        value_type,
        flags: u32_at(8)?,
        values,
    })
}
