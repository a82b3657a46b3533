//! What is known of an entry beside its data.

use transom_erofs::DeviceNumber;
use transom_ntmeta::attributes::FileAttributes;
use transom_ntmeta::filetime::UnixTime;

use crate::index::keys;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link, to a file or (see its attributes) a folder.
    Symlink,
    /// A junction.
    Junction,
    /// A device, pipe or socket of a Linux image.
    Special,
}

impl Kind {
    /// Returns the word for it, with an article.
    pub fn with_article(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Directory => "a folder",
            Self::Symlink => "a symbolic link",
            Self::Junction => "a junction",
            Self::Special => "a device, pipe or socket",
        }
    }

    /// Returns the word used in JSON: `file`, `directory`, `symlink`, `junction`, `special`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Symlink => "symlink",
            Self::Junction => "junction",
            Self::Special => "special",
        }
    }
}

/// Kind of a device file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// A character device.
    Char,
    /// A block device.
    Block,
}

/// All that is known of an entry beside its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub kind: Kind,
    /// Bytes of data.
    pub size: u64,
    /// FILE_ATTRIBUTE_* bits; `None` where the tar has none.
    pub attributes: Option<FileAttributes>,
    /// Creation time.
    pub created: Option<UnixTime>,
    /// Last write.
    pub modified: UnixTime,
    /// Last access.
    pub accessed: Option<UnixTime>,
    /// NTFS change time.
    pub changed: Option<UnixTime>,
    /// Self-relative security descriptor.
    pub security: Option<Vec<u8>>,
    /// NTFS extended attributes, by name.
    pub eas: Vec<(Vec<u8>, Vec<u8>)>,
    /// Target of a link, as the tar has it.
    pub target: Option<Vec<u8>>,
    /// False on a Windows file without a DATA stream (which is not the same as an empty one).
    pub has_data_stream: bool,
    /// Names that the file has.
    pub links: u32,
    /// The layer it comes from, counted from the base.
    pub layer: usize,
    /// Permission bits.
    pub mode: u16,
    /// Numeric owner (Linux images).
    pub uid: u32,
    /// Numeric group (Linux images).
    pub gid: u32,
    /// Kind and number of a device file.
    pub device: Option<(DeviceKind, DeviceNumber)>,
    /// Extended attributes of a Linux image.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// A folder that the layer's tar has no entry for.
    pub is_implied: bool,
}

impl Metadata {
    /// Takes over what attributes (under their plain keys) say; the name of one that is bad is the error.
    pub(crate) fn read_xattrs(
        &mut self,
        xattrs: impl Iterator<Item = (Vec<u8>, Vec<u8>)>,
    ) -> Result<(), &'static str> {
        let metadata = self;
        for (key, value) in xattrs {
            let time = |what| UnixTime::parse_pax(&value).map(Some).map_err(|_| what);
            match key.as_slice() {
                keys::FILE_ATTRIBUTES => {
                    let bits = decimal(&value).and_then(|bits| u32::try_from(bits).ok());
                    let bits = bits.ok_or("attribute word")?;
                    metadata.attributes = Some(FileAttributes::from_bits_retain(bits));
                }
                keys::SECURITY => metadata.security = Some(value),
                keys::MOUNT_POINT => metadata.kind = Kind::Junction,
                keys::CREATION => metadata.created = time("creation time")?,
                keys::LAST_ACCESS => metadata.accessed = time("access time")?,
                keys::CHANGE => metadata.changed = time("change time")?,
                keys::DATA_STREAM => metadata.has_data_stream = false,
                keys::TARGET => metadata.target = Some(value),
                keys::LAYER => {
                    let layer = decimal(&value).and_then(|layer| usize::try_from(layer).ok());
                    metadata.layer = layer.ok_or("layer")?;
                }
                keys::IMPLIED => metadata.is_implied = true,
                keys::LINK | keys::STREAMS | keys::SYMLINK => {}
                key if key.starts_with(keys::LONG_NAME_PREFIX) => {}
                key => match key.strip_prefix(keys::EA_PREFIX) {
                    Some(ea) => metadata.eas.push((ea.to_vec(), value)),
                    None => metadata.xattrs.push((key.to_vec(), value)),
                },
            }
        }
        metadata.eas.sort();
        metadata.xattrs.sort();
        Ok(())
    }
}

fn decimal(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
