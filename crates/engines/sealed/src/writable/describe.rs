//! The metadata of what the upper folder holds, as Windows would have made it.

use transom_layertar::path::{self, Rules};
use transom_ntmeta::attributes::FileAttributes;
use transom_ntmeta::filetime::UnixTime;
use transom_ntmeta::inherit::{self, Creator};
use transom_ntmeta::security::SecurityDescriptor;

use super::error::{ChangesError, shown};
use super::upper::{UpperEntry, UpperKind};
use crate::tree::{DeviceKind, Kind, Metadata, Node};

/// Permission bits that let anybody write.
const WRITE_BITS: u16 = 0o222;
/// What a mount shows for a folder of a Windows image.
const FOLDER_MODE: u16 = 0o755;

/// The folder above an entry, and what the entry takes over from it.
#[derive(Debug, Default)]
pub(super) struct Above {
    pub(super) path: Vec<u8>,
    /// The folder of the chain that shows through it.
    pub(super) source: Option<Node>,
    /// Its security descriptor, its own or the one that it has inherited itself.
    security: Vec<u8>,
    attributes: FileAttributes,
}

impl Above {
    /// Makes the root of the tar; the folders in it inherit from a fresh volume.
    pub(super) fn root(source: Option<Node>) -> Self {
        Self {
            source,
            ..Self::default()
        }
    }

    /// Makes the folder at `path` one to inherit from.
    pub(super) fn of(
        path: &[u8],
        source: Option<&Node>,
        metadata: &Metadata,
        above: &Self,
    ) -> Result<Self, ChangesError> {
        // A folder without a descriptor gets an inherited one when Windows imports the layer; the top
        // folders get that of a fresh volume.
        let security = match &metadata.security {
            Some(own) => own.clone(),
            None if above.path.is_empty() => inherit::default_root().to_vec(),
            None => inherited(above, true, path)?,
        };
        Ok(Self {
            path: path.to_vec(),
            source: source.cloned(),
            security,
            attributes: metadata.attributes.unwrap_or_default(),
        })
    }
}

fn inherited(above: &Above, is_folder: bool, path: &[u8]) -> Result<Vec<u8>, ChangesError> {
    let parent =
        SecurityDescriptor::parse(&above.security).map_err(|_| ChangesError::Attribute {
            path: shown(&above.path),
            what: "security descriptor",
        })?;
    inherit::inherit(
        Some(&parent),
        is_folder,
        &Creator::container_administrator(),
    )
    .map_err(|source| ChangesError::Inherit {
        path: shown(path),
        source,
    })
}

/// What is known of an entry of the upper folder without asking where it comes from.
fn bare(entry: &UpperEntry) -> Metadata {
    let (kind, device) = match &entry.kind {
        UpperKind::Directory { .. } => (Kind::Directory, None),
        UpperKind::File { .. } | UpperKind::Whiteout => (Kind::File, None),
        UpperKind::Symlink(_) => (Kind::Symlink, None),
        UpperKind::CharDevice(number) => (Kind::Special, Some((DeviceKind::Char, *number))),
        UpperKind::BlockDevice(number) => (Kind::Special, Some((DeviceKind::Block, *number))),
        UpperKind::Fifo | UpperKind::Socket => (Kind::Special, None),
    };
    let target = match &entry.kind {
        UpperKind::Symlink(target) => Some(target.clone()),
        _ => None,
    };
    Metadata {
        kind,
        size: match kind {
            Kind::File => entry.size,
            _ => 0,
        },
        attributes: None,
        created: None,
        modified: entry.modified,
        accessed: None,
        changed: None,
        security: None,
        eas: Vec::new(),
        target,
        has_data_stream: kind == Kind::File,
        links: entry.links,
        layer: 0,
        mode: entry.permissions,
        uid: entry.uid,
        gid: entry.gid,
        device,
        xattrs: Vec::new(),
        is_implied: false,
    }
}

fn read(entry: &UpperEntry, path: &[u8]) -> Result<Metadata, ChangesError> {
    let mut metadata = bare(entry);
    let xattrs = entry.xattrs.iter().cloned();
    metadata
        .read_xattrs(xattrs)
        .map_err(|what| ChangesError::Attribute {
            path: shown(path),
            what,
        })?;
    Ok(metadata)
}

/// Returns the metadata of an entry of a Linux image.
pub(super) fn posix(entry: &UpperEntry, path: &[u8]) -> Result<Metadata, ChangesError> {
    let mut metadata = read(entry, path)?;
    metadata.changed = None;
    metadata.accessed = None;
    // Labels of the host and what only its root sees are no part of an image.
    metadata
        .xattrs
        .retain(|(name, _)| name.starts_with(b"user.") || name == b"security.capability");
    Ok(metadata)
}

/// Returns the metadata of something that was copied up from `base`, changed or not.
pub(super) fn copied(
    entry: &UpperEntry,
    base: &Metadata,
    path: &[u8],
) -> Result<Metadata, ChangesError> {
    let mut metadata = read(entry, path)?;
    let is_file = metadata.kind == Kind::File && base.kind == Kind::File;
    let is_written = metadata.modified != base.modified || metadata.size != base.size;
    if let Some(attributes) = &mut metadata.attributes {
        if is_file && is_written {
            attributes.insert(FileAttributes::ARCHIVE);
        }
        // A mount shows READONLY as a file that nobody may write to.
        if is_file && metadata.mode & WRITE_BITS != base.mode & WRITE_BITS {
            attributes.set(FileAttributes::READONLY, metadata.mode & WRITE_BITS == 0);
        }
    }
    if is_written {
        metadata.changed = Some(later(metadata.modified, metadata.changed));
    }
    if is_file && metadata.size > 0 {
        metadata.has_data_stream = true;
    }
    Ok(round(metadata))
}

/// Returns the metadata of a file of the chain whose data was written under its name in another case.
pub(super) fn written_over(entry: &UpperEntry, base: &Metadata) -> Metadata {
    let new = bare(entry);
    let mut metadata = Metadata {
        kind: new.kind,
        size: new.size,
        modified: new.modified,
        changed: Some(new.modified),
        target: new.target,
        has_data_stream: new.has_data_stream,
        links: new.links,
        ..base.clone()
    };
    if new.kind == Kind::Directory && base.kind == Kind::Directory {
        metadata.modified = base.modified.max(new.modified);
    }
    if let (Kind::File, Some(attributes)) = (new.kind, &mut metadata.attributes) {
        attributes.insert(FileAttributes::ARCHIVE);
    }
    round(metadata)
}

/// Returns the metadata of something that a program without knowledge of Windows has made.
pub(super) fn new(
    entry: &UpperEntry,
    above: &Above,
    path: &[u8],
) -> Result<Metadata, ChangesError> {
    let mut metadata = read(entry, path)?;
    // NTFS hands this attribute down, too; compression and encryption would need data of that form.
    let mut attributes = above.attributes & FileAttributes::NOT_CONTENT_INDEXED;
    match metadata.kind {
        Kind::Directory => attributes |= FileAttributes::DIRECTORY,
        Kind::File => {
            attributes |= FileAttributes::ARCHIVE;
            attributes.set(FileAttributes::READONLY, metadata.mode & WRITE_BITS == 0);
            attributes.set(FileAttributes::SPARSE_FILE, is_sparse(entry));
        }
        _ => {}
    }
    let is_folder = metadata.kind == Kind::Directory;
    metadata.attributes.get_or_insert(attributes);
    if metadata.security.is_none() {
        metadata.security = Some(inherited(above, is_folder, path)?);
    }
    let created = entry.created.unwrap_or(entry.modified);
    metadata.created.get_or_insert(created);
    metadata
        .accessed
        .get_or_insert(later(created, Some(entry.modified)));
    metadata.changed.get_or_insert(entry.changed);
    Ok(round(metadata))
}

/// Says whether blocks of a file are missing. Less than one is what file systems save on small files.
fn is_sparse(entry: &UpperEntry) -> bool {
    entry.allocated + 64 * 1024 <= entry.size
}

/// Makes the metadata of a new link what Windows gives one: its target's form, and which kind it is.
pub(super) fn new_link(metadata: &mut Metadata, target: &[u8], leads_to_folder: bool) {
    metadata.target = Some(to_windows(target));
    let attributes = metadata.attributes.get_or_insert_default();
    attributes.insert(FileAttributes::REPARSE_POINT);
    attributes.insert(match leads_to_folder {
        true => FileAttributes::DIRECTORY,
        false => FileAttributes::ARCHIVE,
    });
}

/// Turns the target of a Linux link into the one that leads there on Windows.
fn to_windows(target: &[u8]) -> Vec<u8> {
    let backslashed = target
        .iter()
        .map(|byte| if *byte == b'/' { b'\\' } else { *byte });
    match target.first() {
        Some(b'/') => b"C:".iter().copied().chain(backslashed).collect(),
        _ => backslashed.collect(),
    }
}

/// Returns the path in the tar that the link at `path` leads to; `None` if that is outside of the volume.
pub(super) fn resolve(path: &[u8], target: &[u8]) -> Option<Vec<u8>> {
    let volume = path.split(|byte| *byte == b'/').next()?;
    let mut parts: Vec<&[u8]> = match target.first()? {
        b'/' => vec![volume],
        _ => path.split(|byte| *byte == b'/').collect(),
    };
    if target.first() != Some(&b'/') {
        parts.pop();
    }
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.len() > 1 => drop(parts.pop()),
            b".." => return None,
            part => parts.push(part),
        }
    }
    let place = parts.join(&b'/');
    let clean = path::clean(&place, Rules::Windows).ok()?;
    Some(clean.into_bytes())
}

/// The metadata of a folder that every layer has and this chain has not.
pub(super) fn plain_folder(latest: Option<UnixTime>) -> Metadata {
    let moment = latest.unwrap_or(UnixTime {
        seconds: 0,
        nanos: 0,
    });
    Metadata {
        kind: Kind::Directory,
        size: 0,
        attributes: Some(FileAttributes::DIRECTORY),
        created: Some(moment),
        modified: moment,
        accessed: Some(moment),
        changed: Some(moment),
        security: None,
        eas: Vec::new(),
        target: None,
        has_data_stream: false,
        links: 1,
        layer: 0,
        mode: FOLDER_MODE,
        uid: 0,
        gid: 0,
        device: None,
        xattrs: Vec::new(),
        is_implied: false,
    }
}

/// Sets times after `latest` to it (SOURCE_DATE_EPOCH).
pub(super) fn clamp(metadata: &mut Metadata, latest: Option<UnixTime>) {
    let Some(latest) = latest else { return };
    metadata.modified = metadata.modified.min(latest);
    for time in [
        &mut metadata.created,
        &mut metadata.accessed,
        &mut metadata.changed,
    ] {
        *time = time.map(|time| time.min(latest));
    }
}

fn later(time: UnixTime, other: Option<UnixTime>) -> UnixTime {
    other.map_or(time, |other| time.max(other))
}

/// Cuts times to the 100 ns that NTFS counts in.
fn round(mut metadata: Metadata) -> Metadata {
    let times = [
        &mut metadata.created,
        &mut metadata.accessed,
        &mut metadata.changed,
    ];
    for time in times.into_iter().flatten().chain([&mut metadata.modified]) {
        time.nanos -= time.nanos % 100;
    }
    metadata
}
