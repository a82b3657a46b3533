//! Carriers: what stands for a file or folder in a transport folder.
//!
//! The content of one is FileAttributes as 32 bits and then the backup stream; its times are the entry's.

use std::io::{Read, Write};

use transom_ntmeta::backup_stream::{Reader, StreamId};
use transom_ntmeta::reparse::ReparseBuffer;
use transom_windows::{BasicInfo, Create, Folder, Identity, Node};

use super::failure::Failure;
use super::placeholder::{DIRECTORY, REPARSE_POINT};
use crate::plain::PlainFiles;
use crate::streams;

/// What is added to a folder's name to name its carrier.
pub(super) const SUFFIX: &str = ".$wcidirs$";

/// Attributes that a carrier itself may have: none, ARCHIVE, NORMAL.
const OWN_ATTRIBUTES: [u32; 3] = [0, 0x20, 0x80];

/// A carrier that is valid.
#[derive(Debug)]
pub(super) struct Carrier {
    /// The entry's times and attributes.
    pub(super) info: BasicInfo,
    /// The carrier itself.
    pub(super) identity: Identity,
    streams: Vec<u8>,
    pub(super) is_link: bool,
}

impl Carrier {
    /// Reads and checks one; `is_folder` says whether it is to be a folder's.
    pub(super) fn read(
        transport: &PlainFiles,
        name: &str,
        is_folder: bool,
    ) -> Result<Self, Failure> {
        let wrong = |what: &str| Failure::wrong(format!("the carrier {name:?} {what}"));
        let mut node = transport.open(name)?;
        let (own, identity) = (node.basic_info()?, node.identity()?);
        if !OWN_ATTRIBUTES.contains(&own.attributes) {
            return Err(wrong("has attributes itself"));
        }
        let times = [own.creation, own.last_access, own.last_write, own.change];
        if times.iter().any(|time| time.0 == 0) {
            return Err(wrong("has no times"));
        }
        let mut content = Vec::new();
        node.read_to_end(&mut content)?;
        let Some((attributes, streams)) = content.split_first_chunk() else {
            return Err(wrong("has no attributes in it"));
        };
        let attributes = u32::from_le_bytes(*attributes);
        if (attributes & DIRECTORY != 0) != is_folder {
            return Err(wrong("says the other of file and folder than it is"));
        }
        let is_link = check(streams).map_err(|what| wrong(&what))?;
        if attributes & REPARSE_POINT != 0 && !is_link && !is_folder {
            return Err(wrong("says it is a reparse point and has no data of one"));
        }
        Ok(Self {
            info: BasicInfo { attributes, ..own },
            identity,
            streams: streams.to_vec(),
            is_link,
        })
    }

    /// Makes a new node what this stands for.
    pub(super) fn fill(&self, node: impl Node) -> std::io::Result<()> {
        streams::fill(node, &self.info, &self.streams)
    }
}

/// Checks a backup stream, and says whether it is a reparse point's.
fn check(streams: &[u8]) -> Result<bool, String> {
    let mut seen = Vec::new();
    let mut reader = Reader::new(streams);
    while let Some(header) = reader.next().map_err(|error| error.to_string())? {
        let id = header.id;
        let shown = id.name().ok_or_else(|| format!("has a stream {id:?}"))?;
        let is_once = id != StreamId::ALTERNATE_DATA && id != StreamId::SPARSE_BLOCK;
        if is_once && seen.contains(&id) {
            return Err(format!("has {shown} twice"));
        }
        seen.push(id);
        let mut bytes = Vec::new();
        reader
            .read_to_end(&mut bytes)
            .map_err(|error| error.to_string())?;
        if id == StreamId::REPARSE_DATA {
            ReparseBuffer::parse(&bytes).map_err(|error| error.to_string())?;
        }
    }
    Ok(seen.contains(&StreamId::REPARSE_DATA))
}

/// Writes one for what `source` has.
pub(super) fn write(
    transport: &PlainFiles,
    carrier: &str,
    source: &PlainFiles,
    name: &str,
) -> std::io::Result<()> {
    let info = source.open(name)?.basic_info()?;
    let mut node = transport.create_file(carrier, Create::New)?;
    node.set_basic_info(&BasicInfo {
        attributes: 0,
        ..info
    })?;
    let mut content = info.attributes.to_le_bytes().to_vec();
    content.extend(streams::bytes(source, name)?);
    node.write_all(&content)
}
