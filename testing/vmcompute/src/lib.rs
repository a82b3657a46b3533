//! The functions of vmcompute.dll and of virtdisk.dll over the stand-in's [`Machine`](transom_standin::Machine), for tests
//! under Wine.
//!
//! It is copied into Windows' system folder under both names. The environment variable `TRANSOM_STANDIN` names the
//! machine's state folder; without it each function answers that it is not there.
//!
//! ```text
//!   lib        layers
//!   streams    layers entry by entry
//!   systems    compute systems, and who is told of their end
//!   virtdisk   disks
//!   abi        what the arguments are, and the only place that follows pointers
//! ```
//!
//! Functions and structures: hcsshim internal/wclayer/wclayer.go and internal/vmcompute/vmcompute.go, virtdisk.h.
#![cfg(windows)]
#![allow(
    unsafe_code,
    reason = "a library in Windows' calling convention exports its functions by name and takes pointers"
)]
#![allow(
    non_snake_case,
    reason = "functions have the names that Windows' libraries export"
)]

mod abi;
mod streams;
mod systems;
mod virtdisk;

use transom_windows::Hcs;

use abi::{Layer, Out, Parents, Text};

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn ActivateLayer(info: Layer, id: Text) -> i32 {
    abi::hresult("ActivateLayer", |call| {
        let layer = info.path(call, id)?;
        call.done(call.machine.activate_layer(&layer))
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn DeactivateLayer(info: Layer, id: Text) -> i32 {
    abi::hresult("DeactivateLayer", |call| {
        let layer = info.path(call, id)?;
        call.done(call.machine.deactivate_layer(&layer))
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn CreateLayer(info: Layer, id: Text, parent: Text) -> i32 {
    abi::hresult("CreateLayer", |call| {
        let layer = info.path(call, id)?;
        let parent = parent.read(call, "the parent")?;
        call.done(call.machine.create_layer(&layer, &parent))
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn CreateSandboxLayer(
    info: Layer,
    id: Text,
    parent: usize,
    parents: Parents,
    count: usize,
) -> i32 {
    abi::hresult("CreateSandboxLayer", |call| {
        let layer = info.path(call, id)?;
        if parent != 0 {
            return Err(call.wrong("the parent is not null"));
        }
        let parents = parents.read(call, count)?;
        call.done(call.machine.create_sandbox_layer(&layer, &parents))
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn ExpandSandboxSize(info: Layer, id: Text, bytes: u64) -> i32 {
    abi::hresult("ExpandSandboxSize", |call| {
        let layer = info.path(call, id)?;
        call.done(call.machine.expand_sandbox_size(&layer, bytes))
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn DestroyLayer(info: Layer, id: Text) -> i32 {
    abi::hresult("DestroyLayer", |call| {
        let layer = info.path(call, id)?;
        call.done(call.machine.destroy_layer(&layer))
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn ExportLayer(
    info: Layer,
    id: Text,
    folder: Text,
    parents: Parents,
    count: usize,
) -> i32 {
    abi::hresult("ExportLayer", |call| {
        let layer = info.path(call, id)?;
        let folder = folder.read_path(call, "the folder")?;
        let parents = parents.read(call, count)?;
        call.done(call.machine.export_layer(&layer, &folder, &parents))
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn ImportLayer(
    info: Layer,
    id: Text,
    folder: Text,
    parents: Parents,
    count: usize,
) -> i32 {
    abi::hresult("ImportLayer", |call| {
        let layer = info.path(call, id)?;
        let folder = folder.read_path(call, "the folder")?;
        let parents = parents.read(call, count)?;
        call.done(call.machine.import_layer(&layer, &folder, &parents))
    })
}

/// Without a buffer it tells the length, with one the path.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn GetLayerMountPath(
    info: Layer,
    id: Text,
    length: Out<usize>,
    buffer: Out<u16>,
) -> i32 {
    abi::hresult("GetLayerMountPath", |call| {
        let layer = info.path(call, id)?;
        let room = length.read(call, "the length")?;
        if buffer.is_null() {
            let needed = call.done(call.machine.mount_path_length(&layer, room))?;
            return length.write(call, "the length", needed);
        }
        let path = call.done(call.machine.mount_path(&layer, room))?;
        let path: Vec<u16> = path.encode_utf16().chain([0]).collect();
        length.write(call, "the length", path.len())?;
        buffer.write_all(call, "the buffer", &path)
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn LayerExists(info: Layer, id: Text, exists: Out<u32>) -> i32 {
    abi::hresult("LayerExists", |call| {
        let layer = info.path(call, id)?;
        exists.write(call, "the answer", 0)?;
        let found = call.done(call.machine.layer_exists(&layer))?;
        exists.write(call, "the answer", found.into())
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn PrepareLayer(
    info: Layer,
    id: Text,
    parents: Parents,
    count: usize,
) -> i32 {
    abi::hresult("PrepareLayer", |call| {
        let layer = info.path(call, id)?;
        let parents = parents.read(call, count)?;
        call.done(call.machine.prepare_layer(&layer, &parents))
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn UnprepareLayer(info: Layer, id: Text) -> i32 {
    abi::hresult("UnprepareLayer", |call| {
        let layer = info.path(call, id)?;
        call.done(call.machine.unprepare_layer(&layer))
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn ProcessBaseImage(path: Text) -> i32 {
    abi::hresult("ProcessBaseImage", |call| {
        let layer = path.read_path(call, "the path")?;
        call.done(call.machine.process_base_image(&layer))
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn ProcessUtilityImage(path: Text) -> i32 {
    abi::hresult("ProcessUtilityImage", |call| {
        let folder = path.read_path(call, "the path")?;
        call.done(call.machine.process_utility_image(&folder))
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn NameToGuid(name: Text, id: Out<abi::Id>) -> i32 {
    abi::hresult("NameToGuid", |call| {
        let name = name.read(call, "the name")?;
        let guid = call.done(call.machine.name_to_guid(&name))?;
        id.write(call, "the id", abi::Id::new(guid))
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn CopyLayer(
    info: Layer,
    id: Text,
    to: Text,
    parents: Parents,
    count: usize,
) -> i32 {
    abi::hresult("CopyLayer", |call| {
        let layer = info.path(call, id)?;
        let to = to.read_path(call, "the new id")?;
        let parents = parents.read(call, count)?;
        call.done(call.machine.copy_layer(&layer, &to, &parents))
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn GetBaseImages(images: abi::OutText) -> i32 {
    abi::hresult("GetBaseImages", |call| {
        images.write(call, "the images", std::ptr::null_mut())?;
        let found = call.done(call.machine.base_images())?;
        images.write(call, "the images", abi::give(&found)?)
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn GrantVmAccess(machine: Text, file: Text) -> i32 {
    abi::hresult("GrantVmAccess", |call| {
        let machine = machine.read(call, "the virtual machine")?;
        let file = file.read_path(call, "the file")?;
        call.done(call.machine.grant_vm_access(&machine, &file))
    })
}
