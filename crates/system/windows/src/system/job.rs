//! Processes that end with the one that started them.

use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;

use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation,
    SetInformationJobObject,
};

/// A job object around another process: when this is dropped, or this process ends in whatever way, Windows ends that one.
#[derive(Debug)]
pub struct Job(#[expect(dead_code, reason = "the job lives as long as its handle")] OwnedHandle);

impl Job {
    /// Puts a process into a job of its own, with all that it starts from now on.
    ///
    /// If this process ends before, the other one stays.
    ///
    /// # Errors
    /// The process has ended, or is in a job already that allows no other one.
    pub fn around(process: &impl AsHandle) -> io::Result<Self> {
        // SAFETY: neither attributes nor a name have to be given. Without attributes nobody inherits the handle, so
        // that this process has the only one.
        let handle = unsafe { CreateJobObjectW(ptr::null(), ptr::null()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle is new and owned by nobody else.
        let job = unsafe { OwnedHandle::from_raw_handle(handle) };
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        // SAFETY: the job is open, and the structure is the one of this class, of the length that is given.
        let is_set = unsafe {
            SetInformationJobObject(
                job.as_raw_handle(),
                JobObjectExtendedLimitInformation,
                (&raw const limits).cast(),
                size_of_val(&limits) as u32,
            )
        };
        if is_set == 0 {
            return Err(io::Error::last_os_error());
        }
        let process = process.as_handle().as_raw_handle();
        // SAFETY: both handles are open.
        match unsafe { AssignProcessToJobObject(job.as_raw_handle(), process) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(Self(job)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    /// Starts what waits for commands.
    fn waiting() -> Child {
        let mut command = Command::new("cmd");
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        command.spawn().unwrap()
    }

    #[test]
    fn a_process_ends_with_its_job() {
        let mut child = waiting();
        let job = Job::around(&child).unwrap();
        thread::sleep(Duration::from_millis(300));
        assert_eq!(child.try_wait().unwrap(), None, "it waits");
        drop(job);
        let start = Instant::now();
        while child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < Duration::from_secs(30), "it goes on");
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_process_that_has_ended_gets_no_job() {
        let mut child = waiting();
        child.kill().unwrap();
        child.wait().unwrap();
        Job::around(&child).unwrap_err();
    }
}
