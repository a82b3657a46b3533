//! Names, links and extended attributes on Unix.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cap_std::fs::Dir;
use rustix::fs::{XattrFlags, fsetxattr};
use transom_layer::Names;

/// Returns a name of an image as this system has it.
pub(super) fn as_path(name: &[u8]) -> Result<PathBuf> {
    Ok(PathBuf::from(OsStr::from_bytes(name)))
}

/// Makes a link: a relative target is written this system's way, others stay as they are.
///
/// All links can be made here.
pub(super) fn link(
    folder: &Dir,
    name: &Path,
    target: &[u8],
    names: Names,
    _to_folder: bool,
) -> Result<bool> {
    let is_relative = !target.contains(&b':') && !target.starts_with(b"\\");
    let target = match names {
        Names::Windows if is_relative => {
            let byte = |byte: &u8| if *byte == b'\\' { b'/' } else { *byte };
            target.iter().map(byte).collect()
        }
        _ => target.to_vec(),
    };
    super::remove_file(folder, name)?;
    anyhow::ensure!(!target.is_empty(), "the link has no target");
    // The target is only text here: nothing is ever opened through the link.
    folder.symlink_contents(as_path(&target)?, name)?;
    Ok(true)
}

/// Sets extended attributes of a file or folder that is open.
pub(super) fn set_xattrs(file: &File, xattrs: &[(Vec<u8>, Vec<u8>)]) -> Result<()> {
    for (name, value) in xattrs {
        fsetxattr(file, name.as_slice(), value, XattrFlags::empty()).with_context(|| {
            format!(
                "cannot set the extended attribute {}",
                crate::show::text(name)
            )
        })?;
    }
    Ok(())
}
