//! From the changes of a writable layer to a layer tar.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use transom_layer::Names;
use transom_layertar::windows::{Shape, WindowsMetadata, to_header};
use transom_layertar::{EntryKind, Header, MetadataError, WriteError, Writer, whiteout};

use super::error::{ChangesError, shown};
use super::plan::{Content, Entry, Item, Stream, What, lost};
use super::upper::Upper;
use crate::tree::{DeviceKind, Kind, Metadata, Tree, TreeError};

/// Mode that Windows' exporter gives a file, and with it the file's streams.
const FILE_MODE: u32 = 0o100_000;
/// Bytes copied at once.
const BLOCK: usize = 256 * 1024;

/// A layer tar that could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The changes cannot be part of a layer.
    #[error(transparent)]
    Changes(#[from] ChangesError),
    /// The tar format cannot hold an entry, or the sink failed.
    #[error(transparent)]
    Tar(#[from] WriteError),
    /// The metadata of an entry cannot be written.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The data of a file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file was written to while it was read.
    #[error("{path} changed while it was read: it had {expected} bytes before")]
    Changing {
        /// The file.
        path: PathBuf,
        /// Bytes it had when the changes were listed.
        expected: u64,
    },
}

impl ExportError {
    /// Says whether it was the receiver of the tar that failed, and not the layer.
    pub fn is_from_sink(&self) -> bool {
        matches!(self, Self::Tar(WriteError::Io { .. }))
    }
}

/// Writes the changes that an upper folder makes to a chain as a layer tar.
pub(crate) fn write(
    items: &[Item],
    lower: &Tree,
    upper: &Upper,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    write_items(items, lower, Some(upper), out)
}

/// Writes a layer tar of items whose data is all in one tree.
pub(crate) fn write_from_tree(
    items: &[Item],
    tree: &Tree,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    write_items(items, tree, None, out)
}

fn write_items(
    items: &[Item],
    lower: &Tree,
    upper: Option<&Upper>,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let mut export = Export {
        lower,
        upper,
        tar: Writer::new(out),
        buffer: vec![0; BLOCK],
    };
    for item in items {
        export.item(item)?;
    }
    export.tar.finish()?;
    Ok(())
}

struct Export<'a> {
    lower: &'a Tree,
    upper: Option<&'a Upper>,
    tar: Writer<&'a mut dyn Write>,
    buffer: Vec<u8>,
}

impl Export<'_> {
    fn item(&mut self, item: &Item) -> Result<(), ExportError> {
        match &item.what {
            What::Deleted(_) => {
                let header = Header::new(EntryKind::File, &whiteout::name_of(&item.path));
                self.tar.append(&header)?;
            }
            What::HardLink { target, metadata } => {
                let header = match self.lower.names() {
                    Names::Windows => to_header(
                        &item.path,
                        &Shape::HardLink { target },
                        &to_windows(metadata),
                    )?,
                    Names::Posix => {
                        let mut header = posix_header(&item.path, metadata);
                        header.kind = EntryKind::HardLink;
                        header.link_name.clone_from(target);
                        header
                    }
                };
                self.tar.append(&header)?;
            }
            What::Entry(entry) => self.entry(&item.path, entry)?,
        }
        Ok(())
    }

    fn entry(&mut self, path: &[u8], entry: &Entry) -> Result<(), ExportError> {
        let metadata = &entry.metadata;
        let header = match self.lower.names() {
            Names::Windows => to_header(path, &shape(metadata), &to_windows(metadata))?,
            Names::Posix => posix_header(path, metadata),
        };
        self.tar.append(&header)?;
        if let Some(content) = &entry.content {
            self.data(content, metadata.size)?;
        }
        for stream in &entry.streams {
            self.stream(path, metadata, stream)?;
        }
        Ok(())
    }

    fn stream(
        &mut self,
        path: &[u8],
        owner: &Metadata,
        stream: &Stream,
    ) -> Result<(), ExportError> {
        let name = [path, b":", &stream.name].concat();
        let shape = Shape::Stream {
            size: stream.size,
            mode: FILE_MODE,
        };
        self.tar
            .append(&to_header(&name, &shape, &to_windows(owner))?)?;
        self.data(&stream.content, stream.size)
    }

    /// Copies exactly the bytes that the header has announced.
    fn data(&mut self, content: &Content, size: u64) -> Result<(), ExportError> {
        let path = match (content, self.upper) {
            (Content::Upper(path), Some(upper)) => upper.shown(path),
            (Content::Upper(path), None) => PathBuf::from(shown(path)),
            (Content::Lower(node), _) => PathBuf::from(shown(node.path())),
        };
        let failed = |source| ExportError::Read {
            path: path.clone(),
            source,
        };
        let mut source: Box<dyn Read + '_> = match (content, self.upper) {
            (Content::Upper(path), Some(upper)) => {
                Box::new(upper.open_file(path).map_err(ChangesError::from)?)
            }
            (Content::Upper(path), None) => return Err(lost(path, b"").into()),
            (Content::Lower(node), _) => {
                let data = self.lower.open_data(node);
                Box::new(data.map_err(|error: TreeError| ChangesError::from(error))?)
            }
        };
        let mut left = size;
        while left > 0 {
            let wanted = usize::try_from(left).map_or(BLOCK, |left| left.min(BLOCK));
            let block = &mut self.buffer[..wanted];
            let count = match source.read(block) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(error)),
            };
            if count == 0 {
                let expected = size;
                return Err(ExportError::Changing { path, expected });
            }
            let at = self.tar.position();
            self.tar
                .write_all(&block[..count])
                .map_err(|source| WriteError::Io { offset: at, source })?;
            left -= count as u64;
        }
        Ok(())
    }
}

fn shape(metadata: &Metadata) -> Shape<'_> {
    let target = metadata.target.as_deref().unwrap_or_default();
    match metadata.kind {
        Kind::Directory => Shape::Directory,
        Kind::Symlink => Shape::Symlink { target },
        Kind::Junction => Shape::Junction { target },
        Kind::File | Kind::Special if metadata.has_data_stream => Shape::File {
            size: metadata.size,
        },
        Kind::File | Kind::Special => Shape::FileWithoutData,
    }
}

fn to_windows(metadata: &Metadata) -> WindowsMetadata {
    WindowsMetadata {
        attributes: metadata.attributes.map(|attributes| attributes.bits()),
        creation: metadata.created,
        last_access: metadata.accessed,
        last_write: metadata.modified,
        change: metadata.changed,
        security: metadata.security.clone(),
        eas: metadata.eas.clone(),
        mount_point: metadata.kind == Kind::Junction,
    }
}

/// Makes the header of an entry of a Linux image; attributes are in the records that GNU tar and Go read.
fn posix_header(path: &[u8], metadata: &Metadata) -> Header {
    let kind = match (metadata.kind, metadata.device) {
        (Kind::Directory, _) => EntryKind::Directory,
        (Kind::Symlink | Kind::Junction, _) => EntryKind::Symlink,
        (Kind::Special, Some((DeviceKind::Char, _))) => EntryKind::CharDevice,
        (Kind::Special, Some((DeviceKind::Block, _))) => EntryKind::BlockDevice,
        (Kind::Special, None) => EntryKind::Fifo,
        (Kind::File, _) => EntryKind::File,
    };
    let mut header = Header::new(kind, path);
    header.mode = metadata.mode.into();
    header.uid = metadata.uid;
    header.gid = metadata.gid;
    header.mtime = metadata.modified;
    if kind == EntryKind::File {
        header.size = metadata.size;
    }
    if let Some(target) = &metadata.target {
        header.link_name.clone_from(target);
    }
    if let Some((_, device)) = metadata.device {
        (header.dev_major, header.dev_minor) = (device.major, device.minor);
    }
    for (name, value) in &metadata.xattrs {
        header
            .pax
            .insert([b"SCHILY.xattr.", name.as_slice()].concat(), value.clone());
    }
    header
}
