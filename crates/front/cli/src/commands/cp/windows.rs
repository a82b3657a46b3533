//! Names and links on Windows; extended attributes it has none of this kind.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use cap_std::fs::Dir;
use transom_layer::Names;

/// What the system says to a user who may make no symbolic links (winerror.h: `ERROR_PRIVILEGE_NOT_HELD`).
const PRIVILEGE_NOT_HELD: i32 = 1314;

/// Returns a name of an image as this system has it.
///
/// Some are refused here, and devices are by `cap-std`: Windows would take them for something else, such as an
/// alternate stream, or for a name without its last dot.
pub(super) fn as_path(name: &[u8]) -> Result<PathBuf> {
    let is_bad = |byte: &u8| *byte < 0x20 || b"<>:\"/\\|?*".contains(byte);
    match str::from_utf8(name) {
        Ok(name) if !name.bytes().any(|byte| is_bad(&byte)) && !name.ends_with(['.', ' ']) => {
            Ok(PathBuf::from(name))
        }
        _ => bail!(
            "this system cannot have a file named {}",
            crate::show::text(name)
        ),
    }
}

/// Makes a link with a relative target; `false` if it has another one, or this user may make no links.
///
/// An absolute target would lead out of what is copied, to whatever this machine has there.
pub(super) fn link(
    folder: &Dir,
    name: &Path,
    target: &[u8],
    _names: Names,
    to_folder: bool,
) -> Result<bool> {
    let target = String::from_utf8_lossy(target).replace('/', "\\");
    if target.is_empty() || target.contains(':') || target.starts_with('\\') {
        return Ok(false);
    }
    super::remove_file(folder, name)?;
    let made = match to_folder {
        true => folder.symlink_dir(target, name),
        false => folder.symlink_file(target, name),
    };
    match made {
        Err(error) if error.raw_os_error() == Some(PRIVILEGE_NOT_HELD) => Ok(false),
        result => Ok(result.map(|()| true)?),
    }
}

/// Refuses: this system has no extended attributes.
pub(super) fn set_xattrs(_file: &File, _xattrs: &[(Vec<u8>, Vec<u8>)]) -> Result<()> {
    bail!("--metadata needs extended attributes, which this system does not have")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_windows_would_change_are_refused() {
        for name in ["a", "A b.txt", "日本語", ".hidden", "a..b"] {
            assert_eq!(as_path(name.as_bytes()).unwrap(), Path::new(name));
        }
        for name in ["a:b", "c:", "a\\b", "a/b", "dot.", "space ", "a*", "tab\t"] {
            assert!(as_path(name.as_bytes()).is_err(), "{name}");
        }
        // Half of a surrogate pair, as NTFS may have it.
        assert!(as_path(b"\xed\xa0\x80").is_err());
    }
}
