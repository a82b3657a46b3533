//! Which names an entry of a layer may have, and their one clean form.

use transom_ntmeta::name::{self, NameError, NameIssue};

use crate::parse::shown;

/// Longest path of an NT system, in UTF-16 units (a UNICODE_STRING's length is 16 bits of bytes).
const MAX_PATH_UNITS: usize = 32_767;

/// Whose rules a name must keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rules {
    /// A Windows layer: no backslash, no drive, `:` only between a file and its stream.
    Windows,
    /// Any other archive: only what would leave the root is refused.
    Posix,
}

/// A relative path without `.`, `..`, empty components, or slashes at its ends. The root is the empty path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CleanName(Vec<u8>);

impl CleanName {
    /// Returns the path's bytes, components separated by `/`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Turns it into the path's bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Says whether it is the root, which has no name.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the components from the root down.
    pub fn components(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|&b| b == b'/').filter(|part| !part.is_empty())
    }
}

/// The rule that a name breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The name has no bytes.
    #[error("an entry has an empty name")]
    Empty,
    /// The name starts at a root or a drive.
    #[error("name {} is absolute", shown(.name))]
    Absolute {
        /// The name.
        name: Vec<u8>,
    },
    /// A component is `..`.
    #[error("name {} has a `..` in it", shown(.name))]
    Parent {
        /// The name.
        name: Vec<u8>,
    },
    /// The name has a NUL in it.
    #[error("name {} has a NUL at byte {at}", shown(.name))]
    Nul {
        /// The name.
        name: Vec<u8>,
        /// Where the NUL is.
        at: usize,
    },
    /// The name has a backslash in it, which Windows would take for a separator.
    #[error("name {} has a backslash at byte {at}", shown(.name))]
    Backslash {
        /// The name.
        name: Vec<u8>,
        /// Where the first one is.
        at: usize,
    },
    /// A `:` does not stand between a file and its stream.
    #[error("name {} has a `:` at byte {at} that separates no stream", shown(.name))]
    Colon {
        /// The name.
        name: Vec<u8>,
        /// Where the first `:` is.
        at: usize,
    },
    /// A component cannot exist on NTFS.
    #[error("name {}: component {}: {source}", shown(.name), shown(.component))]
    Component {
        /// The name.
        name: Vec<u8>,
        /// The component, or stream name, at fault.
        component: Vec<u8>,
        /// The rule it breaks.
        source: NameError,
    },
    /// The path is too long for Windows.
    #[error("name {} has {found} UTF-16 units, at most {MAX_PATH_UNITS} are allowed", shown(.name))]
    TooLong {
        /// The name.
        name: Vec<u8>,
        /// Its length in UTF-16 units.
        found: usize,
    },
}

/// Checks a name and brings it into its clean form: `./`, `//`, `/./` and a trailing `/` are dropped.
///
/// Names that NTFS can hold but ordinary Win32 calls cannot reach (`aux`, a trailing dot) pass.
///
/// # Errors
/// The first rule the name breaks.
pub fn clean(name: &[u8], rules: Rules) -> Result<CleanName, PathError> {
    let owned = || name.to_vec();
    if name.is_empty() {
        return Err(PathError::Empty);
    }
    if let Some(at) = name.iter().position(|&b| b == 0) {
        return Err(PathError::Nul { name: owned(), at });
    }
    if name.starts_with(b"/") || (rules == Rules::Windows && is_windows_absolute(name)) {
        return Err(PathError::Absolute { name: owned() });
    }
    if rules == Rules::Windows
        && let Some(at) = name.iter().position(|&b| b == b'\\')
    {
        return Err(PathError::Backslash { name: owned(), at });
    }
    let mut clean = Vec::with_capacity(name.len());
    for part in name.split(|&b| b == b'/') {
        match part {
            b"" | b"." => continue,
            b".." => return Err(PathError::Parent { name: owned() }),
            _ => {}
        }
        if !clean.is_empty() {
            clean.push(b'/');
        }
        clean.extend_from_slice(part);
    }
    let clean = CleanName(clean);
    if rules == Rules::Windows {
        check_windows(name, &clean)?;
    }
    Ok(clean)
}

fn is_windows_absolute(name: &[u8]) -> bool {
    match name {
        [b'\\', ..] => true,
        [drive, b':'] | [drive, b':', b'\\' | b'/', ..] => drive.is_ascii_alphabetic(),
        _ => false,
    }
}

fn check_windows(name: &[u8], clean: &CleanName) -> Result<(), PathError> {
    let units = units(clean.as_bytes());
    if units > MAX_PATH_UNITS {
        return Err(PathError::TooLong {
            name: name.to_vec(),
            found: units,
        });
    }
    let check = |component: &[u8]| match name::check_component(component) {
        Err(source) if source.issue() == NameIssue::Impossible => Err(PathError::Component {
            name: name.to_vec(),
            component: component.to_vec(),
            source,
        }),
        _ => Ok(()),
    };
    let mut components = clean.components().peekable();
    while let Some(component) = components.next() {
        let is_last = components.peek().is_none();
        if !component.contains(&b':') {
            check(component)?;
            continue;
        }
        match name::split_stream(component) {
            (file, Some(stream)) if is_last && !stream.is_empty() && !stream.contains(&b':') => {
                check(file)?;
                check(stream)?;
            }
            _ => {
                return Err(PathError::Colon {
                    name: name.to_vec(),
                    at: name.iter().position(|&b| b == b':').unwrap_or_default(),
                });
            }
        }
    }
    Ok(())
}

/// Length in UTF-16 units; a byte outside UTF-8 counts as one.
fn units(name: &[u8]) -> usize {
    if name.is_ascii() {
        return name.len();
    }
    name.utf8_chunks()
        .map(|chunk| chunk.valid().encode_utf16().count() + chunk.invalid().len())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn windows(name: &str) -> Result<String, PathError> {
        clean(name.as_bytes(), Rules::Windows)
            .map(|c| String::from_utf8(c.into_bytes()).expect("was text"))
    }

    #[test]
    fn names_have_one_clean_form() {
        for (name, expected) in [
            ("Files/a", "Files/a"),
            ("./Files/a", "Files/a"),
            ("Files/", "Files"),
            ("Files//a/./b//", "Files/a/b"),
            (".//", ""),
            (".", ""),
            ("Files/...", "Files/..."),
            ("Files/a:stream", "Files/a:stream"),
            ("Files/a:stream:$DATA", "Files/a:stream:$DATA"),
            ("Files/aux", "Files/aux"),
            ("Files/dot.", "Files/dot."),
            ("Files/.wh..wh..opq", "Files/.wh..wh..opq"),
        ] {
            assert_eq!(windows(name).as_deref(), Ok(expected), "{name}");
        }
    }

    #[test]
    fn each_refusal_names_its_rule() {
        let name = |text: &str| text.as_bytes().to_vec();
        assert_eq!(windows(""), Err(PathError::Empty));
        for absolute in ["/x", "C:\\x", "c:/x", "C:", "\\\\srv\\x", "\\x"] {
            assert_eq!(
                windows(absolute),
                Err(PathError::Absolute {
                    name: name(absolute)
                })
            );
        }
        for parent in ["..", "../x", "a/../b", "a/.."] {
            assert_eq!(
                windows(parent),
                Err(PathError::Parent { name: name(parent) })
            );
        }
        assert_eq!(
            windows("a\0b"),
            Err(PathError::Nul {
                name: name("a\0b"),
                at: 1
            })
        );
        assert_eq!(
            windows("a/b\\c"),
            Err(PathError::Backslash {
                name: name("a/b\\c"),
                at: 3
            })
        );
        for (colon, at) in [
            ("d:s/x", 1),
            ("x:a:b", 1),
            ("xy:", 2),
            ("x::$DATA", 1),
            ("x:s:$INDEX_ALLOCATION", 1),
        ] {
            assert_eq!(
                windows(colon),
                Err(PathError::Colon {
                    name: name(colon),
                    at
                }),
                "{colon}"
            );
        }
        assert!(matches!(windows(":s"), Err(PathError::Component { .. })));
        assert!(matches!(
            windows(&"x".repeat(256)),
            Err(PathError::Component { .. })
        ));
        assert!(matches!(
            windows(&"x/".repeat(16_385)),
            Err(PathError::TooLong { found: 32_769, .. })
        ));
        assert!(windows(&"x/".repeat(16_384)).is_ok());
    }

    #[test]
    fn posix_names_may_have_backslashes_and_colons() {
        for name in [&b"a\\b"[..], b"C:\\x", b"a:b:c", b"\xff"] {
            assert_eq!(
                clean(name, Rules::Posix).expect("is relative").as_bytes(),
                name
            );
        }
        assert!(clean(b"/x", Rules::Posix).is_err());
        assert!(clean(b"a/../b", Rules::Posix).is_err());
    }

    proptest! {
        #[test]
        fn a_clean_name_stays_inside_and_stays_clean(name in "[a./:\\\\\u{0}ü]{0,12}") {
            for rules in [Rules::Windows, Rules::Posix] {
                if let Ok(once) = clean(name.as_bytes(), rules) {
                    prop_assert!(once.components().all(|part| part != b".." && part != b"."));
                    if !once.is_root() {
                        prop_assert_eq!(clean(once.as_bytes(), rules), Ok(once));
                    }
                }
            }
        }

        #[test]
        fn no_bytes_make_cleaning_panic(name in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = clean(&name, Rules::Windows);
            let _ = clean(&name, Rules::Posix);
        }
    }
}
