//! The extended attributes in which an index keeps what EROFS has no field for.
//!
//! What comes from a PAX record is named `user.` and the record's key; the value is the record's
//! value, except that base64 is decoded. So an overlay copies it up by itself, and `getfattr` on
//! a mount shows what the tar says.
//!
//! | attribute | value |
//! |---|---|
//! | `user.MSWINDOWS.fileattr` | FILE_ATTRIBUTE_* bits, decimal |
//! | `user.MSWINDOWS.rawsd` | self-relative security descriptor |
//! | `user.MSWINDOWS.mountpoint` | `1`: the link is a junction |
//! | `user.MSWINDOWS.xattr.NAME` | value of the NTFS extended attribute NAME |
//! | `user.LIBARCHIVE.creationtime`, `user.atime`, `user.ctime` | PAX time |
//! | `user.transom.…` | see the constants |
//!
//! Linux gives `user.` attributes to files and folders only, and an overlay that finds others on a
//! link cannot copy it up. On links and special files all of these are therefore called `trusted.…`.

use std::borrow::Cow;

/// FILE_ATTRIBUTE_* bits, decimal.
pub(crate) const FILE_ATTRIBUTES: &[u8] = b"user.MSWINDOWS.fileattr";
/// Self-relative security descriptor.
pub(crate) const SECURITY: &[u8] = b"user.MSWINDOWS.rawsd";
/// Present on junctions.
pub(crate) const MOUNT_POINT: &[u8] = b"user.MSWINDOWS.mountpoint";
/// Prefix of NTFS extended attributes.
pub(crate) const EA_PREFIX: &[u8] = b"user.MSWINDOWS.xattr.";
/// Creation time.
pub(crate) const CREATION: &[u8] = b"user.LIBARCHIVE.creationtime";
/// Last access.
pub(crate) const LAST_ACCESS: &[u8] = b"user.atime";
/// NTFS change time.
pub(crate) const CHANGE: &[u8] = b"user.ctime";

/// `none` on a Windows file without a DATA stream, which is not the same as an empty one.
pub(crate) const DATA_STREAM: &[u8] = b"user.transom.stream";
/// Position in the chain of the layer an entry comes from, decimal, 0 is the base. Chain indexes only.
pub(crate) const LAYER: &[u8] = b"user.transom.layer";
/// Path of a hard link's target that the layer itself does not have. Layer indexes only.
pub(crate) const LINK: &[u8] = b"user.transom.link";
/// True target of a link whose target EROFS cannot hold: empty, or longer than 4,095 bytes.
pub(crate) const TARGET: &[u8] = b"user.transom.target";
/// Target of a link that could not be made as one without privileges; writable layers only.
pub(crate) const SYMLINK: &[u8] = b"user.transom.symlink";
/// `1` on a file or folder that has, or once had, alternate streams.
pub(crate) const STREAMS: &[u8] = b"user.transom.streams";
/// Prefix of the true name of an entry whose name EROFS cannot hold; see [`super::long_name`].
pub(crate) const LONG_NAME_PREFIX: &[u8] = b"user.transom.name.";
/// `1` on a directory that no entry of the layer describes. Layer indexes only.
pub(crate) const IMPLIED: &[u8] = b"user.transom.implied";

const USER: &[u8] = b"user.";
const TRUSTED: &[u8] = b"trusted.";

/// Returns the name that `key` has on a node which may not have `user.` attributes.
pub(crate) fn on_link(key: &[u8]) -> Cow<'_, [u8]> {
    match key.strip_prefix(USER) {
        Some(rest) => Cow::Owned([TRUSTED, rest].concat()),
        None => Cow::Borrowed(key),
    }
}

/// Returns the key under which an attribute is known here: what [`on_link`] has done is undone.
pub(crate) fn plain(name: Vec<u8>) -> Vec<u8> {
    match name.strip_prefix(TRUSTED) {
        Some(rest) => {
            let key = [USER, rest].concat();
            if is_reserved(&key) { key } else { name }
        }
        None => name,
    }
}

/// Says whether an index gives this attribute a meaning of its own, so that a tar may not bring it
/// as an ordinary one.
pub(crate) fn is_reserved(key: &[u8]) -> bool {
    let key = &*match key.strip_prefix(TRUSTED) {
        Some(rest) => Cow::Owned([USER, rest].concat()),
        None => Cow::Borrowed(key),
    };
    matches!(key, CREATION | LAST_ACCESS | CHANGE)
        || key.starts_with(b"user.MSWINDOWS.")
        || key.starts_with(b"user.transom.")
}

/// Says whether an attribute tells about the index and not about the file.
pub(crate) fn is_of_index(key: &[u8]) -> bool {
    matches!(key, LAYER | LINK | TARGET | IMPLIED | STREAMS | SYMLINK)
        || key.starts_with(LONG_NAME_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_of_the_format_names_every_attribute() {
        let document = crate::layout::tests::document();
        for key in [
            FILE_ATTRIBUTES,
            SECURITY,
            MOUNT_POINT,
            EA_PREFIX,
            CREATION,
            LAST_ACCESS,
            CHANGE,
            DATA_STREAM,
            LAYER,
            LINK,
            TARGET,
            STREAMS,
            SYMLINK,
            LONG_NAME_PREFIX,
            IMPLIED,
        ] {
            let key = std::str::from_utf8(key).unwrap();
            assert!(document.contains(&format!("`{key}")), "{key}");
            assert!(is_reserved(key.as_bytes()), "{key}");
        }
    }

    #[test]
    fn the_name_on_a_link_leads_back_to_the_key() {
        for key in [SECURITY, LAYER, b"user.transom.name.0123", CREATION] {
            assert!(is_reserved(&on_link(key)));
            assert_eq!(plain(on_link(key).into_owned()), key);
            assert_eq!(plain(key.to_vec()), key);
        }
        assert_eq!(plain(b"trusted.mine".to_vec()), b"trusted.mine");
    }

    #[test]
    fn attributes_of_linux_files_are_not_reserved() {
        for key in [
            "user.mine",
            "security.capability",
            "user.mtime",
            "user.transom",
            "trusted.x",
        ] {
            assert!(!is_reserved(key.as_bytes()), "{key}");
        }
    }
}
