//! The header that the canonical writer gives a Windows file (go-winio backuptar, hcsshim for hard links).

use super::classify::has_directory_bit;
use super::{
    CREATION_TIME, EA_PREFIX, FILE_ATTRIBUTES, MOUNT_POINT, MetadataError, RAW_SECURITY,
    WindowsMetadata, encode_base64,
};
use crate::parse::{EntryKind, check_pax_record};
use crate::write::Header;

/// Mode bits as backuptar writes them: a file type and no permissions.
const MODE_DIRECTORY: u32 = 0o040000;
const MODE_FILE: u32 = 0o100000;
const MODE_LINK: u32 = 0o120000;
/// hcsshim gives hard links, and only them, permissions.
const MODE_HARD_LINK: u32 = 0o644;

/// What a Windows file to write is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape<'a> {
    /// A directory.
    Directory,
    /// A file with a main stream of `size` bytes.
    File {
        /// Bytes of the main stream.
        size: u64,
    },
    /// An empty file whose backup stream had no main stream at all.
    FileWithoutData,
    /// A symbolic link, to a directory if the attributes say so.
    Symlink {
        /// The print name, backslashes kept.
        target: &'a [u8],
    },
    /// A mount point.
    Junction {
        /// The print name, backslashes kept.
        target: &'a [u8],
    },
    /// Another name of a file that stands earlier in the tar. Security and extended attributes are with that one.
    HardLink {
        /// Name of the earlier entry.
        target: &'a [u8],
    },
    /// An alternate stream, right after its file's entry.
    Stream {
        /// Bytes of the stream.
        size: u64,
        /// Mode of the file's entry.
        mode: u32,
    },
}

/// Makes the header of an entry.
///
/// A stream takes only the three times of `metadata`, as its file's entry holds the rest; a hard link takes the
/// four times and the attributes. Only the symlink and junction shapes tell `mount_point`; the field is not looked at.
///
/// # Errors
/// An extended attribute whose name cannot be part of a PAX key, or that is there twice.
pub fn to_header(
    name: &[u8],
    shape: &Shape<'_>,
    metadata: &WindowsMetadata,
) -> Result<Header, MetadataError> {
    let link_mode = match has_directory_bit(metadata.attributes) {
        true => MODE_LINK | MODE_DIRECTORY,
        false => MODE_LINK,
    };
    let (kind, mode, size, target): (_, _, _, &[u8]) = match *shape {
        Shape::Directory => (EntryKind::Directory, MODE_DIRECTORY, 0, b""),
        Shape::File { size } => (EntryKind::File, MODE_FILE, size, b""),
        Shape::FileWithoutData => (EntryKind::File, 0, 0, b""),
        Shape::Symlink { target } | Shape::Junction { target } => {
            (EntryKind::Symlink, link_mode, 0, target)
        }
        Shape::HardLink { target } => (EntryKind::HardLink, MODE_HARD_LINK, 0, target),
        Shape::Stream { size, mode } => (EntryKind::File, mode, size, b""),
    };
    let mut header = Header::new(kind, name);
    header.mode = mode;
    header.size = size;
    header.link_name = target.to_vec();
    header.mtime = metadata.last_write;
    header.atime = metadata.last_access;
    header.ctime = metadata.change;
    if matches!(shape, Shape::Stream { .. }) {
        return Ok(header);
    }
    let mut set = |key: &[u8], value: Vec<u8>| header.pax.insert(key.to_vec(), value);
    if let Some(attributes) = metadata.attributes {
        set(FILE_ATTRIBUTES, attributes.to_string().into_bytes());
    }
    if let Some(creation) = metadata.creation {
        set(CREATION_TIME, creation.to_pax().into_bytes());
    }
    if matches!(shape, Shape::HardLink { .. }) {
        return Ok(header);
    }
    if let Some(security) = &metadata.security {
        set(RAW_SECURITY, encode_base64(security));
    }
    if matches!(shape, Shape::Junction { .. }) {
        set(MOUNT_POINT, b"1".to_vec());
    }
    for (ea, value) in &metadata.eas {
        let key = [EA_PREFIX, ea].concat();
        let refuse = |rule| MetadataError::EaName {
            name: name.to_vec(),
            ea: ea.clone(),
            rule,
        };
        check_pax_record(&key, b"").map_err(refuse)?;
        if set(&key, encode_base64(value)).is_some() {
            return Err(refuse("the file has two of that name"));
        }
    }
    Ok(header)
}
