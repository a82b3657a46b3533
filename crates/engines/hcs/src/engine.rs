//! The engine: each step of the driver in terms of the Host Compute Service.

use std::fmt;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use transom_driver::{Change, Engine, ErrorKind, Exports, Id};
use transom_ntmeta::backup_stream::{Reader, StreamId};
use transom_ntmeta::name::{eq_folded, split_stream};
use transom_ntmeta::reparse::ReparseBuffer;
use transom_windows::{Folder, Hcs, Node};

use crate::error::{Cause, HcsEngineError};
use crate::intents::Intent;
use crate::work::Work;
use crate::worker::{Pipe, Site, Task, Worker};
use crate::{chain, mounts, removal, transport, waiting, work, worker, workplace};

/// What this engine keeps beside the layers.
const OWN: &str = ".transom";

/// Reparse tags of placeholders for a parent's files (IO_REPARSE_TAG_WCI, WCI_1).
const PLACEHOLDERS: [u32; 2] = [0x8000_0018, 0x9000_1018];

type Result<T> = std::result::Result<T, HcsEngineError>;

/// Layers in the folders of Docker's `windowsfilter` driver, over the Host Compute Service. See [the crate](crate).
///
/// `F` reads and writes the files of layers. One process at a time has a store open.
pub struct HcsEngine<F> {
    home: PathBuf,
    staging: PathBuf,
    intents: PathBuf,
    hcs: Arc<dyn Hcs>,
    worker: Worker,
    /// Held while a layer is made on another, or one is looked at for being built upon.
    structure: Mutex<()>,
    _lock: File,
    files: PhantomData<fn() -> F>,
}

impl<F> fmt::Debug for HcsEngine<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HcsEngine")
            .field("home", &self.home)
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}

impl<F: Folder> HcsEngine<F> {
    /// Opens a store, or makes one, and takes away what dead processes have left in it.
    ///
    /// # Errors
    /// The folder cannot be used, another process has it, or the service refuses.
    pub fn open(home: &Path, hcs: Arc<dyn Hcs>, worker: Worker) -> Result<Self> {
        let opened = || {
            #[cfg(windows)]
            refuse_refs(
                &transom_windows::volume_file_system(home)
                    .map_err(Cause::io("look at the volume of", home))?,
            )?;
            let home = std::path::absolute(home).map_err(Cause::io("find", home))?;
            let own = home.join(OWN);
            let (staging, intents) = (own.join("staging"), own.join("intents"));
            for folder in [&staging, &intents] {
                fs::create_dir_all(folder).map_err(Cause::io("make", folder))?;
            }
            let lock = lock(&own.join("lock"))?;
            let engine = Self {
                home,
                staging,
                intents,
                hcs,
                worker,
                structure: Mutex::new(()),
                _lock: lock,
                files: PhantomData,
            };
            engine.recover()?;
            Ok(engine)
        };
        opened().map_err(|source| failure("open the store", None, source))
    }

    /// Takes away layers that were never whole, and folders of transports that did not end.
    fn recover(&self) -> std::result::Result<(), Cause> {
        let are_gone = workplace::see_out_workers(&self.staging, waiting::LIMIT);
        if !are_gone.map_err(Cause::io("look for workers in", &self.staging))? {
            let what = "a worker process whose starter was killed is still at work in the store: end it, or try again later";
            return Err(Cause::state(ErrorKind::InUse, what));
        }
        work::clear_staging::<F>(&self.staging)?;
        self.abandon_unfinished()?;
        // What cannot be destroyed now is tried again at the next clean-up; it is out of sight.
        let _ = removal::clean_up(self.hcs(), &self.home);
        Ok(())
    }

    /// Takes away layers that were never whole. Nobody may be making one meanwhile.
    fn abandon_unfinished(&self) -> std::result::Result<(), Cause> {
        let intents = Intent::left(&self.intents).map_err(Cause::io("list", &self.intents))?;
        for (id, intent) in intents {
            self.abandon(&id, intent)?;
        }
        Ok(())
    }

    fn abandon(&self, id: &Id, intent: Intent) -> std::result::Result<(), Cause> {
        removal::abandon(self.hcs(), &self.home.join(id.as_str()))?;
        intent.done().map_err(Cause::io("clear", &self.intents))
    }

    fn hcs(&self) -> &dyn Hcs {
        &*self.hcs
    }

    /// Returns a layer's folder.
    fn folder(&self, id: &Id) -> std::result::Result<PathBuf, Cause> {
        let folder = self.home.join(id.as_str());
        match chain::other_id(&folder)? {
            None => Ok(folder),
            Some(other) => {
                let other = Id::new(&other).map_err(|error| {
                    Cause::state(ErrorKind::Corrupt, format!("its layerId is no id: {error}"))
                })?;
                Ok(self.home.join(other.as_str()))
            }
        }
    }

    fn existing(&self, id: &Id) -> std::result::Result<PathBuf, Cause> {
        let folder = self.folder(id)?;
        match folder.is_dir() && Intent::of(&self.intents, id).is_none() {
            true => Ok(folder),
            false => Err(Cause::state(
                ErrorKind::NotFound,
                "there is none of that id",
            )),
        }
    }

    /// Returns the folders of a new layer's parents.
    fn chain_on(&self, parent: Option<&Id>) -> std::result::Result<Vec<PathBuf>, Cause> {
        let Some(parent) = parent else {
            return Ok(Vec::new());
        };
        let folder = self.existing(parent)?;
        let mut chain = chain::read(&self.home, &folder)?;
        // A writable layer under another one ("-init") has no files of its own to show.
        if folder.join("Files").is_dir() {
            chain.insert(0, folder);
        }
        Ok(chain)
    }

    /// Makes a layer by `make`, which gets its folder and its parents' folders.
    fn make(
        &self,
        id: &Id,
        parent: Option<&Id>,
        make: impl FnOnce(&Path, &[PathBuf]) -> std::result::Result<(), Cause>,
    ) -> std::result::Result<(), Cause> {
        let _structure = self
            .structure
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let folder = self.home.join(id.as_str());
        if id.as_str().starts_with('.') {
            let what = "ids that begin with a dot are kept for the store itself";
            return Err(Cause::state(ErrorKind::Invalid, what));
        }
        // One that failed before, and could not be taken away then.
        if let Some(intent) = Intent::of(&self.intents, id) {
            self.abandon(id, intent)?;
        }
        if folder.exists() {
            let what = "there is one of that id already";
            return Err(Cause::state(ErrorKind::Exists, what));
        }
        let parents = self.chain_on(parent)?;
        let intent = Intent::begin(&self.intents, id).map_err(Cause::io("note", &folder))?;
        let made = make(&folder, &parents).and_then(|()| Ok(chain::write(&folder, &parents)?));
        if made.is_err() && removal::abandon(self.hcs(), &folder).is_err() {
            // The intent stays: the layer is not shown, and is taken away by whatever comes next.
            return made;
        }
        intent.done().map_err(Cause::io("clear", &self.intents))?;
        made
    }

    /// Does what needs privileges, where it is to be done.
    fn work(&self, id: &Id, task: Task, pipe: Pipe<'_>) -> std::result::Result<Value, Cause> {
        let layer = self.existing(id)?;
        match &self.worker {
            Worker::InProcess => {
                let work = Work::new(self.hcs(), &self.home, &layer, &self.staging)?;
                worker::perform::<F>(&work, task, pipe)
            }
            Worker::Process { program, arguments } => {
                let site = Site {
                    home: &self.home,
                    layer: &layer,
                    staging: &self.staging,
                };
                worker::delegate(program, arguments, task, site, pipe)
            }
        }
    }

    fn is_built_on(&self, layer: &Path) -> bool {
        let name = chain::base_name(layer);
        for other in chain::layers(&self.home) {
            let other_name = chain::base_name(&other);
            if other_name == name || other_name.ends_with(removal::REMOVING) {
                continue;
            }
            // A layer whose chain is damaged cannot be asked; it must not keep others from going.
            let parents = chain::read(&self.home, &other).unwrap_or_default();
            if parents
                .iter()
                .any(|parent| chain::base_name(parent) == name)
            {
                return true;
            }
        }
        false
    }

    fn open_own_file(
        &self,
        id: &Id,
        name: &str,
    ) -> std::result::Result<Box<dyn Read + Send>, Cause> {
        let folder = self.existing(id)?;
        // Files that nobody may read are opened by this privilege, if this process may have it; reading needs it no more.
        #[cfg(windows)]
        let _privilege =
            transom_windows::Privileges::enable(&[transom_windows::Privilege::Backup]).ok();
        let root = F::open_root(&folder).map_err(Cause::io("open", &folder))?;
        let (file, stream) = split_stream(name.as_bytes());
        let file = String::from_utf8_lossy(file).into_owned();
        let stream = stream.map(|stream| stream.strip_suffix(b":$DATA").unwrap_or(stream).to_vec());
        let file = transport::pristine_copy(&file).map_or(file, str::to_owned);
        let read = || Cause::io("read", folder.join(&file));
        let missing = || Cause::state(ErrorKind::NotFound, format!("it has no file {name:?}"));
        let mut node = match root.open(&file) {
            Err(error) if transport::is_missing(&error) => return Err(missing()),
            node => node.map_err(read())?,
        };
        let mut streams = Reader::new(node.backup(false).map_err(read())?);
        let damaged = |error| read()(std::io::Error::other(error));
        while let Some(header) = streams.next().map_err(damaged)? {
            let is_it = match (&stream, header.id) {
                (None, StreamId::DATA) => true,
                (Some(wanted), StreamId::ALTERNATE_DATA) => {
                    let name = String::from_utf16_lossy(&header.name);
                    let name = name.trim_start_matches(':').trim_end_matches(":$DATA");
                    eq_folded(name.as_bytes(), wanted)
                }
                (_, StreamId::REPARSE_DATA) => {
                    let mut buffer = Vec::new();
                    streams.read_to_end(&mut buffer).map_err(read())?;
                    let tag = ReparseBuffer::parse(&buffer).ok().map(|buffer| buffer.tag);
                    if tag.is_some_and(|tag| PLACEHOLDERS.contains(&tag)) {
                        return Err(missing());
                    }
                    false
                }
                _ => false,
            };
            if is_it {
                // Streams are small, or the main one, which the file gives by itself.
                if stream.is_some() {
                    let mut bytes = Vec::new();
                    streams.read_to_end(&mut bytes).map_err(read())?;
                    return Ok(Box::new(std::io::Cursor::new(bytes)));
                }
                drop(streams);
                return Ok(Box::new(root.open(&file).map_err(read())?));
            }
        }
        Err(missing())
    }
}

/// Refuses what the Host Compute Service does not work on (moby refuses it by the same test).
#[cfg(any(windows, test))]
fn refuse_refs(file_system: &str) -> std::result::Result<(), Cause> {
    match file_system.eq_ignore_ascii_case("refs") {
        true => Err(Cause::state(
            ErrorKind::Unsupported,
            "it is on a ReFS volume, which the Host Compute Service does not work on: move it to an NTFS volume",
        )),
        false => Ok(()),
    }
}

/// Waits until no other process has the store.
fn lock(path: &Path) -> std::result::Result<File, Cause> {
    let file = File::create(path).map_err(Cause::io("open", path))?;
    match waiting::lock(&file, waiting::LIMIT).map_err(Cause::io("lock", path))? {
        true => Ok(file),
        false => Err(Cause::state(
            ErrorKind::InUse,
            "another process has the store open",
        )),
    }
}

fn failure(doing: &'static str, layer: Option<&Id>, source: Cause) -> HcsEngineError {
    HcsEngineError {
        doing,
        layer: layer.map(|id| id.as_str().to_owned()),
        source: Box::new(source),
    }
}

/// Names the step and the layer in an error.
fn step<'a>(doing: &'static str, id: &'a Id) -> impl FnOnce(Cause) -> HcsEngineError + use<'a> {
    move |source| failure(doing, Some(id), source)
}

impl<F: Folder> Engine for HcsEngine<F> {
    type Error = HcsEngineError;

    fn exports(&self) -> Exports {
        Exports::Unprepared
    }

    fn exists(&self, id: &Id) -> Result<bool> {
        let exists = || {
            let folder = self.folder(id)?;
            Ok(Intent::of(&self.intents, id).is_none() && self.hcs.layer_exists(&folder)?)
        };
        exists().map_err(step("look for", id))
    }

    fn create(&self, id: &Id, parent: Option<&Id>) -> Result<()> {
        let parent_id = parent.map_or("", Id::as_str);
        self.make(id, parent, |folder, _| {
            self.hcs.create_layer(folder, parent_id)?;
            work::note_empty(folder).map_err(Cause::io("note in", folder))
        })
        .map_err(step("make", id))
    }

    fn create_writable(&self, id: &Id, parent: Option<&Id>, size: Option<u64>) -> Result<()> {
        self.make(id, parent, |folder, parents| {
            if parents.is_empty() {
                let what = "a writable layer needs a base layer: its disk is a copy of the base's";
                return Err(Cause::state(ErrorKind::Unsupported, what));
            }
            let parents = transport::descriptors(self.hcs(), parents)?;
            self.hcs.create_sandbox_layer(folder, &parents)?;
            match size {
                Some(bytes) => Ok(self.hcs.expand_sandbox_size(folder, bytes)?),
                None => Ok(()),
            }
        })
        .map_err(step("make the writable", id))
    }

    fn activate(&self, id: &Id) -> Result<()> {
        self.existing(id)
            .and_then(|layer| mounts::activate(self.hcs(), &layer))
            .map_err(step("activate", id))
    }

    fn prepare(&self, id: &Id) -> Result<()> {
        let prepare = || {
            let layer = self.existing(id)?;
            let parents = chain::read(&self.home, &layer)?;
            let parents = transport::descriptors(self.hcs(), &parents)?;
            mounts::prepare(self.hcs(), &layer, &parents)
        };
        prepare().map_err(step("prepare", id))
    }

    fn unprepare(&self, id: &Id) -> Result<()> {
        self.existing(id)
            .and_then(|layer| mounts::unprepare(self.hcs(), &layer))
            .map_err(step("unprepare", id))
    }

    fn deactivate(&self, id: &Id) -> Result<()> {
        self.existing(id)
            .and_then(|layer| mounts::deactivate(self.hcs(), &layer))
            .map_err(step("deactivate", id))
    }

    fn mount_path(&self, id: &Id) -> Result<PathBuf> {
        let path = || {
            let layer = self.existing(id)?;
            let path = self.hcs.layer_mount_path(&layer)?;
            Ok(match path.is_empty() {
                true => layer,
                false => path.into(),
            })
        };
        path().map_err(step("find the volume of", id))
    }

    fn destroy(&self, id: &Id) -> Result<()> {
        let destroy = || {
            let _structure = self
                .structure
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let layer = self.folder(id)?;
            if self.is_built_on(&layer) {
                let what = "another layer is built on it: remove that first";
                return Err(Cause::state(ErrorKind::InUse, what));
            }
            if mounts::noted(&layer)?.is_some() {
                mounts::undo(self.hcs(), &layer)?;
            }
            removal::remove(self.hcs(), &layer)
        };
        destroy().map_err(step("remove", id))
    }

    fn import(&self, id: &Id, tar: &mut dyn Read) -> Result<u64> {
        self.work(id, Task::Import, Pipe::In(tar))
            .and_then(|value| value.as_u64().ok_or_else(worker::nonsense))
            .map_err(step("import the tar of", id))
    }

    fn export(&self, id: &Id, out: &mut dyn Write) -> Result<()> {
        self.work(id, Task::Export, Pipe::Out(out))
            .map(drop)
            .map_err(step("export", id))
    }

    fn changes(&self, id: &Id) -> Result<Vec<Change>> {
        self.work(id, Task::Changes, Pipe::None)
            .and_then(|value| worker::changes_from_json(&value).ok_or_else(worker::nonsense))
            .map_err(step("list the changes of", id))
    }

    fn diff_size(&self, id: &Id) -> Result<u64> {
        self.work(id, Task::Size, Pipe::None)
            .and_then(|value| value.as_u64().ok_or_else(worker::nonsense))
            .map_err(step("add up the changes of", id))
    }

    fn open_file(&self, id: &Id, name: &str) -> Result<Box<dyn Read + Send>> {
        self.open_own_file(id, name)
            .map_err(step("read a file of", id))
    }

    fn references(&self) -> Result<Vec<(Id, u64)>> {
        let mut references = Vec::new();
        for layer in chain::layers(&self.home) {
            let Ok(id) = Id::new(&chain::base_name(&layer)) else {
                continue;
            };
            let mut take = || {
                let Some(count) = mounts::noted(&layer)? else {
                    return Ok(());
                };
                // After a restart of the host nothing is mounted, whatever is noted.
                match count > 0 && self.hcs.layer_mount_path(&layer).is_ok() {
                    true => references.push((id.clone(), count)),
                    false => mounts::undo(self.hcs(), &layer)?,
                }
                Ok(())
            };
            take().map_err(step("find the mount of", &id))?;
        }
        Ok(references)
    }

    fn store_references(&self, id: &Id, count: u64) -> Result<()> {
        // A layer without references is deactivated, and with that its note is gone.
        let store = || match count {
            0 => Ok(()),
            count => mounts::note(&self.existing(id)?, count),
        };
        store().map_err(step("note the references of", id))
    }

    fn status(&self) -> Vec<(String, String)> {
        // Docker's driver says this and no more.
        vec![("Windows".to_owned(), String::new())]
    }

    fn metadata(&self, id: &Id) -> Result<Vec<(String, String)>> {
        let folder = self.existing(id).map_err(step("describe", id))?;
        Ok(vec![(
            "dir".to_owned(),
            folder.to_string_lossy().into_owned(),
        )])
    }

    fn path(&self, id: &Id) -> Result<PathBuf> {
        self.existing(id).map_err(step("find", id))
    }

    fn cleanup(&self) -> Result<()> {
        let unfinished = {
            let _structure = self
                .structure
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            self.abandon_unfinished()
        };
        removal::clean_up(self.hcs(), &self.home)
            .and(unfinished)
            .map_err(|source| failure("destroy what is left of removed layers", None, source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_is_refused_and_nothing_else() {
        assert!(refuse_refs("ReFS").is_err());
        assert!(refuse_refs("NTFS").is_ok());
        assert!(refuse_refs("").is_ok());
    }
}
