//! `sandbox.vhdx`: which volume a writable layer has, and how large it is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

const NAME: &str = "sandbox.vhdx";
const FIRST_LINE: &str = "disk of the stand-in";

/// What Windows makes a layer's disk of.
const DEFAULT_SIZE: u64 = 20 << 30;

/// A writable layer's disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Disk {
    pub(super) id: String,
    pub(super) size: u64,
}

impl Disk {
    /// Returns one of the default size with an id that no other has.
    pub(super) fn new(layer: &Path) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let seed = format!(
            "{} {:?} {}",
            layer.display(),
            now.unwrap_or_default(),
            std::process::id()
        );
        let digest = Sha256::digest(seed.as_bytes());
        Self {
            id: hex::encode(digest).chars().take(16).collect(),
            size: DEFAULT_SIZE,
        }
    }

    /// Reads a layer's; `None` if the layer is read-only.
    pub(super) fn of(layer: &Path) -> io::Result<Option<Self>> {
        Self::read(&layer.join(NAME))
    }

    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let text = match fs::read_to_string(path) {
            Err(error) if is_missing(&error) => return Ok(None),
            text => text?,
        };
        let mut lines = text.lines();
        let disk = (lines.next() == Some(FIRST_LINE)).then(|| {
            let id = lines.next()?.strip_prefix("id ")?.to_owned();
            let size = lines.next()?.strip_prefix("size ")?.parse().ok()?;
            Some(Self { id, size })
        });
        match disk.flatten() {
            Some(disk) => Ok(Some(disk)),
            None => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{} is no disk of the stand-in", path.display()),
            )),
        }
    }

    pub(super) fn write(&self, layer: &Path) -> io::Result<()> {
        let text = format!("{FIRST_LINE}\nid {}\nsize {}\n", self.id, self.size);
        fs::write(layer.join(NAME), text)
    }

    /// Returns the folder that is the disk's volume.
    pub(super) fn volume(&self, state: &Path) -> PathBuf {
        state.join("volumes").join(&self.id)
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
