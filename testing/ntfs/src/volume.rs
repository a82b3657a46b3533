//! A volume on a plain file: no loop device, no partition.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::mount::Mount;
use crate::object::Object;
use crate::{fill, record};

/// Size of every volume in bytes, most of it holes.
const SIZE: u64 = 256 << 20;

/// A volume in a temporary folder, mounted read-only; dropping it unmounts and deletes it.
#[derive(Debug)]
pub struct Volume {
    // Before the folder that it is in, because fields are dropped in this order.
    _mount: Mount,
    dir: TempDir,
}

impl Volume {
    /// Makes a volume that holds `objects`, in the order that folders come before what is in them.
    ///
    /// # Errors
    /// If a program fails, or ntfs-3g refuses something; the error says what of which file.
    pub fn holding(objects: &[Object]) -> Result<Self> {
        let dir = tempfile::tempdir().context("cannot make a folder")?;
        let (image, root) = (image(dir.path()), root(dir.path()));
        File::create(&image)?.set_len(SIZE)?;
        fs::create_dir(&root)?;
        format(&image)?;
        let mount = Mount::new(&image, &root, "noatime")?;
        let numbers = fill::fill(&root, objects)?;
        mount.unmount()?;
        record::complete(&image, numbers.into_iter().zip(objects))?;
        let mount = Mount::new(&image, &root, "ro")?;
        Ok(Self { _mount: mount, dir })
    }

    /// Returns where it is mounted.
    pub fn root(&self) -> PathBuf {
        root(self.dir.path())
    }

    /// Returns the file that it is on.
    pub fn image(&self) -> PathBuf {
        image(self.dir.path())
    }
}

fn image(dir: &Path) -> PathBuf {
    dir.join("volume.img")
}

fn root(dir: &Path) -> PathBuf {
    dir.join("mount")
}

fn format(image: &Path) -> Result<()> {
    let made = Command::new("mkntfs")
        .args(["--force", "--quick", "--quiet"])
        .arg(image)
        .output()
        .context("cannot start mkntfs")?;
    let said = String::from_utf8_lossy(&made.stderr);
    ensure!(made.status.success(), "mkntfs failed: {said}");
    Ok(())
}

/// Says what a machine lacks to make volumes; `None` if nothing.
pub fn missing() -> Option<&'static str> {
    let starts = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !rustix::process::geteuid().is_root() {
        Some("root")
    } else if File::options().write(true).open("/dev/fuse").is_err() {
        Some("/dev/fuse")
    } else if !starts("mkntfs") || !starts("ntfs-3g") {
        Some("mkntfs and ntfs-3g (Debian package ntfs-3g)")
    } else {
        None
    }
}
