//! Extended attributes on files of this machine.

use std::fs::File;

use anyhow::Result;

/// Sets extended attributes of a file or folder that is open.
#[cfg(unix)]
pub(super) fn set_xattrs(file: &File, xattrs: &[(Vec<u8>, Vec<u8>)]) -> Result<()> {
    use anyhow::Context;
    use rustix::fs::{XattrFlags, fsetxattr};

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

/// Refuses: this system has no extended attributes.
#[cfg(not(unix))]
pub(super) fn set_xattrs(_file: &File, _xattrs: &[(Vec<u8>, Vec<u8>)]) -> Result<()> {
    anyhow::bail!("--metadata needs extended attributes, which this system does not have")
}
