//! Virtual disks. What a function answers is a Win32 code, not in GetLastError.

use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::ptr;

use super::abi::{self, NO_GUID};
use super::text;
use crate::{HResult, HcsError};

type Result<T> = std::result::Result<T, HcsError>;

/// A virtual disk that stays attached while this lives.
#[derive(Debug)]
pub struct AttachedDisk {
    /// Closing it detaches the disk: it was attached without ATTACH_VIRTUAL_DISK_FLAG_PERMANENT_LIFETIME.
    _disk: OwnedHandle,
}

impl AttachedDisk {
    pub(super) fn attach(path: &Path, read_only: bool) -> Result<Self> {
        let disk = open(path, read_only)?;
        let flags = match read_only {
            true => abi::ATTACH_NO_DRIVE_LETTER | abi::ATTACH_READ_ONLY,
            false => abi::ATTACH_NO_DRIVE_LETTER,
        };
        let parameters = abi::AttachParameters {
            version: 2,
            offset: 0,
            length: 0,
        };
        let function = abi::AttachVirtualDisk()?;
        // SAFETY: the handle is open; without a security descriptor the disk has that of its file, and without an
        // OVERLAPPED the call returns when it is done; the parameters live until then.
        let code = unsafe {
            function(
                disk.as_raw_handle(),
                ptr::null(),
                flags,
                0,
                &parameters,
                ptr::null(),
            )
        };
        check("AttachVirtualDisk", code)?;
        Ok(Self { _disk: disk })
    }
}

/// Detaches a disk as go-winio does (vhd/vhd.go, DetachVhd).
pub(super) fn detach(path: &Path) -> Result<()> {
    let disk = open(path, false)?;
    let function = abi::DetachVirtualDisk()?;
    // SAFETY: the handle is open until the end of this function.
    let code = unsafe { function(disk.as_raw_handle(), 0, 0) };
    check("DetachVirtualDisk", code)
}

fn open(path: &Path, read_only: bool) -> Result<OwnedHandle> {
    const CALL: &str = "OpenVirtualDisk";
    let path = text::path(CALL, path)?;
    let kind = abi::StorageType {
        device: 0,
        vendor: NO_GUID,
    };
    let parameters = abi::OpenParameters {
        version: 2,
        get_info_only: 0,
        read_only: read_only.into(),
        resiliency: NO_GUID,
        unused: NO_GUID,
    };
    let mut handle = ptr::null_mut();
    let function = abi::OpenVirtualDisk()?;
    // SAFETY: the text ends with a NUL, and all that is pointed to lives until the call returns, which writes a handle.
    let code = unsafe {
        function(
            &kind,
            path.as_ptr(),
            abi::VIRTUAL_DISK_ACCESS_NONE,
            abi::OPEN_CACHED_IO | abi::OPEN_IGNORE_RELATIVE_PARENT_LOCATOR,
            &parameters,
            &mut handle,
        )
    };
    check(CALL, code)?;
    if handle.is_null() {
        return Err(text::refused(
            CALL,
            "it succeeded and gave no handle".to_owned(),
        ));
    }
    // SAFETY: the call succeeded, so the handle is open and ours, to be closed by CloseHandle.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

fn check(call: &'static str, code: u32) -> Result<()> {
    match code {
        0 => Ok(()),
        code => Err(HcsError::Failed {
            call,
            code: HResult::from_win32(code),
            detail: None,
        }),
    }
}
