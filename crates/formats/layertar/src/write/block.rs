//! Header blocks as Go's `archive/tar` fills them.

/// Size of a tar block in bytes.
pub(super) const BLOCK: usize = 512;

/// Room for a name in a header, in bytes.
const NAME: usize = 100;

/// Room for a ustar name prefix, in bytes.
const PREFIX: usize = 155;

/// The fields of a main header block apart from its name.
#[derive(Debug)]
pub(super) struct Main<'a> {
    pub(super) typeflag: u8,
    pub(super) link_name: &'a [u8],
    pub(super) size: u64,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) uname: &'a [u8],
    pub(super) gname: &'a [u8],
    /// Whole seconds; written as 0 when they do not fit.
    pub(super) mtime: i64,
    pub(super) dev_major: u32,
    pub(super) dev_minor: u32,
}

impl Main<'_> {
    /// Fills a block. What does not fit is cut or written as 0: an `x` header before it has the truth.
    pub(super) fn block(&self, prefix: &[u8], name: &[u8]) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        put_text(&mut block, 0, NAME, &plain(name));
        put_octal(&mut block, 100, 8, self.mode.into());
        put_octal(&mut block, 108, 8, self.uid.into());
        put_octal(&mut block, 116, 8, self.gid.into());
        put_octal(&mut block, 124, 12, self.size);
        put_octal(&mut block, 136, 12, u64::try_from(self.mtime).unwrap_or(0));
        block[156] = self.typeflag;
        put_text(&mut block, 157, NAME, &plain(self.link_name));
        put_text(&mut block, 265, 32, &plain(self.uname));
        put_text(&mut block, 297, 32, &plain(self.gname));
        put_octal(&mut block, 329, 8, self.dev_major.into());
        put_octal(&mut block, 337, 8, self.dev_minor.into());
        put_text(&mut block, 345, PREFIX, prefix);
        seal(&mut block);
        block
    }
}

/// Fills the block of an `x` header with a body of `size` bytes for the entry `name`.
pub(super) fn extension(name: &[u8], size: usize) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut name = plain(&extension_name(name));
    name.truncate(NAME);
    while name.ends_with(b"/") {
        name.pop();
    }
    put_text(&mut block, 0, NAME, &name);
    for (at, width, value) in [
        (100, 8, 0),
        (108, 8, 0),
        (116, 8, 0),
        (124, 12, size as u64),
        (136, 12, 0),
    ] {
        put_octal(&mut block, at, width, value);
    }
    block[156] = b'x';
    seal(&mut block);
    block
}

/// Names the `x` header: `PaxHeaders.0` between directory and base name, cleaned as Go's `path.Join` cleans.
pub(super) fn extension_name(name: &[u8]) -> Vec<u8> {
    let base = name.rsplit(|&b| b == b'/').next().unwrap_or_default();
    let directory = name.get(..name.len() - base.len()).unwrap_or_default();
    let mut parts: Vec<&[u8]> = Vec::new();
    let is_rooted = directory.starts_with(b"/");
    for part in directory
        .split(|&b| b == b'/')
        .chain([&b"PaxHeaders.0"[..], base])
    {
        match part {
            b"" | b"." => {}
            b".." => match parts.last() {
                Some(&last) if last != b".." => _ = parts.pop(),
                None if is_rooted => {}
                _ => parts.push(part),
            },
            _ => parts.push(part),
        }
    }
    let mut joined = parts.join(&b'/');
    if is_rooted {
        joined.insert(0, b'/');
    }
    joined
}

/// Splits a name that is too long for its field into a ustar prefix and the rest, at a slash.
pub(super) fn split_name(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= NAME || !is_plain(name) {
        return None;
    }
    // The prefix ends before the last slash that leaves it short enough; the rest must not be empty.
    let head = name.get(..name.len().min(PREFIX + 1))?;
    let head = match head.strip_suffix(b"/") {
        Some(shorter) if head.len() == name.len() => shorter,
        _ => head,
    };
    let slash = head.iter().rposition(|&b| b == b'/').filter(|&at| at > 0)?;
    let (prefix, rest) = (name.get(..slash)?, name.get(slash + 1..)?);
    (!rest.is_empty() && rest.len() <= NAME).then_some((prefix, rest))
}

/// Says whether a text needs no PAX record: ASCII without NUL.
pub(super) fn is_plain(text: &[u8]) -> bool {
    text.iter().all(|&b| b.is_ascii() && b != 0)
}

/// Drops every byte that is not plain.
fn plain(text: &[u8]) -> Vec<u8> {
    text.iter()
        .copied()
        .filter(|&b| b.is_ascii() && b != 0)
        .collect()
}

/// Says whether a number fits an octal field of `width` bytes, the last of which is a NUL.
pub(super) fn fits_octal(width: usize, value: u64) -> bool {
    value >> (3 * (width - 1)) == 0
}

/// Writes a text that may fill its field; cut before a slash, the field would name a directory, so that slash
/// becomes a NUL.
fn put_text(block: &mut [u8; BLOCK], at: usize, room: usize, text: &[u8]) {
    let Some(field) = block.get_mut(at..at + room) else {
        return;
    };
    for (to, from) in field.iter_mut().zip(text) {
        *to = *from;
    }
    if text.len() > room && field.ends_with(b"/") {
        let kept = field
            .iter()
            .rposition(|&b| b != b'/')
            .map_or(0, |last| last + 1);
        if let Some(slash) = field.get_mut(kept) {
            *slash = 0;
        }
    }
}

/// Writes zero-padded octal digits and a NUL; a number that does not fit is written as 0.
fn put_octal(block: &mut [u8; BLOCK], at: usize, width: usize, value: u64) {
    let value = if fits_octal(width, value) { value } else { 0 };
    put_text(
        block,
        at,
        width - 1,
        format!("{value:0digits$o}", digits = width - 1).as_bytes(),
    );
}

/// Adds magic, version and checksum.
pub(super) fn seal(block: &mut [u8; BLOCK]) {
    put_text(block, 257, 8, b"ustar\x0000");
    put_text(block, 148, 8, b"        ");
    let sum: u64 = block.iter().map(|&b| u64::from(b)).sum();
    put_text(block, 148, 7, format!("{sum:06o}\0").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_split_at_a_slash_or_not_at_all() {
        let long = |n| "p".repeat(n);
        for (name, expected) in [
            (format!("{}/a", long(98)), None),
            (format!("{}/a", long(155)), Some((155, 1))),
            (format!("{}/a", long(156)), None),
            (format!("{}/{}", long(155), long(100)), Some((155, 100))),
            (format!("{}/{}", long(155), long(101)), None),
            (format!("a/{}", long(100)), Some((1, 100))),
            (format!("/{}", long(100)), None),
            (format!("{}/", long(120)), None),
            (format!("a/{}/", long(99)), Some((1, 100))),
            (format!("{}/ü", long(120)), None),
        ] {
            let split = split_name(name.as_bytes()).map(|(a, b)| (a.len(), b.len()));
            assert_eq!(split, expected, "{name}");
        }
    }

    #[test]
    fn extension_headers_are_named_after_their_entry() {
        for (name, expected) in [
            ("Files", "PaxHeaders.0/Files"),
            ("Files/a.txt", "Files/PaxHeaders.0/a.txt"),
            ("Files/dir/", "Files/dir/PaxHeaders.0"),
            ("./a//b", "a/PaxHeaders.0/b"),
            ("/a", "/PaxHeaders.0/a"),
            ("../../a", "../../PaxHeaders.0/a"),
            ("a/..", "a"),
            ("", "PaxHeaders.0"),
        ] {
            assert_eq!(
                extension_name(name.as_bytes()),
                expected.as_bytes(),
                "{name}"
            );
        }
    }

    #[test]
    fn a_name_cut_at_a_slash_does_not_end_in_one() {
        let mut block = [0; BLOCK];
        put_text(&mut block, 0, 4, b"abc/def");
        assert_eq!(&block[..5], b"abc\0\0");
        put_text(&mut block, 0, 4, b"ab//def");
        assert_eq!(&block[..5], b"ab\0/\0");
        put_text(&mut block, 0, 4, b"abc/");
        assert_eq!(&block[..5], b"abc/\0");
    }
}
