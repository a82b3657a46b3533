//! Extended attributes of ntfs-3g, of links themselves and not of what they lead to.

use std::path::Path;

use anyhow::{Context, Result};
use rustix::fs::{XattrFlags, lgetxattr, llistxattr, lsetxattr};
use rustix::io::Errno;

/// Self-relative security descriptor.
pub(crate) const SECURITY: &str = "system.ntfs_acl";
/// FILE_ATTRIBUTE_* bits, 32 bits, little endian.
pub(crate) const ATTRIBUTES: &str = "system.ntfs_attrib";
/// Creation, last write, last access, change: FILETIMEs, 64 bits each, little endian.
pub(crate) const TIMES: &str = "system.ntfs_times";
/// EA list.
pub(crate) const EAS: &str = "system.ntfs_ea";
/// REPARSE_DATA_BUFFER.
pub(crate) const REPARSE: &str = "system.ntfs_reparse_data";
/// Names of the alternate streams with NUL between them; only there with `streams_interface=windows`.
pub(crate) const STREAMS: &str = "ntfs.streams.list";

/// Longest value that Linux passes on (XATTR_SIZE_MAX). ntfs-3g answers too small a buffer with EIO.
const VALUE_MAX: usize = 64 * 1024;

pub(crate) fn get(path: &Path, name: &str) -> Result<Option<Vec<u8>>> {
    let mut value = vec![0; VALUE_MAX];
    match lgetxattr(path, name, &mut value) {
        Ok(size) => {
            value.truncate(size);
            Ok(Some(value))
        }
        Err(Errno::NODATA) => Ok(None),
        Err(error) => {
            Err(error).with_context(|| format!("cannot read {name} of {}", path.display()))
        }
    }
}

pub(crate) fn set(path: &Path, name: &str, value: &[u8]) -> Result<()> {
    lsetxattr(path, name, value, XattrFlags::empty()).with_context(|| {
        format!(
            "cannot set {name} of {}, {} bytes",
            path.display(),
            value.len()
        )
    })
}

/// Returns the names of all attributes.
pub(crate) fn list(path: &Path) -> Result<Vec<String>> {
    let mut names = vec![0; VALUE_MAX];
    let size = llistxattr(path, &mut names)
        .with_context(|| format!("cannot list the attributes of {}", path.display()))?;
    names.truncate(size);
    split(&names)
}

/// Splits a list with NUL between or after its names.
pub(crate) fn split(names: &[u8]) -> Result<Vec<String>> {
    let names = std::str::from_utf8(names).context("the name of a stream is not UTF-8")?;
    let names = names.split('\0').filter(|name| !name.is_empty());
    Ok(names.map(str::to_owned).collect())
}
