//! What kind of Windows this is, and of volume.

use std::fmt;
use std::io;
use std::os::windows::io::AsRawHandle;
use std::path::{self, Path};
use std::ptr;

use windows_sys::Wdk::System::SystemServices::RtlGetVersion;
use windows_sys::Win32::Foundation::MAX_PATH;
use windows_sys::Win32::Security::{
    GetTokenInformation, TOKEN_ELEVATION, TOKEN_QUERY, TokenElevation,
};
use windows_sys::Win32::Storage::FileSystem::{GetVolumeInformationW, GetVolumePathNameW};
use windows_sys::Win32::System::Registry::{HKEY_LOCAL_MACHINE, RRF_RT_REG_DWORD, RegGetValueW};
use windows_sys::Win32::System::SystemInformation::OSVERSIONINFOW;
use windows_sys::w;

use super::nt;
use super::privilege::process_token;
use super::wide::{Wide, until_nul};

/// Which Windows this is. An image runs without a virtual machine only where the builds fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowsBuild {
    /// 10, also of Windows 11 and all servers since 2016.
    pub major: u32,
    /// 0.
    pub minor: u32,
    /// The build, such as 20348.
    pub build: u32,
    /// The number of the update (UBR), if it is known.
    pub revision: Option<u32>,
}

impl fmt::Display for WindowsBuild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.build)?;
        match self.revision {
            Some(revision) => write!(f, ".{revision}"),
            None => Ok(()),
        }
    }
}

/// Returns the real version, whatever the program's manifest says that it knows.
///
/// # Errors
/// The system refuses.
pub fn windows_build() -> io::Result<WindowsBuild> {
    let mut version = OSVERSIONINFOW {
        // It is 276 bytes long.
        dwOSVersionInfoSize: size_of::<OSVERSIONINFOW>() as u32,
        ..OSVERSIONINFOW::default()
    };
    // SAFETY: the structure says its own length, and lives until the call returns.
    nt::check(unsafe { RtlGetVersion(&mut version) })?;
    Ok(WindowsBuild {
        major: version.dwMajorVersion,
        minor: version.dwMinorVersion,
        build: version.dwBuildNumber,
        revision: revision(),
    })
}

fn revision() -> Option<u32> {
    let mut value = 0_u32;
    let mut length = size_of::<u32>() as u32;
    // SAFETY: both texts end with a NUL; the call writes a DWORD, for which there is room as `length` says, and a length.
    let code = unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            w!(r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"),
            w!("UBR"),
            RRF_RT_REG_DWORD,
            ptr::null_mut(),
            (&raw mut value).cast(),
            &mut length,
        )
    };
    (code == 0).then_some(value)
}

/// Returns the name of the file system that a path lies on, such as `NTFS` or `ReFS`. What the path names need not
/// exist.
///
/// # Errors
/// The system refuses.
pub fn volume_file_system(path: &Path) -> io::Result<String> {
    let path = Wide::new(path::absolute(path)?)?;
    // A volume's path is the beginning of the path, or of MAX_PATH at most where the path is a shorter name for it; a
    // backslash may come to it.
    let mut volume = vec![0_u16; path.len_with_nul().max(MAX_PATH as usize) + 1];
    let length = u32::try_from(volume.len()).map_err(io::Error::other)?;
    // SAFETY: the text ends with a NUL, and the buffer has as many units as `length` says.
    check(unsafe { GetVolumePathNameW(path.as_ptr(), volume.as_mut_ptr(), length) })?;

    let mut name = [0_u16; MAX_PATH as usize + 1];
    // SAFETY: the call before ended the text with a NUL, `name` has as many units as is said, and null pointers say that
    // nothing else is asked for.
    check(unsafe {
        GetVolumeInformationW(
            volume.as_ptr(),
            ptr::null_mut(),
            0,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            name.as_mut_ptr(),
            MAX_PATH + 1,
        )
    })?;
    String::from_utf16(until_nul(&name)).map_err(io::Error::other)
}

/// Says whether this process runs with an administrator's full token.
///
/// # Errors
/// The system refuses.
pub fn is_elevated() -> io::Result<bool> {
    let token = process_token(TOKEN_QUERY)?;
    let mut elevation = TOKEN_ELEVATION::default();
    let mut length = 0;
    // SAFETY: the token is open; the call writes a TOKEN_ELEVATION, for which there is room as is said, and a length.
    check(unsafe {
        GetTokenInformation(
            token.as_raw_handle(),
            TokenElevation,
            (&raw mut elevation).cast(),
            size_of::<TOKEN_ELEVATION>() as u32,
            &mut length,
        )
    })?;
    Ok(elevation.TokenIsElevated != 0)
}

fn check(succeeded: i32) -> io::Result<()> {
    match succeeded {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_has_a_file_system() {
        let folder = tempfile::tempdir().unwrap();
        let name = volume_file_system(folder.path()).unwrap();
        assert!(!name.is_empty());
        assert_eq!(
            volume_file_system(&folder.path().join("not there")).unwrap(),
            name
        );
        assert!(volume_file_system(Path::new("C:\\a\0b")).is_err());
    }

    #[test]
    fn a_build_is_known() {
        let build = windows_build().unwrap();
        assert!(build.major >= 6 && build.build > 0, "{build}");
        let shown = WindowsBuild {
            revision: Some(2),
            ..build
        }
        .to_string();
        assert!(shown.ends_with(".2") && shown.matches('.').count() == 3);
    }

    #[test]
    fn elevation_can_be_asked_for() {
        is_elevated().unwrap();
    }
}
