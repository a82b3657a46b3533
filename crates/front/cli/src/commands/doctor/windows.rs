//! What Windows has for layers.

use std::path::Path;

use anyhow::{Context, Result};
use transom_windows::{Hcs, Privilege, Privileges, is_elevated, volume_file_system, windows_build};

use super::{Check, State, life};
use crate::args::Global;
use crate::commands::windows::service;

/// A name, and the id that every Windows derives from it.
const KNOWN_NAME: (&str, &str) = ("4", "bd9c3ef9-f239-59b5-a27e-15c523b1d149");

/// Whether a layer can do without.
const PRIVILEGES: [(Privilege, State); 4] = [
    (Privilege::Backup, State::Fails),
    (Privilege::Restore, State::Fails),
    (Privilege::Security, State::Missing),
    (Privilege::ManageVolume, State::Missing),
];

pub(super) fn checks(global: &Global, folder: Option<&Path>) -> Result<Vec<Check>> {
    let folder = match folder {
        Some(folder) => std::path::absolute(folder)?,
        None => std::env::temp_dir(),
    };
    let home = tempfile::Builder::new()
        .prefix("transom-doctor-")
        .tempdir_in(&folder)
        .with_context(|| format!("cannot make a folder in {}", folder.display()))?;
    let mut checks = vec![build(), elevated()];
    checks.extend(PRIVILEGES.map(privilege));
    checks.push(file_system(home.path()));
    let answers = service_answers(home.path());
    let is_there = answers.state == State::Works;
    checks.push(answers);
    if is_there {
        checks.push(name_to_guid());
        checks.extend(life::try_layer(global, home.path()));
    } else {
        let why = "there is no Host Compute Service to ask";
        checks.push(Check::new("ids of layers", State::Untested, why));
        checks.push(Check::new("life of a layer", State::Untested, why));
    }
    Ok(checks)
}

/// Says that something works, or why not.
fn check<T: std::fmt::Display, E: Into<anyhow::Error>>(
    what: &str,
    otherwise: State,
    result: std::result::Result<T, E>,
) -> Check {
    match result {
        Ok(found) => Check::new(what, State::Works, found),
        Err(error) => Check::new(what, otherwise, format!("{:#}", error.into())),
    }
}

fn build() -> Check {
    check("Windows", State::Fails, windows_build())
}

fn elevated() -> Check {
    let what = "administrator";
    match is_elevated() {
        Ok(true) => Check::new(what, State::Works, "this process is elevated"),
        Ok(false) => Check::new(
            what,
            State::Fails,
            "this process is not elevated: run it as administrator",
        ),
        Err(error) => Check::new(what, State::Fails, error),
    }
}

fn privilege((privilege, otherwise): (Privilege, State)) -> Check {
    let enabled = Privileges::enable(&[privilege]).map(|_| "can be enabled");
    check(privilege.name(), otherwise, enabled)
}

fn file_system(folder: &Path) -> Check {
    let what = "file system";
    let shown = folder.display();
    match volume_file_system(folder) {
        Ok(name) if name == "NTFS" => Check::new(what, State::Works, name),
        Ok(name) => Check::new(
            what,
            State::Fails,
            format!("{shown} is on {name}, which is not usable for layers: they need NTFS"),
        ),
        Err(error) => Check::new(what, State::Fails, format!("{shown}: {error}")),
    }
}

fn service_answers(home: &Path) -> Check {
    let what = "Host Compute Service";
    match service().layer_exists(&home.join("not-there")) {
        Ok(false) => Check::new(what, State::Works, "vmcompute.dll answers"),
        Ok(true) => Check::new(what, State::Fails, "it finds a layer where none is"),
        Err(error) => Check::new(what, State::Fails, error),
    }
}

fn name_to_guid() -> Check {
    let what = "ids of layers";
    let (name, known) = KNOWN_NAME;
    match service().name_to_guid(name) {
        Ok(id) if id.to_string() == known => Check::new(what, State::Works, "as on every Windows"),
        Ok(id) => Check::new(
            what,
            State::Fails,
            format!("the id of {name:?} is {id}, and on every other Windows {known}"),
        ),
        Err(error) => Check::new(what, State::Fails, error),
    }
}
