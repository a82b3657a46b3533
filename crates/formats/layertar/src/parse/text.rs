//! Numbers and names as tar headers spell them.

/// Shows a name in a message: quoted, invalid bytes escaped, at most some 200 characters.
pub(crate) fn shown(name: &[u8]) -> String {
    const LONGEST: usize = 200;
    match name.get(..LONGEST) {
        Some(head) if name.len() > LONGEST => format!("\"{}…\"", head.escape_ascii()),
        _ => match std::str::from_utf8(name) {
            Ok(text) => format!("{text:?}"),
            Err(_) => format!("\"{}\"", name.escape_ascii()),
        },
    }
}

/// Returns the bytes before the first NUL.
pub(super) fn c_string(field: &[u8]) -> &[u8] {
    field.split(|&b| b == 0).next().unwrap_or_default()
}

/// Reads a numeric header field: base-256 if its first bit is set, octal otherwise (GNU tar, "Extensions").
pub(super) fn number(field: &[u8]) -> Option<i64> {
    match field.first() {
        Some(&first) if first & 0x80 != 0 => base256(field),
        _ => octal(field).and_then(|v| i64::try_from(v).ok()),
    }
}

/// Reads a two's complement big-endian number whose first bit is only a marker.
fn base256(field: &[u8]) -> Option<i64> {
    let negative = field.first()? & 0x40 != 0;
    let flip = if negative { 0xff } else { 0 };
    let mut magnitude: u64 = 0;
    for (i, &byte) in field.iter().enumerate() {
        let byte = (byte ^ flip) & if i == 0 { 0x7f } else { 0xff };
        if magnitude >> 56 != 0 {
            return None;
        }
        magnitude = magnitude << 8 | u64::from(byte);
    }
    let value = i64::try_from(magnitude).ok()?;
    Some(if negative { !value } else { value })
}

/// Reads octal digits with any spaces and NULs around them; an empty field is 0.
pub(super) fn octal(field: &[u8]) -> Option<u64> {
    let blank = |b: &u8| *b == b' ' || *b == 0;
    let Some(start) = field.iter().position(|b| !blank(b)) else {
        return Some(0);
    };
    let end = field.iter().rposition(|b| !blank(b))? + 1;
    c_string(field.get(start..end)?)
        .iter()
        .try_fold(0u64, |value, &digit| match digit {
            b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
            _ => None,
        })
}

/// Reads a decimal number with an optional sign, as Go's `strconv.ParseInt` does.
pub(super) fn decimal(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0i64, |value, &digit| {
        if !digit.is_ascii_digit() {
            return None;
        }
        let digit = i64::from(digit - b'0');
        let shifted = value.checked_mul(10)?;
        // Counting down keeps the smallest number, which has no positive twin, in range.
        if negative {
            shifted.checked_sub(digit)
        } else {
            shifted.checked_add(digit)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octal_fields_may_be_padded_with_spaces_and_nuls() {
        for (field, value) in [
            (&b"0000755\0"[..], Some(0o755)),
            (b"   755 \0", Some(0o755)),
            (b"\0\0  12\0 ", Some(0o12)),
            (b"12\0 34", Some(0o12)),
            (b"", Some(0)),
            (b" \0 ", Some(0)),
            (b"8", None),
            (b"-1", None),
            (b"0x1", None),
            (b"1777777777777777777777", Some(u64::MAX)),
            (b"2000000000000000000000", None),
        ] {
            assert_eq!(octal(field), value, "{field:?}");
        }
    }

    #[test]
    fn base_256_fields_hold_two_s_complement() {
        for (field, value) in [
            (&b"\x80"[..], Some(0)),
            (
                b"\x80\x00\x00\x07\x76\xa2\x22\xeb\x8a\x72\x61",
                Some(537795476381659745),
            ),
            (b"\xff", Some(-1)),
            (
                b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe",
                Some(-2),
            ),
            (b"\x80\x80\x00\x00\x00\x00\x00\x00\x00", None),
            (b"\x80\x7f\xff\xff\xff\xff\xff\xff\xff", Some(i64::MAX)),
            (b"\xff\x80\x00\x00\x00\x00\x00\x00\x00", Some(i64::MIN)),
            (b"\xff\x7f\xff\xff\xff\xff\xff\xff\xff", None),
            (b"\x80\x01\x00\x00\x00\x00\x00\x00\x00\x00", None),
        ] {
            assert_eq!(number(field), value, "{field:02x?}");
        }
    }

    #[test]
    fn decimals_may_have_a_sign_and_nothing_else() {
        for (text, value) in [
            (&b"+17"[..], Some(17)),
            (b"-9223372036854775808", Some(i64::MIN)),
            (b"9223372036854775808", None),
            (b"", None),
            (b"-", None),
            (b" 1", None),
            (b"1_0", None),
            (b"0x1", None),
        ] {
            assert_eq!(decimal(text), value, "{text:?}");
        }
    }
}
