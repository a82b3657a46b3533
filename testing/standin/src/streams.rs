//! Backup streams of plain files as values.

use std::fs;
use std::io::{self, Read, Write};

use transom_ntmeta::backup_stream::{Reader, StreamHeader, StreamId, Writer};
use transom_windows::{BackupWriter, BasicInfo, Create, Folder, Node};

use crate::plain::{PlainFiles, SELF};

/// A stream's header and what is in it.
pub(crate) type Stream = (StreamHeader, Vec<u8>);

/// Joins a folder's name and one in it; the root is the empty name.
pub(crate) fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

/// Reads the whole backup stream of a file or folder, security included.
pub(crate) fn bytes(files: &PlainFiles, name: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    files.open(name)?.backup(true)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Takes a backup stream apart.
pub(crate) fn parse(bytes: &[u8]) -> io::Result<Vec<Stream>> {
    let mut streams = Vec::new();
    let mut reader = Reader::new(bytes);
    while let Some(header) = reader.next().map_err(io::Error::other)? {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)?;
        streams.push((header, bytes));
    }
    Ok(streams)
}

/// Puts a backup stream together.
pub(crate) fn print(streams: &[Stream]) -> io::Result<Vec<u8>> {
    let mut writer = Writer::new(Vec::new());
    for (header, bytes) in streams {
        writer.begin(header).map_err(io::Error::other)?;
        writer.write_all(bytes)?;
    }
    writer.finish().map_err(io::Error::other)
}

/// Returns the first stream of a kind.
pub(crate) fn find(streams: &[Stream], id: StreamId) -> Option<&[u8]> {
    let found = streams.iter().find(|(header, _)| header.id == id)?;
    Some(&found.1)
}

/// Sets times and attributes of a new node, then its streams.
pub(crate) fn fill(mut node: impl Node, info: &BasicInfo, bytes: &[u8]) -> io::Result<()> {
    node.set_basic_info(info)?;
    let mut restore = node.restore(true)?;
    restore.write_all(bytes)?;
    restore.finish()
}

/// Gives a file other content, under all of its names; `edit` gets what it has. All else stays as it is.
pub(crate) fn edit_data(
    files: &PlainFiles,
    name: &str,
    edit: impl FnOnce(Vec<u8>) -> Vec<u8>,
) -> io::Result<()> {
    let mut node = files.open(name)?;
    let info = node.basic_info()?;
    let mut old = Vec::new();
    node.read_to_end(&mut old)?;
    drop(node);
    let data = edit(old);
    let is_content = |id| id == StreamId::DATA || id == StreamId::SPARSE_BLOCK;
    let mut streams = parse(&bytes(files, name)?)?;
    streams.retain(|(header, _)| !is_content(header.id));
    // Behind security and before alternate streams, where plain files have it.
    let first_alternate = |(header, _): &Stream| header.id == StreamId::ALTERNATE_DATA;
    let at = streams.iter().position(first_alternate);
    let header = StreamHeader::new(StreamId::DATA, data.len() as u64);
    streams.insert(at.unwrap_or(streams.len()), (header, data));
    let node = files.create_file(name, Create::Replace)?;
    fill(node, &info, &print(&streams)?)
}

/// Copies a file, or a folder without what is in it, with all that it has.
pub(crate) fn copy(
    source: &PlainFiles,
    name: &str,
    target: &PlainFiles,
    new_name: &str,
    is_folder: bool,
) -> io::Result<()> {
    // A folder that came without metadata gets some at the first look.
    drop(source.open(name)?);
    let from = source.host_path(name)?;
    match is_folder {
        true if new_name.is_empty() => {}
        true => drop(target.create_folder(new_name)?),
        false => drop(target.create_file(new_name, Create::New)?),
    }
    let to = target.host_path(new_name)?;
    match is_folder {
        true => fs::copy(from.join(SELF), to.join(SELF))?,
        false => fs::copy(from, to)?,
    };
    Ok(())
}

/// Says whether two nodes have the same attributes, times of creation and last write, and streams.
pub(crate) fn is_same(
    one: &PlainFiles,
    name: &str,
    other: &PlainFiles,
    other_name: &str,
) -> io::Result<bool> {
    let told = |files: &PlainFiles, name: &str| {
        let info = files.open(name)?.basic_info()?;
        io::Result::Ok((info.attributes, info.creation, info.last_write))
    };
    Ok(told(one, name)? == told(other, other_name)?
        && bytes(one, name)? == bytes(other, other_name)?)
}
