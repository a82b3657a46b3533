//! Files with all that NTFS keeps of them, where there is no NTFS.
//!
//! Each file is a plain file that holds its times and attributes and then its backup stream; a folder has such a file
//! inside. Hard links are the host's. So what Windows keeps apart from content survives on any file system, and Wine,
//! which has neither BackupRead nor reparse points, can run everything that is built on [`Folder`].
//!
//! ```text
//! offset  size  field
//!      0     8  "PLAINNT1"
//!      8    32  creation, last access, last write, change: FILETIME, little-endian
//!     40     4  FileAttributes
//!     44     4  0
//!     48        backup stream: security first if there is any, the main stream before alternate ones
//! ```

mod node;
mod record;

pub use node::PlainNode;
pub use record::Record;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use transom_ntmeta::name::eq_folded;
use transom_windows::{Create, Folder, Listed};

use record::{DIRECTORY, REPARSE_POINT};

/// What a folder's own metadata is kept in. No NTFS name may hold `|`, but Wine's may not either, so it is a plain one.
pub(crate) const SELF: &str = ".$self$";

/// Files beneath a root, kept as plain files.
#[derive(Debug, Clone)]
pub struct PlainFiles {
    root: PathBuf,
}

impl PlainFiles {
    /// Returns where on the host a name is kept: for a folder it is the folder.
    ///
    /// # Errors
    /// Nothing has this name, or a reparse point is on the way.
    pub fn host_path(&self, name: &str) -> io::Result<PathBuf> {
        let mut path = self.root.clone();
        let mut parts = name.split('/').filter(|part| !part.is_empty()).peekable();
        while let Some(part) = parts.next() {
            path = child(&path, part)?
                .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no {name:?}")))?;
            if parts.peek().is_some() && record::attributes_of(&path)? & REPARSE_POINT != 0 {
                return Err(io::Error::other(format!(
                    "{name:?}: a reparse point is on the way"
                )));
            }
        }
        Ok(path)
    }

    /// Returns where a new name is to be kept; what it lies in exists, and it does not.
    fn new_path(&self, name: &str) -> io::Result<PathBuf> {
        check_name(name)?;
        let (folder, base) = name.rsplit_once('/').unwrap_or(("", name));
        let folder = self.host_path(folder)?;
        if record::attributes_of(&folder)? & REPARSE_POINT != 0 {
            return Err(io::Error::other(format!(
                "{name:?}: its folder is a reparse point"
            )));
        }
        match child(&folder, base)? {
            Some(_) => Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("{name:?} is there already"),
            )),
            None => Ok(folder.join(base)),
        }
    }
}

fn check_name(name: &str) -> io::Result<()> {
    let is_bad = |part: &str| {
        matches!(part, "" | "." | "..") || part == SELF || part.contains([':', '\\', '\0'])
    };
    if name.split('/').any(is_bad) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{name:?} is no name beneath a root"),
        ));
    }
    Ok(())
}

/// Finds a name in a folder, in any case.
fn child(folder: &Path, name: &str) -> io::Result<Option<PathBuf>> {
    check_name(name)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.file_name();
        if eq_folded(found.as_encoded_bytes(), name.as_bytes()) {
            return Ok(Some(entry.path()));
        }
    }
    Ok(None)
}

impl Folder for PlainFiles {
    type Node = PlainNode;

    fn open_root(path: &Path) -> io::Result<Self> {
        if !fs::metadata(path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self {
            root: path.to_owned(),
        })
    }

    fn attributes(&self, name: &str) -> io::Result<u32> {
        record::attributes_of(&self.host_path(name)?)
    }

    fn list(&self, name: &str) -> io::Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for entry in fs::read_dir(self.host_path(name)?)? {
            let entry = entry?;
            let name = entry
                .file_name()
                .into_string()
                .map_err(|name| io::Error::other(format!("{} is not UTF-8", name.display())))?;
            if name != SELF {
                let attributes = record::attributes_of(&entry.path())?;
                listed.push(Listed { name, attributes });
            }
        }
        Ok(listed)
    }

    fn open(&self, name: &str) -> io::Result<PlainNode> {
        PlainNode::open(&self.host_path(name)?)
    }

    fn create_file(&self, name: &str, create: Create) -> io::Result<PlainNode> {
        let path = match (create, self.host_path(name)) {
            (Create::Replace, Ok(path)) => path,
            _ => self.new_path(name)?,
        };
        PlainNode::create(&path, 0x20)
    }

    fn create_folder(&self, name: &str) -> io::Result<PlainNode> {
        let path = self.new_path(name)?;
        fs::create_dir(&path)?;
        PlainNode::create(&path.join(SELF), DIRECTORY)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.host_path(name)?;
        if !fs::symlink_metadata(&path)?.is_dir() {
            return fs::remove_file(path);
        }
        if !self.list(name)?.is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        match fs::remove_file(path.join(SELF)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::remove_dir(path)
    }

    fn link(&self, name: &str, root: &Self, target: &str) -> io::Result<()> {
        fs::hard_link(root.host_path(target)?, self.new_path(name)?)
    }

    /// Does nothing: no test takes the power away.
    fn sync_volume(&self) -> io::Result<()> {
        Ok(())
    }
}
