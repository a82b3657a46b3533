//! What `stat` and `statfs` say.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{FileAttr, FileType, INodeNo};
use transom_layer::Names;
use transom_ntmeta::filetime::UnixTime;
use transom_sealed::{DeviceKind, Kind, Metadata};

/// Unit of transfer that programs are told, in bytes.
pub(crate) const BLOCK_SIZE: u32 = 4096;

/// User and group that a Windows tree, which has neither, belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    /// Numeric user.
    pub(crate) uid: u32,
    /// Numeric group.
    pub(crate) gid: u32,
}

/// Returns what `stat` says; `size` is that of the data, or the length of a link's target.
pub(crate) fn attributes(
    number: u64,
    metadata: &Metadata,
    size: u64,
    names: Names,
    owner: Owner,
) -> FileAttr {
    let modified = system_time(metadata.modified);
    let (mode, uid, gid) = match names {
        // Nobody writes here; a program that looks at the bits shall not try to.
        Names::Windows => (metadata.mode & 0o555, owner.uid, owner.gid),
        Names::Posix => (metadata.mode & 0o7777, metadata.uid, metadata.gid),
    };
    let kind = file_type(metadata);
    FileAttr {
        ino: INodeNo(number),
        size,
        blocks: size.div_ceil(512),
        atime: metadata.accessed.map_or(modified, system_time),
        mtime: modified,
        ctime: metadata.changed.map_or(modified, system_time),
        crtime: metadata.created.map_or(modified, system_time),
        kind,
        perm: if kind == FileType::Symlink {
            0o777
        } else {
            mode
        },
        nlink: metadata.links,
        uid,
        gid,
        rdev: metadata.device.map_or(0, |(_, device)| {
            // The 32-bit form of Linux's new_encode_dev.
            (device.minor & 0xff) | (device.major << 8) | ((device.minor & !0xff) << 12)
        }),
        blksize: BLOCK_SIZE,
        flags: 0,
    }
}

/// Returns the kind of file that Linux sees.
pub(crate) fn file_type(metadata: &Metadata) -> FileType {
    match metadata.kind {
        Kind::File => FileType::RegularFile,
        Kind::Directory => FileType::Directory,
        Kind::Symlink | Kind::Junction => FileType::Symlink,
        Kind::Special => match metadata.device {
            Some((DeviceKind::Block, _)) => FileType::BlockDevice,
            Some((DeviceKind::Char, _)) => FileType::CharDevice,
            None => FileType::NamedPipe,
        },
    }
}

/// Returns attributes that say nothing, for answers in which the kernel does not look at them.
pub(crate) fn nothing() -> FileAttr {
    FileAttr {
        ino: INodeNo(0),
        size: 0,
        blocks: 0,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: FileType::Directory,
        perm: 0,
        nlink: 0,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: BLOCK_SIZE,
        flags: 0,
    }
}

/// Longest name of an entry in bytes, as `statfs` tells it.
pub(crate) fn name_max(names: Names) -> u32 {
    match names {
        // 255 UTF-16 units, each of which takes up to three bytes in UTF-8.
        Names::Windows => 765,
        Names::Posix => 255,
    }
}

fn system_time(time: UnixTime) -> SystemTime {
    let seconds = Duration::from_secs(time.seconds.unsigned_abs());
    let whole = if time.seconds < 0 {
        UNIX_EPOCH.checked_sub(seconds)
    } else {
        UNIX_EPOCH.checked_add(seconds)
    };
    let exact = whole.and_then(|whole| whole.checked_add(Duration::from_nanos(time.nanos.into())));
    exact.unwrap_or(UNIX_EPOCH)
}
