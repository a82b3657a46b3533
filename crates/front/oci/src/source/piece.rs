//! A stretch of an open file, read by position so that readers do not disturb each other.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

/// A stretch of an open file.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    file: Arc<File>,
    offset: u64,
    left: u64,
}

impl Piece {
    /// Takes `len` bytes from `offset` on.
    pub(super) fn new(file: Arc<File>, offset: u64, len: u64) -> Self {
        Self {
            file,
            offset,
            left: len,
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

impl Read for Piece {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let wanted = buffer.get_mut(..wanted).unwrap_or_default();
        let got = read_at(&self.file, wanted, self.offset)?;
        self.offset += got as u64;
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
