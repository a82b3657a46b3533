//! For what a layer of unknown origin was made, told by where its first entry lies.

use transom_layer::Names;
use transom_layertar::{Limits, Parser, Step, whiteout};

/// The folders at the top of a Windows layer (OCI image specification, and hcsshim's ociwclayer); a layer of a Linux
/// image has none of them at its top in practice.
const WINDOWS_FOLDERS: [&[u8]; 3] = [b"Files", b"Hives", b"UtilityVM"];

/// Most bytes that are looked at: entries that say nothing, such as `./`, are small.
const MOST: usize = 64 * 1024;

/// Says how names compare in a layer whose tar begins with `start`; Linux if nothing there tells.
pub(super) fn of_layer(start: &[u8], limits: Limits) -> Names {
    let mut parser = Parser::new(limits);
    let mut rest = &start[..start.len().min(MOST)];
    while !rest.is_empty() {
        // What is wrong with it is told when it is imported.
        let Ok((used, step)) = parser.push(rest) else {
            break;
        };
        rest = &rest[used..];
        if let Step::Entry(entry) = step
            && let Some(names) = of_entry(&entry.name)
        {
            return names;
        }
    }
    Names::Posix
}

/// Tells nothing for the root itself.
fn of_entry(name: &[u8]) -> Option<Names> {
    let mut parts = name
        .split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".");
    let first = parts.next()?;
    let first = first.strip_prefix(whiteout::PREFIX).unwrap_or(first);
    Some(match WINDOWS_FOLDERS.contains(&first) {
        true => Names::Windows,
        false => Names::Posix,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_folders_of_a_windows_layer_make_names_windows() {
        for (name, names) in [
            ("Files", Some(Names::Windows)),
            ("Files/Windows/x", Some(Names::Windows)),
            ("./Files/", Some(Names::Windows)),
            ("UtilityVM/Files", Some(Names::Windows)),
            (".wh.Hives", Some(Names::Windows)),
            ("files", Some(Names::Posix)),
            ("etc/Files", Some(Names::Posix)),
            ("FilesOfMine", Some(Names::Posix)),
            ("./", None),
            (".", None),
            ("", None),
        ] {
            assert_eq!(of_entry(name.as_bytes()), names, "{name}");
        }
    }

    #[test]
    fn what_is_no_tar_is_for_linux() {
        assert_eq!(of_layer(&[0xff; 2048], Limits::default()), Names::Posix);
        assert_eq!(of_layer(&[], Limits::default()), Names::Posix);
    }
}
