//! Keeping the store honest: verify what is at rest, give space back.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::thread;

use transom_layer::{BlobDigest, DiffId, Hasher, Names};

use crate::catalog::{self, ImageRecord, LayerRecord};
use crate::durable::{self, FileError, Named};
use crate::image::Removed;
use crate::index::{IndexSummary, RebuildError, rebuild};
use crate::space::allocated;
use crate::store::{Store, StoreError, digest_of};
use crate::streams::HashingWriter;
use crate::usage::needed_blobs;

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

    /// Reads a tar for its digest, and makes its index again beside that: each takes a processor.
    fn check_tar(
        &self,
        layer: &LayerRecord,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Result<(), Damage>, FileError> {
        let path = self.layout.tar(layer.diff_id);
        let tar = durable::open_file(&path)?;
        let (found, again) = thread::scope(|scope| {
            let again = scope.spawn(|| index_again(&tar, layer.size, layer.names));
            let found = file_digest(&path, progress);
            (
                found,
                again.join().expect("the index builder does not panic"),
            )
        });
        let found = DiffId(found?.0);
        if found != layer.diff_id {
            return Ok(Err(Damage::Tar {
                layer: layer.diff_id,
                found,
            }));
        }
        let reason = match again {
            Ok((_, digest)) if digest == layer.index_digest => return Ok(Ok(())),
            Ok(_) => OF_ANOTHER_VERSION.to_owned(),
            Err(error) => error.to_string(),
        };
        Ok(Err(Damage::IndexOfAnother {
            layer: layer.diff_id,
            reason,
        }))
    }

    /// Checks the documents of an image. One that was removed meanwhile has none, and no damage.
    ///
    /// # Errors
    /// [`StoreError`] if the catalog cannot be read.
    pub fn verify_documents(&self, image: &ImageRecord) -> Result<Vec<Damage>, StoreError> {
        self.catalog.read(|tx| {
            let mut damages = Vec::new();
            if !catalog::has_image(tx, image.manifest)? {
                return Ok(damages);
            }
            for document in [image.manifest, image.config] {
                let bytes = catalog::document(tx, document)?;
                if bytes.is_none_or(|bytes| digest_of(&bytes) != document) {
                    damages.push(Damage::Document {
                        image: image.manifest,
                        document,
                    });
                }
            }
            Ok(damages)
        })
    }

    /// Deletes layers and blobs that no image names and no running operation uses, merged indexes
    /// without an image, and what is in the trash. With `blobs`, also every kept blob: images can
    /// then be written out with new digests only.
    ///
    /// # Errors
    /// [`StoreError`]; a second call completes the work.
    pub fn collect_garbage(&self, blobs: bool) -> Result<Removed, StoreError> {
        let mut removed = Removed {
            bytes: self.trash_size()?,
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
                        let path = self.layout.blob(blob.digest);
                        removed.bytes += allocated(&path);
                        self.discard_if_there(&path)?;
                        catalog::drop_blob_bytes(tx, blob.digest)?;
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
    digest_of_open(&durable::open_file(path)?, path, progress)
}

/// Returns the digest of a file that is open, from where it is read next.
pub(crate) fn digest_of_open(
    file: &File,
    path: &Path,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<BlobDigest, FileError> {
    let mut hasher = Hasher::new();
    read_blocks(file, progress, |block| hasher.update(block)).named("read", path)?;
    Ok(BlobDigest(hasher.finish()))
}

/// Returns the digest of an index, which is read too quickly to tell of.
pub(crate) fn index_digest(path: &Path) -> Result<BlobDigest, FileError> {
    file_digest(path, &|_| {})
}
