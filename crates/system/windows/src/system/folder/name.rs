//! Names beneath a root.

use std::io;

/// The longest path in UTF-16 units: what a UNICODE_STRING holds.
const LONGEST: usize = 32_767;

/// A name beneath a root as the system takes it; empty for the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(Vec<u16>);

impl Name {
    /// Refuses all that could mean something else than a file beneath the root: `..`, streams (`:`), other separators.
    /// What else NTFS does not allow it refuses itself.
    pub(super) fn new(name: &str) -> io::Result<Self> {
        if name.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let is_bad =
            |part: &str| matches!(part, "" | "." | "..") || part.contains([':', '\\', '\0']);
        if name.split('/').any(is_bad) {
            return Err(refused(name, "is no name beneath a root"));
        }
        let units: Vec<u16> = name.replace('/', "\\").encode_utf16().collect();
        if units.len() > LONGEST {
            return Err(refused(name, "is longer than Windows' 32767 units"));
        }
        Ok(Self(units))
    }

    pub(super) fn units(&self) -> &[u16] {
        &self.0
    }

    /// Returns the folder that it lies in and its last part; `None` for the root.
    pub(super) fn split(&self) -> Option<(Self, Self)> {
        if self.0.is_empty() {
            return None;
        }
        let separator = self.0.iter().rposition(|unit| *unit == u16::from(b'\\'));
        let (folder, last) = match separator {
            Some(at) => self.0.split_at_checked(at)?,
            None => return Some((Self(Vec::new()), self.clone())),
        };
        Some((Self(folder.to_vec()), Self(last.get(1..)?.to_vec())))
    }
}

fn refused(name: &str, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{name:?} {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &Name) -> String {
        String::from_utf16(name.units()).unwrap()
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in [
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "a/..",
            "../a",
            "./a",
            "a/./b",
            "a:b",
            "a/b:c",
            "a\\b",
            "\\a",
            "C:\\a",
            "a\0b",
            "\\\\?\\C:\\a",
            ":$DATA",
        ] {
            let error = Name::new(name).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name:?}");
        }
        assert!(Name::new(&"a".repeat(LONGEST)).is_ok());
        assert!(Name::new(&"a".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn names_that_only_look_odd_are_taken() {
        for name in ["...", "a..", ".a", "a b ", "con", "é/日本", "a.b."] {
            assert_eq!(text(&Name::new(name).unwrap()), name.replace('/', "\\"));
        }
    }

    #[test]
    fn a_name_is_split_at_its_last_part() {
        assert_eq!(Name::new("").unwrap().split(), None);
        for (name, folder, last) in [("a", "", "a"), ("a/b", "a", "b"), ("a/b/c", "a\\b", "c")] {
            let (found, rest) = Name::new(name).unwrap().split().unwrap();
            assert_eq!(
                (text(&found).as_str(), text(&rest).as_str()),
                (folder, last)
            );
        }
    }
}
