//! A push parser for tar archives that agrees with Go's `archive/tar` on what is valid and what it means.
//!
//! It does no I/O: bytes are pushed in pieces of any size, and it says what they are. Data of entries is passed
//! over by arithmetic, so it can run beside a hash over the whole stream at almost no cost. It reads V7, ustar,
//! star, GNU and PAX headers, all sparse formats, and both dialects of Windows layers.
//!
//! It is stricter than Go in three places: a mode word must fit 32 bits, a sparse map must account for exactly
//! the data that is stored (Go finds out when the data is read), and the position of data must fit 64 bits.

mod block;
mod entry;
mod error;
mod headers;
mod pax;
mod sparse;
mod sparse_entry;
#[cfg(test)]
pub(crate) mod tests;
mod text;

pub use entry::{Entry, EntryKind, Format, Limits, Segment};
pub use error::ParseError;
pub(crate) use pax::check as check_pax_record;
pub(crate) use text::shown;

use block::{BLOCK, Block, Formats, RawHeader};
use sparse::{MapText, Pair};

/// What a push found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// All input is used and nothing is complete.
    NeedMore,
    /// A header is complete. Its stored data, if any, begins with the next byte.
    Entry(Box<Entry>),
    /// Every byte used by this push is stored data of the last entry (no padding).
    Data,
    /// The end mark, two blocks of zeros, is complete. What follows is counted, not read.
    End,
}

/// The state of one archive being read.
#[derive(Debug)]
pub struct Parser {
    limits: Limits,
    state: State,
    position: u64,
    trailing: u64,
    block: Block,
    filled: usize,
    pending: Pending,
    entry_name: Vec<u8>,
    failure: Option<ParseError>,
}

#[derive(Debug)]
enum State {
    /// Collecting a header block.
    Header,
    /// One block of zeros was seen, collecting the second.
    SecondZeroBlock,
    /// Collecting the body of an extension header.
    Body(Box<Body>),
    /// Collecting an old GNU extension block.
    OldSparse { draft: Box<Draft>, map: Vec<Pair> },
    /// Collecting a block of a 1.0 sparse map.
    SparseText { draft: Box<Draft>, text: MapText },
    /// Passing over stored data and its padding.
    Data { data: u64, padding: u64 },
    /// Counting what comes after the end mark.
    End,
}

#[derive(Debug)]
struct Body {
    header: RawHeader,
    offset: u64,
    size: usize,
    bytes: Vec<u8>,
}

/// Extension headers that wait for their entry.
#[derive(Debug)]
struct Pending {
    header_offset: Option<u64>,
    pax: pax::Records,
    long_name: Vec<u8>,
    long_link: Vec<u8>,
    formats: Formats,
}

impl Pending {
    const fn none() -> Self {
        Self {
            header_offset: None,
            pax: Vec::new(),
            long_name: Vec::new(),
            long_link: Vec::new(),
            formats: Formats::ANY,
        }
    }
}

/// An entry whose sparse map is still being read.
#[derive(Debug)]
struct Draft {
    entry: Entry,
    /// Where its own header lies.
    offset: u64,
}

impl Parser {
    /// Starts at the first byte of an archive.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::Header,
            position: 0,
            trailing: 0,
            block: [0; BLOCK],
            filled: 0,
            pending: Pending::none(),
            entry_name: Vec::new(),
            failure: None,
        }
    }

    /// Takes bytes from the front of `input`; returns how many and what they completed.
    ///
    /// Call it again with the rest until that is empty. A [`Step::Data`] uses data bytes only, so the caller may
    /// take them as `&input[..used]`.
    ///
    /// # Errors
    /// An archive that Go's `archive/tar` would refuse. The error is final: each later call returns it again.
    pub fn push(&mut self, input: &[u8]) -> Result<(usize, Step), ParseError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let mut rest = input;
        loop {
            if rest.is_empty() {
                return Ok((input.len(), Step::NeedMore));
            }
            match self.advance(rest) {
                Ok((used, step)) => {
                    rest = rest.get(used..).unwrap_or_default();
                    if let Some(step) = step {
                        return Ok((input.len() - rest.len(), step));
                    }
                }
                Err(failure) => {
                    self.failure = Some(failure.clone());
                    return Err(failure);
                }
            }
        }
    }

    /// Tells the parser that bytes were passed over without being pushed (a seek, or data read elsewhere).
    ///
    /// Only stored data and its padding can be; returns how many of `count` bytes that were.
    pub fn skip(&mut self, count: u64) -> u64 {
        let State::Data { data, padding } = &mut self.state else {
            return 0;
        };
        let of_data = count.min(*data);
        let of_padding = (count - of_data).min(*padding);
        *data -= of_data;
        *padding -= of_padding;
        self.position = self.position.saturating_add(of_data + of_padding);
        of_data + of_padding
    }

    /// Bytes of stored data that the next pushes or skips pass over.
    pub fn data_left(&self) -> u64 {
        match self.state {
            State::Data { data, .. } => data,
            _ => 0,
        }
    }

    /// Bytes of padding behind that data, at most 511.
    pub fn padding_left(&self) -> u64 {
        match self.state {
            State::Data { padding, .. } => padding,
            _ => 0,
        }
    }

    /// Bytes taken so far: the offset of the next one.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Bytes seen after the end mark.
    pub fn trailing_bytes(&self) -> u64 {
        self.trailing
    }

    /// Says whether the archive may end here.
    ///
    /// Like Go, it may end without an end mark, with one block of zeros, within the padding of the last entry, or
    /// after extension headers that no entry follows.
    ///
    /// # Errors
    /// Where and in what the archive is cut off; or the error a push has returned before.
    pub fn finish(&self) -> Result<(), ParseError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let cut = |part, started| {
            Err(ParseError::TruncatedHeader {
                offset: self.position,
                part,
                started,
            })
        };
        let block_start = self.position - self.filled as u64;
        match &self.state {
            State::Header if self.filled > 0 => cut("a header block", block_start),
            State::SecondZeroBlock if self.filled > 0 => cut("the end mark", block_start),
            State::Header | State::SecondZeroBlock | State::End => Ok(()),
            State::Body(body) => cut("an extension header", body.offset),
            State::OldSparse { draft, .. } | State::SparseText { draft, .. } => {
                cut("a sparse map", draft.offset)
            }
            State::Data { data: 0, .. } => Ok(()),
            State::Data { data, .. } => Err(ParseError::TruncatedData {
                offset: self.position,
                name: self.entry_name.clone(),
                missing: *data,
            }),
        }
    }

    fn advance(&mut self, input: &[u8]) -> Result<(usize, Option<Step>), ParseError> {
        match &mut self.state {
            State::Data {
                data: 0,
                padding: 0,
            } => {
                self.state = State::Header;
                Ok((0, None))
            }
            State::Data { data, .. } => {
                let is_data = *data > 0;
                let left = if is_data { *data } else { self.padding_left() };
                let used = input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                self.skip(used as u64);
                Ok((used, is_data.then_some(Step::Data)))
            }
            State::End => {
                self.position = self.position.saturating_add(input.len() as u64);
                self.trailing = self.trailing.saturating_add(input.len() as u64);
                Ok((input.len(), None))
            }
            State::Body(body) => {
                let used = input.len().min(body.size - body.bytes.len());
                body.bytes
                    .extend_from_slice(input.get(..used).unwrap_or_default());
                self.position = self.position.saturating_add(used as u64);
                let step = self.end_body_if_full()?;
                Ok((used, step))
            }
            State::Header
            | State::SecondZeroBlock
            | State::OldSparse { .. }
            | State::SparseText { .. } => {
                let room = self.block.get_mut(self.filled..).unwrap_or_default();
                let used = input.len().min(room.len());
                for (to, from) in room.iter_mut().zip(input) {
                    *to = *from;
                }
                self.filled += used;
                self.position = self.position.saturating_add(used as u64);
                if self.filled < BLOCK {
                    return Ok((used, None));
                }
                self.filled = 0;
                let step = self.take_block()?;
                Ok((used, step))
            }
        }
    }

    /// Takes a complete block in a state that collects blocks.
    fn take_block(&mut self) -> Result<Option<Step>, ParseError> {
        let block = self.block;
        let offset = self.position - BLOCK as u64;
        match std::mem::replace(&mut self.state, State::Header) {
            State::SecondZeroBlock if block == [0; BLOCK] => {
                self.state = State::End;
                Ok(Some(Step::End))
            }
            State::SecondZeroBlock => Err(ParseError::LoneZeroBlock {
                offset: offset - BLOCK as u64,
            }),
            State::OldSparse { draft, mut map } => {
                let more = sparse::old_gnu_extension(&block, &mut map)
                    .map_err(|e| self.map_error(&draft, e))?;
                self.old_sparse(draft, map, more)
            }
            State::SparseText { draft, text } => self.sparse_text(draft, text, &block),
            _ if block == [0; BLOCK] => {
                self.state = State::SecondZeroBlock;
                Ok(None)
            }
            _ => self.header(RawHeader::read(&block, offset)?, offset),
        }
    }

    fn emit(&mut self, entry: Entry) -> Step {
        self.state = State::Data {
            data: entry.stored_size,
            padding: padding(entry.stored_size),
        };
        self.entry_name.clone_from(&entry.name);
        Step::Entry(Box::new(entry))
    }
}

/// Bytes from the end of `size` bytes of data to the next block.
fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}
