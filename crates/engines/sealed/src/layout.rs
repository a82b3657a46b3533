//! Where things lie under the root. Only ids on disk, never absolute paths, so that a root can be moved.
//!
//! ```text
//! <root>/
//!   transom.db              the catalog
//!   notes.log               what the catalog knows, told again: it can be made again from it
//!   store.lock              held by all that have the store open, and alone by who makes the catalog again
//!   layers/<diffid>/        layer.tar, index.erofs
//!   quarantine/<diffid>/    a damaged layer, until the same one is imported again
//!   blobs/<digest>          compressed layers, byte for byte as they came
//!   chains/<name>.erofs     merged indexes: a cache
//!   writable/<id>/          upper, work (or scratch.img that holds them), lock
//!   mounts/<id>/            mount points: raw, volume, scratch
//!   mounts.lock             held while something is being mounted or unmounted
//!   staging/<holder>/       what a running operation writes; <holder>.lock is held while it lives
//!   trash/                  what is being deleted
//!   turns/<2 digits>        held while a blob whose digest begins so is being fetched
//! ```

use std::path::{Path, PathBuf};

use transom_layer::{BlobDigest, DiffId};

use crate::durable::{self, FileError};

/// The folders and files of one root.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Makes nothing.
    pub(crate) fn of(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Returns the root.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns a path as it is below the root.
    pub(crate) fn below_root(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_owned()
    }

    /// Makes the folders that are missing.
    pub(crate) fn create(root: &Path) -> Result<Self, FileError> {
        let layout = Self::of(root);
        for folder in [
            layout.layers(),
            layout.blobs(),
            layout.chains(),
            layout.writables(),
            layout.mounts(),
            layout.staging(),
            layout.trash(),
            layout.turns(),
        ] {
            durable::create_dir(&folder)?;
        }
        Ok(layout)
    }

    pub(crate) fn catalog(&self) -> PathBuf {
        self.root.join("transom.db")
    }

    /// The catalog with the files that SQLite keeps beside it.
    pub(crate) fn catalog_files(&self) -> [PathBuf; 3] {
        ["transom.db-wal", "transom.db-shm", "transom.db"].map(|name| self.root.join(name))
    }

    pub(crate) fn notes(&self) -> PathBuf {
        self.root.join("notes.log")
    }

    pub(crate) fn store_lock(&self) -> PathBuf {
        self.root.join("store.lock")
    }

    pub(crate) fn layers(&self) -> PathBuf {
        self.root.join("layers")
    }

    pub(crate) fn layer(&self, id: DiffId) -> PathBuf {
        self.layers().join(id.0.hex())
    }

    pub(crate) fn tar(&self, id: DiffId) -> PathBuf {
        self.layer(id).join(TAR)
    }

    pub(crate) fn index(&self, id: DiffId) -> PathBuf {
        self.layer(id).join(INDEX)
    }

    pub(crate) fn quarantines(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    pub(crate) fn quarantine(&self, id: DiffId) -> PathBuf {
        self.quarantines().join(id.0.hex())
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    pub(crate) fn blob(&self, digest: BlobDigest) -> PathBuf {
        self.blobs().join(digest.0.hex())
    }

    pub(crate) fn chains(&self) -> PathBuf {
        self.root.join("chains")
    }

    pub(crate) fn writables(&self) -> PathBuf {
        self.root.join("writable")
    }

    pub(crate) fn writable(&self, id: &str) -> PathBuf {
        self.writables().join(id)
    }

    pub(crate) fn mounts(&self) -> PathBuf {
        self.root.join("mounts")
    }

    pub(crate) fn mounts_lock(&self) -> PathBuf {
        self.root.join("mounts.lock")
    }

    pub(crate) fn mount_points(&self, id: &str) -> PathBuf {
        self.mounts().join(id)
    }

    pub(crate) fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    pub(crate) fn trash(&self) -> PathBuf {
        self.root.join("trash")
    }

    pub(crate) fn turns(&self) -> PathBuf {
        self.root.join("turns")
    }

    pub(crate) fn turn(&self, digest: BlobDigest) -> PathBuf {
        let mut digits = digest.0.hex();
        digits.truncate(2);
        self.turns().join(digits)
    }

    /// Says whether a name in one of the folders that the catalog decides about is of the form this program gives. What
    /// else lies there is nobody's to remove.
    pub(crate) fn is_own_name(&self, folder: &Path, name: &str) -> bool {
        match folder == self.writables() {
            true => is_writable_folder(&folder.join(name)),
            false => is_digest_name(name),
        }
    }
}

/// Name of the sealed tar in a layer's folder.
pub(crate) const TAR: &str = "layer.tar";
/// Name of the index in a layer's folder.
pub(crate) const INDEX: &str = "index.erofs";

/// Folder of a writable layer that takes the changes.
pub(crate) const UPPER: &str = "upper";
/// The kernel's own folder beside it; there once the layer was mounted.
pub(crate) const WORK: &str = "work";
/// Locked while somebody uses a writable layer.
pub(crate) const LOCK: &str = "lock";
/// Holds `upper` and `work` of a writable layer with a size.
pub(crate) const SCRATCH: &str = "scratch.img";

/// What the root has besides folders of [`Layout`]: the catalog with SQLite's files, locks, and what other crates keep.
const OF_ROOT: [&str; 17] = [
    "transom.db",
    "transom.db-wal",
    "transom.db-shm",
    "notes.log",
    "notes.log.new",
    "store.lock",
    "layers",
    "quarantine",
    "blobs",
    "chains",
    "writable",
    "mounts",
    "mounts.lock",
    "staging",
    "trash",
    "turns",
    "graphdriver",
];

/// Says whether a name in the root is one that this program gives.
pub(crate) fn is_of_root(name: &str) -> bool {
    // Windows' layers lie in a folder of their own there.
    OF_ROOT.contains(&name) || (cfg!(windows) && name == "windowsfilter")
}

/// Says whether a name in `layers/` or `blobs/` is of the form that this program gives.
pub(crate) fn is_digest_name(name: &str) -> bool {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    name.len() == 64 && name.bytes().all(is_digit)
}

/// Says whether a folder in `writable/` could be this program's by what is in it.
pub(crate) fn is_writable_folder(path: &Path) -> bool {
    [LOCK, UPPER, SCRATCH]
        .iter()
        .any(|name| path.join(name).symlink_metadata().is_ok())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The page that tells people what lies where.
    pub(crate) fn document() -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/formats/store.md");
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn the_document_of_the_format_names_every_folder_and_file() {
        let (document, root) = (document(), tempfile::tempdir().unwrap());
        let layout = Layout::create(root.path()).unwrap();
        let mut names: Vec<String> = durable::names_in(root.path()).unwrap();
        let catalog = layout.catalog();
        names.push(catalog.file_name().unwrap().to_str().unwrap().to_owned());
        assert_eq!(names.len(), 9);
        for name in names.iter().map(String::as_str).chain([TAR, INDEX]) {
            assert!(document.contains(name), "{name}");
        }
    }
}
