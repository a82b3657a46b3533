//! What stands before the backup stream in a plain file.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use transom_ntmeta::filetime::FileTime;
use transom_windows::BasicInfo;

use super::SELF;

pub(crate) const DIRECTORY: u32 = 0x10;
pub(crate) const REPARSE_POINT: u32 = 0x400;
const ARCHIVE: u32 = 0x20;

const MAGIC: &[u8; 8] = b"PLAINNT1";

/// Times and attributes as they stand before a backup stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record(pub BasicInfo);

impl Record {
    /// Length in bytes.
    pub const LENGTH: u64 = 48;

    /// Makes that of a file that is new now.
    pub(crate) fn new_now(attributes: u32) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let ticks = since.map_or(0, |since| since.as_nanos() / 100);
        let now = FileTime(116_444_736_000_000_000 + i64::try_from(ticks).unwrap_or_default());
        Self(BasicInfo {
            creation: now,
            last_access: now,
            last_write: now,
            change: now,
            attributes,
        })
    }

    /// Reads it; `None` if the file is none of ours, as the JSON files of an engine are.
    pub(crate) fn read(file: &mut File) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.take(Self::LENGTH).read_to_end(&mut bytes)?;
        if bytes.len() < 48 || !bytes.starts_with(MAGIC) {
            return Ok(None);
        }
        let time = |index: usize| {
            let at = 8 + 8 * index;
            let field = bytes[at..at + 8].try_into().expect("has 8 bytes");
            FileTime(i64::from_le_bytes(field))
        };
        let attributes = u32::from_le_bytes(bytes[40..44].try_into().expect("has 4 bytes"));
        Ok(Some(Self(BasicInfo {
            creation: time(0),
            last_access: time(1),
            last_write: time(2),
            change: time(3),
            attributes,
        })))
    }

    pub(crate) fn write(&self, file: &mut File) -> io::Result<()> {
        let Self(info) = self;
        let mut bytes = MAGIC.to_vec();
        for time in [
            info.creation,
            info.last_access,
            info.last_write,
            info.change,
        ] {
            bytes.extend(time.0.to_le_bytes());
        }
        bytes.extend(info.attributes.to_le_bytes());
        bytes.extend([0; 4]);
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&bytes)
    }
}

/// Returns the attributes of a file or folder of the host.
pub(crate) fn attributes_of(path: &Path) -> io::Result<u32> {
    let is_folder = fs::symlink_metadata(path)?.is_dir();
    let own = match is_folder {
        true => File::open(path.join(SELF)),
        false => File::open(path),
    };
    let record = match own {
        Ok(mut file) => Record::read(&mut file)?,
        Err(error) if is_folder && error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let kind = if is_folder { DIRECTORY } else { 0 };
    Ok(match record {
        Some(Record(info)) => info.attributes & !DIRECTORY | kind,
        None if is_folder => DIRECTORY,
        None => ARCHIVE,
    })
}
