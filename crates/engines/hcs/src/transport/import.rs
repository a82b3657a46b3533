//! A layer tar, entry by entry (moby daemon/graphdriver/windows, writeLayerFromTar).

use std::io::{self, Read, Write};

use transom_layertar::whiteout::{self, Whiteout};
use transom_layertar::windows::WindowsMetadata;
use transom_layertar::{Entry, EntryKind, Limits, Reader, backup};
use transom_ntmeta::backup_stream;
use transom_ntmeta::filetime::FileTime;
use transom_windows::{BackupWriter, BasicInfo, Create, Folder, Hcs, Node};

use super::base_writer::BaseWriter;
use super::diff_writer::DiffWriter;
use super::names::{clean, pristine_copy};
use super::{Place, TransportError};

/// Fills an empty layer from an uncompressed tar, and returns the bytes of main file data; `root` is the layer's folder.
///
/// As on Windows a whiteout beats an entry of the same name in this layer. What Windows' own import would drop in
/// silence (opaque markers, devices) is refused by name. If it fails the layer is to be emptied.
///
/// # Errors
/// The tar is refused, or the file system or the service fails.
pub fn import<F: Folder>(
    hcs: &dyn Hcs,
    root: &F,
    place: &Place<'_>,
    tar: &mut dyn Read,
) -> Result<u64, TransportError> {
    let mut writer = match place.parents {
        [] => Writer::Base(BaseWriter::new(root)),
        _ => Writer::Diff(Box::new(DiffWriter::new(root, place)?)),
    };
    let mut reader = Reader::new(tar, Limits::default());
    let mut bytes = 0;
    let mut next = reader.next_entry()?;
    while let Some(entry) = next {
        next = writer.take(root, &entry, &mut reader, &mut bytes)?;
    }
    match writer {
        Writer::Base(writer) => writer.finish(hcs, place)?,
        Writer::Diff(writer) => writer.finish(hcs, place)?,
    }
    Ok(bytes)
}

#[derive(Debug)]
enum Writer<'a, F> {
    Base(BaseWriter<'a, F>),
    Diff(Box<DiffWriter<'a, F>>),
}

impl<F: Folder> Writer<'_, F> {
    /// Takes one entry, with its streams, and returns the one behind.
    fn take<R: Read>(
        &mut self,
        root: &F,
        entry: &Entry,
        reader: &mut Reader<R>,
        bytes: &mut u64,
    ) -> Result<Option<Entry>, TransportError> {
        let refuse = |rule| {
            let name = String::from_utf8_lossy(&entry.name);
            Err(TransportError::rule(&name, rule))
        };
        match whiteout::parse(&entry.name)? {
            Some(Whiteout::Removed(name)) => {
                self.remove(&clean(&name)?)?;
                return Ok(reader.next_entry()?);
            }
            Some(Whiteout::Opaque(_)) => {
                return refuse(
                    "Windows has no opaque whiteouts: list what is deleted, each with a whiteout",
                );
            }
            None => {}
        }
        match entry.kind {
            EntryKind::GlobalHeader => return Ok(reader.next_entry()?),
            EntryKind::HardLink => {
                self.link(&clean(&entry.name)?, &clean(&entry.link_name)?)?;
                return Ok(reader.next_entry()?);
            }
            EntryKind::File | EntryKind::Directory | EntryKind::Symlink => {}
            _ => return refuse("Windows has neither devices nor pipes"),
        }
        let name = clean(&entry.name)?;
        let metadata = WindowsMetadata::from_entry(entry)?;
        let info = basic_info(entry, &metadata);
        if entry.kind == EntryKind::File {
            *bytes += entry.size;
        }
        let mut behind = None;
        let mut copy = Pristine::start(root, &name)?;
        let streams = |out: &mut dyn Write| {
            behind = write_streams(&mut copy.beside(out), entry, &metadata, reader)?;
            Ok(())
        };
        match self {
            Self::Base(writer) => writer.add(&name, &info, streams)?,
            Self::Diff(writer) => {
                let is_link = entry.kind == EntryKind::Symlink;
                writer.add(&name, &info, is_link, streams)?;
            }
        }
        copy.finish(&name)?;
        Ok(behind)
    }

    fn link(&mut self, name: &str, target: &str) -> Result<(), TransportError> {
        match self {
            Self::Base(writer) => writer.link(name, target),
            Self::Diff(writer) => writer.link(name, target),
        }
    }

    fn remove(&mut self, name: &str) -> Result<(), TransportError> {
        match self {
            Self::Base(_) => Err(TransportError::rule(
                name,
                "a base layer has nothing below it that a whiteout could delete",
            )),
            Self::Diff(writer) => writer.remove(name),
        }
    }
}

/// Writes an entry's backup stream with the alternate streams that follow, and returns the entry behind those.
fn write_streams<R: Read>(
    out: &mut dyn Write,
    entry: &Entry,
    metadata: &WindowsMetadata,
    reader: &mut Reader<R>,
) -> Result<Option<Entry>, TransportError> {
    let mut streams = backup_stream::Writer::new(out);
    backup::write_backup_stream(&mut streams, entry, metadata, reader.contents(entry))?;
    loop {
        match reader.next_entry()? {
            Some(next) if backup::continues(&entry.name, &next).is_some() => {
                let content = reader.contents(&next);
                backup::write_alternate_stream(&mut streams, &entry.name, &next, content)?;
            }
            next => return Ok(next),
        }
    }
}

/// Times that an entry does not tell are those of its last write. (Upstream makes them 1754, by accident.)
fn basic_info(entry: &Entry, metadata: &WindowsMetadata) -> BasicInfo {
    let time = |time: Option<_>| FileTime::from_unix_wrapping(time.unwrap_or(metadata.last_write));
    BasicInfo {
        creation: time(metadata.creation),
        last_access: time(metadata.last_access),
        last_write: time(None),
        change: time(metadata.change),
        attributes: metadata.effective_attributes(entry.kind),
    }
}

/// A second copy of a file that Windows changes after the import, in the layer's folder.
#[derive(Debug)]
struct Pristine<N> {
    node: Option<N>,
    bytes: Vec<u8>,
}

/// Boot stores have some 30 KB; one that is larger than this is refused.
const LARGEST_PRISTINE: usize = 64 << 20;

impl<N: Node> Pristine<N> {
    fn start<F: Folder<Node = N>>(root: &F, name: &str) -> Result<Self, TransportError> {
        let node = pristine_copy(name)
            .map(|copy| root.create_file(copy, Create::Replace))
            .transpose()
            .map_err(TransportError::file("keep a copy of", name))?;
        Ok(Self {
            node,
            bytes: Vec::new(),
        })
    }

    fn beside<'a>(&'a mut self, out: &'a mut dyn Write) -> Beside<'a> {
        Beside {
            out,
            copy: self.node.is_some().then_some(&mut self.bytes),
        }
    }

    fn finish(self, name: &str) -> Result<(), TransportError> {
        let Some(mut node) = self.node else {
            return Ok(());
        };
        let mut write = || {
            let mut restore = node.restore(false)?;
            restore.write_all(&self.bytes)?;
            restore.finish()
        };
        write().map_err(TransportError::file("keep a copy of", name))
    }
}

struct Beside<'a> {
    out: &'a mut dyn Write,
    copy: Option<&'a mut Vec<u8>>,
}

impl Write for Beside<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        if let Some(copy) = &mut self.copy {
            if copy.len() + written > LARGEST_PRISTINE {
                return Err(io::Error::other("a boot store of more than 64 MiB"));
            }
            copy.extend_from_slice(bytes.get(..written).unwrap_or_default());
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
