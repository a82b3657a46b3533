//! Files beneath a root, as NTFS keeps them.
//!
//! How files are opened is hcsshim's (internal/safefile/safeopen.go): relative to the root's handle, with a name that the
//! system resolves without following a reparse point. This has not run on real Windows; Wine runs it, but has no reparse
//! points.

mod listing;
mod name;

use std::fs::{File, OpenOptions};
use std::io;
use std::mem::offset_of;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle};
use std::path::Path;

use windows_sys::Wdk::Storage::FileSystem::{
    FILE_CREATE, FILE_DIRECTORY_FILE, FILE_LINK_INFORMATION, FILE_NON_DIRECTORY_FILE, FILE_OPEN,
    FILE_OPEN_REPARSE_POINT, FILE_OVERWRITE_IF, FileDispositionInformation,
    FileDispositionInformationEx, FileLinkInformation,
};
use windows_sys::Win32::Foundation::{
    GENERIC_READ, GENERIC_WRITE, OBJ_DONT_REPARSE, STATUS_ACCESS_DENIED, STATUS_CANNOT_DELETE,
    STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_INFO_CLASS, STATUS_INVALID_PARAMETER,
    STATUS_MEDIA_WRITE_PROTECTED, STATUS_NOT_IMPLEMENTED, STATUS_NOT_SUPPORTED,
    STATUS_PRIVILEGE_NOT_HELD, STATUS_REPARSE_POINT_ENCOUNTERED,
};
use windows_sys::Win32::Storage::FileSystem::{
    DELETE, FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_NORMAL, FILE_ATTRIBUTE_READONLY,
    FILE_BASIC_INFO, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_LIST_DIRECTORY,
    FILE_READ_ATTRIBUTES, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, FILE_TRAVERSE,
    FILE_WRITE_ATTRIBUTES, FILE_WRITE_EA, WRITE_DAC, WRITE_OWNER,
};
use windows_sys::Win32::System::SystemServices::ACCESS_SYSTEM_SECURITY;

use self::name::Name;
use super::node::{NtfsNode, set_attributes};
use super::nt::{self, How, Status};
use super::volume;
use crate::{Create, Folder, Listed, Node};

const SHARE_ALL: u32 = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

/// Rights to set everything that a backup stream has (hcsshim internal/wclayer/legacy.go, legacyLayerWriter).
const RESTORE: u32 =
    GENERIC_READ | GENERIC_WRITE | WRITE_DAC | WRITE_OWNER | ACCESS_SYSTEM_SECURITY;

/// Rights to read and to set all metadata. None of them keeps others from reading, as the right to write would.
const READ_AND_DESCRIBE: u32 = GENERIC_READ
    | FILE_WRITE_ATTRIBUTES
    | FILE_WRITE_EA
    | WRITE_DAC
    | WRITE_OWNER
    | ACCESS_SYSTEM_SECURITY;

/// Sets of rights for what exists, the next where the one before is refused.
const READ: [u32; 4] = [
    READ_AND_DESCRIBE,
    // What SeBackupPrivilege alone gives.
    GENERIC_READ | ACCESS_SYSTEM_SECURITY,
    // What an owner has without any privilege.
    GENERIC_READ | FILE_WRITE_ATTRIBUTES,
    GENERIC_READ,
];

/// Files beneath a root, on NTFS.
///
/// Opened files keep others from writing to them, as hcsshim's do. Reading past security descriptors needs
/// [`Privilege::Backup`](crate::Privilege), writing [`Privilege::Restore`](crate::Privilege): creating asks for the rights
/// to restore everything and fails without them, opening takes what it gets.
#[derive(Debug)]
pub struct NtfsFolder {
    root: File,
}

impl NtfsFolder {
    /// Opens what has this name, which may be a reparse point itself, but lies behind none.
    fn create(&self, name: &Name, how: How) -> Result<OwnedHandle, Status> {
        let how = How {
            options: how.options | FILE_OPEN_REPARSE_POINT,
            flags: OBJ_DONT_REPARSE,
            ..how
        };
        match (
            nt::create(self.root.as_handle(), name.units(), how),
            name.split(),
        ) {
            // Either a reparse point is on the way, or what has the name is one and the system refuses even to open it
            // as what it is. hcsshim relies on its not doing the latter; the documentation of OBJ_DONT_REPARSE does not
            // say. So the folder is opened first, and then one part of a name, which can lead nowhere else.
            (Err(Status(STATUS_REPARSE_POINT_ENCOUNTERED)), Some((folder, last))) => {
                let folder = self.open_folder(&folder, FILE_READ_ATTRIBUTES | FILE_TRAVERSE)?;
                nt::create(folder.as_handle(), last.units(), How { flags: 0, ..how })
            }
            (result, _) => result,
        }
    }

    /// Opens a folder to go on from, which is no reparse point.
    fn open_folder(&self, name: &Name, access: u32) -> Result<OwnedHandle, Status> {
        let how = How {
            access,
            share: SHARE_ALL,
            disposition: FILE_OPEN,
            options: FILE_DIRECTORY_FILE,
            flags: OBJ_DONT_REPARSE,
        };
        nt::create(self.root.as_handle(), name.units(), how)
    }

    fn create_node(&self, name: &str, disposition: u32, options: u32) -> io::Result<NtfsNode> {
        let how = How {
            access: RESTORE,
            share: FILE_SHARE_READ,
            disposition,
            options,
            flags: 0,
        };
        let handle = self.create(&beneath(name)?, how)?;
        Ok(NtfsNode::new(handle, true))
    }
}

/// A name of something else than the root.
fn beneath(name: &str) -> io::Result<Name> {
    match name {
        "" => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the root itself can be neither made nor removed",
        )),
        name => Name::new(name),
    }
}

impl Folder for NtfsFolder {
    type Node = NtfsNode;

    fn open_root(path: &Path) -> io::Result<Self> {
        let root = OpenOptions::new()
            .access_mode(GENERIC_READ)
            .share_mode(SHARE_ALL)
            .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT)
            .open(path)?;
        let info: FILE_BASIC_INFO = nt::information(root.as_handle())?;
        match info.FileAttributes & FILE_ATTRIBUTE_DIRECTORY {
            0 => Err(io::ErrorKind::NotADirectory.into()),
            _ => Ok(Self { root }),
        }
    }

    fn attributes(&self, name: &str) -> io::Result<u32> {
        let how = How {
            access: FILE_READ_ATTRIBUTES,
            share: SHARE_ALL,
            disposition: FILE_OPEN,
            options: 0,
            flags: 0,
        };
        let handle = self.create(&Name::new(name)?, how)?;
        let info: FILE_BASIC_INFO = nt::information(handle.as_handle())?;
        Ok(info.FileAttributes)
    }

    fn list(&self, name: &str) -> io::Result<Vec<Listed>> {
        let how = How {
            access: FILE_LIST_DIRECTORY | FILE_READ_ATTRIBUTES,
            share: SHARE_ALL,
            disposition: FILE_OPEN,
            options: FILE_DIRECTORY_FILE,
            flags: 0,
        };
        // Not through the root's own handle: it has one place in the listing, and threads would share it.
        let folder = self.create(&Name::new(name)?, how)?;
        listing::list(folder.as_handle())
    }

    fn open(&self, name: &str) -> io::Result<NtfsNode> {
        let name = Name::new(name)?;
        let mut result = Err(Status(STATUS_ACCESS_DENIED));
        for access in READ {
            let how = How {
                access,
                share: FILE_SHARE_READ,
                disposition: FILE_OPEN,
                options: 0,
                flags: 0,
            };
            result = self
                .create(&name, how)
                .map(|handle| NtfsNode::new(handle, access & ACCESS_SYSTEM_SECURITY != 0));
            match result {
                Err(Status(
                    STATUS_ACCESS_DENIED | STATUS_PRIVILEGE_NOT_HELD | STATUS_MEDIA_WRITE_PROTECTED,
                )) => {}
                _ => break,
            }
        }
        Ok(result?)
    }

    fn create_file(&self, name: &str, create: Create) -> io::Result<NtfsNode> {
        let disposition = match create {
            Create::New => FILE_CREATE,
            Create::Replace => FILE_OVERWRITE_IF,
        };
        self.create_node(name, disposition, FILE_NON_DIRECTORY_FILE)
    }

    fn create_folder(&self, name: &str) -> io::Result<NtfsNode> {
        self.create_node(name, FILE_CREATE, FILE_DIRECTORY_FILE)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let how = How {
            access: DELETE | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES,
            share: SHARE_ALL,
            disposition: FILE_OPEN,
            options: 0,
            flags: 0,
        };
        let handle = self.create(&beneath(name)?, how)?;
        match delete(handle.as_handle()) {
            Err(Status(STATUS_CANNOT_DELETE | STATUS_ACCESS_DENIED)) => {
                delete_read_only(NtfsNode::new(handle, false))
            }
            result => Ok(result?),
        }
    }

    fn link(&self, name: &str, root: &Self, target: &str) -> io::Result<()> {
        let how = How {
            access: FILE_WRITE_ATTRIBUTES,
            share: SHARE_ALL,
            disposition: FILE_OPEN,
            options: 0,
            flags: 0,
        };
        let target = root.create(&beneath(target)?, how)?;
        let (folder, last) = beneath(name)?.split().ok_or(io::ErrorKind::InvalidInput)?;
        let folder = self.open_folder(&folder, GENERIC_READ)?;
        Ok(add_name(target.as_handle(), folder.as_handle(), &last)?)
    }

    fn sync_volume(&self) -> io::Result<()> {
        volume::sync(self.root.as_handle())
    }
}

/// Deletes a file that is read-only. Its other names are to stay so.
fn delete_read_only(node: NtfsNode) -> io::Result<()> {
    let attributes = node.basic_info()?.attributes;
    if attributes & FILE_ATTRIBUTE_READONLY == 0 {
        return Err(Status(STATUS_CANNOT_DELETE).into());
    }
    let has_other_names = node.identity()?.links > 1;
    // No attributes at all would mean that they are to stay.
    let writable = match attributes & !FILE_ATTRIBUTE_READONLY {
        0 => FILE_ATTRIBUTE_NORMAL,
        some => some,
    };
    set_attributes(node.as_handle(), writable)?;
    let deleted = delete(node.as_handle()).map_err(io::Error::from);
    if has_other_names || deleted.is_err() {
        let restored = set_attributes(node.as_handle(), attributes);
        return deleted.and(restored);
    }
    deleted
}

/// Deletes what is open, when it is closed.
fn delete(file: BorrowedHandle<'_>) -> Result<(), Status> {
    /// FILE_DISPOSITION_DELETE
    const FLAGS: u64 = 1;
    // SAFETY: the structures of both classes are a number of 32 bits, and a byte.
    unsafe {
        match nt::set_information(file, FileDispositionInformationEx, &[FLAGS], 4) {
            // Not every file system has this class, and Wine 8 has it for none.
            Err(Status(
                STATUS_INVALID_INFO_CLASS
                | STATUS_INVALID_PARAMETER
                | STATUS_INVALID_DEVICE_REQUEST
                | STATUS_NOT_IMPLEMENTED
                | STATUS_NOT_SUPPORTED,
            )) => nt::set_information(file, FileDispositionInformation, &[1], 1),
            result => result,
        }
    }
}

/// Gives a file one more name; fails if something has it.
fn add_name(
    file: BorrowedHandle<'_>,
    folder: BorrowedHandle<'_>,
    name: &Name,
) -> Result<(), Status> {
    const FOLDER: usize = offset_of!(FILE_LINK_INFORMATION, RootDirectory);
    const LENGTH: usize = offset_of!(FILE_LINK_INFORMATION, FileNameLength);
    const NAME: usize = offset_of!(FILE_LINK_INFORMATION, FileName);

    // First ReplaceIfExists: no.
    let mut bytes = vec![0; FOLDER];
    bytes.extend(folder.as_raw_handle().addr().to_le_bytes());
    bytes.resize(LENGTH, 0);
    let length =
        u32::try_from(size_of_val(name.units())).map_err(|_| Status(STATUS_INVALID_PARAMETER))?;
    bytes.extend(length.to_le_bytes());
    bytes.resize(NAME, 0);
    bytes.extend(name.units().iter().flat_map(|unit| unit.to_le_bytes()));

    // A name of one unit ends before the structure's padding, and less than the structure is refused.
    let length = bytes.len().max(size_of::<FILE_LINK_INFORMATION>());
    bytes.resize(length.next_multiple_of(8), 0);
    let (words, _) = bytes.as_chunks::<8>();
    let words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
    // SAFETY: this is the class's structure (ntifs.h, FILE_LINK_INFORMATION), with a folder that is open.
    unsafe { nt::set_information(file, FileLinkInformation, &words, length) }
}

#[cfg(test)]
mod tests;
