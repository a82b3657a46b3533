//! The store: one root folder with its catalog, open in any number of processes at once.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use transom_layer::{BlobDigest, DiffId, Digest};

use crate::catalog::{
    self, BlobRecord, Catalog, CatalogError, ImageRecord, LayerRecord, NamedLayer,
};
use crate::durable::{self, FileError, Named};
use crate::fsck::damage_in;
use crate::image::Removed;
use crate::layout::Layout;
use crate::limits::Limits;
use crate::staging::{self, Staging};

/// A store that could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// An image that somebody looks at.
    #[error("image {manifest} is mounted at {}: unmount it first", at.display())]
    Mounted {
        /// The image.
        manifest: BlobDigest,
        /// Where.
        at: PathBuf,
    },
    /// A layer whose files are damaged and were set aside, or are gone.
    #[error("layer {0} is damaged: load or pull it again; `transom fsck` tells more")]
    Damaged(DiffId),
    /// There is no store at this place.
    #[error("there is no store at {}", .0.display())]
    NoStore(PathBuf),
    /// Somebody has the store open, which has to be left alone.
    #[error("the store at {} is in use: unmount its layers, and stop `transom serve` and whatever else has it open", .0.display())]
    InUse(PathBuf),
    /// The catalog knows no such layer.
    #[error("there is no layer {0} in the store")]
    NoLayer(DiffId),
    /// There is a layer of that name already.
    #[cfg(not(target_os = "linux"))]
    #[error("there is a layer {0:?} already")]
    NameTaken(String),
}

/// An open store.
#[derive(Debug)]
pub struct Store {
    pub(crate) layout: Layout,
    pub(crate) catalog: Catalog,
    pub(crate) limits: Limits,
    /// Says to who makes the catalog again that it is in use.
    pub(crate) _open: File,
}

impl Store {
    /// Opens the store at `root`, making it if it is missing, and puts right what a process that
    /// died has left behind.
    ///
    /// # Errors
    /// [`StoreError`] if a file or the catalog cannot be read or written.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let layout = Layout::create(root)?;
        // SQLite would let others read it, and gives its further files the mode of this one.
        drop(durable::open_lock(&layout.catalog())?);
        let open = share(&layout)?;
        let catalog = Catalog::open(&layout)?;
        let store = Self {
            layout,
            catalog,
            _open: open,
            limits: Limits::default(),
        };
        store.recover()?;
        Ok(store)
    }

    /// Bounds what is taken in from now on by this `Store`; others of the same folder have their own.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Returns the bounds on what is taken in.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Makes the disk follow the catalog. Doing it twice does no harm.
    pub(crate) fn recover(&self) -> Result<(), StoreError> {
        self.catalog.mend_notes()?;
        staging::clean_dead(&self.layout)?;
        if self.leaves_to_pick_up()? {
            // A catalog that has lost rows would have good layers taken for leftovers.
            if let Some(said) = self.catalog.read(damage_in)?.into_iter().next() {
                return Err(CatalogError::Damaged { said }.into());
            }
            self.catalog.write(|tx| {
                for holder in catalog::lease_holders(tx)? {
                    if !staging::may_live(&self.layout, &holder)? {
                        self.abandon_leases(tx, &holder)?;
                    }
                }
                self.reconcile(tx)
            })?;
        }
        // What cannot be unmounted now is still noted, or is found again.
        #[cfg(target_os = "linux")]
        let _ = self.recover_mounts();
        // What cannot be deleted now does no harm: the next recovery or `gc` tries again.
        let _ = self.empty_trash();
        Ok(())
    }

    /// Looks, without taking the write lock, whether disk and catalog differ. Another process
    /// in the middle of a commit looks like a difference, too: the lock sorts that out.
    fn leaves_to_pick_up(&self) -> Result<bool, StoreError> {
        let on_disk = self.own_names_in(&self.layout.layers())?;
        let blobs_on_disk = self.own_names_in(&self.layout.blobs())?;
        let writables_on_disk = self.own_names_in(&self.layout.writables())?;
        let set_aside = self.own_names_in(&self.layout.quarantines())?;
        self.catalog.read(|tx| {
            for holder in catalog::lease_holders(tx)? {
                if !staging::may_live(&self.layout, &holder)? {
                    return Ok(true);
                }
            }
            let mut layers = catalog::layer_digits(tx)?;
            layers.retain(|name| on_disk.contains(name) || !set_aside.contains(name));
            Ok(layers != on_disk
                || catalog::kept_blob_digits(tx)? != blobs_on_disk
                || known_writables(tx)? != writables_on_disk)
        })
    }

    /// Returns the names that the catalog has for each folder that it decides about.
    pub(crate) fn known_names(
        &self,
        tx: &rusqlite::Transaction<'_>,
    ) -> Result<[(PathBuf, HashSet<String>); 3], CatalogError> {
        known_names(&self.layout, tx)
    }

    /// Returns the names in one of these folders that are of the form this program gives. What else lies there is
    /// nobody's to remove.
    fn own_names_in(&self, folder: &Path) -> Result<HashSet<String>, FileError> {
        let names = durable::names_in(folder)?.into_iter();
        let own = names.filter(|name| self.layout.is_own_name(folder, name));
        Ok(own.collect())
    }

    /// Moves what the catalog does not know into the trash, and what it knows back out of it.
    fn reconcile(&self, tx: &rusqlite::Transaction<'_>) -> Result<(), StoreError> {
        let trash = durable::names_in(&self.layout.trash())?;
        for (folder, known) in self.known_names(tx)? {
            let on_disk = self.own_names_in(&folder)?;
            for name in on_disk.difference(&known) {
                staging::discard(&self.layout, &folder.join(name))?;
            }
            for name in known.difference(&on_disk) {
                // Its deletion was under way when the process died before the commit. That one is the
                // last: what is left of earlier ones may be half deleted.
                let mut found = trash.iter().rev();
                if let Some(found) = found.find(|entry| staging::name_before(entry) == name) {
                    durable::rename(&self.layout.trash().join(found), &folder.join(name))?;
                }
            }
            durable::sync_dir(&folder)?;
        }
        Ok(())
    }

    /// Deletes the files of removed layers. What the catalog still knows stays: that deletion is not committed.
    ///
    /// # Errors
    /// [`StoreError`] if the catalog or the folder fails; a second call goes on.
    pub fn empty_trash(&self) -> Result<(), StoreError> {
        let trash = durable::names_in(&self.layout.trash())?;
        if trash.is_empty() {
            return Ok(());
        }
        let known = self.catalog.read(|tx| -> Result<_, CatalogError> {
            Ok(catalog::layer_digits(tx)?
                .into_iter()
                .chain(catalog::kept_blob_digits(tx)?)
                .chain(known_writables(tx)?)
                .collect::<HashSet<_>>())
        })?;
        let mut result = Ok(());
        for entry in trash {
            let name = staging::name_before(&entry);
            let path = self.layout.trash().join(&entry);
            if !known.contains(name) || self.is_in_place(name)? {
                // One that cannot go does not keep the others.
                let deleted = durable::delete_if_unused(&path).map(drop);
                result = result.and(deleted.map_err(StoreError::from));
            }
        }
        result
    }

    /// Says whether the layer, blob or writable layer with this name is where it belongs.
    fn is_in_place(&self, name: &str) -> Result<bool, FileError> {
        let exists = |path: &Path| {
            path.try_exists().map_err(|source| FileError {
                verb: "find",
                path: path.to_owned(),
                source,
            })
        };
        for folder in [
            self.layout.layers(),
            self.layout.blobs(),
            self.layout.writables(),
        ] {
            if exists(&folder.join(name))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Begins an operation that adds to the store.
    ///
    /// # Errors
    /// [`StoreError`] if its folder cannot be made.
    pub fn session(&self) -> Result<Session<'_>, StoreError> {
        Ok(Session {
            store: self,
            staging: Staging::create(&self.layout)?,
            keeps_unused: false,
        })
    }

    /// Returns all layers, by id.
    ///
    /// # Errors
    /// [`StoreError`] if the catalog cannot be read.
    pub fn layers(&self) -> Result<Vec<LayerRecord>, StoreError> {
        Ok(self.catalog.read(catalog::layers)?)
    }

    /// Returns one layer.
    ///
    /// # Errors
    /// [`StoreError::NoLayer`] if there is none, others if the catalog cannot be read.
    pub fn layer(&self, id: DiffId) -> Result<LayerRecord, StoreError> {
        self.catalog
            .read(|tx| catalog::layer(tx, id))?
            .ok_or(StoreError::NoLayer(id))
    }

    /// Says whether the files of a layer are gone, or damaged and set aside. What needs it fails until the same layer
    /// is loaded or pulled again.
    pub fn is_set_aside(&self, id: DiffId) -> bool {
        !self.layout.layer(id).exists()
    }

    /// Returns a layer whose files are there.
    pub(crate) fn whole_layer(&self, id: DiffId) -> Result<LayerRecord, StoreError> {
        self.with_files(self.layer(id)?)
    }

    /// Returns layers whose files are there, in the order of `ids`; the catalog is asked once for all.
    pub(crate) fn whole_layers(&self, ids: &[DiffId]) -> Result<Vec<LayerRecord>, StoreError> {
        let layers: Vec<Option<LayerRecord>> = self
            .catalog
            .read(|tx| ids.iter().map(|id| catalog::layer(tx, *id)).collect())?;
        ids.iter()
            .zip(layers)
            .map(|(id, layer)| self.with_files(layer.ok_or(StoreError::NoLayer(*id))?))
            .collect()
    }

    fn with_files(&self, layer: LayerRecord) -> Result<LayerRecord, StoreError> {
        let id = layer.diff_id;
        match self.is_set_aside(id) {
            // It may have been removed just now.
            true => Err(self
                .layer(id)
                .map_or_else(|error| error, |_| StoreError::Damaged(id))),
            false => Ok(layer),
        }
    }

    /// Returns the layers that have names, by name.
    ///
    /// # Errors
    /// [`StoreError`] if the catalog cannot be read.
    pub fn named_layers(&self) -> Result<Vec<NamedLayer>, StoreError> {
        Ok(self.catalog.read(catalog::named_layers)?)
    }

    /// Returns all blobs that were seen, by digest.
    ///
    /// # Errors
    /// [`StoreError`] if the catalog cannot be read.
    pub fn blobs(&self) -> Result<Vec<BlobRecord>, StoreError> {
        Ok(self.catalog.read(catalog::blobs)?)
    }

    /// Returns all images: named ones by name, then the others by digest.
    ///
    /// # Errors
    /// [`StoreError`] if the catalog cannot be read.
    pub fn images(&self) -> Result<Vec<ImageRecord>, StoreError> {
        Ok(self.catalog.read(catalog::images)?)
    }

    /// Returns the image with this very name; the time does not grow with the number of images.
    ///
    /// # Errors
    /// [`StoreError`] if the catalog cannot be read.
    pub fn image_named(&self, name: &str) -> Result<Option<ImageRecord>, StoreError> {
        Ok(self.catalog.read(|tx| catalog::image_named(tx, name))?)
    }

    /// Returns the bytes of a manifest or config.
    ///
    /// # Errors
    /// [`StoreError`] if the catalog cannot be read.
    pub fn document(&self, digest: BlobDigest) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.catalog.read(|tx| catalog::document(tx, digest))?)
    }

    /// Opens a layer's tar, byte for byte as it came.
    ///
    /// # Errors
    /// [`StoreError::NoLayer`] if there is none, others if it cannot be opened.
    pub fn layer_tar(&self, id: DiffId) -> Result<File, StoreError> {
        self.whole_layer(id)?;
        Ok(durable::open_file(&self.layout.tar(id))?)
    }

    /// Opens a compressed layer, byte for byte as it came; `None` if its bytes are not kept.
    ///
    /// # Errors
    /// [`StoreError`] if the catalog or the file cannot be read.
    pub fn kept_blob(&self, digest: BlobDigest) -> Result<Option<(BlobRecord, File)>, StoreError> {
        match self.catalog.read(|tx| catalog::blob(tx, digest))? {
            Some(blob) if blob.digest.0 == blob.diff_id.0 => {
                let tar = self.layer_tar(blob.diff_id)?;
                Ok(Some((blob, tar)))
            }
            Some(blob) if blob.kept => {
                let file = durable::open_file(&self.layout.blob(digest))?;
                Ok(Some((blob, file)))
            }
            _ => Ok(None),
        }
    }
}

/// Says that the store is open, for as long as what is returned is; waits while the catalog is being made again.
pub(crate) fn share(layout: &Layout) -> Result<File, FileError> {
    let path = layout.store_lock();
    let open = durable::open_lock(&path)?;
    open.lock_shared().named("lock", &path)?;
    Ok(open)
}

/// Returns the names that a catalog has for each folder that it decides about.
pub(crate) fn known_names(
    layout: &Layout,
    tx: &rusqlite::Transaction<'_>,
) -> Result<[(PathBuf, HashSet<String>); 3], CatalogError> {
    Ok([
        (layout.layers(), catalog::layer_digits(tx)?),
        (layout.blobs(), catalog::kept_blob_digits(tx)?),
        (layout.writables(), known_writables(tx)?),
    ])
}

fn known_writables(tx: &rusqlite::Transaction<'_>) -> Result<HashSet<String>, CatalogError> {
    let layers = catalog::named_layers(tx)?.into_iter();
    // Elsewhere than on Linux another engine keeps their files.
    Ok(layers
        .filter(|layer| cfg!(target_os = "linux") && layer.is_writable())
        .map(|layer| layer.id)
        .collect())
}

/// An operation that adds layers and images.
///
/// The layers it imports are kept until it ends, even while nothing needs them; those that nothing needs then go with it.
#[derive(Debug)]
pub struct Session<'store> {
    pub(crate) store: &'store Store,
    pub(crate) staging: Staging,
    keeps_unused: bool,
}

impl Session<'_> {
    /// Makes an empty file that is gone when the session ends, for input that has to be kept for a while.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be made.
    pub fn scratch_file(&self) -> Result<(File, PathBuf), StoreError> {
        let path = self.staging.new_path();
        Ok((durable::create_file(&path)?, path))
    }

    /// Returns the layer that a blob inflates to if it was seen before, and keeps it for this session.
    ///
    /// # Errors
    /// [`StoreError`] if the catalog fails.
    pub fn known_blob(&self, digest: BlobDigest) -> Result<Option<BlobRecord>, StoreError> {
        Ok(self.store.catalog.write(|tx| -> Result<_, CatalogError> {
            // Whoever knows a layer does not bring it again, which a damaged one needs.
            let blob = catalog::blob(tx, digest)?
                .filter(|blob| self.store.layout.tar(blob.diff_id).exists());
            if let Some(blob) = &blob {
                catalog::insert_lease(tx, self.staging.holder(), blob.diff_id)?;
            }
            Ok(blob)
        })?)
    }
}

impl Store {
    /// Gives leases back and removes the layers among them that nothing else needs.
    fn abandon_leases(
        &self,
        tx: &rusqlite::Transaction<'_>,
        holder: &str,
    ) -> Result<(), StoreError> {
        let leased = catalog::layers_leased_by(tx, holder)?;
        catalog::delete_leases(tx, holder)?;
        self.drop_unused_layers(tx, Some(&leased), &mut Removed::default())
    }
}

impl Session<'_> {
    /// Ends the session without taking away what nothing needs: the next `gc` does.
    pub fn keep_unused(mut self) {
        self.keeps_unused = true;
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let holder = self.staging.holder();
        let given_back = self.store.catalog.write(|tx| match self.keeps_unused {
            true => Ok(catalog::delete_leases(tx, holder)?),
            false => self.store.abandon_leases(tx, holder),
        });
        // Leases that stay are of nobody who lives then: the next recovery gives them back.
        match given_back {
            Ok(()) => drop(self.store.empty_trash()),
            Err(_) => self.store.put_back(),
        }
    }
}

/// Returns the digest of a document.
pub(crate) fn digest_of(bytes: &[u8]) -> BlobDigest {
    BlobDigest(Digest::of(bytes))
}

/// Returns the time now, seconds since 1970.
pub(crate) fn now() -> i64 {
    use std::time::{SystemTime, UNIX_EPOCH};
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_secs() as i64)
}
