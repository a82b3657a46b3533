//! The rules that decide how layers act on each other when they are stacked.

use std::fmt;

/// How names are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Names {
    /// As NTFS does: UTF-16 code units, upper-cased by its `$UpCase` table; the given case is kept.
    Windows,
    /// Byte by byte, for Linux images.
    Posix,
}

/// What a whiteout does.
///
/// The two disagree where one layer holds a whiteout and an entry of the same name, and on
/// opaque markers (`.wh..wh..opq`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whiteouts {
    /// As hcsshim's layer writer: deletions come last, so a whiteout beats an entry of its own
    /// layer, and an opaque marker under `Files` hides nothing.
    Hcs,
    /// As the OCI layer specification: a whiteout acts on lower layers only, and an opaque
    /// marker hides all that lower layers put into its folder.
    Oci,
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Windows => "windows",
            Self::Posix => "posix",
        })
    }
}

impl fmt::Display for Whiteouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hcs => "hcs",
            Self::Oci => "oci",
        })
    }
}
