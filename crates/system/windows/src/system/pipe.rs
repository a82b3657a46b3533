//! Named pipes that only administrators and the system itself can open.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};
use transom_ntmeta::sddl;
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;

/// All for administrators and the system, nothing for others, whatever is above.
const SECURITY: &str = "D:P(A;;GA;;;BA)(A;;GA;;;SY)";

/// A pipe that takes any number of clients of this machine.
#[derive(Debug)]
pub struct PipeListener {
    name: OsString,
    /// The instance that the next client gets: there is always one, so that no other process can have the name.
    next: NamedPipeServer,
}

impl PipeListener {
    /// Makes a pipe, `\\.\pipe\NAME`. Within a runtime of tokio.
    ///
    /// # Errors
    /// `PermissionDenied` if another process has a pipe of that name, or the system refuses.
    pub fn listen(name: &Path) -> io::Result<Self> {
        let name = name.as_os_str().to_owned();
        let next = instance(&name, true)?;
        Ok(Self { name, next })
    }

    /// Waits for a client.
    ///
    /// # Errors
    /// The system refuses; the next call tries again. One that is dropped before its end takes no client.
    pub async fn accept(&mut self) -> io::Result<NamedPipeServer> {
        self.next.connect().await?;
        // Before the client is given away: without any instance the name would be free.
        let next = instance(&self.name, false)?;
        Ok(std::mem::replace(&mut self.next, next))
    }
}

fn instance(name: &OsString, is_first: bool) -> io::Result<NamedPipeServer> {
    let mut security = sddl::from_sddl(SECURITY).map_err(io::Error::other)?;
    let mut attributes = SECURITY_ATTRIBUTES {
        nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
        lpSecurityDescriptor: security.as_mut_ptr().cast(),
        bInheritHandle: 0,
    };
    let mut options = ServerOptions::new();
    options
        .first_pipe_instance(is_first)
        .reject_remote_clients(true);
    // SAFETY: the attributes are a whole SECURITY_ATTRIBUTES whose descriptor is a self-relative one; both outlive the
    // call, which copies what it needs.
    unsafe { options.create_with_security_attributes_raw(name, (&raw mut attributes).cast()) }
}

#[cfg(test)]
mod tests;
