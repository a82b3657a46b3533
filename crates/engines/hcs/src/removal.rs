//! A layer goes away: out of sight first, then for good (moby daemon/graphdriver/windows, Remove).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use transom_driver::ErrorKind;
use transom_windows::{HResult, Hcs, HcsError};

use crate::chain;
use crate::durable;
use crate::error::Cause;
use crate::retry::{Tries, retry};

/// What is added to the name of a folder that is to be destroyed.
pub(crate) const REMOVING: &str = "-removing";

/// The disk of a writable layer.
const DISK: &str = "sandbox.vhdx";

/// Server 2016 refuses to list compute systems now and then: upstream meant to try so.
const TRIES: Tries = Tries {
    count: 500,
    pause: Duration::from_millis(10),
};

type Result<T> = std::result::Result<T, Cause>;

/// Removes a layer that nobody uses. What cannot be destroyed now is left to [`clean_up`].
pub(crate) fn remove(hcs: &dyn Hcs, layer: &Path) -> Result<()> {
    stop_templates(hcs, layer)?;
    put_away(hcs, layer)
}

/// Renames a layer out of sight, and destroys it if that is possible now.
fn put_away(hcs: &dyn Hcs, layer: &Path) -> Result<()> {
    let name = chain::base_name(layer);
    let removing = layer.with_file_name(format!("{name}{REMOVING}"));
    if removing.exists() && layer.exists() {
        destroy(hcs, &removing)?;
    }
    match rename(hcs, layer, &removing) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        renamed => renamed.map_err(Cause::io("rename", layer))?,
    }
    if removing.exists() {
        // It is out of sight, and found again by its name.
        let _ = destroy(hcs, &removing);
    }
    Ok(())
}

/// Renames a folder. A disk that was left attached keeps it from that, and is detached.
fn rename(hcs: &dyn Hcs, layer: &Path, removing: &Path) -> io::Result<()> {
    let renamed = fs::rename(layer, removing);
    let disk = layer.join(DISK);
    let renamed = match renamed {
        Err(error) if is_held(&error) && disk.exists() => match hcs.detach_virtual_disk(&disk) {
            Ok(()) => fs::rename(layer, removing),
            Err(detach) => Err(io::Error::new(
                error.kind(),
                format!("{error}; its disk may be attached, and {detach}"),
            )),
        },
        renamed => renamed,
    };
    renamed?;
    match layer.parent() {
        Some(home) => durable::sync_folder(home),
        None => Ok(()),
    }
}

/// Says whether something in the folder is open: ERROR_SHARING_VIOLATION has no kind of its own.
fn is_held(error: &io::Error) -> bool {
    let is_shared = cfg!(windows) && error.raw_os_error() == Some(32);
    is_shared || error.kind() == io::ErrorKind::PermissionDenied
}

fn destroy(hcs: &dyn Hcs, folder: &Path) -> Result<()> {
    Ok(hcs.destroy_layer(folder)?)
}

/// Destroys a layer that was never whole, and so never was a template's.
pub(crate) fn abandon(hcs: &dyn Hcs, layer: &Path) -> Result<()> {
    match layer.exists() {
        true => put_away(hcs, layer),
        false => Ok(()),
    }
}

/// Destroys what was renamed and is still there. Everything is tried.
pub(crate) fn clean_up(hcs: &dyn Hcs, home: &Path) -> Result<()> {
    let left: Vec<PathBuf> = chain::layers(home)
        .filter(|path| chain::base_name(path).ends_with(REMOVING))
        .collect();
    let mut result = Ok(());
    for folder in left {
        let destroyed = destroy(hcs, &folder);
        result = result.and(destroyed);
    }
    result
}

/// Stops virtual machines that wait as templates on the layer's disks.
fn stop_templates(hcs: &dyn Hcs, layer: &Path) -> Result<()> {
    let systems = systems(hcs)?;
    let systems: Vec<Value> = serde_json::from_str(&systems).map_err(|error| {
        Cause::state(
            ErrorKind::Other,
            format!("the list of compute systems is no valid JSON: {error}"),
        )
    })?;
    let name = chain::base_name(layer);
    for system in systems {
        let text = |key| system.get(key).and_then(Value::as_str).unwrap_or_default();
        let is_template = system
            .get("IsRuntimeTemplate")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        // Upstream looks for the id anywhere in the path, in the middle of another one too.
        let is_of_layer = text("RuntimeImagePath")
            .split(['\\', '/'])
            .any(|part| part.eq_ignore_ascii_case(&name));
        if is_template && is_of_layer {
            hcs.terminate_compute_system(text("Id"))?;
        }
    }
    Ok(())
}

fn systems(hcs: &dyn Hcs) -> std::result::Result<String, HcsError> {
    let transient = [HResult::HCS_INVALID_STATE, HResult::ACCESS_DENIED];
    retry(
        TRIES,
        |error| error.code().is_some_and(|code| transient.contains(&code)),
        |_| hcs.enumerate_compute_systems("{}"),
    )
}
