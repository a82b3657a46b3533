//! Mounting and unmounting.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use fuser::{Config, MountOption, SessionACL};
use rustix::io::Errno;
use rustix::mount::UnmountFlags;
use transom_sealed::Tree;

use crate::names::root_of;
use crate::served::Served;
use crate::stat::Owner;
use crate::{FuseError, Options};

/// Most threads that serve one mount.
const THREADS_MAX: usize = 8;

/// Programs that unmount for users without root, of libfuse 3 and 2.
const UNMOUNTERS: [&str; 2] = ["fusermount3", "fusermount"];

/// A tree that is mounted. Dropping it unmounts, even when something is open in there: that then stays
/// readable, as long as the process lives, until it is closed.
#[derive(Debug)]
pub struct Session {
    target: PathBuf,
    /// Device number of the mount, by which it is told from another one at the same place; asked at first.
    device: Option<u64>,
    serving: Mutex<Option<JoinHandle<io::Result<()>>>>,
}

/// Mounts `tree` read-only at the folder `target` and serves it with threads of its own.
///
/// Root mounts by itself; for others `fusermount3` does.
///
/// # Errors
/// [`FuseError::Name`], [`FuseError::NoVolume`], [`FuseError::Tree`], or what the system refused.
pub fn mount(tree: Arc<Tree>, options: &Options, target: &Path) -> Result<Session, FuseError> {
    check_name(&options.name)?;
    let root = root_of(&tree, options.view)?;
    // What cannot be shown is better refused than mounted.
    tree.metadata(&root)?;
    let target = real_path(target).map_err(|source| FuseError::Target {
        target: target.to_owned(),
        source,
    })?;
    let owner = Owner {
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
    };
    let refused = |source| FuseError::Mount {
        target: target.clone(),
        source,
    };
    let served = Served::new(tree, root, owner);
    let session = fuser::Session::new(served, &target, &config(options)).map_err(refused)?;
    let serving = thread::Builder::new()
        .name("fuse".to_owned())
        .spawn(move || session.run())
        .map_err(refused)?;
    let mut session = Session {
        target: target.clone(),
        device: None,
        serving: Mutex::new(Some(serving)),
    };
    session.device = Some(fs::metadata(&target).map_err(refused)?.dev());
    Ok(session)
}

fn config(options: &Options) -> Config {
    let mut config = Config::default();
    config.mount_options = vec![
        MountOption::RO,
        MountOption::NoSuid,
        MountOption::NoDev,
        MountOption::NoAtime,
        MountOption::FSName(options.name.clone()),
    ];
    if options.allow_other {
        config.acl = SessionACL::All;
        // Whoever mounts may read everything; others only what the permission bits grant them.
        config.mount_options.push(MountOption::DefaultPermissions);
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    config.n_threads = Some(cores.clamp(2, THREADS_MAX));
    config
}

/// Refuses what would be taken for a second mount option, or break the lines of the mount table.
fn check_name(name: &str) -> Result<(), FuseError> {
    if name.contains(|letter: char| matches!(letter, ',' | '\\') || letter.is_control()) {
        let name = name.to_owned();
        return Err(FuseError::Name { name });
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the mount table has real paths, and fusermount3 compares with it"
)]
fn real_path(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path)
}

impl Session {
    /// Unmounts; does nothing if that has been done, by whomever.
    ///
    /// # Errors
    /// [`FuseError::Busy`] while something in the mount is in use, and whatever else the system refuses; it
    /// then stays mounted and served.
    pub fn unmount(&self) -> Result<(), FuseError> {
        self.unmount_with(UnmountFlags::empty(), &["-u"])
    }

    /// Waits until it is unmounted, by whomever, and the last user is gone.
    ///
    /// # Errors
    /// [`FuseError::Serve`] if serving ended for another reason.
    pub fn join(&self) -> Result<(), FuseError> {
        let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(thread) = serving.take() else {
            return Ok(());
        };
        let ended = thread.join();
        let ended = ended.unwrap_or_else(|_| Err(io::Error::other("a serving thread panicked")));
        ended.map_err(|source| FuseError::Serve {
            target: self.target.clone(),
            source,
        })
    }

    fn unmount_with(&self, flags: UnmountFlags, arguments: &[&str]) -> Result<(), FuseError> {
        if !self.is_mounted() {
            return Ok(());
        }
        match rustix::mount::unmount(&self.target, flags) {
            Ok(()) => Ok(()),
            Err(Errno::PERM) => self.unmount_by_program(arguments),
            Err(Errno::BUSY) => Err(self.busy()),
            Err(error) => Err(self.refused(error.into())),
        }
    }

    /// Unmounts as a user without root can.
    fn unmount_by_program(&self, arguments: &[&str]) -> Result<(), FuseError> {
        let mut missing = io::Error::from(io::ErrorKind::NotFound);
        for program in UNMOUNTERS {
            let mut command = Command::new(program);
            command.args(arguments).arg("--").arg(&self.target);
            let output = match command.env("LC_ALL", "C").output() {
                Ok(output) => output,
                Err(error) => {
                    missing = error;
                    continue;
                }
            };
            if output.status.success() {
                return Ok(());
            }
            let text = String::from_utf8_lossy(&output.stderr);
            if text.contains("busy") {
                return Err(self.busy());
            }
            return Err(self.refused(io::Error::other(text.trim_end())));
        }
        Err(self.refused(missing))
    }

    fn is_mounted(&self) -> bool {
        let Some(device) = self.device else {
            return true;
        };
        match fs::metadata(&self.target) {
            Ok(metadata) => metadata.dev() == device && self.is_served(),
            // Mounted, and nobody serves it.
            Err(error) => error.raw_os_error() == Some(Errno::NOTCONN.raw_os_error()),
        }
    }

    /// Says whether the threads run: a number of a device that is gone may be given to the next one.
    fn is_served(&self) -> bool {
        match self.serving.try_lock() {
            Ok(serving) => serving.as_ref().is_some_and(|thread| !thread.is_finished()),
            // Somebody waits for the end.
            Err(_) => true,
        }
    }

    fn busy(&self) -> FuseError {
        let target = self.target.clone();
        FuseError::Busy { target }
    }

    fn refused(&self, source: io::Error) -> FuseError {
        let target = self.target.clone();
        FuseError::Unmount { target, source }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.unmount().is_err() {
            // Out of sight at least; the kernel ends it with its last user.
            let _ = self.unmount_with(UnmountFlags::DETACH, &["-u", "-z"]);
        }
    }
}
