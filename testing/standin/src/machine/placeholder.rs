//! Reparse points that stand for a parent's files (IO_REPARSE_TAG_WCI_1).

use std::io;

use transom_ntmeta::backup_stream::{StreamHeader, StreamId};
use transom_ntmeta::reparse::ReparseBuffer;
use transom_windows::{BasicInfo, Create, Folder, Guid};

use crate::plain::PlainFiles;
use crate::streams;

/// FILE_ATTRIBUTE_DIRECTORY and FILE_ATTRIBUTE_REPARSE_POINT (MS-FSCC 2.6).
pub(super) const DIRECTORY: u32 = 0x10;
pub(super) const REPARSE_POINT: u32 = 0x400;

/// IO_REPARSE_TAG_WCI_1.
const TAG: u32 = 0x9000_1018;
const VERSION: u32 = 1;

/// Says whether there can be something in it.
pub(super) fn is_real_folder(attributes: u32) -> bool {
    attributes & (DIRECTORY | REPARSE_POINT) == DIRECTORY
}

/// Says whether a name stands for a parent's.
pub(super) fn is_placeholder(files: &PlainFiles, name: &str, attributes: u32) -> io::Result<bool> {
    if attributes & REPARSE_POINT == 0 {
        return Ok(false);
    }
    let streams = streams::parse(&streams::bytes(files, name)?)?;
    let tag = match streams::find(&streams, StreamId::REPARSE_DATA) {
        Some(buffer) => Some(ReparseBuffer::parse(buffer).map_err(io::Error::other)?.tag),
        None => None,
    };
    Ok(tag == Some(TAG))
}

/// Makes one; `info` is that of what it stands for, `origin` the id of the layer that has it, `path` the name there.
pub(super) fn make(
    files: &PlainFiles,
    name: &str,
    info: &BasicInfo,
    origin: Guid,
    path: &str,
) -> io::Result<()> {
    let buffer = buffer(origin, path)?;
    let header = StreamHeader::new(StreamId::REPARSE_DATA, buffer.len() as u64);
    let bytes = streams::print(&[(header, buffer)])?;
    let node = match info.attributes & DIRECTORY {
        0 => files.create_file(name, Create::New)?,
        _ => files.create_folder(name)?,
    };
    streams::fill(node, info, &bytes)
}

fn buffer(origin: Guid, path: &str) -> io::Result<Vec<u8>> {
    let too_long = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let name: Vec<u8> = path
        .replace('/', "\\")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let mut data = VERSION.to_le_bytes().to_vec();
    data.extend(0_u32.to_le_bytes());
    data.extend(origin.0);
    data.extend(u16::try_from(name.len()).map_err(too_long)?.to_le_bytes());
    data.extend(name);
    let mut buffer = TAG.to_le_bytes().to_vec();
    buffer.extend(u16::try_from(data.len()).map_err(too_long)?.to_le_bytes());
    buffer.extend(0_u16.to_le_bytes());
    buffer.extend(data);
    Ok(buffer)
}
