//! Layers come, are mounted, and go.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use transom_windows::{Descriptor, Folder, HResult};

use super::checks::{self, Place};
use super::disk::Disk;
use super::failure::{Failure, INVALID_STATE};
use super::images::BLANK;
use super::registry::{Known, Registry};
use super::view::View;
use super::{exporting, importing, streaming};
use crate::plain::PlainFiles;

type Result<T> = std::result::Result<T, Failure>;

/// A call's work: what is known, where volumes are, and the layer that it is about.
#[derive(Debug)]
pub(super) struct Work<'a> {
    pub(super) registry: &'a mut Registry,
    pub(super) state: &'a Path,
    pub(super) layer: Place,
}

impl Work<'_> {
    /// Returns the disk of a layer that is there; `None` if it is read-only.
    fn disk(&self) -> Result<Option<Disk>> {
        if !self.layer.path.is_dir() {
            return Err(HResult::PATH_NOT_FOUND.into());
        }
        Ok(Disk::of(&self.layer.path)?)
    }

    fn known(&mut self) -> &mut Known {
        self.registry.layer(&self.layer.key)
    }

    fn parents(&mut self, descriptors: &[Descriptor]) -> Result<Vec<PathBuf>> {
        checks::parents(self.registry, &self.layer, descriptors)
    }

    /// Makes the folder of a layer that is new, whatever had its name before.
    fn make(&mut self) -> Result<()> {
        if self.layer.path.exists() {
            return Err(HResult::ALREADY_EXISTS.into());
        }
        if self.known().active {
            return Err(HResult::SHARING_VIOLATION.into());
        }
        self.registry.forget(&self.layer.key);
        Ok(())
    }

    pub(super) fn create(mut self, parent: &str) -> Result<()> {
        self.make()?;
        if parent.contains(['/', '\\']) {
            return Err(Failure::wrong(format!("the parent {parent:?} is no id")));
        }
        self.known().parent_name = Some(parent.to_owned());
        Ok(fs::create_dir(&self.layer.path)?)
    }

    pub(super) fn create_sandbox(mut self, descriptors: &[Descriptor]) -> Result<()> {
        self.make()?;
        let parents = self.parents(descriptors)?;
        let Some(base) = parents.last() else {
            return Err(Failure::wrong("a writable layer needs parents"));
        };
        if !base.join(BLANK).exists() {
            return Err(HResult::FILE_NOT_FOUND.into());
        }
        let disk = Disk::new(&self.layer.path);
        fs::create_dir(&self.layer.path)?;
        disk.write(&self.layer.path)?;
        Ok(fs::create_dir_all(disk.volume(self.state))?)
    }

    pub(super) fn expand(self, bytes: u64) -> Result<()> {
        let Some(disk) = self.disk()? else {
            return Err(HResult::FILE_NOT_FOUND.into());
        };
        if self.registry.is_attached(&disk.id) {
            return Err(HResult::SHARING_VIOLATION.into());
        }
        if bytes <= disk.size {
            return Err(HResult::INVALID_PARAMETER.into());
        }
        let disk = Disk {
            size: bytes,
            ..disk
        };
        Ok(disk.write(&self.layer.path)?)
    }

    pub(super) fn destroy(mut self) -> Result<()> {
        let disk = self.disk()?;
        let is_prepared = self.known().prepared;
        let is_attached = disk
            .as_ref()
            .is_some_and(|disk| self.registry.is_attached(&disk.id));
        if is_prepared || is_attached {
            return Err(HResult::SHARING_VIOLATION.into());
        }
        // The disk last: without it nobody would find the volume again.
        if let Some(disk) = disk {
            remove_all(&disk.volume(self.state))?;
            self.registry.filled.remove(&disk.id);
        }
        fs::remove_dir_all(&self.layer.path)?;
        self.registry.forget(&self.layer.key);
        Ok(())
    }

    pub(super) fn activate(mut self) -> Result<()> {
        let Some(disk) = self.disk()? else {
            return Ok(());
        };
        if self.known().active {
            return Err(INVALID_STATE.into());
        }
        if self.registry.is_attached(&disk.id) {
            return Err(HResult::SHARING_VIOLATION.into());
        }
        let known = self.known();
        known.active = true;
        known.disk = Some(disk.id);
        Ok(())
    }

    pub(super) fn deactivate(mut self) -> Result<()> {
        let is_read_only = self.layer.path.is_dir() && self.disk()?.is_none();
        let known = self.known();
        if is_read_only && !known.active {
            return Ok(());
        }
        if !known.active || known.prepared {
            return Err(INVALID_STATE.into());
        }
        known.active = false;
        Ok(())
    }

    pub(super) fn prepare(mut self, descriptors: &[Descriptor]) -> Result<()> {
        let disk = self.disk()?;
        let parents = self.parents(descriptors)?;
        let known = self.known();
        if let Some(disk) = disk {
            if !known.active || known.prepared {
                return Err(INVALID_STATE.into());
            }
            known.prepared = true;
            return self.fill(&disk, &parents);
        }
        known.prepared = true;
        Ok(())
    }

    /// Lets a volume show the parents' files, the first time.
    fn fill(&mut self, disk: &Disk, parents: &[PathBuf]) -> Result<()> {
        if !self.registry.filled.contains(&disk.id) {
            let volume = disk.volume(self.state);
            remove_all(&volume)?;
            fs::create_dir_all(&volume)?;
            View::open(parents)?.copy_to(&volume)?;
            self.registry.filled.insert(disk.id.clone());
        }
        Ok(())
    }

    pub(super) fn unprepare(mut self) -> Result<()> {
        let is_read_only = self.layer.path.is_dir() && self.disk()?.is_none();
        let known = self.known();
        if !is_read_only && !known.prepared {
            return Err(INVALID_STATE.into());
        }
        known.prepared = false;
        Ok(())
    }

    pub(super) fn mount_path(mut self) -> Result<String> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        match self.disk()? {
            None => Ok(text(&self.layer.path)),
            Some(_) if !self.known().active => Err(HResult::NOT_READY.into()),
            Some(disk) => Ok(text(&disk.volume(self.state).join(""))),
        }
    }

    pub(super) fn import(mut self, folder: &Path, descriptors: &[Descriptor]) -> Result<()> {
        let folder = folder_of(folder)?;
        let parents = self.check_import(descriptors)?;
        importing::import(&self.layer.path, &folder, &parents)
    }

    /// Returns the parents' folders, if the layer can be filled.
    pub(super) fn check_import(&mut self, descriptors: &[Descriptor]) -> Result<Vec<PathBuf>> {
        if self.disk()?.is_some() {
            return Err(Failure::wrong("a writable layer cannot be imported"));
        }
        let parents = self.parents(descriptors)?;
        if parents.is_empty() {
            return Err(Failure::wrong("a layer without parents is not imported"));
        }
        Ok(parents)
    }

    /// Makes a read-only layer of what a writable one, which is not mounted, changes.
    pub(super) fn copy(mut self, to: &Path, descriptors: &[Descriptor]) -> Result<()> {
        let to = Place::of(to)?;
        let Some(disk) = self.disk()? else {
            return Err(Failure::wrong("only a writable layer is copied"));
        };
        let parents = self.parents(descriptors)?;
        if self.registry.is_attached(&disk.id) || !self.registry.filled.contains(&disk.id) {
            return Err(INVALID_STATE.into());
        }
        if to.path.exists() {
            return Err(HResult::ALREADY_EXISTS.into());
        }
        self.registry.forget(&to.key);
        checks::parents(self.registry, &to, descriptors)?;
        let transport = self.state.join("copy");
        remove_all(&transport)?;
        fs::create_dir(&transport)?;
        exporting::writable(&disk.volume(self.state), &transport, &parents)?;
        let files = PlainFiles::open_root(&transport)?;
        let deleted = streaming::deletions(&files)?;
        files.remove("tombstones.txt")?;
        fs::create_dir(&to.path)?;
        importing::import(&to.path, &transport, &parents)?;
        streaming::delete(&PlainFiles::open_root(&to.path)?, &deleted)?;
        Ok(remove_all(&transport)?)
    }

    pub(super) fn export(mut self, folder: &Path, descriptors: &[Descriptor]) -> Result<()> {
        let folder = folder_of(folder)?;
        if fs::read_dir(&folder)?.next().is_some() {
            let what = format!("{} is not empty", folder.display());
            return Err(Failure::wrong(what));
        }
        let disk = self.disk()?;
        let parents = self.parents(descriptors)?;
        if parents.is_empty() {
            return Err(Failure::wrong("a layer without parents is not exported"));
        }
        let Some(disk) = disk else {
            return Ok(exporting::read_only(&self.layer.path, &folder, &parents)?);
        };
        let known = self.known();
        if !known.active || known.prepared {
            return Err(INVALID_STATE.into());
        }
        if !self.registry.filled.contains(&disk.id) {
            return Err(Failure {
                complaint: Some("the layer was never prepared".to_owned()),
                ..INVALID_STATE.into()
            });
        }
        Ok(exporting::writable(
            &disk.volume(self.state),
            &folder,
            &parents,
        )?)
    }
}

fn folder_of(folder: &Path) -> Result<PathBuf> {
    let place = Place::of(folder)?;
    match place.path.is_dir() {
        true => Ok(place.path),
        false => Err(Failure::wrong(format!("{} is no folder", place.key))),
    }
}

fn remove_all(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
