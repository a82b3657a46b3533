//! Reading a file as a backup stream.
//!
//! Wine has no BackupRead, so this has not run on real Windows.

use std::ffi::c_void;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::windows::io::AsRawHandle;
use std::ptr;

use windows_sys::Win32::Storage::FileSystem::BackupRead;

use super::node::NtfsNode;

/// How much is asked for at once. It is far more than a header, less than which BackupRead is documented not to take.
const LENGTH: usize = 64 * 1024;

/// The backup stream of a file or folder.
///
/// Windows gives it from its start to its end only: seeking forward reads on, and seeking back begins again. Where the
/// end is it does not say, so seeking from there is not supported, nor is seeking past it.
#[derive(Debug)]
pub struct NtfsBackup<'a> {
    node: &'a mut NtfsNode,
    with_security: bool,
    /// What Windows keeps of the reading; null before it began.
    context: *mut c_void,
    buffer: Box<[u8]>,
    /// What of the buffer is read and not yet given.
    start: usize,
    end: usize,
    /// How much was given.
    position: u64,
}

impl<'a> NtfsBackup<'a> {
    pub(super) fn new(node: &'a mut NtfsNode, with_security: bool) -> Self {
        node.rewind_quietly();
        Self {
            node,
            with_security,
            context: ptr::null_mut(),
            buffer: vec![0; LENGTH].into_boxed_slice(),
            start: 0,
            end: 0,
            position: 0,
        }
    }

    /// Ends what Windows keeps, and begins again.
    fn restart(&mut self) {
        self.abort();
        self.node.rewind_quietly();
        self.start = 0;
        self.end = 0;
        self.position = 0;
    }

    fn abort(&mut self) {
        if self.context.is_null() {
            return;
        }
        let mut got = 0;
        // SAFETY: the file is open and the context is its reading's; to end it no buffer is needed. Nobody uses the
        // context after this. Should it fail nothing can be done.
        unsafe {
            BackupRead(
                self.node.as_handle().as_raw_handle(),
                ptr::null_mut(),
                0,
                &mut got,
                1,
                self.with_security.into(),
                &mut self.context,
            )
        };
        self.context = ptr::null_mut();
    }

    fn goto(&mut self, position: u64) -> io::Result<u64> {
        if position < self.position {
            self.restart();
        }
        while self.position < position {
            if self.start == self.end {
                self.start = 0;
                self.end = 0;
                self.end = read(
                    self.node,
                    self.with_security,
                    &mut self.context,
                    &mut self.buffer,
                )?;
            }
            let there = self.end - self.start;
            if there == 0 {
                let end = self.position;
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    format!("the backup stream ends at {end}, before {position}"),
                ));
            }
            let wanted = position - self.position;
            let skip = usize::try_from(wanted).map_or(there, |wanted| wanted.min(there));
            self.start += skip;
            // A usize fits.
            self.position += skip as u64;
        }
        Ok(self.position)
    }
}

fn read(
    node: &NtfsNode,
    with_security: bool,
    context: &mut *mut c_void,
    buffer: &mut [u8],
) -> io::Result<usize> {
    let length = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
    let mut got = 0;
    // SAFETY: the file is open, the buffer has at least as many bytes as `length` says, and the context is null or this
    // file's: it lives in an `NtfsBackup`, which borrows the node, so nobody closes the file or reads it meanwhile.
    let succeeded = unsafe {
        BackupRead(
            node.as_handle().as_raw_handle(),
            buffer.as_mut_ptr(),
            length,
            &mut got,
            0,
            with_security.into(),
            context,
        )
    };
    if succeeded == 0 {
        return Err(io::Error::last_os_error());
    }
    // Never more than there is room for, whatever is said.
    Ok(usize::try_from(got).map_or(buffer.len(), |got| got.min(buffer.len())))
}

impl Read for NtfsBackup<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = if self.start < self.end {
            let there = self.buffer.get(self.start..self.end).unwrap_or_default();
            let count = there.len().min(buffer.len());
            for (to, from) in buffer.iter_mut().zip(there) {
                *to = *from;
            }
            self.start += count;
            count
        } else if buffer.len() >= LENGTH {
            read(self.node, self.with_security, &mut self.context, buffer)?
        } else {
            self.start = 0;
            self.end = 0;
            self.end = read(
                self.node,
                self.with_security,
                &mut self.context,
                &mut self.buffer,
            )?;
            let count = self.end.min(buffer.len());
            for (to, from) in buffer.iter_mut().zip(self.buffer.iter().take(count)) {
                *to = *from;
            }
            self.start = count;
            count
        };
        // A usize fits.
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for NtfsBackup<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match to {
            SeekFrom::Start(position) => self.goto(position),
            SeekFrom::Current(distance) => {
                let position = self
                    .position
                    .checked_add_signed(distance)
                    .ok_or(io::ErrorKind::InvalidInput)?;
                self.goto(position)
            }
            SeekFrom::End(_) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "where a backup stream ends is not known before it is read",
            )),
        }
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        Ok(self.position)
    }
}

impl Drop for NtfsBackup<'_> {
    fn drop(&mut self) {
        self.abort();
    }
}
