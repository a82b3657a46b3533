//! The canonical writer: byte for byte what Go's `archive/tar` makes of the headers of a Windows layer.
//!
//! An entry that plain ustar can hold becomes one ustar block (whiteouts do); every other one gets an `x` header
//! with sorted records before it. Nothing is rounded or cut to fit. The end mark is 1024 bytes of zeros.

mod block;
mod header;
#[cfg(test)]
mod old_dialect;
#[cfg(test)]
pub(crate) mod tests;

pub use header::Header;

use std::io::{self, Write};

use crate::parse::shown;

/// Why an entry or an archive cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The sink failed.
    #[error("cannot write the archive at byte {offset}")]
    Io {
        /// Bytes written before.
        offset: u64,
        /// What the sink said.
        source: io::Error,
    },
    /// The header holds what the format cannot.
    #[error("entry {}: {rule}", shown(.name))]
    Header {
        /// Name of the entry.
        name: Vec<u8>,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// A PAX record is not writable (Go's readers refuse it too).
    #[error("entry {}: PAX record {}: {rule}", shown(.name), shown(.key))]
    Record {
        /// Name of the entry.
        name: Vec<u8>,
        /// Key of the record.
        key: Vec<u8>,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// The PAX records are larger than the 1 MiB that Go's readers accept.
    #[error("entry {}: its PAX records take {found} bytes, {limit} are allowed", shown(.name))]
    TooManyRecords {
        /// Name of the entry.
        name: Vec<u8>,
        /// Their size in bytes.
        found: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The entry before got less data than its header announced.
    #[error("entry {}: {missing} of its announced bytes were not written", shown(.name))]
    MissingData {
        /// Name of the entry.
        name: Vec<u8>,
        /// How many bytes are missing.
        missing: u64,
    },
    /// More data than the header announced; nothing of the write was done.
    #[error("entry {}: {excess} bytes more than announced", shown(.name))]
    ExcessData {
        /// Name of the entry.
        name: Vec<u8>,
        /// How many bytes are too many.
        excess: u64,
    },
}

/// Writes an archive entry by entry. As a [`Write`] it takes the data of the current entry.
#[derive(Debug)]
pub struct Writer<W> {
    sink: W,
    position: u64,
    name: Vec<u8>,
    data_left: u64,
    padding: u64,
}

impl<W: Write> Writer<W> {
    /// Starts an archive at the sink's present place.
    pub fn new(sink: W) -> Self {
        Self {
            sink,
            position: 0,
            name: Vec::new(),
            data_left: 0,
            padding: 0,
        }
    }

    /// Begins an entry. Exactly `header.size` bytes of data must be written next.
    ///
    /// # Errors
    /// The entry before is incomplete, the header cannot be represented, or the sink fails. Nothing of a header
    /// that is refused is written.
    pub fn append(&mut self, header: &Header) -> Result<(), WriteError> {
        let blocks = header.encode()?;
        self.end_entry()?;
        self.put(&blocks)?;
        self.name.clone_from(&header.name);
        self.data_left = header.size;
        self.padding = header.size.wrapping_neg() % 512;
        Ok(())
    }

    /// Writes the end mark and gives the sink back, flushed.
    ///
    /// # Errors
    /// The last entry is incomplete, or the sink fails.
    pub fn finish(mut self) -> Result<W, WriteError> {
        self.end_entry()?;
        self.put(&[0; 1024])?;
        let offset = self.position;
        self.sink
            .flush()
            .map_err(|source| WriteError::Io { offset, source })?;
        Ok(self.sink)
    }

    /// Bytes written so far: after [`append`](Self::append), where the entry's data begins.
    pub fn position(&self) -> u64 {
        self.position
    }

    fn end_entry(&mut self) -> Result<(), WriteError> {
        if self.data_left > 0 {
            return Err(WriteError::MissingData {
                name: self.name.clone(),
                missing: self.data_left,
            });
        }
        let padding = usize::try_from(self.padding).unwrap_or_default();
        self.padding = 0;
        self.put([0; 512].get(..padding).unwrap_or_default())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let offset = self.position;
        self.sink
            .write_all(bytes)
            .map_err(|source| WriteError::Io { offset, source })?;
        self.position += bytes.len() as u64;
        Ok(())
    }
}

impl<W: Write> Write for Writer<W> {
    /// Takes data of the current entry; more than it announced is refused whole.
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let length = data.len() as u64;
        if length > self.data_left {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                WriteError::ExcessData {
                    name: self.name.clone(),
                    excess: length - self.data_left,
                },
            ));
        }
        let written = self.sink.write(data)?;
        self.data_left = self.data_left.saturating_sub(written as u64);
        self.position += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}
