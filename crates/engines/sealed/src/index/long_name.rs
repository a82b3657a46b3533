//! Names longer than EROFS (and Linux) can hold.
//!
//! A Windows name has up to 255 UTF-16 units, which can be 765 bytes of UTF-8; Linux stops at 255
//! bytes. Such an entry is stored under the start of its name, `~` and 16 digits of its digest, and
//! its inode keeps the true name in an attribute named after these digits (a hard link's inode has
//! one for each of its long names). A name that only looks like such a one is treated as one, so
//! that a stored name never has two meanings.

use transom_erofs::{Dirent, FileKind, Image, Inode, Nid, ReadAt, ReadError};
use transom_layer::Digest;

use super::keys::{LONG_NAME_PREFIX, on_link};

/// Longest name in EROFS, in bytes (EROFS_NAME_LEN).
const NAME_MAX: usize = 255;
/// Hexadecimal digits of the digest in a shortened name.
const DIGITS: usize = 16;
/// A shortened name keeps as much of the true one as fits, less at most one UTF-8 character.
const SHORTENED_MIN: usize = NAME_MAX - 3;

/// How a name is stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// As it is.
    Plain,
    /// Under another one, with an attribute that holds the true one.
    Shortened { name: Vec<u8>, attribute: Vec<u8> },
}

/// Says how `name` is stored.
pub(crate) fn store(name: &[u8]) -> Stored {
    if name.len() <= NAME_MAX && attribute_of(name).is_none() {
        return Stored::Plain;
    }
    let digits = &Digest::of(name).hex()[..DIGITS];
    let mut keep = NAME_MAX - 1 - DIGITS;
    while keep > 0 && name.get(keep).is_some_and(|byte| byte & 0xc0 == 0x80) {
        keep -= 1;
    }
    // Not UTF-8: no boundary to respect.
    if NAME_MAX - 1 - DIGITS - keep > 3 {
        keep = NAME_MAX - 1 - DIGITS;
    }
    let name = [&name[..keep], b"~", digits.as_bytes()].concat();
    Stored::Shortened {
        attribute: [LONG_NAME_PREFIX, digits.as_bytes()].concat(),
        name,
    }
}

/// Says whether `name` is the true name behind a stored one; a damaged index may claim anything.
fn is_true_name(name: &[u8], stored: &[u8]) -> bool {
    let is_component = !name.iter().any(|byte| matches!(byte, b'/' | 0));
    is_component && matches!(store(name), Stored::Shortened { name, .. } if name == stored)
}

/// Returns the true name of a directory entry; its inode too if that had to be read, else its number.
pub(crate) fn read<R: ReadAt>(
    image: &Image<R>,
    entry: Dirent,
) -> Result<(Vec<u8>, Result<Inode, Nid>), ReadError> {
    let Some(attribute) = attribute_of(&entry.name) else {
        return Ok((entry.name, Err(entry.nid)));
    };
    let inode = image.inode(entry.nid)?;
    let attribute = match inode.kind {
        FileKind::Regular | FileKind::Directory => attribute,
        _ => on_link(&attribute).into_owned(),
    };
    let name = image.xattr(&inode, &attribute)?.unwrap_or_default();
    if !is_true_name(&name, &entry.name) {
        return Err(ReadError::Corrupt {
            nid: entry.nid.0,
            what: "length of a long name that is not the entry's",
            found: name.len() as u64,
        });
    }
    Ok((name, Ok(inode)))
}

/// Says whether a stored name stands for a longer one.
pub(crate) fn is_shortened(stored: &[u8]) -> bool {
    attribute_of(stored).is_some()
}

/// Returns the true name of a file that is stored as `stored` and has these attributes.
pub(crate) fn true_name<'a>(stored: &'a [u8], xattrs: &'a [(Vec<u8>, Vec<u8>)]) -> &'a [u8] {
    let Some(attribute) = attribute_of(stored) else {
        return stored;
    };
    let named = xattrs.iter().find(|(key, _)| *key == attribute);
    match named {
        Some((_, name)) if is_true_name(name, stored) => name,
        _ => stored,
    }
}

/// Returns the attribute that holds the true name if `stored` looks like a shortened one.
fn attribute_of(stored: &[u8]) -> Option<Vec<u8>> {
    if stored.len() < SHORTENED_MIN {
        return None;
    }
    let (head, digits) = stored.split_at(stored.len() - DIGITS);
    let is_hex = digits
        .iter()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (is_hex && head.ends_with(b"~")).then(|| [LONG_NAME_PREFIX, digits].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_fits_is_stored_as_it_is() {
        assert_eq!(store(b"hosts"), Stored::Plain);
        assert_eq!(store(&[b'x'; 255]), Stored::Plain);
        assert_eq!(attribute_of(b"hosts"), None);
        assert_eq!(attribute_of(&[b'x'; 255]), None);
    }

    #[test]
    fn a_long_name_is_cut_at_a_character_and_found_again() {
        for name in [
            "日本語".repeat(85),
            "a".repeat(256),
            "é".repeat(200),
            format!("x{}", "日".repeat(200)),
        ] {
            let Stored::Shortened {
                name: stored,
                attribute,
            } = store(name.as_bytes())
            else {
                panic!("{name} is too long");
            };
            assert!(
                stored.len() <= NAME_MAX && stored.len() >= SHORTENED_MIN,
                "{}",
                stored.len()
            );
            assert!(std::str::from_utf8(&stored).is_ok());
            assert_eq!(attribute_of(&stored), Some(attribute));
        }
    }

    #[test]
    fn a_name_that_looks_shortened_is_shortened_itself() {
        for length in [SHORTENED_MIN, 253, 254, 255] {
            let name = ["x".repeat(length - 17), "~0123456789abcdef".to_owned()].concat();
            assert!(attribute_of(name.as_bytes()).is_some());
            let Stored::Shortened {
                name: stored,
                attribute,
            } = store(name.as_bytes())
            else {
                panic!("{name} would have two meanings");
            };
            assert_ne!(stored, name.as_bytes());
            assert_eq!(attribute_of(&stored), Some(attribute));
            assert!(is_true_name(name.as_bytes(), &stored));
        }
    }

    #[test]
    fn only_the_name_that_was_shortened_is_the_true_one() {
        let name = "日".repeat(200);
        let Stored::Shortened { name: stored, .. } = store(name.as_bytes()) else {
            panic!("too long");
        };
        assert!(is_true_name(name.as_bytes(), &stored));
        for other in ["hosts", "../../etc/passwd", &"日".repeat(201)] {
            assert!(!is_true_name(other.as_bytes(), &stored), "{other}");
        }
        let up = ["../", &"x".repeat(300)].concat();
        let Stored::Shortened { name: stored, .. } = store(up.as_bytes()) else {
            panic!("too long");
        };
        assert!(!is_true_name(up.as_bytes(), &stored));
    }

    #[test]
    fn two_long_names_with_the_same_start_stay_apart() {
        let (a, b) = ("日".repeat(254) + "a", "日".repeat(254) + "b");
        assert_ne!(store(a.as_bytes()), store(b.as_bytes()));
    }

    #[test]
    fn bytes_that_are_no_text_are_cut_anywhere() {
        let Stored::Shortened { name, .. } = store(&[0x80; 300]) else {
            panic!("too long")
        };
        assert_eq!(name.len(), NAME_MAX);
    }
}
