//! Reads objects from a mount.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::attributes::{self, ATTRIBUTES, EAS, REPARSE, SECURITY, STREAMS, TIMES};
use crate::ea;
use crate::fill::stream;
use crate::object::Object;

/// FILE_ATTRIBUTE_DIRECTORY.
const DIRECTORY: u32 = 0x10;
/// Namespace of attributes that stand for alternate streams.
const STREAM_PREFIX: &str = "user.";

/// How a mount tells which alternate streams a file has. Their bytes are read from `file:stream`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamNames {
    /// In the attribute `ntfs.streams.list`, as ntfs-3g with `streams_interface=windows`.
    StreamsList,
    /// By an attribute `user.STREAM` for each.
    UserAttributes,
}

/// Reads all objects below `root`, sorted by path.
///
/// # Errors
/// If something cannot be read, has an attribute of the wrong size, or a name that is not UTF-8.
pub fn read(root: &Path, streams: StreamNames) -> Result<Vec<Object>> {
    let mut objects = BTreeMap::new();
    let mut numbers: BTreeMap<u64, String> = BTreeMap::new();
    let mut folders = vec![String::new()];
    let mut paths = Vec::new();
    while let Some(folder) = folders.pop() {
        let list = root.join(&folder);
        let entries = fs::read_dir(&list);
        for entry in entries.with_context(|| format!("cannot list {}", list.display()))? {
            let name = entry?.file_name().into_string();
            let name = name.map_err(|name| anyhow::anyhow!("the name {name:?} is not UTF-8"))?;
            let path = match folder.as_str() {
                "" => name,
                folder => format!("{folder}/{name}"),
            };
            let found = fs::symlink_metadata(root.join(&path));
            let found = found.with_context(|| format!("cannot stat {path}"))?;
            if found.is_dir() {
                folders.push(path.clone());
            }
            paths.push((path, found));
        }
    }
    paths.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (path, found) in paths {
        let first = numbers.entry(found.ino()).or_insert_with(|| path.clone());
        if *first == path {
            let object = read_object(&root.join(&path), &found, streams)?;
            objects.insert(path.clone(), object);
        }
        if let Some(object) = objects.get_mut(first.as_str()) {
            object.paths.push(path);
        }
    }
    Ok(objects.into_values().collect())
}

/// Reads all but the names.
fn read_object(path: &Path, found: &fs::Metadata, streams: StreamNames) -> Result<Object> {
    let attributes = match attributes::get(path, ATTRIBUTES)? {
        Some(bits) => Some(u32::from_le_bytes(*chunk(&bits)?)),
        None => None,
    };
    let times = attributes::get(path, TIMES)?.context("a file without times")?;
    ensure!(times.len() == 32, "times in {} bytes", times.len());
    let time = |index: usize| chunk(&times[index * 8..][..8]).map(|time| i64::from_le_bytes(*time));
    let eas = attributes::get(path, EAS)?.unwrap_or_default();
    let mut object = Object {
        paths: Vec::new(),
        is_folder: attributes.map_or(found.is_dir(), |bits| bits & DIRECTORY != 0),
        attributes,
        times: [time(0)?, time(1)?, time(2)?, time(3)?],
        security: attributes::get(path, SECURITY)?,
        eas: ea::from_list(&eas)?,
        reparse: attributes::get(path, REPARSE)?,
        data: Vec::new(),
        streams: BTreeMap::new(),
    };
    if found.is_file() {
        object.data = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    }
    for name in stream_names(path, streams)? {
        let stream = stream(path, &name);
        let bytes = fs::read(&stream);
        let bytes = bytes.with_context(|| format!("cannot read {}", stream.display()))?;
        object.streams.insert(name, bytes);
    }
    Ok(object)
}

fn stream_names(path: &Path, streams: StreamNames) -> Result<Vec<String>> {
    match streams {
        StreamNames::StreamsList => {
            let list = attributes::get(path, STREAMS)?;
            attributes::split(&list.unwrap_or_default())
        }
        StreamNames::UserAttributes => {
            let names = attributes::list(path)?.into_iter();
            let streams =
                names.filter_map(|name| name.strip_prefix(STREAM_PREFIX).map(str::to_owned));
            Ok(streams.collect())
        }
    }
}

fn chunk<const N: usize>(bytes: &[u8]) -> Result<&[u8; N]> {
    let found = bytes.len();
    let chunk = bytes.try_into();
    chunk.with_context(|| format!("an attribute of {found} bytes, not {N}"))
}
