//! Calls that no engine makes: copies, images that are installed by package, files for virtual machines.

use std::fs;
use std::io;
use std::path::Path;

use transom_windows::{Descriptor, HResult};

use super::checks::Place;
use super::failure::Failure;
use super::{Machine, Result, journal};

impl Machine {
    /// Makes a read-only layer of a writable one (CopyLayer).
    ///
    /// # Errors
    /// The layer is not writable, was never mounted or is, or there is one in the new one's place.
    pub fn copy_layer(&self, layer: &Path, to: &Path, parents: &[Descriptor]) -> Result<()> {
        let told = format!("to={} {}", to.display(), journal::parents(parents));
        self.on_layer("CopyLayer", layer, &told, |work| work.copy(to, parents))
    }

    /// Returns the images that are installed by package, as JSON (GetBaseImages): what is in the state's `images.json`.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn base_images(&self) -> Result<String> {
        self.call("GetBaseImages", "", |_| {
            match fs::read_to_string(self.state.join("images.json")) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    Ok(r#"{"Images":[]}"#.to_owned())
                }
                text => Ok(text?),
            }
        })
    }

    /// Lets a virtual machine open a file (GrantVmAccess).
    ///
    /// # Errors
    /// The machine has no name, or there is no such file.
    pub fn grant_vm_access(&self, machine: &str, file: &Path) -> Result<()> {
        let told = format!("vm={machine} file={}", file.display());
        self.call("GrantVmAccess", &told, |_| {
            if machine.is_empty() {
                return Err(Failure::wrong("the virtual machine has no name"));
            }
            match Place::of(file)?.path.is_file() {
                true => Ok(()),
                false => Err(HResult::FILE_NOT_FOUND.into()),
            }
        })
    }
}
