//! First pass of writing: which nodes are written, in which order, and where everything lies.
//!
//! ```text
//!   | 1024 bytes | superblock | device table | shared attributes | inodes …  | data …
//!                                              block boundary ─┘   ┘ boundary └ boundary
//! ```
//!
//! The children of a directory stand next to each other, and a subtree stands together: that is
//! how listings and walks read them. The root comes first, since its number has only 16 bits.

use crate::attributes::FileKind;
use crate::builder::Builder;
use crate::content::contiguous_chunks;
use crate::dirents;
use crate::error::WriteError;
use crate::format::{
    CHUNK_INDEX_SIZE, DEVICE_SLOT_SIZE, EXTENDED_SIZE, SLOT_SIZE, SUPER_OFFSET, SUPER_SIZE,
    XATTR_BODY_MAX, XATTR_HEADER_SIZE, checksum_end,
};
use crate::node::{Body, Node, NodeId, XattrId};

/// Largest image, in bytes.
const IMAGE_MAX: u64 = 1 << 32;
/// A pair whose entry is larger is kept out of the inodes even if only one has it: they stay dense.
const INLINE_PAIR_MAX: u64 = 512;
/// An inode counts its shared attributes in one byte.
const SHARED_PER_INODE: usize = 255;
const UNREACHED: u32 = u32::MAX;
const NOT_SHARED: u32 = u32::MAX;

/// The place of everything in the image.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The nodes that are written, in the order of their inodes.
    pub(crate) order: Vec<NodeId>,
    /// For each of `order`.
    pub(crate) places: Vec<Place>,
    /// Slot of each node from the start of the inode area, or [`UNREACHED`].
    slots: Vec<u32>,
    /// Directory entries that name each node; for a directory, 2 and its subdirectories.
    pub(crate) links: Vec<u32>,
    /// Parent of each directory, by its place in the builder's table.
    pub(crate) parents: Vec<NodeId>,
    /// Pairs of the shared area, in order.
    pub(crate) shared: Vec<XattrId>,
    /// Word of each pair in the shared area, or [`NOT_SHARED`].
    shared_words: Vec<u32>,
    /// Byte where the shared area starts.
    pub(crate) shared_start: u64,
    /// Byte where the inodes start.
    pub(crate) inode_start: u64,
    /// Byte where the data starts.
    pub(crate) data_start: u64,
    pub(crate) image_bytes: u64,
    pub(crate) has_chunks: bool,
}

/// How the data of one inode is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The last, partial block of a directory or symlink stands behind the inode.
    pub(crate) inline: bool,
    /// First block of what is in the data area: a directory's or symlink's blocks.
    pub(crate) data_block: u32,
}

impl Layout {
    /// Computes the layout, and sets the addresses of bytes that are stored in the image.
    pub(crate) fn compute(builder: &mut Builder) -> Result<Self, WriteError> {
        let mut layout = Self::with_order(builder);
        layout.share_xattrs(builder)?;
        layout.place_inodes(builder)?;
        layout.place_data(builder)?;
        Ok(layout)
    }

    /// The inode number of a node that is written.
    ///
    /// Numbers count from a block before the first inode, so that none is 0: programs take a
    /// directory entry with number 0 for a deleted one.
    pub(crate) fn nid(&self, node: NodeId, block_bits: u32) -> u64 {
        u64::from(self.slots[node.0 as usize]) + (1 << block_bits) / SLOT_SIZE
    }

    /// Byte of the inode of a node that is written.
    pub(crate) fn inode_position(&self, node: NodeId) -> u64 {
        self.inode_start + u64::from(self.slots[node.0 as usize]) * SLOT_SIZE
    }

    fn with_order(builder: &Builder) -> Self {
        let mut order = vec![builder.root()];
        let mut reached = vec![false; builder.nodes.len()];
        let mut links = vec![0u32; builder.nodes.len()];
        let mut parents = vec![builder.root(); builder.directories.len()];
        links[0] = 2;
        reached[0] = true;
        // A directory has one name, and none leads to the root: each is expanded once.
        let mut pending = vec![builder.root()];
        while let Some(directory) = pending.pop() {
            let first_pending = pending.len();
            for (_, child) in builder.children(directory) {
                let index = child.0 as usize;
                links[index] = links[index].saturating_add(1);
                if !reached[index] {
                    reached[index] = true;
                    order.push(child);
                }
                if let Body::Directory(table) = builder.nodes[index].body {
                    parents[table as usize] = directory;
                    links[index] = 2;
                    let up = &mut links[directory.0 as usize];
                    *up = up.saturating_add(1);
                    pending.push(child);
                }
            }
            pending[first_pending..].reverse();
        }
        Self {
            places: Vec::with_capacity(order.len()),
            order,
            slots: vec![UNREACHED; builder.nodes.len()],
            links,
            parents,
            shared: Vec::new(),
            shared_words: vec![NOT_SHARED; builder.pairs.len()],
            shared_start: 0,
            inode_start: 0,
            data_start: 0,
            image_bytes: 0,
            has_chunks: false,
        }
    }

    fn share_xattrs(&mut self, builder: &Builder) -> Result<(), WriteError> {
        let block = 1u64 << builder.block_bits;
        let table_end = SUPER_OFFSET
            + SUPER_SIZE as u64
            + builder.devices.len() as u64 * DEVICE_SLOT_SIZE as u64;
        let head_end = table_end.max(checksum_end(builder.block_bits as u8));
        self.shared_start = head_end.next_multiple_of(block);

        let mut users = vec![0u32; builder.pairs.len()];
        for node in &self.order {
            for id in builder.xattrs_of(&builder.nodes[node.0 as usize]) {
                let count = &mut users[id.0 as usize];
                *count = count.saturating_add(1);
            }
        }
        let mut size = 0;
        for (index, users) in users.into_iter().enumerate() {
            let id = XattrId(index as u32);
            let entry = builder.pairs.get(id).size();
            if users >= 2 || (users == 1 && entry > INLINE_PAIR_MAX) {
                self.shared_words[index] = (size / 4) as u32;
                self.shared.push(id);
                size += entry;
                check_size(size)?;
            }
        }
        self.inode_start = check_size((self.shared_start + size).next_multiple_of(block))?;
        Ok(())
    }

    fn place_inodes(&mut self, builder: &Builder) -> Result<(), WriteError> {
        let block = 1u64 << builder.block_bits;
        let mut position = self.inode_start;
        for id in &self.order {
            let node = &builder.nodes[id.0 as usize];
            let head = EXTENDED_SIZE as u64 + self.xattr_body_size(builder, *id)?;
            let mut inline = false;
            let mut size = head;
            if matches!(node.kind(), FileKind::Directory | FileKind::Symlink) {
                let tail = data_extent(builder, node).tail;
                if let Some(padding) = padding_for_inline(position + head, tail, block) {
                    inline = true;
                    position += padding;
                    size += tail;
                }
            } else if let Some((_, chunks)) = chunks_of(builder, node) {
                self.has_chunks = true;
                size = head.next_multiple_of(CHUNK_INDEX_SIZE) + chunks * CHUNK_INDEX_SIZE;
            }
            self.slots[id.0 as usize] = ((position - self.inode_start) / SLOT_SIZE) as u32;
            self.places.push(Place {
                inline,
                data_block: 0,
            });
            position = check_size((position + size).next_multiple_of(SLOT_SIZE))?;
        }
        self.data_start = check_size(position.next_multiple_of(block))?;
        Ok(())
    }

    fn place_data(&mut self, builder: &mut Builder) -> Result<(), WriteError> {
        let bits = builder.block_bits;
        // At most 2^23 blocks: check_size is called before each use.
        let mut next = self.data_start >> bits;
        for (id, place) in self.order.iter().zip(&mut self.places) {
            let node = &builder.nodes[id.0 as usize];
            if let Body::Content(index) = node.body {
                for run in &mut builder.contents[index as usize].runs {
                    if run.device == 0 {
                        run.start = next as u32;
                        next += run.blocks;
                        check_size(next << bits)?;
                    }
                }
            } else {
                let extent = data_extent(builder, node);
                let blocks = extent.full_blocks + u64::from(extent.tail > 0 && !place.inline);
                if blocks > 0 {
                    place.data_block = next as u32;
                    next += blocks;
                    check_size(next << bits)?;
                }
            }
        }
        self.image_bytes = next << bits;
        Ok(())
    }

    /// Splits the attributes of a node: words in the shared area, and those kept with the inode.
    pub(crate) fn split_xattrs(&self, list: &[XattrId]) -> (Vec<u32>, Vec<XattrId>) {
        let (mut shared, mut own) = (Vec::new(), Vec::new());
        for id in list {
            let word = self.shared_words[id.0 as usize];
            if word == NOT_SHARED || shared.len() == SHARED_PER_INODE {
                own.push(*id);
            } else {
                shared.push(word);
            }
        }
        (shared, own)
    }

    fn xattr_body_size(&self, builder: &Builder, node: NodeId) -> Result<u64, WriteError> {
        let list = builder.xattrs_of(&builder.nodes[node.0 as usize]);
        if list.is_empty() {
            return Ok(0);
        }
        let (shared, own) = self.split_xattrs(list);
        let entries: u64 = own.iter().map(|id| builder.pairs.get(*id).size()).sum();
        let size = XATTR_HEADER_SIZE as u64 + 4 * shared.len() as u64 + entries;
        if size > XATTR_BODY_MAX {
            return Err(WriteError::XattrsTooLarge { node, found: size });
        }
        Ok(size)
    }
}

/// Whole blocks and last partial block of a directory's or a symlink's data; nothing for others.
pub(crate) fn data_extent(builder: &Builder, node: &Node) -> dirents::Extent {
    let block = 1u64 << builder.block_bits;
    let mut extent = match node.body {
        Body::Directory(index) => {
            let names = builder.directories[index as usize].keys();
            let (before, between) = dots_in(names.clone().map(|name| &**name));
            let mut lengths: Vec<usize> = names.map(|name| name.len()).collect();
            lengths.insert(before, 1);
            lengths.insert(between, 2);
            dirents::measure(lengths.into_iter(), block as usize)
        }
        Body::Symlink(_) => dirents::Extent {
            full_blocks: node.size / block,
            tail: node.size % block,
        },
        _ => dirents::Extent::default(),
    };
    if extent.tail == block {
        extent.full_blocks += 1;
        extent.tail = 0;
    }
    extent
}

/// The places of `.` and `..` among sorted names, once `.` is inserted.
pub(crate) fn dots_in<'a>(names: impl Iterator<Item = &'a [u8]>) -> (usize, usize) {
    let (mut dot, mut dot_dot) = (0, 1);
    for name in names {
        // Only names that start with a byte below '.' or with ".!" and the like come before.
        if name > b"..".as_slice() {
            break;
        }
        dot_dot += 1;
        dot += usize::from(name < b".".as_slice());
    }
    (dot, dot_dot)
}

/// Chunk bits and number of chunks of a regular file with data.
pub(crate) fn chunks_of(builder: &Builder, node: &Node) -> Option<(u32, u64)> {
    match node.body {
        _ if node.size == 0 => None,
        Body::Contiguous { .. } => Some(contiguous_chunks(
            node.size.div_ceil(1 << builder.block_bits),
        )),
        Body::Content(index) => {
            let content = &builder.contents[index as usize];
            Some((content.chunk_bits, content.chunks))
        }
        _ => None,
    }
}

/// Bytes to leave before an inode so that its tail, which would start at `tail_start`, stays in one
/// block, as the kernel demands; `None` when a block of its own wastes less (or there is no tail).
fn padding_for_inline(tail_start: u64, tail: u64, block: u64) -> Option<u64> {
    if tail == 0 {
        return None;
    }
    let offset = tail_start % block;
    if offset + tail <= block {
        return Some(0);
    }
    let to_boundary = block - offset;
    let padding = to_boundary.next_multiple_of(SLOT_SIZE);
    (padding - to_boundary + tail <= block && padding <= block - tail).then_some(padding)
}

fn check_size(size: u64) -> Result<u64, WriteError> {
    if size > IMAGE_MAX {
        Err(WriteError::ImageTooLarge { size })
    } else {
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_stand_where_their_bytes_sort() {
        let dots = |names: &[&str]| dots_in(names.iter().map(|name| name.as_bytes()));
        assert_eq!(dots(&[]), (0, 1));
        assert_eq!(dots(&["a"]), (0, 1));
        assert_eq!(dots(&["!", "-x", "a"]), (2, 3));
        assert_eq!(dots(&["!", ".!", "...", ".a"]), (1, 3));
    }

    #[test]
    fn tail_is_padded_only_when_a_block_would_waste_more() {
        assert_eq!(padding_for_inline(1024, 0, 512), None);
        assert_eq!(padding_for_inline(1088, 448, 512), Some(0));
        assert_eq!(padding_for_inline(1088, 449, 512), None);
        // 60 bytes are left; 64 must be skipped to keep inodes on slots.
        assert_eq!(padding_for_inline(1476, 100, 512), Some(64));
        assert_eq!(padding_for_inline(1476, 460, 512), None);
    }
}
