//! One layer while an operation has its turn: the steps, and how they are undone.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::Cause;
use crate::turns::Turn;
use crate::{DriverError, Engine, ErrorKind, Exports, Failure, Id, Operation, Step};

/// A layer and the turn to work on it. What is done or undone is noted step by step, so that the next operation
/// knows where this one stopped, even if it panicked.
#[derive(Debug)]
pub(crate) struct Layer<E: Engine> {
    engine: Arc<E>,
    operation: Operation,
    turn: Turn,
}

impl<E: Engine> Layer<E> {
    pub(crate) fn new(engine: Arc<E>, operation: Operation, turn: Turn) -> Self {
        Self {
            engine,
            operation,
            turn,
        }
    }

    /// Does one step of the engine.
    pub(crate) fn call<T>(
        &self,
        step: Step,
        call: impl FnOnce(&E, &Id) -> Result<T, E::Error>,
    ) -> Result<T, Failure> {
        call(&self.engine, &self.turn.id).map_err(|error| Failure::new(step, error))
    }

    /// Makes the operation's error.
    pub(crate) fn error(&self, cause: Cause, also: Vec<Failure>) -> DriverError {
        DriverError::with(self.operation, Some(&self.turn.id), cause, also)
    }

    fn first_of(&self, failures: Vec<Failure>) -> Result<(), DriverError> {
        let mut failures = failures.into_iter();
        match failures.next() {
            Some(first) => Err(self.error(Cause::Step(first), failures.collect())),
            None => Ok(()),
        }
    }

    /// Fails if the layer is mounted.
    pub(crate) fn check_unmounted(&self) -> Result<(), DriverError> {
        match self.turn.mount.count {
            0 => Ok(()),
            count => Err(self.error(Cause::Mounted { count }, Vec::new())),
        }
    }

    /// Fails if the parent is not there.
    pub(crate) fn check_parent(&self, parent: Option<&Id>) -> Result<(), DriverError> {
        let Some(parent) = parent else { return Ok(()) };
        // Not `exists`: an engine may ask its system for that, and knows its own folders without.
        match self.call(Step::Path, |engine, _| engine.path(parent)) {
            Ok(_) => Ok(()),
            Err(failure) if failure.kind() == ErrorKind::NotFound => {
                Err(self.error(Cause::MissingParent(parent.clone()), Vec::new()))
            }
            Err(failure) => Err(self.error(Cause::Step(failure), Vec::new())),
        }
    }

    /// Tries again what an operation before could not undo.
    pub(crate) fn settle(&mut self) -> Result<(), DriverError> {
        match self.turn.mount.count {
            0 => {
                let failures = self.unmount();
                self.first_of(failures)
            }
            _ => Ok(()),
        }
    }

    /// Adds a reference, and mounts for the first.
    pub(crate) fn add_reference(&mut self) -> Result<PathBuf, DriverError> {
        self.settle()?;
        self.mount().map_err(|failure| {
            let also = match self.turn.mount.count {
                0 => self.unmount(),
                _ => Vec::new(),
            };
            self.error(Cause::Step(failure), also)
        })
    }

    fn mount(&mut self) -> Result<PathBuf, Failure> {
        if !self.turn.mount.active {
            self.activate()?;
        }
        // A mounted layer is unprepared only if that failed after a diff.
        if !self.turn.mount.prepared {
            self.prepare()?;
        }
        let path = match &self.turn.mount.path {
            Some(path) => path.clone(),
            None => self.call(Step::MountPath, E::mount_path)?,
        };
        self.store(self.turn.mount.count + 1)?;
        self.turn.mount.path = Some(path.clone());
        Ok(path)
    }

    /// Takes a reference away, and unmounts after the last. With none it tries what is left to undo.
    pub(crate) fn drop_reference(&mut self) -> Result<(), DriverError> {
        let count = self.turn.mount.count;
        if count > 1 {
            return self
                .store(count - 1)
                .map_err(|failure| self.error(Cause::Step(failure), Vec::new()));
        }
        self.drop_references()
    }

    /// Takes all references away, and unmounts.
    pub(crate) fn drop_references(&mut self) -> Result<(), DriverError> {
        self.turn.mount.count = 0;
        self.turn.mount.path = None;
        self.settle()
    }

    /// Undoes every step that was done, trying each; what fails stays noted.
    fn unmount(&mut self) -> Vec<Failure> {
        let mut failures = Vec::new();
        if self.turn.mount.prepared {
            failures.extend(self.unprepare().err());
        }
        if self.turn.mount.active {
            failures.extend(self.deactivate().err());
        }
        // The count goes last: while the layer is mounted a restart must find it.
        let mount = &self.turn.mount;
        if mount.recorded && !mount.prepared && !mount.active {
            failures.extend(self.store(0).err());
        }
        failures
    }

    fn activate(&mut self) -> Result<(), Failure> {
        self.call(Step::Activate, E::activate)?;
        self.turn.mount.active = true;
        Ok(())
    }

    fn prepare(&mut self) -> Result<(), Failure> {
        self.call(Step::Prepare, E::prepare)?;
        self.turn.mount.prepared = true;
        Ok(())
    }

    fn unprepare(&mut self) -> Result<(), Failure> {
        self.call(Step::Unprepare, E::unprepare)?;
        self.turn.mount.prepared = false;
        Ok(())
    }

    fn deactivate(&mut self) -> Result<(), Failure> {
        self.call(Step::Deactivate, E::deactivate)?;
        self.turn.mount.active = false;
        Ok(())
    }

    fn store(&mut self, count: u64) -> Result<(), Failure> {
        self.call(Step::StoreReferences, |engine, id| {
            engine.store_references(id, count)
        })?;
        self.turn.mount.count = count;
        self.turn.mount.recorded = count > 0;
        Ok(())
    }

    /// Brings the layer into the state in which it can be exported and compared.
    pub(crate) fn into_readable(mut self) -> Result<Readable<E>, DriverError> {
        self.settle()?;
        let mut readable = Readable {
            layer: self,
            is_closed: false,
        };
        match readable.open() {
            Ok(()) => Ok(readable),
            Err(failure) => Err(readable.close_failed(failure)),
        }
    }
}

/// A layer that can be exported and compared. When it is dropped the layer goes back to where it was.
#[derive(Debug)]
pub(crate) struct Readable<E: Engine> {
    layer: Layer<E>,
    is_closed: bool,
}

impl<E: Engine> Readable<E> {
    /// Does one step of the engine.
    pub(crate) fn call<T>(
        &self,
        step: Step,
        call: impl FnOnce(&E, &Id) -> Result<T, E::Error>,
    ) -> Result<T, Failure> {
        self.layer.call(step, call)
    }

    fn open(&mut self) -> Result<(), Failure> {
        if self.layer.engine.exports() == Exports::AnyState {
            return Ok(());
        }
        if self.layer.turn.mount.count == 0 {
            self.layer.activate()?;
            self.layer.prepare()?;
        }
        if self.layer.turn.mount.prepared {
            self.layer.unprepare()?;
        }
        Ok(())
    }

    /// Brings the layer back to where it was, and returns `result` if that worked.
    pub(crate) fn close<T>(mut self, result: Result<T, Failure>) -> Result<T, DriverError> {
        match result {
            Ok(value) => {
                let failures = self.restore();
                self.layer.first_of(failures).map(|()| value)
            }
            Err(failure) => Err(self.close_failed(failure)),
        }
    }

    fn close_failed(mut self, failure: Failure) -> DriverError {
        let also = self.restore();
        self.layer.error(Cause::Step(failure), also)
    }

    fn restore(&mut self) -> Vec<Failure> {
        self.is_closed = true;
        let mount = &self.layer.turn.mount;
        if mount.count == 0 {
            self.layer.unmount()
        } else if !mount.prepared {
            self.layer.prepare().err().into_iter().collect()
        } else {
            Vec::new()
        }
    }
}

impl<E: Engine> Drop for Readable<E> {
    fn drop(&mut self) {
        if !self.is_closed {
            // Only a panic, or a thread that could not start, comes here; what fails stays noted for the next call.
            self.restore();
        }
    }
}
