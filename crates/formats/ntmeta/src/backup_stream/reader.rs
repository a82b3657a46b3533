//! Reading backup streams one after the other.

use std::io::{self, Read};

use super::{
    BackupError, HEADER_LEN, MAX_NAME_UNITS, OFFSET_LEN, StreamAttributes, StreamHeader, StreamId,
};

/// Reads backup streams: [`Reader::next`] goes to the next header, [`Read`] yields that stream's data.
///
/// `Read` returns 0 at the end of the stream, and an error of kind `UnexpectedEof` if the input ends before it.
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    /// Bytes read from the source so far.
    position: u64,
    /// Start of the current stream's header.
    stream_at: u64,
    /// Bytes of the current stream that are not read yet.
    left: u64,
}

impl<R: Read> Reader<R> {
    /// Returns a reader that stands before the first header.
    pub fn new(source: R) -> Reader<R> {
        Reader {
            source,
            position: 0,
            stream_at: 0,
            left: 0,
        }
    }

    /// Passes over what is left of the current stream and reads the next header; `None` at the end of the input.
    ///
    /// # Errors
    /// Input that ends anywhere but between two streams, names and sizes that cannot be. Not meant to be
    /// called again after an error: where the next header lies is then unknown.
    #[expect(
        clippy::should_implement_trait,
        reason = "items borrow nothing, but reading them fails and needs the reader"
    )]
    pub fn next(&mut self) -> Result<Option<StreamHeader>, BackupError> {
        self.skip_rest()?;
        self.stream_at = self.position;
        let at = self.stream_at;

        let mut header = [0; HEADER_LEN];
        match self.fill(&mut header)? {
            0 => return Ok(None),
            found if found < HEADER_LEN => return Err(self.truncated("header", HEADER_LEN - found)),
            _ => {}
        }
        let [
            i0,
            i1,
            i2,
            i3,
            a0,
            a1,
            a2,
            a3,
            s0,
            s1,
            s2,
            s3,
            s4,
            s5,
            s6,
            s7,
            n0,
            n1,
            n2,
            n3,
        ] = header;
        let id = StreamId(u32::from_le_bytes([i0, i1, i2, i3]));
        let attributes = u32::from_le_bytes([a0, a1, a2, a3]);
        let mut size = u64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7]);
        let name_size = u32::from_le_bytes([n0, n1, n2, n3]);

        let name = self.read_name(at, name_size)?;
        let mut offset = None;
        if id == StreamId::SPARSE_BLOCK {
            let found = size;
            size = size
                .checked_sub(OFFSET_LEN)
                .ok_or(BackupError::SparseBlockTooShort { at, found })?;
            let mut place = [0; OFFSET_LEN as usize];
            self.fill_all(&mut place, "offset")?;
            offset = Some(u64::from_le_bytes(place));
        }

        let header = StreamHeader {
            id,
            attributes: StreamAttributes::from_bits_retain(attributes),
            size,
            name,
            offset,
        };
        header.check(at)?;
        self.left = size;
        Ok(Some(header))
    }

    /// Returns the number of bytes of the current stream's data that are not read yet.
    pub fn remaining(&self) -> u64 {
        self.left
    }

    /// Returns the source, wherever it stands.
    pub fn into_inner(self) -> R {
        self.source
    }

    fn read_name(&mut self, at: u64, name_size: u32) -> Result<Vec<u16>, BackupError> {
        if !name_size.is_multiple_of(2) {
            return Err(BackupError::OddNameSize {
                at,
                found: name_size,
            });
        }
        let len = usize::try_from(name_size).unwrap_or(usize::MAX);
        if len > MAX_NAME_UNITS * 2 {
            let found = u64::from(name_size);
            return Err(BackupError::NameTooLong { at, found });
        }
        let mut name = vec![0; len];
        self.fill_all(&mut name, "name")?;
        Ok(name
            .chunks_exact(2)
            .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
            .collect())
    }

    fn skip_rest(&mut self) -> Result<(), BackupError> {
        let mut rest = self.source.by_ref().take(self.left);
        let skipped = io::copy(&mut rest, &mut io::sink()).map_err(read_failed)?;
        self.position += skipped;
        self.left -= skipped;
        if self.left > 0 {
            return Err(BackupError::Truncated {
                at: self.stream_at,
                part: "data",
                missing: self.left,
            });
        }
        Ok(())
    }

    fn fill_all(&mut self, buffer: &mut [u8], part: &'static str) -> Result<(), BackupError> {
        match buffer.len() - self.fill(buffer)? {
            0 => Ok(()),
            missing => Err(self.truncated(part, missing)),
        }
    }

    /// Reads until the buffer is full or the source ends; returns how many bytes came.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, BackupError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.source.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(got) => filled += got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(read_failed(error)),
            }
        }
        self.position += filled as u64;
        Ok(filled)
    }

    fn truncated(&self, part: &'static str, missing: usize) -> BackupError {
        BackupError::Truncated {
            at: self.stream_at,
            part,
            missing: missing as u64,
        }
    }
}

fn read_failed(source: io::Error) -> BackupError {
    BackupError::Io {
        verb: "read",
        source,
    }
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if len == 0 {
            return Ok(0);
        }
        let got = self.source.read(&mut buffer[..len])?;
        if got == 0 {
            let missing = BackupError::Truncated {
                at: self.stream_at,
                part: "data",
                missing: self.left,
            };
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, missing));
        }
        self.position += got as u64;
        self.left -= got as u64;
        Ok(got)
    }
}
