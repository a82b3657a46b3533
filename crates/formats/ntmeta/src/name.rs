//! NTFS names: folding for comparison, and what a name component may be.
//!
//! Names arrive as bytes from a tar. Valid UTF-8 becomes UTF-16; every byte that is not part of valid UTF-8
//! becomes the lone low surrogate 0xDC00 + byte. Lone surrogates cannot come from valid UTF-8, so two
//! different names never become the same units before folding (surrogates spelled as WTF-8 included: each of
//! their three bytes is kept).

use std::borrow::Borrow;

use crate::upcase::upcase;

#[cfg(test)]
mod tests;

/// Longest name of a file or directory on NTFS, in UTF-16 units (MS-FSCC 2.1.5).
pub const MAX_NAME_UNITS: usize = 255;

/// First of the lone surrogates that stand for bytes outside UTF-8.
const STRAY_BYTE_BASE: u16 = 0xDC00;

/// A name as NTFS compares it: UTF-16 units, each folded by the upcase table.
///
/// Ordering is that of the folded units, which is the order of names in an NTFS directory. The key can be
/// looked up in maps by `&[u16]`, so a reused buffer from [`fold_into`] needs no allocation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FoldedName(Box<[u16]>);

impl FoldedName {
    /// Returns the folded UTF-16 units.
    pub fn as_units(&self) -> &[u16] {
        &self.0
    }
}

impl Borrow<[u16]> for FoldedName {
    fn borrow(&self) -> &[u16] {
        &self.0
    }
}

/// Returns the folded form of a name.
pub fn fold(name: &[u8]) -> FoldedName {
    let mut units = Vec::with_capacity(name.len());
    fold_into(name, &mut units);
    FoldedName(units.into_boxed_slice())
}

/// Appends the folded form of a name to `units`, so that a key may have something before it.
pub fn fold_into(name: &[u8], units: &mut Vec<u16>) {
    if name.is_ascii() {
        units.extend(name.iter().map(|byte| u16::from(byte.to_ascii_uppercase())));
    } else {
        units.extend(units_of(name).map(upcase));
    }
}

/// Says whether two names are the same to NTFS.
pub fn eq_folded(a: &[u8], b: &[u8]) -> bool {
    if a.is_ascii() && b.is_ascii() {
        return a.eq_ignore_ascii_case(b);
    }
    units_of(a).map(upcase).eq(units_of(b).map(upcase))
}

/// The UTF-16 units of a name, before folding.
fn units_of(name: &[u8]) -> impl Iterator<Item = u16> + '_ {
    name.utf8_chunks().flat_map(|chunk| {
        let stray = chunk
            .invalid()
            .iter()
            .map(|&byte| STRAY_BYTE_BASE + u16::from(byte));
        chunk.valid().encode_utf16().chain(stray)
    })
}

/// How bad it is that a name breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameIssue {
    /// No Windows file system driver stores such a name.
    Impossible,
    /// Can be stored (by `\\?\` paths, another system's driver, or WSL), but ordinary Win32 calls do not reach it.
    Win32Unreachable,
}

/// The rule that a name breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The name has no characters.
    #[error("a name may not be empty")]
    Empty,
    /// The name is `.` or `..`.
    #[error("`.` and `..` are not names")]
    Dots,
    /// The name holds NUL, `/`, `\` or `:`.
    #[error("byte {at} of the name is {:?}, which separates or ends names", char::from(*.byte))]
    Separator {
        /// Position in the name, in bytes.
        at: usize,
        /// The byte that was found.
        byte: u8,
    },
    /// The name is neither UTF-8 nor WTF-8, so it has no UTF-16 form.
    #[error("byte {at} of the name is {byte:#04x}, which is not UTF-8: it has no form in UTF-16")]
    NotUnicode {
        /// Position in the name, in bytes.
        at: usize,
        /// The byte that was found.
        byte: u8,
    },
    /// The name is longer than [`MAX_NAME_UNITS`].
    #[error("the name has {found} UTF-16 units, at most {MAX_NAME_UNITS} are allowed")]
    TooLong {
        /// Length of the name in UTF-16 units.
        found: usize,
    },
    /// The name holds one of `< > " | ? *` or a control character.
    #[error("byte {at} of the name is {:?}, which Win32 reserves", char::from(*.byte))]
    Reserved {
        /// Position in the name, in bytes.
        at: usize,
        /// The byte that was found.
        byte: u8,
    },
    /// The name ends with a dot or a space, which Win32 strips.
    #[error("the name ends with a dot or a space")]
    TrailingDotOrSpace,
    /// The name, or the part before its first dot, is a DOS device.
    #[error("{device} is a device, with any extension")]
    Device {
        /// The device in upper case, such as `COM1`.
        device: String,
    },
}

impl NameError {
    /// Returns how bad it is.
    pub fn issue(&self) -> NameIssue {
        match self {
            NameError::Empty
            | NameError::Dots
            | NameError::Separator { .. }
            | NameError::NotUnicode { .. }
            | NameError::TooLong { .. } => NameIssue::Impossible,
            NameError::Reserved { .. }
            | NameError::TrailingDotOrSpace
            | NameError::Device { .. } => NameIssue::Win32Unreachable,
        }
    }
}

/// Checks one component of a path against the rules for names on Windows.
///
/// # Errors
/// The first broken rule, those with [`NameIssue::Impossible`] before the others
/// (Microsoft, "Naming Files, Paths, and Namespaces"; MS-FSCC 2.1.5).
pub fn check_component(name: &[u8]) -> Result<(), NameError> {
    check_storable(name)?;
    check_reachable(name)
}

fn check_storable(name: &[u8]) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name == b"." || name == b".." {
        return Err(NameError::Dots);
    }
    let is_separator = |byte: &u8| matches!(byte, 0 | b'/' | b'\\' | b':');
    if let Some(at) = name.iter().position(is_separator) {
        let byte = name[at];
        return Err(NameError::Separator { at, byte });
    }
    let found = utf16_len(name)?;
    if found > MAX_NAME_UNITS {
        return Err(NameError::TooLong { found });
    }
    Ok(())
}

/// Length of a UTF-8 or WTF-8 name in UTF-16 units.
fn utf16_len(name: &[u8]) -> Result<usize, NameError> {
    if name.is_ascii() {
        return Ok(name.len());
    }
    let mut len = 0;
    let mut rest = name;
    loop {
        let (valid, tail) = match std::str::from_utf8(rest) {
            Ok(valid) => (valid, &[][..]),
            Err(error) => {
                let (valid, tail) = rest.split_at(error.valid_up_to());
                (std::str::from_utf8(valid).unwrap_or_default(), tail)
            }
        };
        len += valid.encode_utf16().count();
        match tail {
            [] => return Ok(len),
            // A lone surrogate as WTF-8 spells it: Windows has such names, and tools in Go write them so.
            [0xED, 0xA0..=0xBF, 0x80..=0xBF, ..] => {
                len += 1;
                rest = &tail[3..];
            }
            [byte, ..] => {
                return Err(NameError::NotUnicode {
                    at: name.len() - tail.len(),
                    byte: *byte,
                });
            }
        }
    }
}

fn check_reachable(name: &[u8]) -> Result<(), NameError> {
    let is_reserved =
        |byte: &u8| matches!(byte, 0x01..=0x1F | b'<' | b'>' | b'"' | b'|' | b'?' | b'*');
    if let Some(at) = name.iter().position(is_reserved) {
        let byte = name[at];
        return Err(NameError::Reserved { at, byte });
    }
    if let Some(device) = device_of(name) {
        return Err(NameError::Device { device });
    }
    if matches!(name.last(), Some(b'.' | b' ')) {
        return Err(NameError::TrailingDotOrSpace);
    }
    Ok(())
}

/// The DOS device that a name stands for, if it does.
fn device_of(name: &[u8]) -> Option<String> {
    let stem = name.split(|&byte| byte == b'.').next()?;
    let stem = std::str::from_utf8(stem).ok()?.trim_end_matches(' ');
    let stem = stem.to_ascii_uppercase();
    let is_device = match stem.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" => true,
        other => other
            .strip_prefix("COM")
            .or_else(|| other.strip_prefix("LPT"))
            // The superscripts one, two and three count as digits.
            .is_some_and(|port| {
                matches!(
                    port,
                    "1" | "2"
                        | "3"
                        | "4"
                        | "5"
                        | "6"
                        | "7"
                        | "8"
                        | "9"
                        | "\u{b9}"
                        | "\u{b2}"
                        | "\u{b3}"
                )
            }),
    };
    is_device.then_some(stem)
}

/// Splits `file:stream` or `file:stream:$DATA` into the file and the stream.
///
/// The stream is `None` for a plain name and for `file::$DATA`, which is the main stream. Any other stream
/// type stays in the stream name, whose `:` then marks it as something that is not a data stream.
pub fn split_stream(name: &[u8]) -> (&[u8], Option<&[u8]>) {
    const DATA_TYPE: &[u8] = b":$DATA";
    let Some(colon) = name.iter().position(|&byte| byte == b':') else {
        return (name, None);
    };
    let (file, stream) = (&name[..colon], &name[colon + 1..]);
    if stream.eq_ignore_ascii_case(DATA_TYPE) {
        return (file, None);
    }
    let stem_len = stream.len().saturating_sub(DATA_TYPE.len());
    match stream.split_at(stem_len) {
        (stem, kind) if kind.eq_ignore_ascii_case(DATA_TYPE) => (file, Some(stem)),
        _ => (file, Some(stream)),
    }
}
