//! Whiteouts: entries whose name says that something of the layers below is gone (OCI image layer spec, "Whiteouts").

use crate::parse::shown;

/// What a base name starts with to be a whiteout.
pub const PREFIX: &[u8] = b".wh.";

/// Base name of the marker that hides all siblings of the layers below.
const OPAQUE: &[u8] = b".wh..wh..opq";

/// What a whiteout removes. Paths are as they stand in the entry's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whiteout {
    /// `dir/.wh.x`: the path `dir/x`.
    Removed(Vec<u8>),
    /// `dir/.wh..wh..opq`: everything the layers below have in `dir`, which is empty for the root.
    ///
    /// Windows' own import does not know this marker (hcsshim takes it for a file to remove).
    Opaque(Vec<u8>),
}

/// A whiteout that names nothing that a layer could remove: behind `.wh.` comes nothing, `.` or `..`.
///
/// The last two would be the whiteout's own folder and the one above; containerd refuses them, too.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("whiteout {} names nothing to remove", shown(.name))]
pub struct EmptyWhiteout {
    /// Name of the entry.
    pub name: Vec<u8>,
}

/// Says whether an entry's name is a whiteout, and of what.
///
/// Any other name behind the prefix is a name to remove, AUFS's `.wh..wh.plnk` and `.wh..wh.aufs` too: that is
/// how Windows' import reads them.
///
/// # Errors
/// The name is a whiteout of nothing.
pub fn parse(name: &[u8]) -> Result<Option<Whiteout>, EmptyWhiteout> {
    let base = name.rsplit(|&b| b == b'/').next().unwrap_or_default();
    let Some(removed) = base.strip_prefix(PREFIX) else {
        return Ok(None);
    };
    let directory = name.get(..name.len() - base.len()).unwrap_or_default();
    if matches!(removed, b"" | b"." | b"..") {
        return Err(EmptyWhiteout {
            name: name.to_vec(),
        });
    }
    Ok(Some(if base == OPAQUE {
        Whiteout::Opaque(directory.strip_suffix(b"/").unwrap_or(directory).to_vec())
    } else {
        Whiteout::Removed([directory, removed].concat())
    }))
}

/// Names the whiteout that removes `path`.
pub fn name_of(path: &[u8]) -> Vec<u8> {
    let base = path.rsplit(|&b| b == b'/').next().unwrap_or_default();
    let directory = path.get(..path.len() - base.len()).unwrap_or_default();
    [directory, PREFIX, base].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whiteouts_are_told_by_their_base_name() {
        let removed = |path: &[u8]| Ok(Some(Whiteout::Removed(path.to_vec())));
        let opaque = |path: &[u8]| Ok(Some(Whiteout::Opaque(path.to_vec())));
        assert_eq!(parse(b"Files/.wh.gone.txt"), removed(b"Files/gone.txt"));
        assert_eq!(parse(b".wh.x"), removed(b"x"));
        assert_eq!(parse(b"Files/.wh..wh..opq"), opaque(b"Files"));
        assert_eq!(parse(b".wh..wh..opq"), opaque(b""));
        assert_eq!(parse(b"Files/.wh..wh.plnk"), removed(b"Files/.wh.plnk"));
        assert_eq!(parse(b"Files/.wh"), Ok(None));
        assert_eq!(parse(b"Files/a.wh.b"), Ok(None));
        assert_eq!(parse(b"Files/.wh.d/x"), Ok(None));
    }

    #[test]
    fn a_whiteout_of_nothing_is_refused() {
        for name in [
            ".wh.",
            "Files/.wh.",
            ".wh..",
            "Files/.wh..",
            ".wh...",
            "Files/.wh...",
        ] {
            assert!(parse(name.as_bytes()).is_err(), "{name}");
        }
        assert!(parse(b"Files/.wh....").is_ok(), "three dots are a name");
    }

    #[test]
    fn naming_a_whiteout_is_the_inverse_of_parsing_it() {
        for path in [&b"Files/a/b"[..], b"x"] {
            assert_eq!(
                parse(&name_of(path)),
                Ok(Some(Whiteout::Removed(path.to_vec())))
            );
        }
    }
}
