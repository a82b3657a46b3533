//! The tar of a layer while it arrives.
//!
//! It is written past the system's cache where that is possible: copying a gigabyte into the cache
//! takes as long as hashing it, and what a layer holds is rarely read as a whole soon.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::durable::{self, FileError, Named};

/// What direct writes want of addresses, offsets and lengths: the largest block of common disks.
pub(super) const DIRECT_ALIGNMENT: usize = 4096;

/// A new file that is only appended to.
#[derive(Debug)]
pub(super) struct TarFile {
    path: PathBuf,
    file: File,
    /// The same file, open for direct writes, if the file system can do that.
    direct: Option<File>,
}

impl TarFile {
    /// Makes the new file `path`; it must not exist.
    pub(super) fn create(path: &Path) -> Result<Self, FileError> {
        durable::create_file(path)?;
        let file = durable::open_to_append(path)?;
        let direct = durable::open_direct(path);
        Ok(Self {
            path: path.to_owned(),
            file,
            direct,
        })
    }

    /// The file, for reading.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Appends bytes; all but the last ones come in multiples of [`DIRECT_ALIGNMENT`], from such addresses.
    pub(super) fn append(&self, bytes: &[u8]) -> Result<(), FileError> {
        let mut rest = bytes;
        if let Some(mut direct) = self.direct.as_ref()
            && bytes.len().is_multiple_of(DIRECT_ALIGNMENT)
        {
            while !rest.is_empty() {
                match direct.write(rest) {
                    Ok(0) => break,
                    Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // A file system that wants another alignment, or a full disk that took a part.
                    Err(error) if error.kind() == io::ErrorKind::InvalidInput => break,
                    Err(error) => return Err(error).named("write", &self.path),
                }
            }
        }
        (&self.file).write_all(rest).named("write", &self.path)
    }

    /// Makes the file durable.
    pub(super) fn sync(&self) -> Result<(), FileError> {
        // A sync that failed must not be tried again: the kernel may have dropped the pages.
        self.file.sync_data().named("sync", &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_any_length_and_address_come_out_in_order() {
        // On disk: memory file systems cannot write past the cache.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tar");
        let tar = TarFile::create(&path).unwrap();
        let bytes: Vec<u8> = (0..4 * DIRECT_ALIGNMENT).map(|n| (n % 251) as u8).collect();
        let mut expected = Vec::new();
        for (start, length) in [
            (0, 2 * DIRECT_ALIGNMENT),
            (1, DIRECT_ALIGNMENT),
            (7, 100),
            (8, 2 * DIRECT_ALIGNMENT),
            (0, 0),
        ] {
            let piece = &bytes[start..start + length];
            tar.append(piece).unwrap();
            expected.extend_from_slice(piece);
        }
        tar.sync().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), expected);
    }
}
