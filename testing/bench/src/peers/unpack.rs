//! Programs that unpack a layer, or an image, as files.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::peers::{find, shell};

/// `tar` or `bsdtar`, with a sync at the end: Transom's layers are durable, too.
///
/// # Errors
/// If there is no such program.
pub(crate) fn tar(program: &str, archive: &Path, target: &Path) -> Result<Command> {
    let mut command = shell(&format!(r#"{program} -xf "$0" -C "$1" && sync -f "$1""#))?;
    command.arg(archive).arg(target);
    Ok(command)
}

/// `umoci` with an image of a layout.
///
/// # Errors
/// If it is not installed.
pub(crate) fn umoci(layout: &Path, name: &str, target: &Path) -> Result<Command> {
    let mut command = shell(r#"umoci raw unpack --image "$0" "$1" && sync -f "$1""#)?;
    command
        .arg(format!("{}:{name}", layout.display()))
        .arg(target);
    Ok(command)
}

/// `skopeo copy` of an image of a layout into podman's storage, by its overlay driver.
#[derive(Debug)]
pub(crate) struct PodmanStorage {
    skopeo: PathBuf,
    folder: PathBuf,
}

impl PodmanStorage {
    /// A storage in a folder.
    ///
    /// # Errors
    /// If skopeo is not installed.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        Ok(Self {
            skopeo: find("skopeo")?,
            folder: folder.to_owned(),
        })
    }

    /// The command that copies the image.
    pub(crate) fn copy(&self, layout: &Path, name: &str) -> Command {
        let folder = self.folder.display();
        let mut command = Command::new(&self.skopeo);
        command
            .args(["--insecure-policy", "--override-os", "windows", "copy"])
            .arg(format!("oci:{}:{name}", layout.display()))
            .arg(format!(
                "containers-storage:[overlay@{folder}/root+{folder}/run]localhost/bench:1"
            ));
        command
    }
}
