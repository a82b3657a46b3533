//! Small files in layers' folders, beside the engine's own.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Holds the digest of the manifest of the image that a writable layer was made from.
pub(super) const IMAGE: &str = "transom-image";

/// Writes a note, whole or not at all.
pub(super) fn write(layer: &Path, name: &str, text: &str) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix("transom-new-")
        .tempfile_in(layer)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(layer.join(name))?;
    Ok(())
}

/// Reads a note; `None` if there is none.
pub(super) fn read(layer: &Path, name: &str) -> io::Result<Option<String>> {
    match fs::read_to_string(layer.join(name)) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
