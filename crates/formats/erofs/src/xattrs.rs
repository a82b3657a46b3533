//! Reading extended attributes: those kept with the inode, then those in the shared area.
//!
//! Behind the inode stand a 12-byte header (number of shared ones at byte 4), a word for each
//! shared one (its place in the shared area, in words of 4 bytes), and the inode's own entries.

use crate::error::ReadError;
use crate::format::{
    XATTR_ENTRY_SIZE, XATTR_HEADER_SIZE, u16_at, u32_at, xattr_entry_size, xattr_prefix,
};
use crate::image::Image;
use crate::inode::Inode;
use crate::read_at::{ReadAt, read_up_to};

/// Bytes of a shared entry that are read at first: header, name, and the value of nearly all.
const FIRST_READ: usize = 512;

/// An attribute's whole name and its value.
type NameAndValue = (Vec<u8>, Vec<u8>);

pub(crate) fn read_all<R: ReadAt>(
    image: &Image<R>,
    inode: &Inode,
) -> Result<Vec<NameAndValue>, ReadError> {
    let mut list = Vec::new();
    visit(image, inode, |entry| {
        let name = [entry.prefix, entry.name].concat();
        list.push((name, entry.read_value(image, inode)?));
        Ok(false)
    })?;
    Ok(list)
}

pub(crate) fn read_one<R: ReadAt>(
    image: &Image<R>,
    inode: &Inode,
    name: &[u8],
) -> Result<Option<Vec<u8>>, ReadError> {
    let mut value = None;
    visit(image, inode, |entry| {
        let found = name.strip_prefix(entry.prefix) == Some(entry.name);
        if found {
            value = Some(entry.read_value(image, inode)?);
        }
        Ok(found)
    })?;
    Ok(value)
}

/// An entry whose name is known, and of whose value a part may be.
#[derive(Debug)]
struct Entry<'a> {
    prefix: &'static [u8],
    name: &'a [u8],
    /// The start of the value.
    value: &'a [u8],
    value_size: usize,
    /// Byte in the image where the rest of the value is.
    rest_start: u64,
}

impl<'a> Entry<'a> {
    /// `bytes` start at the entry, which is at `start` in the image, and may end inside its value.
    fn parse(bytes: &'a [u8], start: u64, inode: &Inode) -> Result<Self, ReadError> {
        let name_end = XATTR_ENTRY_SIZE + usize::from(bytes.first().copied().unwrap_or(0));
        let Some(name) = bytes.get(XATTR_ENTRY_SIZE..name_end) else {
            return Err(inode.corrupt("an attribute entry that is cut off, at byte", start));
        };
        let index = bytes.get(1).copied().unwrap_or(0);
        let prefix = xattr_prefix(index)
            .ok_or_else(|| inode.corrupt("attribute namespace", u64::from(index)))?;
        let value_size = usize::from(u16_at(bytes, 2));
        let rest = bytes.get(name_end..).unwrap_or_default();
        let value = rest.get(..value_size).unwrap_or(rest);
        let rest_start = start.saturating_add((name_end + value.len()) as u64);
        Ok(Self {
            prefix,
            name,
            value,
            value_size,
            rest_start,
        })
    }

    fn size(&self) -> usize {
        xattr_entry_size(self.name.len(), self.value_size) as usize
    }

    fn read_value<R: ReadAt>(&self, image: &Image<R>, inode: &Inode) -> Result<Vec<u8>, ReadError> {
        let missing = self.value_size - self.value.len();
        image.check_range(
            self.rest_start,
            missing as u64,
            inode.nid,
            "attribute value",
        )?;
        let mut value = self.value.to_vec();
        value.resize(self.value_size, 0);
        let rest = value.get_mut(self.value.len()..).unwrap_or_default();
        if !rest.is_empty() {
            image.read_exact(rest, self.rest_start, inode.nid, "attribute value")?;
        }
        Ok(value)
    }
}

/// Calls `each` with every entry until it returns true.
fn visit<R: ReadAt>(
    image: &Image<R>,
    inode: &Inode,
    mut each: impl FnMut(&Entry<'_>) -> Result<bool, ReadError>,
) -> Result<(), ReadError> {
    if inode.xattr_size == 0 {
        return Ok(());
    }
    image.check_range(inode.xattr_start, inode.xattr_size, inode.nid, "attributes")?;
    let mut body = vec![0; inode.xattr_size as usize];
    image.read_exact(&mut body, inode.xattr_start, inode.nid, "attributes")?;
    let shared_count = usize::from(body.get(4).copied().unwrap_or(0));
    let own_start = XATTR_HEADER_SIZE + 4 * shared_count;
    let (Some(words), Some(_)) = (
        body.get(XATTR_HEADER_SIZE..own_start),
        body.get(own_start..),
    ) else {
        return Err(inode.corrupt("number of shared attributes", shared_count as u64));
    };

    let mut at = own_start;
    while let Some(bytes @ [_, ..]) = body.get(at..) {
        let start = inode.xattr_start.saturating_add(at as u64);
        let entry = Entry::parse(bytes, start, inode)?;
        if entry.size() > bytes.len() {
            return Err(inode.corrupt("an attribute entry that is cut off, at byte", start));
        }
        if each(&entry)? {
            return Ok(());
        }
        at += entry.size();
    }
    let area = u64::from(image.superblock.xattr_block) << image.superblock.block_bits;
    let mut bytes = [0; FIRST_READ];
    for word in words.chunks_exact(4) {
        let start = area + 4 * u64::from(u32_at(word, 0));
        image.check_range(
            start,
            XATTR_ENTRY_SIZE as u64,
            inode.nid,
            "shared attribute",
        )?;
        let count = read_up_to(&image.source, &mut bytes, start)?;
        let read = bytes.get(..count).unwrap_or_default();
        if each(&Entry::parse(read, start, inode)?)? {
            return Ok(());
        }
    }
    Ok(())
}
