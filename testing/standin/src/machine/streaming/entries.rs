//! Entries of streams as transport folders have them.

use std::collections::VecDeque;
use std::io::{self, Read, Write};

use transom_ntmeta::backup_stream::StreamId;
use transom_windows::{BasicInfo, Create, Folder, Node};

use super::StreamedEntry;
use crate::machine::carrier::SUFFIX;
use crate::machine::failure::Failure;
use crate::machine::placeholder::{DIRECTORY, REPARSE_POINT, is_real_folder};
use crate::plain::PlainFiles;
use crate::streams::{self, join};

const FILES: &str = "Files";
const HIVES: &str = "Hives";
const TOMBSTONES: &str = "tombstones.txt";

pub(super) fn check_name(name: &str) -> std::result::Result<(), Failure> {
    let parts = name.strip_prefix('\\').unwrap_or_default().split('\\');
    let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['/', ':']);
    let mut parts = parts.peekable();
    let is_rooted = matches!(parts.peek(), Some(&(FILES | HIVES)));
    match is_rooted && parts.all(is_plain) {
        true => Ok(()),
        false => Err(Failure::wrong(format!(
            "{name:?} is no name below \\Files or \\Hives"
        ))),
    }
}

/// Says whether a name in a transport folder has a carrier: what is in `Hives` is plain.
fn has_carrier(name: &str) -> bool {
    !name.starts_with("Hives/")
}

/// Writes an entry into the transport folder.
pub(super) fn put(
    files: &PlainFiles,
    entry: Option<(String, BasicInfo, Vec<u8>)>,
) -> std::result::Result<(), Failure> {
    let Some((name, info, bytes)) = entry else {
        return Ok(());
    };
    if let Some((folder, _)) = name.rsplit_once('/')
        && files.attributes(folder).is_err()
    {
        return Err(Failure::wrong(format!("{name:?} comes before its folder")));
    }
    if !has_carrier(&name) {
        return Ok(streams::fill(
            files.create_file(&name, Create::New)?,
            &info,
            &bytes,
        )?);
    }
    let carrier = match info.attributes & DIRECTORY {
        0 => name,
        _ => {
            drop(files.create_folder(&name)?);
            format!("{name}{SUFFIX}")
        }
    };
    let mut node = files.create_file(&carrier, Create::New)?;
    node.set_basic_info(&BasicInfo {
        attributes: 0x20,
        ..info
    })?;
    node.write_all(&info.attributes.to_le_bytes())?;
    Ok(node.write_all(&bytes)?)
}

/// Lists what a transport folder tells: folders before what is in them, deletions last.
pub(super) fn list(files: &PlainFiles) -> io::Result<VecDeque<StreamedEntry>> {
    let mut told = VecDeque::new();
    let mut folders = vec![HIVES.to_owned(), FILES.to_owned()];
    while let Some(folder) = folders.pop() {
        told.push_back(describe(files, &folder)?);
        let mut listed = files.list(&folder)?;
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        for found in listed.iter().filter(|found| !found.name.ends_with(SUFFIX)) {
            let name = join(&folder, &found.name);
            match is_real_folder(found.attributes) {
                true => folders.push(name),
                false => told.push_back(describe(files, &name)?),
            }
        }
    }
    told.extend(deletions(files)?.into_iter().map(|name| StreamedEntry {
        name: backslashed(&name),
        info: None,
        size: 0,
    }));
    Ok(told)
}

/// Returns what an export tells as deleted, with the folder `Files` in front.
pub(in crate::machine) fn deletions(transport: &PlainFiles) -> io::Result<Vec<String>> {
    let mut text = String::new();
    transport.open(TOMBSTONES)?.read_to_string(&mut text)?;
    let names = text.lines().skip(1);
    Ok(names
        .map(|line| format!("{FILES}{}", line.replace('\\', "/")))
        .collect())
}

/// Takes from a layer what stands in it for its parents' files.
pub(in crate::machine) fn delete(
    layer: &PlainFiles,
    names: &[String],
) -> std::result::Result<(), Failure> {
    for name in names {
        let Ok(attributes) = layer.attributes(name) else {
            return Err(Failure::wrong(format!("no parent has {name:?} to delete")));
        };
        remove(layer, name, attributes)?;
    }
    Ok(())
}

fn backslashed(name: &str) -> String {
    format!("\\{}", name.replace('/', "\\"))
}

fn describe(files: &PlainFiles, name: &str) -> io::Result<StreamedEntry> {
    let told_as = backslashed(name);
    let carrier = carrier(files, name)?;
    let mut node = files.open(&carrier)?;
    let mut info = node.basic_info()?;
    if has_carrier(name) {
        let mut attributes = [0; 4];
        node.read_exact(&mut attributes)?;
        info.attributes = u32::from_le_bytes(attributes);
    }
    let streams = streams::parse(&data(files, &told_as)?)?;
    let content = streams::find(&streams, StreamId::DATA);
    Ok(StreamedEntry {
        name: told_as,
        info: Some(info),
        size: content.map_or(0, <[u8]>::len) as u64,
    })
}

/// Returns the name of what describes an entry.
fn carrier(files: &PlainFiles, name: &str) -> io::Result<String> {
    let is_folder = is_real_folder(files.attributes(name)?);
    Ok(format!("{name}{}", if is_folder { SUFFIX } else { "" }))
}

/// Returns the backup stream of an entry.
pub(super) fn data(files: &PlainFiles, told_as: &str) -> io::Result<Vec<u8>> {
    let name = told_as.trim_start_matches('\\').replace('\\', "/");
    if !has_carrier(&name) {
        return streams::bytes(files, &name);
    }
    let mut content = Vec::new();
    files
        .open(&carrier(files, &name)?)?
        .read_to_end(&mut content)?;
    content.drain(..4.min(content.len()));
    Ok(content)
}

fn remove(files: &PlainFiles, name: &str, attributes: u32) -> io::Result<()> {
    if attributes & REPARSE_POINT == 0 && attributes & DIRECTORY != 0 {
        for found in files.list(name)? {
            remove(files, &join(name, &found.name), found.attributes)?;
        }
    }
    files.remove(name)
}
