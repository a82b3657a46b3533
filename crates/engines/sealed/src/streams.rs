//! Small pieces of reading and writing that several parts share.

use std::io::{self, Read, Write};

use transom_erofs::ReadAt;
use transom_layer::{BlobDigest, Hasher};

/// Fills `buffer` as far as the stream goes; less than full means the end.
pub(crate) fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Fills `buffer` with what lies at `offset`; an end before that is an error.
pub(crate) fn read_exact_at(
    source: &impl ReadAt,
    mut buffer: &mut [u8],
    mut offset: u64,
) -> io::Result<()> {
    while !buffer.is_empty() {
        match source.read_at(buffer, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                buffer = &mut buffer[count..];
                offset += count as u64;
            }
        }
    }
    Ok(())
}

/// Hashes what goes through it.
#[derive(Debug)]
pub(crate) struct HashingWriter<W> {
    out: W,
    hasher: Hasher,
}

impl<W: Write> HashingWriter<W> {
    pub(crate) fn new(out: W) -> Self {
        Self {
            out,
            hasher: Hasher::new(),
        }
    }

    /// Returns the digest of all that went through.
    pub(crate) fn finish(self) -> BlobDigest {
        BlobDigest(self.hasher.finish())
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
