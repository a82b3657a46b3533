//! What the writer is told about an entry, and the choice between ustar and PAX.

use std::collections::BTreeMap;

use transom_ntmeta::filetime::UnixTime;

use super::WriteError;
use super::block::{self, Main};
use crate::parse::{Entry, EntryKind, check_pax_record};

/// Largest body of an `x` header in bytes: Go's readers and writers refuse more.
const MAX_RECORDS: usize = 1 << 20;

/// The moment Go's `time.Time` calls zero (year 1), which its writer treats as "no time".
const NO_TIME: UnixTime = UnixTime {
    seconds: -62_135_596_800,
    nanos: 0,
};

/// Keys that stand for header fields: they are made from the fields, never taken from [`Header::pax`].
const FIELD_KEYS: [&[u8]; 10] = [
    b"atime",
    b"ctime",
    b"gid",
    b"gname",
    b"linkpath",
    b"mtime",
    b"path",
    b"size",
    b"uid",
    b"uname",
];

/// The header of an entry to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// What it is. Global headers and kinds the parser calls [`EntryKind::Other`] cannot be written.
    pub kind: EntryKind,
    /// Name, separated by `/`.
    pub name: Vec<u8>,
    /// Target of a link.
    pub link_name: Vec<u8>,
    /// Bytes of data that follow; 0 for kinds without data.
    pub size: u64,
    /// Mode word, at most 21 bits.
    pub mode: u32,
    /// Owner's number.
    pub uid: u32,
    /// Group's number.
    pub gid: u32,
    /// Owner's name.
    pub uname: Vec<u8>,
    /// Group's name.
    pub gname: Vec<u8>,
    /// Time of last modification.
    pub mtime: UnixTime,
    /// Time of last access; needs PAX.
    pub atime: Option<UnixTime>,
    /// Time of last change of metadata; needs PAX.
    pub ctime: Option<UnixTime>,
    /// Major device number, at most 21 bits.
    pub dev_major: u32,
    /// Minor device number, at most 21 bits.
    pub dev_minor: u32,
    /// More PAX records. Keys of header fields and `GNU.sparse.` keys are refused.
    pub pax: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Header {
    /// Makes a header with nothing but a name, as Go's zero header is: what a whiteout consists of.
    pub fn new(kind: EntryKind, name: &[u8]) -> Self {
        Self {
            kind,
            name: name.to_vec(),
            link_name: Vec::new(),
            size: 0,
            mode: 0,
            uid: 0,
            gid: 0,
            uname: Vec::new(),
            gname: Vec::new(),
            mtime: UnixTime {
                seconds: 0,
                nanos: 0,
            },
            atime: None,
            ctime: None,
            dev_major: 0,
            dev_minor: 0,
            pax: BTreeMap::new(),
        }
    }

    /// Makes the header that writes a parsed entry again, with its logical size: holes are written as zeros.
    ///
    /// # Errors
    /// A number of the entry is out of the range this writer can hold.
    pub fn from_entry(entry: &Entry) -> Result<Self, WriteError> {
        let number = |value: i64, rule| {
            u32::try_from(value).map_err(|_| WriteError::Header {
                name: entry.name.clone(),
                rule,
            })
        };
        let is_own = |key: &[u8]| !FIELD_KEYS.contains(&key) && !key.starts_with(b"GNU.sparse.");
        Ok(Self {
            kind: entry.kind,
            name: entry.name.clone(),
            link_name: entry.link_name.clone(),
            size: entry.size,
            mode: entry.mode,
            uid: number(entry.uid, "its owner's number does not fit 32 bits")?,
            gid: number(entry.gid, "its group's number does not fit 32 bits")?,
            uname: entry.uname.clone(),
            gname: entry.gname.clone(),
            mtime: entry.mtime,
            atime: entry.atime,
            ctime: entry.ctime,
            dev_major: number(entry.dev_major, "its device number does not fit 32 bits")?,
            dev_minor: number(entry.dev_minor, "its device number does not fit 32 bits")?,
            pax: entry
                .pax
                .iter()
                .filter(|(key, _)| is_own(key))
                .cloned()
                .collect(),
        })
    }

    /// Encodes all blocks that come before the data.
    pub(super) fn encode(&self) -> Result<Vec<u8>, WriteError> {
        let typeflag = self.check()?;
        let main = Main {
            typeflag,
            link_name: &self.link_name,
            size: self.size,
            mode: self.mode,
            uid: self.uid,
            gid: self.gid,
            uname: &self.uname,
            gname: &self.gname,
            mtime: if self.mtime == NO_TIME {
                0
            } else {
                self.mtime.seconds
            },
            dev_major: self.dev_major,
            dev_minor: self.dev_minor,
        };
        let records = self.records()?;
        if records.is_empty() {
            return Ok(main.block(b"", &self.name).to_vec());
        }
        if records.keys().all(|key| key == b"path")
            && let Some((prefix, name)) = block::split_name(&self.name)
        {
            return Ok(main.block(prefix, name).to_vec());
        }
        let mut body = Vec::new();
        for (key, value) in &records {
            append_record(&mut body, key, value);
        }
        if body.len() > MAX_RECORDS {
            return Err(WriteError::TooManyRecords {
                name: self.name.clone(),
                found: body.len(),
                limit: MAX_RECORDS,
            });
        }
        let mut blocks = block::extension(&self.name, body.len()).to_vec();
        blocks.extend_from_slice(&body);
        blocks.resize(blocks.len().next_multiple_of(block::BLOCK), 0);
        blocks.extend_from_slice(&main.block(b"", &self.name));
        Ok(blocks)
    }

    /// Checks what no format can hold, and returns the type flag.
    fn check(&self) -> Result<u8, WriteError> {
        let refuse = |rule| WriteError::Header {
            name: self.name.clone(),
            rule,
        };
        let typeflag = match self.kind {
            EntryKind::File => b'0',
            EntryKind::HardLink => b'1',
            EntryKind::Symlink => b'2',
            EntryKind::CharDevice => b'3',
            EntryKind::BlockDevice => b'4',
            EntryKind::Directory => b'5',
            EntryKind::Fifo => b'6',
            EntryKind::GlobalHeader | EntryKind::Other(_) => {
                return Err(refuse("entries of this kind are not written"));
            }
        };
        if self.kind.is_header_only() && self.size > 0 {
            return Err(refuse("an entry of this kind has no data"));
        }
        // Old readers take it for a directory; Go's writer refuses it for these kinds.
        let may_end_in_slash = matches!(
            self.kind,
            EntryKind::Directory | EntryKind::Symlink | EntryKind::HardLink
        );
        if !may_end_in_slash && self.name.ends_with(b"/") {
            return Err(refuse("only a directory's name may end in a slash"));
        }
        if !block::fits_octal(8, self.mode.into()) {
            return Err(refuse("its mode does not fit seven octal digits"));
        }
        if [self.dev_major, self.dev_minor]
            .iter()
            .any(|&n| !block::fits_octal(8, n.into()))
        {
            return Err(refuse("its device number does not fit seven octal digits"));
        }
        Ok(typeflag)
    }

    /// Collects the records, sorted by key bytes, that hold what the ustar block cannot.
    fn records(&self) -> Result<BTreeMap<&[u8], Vec<u8>>, WriteError> {
        let mut records: BTreeMap<&[u8], Vec<u8>> = BTreeMap::new();
        let texts: [(&[u8], &[u8], usize); 4] = [
            (b"path", &self.name, 100),
            (b"linkpath", &self.link_name, 100),
            (b"uname", &self.uname, 32),
            (b"gname", &self.gname, 32),
        ];
        for (key, text, room) in texts {
            if text.len() > room || !block::is_plain(text) {
                records.insert(key, text.to_vec());
            }
        }
        let numbers: [(&[u8], u64, usize); 3] = [
            (b"uid", self.uid.into(), 8),
            (b"gid", self.gid.into(), 8),
            (b"size", self.size, 12),
        ];
        for (key, value, width) in numbers {
            if !block::fits_octal(width, value) {
                records.insert(key, value.to_string().into_bytes());
            }
        }
        let mtime_fits = u64::try_from(self.mtime.seconds).is_ok_and(|s| block::fits_octal(12, s));
        let mtime = Some(self.mtime).filter(|t| !mtime_fits || t.nanos != 0);
        let times: [(&[u8], Option<UnixTime>); 3] = [
            (b"mtime", mtime),
            (b"atime", self.atime),
            (b"ctime", self.ctime),
        ];
        for (key, time) in times {
            if let Some(time) = time.filter(|&t| t != NO_TIME) {
                records.insert(key, time.to_pax().into_bytes());
            }
        }
        for (key, value) in &self.pax {
            if FIELD_KEYS.contains(&key.as_slice()) || key.starts_with(b"GNU.sparse.") {
                return Err(self.bad_record(key, "the key belongs to a field of the header"));
            }
            records.insert(key, value.clone());
        }
        for (key, value) in &records {
            check_pax_record(key, value).map_err(|rule| self.bad_record(key, rule))?;
        }
        Ok(records)
    }

    fn bad_record(&self, key: &[u8], rule: &'static str) -> WriteError {
        WriteError::Record {
            name: self.name.clone(),
            key: key.to_vec(),
            rule,
        }
    }
}

/// Appends `<length> <key>=<value>\n`, where the length counts its own digits.
pub(super) fn append_record(body: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + b" =\n".len();
    let mut length = rest + rest.to_string().len();
    length = rest + length.to_string().len();
    body.extend_from_slice(length.to_string().as_bytes());
    body.push(b' ');
    body.extend_from_slice(key);
    body.push(b'=');
    body.extend_from_slice(value);
    body.push(b'\n');
}
