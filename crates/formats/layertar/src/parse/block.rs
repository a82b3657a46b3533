//! One 512-byte header block (POSIX.1-1988 ustar, GNU tar, star, V7).

use transom_ntmeta::filetime::UnixTime;

use super::entry::{EntryKind, Format};
use super::error::ParseError;
use super::text::{c_string, number, octal};

/// Size of a tar block in bytes.
pub(super) const BLOCK: usize = 512;

/// A header block's bytes.
pub(super) type Block = [u8; BLOCK];

/// A set of formats that headers seen so far conform to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Formats(u8);

impl Formats {
    pub(super) const NONE: Self = Self(0);
    pub(super) const USTAR: Self = Self(1);
    pub(super) const PAX: Self = Self(2);
    pub(super) const GNU: Self = Self(4);
    pub(super) const ANY: Self = Self(7);

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Names the one format left; of ustar and PAX, ustar.
    pub(super) fn settle(self) -> Format {
        match self.0 {
            1 | 3 => Format::Ustar,
            2 => Format::Pax,
            4 => Format::Gnu,
            _ => Format::Unknown,
        }
    }
}

/// Which layout the second half of the block has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    V7,
    Ustar,
    Star,
    Gnu,
}

/// A header block's fields, before extension headers are applied.
#[derive(Debug, Clone)]
pub(super) struct RawHeader {
    pub(super) name: Vec<u8>,
    pub(super) link_name: Vec<u8>,
    pub(super) typeflag: u8,
    pub(super) size: i64,
    pub(super) mode: i64,
    pub(super) uid: i64,
    pub(super) gid: i64,
    pub(super) uname: Vec<u8>,
    pub(super) gname: Vec<u8>,
    pub(super) mtime: UnixTime,
    pub(super) atime: Option<UnixTime>,
    pub(super) ctime: Option<UnixTime>,
    pub(super) dev_major: i64,
    pub(super) dev_minor: i64,
    pub(super) formats: Formats,
    /// The block has GNU's magic, which old sparse entries must have.
    pub(super) is_gnu: bool,
}

/// Returns a part of the block; every caller's range is a constant inside it.
pub(super) fn part(block: &[u8], from: usize, len: usize) -> &[u8] {
    block.get(from..from + len).unwrap_or_default()
}

/// Tells the kind from the type flag; a NUL flag needs the final name and is taken for a file here.
pub(super) fn kind_of(typeflag: u8) -> EntryKind {
    match typeflag {
        0 | b'0' | b'S' => EntryKind::File,
        b'1' => EntryKind::HardLink,
        b'2' => EntryKind::Symlink,
        b'3' => EntryKind::CharDevice,
        b'4' => EntryKind::BlockDevice,
        b'5' => EntryKind::Directory,
        b'6' => EntryKind::Fifo,
        b'g' => EntryKind::GlobalHeader,
        other => EntryKind::Other(other),
    }
}

impl RawHeader {
    /// Checks the checksum and reads the fields of a block that lies at `offset`.
    pub(super) fn read(block: &Block, offset: u64) -> Result<Self, ParseError> {
        check_sum(block, offset)?;
        let field = |name: &'static str, from, len| {
            number(part(block, from, len)).ok_or(ParseError::BadNumber {
                offset,
                field: name,
            })
        };
        let text = |from, len| c_string(part(block, from, len)).to_vec();
        let at = |seconds| UnixTime { seconds, nanos: 0 };

        let layout = layout(block);
        let mut header = Self {
            name: text(0, 100),
            mode: field("mode", 100, 8)?,
            uid: field("uid", 108, 8)?,
            gid: field("gid", 116, 8)?,
            size: field("size", 124, 12)?,
            mtime: at(field("mtime", 136, 12)?),
            typeflag: block[156],
            link_name: text(157, 100),
            uname: Vec::new(),
            gname: Vec::new(),
            atime: None,
            ctime: None,
            dev_major: 0,
            dev_minor: 0,
            formats: Formats::NONE,
            is_gnu: layout == Layout::Gnu,
        };
        if layout == Layout::V7 {
            return Ok(header);
        }
        header.uname = text(265, 32);
        header.gname = text(297, 32);
        header.dev_major = field("devmajor", 329, 8)?;
        header.dev_minor = field("devminor", 337, 8)?;
        let mut prefix = Vec::new();
        match layout {
            Layout::V7 => {}
            Layout::Ustar => {
                prefix = text(345, 155);
                if is_strict(block) {
                    header.formats = Formats(Formats::USTAR.0 | Formats::PAX.0);
                }
            }
            Layout::Star => {
                prefix = text(345, 131);
                header.atime = Some(at(field("atime", 476, 12)?));
                header.ctime = Some(at(field("ctime", 488, 12)?));
            }
            Layout::Gnu => {
                header.formats = Formats::GNU;
                let time = |from| match part(block, from, 12) {
                    [0, ..] => Some(None),
                    bytes => number(bytes).map(|seconds| Some(at(seconds))),
                };
                match (time(345), time(357)) {
                    (Some(atime), Some(ctime)) => (header.atime, header.ctime) = (atime, ctime),
                    // Go's writer before 1.8 put a ustar prefix where GNU keeps its times.
                    _ => {
                        header.formats = Formats::NONE;
                        let candidate = text(345, 155);
                        if candidate.is_ascii() {
                            prefix = candidate;
                        }
                    }
                }
            }
        }
        if !prefix.is_empty() {
            prefix.push(b'/');
            prefix.append(&mut header.name);
            header.name = prefix;
        }
        Ok(header)
    }
}

/// The numeric fields between which the checksum is computed count as spaces (POSIX.1-1988); some old tars
/// summed signed bytes.
fn check_sum(block: &Block, offset: u64) -> Result<(), ParseError> {
    let (mut unsigned, mut signed) = (0u64, 0i64);
    for (i, &byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&i) { b' ' } else { byte };
        unsigned += u64::from(byte);
        signed += i64::from(byte.cast_signed());
    }
    let expected = octal(part(block, 148, 8));
    if expected == Some(unsigned) || expected.and_then(|v| i64::try_from(v).ok()) == Some(signed) {
        return Ok(());
    }
    Err(ParseError::Checksum {
        offset,
        expected,
        found: unsigned,
    })
}

fn layout(block: &Block) -> Layout {
    match (
        part(block, 257, 6),
        part(block, 263, 2),
        part(block, 508, 4),
    ) {
        (b"ustar\0", _, b"tar\0") => Layout::Star,
        (b"ustar\0", _, _) => Layout::Ustar,
        (b"ustar ", b" \0", _) => Layout::Gnu,
        _ => Layout::V7,
    }
}

/// Says whether a block is what POSIX asks for: all ASCII, every number closed by a NUL.
fn is_strict(block: &Block) -> bool {
    const LAST_BYTES: [usize; 7] = [107, 115, 123, 135, 147, 336, 344];
    block.is_ascii() && LAST_BYTES.iter().all(|&i| block.get(i) == Some(&0))
}
