//! An open file or folder.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle};

use transom_ntmeta::filetime::FileTime;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_BASIC_INFO, FILE_ID_INFO, FileBasicInfo, SetFileInformationByHandle,
};

use super::backup::NtfsBackup;
use super::nt::{self, StandardInfo};
use super::restore::NtfsRestore;
use crate::{BasicInfo, Identity, Node};

/// An open file or folder on NTFS.
///
/// Setting metadata fails where it was opened without the rights for it.
#[derive(Debug)]
pub struct NtfsNode {
    file: File,
    /// Whether it was opened with the right to audit rules (SACL).
    reaches_audit_rules: bool,
}

impl NtfsNode {
    pub(super) fn new(handle: OwnedHandle, reaches_audit_rules: bool) -> Self {
        Self {
            file: File::from(handle),
            reaches_audit_rules,
        }
    }

    pub(super) fn as_handle(&self) -> BorrowedHandle<'_> {
        self.file.as_handle()
    }

    /// Goes to the start of the main stream. A folder has none, and some systems say so.
    pub(super) fn rewind_quietly(&mut self) {
        let _ = self.file.rewind();
    }

    /// BackupRead and BackupWrite pass over audit rules that the handle does not reach, without a word.
    fn check_security(&self, with_security: bool) -> io::Result<()> {
        match with_security && !self.reaches_audit_rules {
            true => Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "its security descriptor cannot be reached whole: SeBackupPrivilege or SeSecurityPrivilege is not enabled",
            )),
            false => Ok(()),
        }
    }
}

impl Read for NtfsNode {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Write for NtfsNode {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for NtfsNode {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Node for NtfsNode {
    type Backup<'a> = NtfsBackup<'a>;
    type Restore<'a> = NtfsRestore<'a>;

    fn basic_info(&self) -> io::Result<BasicInfo> {
        let info: FILE_BASIC_INFO = nt::information(self.as_handle())?;
        Ok(BasicInfo {
            creation: FileTime(info.CreationTime),
            last_access: FileTime(info.LastAccessTime),
            last_write: FileTime(info.LastWriteTime),
            change: FileTime(info.ChangeTime),
            attributes: info.FileAttributes,
        })
    }

    fn set_basic_info(&mut self, info: &BasicInfo) -> io::Result<()> {
        set_basic_info(
            self.as_handle(),
            &FILE_BASIC_INFO {
                CreationTime: info.creation.0,
                LastAccessTime: info.last_access.0,
                LastWriteTime: info.last_write.0,
                ChangeTime: info.change.0,
                FileAttributes: info.attributes,
            },
        )
    }

    fn identity(&self) -> io::Result<Identity> {
        let standard: StandardInfo = nt::information(self.as_handle())?;
        let id: FILE_ID_INFO = nt::information(self.as_handle())?;
        Ok(Identity {
            links: standard.links,
            id: u128::from_le_bytes(id.FileId.Identifier),
        })
    }

    fn backup(&mut self, with_security: bool) -> io::Result<NtfsBackup<'_>> {
        self.check_security(with_security)?;
        Ok(NtfsBackup::new(self, with_security))
    }

    fn restore(&mut self, with_security: bool) -> io::Result<NtfsRestore<'_>> {
        self.check_security(with_security)?;
        Ok(NtfsRestore::new(self, with_security))
    }
}

/// Sets attributes and nothing else.
pub(super) fn set_attributes(file: BorrowedHandle<'_>, attributes: u32) -> io::Result<()> {
    let info = FILE_BASIC_INFO {
        FileAttributes: attributes,
        ..FILE_BASIC_INFO::default()
    };
    set_basic_info(file, &info)
}

fn set_basic_info(file: BorrowedHandle<'_>, info: &FILE_BASIC_INFO) -> io::Result<()> {
    // SAFETY: the file is open, and the class's structure (MS-FSCC 2.4.7) has the length that is said.
    let succeeded = unsafe {
        SetFileInformationByHandle(
            file.as_raw_handle(),
            FileBasicInfo,
            (&raw const *info).cast(),
            size_of::<FILE_BASIC_INFO>() as u32,
        )
    };
    match succeeded {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
