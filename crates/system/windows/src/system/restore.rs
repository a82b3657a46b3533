//! Writing a backup stream into a file.
//!
//! Wine has no BackupWrite, so this has not run on real Windows.

use std::ffi::c_void;
use std::io::{self, Write};
use std::os::windows::io::AsRawHandle;
use std::ptr;

use windows_sys::Win32::Storage::FileSystem::BackupWrite;

use super::node::NtfsNode;
use crate::BackupWriter;
use crate::stream_end::StreamEnd;

/// How much is written at once: headers and content come in small pieces, and each call is one of the system.
const LENGTH: usize = 64 * 1024;

/// Takes a backup stream for a file or folder.
///
/// What is written is kept back until it is enough for a call. Dropping this without
/// [`finish`](BackupWriter::finish) leaves the file as it is then, with a part of the stream.
#[derive(Debug)]
pub struct NtfsRestore<'a> {
    node: &'a mut NtfsNode,
    with_security: bool,
    /// What Windows keeps of the writing; null before it began.
    context: *mut c_void,
    buffer: Vec<u8>,
    end: StreamEnd,
    /// A call failed: what comes after it would be taken for something else.
    failed: bool,
}

impl<'a> NtfsRestore<'a> {
    pub(super) fn new(node: &'a mut NtfsNode, with_security: bool) -> Self {
        node.rewind_quietly();
        Self {
            node,
            with_security,
            context: ptr::null_mut(),
            buffer: Vec::with_capacity(LENGTH),
            end: StreamEnd::default(),
            failed: false,
        }
    }

    fn check(&self) -> io::Result<()> {
        match self.failed {
            true => Err(io::Error::other(
                "writing this backup stream failed before; what is there is not whole",
            )),
            false => Ok(()),
        }
    }

    /// Writes all that was kept back.
    fn drain(&mut self) -> io::Result<()> {
        self.check()?;
        let result = write(
            self.node,
            self.with_security,
            &mut self.context,
            &self.buffer,
        );
        self.buffer.clear();
        self.failed = result.is_err();
        result
    }
}

/// Writes all of `bytes`.
fn write(
    node: &NtfsNode,
    with_security: bool,
    context: &mut *mut c_void,
    bytes: &[u8],
) -> io::Result<()> {
    for piece in bytes.chunks(LENGTH) {
        let mut written = 0;
        // SAFETY: the file is open, the piece has as many bytes as is said (it is no longer than `LENGTH`, which 32 bits
        // hold), and the context is null or this file's: it lives in an `NtfsRestore`, which borrows the node, so nobody
        // closes the file or writes to it meanwhile.
        let succeeded = unsafe {
            BackupWrite(
                node.as_handle().as_raw_handle(),
                piece.as_ptr(),
                piece.len() as u32,
                &mut written,
                0,
                with_security.into(),
                context,
            )
        };
        if succeeded == 0 {
            return Err(io::Error::last_os_error());
        }
        if usize::try_from(written) != Ok(piece.len()) {
            return Err(io::Error::new(
                io::ErrorKind::WriteZero,
                format!("BackupWrite took {written} bytes of {}", piece.len()),
            ));
        }
    }
    Ok(())
}

impl Write for NtfsRestore<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check()?;
        if self.end.follow(bytes).is_none() {
            self.failed = true;
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a header of the backup stream says a size that cannot be",
            ));
        }
        if self.buffer.len() + bytes.len() > LENGTH {
            self.drain()?;
        }
        if bytes.len() < LENGTH {
            self.buffer.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        let result = write(self.node, self.with_security, &mut self.context, bytes);
        self.failed = result.is_err();
        result.map(|()| bytes.len())
    }

    /// Does nothing: Windows is given pieces as they become large enough, and the last by
    /// [`finish`](BackupWriter::finish).
    fn flush(&mut self) -> io::Result<()> {
        self.check()
    }
}

impl BackupWriter for NtfsRestore<'_> {
    fn finish(mut self) -> io::Result<()> {
        self.drain()?;
        match self.end.may_end() {
            true => Ok(()),
            false => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the backup stream ends in the middle",
            )),
        }
    }
}

impl Drop for NtfsRestore<'_> {
    fn drop(&mut self) {
        if self.context.is_null() {
            return;
        }
        let mut written = 0;
        // SAFETY: the file is open and the context is its writing's; to end it no buffer is needed. Nobody uses the
        // context after this. Should it fail nothing can be done.
        unsafe {
            BackupWrite(
                self.node.as_handle().as_raw_handle(),
                ptr::null(),
                0,
                &mut written,
                1,
                self.with_security.into(),
                &mut self.context,
            )
        };
    }
}
