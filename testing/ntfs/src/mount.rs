//! A running ntfs-3g, which is the mount.

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::mount::UnmountFlags;

/// How long a mount may take to appear.
const PATIENCE: Duration = Duration::from_secs(30);

/// A mount of an image; dropping it unmounts.
#[derive(Debug)]
pub(crate) struct Mount {
    program: Child,
    point: PathBuf,
    is_mounted: bool,
}

impl Mount {
    /// Mounts `image` at `point`, with options beside those that every mount has.
    pub(crate) fn new(image: &Path, point: &Path, options: &str) -> Result<Self> {
        let before = fs::metadata(point)?.dev();
        // Without no_detach, nothing would say when the last byte is written after unmounting.
        let options = format!("no_detach,streams_interface=windows,{options}");
        let program = Command::new("ntfs-3g")
            .args(["-o", &options])
            .args([image, point])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start ntfs-3g")?;
        let mut mount = Self {
            program,
            point: point.to_owned(),
            is_mounted: false,
        };
        let start = Instant::now();
        while fs::metadata(point)?.dev() == before {
            if mount.program.try_wait()?.is_some() || start.elapsed() > PATIENCE {
                let _ = mount.program.kill();
                let mut said = String::new();
                if let Some(mut stderr) = mount.program.stderr.take() {
                    stderr.read_to_string(&mut said)?;
                }
                bail!("ntfs-3g did not mount {}: {said}", image.display());
            }
            thread::sleep(Duration::from_millis(5));
        }
        mount.is_mounted = true;
        Ok(mount)
    }

    /// Unmounts, and waits until all is written.
    pub(crate) fn unmount(mut self) -> Result<()> {
        rustix::mount::unmount(&self.point, UnmountFlags::empty())
            .with_context(|| format!("cannot unmount {}", self.point.display()))?;
        self.is_mounted = false;
        let status = self.program.wait()?;
        if !status.success() {
            bail!("ntfs-3g of {} ended with {status}", self.point.display());
        }
        Ok(())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if self.is_mounted {
            let _ = rustix::mount::unmount(&self.point, UnmountFlags::DETACH);
        }
        let _ = self.program.wait();
    }
}
