//! Entries of the upper folder in the making.
//!
//! What is new is made beside the upper folder and gets its place by one rename; what is deleted is first
//! renamed to here. So the upper folder never holds half of something, even if the process is killed. It takes
//! a file system with the renames that overlayfs wants of an upper folder (RENAME_EXCHANGE, RENAME_WHITEOUT).

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, RenameFlags, Timespec, Timestamps, Uid, XattrFlags,
};
use rustix::io::Errno;
use transom_ntmeta::filetime::UnixTime;

use super::upper::{self, attribute_path};
use crate::durable::{self, FileError, Named};

/// Folder of the drafts, beside the upper folder.
const FOLDER: &str = "edit";
/// Name of the one draft there is.
const DRAFT: &[u8] = b"draft";
/// Name of a draft that waits for another one.
const ASIDE: &[u8] = b"aside";
/// Bytes copied at once.
const BLOCK: usize = 256 * 1024;

/// The folder where one entry at a time is made.
#[derive(Debug)]
pub(super) struct Drafts {
    folder: OwnedFd,
}

impl Drafts {
    /// Makes the folder beside `upper`; what somebody has left there is deleted.
    pub(super) fn open(upper: &Path) -> Result<Self, FileError> {
        let path = upper.with_file_name(FOLDER);
        durable::delete(&path)?;
        durable::create_dir(&path)?;
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let folder = rustix::fs::open(&path, flags, Mode::empty()).map_err(io::Error::from);
        Ok(Self {
            folder: folder.named("open", &path)?,
        })
    }

    /// Makes durable what has been put in place: one call for the whole file system, however many files there are.
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(&self.folder)?)
    }

    /// Makes an empty file.
    pub(super) fn file(&self) -> io::Result<File> {
        self.discard()?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.folder, DRAFT, flags, Mode::from_raw_mode(0o644))?;
        // The mask of the caller is not meant for an image.
        rustix::fs::fchmod(&file, Mode::from_raw_mode(0o644))?;
        Ok(file.into())
    }

    /// Makes an empty folder.
    pub(super) fn folder(&self) -> io::Result<()> {
        self.discard()?;
        rustix::fs::mkdirat(&self.folder, DRAFT, Mode::from_raw_mode(0o755))?;
        self.set_mode(0o755)
    }

    /// Makes a link.
    pub(super) fn link(&self, target: &[u8]) -> io::Result<()> {
        self.discard()?;
        Ok(rustix::fs::symlinkat(target, &self.folder, DRAFT)?)
    }

    /// Makes the sign of a deletion. Anybody may make this device (Linux 5.8).
    fn whiteout(&self) -> io::Result<()> {
        self.discard()?;
        let (kind, mode) = (FileType::CharacterDevice, Mode::empty());
        Ok(rustix::fs::mknodat(&self.folder, DRAFT, kind, mode, 0)?)
    }

    /// Makes room for another draft.
    pub(super) fn set_aside(&self) -> io::Result<()> {
        Ok(rustix::fs::renameat(
            &self.folder,
            DRAFT,
            &self.folder,
            ASIDE,
        )?)
    }

    /// Makes the draft that was set aside the draft again.
    pub(super) fn take_up(&self) -> io::Result<()> {
        Ok(rustix::fs::renameat(
            &self.folder,
            ASIDE,
            &self.folder,
            DRAFT,
        )?)
    }

    /// Gives the draft an attribute.
    pub(super) fn set(&self, key: &[u8], value: &[u8]) -> io::Result<()> {
        set_attribute(&self.folder, DRAFT, key, value)
    }

    /// Gives the draft one of overlayfs's marks.
    pub(super) fn mark(&self, name: &str, value: &[u8]) -> io::Result<()> {
        self.set(&mark_key("user", name), value)
    }

    /// Gives the draft, which is no link, its permission bits.
    pub(super) fn set_mode(&self, mode: u16) -> io::Result<()> {
        set_mode(&self.folder, DRAFT, Mode::from_raw_mode(mode.into()))
    }

    /// Gives the draft an owner.
    pub(super) fn set_owner(&self, user: u32, group: u32) -> io::Result<()> {
        let (user, group) = (Some(Uid::from_raw(user)), Some(Gid::from_raw(group)));
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        Ok(rustix::fs::chownat(
            &self.folder,
            DRAFT,
            user,
            group,
            flags,
        )?)
    }

    /// Gives the draft its time of last write.
    pub(super) fn set_time(&self, time: UnixTime) -> io::Result<()> {
        set_time(&self.folder, DRAFT, time)
    }

    /// Gives the draft its place, instead of the file or the whiteout that has it.
    pub(super) fn put(&self, folder: &OwnedFd, name: &[u8]) -> io::Result<()> {
        rename((&self.folder, DRAFT), (folder, name), false)
    }

    /// Deletes an entry of the upper folder; a whiteout takes its place if `hides`.
    pub(super) fn delete(&self, folder: &OwnedFd, name: &[u8], hides: bool) -> io::Result<()> {
        if hides {
            self.whiteout()?;
            match exchange(&self.folder, DRAFT, folder, name) {
                Err(Errno::NOENT) => return self.put(folder, name),
                result => result?,
            }
        } else {
            self.discard()?;
            rustix::fs::renameat(folder, name, &self.folder, DRAFT)?;
        }
        self.discard()
    }

    /// Deletes the draft, if there is one.
    pub(super) fn discard(&self) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.folder, DRAFT, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            // A folder.
            Err(_) => std::fs::remove_dir_all(path_of(&attribute_path(&self.folder, DRAFT))),
        }
    }
}

fn path_of(bytes: &[u8]) -> &Path {
    use std::os::unix::ffi::OsStrExt;
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

fn exchange(
    folder: &OwnedFd,
    name: &[u8],
    other: &OwnedFd,
    other_name: &[u8],
) -> rustix::io::Result<()> {
    rustix::fs::renameat_with(folder, name, other, other_name, RenameFlags::EXCHANGE)
}

/// Moves an entry; a file or whiteout that has the new name gives way, and a whiteout is left if `hides`.
pub(super) fn rename(
    from: (&OwnedFd, &[u8]),
    to: (&OwnedFd, &[u8]),
    hides: bool,
) -> io::Result<()> {
    let flags = match hides {
        true => RenameFlags::WHITEOUT,
        false => RenameFlags::empty(),
    };
    match rustix::fs::renameat_with(from.0, from.1, to.0, to.1, flags) {
        // Only a folder can take the place of a folder: it changes places with the whiteout.
        Err(Errno::NOTDIR) => {
            exchange(from.0, from.1, to.0, to.1)?;
            match hides {
                true => Ok(()),
                false => Ok(rustix::fs::unlinkat(from.0, from.1, AtFlags::empty())?),
            }
        }
        result => Ok(result?),
    }
}

/// Says whether a name is deleted.
pub(super) fn is_whiteout(folder: &OwnedFd, name: &[u8]) -> io::Result<bool> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error.into()),
        Ok(stat) => Ok(FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice),
    }
}

/// Gives an entry an attribute, also if it is a file that nobody may write to.
pub(super) fn set_attribute(
    folder: &OwnedFd,
    name: &[u8],
    key: &[u8],
    value: &[u8],
) -> io::Result<()> {
    let path = attribute_path(folder, name);
    let set = || rustix::fs::lsetxattr(&*path, key, value, XattrFlags::empty());
    match set() {
        Err(Errno::ACCESS) => while_writable(folder, name, || Ok(set()?)),
        result => Ok(result?),
    }
}

/// Does something with a file that its owner may write to meanwhile.
pub(super) fn while_writable<T>(
    folder: &OwnedFd,
    name: &[u8],
    work: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let mode = Mode::from_raw_mode(stat.st_mode & 0o7777);
    if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink || mode.contains(Mode::WUSR) {
        return work();
    }
    set_mode(folder, name, mode | Mode::WUSR)?;
    let result = work();
    set_mode(folder, name, mode)?;
    result
}

/// Gives an entry that is no link its permission bits. A link that has come in its place is an error: chmodat
/// would follow it.
pub(super) fn set_mode(folder: &OwnedFd, name: &[u8], mode: Mode) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let entry = rustix::fs::openat(folder, name, flags, Mode::empty())?;
    let format = FileType::from_raw_mode(rustix::fs::fstat(&entry)?.st_mode);
    if format == FileType::Symlink {
        return Err(Errno::LOOP.into());
    }
    Ok(rustix::fs::chmod(upper::handle_path(&entry), mode)?)
}

/// Gives an entry one of overlayfs's marks, instead of the one that a mount has left.
pub(super) fn set_mark(folder: &OwnedFd, name: &[u8], mark: &str, value: &[u8]) -> io::Result<()> {
    set_attribute(folder, name, &mark_key("user", mark), value)?;
    remove_attribute(folder, name, &mark_key("trusted", mark))
}

/// Takes one of overlayfs's marks away.
pub(super) fn remove_mark(folder: &OwnedFd, name: &[u8], mark: &str) -> io::Result<()> {
    remove_attribute(folder, name, &mark_key("user", mark))?;
    remove_attribute(folder, name, &mark_key("trusted", mark))
}

/// Returns the name of one of overlayfs's marks in a space of attributes, `user` or `trusted`.
pub(super) fn mark_key(space: &str, mark: &str) -> Vec<u8> {
    format!("{space}.overlay.{mark}").into_bytes()
}

fn remove_attribute(folder: &OwnedFd, name: &[u8], key: &[u8]) -> io::Result<()> {
    match rustix::fs::lremovexattr(&*attribute_path(folder, name), key) {
        // Who may not see an attribute is told that there is none, or that it is not theirs to remove.
        Ok(()) | Err(Errno::NODATA | Errno::PERM) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Gives an entry its time of last write.
pub(super) fn set_time(folder: &OwnedFd, name: &[u8], time: UnixTime) -> io::Result<()> {
    let time = Timespec {
        tv_sec: time.seconds,
        tv_nsec: time.nanos.into(),
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    Ok(rustix::fs::utimensat(folder, name, &times, flags)?)
}

/// Copies all that `data` gives.
pub(super) fn copy(data: &mut dyn Read, mut file: &File) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    loop {
        match data.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(count) => file.write_all(&block[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The time, as NTFS counts it.
pub(super) fn now() -> UnixTime {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixTime {
        seconds: since.as_secs() as i64,
        nanos: since.subsec_nanos() / 100 * 100,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn the_mode_is_that_of_the_entry_and_never_that_of_what_a_link_leads_to() {
        let folder = tempfile::tempdir().unwrap();
        let (outside, inside) = (folder.path().join("outside"), folder.path().join("inside"));
        for file in [&outside, &inside] {
            std::fs::write(file, "").unwrap();
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        std::os::unix::fs::symlink(&outside, folder.path().join("link")).unwrap();
        let open = OwnedFd::from(File::open(folder.path()).unwrap());
        let bits = Mode::from_raw_mode(0o640);
        assert!(set_mode(&open, b"link", bits).is_err());
        set_mode(&open, b"inside", bits).unwrap();
        assert_eq!((mode(&outside), mode(&inside)), (0o600, 0o640));
    }
}
