//! The calls of the Host Compute Service that layers need.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::HResult;

/// The id by which the filter driver knows a layer. It is derived from the layer's folder name, by Windows alone.
///
/// Bytes are as a Windows GUID lies in memory: the first three fields little-endian.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guid(pub [u8; 16]);

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g, h, i, rest @ ..] = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-",
            u32::from_le_bytes([a, b, c, d]),
            u16::from_le_bytes([e, g]),
            u16::from_le_bytes([h, i])
        )?;
        for (index, byte) in rest.iter().enumerate() {
            let dash = if index == 2 { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A parent layer as calls name it (WC_LAYER_DESCRIPTOR; its flags are always 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// From [`Hcs::name_to_guid`] of the folder's name.
    pub id: Guid,
    /// The layer's folder, absolute.
    pub path: PathBuf,
}

/// Why a call did not do its work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HcsError {
    /// The service answered with a failure.
    #[error("{call}: {code}{}", .detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default())]
    Failed {
        /// Name of the function.
        call: &'static str,
        /// What it answered.
        code: HResult,
        /// What calls for compute systems add to that: JSON with `Error`, `ErrorMessage` and `ErrorEvents` (schema 1).
        detail: Option<String>,
    },
    /// The service answered something that makes no sense.
    #[error("{call}: {what}")]
    Answer {
        /// Name of the function.
        call: &'static str,
        /// What is wrong with the answer.
        what: String,
    },
    /// The host does not have the library, or the library not this function.
    #[error("{call}: {library} is not on this host or lacks the function{}: {reason}", origin(.library))]
    Missing {
        /// Name of the function.
        call: &'static str,
        /// File name of the library.
        library: &'static str,
        /// What the loader said.
        reason: String,
    },
    /// The call did not return. It may still do its work later.
    #[error("{call}: no answer within {} s", .limit.as_secs_f64())]
    TimedOut {
        /// Name of the function.
        call: &'static str,
        /// How long was waited.
        limit: Duration,
    },
}

/// Says where a library comes from, if not every Windows has it.
fn origin(library: &str) -> &'static str {
    match library {
        "vmcompute.dll" => "; Windows' Containers feature brings it",
        _ => "",
    }
}

impl HcsError {
    /// Returns the code, if the service answered with one.
    pub fn code(&self) -> Option<HResult> {
        match self {
            Self::Failed { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Returns the name of the function.
    pub fn call(&self) -> &'static str {
        match self {
            Self::Failed { call, .. }
            | Self::Answer { call, .. }
            | Self::Missing { call, .. }
            | Self::TimedOut { call, .. } => call,
        }
    }
}

type Result<T> = std::result::Result<T, HcsError>;

/// The functions of vmcompute.dll and virtdisk.dll that layers need.
///
/// `layer` is always the layer's folder, absolute; calls pass it as the id together with an empty home and flavour 1, as
/// hcsshim does. `parents` are the immediate parent first and the base last.
pub trait Hcs: Send + Sync + fmt::Debug + 'static {
    /// Attaches the disk of a writable layer; does nothing to others.
    fn activate_layer(&self, layer: &Path) -> Result<()>;
    /// Undoes [`activate_layer`](Self::activate_layer).
    fn deactivate_layer(&self, layer: &Path) -> Result<()>;
    /// Makes the folder of a read-only layer. `parent` is its parent's id, empty if it has none.
    fn create_layer(&self, layer: &Path, parent: &str) -> Result<()>;
    /// Makes the folder of a writable layer, with a disk copied from the base's.
    fn create_sandbox_layer(&self, layer: &Path, parents: &[Descriptor]) -> Result<()>;
    /// Makes the disk of a writable layer larger.
    fn expand_sandbox_size(&self, layer: &Path, bytes: u64) -> Result<()>;
    /// Deletes a layer with its folder.
    fn destroy_layer(&self, layer: &Path) -> Result<()>;
    /// Writes what a layer changes into a transport folder. The layer is to be active and not prepared.
    fn export_layer(&self, layer: &Path, folder: &Path, parents: &[Descriptor]) -> Result<()>;
    /// Fills a layer from a transport folder.
    fn import_layer(&self, layer: &Path, folder: &Path, parents: &[Descriptor]) -> Result<()>;
    /// Returns the volume of an active writable layer, or a read-only layer's folder; empty if there is none.
    fn layer_mount_path(&self, layer: &Path) -> Result<String>;
    /// Says whether there is a layer.
    fn layer_exists(&self, layer: &Path) -> Result<bool>;
    /// Lets an active layer show its parents' files.
    fn prepare_layer(&self, layer: &Path, parents: &[Descriptor]) -> Result<()>;
    /// Undoes [`prepare_layer`](Self::prepare_layer).
    fn unprepare_layer(&self, layer: &Path) -> Result<()>;
    /// Makes a base layer of a folder that holds its files: hives, template disks.
    fn process_base_image(&self, layer: &Path) -> Result<()>;
    /// Makes the disks of a utility VM of its folder.
    fn process_utility_image(&self, folder: &Path) -> Result<()>;
    /// Returns the id that Windows derives from a layer folder's name.
    fn name_to_guid(&self, name: &str) -> Result<Guid>;
    /// Returns the compute systems that match a query, both as JSON (schema 1).
    fn enumerate_compute_systems(&self, query: &str) -> Result<String>;
    /// Stops a compute system and waits for its end. One that is not there or has stopped is no error.
    fn terminate_compute_system(&self, id: &str) -> Result<()>;
    /// Detaches a virtual disk that was left attached.
    fn detach_virtual_disk(&self, disk: &Path) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_the_service_added() {
        let failed = |detail: Option<&str>| HcsError::Failed {
            call: "HcsTerminateComputeSystem",
            code: HResult(0x8765_4321),
            detail: detail.map(str::to_owned),
        };
        let plain = failed(None).to_string();
        assert!(plain.starts_with("HcsTerminateComputeSystem: "), "{plain}");
        let result = r#"{"Error":-1,"ErrorMessage":"why"}"#;
        assert_eq!(
            failed(Some(result)).to_string(),
            format!("{plain}: {result}")
        );
    }

    #[test]
    fn the_feature_is_named_for_the_library_that_it_brings() {
        let missing = |library| {
            let error = HcsError::Missing {
                call: "F",
                library,
                reason: "gone".to_owned(),
            };
            error.to_string()
        };
        assert_eq!(
            missing("vmcompute.dll"),
            "F: vmcompute.dll is not on this host or lacks the function; Windows' Containers feature brings it: gone"
        );
        assert_eq!(
            missing("virtdisk.dll"),
            "F: virtdisk.dll is not on this host or lacks the function: gone"
        );
    }
}
