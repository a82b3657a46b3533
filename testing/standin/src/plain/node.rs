//! An open plain file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use transom_ntmeta::backup_stream::{Reader, StreamHeader, StreamId, Writer};
use transom_ntmeta::filetime::FileTime;
use transom_windows::{BackupWriter, BasicInfo, Identity, Node};

use super::SELF;
use super::record::{DIRECTORY, REPARSE_POINT, Record};
use crate::streams;

/// Bytes of a stream's header (MS-BKUP 2.2).
const STREAM_HEADER: u64 = 20;

/// An open file or folder.
#[derive(Debug)]
pub struct PlainNode {
    file: File,
    path: PathBuf,
    /// Where the content of the main stream lies in the file, and its length; found at the first use.
    data: Option<(u64, u64)>,
    position: u64,
}

impl PlainNode {
    /// Opens a file or folder of the host.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut path = path.to_owned();
        if fs::symlink_metadata(&path)?.is_dir() {
            path.push(SELF);
            if !path.exists() {
                Self::create(&path, DIRECTORY)?;
            }
        }
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        Ok(Self {
            file,
            path,
            data: None,
            position: 0,
        })
    }

    pub(super) fn create(path: &Path, attributes: u32) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)?;
        Record::new_now(attributes).write(&mut file)?;
        Ok(Self {
            file,
            path: path.to_owned(),
            data: None,
            position: 0,
        })
    }

    fn record(&mut self) -> io::Result<Record> {
        Record::read(&mut self.file)?.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{} is no file of the stand-in", self.path.display()),
            )
        })
    }

    /// Finds the main stream. A file without one has an empty one.
    fn data(&mut self) -> io::Result<(u64, u64)> {
        if let Some(data) = self.data {
            return Ok(data);
        }
        let record = Record::read(&mut self.file)?;
        let length = self.file.metadata()?.len();
        let data = match record {
            // Not ours: all of it is content.
            None => (0, length),
            Some(_) => self.find_data()?.unwrap_or((length + STREAM_HEADER, 0)),
        };
        self.data = Some(data);
        Ok(data)
    }

    fn find_data(&mut self) -> io::Result<Option<(u64, u64)>> {
        self.file.seek(SeekFrom::Start(Record::LENGTH))?;
        let mut at = Record::LENGTH;
        let mut reader = Reader::new(&mut self.file);
        while let Some(header) = reader.next().map_err(io::Error::other)? {
            at += STREAM_HEADER + 2 * header.name.len() as u64;
            if header.id == StreamId::DATA {
                return Ok(Some((at, header.size)));
            }
            at += header.size;
        }
        Ok(None)
    }

    /// Returns where the backup stream begins.
    fn streams_at(&mut self, with_security: bool) -> io::Result<u64> {
        if with_security {
            return Ok(Record::LENGTH);
        }
        self.file.seek(SeekFrom::Start(Record::LENGTH))?;
        let first = Reader::new(&mut self.file)
            .next()
            .map_err(io::Error::other)?;
        Ok(match first {
            Some(header) if header.id == StreamId::SECURITY_DATA => {
                Record::LENGTH + STREAM_HEADER + header.size
            }
            _ => Record::LENGTH,
        })
    }
}

impl Read for PlainNode {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (at, length) = self.data()?;
        self.file.seek(SeekFrom::Start(at + self.position))?;
        let left = length.saturating_sub(self.position);
        let read = (&self.file).take(left).read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Write for PlainNode {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (at, length) = self.data()?;
        self.file.seek(SeekFrom::Start(at + self.position))?;
        let written = self.file.write(bytes)?;
        self.position += written as u64;
        let length = length.max(self.position);
        self.data = Some((at, length));
        let mut header = Vec::new();
        Writer::new(&mut header)
            .begin(&StreamHeader::new(StreamId::DATA, length))
            .map_err(io::Error::other)?;
        self.file.seek(SeekFrom::Start(at - STREAM_HEADER))?;
        self.file.write_all(&header)?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for PlainNode {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (_, length) = self.data()?;
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

impl Node for PlainNode {
    type Backup<'a> = Streams<'a>;
    type Restore<'a> = Restore<'a>;

    fn basic_info(&self) -> io::Result<BasicInfo> {
        let record = Record::read(&mut File::open(&self.path)?)?.unwrap_or(Record::new_now(0x20));
        Ok(record.0)
    }

    fn set_basic_info(&mut self, info: &BasicInfo) -> io::Result<()> {
        let Record(mut own) = self.record()?;
        let set = |time: &mut FileTime, new: FileTime| {
            if new.0 != 0 {
                *time = new;
            }
        };
        set(&mut own.creation, info.creation);
        set(&mut own.last_access, info.last_access);
        set(&mut own.last_write, info.last_write);
        set(&mut own.change, info.change);
        if info.attributes != 0 {
            // What kind of file it is cannot be set.
            let kind = DIRECTORY | REPARSE_POINT;
            own.attributes = info.attributes & !kind | own.attributes & kind;
        }
        Record(own).write(&mut self.file)
    }

    fn identity(&self) -> io::Result<Identity> {
        identity(&self.file)
    }

    fn backup(&mut self, with_security: bool) -> io::Result<Streams<'_>> {
        self.record()?;
        let start = self.streams_at(with_security)?;
        self.file.seek(SeekFrom::Start(start))?;
        Ok(Streams {
            file: &mut self.file,
            start,
        })
    }

    fn restore(&mut self, with_security: bool) -> io::Result<Restore<'_>> {
        let length = self.file.metadata()?.len();
        self.file.seek(SeekFrom::Start(length))?;
        Ok(Restore {
            start: length,
            node: self,
            with_security,
        })
    }
}

#[cfg(unix)]
fn identity(file: &File) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = file.metadata()?;
    Ok(Identity {
        links: u32::try_from(metadata.nlink()).unwrap_or(u32::MAX),
        id: metadata.ino().into(),
    })
}

#[cfg(windows)]
fn identity(file: &File) -> io::Result<Identity> {
    let information = winapi_util::file::information(file)?;
    Ok(Identity {
        links: u32::try_from(information.number_of_links()).unwrap_or(u32::MAX),
        id: information.file_index().into(),
    })
}

/// Gives a backup stream.
#[derive(Debug)]
pub struct Streams<'a> {
    file: &'a mut File,
    start: u64,
}

impl Read for Streams<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for Streams<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(position) => SeekFrom::Start(self.start + position),
            other => other,
        };
        Ok(self.file.seek(to)?.saturating_sub(self.start))
    }
}

/// Takes a backup stream.
#[derive(Debug)]
pub struct Restore<'a> {
    node: &'a mut PlainNode,
    /// Where what is taken begins in the file.
    start: u64,
    with_security: bool,
}

impl Write for Restore<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.node.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl BackupWriter for Restore<'_> {
    /// Checks the stream. Into a folder, whose streams are small, it is merged with what was there.
    fn finish(self) -> io::Result<()> {
        let node = self.node;
        node.file.seek(SeekFrom::Start(self.start))?;
        let mut has_reparse = false;
        let mut security = 0;
        let mut reader = Reader::new(&node.file);
        while let Some(header) = reader.next().map_err(io::Error::other)? {
            has_reparse |= header.id == StreamId::REPARSE_DATA;
            if header.id == StreamId::SECURITY_DATA {
                security = STREAM_HEADER + header.size;
            }
        }
        if self.start > Record::LENGTH || (security > 0 && !self.with_security) {
            merge(node, self.start, self.with_security)?;
        }
        if has_reparse {
            let Record(mut own) = node.record()?;
            own.attributes |= REPARSE_POINT;
            Record(own).write(&mut node.file)?;
        }
        Ok(())
    }
}

/// Lets what was written behind `start` take the place of streams of the same kind before it.
fn merge(node: &mut PlainNode, start: u64, with_security: bool) -> io::Result<()> {
    let mut bytes = Vec::new();
    node.file.seek(SeekFrom::Start(Record::LENGTH))?;
    node.file.read_to_end(&mut bytes)?;
    let at = usize::try_from(start - Record::LENGTH).map_err(io::Error::other)?;
    let (old, new) = bytes.split_at(at);
    let mut merged = streams::parse(old)?;
    for (header, bytes) in streams::parse(new)? {
        if header.id != StreamId::SECURITY_DATA || with_security {
            merged.retain(|(old, _)| old.id != header.id || old.name != header.name);
            merged.push((header, bytes));
        }
    }
    merged.sort_by_key(|(header, _)| header.id != StreamId::SECURITY_DATA);
    node.file.set_len(Record::LENGTH)?;
    node.file.seek(SeekFrom::Start(Record::LENGTH))?;
    node.file.write_all(&streams::print(&merged)?)
}
