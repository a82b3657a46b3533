//! Making and removing named layers.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use transom_driver::Id;
use transom_layer::{BlobDigest, DiffId, Names};
use transom_mount::scratch;

use super::error::{NamedLayerError, NamedLayerFault, OfLayer};
use crate::catalog::{self, NamedKind, NamedLayer, snapshot};
use crate::durable::{self, FileError, Named};
use crate::image::Removed;
use crate::layout::{LOCK, SCRATCH, UPPER, WORK};
use crate::space::allocated;
use crate::staging::Staging;
use crate::store::{self, Store};

/// A writable layer to be made.
#[derive(Debug, Clone)]
pub struct NewWritable<'a> {
    /// Its name.
    pub id: &'a Id,
    /// The layers below it, base first.
    pub below: Vec<DiffId>,
    /// How names compare in it.
    pub names: Names,
    /// Bytes that it can hold; `None` makes a plain folder, which the store's own file system bounds.
    pub bound: Option<u64>,
    /// Config of the image that it is made from, to be carried on when it is committed.
    pub config: Option<BlobDigest>,
}

impl Store {
    /// Makes a writable layer. With a bound that takes root: it is kept by an image of that size.
    ///
    /// # Errors
    /// [`NamedLayerFault::Exists`], [`NamedLayerFault::NameOfSnapshots`], or a layer below is not there, or the files
    /// cannot be made. Nothing is left then.
    pub fn create_writable(&self, new: NewWritable<'_>) -> Result<NamedLayer, NamedLayerError> {
        let layer = NamedLayer {
            id: new.id.as_str().to_owned(),
            parent: None,
            kind: NamedKind::Writable { bound: new.bound },
            below: new.below,
            names: new.names,
            config: new.config,
            held: 0,
            created: store::now(),
        };
        let id = new.id.as_str();
        refuse_name_of_snapshots(id).of_layer(id)?;
        self.add_named(layer).of_layer(id)
    }

    /// Makes the files of a named layer and adds it to the catalog.
    pub(crate) fn add_named(&self, layer: NamedLayer) -> Result<NamedLayer, NamedLayerFault> {
        self.add_named_if(layer, |_| Ok(()))
    }

    /// Makes the files of a named layer and adds it to the catalog, unless `check` refuses that in the transaction
    /// that adds it.
    pub(crate) fn add_named_if(
        &self,
        layer: NamedLayer,
        check: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<(), NamedLayerFault>,
    ) -> Result<NamedLayer, NamedLayerFault> {
        let staging = Staging::create(&self.layout)?;
        let staged = match layer.kind {
            NamedKind::Writable { bound } => {
                let folder = staging.new_folder()?;
                durable::create_file(&folder.join(LOCK))?;
                let root = self.root_of(&layer)?;
                match bound {
                    None => make_upper(&folder.join(UPPER), root)?,
                    Some(bound) => make_scratch(&folder, bound, root)?,
                }
                durable::sync_dir(&folder)?;
                Some(folder)
            }
            NamedKind::ReadOnly { .. } => None,
        };
        let home = self.layout.writable(&layer.id);
        self.catalog
            .write(|tx| -> Result<(), NamedLayerFault> {
                if catalog::named_layer(tx, &layer.id)?.is_some() {
                    return Err(NamedLayerFault::Exists);
                }
                check(tx)?;
                if let Some(parent) = &layer.parent
                    && catalog::named_layer(tx, parent)?.is_none()
                {
                    let parent = parent.clone();
                    return Err(NamedLayerFault::NoParent { parent });
                }
                for id in &layer.below {
                    if catalog::layer(tx, *id)?.is_none() {
                        return Err(store::StoreError::NoLayer(*id).into());
                    }
                }
                catalog::insert_named_layer(tx, &layer)?;
                if let Some(staged) = &staged {
                    durable::rename(staged, &home)?;
                    durable::sync_dir(&self.layout.writables())?;
                }
                Ok(())
            })
            .inspect_err(|_| self.put_back())?;
        Ok(layer)
    }

    /// Returns what the root of a layer has to be like: as the chain below has it.
    fn root_of(&self, layer: &NamedLayer) -> Result<Root, NamedLayerFault> {
        let (below, _) = self.open_below(layer)?;
        let metadata = below.metadata(&below.root()?)?;
        Ok(Root {
            mode: metadata.mode,
            uid: metadata.uid,
            gid: metadata.gid,
        })
    }

    /// Returns a named layer.
    ///
    /// # Errors
    /// [`NamedLayerFault::NotFound`], or the catalog cannot be read.
    pub fn named_layer(&self, id: &str) -> Result<NamedLayer, NamedLayerError> {
        self.named(id).of_layer(id)
    }

    pub(crate) fn named(&self, id: &str) -> Result<NamedLayer, NamedLayerFault> {
        self.catalog
            .read(|tx| catalog::named_layer(tx, id))?
            .ok_or(NamedLayerFault::NotFound)
    }

    /// Removes a named layer, and the sealed layers that only it needed. What people have mounted of it is
    /// unmounted first; its files are deleted as those of images are (see [`Store::remove_image`]).
    ///
    /// # Errors
    /// [`NamedLayerFault::NotFound`], [`NamedLayerFault::HasChild`], [`NamedLayerFault::OfSnapshot`],
    /// [`NamedLayerFault::Mounted`] if a mount is in use or held by a driver.
    pub fn remove_named(&self, id: &str) -> Result<Removed, NamedLayerError> {
        self.remove_layer(id).of_layer(id)
    }

    fn remove_layer(&self, id: &str) -> Result<Removed, NamedLayerFault> {
        let layer = self.named(id)?;
        // Whose mount it is tells more than that it is mounted.
        self.refuse_if_of_snapshot(id)?;
        self.refuse_if_parent(id)?;
        if layer.held > 0 {
            let at = self.layout.mount_points(id);
            return Err(NamedLayerFault::Mounted { at });
        }
        self.unmount_everywhere(&layer)?;
        let _lock = match layer.is_writable() {
            true => Some(self.lock_writable(id)?),
            false => None,
        };
        self.refuse_if_active(id)?;
        let mut removed = Removed {
            bytes: allocated(&self.layout.writable(id)),
            ..Removed::default()
        };
        self.catalog
            .write(|tx| -> Result<(), NamedLayerFault> {
                let held = catalog::named_layer(tx, id)?.is_some_and(|layer| layer.held > 0);
                if held {
                    let at = self.layout.mount_points(id);
                    return Err(NamedLayerFault::Mounted { at });
                }
                if let Some(child) = catalog::child_of(tx, id)? {
                    return Err(NamedLayerFault::HasChild { child });
                }
                if let Some(mount) = catalog::mounts_of(tx, id)?.into_iter().next() {
                    return Err(NamedLayerFault::Mounted { at: mount.target });
                }
                catalog::delete_named_layer(tx, id)?;
                if layer.is_writable() {
                    // Renamed before the commit: if that does not happen, recovery puts it back.
                    self.discard_if_there(&self.layout.writable(id))?;
                }
                let chain = layer.chain().into_iter().collect();
                Ok(self.drop_unused_layers(tx, Some(&chain), &mut removed)?)
            })
            .inspect_err(|_| self.put_back())?;
        // An empty folder that cannot go now is no harm, and recovery takes it.
        let _ = durable::delete_empty(&self.layout.mount_points(id));
        removed.bytes += self.drop_unused_chains()?;
        Ok(removed)
    }

    /// Refuses a layer that holds what is written to a snapshot: whoever made the snapshot says what becomes of it.
    pub(super) fn refuse_if_of_snapshot(&self, id: &str) -> Result<(), NamedLayerFault> {
        match self.catalog.read(|tx| snapshot::key_of_layer(tx, id))? {
            Some(key) => Err(NamedLayerFault::OfSnapshot { key }),
            None => Ok(()),
        }
    }

    fn refuse_if_parent(&self, id: &str) -> Result<(), NamedLayerFault> {
        match self.catalog.read(|tx| catalog::child_of(tx, id))? {
            Some(child) => Err(NamedLayerFault::HasChild { child }),
            None => Ok(()),
        }
    }

    /// Makes a writable layer hold more, mounted or not.
    ///
    /// # Errors
    /// [`NamedLayerFault::OfSnapshot`], [`NamedLayerFault::NoBound`] if it has no size, [`NamedLayerFault::Mount`] if the new one is smaller, or
    /// the image cannot be grown.
    pub fn grow_writable(&self, id: &str, bound: u64) -> Result<(), NamedLayerError> {
        self.grow(id, bound).of_layer(id)
    }

    fn grow(&self, id: &str, bound: u64) -> Result<(), NamedLayerFault> {
        let layer = self.named(id)?;
        self.refuse_if_of_snapshot(id)?;
        let NamedKind::Writable { bound: before } = layer.kind else {
            return Err(NamedLayerFault::NotWritable);
        };
        if before.is_none() {
            return Err(NamedLayerFault::NoBound);
        }
        let _lock = self.lock_writable(id)?;
        let image = self.layout.writable(id).join(SCRATCH);
        let mounted_at = scratch::attached(&image)?;
        scratch::grow(&image, mounted_at.as_deref(), bound)?;
        Ok(self.catalog.write(|tx| catalog::set_bound(tx, id, bound))?)
    }
}

/// Whose the root of a layer is, and who may do what there.
#[derive(Debug, Clone, Copy)]
struct Root {
    mode: u16,
    uid: u32,
    gid: u32,
}

/// Makes an upper folder: what a mount shows of the root is its own mode and owner.
fn make_upper(path: &Path, root: Root) -> Result<(), NamedLayerFault> {
    durable::create_dir(path)?;
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(path, Some(root.uid), Some(root.gid)).named("give away", path)?;
    }
    let mode = Permissions::from_mode(root.mode.into());
    Ok(std::fs::set_permissions(path, mode).named("set the mode of", path)?)
}

/// Makes the image that bounds a layer, with the folders of an overlay in it.
fn make_scratch(folder: &Path, bound: u64, root: Root) -> Result<(), NamedLayerFault> {
    let image = folder.join(SCRATCH);
    scratch::create(&image, bound)?;
    let made = (|| -> Result<(), NamedLayerFault> {
        let mounted = scratch::mount(&image)?;
        make_upper(&mounted.path().join(UPPER), root)?;
        Ok(durable::create_dir(&mounted.path().join(WORK))?)
    })();
    if made.is_err() {
        // The first error tells more than that of the clean-up would.
        let _: Result<(), FileError> = durable::delete(&image);
    }
    made
}

/// Keeps names for snapshots, whose layers are made when they are first mounted.
pub(crate) fn refuse_name_of_snapshots(id: &str) -> Result<(), NamedLayerFault> {
    match snapshot::number_of_layer(id) {
        Some(_) => Err(NamedLayerFault::NameOfSnapshots),
        None => Ok(()),
    }
}
