//! Where the data of a regular file lies.

use crate::attributes::FileKind;
use crate::error::ReadError;
use crate::format::{
    BLOCK_MAP_SIZE, CHUNK_BITS_MASK, CHUNK_FORMAT_INDEXES, CHUNK_INDEX_SIZE, LAYOUT_CHUNK_BASED,
    NULL_BLOCK, u16_at, u32_at,
};
use crate::image::Image;
use crate::inode::{Inode, Nid};
use crate::node::DeviceId;
use crate::read_at::ReadAt;

/// Most bytes of a chunk array that are held at once.
const BUFFER_SIZE: u64 = 4096;

/// A part of a file and where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Byte in the file where the part starts.
    pub logical: u64,
    /// Length in bytes, not 0.
    pub length: u64,
    /// Where its bytes are.
    pub location: Location,
}

/// The place of a run's first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// On an extra device.
    Device {
        /// The device.
        id: DeviceId,
        /// Byte on the device.
        offset: u64,
    },
    /// In the image itself.
    Image {
        /// Byte in the image.
        offset: u64,
    },
    /// Nowhere: it reads as zeros.
    Hole,
}

impl Location {
    /// The place `length` bytes further on.
    fn advanced(self, length: u64) -> Self {
        match self {
            Self::Device { id, offset } => Self::Device {
                id,
                offset: offset.saturating_add(length),
            },
            Self::Image { offset } => Self::Image {
                offset: offset.saturating_add(length),
            },
            Self::Hole => Self::Hole,
        }
    }
}

/// Iterator over the runs of a file, made by [`Image::extents`].
///
/// The runs cover the file without gap or overlap. It reads the chunk array in pieces of 4 KiB,
/// and ends after the first error.
#[derive(Debug)]
pub struct Extents<'a, R: ReadAt> {
    image: &'a Image<R>,
    nid: Nid,
    size: u64,
    chunks: Chunks,
    /// Bytes of the file whose place was read.
    mapped: u64,
    /// What was read last and may still grow.
    pending: Option<Run>,
}

/// What is left to be mapped.
#[derive(Debug)]
enum Chunks {
    /// Up to two parts of a flat file: (length, byte in the image).
    Flat([(u64, u64); 2]),
    Array(ChunkArray),
}

#[derive(Debug)]
struct ChunkArray {
    /// Bytes of a file that one chunk maps.
    chunk_size: u64,
    entry_size: u64,
    /// Byte in the image of the first entry that is not in `buffer`.
    next: u64,
    /// Byte in the image where the array ends.
    end: u64,
    buffer: Vec<u8>,
    used: usize,
}

impl<'a, R: ReadAt> Extents<'a, R> {
    pub(crate) fn new(image: &'a Image<R>, file: &Inode) -> Result<Self, ReadError> {
        file.expect_kind(FileKind::Regular, "regular file")?;
        let chunks = if file.layout == LAYOUT_CHUNK_BASED {
            Chunks::Array(ChunkArray::new(image, file)?)
        } else {
            let flat = file.flat(image)?;
            Chunks::Flat([
                (flat.head_length, flat.head_start),
                (flat.tail_length, flat.tail_start),
            ])
        };
        let (nid, size) = (file.nid, file.size);
        Ok(Self {
            image,
            nid,
            size,
            chunks,
            mapped: 0,
            pending: None,
        })
    }

    /// The next part as the inode has it; `None` at the end of the file.
    fn next_part(&mut self) -> Result<Option<Run>, ReadError> {
        let logical = self.mapped;
        let left = self.size - logical;
        if left == 0 {
            return Ok(None);
        }
        let (length, location) = match &mut self.chunks {
            Chunks::Flat(parts) => {
                let Some((length, offset)) = parts.iter_mut().find(|(length, _)| *length > 0)
                else {
                    return Ok(None);
                };
                (std::mem::take(length), Location::Image { offset: *offset })
            }
            Chunks::Array(array) => {
                let length = array.chunk_size.min(left);
                let (device, block) = array.next(self.image, self.nid)?;
                (length, self.locate(device, block, length)?)
            }
        };
        self.mapped += length;
        Ok(Some(Run {
            logical,
            length,
            location,
        }))
    }

    /// Turns what a chunk index says into a place that was checked to exist.
    fn locate(&self, device: u16, block: u32, length: u64) -> Result<Location, ReadError> {
        if block == NULL_BLOCK {
            return Ok(Location::Hole);
        }
        let bits = self.image.superblock.block_bits;
        let devices = self.image.devices();
        let corrupt = |what, found| ReadError::Corrupt {
            nid: self.nid.0,
            what,
            found,
        };
        let (index, block) = if device > 0 {
            (usize::from(device) - 1, block)
        } else {
            // Block addresses beyond the image lead to devices that are mapped there.
            let mapped = devices.iter().position(|device| {
                device.mapped_block > 0
                    && (device.mapped_block..device.mapped_block.saturating_add(device.blocks))
                        .contains(&block)
            });
            match mapped {
                Some(index) => (index, block - devices[index].mapped_block),
                None => {
                    let offset = u64::from(block) << bits;
                    self.image.check_range(offset, length, self.nid, "data")?;
                    return Ok(Location::Image { offset });
                }
            }
        };
        let slot = devices
            .get(index)
            .ok_or_else(|| corrupt("device", u64::from(device)))?;
        let offset = u64::from(block) << bits;
        // Old versions of mkfs.erofs leave the size out.
        if slot.blocks > 0 && offset + length > u64::from(slot.blocks) << bits {
            return Err(corrupt(
                "block beyond the end of its device",
                u64::from(block),
            ));
        }
        Ok(Location::Device {
            id: DeviceId((index + 1) as u16),
            offset,
        })
    }

    fn next_run(&mut self) -> Result<Option<Run>, ReadError> {
        while let Some(part) = self.next_part()? {
            match &mut self.pending {
                Some(run) if run.location.advanced(run.length) == part.location => {
                    run.length += part.length;
                }
                pending => {
                    if let Some(run) = pending.replace(part) {
                        return Ok(Some(run));
                    }
                }
            }
        }
        Ok(self.pending.take())
    }
}

impl<R: ReadAt> Iterator for Extents<'_, R> {
    type Item = Result<Run, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_run();
        if next.is_err() {
            self.mapped = self.size;
            self.pending = None;
        }
        next.transpose()
    }
}

impl ChunkArray {
    fn new<R: ReadAt>(image: &Image<R>, file: &Inode) -> Result<Self, ReadError> {
        // The upper half of the field is reserved.
        let format = file.union as u16;
        if format & !(CHUNK_BITS_MASK | CHUNK_FORMAT_INDEXES) != 0 {
            return Err(file.corrupt("chunk format", u64::from(format)));
        }
        let indexes = format & CHUNK_FORMAT_INDEXES != 0;
        let entry_size = if indexes {
            CHUNK_INDEX_SIZE
        } else {
            BLOCK_MAP_SIZE
        };
        let chunk_size = image.block_size() << (format & CHUNK_BITS_MASK);
        let start = file
            .body_start()
            .checked_next_multiple_of(entry_size)
            .ok_or_else(|| file.corrupt("chunk array at byte", file.body_start()))?;
        // A size below 2^63 in chunks of at least 2^9: no overflow.
        let length = file.size.div_ceil(chunk_size) * entry_size;
        image.check_range(start, length, file.nid, "chunk array")?;
        let (next, end) = (start, start + length);
        Ok(Self {
            chunk_size,
            entry_size,
            next,
            end,
            buffer: Vec::new(),
            used: 0,
        })
    }

    /// Device and block of the next chunk.
    fn next<R: ReadAt>(&mut self, image: &Image<R>, nid: Nid) -> Result<(u16, u32), ReadError> {
        if self.used >= self.buffer.len() {
            let length = (self.end - self.next).min(BUFFER_SIZE);
            self.buffer.resize(length as usize, 0);
            image.read_exact(&mut self.buffer, self.next, nid, "chunk array")?;
            self.next += length;
            self.used = 0;
        }
        let at = self.used;
        self.used += self.entry_size as usize;
        Ok(if self.entry_size == CHUNK_INDEX_SIZE {
            (u16_at(&self.buffer, at + 2), u32_at(&self.buffer, at + 4))
        } else {
            (0, u32_at(&self.buffer, at))
        })
    }
}
