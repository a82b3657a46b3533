//! Mounting EROFS images.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::fs::statfs;
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use crate::argument::Argument;
use crate::context::Context;
use crate::detached::Detached;
use crate::error::{MountError, Named};
use crate::loop_device::{Access, LoopDevice};

/// `OVERLAYFS_SUPER_MAGIC` of linux/magic.h.
pub(crate) const OVERLAYFS: i64 = 0x794c_7630;

/// What an EROFS image is mounted through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The files themselves (Linux 6.12).
    File,
    /// A loop device for the image and for each extra device.
    Loop,
}

/// Mounts an EROFS image read-only; its extra devices are `devices`, in the order that the image names them.
///
/// With `via` that way is taken or none. Without it, files are preferred, and loop devices taken where
/// the kernel refuses files; on an overlay it is the other way round. Overlays stack only two deep: an image
/// on one, mounted through its file, could not be the lower of another, and newer kernels do not mount it.
///
/// Needs a descriptor for each device while it runs: those with a path of more than 255 bytes, or all if through
/// loop devices.
///
/// # Errors
///
/// [`Kind::Unsupported`](crate::Kind::Unsupported) if the kernel has no EROFS, or refuses files and `via` asks
/// for them.
pub fn erofs(
    index: &Path,
    devices: &[PathBuf],
    via: Option<Via>,
) -> Result<(Detached, Via), MountError> {
    // The kernel does not say which of the files is missing.
    for path in devices {
        fs::metadata(path).named("look at", path)?;
    }
    let on_overlay = statfs(index).named("look at", index)?.f_type == OVERLAYFS;
    match via {
        Some(Via::File) => through_files(index, devices),
        Some(Via::Loop) => through_loops(index, devices),
        None if on_overlay => {
            through_loops(index, devices).or_else(|_| through_files(index, devices))
        }
        None => match through_files(index, devices) {
            Err(error) if error.errno() == Some(Errno::NOTBLK) => through_loops(index, devices),
            result => result,
        },
    }
}

fn through_files(index: &Path, devices: &[PathBuf]) -> Result<(Detached, Via), MountError> {
    let source = Argument::new(index)?;
    let devices: Vec<_> = devices
        .iter()
        .map(|path| Argument::new(path))
        .collect::<Result<_, _>>()?;
    let context = Context::new("erofs", index)?;
    context.set("source", source.text())?;
    for device in &devices {
        context.set("device", device.text())?;
    }
    Ok((mount(context)?, Via::File))
}

fn through_loops(index: &Path, devices: &[PathBuf]) -> Result<(Detached, Via), MountError> {
    let read_only = |path: &Path| {
        let file = File::open(path).named("open", path)?;
        LoopDevice::new(&file, path, Access::Read)
    };
    let source = read_only(index)?;
    let devices: Vec<_> = devices
        .iter()
        .map(|path| read_only(path))
        .collect::<Result<_, _>>()?;
    let context = Context::new("erofs", index)?;
    context.set("source", source.node())?;
    for device in &devices {
        context.set("device", device.node())?;
    }
    Ok((mount(context)?, Via::Loop))
}

fn mount(context: Context) -> Result<Detached, MountError> {
    context.set_flag("ro")?;
    context.mount(MountAttrFlags::MOUNT_ATTR_RDONLY)
}
