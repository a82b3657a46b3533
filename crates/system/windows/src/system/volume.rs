//! A volume as a whole.

use std::fs::OpenOptions;
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsRawHandle, BorrowedHandle};
use std::ptr;

use windows_sys::Win32::Foundation::GENERIC_WRITE;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_SHARE_READ, FILE_SHARE_WRITE, GetFinalPathNameByHandleW, VOLUME_NAME_GUID,
};

/// Makes durable all that was written to the volume that an open file lies on.
///
/// FlushFileBuffers does that for a volume's handle, which an administrator may open (its documentation, remarks).
pub(super) fn sync(file: BorrowedHandle<'_>) -> io::Result<()> {
    OpenOptions::new()
        .access_mode(GENERIC_WRITE)
        .share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE)
        .open(name_of(file)?)?
        .sync_all()
}

/// Returns the name of the volume that an open file lies on, `\\?\Volume{…}`: with a backslash behind it would be that of
/// its topmost folder.
fn name_of(file: BorrowedHandle<'_>) -> io::Result<String> {
    let path = String::from_utf16_lossy(&path_of(file)?);
    let (volume, _) = path.split_once('}').ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::Unsupported,
            format!("{path} is on no volume of this host"),
        )
    })?;
    Ok(format!("{volume}}}"))
}

fn path_of(file: BorrowedHandle<'_>) -> io::Result<Vec<u16>> {
    let get = |buffer: *mut u16, length: u32| {
        // SAFETY: the file is open, and the buffer has as many units as `length` says, or is null and has none.
        match unsafe {
            GetFinalPathNameByHandleW(file.as_raw_handle(), buffer, length, VOLUME_NAME_GUID)
        } {
            0 => Err(io::Error::last_os_error()),
            length => Ok(length),
        }
    };
    // With too little room it says how much is needed, with the NUL; else how much it wrote, without.
    let length = get(ptr::null_mut(), 0)?;
    let mut path = vec![0; length as usize];
    let written = get(path.as_mut_ptr(), length)?;
    match written < length {
        true => path.truncate(written as usize),
        false => return Err(io::Error::other("its path changed meanwhile")),
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::windows::io::AsHandle;

    use windows_sys::Win32::Foundation::ERROR_INVALID_FUNCTION;

    use super::*;
    use crate::is_elevated;
    use crate::system::skip;

    #[test]
    fn a_volume_is_named_without_what_lies_on_it() {
        let file = tempfile::tempfile().unwrap();
        let name = name_of(file.as_handle()).unwrap();
        assert!(name.starts_with(r"\\?\Volume{"), "{name}");
        assert!(
            name.ends_with('}') && name.matches('\\').count() == 3,
            "{name}"
        );
    }

    #[test]
    fn a_volume_is_synced_for_an_administrator() {
        let file = tempfile::tempfile().unwrap();
        match sync(file.as_handle()) {
            Err(error) if !is_elevated().unwrap() => {
                assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{error}");
            }
            Err(error) if error.raw_os_error() == Some(ERROR_INVALID_FUNCTION as i32) => {
                skip(format_args!("Wine flushes no volumes: {error}"));
            }
            result => result.unwrap(),
        }
    }

    #[test]
    fn what_is_on_no_volume_is_refused() {
        let null = File::options().write(true).open("NUL").unwrap();
        sync(null.as_handle()).unwrap_err();
    }
}
