//! How the cases reach the files of a mounted layer.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// Files of a mounted layer. Names are relative to its root, with `/`.
pub trait Volume {
    /// Writes a file, and makes its folders if they are missing.
    ///
    /// # Errors
    /// The system refuses.
    fn write(&self, root: &Path, name: &str, data: &[u8]) -> io::Result<()>;

    /// Removes a file, or a folder with all that is in it.
    ///
    /// # Errors
    /// The system refuses, or there is none.
    fn remove(&self, root: &Path, name: &str) -> io::Result<()>;

    /// Returns all files with their content, and folders with `None`; nothing that the platform keeps for itself.
    ///
    /// # Errors
    /// The system refuses.
    fn read_all(&self, root: &Path) -> io::Result<Contents>;
}

/// What a volume has: files with their content, folders with `None`.
pub type Contents = BTreeMap<String, Option<Vec<u8>>>;

/// Mounts that are ordinary folders.
#[derive(Debug, Clone, Copy)]
pub struct PlainFolder;

/// What Windows keeps in the root of a writable volume (continuity fs/fstest).
const PLATFORM_FOLDERS: [&str; 2] = ["System Volume Information", "WcSandboxState"];

impl Volume for PlainFolder {
    fn write(&self, root: &Path, name: &str, data: &[u8]) -> io::Result<()> {
        let path = root.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, data)
    }

    fn remove(&self, root: &Path, name: &str) -> io::Result<()> {
        let path = root.join(name);
        match fs::symlink_metadata(&path)?.is_dir() {
            true => fs::remove_dir_all(path),
            false => fs::remove_file(path),
        }
    }

    fn read_all(&self, root: &Path) -> io::Result<Contents> {
        let mut contents = Contents::new();
        let mut folders = vec![(root.to_owned(), String::new())];
        while let Some((folder, prefix)) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                if PLATFORM_FOLDERS.contains(&name.as_str()) {
                    continue;
                }
                if entry.file_type()?.is_dir() {
                    folders.push((entry.path(), format!("{name}/")));
                    contents.insert(name, None);
                } else {
                    contents.insert(name, Some(fs::read(entry.path())?));
                }
            }
        }
        Ok(contents)
    }
}
