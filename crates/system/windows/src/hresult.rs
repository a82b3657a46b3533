//! Codes that the Host Compute Service and Win32 answer with, and their names.

use std::fmt;

/// A result code as the Host Compute Service returns it, the upper half of its register masked off.
///
/// Equality is that of the code which [`normalized`](Self::normalized) gives, so `0x80070005` is `5`: upstream compared
/// one with the other for years, and so never retried.
#[derive(Debug, Clone, Copy, Eq)]
pub struct HResult(pub u32);

/// Facility 7 and severity 1: the low half is a Win32 code (hcsshim internal/interop, Win32FromHresult).
const WIN32_MASK: u32 = 0x1fff_0000;
const WIN32_FACILITY: u32 = 0x0007_0000;

macro_rules! codes {
    ($($(#[$doc:meta])* $constant:ident = $code:literal, $name:literal, $text:literal;)*) => {
        impl HResult {
            $($(#[$doc])* pub const $constant: Self = Self($code);)*
        }

        /// Code, name, and what it means.
        const KNOWN: &[(u32, &str, &str)] = &[$(($code, $name, $text)),*];
    };
}

codes! {
    /// The file is not there.
    FILE_NOT_FOUND = 2, "ERROR_FILE_NOT_FOUND", "the file cannot be found";
    /// A folder of the path is not there.
    PATH_NOT_FOUND = 3, "ERROR_PATH_NOT_FOUND", "the path cannot be found";
    /// Forbidden.
    ACCESS_DENIED = 5, "ERROR_ACCESS_DENIED", "access is denied";
    /// Data make no sense.
    INVALID_DATA = 0xd, "ERROR_INVALID_DATA", "the data is invalid";
    /// There is nothing more to list.
    NO_MORE_FILES = 0x12, "ERROR_NO_MORE_FILES", "there are no more files";
    /// A disk is not ready yet; transient when a layer is mounted.
    NOT_READY = 0x15, "ERROR_NOT_READY", "the device is not ready";
    /// Something failed.
    GEN_FAILURE = 0x1f, "ERROR_GEN_FAILURE", "a device does not work";
    /// Somebody has the file open.
    SHARING_VIOLATION = 0x20, "ERROR_SHARING_VIOLATION", "another process uses the file";
    /// Not supported.
    NOT_SUPPORTED = 0x32, "ERROR_NOT_SUPPORTED", "the request is not supported";
    /// An argument is wrong.
    INVALID_PARAMETER = 0x57, "ERROR_INVALID_PARAMETER", "a parameter is wrong";
    /// The disk is full.
    DISK_FULL = 0x70, "ERROR_DISK_FULL", "there is not enough space on the disk";
    /// The library has no such function.
    PROC_NOT_FOUND = 0x7f, "ERROR_PROC_NOT_FOUND", "the procedure cannot be found";
    /// A buffer is too small.
    INSUFFICIENT_BUFFER = 0x7a, "ERROR_INSUFFICIENT_BUFFER", "the buffer is too small";
    /// The folder has something in it.
    DIR_NOT_EMPTY = 0x91, "ERROR_DIR_NOT_EMPTY", "the folder is not empty";
    /// It is there already.
    ALREADY_EXISTS = 0xb7, "ERROR_ALREADY_EXISTS", "it exists already";
    /// The path is too long.
    FILENAME_EXCED_RANGE = 0xce, "ERROR_FILENAME_EXCED_RANGE", "the name is too long";
    /// Time is up.
    TIMEOUT = 0x102, "WAIT_TIMEOUT", "the operation timed out";
    /// The disk goes away; transient when a layer is mounted.
    DEVICE_NOT_CONNECTED = 0x48f, "ERROR_DEVICE_NOT_CONNECTED", "the device is not connected";
    /// There is no such element: of compute systems, not there or stopped.
    NOT_FOUND = 0x490, "ERROR_NOT_FOUND", "the element cannot be found";
    /// A privilege is not held.
    PRIVILEGE_NOT_HELD = 0x522, "ERROR_PRIVILEGE_NOT_HELD", "a required privilege is not held";
    /// Not all privileges could be enabled.
    NOT_ALL_ASSIGNED = 0x514, "ERROR_NOT_ALL_ASSIGNED", "not all privileges are assigned to the caller";
    /// What the disk's structure says cannot be.
    DISK_CORRUPT = 0x571, "ERROR_DISK_CORRUPT", "the disk structure is damaged";
    /// It is not in a state for this.
    INVALID_STATE = 0x139f, "ERROR_INVALID_STATE", "it is not in the right state";
    /// A registry file is damaged.
    REGISTRY_CORRUPT = 0x3f7, "ERROR_REGISTRY_CORRUPT", "the registry file is damaged";
    /// A file or folder is damaged.
    FILE_CORRUPT = 0x570, "ERROR_FILE_CORRUPT", "the file or folder is damaged";
    /// The quota is used up.
    DISK_QUOTA_EXCEEDED = 0x50f, "ERROR_DISK_QUOTA_EXCEEDED", "the disk quota is used up";
    /// A virtual disk is damaged.
    VHD_CORRUPT = 0xc03a_0003, "ERROR_VHD_FORMAT_UNKNOWN", "the virtual disk's format is not recognised";
    /// The result comes later.
    HCS_PENDING = 0xc037_0103, "HCS_E_OPERATION_PENDING", "the operation is pending";
    /// Wrong state; transient while compute systems are listed on Windows Server 2016.
    HCS_INVALID_STATE = 0xc037_0105, "HCS_E_INVALID_STATE", "the operation is not valid in the present state";
    /// It ended unexpectedly.
    HCS_UNEXPECTED_EXIT = 0xc037_0106, "HCS_E_UNEXPECTED_EXIT", "the compute system exited unexpectedly";
    /// Image and host have different builds.
    HCS_IMAGE_MISMATCH = 0xc037_0101, "HCS_E_IMAGE_MISMATCH", "the image's operating system does not match the host's";
    /// A message is not known.
    HCS_UNKNOWN_MESSAGE = 0xc037_010b, "HCS_E_UNKNOWN_MESSAGE", "the message is not known";
    /// JSON is malformed.
    HCS_INVALID_JSON = 0xc037_010d, "HCS_E_INVALID_JSON", "the document is no valid JSON";
    /// There is no such compute system.
    HCS_SYSTEM_NOT_FOUND = 0xc037_010e, "HCS_E_SYSTEM_NOT_FOUND", "the compute system does not exist";
    /// It stopped before.
    HCS_ALREADY_STOPPED = 0xc037_0110, "HCS_E_SYSTEM_ALREADY_STOPPED", "the compute system is stopped already";
    /// The same in newer code.
    HCS_STOPPED = 0x8037_0110, "HCS_E_SYSTEM_ALREADY_STOPPED", "the compute system is stopped already";
    /// Its process stopped before.
    HCS_PROCESS_STOPPED = 0x8037_011f, "HCS_E_PROCESS_ALREADY_STOPPED", "the process is stopped already";
}

impl HResult {
    /// Says whether the call failed.
    pub fn is_failure(self) -> bool {
        self.0 & 0x8000_0000 != 0
    }

    /// Returns the Win32 code if the result carries one, and itself if not.
    pub fn normalized(self) -> u32 {
        match self.is_failure() && self.0 & WIN32_MASK == WIN32_FACILITY {
            true => self.0 & 0xffff,
            false => self.0,
        }
    }

    /// Makes the result that carries a Win32 code; 0 is success.
    pub fn from_win32(code: u32) -> Self {
        match code {
            0 => Self(0),
            code if code <= 0xffff => Self(0x8007_0000 | code),
            code => Self(code),
        }
    }

    /// Returns the name by which Windows' headers know the code.
    pub fn name(self) -> Option<&'static str> {
        self.known().map(|(_, name, _)| *name)
    }

    fn known(self) -> Option<&'static (u32, &'static str, &'static str)> {
        KNOWN.iter().find(|(code, ..)| *code == self.normalized())
    }
}

impl PartialEq for HResult {
    fn eq(&self, other: &Self) -> bool {
        self.normalized() == other.normalized()
    }
}

impl fmt::Display for HResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known() {
            Some((_, name, text)) => write!(f, "{text} ({name}, {:#x})", self.0),
            None => write!(f, "code {:#x}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_win32_code_is_the_code() {
        assert_eq!(HResult(0x8007_0005), HResult::ACCESS_DENIED);
        assert_eq!(HResult(0xc037_0105), HResult::HCS_INVALID_STATE);
        assert_ne!(HResult(0x8037_0110), HResult(0x110));
        assert_eq!(HResult::from_win32(5).0, 0x8007_0005);
        assert!(!HResult(0).is_failure());
    }

    #[test]
    fn codes_are_told_by_name() {
        let text = HResult(0x8007_0070).to_string();
        assert_eq!(
            text,
            "there is not enough space on the disk (ERROR_DISK_FULL, 0x80070070)"
        );
        assert_eq!(HResult(0x8765_4321).to_string(), "code 0x87654321");
    }
}
