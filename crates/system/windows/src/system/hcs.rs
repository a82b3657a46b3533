//! The Host Compute Service and virtual disks, over vmcompute.dll and virtdisk.dll.
//!
//! How calls marshal is as hcsshim has it. None has been answered by a real service: this has not run on real Windows.

mod abi;
mod disk;
mod streams;
mod systems;
mod text;

pub use disk::AttachedDisk;
pub use streams::{ExportedEntry, LayerExport, LayerImport};

use std::path::Path;
use std::ptr;

use windows_sys::core::PCWSTR;

use self::abi::{DriverInfo, NO_GUID, pointer_to};
use self::text::{Made, Parents};
use super::privilege::{Privilege, Privileges};
use crate::{Descriptor, Guid, HResult, Hcs, HcsError};

type Result<T> = std::result::Result<T, HcsError>;

/// A function that takes a layer and nothing else.
type OnLayer = unsafe extern "system" fn(*const DriverInfo, PCWSTR) -> i32;

/// The units of the longest path that Windows has, with the NUL (MS-FSCC 2.1.5).
const LONGEST_PATH: usize = 32_768;

/// The Host Compute Service of this host.
///
/// Libraries are loaded when they are first needed, and from Windows' system folder only. Where one is missing, every
/// call that needs it is [`HcsError::Missing`]. A call may hang: [`Watchdog`](crate::Watchdog) sets an end to that.
///
/// Exports, imports and the processing of images need privileges. The calls enable these themselves, for the thread that
/// makes the call; they have to be in the account's token.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemHcs;

impl SystemHcs {
    /// Copies a layer (CopyLayer). hcsshim declares it and never calls it.
    ///
    /// # Errors
    /// The service refuses, or is missing.
    pub fn copy_layer(&self, layer: &Path, to: &Path, parents: &[Descriptor]) -> Result<()> {
        const CALL: &str = "CopyLayer";
        let (layer, to) = (text::path(CALL, layer)?, text::path(CALL, to)?);
        let parents = Parents::new(CALL, parents)?;
        let (list, count) = (pointer_to(parents.as_slice()), parents.as_slice().len());
        let function = abi::CopyLayer()?;
        // SAFETY: the texts end with a NUL, there are `count` descriptors, and all live until the call returns.
        let code = unsafe {
            function(
                &DriverInfo::FILTER,
                layer.as_ptr(),
                to.as_ptr(),
                list,
                count,
            )
        };
        check(CALL, code)
    }

    /// Returns the base images that were installed by package, as JSON: `{"Images":[{Name, Version, Path, …}]}`.
    ///
    /// # Errors
    /// The service refuses, or is missing.
    pub fn base_images(&self) -> Result<String> {
        const CALL: &str = "GetBaseImages";
        let mut images = Made::nothing();
        let function = abi::GetBaseImages()?;
        // SAFETY: the call writes one pointer there.
        check(CALL, unsafe { function(images.out()) })?;
        some(CALL, &images)
    }

    /// Lets a virtual machine open a file, by an entry in the file's security descriptor.
    ///
    /// # Errors
    /// The service refuses, or is missing.
    pub fn grant_vm_access(&self, machine: &str, file: &Path) -> Result<()> {
        const CALL: &str = "GrantVmAccess";
        let (machine, file) = (text::text(CALL, machine)?, text::path(CALL, file)?);
        let function = abi::GrantVmAccess()?;
        // SAFETY: both texts end with a NUL and live until the call returns.
        check(CALL, unsafe { function(machine.as_ptr(), file.as_ptr()) })
    }

    /// Begins to fill a layer entry by entry. hcsshim did so until 2018; which builds of Windows can is not known.
    ///
    /// # Errors
    /// The service refuses, or is missing, or cannot.
    pub fn begin_import(&self, layer: &Path, parents: &[Descriptor]) -> Result<LayerImport> {
        LayerImport::begin(layer, parents)
    }

    /// Begins to read a layer's changes entry by entry. The layer is to be active and not prepared.
    ///
    /// # Errors
    /// The service refuses, or is missing, or cannot.
    pub fn begin_export(&self, layer: &Path, parents: &[Descriptor]) -> Result<LayerExport> {
        LayerExport::begin(layer, parents)
    }

    /// Attaches a virtual disk, without a drive letter. It is detached when what this returns is dropped, or the process
    /// ends.
    ///
    /// # Errors
    /// The system refuses, or virtdisk.dll is missing.
    pub fn attach_virtual_disk(&self, disk: &Path, read_only: bool) -> Result<AttachedDisk> {
        AttachedDisk::attach(disk, read_only)
    }
}

impl Hcs for SystemHcs {
    fn activate_layer(&self, layer: &Path) -> Result<()> {
        on_layer("ActivateLayer", abi::ActivateLayer, layer)
    }

    fn deactivate_layer(&self, layer: &Path) -> Result<()> {
        on_layer("DeactivateLayer", abi::DeactivateLayer, layer)
    }

    fn create_layer(&self, layer: &Path, parent: &str) -> Result<()> {
        const CALL: &str = "CreateLayer";
        let (layer, parent) = (text::path(CALL, layer)?, text::text(CALL, parent)?);
        let function = abi::CreateLayer()?;
        // SAFETY: both texts end with a NUL and live until the call returns.
        let code = unsafe { function(&DriverInfo::FILTER, layer.as_ptr(), parent.as_ptr()) };
        check(CALL, code)
    }

    fn create_sandbox_layer(&self, layer: &Path, parents: &[Descriptor]) -> Result<()> {
        const CALL: &str = "CreateSandboxLayer";
        let (layer, parents) = (text::path(CALL, layer)?, Parents::new(CALL, parents)?);
        let (list, count) = (pointer_to(parents.as_slice()), parents.as_slice().len());
        let function = abi::CreateSandboxLayer()?;
        // SAFETY: the text ends with a NUL, there are `count` descriptors, and all live until the call returns; the
        // parent is null, as hcsshim passes it.
        let code = unsafe {
            function(
                &DriverInfo::FILTER,
                layer.as_ptr(),
                ptr::null(),
                list,
                count,
            )
        };
        check(CALL, code)
    }

    fn expand_sandbox_size(&self, layer: &Path, bytes: u64) -> Result<()> {
        const CALL: &str = "ExpandSandboxSize";
        let layer = text::path(CALL, layer)?;
        let function = abi::ExpandSandboxSize()?;
        // SAFETY: the text ends with a NUL and lives until the call returns.
        check(CALL, unsafe {
            function(&DriverInfo::FILTER, layer.as_ptr(), bytes)
        })
    }

    fn destroy_layer(&self, layer: &Path) -> Result<()> {
        on_layer("DestroyLayer", abi::DestroyLayer, layer)
    }

    fn export_layer(&self, layer: &Path, folder: &Path, parents: &[Descriptor]) -> Result<()> {
        const CALL: &str = "ExportLayer";
        let (layer, folder) = (text::path(CALL, layer)?, text::path(CALL, folder)?);
        let parents = Parents::new(CALL, parents)?;
        let (list, count) = (pointer_to(parents.as_slice()), parents.as_slice().len());
        let function = abi::ExportLayer()?;
        let _privileges = enable(CALL, &[Privilege::Backup])?;
        // SAFETY: the texts end with a NUL, there are `count` descriptors, and all live until the call returns.
        let code = unsafe {
            function(
                &DriverInfo::FILTER,
                layer.as_ptr(),
                folder.as_ptr(),
                list,
                count,
            )
        };
        check(CALL, code)
    }

    fn import_layer(&self, layer: &Path, folder: &Path, parents: &[Descriptor]) -> Result<()> {
        const CALL: &str = "ImportLayer";
        let (layer, folder) = (text::path(CALL, layer)?, text::path(CALL, folder)?);
        let parents = Parents::new(CALL, parents)?;
        let (list, count) = (pointer_to(parents.as_slice()), parents.as_slice().len());
        let function = abi::ImportLayer()?;
        let _privileges = enable(CALL, &[Privilege::Backup, Privilege::Restore])?;
        // SAFETY: the texts end with a NUL, there are `count` descriptors, and all live until the call returns.
        let code = unsafe {
            function(
                &DriverInfo::FILTER,
                layer.as_ptr(),
                folder.as_ptr(),
                list,
                count,
            )
        };
        check(CALL, code)
    }

    fn layer_mount_path(&self, layer: &Path) -> Result<String> {
        const CALL: &str = "GetLayerMountPath";
        let layer = text::path(CALL, layer)?;
        let function = abi::GetLayerMountPath()?;
        let mut length = 0;
        // SAFETY: the text ends with a NUL and lives until the call returns, which writes a length and, without a
        // buffer, nothing else.
        let code = unsafe {
            function(
                &DriverInfo::FILTER,
                layer.as_ptr(),
                &mut length,
                ptr::null_mut(),
            )
        };
        check(CALL, code)?;
        if length == 0 {
            return Ok(String::new());
        }
        if length > LONGEST_PATH {
            let what = format!("a path of {length} units is longer than any");
            return Err(text::refused(CALL, what));
        }
        let mut path = vec![0; length];
        // SAFETY: as above, and the buffer has as many units as `length` says.
        let code = unsafe {
            function(
                &DriverInfo::FILTER,
                layer.as_ptr(),
                &mut length,
                path.as_mut_ptr(),
            )
        };
        check(CALL, code)?;
        text::read(CALL, super::wide::until_nul(&path))
    }

    fn layer_exists(&self, layer: &Path) -> Result<bool> {
        const CALL: &str = "LayerExists";
        let layer = text::path(CALL, layer)?;
        let function = abi::LayerExists()?;
        let mut exists = 0;
        // SAFETY: the text ends with a NUL and lives until the call returns, which writes 32 bits.
        let code = unsafe { function(&DriverInfo::FILTER, layer.as_ptr(), &mut exists) };
        check(CALL, code)?;
        Ok(exists != 0)
    }

    fn prepare_layer(&self, layer: &Path, parents: &[Descriptor]) -> Result<()> {
        const CALL: &str = "PrepareLayer";
        let (layer, parents) = (text::path(CALL, layer)?, Parents::new(CALL, parents)?);
        let (list, count) = (pointer_to(parents.as_slice()), parents.as_slice().len());
        let function = abi::PrepareLayer()?;
        // SAFETY: the text ends with a NUL, there are `count` descriptors, and all live until the call returns.
        let code = unsafe { function(&DriverInfo::FILTER, layer.as_ptr(), list, count) };
        check(CALL, code)
    }

    fn unprepare_layer(&self, layer: &Path) -> Result<()> {
        on_layer("UnprepareLayer", abi::UnprepareLayer, layer)
    }

    fn process_base_image(&self, layer: &Path) -> Result<()> {
        process("ProcessBaseImage", abi::ProcessBaseImage, layer)
    }

    fn process_utility_image(&self, folder: &Path) -> Result<()> {
        process("ProcessUtilityImage", abi::ProcessUtilityImage, folder)
    }

    fn name_to_guid(&self, name: &str) -> Result<Guid> {
        const CALL: &str = "NameToGuid";
        let name = text::text(CALL, name)?;
        let function = abi::NameToGuid()?;
        let mut id = NO_GUID;
        // SAFETY: the text ends with a NUL and lives until the call returns, which writes one GUID.
        check(CALL, unsafe { function(name.as_ptr(), &mut id) })?;
        Ok(text::from_system(&id))
    }

    fn enumerate_compute_systems(&self, query: &str) -> Result<String> {
        systems::enumerate(query)
    }

    fn terminate_compute_system(&self, id: &str) -> Result<()> {
        systems::terminate(id)
    }

    fn detach_virtual_disk(&self, disk: &Path) -> Result<()> {
        disk::detach(disk)
    }
}

fn on_layer(call: &'static str, function: fn() -> Result<OnLayer>, layer: &Path) -> Result<()> {
    let layer = text::path(call, layer)?;
    let function = function()?;
    // SAFETY: the text ends with a NUL and lives until the call returns.
    let code = unsafe { function(&DriverInfo::FILTER, layer.as_ptr()) };
    check(call, code)
}

fn process(
    call: &'static str,
    function: fn() -> Result<unsafe extern "system" fn(PCWSTR) -> i32>,
    folder: &Path,
) -> Result<()> {
    let folder = text::path(call, folder)?;
    let function = function()?;
    let _privileges = enable(call, &[Privilege::Backup, Privilege::Restore])?;
    // SAFETY: the text ends with a NUL and lives until the call returns.
    check(call, unsafe { function(folder.as_ptr()) })
}

/// Privileges for a call, in the thread that makes it: a guard that some other thread holds has no effect here.
fn enable(call: &'static str, privileges: &[Privilege]) -> Result<Privileges> {
    Privileges::enable(privileges).map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => HcsError::Failed {
            call,
            code: HResult::PRIVILEGE_NOT_HELD,
            detail: None,
        },
        _ => text::refused(call, error.to_string()),
    })
}

/// Of an HRESULT, the highest bit says failure.
fn check(call: &'static str, code: i32) -> Result<()> {
    check_detailed(call, code, &Made::nothing())
}

/// Does the same for calls that tell more when they fail.
fn check_detailed(call: &'static str, code: i32, details: &Made) -> Result<()> {
    match HResult(code.cast_unsigned()) {
        code if code.is_failure() => Err(HcsError::Failed {
            call,
            code,
            // Details that are no text must not hide the code.
            detail: details.to_text(call).ok().flatten(),
        }),
        _ => Ok(()),
    }
}

/// Takes text that a call has to give when it succeeds.
fn some(call: &'static str, made: &Made) -> Result<String> {
    made.to_text(call)?
        .ok_or_else(|| text::refused(call, "it succeeded and gave nothing".to_owned()))
}

#[cfg(test)]
mod tests;
