//! Loop devices: files as block devices.

use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::makedev;
use rustix::io::Errno;

use crate::error::{MountError, Named};
use crate::ioctl::{configure_loop, free_loop_number};

const CONTROL: &str = "/dev/loop-control";
const DEVICES: &str = "/sys/block";

/// How often another process may take the free device that we were told of.
const ATTEMPTS: u32 = 1000;

/// What may be done with a loop device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// A loop device; the kernel frees it when this is gone and nothing is mounted from it.
#[derive(Debug)]
pub(crate) struct LoopDevice {
    node: PathBuf,
    _device: File,
}

impl LoopDevice {
    /// Backs a free loop device with `file`, which was opened at `path`.
    pub(crate) fn new(file: &File, path: &Path, access: Access) -> Result<Self, MountError> {
        let control = Path::new(CONTROL);
        let control_file = File::options()
            .read(true)
            .write(true)
            .open(control)
            .named("open", control)?;
        let write = access == Access::Write;
        let mut attempts = 0;
        loop {
            let number =
                free_loop_number(&control_file).named("get a free loop device from", control)?;
            let node = PathBuf::from(format!("/dev/loop{number}"));
            let device = File::options()
                .read(true)
                .write(write)
                .open(&node)
                .named("open", &node)?;
            attempts += 1;
            match configure_loop(&device, file, !write) {
                Ok(()) => {
                    return Ok(Self {
                        node,
                        _device: device,
                    });
                }
                Err(Errno::BUSY) if attempts < ATTEMPTS => {}
                Err(errno) => return Err(errno).named("make a loop device of", path),
            }
        }
    }

    /// Returns the path of the device.
    pub(crate) fn node(&self) -> &Path {
        &self.node
    }
}

/// A loop device that a file backs.
#[derive(Debug)]
pub(crate) struct Backed {
    /// The path of the device.
    pub(crate) node: PathBuf,
    /// The device number, as `st_dev` of a file on it has it.
    pub(crate) number: u64,
}

/// Finds the loop devices that the file at `path` backs, under whatever name.
pub(crate) fn loop_devices_of(path: &Path) -> Result<Vec<Backed>, MountError> {
    let wanted = fs::metadata(path).named("look at", path)?;
    let devices = Path::new(DEVICES);
    let mut found = Vec::new();
    for entry in fs::read_dir(devices).named("list", devices)? {
        let name = entry.named("list", devices)?.file_name();
        let folder = devices.join(&name);
        let Some(backing) = backing_file(&folder)? else {
            continue;
        };
        let same = fs::metadata(&backing)
            .is_ok_and(|backing| (backing.dev(), backing.ino()) == (wanted.dev(), wanted.ino()));
        if same && let Some(number) = device_number(&folder.join("dev"))? {
            let node = Path::new("/dev").join(&name);
            found.push(Backed { node, number });
        }
    }
    Ok(found)
}

/// Reads which file backs a device; `None` for one that is free or no loop device.
fn backing_file(device: &Path) -> Result<Option<PathBuf>, MountError> {
    let path = device.join("loop/backing_file");
    let Some(mut bytes) = read_attribute(&path)? else {
        return Ok(None);
    };
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Ok(Some(std::ffi::OsString::from_vec(bytes).into()))
}

/// Reads a device number such as `7:3`; `None` if the device went away meanwhile.
fn device_number(path: &Path) -> Result<Option<u64>, MountError> {
    let Some(bytes) = read_attribute(path)? else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&bytes);
    Ok(text
        .trim_end()
        .split_once(':')
        .and_then(|(major, minor)| Some(makedev(major.parse().ok()?, minor.parse().ok()?))))
}

fn read_attribute(path: &Path) -> Result<Option<Vec<u8>>, MountError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // A device that is freed between the open and the read.
        Err(error) if Errno::from_io_error(&error) == Some(Errno::NODEV) => Ok(None),
        Err(error) if Errno::from_io_error(&error) == Some(Errno::NXIO) => Ok(None),
        Err(error) => Err(error).named("read", path),
    }
}
