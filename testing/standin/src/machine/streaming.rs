//! Layers that go in and out entry by entry: ImportLayerBegin, ExportLayerBegin and what follows them.
//!
//! They are made of the transport folders that the other calls take. hcsshim called them until 2018 (importlayer.go,
//! exportlayer.go) where a build of Windows had them. What is known of them is what those clients did: names begin with a
//! backslash, a folder comes before what is in it, an entry without times and attributes is a deletion, and data are the
//! backup stream.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use transom_windows::{BasicInfo, Create, Descriptor, Folder, HResult, Node};

use super::carrier::SUFFIX;
use super::failure::Failure;
use super::layers::Work;
use super::placeholder::{DIRECTORY, REPARSE_POINT, is_real_folder};
use super::{Machine, Result, journal};
use crate::plain::PlainFiles;
use crate::streams::{self, join};

const FILES: &str = "Files";
const HIVES: &str = "Hives";
const TOMBSTONES: &str = "tombstones.txt";

/// A transport folder of its own, which goes when this is dropped.
#[derive(Debug)]
struct Transport {
    machine: Machine,
    layer: PathBuf,
    parents: Vec<Descriptor>,
    folder: PathBuf,
}

impl Transport {
    fn new(machine: &Machine, layer: &Path, parents: &[Descriptor]) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("stream-{}-{count}", std::process::id());
        let folder = machine.state.join(name);
        fs::create_dir(&folder)?;
        Ok(Self {
            machine: machine.clone(),
            layer: layer.to_owned(),
            parents: parents.to_vec(),
            folder,
        })
    }

    fn files(&self) -> io::Result<PlainFiles> {
        PlainFiles::open_root(&self.folder)
    }

    fn call<T>(
        &self,
        call: &'static str,
        told: &str,
        work: impl FnOnce(Work<'_>) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        self.machine.on_layer(call, &self.layer, told, work)
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        // Nobody looks at it again.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A layer that is filled entry by entry.
#[derive(Debug)]
pub struct ImportStream {
    transport: Transport,
    entry: Option<(String, BasicInfo, Vec<u8>)>,
    deleted: Vec<String>,
}

/// A layer that is read entry by entry.
#[derive(Debug)]
pub struct ExportStream {
    transport: Transport,
    left: VecDeque<StreamedEntry>,
    /// What is left of the entry's backup stream.
    data: VecDeque<u8>,
    is_whole: bool,
}

/// An entry of a layer that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamedEntry {
    /// Its name with backslashes, one in front.
    pub name: String,
    /// Times and attributes; `None` says that it is deleted.
    pub info: Option<BasicInfo>,
    /// Bytes of its main stream.
    pub size: u64,
}

impl Machine {
    /// Begins to fill a layer (ImportLayerBegin).
    ///
    /// # Errors
    /// The layer is writable, or the parents are not its own.
    pub fn begin_import(&self, layer: &Path, parents: &[Descriptor]) -> Result<ImportStream> {
        let told = journal::parents(parents);
        let transport = self.on_layer("ImportLayerBegin", layer, &told, |mut work| {
            work.check_import(parents)?;
            Ok(Transport::new(self, layer, parents)?)
        })?;
        Ok(ImportStream {
            transport,
            entry: None,
            deleted: Vec::new(),
        })
    }

    /// Begins to read what a layer changes (ExportLayerBegin).
    ///
    /// # Errors
    /// As for ExportLayer.
    pub fn begin_export(&self, layer: &Path, parents: &[Descriptor]) -> Result<ExportStream> {
        let told = journal::parents(parents);
        self.on_layer("ExportLayerBegin", layer, &told, |work| {
            let transport = Transport::new(self, layer, parents)?;
            work.export(&transport.folder, parents)?;
            Ok(ExportStream {
                left: list(&transport)?,
                transport,
                data: VecDeque::new(),
                is_whole: false,
            })
        })
    }
}

impl ImportStream {
    /// Goes to the next entry; one without `info` is deleted (ImportLayerNext).
    ///
    /// # Errors
    /// The name is wrong, or the entry before is not whole.
    pub fn next_entry(&mut self, name: &str, info: Option<&BasicInfo>) -> Result<()> {
        let what = if info.is_some() { "" } else { " deleted" };
        let before = self.entry.take();
        let transport = &self.transport;
        transport.call("ImportLayerNext", &format!("name={name}{what}"), |_| {
            put(&transport.files()?, before)?;
            check_name(name)
        })?;
        let name = name.trim_start_matches('\\').replace('\\', "/");
        match info {
            Some(info) => self.entry = Some((name, *info, Vec::new())),
            None => self.deleted.push(name),
        }
        Ok(())
    }

    /// Takes more of the entry's backup stream (ImportLayerWrite). It is not logged: who writes in which pieces is his
    /// own affair.
    ///
    /// # Errors
    /// There is no entry.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.entry {
            Some((_, _, streams)) => {
                streams.extend_from_slice(bytes);
                Ok(())
            }
            None => self.transport.call("ImportLayerWrite", "", |_| {
                Err(Failure::wrong("there is no entry to write to"))
            }),
        }
    }

    /// Fills the layer (ImportLayerEnd).
    ///
    /// # Errors
    /// The entries make no layer.
    pub fn end(mut self) -> Result<()> {
        let before = self.entry.take();
        let transport = &self.transport;
        transport.call("ImportLayerEnd", "", |work| {
            put(&transport.files()?, before)?;
            work.import(&transport.folder, &transport.parents)?;
            delete(&PlainFiles::open_root(&transport.layer)?, &self.deleted)
        })
    }
}

impl ExportStream {
    /// Goes to the next entry (ExportLayerNext).
    ///
    /// # Errors
    /// ERROR_NO_MORE_FILES after the last.
    pub fn next_entry(&mut self) -> Result<StreamedEntry> {
        let transport = &self.transport;
        let (told, data) = transport.call("ExportLayerNext", "", |_| {
            let Some(told) = self.left.pop_front() else {
                self.is_whole = true;
                return Err(HResult::NO_MORE_FILES.into());
            };
            let data = match told.info {
                Some(_) => data(&transport.files()?, &told.name)?,
                None => Vec::new(),
            };
            Ok((told, data))
        })?;
        self.data = data.into();
        Ok(told)
    }

    /// Gives more of the entry's backup stream; nothing at its end (ExportLayerRead).
    ///
    /// # Errors
    /// None that is known.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.data.read(buffer)
    }

    /// Ends reading (ExportLayerEnd).
    ///
    /// # Errors
    /// Not everything was read.
    pub fn end(self) -> Result<()> {
        let is_whole = self.is_whole;
        self.transport
            .call("ExportLayerEnd", "", |_| match is_whole {
                true => Ok(()),
                false => Err(super::failure::INVALID_STATE.into()),
            })
    }
}

fn check_name(name: &str) -> std::result::Result<(), Failure> {
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
fn put(
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
fn list(transport: &Transport) -> io::Result<VecDeque<StreamedEntry>> {
    let files = transport.files()?;
    let mut told = VecDeque::new();
    let mut folders = vec![HIVES.to_owned(), FILES.to_owned()];
    while let Some(folder) = folders.pop() {
        told.push_back(describe(&files, &folder)?);
        let mut listed = files.list(&folder)?;
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        for found in listed.iter().filter(|found| !found.name.ends_with(SUFFIX)) {
            let name = join(&folder, &found.name);
            match is_real_folder(found.attributes) {
                true => folders.push(name),
                false => told.push_back(describe(&files, &name)?),
            }
        }
    }
    told.extend(deletions(&files)?.into_iter().map(|name| StreamedEntry {
        name: backslashed(&name),
        info: None,
        size: 0,
    }));
    Ok(told)
}

/// Returns what an export tells as deleted, with the folder `Files` in front.
pub(super) fn deletions(transport: &PlainFiles) -> io::Result<Vec<String>> {
    let mut text = String::new();
    transport.open(TOMBSTONES)?.read_to_string(&mut text)?;
    let names = text.lines().skip(1);
    Ok(names
        .map(|line| format!("{FILES}{}", line.replace('\\', "/")))
        .collect())
}

/// Takes from a layer what stands in it for its parents' files.
pub(super) fn delete(layer: &PlainFiles, names: &[String]) -> std::result::Result<(), Failure> {
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
    let content = streams::find(&streams, transom_ntmeta::backup_stream::StreamId::DATA);
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
fn data(files: &PlainFiles, told_as: &str) -> io::Result<Vec<u8>> {
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
