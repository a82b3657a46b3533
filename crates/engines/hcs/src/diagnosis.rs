//! What is likely behind a failure of the Host Compute Service.

use transom_windows::{HResult, HcsError};

use crate::error::Cause;
use crate::transport::TransportError;

/// Returns the likely causes as the tail of a message; nothing if the error speaks for itself.
pub(crate) fn likely(cause: &Cause) -> String {
    let error = match cause {
        Cause::Hcs(error) | Cause::Transport(TransportError::Hcs(error)) => error,
        _ => return String::new(),
    };
    let causes = causes(error);
    match causes.is_empty() {
        true => String::new(),
        false => format!(" (likely: {})", causes.join("; or ")),
    }
}

const FULL: &str = "the disk, or the layer's own of 20 GB if no size was given, is full";
const FILTER: &str =
    "a filter driver (antivirus, backup) holds the layer's files: exclude the store's folder";
const STALE: &str =
    "a disk was left attached by a process that died: run the clean-up, or restart the host";
const TORN: &str = "the layer was torn by a power cut: remove it, and pull its image again";
const BUILD: &str = "the image was made for another build of Windows than this host has";
const SLOW: &str = "the host is short of memory or disk speed, or a filter driver hangs";
const RIGHTS: &str = "the process is not elevated";
const UTILITY_VM: &str = "the utility VM's boot store (BCD) is no valid hive";

fn causes(error: &HcsError) -> Vec<&'static str> {
    let HcsError::Failed { call, code, .. } = error else {
        return match error {
            HcsError::TimedOut { .. } => vec![SLOW, STALE],
            _ => Vec::new(),
        };
    };
    let mut causes = Vec::new();
    let is = |codes: &[HResult]| codes.contains(code);
    if is(&[HResult::DISK_FULL, HResult::DISK_QUOTA_EXCEEDED]) {
        causes.push(FULL);
    }
    if is(&[HResult::ACCESS_DENIED, HResult::PRIVILEGE_NOT_HELD]) {
        causes.extend([RIGHTS, FILTER]);
    }
    if is(&[HResult::SHARING_VIOLATION]) {
        causes.extend([STALE, FILTER]);
    }
    if is(&[HResult::NOT_READY, HResult::DEVICE_NOT_CONNECTED]) {
        causes.extend([STALE, SLOW]);
    }
    if is(&[HResult::HCS_IMAGE_MISMATCH]) {
        causes.push(BUILD);
    }
    let is_damage = is(&[
        HResult::FILE_CORRUPT,
        HResult::DISK_CORRUPT,
        HResult::REGISTRY_CORRUPT,
        HResult::VHD_CORRUPT,
        HResult::INVALID_DATA,
    ]);
    let needs_parents = matches!(
        *call,
        "PrepareLayer" | "ImportLayer" | "ExportLayer" | "CreateSandboxLayer"
    );
    if is_damage || needs_parents && is(&[HResult::FILE_NOT_FOUND, HResult::PATH_NOT_FOUND]) {
        causes.push(TORN);
    }
    if *call == "ProcessUtilityImage" {
        causes.extend([UTILITY_VM, BUILD]);
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named() {
        let cause = Cause::Hcs(HcsError::Failed {
            call: "ImportLayer",
            code: HResult(0x8007_0070),
            detail: None,
        });
        assert!(likely(&cause).contains("is full"));
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        let cause = Cause::Hcs(HcsError::Failed {
            call: "ActivateLayer",
            code: HResult(0x8765_4321),
            detail: None,
        });
        assert_eq!(likely(&cause), "");
    }
}
