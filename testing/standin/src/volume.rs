//! What a program in a container does to a mounted layer.

use std::io::{self, Read};
use std::path::Path;

use transom_driver::conformance::{Contents, Volume};
use transom_ntmeta::backup_stream::{StreamHeader, StreamId};
use transom_ntmeta::inherit::{Creator, inherit};
use transom_ntmeta::name::eq_folded;
use transom_ntmeta::security::SecurityDescriptor;
use transom_windows::{BasicInfo, Create, Folder, Node};

use crate::plain::{PlainFiles, Record};
use crate::streams::{self, Stream, join};

const ARCHIVE: u32 = 0x20;
const DIRECTORY: u32 = 0x10;
const REPARSE_POINT: u32 = 0x400;

/// What Windows keeps in the root of a writable volume (continuity fs/fstest).
const PLATFORM_FOLDERS: [&str; 2] = ["System Volume Information", "WcSandboxState"];

/// Mounts of a [`Machine`](crate::Machine). New files inherit security as Windows lets them.
#[derive(Debug, Clone, Copy)]
pub struct PlainVolume;

impl Volume for PlainVolume {
    fn write(&self, root: &Path, name: &str, data: &[u8]) -> io::Result<()> {
        let files = PlainFiles::open_root(root)?;
        let (folder, _) = name.rsplit_once('/').unwrap_or(("", name));
        make_folders(&files, folder)?;
        match files.attributes(name) {
            Ok(attributes) if attributes & (DIRECTORY | REPARSE_POINT) != 0 => {
                Err(io::Error::other(format!("{name:?} is no plain file")))
            }
            Ok(_) => {
                streams::edit_data(&files, name, |_| data.to_vec())?;
                files.open(name)?.set_basic_info(&BasicInfo {
                    last_write: Record::new_now(0).0.last_write,
                    ..BasicInfo::default()
                })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut content = inherited(&files, folder, false)?;
                let header = StreamHeader::new(StreamId::DATA, data.len() as u64);
                content.push((header, data.to_vec()));
                let node = files.create_file(name, Create::New)?;
                fill_new(node, ARCHIVE, &content)
            }
            Err(error) => Err(error),
        }
    }

    fn remove(&self, root: &Path, name: &str) -> io::Result<()> {
        remove_tree(&PlainFiles::open_root(root)?, name)
    }

    fn read_all(&self, root: &Path) -> io::Result<Contents> {
        let files = PlainFiles::open_root(root)?;
        let mut contents = Contents::new();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            for listed in files.list(&folder)? {
                let name = join(&folder, &listed.name);
                let is_name = |own: &str| eq_folded(own.as_bytes(), name.as_bytes());
                if PLATFORM_FOLDERS.iter().any(|own| is_name(own)) {
                    continue;
                }
                let content = match listed.attributes & (DIRECTORY | REPARSE_POINT) {
                    DIRECTORY => {
                        folders.push(name.clone());
                        None
                    }
                    kind if kind & DIRECTORY != 0 => None,
                    _ => {
                        let mut bytes = Vec::new();
                        files.open(&name)?.read_to_end(&mut bytes)?;
                        Some(bytes)
                    }
                };
                contents.insert(name, content);
            }
        }
        Ok(contents)
    }
}

/// Makes a folder and those it lies in, if they are missing.
fn make_folders(files: &PlainFiles, name: &str) -> io::Result<()> {
    if name.is_empty() || files.attributes(name).is_ok() {
        return Ok(());
    }
    let (parent, _) = name.rsplit_once('/').unwrap_or(("", name));
    make_folders(files, parent)?;
    let content = inherited(files, parent, true)?;
    fill_new(files.create_folder(name)?, DIRECTORY, &content)
}

fn fill_new(node: impl Node, attributes: u32, content: &[Stream]) -> io::Result<()> {
    let info = BasicInfo {
        attributes,
        ..BasicInfo::default()
    };
    streams::fill(node, &info, &streams::print(content)?)
}

/// Returns the security that something new in a folder has: none if the folder has none.
fn inherited(files: &PlainFiles, folder: &str, is_folder: bool) -> io::Result<Vec<Stream>> {
    let above = streams::parse(&streams::bytes(files, folder)?)?;
    let Some(security) = streams::find(&above, StreamId::SECURITY_DATA) else {
        return Ok(Vec::new());
    };
    let parent = SecurityDescriptor::parse(security).map_err(io::Error::other)?;
    let creator = Creator::container_administrator();
    let own = inherit(Some(&parent), is_folder, &creator).map_err(io::Error::other)?;
    let header = StreamHeader::new(StreamId::SECURITY_DATA, own.len() as u64);
    Ok(vec![(header, own)])
}

fn remove_tree(files: &PlainFiles, name: &str) -> io::Result<()> {
    if files.attributes(name)? & (DIRECTORY | REPARSE_POINT) == DIRECTORY {
        for listed in files.list(name)? {
            remove_tree(files, &join(name, &listed.name))?;
        }
    }
    files.remove(name)
}
