//! What an entry is in a Windows layer: name, type flag, attributes and records together.

use transom_ntmeta::name::split_stream;

use super::{DIRECTORY, WindowsMetadata};
use crate::parse::{Entry, EntryKind};
use crate::whiteout::{self, EmptyWhiteout, Whiteout};

/// What an entry is in a Windows layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// A directory.
    Directory,
    /// A file with a main stream, possibly empty.
    File,
    /// A symbolic link.
    Symlink {
        /// It was made for a directory; without attributes it counts as made for a file.
        directory: bool,
    },
    /// A mount point (directory junction).
    Junction,
    /// Another name of the entry that the link name names.
    HardLink,
    /// An alternate stream of a file, which may be a directory or a link too.
    Stream {
        /// Name of the file's entry.
        file: Vec<u8>,
        /// Name of the stream, without `:$DATA`.
        stream: Vec<u8>,
    },
    /// A whiteout.
    Whiteout(Whiteout),
    /// A global PAX header: no file at all.
    GlobalHeader,
    /// A device, a FIFO or an unknown type flag. Windows' import makes files without streams of these.
    Other(u8),
}

/// Tells what an entry is, by the rules of Windows' own import: a whiteout's name comes first, then links, then
/// the attributes.
///
/// A name `file:stream` makes a regular entry a stream wherever it stands; Windows' import takes only those for
/// streams that come right after their file (see [`crate::backup::continues`]).
///
/// # Errors
/// A whiteout that names nothing.
pub fn classify(entry: &Entry, metadata: &WindowsMetadata) -> Result<Class, EmptyWhiteout> {
    if entry.kind == EntryKind::GlobalHeader {
        return Ok(Class::GlobalHeader);
    }
    if let Some(whiteout) = whiteout::parse(&entry.name)? {
        return Ok(Class::Whiteout(whiteout));
    }
    let directory = metadata.is_directory(entry.kind);
    Ok(match entry.kind {
        EntryKind::HardLink => Class::HardLink,
        EntryKind::Symlink if metadata.mount_point => Class::Junction,
        EntryKind::Symlink => Class::Symlink { directory },
        EntryKind::File | EntryKind::Directory => match stream_of(entry) {
            Some((file, stream)) => Class::Stream { file, stream },
            None if directory => Class::Directory,
            None => Class::File,
        },
        EntryKind::CharDevice
        | EntryKind::BlockDevice
        | EntryKind::Fifo
        | EntryKind::Other(_)
        | EntryKind::GlobalHeader => Class::Other(entry.typeflag),
    })
}

/// Splits the name of a stream's entry.
fn stream_of(entry: &Entry) -> Option<(Vec<u8>, Vec<u8>)> {
    if entry.kind != EntryKind::File {
        return None;
    }
    let base = entry.name.rsplit(|&b| b == b'/').next()?;
    let (file, stream) = split_stream(base);
    let stream = stream?;
    let directory = entry.name.get(..entry.name.len() - base.len())?;
    Some(([directory, file].concat(), stream.to_vec()))
}

/// Says whether attributes are a directory's.
pub(super) fn has_directory_bit(attributes: Option<u32>) -> bool {
    attributes.is_some_and(|a| a & DIRECTORY != 0)
}
