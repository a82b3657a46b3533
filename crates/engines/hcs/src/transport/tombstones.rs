//! `tombstones.txt`: what an exported layer deletes (hcsshim internal/wclayer/legacy.go, readTombstones).
//!
//! A byte order mark and `Version 1.0`, then on each line a backslash and a path relative to `Files`.

use std::fmt::Write as _;

use transom_layertar::path::{self, Rules};

use super::TransportError;

const FIRST_LINE: &str = "\u{feff}Version 1.0";

/// Reads a list of deletions: names relative to `Files`, with `/`, in the order of the list.
///
/// # Errors
/// It has another first line, or a line is no path beneath `Files`.
pub fn parse(text: &[u8]) -> Result<Vec<String>, TransportError> {
    let damaged = |what: String| TransportError::Damaged { what };
    let text = std::str::from_utf8(text)
        .map_err(|error| damaged(format!("tombstones.txt is not UTF-8: {error}")))?;
    let mut lines = text
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line));
    if lines.next() != Some(FIRST_LINE) {
        return Err(damaged(
            "tombstones.txt does not begin with a byte order mark and \"Version 1.0\"".to_owned(),
        ));
    }
    let mut names = Vec::new();
    for (index, line) in lines.enumerate() {
        // Upstream panics on an empty line; the last one is behind the last line end.
        if line.is_empty() {
            continue;
        }
        let bad = || {
            damaged(format!(
                "line {} of tombstones.txt is no path: {line:?}",
                index + 2
            ))
        };
        let name = line.strip_prefix('\\').ok_or_else(bad)?.replace('\\', "/");
        let name = path::clean(name.as_bytes(), Rules::Windows).map_err(|_| bad())?;
        if name.is_root() {
            return Err(bad());
        }
        names.push(String::from_utf8_lossy(name.as_bytes()).into_owned());
    }
    Ok(names)
}

/// Writes a list of deletions, lines ended as Windows ends them.
pub fn print<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = format!("{FIRST_LINE}\r\n");
    for name in names {
        // Writing to a string cannot fail.
        let _ = write!(text, "\\{}\r\n", name.replace('/', "\\"));
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Parts of names that mean something else, or that Windows takes for another name, are not among them.
    const NAME: &str =
        r"[a-zA-Zü$~_-][a-zA-Z0-9ü $.~_-]{0,8}[a-zA-Z0-9ü$~_-](/[a-zü$~_-]{1,8}){0,3}";

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(names in prop::collection::vec(NAME, 0..20)) {
            let text = print(names.iter().map(String::as_str));
            prop_assert_eq!(parse(text.as_bytes()).expect("is valid"), names);
        }
    }

    #[test]
    fn what_is_printed_is_parsed() {
        let names = ["gone.txt", "a/b", "ünï/x"];
        assert_eq!(parse(print(names).as_bytes()).expect("is valid"), names);
        let unix = print(names).replace("\r\n", "\n");
        assert_eq!(parse(unix.as_bytes()).expect("is valid"), names);
    }

    #[test]
    fn damaged_lists_are_refused() {
        for text in [
            "",
            "Version 1.0\n",
            "\u{feff}Version 2.0\n",
            "\u{feff}Version 1.0\nx\n",
            "\u{feff}Version 1.0\n\\\n",
            "\u{feff}Version 1.0\n\\..\\x\n",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
