//! What Windows' layers are reached through: which files, and the process that has the privileges.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
#[cfg(feature = "serve")]
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
#[cfg(feature = "serve")]
use tonic::service::Routes;
use transom_driver::Driver;
use transom_hcs::{HcsEngine, Worker, worker};
#[cfg(feature = "serve")]
use transom_sealed::Store;
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
    #[cfg(feature = "serve")]
    routes: fn(Arc<Store>, PathBuf, PathBuf) -> Result<Routes>,
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
            #[cfg(feature = "serve")]
            routes: routes::<F>,
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

    /// The services for containerd, over the layers in a folder, which is given as an absolute path.
    #[cfg(feature = "serve")]
    pub(crate) fn routes(
        &self,
        store: Arc<Store>,
        home: PathBuf,
        containerd: PathBuf,
    ) -> Result<Routes> {
        (self.routes)(store, home, containerd)
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
    Ok(Box::new(driver::<F>(home)?))
}

#[cfg(feature = "serve")]
fn routes<F: Folder>(store: Arc<Store>, home: PathBuf, containerd: PathBuf) -> Result<Routes> {
    let driver = driver::<F>(&home)?;
    Ok(transom_containerd::routes_over(
        store, driver, home, containerd,
    ))
}

fn driver<F: Folder>(home: &Path) -> Result<Driver<HcsEngine<F>>> {
    let worker = Worker::Process {
        program: std::env::current_exe().context("cannot find this program")?,
        arguments: vec![WORKER.into()],
    };
    let engine = HcsEngine::<F>::open(home, Arc::new(service()), worker)?;
    Ok(Driver::open(engine)?)
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
