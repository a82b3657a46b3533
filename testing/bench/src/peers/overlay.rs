//! Overlay mounts of unpacked layers: the kernel's, and fuse-overlayfs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::peers::find;

/// Unpacked layers, in folders called 0, 1 … from the base up.
#[derive(Debug, Clone)]
pub(crate) struct Lowers {
    /// The folder they are in.
    pub(crate) folder: PathBuf,
    /// How many there are.
    pub(crate) count: usize,
}

impl Lowers {
    /// The topmost comes first. Paths are short: they have to fit into one page.
    fn option(&self) -> String {
        let names: Vec<String> = (0..self.count).rev().map(|name| name.to_string()).collect();
        format!("lowerdir={}", names.join(":"))
    }

    /// The command that has the kernel mount them.
    ///
    /// # Errors
    /// If there is no `mount`.
    pub(crate) fn kernel(&self, target: &Path) -> Result<Command> {
        let mut command = Command::new(find("mount")?);
        command.args(["-t", "overlay", "overlay", "-o", &self.option()]);
        command.arg(target).current_dir(&self.folder);
        Ok(command)
    }

    /// The command that has fuse-overlayfs mount them; it goes on in the background.
    ///
    /// # Errors
    /// If it is not installed.
    pub(crate) fn fuse(&self, target: &Path) -> Result<Command> {
        let mut command = Command::new(find("fuse-overlayfs")?);
        command.args(["-o", &self.option()]);
        command.arg(target).current_dir(&self.folder);
        Ok(command)
    }
}

/// The command that unmounts a folder.
///
/// # Errors
/// If there is no `umount`.
pub(crate) fn unmount(target: &Path) -> Result<Command> {
    let mut command = Command::new(find("umount")?);
    command.arg(target);
    Ok(command)
}
