//! Pulls entries out of a [`Read`]: for archives at hand (OCI archives, docker-archives) and for tests.

use std::io::{self, Read, Seek, SeekFrom};

use crate::contents::Contents;
use crate::parse::{Entry, Limits, ParseError, Parser, Step};

/// Why reading an archive failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The source failed.
    #[error("cannot read the archive at byte {offset}")]
    Io {
        /// How far reading had come.
        offset: u64,
        /// What the source said.
        source: io::Error,
    },
    /// The archive is refused.
    #[error(transparent)]
    Parse(#[from] ParseError),
}

/// Reads an archive entry by entry. As a [`Read`] it gives the stored data of the current entry.
///
/// It reads blocks of 512 bytes and nothing beyond what it needs; wrap a file in a [`std::io::BufReader`].
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    parser: Parser,
    pass_over: fn(&mut R, u64) -> io::Result<u64>,
}

impl<R: Read> Reader<R> {
    /// Reads from a source that can only be read; unread data is read and dropped.
    pub fn new(source: R, limits: Limits) -> Self {
        Self {
            source,
            parser: Parser::new(limits),
            pass_over: |source, count| io::copy(&mut source.take(count), &mut io::sink()),
        }
    }

    /// Goes to the next entry, past what is unread of the current one; `None` at the end of the archive.
    ///
    /// # Errors
    /// The source fails, or the archive is malformed or cut off.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, ReadError> {
        let data = self.parser.data_left();
        if data > 0 {
            let passed = (self.pass_over)(&mut self.source, data).map_err(|e| self.io_error(e))?;
            self.parser.skip(passed);
            if passed < data {
                self.parser.finish()?;
            }
        }
        loop {
            // Everything but data fills whole blocks, so this never reads into an entry's data.
            let mut block = [0; 512];
            let wanted = match self.parser.padding_left() {
                0 => block.len(),
                padding => usize::try_from(padding).unwrap_or(block.len()),
            };
            let wanted = block.get_mut(..wanted).unwrap_or_default();
            let got = read_up_to(&mut self.source, wanted).map_err(|e| self.io_error(e))?;
            if got == 0 {
                self.parser.finish()?;
                return Ok(None);
            }
            let mut rest = wanted.get(..got).unwrap_or_default();
            let mut found = None;
            while !rest.is_empty() {
                let (used, step) = self.parser.push(rest)?;
                rest = rest.get(used..).unwrap_or_default();
                match step {
                    // What is left of the block is padding of a global header.
                    Step::Entry(entry) => found = Some(*entry),
                    Step::End => return Ok(None),
                    Step::NeedMore | Step::Data => {}
                }
            }
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Gives the logical content of the current entry, which must be `entry`: its data with holes as zeros.
    pub fn contents(&mut self, entry: &Entry) -> Contents<&mut Self> {
        Contents::new(entry, self)
    }

    /// Bytes of the archive taken so far.
    pub fn position(&self) -> u64 {
        self.parser.position()
    }

    /// Gives the source back.
    pub fn into_inner(self) -> R {
        self.source
    }

    fn io_error(&self, source: io::Error) -> ReadError {
        ReadError::Io {
            offset: self.parser.position(),
            source,
        }
    }
}

impl<R: Read + Seek> Reader<R> {
    /// Reads from a source that can seek; unread data is passed over by seeking.
    pub fn new_seekable(source: R, limits: Limits) -> Self {
        Self {
            pass_over: seek_over,
            ..Self::new(source, limits)
        }
    }
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.parser.data_left()).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        if wanted == 0 {
            return Ok(0);
        }
        let got = self
            .source
            .read(buffer.get_mut(..wanted).unwrap_or_default())?;
        if got == 0 {
            return match self.parser.finish() {
                Err(cut) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, cut)),
                Ok(()) => Ok(0),
            };
        }
        self.parser.skip(got as u64);
        Ok(got)
    }
}

/// Seeks to the last byte and reads that: a seek alone would not notice the end of the source.
fn seek_over<R: Read + Seek>(source: &mut R, count: u64) -> io::Result<u64> {
    let Some(mut before_last) = count.checked_sub(1) else {
        return Ok(0);
    };
    let start = source.stream_position()?;
    while before_last > 0 {
        let hop = i64::try_from(before_last).unwrap_or(i64::MAX);
        source.seek(SeekFrom::Current(hop))?;
        before_last -= hop.unsigned_abs();
    }
    if read_up_to(source, &mut [0])? == 1 {
        return Ok(count);
    }
    let end = source.seek(SeekFrom::End(0))?;
    Ok(end.saturating_sub(start))
}

/// Fills the buffer unless the source ends before; returns how many bytes came.
fn read_up_to(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(got) => filled += got,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests;
