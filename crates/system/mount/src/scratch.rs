//! Scratch images: ext4 file systems of a fixed size, each in a sparse file.
//!
//! A scratch image limits what an overlay's upper folder may take, to the few per cent that the file system itself
//! needs. It keeps extended attributes of up to 64 KiB. The file takes the room of what is in it: deleting
//! gives room back to the host.
//!
//! A mounted image is locked (`flock`) through its loop device, so mounting it a second time, which would destroy
//! it, is refused in every process; the lock ends with the mount, however that ends.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{
    FallocateFlags, FlockOperation, Mode, OFlags, fallocate, flock, fstatvfs, openat,
};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use crate::context::Context;
use crate::detached::Detached;
use crate::error::{Kind, MountError, Named, Reason};
use crate::ioctl::{resize_ext4, update_loop_capacity};
use crate::loop_device::{Access, LoopDevice, loop_devices_of};
use crate::table::table;

mod e2fsprogs;

/// Smallest scratch image, in bytes: 16 MiB, of which the journal takes four.
pub const MINIMUM_SIZE: u64 = 16 << 20;

/// How long a mount that its owner has dropped may live on: a program that another thread is just
/// starting has its descriptor until it runs.
const LINGERING: Duration = Duration::from_millis(500);

/// Makes the new scratch image `path` of `size` bytes; the root of its file system belongs to the caller's user.
///
/// Needs the program `mke2fs` (package e2fsprogs), but no privilege.
///
/// # Errors
///
/// [`Kind::TooSmall`] below [`MINIMUM_SIZE`], [`Kind::NoProgram`] without `mke2fs`. Nothing is left at `path` then.
pub fn create(path: &Path, size: u64) -> Result<(), MountError> {
    if size < MINIMUM_SIZE {
        return Err(Reason::TooSmall { size }.into());
    }
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .named("create", path)?;
    let result = fill(&file, path, size);
    if result.is_err() {
        // The first error tells more than that of the clean-up would.
        let _ = fs::remove_file(path);
    }
    result
}

fn fill(file: &File, path: &Path, size: u64) -> Result<(), MountError> {
    file.set_permissions(Permissions::from_mode(0o600))
        .named("set the mode of", path)?;
    file.set_len(size).named("set the size of", path)?;
    e2fsprogs::make(path, size)?;
    file.sync_all().named("sync", path)
}

/// Mounts the scratch image `path`, read-write.
///
/// # Errors
///
/// [`Kind::Busy`] if it is mounted already, attached or not.
pub fn mount(path: &Path) -> Result<Detached, MountError> {
    let file = lock(path)?;
    mount_locked(&file, path)
}

/// Tells where the scratch image `path` is attached, if it is; the first place, if at several.
///
/// # Errors
///
/// [`Kind::NotFound`] if there is no such image.
pub fn attached(path: &Path) -> Result<Option<PathBuf>, MountError> {
    let devices = loop_devices_of(path)?;
    let mut mounts = if devices.is_empty() {
        Vec::new()
    } else {
        table()?
    }
    .into_iter();
    let is_ours = |number| devices.iter().any(|device| device.number == number);
    Ok(mounts
        .find(|mounted| is_ours(mounted.device_number()))
        .map(|mounted| mounted.target))
}

/// Grows the scratch image `path` to `size` bytes: while it is mounted, with `mounted_at` the folder where, or at rest.
///
/// May be repeated: after a failure half-way, or with the size that the image has.
///
/// The kernel does it, safe against a crash, for which it wants `CAP_SYS_RESOURCE`. A caller without that can grow an
/// image at rest only, with the programs of e2fsprogs: do not interrupt those.
///
/// # Errors
///
/// [`Kind::Shrinks`] if `size` is less than the image has, [`Kind::Busy`] if it is mounted and `mounted_at` does
/// not say where, [`Kind::NotFound`] if something else is mounted there.
pub fn grow(path: &Path, mounted_at: Option<&Path>, size: u64) -> Result<(), MountError> {
    match mounted_at {
        Some(target) => grow_mounted(path, target, size),
        None => {
            let file = lock(path)?;
            lengthen(&file, path, size)?;
            match grow_at_rest(&file, path, size) {
                Err(error) if error.kind() == Kind::Denied => {
                    wait_until_free(&file, path)?;
                    e2fsprogs::grow(path)?;
                    file.sync_all().named("sync", path)
                }
                result => result,
            }
        }
    }
}

fn grow_mounted(path: &Path, target: &Path, size: u64) -> Result<(), MountError> {
    let root = File::open(target).named("open", target)?;
    let number = root.metadata().named("look at", target)?.dev();
    let mut devices = loop_devices_of(path)?.into_iter();
    let Some(device) = devices.find(|device| device.number == number) else {
        let (image, target) = (path.to_owned(), target.to_owned());
        return Err(Reason::NotMountedThere { image, target }.into());
    };
    lengthen(&open(path)?, path, size)?;
    File::open(&device.node)
        .and_then(|file| Ok(update_loop_capacity(file)?))
        .named("update the size of", &device.node)?;
    resize(&root, path, size)
}

fn grow_at_rest(file: &File, path: &Path, size: u64) -> Result<(), MountError> {
    let mount = mount_locked(file, path)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = openat(&mount, ".", flags, Mode::empty()).named("open the root of", path)?;
    resize(&root.into(), path, size)
}

fn open(path: &Path) -> Result<File, MountError> {
    let options = File::options().read(true).write(true).open(path);
    options.named("open", path)
}

/// Opens an image that nobody has mounted. A loop device made of the file inherits the lock.
fn lock(path: &Path) -> Result<File, MountError> {
    let file = open(path)?;
    wait_until_free(&file, path)?;
    Ok(file)
}

/// Waits a little until nobody has the image mounted, and locks it.
fn wait_until_free(file: &File, path: &Path) -> Result<(), MountError> {
    let end = Instant::now() + LINGERING;
    while !is_free(file, path)? {
        if Instant::now() >= end || attached(path)?.is_some() {
            let path = path.to_owned();
            return Err(Reason::ImageInUse { path }.into());
        }
        sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn is_free(file: &File, path: &Path) -> Result<bool, MountError> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::AGAIN) => return Ok(false),
        result => result.named("lock", path)?,
    }
    // Other programs that mount the file take no lock.
    Ok(loop_devices_of(path)?.is_empty())
}

fn mount_locked(file: &File, path: &Path) -> Result<Detached, MountError> {
    let device = LoopDevice::new(file, path, Access::Write)?;
    let context = Context::new("ext4", path)?;
    context.set("source", device.node())?;
    // Deleted data becomes holes in the file.
    context.set_flag("discard")?;
    context.mount(MountAttrFlags::empty())
}

/// Makes the file `size` bytes long, unless it is longer.
fn lengthen(file: &File, path: &Path, size: u64) -> Result<(), MountError> {
    let from = file.metadata().named("look at", path)?.len();
    if size < from {
        let path = path.to_owned();
        return Err(Reason::Shrinks {
            path,
            from,
            to: size,
        }
        .into());
    }
    // Unlike set_len this cannot cut off what another process has just added.
    fallocate(file, FallocateFlags::empty(), size - 1, 1).named("enlarge", path)
}

/// Grows the file system that `root` is in to the blocks that fit into `size` bytes.
fn resize(root: &File, path: &Path, size: u64) -> Result<(), MountError> {
    let block = fstatvfs(root)
        .named("look at the file system of", path)?
        .f_bsize;
    resize_ext4(root, size / block).named("grow the file system of", path)?;
    root.sync_all().named("sync the file system of", path)
}
