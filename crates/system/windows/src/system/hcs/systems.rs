//! Compute systems: the running containers and virtual machines.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ptr;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::core::PCWSTR;

use super::abi::{self, SERVICE_DISCONNECT, SYSTEM_EXITED};
use super::text::{self, Made};
use super::{check, check_detailed, some};
use crate::{HResult, HcsError};

type Result<T> = std::result::Result<T, HcsError>;

/// How long a compute system may take to end: what hcsshim waits for one (internal/timeout).
const LIMIT: Duration = Duration::from_secs(4 * 60);

const TERMINATE: &str = "HcsTerminateComputeSystem";

pub(super) fn enumerate(query: &str) -> Result<String> {
    const CALL: &str = "HcsEnumerateComputeSystems";
    let query = text::text(CALL, query)?;
    let (mut systems, mut details) = (Made::nothing(), Made::nothing());
    let function = abi::HcsEnumerateComputeSystems()?;
    // SAFETY: the text ends with a NUL and lives until the call returns, which writes two pointers.
    let code = unsafe { function(query.as_ptr(), systems.out(), details.out()) };
    check_detailed(CALL, code, &details)?;
    some(CALL, &systems)
}

pub(super) fn terminate(id: &str) -> Result<()> {
    match terminate_and_wait(id) {
        Err(HcsError::Failed { code, .. }) if has_ended(code) => Ok(()),
        result => result,
    }
}

fn terminate_and_wait(id: &str) -> Result<()> {
    let system = System::open(id)?;
    // Before it is told to end, so that the end is not missed.
    let watch = Watch::over(&system)?;
    match system.terminate() {
        Err(HcsError::Failed { code, .. }) if code == HResult::HCS_PENDING => watch.wait(LIMIT),
        result => result,
    }
}

/// Says whether a code means that there is nothing left to end (hcsshim internal/hcs/errors.go, IsAlreadyStopped and
/// IsNotExist).
fn has_ended(code: HResult) -> bool {
    [
        HResult::HCS_ALREADY_STOPPED,
        HResult::HCS_STOPPED,
        HResult::HCS_PROCESS_STOPPED,
        HResult::HCS_SYSTEM_NOT_FOUND,
        HResult::NOT_FOUND,
        HResult::PROC_NOT_FOUND,
    ]
    .contains(&code)
}

/// An open compute system.
#[derive(Debug)]
struct System(HANDLE);

impl System {
    fn open(id: &str) -> Result<Self> {
        const CALL: &str = "HcsOpenComputeSystem";
        let id = text::text(CALL, id)?;
        let mut system = Self(ptr::null_mut());
        let mut details = Made::nothing();
        let function = abi::HcsOpenComputeSystem()?;
        // SAFETY: the text ends with a NUL and lives until the call returns, which writes a handle and a pointer.
        let code = unsafe { function(id.as_ptr(), &mut system.0, details.out()) };
        check_detailed(CALL, code, &details)?;
        Ok(system)
    }

    fn terminate(&self) -> Result<()> {
        let options = text::text(TERMINATE, "")?;
        let mut details = Made::nothing();
        let function = abi::HcsTerminateComputeSystem()?;
        // SAFETY: the handle is open while `self` lives; the text ends with a NUL; the call writes one pointer.
        let code = unsafe { function(self.0, options.as_ptr(), details.out()) };
        check_detailed(TERMINATE, code, &details)
    }
}

impl Drop for System {
    fn drop(&mut self) {
        if self.0.is_null() {
            return;
        }
        if let Ok(close) = abi::HcsCloseComputeSystem() {
            // SAFETY: the handle is open, and nobody uses it after this. If it cannot be closed nothing can be done.
            unsafe { close(self.0) };
        }
    }
}

/// What was told about watched systems, by the numbers of their watches.
///
/// Windows gets the number, never a pointer: should it call once more after a watch has ended, it finds nothing.
static WATCHES: Mutex<Watches> = Mutex::new(Watches {
    next: 1,
    told: BTreeMap::new(),
});
static TOLD: Condvar = Condvar::new();

#[derive(Debug)]
struct Watches {
    next: usize,
    told: BTreeMap<usize, Option<Ending>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Exited,
    ServiceGone,
}

fn watches() -> MutexGuard<'static, Watches> {
    WATCHES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Called by Windows in threads of its own. It waits for nothing but a lock that is never held for long.
unsafe extern "system" fn notified(kind: u32, context: *mut c_void, _status: i32, _data: PCWSTR) {
    let ending = match kind {
        SYSTEM_EXITED => Ending::Exited,
        SERVICE_DISCONNECT => Ending::ServiceGone,
        _ => return,
    };
    if let Some(told) = watches().told.get_mut(&context.addr()) {
        // What was told first counts.
        told.get_or_insert(ending);
    }
    TOLD.notify_all();
}

/// Waits for the end of a system; borrows it, so that its handle is closed after this.
#[derive(Debug)]
struct Watch<'a> {
    number: usize,
    callback: HANDLE,
    _system: &'a System,
}

impl<'a> Watch<'a> {
    fn over(system: &'a System) -> Result<Self> {
        const CALL: &str = "HcsRegisterComputeSystemCallback";
        let function = abi::HcsRegisterComputeSystemCallback()?;
        let number = {
            let mut watches = watches();
            let number = watches.next;
            watches.next += 1;
            watches.told.insert(number, None);
            number
        };
        let mut watch = Self {
            number,
            callback: ptr::null_mut(),
            _system: system,
        };
        // SAFETY: the handle is open while `system` lives. `notified` may be called at any time and in any thread, also
        // after this watch has ended: its context is a number, which it does not follow as a pointer. The call writes
        // one handle.
        let code = unsafe {
            function(
                system.0,
                notified,
                ptr::without_provenance_mut(number),
                &mut watch.callback,
            )
        };
        check(CALL, code)?;
        Ok(watch)
    }

    fn wait(&self, limit: Duration) -> Result<()> {
        let until = Instant::now() + limit;
        let mut watches = watches();
        loop {
            match watches.told.get(&self.number).copied().flatten() {
                // With which status does not matter: it is no more.
                Some(Ending::Exited) => return Ok(()),
                Some(Ending::ServiceGone) => {
                    let what = "the service went away before the compute system ended";
                    return Err(text::refused(TERMINATE, what.to_owned()));
                }
                None => {}
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(HcsError::TimedOut {
                    call: TERMINATE,
                    limit,
                });
            }
            (watches, _) = TOLD
                .wait_timeout(watches, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.callback.is_null()
            && let Ok(unregister) = abi::HcsUnregisterComputeSystemCallback()
        {
            // The lock is not held here: this call waits for callbacks that run, and they need it.
            // SAFETY: the handle is from the registration, and nobody uses it after this. If it fails nothing can be
            // done, and late calls find no watch.
            unsafe { unregister(self.callback) };
        }
        watches().told.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A watch as it is after its registration, over nothing.
    fn watch(system: &System) -> Watch<'_> {
        let mut watches = watches();
        let number = watches.next;
        watches.next += 1;
        watches.told.insert(number, None);
        Watch {
            number,
            callback: ptr::null_mut(),
            _system: system,
        }
    }

    fn tell(number: usize, kind: u32) {
        // SAFETY: the context is a number, and the function asks for nothing else.
        unsafe { notified(kind, ptr::without_provenance_mut(number), 0, ptr::null()) };
    }

    #[test]
    fn a_watch_ends_when_its_system_exits() {
        let system = System(ptr::null_mut());
        let watch = watch(&system);
        let number = watch.number;
        let teller = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            // Another system's end, and something else about this one.
            tell(usize::MAX, SYSTEM_EXITED);
            tell(number, 2);
            std::thread::sleep(Duration::from_millis(50));
            tell(number, SYSTEM_EXITED);
            tell(number, SERVICE_DISCONNECT);
        });
        assert_eq!(watch.wait(Duration::from_secs(30)), Ok(()));
        teller.join().unwrap();
        assert_eq!(watch.wait(Duration::ZERO), Ok(()));
        drop(watch);
        // A late call finds nothing.
        tell(number, SYSTEM_EXITED);
        assert!(!watches().told.contains_key(&number));
    }

    #[test]
    fn a_service_that_goes_away_is_an_error() {
        let system = System(ptr::null_mut());
        let watch = watch(&system);
        tell(watch.number, SERVICE_DISCONNECT);
        let error = watch.wait(Duration::from_secs(30)).unwrap_err();
        assert!(matches!(error, HcsError::Answer { .. }), "{error:?}");
    }

    #[test]
    fn a_watch_does_not_wait_for_ever() {
        let system = System(ptr::null_mut());
        let limit = Duration::from_millis(20);
        let error = watch(&system).wait(limit).unwrap_err();
        assert_eq!(
            error,
            HcsError::TimedOut {
                call: TERMINATE,
                limit
            }
        );
    }

    #[test]
    fn codes_that_mean_ended_are_known_in_both_forms() {
        for code in [
            0xc037_0110,
            0x8037_0110,
            0x8037_011f,
            0xc037_010e,
            0x8007_0490,
            0x490,
            0x7f,
        ] {
            assert!(has_ended(HResult(code)), "{code:#x}");
        }
        for code in [0xc037_0103, 0xc037_0105, 5, 0] {
            assert!(!has_ended(HResult(code)), "{code:#x}");
        }
    }
}
