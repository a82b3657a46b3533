//! Arguments as they come from a caller, and answers as they go back.
//!
//! The types of arguments are made by callers alone, who promise by calling an exported function that pointers are null
//! or lead to what the function takes, until it returns. What can be checked beyond that is.

use std::ffi::c_void;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::ptr;

use transom_standin::Machine;
use transom_windows::{Descriptor, Guid, HResult, HcsError};
use windows_sys::Win32::System::Com::CoTaskMemAlloc;

/// What a function answers: an HRESULT, or a Win32 code in either form.
pub(crate) type Answer<T> = Result<T, HResult>;

/// The filter driver.
const FILTER: u32 = 1;
/// No text is longer: twice the longest path.
const LONGEST: usize = 1 << 16;
/// No layer has more parents.
const MOST_PARENTS: usize = 1 << 10;

/// A call of an exported function.
#[derive(Debug)]
pub(crate) struct Call {
    name: &'static str,
    /// The machine's state folder.
    pub(crate) state: PathBuf,
    pub(crate) machine: Machine,
}

impl Call {
    fn new(name: &'static str) -> Answer<Self> {
        let state = std::env::var_os("TRANSOM_STANDIN").ok_or(HResult::PROC_NOT_FOUND)?;
        let state = PathBuf::from(state);
        let machine = Machine::open(&state).map_err(|_| HResult::GEN_FAILURE)?;
        Ok(Self {
            name,
            state,
            machine,
        })
    }

    /// Notes that an argument is wrong, and returns the code for that.
    pub(crate) fn wrong(&self, what: &str) -> HResult {
        // If it cannot be noted, the code still says it.
        let _ = self.machine.complain(self.name, what);
        HResult::INVALID_PARAMETER
    }

    /// Answers as the machine does.
    pub(crate) fn done<T>(&self, result: Result<T, HcsError>) -> Answer<T> {
        self.done_with(result, Out::nowhere())
    }

    /// Answers as the machine does, with what it says beside the code.
    pub(crate) fn done_with<T>(&self, result: Result<T, HcsError>, to: OutText) -> Answer<T> {
        result.map_err(|error| {
            if let HcsError::Failed {
                detail: Some(detail),
                ..
            } = &error
                && !to.is_null()
                && let Ok(text) = give(detail)
            {
                // It was written to before.
                let _ = to.write(self, "the details", text);
            }
            error.code().unwrap_or(HResult::GEN_FAILURE)
        })
    }
}

/// Does the work of a function that answers with an HRESULT.
pub(crate) fn hresult(name: &'static str, work: impl FnOnce(&Call) -> Answer<()>) -> i32 {
    match guarded(name, work) {
        Ok(()) => 0,
        Err(code) => HResult::from_win32(code.0).0.cast_signed(),
    }
}

/// Does the work of a function that answers with a Win32 code.
pub(crate) fn win32(name: &'static str, work: impl FnOnce(&Call) -> Answer<()>) -> u32 {
    match guarded(name, work) {
        Ok(()) => 0,
        Err(code) => code.normalized(),
    }
}

/// A panic must not leave this library: the caller could not handle it.
fn guarded(name: &'static str, work: impl FnOnce(&Call) -> Answer<()>) -> Answer<()> {
    let work = AssertUnwindSafe(|| work(&Call::new(name)?));
    panic::catch_unwind(work).unwrap_or(Err(HResult::GEN_FAILURE))
}

/// PCWSTR: UTF-16 that ends with a NUL.
#[repr(transparent)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text(*const u16);

impl Text {
    pub(crate) fn read(self, call: &Call, what: &str) -> Answer<String> {
        if self.0.is_null() || !self.0.is_aligned() {
            return Err(call.wrong(&format!("{what} is no pointer to text")));
        }
        let mut units = Vec::new();
        loop {
            // SAFETY: the caller's text has all units up to its NUL, which has not been read yet.
            match unsafe { self.0.add(units.len()).read() } {
                0 => break,
                unit => units.push(unit),
            }
            if units.len() == LONGEST {
                return Err(call.wrong(&format!("{what} does not end")));
            }
        }
        String::from_utf16(&units).map_err(|_| {
            let text = String::from_utf16_lossy(&units);
            call.wrong(&format!("{what} is no UTF-16: {text:?}"))
        })
    }

    pub(crate) fn read_path(self, call: &Call, what: &str) -> Answer<PathBuf> {
        let path = PathBuf::from(self.read(call, what)?);
        match path.is_absolute() {
            true => Ok(path),
            false => Err(call.wrong(&format!("{what} {path:?} is not absolute"))),
        }
    }
}

/// A pointer to what a function only reads.
#[repr(transparent)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct In<T>(*const T);

impl<T: Copy> In<T> {
    /// Returns nothing if the pointer is null.
    pub(crate) fn read(self, call: &Call, what: &str) -> Answer<Option<T>> {
        if self.0.is_null() {
            return Ok(None);
        }
        if !self.0.is_aligned() {
            return Err(call.wrong(&format!("{what} is no pointer to it")));
        }
        // SAFETY: it is aligned, and the caller's pointer leads to a value, of which every pattern of bits is one.
        Ok(Some(unsafe { self.0.read() }))
    }

    /// Reads as many values as the caller says that there are.
    pub(crate) fn read_all(
        self,
        call: &Call,
        what: &str,
        count: usize,
        most: usize,
    ) -> Answer<Vec<T>> {
        if self.0.is_null() || !self.0.is_aligned() || count > most {
            return Err(call.wrong(&format!("{what} of {count} is no pointer to them")));
        }
        // SAFETY: it is aligned, and the caller's pointer leads to as many values as he says.
        Ok(unsafe { std::slice::from_raw_parts(self.0, count) }.to_vec())
    }
}

/// `DriverInfo`: where layers are, and how they are kept.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct DriverInfo {
    flavour: u32,
    home: Text,
}

/// What the functions for layers take first.
#[repr(transparent)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layer(In<DriverInfo>);

impl Layer {
    /// Returns the folder of the layer with an id.
    pub(crate) fn path(self, call: &Call, id: Text) -> Answer<PathBuf> {
        let Some(info) = self.0.read(call, "DriverInfo")? else {
            return Err(call.wrong("DriverInfo is null"));
        };
        if info.flavour != FILTER {
            return Err(call.wrong(&format!("the flavour is {}", info.flavour)));
        }
        let home = info.home.read(call, "the home")?;
        if !home.is_empty() {
            return Err(call.wrong(&format!("the home is {home:?}")));
        }
        // The machine says what is wrong with a path that is not absolute.
        id.read(call, "the id").map(PathBuf::from)
    }
}

/// `WC_LAYER_DESCRIPTOR`: a parent layer.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayerDescriptor {
    id: Id,
    flags: u32,
    path: Text,
}

/// A GUID as it lies in memory.
#[repr(C, align(4))]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Id([u8; 16]);

impl Id {
    pub(crate) fn new(id: Guid) -> Self {
        Self(id.0)
    }
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<DriverInfo>() == 16);
    assert!(std::mem::offset_of!(DriverInfo, home) == 8);
    assert!(size_of::<LayerDescriptor>() == 32);
    assert!(std::mem::offset_of!(LayerDescriptor, flags) == 16);
    assert!(std::mem::offset_of!(LayerDescriptor, path) == 24);
};

/// A layer's parents; their count is an argument of its own.
#[repr(transparent)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parents(*const LayerDescriptor);

impl Parents {
    pub(crate) fn read(self, call: &Call, count: usize) -> Answer<Vec<Descriptor>> {
        if self.0.is_null() != (count == 0) {
            let is = if self.0.is_null() { "null" } else { "not null" };
            return Err(call.wrong(&format!("the list of {count} descriptors is {is}")));
        }
        if count > MOST_PARENTS {
            return Err(call.wrong(&format!("{count} descriptors are more than there can be")));
        }
        let one = |index| {
            // It may be past the end only if the caller's count is wrong.
            let descriptor = In(self.0.wrapping_add(index)).read(call, "a descriptor")?;
            let Some(descriptor) = descriptor else {
                return Err(call.wrong("a descriptor is null"));
            };
            if descriptor.flags != 0 {
                let flags = descriptor.flags;
                return Err(call.wrong(&format!("a descriptor's flags are {flags:#x}")));
            }
            Ok(Descriptor {
                id: Guid(descriptor.id.0),
                path: descriptor.path.read_path(call, "a descriptor's path")?,
            })
        };
        (0..count).map(one).collect()
    }
}

/// Where a function puts what it answers.
#[repr(transparent)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Out<T>(*mut T);

impl<T: Copy> Out<T> {
    pub(crate) fn nowhere() -> Self {
        Self(ptr::null_mut())
    }

    pub(crate) fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// Reads what the caller left there: a number, for arguments that go in and out.
    pub(crate) fn read(self, call: &Call, what: &str) -> Answer<T> {
        let value = In(self.0.cast_const()).read(call, what)?;
        value.ok_or_else(|| call.wrong(&format!("the pointer to {what} is null")))
    }

    pub(crate) fn write(self, call: &Call, what: &str, value: T) -> Answer<()> {
        self.write_all(call, what, &[value])
    }

    /// Writes values, for which there has to be room.
    pub(crate) fn write_all(self, call: &Call, what: &str, values: &[T]) -> Answer<()> {
        if self.0.is_null() || !self.0.is_aligned() {
            return Err(call.wrong(&format!("there is no pointer to {what}")));
        }
        // SAFETY: it is aligned, and the caller's pointer leads to room for these values: for one by the function's
        // declaration, for more by the length that was checked before. They are ours, so the two do not overlap.
        unsafe { ptr::copy_nonoverlapping(values.as_ptr(), self.0, values.len()) };
        Ok(())
    }
}

/// Makes text that the caller frees with CoTaskMemFree.
pub(crate) fn give(text: &str) -> Answer<*mut u16> {
    let units: Vec<u16> = text.encode_utf16().chain([0]).collect();
    // SAFETY: any number of bytes may be asked for; the answer is checked.
    let room = unsafe { CoTaskMemAlloc(size_of_val(units.as_slice())) }.cast::<u16>();
    if room.is_null() {
        return Err(HResult::GEN_FAILURE);
    }
    // SAFETY: the room is as large as the units, new, and aligned for anything.
    unsafe { ptr::copy_nonoverlapping(units.as_ptr(), room, units.len()) };
    Ok(room)
}

/// PWSTR*, where text goes that the caller frees.
pub(crate) type OutText = Out<*mut u16>;

/// Says that a function has nothing to add to its code, so far.
pub(crate) fn no_details(call: &Call, details: OutText) -> Answer<()> {
    match details.is_null() {
        true => Ok(()),
        false => details.write(call, "the details", ptr::null_mut()),
    }
}

/// Handles that are numbers in a table here.
pub(crate) type Handle = *mut c_void;

/// Returns the code of what the file system said.
pub(crate) fn code_of(error: &std::io::Error) -> HResult {
    let code = error.raw_os_error().map(i32::cast_unsigned);
    code.map_or(HResult::GEN_FAILURE, HResult)
}

/// Opens a file as a handle of the system, which the caller closes with CloseHandle.
pub(crate) fn open_file(path: &Path) -> Answer<Handle> {
    use std::os::windows::io::IntoRawHandle;
    let file = std::fs::File::open(path).map_err(|error| code_of(&error))?;
    Ok(file.into_raw_handle())
}
