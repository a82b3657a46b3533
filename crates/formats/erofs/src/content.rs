//! Where the data of a regular file lies, and how it is cut in chunks.
//!
//! A chunk-based file is an array of block addresses, one for each chunk of 2^n blocks. The writer
//! takes the largest n for which every chunk is one contiguous run or a hole, so a contiguous file
//! has one index whatever its size.

use crate::error::WriteError;
use crate::format::{CHUNK_BITS_MAX, NULL_BLOCK};
use crate::node::DeviceId;

/// Most chunk indexes of one file: 128 MiB of index, enough for 8 GiB cut at every block.
const MAX_CHUNKS: u64 = 1 << 24;

/// The data of a regular file. What no extent covers is a hole and reads as zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileData {
    /// One run on a device, or an empty file when `size` is 0: the cheap and common form.
    Contiguous {
        /// Size of the file in bytes.
        size: u64,
        /// Device that holds the data; not looked at when `size` is 0.
        device: DeviceId,
        /// Byte on the device where the data starts, a multiple of 512; not looked at when `size` is 0.
        offset: u64,
    },
    /// Any number of extents, in the order of the file.
    Extents {
        /// Size of the file in bytes; may exceed the end of the last extent.
        size: u64,
        /// The extents: ascending, without overlap.
        extents: Vec<Extent>,
    },
}

/// A part of a file that has data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// Byte in the file where the part starts, a multiple of 512.
    pub logical: u64,
    /// Length in bytes. On a device a multiple of 512, unless the file ends where the part ends.
    pub length: u64,
    /// Where the bytes are.
    pub source: Source,
}

/// The place of an extent's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// On an extra device.
    Device {
        /// The device.
        id: DeviceId,
        /// Byte on the device, a multiple of 512.
        offset: u64,
    },
    /// Here; they are stored in the image itself, filled with zeros to a whole block.
    Bytes(Vec<u8>),
}

/// A checked file: runs in ascending order, with gaps for holes.
#[derive(Debug)]
pub(crate) struct Content {
    /// Chunk size is 2^`chunk_bits` blocks.
    pub(crate) chunk_bits: u32,
    /// Number of chunks.
    pub(crate) chunks: u64,
    pub(crate) runs: Vec<BlockRun>,
}

/// Blocks that follow each other in the file and where they are stored.
#[derive(Debug)]
pub(crate) struct BlockRun {
    /// First block in the file.
    pub(crate) logical: u64,
    pub(crate) blocks: u64,
    /// 0: in the image.
    pub(crate) device: u16,
    /// First block on the device. For bytes in the image it is set by the layout.
    pub(crate) start: u32,
    /// The data, when `device` is 0.
    pub(crate) bytes: Vec<u8>,
}

impl BlockRun {
    fn end(&self) -> u64 {
        self.logical + self.blocks
    }

    /// Says whether `next` goes on where this run ends, in the file and on the device.
    fn continues_in(&self, next: &Self) -> bool {
        self.end() == next.logical
            && self.device == next.device
            // Byte runs of one file are stored one after the other.
            && (self.device == 0 || u64::from(self.start) + self.blocks == u64::from(next.start))
    }
}

/// Checks a run on a device and returns its first block there.
pub(crate) fn check_device_run(
    logical: u64,
    length: u64,
    device: DeviceId,
    offset: u64,
    device_sizes: &[u64],
    block_bits: u32,
) -> Result<u32, WriteError> {
    let size = *device
        .0
        .checked_sub(1)
        .and_then(|index| device_sizes.get(usize::from(index)))
        .ok_or(WriteError::UnknownDevice {
            logical,
            device: device.0,
        })?;
    check_aligned(logical, "offset", offset, block_bits)?;
    let end = offset.saturating_add(length);
    if end > size {
        return Err(WriteError::ExtentBeyondEnd {
            logical,
            what: "device",
            end,
            size,
        });
    }
    // A device has less than 2^32 blocks, so a block on it is never NULL_BLOCK.
    u32::try_from(offset >> block_bits).map_err(|_| WriteError::DeviceTooLarge { size })
}

fn check_aligned(
    logical: u64,
    what: &'static str,
    found: u64,
    block_bits: u32,
) -> Result<(), WriteError> {
    let block = 1 << block_bits;
    if found.is_multiple_of(block) {
        Ok(())
    } else {
        Err(WriteError::Unaligned {
            logical,
            what,
            found,
            block,
        })
    }
}

impl Content {
    /// Checks extents and finds the chunk size.
    pub(crate) fn new(
        size: u64,
        extents: Vec<Extent>,
        device_sizes: &[u64],
        block_bits: u32,
    ) -> Result<Self, WriteError> {
        let mut runs: Vec<BlockRun> = Vec::with_capacity(extents.len());
        let mut previous_end = 0;
        for extent in extents {
            let Extent {
                logical,
                length,
                source,
            } = extent;
            check_aligned(logical, "start", logical, block_bits)?;
            let end = logical.saturating_add(length);
            if logical < previous_end {
                return Err(WriteError::ExtentOrder {
                    logical,
                    end: previous_end,
                });
            }
            if end > size {
                return Err(WriteError::ExtentBeyondEnd {
                    logical,
                    what: "file",
                    end,
                    size,
                });
            }
            let (device, start, bytes) = match source {
                Source::Device { id, offset } => {
                    // Past an end inside a block the device has foreign bytes, where the file has zeros.
                    if end != size {
                        check_aligned(logical, "end", end, block_bits)?;
                    }
                    let start =
                        check_device_run(logical, length, id, offset, device_sizes, block_bits)?;
                    (id.0, start, Vec::new())
                }
                Source::Bytes(bytes) => {
                    if bytes.len() as u64 != length {
                        let found = bytes.len();
                        return Err(WriteError::ExtentBytes {
                            logical,
                            length,
                            found,
                        });
                    }
                    (0, 0, bytes)
                }
            };
            previous_end = end;
            if length == 0 {
                continue;
            }
            let run = BlockRun {
                logical: logical >> block_bits,
                blocks: length.div_ceil(1 << block_bits),
                device,
                start,
                bytes,
            };
            match runs.last_mut() {
                Some(last) if last.device != 0 && last.continues_in(&run) => {
                    last.blocks += run.blocks;
                }
                _ => runs.push(run),
            }
        }
        Self::plan(size.div_ceil(1 << block_bits), runs)
    }

    /// Finds the largest chunk that no boundary between runs and holes cuts.
    fn plan(blocks: u64, runs: Vec<BlockRun>) -> Result<Self, WriteError> {
        let mut chunk_bits = bits_to_cover(blocks);
        let mut cut = |block: u64| {
            if block != 0 && block < blocks {
                chunk_bits = chunk_bits.min(block.trailing_zeros());
            }
        };
        let mut previous: Option<&BlockRun> = None;
        for run in &runs {
            if !previous.is_some_and(|previous| previous.continues_in(run)) {
                cut(run.logical);
                if let Some(previous) = previous {
                    cut(previous.end());
                }
            }
            previous = Some(run);
        }
        if let Some(last) = previous {
            cut(last.end());
        }
        let chunks = blocks.div_ceil(1 << chunk_bits);
        if chunks > MAX_CHUNKS {
            return Err(WriteError::TooManyChunks { chunks });
        }
        Ok(Self {
            chunk_bits,
            chunks,
            runs,
        })
    }

    /// Yields device and first block of each chunk; a hole is ([`NULL_BLOCK`], device 0).
    pub(crate) fn indexes(&self) -> impl Iterator<Item = (u16, u32)> + '_ {
        let mut runs = self.runs.iter().peekable();
        (0..self.chunks).map(move |chunk| {
            let block = chunk << self.chunk_bits;
            while runs.next_if(|run| run.end() <= block).is_some() {}
            match runs.peek() {
                Some(run) if run.logical <= block => {
                    // In range: the run was checked to lie on its device.
                    let start = u64::from(run.start) + (block - run.logical);
                    (run.device, u32::try_from(start).unwrap_or(NULL_BLOCK))
                }
                _ => (0, NULL_BLOCK),
            }
        })
    }
}

/// Chunk bits and number of chunks of a contiguous file of `blocks` blocks on a device.
pub(crate) fn contiguous_chunks(blocks: u64) -> (u32, u64) {
    let bits = bits_to_cover(blocks);
    (bits, blocks.div_ceil(1 << bits))
}

/// The least n for which 2^n blocks cover a file, within what the format can say.
fn bits_to_cover(blocks: u64) -> u32 {
    let bits = blocks.max(1).next_power_of_two().trailing_zeros();
    bits.min(CHUNK_BITS_MAX)
}

#[cfg(test)]
mod tests;
