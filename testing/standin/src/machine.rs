//! The Host Compute Service, as far as layers need it.
//!
//! All that it knows is on disk in its state folder, so it outlives the processes that call it, as the real one does:
//!
//! ```text
//! lock           held during each call but one that hangs
//! log            the calls; a line that begins with `!` names a wrong argument
//! errors         what the file system said, for whoever looks for the reason of a failure
//! control        rules for calls that are to go wrong
//! layers.json    which layers are active and prepared, and what was said of their parents
//! systems.json   compute systems
//! volumes/<id>/  the content of writable layers
//! ```
//!
//! It is stricter than Windows: lists of parents have to be the same each time, and transport folders to be whole.

mod carrier;
mod checks;
mod disk;
mod exporting;
mod failure;
mod faults;
mod images;
mod importing;
mod journal;
mod layers;
mod packages;
mod placeholder;
mod registry;
mod streaming;
#[cfg(test)]
mod tests;
mod view;

pub use faults::{Action, Rule};
pub use streaming::{ExportStream, ImportStream, StreamedEntry};

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use transom_windows::{Descriptor, Guid, HResult, Hcs, HcsError};

use checks::Place;
use disk::Disk;
use failure::Failure;
use faults::Faults;
use journal::Journal;
use layers::Work;
use registry::Registry;

/// How long a call hangs.
const HANG: Duration = Duration::from_secs(60 * 60);
const PAUSE: Duration = Duration::from_millis(50);

/// A stand-in for the Host Compute Service over [`PlainFiles`](crate::PlainFiles).
#[derive(Debug, Clone)]
pub struct Machine {
    state: PathBuf,
}

type Result<T> = std::result::Result<T, HcsError>;

impl Machine {
    /// Opens the state of a machine, or makes a new one.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn open(state: &Path) -> io::Result<Self> {
        let state = std::path::absolute(state)?;
        fs::create_dir_all(state.join("volumes"))?;
        Ok(Self { state })
    }

    /// Returns all calls, with all their arguments, and the complaints about them.
    pub fn log(&self) -> Vec<String> {
        self.journal().lines()
    }

    /// Forgets the calls, and the complaints.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn clear_log(&self) -> io::Result<()> {
        let _lock = self.lock()?;
        self.journal().clear()
    }

    /// Returns what was wrong with arguments.
    pub fn complaints(&self) -> Vec<String> {
        self.journal().complaints()
    }

    /// Notes that an argument of a call is wrong, for whoever turns calls into those of this machine.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn complain(&self, call: &str, what: &str) -> io::Result<()> {
        let _lock = self.lock()?;
        self.journal().complain(call, what)
    }

    /// Lets a call go wrong.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn plan(&self, rule: &Rule) -> io::Result<()> {
        let _lock = self.lock()?;
        self.faults().add(rule)
    }

    /// Lets all calls go right again.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn forget_plans(&self) -> io::Result<()> {
        let _lock = self.lock()?;
        self.faults().clear()
    }

    /// Returns the layers that are active or prepared. Activation of a read-only one does nothing, and is not told.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn active(&self) -> io::Result<Vec<PathBuf>> {
        let _lock = self.lock()?;
        let keys = Registry::read(&self.state)?.in_use();
        Ok(keys.into_iter().map(PathBuf::from).collect())
    }

    /// Sets the list of compute systems, as JSON.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn set_systems(&self, systems: &str) -> io::Result<()> {
        let _lock = self.lock()?;
        fs::write(self.systems_path(), systems)
    }

    /// Answers GetLayerMountPath without a buffer: the units of the path with a NUL, 0 if there is none.
    ///
    /// # Errors
    /// There is no such layer, or it is not active.
    pub fn mount_path_length(&self, layer: &Path, room: usize) -> Result<usize> {
        let told = format!("len={room} NULL");
        self.on_layer("GetLayerMountPath", layer, &told, |work| {
            let path = work.mount_path()?;
            Ok(path.encode_utf16().count() + usize::from(!path.is_empty()))
        })
    }

    /// Answers GetLayerMountPath with a buffer that has `room` units.
    ///
    /// # Errors
    /// There is no such layer, it is not active, or there is too little room.
    pub fn mount_path(&self, layer: &Path, room: usize) -> Result<String> {
        let told = format!("len={room} buffer");
        self.on_layer("GetLayerMountPath", layer, &told, |work| {
            let path = work.mount_path()?;
            match path.encode_utf16().count() < room {
                true => Ok(path),
                false => Err(HResult::INSUFFICIENT_BUFFER.into()),
            }
        })
    }

    fn journal(&self) -> Journal {
        Journal::new(&self.state)
    }

    fn faults(&self) -> Faults {
        Faults::new(&self.state)
    }

    fn systems_path(&self) -> PathBuf {
        self.state.join("systems.json")
    }

    /// Waits for the machine to be free, and keeps it until the file is dropped.
    fn lock(&self) -> io::Result<File> {
        let path = self.state.join("lock");
        let lock = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        lock.lock()?;
        Ok(lock)
    }

    /// Notes a call, lets it go wrong if it is to, and does its work.
    fn call<T>(
        &self,
        call: &'static str,
        arguments: &str,
        work: impl FnOnce(&mut Registry) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        let done = self.guarded(call, arguments, work);
        done.map_err(|failure| {
            // The answer tells enough if this fails.
            if let Some(what) = &failure.complaint {
                let _ = self.journal().complain(call, what);
            }
            if let Some(what) = &failure.detail {
                let _ = self.journal().detail(call, what);
            }
            HcsError::Failed {
                call,
                code: failure.code,
                detail: failure.result(call),
            }
        })
    }

    fn guarded<T>(
        &self,
        call: &'static str,
        arguments: &str,
        work: impl FnOnce(&mut Registry) -> std::result::Result<T, Failure>,
    ) -> std::result::Result<T, Failure> {
        let lock = self.lock()?;
        self.journal().called(call, arguments)?;
        let action = self.faults().take(call)?;
        match action {
            Some(Action::Fail(code)) => return Err(code.into()),
            Some(Action::Die) => std::process::abort(),
            Some(Action::Hang) => {
                drop(lock);
                self.hang();
                return Err(HResult::TIMEOUT.into());
            }
            Some(Action::FailAfter(_) | Action::DieAfter) | None => {}
        }
        let mut registry = Registry::read(&self.state)?;
        let answer = work(&mut registry)?;
        registry.write()?;
        match action {
            Some(Action::FailAfter(code)) => Err(code.into()),
            Some(Action::DieAfter) => std::process::abort(),
            _ => Ok(answer),
        }
    }

    /// Does not return for long, unless the machine is taken away.
    fn hang(&self) {
        let start = Instant::now();
        while start.elapsed() < HANG && self.state.exists() {
            thread::sleep(PAUSE);
        }
    }

    /// A call that is about a layer.
    fn on_layer<T>(
        &self,
        call: &'static str,
        layer: &Path,
        arguments: &str,
        work: impl FnOnce(Work<'_>) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        let mut told = journal::layer(layer);
        if !arguments.is_empty() {
            told.extend([" ", arguments]);
        }
        self.call(call, &told, |registry| {
            let layer = Place::of(layer)?;
            work(Work {
                registry,
                state: &self.state,
                layer,
            })
        })
    }

    fn systems(&self) -> std::result::Result<String, Failure> {
        match fs::read_to_string(self.systems_path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok("[]".to_owned()),
            text => Ok(text?),
        }
    }
}

impl Hcs for Machine {
    fn activate_layer(&self, layer: &Path) -> Result<()> {
        self.on_layer("ActivateLayer", layer, "", |work| work.activate())
    }

    fn deactivate_layer(&self, layer: &Path) -> Result<()> {
        self.on_layer("DeactivateLayer", layer, "", |work| work.deactivate())
    }

    fn create_layer(&self, layer: &Path, parent: &str) -> Result<()> {
        let told = format!("parent='{parent}'");
        self.on_layer("CreateLayer", layer, &told, |work| work.create(parent))
    }

    fn create_sandbox_layer(&self, layer: &Path, parents: &[Descriptor]) -> Result<()> {
        let told = journal::parents(parents);
        self.on_layer("CreateSandboxLayer", layer, &told, |work| {
            work.create_sandbox(parents)
        })
    }

    fn expand_sandbox_size(&self, layer: &Path, bytes: u64) -> Result<()> {
        let told = format!("bytes={bytes}");
        self.on_layer("ExpandSandboxSize", layer, &told, |work| work.expand(bytes))
    }

    fn destroy_layer(&self, layer: &Path) -> Result<()> {
        self.on_layer("DestroyLayer", layer, "", |work| work.destroy())
    }

    fn export_layer(&self, layer: &Path, folder: &Path, parents: &[Descriptor]) -> Result<()> {
        let told = format!("folder={} {}", folder.display(), journal::parents(parents));
        self.on_layer("ExportLayer", layer, &told, |work| {
            work.export(folder, parents)
        })
    }

    fn import_layer(&self, layer: &Path, folder: &Path, parents: &[Descriptor]) -> Result<()> {
        let told = format!("folder={} {}", folder.display(), journal::parents(parents));
        self.on_layer("ImportLayer", layer, &told, |work| {
            work.import(folder, parents)
        })
    }

    fn layer_mount_path(&self, layer: &Path) -> Result<String> {
        let length = self.mount_path_length(layer, 0)?;
        match length {
            0 => Ok(String::new()),
            room => self.mount_path(layer, room),
        }
    }

    fn layer_exists(&self, layer: &Path) -> Result<bool> {
        self.on_layer("LayerExists", layer, "", |work| {
            Ok(work.layer.path.is_dir())
        })
    }

    fn prepare_layer(&self, layer: &Path, parents: &[Descriptor]) -> Result<()> {
        let told = journal::parents(parents);
        self.on_layer("PrepareLayer", layer, &told, |work| work.prepare(parents))
    }

    fn unprepare_layer(&self, layer: &Path) -> Result<()> {
        self.on_layer("UnprepareLayer", layer, "", |work| work.unprepare())
    }

    fn process_base_image(&self, layer: &Path) -> Result<()> {
        let told = layer.display().to_string();
        self.call("ProcessBaseImage", &told, |registry| {
            let layer = Place::of(layer)?;
            checks::parents(registry, &layer, &[])?;
            images::process_base(&layer.path)
        })
    }

    fn process_utility_image(&self, folder: &Path) -> Result<()> {
        let told = folder.display().to_string();
        self.call("ProcessUtilityImage", &told, |_| {
            images::process_utility(&Place::of(folder)?.path)
        })
    }

    fn name_to_guid(&self, name: &str) -> Result<Guid> {
        self.call("NameToGuid", name, |_| {
            match name.is_empty() || name.contains(['/', '\\']) {
                true => Err(Failure::wrong(format!("{name:?} is no folder's name"))),
                false => Ok(checks::guid_of(name)),
            }
        })
    }

    fn enumerate_compute_systems(&self, query: &str) -> Result<String> {
        self.call("HcsEnumerateComputeSystems", query, |_| match query {
            "{}" => self.systems(),
            query => Err(Failure::wrong(format!("{query:?} does not ask for all"))),
        })
    }

    fn terminate_compute_system(&self, id: &str) -> Result<()> {
        self.call("HcsTerminateComputeSystem", id, |_| {
            let invalid = |_| Failure::from(HResult::INVALID_DATA);
            let systems: Value = serde_json::from_str(&self.systems()?).map_err(invalid)?;
            let mut systems = systems.as_array().cloned().unwrap_or_default();
            systems.retain(|system| system.get("Id").and_then(Value::as_str) != Some(id));
            fs::write(self.systems_path(), Value::from(systems).to_string())?;
            Ok(())
        })
    }

    fn detach_virtual_disk(&self, disk: &Path) -> Result<()> {
        let told = disk.display().to_string();
        self.call("DetachVirtualDisk", &told, |registry| {
            let found = Disk::read(&Place::of(disk)?.path)?;
            let found = found.ok_or(HResult::FILE_NOT_FOUND)?;
            match registry.detach(&found.id) {
                true => Ok(()),
                false => Err(HResult::NOT_READY.into()),
            }
        })
    }
}
