//! The PAX keys that carry Windows metadata (go-winio backuptar; OCI image layer spec, "Windows").
//!
//! | key | value |
//! |---|---|
//! | `MSWINDOWS.fileattr` | decimal FileAttributes |
//! | `MSWINDOWS.rawsd` | base64 of the self-relative security descriptor |
//! | `MSWINDOWS.sd` | the same as SDDL; read when there is no `rawsd`, never written |
//! | `MSWINDOWS.mountpoint` | present on junctions |
//! | `MSWINDOWS.xattr.<NAME>` | base64 of an extended attribute's value |
//! | `LIBARCHIVE.creationtime` | PAX time |
//!
//! Last access is `atime`, last write `mtime`, and NTFS's ChangeTime `ctime`.

mod classify;
mod header;
#[cfg(test)]
mod tests;

pub use classify::{Class, classify};
pub use header::{Shape, to_header};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use transom_ntmeta::filetime::UnixTime;
use transom_ntmeta::sddl;

use crate::parse::{Entry, EntryKind, shown};

/// FILE_ATTRIBUTE_DIRECTORY (MS-FSCC 2.6).
const DIRECTORY: u32 = 0x10;

const FILE_ATTRIBUTES: &[u8] = b"MSWINDOWS.fileattr";
const RAW_SECURITY: &[u8] = b"MSWINDOWS.rawsd";
const SDDL: &[u8] = b"MSWINDOWS.sd";
const MOUNT_POINT: &[u8] = b"MSWINDOWS.mountpoint";
const EA_PREFIX: &[u8] = b"MSWINDOWS.xattr.";
const CREATION_TIME: &[u8] = b"LIBARCHIVE.creationtime";

/// Standard base64 with padding; like Go's decoder it does not ask for the unused last bits to be 0.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// What an entry says about a file beside its name and content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WindowsMetadata {
    /// FileAttributes, if the entry has any.
    pub attributes: Option<u32>,
    /// Creation time.
    pub creation: Option<UnixTime>,
    /// Time of last access.
    pub last_access: Option<UnixTime>,
    /// Time of last write; every tar header has one.
    pub last_write: UnixTime,
    /// NTFS's ChangeTime.
    pub change: Option<UnixTime>,
    /// Self-relative security descriptor (MS-DTYP 2.4.6), as the bytes the entry holds.
    pub security: Option<Vec<u8>>,
    /// Extended attributes: names and values. Their flags are not in a tar.
    pub eas: Vec<(Vec<u8>, Vec<u8>)>,
    /// The entry is a junction, not a symbolic link.
    pub mount_point: bool,
}

/// Why the metadata of an entry cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// The attributes are no decimal number of 32 bits.
    #[error("entry {}: MSWINDOWS.fileattr holds {}, not a number below 2^32", shown(.name), shown(.value))]
    Attributes {
        /// Name of the entry.
        name: Vec<u8>,
        /// The record's value.
        value: Vec<u8>,
    },
    /// The creation time is no PAX time.
    #[error("entry {}: LIBARCHIVE.creationtime holds {}, not a time", shown(.name), shown(.value))]
    CreationTime {
        /// Name of the entry.
        name: Vec<u8>,
        /// The record's value.
        value: Vec<u8>,
    },
    /// A record that holds bytes is not valid base64.
    #[error("entry {}: {} is not valid base64: {source}", shown(.name), shown(.key))]
    Base64 {
        /// Name of the entry.
        name: Vec<u8>,
        /// Key of the record.
        key: Vec<u8>,
        /// What is wrong with it.
        source: base64::DecodeError,
    },
    /// The legacy security record is no SDDL that can be converted.
    #[error("entry {}: MSWINDOWS.sd cannot be converted: {reason}", shown(.name))]
    Sddl {
        /// Name of the entry.
        name: Vec<u8>,
        /// What is wrong with it.
        reason: String,
    },
    /// An extended attribute's name cannot be part of a PAX key.
    #[error("entry {}: extended attribute {} cannot be a PAX key: {rule}", shown(.name), shown(.ea))]
    EaName {
        /// Name of the entry.
        name: Vec<u8>,
        /// Name of the attribute.
        ea: Vec<u8>,
        /// The rule it breaks.
        rule: &'static str,
    },
}

impl WindowsMetadata {
    /// Reads the metadata of an entry. Keys it does not know are ignored, as Windows' import ignores them.
    ///
    /// # Errors
    /// A known record does not hold what it should.
    pub fn from_entry(entry: &Entry) -> Result<Self, MetadataError> {
        let mut metadata = Self {
            last_access: entry.atime,
            last_write: entry.mtime,
            change: entry.ctime,
            ..Self::default()
        };
        let name = || entry.name.clone();
        let decode = |key: &[u8], value: &[u8]| {
            decode_base64(value).map_err(|source| MetadataError::Base64 {
                name: name(),
                key: key.to_vec(),
                source,
            })
        };
        let mut legacy = None;
        for (key, value) in &entry.pax {
            match key.as_slice() {
                FILE_ATTRIBUTES => {
                    let attributes = parse_u32(value).ok_or_else(|| MetadataError::Attributes {
                        name: name(),
                        value: value.clone(),
                    })?;
                    metadata.attributes = Some(attributes);
                }
                CREATION_TIME => {
                    let time =
                        UnixTime::parse_pax(value).map_err(|_| MetadataError::CreationTime {
                            name: name(),
                            value: value.clone(),
                        })?;
                    metadata.creation = Some(time);
                }
                RAW_SECURITY => metadata.security = Some(decode(key, value)?),
                SDDL => legacy = Some(value),
                MOUNT_POINT => metadata.mount_point = true,
                _ => {
                    if let Some(ea) = key.strip_prefix(EA_PREFIX) {
                        metadata.eas.push((ea.to_vec(), decode(key, value)?));
                    }
                }
            }
        }
        if metadata.security.is_none()
            && let Some(text) = legacy
        {
            metadata.security = Some(convert_sddl(text).map_err(|reason| MetadataError::Sddl {
                name: name(),
                reason,
            })?);
        }
        Ok(metadata)
    }

    /// Returns the attributes that Windows' import goes by: without a record, a directory has
    /// FILE_ATTRIBUTE_DIRECTORY and everything else 0.
    pub fn effective_attributes(&self, kind: EntryKind) -> u32 {
        match self.attributes {
            Some(attributes) => attributes,
            None if kind == EntryKind::Directory => DIRECTORY,
            None => 0,
        }
    }

    /// Says whether the file is a directory: the attributes decide, and only without them the type flag.
    pub fn is_directory(&self, kind: EntryKind) -> bool {
        self.effective_attributes(kind) & DIRECTORY != 0
    }
}

/// Encodes bytes for a PAX record.
fn encode_base64(bytes: &[u8]) -> Vec<u8> {
    BASE64.encode(bytes).into_bytes()
}

/// Decodes a PAX record; like Go's decoder it passes over line ends.
fn decode_base64(text: &[u8]) -> Result<Vec<u8>, base64::DecodeError> {
    if text.iter().any(|b| matches!(b, b'\r' | b'\n')) {
        let joined: Vec<u8> = text
            .iter()
            .copied()
            .filter(|b| !matches!(b, b'\r' | b'\n'))
            .collect();
        return BASE64.decode(joined);
    }
    BASE64.decode(text)
}

fn convert_sddl(text: &[u8]) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(text).map_err(|e| e.to_string())?;
    sddl::from_sddl(text).map_err(|e| e.to_string())
}

/// Reads decimal digits and nothing else, as Go's `strconv.ParseUint` does.
fn parse_u32(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u32, |value, &digit| {
        if !digit.is_ascii_digit() {
            return None;
        }
        value.checked_mul(10)?.checked_add(u32::from(digit - b'0'))
    })
}
