//! Functions and structures of vmcompute.dll and virtdisk.dll, as hcsshim and go-winio declare them.
//!
//! vmcompute.dll: hcsshim internal/wclayer/wclayer.go (storage) and internal/vmcompute/vmcompute.go (compute systems); it
//! returns HRESULTs. virtdisk.dll: virtdisk.h, go-winio vhd/vhd.go; it returns Win32 codes.
#![expect(
    non_snake_case,
    reason = "functions have the names that the libraries export"
)]

use std::ffi::c_void;
use std::ptr;

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::Storage::FileSystem::FILE_BASIC_INFO;
use windows_sys::core::{GUID, PCWSTR, PWSTR};

use crate::system::library::{Library, functions};

static VMCOMPUTE: Library = Library::new("vmcompute.dll");
static VIRTDISK: Library = Library::new("virtdisk.dll");

/// `DriverInfo`: where layers are, and how they are kept.
#[repr(C)]
#[derive(Debug)]
pub(super) struct DriverInfo {
    /// An enum of 32 bits; the rest of the word is padding, and zero, as hcsshim has it.
    flavour: usize,
    home: PCWSTR,
}

impl DriverInfo {
    /// The filter driver, and no home: layers are named by their full paths.
    pub(super) const FILTER: Self = Self {
        flavour: 1,
        home: {
            static EMPTY: u16 = 0;
            &raw const EMPTY
        },
    };
}

/// `WC_LAYER_DESCRIPTOR`: a parent layer.
#[repr(C)]
pub(super) struct LayerDescriptor {
    pub(super) id: GUID,
    /// Always 0 (hcsshim internal/wclayer/layerutils.go).
    pub(super) flags: u32,
    pub(super) path: PCWSTR,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<DriverInfo>() == 16);
    assert!(std::mem::offset_of!(DriverInfo, home) == 8);
    assert!(size_of::<LayerDescriptor>() == 32);
    assert!(std::mem::offset_of!(LayerDescriptor, flags) == 16);
    assert!(std::mem::offset_of!(LayerDescriptor, path) == 24);
};

// Counts of descriptors are as wide as a pointer, as hcsshim passes them: should the library read 64 bits from the
// stack, they are all there.
functions! {
    VMCOMPUTE;
    fn ActivateLayer(*const DriverInfo, PCWSTR) -> i32;
    fn DeactivateLayer(*const DriverInfo, PCWSTR) -> i32;
    /// The last parameter is the parent's id, and empty without one.
    fn CreateLayer(*const DriverInfo, PCWSTR, PCWSTR) -> i32;
    /// The third parameter is a parent; hcsshim passes null.
    fn CreateSandboxLayer(*const DriverInfo, PCWSTR, PCWSTR, *const LayerDescriptor, usize) -> i32;
    fn ExpandSandboxSize(*const DriverInfo, PCWSTR, u64) -> i32;
    fn CopyLayer(*const DriverInfo, PCWSTR, PCWSTR, *const LayerDescriptor, usize) -> i32;
    fn DestroyLayer(*const DriverInfo, PCWSTR) -> i32;
    fn ExportLayer(*const DriverInfo, PCWSTR, PCWSTR, *const LayerDescriptor, usize) -> i32;
    fn ImportLayer(*const DriverInfo, PCWSTR, PCWSTR, *const LayerDescriptor, usize) -> i32;
    /// Length in units with the NUL, and a buffer: null to ask for the length.
    fn GetLayerMountPath(*const DriverInfo, PCWSTR, *mut usize, *mut u16) -> i32;
    fn LayerExists(*const DriverInfo, PCWSTR, *mut u32) -> i32;
    fn PrepareLayer(*const DriverInfo, PCWSTR, *const LayerDescriptor, usize) -> i32;
    fn UnprepareLayer(*const DriverInfo, PCWSTR) -> i32;
    fn ProcessBaseImage(PCWSTR) -> i32;
    fn ProcessUtilityImage(PCWSTR) -> i32;
    fn NameToGuid(PCWSTR, *mut GUID) -> i32;
    fn GetBaseImages(*mut PWSTR) -> i32;
    fn GrantVmAccess(PCWSTR, PCWSTR) -> i32;
}

/// What begins a stream: layer, its parents, and where a context goes.
pub(super) type Begin = unsafe extern "system" fn(
    *const DriverInfo,
    PCWSTR,
    *const LayerDescriptor,
    usize,
    *mut *mut c_void,
) -> i32;
/// What ends a stream.
pub(super) type End = unsafe extern "system" fn(*mut c_void) -> i32;

// Streams, from the declarations that hcsshim had until 2018. Lengths of buffers are as wide as a pointer there, too.
functions! {
    VMCOMPUTE;
    fn ImportLayerBegin(*const DriverInfo, PCWSTR, *const LayerDescriptor, usize, *mut *mut c_void) -> i32;
    /// Name with a backslash in front, and times and attributes: null deletes.
    fn ImportLayerNext(*mut c_void, PCWSTR, *const FILE_BASIC_INFO) -> i32;
    fn ImportLayerWrite(*mut c_void, *const u8, usize) -> i32;
    fn ImportLayerEnd(*mut c_void) -> i32;
    fn ExportLayerBegin(*const DriverInfo, PCWSTR, *const LayerDescriptor, usize, *mut *mut c_void) -> i32;
    /// Name, times and attributes, size, and whether it is deleted.
    fn ExportLayerNext(*mut c_void, *mut PWSTR, *mut FILE_BASIC_INFO, *mut i64, *mut u32) -> i32;
    /// A buffer, its length, and how much was written to it.
    fn ExportLayerRead(*mut c_void, *mut u8, usize, *mut u32) -> i32;
    fn ExportLayerEnd(*mut c_void) -> i32;
}

/// What Windows calls when something happens to a compute system.
pub(super) type Notified = unsafe extern "system" fn(u32, *mut c_void, i32, PCWSTR);

functions! {
    VMCOMPUTE;
    fn HcsEnumerateComputeSystems(PCWSTR, *mut PWSTR, *mut PWSTR) -> i32;
    fn HcsOpenComputeSystem(PCWSTR, *mut HANDLE, *mut PWSTR) -> i32;
    fn HcsCloseComputeSystem(HANDLE) -> i32;
    fn HcsTerminateComputeSystem(HANDLE, PCWSTR, *mut PWSTR) -> i32;
    fn HcsRegisterComputeSystemCallback(HANDLE, Notified, *mut c_void, *mut HANDLE) -> i32;
    fn HcsUnregisterComputeSystemCallback(HANDLE) -> i32;
}

/// A compute system has ended.
pub(super) const SYSTEM_EXITED: u32 = 1;
/// The service has gone away; nothing more will be told.
pub(super) const SERVICE_DISCONNECT: u32 = 0x0100_0000;

/// `VIRTUAL_STORAGE_TYPE`; all zero lets Windows find out by itself.
#[repr(C)]
pub(super) struct StorageType {
    pub(super) device: u32,
    pub(super) vendor: GUID,
}

/// `OPEN_VIRTUAL_DISK_PARAMETERS`, version 2, with the room that the union's version 3 takes.
#[repr(C)]
pub(super) struct OpenParameters {
    pub(super) version: u32,
    pub(super) get_info_only: i32,
    pub(super) read_only: i32,
    pub(super) resiliency: GUID,
    pub(super) unused: GUID,
}

/// `ATTACH_VIRTUAL_DISK_PARAMETERS`, version 2: a part of the disk, or all of it if both are 0.
#[repr(C)]
pub(super) struct AttachParameters {
    pub(super) version: u32,
    pub(super) offset: u64,
    pub(super) length: u64,
}

const _: () = {
    assert!(size_of::<StorageType>() == 20);
    assert!(size_of::<OpenParameters>() == 44);
    assert!(size_of::<AttachParameters>() == 24);
};

/// Opening in version 2 takes no rights (go-winio vhd/vhd.go, OpenVirtualDiskWithParameters).
pub(super) const VIRTUAL_DISK_ACCESS_NONE: u32 = 0;
pub(super) const OPEN_CACHED_IO: u32 = 8;
pub(super) const OPEN_IGNORE_RELATIVE_PARENT_LOCATOR: u32 = 0x80;
pub(super) const ATTACH_READ_ONLY: u32 = 1;
pub(super) const ATTACH_NO_DRIVE_LETTER: u32 = 2;

functions! {
    VIRTDISK;
    /// Type, path, access, flags, parameters, handle.
    fn OpenVirtualDisk(*const StorageType, PCWSTR, u32, u32, *const OpenParameters, *mut HANDLE) -> u32;
    /// Handle, security descriptor, flags, the provider's flags, parameters, OVERLAPPED.
    fn AttachVirtualDisk(HANDLE, *const c_void, u32, u32, *const AttachParameters, *const c_void) -> u32;
    /// Handle, flags, the provider's flags.
    fn DetachVirtualDisk(HANDLE, u32, u32) -> u32;
}

/// The GUID of nothing.
pub(super) const NO_GUID: GUID = GUID::from_u128(0);

/// No descriptors are said by null and 0.
pub(super) fn pointer_to(descriptors: &[LayerDescriptor]) -> *const LayerDescriptor {
    match descriptors {
        [] => ptr::null(),
        some => some.as_ptr(),
    }
}
