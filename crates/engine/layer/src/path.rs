//! How people write a place in an image.
//!
//! | written | means, in a Windows image |
//! |---|---|
//! | `C:\Windows\x`, `c:/windows/x`, `\Windows\x`, `/Windows/x` | `Files/Windows/x` |
//! | `Files/Windows/x`, `Hives/System_Delta`, `UtilityVM/Files` | the tar's own tree |
//! | `x:stream` | an alternate data stream of `x` |
//!
//! In a Linux image `/x` and `x` are the same place, and `\` and `:` are letters.

use std::fmt;

use transom_ntmeta::name;

use crate::Names;

/// The top folders of a Windows layer tar (hcsshim, internal/wclayer/legacy.go).
const TOP_FOLDERS: [&str; 3] = ["Files", "Hives", "UtilityVM"];

/// Which root a written path starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The root is `C:\`, the content of `Files`; a path that begins with a top folder of the
    /// tar and has no leading slash is taken as one of the tar's tree.
    Volume,
    /// The root is the tar's own: `Files`, `Hives`, `UtilityVM`.
    Raw,
}

/// A place in a layer's tree: the components from the tar's root down, and a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreePath {
    components: Vec<Vec<u8>>,
    stream: Option<Vec<u8>>,
}

/// A path that names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreePathError {
    /// The path goes up with `..`.
    #[error("path {0:?}: '..' is not allowed, write the path from the root")]
    Upwards(String),
    /// The path names a drive other than `C:`.
    #[error("path {0:?}: an image has only drive C:")]
    OtherDrive(String),
    /// The path is a UNC or device path.
    #[error("path {0:?}: a network or device path is no place in an image")]
    Device(String),
    /// The path has a NUL character.
    #[error("path {0:?} has a NUL character")]
    Nul(String),
}

impl TreePath {
    /// Reads a path as written by a person.
    ///
    /// # Errors
    /// [`TreePathError`] for `..`, other drives, `\\server\share`, `\\?\…` and NUL.
    pub fn parse(text: &str, names: Names, view: View) -> Result<Self, TreePathError> {
        if text.contains('\0') {
            return Err(TreePathError::Nul(text.to_owned()));
        }
        match names {
            Names::Windows => Self::parse_windows(text, view),
            Names::Posix => Self::from_parts(text, text.split('/').map(str::as_bytes)),
        }
    }

    fn parse_windows(text: &str, view: View) -> Result<Self, TreePathError> {
        let unified = text.replace('\\', "/");
        if unified.starts_with("//") {
            return Err(TreePathError::Device(text.to_owned()));
        }
        let (on_drive, rest) = match unified.as_bytes() {
            [drive, b':', ..] if drive.is_ascii_alphabetic() && unified.len() == 2 => {
                (Some(*drive), "")
            }
            [drive, b':', b'/', ..] if drive.is_ascii_alphabetic() => (Some(*drive), &unified[2..]),
            _ => (None, unified.as_str()),
        };
        if on_drive.is_some_and(|drive| !drive.eq_ignore_ascii_case(&b'C')) {
            return Err(TreePathError::OtherDrive(text.to_owned()));
        }
        let mut path = Self::from_parts(text, rest.split('/').map(str::as_bytes))?;
        let of_volume = on_drive.is_some()
            || (view == View::Volume && (rest.starts_with('/') || !path.begins_with_top_folder()));
        if of_volume {
            path.components.insert(0, TOP_FOLDERS[0].into());
        }
        path.split_stream();
        // A stream of a folder that is not named but stepped to.
        if let Some(b"." | b"..") = path.components.last().map(Vec::as_slice) {
            return Err(TreePathError::Upwards(text.to_owned()));
        }
        Ok(path)
    }

    fn from_parts<'a>(
        text: &str,
        parts: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Self, TreePathError> {
        let mut components = Vec::new();
        for part in parts {
            match part {
                b"" | b"." => {}
                b".." => return Err(TreePathError::Upwards(text.to_owned())),
                name => components.push(name.to_vec()),
            }
        }
        Ok(Self {
            components,
            stream: None,
        })
    }

    fn begins_with_top_folder(&self) -> bool {
        self.components.first().is_some_and(|first| {
            TOP_FOLDERS
                .iter()
                .any(|top| name::eq_folded(first, top.as_bytes()))
        })
    }

    fn split_stream(&mut self) {
        let Some(last) = self.components.last_mut() else {
            return;
        };
        let (file, stream) = name::split_stream(last);
        let stream = stream.map(<[u8]>::to_vec);
        *last = file.to_vec();
        self.stream = stream;
    }

    /// Returns the components from the tar's root down.
    pub fn components(&self) -> &[Vec<u8>] {
        &self.components
    }

    /// Returns the place of the first `depth` components.
    pub fn prefix(&self, depth: usize) -> Self {
        let components = self.components.iter().take(depth).cloned().collect();
        Self {
            components,
            stream: None,
        }
    }

    /// Returns the place of the entry `name` in this folder.
    pub fn join(&self, name: &[u8]) -> Self {
        let mut components = self.components.clone();
        components.push(name.to_vec());
        Self {
            components,
            stream: None,
        }
    }

    /// Says whether both name one place where names compare by this rule.
    pub fn is_same(&self, other: &Self, names: Names) -> bool {
        let same = |a: &[u8], b: &[u8]| match names {
            Names::Windows => name::eq_folded(a, b),
            Names::Posix => a == b,
        };
        let streams = match (&self.stream, &other.stream) {
            (None, None) => true,
            (Some(a), Some(b)) => same(a, b),
            _ => false,
        };
        let mut pairs = self.components.iter().zip(&other.components);
        streams && self.components.len() == other.components.len() && pairs.all(|(a, b)| same(a, b))
    }

    /// Returns the name of the alternate stream, without `:$DATA`.
    pub fn stream(&self) -> Option<&[u8]> {
        self.stream.as_deref()
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, component) in self.components.iter().enumerate() {
            let slash = if position == 0 { "" } else { "/" };
            write!(f, "{slash}{}", String::from_utf8_lossy(component))?;
        }
        match &self.stream {
            Some(stream) => write!(f, ":{}", String::from_utf8_lossy(stream)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(text: &str) -> String {
        TreePath::parse(text, Names::Windows, View::Volume)
            .unwrap()
            .to_string()
    }

    #[test]
    fn every_way_to_write_a_windows_path_means_the_same_place() {
        for text in [
            r"C:\Windows\x",
            "c:/Windows/x",
            "/Windows/x",
            r"\Windows\x",
            "Windows/x",
            "Files/Windows/x",
            r"Files\Windows\.\x\",
        ] {
            assert_eq!(windows(text), "Files/Windows/x", "{text}");
        }
    }

    #[test]
    fn the_top_folders_are_reached_by_their_names_in_any_case() {
        assert_eq!(windows("hives/System_Delta"), "hives/System_Delta");
        assert_eq!(windows("UtilityVM/Files/EFI"), "UtilityVM/Files/EFI");
        assert_eq!(windows(r"C:\Hives"), "Files/Hives");
        assert_eq!(windows("/Files"), "Files/Files");
        let raw = TreePath::parse("/Hives", Names::Windows, View::Raw).unwrap();
        assert_eq!(raw.to_string(), "Hives");
    }

    #[test]
    fn the_root_is_drive_c() {
        for text in ["", "/", "\\", "C:", r"C:\", "."] {
            assert_eq!(windows(text), "Files", "{text}");
        }
        let raw = TreePath::parse("/", Names::Windows, View::Raw).unwrap();
        assert_eq!(raw.components().len(), 0);
    }

    #[test]
    fn a_stream_is_split_off() {
        let path = TreePath::parse("/a.txt:note:$DATA", Names::Windows, View::Volume).unwrap();
        assert_eq!(path.stream(), Some(&b"note"[..]));
        assert_eq!(path.to_string(), "Files/a.txt:note");
    }

    #[test]
    fn paths_that_leave_the_image_are_refused() {
        for text in [
            "..",
            "/a/../b",
            r"C:\..\x",
            r"D:\x",
            r"\\srv\share",
            r"\\?\C:\x",
            "a\0b",
        ] {
            assert!(
                TreePath::parse(text, Names::Windows, View::Volume).is_err(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn in_a_linux_image_backslash_and_colon_are_letters() {
        let path = TreePath::parse("/a\\b:c/d", Names::Posix, View::Volume).unwrap();
        assert_eq!(path.components(), [b"a\\b:c".to_vec(), b"d".to_vec()]);
        assert_eq!(path.stream(), None);
    }

    #[test]
    fn a_stream_belongs_to_no_step_of_a_path() {
        for text in ["..:s", r"a\..:s", ".:s"] {
            let parsed = TreePath::parse(text, Names::Windows, View::Raw);
            assert!(matches!(parsed, Err(TreePathError::Upwards(_))), "{text}");
        }
    }
}
