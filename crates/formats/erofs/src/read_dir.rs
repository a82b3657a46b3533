//! Listing a directory and finding a name in it.

use crate::attributes::FileKind;
use crate::dirents::{Block, RawDirent};
use crate::error::ReadError;
use crate::image::Image;
use crate::inode::{Flat, Inode, Nid};
use crate::read_at::ReadAt;

/// Most bytes of a directory that are held at once.
const BUFFER_SIZE: u64 = 64 * 1024;

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirent {
    /// The name: 1 to 255 bytes without slash or NUL.
    pub name: Vec<u8>,
    /// The inode it names.
    pub nid: Nid,
    /// The kind that the entry states; the inode may say otherwise in a damaged image.
    pub kind: FileKind,
}

/// Iterator over the entries of a directory, made by [`Image::read_dir`].
///
/// It reads up to 64 KiB at once, and ends after the first error.
#[derive(Debug)]
pub struct ReadDir<'a, R: ReadAt> {
    image: &'a Image<R>,
    blocks: Blocks,
    /// Blocks read and not yet yielded; whole ones, but for the directory's last.
    buffer: Vec<u8>,
    /// Next block to read.
    next_block: u64,
    /// Start of the current block in `buffer`, and next entry in it.
    block_start: usize,
    next_entry: usize,
}

impl<'a, R: ReadAt> ReadDir<'a, R> {
    pub(crate) fn new(image: &'a Image<R>, directory: &Inode) -> Result<Self, ReadError> {
        Ok(Self {
            image,
            blocks: Blocks::new(image, directory)?,
            buffer: Vec::new(),
            next_block: 0,
            block_start: 0,
            next_entry: 0,
        })
    }

    fn next_dirent(&mut self) -> Result<Option<Dirent>, ReadError> {
        let block_size = self.blocks.block_size;
        loop {
            let rest = self.buffer.get(self.block_start..).unwrap_or_default();
            if rest.is_empty() {
                if self.next_block >= self.blocks.count {
                    return Ok(None);
                }
                let most = (BUFFER_SIZE / block_size).max(1);
                self.next_block +=
                    self.blocks
                        .read(self.image, self.next_block, most, &mut self.buffer)?;
                self.block_start = 0;
                self.next_entry = 0;
                continue;
            }
            let bytes = rest.get(..block_size as usize).unwrap_or(rest);
            let block = self.blocks.parse(bytes)?;
            if self.next_entry >= block.count() {
                self.block_start += bytes.len();
                self.next_entry = 0;
                continue;
            }
            let number = self.next_entry;
            let raw = block
                .get(number)
                .ok_or_else(|| self.blocks.corrupt_entry(number))?;
            self.next_entry += 1;
            if raw.name != b"." && raw.name != b".." {
                return self.blocks.dirent(raw).map(Some);
            }
        }
    }
}

impl<R: ReadAt> Iterator for ReadDir<'_, R> {
    type Item = Result<Dirent, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_dirent();
        if next.is_err() {
            self.buffer.clear();
            self.next_block = self.blocks.count;
        }
        next.transpose()
    }
}

/// Finds a name: binary search for its block by each block's first name, then inside the block.
pub(crate) fn lookup<R: ReadAt>(
    image: &Image<R>,
    directory: &Inode,
    name: &[u8],
) -> Result<Option<Dirent>, ReadError> {
    let blocks = Blocks::new(image, directory)?;
    // The entries `.` and `..` are not listed, so they are not found either.
    if name == b"." || name == b".." {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let (mut low, mut high) = (0, blocks.count);
    while low < high {
        let middle = low + (high - low) / 2;
        blocks.read(image, middle, 1, &mut bytes)?;
        let block = blocks.parse(&bytes)?;
        let first = block.get(0).ok_or_else(|| blocks.corrupt_entry(0))?;
        if name < first.name {
            high = middle;
            continue;
        }
        match block.find(name).ok_or_else(|| blocks.corrupt_entry(0))? {
            Ok(found) => return blocks.dirent(found).map(Some),
            // Between two names of this block: it is nowhere else.
            Err(place) if place < block.count() => return Ok(None),
            Err(_) => low = middle + 1,
        }
    }
    Ok(None)
}

/// The blocks of one directory.
#[derive(Debug)]
struct Blocks {
    nid: Nid,
    flat: Flat,
    block_size: u64,
    count: u64,
}

impl Blocks {
    fn new<R: ReadAt>(image: &Image<R>, directory: &Inode) -> Result<Self, ReadError> {
        directory.expect_kind(FileKind::Directory, "directory")?;
        let flat = directory.flat(image)?;
        let block_size = image.block_size();
        let count = directory.size.div_ceil(block_size);
        Ok(Self {
            nid: directory.nid,
            flat,
            block_size,
            count,
        })
    }

    /// Reads up to `most` blocks into `out`, and says how many: the tail is read on its own.
    fn read<R: ReadAt>(
        &self,
        image: &Image<R>,
        first: u64,
        most: u64,
        out: &mut Vec<u8>,
    ) -> Result<u64, ReadError> {
        let offset = first * self.block_size;
        let (start, length, count) = if offset < self.flat.head_length {
            let length = (self.flat.head_length - offset).min(most * self.block_size);
            (
                self.flat.head_start + offset,
                length,
                length.div_ceil(self.block_size),
            )
        } else {
            (self.flat.tail_start, self.flat.tail_length, 1)
        };
        out.clear();
        out.resize(length as usize, 0);
        image.read_exact(out, start, self.nid, "directory")?;
        Ok(count)
    }

    fn parse<'a>(&self, bytes: &'a [u8]) -> Result<Block<'a>, ReadError> {
        Block::parse(bytes).ok_or(ReadError::Corrupt {
            nid: self.nid.0,
            what: "a directory block without entries, bytes",
            found: bytes.len() as u64,
        })
    }

    fn dirent(&self, raw: RawDirent<'_>) -> Result<Dirent, ReadError> {
        let kind = FileKind::from_dirent_type(raw.kind).ok_or(ReadError::Corrupt {
            nid: self.nid.0,
            what: "file type of a directory entry",
            found: u64::from(raw.kind),
        })?;
        Ok(Dirent {
            name: raw.name.to_vec(),
            nid: Nid(raw.nid),
            kind,
        })
    }

    fn corrupt_entry(&self, number: usize) -> ReadError {
        let what = "a broken name in a directory block, near entry";
        ReadError::Corrupt {
            nid: self.nid.0,
            what,
            found: number as u64,
        }
    }
}
