//! Sparse files in backup streams: their true size and where their data lies.
//!
//! BackupRead shows a sparse file in one of four forms (go-winio backuptar describes them): without any data
//! stream (old Windows, size 0); as an empty DATA alone (size 0); as a DATA with all content inline;
//! or as an empty DATA that is followed by one sparse block per range and by an empty block at the file's size.
//! That last form is not an empty file, which its DATA header alone does not tell.

use super::{StreamAttributes, StreamHeader, StreamId};

/// One range of a file that has data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Where it starts in the file, in bytes.
    pub offset: u64,
    /// Its length in bytes; not 0.
    pub len: u64,
}

/// The size of a stream and its ranges with data; everything else reads as zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SparseMap {
    /// The size that the file shows, in bytes.
    pub size: u64,
    /// Ranges with data, ascending, not overlapping, all within `size`.
    pub extents: Vec<Extent>,
}

/// Why the headers do not describe a stream and its ranges.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SparseError {
    /// Another stream stands where one with content or a sparse block should.
    #[error("{found} where {expected} was expected")]
    UnexpectedStream {
        /// What should stand there.
        expected: &'static str,
        /// The stream that does.
        found: StreamId,
    },
    /// A sparse block belongs to a stream that is not sparse, has its content inline, or is already ended.
    #[error("sparse block at offset {offset} after a stream that takes none")]
    BlockNotExpected {
        /// Where the block says it lies in the file, in bytes.
        offset: u64,
    },
    /// A block lies before the end of the one before it.
    #[error("sparse block at offset {offset} lies before the end of the previous one, {end}")]
    Backwards {
        /// Where the block says it lies in the file, in bytes.
        offset: u64,
        /// End of the block before it, in bytes.
        end: u64,
    },
    /// No empty block follows the last one, so the file's size is unknown.
    #[error("the sparse blocks end at {end} without the empty block that tells the file's size")]
    NoTerminator {
        /// End of the last block, in bytes.
        end: u64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// All content is in the stream itself.
    Inline,
    /// Sparse and empty: blocks may follow.
    MayHaveBlocks,
    /// At least one block came, the terminator did not.
    InBlocks,
    Ended,
}

/// Collects a [`SparseMap`] from the header of a DATA or ALTERNATE_DATA stream and those of the blocks after it.
#[derive(Debug, Clone)]
pub struct SparseMapper {
    state: State,
    map: SparseMap,
    /// End of the last block.
    end: u64,
}

impl SparseMapper {
    /// Starts with the header of the stream that has the content.
    ///
    /// # Errors
    /// A header that is neither DATA nor ALTERNATE_DATA.
    pub fn start(header: &StreamHeader) -> Result<SparseMapper, SparseError> {
        if header.id != StreamId::DATA && header.id != StreamId::ALTERNATE_DATA {
            return Err(SparseError::UnexpectedStream {
                expected: "DATA or ALTERNATE_DATA",
                found: header.id,
            });
        }
        let size = header.size;
        let is_sparse = header.attributes.contains(StreamAttributes::SPARSE);
        let state = if size == 0 && is_sparse {
            State::MayHaveBlocks
        } else {
            State::Inline
        };
        let inline = (size > 0).then_some(Extent {
            offset: 0,
            len: size,
        });
        Ok(SparseMapper {
            state,
            map: SparseMap {
                size,
                extents: inline.into_iter().collect(),
            },
            end: 0,
        })
    }

    /// Adds the header of a sparse block.
    ///
    /// # Errors
    /// Other streams, blocks that go backwards, blocks where none may be.
    pub fn push(&mut self, header: &StreamHeader) -> Result<(), SparseError> {
        let (StreamId::SPARSE_BLOCK, Some(offset)) = (header.id, header.offset) else {
            return Err(SparseError::UnexpectedStream {
                expected: "SPARSE_BLOCK",
                found: header.id,
            });
        };
        if matches!(self.state, State::Inline | State::Ended) {
            return Err(SparseError::BlockNotExpected { offset });
        }
        if offset < self.end {
            return Err(SparseError::Backwards {
                offset,
                end: self.end,
            });
        }
        if header.size == 0 {
            self.map.size = offset;
            self.state = State::Ended;
        } else {
            self.map.extents.push(Extent {
                offset,
                len: header.size,
            });
            // A header built by hand may not have been checked for overflow.
            self.end = offset.saturating_add(header.size);
            self.state = State::InBlocks;
        }
        Ok(())
    }

    /// Returns the map, when the next stream is not a block or there is none.
    ///
    /// # Errors
    /// Blocks without the empty one at their end.
    pub fn finish(self) -> Result<SparseMap, SparseError> {
        match self.state {
            State::InBlocks => Err(SparseError::NoTerminator { end: self.end }),
            State::Inline | State::MayHaveBlocks | State::Ended => Ok(self.map),
        }
    }
}
