//! What Windows would have put on the files: attributes, times, the few distinct descriptors.

use anyhow::Result;
use transom_sample::descriptors;
use transom_sample::shape::{Content, WindowsMetadata, metadata};

/// The metadata that entries get: decided by their paths, so that the layer is the same each time.
pub(super) struct Dress {
    folder: Vec<u8>,
    library: Vec<u8>,
    file: Vec<u8>,
    locked: Vec<u8>,
}

impl Dress {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            folder: descriptors::bytes(descriptors::FOLDER)?,
            library: descriptors::bytes(descriptors::SYSTEM_FILE)?,
            file: descriptors::bytes(descriptors::FILE)?,
            locked: descriptors::bytes(descriptors::LOCKED_FILE)?,
        })
    }

    pub(super) fn metadata(&self, path: &str, content: &Content) -> WindowsMetadata {
        const ARCHIVE: u32 = 0x20;
        let hash = fnv1a(path.as_bytes());
        let is_folder = *content == Content::Folder;
        let security = match path.rsplit('.').next() {
            _ if is_folder => &self.folder,
            Some("dll" | "exe" | "pyd") => &self.library,
            _ if hash.is_multiple_of(50) => &self.locked,
            _ => &self.file,
        };
        // Some time in 2023, at a tick of 100 ns.
        let ticks = 16_725_312_000_000_000 + (hash % 315_000_000_000_000) as i64;
        metadata(
            ticks,
            if is_folder { 0 } else { ARCHIVE },
            Some(security.clone()),
        )
    }
}

/// A hash that stays the same from one compiler to the next.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
