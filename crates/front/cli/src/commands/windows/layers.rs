//! The driver's calls that commands make, over whichever files.

use std::io::Read;
use std::path::PathBuf;

use transom_driver::{Change, Diff, Driver, DriverError, Engine, Id};

type Result<T> = std::result::Result<T, DriverError>;

/// A [`Driver`] of any engine; each does what its namesake there does.
pub(crate) trait Layers {
    fn exists(&self, id: &Id) -> Result<bool>;
    fn create(&self, id: &Id, parent: Option<&Id>) -> Result<()>;
    fn create_writable(&self, id: &Id, parent: Option<&Id>, options: &[(&str, &str)])
    -> Result<()>;
    fn apply_diff(&self, id: &Id, parent: Option<&Id>, tar: &mut dyn Read) -> Result<u64>;
    fn layer_path(&self, id: &Id) -> Result<PathBuf>;
    fn get(&self, id: &Id) -> Result<PathBuf>;
    fn put(&self, id: &Id) -> Result<()>;
    fn changes(&self, id: &Id) -> Result<Vec<Change>>;
    fn diff(&self, id: &Id) -> Result<Diff>;
    fn remove(&self, id: &Id) -> Result<()>;
}

impl<E: Engine> Layers for Driver<E> {
    fn exists(&self, id: &Id) -> Result<bool> {
        Driver::exists(self, id)
    }

    fn create(&self, id: &Id, parent: Option<&Id>) -> Result<()> {
        Driver::create(self, id, parent)
    }

    fn create_writable(
        &self,
        id: &Id,
        parent: Option<&Id>,
        options: &[(&str, &str)],
    ) -> Result<()> {
        Driver::create_writable(self, id, parent, options.iter().copied())
    }

    fn apply_diff(&self, id: &Id, parent: Option<&Id>, tar: &mut dyn Read) -> Result<u64> {
        Driver::apply_diff(self, id, parent, tar)
    }

    fn layer_path(&self, id: &Id) -> Result<PathBuf> {
        Driver::layer_path(self, id)
    }

    fn get(&self, id: &Id) -> Result<PathBuf> {
        Driver::get(self, id)
    }

    fn put(&self, id: &Id) -> Result<()> {
        Driver::put(self, id)
    }

    fn changes(&self, id: &Id) -> Result<Vec<Change>> {
        Driver::changes(self, id)
    }

    fn diff(&self, id: &Id) -> Result<Diff> {
        Driver::diff(self, id)
    }

    fn remove(&self, id: &Id) -> Result<()> {
        Driver::remove(self, id)
    }
}
