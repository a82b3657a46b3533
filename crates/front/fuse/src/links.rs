//! Where links lead, in the words of Linux.
//!
//! `C:\x` and `\x` name a place on the link's volume, whatever the mount point: so Linux gets a relative path
//! that leads there from the link's folder, in the case of letters that the tree has. `..` stops at the
//! volume's root, as on Windows, so no such path leads out of the mount. What leads to other volumes
//! (`\\server\share`, other drives, volume GUIDs) is shown as Windows writes it, with backslashes: to Linux
//! that is one name which is not there, and never a place on the host.

use transom_layer::Names;
use transom_ntmeta::name;
use transom_sealed::{Node, Tree, TreeError};

#[cfg(test)]
mod tests;

/// Prefixes of paths in the NT and device namespaces, with `/` for `\`.
const DEVICE_PREFIXES: [&[u8]; 3] = [b"//?/", b"/??/", b"//./"];

/// Returns the target of `link` as Linux shall follow it; `target` is what the tar has.
pub(crate) fn shown_target(tree: &Tree, link: &Node, target: &[u8]) -> Result<Vec<u8>, TreeError> {
    if tree.names() == Names::Posix {
        return Ok(target.to_vec());
    }
    let mut folder: Vec<&[u8]> = link.path().split(|byte| *byte == b'/').collect();
    folder.pop();
    let slashed = replaced(target, b'\\', b'/');
    let Some(mut place) = place_in_tar(&folder, &slashed) else {
        return Ok(replaced(target, b'/', b'\\'));
    };
    let mut node = tree.root()?;
    for component in &mut place {
        if !node.is_directory() {
            // Behind another link; whoever follows that finds the rest in any case of letters.
            break;
        }
        match tree.child(&node, component)? {
            Some(found) => node = found,
            None => break,
        }
        *component = node.name().to_vec();
    }
    Ok(relative(&folder, &place))
}

fn replaced(bytes: &[u8], old: u8, new: u8) -> Vec<u8> {
    let swap = |byte: &u8| if *byte == old { new } else { *byte };
    bytes.iter().map(swap).collect()
}

/// Returns the names from the tar's root to the place that a target, written with `/`, names for a link in
/// `folder`; `None` if that is not in the link's volume.
fn place_in_tar(folder: &[&[u8]], slashed: &[u8]) -> Option<Vec<Vec<u8>>> {
    let volume = volume_of(folder);
    let (start, rest) = match on_volume(slashed) {
        Some(rest) => (&folder[..volume?], rest),
        None if slashed.starts_with(b"/") || slashed.get(1) == Some(&b':') => return None,
        None => (folder, slashed),
    };
    let floor = volume.unwrap_or(0);
    let mut place: Vec<Vec<u8>> = start.iter().map(|name| name.to_vec()).collect();
    for component in rest.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." if place.len() > floor => drop(place.pop()),
            b".." => {}
            name => place.push(name.to_vec()),
        }
    }
    Some(place)
}

/// Returns how many names lead from the tar's root to the root of the volume that a folder is on.
fn volume_of(folder: &[&[u8]]) -> Option<usize> {
    let same = |name: &[u8], other: &[u8]| name::eq_folded(name, other);
    match folder {
        [files, ..] if same(files, b"Files") => Some(1),
        [vm, files, ..] if same(vm, b"UtilityVM") && same(files, b"Files") => Some(2),
        _ => None,
    }
}

/// Returns what follows the volume's root in an absolute target; `None` if it is not an absolute path there.
fn on_volume(slashed: &[u8]) -> Option<&[u8]> {
    let mut prefixes = DEVICE_PREFIXES.iter();
    let bare = prefixes.find_map(|prefix| slashed.strip_prefix(*prefix));
    match (bare, bare.unwrap_or(slashed)) {
        (_, [b'C' | b'c', b':']) => Some(b""),
        (_, [b'C' | b'c', b':', b'/', rest @ ..]) => Some(rest),
        // Two slashes begin a server's name.
        (None, [b'/', rest @ ..]) if !rest.starts_with(b"/") => Some(rest),
        _ => None,
    }
}

/// Returns the way from a folder to a place, both from the tar's root.
fn relative(folder: &[&[u8]], place: &[Vec<u8>]) -> Vec<u8> {
    let common = folder
        .iter()
        .zip(place)
        .take_while(|(name, other)| *name == other)
        .count();
    let up = std::iter::repeat_n(b"..".as_slice(), folder.len() - common);
    let down = place[common..].iter().map(Vec::as_slice);
    let way: Vec<&[u8]> = up.chain(down).collect();
    if way.is_empty() {
        return b".".to_vec();
    }
    way.join(&b'/')
}
