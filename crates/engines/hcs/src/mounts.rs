//! What is active and prepared, so that a process after this one knows it, and undoes what is only half done.
//!
//! A layer has the file `transom-mount` from before it is activated until it is deactivated: it holds the number of
//! references, or 0 while there is none yet.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use transom_windows::{Descriptor, HResult, Hcs, HcsError};

use crate::durable;
use crate::error::Cause;
use crate::retry::{Tries, retry};

const NOTE: &str = "transom-mount";

/// How a mount is tried while Windows brings the disk up (hcsshim internal/layers/wcow_mount.go).
const TRIES: Tries = Tries {
    count: 5,
    pause: Duration::from_millis(100),
};

/// How undoing is tried: a file may be open for a moment longer.
const UNDO_TRIES: Tries = Tries { count: 3, ..TRIES };

type Result<T> = std::result::Result<T, Cause>;

fn note_path(layer: &Path) -> PathBuf {
    layer.join(NOTE)
}

/// Returns the references of a layer that is active, was active, or was to be.
pub(crate) fn noted(layer: &Path) -> Result<Option<u64>> {
    let path = note_path(layer);
    match fs::read_to_string(&path) {
        // One that cannot be read is of a mount that was not finished.
        Ok(text) => Ok(Some(text.trim().parse().unwrap_or(0))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Cause::io("read", path)(error)),
    }
}

pub(crate) fn note(layer: &Path, count: u64) -> Result<()> {
    let path = note_path(layer);
    durable::write(&path, count.to_string().as_bytes()).map_err(Cause::io("write", path))
}

fn forget(layer: &Path) -> Result<()> {
    let path = note_path(layer);
    durable::remove(&path).map_err(Cause::io("remove", path))
}

fn is_transient(error: &HcsError) -> bool {
    let transient = [HResult::NOT_READY, HResult::DEVICE_NOT_CONNECTED];
    error.code().is_some_and(|code| transient.contains(&code))
}

/// Undoes a step, and tries again if that fails. Being in another state already is no failure if `is_undone` says so.
fn undone(
    step: impl Fn() -> std::result::Result<(), HcsError>,
    is_undone: impl Fn() -> bool,
) -> std::result::Result<(), HcsError> {
    retry(
        UNDO_TRIES,
        |_| true,
        |_| match step() {
            Err(error) if error.code() == Some(HResult::INVALID_STATE) && is_undone() => Ok(()),
            result => result,
        },
    )
}

fn unprepare_layer(hcs: &dyn Hcs, layer: &Path) -> std::result::Result<(), HcsError> {
    undone(|| hcs.unprepare_layer(layer), || true)
}

fn deactivate_layer(hcs: &dyn Hcs, layer: &Path) -> std::result::Result<(), HcsError> {
    // One that is prepared still is in the wrong state too, but has a volume.
    undone(
        || hcs.deactivate_layer(layer),
        || hcs.layer_mount_path(layer).is_err(),
    )
}

/// Activates a layer, after undoing what a step before may have left.
pub(crate) fn activate(hcs: &dyn Hcs, layer: &Path) -> Result<()> {
    if noted(layer)?.is_some() {
        undo(hcs, layer)?;
    }
    note(layer, 0)?;
    let activated = retry(TRIES, is_transient, |_| hcs.activate_layer(layer));
    match activated {
        Ok(()) => Ok(()),
        Err(error) => {
            // One that did not answer may have done it.
            let is_clean = match error {
                HcsError::TimedOut { .. } => deactivate_layer(hcs, layer).is_ok(),
                _ => true,
            };
            if is_clean {
                forget(layer)?;
            }
            Err(error.into())
        }
    }
}

/// Prepares an active layer. While its disk comes up it is taken down and up again.
pub(crate) fn prepare(hcs: &dyn Hcs, layer: &Path, parents: &[Descriptor]) -> Result<()> {
    let prepared = retry(TRIES, is_transient, |before| {
        if before > 0 {
            deactivate_layer(hcs, layer)?;
            hcs.activate_layer(layer)?;
        }
        hcs.prepare_layer(layer, parents)
    });
    match prepared {
        Ok(()) => Ok(()),
        Err(error) => {
            if matches!(error, HcsError::TimedOut { .. }) {
                // It may have been done. If this fails too, deactivation will, and stays noted.
                let _ = unprepare_layer(hcs, layer);
            }
            Err(error.into())
        }
    }
}

pub(crate) fn unprepare(hcs: &dyn Hcs, layer: &Path) -> Result<()> {
    Ok(unprepare_layer(hcs, layer)?)
}

pub(crate) fn deactivate(hcs: &dyn Hcs, layer: &Path) -> Result<()> {
    deactivate_layer(hcs, layer)?;
    forget(layer)
}

/// Takes a layer down whatever its state is.
pub(crate) fn undo(hcs: &dyn Hcs, layer: &Path) -> Result<()> {
    // The layer may be active and not prepared; then only the second can succeed.
    let unprepared = unprepare(hcs, layer);
    let deactivated = deactivate(hcs, layer);
    if deactivated.is_err() {
        unprepared?;
    }
    deactivated
}
