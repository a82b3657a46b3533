//! Conditions of entries: an expression in SDDL, postfix tokens in the entry (MS-DTYP 2.4.4.17 and 2.5.1.3).

mod parse;
mod print;

pub(super) use print::{octets_text, quoted, sid_in_parentheses, text};

/// What the binary form begins with.
const SIGNATURE: &[u8; 4] = b"artx";

/// Fills up to a multiple of four bytes at the end.
const PADDING: u8 = 0x00;
const INT8: u8 = 0x01;
const INT64: u8 = 0x04;
const STRING: u8 = 0x10;
const OCTETS: u8 = 0x18;
const COMPOSITE: u8 = 0x50;
const SID: u8 = 0x51;
const NOT: u8 = 0xA2;
const AND: u8 = 0xA0;
const OR: u8 = 0xA1;

/// Codes for the sign that an integer is written with.
const SIGN_PLUS: u8 = 1;
const SIGN_MINUS: u8 = 2;
const SIGN_NONE: u8 = 3;

/// Attributes: what their names begin with, and their token.
const ATTRIBUTES: [(&str, u8); 4] = [
    ("@User.", 0xF9),
    ("@Resource.", 0xFA),
    ("@Device.", 0xFB),
    ("", 0xF8),
];

/// Operators between an attribute and a value. Longer symbols stand before those they begin with.
const RELATIONS: [(&str, u8); 10] = [
    ("==", 0x80),
    ("!=", 0x81),
    ("<=", 0x83),
    (">=", 0x85),
    ("<", 0x82),
    (">", 0x84),
    ("Contains", 0x86),
    ("Any_of", 0x88),
    ("Not_Contains", 0x8E),
    ("Not_Any_of", 0x8F),
];

/// Operators before a SID or a list of SIDs.
const MEMBERSHIPS: [(&str, u8); 8] = [
    ("Member_of", 0x89),
    ("Device_Member_of", 0x8A),
    ("Member_of_Any", 0x8B),
    ("Device_Member_of_Any", 0x8C),
    ("Not_Member_of", 0x90),
    ("Not_Device_Member_of", 0x91),
    ("Not_Member_of_Any", 0x92),
    ("Not_Device_Member_of_Any", 0x93),
];

/// Operators before an attribute.
const EXISTENCES: [(&str, u8); 2] = [("Exists", 0x87), ("Not_Exists", 0x8D)];

/// Characters of attribute names that stand for themselves; all others are written as `%` and four digits.
fn is_plain_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, ':' | '.' | '/' | '_') || !c.is_ascii()
}
