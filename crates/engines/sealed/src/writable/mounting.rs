//! Mounting: chains as one EROFS, writable layers as an overlay over it.
//!
//! A named layer is mounted as a whole at `mounts/<id>/raw`; every place where it is to be seen shows that
//! mount, or its `Files`. Nothing else says what is mounted than the kernel's own table.

use std::fs::File;
use std::path::{Path, PathBuf};

use transom_layer::{Names, View};
use transom_mount::{Detached, Lower, Overlay};

use super::error::{NamedLayerError, NamedLayerFault, OfLayer};
use super::promote;
use super::targets::{mounted, real_path};
use crate::catalog::{self, ImageRecord, MountRecord, NamedLayer, Via};
use crate::durable::{self, FileError, Named};
use crate::layout::{UPPER, WORK};
use crate::store::Store;
use crate::tree::Tree;

/// Where a named layer is mounted as a whole.
const RAW: &str = "raw";
/// Where a driver has it shown as `C:\`.
const VOLUME: &str = "volume";
/// Where its scratch image is mounted.
const SCRATCH_MOUNT: &str = "scratch";
/// All of them, in the order in which they are unmounted.
pub(crate) const POINTS: [&str; 3] = [VOLUME, RAW, SCRATCH_MOUNT];

/// Something that was mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountReport {
    /// How.
    pub via: Via,
    /// What the mount lacks, in words.
    pub notes: Vec<String>,
}

/// Held while mounts change: from the first step until somebody is noted as their user, so that nobody takes a mount
/// half done for one of a dead process.
#[derive(Debug)]
pub(crate) struct MountsLock {
    _file: File,
}

/// A layer about to be mounted: its chain, opened, and the locks that keep others out.
struct ToMount {
    chain: Tree,
    index: PathBuf,
    lock: MountsLock,
    _writable: Option<File>,
}

impl Store {
    /// Mounts a named layer at the folder `target`: its `C:\`, or its raw tree.
    ///
    /// # Errors
    /// [`NamedLayerError`] if it does not exist, or the kernel refuses; nothing is mounted then.
    pub fn mount_named(
        &self,
        id: &str,
        view: View,
        target: &Path,
    ) -> Result<MountReport, NamedLayerError> {
        self.mount_layer(id, view, target).of_layer(id)
    }

    fn mount_layer(
        &self,
        id: &str,
        view: View,
        target: &Path,
    ) -> Result<MountReport, NamedLayerFault> {
        let layer = self.named(id)?;
        let opened = self.open_to_mount(&layer)?;
        let target = self.free_target(target)?;
        let report = self.activate(&layer, &opened)?;
        let record = MountRecord {
            target: target.clone(),
            id: Some(layer.id.clone()),
            manifest: None,
            via: report.via,
        };
        let shown = self
            .show(&layer, view, &target)
            .and_then(|()| self.note_or_unmount(&record));
        match shown {
            Ok(()) => Ok(report),
            Err(error) => {
                self.deactivate_if_unused(&layer, &opened.lock)?;
                Err(error)
            }
        }
    }

    /// Mounts an image read-only at the folder `target`: its `C:\`, or its raw tree.
    ///
    /// # Errors
    /// [`NamedLayerFault`] if its layers make no stack, or the kernel refuses; nothing is mounted then.
    pub fn mount_image(
        &self,
        image: &ImageRecord,
        view: View,
        target: &Path,
        via: Option<Via>,
    ) -> Result<MountReport, NamedLayerFault> {
        let (tree, index) = self.open_chain_at(&image.diff_ids(), image.stacking())?;
        let _lock = self.lock_mounts()?;
        let target = self.free_target(target)?;
        let (mut mount, via) = self.mount_chain(&tree, &index, via)?;
        attach(&mut mount, tree.names(), view, &target)?;
        let record = MountRecord {
            target: target.clone(),
            id: None,
            manifest: Some(image.manifest),
            via,
        };
        self.note_or_unmount(&record)?;
        Ok(MountReport {
            via,
            notes: Vec::new(),
        })
    }

    /// Lets `mount` mount an image at the folder `target`, which it is given as the kernel will show it, and notes
    /// the mount.
    ///
    /// # Errors
    /// [`NamedLayerFault::TargetTaken`], what `mount` says, or the catalog fails.
    pub fn mount_image_with<T, E: From<NamedLayerFault>>(
        &self,
        image: &ImageRecord,
        target: &Path,
        mount: impl FnOnce(&Path) -> Result<T, E>,
    ) -> Result<T, E> {
        let _lock = self.lock_mounts().map_err(NamedLayerFault::from)?;
        let target = self.free_target(target)?;
        let mounted = mount(&target)?;
        self.note_or_unmount(&MountRecord {
            target,
            id: None,
            manifest: Some(image.manifest),
            via: Via::Fuse,
        })?;
        Ok(mounted)
    }

    /// Returns the folder as the kernel shows it, unless something of this store is mounted there.
    fn free_target(&self, target: &Path) -> Result<PathBuf, NamedLayerFault> {
        let target = real_path(target)?;
        if target.to_str().is_none() {
            return Err(NamedLayerFault::TargetName { target });
        }
        let mounted = mounted()?;
        for mount in self.catalog.read(catalog::mounts)? {
            if mount.target == target && mounted.contains(&target) {
                let what = mount.id.unwrap_or_else(|| "an image".to_owned());
                return Err(NamedLayerFault::TargetTaken { what, target });
            }
        }
        Ok(target)
    }

    fn note_or_unmount(&self, record: &MountRecord) -> Result<(), NamedLayerFault> {
        let noted = self.catalog.write(|tx| catalog::insert_mount(tx, record));
        noted.map_err(|error| {
            // What nobody knows of must not stay.
            let _ = transom_mount::unmount_lazily(&record.target);
            error.into()
        })
    }

    /// Returns where things are mounted by people; what a driver has mounted is not among it.
    ///
    /// # Errors
    /// [`NamedLayerFault`] if the catalog or the kernel's table cannot be read.
    pub fn mounts(&self) -> Result<Vec<MountRecord>, NamedLayerFault> {
        let mounted = mounted()?;
        let mut mounts = self.catalog.read(catalog::mounts)?;
        mounts.retain(|mount| mounted.contains(&mount.target));
        Ok(mounts)
    }

    /// Unmounts what is mounted at a folder; a named layer that is seen nowhere any more is put away.
    ///
    /// # Errors
    /// [`NamedLayerFault::NotMounted`], or a file there is in use.
    pub fn unmount_at(&self, target: &Path) -> Result<(), NamedLayerFault> {
        let target = real_path(target)?;
        let mounts = self.catalog.read(catalog::mounts)?;
        let mut mounts = mounts.into_iter();
        let Some(mount) = mounts.find(|mount| mount.target == target) else {
            return Err(NamedLayerFault::NotMounted);
        };
        let lock = self.lock_mounts()?;
        self.unmount_one(&mount.target, &lock)?;
        match &mount.id {
            Some(id) => self.deactivate_if_unused(&self.named(id)?, &lock),
            None => Ok(()),
        }
    }

    /// Unmounts a named layer from everywhere that people have mounted it.
    ///
    /// # Errors
    /// [`NamedLayerFault::NotMounted`], or a file of it is in use.
    pub fn unmount_named(&self, id: &str) -> Result<(), NamedLayerError> {
        let unmount = |layer: NamedLayer| match self.unmount_everywhere(&layer)? {
            0 => Err(NamedLayerFault::NotMounted),
            _ => Ok(()),
        };
        self.named(id).and_then(unmount).of_layer(id)
    }

    /// Unmounts what people have mounted of a layer; returns at how many places.
    pub(super) fn unmount_everywhere(&self, layer: &NamedLayer) -> Result<usize, NamedLayerFault> {
        let lock = self.lock_mounts()?;
        let mounts = self.catalog.read(|tx| catalog::mounts_of(tx, &layer.id))?;
        for mount in &mounts {
            self.unmount_one(&mount.target, &lock)?;
        }
        self.deactivate_if_unused(layer, &lock)?;
        Ok(mounts.len())
    }

    fn unmount_one(&self, target: &Path, _: &MountsLock) -> Result<(), NamedLayerFault> {
        if mounted()?.contains(target) {
            transom_mount::unmount(target)?;
        }
        Ok(self.catalog.write(|tx| catalog::delete_mount(tx, target))?)
    }

    /// Opens a layer to be mounted, and takes the locks in the order in which everybody takes them.
    fn open_to_mount(&self, layer: &NamedLayer) -> Result<ToMount, NamedLayerFault> {
        let writable = match layer.is_writable() {
            true => Some(self.lock_writable(&layer.id)?),
            false => None,
        };
        // An index that has to be made keeps no other layer waiting.
        let (chain, index) = self.open_below(layer)?;
        Ok(ToMount {
            chain,
            index,
            lock: self.lock_mounts()?,
            _writable: writable,
        })
    }

    /// Mounts a layer for a driver: as a whole, and shown where the driver expects it. From the first moment that
    /// others can see it, it is noted as held.
    pub(crate) fn hold(&self, layer: &NamedLayer) -> Result<(), NamedLayerFault> {
        let opened = self.open_to_mount(layer)?;
        self.activate(layer, &opened)?;
        let shown = match self.is_shown(&layer.id)? {
            true => Ok(()),
            false => self.show_to_driver(layer),
        };
        let held = layer.held.max(1);
        let noted = shown.and_then(|()| {
            let set = |tx: &rusqlite::Transaction<'_>| catalog::set_held(tx, &layer.id, held);
            match self.catalog.write(set)? {
                true => Ok(()),
                // It was removed while it was being mounted.
                false => Err(NamedLayerFault::NotFound),
            }
        });
        if noted.is_err() {
            self.deactivate_if_unused(layer, &opened.lock)?;
        }
        noted
    }

    /// Shows a layer where its driver expects it. Containers of Linux images have programs that set the user id; the
    /// folder of all mounts is closed to others than the store's owner.
    fn show_to_driver(&self, layer: &NamedLayer) -> Result<(), NamedLayerFault> {
        let volume = self.volume_of(&layer.id);
        self.show(layer, View::Volume, &volume)?;
        if layer.names == Names::Posix && layer.is_writable() {
            transom_mount::allow_set_user_ids(&volume)?;
        }
        Ok(())
    }

    /// Undoes [`hold`](Self::hold). What people have mounted of the layer stays.
    pub(crate) fn release(&self, id: &str) -> Result<(), NamedLayerFault> {
        let lock = self.lock_mounts()?;
        if self.is_shown(id)? {
            transom_mount::unmount(&self.volume_of(id))?;
        }
        self.catalog.write(|tx| catalog::set_held(tx, id, 0))?;
        self.deactivate_if_unused(&self.named(id)?, &lock)
    }

    /// Mounts a named layer as a whole, unless it is.
    fn activate(
        &self,
        layer: &NamedLayer,
        opened: &ToMount,
    ) -> Result<MountReport, NamedLayerFault> {
        let points = self.layout.mount_points(&layer.id);
        for point in POINTS {
            durable::create_dir(&points.join(point))?;
        }
        let raw = real_path(&points.join(RAW))?;
        if mounted()?.contains(&raw) {
            let mounts = self.catalog.read(|tx| catalog::mounts_of(tx, &layer.id))?;
            return Ok(MountReport {
                via: mounts.first().map_or(Via::Kernel, |mount| mount.via),
                notes: Vec::new(),
            });
        }
        let (mut lower, via) = self.mount_chain(&opened.chain, &opened.index, None)?;
        if !layer.is_writable() {
            lower.attach(None, &raw)?;
            let notes = Vec::new();
            return Ok(MountReport { via, notes });
        }
        let scratch = points.join(SCRATCH_MOUNT);
        let result = self.mount_overlay(layer, lower, &raw, &scratch);
        if result.is_err() {
            // The first error tells more than that of the clean-up would.
            let _ = transom_mount::unmount(&scratch);
        }
        let notes = result?;
        Ok(MountReport { via, notes })
    }

    fn mount_overlay(
        &self,
        layer: &NamedLayer,
        lower: Detached,
        raw: &Path,
        scratch: &Path,
    ) -> Result<Vec<String>, NamedLayerFault> {
        let mut place = self.place(layer)?;
        if let Some(mounted) = &mut place.scratch {
            mounted.attach(None, scratch)?;
            place.upper = scratch.join(UPPER);
            place.work = scratch.join(WORK);
        }
        durable::create_dir(&place.work)?;
        promote::promote(&place.upper, &place.work)?;
        let (mut overlay, notes) = transom_mount::overlay(Overlay {
            lower: Lower::Mount(lower),
            upper: &place.upper,
            work: &place.work,
            staging: raw,
            source: &source_of(&layer.id),
        })?;
        overlay.attach(None, raw)?;
        Ok(notes)
    }

    /// Undoes [`activate`](Self::activate), unless somebody still has the layer mounted.
    fn deactivate_if_unused(
        &self,
        layer: &NamedLayer,
        _: &MountsLock,
    ) -> Result<(), NamedLayerFault> {
        let noted = self
            .catalog
            .read(|tx| catalog::named_layer(tx, &layer.id))?;
        let held = noted.map_or(0, |layer| layer.held);
        let mounts = self.catalog.read(|tx| catalog::mounts_of(tx, &layer.id))?;
        if held > 0 || !mounts.is_empty() {
            return Ok(());
        }
        let points = self.layout.mount_points(&layer.id);
        if !points.exists() {
            return Ok(());
        }
        let points = real_path(&points)?;
        let mounted = mounted()?;
        for point in POINTS {
            let point = points.join(point);
            if mounted.contains(&point) {
                transom_mount::unmount(&point)?;
            }
            durable::delete_empty(&point)?;
        }
        Ok(durable::delete_empty(&points)?)
    }

    /// Shows a named layer that is active at a folder.
    fn show(&self, layer: &NamedLayer, view: View, target: &Path) -> Result<(), NamedLayerFault> {
        let raw = self.layout.mount_points(&layer.id).join(RAW);
        attach(&mut transom_mount::copy(&raw)?, layer.names, view, target)
    }

    /// Returns where a driver has a layer shown.
    pub(crate) fn volume_of(&self, id: &str) -> PathBuf {
        self.layout.mount_points(id).join(VOLUME)
    }

    /// Refuses what cannot be done while a layer is mounted.
    pub(super) fn refuse_if_active(&self, id: &str) -> Result<(), NamedLayerFault> {
        let raw = self.layout.mount_points(id).join(RAW);
        if !raw.exists() || !mounted()?.contains(&real_path(&raw)?) {
            return Ok(());
        }
        let mounts = self.catalog.read(|tx| catalog::mounts_of(tx, id))?;
        let at = mounts.into_iter().next().map_or(raw, |mount| mount.target);
        Err(NamedLayerFault::Mounted { at })
    }

    /// Says whether a layer is shown where a driver expects it.
    pub(crate) fn is_shown(&self, id: &str) -> Result<bool, NamedLayerFault> {
        let volume = self.volume_of(id);
        Ok(volume.exists() && mounted()?.contains(&real_path(&volume)?))
    }

    /// Mounts a chain, attached nowhere.
    fn mount_chain(
        &self,
        tree: &Tree,
        index: &Path,
        via: Option<Via>,
    ) -> Result<(Detached, Via), NamedLayerFault> {
        let tars: Vec<PathBuf> = tree.layers().map(|id| self.layout.tar(id)).collect();
        let via = via.map(|via| match via {
            Via::Loop => transom_mount::Via::Loop,
            _ => transom_mount::Via::File,
        });
        let (mount, via) = transom_mount::erofs(index, &tars, via)?;
        Ok((
            mount,
            match via {
                transom_mount::Via::File => Via::Kernel,
                transom_mount::Via::Loop => Via::Loop,
            },
        ))
    }

    pub(super) fn lock_mounts(&self) -> Result<MountsLock, FileError> {
        let path = self.layout.mounts_lock();
        let file = durable::open_lock(&path)?;
        file.lock().named("lock", &path)?;
        Ok(MountsLock { _file: file })
    }

    /// Takes the lock if nobody has it.
    pub(crate) fn try_lock_mounts(&self) -> Result<Option<MountsLock>, FileError> {
        let file = durable::open_lock(&self.layout.mounts_lock())?;
        Ok(file
            .try_lock()
            .is_ok()
            .then_some(MountsLock { _file: file }))
    }
}

/// What the kernel's table shows as the source of a layer's overlay.
fn source_of(id: &str) -> String {
    let mut source = format!("transom:{id}");
    // The table takes 255 bytes; an id has up to as many, and is only to be recognised by people.
    while source.len() > 255 {
        source.pop();
    }
    source
}

/// Shows a mount, or the folder of it that the view is, at a folder.
fn attach(
    mount: &mut Detached,
    names: Names,
    view: View,
    target: &Path,
) -> Result<(), NamedLayerFault> {
    match folder_of(names, view) {
        None => Ok(mount.attach(None, target)?),
        Some(folder) => match mount.attach(Some(folder), target) {
            Err(error) if error.kind() == transom_mount::Kind::NotFound && target.is_dir() => {
                Err(NamedLayerFault::NoView {
                    folder: folder.display().to_string(),
                })
            }
            result => Ok(result?),
        },
    }
}

/// Returns the folder of a layer's tree that a view shows; `None` for all of it.
fn folder_of(names: Names, view: View) -> Option<&'static Path> {
    (names == Names::Windows && view == View::Volume).then_some(Path::new("Files"))
}
