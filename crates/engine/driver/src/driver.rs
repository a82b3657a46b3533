//! The methods of the seed's driver (moby daemon/graphdriver/windows), without its bugs.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::Cause;
use crate::layer::Layer;
use crate::turns::{Mount, Turns};
use crate::{Change, Diff, DriverError, Engine, Failure, Id, Operation, Step, size};

/// Layers of one engine: made, mounted, compared, filled and removed.
///
/// All methods may be called from any thread at any time. Those that change or read a layer's content wait for each
/// other if it is the same layer, and run in parallel if not.
#[derive(Debug)]
pub struct Driver<E: Engine> {
    engine: Arc<E>,
    turns: Arc<Turns>,
}

impl<E: Engine> Driver<E> {
    /// Takes an engine over, with the references that layers had when the process before ended.
    ///
    /// # Errors
    /// The engine cannot tell what is mounted.
    pub fn open(engine: E) -> Result<Self, DriverError> {
        let references = engine.references().map_err(|error| {
            let failure = Failure::new(Step::References, error);
            DriverError::new(Operation::Open, None, Cause::Step(failure))
        })?;
        let mounts = references.into_iter().map(|(id, count)| {
            let mount = Mount {
                count,
                path: None,
                active: true,
                prepared: true,
                recorded: true,
            };
            (id, mount)
        });
        Ok(Self {
            turns: Arc::new(Turns::with_mounts(mounts)),
            engine: Arc::new(engine),
        })
    }

    /// Waits for the layer's turn.
    fn layer(&self, operation: Operation, id: &Id) -> Layer<E> {
        Layer::new(Arc::clone(&self.engine), operation, self.turns.take(id))
    }

    /// Asks the engine something that needs no turn.
    fn ask<T>(
        &self,
        operation: Operation,
        id: Option<&Id>,
        step: Step,
        result: Result<T, E::Error>,
    ) -> Result<T, DriverError> {
        result.map_err(|error| {
            DriverError::new(operation, id, Cause::Step(Failure::new(step, error)))
        })
    }

    /// Makes a read-only layer, empty until [`apply_diff`](Self::apply_diff).
    ///
    /// # Errors
    /// There is one of that id, its parent is missing, or the engine fails. Nothing is left of it.
    pub fn create(&self, id: &Id, parent: Option<&Id>) -> Result<(), DriverError> {
        let layer = self.layer(Operation::Create, id);
        layer.check_parent(parent)?;
        layer
            .call(Step::Create, |engine, id| engine.create(id, parent))
            .map_err(|failure| layer.error(Cause::Step(failure), Vec::new()))
    }

    /// Makes a writable layer. Of the storage options only `size` counts: see [`size`].
    ///
    /// # Errors
    /// An option cannot be read, there is a layer of that id, its parent is missing, or the engine fails, as when the
    /// size cannot be had. Nothing is left of it.
    pub fn create_writable<K: AsRef<str>, V: AsRef<str>>(
        &self,
        id: &Id,
        parent: Option<&Id>,
        options: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), DriverError> {
        let operation = Operation::CreateWritable;
        let size = size::from_options(options)
            .map_err(|error| DriverError::new(operation, Some(id), Cause::Options(error)))?;
        let layer = self.layer(operation, id);
        layer.check_parent(parent)?;
        layer
            .call(Step::CreateWritable, |engine, id| {
                engine.create_writable(id, parent, size)
            })
            .map_err(|failure| layer.error(Cause::Step(failure), Vec::new()))
    }

    /// Removes a layer. One that is not there is no error.
    ///
    /// The seed removed mounted layers too and relied on Docker not to ask; here that is refused.
    ///
    /// # Errors
    /// [`ErrorKind::InUse`](crate::ErrorKind::InUse) if it is mounted or another layer is built on it; or the
    /// engine fails. The layer is still there.
    pub fn remove(&self, id: &Id) -> Result<(), DriverError> {
        let mut layer = self.layer(Operation::Remove, id);
        layer.check_unmounted()?;
        layer.settle()?;
        layer
            .call(Step::Destroy, E::destroy)
            .map_err(|failure| layer.error(Cause::Step(failure), Vec::new()))
    }

    /// Says whether there is such a layer. The seed made `false` of every error; here the front decides.
    ///
    /// # Errors
    /// The engine cannot tell.
    pub fn exists(&self, id: &Id) -> Result<bool, DriverError> {
        self.ask(
            Operation::Exists,
            Some(id),
            Step::Exists,
            self.engine.exists(id),
        )
    }

    /// Mounts a layer, or adds a reference to its mount, and returns where its `C:\` is.
    ///
    /// # Errors
    /// The engine fails. What was begun is undone; a step that could not be undone is in the error, and the next
    /// call of `get`, `put` or `remove` tries it again first.
    pub fn get(&self, id: &Id) -> Result<PathBuf, DriverError> {
        self.layer(Operation::Get, id).add_reference()
    }

    /// Gives a reference back, and unmounts after the last. For a layer that is not mounted it does nothing.
    ///
    /// # Errors
    /// The first step that failed. If it was the last reference all steps were tried; a second `put` tries those
    /// that failed. Otherwise the reference is still held.
    pub fn put(&self, id: &Id) -> Result<(), DriverError> {
        self.layer(Operation::Put, id).drop_reference()
    }

    /// Gives all references back, whoever holds them, and unmounts. A front calls this when whoever could hold one is
    /// gone, or says that nobody does.
    ///
    /// # Errors
    /// As for the last [`put`](Self::put).
    pub fn put_all(&self, id: &Id) -> Result<(), DriverError> {
        self.layer(Operation::Put, id).drop_references()
    }

    /// Deletes what dead processes and interrupted removals have left.
    ///
    /// # Errors
    /// Something could not be deleted.
    pub fn cleanup(&self) -> Result<(), DriverError> {
        self.ask(
            Operation::Cleanup,
            None,
            Step::Cleanup,
            self.engine.cleanup(),
        )
    }

    /// Exports the layer's differences from its parent as a tar, while it is read.
    ///
    /// Docker names a parent here; the seed ignored it, as only the immediate one makes sense, so there is none.
    ///
    /// # Errors
    /// The layer cannot be brought into a state to be read. Later errors come from the reader.
    pub fn diff(&self, id: &Id) -> Result<Diff, DriverError> {
        Diff::start(self.layer(Operation::Diff, id), id)
    }

    /// Lists the layer's differences from its parent, paths as in the tar.
    ///
    /// # Errors
    /// The engine fails; the layer is back in its state, unless the error says that this failed too.
    pub fn changes(&self, id: &Id) -> Result<Vec<Change>, DriverError> {
        let layer = self.layer(Operation::Changes, id).into_readable()?;
        let changes = layer.call(Step::Changes, E::changes);
        layer.close(changes)
    }

    /// Returns what [`apply_diff`](Self::apply_diff) would return for the layer's [`diff`](Self::diff), in bytes.
    ///
    /// # Errors
    /// As for [`changes`](Self::changes).
    pub fn diff_size(&self, id: &Id) -> Result<u64, DriverError> {
        let layer = self.layer(Operation::DiffSize, id).into_readable()?;
        let bytes = layer.call(Step::DiffSize, E::diff_size);
        layer.close(bytes)
    }

    /// Fills a read-only layer from an uncompressed tar, and returns the bytes of main file data.
    ///
    /// The stream is read to its end, beyond the tar's: Docker hashes all that is read from it.
    /// The engine knows the layer's parent; the one given here must exist, and no more.
    ///
    /// # Errors
    /// The parent is missing, the tar is refused, or the stream fails: the layer is to be removed then.
    pub fn apply_diff(
        &self,
        id: &Id,
        parent: Option<&Id>,
        tar: &mut dyn Read,
    ) -> Result<u64, DriverError> {
        let layer = self.layer(Operation::ApplyDiff, id);
        layer.check_parent(parent)?;
        let bytes = layer
            .call(Step::Import, |engine, id| engine.import(id, tar))
            .map_err(|failure| layer.error(Cause::Step(failure), Vec::new()))?;
        io::copy(tar, &mut io::sink())
            .map_err(|error| layer.error(Cause::Rest(error), Vec::new()))?;
        Ok(bytes)
    }

    /// Returns facts about a layer, as keys and values.
    ///
    /// # Errors
    /// The layer is not there, or the engine fails.
    pub fn metadata(&self, id: &Id) -> Result<Vec<(String, String)>, DriverError> {
        self.ask(
            Operation::Metadata,
            Some(id),
            Step::Metadata,
            self.engine.metadata(id),
        )
    }

    /// Returns the folder in which the layer is kept.
    ///
    /// # Errors
    /// The layer is not there, or the engine fails.
    pub fn layer_path(&self, id: &Id) -> Result<PathBuf, DriverError> {
        self.ask(
            Operation::LayerPath,
            Some(id),
            Step::Path,
            self.engine.path(id),
        )
    }

    /// Returns facts about the engine, as keys and values.
    pub fn status(&self) -> Vec<(String, String)> {
        self.engine.status()
    }

    /// Returns what opens a layer's own files by their names in its tar, for putting the tar together again.
    pub fn diff_getter(&self, id: &Id) -> DiffGetter<E> {
        DiffGetter {
            engine: Arc::clone(&self.engine),
            id: id.clone(),
        }
    }
}

/// Opens files of one layer by their names in its tar.
#[derive(Debug)]
pub struct DiffGetter<E: Engine> {
    engine: Arc<E>,
    id: Id,
}

impl<E: Engine> DiffGetter<E> {
    /// Opens a file (`Files/a.txt`) or stream (`Files/a.txt:stream`) with the content that was imported.
    ///
    /// # Errors
    /// The layer does not have it, or the engine fails.
    pub fn get(&self, name: &str) -> Result<Box<dyn Read + Send>, DriverError> {
        self.engine.open_file(&self.id, name).map_err(|error| {
            let failure = Failure::new(Step::OpenFile, error);
            DriverError::new(Operation::DiffGetter, Some(&self.id), Cause::Step(failure))
        })
    }
}
