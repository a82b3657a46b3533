//! Folders at which something is mounted, as the kernel's table shows them.

use std::collections::HashSet;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use transom_mount::MountError;

use crate::durable::{FileError, Named};

/// Returns the folders at which something is mounted.
pub(crate) fn mounted() -> Result<HashSet<PathBuf>, MountError> {
    let table = transom_mount::table()?.into_iter();
    Ok(table.map(|mounted| mounted.target).collect())
}

/// Says whether the process that served a mount is gone.
pub(crate) fn is_dead(target: &Path) -> bool {
    rustix::fs::statvfs(target).is_err_and(|error| error == rustix::io::Errno::NOTCONN)
}

/// Returns the path of a folder as the kernel's table of mounts shows it.
pub(crate) fn real_path(folder: &Path) -> Result<PathBuf, FileError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = rustix::fs::open(folder, flags, Mode::empty()).map_err(io::Error::from);
    match open {
        Ok(open) => std::fs::read_link(format!("/proc/self/fd/{}", open.as_raw_fd()))
            .named("look up", folder),
        // A mount whose server is gone cannot be opened.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NOTCONN.raw_os_error()) => {
            std::path::absolute(folder).named("look up", folder)
        }
        Err(error) => Err(error).named("open", folder),
    }
}
