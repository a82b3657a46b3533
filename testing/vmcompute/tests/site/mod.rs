//! Machines for the library, one after the other: there is one environment for all tests of a process.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;
use transom_driver::conformance::Volume as _;
use transom_standin::{Machine, PlainVolume};
use transom_windows::{Descriptor, Hcs as _, SystemHcs};

static ENVIRONMENT: Mutex<()> = Mutex::new(());

/// A machine that the library answers for, and a folder for layers.
#[derive(Debug)]
pub(crate) struct Site {
    folder: TempDir,
    _environment: MutexGuard<'static, ()>,
}

impl Site {
    /// `None`, after a line that says so, if the library is not installed.
    pub(crate) fn new() -> Option<Self> {
        if !Path::new(r"C:\windows\system32\vmcompute.dll").exists() {
            println!("skipped: the stand-in's library is not installed");
            return None;
        }
        let environment = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("layers")).unwrap();
        // SAFETY: Windows keeps a process's environment behind a lock of its own.
        unsafe { std::env::set_var("TRANSOM_STANDIN", folder.path().join("machine")) };
        Some(Self {
            folder,
            _environment: environment,
        })
    }

    pub(crate) fn machine(&self) -> Machine {
        Machine::open(&self.folder.path().join("machine")).unwrap()
    }

    pub(crate) fn layer(&self, name: &str) -> PathBuf {
        self.folder.path().join("layers").join(name)
    }

    /// Names a layer as calls name parents.
    pub(crate) fn parent(&self, name: &str) -> Descriptor {
        Descriptor {
            id: SystemHcs.name_to_guid(name).unwrap(),
            path: self.layer(name),
        }
    }

    /// Makes the layer `base`, with the file `gone.txt` and the least that Windows takes.
    pub(crate) fn base(&self) -> Descriptor {
        let layer = self.layer("base");
        SystemHcs.create_layer(&layer, "").unwrap();
        for hive in ["SYSTEM", "SOFTWARE", "SAM", "SECURITY", "DEFAULT"] {
            let name = format!("Files/Windows/System32/config/{hive}");
            PlainVolume.write(&layer, &name, b"").unwrap();
        }
        PlainVolume
            .write(&layer, "Files/gone.txt", b"gone")
            .unwrap();
        SystemHcs.process_base_image(&layer).unwrap();
        self.parent("base")
    }

    /// Makes and mounts a writable layer, and returns its volume.
    pub(crate) fn mount(&self, name: &str, parents: &[Descriptor]) -> PathBuf {
        let layer = self.layer(name);
        SystemHcs.create_sandbox_layer(&layer, parents).unwrap();
        SystemHcs.activate_layer(&layer).unwrap();
        SystemHcs.prepare_layer(&layer, parents).unwrap();
        SystemHcs.layer_mount_path(&layer).unwrap().into()
    }
}
