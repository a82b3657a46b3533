//! What an inode says about itself, as the writer takes it and the reader gives it.

use crate::node::XattrId;

/// A point in time: seconds since 1970-01-01 UTC (may be negative) and nanoseconds on top of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp {
    /// Whole seconds, rounded towards the past.
    pub seconds: i64,
    /// Nanoseconds past `seconds`, 0 to 999,999,999.
    pub nanoseconds: u32,
}

/// Mode, owner, time and extended attributes of a node to be written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes {
    /// Permission bits with set-uid, set-gid and sticky: 0 to 0o7777.
    pub mode: u16,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Time of the last change of the data; the one time that EROFS keeps.
    pub mtime: Timestamp,
    /// Extended attributes, each name at most once.
    pub xattrs: Vec<XattrId>,
}

/// The kind of a file, as in the file type bits of a mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

impl FileKind {
    /// The file type bits of `st_mode`.
    pub(crate) fn mode_bits(self) -> u16 {
        match self {
            Self::Fifo => 0o010_000,
            Self::CharDevice => 0o020_000,
            Self::Directory => 0o040_000,
            Self::BlockDevice => 0o060_000,
            Self::Regular => 0o100_000,
            Self::Symlink => 0o120_000,
            Self::Socket => 0o140_000,
        }
    }

    pub(crate) fn from_mode(mode: u16) -> Option<Self> {
        Some(match mode & 0o170_000 {
            0o010_000 => Self::Fifo,
            0o020_000 => Self::CharDevice,
            0o040_000 => Self::Directory,
            0o060_000 => Self::BlockDevice,
            0o100_000 => Self::Regular,
            0o120_000 => Self::Symlink,
            0o140_000 => Self::Socket,
            _ => return None,
        })
    }

    /// The number in a directory entry (the kernel's FT_* numbers).
    pub(crate) fn dirent_type(self) -> u8 {
        match self {
            Self::Regular => 1,
            Self::Directory => 2,
            Self::CharDevice => 3,
            Self::BlockDevice => 4,
            Self::Fifo => 5,
            Self::Socket => 6,
            Self::Symlink => 7,
        }
    }

    pub(crate) fn from_dirent_type(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Regular,
            2 => Self::Directory,
            3 => Self::CharDevice,
            4 => Self::BlockDevice,
            5 => Self::Fifo,
            6 => Self::Socket,
            7 => Self::Symlink,
            _ => return None,
        })
    }
}

/// Major and minor number of a device file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeviceNumber {
    /// Major number, at most 4,095.
    pub major: u32,
    /// Minor number, at most 1,048,575.
    pub minor: u32,
}

impl DeviceNumber {
    /// The 32-bit form of Linux `new_encode_dev`, or `None` when a number is too large for it.
    pub(crate) fn encode(self) -> Option<u32> {
        (self.major <= 0xfff && self.minor <= 0xf_ffff)
            .then_some((self.minor & 0xff) | (self.major << 8) | ((self.minor & !0xff) << 12))
    }

    pub(crate) fn decode(raw: u32) -> Self {
        Self {
            major: (raw >> 8) & 0xfff,
            minor: (raw & 0xff) | ((raw >> 12) & 0xf_ff00),
        }
    }
}

/// A file without data that is neither directory nor link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecialKind {
    /// A character device.
    CharDevice(DeviceNumber),
    /// A block device.
    BlockDevice(DeviceNumber),
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_numbers_round_trip_up_to_their_limits() {
        for (major, minor) in [(0, 0), (1, 3), (8, 255), (8, 256), (4095, 1_048_575)] {
            let number = DeviceNumber { major, minor };
            assert_eq!(number.encode().map(DeviceNumber::decode), Some(number));
        }
        assert_eq!(DeviceNumber { major: 1, minor: 3 }.encode(), Some(0x103));
        assert_eq!(
            DeviceNumber {
                major: 4096,
                minor: 0
            }
            .encode(),
            None
        );
        assert_eq!(
            DeviceNumber {
                major: 0,
                minor: 1 << 20
            }
            .encode(),
            None
        );
    }

    #[test]
    fn kinds_round_trip_through_mode_and_dirent_type() {
        for number in 1..=7 {
            let kind = FileKind::from_dirent_type(number).expect("1 to 7 are kinds");
            assert_eq!(kind.dirent_type(), number);
            assert_eq!(FileKind::from_mode(kind.mode_bits() | 0o7777), Some(kind));
        }
        assert_eq!(FileKind::from_dirent_type(0), None);
        assert_eq!(FileKind::from_dirent_type(8), None);
        assert_eq!(FileKind::from_mode(0o644), None);
    }
}
