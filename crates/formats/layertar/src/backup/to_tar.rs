//! Backup streams → entries.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom, Write};

use transom_ntmeta::backup_stream::{
    BackupError, Reader, SparseMapper, StreamAttributes, StreamHeader, StreamId,
};
use transom_ntmeta::ea;
use transom_ntmeta::name;
use transom_ntmeta::reparse::{self, LinkKind};

use super::error::ToTarError;
use super::from_tar::is_stream_name;
use crate::windows::{Shape, WindowsMetadata, to_header};
use crate::write::Writer;

/// Largest metadata stream in bytes: more would not fit the 1 MiB of PAX records that readers accept.
pub(super) const MAX_METADATA: u64 = 1 << 20;

/// FILE_ATTRIBUTE_DIRECTORY (MS-FSCC 2.6).
const DIRECTORY: u32 = 0x10;

/// Bytes before a stream's name, and before the data of a sparse block (MS-BKUP 2.2, 2.13).
const STREAM_HEADER: u64 = 20;
const BLOCK_OFFSET: u64 = 8;

/// The content of a stream: its size and where its data lies in the backup stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Logical size in bytes.
    pub size: u64,
    /// Stretches of data, ascending: place in the file, length, and place in the backup stream, all in bytes.
    extents: Vec<(u64, u64, u64)>,
}

/// A named stream beside the main one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlternateStream {
    /// Its name without colons and type.
    pub name: String,
    /// Its content.
    pub content: Content,
}

/// What a backup stream holds and a tar does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ignored {
    /// A LINK, PROPERTY_DATA, OBJECT_ID or TXFS_DATA stream.
    Stream {
        /// What it holds.
        id: StreamId,
        /// Its size in bytes.
        size: u64,
    },
    /// The flags of an extended attribute.
    EaFlags {
        /// Name of the attribute.
        name: Vec<u8>,
        /// Its flags (0x80 is FILE_NEED_EA).
        flags: u8,
    },
}

/// What a backup stream says about a file: its metadata, and where the data lies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Self-relative security descriptor.
    pub security: Option<Vec<u8>>,
    /// Extended attributes, names and values.
    pub eas: Vec<(Vec<u8>, Vec<u8>)>,
    /// Kind and target of a symbolic link or mount point.
    pub link: Option<(LinkKind, String)>,
    /// The main stream, if there is one.
    pub data: Option<Content>,
    /// Alternate streams in their order.
    pub alternates: Vec<AlternateStream>,
    /// What the tar will not hold. It is for the caller to report.
    pub ignored: Vec<Ignored>,
}

impl Plan {
    /// Reads a whole backup stream, from its first byte to the end of the source.
    ///
    /// It keeps metadata (at most 1 MiB a stream) and 24 bytes per sparse block, no data.
    ///
    /// # Errors
    /// The stream is malformed, or holds what a tar cannot (see [`ToTarError`]).
    pub fn read(source: impl Read) -> Result<Self, ToTarError> {
        let mut plan = Self::default();
        let mut reader = Reader::new(source);
        let mut seen = BTreeSet::new();
        let mut alternate_names = BTreeSet::new();
        let mut at = 0;
        let mut next = reader.next()?;
        while let Some(header) = next {
            let data_at = data_position(at, &header);
            let end = data_at.saturating_add(header.size);
            let once = matches!(
                header.id,
                StreamId::DATA
                    | StreamId::SECURITY_DATA
                    | StreamId::EA_DATA
                    | StreamId::REPARSE_DATA
            );
            if once && !seen.insert(header.id.0) {
                return Err(ToTarError::Twice { at, id: header.id });
            }
            match header.id {
                StreamId::DATA => {
                    let content;
                    (content, at, next) = read_content(&mut reader, at, &header)?;
                    plan.data = Some(content);
                    continue;
                }
                StreamId::ALTERNATE_DATA => {
                    let name = stream_name(at, &header)?;
                    if !alternate_names.insert(name::fold(name.as_bytes())) {
                        return Err(ToTarError::StreamNameTwice { at, name });
                    }
                    let content;
                    (content, at, next) = read_content(&mut reader, at, &header)?;
                    plan.alternates.push(AlternateStream { name, content });
                    continue;
                }
                StreamId::SECURITY_DATA => {
                    plan.security = Some(read_metadata(&mut reader, at, &header)?)
                }
                StreamId::EA_DATA => {
                    let list = read_metadata(&mut reader, at, &header)?;
                    plan.take_eas(at, &list)?;
                }
                StreamId::REPARSE_DATA => {
                    let buffer = read_metadata(&mut reader, at, &header)?;
                    plan.link = Some(link(at, &buffer)?);
                }
                StreamId::LINK
                | StreamId::PROPERTY_DATA
                | StreamId::OBJECT_ID
                | StreamId::TXFS_DATA => {
                    plan.ignored.push(Ignored::Stream {
                        id: header.id,
                        size: header.size,
                    });
                }
                id => return Err(ToTarError::UnknownStream { at, id }),
            }
            at = end;
            next = reader.next()?;
        }
        Ok(plan)
    }

    /// Writes the file's entry and one more for each alternate stream.
    ///
    /// `basic` gives attributes and times; what else it holds is not looked at, the backup stream has that.
    /// `source` stands at the first byte of the backup stream that the plan was read from.
    ///
    /// # Errors
    /// What cannot be kept in a tar; or the source or the writer fails, after which the archive is incomplete.
    pub fn append_to<W: Write, R: Read + Seek>(
        &self,
        writer: &mut Writer<W>,
        name: &[u8],
        basic: &WindowsMetadata,
        mut source: R,
    ) -> Result<(), ToTarError> {
        let shape = self.shape(basic.attributes)?;
        let metadata = WindowsMetadata {
            security: self.security.clone(),
            eas: self.eas.clone(),
            ..basic.clone()
        };
        let copy_error = |name: &[u8], source| ToTarError::Copy {
            name: name.to_vec(),
            source,
        };
        let start = source.stream_position().map_err(|e| copy_error(name, e))?;
        let header = to_header(name, &shape, &metadata)?;
        writer.append(&header)?;
        if let (Shape::File { .. }, Some(content)) = (shape, &self.data) {
            content
                .copy(&mut source, start, writer)
                .map_err(|e| copy_error(name, e))?;
        }
        for AlternateStream {
            name: stream,
            content,
        } in &self.alternates
        {
            let name = [name, b":", stream.as_bytes()].concat();
            let shape = Shape::Stream {
                size: content.size,
                mode: header.mode,
            };
            writer.append(&to_header(&name, &shape, &metadata)?)?;
            content
                .copy(&mut source, start, writer)
                .map_err(|e| copy_error(&name, e))?;
        }
        Ok(())
    }

    fn shape(&self, attributes: Option<u32>) -> Result<Shape<'_>, ToTarError> {
        let refuse = |what, size| Err(ToTarError::UnexpectedData { what, size });
        let is_directory = attributes.is_some_and(|a| a & DIRECTORY != 0);
        match (&self.link, &self.data) {
            (Some(_), Some(data)) if data.size > 0 => refuse("a link", data.size),
            (Some((LinkKind::Symlink, target)), _) => Ok(Shape::Symlink {
                target: target.as_bytes(),
            }),
            (Some((LinkKind::MountPoint, target)), _) => Ok(Shape::Junction {
                target: target.as_bytes(),
            }),
            (None, Some(data)) if is_directory => refuse("a directory", data.size),
            (None, None) if is_directory => Ok(Shape::Directory),
            (None, Some(data)) => Ok(Shape::File { size: data.size }),
            (None, None) => Ok(Shape::FileWithoutData),
        }
    }

    fn take_eas(&mut self, at: u64, list: &[u8]) -> Result<(), ToTarError> {
        for ea in ea::parse(list).map_err(|source| ToTarError::Eas { at, source })? {
            if ea.flags != 0 {
                self.ignored.push(Ignored::EaFlags {
                    name: ea.name.clone(),
                    flags: ea.flags,
                });
            }
            self.eas.push((ea.name, ea.value));
        }
        Ok(())
    }
}

impl Content {
    /// Copies the logical content, holes as zeros.
    fn copy<R: Read + Seek>(
        &self,
        source: &mut R,
        start: u64,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let mut position = 0;
        for &(logical, length, at) in &self.extents {
            write_zeros(out, logical.saturating_sub(position))?;
            source.seek(SeekFrom::Start(start.saturating_add(at)))?;
            let copied = io::copy(&mut source.by_ref().take(length), out)?;
            if copied < length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            position = logical.saturating_add(length);
        }
        write_zeros(out, self.size.saturating_sub(position))
    }
}

fn write_zeros(out: &mut impl Write, count: u64) -> io::Result<()> {
    io::copy(&mut io::repeat(0).take(count), out).map(|_| ())
}

/// Where the data of a stream begins whose header lies at `at`.
///
/// Sizes are below 2^63 and names short (the reader checks both), and each stream before was there in full, so
/// neither this sum nor that with the size overflows.
fn data_position(at: u64, header: &StreamHeader) -> u64 {
    let name = header.name.len() as u64 * 2;
    let offset = if header.offset.is_some() {
        BLOCK_OFFSET
    } else {
        0
    };
    at.saturating_add(STREAM_HEADER + name + offset)
}

/// Follows a stream with content and its sparse blocks. Returns also the next stream's place and header.
fn read_content<R: Read>(
    reader: &mut Reader<R>,
    mut at: u64,
    header: &StreamHeader,
) -> Result<(Content, u64, Option<StreamHeader>), ToTarError> {
    if header.attributes.contains(StreamAttributes::GHOSTED) {
        return Err(ToTarError::Ghosted { at, id: header.id });
    }
    let sparse_error = |at| move |source| ToTarError::Sparse { at, source };
    let mut mapper = SparseMapper::start(header).map_err(sparse_error(at))?;
    // The mapper has an extent for each stretch that is not empty, in this order.
    let mut places = Vec::new();
    let mut place = |at, header: &StreamHeader| {
        let data_at = data_position(at, header);
        if header.size > 0 {
            places.push(data_at);
        }
        data_at.saturating_add(header.size)
    };
    at = place(at, header);
    let mut next = reader.next()?;
    while let Some(block) = next.as_ref().filter(|h| h.id == StreamId::SPARSE_BLOCK) {
        mapper.push(block).map_err(sparse_error(at))?;
        at = place(at, block);
        next = reader.next()?;
    }
    let map = mapper.finish().map_err(sparse_error(at))?;
    let extents = map.extents.iter().zip(places);
    let content = Content {
        size: map.size,
        extents: extents.map(|(e, place)| (e.offset, e.len, place)).collect(),
    };
    Ok((content, at, next))
}

fn read_metadata<R: Read>(
    reader: &mut Reader<R>,
    at: u64,
    header: &StreamHeader,
) -> Result<Vec<u8>, ToTarError> {
    if header.size > MAX_METADATA {
        return Err(ToTarError::TooLarge {
            at,
            id: header.id,
            found: header.size,
        });
    }
    let mut bytes = Vec::new();
    let read = reader.read_to_end(&mut bytes);
    read.map_err(|source| BackupError::Io {
        verb: "read",
        source,
    })?;
    Ok(bytes)
}

fn stream_name(at: u64, header: &StreamHeader) -> Result<String, ToTarError> {
    let text = header.name_text();
    let name = text
        .as_deref()
        .and_then(|t| t.strip_prefix(':')?.strip_suffix(":$DATA"));
    match name.filter(|name| is_stream_name(name.as_bytes())) {
        Some(name) => Ok(name.to_owned()),
        None => Err(ToTarError::StreamName {
            at,
            name: String::from_utf16_lossy(&header.name),
        }),
    }
}

fn link(at: u64, buffer: &[u8]) -> Result<(LinkKind, String), ToTarError> {
    let link = reparse::decode_link(buffer).map_err(|source| ToTarError::Reparse { at, source })?;
    if !reparse::is_representable(buffer) {
        return Err(ToTarError::LossyLink {
            at,
            substitute: link.substitute,
            print: link.print,
        });
    }
    Ok((link.kind, reparse::target_of(&link)))
}
