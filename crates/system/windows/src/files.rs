//! Files with all that NTFS keeps of them, beneath a root.

use std::fmt;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use transom_ntmeta::filetime::FileTime;

/// Times and attributes (FILE_BASIC_INFO). When they are set, a time or attributes of 0 leave what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BasicInfo {
    /// Creation time.
    pub creation: FileTime,
    /// Time of last access.
    pub last_access: FileTime,
    /// Time of last write.
    pub last_write: FileTime,
    /// NTFS's ChangeTime.
    pub change: FileTime,
    /// FileAttributes (MS-FSCC 2.6).
    pub attributes: u32,
}

/// Which file a name stands for, and how many names it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Number of names.
    pub links: u32,
    /// The file's id on its volume (FILE_ID_128).
    pub id: u128,
}

/// What a folder has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// FileAttributes.
    pub attributes: u32,
}

/// What to do about a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    /// Fail: FILE_CREATE.
    New,
    /// Take its place: FILE_OVERWRITE_IF.
    Replace,
}

/// Files beneath a root.
///
/// Names are relative to the root, with `/` between folders and without `.` and `..`; the empty name is the root itself.
/// They are found in any case. No reparse point is followed: one on the way is an error, and one at the end is what is
/// opened, told about, or removed.
pub trait Folder: Sized + Send + Sync + fmt::Debug + 'static {
    /// An open file or folder.
    type Node: Node;

    /// Opens a root that exists.
    ///
    /// # Errors
    /// The system refuses.
    fn open_root(path: &Path) -> io::Result<Self>;

    /// Returns the attributes of what has this name.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if nothing has it, or the system refuses.
    fn attributes(&self, name: &str) -> io::Result<u32>;

    /// Lists a folder, in any order.
    ///
    /// # Errors
    /// It is no folder, or the system refuses.
    fn list(&self, name: &str) -> io::Result<Vec<Listed>>;

    /// Opens what exists for reading and, unless only its content is asked for, for setting its metadata.
    ///
    /// # Errors
    /// The system refuses.
    fn open(&self, name: &str) -> io::Result<Self::Node>;

    /// Makes a file; its folder exists.
    ///
    /// # Errors
    /// The system refuses.
    fn create_file(&self, name: &str, create: Create) -> io::Result<Self::Node>;

    /// Makes a folder; the folder it lies in exists, and it does not.
    ///
    /// # Errors
    /// The system refuses.
    fn create_folder(&self, name: &str) -> io::Result<Self::Node>;

    /// Removes a file, a reparse point, or an empty folder, read-only ones too.
    ///
    /// # Errors
    /// The system refuses.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Gives a file of this or another root on the same volume one more name: `name` beneath this root for what is
    /// `target` beneath `root`.
    ///
    /// # Errors
    /// There is something of that name, or the system refuses.
    fn link(&self, name: &str, root: &Self, target: &str) -> io::Result<()>;

    /// Makes durable all that was written to the root's volume, by whomever.
    ///
    /// Asking that for each file of a base layer would have the disk flushed a hundred thousand times.
    ///
    /// # Errors
    /// The system refuses, as Windows does if the process is not elevated.
    fn sync_volume(&self) -> io::Result<()>;
}

/// An open file or folder. As a [`Read`], [`Write`] and [`Seek`] it gives and takes the content of its main stream.
pub trait Node: Read + Write + Seek + Send + fmt::Debug {
    /// Gives its backup stream: BackupRead.
    type Backup<'a>: Read + Seek
    where
        Self: 'a;
    /// Takes a backup stream: BackupWrite.
    type Restore<'a>: BackupWriter
    where
        Self: 'a;

    /// Returns times and attributes.
    ///
    /// # Errors
    /// The system refuses.
    fn basic_info(&self) -> io::Result<BasicInfo>;

    /// Sets times and attributes.
    ///
    /// # Errors
    /// The system refuses.
    fn set_basic_info(&mut self, info: &BasicInfo) -> io::Result<()>;

    /// Returns which file it is.
    ///
    /// # Errors
    /// The system refuses.
    fn identity(&self) -> io::Result<Identity>;

    /// Reads it as a backup stream, from its start.
    ///
    /// # Errors
    /// The system refuses.
    fn backup(&mut self, with_security: bool) -> io::Result<Self::Backup<'_>>;

    /// Writes a backup stream into it, which sets what the stream has and leaves the rest.
    ///
    /// # Errors
    /// The system refuses.
    fn restore(&mut self, with_security: bool) -> io::Result<Self::Restore<'_>>;
}

/// Takes a backup stream in pieces of any size.
pub trait BackupWriter: Write {
    /// Ends it.
    ///
    /// # Errors
    /// The stream is not whole, or the system refuses.
    fn finish(self) -> io::Result<()>;
}
