//! Entries → backup streams.

use std::io::{self, Read, Write};

use transom_ntmeta::backup_stream::{BackupError, StreamHeader, StreamId, Writer};
use transom_ntmeta::ea::{self, Ea, EaError};
use transom_ntmeta::reparse::{self, LinkKind, ReparseError};

use crate::parse::{Entry, EntryKind, shown};
use crate::windows::WindowsMetadata;

/// Why an entry cannot be turned into backup streams.
#[derive(Debug, thiserror::Error)]
pub enum ToBackupError {
    /// A hard link, a device or a global header is no file with streams.
    #[error("entry {}: type flag {:?} has no backup stream", shown(.name), char::from(*.typeflag))]
    NoStreams {
        /// Name of the entry.
        name: Vec<u8>,
        /// Its type flag.
        typeflag: u8,
    },
    /// A stream's entry does not belong to the file, or its name cannot be a stream's.
    #[error("entry {}: it is no alternate stream of {}", shown(.name), shown(.file))]
    NotAStream {
        /// Name of the entry.
        name: Vec<u8>,
        /// Name of the file's entry.
        file: Vec<u8>,
    },
    /// A link's target is not UTF-8, or makes no reparse buffer.
    #[error("entry {}: its target {} makes no reparse point", shown(.name), shown(.target))]
    Target {
        /// Name of the entry.
        name: Vec<u8>,
        /// The target.
        target: Vec<u8>,
        /// The rule it breaks, unless it is not UTF-8.
        source: Option<ReparseError>,
    },
    /// Extended attributes do not fit their list.
    #[error("entry {}: its extended attributes cannot be encoded", shown(.name))]
    Eas {
        /// Name of the entry.
        name: Vec<u8>,
        /// The rule they break.
        source: EaError,
    },
    /// The content is shorter or longer than the entry says.
    #[error("entry {}: its content has {found} bytes instead of {expected}", shown(.name))]
    ContentSize {
        /// Name of the entry.
        name: Vec<u8>,
        /// Bytes the entry says.
        expected: u64,
        /// Bytes there are, counted up to one more than expected.
        found: u64,
    },
    /// The content could not be read or the streams could not be written.
    #[error("entry {}: cannot copy its content", shown(.name))]
    Io {
        /// Name of the entry.
        name: Vec<u8>,
        /// What the source or the sink said.
        source: io::Error,
    },
    /// The backup stream cannot be written.
    #[error("entry {}: cannot write its backup stream", shown(.name))]
    Stream {
        /// Name of the entry.
        name: Vec<u8>,
        /// What the stream's writer said.
        source: BackupError,
    },
}

/// Writes an entry's own streams: security, extended attributes, reparse point, data.
///
/// `content` is its logical content (see [`crate::Contents`]); holes come out as zeros, as Windows' import makes
/// them. A regular file always gets a data stream, even where the tar says it had none. A directory without
/// metadata gets no stream at all.
///
/// # Errors
/// The entry is no file with streams, its metadata cannot be encoded, or copying fails.
pub fn write_backup_stream<W: Write>(
    streams: &mut Writer<W>,
    entry: &Entry,
    metadata: &WindowsMetadata,
    content: impl Read,
) -> Result<(), ToBackupError> {
    let name = || entry.name.clone();
    let link = match entry.kind {
        EntryKind::File | EntryKind::Directory => None,
        EntryKind::Symlink if metadata.mount_point => Some(LinkKind::MountPoint),
        EntryKind::Symlink => Some(LinkKind::Symlink),
        _ => {
            return Err(ToBackupError::NoStreams {
                name: name(),
                typeflag: entry.typeflag,
            });
        }
    };
    if let Some(security) = metadata.security.as_ref().filter(|sd| !sd.is_empty()) {
        put(streams, entry, StreamId::SECURITY_DATA, security)?;
    }
    if !metadata.eas.is_empty() {
        let list: Vec<Ea> = metadata
            .eas
            .iter()
            .map(|(name, value)| Ea {
                name: name.clone(),
                value: value.clone(),
                flags: 0,
            })
            .collect();
        let list = ea::encode(&list).map_err(|source| ToBackupError::Eas {
            name: name(),
            source,
        })?;
        put(streams, entry, StreamId::EA_DATA, &list)?;
    }
    if let Some(kind) = link {
        put(
            streams,
            entry,
            StreamId::REPARSE_DATA,
            &reparse_buffer(entry, kind)?,
        )?;
    }
    if entry.kind == EntryKind::File {
        let header = StreamHeader::new(StreamId::DATA, entry.size);
        copy(streams, entry, &header, content)?;
    }
    Ok(())
}

/// Returns the stream's name if `next` is an alternate stream of the file whose entry is named `file`.
///
/// It is if its name is exactly the file's, a colon, and more; a `:$DATA` at its end is cut.
pub fn continues<'a>(file: &[u8], next: &'a Entry) -> Option<&'a [u8]> {
    if next.kind != EntryKind::File {
        return None;
    }
    let stream = next.name.strip_prefix(file)?.strip_prefix(b":")?;
    let stream = stream.strip_suffix(b":$DATA").unwrap_or(stream);
    (!stream.is_empty()).then_some(stream)
}

/// Writes an entry that [continues] the file named `file` as an alternate stream.
///
/// # Errors
/// The entry is no stream of that file, or copying fails.
pub fn write_alternate_stream<W: Write>(
    streams: &mut Writer<W>,
    file: &[u8],
    entry: &Entry,
    content: impl Read,
) -> Result<(), ToBackupError> {
    let name = continues(file, entry)
        .filter(|name| is_stream_name(name))
        .and_then(|name| std::str::from_utf8(name).ok())
        .ok_or_else(|| ToBackupError::NotAStream {
            name: entry.name.clone(),
            file: file.to_vec(),
        })?;
    copy(
        streams,
        entry,
        &StreamHeader::alternate(name, entry.size),
        content,
    )
}

/// Says whether a stream may have this name: it cannot hold what separates paths or streams.
pub(super) fn is_stream_name(name: &[u8]) -> bool {
    !name.is_empty() && !name.iter().any(|b| matches!(b, 0 | b'/' | b'\\' | b':'))
}

fn reparse_buffer(entry: &Entry, kind: LinkKind) -> Result<Vec<u8>, ToBackupError> {
    let refuse = |source| ToBackupError::Target {
        name: entry.name.clone(),
        target: entry.link_name.clone(),
        source,
    };
    let target = std::str::from_utf8(&entry.link_name).map_err(|_| refuse(None))?;
    reparse::encode_link(kind, target).map_err(|source| refuse(Some(source)))
}

fn put<W: Write>(
    streams: &mut Writer<W>,
    entry: &Entry,
    id: StreamId,
    bytes: &[u8],
) -> Result<(), ToBackupError> {
    copy(
        streams,
        entry,
        &StreamHeader::new(id, bytes.len() as u64),
        bytes,
    )
}

fn copy<W: Write>(
    streams: &mut Writer<W>,
    entry: &Entry,
    header: &StreamHeader,
    mut content: impl Read,
) -> Result<(), ToBackupError> {
    let name = || entry.name.clone();
    streams
        .begin(header)
        .map_err(|source| ToBackupError::Stream {
            name: name(),
            source,
        })?;
    let io_error = |source| ToBackupError::Io {
        name: name(),
        source,
    };
    let mut found = io::copy(&mut content.by_ref().take(header.size), streams).map_err(io_error)?;
    if found == header.size {
        found += io::copy(&mut content.take(1), &mut io::sink()).map_err(io_error)?;
    }
    if found != header.size {
        return Err(ToBackupError::ContentSize {
            name: name(),
            expected: header.size,
            found,
        });
    }
    Ok(())
}
