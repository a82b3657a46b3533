//! Text as Windows takes it.

use std::ffi::OsStr;
use std::io;
use std::os::windows::ffi::OsStrExt;

/// UTF-16 that ends with a NUL, and has no other.
#[derive(Debug)]
pub(super) struct Wide(Vec<u16>);

impl Wide {
    /// Refuses a NUL inside: Windows would take what is before it for the whole.
    pub(super) fn new(text: impl AsRef<OsStr>) -> io::Result<Self> {
        let text = text.as_ref();
        let mut units: Vec<u16> = text.encode_wide().collect();
        if units.contains(&0) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{text:?} has a NUL in it"),
            ));
        }
        units.push(0);
        Ok(Self(units))
    }

    /// Points to the first unit; valid while this lives.
    pub(super) fn as_ptr(&self) -> *const u16 {
        self.0.as_ptr()
    }

    /// Number of units with the NUL.
    pub(super) fn len_with_nul(&self) -> usize {
        self.0.len()
    }
}

/// Returns what is before the first NUL of a buffer that Windows filled.
pub(super) fn until_nul(units: &[u16]) -> &[u16] {
    let end = units.iter().position(|unit| *unit == 0);
    units.get(..end.unwrap_or(units.len())).unwrap_or(units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_with_a_nul_and_has_no_other() {
        let wide = Wide::new("aé").unwrap();
        assert_eq!(wide.0, [0x61, 0xe9, 0]);
        assert_eq!(wide.len_with_nul(), 3);
        let error = Wide::new("a\0b").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("NUL"), "{error}");
    }

    #[test]
    fn a_buffer_without_a_nul_is_taken_whole() {
        assert_eq!(until_nul(&[1, 0, 2]), [1]);
        assert_eq!(until_nul(&[1, 2]), [1, 2]);
    }
}
