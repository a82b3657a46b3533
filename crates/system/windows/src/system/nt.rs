//! The system's own calls for files, which open relative to a folder and can be told not to follow reparse points.

use std::io;
use std::os::windows::io::{AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::ptr;

use windows_sys::Wdk::Foundation::OBJECT_ATTRIBUTES;
use windows_sys::Wdk::Storage::FileSystem::{
    FILE_INFORMATION_CLASS, FILE_OPEN_FOR_BACKUP_INTENT, FILE_SYNCHRONOUS_IO_NONALERT,
    NtCreateFile, NtSetInformationFile,
};
use windows_sys::Win32::Foundation::{
    NTSTATUS, OBJ_CASE_INSENSITIVE, RtlNtStatusToDosError, STATUS_INVALID_PARAMETER,
    STATUS_NAME_TOO_LONG, UNICODE_STRING,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_BASIC_INFO, FILE_ID_INFO, FILE_INFO_BY_HANDLE_CLASS, FileBasicInfo, FileIdInfo,
    FileStandardInfo, GetFileInformationByHandleEx, SYNCHRONIZE,
};
use windows_sys::Win32::System::IO::IO_STATUS_BLOCK;

/// What the system said when it refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status(pub(super) NTSTATUS);

impl From<Status> for io::Error {
    fn from(status: Status) -> Self {
        // SAFETY: it takes a number and gives one.
        let code = unsafe { RtlNtStatusToDosError(status.0) };
        io::Error::from_raw_os_error(code.cast_signed())
    }
}

/// Success and information are no failures; warnings and errors are (ntdef.h, NT_SUCCESS).
pub(super) fn check(status: NTSTATUS) -> Result<(), Status> {
    match status >= 0 {
        true => Ok(()),
        false => Err(Status(status)),
    }
}

/// How something is opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    /// Rights. SYNCHRONIZE is always among them.
    pub(super) access: u32,
    /// What others may do meanwhile.
    pub(super) share: u32,
    /// What to do if it is there, and if not.
    pub(super) disposition: u32,
    /// More options. That it is opened for backup, and that calls return when they are done, is always said.
    pub(super) options: u32,
    /// More flags of the name. That case does not matter is always said.
    pub(super) flags: u32,
}

/// Opens or makes what has this name, relative to a folder; the folder itself if it is empty.
pub(super) fn create(
    folder: BorrowedHandle<'_>,
    name: &[u16],
    how: How,
) -> Result<OwnedHandle, Status> {
    let bytes = u16::try_from(size_of_val(name)).map_err(|_| Status(STATUS_NAME_TOO_LONG))?;
    let name = UNICODE_STRING {
        Length: bytes,
        MaximumLength: bytes,
        Buffer: name.as_ptr().cast_mut(),
    };
    let object = OBJECT_ATTRIBUTES {
        Length: size_of::<OBJECT_ATTRIBUTES>() as u32,
        RootDirectory: folder.as_raw_handle(),
        ObjectName: &name,
        Attributes: how.flags | OBJ_CASE_INSENSITIVE,
        SecurityDescriptor: ptr::null(),
        SecurityQualityOfService: ptr::null(),
    };
    let mut handle = ptr::null_mut();
    let mut result = IO_STATUS_BLOCK::default();
    // SAFETY: all that is pointed to lives until the call returns, which it does when it is done; the system reads the
    // name and does not write to it. The lengths are those of what they belong to, and null pointers say that there is
    // neither a size to allocate nor extended attributes.
    let status = unsafe {
        NtCreateFile(
            &mut handle,
            how.access | SYNCHRONIZE,
            &object,
            &mut result,
            ptr::null(),
            0,
            how.share,
            how.disposition,
            how.options | FILE_OPEN_FOR_BACKUP_INTENT | FILE_SYNCHRONOUS_IO_NONALERT,
            ptr::null(),
            0,
        )
    };
    check(status)?;
    // SAFETY: the call succeeded, so the handle is open and ours.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// Sets information: the first `length` bytes of `words`, which are aligned as every class wants it.
///
/// # Safety
/// They are the class's structure, in which pointers are valid and handles open.
pub(super) unsafe fn set_information(
    file: BorrowedHandle<'_>,
    class: FILE_INFORMATION_CLASS,
    words: &[u64],
    length: usize,
) -> Result<(), Status> {
    let length = match u32::try_from(length) {
        Ok(bytes) if length <= size_of_val(words) => bytes,
        _ => return Err(Status(STATUS_INVALID_PARAMETER)),
    };
    let mut result = IO_STATUS_BLOCK::default();
    // SAFETY: the file is open for synchronous calls, so all is done when it returns; it reads no more bytes than there
    // are. What they mean is the caller's to guarantee.
    check(unsafe {
        NtSetInformationFile(
            file.as_raw_handle(),
            &mut result,
            words.as_ptr().cast(),
            length,
            class,
        )
    })
}

/// A structure that GetFileInformationByHandleEx fills.
///
/// # Safety
/// It is that of the class, and any bytes are a value of it.
pub(super) unsafe trait Information: Default {
    const CLASS: FILE_INFO_BY_HANDLE_CLASS;
}

// SAFETY: the structure is the class's (MS-FSCC 2.4.7, winbase.h), and is numbers only.
unsafe impl Information for FILE_BASIC_INFO {
    const CLASS: FILE_INFO_BY_HANDLE_CLASS = FileBasicInfo;
}

/// FILE_STANDARD_INFO, with bytes for its booleans: the system does not promise that they are 0 or 1.
#[repr(C)]
#[derive(Debug, Default)]
pub(super) struct StandardInfo {
    /// Bytes that it takes on the volume.
    pub(super) allocation: i64,
    end: i64,
    /// Number of names.
    pub(super) links: u32,
    delete_pending: u8,
    directory: u8,
}

// SAFETY: the structure is the class's (MS-FSCC 2.4.41, winbase.h), and is numbers only.
unsafe impl Information for StandardInfo {
    const CLASS: FILE_INFO_BY_HANDLE_CLASS = FileStandardInfo;
}

// SAFETY: the structure is the class's (MS-FSCC 2.4.26, winbase.h), and is numbers only.
unsafe impl Information for FILE_ID_INFO {
    const CLASS: FILE_INFO_BY_HANDLE_CLASS = FileIdInfo;
}

const _: () = assert!(size_of::<FILE_BASIC_INFO>() == 40);
const _: () = assert!(size_of::<StandardInfo>() == 24);
const _: () = assert!(size_of::<FILE_ID_INFO>() == 24);

/// Asks for information.
pub(super) fn information<T: Information>(file: BorrowedHandle<'_>) -> io::Result<T> {
    let mut information = T::default();
    // SAFETY: the structure is that of the class, the length is its own, and any bytes are a value of it.
    let succeeded = unsafe {
        GetFileInformationByHandleEx(
            file.as_raw_handle(),
            T::CLASS,
            (&raw mut information).cast(),
            size_of::<T>() as u32,
        )
    };
    match succeeded {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(information),
    }
}
