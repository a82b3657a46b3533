//! A writable layer in use: its chain, its upper folder, and the lock that keeps others out.

use std::fs::File;
use std::path::PathBuf;

use transom_mount::{Detached, scratch};
use transom_ntmeta::filetime::UnixTime;

use super::error::{NamedLayerError, NamedLayerFault, OfLayer};
use super::export;
use super::plan::{self, Item, What};
use super::upper::Upper;
use crate::catalog::{NamedKind, NamedLayer};
use crate::chain::Stacking;
use crate::diff::Difference;
use crate::durable::{self, Named};
use crate::layout::{LOCK, SCRATCH, UPPER, WORK};
use crate::store::Store;
use crate::tree::{Kind, Tree};

/// A writable layer, open to be read. Nobody can change it by other means than a mount meanwhile.
#[derive(Debug)]
pub struct Writable {
    pub(super) layer: NamedLayer,
    pub(super) lower: Tree,
    pub(super) upper: Upper,
    /// Keeps the scratch image mounted.
    _scratch: Option<Detached>,
    _lock: File,
}

/// Where the folders of an overlay are.
pub(super) struct Place {
    pub(super) upper: PathBuf,
    pub(super) work: PathBuf,
    /// The scratch image, if it is mounted for this use alone.
    pub(super) scratch: Option<Detached>,
}

impl Store {
    /// Opens a writable layer.
    ///
    /// # Errors
    /// [`NamedLayerFault::NotFound`], [`NamedLayerFault::NotWritable`], [`NamedLayerFault::NeedsRoot`], or files
    /// cannot be opened.
    pub fn open_writable(&self, id: &str) -> Result<Writable, NamedLayerError> {
        self.open_named(id).of_layer(id)
    }

    pub(crate) fn open_named(&self, id: &str) -> Result<Writable, NamedLayerFault> {
        let layer = self.named(id)?;
        let lock = self.lock_writable(id)?;
        let place = self.place(&layer)?;
        let (lower, _) = self.open_below(&layer)?;
        Ok(Writable {
            upper: Upper::open(&place.upper, &place.work)?,
            lower,
            layer,
            _scratch: place.scratch,
            _lock: lock,
        })
    }

    /// Opens the chain that a named layer is over, or is, and tells where its index lies.
    pub(super) fn open_below(
        &self,
        layer: &NamedLayer,
    ) -> Result<(Tree, PathBuf), NamedLayerFault> {
        let stacking = Stacking {
            names: layer.names,
            whiteouts: None,
        };
        match layer.chain().as_slice() {
            [] => Ok(self.open_nothing(layer.names)?),
            chain => Ok(self.open_chain_at(chain, stacking)?),
        }
    }

    /// Takes the lock of a writable layer, waiting for whoever has it.
    pub(super) fn lock_writable(&self, id: &str) -> Result<File, NamedLayerFault> {
        let path = self.layout.writable(id).join(LOCK);
        let file = durable::open_file(&path)?;
        file.lock().named("lock", &path)?;
        // It may have been removed while this waited.
        self.named(id)?;
        Ok(file)
    }

    /// Finds the upper folder of a writable layer; its scratch image is mounted if it is not.
    pub(super) fn place(&self, layer: &NamedLayer) -> Result<Place, NamedLayerFault> {
        let home = self.layout.writable(&layer.id);
        let NamedKind::Writable { bound } = layer.kind else {
            return Err(NamedLayerFault::NotWritable);
        };
        let (root, scratch) = match bound {
            None => (home, None),
            Some(_) => {
                let image = home.join(SCRATCH);
                match scratch::attached(&image)? {
                    Some(place) => (place, None),
                    None => {
                        let mounted = scratch::mount(&image)?;
                        (mounted.path(), Some(mounted))
                    }
                }
            }
        };
        if bound.is_none() && root.join(WORK).exists() && !rustix::process::geteuid().is_root() {
            return Err(NamedLayerFault::NeedsRoot);
        }
        Ok(Place {
            upper: root.join(UPPER),
            work: root.join(WORK),
            scratch,
        })
    }
}

impl Writable {
    /// Returns what the catalog knows of it.
    pub fn layer(&self) -> &NamedLayer {
        &self.layer
    }

    /// Returns the chain that it is over.
    pub fn lower(&self) -> &Tree {
        &self.lower
    }

    pub(super) fn plan(&self, latest: Option<UnixTime>) -> Result<Vec<Item>, NamedLayerFault> {
        Ok(plan::plan(&self.lower, &self.upper, latest)?)
    }

    /// Tells what the layer changes, in the order of its tar; folders that only lead to changes are told, too.
    ///
    /// # Errors
    /// [`NamedLayerError`] if something cannot be read, or cannot be part of a layer.
    pub fn changes(&self) -> Result<Vec<Difference>, NamedLayerError> {
        let items = self.plan(None).of_layer(&self.layer.id)?;
        let mut changes = Vec::new();
        for item in items {
            let (kind, streams) = match item.what {
                What::Deleted(kind) => (kind, Vec::new()),
                What::HardLink { metadata, .. } => (metadata.kind, Vec::new()),
                What::Entry(entry) if entry.is_formal => continue,
                What::Entry(entry) => (entry.metadata.kind, entry.streams),
            };
            let difference = |path: Vec<u8>, change, kind| Difference {
                path,
                change,
                kind,
                what: Vec::new(),
            };
            changes.push(difference(item.path.clone(), item.change, kind));
            for stream in streams {
                let path = [&item.path, &b":"[..], &stream.name].concat();
                changes.push(difference(path, stream.change, Kind::File));
            }
        }
        Ok(changes)
    }

    /// Returns the bytes of file data that a tar of the changes has, streams and further names not counted.
    ///
    /// # Errors
    /// As [`changes`](Self::changes).
    pub fn diff_size(&self) -> Result<u64, NamedLayerError> {
        let items = self.plan(None).of_layer(&self.layer.id)?;
        let size = |item: &Item| match &item.what {
            What::Entry(entry) if entry.content.is_some() => entry.metadata.size,
            _ => 0,
        };
        // Sizes are what programs have made of them: holes can add up to more than there can be.
        Ok(items.iter().map(size).fold(0, u64::saturating_add))
    }

    /// Writes the changes as a layer tar. Times of changed entries after `latest` are set to it, which makes the tar depend on what
    /// was changed alone (SOURCE_DATE_EPOCH).
    ///
    /// # Errors
    /// [`NamedLayerError`] if something cannot be read, cannot be part of a layer, or `out` fails.
    pub fn export(
        &self,
        latest: Option<UnixTime>,
        out: &mut dyn std::io::Write,
    ) -> Result<(), NamedLayerError> {
        self.write(latest, out).of_layer(&self.layer.id)
    }

    pub(super) fn write(
        &self,
        latest: Option<UnixTime>,
        out: &mut dyn std::io::Write,
    ) -> Result<(), NamedLayerFault> {
        let items = self.plan(latest)?;
        Ok(export::write(&items, &self.lower, &self.upper, out)?)
    }
}
