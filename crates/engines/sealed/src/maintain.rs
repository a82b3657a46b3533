//! Keeping the store honest: verify what is at rest, tell what takes space, give space back.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use transom_layer::{BlobDigest, DiffId, Hasher, Names};

use crate::catalog::{self, ImageRecord, LayerRecord};
use crate::durable::{self, FileError, Named};
use crate::image::Removed;
use crate::index::{IndexSummary, RebuildError, rebuild};
use crate::space::allocated;
use crate::store::{Store, StoreError, digest_of};
use crate::streams::HashingWriter;

/// Bytes read at once while verifying.
const BLOCK: usize = 1024 * 1024;

/// Why an index that is whole may be another than its tar gives.
pub(crate) const OF_ANOTHER_VERSION: &str = "another version of this program may have made it";

/// Something in the store that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// A file of the store cannot be read.
    #[error("layer {layer}: {what} cannot be read: {reason}")]
    Unreadable {
        /// The layer.
        layer: DiffId,
        /// Which file.
        what: &'static str,
        /// What the system said.
        reason: String,
    },
    /// A tar has other bytes than its name says.
    #[error("layer {layer}: its tar has the digest {found}")]
    Tar {
        /// The layer.
        layer: DiffId,
        /// The digest of what is there.
        found: DiffId,
    },
    /// An index is not the one that was written.
    #[error("layer {layer}: its index has changed since it was written")]
    Index {
        /// The layer.
        layer: DiffId,
    },
    /// An index is as it was written, but another than the tar gives now.
    #[error("layer {layer}: its index does not agree with its tar: {reason}")]
    IndexOfAnother {
        /// The layer.
        layer: DiffId,
        /// In what.
        reason: String,
    },
    /// A kept blob has other bytes than its name says.
    #[error("blob {blob} of layer {layer} has the digest {found}")]
    Blob {
        /// The layer it inflates to.
        layer: DiffId,
        /// The blob.
        blob: BlobDigest,
        /// The digest of what is there.
        found: BlobDigest,
    },
    /// A manifest or config is missing or has other bytes than its name says.
    #[error("image {image}: document {document} is missing or damaged")]
    Document {
        /// The image.
        image: BlobDigest,
        /// The document.
        document: BlobDigest,
    },
}

/// What takes how much space, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// Sum of the tars of all images, each counted as often as an image has it.
    pub logical: u64,
    /// Sum of all tars in the store, each counted once.
    pub tars: u64,
    /// Of these, tars that more than one image has.
    pub shared: u64,
    /// Indexes of layers.
    pub indexes: u64,
    /// Compressed layers that are kept to be written out unchanged.
    pub blobs: u64,
    /// Merged indexes: a cache.
    pub chains: u64,
    /// What writable layers hold, as the file system allocates it; what this user may not see is left out.
    pub writable: u64,
    /// The catalog.
    pub catalog: u64,
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
        self.tars + self.indexes + self.blobs + self.chains + self.writable + self.catalog
    }
}

impl Store {
    /// Checks one layer: the tar against its digest, the index against the tar, kept blobs against
    /// theirs. `progress` is called with bytes just read.
    ///
    /// # Errors
    /// [`StoreError`] if the catalog cannot be read; what is damaged is a value, not an error.
    pub fn verify_layer(
        &self,
        layer: &LayerRecord,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Vec<Damage>, StoreError> {
        let mut damages = Vec::new();
        let id = layer.diff_id;
        let unreadable = |what, error: &dyn std::fmt::Display| Damage::Unreadable {
            layer: id,
            what,
            reason: error.to_string(),
        };
        match index_digest(&self.layout.index(id)) {
            Ok(found) if found == layer.index_digest => {}
            Ok(_) => damages.push(Damage::Index { layer: id }),
            Err(error) => damages.push(unreadable("its index", &error)),
        }
        match self.check_tar(layer, progress) {
            Ok(Ok(())) => {}
            Ok(Err(damage)) => damages.push(damage),
            Err(error) => damages.push(unreadable("its tar", &error)),
        }
        for blob in self
            .blobs()?
            .into_iter()
            .filter(|blob| blob.diff_id == id && blob.kept)
        {
            match file_digest(&self.layout.blob(blob.digest), progress) {
                Ok(found) if found == blob.digest => {}
                Ok(found) => damages.push(Damage::Blob {
                    layer: id,
                    blob: blob.digest,
                    found,
                }),
                Err(error) => damages.push(unreadable("a kept blob", &error)),
            }
        }
        Ok(damages)
    }

    /// Reads a tar for its digest, then makes its index again.
    fn check_tar(
        &self,
        layer: &LayerRecord,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Result<(), Damage>, FileError> {
        let path = self.layout.tar(layer.diff_id);
        let tar = durable::open_file(&path)?;
        let found = DiffId(file_digest(&path, progress)?.0);
        if found != layer.diff_id {
            return Ok(Err(Damage::Tar {
                layer: layer.diff_id,
                found,
            }));
        }
        let reason = match index_again(&tar, layer.size, layer.names) {
            Ok((_, digest)) if digest == layer.index_digest => return Ok(Ok(())),
            Ok(_) => OF_ANOTHER_VERSION.to_owned(),
            Err(error) => error.to_string(),
        };
        Ok(Err(Damage::IndexOfAnother {
            layer: layer.diff_id,
            reason,
        }))
    }

    /// Checks the documents of an image.
    ///
    /// # Errors
    /// [`StoreError`] if the catalog cannot be read.
    pub fn verify_documents(&self, image: &ImageRecord) -> Result<Vec<Damage>, StoreError> {
        let mut damages = Vec::new();
        for document in [image.manifest, image.config] {
            if self
                .document(document)?
                .is_none_or(|bytes| digest_of(&bytes) != document)
            {
                damages.push(Damage::Document {
                    image: image.manifest,
                    document,
                });
            }
        }
        Ok(damages)
    }

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
        let folder = self.layout.writables();
        let writable = durable::names_in(&folder)?
            .iter()
            .map(|name| allocated(&folder.join(name)))
            .sum();
        let mut usage = Usage {
            catalog: self.catalog_size(),
            chains: folder_size(&self.layout.chains())?,
            writable,
            reclaimable: folder_size(&self.layout.trash())?,
            ..Usage::default()
        };
        let sizes: HashMap<DiffId, u64> = layers.iter().map(|l| (l.diff_id, l.size)).collect();
        let mut users: HashMap<DiffId, usize> = HashMap::new();
        for layer in images.iter().flat_map(distinct_layers) {
            *users.entry(layer).or_default() += 1;
        }
        for layer in &layers {
            usage.tars += layer.size;
            usage.indexes += layer.index_size;
            if users.get(&layer.diff_id).is_some_and(|count| *count > 1) {
                usage.shared += layer.size;
            }
        }
        for layer in &unused {
            usage.reclaimable += layer.size + layer.index_size;
        }
        let needed = needed_blobs(&images);
        for blob in blobs.iter().filter(|blob| blob.kept) {
            usage.blobs += blob.size;
            if !needed.contains(&blob.digest) && !leased.contains(&blob.diff_id) {
                usage.reclaimable += blob.size;
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

    /// Deletes layers and blobs that no image names and no running operation uses, merged indexes
    /// without an image, and what is in the trash. With `blobs`, also every kept blob: images can
    /// then be written out with new digests only.
    ///
    /// # Errors
    /// [`StoreError`]; a second call completes the work.
    pub fn collect_garbage(&self, blobs: bool) -> Result<Removed, StoreError> {
        let mut removed = Removed {
            bytes: folder_size(&self.layout.trash())?,
            ..Removed::default()
        };
        self.catalog
            .write(|tx| -> Result<(), StoreError> {
                self.drop_unused_layers(tx, None, &mut removed)?;
                let needed = needed_blobs(&catalog::images(tx)?);
                let leased = catalog::leased_layers(tx)?;
                for blob in catalog::blobs(tx)?.iter().filter(|blob| blob.kept) {
                    // A running operation may be about to add the image that names it.
                    let is_leased = leased.contains(&blob.diff_id);
                    if !is_leased && (blobs || !needed.contains(&blob.digest)) {
                        self.discard_if_there(&self.layout.blob(blob.digest))?;
                        catalog::drop_blob_bytes(tx, blob.digest)?;
                        removed.bytes += blob.size;
                    }
                }
                Ok(())
            })
            .inspect_err(|_| self.put_back())?;
        removed.bytes += self.drop_unused_chains()?;
        removed.bytes += self.drop_set_aside()?;
        self.empty_trash()?;
        Ok(removed)
    }

    fn catalog_size(&self) -> u64 {
        let catalog = self.layout.catalog();
        ["", "-wal", "-shm"]
            .iter()
            .map(|suffix| {
                let mut path = catalog.clone().into_os_string();
                path.push(suffix);
                std::fs::metadata(path).map_or(0, |metadata| metadata.len())
            })
            .sum()
    }
}

/// The layers of an image, each once.
fn distinct_layers(image: &ImageRecord) -> HashSet<DiffId> {
    image.layers.iter().map(|layer| layer.diff_id).collect()
}

/// The blobs by which images name their layers.
fn needed_blobs(images: &[ImageRecord]) -> HashSet<BlobDigest> {
    let layers = images.iter().flat_map(|image| &image.layers);
    layers.map(|layer| layer.blob).collect()
}

fn read_blocks(
    mut file: &File,
    progress: &(dyn Fn(u64) + Sync),
    mut each: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                each(&block[..count]);
                progress(count as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Makes the index of a tar again, to be compared only.
pub(crate) fn index_again(
    tar: &File,
    size: u64,
    names: Names,
) -> Result<(IndexSummary, BlobDigest), RebuildError> {
    let mut out = HashingWriter::new(io::sink());
    let summary = rebuild(tar, size, names, &mut out)?;
    Ok((summary, out.finish()))
}

/// Returns the digest of a file.
pub(crate) fn file_digest(
    path: &Path,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<BlobDigest, FileError> {
    let file = durable::open_file(path)?;
    let mut hasher = Hasher::new();
    read_blocks(&file, progress, |block| hasher.update(block)).named("read", path)?;
    Ok(BlobDigest(hasher.finish()))
}

/// Returns the digest of an index, which is read too quickly to tell of.
pub(crate) fn index_digest(path: &Path) -> Result<BlobDigest, FileError> {
    file_digest(path, &|_| {})
}

fn folder_size(path: &Path) -> Result<u64, FileError> {
    let mut size = 0;
    for name in durable::names_in(path)? {
        let path = path.join(name);
        // Another process may delete it meanwhile.
        let Ok(metadata) = std::fs::symlink_metadata(&path) else {
            continue;
        };
        size += if metadata.is_dir() {
            folder_size(&path)?
        } else {
            metadata.len()
        };
    }
    Ok(size)
}
