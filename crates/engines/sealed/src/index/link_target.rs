//! What a link of a Windows layer looks like to Linux.
//!
//! `C:\x` and `\x` name a place on the volume, which a mount shows anywhere: so Linux gets a relative
//! path that leads there from the link. What leads out of the volume (`\\server\share`, other drives,
//! volume GUIDs) stays as it is written, which Linux takes for a name that is not there.

/// Folders of a layer that are the root of a volume.
const VOLUMES: [&[u8]; 2] = [b"Files", b"UtilityVM/Files"];

/// Returns the Linux form of the target of the link at `path` (in the tar, cleaned).
pub(crate) fn shown(path: &[u8], target: &[u8]) -> Vec<u8> {
    // Without a slash it is one name, which cannot be mistaken for a place on the host.
    let as_name = || replaced(target, b'/', b'\\');
    let slashed = replaced(target, b'\\', b'/');
    let Some(depth) = depth_on_volume(path) else {
        return as_name();
    };
    let (mut up, inside) = match on_volume(&slashed) {
        Some(inside) => (depth, inside),
        None if slashed.starts_with(b"/") || slashed.get(1) == Some(&b':') => return as_name(),
        None => (0, &slashed[..]),
    };
    // On Windows nothing lies above the root, however often a path goes up.
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in inside.split(|byte| *byte == b'/') {
        match part {
            b".." if parts.pop().is_none() => up = (up + 1).min(depth),
            b".." | b"." | b"" => {}
            part => parts.push(part),
        }
    }
    let mut shown = b"../".repeat(up);
    shown.extend_from_slice(&parts.join(&b'/'));
    if parts.is_empty() && up > 0 {
        shown.pop();
    }
    if shown.is_empty() && !target.is_empty() {
        shown.push(b'.');
    }
    shown
}

fn replaced(text: &[u8], from: u8, to: u8) -> Vec<u8> {
    text.iter()
        .map(|byte| if *byte == from { to } else { *byte })
        .collect()
}

/// Returns what follows the volume's root in an absolute target; `None` if it is not one of this volume.
fn on_volume(slashed: &[u8]) -> Option<&[u8]> {
    let prefixes: [&[u8]; 3] = [b"//?/", b"/??/", b"//./"];
    let bare = prefixes
        .iter()
        .find_map(|prefix| slashed.strip_prefix(*prefix));
    let rest = match bare.unwrap_or(slashed) {
        [b'C' | b'c', b':', rest @ ..] => rest,
        // Without a drive only a single slash is the volume's root.
        rest if bare.is_none() && !slashed.starts_with(b"//") => rest,
        _ => return None,
    };
    let inside = rest.strip_prefix(b"/")?;
    let first = inside.iter().position(|byte| *byte != b'/');
    Some(&inside[first.unwrap_or(inside.len())..])
}

/// Returns how many folders lie between the root of the volume and a link.
fn depth_on_volume(path: &[u8]) -> Option<usize> {
    let inside = VOLUMES
        .iter()
        .find_map(|volume| path.strip_prefix(*volume)?.strip_prefix(b"/"))?;
    Some(inside.iter().filter(|byte| **byte == b'/').count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_on_the_volume_becomes_a_relative_path() {
        for (path, target, expected) in [
            ("Files/a/b/link", r"C:\Windows\x", "../../Windows/x"),
            ("Files/link", r"\Windows", "Windows"),
            ("Files/link", r"c:\", "."),
            ("Files/a/link", "/etc/passwd", "../etc/passwd"),
            ("Files/a/link", r"\\?\C:\x", "../x"),
            ("Files/a/link", r"\??\C:\x\", "../x"),
            ("Files/a/link", r"..\..\..\etc\x", "../etc/x"),
            ("Files/a/b/link", r"..", ".."),
            ("Files/a/b/link", r"c\..\d", "d"),
            ("Files/a/b/link", r"C:\", "../.."),
            ("UtilityVM/Files/a/link", r"C:\x", "../x"),
            ("Files/a/link", r"..\b", "../b"),
            ("Files/a/link", "b", "b"),
        ] {
            let found = shown(path.as_bytes(), target.as_bytes());
            assert_eq!(String::from_utf8(found).unwrap(), expected, "{target}");
        }
    }

    #[test]
    fn a_target_elsewhere_stays_as_it_is_and_is_no_place_on_the_host() {
        for (target, expected) in [
            (r"\\server\share", r"\\server\share"),
            ("//server/share", r"\\server\share"),
            (r"D:\x", r"D:\x"),
            ("C:x/y", r"C:x\y"),
            (r"\\?\Volume{1}\x", r"\\?\Volume{1}\x"),
            (r"\\.\pipe\x", r"\\.\pipe\x"),
        ] {
            let found = shown(b"Files/a/link", target.as_bytes());
            assert_eq!(found, expected.as_bytes());
        }
        assert_eq!(shown(b"Hives/link", br"C:\x"), br"C:\x");
    }
}
