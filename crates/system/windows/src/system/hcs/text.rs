//! Text that goes into the service and comes out of it.

use std::path::Path;
use std::ptr;
use std::slice;

use windows_sys::Win32::System::Com::CoTaskMemFree;
use windows_sys::core::{GUID, PWSTR};

use super::abi::LayerDescriptor;
use crate::system::wide::Wide;
use crate::{Descriptor, Guid, HcsError};

type Result<T> = std::result::Result<T, HcsError>;

/// Text for a call.
pub(super) fn text(call: &'static str, text: &str) -> Result<Wide> {
    Wide::new(text).map_err(|error| refused(call, error.to_string()))
}

/// A path for a call. One that is not absolute would be relative to the service's own folder.
pub(super) fn path(call: &'static str, path: &Path) -> Result<Wide> {
    if !path.is_absolute() {
        return Err(refused(call, format!("the path {path:?} is not absolute")));
    }
    Wide::new(path).map_err(|error| refused(call, error.to_string()))
}

pub(super) fn refused(call: &'static str, what: String) -> HcsError {
    HcsError::Answer { call, what }
}

/// Text from UTF-16 that the service wrote.
pub(super) fn read(call: &'static str, units: &[u16]) -> Result<String> {
    String::from_utf16(units).map_err(|_| {
        let text = String::from_utf16_lossy(units);
        refused(call, format!("the answer is no UTF-16: {text:?}"))
    })
}

/// Parents, as calls take them.
pub(super) struct Parents {
    descriptors: Vec<LayerDescriptor>,
    /// What the descriptors point to.
    _paths: Vec<Wide>,
}

impl Parents {
    pub(super) fn new(call: &'static str, parents: &[Descriptor]) -> Result<Self> {
        let paths = parents
            .iter()
            .map(|parent| path(call, &parent.path))
            .collect::<Result<Vec<_>>>()?;
        let descriptors = parents
            .iter()
            .zip(&paths)
            .map(|(parent, path)| LayerDescriptor {
                id: to_system(parent.id),
                flags: 0,
                // The text is on the heap, so it stays where it is when `paths` moves.
                path: path.as_ptr(),
            })
            .collect();
        Ok(Self {
            descriptors,
            _paths: paths,
        })
    }

    /// Valid while this lives.
    pub(super) fn as_slice(&self) -> &[LayerDescriptor] {
        &self.descriptors
    }
}

pub(super) fn to_system(id: Guid) -> GUID {
    let [a, b, c, d, e, f, g, h, rest @ ..] = id.0;
    GUID {
        data1: u32::from_le_bytes([a, b, c, d]),
        data2: u16::from_le_bytes([e, f]),
        data3: u16::from_le_bytes([g, h]),
        data4: rest,
    }
}

pub(super) fn from_system(id: &GUID) -> Guid {
    let [a, b, c, d] = id.data1.to_le_bytes();
    let [e, f] = id.data2.to_le_bytes();
    let [g, h] = id.data3.to_le_bytes();
    let [i, j, k, l, m, n, o, p] = id.data4;
    Guid([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
}

/// Text that the service made and the caller frees; there may be none.
#[derive(Debug)]
pub(super) struct Made(PWSTR);

impl Made {
    /// Nothing yet.
    pub(super) fn nothing() -> Self {
        Self(ptr::null_mut())
    }

    /// Where a call is to put its text. Only for one call: what was there before would be lost.
    pub(super) fn out(&mut self) -> *mut PWSTR {
        &raw mut self.0
    }

    /// Returns the text, if there is one.
    pub(super) fn to_text(&self, call: &'static str) -> Result<Option<String>> {
        if self.0.is_null() {
            return Ok(None);
        }
        let mut length = 0;
        // SAFETY: the service's texts end with a NUL (vmcompute.go reads them so), so every unit up to it is there.
        while unsafe { self.0.add(length).read() } != 0 {
            length += 1;
        }
        // SAFETY: these units were just read, and nobody changes them while `self` is borrowed.
        let units = unsafe { slice::from_raw_parts(self.0, length) };
        read(call, units).map(Some)
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // SAFETY: the text came from the service, which allocates with CoTaskMemAlloc, and this is its one owner; null
        // is allowed and does nothing.
        unsafe { CoTaskMemFree(self.0.cast()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_their_bytes() {
        let id = Guid(*b"0123456789abcdef");
        assert_eq!(from_system(&to_system(id)), id);
        let system = GUID::from_u128(0xbd9c3ef9_f239_59b5_a27e_15c523b1d149);
        assert_eq!(
            from_system(&system).to_string(),
            "bd9c3ef9-f239-59b5-a27e-15c523b1d149"
        );
    }

    #[test]
    fn a_path_is_absolute_and_without_nul() {
        assert!(path("ActivateLayer", Path::new(r"C:\layers\a")).is_ok());
        assert!(path("ActivateLayer", Path::new(r"\\?\Volume{0}\a")).is_ok());
        let error = path("ActivateLayer", Path::new("layers")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "ActivateLayer: the path \"layers\" is not absolute"
        );
        let error = path("ActivateLayer", Path::new("C:\\a\0b")).unwrap_err();
        assert!(error.to_string().contains("NUL"), "{error}");
    }

    #[test]
    fn text_that_was_not_made_is_none() {
        assert_eq!(Made::nothing().to_text("GetBaseImages"), Ok(None));
    }
}
