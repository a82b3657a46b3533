//! What Windows' layers are reached through: which files, and the process that has the privileges.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use transom_driver::Driver;
use transom_hcs::{HcsEngine, Worker, worker};
use transom_windows::{Create, Folder, NtfsFolder, Privilege, Privileges, SystemHcs, Watchdog};

use super::layers::Layers;

/// How long one call of the service may take: imports and exports of the largest layers take minutes.
const LIMIT: Duration = Duration::from_secs(60 * 60);

/// What the worker's first argument is.
const WORKER: &str = "hcs-worker";

/// Opens stores and serves as a worker, over files of one kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Host {
    open: fn(&Path) -> Result<Box<dyn Layers>>,
    serve: fn(&[OsString]) -> ExitCode,
    write_file: fn(&Path, &str, &[u8]) -> io::Result<()>,
}

impl Default for Host {
    fn default() -> Self {
        Self::over::<NtfsFolder>()
    }
}

impl Host {
    /// The host over files that `F` reads and writes.
    pub(crate) fn over<F: Folder>() -> Self {
        Self {
            open: open::<F>,
            serve: serve::<F>,
            write_file: write_file::<F>,
        }
    }

    /// Opens the layers in a folder.
    pub(crate) fn open(&self, home: &Path) -> Result<Box<dyn Layers>> {
        (self.open)(home)
    }

    /// Makes a file in a folder.
    pub(crate) fn write_file(&self, folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
        (self.write_file)(folder, name, bytes)
    }

    /// Is the worker process.
    pub(crate) fn serve(&self, arguments: &[OsString]) -> ExitCode {
        (self.serve)(arguments)
    }
}

/// The service of this host.
pub(crate) fn service() -> Watchdog<SystemHcs> {
    Watchdog::new(SystemHcs, LIMIT)
}

fn open<F: Folder>(home: &Path) -> Result<Box<dyn Layers>> {
    let worker = Worker::Process {
        program: std::env::current_exe().context("cannot find this program")?,
        arguments: vec![WORKER.into()],
    };
    let engine = HcsEngine::<F>::open(home, Arc::new(service()), worker)?;
    Ok(Box::new(Driver::open(engine)?))
}

fn serve<F: Folder>(arguments: &[OsString]) -> ExitCode {
    use Privilege::{Backup, ManageVolume, Restore, Security};
    // Those that the account has are enabled. What one is missing for says so itself.
    let _ = Privileges::enable_for_process(&[Backup, Restore, Security, ManageVolume]);
    worker::serve::<F>(&service(), arguments)
}

fn write_file<F: Folder>(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = F::open_root(folder)?.create_file(name, Create::New)?;
    file.write_all(bytes)
}
