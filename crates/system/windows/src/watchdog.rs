//! No call of the Host Compute Service takes for ever.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use crate::{Descriptor, Guid, HResult, Hcs, HcsError};

type Result<T> = std::result::Result<T, HcsError>;

/// Runs each call in a thread of its own and waits for it no longer than a limit.
///
/// A call that hangs cannot be stopped, so its thread stays until it returns; what it did then is for the caller to
/// undo. PrepareLayer runs once at a time, as Windows needs it (hcsshim does the same); one that hangs does not keep
/// others from running after the limit.
#[derive(Debug)]
pub struct Watchdog<H> {
    hcs: Arc<H>,
    limit: Duration,
}

static PREPARING: Mutex<()> = Mutex::new(());

fn preparing() -> MutexGuard<'static, ()> {
    PREPARING.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<H: Hcs> Watchdog<H> {
    /// Watches the calls of `hcs`. Imports and exports of large layers have to fit the limit; hcsshim waits 4 minutes
    /// for a compute system and without end for a layer.
    pub fn new(hcs: H, limit: Duration) -> Self {
        Self {
            hcs: Arc::new(hcs),
            limit,
        }
    }

    fn watch<T: Send + 'static>(
        &self,
        call: &'static str,
        work: impl FnOnce(&H) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let hcs = Arc::clone(&self.hcs);
        thread::Builder::new()
            .name(call.to_owned())
            .spawn(move || {
                // Nobody waits any more after the limit.
                let _ = sender.send(work(&hcs));
            })
            .map_err(|error| HcsError::Answer {
                call,
                what: format!("cannot start a thread for it: {error}"),
            })?;
        match receiver.recv_timeout(self.limit) {
            Ok(result) => result,
            Err(mpsc::RecvTimeoutError::Timeout) => Err(HcsError::TimedOut {
                call,
                limit: self.limit,
            }),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(HcsError::Failed {
                call,
                code: HResult::GEN_FAILURE,
                detail: None,
            }),
        }
    }
}

impl<H: Hcs> Hcs for Watchdog<H> {
    fn activate_layer(&self, layer: &Path) -> Result<()> {
        let layer = layer.to_owned();
        self.watch("ActivateLayer", move |hcs| hcs.activate_layer(&layer))
    }

    fn deactivate_layer(&self, layer: &Path) -> Result<()> {
        let layer = layer.to_owned();
        self.watch("DeactivateLayer", move |hcs| hcs.deactivate_layer(&layer))
    }

    fn create_layer(&self, layer: &Path, parent: &str) -> Result<()> {
        let (layer, parent) = (layer.to_owned(), parent.to_owned());
        self.watch("CreateLayer", move |hcs| hcs.create_layer(&layer, &parent))
    }

    fn create_sandbox_layer(&self, layer: &Path, parents: &[Descriptor]) -> Result<()> {
        let (layer, parents) = (layer.to_owned(), parents.to_owned());
        self.watch("CreateSandboxLayer", move |hcs| {
            hcs.create_sandbox_layer(&layer, &parents)
        })
    }

    fn expand_sandbox_size(&self, layer: &Path, bytes: u64) -> Result<()> {
        let layer = layer.to_owned();
        self.watch("ExpandSandboxSize", move |hcs| {
            hcs.expand_sandbox_size(&layer, bytes)
        })
    }

    fn destroy_layer(&self, layer: &Path) -> Result<()> {
        let layer = layer.to_owned();
        self.watch("DestroyLayer", move |hcs| hcs.destroy_layer(&layer))
    }

    fn export_layer(&self, layer: &Path, folder: &Path, parents: &[Descriptor]) -> Result<()> {
        let (layer, folder, parents) = (layer.to_owned(), folder.to_owned(), parents.to_owned());
        self.watch("ExportLayer", move |hcs| {
            hcs.export_layer(&layer, &folder, &parents)
        })
    }

    fn import_layer(&self, layer: &Path, folder: &Path, parents: &[Descriptor]) -> Result<()> {
        let (layer, folder, parents) = (layer.to_owned(), folder.to_owned(), parents.to_owned());
        self.watch("ImportLayer", move |hcs| {
            hcs.import_layer(&layer, &folder, &parents)
        })
    }

    fn layer_mount_path(&self, layer: &Path) -> Result<String> {
        let layer = layer.to_owned();
        self.watch("GetLayerMountPath", move |hcs| hcs.layer_mount_path(&layer))
    }

    fn layer_exists(&self, layer: &Path) -> Result<bool> {
        let layer = layer.to_owned();
        self.watch("LayerExists", move |hcs| hcs.layer_exists(&layer))
    }

    fn prepare_layer(&self, layer: &Path, parents: &[Descriptor]) -> Result<()> {
        let _turn = preparing();
        let (layer, parents) = (layer.to_owned(), parents.to_owned());
        self.watch("PrepareLayer", move |hcs| {
            hcs.prepare_layer(&layer, &parents)
        })
    }

    fn unprepare_layer(&self, layer: &Path) -> Result<()> {
        let layer = layer.to_owned();
        self.watch("UnprepareLayer", move |hcs| hcs.unprepare_layer(&layer))
    }

    fn process_base_image(&self, layer: &Path) -> Result<()> {
        let layer = layer.to_owned();
        self.watch("ProcessBaseImage", move |hcs| {
            hcs.process_base_image(&layer)
        })
    }

    fn process_utility_image(&self, folder: &Path) -> Result<()> {
        let folder = folder.to_owned();
        self.watch("ProcessUtilityImage", move |hcs| {
            hcs.process_utility_image(&folder)
        })
    }

    fn name_to_guid(&self, name: &str) -> Result<Guid> {
        let name = name.to_owned();
        self.watch("NameToGuid", move |hcs| hcs.name_to_guid(&name))
    }

    fn enumerate_compute_systems(&self, query: &str) -> Result<String> {
        let query = query.to_owned();
        self.watch("HcsEnumerateComputeSystems", move |hcs| {
            hcs.enumerate_compute_systems(&query)
        })
    }

    fn terminate_compute_system(&self, id: &str) -> Result<()> {
        let id = id.to_owned();
        self.watch("HcsTerminateComputeSystem", move |hcs| {
            hcs.terminate_compute_system(&id)
        })
    }

    fn detach_virtual_disk(&self, disk: &Path) -> Result<()> {
        let disk = disk.to_owned();
        self.watch("DetachVirtualDisk", move |hcs| {
            hcs.detach_virtual_disk(&disk)
        })
    }
}
