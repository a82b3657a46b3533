//! The upper folder of a writable layer: what an overlay mount, or the editor here, has put over the chain.
//!
//! The marks are overlayfs's own (Linux, Documentation/filesystems/overlayfs.rst): a character device
//! 0:0 is a whiteout, and attributes say what a folder hides and where data comes from. A mount writes
//! them as `trusted.overlay.…`, which takes privileges; the editor as `user.overlay.…`. Both are read.
//!
//! Whatever lies here was written by strangers: every folder is opened beneath the root without
//! following a link.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, Mode, OFlags, ResolveFlags, StatxFlags};
use transom_erofs::{DeviceNumber, Nid};
use transom_ntmeta::filetime::UnixTime;

use crate::durable::{FileError, Named};
use crate::index::keys;
use crate::paths::split_last;

/// Prefixes of overlayfs's marks.
const MARKS: [&[u8]; 2] = [b"trusted.overlay.", b"user.overlay."];
/// What the place of a file in the kernel's index begins with: no name has a NUL in it.
const IN_INDEX: &[u8] = b"\0";
/// Most bytes of attribute names of one file that are read; Linux has the same limit (XATTR_LIST_MAX).
const XATTR_NAMES_MAX: usize = 64 * 1024;

/// The upper folder, open.
#[derive(Debug)]
pub(crate) struct Upper {
    root: OwnedFd,
    path: PathBuf,
    /// The kernel's folder of hard-linked files that were changed; one of them may have no other name here.
    index: Option<OwnedFd>,
}

/// What an entry of the upper folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UpperKind {
    /// The name is deleted.
    Whiteout,
    Directory {
        /// Nothing of the chain shows through.
        opaque: bool,
        /// The folder of the chain that shows through, if not the one of its own name: a path from the
        /// root with `/` before it, or another name in the same folder.
        redirect: Option<Vec<u8>>,
    },
    File {
        /// The data is the chain's: that of its own name, or of the path or name given.
        metadata_only: Option<Option<Vec<u8>>>,
    },
    /// A link and its target as Linux sees it.
    Symlink(Vec<u8>),
    CharDevice(DeviceNumber),
    BlockDevice(DeviceNumber),
    Fifo,
    Socket,
}

impl UpperKind {
    /// Says whether nothing has the name: a socket is nothing without its process.
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self, Self::Whiteout | Self::Socket)
    }
}

/// An entry of the upper folder.
#[derive(Debug, Clone)]
pub(crate) struct UpperEntry {
    /// Its name as stored.
    pub(crate) name: Vec<u8>,
    pub(crate) kind: UpperKind,
    pub(crate) inode: u64,
    pub(crate) links: u32,
    pub(crate) size: u64,
    pub(crate) permissions: u16,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) modified: UnixTime,
    pub(crate) changed: UnixTime,
    pub(crate) created: Option<UnixTime>,
    /// Allocated bytes.
    pub(crate) allocated: u64,
    /// Attributes by their plain keys, overlayfs's marks left out.
    pub(crate) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// The index of the chain and the number in it of what this was copied up from.
    pub(crate) origin: Option<Origin>,
}

/// What an entry was copied up from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) uuid: [u8; 16],
    pub(crate) nid: Nid,
}

impl UpperEntry {
    pub(crate) fn xattr(&self, key: &[u8]) -> Option<&[u8]> {
        let found = self.xattrs.iter().find(|(name, _)| name == key)?;
        Some(&found.1)
    }
}

impl Upper {
    /// Opens the upper folder at `path` whose overlay works in `work`, which need not be there.
    pub(crate) fn open(path: &Path, work: &Path) -> Result<Self, FileError> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let open = |path: &Path| {
            rustix::fs::open(path, flags, Mode::empty())
                .map_err(io::Error::from)
                .named("open", path)
        };
        let index = match open(&work.join("index")) {
            Err(error) if is_absent(&error.source) => None,
            result => Some(result?),
        };
        Ok(Self {
            root: open(path)?,
            path: path.to_owned(),
            index,
        })
    }

    /// Lists the hard-linked files of the chain that were changed, each with a place that only
    /// [`open_file`](Self::open_file) understands.
    pub(crate) fn changed_links(&self) -> Result<Vec<(UpperEntry, Vec<u8>)>, FileError> {
        let Some(index) = &self.index else {
            return Ok(Vec::new());
        };
        let entries = self.list_open(index, &self.path)?.into_iter();
        Ok(entries
            .map(|entry| {
                let place = [IN_INDEX, &entry.name].concat();
                (entry, place)
            })
            .collect())
    }

    /// Returns the place of an entry for people, and for errors.
    pub(crate) fn shown(&self, path: &[u8]) -> PathBuf {
        use std::os::unix::ffi::OsStrExt;
        self.path.join(std::ffi::OsStr::from_bytes(path))
    }

    /// Opens something below the root; a link on the way, or at its end, is an error.
    pub(crate) fn open_beneath(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, FileError> {
        let path_or_root = if path.is_empty() { b"." } else { path };
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        rustix::fs::openat2(
            &self.root,
            path_or_root,
            flags | OFlags::CLOEXEC | OFlags::NOFOLLOW,
            Mode::empty(),
            resolve,
        )
        .map_err(io::Error::from)
        .named("open", &self.shown(path))
    }

    /// Opens the data of a file. Anything else that has come in its place is an error, and is not touched.
    pub(crate) fn open_file(&self, path: &[u8]) -> Result<File, FileError> {
        let open = || match (path.strip_prefix(IN_INDEX), &self.index) {
            (Some(name), Some(index)) => open_regular(index, name, OFlags::RDONLY),
            _ => {
                let (folder, name) = split_last(path);
                let folder = self.open_beneath(folder, OFlags::DIRECTORY | OFlags::PATH);
                open_regular(&folder.map_err(|error| error.source)?, name, OFlags::RDONLY)
            }
        };
        open().named("open", &self.shown(path))
    }

    /// Lists a folder, sorted by name.
    pub(crate) fn list(&self, path: &[u8]) -> Result<Vec<UpperEntry>, FileError> {
        let folder = self.open_beneath(path, OFlags::DIRECTORY | OFlags::RDONLY)?;
        self.list_open(&folder, &self.shown(path))
    }

    fn list_open(&self, folder: &OwnedFd, shown: &Path) -> Result<Vec<UpperEntry>, FileError> {
        let listing = Dir::read_from(folder)
            .map_err(io::Error::from)
            .named("list", shown)?;
        let mut entries = Vec::new();
        for entry in listing {
            let entry = entry.map_err(io::Error::from).named("list", shown)?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let read = read_entry(folder, name).named("read", &shown.join(lossy(name)))?;
            entries.push(read);
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// Lists the names in a folder.
    pub(crate) fn names(&self, path: &[u8]) -> Result<Vec<Vec<u8>>, FileError> {
        let folder = self.open_beneath(path, OFlags::DIRECTORY | OFlags::RDONLY)?;
        let names = || -> io::Result<Vec<Vec<u8>>> {
            let mut names = Vec::new();
            for entry in Dir::read_from(&folder)? {
                let name = entry?.file_name().to_bytes().to_vec();
                if name != b"." && name != b".." {
                    names.push(name);
                }
            }
            Ok(names)
        };
        names().named("list", &self.shown(path))
    }

    /// Returns one entry; `None` if there is none. The root is the empty path.
    pub(crate) fn entry(&self, path: &[u8]) -> Result<Option<UpperEntry>, FileError> {
        let (parent, name) = match path {
            b"" => (path, &b"."[..]),
            path => split_last(path),
        };
        let folder = match self.open_beneath(parent, OFlags::DIRECTORY | OFlags::RDONLY) {
            Err(error) if is_absent(&error.source) => return Ok(None),
            result => result?,
        };
        match read_entry(&folder, name) {
            Err(error) if is_absent(&error) => Ok(None),
            result => Ok(Some(result.named("read", &self.shown(path))?)),
        }
    }
}

/// Opens the regular file `name` of an open folder; `access` says what for. A link, a device or a pipe is an error.
///
/// The file is held before it is opened: to open a device can do something, a pipe would keep this waiting.
pub(super) fn open_regular(folder: &OwnedFd, name: &[u8], access: OFlags) -> io::Result<File> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let held = rustix::fs::openat(folder, name, flags, Mode::empty())?;
    let format = rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(&held)?.st_mode);
    if format != rustix::fs::FileType::RegularFile {
        return Err(io::Error::other("it is no file any more"));
    }
    let flags = access | OFlags::CLOEXEC;
    let file = rustix::fs::open(handle_path(&held), flags, Mode::empty())?;
    Ok(File::from(file))
}

/// The path by which the kernel gives access to what is open, whatever has its name meanwhile.
pub(super) fn handle_path(open: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", open.as_raw_fd())
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// Reads all that is known of the entry `name` of an open folder.
fn read_entry(folder: &OwnedFd, name: &[u8]) -> io::Result<UpperEntry> {
    let mask = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
    let stat = rustix::fs::statx(folder, name, AtFlags::SYMLINK_NOFOLLOW, mask)?;
    let device = DeviceNumber {
        major: stat.stx_rdev_major,
        minor: stat.stx_rdev_minor,
    };
    let time = |time: rustix::fs::StatxTimestamp| UnixTime {
        seconds: time.tv_sec,
        nanos: time.tv_nsec,
    };
    let mut marks = Marks::default();
    let xattrs = read_xattrs(folder, name, &mut marks)?;
    let link = xattrs.iter().find(|(key, _)| key == keys::SYMLINK);
    let format = rustix::fs::FileType::from_raw_mode(stat.stx_mode.into());
    use rustix::fs::FileType;
    let kind = match format {
        FileType::Directory => UpperKind::Directory {
            opaque: marks.opaque,
            redirect: marks.redirect,
        },
        FileType::RegularFile => match link {
            Some((_, target)) => UpperKind::Symlink(target.clone()),
            None => UpperKind::File {
                metadata_only: marks.metacopy.then_some(marks.redirect),
            },
        },
        FileType::Symlink => {
            let target = rustix::fs::readlinkat(folder, name, Vec::new())?;
            UpperKind::Symlink(target.into_bytes())
        }
        FileType::CharacterDevice if (device.major, device.minor) == (0, 0) => UpperKind::Whiteout,
        FileType::CharacterDevice => UpperKind::CharDevice(device),
        FileType::BlockDevice => UpperKind::BlockDevice(device),
        FileType::Fifo => UpperKind::Fifo,
        _ => UpperKind::Socket,
    };
    Ok(UpperEntry {
        name: name.to_vec(),
        kind,
        inode: stat.stx_ino,
        links: stat.stx_nlink,
        size: stat.stx_size,
        permissions: stat.stx_mode & 0o7777,
        uid: stat.stx_uid,
        gid: stat.stx_gid,
        modified: time(stat.stx_mtime),
        changed: time(stat.stx_ctime),
        created: (stat.stx_mask & StatxFlags::BTIME.bits() != 0).then(|| time(stat.stx_btime)),
        allocated: stat.stx_blocks.saturating_mul(512),
        xattrs,
        origin: marks.origin,
    })
}

/// What overlayfs notes on an entry.
#[derive(Debug, Default)]
struct Marks {
    opaque: bool,
    metacopy: bool,
    redirect: Option<Vec<u8>>,
    origin: Option<Origin>,
}

impl Marks {
    fn read(&mut self, mark: &[u8], value: &[u8]) {
        match mark {
            b"opaque" => self.opaque = value == b"y",
            b"metacopy" => self.metacopy = true,
            b"redirect" => self.redirect = Some(value.to_vec()),
            b"origin" => self.origin = parse_origin(value),
            _ => {}
        }
    }
}

/// Reads the file handle that overlayfs keeps of what it has copied up (fs/overlayfs/overlayfs.h,
/// `ovl_fb`), if it is one of EROFS (`erofs_encode_fh`): number in two halves, then the generation.
fn parse_origin(value: &[u8]) -> Option<Origin> {
    const HEADER: usize = 21;
    /// FILEID_INO64_GEN.
    const NUMBER_AND_GENERATION: u8 = 0x81;
    let [0, 0xfb, _, _, NUMBER_AND_GENERATION, ..] = *value else {
        return None;
    };
    let uuid = value.get(5..HEADER)?.try_into().ok()?;
    let word = |at: usize| -> Option<u64> {
        let bytes = value.get(HEADER + at..HEADER + at + 4)?;
        Some(u32::from_ne_bytes(bytes.try_into().ok()?).into())
    };
    Some(Origin {
        uuid,
        nid: Nid(word(0)? << 32 | word(4)?),
    })
}

/// Makes the value that [`parse_origin`] reads.
pub(crate) fn origin_value(origin: Origin) -> Vec<u8> {
    let mut value = vec![0, 0xfb, 33, 0, 0x81];
    value.extend_from_slice(&origin.uuid);
    for word in [(origin.nid.0 >> 32) as u32, origin.nid.0 as u32, 0] {
        value.extend_from_slice(&word.to_ne_bytes());
    }
    value
}

/// The only way to the attributes of a link: its folder is held open, its name is not followed.
pub(crate) fn attribute_path(folder: &OwnedFd, name: &[u8]) -> Vec<u8> {
    [
        format!("/proc/self/fd/{}/", folder.as_raw_fd()).as_bytes(),
        name,
    ]
    .concat()
}

/// Reads the attributes of an entry; marks of overlayfs go to `marks`.
fn read_xattrs(
    folder: &OwnedFd,
    name: &[u8],
    marks: &mut Marks,
) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let path = attribute_path(folder, name);
    let mut names = vec![0; 1024];
    let length = loop {
        match rustix::fs::llistxattr(&*path, &mut names[..]) {
            Ok(length) => break length,
            Err(rustix::io::Errno::RANGE) if names.len() < XATTR_NAMES_MAX => {
                names.resize(XATTR_NAMES_MAX, 0);
            }
            Err(rustix::io::Errno::OPNOTSUPP) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        }
    };
    let mut xattrs = Vec::new();
    for key in names[..length].split(|byte| *byte == 0) {
        if key.is_empty() || key.starts_with(b"system.") {
            continue;
        }
        let Some(value) = read_xattr(&path, key)? else {
            continue;
        };
        match MARKS.iter().find_map(|prefix| key.strip_prefix(*prefix)) {
            Some(mark) => marks.read(mark, &value),
            None => xattrs.push((keys::plain(key.to_vec()), value)),
        }
    }
    xattrs.sort();
    Ok(xattrs)
}

/// Reads one attribute; `None` if it has gone meanwhile.
fn read_xattr(path: &[u8], key: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut value = vec![0; 4096];
    loop {
        match rustix::fs::lgetxattr(path, key, &mut value[..]) {
            Ok(length) => {
                // Exactly as much as it takes: it is kept until all changes are told.
                return Ok(Some(value[..length].to_vec()));
            }
            Err(rustix::io::Errno::RANGE) if value.len() < XATTR_NAMES_MAX => {
                value.resize(XATTR_NAMES_MAX, 0);
            }
            Err(rustix::io::Errno::NODATA) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_as_the_kernel_writes_it_is_read_and_written() {
        // trusted.overlay.origin of a file over EROFS, Linux 6.18.
        let mut value = vec![0x00, 0xfb, 0x21, 0x00, 0x81];
        value.extend_from_slice(&[7; 16]);
        value.extend_from_slice(&[0, 0, 0, 0, 0x72, 1, 0, 0, 0, 0, 0, 0]);
        let origin = Origin {
            uuid: [7; 16],
            nid: Nid(0x172),
        };
        assert_eq!(parse_origin(&value), Some(origin));
        assert_eq!(origin_value(origin), value);
        for length in 0..29 {
            assert_eq!(parse_origin(&value[..length]), None);
        }
        value[1] = 0;
        assert_eq!(parse_origin(&value), None);
    }

    #[test]
    fn only_files_are_opened_for_their_data() {
        use rustix::fs::{CWD, FileType, mknodat};
        let folder = tempfile::tempdir().unwrap();
        let upper = folder.path().join("upper");
        std::fs::create_dir(&upper).unwrap();
        std::fs::write(upper.join("file"), "data").unwrap();
        std::os::unix::fs::symlink("file", upper.join("link")).unwrap();
        let mode = Mode::from_raw_mode(0o600);
        mknodat(CWD, upper.join("pipe"), FileType::Fifo, mode, 0).unwrap();
        // Takes root; without it there is none of that name, which is an error as well.
        let null = rustix::fs::makedev(1, 3);
        let _ = mknodat(
            CWD,
            upper.join("device"),
            FileType::CharacterDevice,
            mode,
            null,
        );
        let upper = Upper::open(&upper, &folder.path().join("work")).unwrap();
        assert!(upper.open_file(b"file").is_ok());
        for name in ["link", "pipe", "device", ".", "nothing"] {
            assert!(upper.open_file(name.as_bytes()).is_err(), "{name}");
        }
    }

    #[test]
    fn a_link_in_the_way_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let upper = folder.path().join("upper");
        std::fs::create_dir_all(folder.path().join("outside")).unwrap();
        std::fs::create_dir(&upper).unwrap();
        std::fs::write(folder.path().join("outside/x"), "secret").unwrap();
        std::os::unix::fs::symlink("../outside", upper.join("link")).unwrap();
        let upper = Upper::open(&upper, &folder.path().join("work")).unwrap();
        assert!(upper.list(b"link").is_err());
        assert!(upper.open_file(b"link/x").is_err());
        assert!(upper.entry(b"link/x").is_err() || upper.entry(b"link/x").unwrap().is_none());
        let link = upper.entry(b"link").unwrap().unwrap();
        assert_eq!(link.kind, UpperKind::Symlink(b"../outside".to_vec()));
        assert!(upper.entry(b"nothing/x").unwrap().is_none());
    }
}
