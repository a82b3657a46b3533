//! Images: adding them to the store, naming them, taking them away.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use transom_layer::{BlobDigest, ChainId, DiffId, Names, Whiteouts};

use crate::catalog::{self, BlobRecord, CatalogError, ImageLayer, ImageRecord, Platform};
use crate::chain::{ChainError, NOTHING, Stacking};
use crate::durable::{self, FileError};
use crate::space::allocated;
use crate::staging;
use crate::store::{self, Session, Store, StoreError};

/// An image to be added; its layers must have been imported in the same session.
#[derive(Debug, Clone)]
pub struct NewImage<'a> {
    /// The manifest, byte for byte.
    pub manifest: &'a [u8],
    /// Media type of the manifest.
    pub media_type: &'a str,
    /// The config, byte for byte.
    pub config: &'a [u8],
    /// What it is made for.
    pub platform: Platform,
    /// Its layers, base first.
    pub layers: Vec<ImageLayer>,
    /// Its names, `repository:tag`; another image that had one loses it.
    pub names: Vec<String>,
    /// What whiteouts do in it; `None`: as the writer of each layer meant them.
    pub whiteouts: Option<Whiteouts>,
    /// Refuse what is otherwise only noted.
    pub strict: bool,
}

/// An image that was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedImage {
    /// The image.
    pub record: ImageRecord,
    /// What was odd about its layers, in words.
    pub notes: Vec<String>,
}

/// An image that was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddImageError {
    /// Its layers do not make a stack.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a removal took away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Removed {
    /// Names taken away.
    pub names: Vec<String>,
    /// Images forgotten.
    pub images: Vec<BlobDigest>,
    /// Layers deleted.
    pub layers: Vec<DiffId>,
    /// Bytes given back: tars, indexes, kept blobs, merged indexes, what was in the trash.
    pub bytes: u64,
}

impl ImageRecord {
    /// Returns how names compare in the image.
    pub fn names_rule(&self) -> Names {
        if self.platform.os.eq_ignore_ascii_case("windows") {
            Names::Windows
        } else {
            Names::Posix
        }
    }

    /// Returns how its layers are stacked when the caller does not say otherwise.
    pub fn stacking(&self) -> Stacking {
        Stacking {
            names: self.names_rule(),
            whiteouts: None,
        }
    }
}

impl Session<'_> {
    /// Checks that the layers make a stack, then adds the image in one transaction.
    ///
    /// # Errors
    /// [`AddImageError`]; no image was added and no name moved.
    pub fn add_image(&self, image: NewImage<'_>) -> Result<AddedImage, AddImageError> {
        let mut record = ImageRecord {
            manifest: store::digest_of(image.manifest),
            config: store::digest_of(image.config),
            media_type: image.media_type.to_owned(),
            platform: image.platform,
            layers: image.layers,
            names: image.names,
            created: store::now(),
        };
        record.names.sort();
        record.names.dedup();
        let notes = self.check_stack(&record, image.whiteouts, image.strict)?;
        let catalog = &self.store.catalog;
        catalog
            .write(|tx| -> Result<_, CatalogError> {
                catalog::insert_document(tx, record.manifest, image.manifest)?;
                catalog::insert_document(tx, record.config, image.config)?;
                catalog::insert_image(tx, &record)
            })
            .map_err(StoreError::from)?;
        Ok(AddedImage { record, notes })
    }

    fn check_stack(
        &self,
        record: &ImageRecord,
        whiteouts: Option<Whiteouts>,
        strict: bool,
    ) -> Result<Vec<String>, ChainError> {
        let layers = record.diff_ids();
        let records: Vec<_> = layers
            .iter()
            .map(|id| self.store.layer(*id))
            .collect::<Result<_, _>>()?;
        let is_simple = records.len() <= 1
            && records.iter().all(|layer| {
                let plain = layer.whiteouts == 0 && layer.unresolved_links == 0;
                plain && layer.has_names(record.names_rule())
            });
        if is_simple {
            return Ok(Vec::new());
        }
        let stacking = Stacking {
            names: record.names_rule(),
            whiteouts,
        };
        let mut oddities = self.store.check_chain(&layers, stacking)?;
        if strict && !oddities.is_empty() {
            let first = oddities.swap_remove(0);
            return Err(ChainError::Rule {
                layer: first.layer,
                entry: first.entry,
                rule: first.rule,
            });
        }
        let note = |oddity: &crate::chain::Oddity| {
            format!(
                "layer {}: entry {:?}: {}",
                oddity.layer, oddity.entry, oddity.rule
            )
        };
        Ok(oddities.iter().map(note).collect())
    }
}

impl Store {
    /// Gives an image one more name; another image that had it loses it.
    ///
    /// # Errors
    /// [`StoreError`] if the catalog fails.
    pub fn name_image(&self, manifest: BlobDigest, name: &str) -> Result<(), StoreError> {
        Ok(self
            .catalog
            .write(|tx| catalog::insert_name(tx, name, manifest))?)
    }

    /// Takes one name of an image away, and the image with it if it has no other name.
    ///
    /// # Errors
    /// As [`Store::remove_image`].
    pub fn remove_name(&self, image: &ImageRecord, name: &str) -> Result<Removed, StoreError> {
        self.remove(image, Some(name))
    }

    /// Forgets an image with its names, and removes the layers that nothing else needs.
    ///
    /// Their files are out of the way at once, and deleted by [`Store::empty_trash`] or by whoever opens
    /// the store next: giving the blocks of a large tar back takes the system its time.
    ///
    /// # Errors
    /// [`StoreError::Mounted`]; others, after which nothing is lost, and a second call completes the work.
    pub fn remove_image(&self, image: &ImageRecord) -> Result<Removed, StoreError> {
        self.remove(image, None)
    }

    fn remove(&self, image: &ImageRecord, name: Option<&str>) -> Result<Removed, StoreError> {
        // Forgets mounts that are gone. What fails here fails again below.
        #[cfg(target_os = "linux")]
        let _ = self.recover_mounts();
        let mut removed = Removed::default();
        self.catalog
            .write(|tx| -> Result<(), StoreError> {
                // Others may have given the image names, or taken some away, since it was looked up.
                let names = catalog::names_of(tx, image.manifest)?;
                if let Some(name) = name.filter(|&name| names != [name]) {
                    catalog::delete_name(tx, name)?;
                    removed.names.push(name.to_owned());
                    return Ok(());
                }
                let mounts = catalog::mounts(tx)?.into_iter();
                let mut here = mounts.filter(|mount| mount.manifest == Some(image.manifest));
                if let Some(mount) = here.next() {
                    return Err(StoreError::Mounted {
                        manifest: image.manifest,
                        at: mount.target,
                    });
                }
                catalog::delete_image(tx, image.manifest)?;
                (removed.names, removed.images) = (names, vec![image.manifest]);
                let layers = image.diff_ids().into_iter().collect();
                self.drop_unused_layers(tx, Some(&layers), &mut removed)
            })
            .inspect_err(|_| self.put_back())?;
        if !removed.images.is_empty() {
            removed.bytes += self.drop_unused_chains()?;
        }
        Ok(removed)
    }

    /// Puts files back that a deletion has moved before its transaction failed.
    pub(crate) fn put_back(&self) {
        // If this fails, too, the next recovery does it.
        let _ = self.recover();
    }

    /// Moves layers that nothing needs into the trash, only those among `candidates` if given.
    pub(crate) fn drop_unused_layers(
        &self,
        tx: &rusqlite::Transaction<'_>,
        candidates: Option<&HashSet<DiffId>>,
        removed: &mut Removed,
    ) -> Result<(), StoreError> {
        let blobs = catalog::blobs(tx)?;
        for layer in catalog::unused_layers(tx)? {
            if candidates.is_some_and(|candidates| !candidates.contains(&layer.diff_id)) {
                continue;
            }
            let is_kept = |blob: &&BlobRecord| blob.kept && blob.diff_id == layer.diff_id;
            for blob in blobs.iter().filter(is_kept) {
                let path = self.layout.blob(blob.digest);
                removed.bytes += allocated(&path);
                self.discard_if_there(&path)?;
            }
            // Renamed before the commit: if that does not happen, recovery puts it back.
            let folder = self.layout.layer(layer.diff_id);
            removed.bytes += allocated(&folder);
            self.discard_if_there(&folder)?;
            catalog::delete_layer(tx, layer.diff_id)?;
            removed.layers.push(layer.diff_id);
        }
        Ok(())
    }

    pub(crate) fn discard_if_there(&self, path: &Path) -> Result<(), FileError> {
        match staging::discard(&self.layout, path) {
            Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// Deletes merged indexes of chains that nothing has any more.
    pub(crate) fn drop_unused_chains(&self) -> Result<u64, StoreError> {
        let mut bytes = 0;
        for (path, size) in self.unused_chains()? {
            if durable::delete_if_unused(&path)? {
                bytes += size;
            }
        }
        Ok(bytes)
    }

    /// Lists merged indexes of chains that nothing has any more, with their sizes.
    pub(crate) fn unused_chains(&self) -> Result<Vec<(PathBuf, u64)>, StoreError> {
        let names = durable::names_in(&self.layout.chains())?;
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let live: HashSet<String> = self
            .catalog
            .read(catalog::all_chains)?
            .iter()
            .map(|layers| ChainId::of(layers).map_or_else(|| NOTHING.to_owned(), |id| id.0.hex()))
            .collect();
        let mut chains = Vec::new();
        for name in names {
            let chain = name.split('.').next().unwrap_or_default();
            if !live.contains(chain) {
                let path = self.layout.chains().join(&name);
                // Another process may delete it meanwhile.
                let size = allocated(&path);
                chains.push((path, size));
            }
        }
        Ok(chains)
    }
}
