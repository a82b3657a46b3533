//! Second pass of writing: the bytes of the image, from its start to its end.

use std::io::{self, BufWriter, Write};

use crate::attributes::FileKind;
use crate::builder::Builder;
use crate::dirents::{Entry, blocks, encode_block};
use crate::error::WriteError;
use crate::format::{
    CHUNK_FORMAT_INDEXES, CHUNK_INDEX_SIZE, COMPAT_CHECKSUM, COMPAT_MTIME, DEVICE_SLOT_SIZE,
    INCOMPAT_CHUNKED_FILE, INCOMPAT_DEVICE_TABLE, LAYOUT_CHUNK_BASED, LAYOUT_FLAT_INLINE,
    LAYOUT_FLAT_PLAIN, RawInode, SUPER_OFFSET, SUPER_SIZE, Superblock, XATTR_HEADER_SIZE,
    checksum_end, superblock_checksum,
};
use crate::layout::{Layout, Place, chunks_of, data_extent, dots_in};
use crate::node::{Body, Node, NodeId, XattrId};
use crate::pairs::PairRef;

/// Writes the image that `layout` describes.
pub(crate) fn emit(
    builder: &Builder,
    layout: &Layout,
    out: &mut impl Write,
) -> Result<(), WriteError> {
    let mut out = Output {
        inner: BufWriter::with_capacity(1 << 16, out),
        position: 0,
    };
    out.pad_to(SUPER_OFFSET)?;
    out.write(&head(builder, layout))?;
    for id in &layout.shared {
        out.xattr_entry(builder.pairs.get(*id))?;
    }
    for (number, (id, place)) in layout.order.iter().zip(&layout.places).enumerate() {
        out.pad_to(layout.inode_position(*id))?;
        emit_inode(builder, layout, *id, *place, number, &mut out)?;
    }
    out.pad_to(layout.data_start)?;
    for (id, place) in layout.order.iter().zip(&layout.places) {
        emit_data(builder, layout, *id, *place, &mut out)?;
    }
    out.pad_to(layout.image_bytes)?;
    Ok(out.inner.flush()?)
}

/// The output and how far it is.
#[derive(Debug)]
struct Output<W: Write> {
    inner: BufWriter<W>,
    position: u64,
}

impl<W: Write> Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.position += bytes.len() as u64;
        self.inner.write_all(bytes)
    }

    fn pad_to(&mut self, position: u64) -> io::Result<()> {
        debug_assert!(
            self.position <= position,
            "{} is behind {position}",
            self.position
        );
        const ZEROS: [u8; 512] = [0; 512];
        while self.position < position {
            let count = (position - self.position).min(ZEROS.len() as u64) as usize;
            self.write(&ZEROS[..count])?;
        }
        Ok(())
    }

    fn align(&mut self, to: u64) -> io::Result<()> {
        self.pad_to(self.position.next_multiple_of(to))
    }

    fn xattr_entry(&mut self, pair: PairRef<'_>) -> io::Result<()> {
        // Both lengths were checked when the pair was made.
        let value_size = (pair.value.len() as u16).to_le_bytes();
        self.write(&[
            pair.name.len() as u8,
            pair.index,
            value_size[0],
            value_size[1],
        ])?;
        self.write(pair.name)?;
        self.write(pair.value)?;
        self.align(4)
    }
}

/// Superblock and device table, up to the start of the shared attributes.
fn head(builder: &Builder, layout: &Layout) -> Vec<u8> {
    let bits = builder.block_bits;
    let devices = &builder.devices;
    let mut feature_incompat = 0;
    if layout.has_chunks {
        feature_incompat |= INCOMPAT_CHUNKED_FILE;
    }
    if !devices.is_empty() {
        feature_incompat |= INCOMPAT_DEVICE_TABLE;
    }
    let superblock = Superblock {
        feature_compat: COMPAT_CHECKSUM | COMPAT_MTIME,
        block_bits: bits as u8,
        // The root is the first inode: its number is below 2^12.
        root_nid: layout.nid(builder.root(), bits) as u16,
        inodes: layout.order.len() as u64,
        build_time: builder.options.build_time,
        blocks: (layout.image_bytes >> bits) as u32,
        meta_block: (layout.inode_start >> bits) as u32 - 1,
        xattr_block: (layout.shared_start >> bits) as u32,
        uuid: builder.options.uuid,
        feature_incompat,
        extra_devices: devices.len() as u16,
        device_slot: ((SUPER_OFFSET as usize + SUPER_SIZE) / DEVICE_SLOT_SIZE) as u16,
        ..Superblock::default()
    };
    let mut head = superblock.encode().to_vec();
    for device in devices {
        let start = head.len();
        head.extend_from_slice(&device.tag);
        head.extend_from_slice(&device.blocks.to_le_bytes());
        head.resize(start + DEVICE_SLOT_SIZE, 0);
    }
    head.resize((layout.shared_start - SUPER_OFFSET) as usize, 0);
    let covered = (checksum_end(bits as u8) - SUPER_OFFSET) as usize;
    let checksum = superblock_checksum(&head[..covered]);
    head[..SUPER_SIZE].copy_from_slice(
        &Superblock {
            checksum,
            ..superblock
        }
        .encode(),
    );
    head
}

fn emit_inode<W: Write>(
    builder: &Builder,
    layout: &Layout,
    id: NodeId,
    place: Place,
    number: usize,
    out: &mut Output<W>,
) -> io::Result<()> {
    let node = &builder.nodes[id.0 as usize];
    let chunks = chunks_of(builder, node);
    let (data_layout, union) = match (node.body, chunks) {
        (Body::Char(raw) | Body::Block(raw), _) => (LAYOUT_FLAT_PLAIN, raw),
        (_, Some((bits, _))) => (LAYOUT_CHUNK_BASED, bits | u32::from(CHUNK_FORMAT_INDEXES)),
        _ if place.inline => (LAYOUT_FLAT_INLINE, place.data_block),
        _ => (LAYOUT_FLAT_PLAIN, place.data_block),
    };
    let (shared, own) = layout.split_xattrs(builder.xattrs_of(node));
    let xattr_words = shared.len() as u64
        + own
            .iter()
            .map(|id| builder.pairs.get(*id).size() / 4)
            .sum::<u64>();
    let has_xattrs = xattr_words > 0;
    let size = if node.kind() == FileKind::Directory {
        let extent = data_extent(builder, node);
        (extent.full_blocks << builder.block_bits) + extent.tail
    } else {
        node.size
    };
    let raw = RawInode {
        extended: true,
        layout: data_layout,
        // The layout has checked that the words fit.
        xattr_count: if has_xattrs {
            xattr_words as u16 + 1
        } else {
            0
        },
        mode: node.full_mode(),
        size,
        union,
        ino: number as u32 + 1,
        uid: node.uid,
        gid: node.gid,
        mtime: node.mtime,
        nlink: layout.links[id.0 as usize],
    };
    out.write(&raw.encode())?;
    if has_xattrs {
        emit_xattrs(builder, &shared, &own, out)?;
    }
    if place.inline {
        emit_tail(builder, layout, id, out)?;
    } else if chunks.is_some() {
        out.align(CHUNK_INDEX_SIZE)?;
        emit_chunks(builder, node, out)?;
    }
    Ok(())
}

fn emit_xattrs<W: Write>(
    builder: &Builder,
    shared: &[u32],
    own: &[XattrId],
    out: &mut Output<W>,
) -> io::Result<()> {
    let mut header = [0; XATTR_HEADER_SIZE];
    header[4] = shared.len() as u8;
    out.write(&header)?;
    for word in shared {
        out.write(&word.to_le_bytes())?;
    }
    for id in own {
        out.xattr_entry(builder.pairs.get(*id))?;
    }
    Ok(())
}

fn emit_chunks<W: Write>(builder: &Builder, node: &Node, out: &mut Output<W>) -> io::Result<()> {
    let mut index = |device: u16, block: u32| {
        let mut bytes = [0; CHUNK_INDEX_SIZE as usize];
        bytes[2..4].copy_from_slice(&device.to_le_bytes());
        bytes[4..8].copy_from_slice(&block.to_le_bytes());
        out.write(&bytes)
    };
    match node.body {
        Body::Contiguous { device, block } => {
            let (bits, chunks) = chunks_of(builder, node).unwrap_or_default();
            for chunk in 0..chunks {
                // The whole run was checked to lie on the device.
                index(device, (u64::from(block) + (chunk << bits)) as u32)?;
            }
        }
        Body::Content(content) => {
            for (device, block) in builder.contents[content as usize].indexes() {
                index(device, block)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// The partial block of a directory or a symlink, behind its inode.
fn emit_tail<W: Write>(
    builder: &Builder,
    layout: &Layout,
    id: NodeId,
    out: &mut Output<W>,
) -> io::Result<()> {
    let node = &builder.nodes[id.0 as usize];
    let block_size = 1 << builder.block_bits;
    match node.body {
        Body::Directory(_) => {
            let entries = directory_entries(builder, layout, id);
            let mut bytes = Vec::new();
            if let Some(last) = blocks(&entries, block_size).last() {
                encode_block(last, &mut bytes);
            }
            out.write(&bytes)
        }
        Body::Symlink(index) => {
            let target = &builder.symlinks[index as usize];
            out.write(&target[target.len() / block_size * block_size..])
        }
        _ => Ok(()),
    }
}

/// What a node has in the data area, each part filled to whole blocks.
fn emit_data<W: Write>(
    builder: &Builder,
    layout: &Layout,
    id: NodeId,
    place: Place,
    out: &mut Output<W>,
) -> io::Result<()> {
    let node = &builder.nodes[id.0 as usize];
    let block_size = 1usize << builder.block_bits;
    match node.body {
        Body::Directory(_) if place.data_block > 0 => {
            let extent = data_extent(builder, node);
            let here = extent.full_blocks + u64::from(!place.inline && extent.tail > 0);
            let entries = directory_entries(builder, layout, id);
            let mut bytes = Vec::with_capacity(block_size);
            for block in blocks(&entries, block_size).take(here as usize) {
                bytes.clear();
                encode_block(block, &mut bytes);
                out.write(&bytes)?;
                out.align(block_size as u64)?;
            }
        }
        Body::Symlink(index) if place.data_block > 0 => {
            let target = &builder.symlinks[index as usize];
            let end = if place.inline {
                target.len() / block_size * block_size
            } else {
                target.len()
            };
            out.write(&target[..end])?;
            out.align(block_size as u64)?;
        }
        Body::Content(index) => {
            for run in &builder.contents[index as usize].runs {
                if run.device == 0 {
                    out.write(&run.bytes)?;
                    out.align(block_size as u64)?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// All entries of a directory in order, `.` and `..` among them.
fn directory_entries<'a>(builder: &'a Builder, layout: &Layout, id: NodeId) -> Vec<Entry<'a>> {
    let entry = |name, node: NodeId| Entry {
        name,
        nid: layout.nid(node, builder.block_bits),
        kind: builder.nodes[node.0 as usize].kind(),
    };
    let mut entries: Vec<_> = builder
        .children(id)
        .map(|(name, child)| entry(name, child))
        .collect();
    let parent = match builder.nodes[id.0 as usize].body {
        Body::Directory(index) => layout.parents[index as usize],
        _ => id,
    };
    let (dot, dot_dot) = dots_in(builder.children(id).map(|(name, _)| name));
    entries.insert(dot, entry(b".", id));
    entries.insert(dot_dot, entry(b"..", parent));
    entries
}
