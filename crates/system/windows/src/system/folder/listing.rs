//! What a folder has.

use std::ffi::OsString;
use std::io;
use std::mem::offset_of;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::{AsRawHandle, BorrowedHandle};

use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, ERROR_NO_MORE_FILES};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ID_BOTH_DIR_INFO, FileIdBothDirectoryInfo, FileIdBothDirectoryRestartInfo,
    GetFileInformationByHandleEx,
};

use crate::Listed;

/// Room for about 500 entries at a time.
const LENGTH: usize = 64 * 1024;

/// What the system fills. Its entries begin at multiples of 8.
#[repr(C, align(8))]
struct Buffer([u8; LENGTH]);

// MS-FSCC 2.4.17.
const ATTRIBUTES: usize = 56;
const NAME_LENGTH: usize = 60;
const NAME: usize = 104;
const _: () = {
    assert!(offset_of!(FILE_ID_BOTH_DIR_INFO, NextEntryOffset) == 0);
    assert!(offset_of!(FILE_ID_BOTH_DIR_INFO, FileAttributes) == ATTRIBUTES);
    assert!(offset_of!(FILE_ID_BOTH_DIR_INFO, FileNameLength) == NAME_LENGTH);
    assert!(offset_of!(FILE_ID_BOTH_DIR_INFO, FileName) == NAME);
};

/// Lists an open folder.
pub(super) fn list(folder: BorrowedHandle<'_>) -> io::Result<Vec<Listed>> {
    let mut buffer = Box::new(Buffer([0; LENGTH]));
    let mut listed = Vec::new();
    let mut class = FileIdBothDirectoryRestartInfo;
    loop {
        // SAFETY: the folder is open; the buffer has as many bytes as is said, and is aligned as the entries are.
        let succeeded = unsafe {
            GetFileInformationByHandleEx(
                folder.as_raw_handle(),
                class,
                buffer.0.as_mut_ptr().cast(),
                LENGTH as u32,
            )
        };
        if succeeded == 0 {
            let error = io::Error::last_os_error();
            let code = error.raw_os_error().map(i32::cast_unsigned);
            // A volume's root that is empty has not even the entries for itself and its parent.
            let is_first = class == FileIdBothDirectoryRestartInfo;
            return match code {
                Some(ERROR_NO_MORE_FILES) => Ok(listed),
                Some(ERROR_FILE_NOT_FOUND) if is_first => Ok(listed),
                _ => Err(error),
            };
        }
        class = FileIdBothDirectoryInfo;
        parse(&buffer.0, &mut listed)?;
    }
}

fn parse(mut bytes: &[u8], listed: &mut Vec<Listed>) -> io::Result<()> {
    loop {
        let (entry, next) = parse_entry(bytes).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "an entry of the folder's listing does not fit into it",
            )
        })?;
        listed.extend(entry?);
        match next {
            Some(next) => bytes = next,
            None => return Ok(()),
        }
    }
}

type Entry<'a> = (io::Result<Option<Listed>>, Option<&'a [u8]>);

/// Returns an entry and what comes after it; nothing for the entries that stand for the folder and its parent. `None` if
/// it does not fit.
fn parse_entry(bytes: &[u8]) -> Option<Entry<'_>> {
    let number = |at: usize| -> Option<u32> {
        let bytes = bytes.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    let next = usize::try_from(number(0)?).ok()?;
    let attributes = number(ATTRIBUTES)?;
    let length = usize::try_from(number(NAME_LENGTH)?).ok()?;
    let name = bytes.get(NAME..NAME.checked_add(length)?)?;
    let units: Vec<u16> = name
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    let entry = to_text(&units).map(|name| {
        let is_itself = matches!(name.as_str(), "." | "..");
        (!is_itself).then_some(Listed { name, attributes })
    });
    let rest = match next {
        0 => None,
        next => Some(bytes.get(next..)?),
    };
    Some((entry, rest))
}

/// NTFS's names are any 16-bit units; those that are no text cannot be named here.
fn to_text(units: &[u16]) -> io::Result<String> {
    String::from_utf16(units).map_err(|_| {
        let name = OsString::from_wide(units);
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("the name {name:?} is not valid UTF-16, and cannot be kept"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &[u16], attributes: u32, next: u32) -> Vec<u8> {
        let mut bytes = vec![0; NAME];
        bytes[..4].copy_from_slice(&next.to_le_bytes());
        bytes[ATTRIBUTES..ATTRIBUTES + 4].copy_from_slice(&attributes.to_le_bytes());
        let length = (name.len() * 2) as u32;
        bytes[NAME_LENGTH..NAME_LENGTH + 4].copy_from_slice(&length.to_le_bytes());
        bytes.extend(name.iter().flat_map(|unit| unit.to_le_bytes()));
        bytes.resize(bytes.len().next_multiple_of(8), 0xaa);
        bytes
    }

    fn units(name: &str) -> Vec<u16> {
        name.encode_utf16().collect()
    }

    #[test]
    fn entries_follow_each_other() {
        let mut bytes = entry(&units("."), 0x10, 112);
        bytes.extend(entry(&units(".."), 0x10, 112));
        bytes.extend(entry(&units("Füße.txt"), 0x20, 0));
        let mut listed = Vec::new();
        parse(&bytes, &mut listed).unwrap();
        assert_eq!(
            listed,
            [Listed {
                name: "Füße.txt".to_owned(),
                attributes: 0x20
            }]
        );
    }

    #[test]
    fn a_name_that_is_no_text_is_an_error_that_shows_it() {
        let bytes = entry(&[0x61, 0xd800, 0x62], 0x20, 0);
        let error = parse(&bytes, &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains(r#""a\u{d800}b""#), "{error}");
    }

    #[test]
    fn entries_that_do_not_fit_are_errors() {
        let whole = entry(&units("name"), 0x20, 0);
        for end in 0..NAME + 8 {
            assert!(parse(&whole[..end], &mut Vec::new()).is_err(), "{end}");
        }
        let beyond = entry(&units("name"), 0x20, 4096);
        assert!(parse(&beyond, &mut Vec::new()).is_err());
    }
}
