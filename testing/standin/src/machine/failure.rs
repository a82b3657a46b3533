//! Why a call fails, and whether that is its caller's fault.

use std::io;

use serde_json::json;
use transom_windows::HResult;

/// ERROR_INVALID_STATE.
pub(super) const INVALID_STATE: HResult = HResult(0x8007_139f);

/// A call that does not do its work.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: HResult,
    /// What is wrong with the arguments.
    pub(super) complaint: Option<String>,
    /// What the file system said.
    pub(super) detail: Option<String>,
}

impl Failure {
    /// An argument is wrong, which the caller could have known.
    pub(super) fn wrong(complaint: impl Into<String>) -> Self {
        Self {
            complaint: Some(complaint.into()),
            ..HResult::INVALID_PARAMETER.into()
        }
    }

    /// Returns what calls for compute systems answer beside the code (hcsshim internal/hcs/errors.go, hcsResult).
    pub(super) fn result(&self, call: &str) -> Option<String> {
        let message = self.complaint.as_ref().or(self.detail.as_ref());
        call.starts_with("Hcs").then(|| {
            json!({
                "Error": self.code.0.cast_signed(),
                "ErrorMessage": message.map_or("refused", String::as_str),
            })
            .to_string()
        })
    }
}

impl From<HResult> for Failure {
    fn from(code: HResult) -> Self {
        Self {
            code: HResult::from_win32(code.0),
            complaint: None,
            detail: None,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::NotFound => HResult::FILE_NOT_FOUND,
            io::ErrorKind::NotADirectory => HResult::PATH_NOT_FOUND,
            io::ErrorKind::PermissionDenied => HResult::ACCESS_DENIED,
            io::ErrorKind::AlreadyExists => HResult::ALREADY_EXISTS,
            io::ErrorKind::DirectoryNotEmpty => HResult::DIR_NOT_EMPTY,
            io::ErrorKind::StorageFull => HResult::DISK_FULL,
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => HResult::INVALID_DATA,
            _ => HResult::GEN_FAILURE,
        };
        Self {
            detail: Some(error.to_string()),
            ..code.into()
        }
    }
}
