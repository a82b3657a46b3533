//! Compute systems: what is open, and who is told of their end.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::fs;
use std::io;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::Value;
use transom_windows::{HResult, Hcs};

use crate::abi::{self, Answer, Call, Handle, Out, OutText, Text};

/// What happened to a compute system: it has ended.
const SYSTEM_EXITED: u32 = 1;

/// Type, context, status, data.
type Notified = unsafe extern "system" fn(u32, *mut c_void, i32, *const u16);

/// What handles stand for. One that was closed is never given out again.
#[derive(Debug)]
struct Table {
    last: usize,
    /// Ids of compute systems.
    systems: BTreeMap<usize, String>,
    watches: BTreeMap<usize, Watch>,
}

static TABLE: Mutex<Table> = Mutex::new(Table {
    last: 0x1000,
    systems: BTreeMap::new(),
    watches: BTreeMap::new(),
});

/// Who wants to know of a system's end.
#[derive(Debug)]
struct Watch {
    system: String,
    /// Emptied when nothing more is to be told. It is locked while the caller's function runs.
    teller: Arc<Mutex<Option<Teller>>>,
}

#[derive(Debug, Clone, Copy)]
struct Teller {
    function: Notified,
    /// A pointer of the caller's, which is only passed on.
    context: usize,
}

impl Table {
    fn number(&mut self) -> usize {
        self.last += 4;
        self.last
    }
}

fn table() -> MutexGuard<'static, Table> {
    locked(&TABLE)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the id of an open system.
fn id_of(call: &Call, system: Handle) -> Answer<String> {
    let id = table().systems.get(&system.addr()).cloned();
    id.ok_or_else(|| call.wrong("the handle is no open compute system's"))
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsEnumerateComputeSystems(
    query: Text,
    systems: OutText,
    details: OutText,
) -> i32 {
    abi::hresult("HcsEnumerateComputeSystems", |call| {
        abi::no_details(call, details)?;
        systems.write(call, "the systems", ptr::null_mut())?;
        let query = query.read(call, "the query")?;
        let found = call.done_with(call.machine.enumerate_compute_systems(&query), details)?;
        systems.write(call, "the systems", abi::give(&found)?)
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsOpenComputeSystem(
    id: Text,
    system: Out<Handle>,
    details: OutText,
) -> i32 {
    abi::hresult("HcsOpenComputeSystem", |call| {
        abi::no_details(call, details)?;
        system.write(call, "the handle", ptr::null_mut())?;
        let id = id.read(call, "the id")?;
        if !exists(call, &id)? {
            return Err(HResult::HCS_SYSTEM_NOT_FOUND);
        }
        let mut table = table();
        let number = table.number();
        table.systems.insert(number, id);
        system.write(call, "the handle", ptr::without_provenance_mut(number))
    })
}

/// Says whether the machine has a compute system. It is not asked, so that this is not in its log.
fn exists(call: &Call, id: &str) -> Answer<bool> {
    let systems = match fs::read(call.state.join("systems.json")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        systems => systems.map_err(|error| abi::code_of(&error))?,
    };
    let systems: Value = serde_json::from_slice(&systems).map_err(|_| HResult::INVALID_DATA)?;
    let mut systems = systems.as_array().into_iter().flatten();
    Ok(systems.any(|system| system.get("Id").and_then(Value::as_str) == Some(id)))
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsCloseComputeSystem(system: Handle) -> i32 {
    abi::hresult("HcsCloseComputeSystem", |call| {
        let closed = table().systems.remove(&system.addr());
        match closed {
            Some(_) => Ok(()),
            None => Err(call.wrong("the handle is no open compute system's")),
        }
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsTerminateComputeSystem(
    system: Handle,
    options: Text,
    details: OutText,
) -> i32 {
    abi::hresult("HcsTerminateComputeSystem", |call| {
        abi::no_details(call, details)?;
        let id = id_of(call, system)?;
        let options = options.read(call, "the options")?;
        if !options.is_empty() {
            return Err(call.wrong(&format!("the options are {options:?}")));
        }
        call.done_with(call.machine.terminate_compute_system(&id), details)?;
        let tellers: Vec<_> = table()
            .watches
            .values()
            .filter(|watch| watch.system == id)
            .map(|watch| Arc::clone(&watch.teller))
            .collect();
        if tellers.is_empty() {
            return Ok(());
        }
        thread::Builder::new()
            .spawn(move || tellers.iter().for_each(|teller| tell(teller)))
            .map_err(|error| abi::code_of(&error))?;
        Err(HResult::HCS_PENDING)
    })
}

fn tell(teller: &Mutex<Option<Teller>>) {
    // Held meanwhile: who unregisters the function may free its context then.
    let teller = locked(teller);
    let Some(Teller { function, context }) = *teller else {
        return;
    };
    let context = ptr::with_exposed_provenance_mut(context);
    // SAFETY: the caller registered the function with this context, to be called from any thread, and has not
    // unregistered it; there may be no data.
    unsafe { function(SYSTEM_EXITED, context, 0, ptr::null()) };
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsRegisterComputeSystemCallback(
    system: Handle,
    function: Option<Notified>,
    context: *mut c_void,
    callback: Out<Handle>,
) -> i32 {
    abi::hresult("HcsRegisterComputeSystemCallback", |call| {
        callback.write(call, "the handle", ptr::null_mut())?;
        let id = id_of(call, system)?;
        let Some(function) = function else {
            return Err(call.wrong("the function is null"));
        };
        let teller = Teller {
            function,
            context: context.expose_provenance(),
        };
        let watch = Watch {
            system: id,
            teller: Arc::new(Mutex::new(Some(teller))),
        };
        let mut table = table();
        let number = table.number();
        table.watches.insert(number, watch);
        callback.write(call, "the handle", ptr::without_provenance_mut(number))
    })
}

/// Returns when the function does not run any more, so it must not be called by that.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn HcsUnregisterComputeSystemCallback(callback: Handle) -> i32 {
    abi::hresult("HcsUnregisterComputeSystemCallback", |call| {
        // The table is free again before this waits.
        let watch = table().watches.remove(&callback.addr());
        let Some(watch) = watch else {
            return Err(call.wrong("the handle is no registered callback's"));
        };
        *locked(&watch.teller) = None;
        Ok(())
    })
}
