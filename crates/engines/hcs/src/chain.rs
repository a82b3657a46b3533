//! `layerchain.json`: a layer's parents, and `layerId`: its other id (moby daemon/graphdriver/windows).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::durable;

pub(crate) const CHAIN: &str = "layerchain.json";

/// Why a layer's parents are not known.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The file cannot be read or written.
    #[error("cannot {verb} {}", .path.display())]
    Io {
        /// What was being done.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is there and is no list of folders: it was torn when the power failed, most likely.
    #[error("{} is damaged ({what}); {repair}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
        /// What to do about it.
        repair: String,
    },
}

/// Reads the folders of a layer's parents, the immediate one first. No file means that there are none.
///
/// Paths are absolute and of the time when the layer was made; where one is gone and `home` has a layer of that name,
/// the store was moved, and it is that one.
pub(crate) fn read(home: &Path, layer: &Path) -> Result<Vec<PathBuf>, ChainError> {
    let path = layer.join(CHAIN);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(|source| ChainError::Io {
            verb: "read",
            path: path.clone(),
            source,
        })?,
    };
    let parents = parse(&bytes).map_err(|what| ChainError::Damaged {
        repair: repair(home, layer),
        path,
        what,
    })?;
    Ok(parents
        .into_iter()
        .map(|parent| relocate(home, parent))
        .collect())
}

pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<PathBuf>, String> {
    if !bytes.is_empty() && bytes.iter().all(|byte| *byte == 0) {
        return Err(format!("{} bytes, all of them NUL", bytes.len()));
    }
    let parents: Option<Vec<PathBuf>> =
        serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    Ok(parents.unwrap_or_default())
}

/// Returns the last part of a path of Windows or of this system.
pub(crate) fn base_name(path: &Path) -> String {
    let text = path.to_string_lossy();
    let text = text.trim_end_matches(['\\', '/']);
    text.rsplit(['\\', '/'])
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn relocate(home: &Path, parent: PathBuf) -> PathBuf {
    let here = home.join(base_name(&parent));
    if !parent.exists() && here.is_dir() {
        return here;
    }
    parent
}

/// Says how the file can be made again: a layer built on this one names its parents, too.
fn repair(home: &Path, layer: &Path) -> String {
    let name = base_name(layer);
    let child = layers(home)
        .filter_map(|other| parse(&fs::read(other.join(CHAIN)).ok()?).ok())
        .find_map(|chain| {
            let at = chain.iter().position(|parent| base_name(parent) == name)?;
            serde_json::to_string(chain.get(at + 1..)?).ok()
        });
    match child {
        Some(parents) => format!("a layer built on this one says that it is to hold {parents}"),
        None => "remove the layer, and pull or load its image again".to_owned(),
    }
}

/// Lists folders of a store that may be layers.
pub(crate) fn layers(home: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(home).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir() && !base_name(path).starts_with('.'))
}

pub(crate) fn write(layer: &Path, parents: &[PathBuf]) -> Result<(), ChainError> {
    let path = layer.join(CHAIN);
    // Docker writes null where there are no parents.
    let json = match parents {
        [] => "null".to_owned(),
        parents => serde_json::to_string(parents).map_err(|error| ChainError::Damaged {
            path: path.clone(),
            what: error.to_string(),
            repair: "keep the store in a folder whose name is valid Unicode".to_owned(),
        })?,
    };
    durable::write(&path, json.as_bytes()).map_err(|source| ChainError::Io {
        verb: "write",
        path,
        source,
    })
}

/// Returns the id under which a layer's folder is kept, if it has another than the one it is asked for by.
///
/// Docker reads `layerID` and writes `layerId`: one file where names are found in any case.
pub(crate) fn other_id(layer: &Path) -> Result<Option<String>, ChainError> {
    for name in ["layerId", "layerID"] {
        let path = layer.join(name);
        match fs::read_to_string(&path) {
            Ok(id) => return Ok(Some(id)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => {
                return Err(ChainError::Io {
                    verb: "read",
                    path,
                    source,
                });
            }
        }
    }
    Ok(None)
}
