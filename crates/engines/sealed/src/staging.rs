//! A folder of its own for each running operation, and a lock that says the operation lives.
//!
//! The lock is the kernel's (`flock` or its like), so it ends with the process however that ends;
//! recovery removes the folders whose lock it can take.

use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::durable::{self, FileError, Named};
use crate::layout::Layout;

/// One operation's folder; deleted when dropped.
#[derive(Debug)]
pub(crate) struct Staging {
    holder: String,
    folder: PathBuf,
    lock_path: PathBuf,
    _lock: File,
    next: AtomicU64,
}

impl Staging {
    /// Makes a new folder and takes its lock.
    pub(crate) fn create(layout: &Layout) -> Result<Self, FileError> {
        loop {
            let holder = unique_name();
            let lock_path = lock_path(layout, &holder);
            let lock = durable::create_file(&lock_path)?;
            lock.lock().named("lock", &lock_path)?;
            // A recovery that came between the two calls above has deleted the file as a dead one's.
            if !lock_path.try_exists().named("find", &lock_path)? {
                continue;
            }
            let folder = layout.staging().join(&holder);
            durable::create_dir(&folder)?;
            return Ok(Self {
                holder,
                folder,
                lock_path,
                _lock: lock,
                next: AtomicU64::new(0),
            });
        }
    }

    /// The name under which this operation holds leases.
    pub(crate) fn holder(&self) -> &str {
        &self.holder
    }

    /// Makes a new empty folder inside.
    pub(crate) fn new_folder(&self) -> Result<PathBuf, FileError> {
        let path = self.new_path();
        durable::create_dir(&path)?;
        Ok(path)
    }

    /// Returns a path inside that nothing else uses.
    pub(crate) fn new_path(&self) -> PathBuf {
        self.folder
            .join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be deleted now is deleted by the next recovery, once the lock is free.
        let _ = durable::delete(&self.folder);
        let _ = durable::delete(&self.lock_path);
    }
}

/// Deletes the folders of operations whose process is gone.
pub(crate) fn clean_dead(layout: &Layout) -> Result<(), FileError> {
    for name in durable::names_in(&layout.staging())? {
        let Some(holder) = holder_of(&name) else {
            continue;
        };
        let lock_path = lock_path(layout, holder);
        let lock = match File::open(&lock_path) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // The owner deletes the lock last: a folder without one is half deleted.
                durable::delete(&layout.staging().join(holder))?;
                continue;
            }
            Err(error) => return Err(error).named("open", &lock_path),
        };
        match lock.try_lock() {
            Ok(()) => {
                // The lock stays if its folder cannot be deleted: the next recovery tries again.
                let _ = durable::delete(&layout.staging().join(holder))
                    .and_then(|()| durable::delete(&lock_path));
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error).named("lock", &lock_path),
        }
    }
    Ok(())
}

/// Returns the operations that have left something here and are gone. One that begins just now looks like that for a
/// moment, so each is asked twice.
pub(crate) fn dead(layout: &Layout) -> Result<HashSet<String>, FileError> {
    let mut dead = HashSet::new();
    for name in durable::names_in(&layout.staging())? {
        if let Some(holder) = holder_of(&name)
            && !is_locked(layout, holder)?
        {
            dead.insert(holder.to_owned());
        }
    }
    if dead.is_empty() {
        return Ok(dead);
    }
    std::thread::sleep(Duration::from_millis(20));
    let mut still = HashSet::new();
    for holder in dead {
        if !is_locked(layout, &holder)? {
            still.insert(holder);
        }
    }
    Ok(still)
}

/// Says whether any operation is running.
pub(crate) fn somebody_lives(layout: &Layout) -> Result<bool, FileError> {
    for name in durable::names_in(&layout.staging())? {
        if let Some(holder) = holder_of(&name)
            && is_locked(layout, holder)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_locked(layout: &Layout, holder: &str) -> Result<bool, FileError> {
    let path = lock_path(layout, holder);
    let lock = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        lock => lock.named("open", &path)?,
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error).named("lock", &path),
    }
}

/// Returns the operation that a name in the staging folder is of; `None` for what this program did not make.
pub(crate) fn holder_of(name: &str) -> Option<&str> {
    let holder = name.strip_suffix(LOCK_SUFFIX).unwrap_or(name);
    let is_hex = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_hexdigit());
    let mut parts = holder.split('-');
    let is_own = parts.by_ref().take(3).filter(|part| is_hex(part)).count() == 3;
    (is_own && parts.next().is_none()).then_some(holder)
}

/// Says whether `holder` may still be running; to be asked after [`clean_dead`].
pub(crate) fn may_live(layout: &Layout, holder: &str) -> Result<bool, FileError> {
    let path = lock_path(layout, holder);
    path.try_exists().named("find", &path)
}

fn lock_path(layout: &Layout, holder: &str) -> PathBuf {
    layout.staging().join(format!("{holder}{LOCK_SUFFIX}"))
}

const LOCK_SUFFIX: &str = ".lock";

/// A name no other operation has: process, time, counter.
pub(crate) fn unique_name() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_nanos());
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{nanos:x}-{:x}-{count:x}", std::process::id())
}

/// Returns the name that something in the trash had before.
pub(crate) fn name_before(entry: &str) -> &str {
    entry.rsplit_once('.').map_or(entry, |(name, _)| name)
}

/// Moves `path` into the trash under a name that begins with its own; the trash is emptied later.
pub(crate) fn discard(layout: &Layout, path: &Path) -> Result<(), FileError> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("unnamed");
    durable::rename(
        path,
        &layout.trash().join(format!("{name}.{}", unique_name())),
    )
    .map_err(|mut error| {
        if durable::is_in_use(&error) {
            let said = format!("{}; somebody reads it: try again later", error.source);
            error.source = io::Error::new(error.source.kind(), said);
        }
        error
    })
}
