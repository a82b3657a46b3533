//! Paths as values of mount options.
//!
//! The kernel takes at most 255 bytes for a value, and overlayfs gives a meaning to commas, colons and
//! backslashes in one. A path that is too long or has such a character goes through a descriptor instead.

use std::ffi::OsStr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf, absolute};

use rustix::fs::{Mode, OFlags, open};

use crate::error::{MountError, Named};

/// Longest value of an option, in bytes: `fsconfig` copies 256 with the closing zero.
const LONGEST: usize = 255;

/// A path that can be given to `fsconfig`; keep it until the mount is made.
#[derive(Debug)]
pub(crate) struct Argument {
    text: PathBuf,
    _open: Option<OwnedFd>,
}

impl Argument {
    /// Makes an argument of a path that exists.
    pub(crate) fn new(path: &Path) -> Result<Self, MountError> {
        let text = absolute(path).named("find", path)?;
        let bytes = text.as_os_str().as_bytes();
        if bytes.len() <= LONGEST && !bytes.iter().any(|byte| b",:\\".contains(byte)) {
            return Ok(Self { text, _open: None });
        }
        let file = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).named("open", path)?;
        Ok(Self {
            text: descriptor_path(&file),
            _open: Some(file),
        })
    }

    pub(crate) fn text(&self) -> &OsStr {
        self.text.as_os_str()
    }
}

/// Returns the path that leads to an open file of this process.
pub(crate) fn descriptor_path(file: &impl AsRawFd) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}
