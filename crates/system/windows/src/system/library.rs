//! Libraries that not every Windows has.

use std::ffi::CString;
use std::io;
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::HMODULE;
use windows_sys::Win32::System::LibraryLoader::{
    GetProcAddress, LOAD_LIBRARY_SEARCH_SYSTEM32, LoadLibraryExW,
};

use super::wide::Wide;
use crate::HcsError;

/// A function whose parameters are yet to be said.
pub(super) type Untyped = unsafe extern "system" fn() -> isize;

/// A library of Windows that is loaded when a function of it is first asked for.
#[derive(Debug)]
pub(super) struct Library {
    file: &'static str,
    module: OnceLock<Module>,
}

/// A loaded library. It stays: one that has threads or callbacks of its own may not be unloaded.
#[derive(Debug)]
struct Module(HMODULE);

// SAFETY: a module's handle is its address, which is valid in every thread while it is loaded, and it is never unloaded.
unsafe impl Send for Module {}
// SAFETY: as above; the loader does its own locking.
unsafe impl Sync for Module {}

impl Library {
    pub(super) const fn new(file: &'static str) -> Self {
        Self {
            file,
            module: OnceLock::new(),
        }
    }

    /// Looks a function up.
    pub(super) fn function(&self, call: &'static str) -> Result<Untyped, HcsError> {
        self.find(call).map_err(|error| HcsError::Missing {
            call,
            library: self.file,
            reason: error.to_string(),
        })
    }

    fn find(&self, call: &str) -> io::Result<Untyped> {
        let module = self.module()?;
        let name = CString::new(call)?;
        // SAFETY: the module is loaded and stays so; the name ends with a NUL.
        let function = unsafe { GetProcAddress(module, name.as_ptr().cast()) };
        function.ok_or_else(io::Error::last_os_error)
    }

    /// A failure is not kept: a feature of Windows may be added while this process runs.
    fn module(&self) -> io::Result<HMODULE> {
        if let Some(module) = self.module.get() {
            return Ok(module.0);
        }
        let file = Wide::new(self.file)?;
        // SAFETY: the name ends with a NUL, and the second parameter is reserved and to be null. The library is
        // Windows' own: only its system folder is looked in, never that of the program or the current one.
        let module = unsafe {
            LoadLibraryExW(
                file.as_ptr(),
                std::ptr::null_mut(),
                LOAD_LIBRARY_SEARCH_SYSTEM32,
            )
        };
        if module.is_null() {
            return Err(io::Error::last_os_error());
        }
        // Two threads may come here at once; both got the same address.
        Ok(self.module.get_or_init(|| Module(module)).0)
    }
}

/// Declares functions of a [`Library`]: each becomes a function that looks it up.
macro_rules! functions {
    ($library:ident; $($(#[$doc:meta])* fn $name:ident($($type:ty),*) -> $result:ty;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name() -> Result<unsafe extern "system" fn($($type),*) -> $result, crate::HcsError> {
            let function = $library.function(stringify!($name))?;
            // SAFETY: both are pointers to functions of the system's calling convention; that the parameters are
            // those of the library's function is what this declaration says, from the source named beside it.
            Ok(unsafe {
                std::mem::transmute::<
                    $crate::system::library::Untyped,
                    unsafe extern "system" fn($($type),*) -> $result,
                >(function)
            })
        }
    )*};
}
pub(super) use functions;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_is_not_there_is_missing_by_name() {
        static NOWHERE: Library = Library::new("transom-nowhere.dll");
        let error = NOWHERE.function("ActivateLayer").unwrap_err();
        let HcsError::Missing {
            call,
            library,
            reason,
        } = &error
        else {
            panic!("{error:?}");
        };
        assert_eq!((*call, *library), ("ActivateLayer", "transom-nowhere.dll"));
        assert!(!reason.is_empty());
        let text = error.to_string();
        assert!(
            text.starts_with("ActivateLayer: transom-nowhere.dll is not on"),
            "{text}"
        );
        assert!(!text.contains("Containers feature"), "{text}");
    }

    #[test]
    fn a_function_that_is_not_there_is_missing_by_name() {
        static KERNEL: Library = Library::new("kernel32.dll");
        assert!(KERNEL.function("GetTickCount").is_ok());
        let error = KERNEL.function("ActivateLayer").unwrap_err();
        assert!(
            matches!(
                error,
                HcsError::Missing {
                    library: "kernel32.dll",
                    ..
                }
            ),
            "{error:?}"
        );
    }
}
