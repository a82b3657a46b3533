//! Ids of layers as fronts hand them in.

use std::fmt;
use std::str::FromStr;

use transom_ntmeta::name::{self, NameError};

/// Longest id, in bytes: most file systems hold no longer name.
const MAX_BYTES: usize = 255;

/// What `windowsfilter` appends to the folder of a layer that is being removed.
const REMOVING: &str = "-removing";

/// The id of a layer, safe as the name of one folder on any system.
///
/// The seed joined ids to its home folder in two ways, unchecked; this type is the one door instead.
/// Ids are compared byte by byte. On NTFS two that differ in case only name one folder; an engine there
/// answers that the second exists already.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Box<str>);

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// It is longer than 255 bytes.
    #[error("layer id has {found} bytes, at most {MAX_BYTES} are allowed")]
    TooLong {
        /// Its length in bytes.
        found: usize,
    },
    /// It has a control character in it.
    #[error("layer id {id:?} has a control character in it")]
    Control {
        /// The text.
        id: String,
    },
    /// It begins with a space.
    #[error("layer id {id:?} begins with a space")]
    LeadingSpace {
        /// The text.
        id: String,
    },
    /// It ends like the folder of a layer that is being removed.
    #[error("layer id {id:?} ends in {REMOVING:?}, which marks removed layers")]
    Removing {
        /// The text.
        id: String,
    },
    /// No folder on Windows can have the name.
    #[error("layer id {id:?} cannot name a folder: {source}")]
    Name {
        /// The text.
        id: String,
        /// The rule it breaks.
        source: NameError,
    },
}

impl Id {
    /// Checks a text.
    ///
    /// # Errors
    /// [`IdError`] unless it is 1 to 255 bytes that name one folder on Linux and on Windows: no separator, colon,
    /// wildcard or control character, not `.` or `..`, no space at either end, no dot at the end, no DOS device,
    /// and not ending in `-removing`.
    pub fn new(text: &str) -> Result<Self, IdError> {
        let id = || text.to_owned();
        if text.len() > MAX_BYTES {
            return Err(IdError::TooLong { found: text.len() });
        }
        if text.contains(char::is_control) {
            return Err(IdError::Control { id: id() });
        }
        name::check_component(text.as_bytes())
            .map_err(|source| IdError::Name { id: id(), source })?;
        if text.starts_with(' ') {
            return Err(IdError::LeadingSpace { id: id() });
        }
        let tail = text.len().checked_sub(REMOVING.len());
        if tail.is_some_and(|at| text.as_bytes()[at..].eq_ignore_ascii_case(REMOVING.as_bytes())) {
            return Err(IdError::Removing { id: id() });
        }
        Ok(Self(text.into()))
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::new(text)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({:?})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_of_docker_and_plain_names_are_taken() {
        let cache_id = "0123456789abcdef".repeat(4);
        for text in [
            cache_id.as_str(),
            "a",
            "base-init",
            "x.y",
            "-removing-not",
            "Überbau",
        ] {
            assert_eq!(Id::new(text).map(|id| id.to_string()).as_deref(), Ok(text));
        }
        assert!(Id::new(&"x".repeat(255)).is_ok());
    }

    #[test]
    fn what_cannot_name_a_folder_is_refused_by_its_rule() {
        for text in [
            "", ".", "..", "a/b", "a\\b", "a:b", "a*", "a.", "a ", "nul", "COM1.x",
        ] {
            assert!(
                matches!(Id::new(text), Err(IdError::Name { .. })),
                "{text:?}"
            );
        }
        for text in ["a\0", "a\nb", "\u{7f}", "a\u{85}b"] {
            assert!(
                matches!(Id::new(text), Err(IdError::Control { .. })),
                "{text:?}"
            );
        }
        for text in ["x-removing", "x-REMOVING", "-removing"] {
            assert!(
                matches!(Id::new(text), Err(IdError::Removing { .. })),
                "{text:?}"
            );
        }
        assert!(matches!(Id::new(" a"), Err(IdError::LeadingSpace { .. })));
        assert_eq!(
            Id::new(&"ü".repeat(128)),
            Err(IdError::TooLong { found: 256 })
        );
    }

    proptest! {
        #[test]
        fn an_id_is_always_one_folder_below_its_home(text in any::<String>()) {
            if let Ok(id) = Id::new(&text) {
                let home = std::path::Path::new("home");
                let path = home.join(id.as_str());
                prop_assert_eq!(path.parent(), Some(home));
                prop_assert_eq!(path.file_name(), Some(text.as_ref()));
            }
        }
    }
}
