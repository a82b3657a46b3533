//! The bytes of one file or blob: a stretch of an open file, read by position so that readers do not
//! disturb each other, or what a remote gives.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use super::remote::Remote;
use crate::document::Descriptor;

/// The bytes of one file or blob.
#[derive(Debug)]
pub(crate) struct Piece<'a> {
    origin: Origin<'a>,
    left: u64,
}

enum Origin<'a> {
    /// From this position of a file on.
    File(Arc<File>, u64),
    /// Asked for when the first byte is read.
    Unopened(&'a dyn Remote, Box<Descriptor>),
    Opened(Box<dyn Read + 'a>),
}

impl fmt::Debug for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file, offset) => f.debug_tuple("File").field(file).field(offset).finish(),
            Self::Unopened(_, descriptor) => f.debug_tuple("Unopened").field(descriptor).finish(),
            Self::Opened(_) => f.write_str("Opened"),
        }
    }
}

impl<'a> Piece<'a> {
    /// Takes `len` bytes from `offset` on.
    pub(super) fn new(file: Arc<File>, offset: u64, len: u64) -> Self {
        Self {
            origin: Origin::File(file, offset),
            left: len,
        }
    }

    /// Takes the blob that `descriptor` names.
    pub(super) fn of_remote(remote: &'a dyn Remote, descriptor: &Descriptor) -> Self {
        Self {
            origin: Origin::Unopened(remote, Box::new(descriptor.clone())),
            left: descriptor.size,
        }
    }

    /// Bytes that are left to read.
    pub(crate) fn len(&self) -> u64 {
        self.left
    }

    /// Reads all of it; the caller has looked at its length.
    pub(super) fn read_all(mut self) -> io::Result<Vec<u8>> {
        let expected = self.left;
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < expected {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes)
    }
}

impl Read for Piece<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let wanted = buffer.get_mut(..wanted).unwrap_or_default();
        if let Origin::Unopened(remote, descriptor) = &self.origin {
            self.origin = Origin::Opened(remote.open(descriptor)?);
        }
        let got = match &mut self.origin {
            Origin::File(file, offset) => {
                let got = read_at(file, wanted, *offset)?;
                *offset += got as u64;
                got
            }
            Origin::Opened(reader) => reader.read(wanted)?,
            Origin::Unopened(..) => 0,
        };
        self.left -= got as u64;
        Ok(got)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

/// Moves the file's own position, too; nobody uses that.
#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}
