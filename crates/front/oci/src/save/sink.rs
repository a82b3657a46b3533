//! Where files go: entries of a tar, or files in a folder.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use transom_layertar::{EntryKind, Header, Writer};

use super::error::{SaveError, doing};

/// Bytes collected before they are written.
const BUFFER: usize = 256 << 10;

/// Takes files one after the other.
pub(super) enum Sink<'a> {
    /// An archive.
    Tar(Writer<BufWriter<&'a mut dyn Write>>),
    /// A folder, and how many bytes went into it.
    Folder(PathBuf, u64),
}

impl<'a> Sink<'a> {
    /// Writes a tar.
    pub(super) fn tar(out: &'a mut dyn Write) -> Self {
        Self::Tar(Writer::new(BufWriter::with_capacity(BUFFER, out)))
    }

    /// Writes into the empty folder `path`.
    pub(super) fn folder(path: &Path) -> Self {
        Self::Folder(path.to_owned(), 0)
    }

    /// Adds a folder, whose parent was added before.
    pub(super) fn add_folder(&mut self, name: &str) -> Result<(), SaveError> {
        match self {
            Self::Tar(writer) => {
                let mut header = Header::new(EntryKind::Directory, format!("{name}/").as_bytes());
                header.mode = 0o755;
                Ok(writer.append(&header)?)
            }
            Self::Folder(root, _) => doing(fs::create_dir(root.join(name)), "create folder", name),
        }
    }

    /// Adds a file of `size` bytes, which `fill` writes.
    pub(super) fn add_file(
        &mut self,
        name: &str,
        size: u64,
        fill: impl FnOnce(&mut dyn Write) -> Result<(), SaveError>,
    ) -> Result<(), SaveError> {
        match self {
            Self::Tar(writer) => {
                let mut header = Header::new(EntryKind::File, name.as_bytes());
                header.mode = 0o644;
                header.size = size;
                writer.append(&header)?;
                fill(writer)
            }
            Self::Folder(root, total) => {
                let path = root.join(name);
                let shown = path.display().to_string();
                let file = doing(File::create_new(&path), "create", &shown)?;
                let mut out = BufWriter::with_capacity(BUFFER, file);
                fill(&mut out)?;
                let file = out.into_inner().map_err(io::IntoInnerError::into_error);
                doing(doing(file, "write", &shown)?.sync_all(), "sync", shown)?;
                *total += size;
                Ok(())
            }
        }
    }

    /// Completes it and returns how many bytes were written.
    pub(super) fn finish(self) -> Result<u64, SaveError> {
        match self {
            Self::Tar(writer) => {
                let end = writer.position();
                writer.finish()?;
                // Two blocks of zeros, after the padding of the last entry.
                Ok(end.next_multiple_of(512) + 1024)
            }
            Self::Folder(_, total) => Ok(total),
        }
    }
}
