//! Writing backup streams one after the other.

use std::io::{self, Write};

use super::{BackupError, OFFSET_LEN, StreamHeader, StreamId};

/// Writes backup streams: [`Writer::begin`] announces a stream, [`Write`] takes its data, [`Writer::finish`] ends.
///
/// A write of more than the stream's announced size fails as a whole and writes nothing.
#[derive(Debug)]
pub struct Writer<W> {
    sink: W,
    /// Bytes written to the sink so far.
    position: u64,
    /// The current stream.
    id: StreamId,
    /// Bytes of the current stream that are still to come.
    left: u64,
}

impl<W: Write> Writer<W> {
    /// Returns a writer without a current stream.
    pub fn new(sink: W) -> Writer<W> {
        Writer {
            sink,
            position: 0,
            id: StreamId(0),
            left: 0,
        }
    }

    /// Writes the header of a stream, whose `size` bytes of data must follow.
    ///
    /// # Errors
    /// A stream before it that is incomplete, and headers that a reader would refuse.
    pub fn begin(&mut self, header: &StreamHeader) -> Result<(), BackupError> {
        self.check_complete()?;
        header.check(self.position)?;

        let offset_len = if header.offset.is_some() {
            OFFSET_LEN
        } else {
            0
        };
        let mut bytes = Vec::new();
        bytes.extend(header.id.0.to_le_bytes());
        bytes.extend(header.attributes.bits().to_le_bytes());
        bytes.extend((header.size + offset_len).to_le_bytes());
        // The check above bounds the name far below 2^32 bytes.
        bytes.extend((header.name.len() as u32 * 2).to_le_bytes());
        for unit in &header.name {
            bytes.extend(unit.to_le_bytes());
        }
        if let Some(offset) = header.offset {
            bytes.extend(offset.to_le_bytes());
        }
        self.sink
            .write_all(&bytes)
            .map_err(|source| BackupError::Io {
                verb: "write",
                source,
            })?;
        self.position += bytes.len() as u64;
        self.id = header.id;
        self.left = header.size;
        Ok(())
    }

    /// Ends the last stream and returns the sink, which is not flushed.
    ///
    /// # Errors
    /// A last stream that is incomplete.
    pub fn finish(self) -> Result<W, BackupError> {
        self.check_complete()?;
        Ok(self.sink)
    }

    fn check_complete(&self) -> Result<(), BackupError> {
        match self.left {
            0 => Ok(()),
            missing => Err(BackupError::Incomplete {
                id: self.id,
                missing,
            }),
        }
    }
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let len = data.len() as u64;
        if len > self.left {
            let excess = len - self.left;
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "too many bytes by {excess} for the backup stream of {}",
                    self.id
                ),
            ));
        }
        let written = self.sink.write(data)?;
        self.position += written as u64;
        self.left = self.left.saturating_sub(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}
