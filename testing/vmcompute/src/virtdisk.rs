//! Virtual disks. These functions answer with Win32 codes.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use transom_windows::{HResult, Hcs};

use crate::abi::{self, Handle, In, Out, Text};

/// VIRTUAL_STORAGE_TYPE_DEVICE_UNKNOWN and _VHDX.
const DEVICES: [u32; 2] = [0, 3];

/// `VIRTUAL_STORAGE_TYPE`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct StorageType {
    device: u32,
    vendor: abi::Id,
}

const _: () = assert!(size_of::<StorageType>() == 20);

/// Which files handles are of. Callers close these with CloseHandle, so a number may come again for another file.
static OPEN: Mutex<BTreeMap<usize, PathBuf>> = Mutex::new(BTreeMap::new());

fn open() -> MutexGuard<'static, BTreeMap<usize, PathBuf>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Of the parameters only the version, which is first, matters here.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn OpenVirtualDisk(
    kind: In<StorageType>,
    path: Text,
    access: u32,
    _flags: u32,
    parameters: In<u32>,
    handle: Out<Handle>,
) -> u32 {
    abi::win32("OpenVirtualDisk", |call| {
        handle.write(call, "the handle", std::ptr::null_mut())?;
        let Some(kind) = kind.read(call, "the type")? else {
            return Err(call.wrong("the type is null"));
        };
        if !DEVICES.contains(&kind.device) {
            return Err(call.wrong(&format!("the type's device is {}", kind.device)));
        }
        match (parameters.read(call, "the parameters")?, access) {
            // Version 2 takes no rights, and what has no parameters is version 1 and does nothing without some
            // (virtdisk.h; go-winio vhd/vhd.go).
            (Some(2), 0) => {}
            (None, access) if access != 0 => {}
            (version, access) => {
                let what = format!("access {access:#x} does not go with version {version:?}");
                return Err(call.wrong(&what));
            }
        }
        let path = path.read_path(call, "the path")?;
        let file = abi::open_file(&path)?;
        open().insert(file.addr(), path);
        handle.write(call, "the handle", file)
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn DetachVirtualDisk(
    disk: Handle,
    flags: u32,
    provider: u32,
) -> u32 {
    abi::win32("DetachVirtualDisk", |call| {
        if (flags, provider) != (0, 0) {
            return Err(call.wrong(&format!("the flags are {flags:#x} and {provider:#x}")));
        }
        let path = open().get(&disk.addr()).cloned();
        let path = path.ok_or_else(|| call.wrong("the handle is no open disk's"))?;
        call.done(call.machine.detach_virtual_disk(&path))
    })
}

/// The machine has no disks to attach but those of its layers.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn AttachVirtualDisk(
    _disk: Handle,
    _descriptor: *const c_void,
    _flags: u32,
    _provider: u32,
    _parameters: *const c_void,
    _overlapped: *const c_void,
) -> u32 {
    abi::win32("AttachVirtualDisk", |_| Err(HResult::NOT_SUPPORTED))
}
