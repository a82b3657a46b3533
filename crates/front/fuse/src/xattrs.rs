//! Extended attributes: what NTFS knows and `stat` has no place for, under the names that ntfs-3g uses.
//!
//! | attribute | value |
//! |---|---|
//! | `system.ntfs_acl` | self-relative security descriptor |
//! | `system.ntfs_attrib`, `…_be` | FILE_ATTRIBUTE_* bits, 32 bits |
//! | `system.ntfs_times`, `…_be` | creation, last write, last access, change: FILETIMEs, 64 bits each |
//! | `system.ntfs_crtime`, `…_be` | creation: FILETIME |
//! | `system.ntfs_reparse_data` | REPARSE_DATA_BUFFER of a symbolic link or junction |
//! | `system.ntfs_ea` | FILE_FULL_EA_INFORMATION list, in the form that ntfs-3g takes |
//! | `user.NAME` | the alternate stream NAME, up to 64 KiB |
//!
//! Numbers are little endian, in those that end in `_be` big endian. Times that the tar does not have are the
//! last write's, as hcsshim sets them. The extended attributes of a Linux image are shown as they are.

use fuser::Errno;
use std::io::Read;
use transom_layer::Names;
use transom_ntmeta::ea::{self, Ea};
use transom_ntmeta::filetime::FileTime;
use transom_ntmeta::name;
use transom_ntmeta::reparse::{self, LinkKind};
use transom_sealed::{Kind, Metadata, Node, Tree};

use crate::names::{find_stream, stream_name};
use crate::served::errno;

#[cfg(test)]
mod tests;

/// Longest value, and longest list of names, that Linux passes on (XATTR_SIZE_MAX, XATTR_LIST_MAX), in bytes.
const VALUE_MAX: u64 = 64 * 1024;
/// Longest name that Linux passes on (XATTR_NAME_MAX), in bytes.
const NAME_MAX: usize = 255;
/// Namespace that alternate streams are shown in.
const STREAM_PREFIX: &[u8] = b"user.";

/// The attributes that do not come from streams.
const NTFS: [&[u8]; 9] = [
    b"system.ntfs_acl",
    b"system.ntfs_attrib",
    b"system.ntfs_attrib_be",
    b"system.ntfs_times",
    b"system.ntfs_times_be",
    b"system.ntfs_crtime",
    b"system.ntfs_crtime_be",
    b"system.ntfs_reparse_data",
    b"system.ntfs_ea",
];

/// Returns the names of all attributes of an entry, each ended by NUL.
pub(crate) fn list(tree: &Tree, node: &Node) -> Result<Vec<u8>, Errno> {
    let metadata = tree.metadata(node).map_err(|error| errno(&error))?;
    let mut list = Vec::new();
    let mut add = |name: &[u8]| {
        list.extend_from_slice(name);
        list.push(0);
    };
    if is_of_ntfs(tree, node) {
        for name in NTFS {
            if ntfs_value(&metadata, name)?.is_some() {
                add(name);
            }
        }
        for stream in tree.streams(node).map_err(|error| errno(&error))? {
            let size = tree.metadata(&stream).map_err(|error| errno(&error))?.size;
            let name = [STREAM_PREFIX, stream_name(&stream)].concat();
            if size <= VALUE_MAX && name.len() <= NAME_MAX {
                add(&name);
            }
        }
    }
    for (name, _) in &metadata.xattrs {
        add(name);
    }
    Ok(list)
}

/// Returns the value of one attribute; ENODATA if the entry has none of this name.
pub(crate) fn value(tree: &Tree, node: &Node, name: &[u8]) -> Result<Vec<u8>, Errno> {
    let metadata = tree.metadata(node).map_err(|error| errno(&error))?;
    let own = metadata.xattrs.iter().find(|(own, _)| own == name);
    if let Some((_, value)) = own {
        return Ok(value.clone());
    }
    if !is_of_ntfs(tree, node) {
        return Err(Errno::ENODATA);
    }
    if let Some(value) = ntfs_value(&metadata, name)? {
        return Ok(value);
    }
    let stream = name.strip_prefix(STREAM_PREFIX).ok_or(Errno::ENODATA)?;
    let stream = find_stream(tree, node, stream).map_err(|error| errno(&error))?;
    let stream = stream.ok_or(Errno::ENODATA)?;
    let mut data = tree.open_data(&stream).map_err(|error| errno(&error))?;
    if data.size() > VALUE_MAX {
        return Err(Errno::E2BIG);
    }
    let mut value = Vec::new();
    data.read_to_end(&mut value).map_err(|_| Errno::EIO)?;
    Ok(value)
}

/// Says whether an entry has attributes of NTFS: a stream is no entry of its own.
fn is_of_ntfs(tree: &Tree, node: &Node) -> bool {
    tree.names() == Names::Windows && name::split_stream(node.name()).1.is_none()
}

fn ntfs_value(metadata: &Metadata, name: &[u8]) -> Result<Option<Vec<u8>>, Errno> {
    let attributes = metadata.attributes.map(|attributes| attributes.bits());
    Ok(match name {
        b"system.ntfs_acl" => metadata.security.clone(),
        b"system.ntfs_attrib" => attributes.map(|bits| bits.to_le_bytes().to_vec()),
        b"system.ntfs_attrib_be" => attributes.map(|bits| bits.to_be_bytes().to_vec()),
        b"system.ntfs_times" => Some(times(metadata).map(i64::to_le_bytes).concat()),
        b"system.ntfs_times_be" => Some(times(metadata).map(i64::to_be_bytes).concat()),
        b"system.ntfs_crtime" => Some(times(metadata)[0].to_le_bytes().to_vec()),
        b"system.ntfs_crtime_be" => Some(times(metadata)[0].to_be_bytes().to_vec()),
        b"system.ntfs_reparse_data" => reparse_buffer(metadata)?,
        b"system.ntfs_ea" if !metadata.eas.is_empty() => Some(ea_list(&metadata.eas)?),
        _ => None,
    })
}

/// Returns the times as ntfs-3g orders them.
fn times(metadata: &Metadata) -> [i64; 4] {
    let modified = metadata.modified;
    [
        metadata.created.unwrap_or(modified),
        modified,
        metadata.accessed.unwrap_or(modified),
        metadata.changed.unwrap_or(modified),
    ]
    .map(|time| FileTime::from_unix_wrapping(time).0)
}

fn reparse_buffer(metadata: &Metadata) -> Result<Option<Vec<u8>>, Errno> {
    let kind = match metadata.kind {
        Kind::Symlink => LinkKind::Symlink,
        Kind::Junction => LinkKind::MountPoint,
        Kind::File | Kind::Directory | Kind::Special => return Ok(None),
    };
    let target = metadata.target.as_deref().unwrap_or_default();
    let target = std::str::from_utf8(target).map_err(|_| Errno::EIO)?;
    let buffer = reparse::encode_link(kind, target).map_err(|_| Errno::EIO)?;
    Ok(Some(buffer))
}

/// Encodes extended attributes; the last entry's offset leads to the list's end, which ntfs-3g insists on.
fn ea_list(eas: &[(Vec<u8>, Vec<u8>)]) -> Result<Vec<u8>, Errno> {
    let make = |(name, value): &(Vec<u8>, Vec<u8>)| Ea {
        name: name.clone(),
        value: value.clone(),
        flags: 0,
    };
    let eas: Vec<Ea> = eas.iter().map(make).collect();
    let mut list = ea::encode(&eas).map_err(|_| Errno::EIO)?;
    let mut last = 0;
    while let Some(next) = next_entry(&list, last) {
        last = next;
    }
    let left = u32::try_from(list.len() - last).map_err(|_| Errno::EIO)?;
    list[last..last + 4].copy_from_slice(&left.to_le_bytes());
    Ok(list)
}

/// Returns where the entry after the one at `at` begins.
fn next_entry(list: &[u8], at: usize) -> Option<usize> {
    let offset = list[at..].first_chunk()?;
    match u32::from_le_bytes(*offset) {
        0 => None,
        next => Some(at + next as usize),
    }
}
