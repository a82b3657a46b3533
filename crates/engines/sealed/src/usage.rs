//! What takes how much space.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use transom_layer::{BlobDigest, DiffId};

use crate::catalog::{self, ImageRecord};
use crate::durable::{self, FileError};
use crate::space::{Space, allocated};
use crate::store::{Store, StoreError};

/// What takes how much space, in bytes as the file system allocates them (on Windows as files are long). What this user
/// may not see is left out, and what is mounted in the root is not counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// Sum of the lengths of the tars of all images, each counted as often as an image has it.
    pub logical: u64,
    /// All tars in the store, each counted once.
    pub tars: u64,
    /// Of these, tars that more than one image has.
    pub shared: u64,
    /// Indexes of layers.
    pub indexes: u64,
    /// Compressed layers that are kept to be written out unchanged.
    pub blobs: u64,
    /// Merged indexes: a cache.
    pub chains: u64,
    /// What writable layers hold.
    pub writable: u64,
    /// The catalog.
    pub catalog: u64,
    /// The notes from which the catalog can be made again.
    pub notes: u64,
    /// Damaged layers and old catalogs that were set aside.
    pub quarantine: u64,
    /// What running operations write.
    pub staging: u64,
    /// What is being deleted.
    pub trash: u64,
    /// The rest: folders, locks, and what is not of this program.
    pub other: u64,
    /// What `gc` would give back.
    pub reclaimable: u64,
    /// Each image.
    pub images: Vec<ImageUsage>,
}

/// What one image takes, in bytes of tars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUsage {
    /// The image.
    pub image: ImageRecord,
    /// All its layers.
    pub size: u64,
    /// Layers that no other image has.
    pub unique: u64,
}

impl Usage {
    /// Returns the sum of all that is on disk.
    pub fn total(&self) -> u64 {
        [
            self.tars,
            self.indexes,
            self.blobs,
            self.chains,
            self.writable,
            self.catalog,
            self.notes,
            self.quarantine,
            self.staging,
            self.trash,
            self.other,
        ]
        .iter()
        .sum()
    }
}

impl Store {
    /// Tells what takes how much space.
    ///
    /// # Errors
    /// [`StoreError`] if the catalog or a folder cannot be read.
    pub fn usage(&self) -> Result<Usage, StoreError> {
        let (layers, blobs, images, unused, leased) = self.catalog.read(|tx| {
            Ok::<_, StoreError>((
                catalog::layers(tx)?,
                catalog::blobs(tx)?,
                catalog::images(tx)?,
                catalog::unused_layers(tx)?,
                catalog::leased_layers(tx)?,
            ))
        })?;
        let mut usage = self.usage_of_folders()?;
        let sizes: HashMap<DiffId, u64> = layers.iter().map(|l| (l.diff_id, l.size)).collect();
        let mut users: HashMap<DiffId, usize> = HashMap::new();
        for layer in images.iter().flat_map(distinct_layers) {
            *users.entry(layer).or_default() += 1;
        }
        for layer in &layers {
            let tar = allocated(&self.layout.tar(layer.diff_id));
            let index = allocated(&self.layout.index(layer.diff_id));
            usage.tars += tar;
            usage.indexes += index;
            // It was counted with its folder.
            usage.other = usage.other.saturating_sub(tar + index);
            if users.get(&layer.diff_id).is_some_and(|count| *count > 1) {
                usage.shared += tar;
            }
        }
        for layer in &unused {
            usage.reclaimable += allocated(&self.layout.layer(layer.diff_id));
        }
        let needed = needed_blobs(&images);
        for blob in blobs.iter().filter(|blob| blob.kept) {
            if !needed.contains(&blob.digest) && !leased.contains(&blob.diff_id) {
                usage.reclaimable += allocated(&self.layout.blob(blob.digest));
            }
        }
        for (_, size) in self.unused_chains()? {
            usage.reclaimable += size;
        }
        for image in images {
            let (mut size, mut unique) = (0, 0);
            for layer in distinct_layers(&image) {
                let own = sizes.get(&layer).copied().unwrap_or_default();
                size += own;
                if users.get(&layer) == Some(&1) {
                    unique += own;
                }
            }
            usage.logical += size;
            usage.images.push(ImageUsage {
                image,
                size,
                unique,
            });
        }
        Ok(usage)
    }

    /// Counts all that is in the root, layers with what is `other`.
    fn usage_of_folders(&self) -> Result<Usage, StoreError> {
        let mut usage = Usage::default();
        let mut space = Space::default();
        for (path, name) in crate::fsck::entries(self.layout.root())? {
            let own = own_size(&path);
            let bytes = space.taken_by(&path).saturating_sub(own);
            usage.other += own;
            match name.as_deref() {
                Some("blobs") => usage.blobs += bytes,
                Some("chains") => usage.chains += bytes,
                Some("writable") => usage.writable += bytes,
                Some("quarantine") => usage.quarantine += bytes,
                Some("staging") => usage.staging += bytes,
                Some("trash") => usage.trash += bytes,
                Some("notes.log" | "notes.log.new") => usage.notes += bytes,
                Some("transom.db" | "transom.db-wal" | "transom.db-shm") => usage.catalog += bytes,
                // Windows' own layers: whoever can read them counts them.
                Some("windowsfilter") if cfg!(windows) => {}
                _ => usage.other += bytes,
            }
        }
        usage.other += own_size(self.layout.root());
        usage.reclaimable = self.trash_size()?;
        Ok(usage)
    }

    /// What is being deleted takes this.
    pub(crate) fn trash_size(&self) -> Result<u64, FileError> {
        let trash = self.layout.trash();
        let names = durable::names_in(&trash)?.into_iter();
        Ok(names.map(|name| allocated(&trash.join(name))).sum())
    }
}

/// What a folder takes without all that is in it; nothing for what is no folder.
fn own_size(path: &Path) -> u64 {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::symlink_metadata(path).ok();
        let folder = metadata.filter(|metadata| metadata.is_dir());
        folder.map_or(0, |folder| folder.blocks() * 512)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        0
    }
}

/// The layers of an image, each once.
fn distinct_layers(image: &ImageRecord) -> HashSet<DiffId> {
    image.layers.iter().map(|layer| layer.diff_id).collect()
}

/// The blobs by which images name their layers.
pub(crate) fn needed_blobs(images: &[ImageRecord]) -> HashSet<BlobDigest> {
    let layers = images.iter().flat_map(|image| &image.layers);
    layers.map(|layer| layer.blob).collect()
}
