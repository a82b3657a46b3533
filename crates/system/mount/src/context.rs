//! The making of one mount: `fsopen`, `fsconfig`, `fsmount` (Linux 5.2).

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::io::{Errno, read};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen,
};

use crate::detached::Detached;
use crate::error::{MountError, Named};

/// The kernel keeps at most this many messages for a context (`struct fc_log`).
const MESSAGES: usize = 8;

/// A mount under construction.
#[derive(Debug)]
pub(crate) struct Context {
    context: OwnedFd,
    what: PathBuf,
}

impl Context {
    /// Begins the mount of `what`, whose path is for messages only.
    pub(crate) fn new(file_system: &str, what: &Path) -> Result<Self, MountError> {
        let context = fsopen(file_system, FsOpenFlags::FSOPEN_CLOEXEC).named("mount", what)?;
        Ok(Self {
            context,
            what: what.to_owned(),
        })
    }

    pub(crate) fn set(&self, key: &str, value: impl AsRef<OsStr>) -> Result<(), MountError> {
        fsconfig_set_string(&self.context, key, value.as_ref())
            .map_err(|errno| self.fail(format!("set the option {key} for"), errno))
    }

    pub(crate) fn set_flag(&self, key: &str) -> Result<(), MountError> {
        fsconfig_set_flag(&self.context, key)
            .map_err(|errno| self.fail(format!("set the option {key} for"), errno))
    }

    /// Makes the mount: `nosuid,nodev`, and with the attributes given.
    pub(crate) fn mount(self, attributes: MountAttrFlags) -> Result<Detached, MountError> {
        let attributes =
            attributes | MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
        fsconfig_create(&self.context)
            .and_then(|()| fsmount(&self.context, FsMountFlags::FSMOUNT_CLOEXEC, attributes))
            .map(|mount| Detached::new(mount, self.what.clone()))
            .map_err(|errno| self.fail("mount", errno))
    }

    fn fail(&self, step: impl Into<String>, errno: Errno) -> MountError {
        MountError::system(step, &self.what, self.messages(), errno.into())
    }

    /// Reads what the kernel wrote into the context: one message a read, such as `e overlay: …\n`.
    fn messages(&self) -> Vec<String> {
        let mut buffer = [0; 1024];
        let mut messages = Vec::new();
        while messages.len() < MESSAGES
            && let Ok(length) = read(&self.context, &mut buffer)
        {
            let text = String::from_utf8_lossy(&buffer[..length]);
            let text = text.trim_end();
            messages.push(text.get(2..).unwrap_or(text).to_owned());
        }
        messages
    }
}
