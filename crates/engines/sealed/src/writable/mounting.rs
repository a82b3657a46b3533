//! Mounting: chains as one EROFS, writable layers as an overlay over it.
//!
//! A named layer is mounted as a whole at `mounts/<id>/raw`; every place where it is to be seen shows that
//! mount, or its `Files`. Nothing else says what is mounted than the kernel's own table.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use transom_layer::{Names, View};
use transom_mount::{Detached, Lower, MountError, Overlay};

use super::error::{NamedLayerError, NamedLayerFault, OfLayer};
use super::layers::WORK;
use super::promote;
use crate::catalog::{self, ImageRecord, MountRecord, NamedLayer, Via};
use crate::durable::{self, FileError, Named};
use crate::store::Store;
use crate::tree::Tree;

/// Where a named layer is mounted as a whole.
const RAW: &str = "raw";
/// Where a driver has it shown as `C:\`.
const VOLUME: &str = "volume";
/// Where its scratch image is mounted.
const SCRATCH_MOUNT: &str = "scratch";

/// Something that was mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountReport {
    /// How.
    pub via: Via,
    /// What the mount lacks, in words.
    pub notes: Vec<String>,
}

/// A lock that is held while mounts change, so that recovery does not take a mount half done for a dead one.
type MountsLock = File;

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
        let report = self.activate(&layer)?;
        match self.show_named(&layer, view, target, report.via) {
            Ok(()) => Ok(report),
            Err(error) => {
                self.deactivate_if_unused(&layer)?;
                Err(error)
            }
        }
    }

    fn show_named(
        &self,
        layer: &NamedLayer,
        view: View,
        target: &Path,
        via: Via,
    ) -> Result<(), NamedLayerFault> {
        let _lock = self.lock_mounts(false)?;
        let target = real_path(target)?;
        self.show(layer, view, &target)?;
        let record = MountRecord {
            target: target.clone(),
            id: Some(layer.id.clone()),
            manifest: None,
            via,
        };
        self.note_mount(&record).inspect_err(|_| {
            // What nobody knows of must not stay.
            let _ = transom_mount::unmount_lazily(&target);
        })
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
        let _lock = self.lock_mounts(false)?;
        let target = real_path(target)?;
        let (mut mount, via) = self.mount_chain(&tree, &index, via)?;
        attach(&mut mount, &tree, view, &target)?;
        let record = MountRecord {
            target: target.clone(),
            id: None,
            manifest: Some(image.manifest),
            via,
        };
        self.note_mount(&record).inspect_err(|_| {
            // What nobody knows of must not stay.
            let _ = transom_mount::unmount_lazily(&target);
        })?;
        Ok(MountReport {
            via,
            notes: Vec::new(),
        })
    }

    /// Notes a mount that something else has made, so that it is known and the image stays.
    ///
    /// # Errors
    /// [`NamedLayerFault`] if the catalog fails.
    pub fn note_mount(&self, record: &MountRecord) -> Result<(), NamedLayerFault> {
        Ok(self.catalog.write(|tx| catalog::insert_mount(tx, record))?)
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
        self.unmount_one(&mount.target)?;
        if let Some(id) = &mount.id {
            self.deactivate_if_unused(&self.named(id)?)?;
        }
        Ok(())
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
        let mounts = self.catalog.read(|tx| catalog::mounts_of(tx, &layer.id))?;
        for mount in &mounts {
            self.unmount_one(&mount.target)?;
        }
        self.deactivate_if_unused(layer)?;
        Ok(mounts.len())
    }

    fn unmount_one(&self, target: &Path) -> Result<(), NamedLayerFault> {
        let _lock = self.lock_mounts(false)?;
        if mounted()?.contains(target) {
            transom_mount::unmount(target)?;
        }
        Ok(self.catalog.write(|tx| catalog::delete_mount(tx, target))?)
    }

    /// Mounts a named layer as a whole, unless it is.
    pub(crate) fn activate(&self, layer: &NamedLayer) -> Result<MountReport, NamedLayerFault> {
        let _writable = match layer.is_writable() {
            true => Some(self.lock_writable(&layer.id)?),
            false => None,
        };
        let _lock = self.lock_mounts(!layer.is_writable())?;
        let points = self.layout.mount_points(&layer.id);
        for point in [RAW, VOLUME, SCRATCH_MOUNT] {
            durable::create_dir(&points.join(point))?;
        }
        let raw = real_path(&points.join(RAW))?;
        let (tree, index) = self.open_below(layer)?;
        if mounted()?.contains(&raw) {
            return Ok(MountReport {
                via: Via::Kernel,
                notes: Vec::new(),
            });
        }
        let (mut lower, via) = self.mount_chain(&tree, &index, None)?;
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
            place.upper = scratch.join(super::layers::UPPER);
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

    /// Undoes [`activate`](Self::activate).
    pub(crate) fn deactivate(&self, layer: &NamedLayer) -> Result<(), NamedLayerFault> {
        let _lock = self.lock_mounts(!layer.is_writable())?;
        let points = self.layout.mount_points(&layer.id);
        if !points.exists() {
            return Ok(());
        }
        let points = real_path(&points)?;
        let mounted = mounted()?;
        for point in [VOLUME, RAW, SCRATCH_MOUNT] {
            let point = points.join(point);
            if mounted.contains(&point) {
                transom_mount::unmount(&point)?;
            }
            durable::delete_empty(&point)?;
        }
        Ok(durable::delete_empty(&points)?)
    }

    fn deactivate_if_unused(&self, layer: &NamedLayer) -> Result<(), NamedLayerFault> {
        let held = self.named(&layer.id)?.held;
        let mounts = self.catalog.read(|tx| catalog::mounts_of(tx, &layer.id))?;
        match held == 0 && mounts.is_empty() {
            true => self.deactivate(layer),
            false => Ok(()),
        }
    }

    /// Shows a named layer that is active at a folder.
    fn show(&self, layer: &NamedLayer, view: View, target: &Path) -> Result<(), NamedLayerFault> {
        let raw = self.layout.mount_points(&layer.id).join(RAW);
        let mut mount = transom_mount::copy(&raw)?;
        match folder_of(layer.names, view) {
            None => mount.attach(None, target)?,
            Some(folder) => mount.attach(Some(folder), target)?,
        }
        Ok(())
    }

    /// Shows a named layer that is active where a driver expects it.
    pub(crate) fn show_volume(&self, layer: &NamedLayer) -> Result<(), NamedLayerFault> {
        let _lock = self.lock_mounts(false)?;
        let volume = real_path(&self.layout.mount_points(&layer.id).join(VOLUME))?;
        match mounted()?.contains(&volume) {
            true => Ok(()),
            false => self.show(layer, View::Volume, &volume),
        }
    }

    /// Undoes [`show_volume`](Self::show_volume).
    pub(crate) fn hide_volume(&self, id: &str) -> Result<(), NamedLayerFault> {
        let _lock = self.lock_mounts(false)?;
        let volume = real_path(&self.layout.mount_points(id).join(VOLUME))?;
        match mounted()?.contains(&volume) {
            true => Ok(transom_mount::unmount(&volume)?),
            false => Ok(()),
        }
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

    fn lock_mounts(&self, exclusive: bool) -> Result<MountsLock, FileError> {
        let path = self.layout.mounts_lock();
        let file = durable::open_lock(&path)?;
        match exclusive {
            true => file.lock(),
            false => file.lock_shared(),
        }
        .named("lock", &path)?;
        Ok(file)
    }

    /// Puts mounts and catalog in agreement after a process died or the machine started.
    pub(crate) fn recover_mounts(&self) -> Result<(), NamedLayerFault> {
        let noted = self.catalog.read(catalog::mounts)?;
        let points = durable::names_in(&self.layout.mounts())?;
        let held = |layer: &NamedLayer| layer.held > 0;
        let layers = self.catalog.read(catalog::named_layers)?;
        if noted.is_empty() && points.is_empty() && !layers.iter().any(held) {
            return Ok(());
        }
        let file = durable::open_lock(&self.layout.mounts_lock())?;
        if file.try_lock().is_err() {
            // Somebody mounts or unmounts just now, and so will put it right as well.
            return Ok(());
        }
        let mut mounted = mounted()?;
        for mount in noted {
            if !mounted.contains(&mount.target) {
                self.catalog
                    .write(|tx| catalog::delete_mount(tx, &mount.target))?;
            } else if mount.via == Via::Fuse && is_dead(&mount.target) {
                transom_mount::unmount_lazily(&mount.target)?;
                self.catalog
                    .write(|tx| catalog::delete_mount(tx, &mount.target))?;
            }
        }
        for layer in layers.iter().filter(|layer| held(layer)) {
            let volume = self.volume_of(&layer.id);
            if !volume.exists() || !mounted.contains(&real_path(&volume)?) {
                self.catalog
                    .write(|tx| catalog::set_held(tx, &layer.id, 0))?;
            }
        }
        for id in points {
            let layer = self.catalog.read(|tx| catalog::named_layer(tx, &id))?;
            let mounts = self.catalog.read(|tx| catalog::mounts_of(tx, &id))?;
            if layer.is_some_and(|layer| layer.held > 0) || !mounts.is_empty() {
                continue;
            }
            let points = real_path(&self.layout.mount_points(&id))?;
            for point in [VOLUME, RAW, SCRATCH_MOUNT].map(|point| points.join(point)) {
                if mounted.remove(&point) {
                    // Its user is gone, or was never told; what still has a file open keeps it.
                    transom_mount::unmount_lazily(&point)?;
                }
                durable::delete_empty(&point)?;
            }
            durable::delete_empty(&points)?;
        }
        Ok(())
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

fn attach(
    mount: &mut Detached,
    tree: &Tree,
    view: View,
    target: &Path,
) -> Result<(), NamedLayerFault> {
    match folder_of(tree.names(), view) {
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

/// Returns the folders at which something is mounted.
fn mounted() -> Result<HashSet<PathBuf>, MountError> {
    let table = transom_mount::table()?.into_iter();
    Ok(table.map(|mounted| mounted.target).collect())
}

/// Says whether the process that served a mount is gone.
fn is_dead(target: &Path) -> bool {
    rustix::fs::statvfs(target).is_err_and(|error| error == rustix::io::Errno::NOTCONN)
}

/// Returns the path of a folder as the kernel's table of mounts shows it.
fn real_path(folder: &Path) -> Result<PathBuf, FileError> {
    use rustix::fs::{Mode, OFlags};
    use std::os::fd::AsRawFd;

    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = rustix::fs::open(folder, flags, Mode::empty()).map_err(io::Error::from);
    match open {
        Ok(open) => std::fs::read_link(format!("/proc/self/fd/{}", open.as_raw_fd()))
            .named("look up", folder),
        // A mount whose server is gone cannot be opened.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NOTCONN.raw_os_error()) => {
            std::path::absolute(folder).named("look up", folder)
        }
        Err(error) => Err(error).named("open", folder),
    }
}
