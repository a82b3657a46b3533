//! Layers entry by entry. Declarations: hcsshim.go until 2018.

use std::collections::BTreeMap;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use transom_ntmeta::filetime::FileTime;
use transom_standin::{ExportStream, ImportStream};
use transom_windows::{BasicInfo, HResult};

use crate::abi::{self, Answer, Call, Handle, In, Layer, Out, OutText, Parents, Text};

/// No piece is longer.
const LONGEST: usize = 1 << 24;

/// What contexts stand for. One that was ended is never given out again.
#[derive(Debug)]
struct Table {
    last: usize,
    imports: BTreeMap<usize, ImportStream>,
    exports: BTreeMap<usize, ExportStream>,
}

static TABLE: Mutex<Table> = Mutex::new(Table {
    last: 0x2000,
    imports: BTreeMap::new(),
    exports: BTreeMap::new(),
});

fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Table {
    fn number(&mut self) -> usize {
        self.last += 4;
        self.last
    }
}

fn unknown(call: &Call) -> HResult {
    call.wrong("the context is no open stream's")
}

/// `FILE_BASIC_INFO`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Info {
    creation: i64,
    last_access: i64,
    last_write: i64,
    change: i64,
    attributes: u32,
}

const _: () = assert!(size_of::<Info>() == 40);

impl Info {
    fn new(info: BasicInfo) -> Self {
        Self {
            creation: info.creation.0,
            last_access: info.last_access.0,
            last_write: info.last_write.0,
            change: info.change.0,
            attributes: info.attributes,
        }
    }

    fn value(self) -> BasicInfo {
        BasicInfo {
            creation: FileTime(self.creation),
            last_access: FileTime(self.last_access),
            last_write: FileTime(self.last_write),
            change: FileTime(self.change),
            attributes: self.attributes,
        }
    }
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn ImportLayerBegin(
    info: Layer,
    id: Text,
    parents: Parents,
    count: usize,
    context: Out<Handle>,
) -> i32 {
    abi::hresult("ImportLayerBegin", |call| {
        context.write(call, "the context", ptr::null_mut())?;
        let layer = info.path(call, id)?;
        let parents = parents.read(call, count)?;
        let stream = call.done(call.machine.begin_import(&layer, &parents))?;
        let mut table = table();
        let number = table.number();
        table.imports.insert(number, stream);
        context.write(call, "the context", ptr::without_provenance_mut(number))
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn ImportLayerNext(
    context: Handle,
    name: Text,
    info: In<Info>,
) -> i32 {
    abi::hresult("ImportLayerNext", |call| {
        let name = name.read(call, "the name")?;
        let info = info.read(call, "the times and attributes")?;
        let info = info.map(Info::value);
        let mut table = table();
        let stream = table.imports.get_mut(&context.addr());
        let stream = stream.ok_or_else(|| unknown(call))?;
        call.done(stream.next_entry(&name, info.as_ref()))
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn ImportLayerWrite(
    context: Handle,
    buffer: In<u8>,
    length: usize,
) -> i32 {
    abi::hresult("ImportLayerWrite", |call| {
        let bytes = buffer.read_all(call, "the buffer", length, LONGEST)?;
        let mut table = table();
        let stream = table.imports.get_mut(&context.addr());
        call.done(stream.ok_or_else(|| unknown(call))?.write(&bytes))
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn ImportLayerEnd(context: Handle) -> i32 {
    abi::hresult("ImportLayerEnd", |call| {
        let stream = table().imports.remove(&context.addr());
        call.done(stream.ok_or_else(|| unknown(call))?.end())
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn ExportLayerBegin(
    info: Layer,
    id: Text,
    parents: Parents,
    count: usize,
    context: Out<Handle>,
) -> i32 {
    abi::hresult("ExportLayerBegin", |call| {
        context.write(call, "the context", ptr::null_mut())?;
        let layer = info.path(call, id)?;
        let parents = parents.read(call, count)?;
        let stream = call.done(call.machine.begin_export(&layer, &parents))?;
        let mut table = table();
        let number = table.number();
        table.exports.insert(number, stream);
        context.write(call, "the context", ptr::without_provenance_mut(number))
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn ExportLayerNext(
    context: Handle,
    name: OutText,
    info: Out<Info>,
    size: Out<i64>,
    is_deleted: Out<u32>,
) -> i32 {
    abi::hresult("ExportLayerNext", |call| {
        name.write(call, "the name", ptr::null_mut())?;
        let mut table = table();
        let stream = table.exports.get_mut(&context.addr());
        let stream = stream.ok_or_else(|| unknown(call))?;
        let entry = call.done(stream.next_entry())?;
        is_deleted.write(call, "whether it is deleted", entry.info.is_none().into())?;
        info.write(call, "the times", Info::new(entry.info.unwrap_or_default()))?;
        let bytes = i64::try_from(entry.size).map_err(|_| HResult::GEN_FAILURE)?;
        size.write(call, "the size", bytes)?;
        name.write(call, "the name", abi::give(&entry.name)?)
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn ExportLayerRead(
    context: Handle,
    buffer: Out<u8>,
    length: usize,
    read: Out<u32>,
) -> i32 {
    abi::hresult("ExportLayerRead", |call| {
        read.write(call, "how much was read", 0)?;
        let mut bytes = vec![0; length.min(LONGEST)];
        let mut table = table();
        let stream = table.exports.get_mut(&context.addr());
        let stream = stream.ok_or_else(|| unknown(call))?;
        let got = stream.read(&mut bytes);
        let got = got.map_err(|error| abi::code_of(&error))?;
        bytes.truncate(got);
        if got > 0 {
            buffer.write_all(call, "the buffer", &bytes)?;
        }
        read.write(call, "how much was read", count(got)?)
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn ExportLayerEnd(context: Handle) -> i32 {
    abi::hresult("ExportLayerEnd", |call| {
        let stream = table().exports.remove(&context.addr());
        call.done(stream.ok_or_else(|| unknown(call))?.end())
    })
}

fn count(length: usize) -> Answer<u32> {
    u32::try_from(length).map_err(|_| HResult::GEN_FAILURE)
}
