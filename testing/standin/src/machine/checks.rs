//! What the arguments of calls have to be.

use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};
use transom_windows::{Descriptor, Guid};

use super::failure::Failure;
use super::registry::Registry;

/// A path as the service knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The path as text, without what only lifts the limit of its length.
    pub(super) key: String,
    pub(super) path: PathBuf,
}

impl Place {
    /// Checks that a path is absolute and plain.
    pub(super) fn of(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let text = path
            .to_str()
            .ok_or_else(|| Failure::wrong(format!("{shown} is no text")))?;
        let text = text.strip_prefix(r"\\?\").unwrap_or(text);
        let path = Path::new(text);
        if !path.is_absolute() {
            return Err(Failure::wrong(format!("{shown} is not absolute")));
        }
        if path.components().any(|part| part == Component::ParentDir) {
            return Err(Failure::wrong(format!("{shown} has .. in it")));
        }
        // Rebuilding it takes away doubled and trailing separators.
        let path: PathBuf = path.components().collect();
        let key = path.to_string_lossy().into_owned();
        Ok(Self { key, path })
    }

    pub(super) fn name(&self) -> String {
        base_name(&self.path)
    }
}

fn base_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// A name of which it is known what Windows makes of it: bd9c3ef9-f239-59b5-a27e-15c523b1d149.
const KNOWN: (&str, Guid) = (
    "4",
    Guid([
        0xf9, 0x3e, 0x9c, 0xbd, 0x39, 0xf2, 0xb5, 0x59, 0xa2, 0x7e, 0x15, 0xc5, 0x23, 0xb1, 0xd1,
        0x49,
    ]),
);

/// Makes an id of a name: 16 bytes of its SHA-256. Windows makes it another way, which nobody has published.
pub(super) fn guid_of(name: &str) -> Guid {
    if name == KNOWN.0 {
        return KNOWN.1;
    }
    let digest: [u8; 32] = Sha256::digest(name.as_bytes()).into();
    Guid(std::array::from_fn(|index| digest[index]))
}

/// Checks the parents of a layer against what is known, and remembers them. Returns their folders.
pub(super) fn parents(
    registry: &mut Registry,
    layer: &Place,
    descriptors: &[Descriptor],
) -> Result<Vec<PathBuf>, Failure> {
    let mut keys = Vec::new();
    let mut paths = Vec::new();
    for descriptor in descriptors {
        let place = descriptor_place(descriptor)?;
        if keys.contains(&place.key) || place.key == layer.key {
            return Err(Failure::wrong(format!("{} is named twice", place.key)));
        }
        keys.push(place.key);
        paths.push(place.path);
    }
    for (index, key) in keys.iter().enumerate() {
        let below = keys.get(index + 1..).unwrap_or_default();
        match registry.known(key).parents {
            Some(known) if known != below => {
                return Err(Failure::wrong(format!(
                    "{key} has the parents {known:?}, not {below:?}: the immediate one comes first, the base last"
                )));
            }
            _ => {}
        }
    }
    let known = registry.layer(&layer.key);
    if let Some(name) = &known.parent_name {
        let first = paths
            .first()
            .map_or_else(String::new, |path| base_name(path));
        if *name != first {
            return Err(Failure::wrong(format!(
                "CreateLayer was told the parent {name:?}, this call {first:?}"
            )));
        }
    }
    match &known.parents {
        Some(before) if *before != keys => Err(Failure::wrong(format!(
            "{} had the parents {before:?} before, and now {keys:?}",
            layer.key
        ))),
        _ => {
            known.parents = Some(keys);
            Ok(paths)
        }
    }
}

fn descriptor_place(descriptor: &Descriptor) -> Result<Place, Failure> {
    let place = Place::of(&descriptor.path)?;
    if descriptor.id != guid_of(&place.name()) {
        return Err(Failure::wrong(format!(
            "{} is not the id of {}",
            descriptor.id, place.key
        )));
    }
    if !place.path.join("Files").is_dir() {
        return Err(Failure::wrong(format!(
            "{} is no layer: it has no Files",
            place.key
        )));
    }
    Ok(place)
}
