//! Machines for the library, one after the other: there is one environment for all tests of a process.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;
use transom_standin::Machine;

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
}
