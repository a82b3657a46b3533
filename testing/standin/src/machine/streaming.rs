//! Layers that go in and out entry by entry: ImportLayerBegin, ExportLayerBegin and what follows them.
//!
//! They are made of the transport folders that the other calls take. hcsshim called them until 2018 (importlayer.go,
//! exportlayer.go) where a build of Windows had them. What is known of them is what those clients did: names begin with a
//! backslash, a folder comes before what is in it, an entry without times and attributes is a deletion, and data are the
//! backup stream.

mod entries;

pub(super) use entries::{delete, deletions};

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use transom_windows::{BasicInfo, Descriptor, Folder, HResult};

use super::failure::Failure;
use super::layers::Work;
use super::{Machine, Result, journal};
use crate::plain::PlainFiles;
use entries::{check_name, data, list, put};

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
                left: list(&transport.files()?)?,
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
