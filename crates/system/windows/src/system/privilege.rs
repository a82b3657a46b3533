//! Privileges: rights that an account has and a token does not use until they are enabled.

use std::fmt;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle, RawHandle};
use std::process;
use std::ptr;

use windows_sys::Win32::Foundation::{
    ERROR_NO_TOKEN, ERROR_NOT_ALL_ASSIGNED, GetLastError, LUID, SetLastError,
};
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, DuplicateTokenEx, LUID_AND_ATTRIBUTES, LookupPrivilegeValueW,
    RevertToSelf, SE_PRIVILEGE_ENABLED, SecurityImpersonation, TOKEN_ACCESS_MASK,
    TOKEN_ADJUST_PRIVILEGES, TOKEN_DUPLICATE, TOKEN_IMPERSONATE, TOKEN_PRIVILEGES, TOKEN_QUERY,
    TokenImpersonation,
};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetCurrentThread, OpenProcessToken, OpenThreadToken, SetThreadToken,
};

use super::wide::Wide;

/// A privilege that layers need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privilege {
    /// Read any file with its security descriptor, and export layers: SeBackupPrivilege.
    Backup,
    /// Write any file, its owner and its security descriptor; with [`Backup`](Self::Backup), import layers:
    /// SeRestorePrivilege.
    Restore,
    /// Reach the audit rules of files where [`Backup`](Self::Backup) is not enough, as on volumes of virtual disks:
    /// SeSecurityPrivilege.
    Security,
    /// Attach and detach virtual disks: SeManageVolumePrivilege.
    ManageVolume,
}

impl Privilege {
    /// Returns the name by which Windows knows it (winnt.h).
    pub fn name(self) -> &'static str {
        match self {
            Self::Backup => "SeBackupPrivilege",
            Self::Restore => "SeRestorePrivilege",
            Self::Security => "SeSecurityPrivilege",
            Self::ManageVolume => "SeManageVolumePrivilege",
        }
    }
}

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Privileges that the current thread has while this lives.
///
/// Only this thread has them: threads that it starts do not, whatever the moment. So the guard cannot be sent to another
/// thread, and work that is handed to one needs a guard there. Guards may lie within each other; the inner one adds to
/// what the outer one has.
#[derive(Debug)]
#[must_use = "the privileges are gone when this is dropped"]
pub struct Privileges {
    /// What the thread had before.
    previous: Option<OwnedHandle>,
    /// A raw pointer is neither `Send` nor `Sync`, and so this is not.
    _of_this_thread: PhantomData<*const ()>,
}

impl Privileges {
    /// Enables privileges for the current thread.
    ///
    /// # Errors
    /// [`io::ErrorKind::PermissionDenied`] if the account does not have all of them, which names those that are
    /// missing; or the system refuses. Then the thread is as it was.
    pub fn enable(privileges: &[Privilege]) -> io::Result<Self> {
        let previous = thread_token()?;
        // What ImpersonateSelf does (go-winio privilege.go uses that), but the privileges are enabled before the thread
        // takes the token on, so a failure leaves nothing to undo.
        let token = match &previous {
            Some(token) => copy_of(token)?,
            None => copy_of(&process_token(TOKEN_DUPLICATE | TOKEN_QUERY)?)?,
        };
        adjust(&token, privileges)?;
        impersonate(&token)?;
        Ok(Self {
            previous,
            _of_this_thread: PhantomData,
        })
    }

    /// Enables privileges for the whole process and for good; for a process that does nothing else. Threads that have a
    /// guard at this time keep what they have.
    ///
    /// # Errors
    /// As [`enable`](Self::enable); but those that the account has are enabled nevertheless.
    pub fn enable_for_process(privileges: &[Privilege]) -> io::Result<()> {
        adjust(
            &process_token(TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY)?,
            privileges,
        )
    }
}

impl Drop for Privileges {
    fn drop(&mut self) {
        let restored = match &self.previous {
            Some(token) => impersonate(token),
            // SAFETY: it takes nothing and changes the current thread's token only.
            None => match unsafe { RevertToSelf() } {
                0 => Err(io::Error::last_os_error()),
                _ => Ok(()),
            },
        };
        if let Err(error) = restored {
            // What the thread does next would be done with rights that it is not to have. Unwinding would not end that.
            let _ = writeln!(
                io::stderr(),
                "transom: cannot give up privileges of a thread: {error}"
            );
            process::abort();
        }
    }
}

/// Takes a token on, in the current thread.
fn impersonate(token: &OwnedHandle) -> io::Result<()> {
    // SAFETY: without a thread it is the current one; the token is open.
    check(unsafe { SetThreadToken(ptr::null(), token.as_raw_handle()) })
}

/// Returns the token that the current thread has taken on, if it has.
pub(super) fn thread_token() -> io::Result<Option<OwnedHandle>> {
    let access = TOKEN_DUPLICATE | TOKEN_IMPERSONATE | TOKEN_QUERY;
    let mut token: RawHandle = ptr::null_mut();
    // SAFETY: the current thread's handle is always valid; the call writes one handle. The process's own rights decide
    // whether it may be opened (the third parameter), as those of the token might not suffice for that.
    match check(unsafe { OpenThreadToken(GetCurrentThread(), access, 1, &mut token) }) {
        // SAFETY: the call succeeded, so the handle is open and ours.
        Ok(()) => Ok(Some(unsafe { OwnedHandle::from_raw_handle(token) })),
        Err(error) if is(&error, ERROR_NO_TOKEN) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the process's token.
pub(super) fn process_token(access: TOKEN_ACCESS_MASK) -> io::Result<OwnedHandle> {
    let mut token: RawHandle = ptr::null_mut();
    // SAFETY: the current process's handle is always valid; the call writes one handle.
    check(unsafe { OpenProcessToken(GetCurrentProcess(), access, &mut token) })?;
    // SAFETY: the call succeeded, so the handle is open and ours.
    Ok(unsafe { OwnedHandle::from_raw_handle(token) })
}

fn copy_of(token: &OwnedHandle) -> io::Result<OwnedHandle> {
    let mut copy: RawHandle = ptr::null_mut();
    // SAFETY: the token is open; without attributes the copy is not inherited; the call writes one handle.
    check(unsafe {
        DuplicateTokenEx(
            token.as_raw_handle(),
            TOKEN_ADJUST_PRIVILEGES | TOKEN_IMPERSONATE | TOKEN_QUERY,
            ptr::null(),
            SecurityImpersonation,
            TokenImpersonation,
            &mut copy,
        )
    })?;
    // SAFETY: the call succeeded, so the handle is open and ours.
    Ok(unsafe { OwnedHandle::from_raw_handle(copy) })
}

/// Enables privileges in a token, one by one, so as to know which are missing.
fn adjust(token: &OwnedHandle, privileges: &[Privilege]) -> io::Result<()> {
    let mut missing = Vec::new();
    for privilege in privileges {
        let state = TOKEN_PRIVILEGES {
            PrivilegeCount: 1,
            Privileges: [LUID_AND_ATTRIBUTES {
                Luid: luid_of(*privilege)?,
                Attributes: SE_PRIVILEGE_ENABLED,
            }],
        };
        // SAFETY: `state` has the one privilege that it says; that nobody asks for the previous state is said by the
        // null pointers. The last error is set before and read right after, as the call succeeds also when it did not
        // enable the privilege.
        let (enabled, error) = unsafe {
            SetLastError(0);
            let enabled = AdjustTokenPrivileges(
                token.as_raw_handle(),
                0,
                &state,
                0,
                ptr::null_mut(),
                ptr::null_mut(),
            );
            (enabled, GetLastError())
        };
        match (enabled, error) {
            (_, ERROR_NOT_ALL_ASSIGNED) => missing.push(privilege.name()),
            (0, error) => return Err(io::Error::from_raw_os_error(error.cast_signed())),
            _ => {}
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!("this account's token lacks {missing}; run it elevated, as an administrator"),
    ))
}

fn luid_of(privilege: Privilege) -> io::Result<LUID> {
    let name = Wide::new(privilege.name())?;
    let mut luid = LUID::default();
    // SAFETY: the name ends with a NUL and lives until the call returns, which writes one LUID; null is this computer.
    check(unsafe { LookupPrivilegeValueW(ptr::null(), name.as_ptr(), &mut luid) })?;
    Ok(luid)
}

fn check(succeeded: i32) -> io::Result<()> {
    match succeeded {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error() == Some(code.cast_signed())
}

#[cfg(test)]
mod tests {
    use std::thread;

    use windows_sys::Win32::Security::{PRIVILEGE_SET, PrivilegeCheck};

    use super::*;
    use crate::system::skip;

    /// Says whether the current thread's token has a privilege enabled; `None` if it has no token.
    fn has(privilege: Privilege) -> Option<bool> {
        let token = thread_token().unwrap()?;
        let mut set = PRIVILEGE_SET {
            PrivilegeCount: 1,
            Control: 1,
            Privilege: [LUID_AND_ATTRIBUTES {
                Luid: luid_of(privilege).unwrap(),
                Attributes: 0,
            }],
        };
        let mut held = 0;
        // SAFETY: the token is open, the set has the one privilege that it says, and the call writes one BOOL.
        check(unsafe { PrivilegeCheck(token.as_raw_handle(), &mut set, &mut held) }).unwrap();
        Some(held != 0)
    }

    #[test]
    fn a_guard_gives_privileges_to_its_thread_and_takes_them_away() {
        assert_eq!(has(Privilege::Backup), None);
        let Ok(guard) = Privileges::enable(&[Privilege::Backup, Privilege::Restore]) else {
            skip("the account has no privileges");
            return;
        };
        assert_eq!(has(Privilege::Backup), Some(true));
        assert_eq!(has(Privilege::Restore), Some(true));
        thread::spawn(|| assert_eq!(has(Privilege::Backup), None))
            .join()
            .unwrap();
        drop(guard);
        assert_eq!(has(Privilege::Backup), None);
    }

    #[test]
    fn an_inner_guard_adds_to_the_outer_one() {
        let Ok(outer) = Privileges::enable(&[Privilege::Backup]) else {
            skip("the account has no privileges");
            return;
        };
        let before = has(Privilege::Security);
        let inner = Privileges::enable(&[Privilege::Security]).unwrap();
        assert_eq!(has(Privilege::Backup), Some(true));
        assert_eq!(has(Privilege::Security), Some(true));
        drop(inner);
        assert_eq!(has(Privilege::Backup), Some(true));
        assert_eq!(has(Privilege::Security), before);
        drop(outer);
        assert_eq!(has(Privilege::Backup), None);
    }

    #[test]
    fn all_privileges_have_the_names_that_windows_knows() {
        for privilege in [
            Privilege::Backup,
            Privilege::Restore,
            Privilege::Security,
            Privilege::ManageVolume,
        ] {
            assert!(luid_of(privilege).is_ok(), "{privilege}");
        }
    }

    #[test]
    fn privileges_that_a_token_lacks_are_named() {
        use windows_sys::Win32::Security::{CreateRestrictedToken, DISABLE_MAX_PRIVILEGE};

        let token = process_token(TOKEN_DUPLICATE | TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES).unwrap();
        let mut poor: RawHandle = ptr::null_mut();
        // SAFETY: the token is open, all lists are empty, and the call writes one handle.
        let made = check(unsafe {
            CreateRestrictedToken(
                token.as_raw_handle(),
                DISABLE_MAX_PRIVILEGE,
                0,
                ptr::null(),
                0,
                ptr::null(),
                0,
                ptr::null(),
                &mut poor,
            )
        });
        if let Err(error) = made {
            skip(format_args!(
                "no token without privileges can be made here: {error}"
            ));
            return;
        }
        // SAFETY: the call succeeded, so the handle is open and ours.
        let poor = unsafe { OwnedHandle::from_raw_handle(poor) };
        match adjust(&poor, &[Privilege::Backup, Privilege::Restore]) {
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{error}");
                let text = error.to_string();
                assert!(
                    text.contains("SeBackupPrivilege, SeRestorePrivilege"),
                    "{text}"
                );
            }
            Ok(()) => skip("restricting a token takes no privileges away here"),
        }
    }

    #[test]
    fn privileges_can_be_the_whole_process() {
        if let Err(error) = Privileges::enable_for_process(&[Privilege::ManageVolume]) {
            skip(error);
        }
    }
}
