//! Stands for the commands that take Linux or Windows: writable layers and mounts.

use anyhow::{Result, bail};
use transom_sealed::{Removed, Store, Usage};

use super::diff::Line;
use crate::args::{Commit, Create, Diff, Global, Grow, Mount, Rm, Umount};

fn refuse() -> Result<()> {
    bail!(
        "writable layers and mounts need Linux or Windows; `apply` puts a layer tar on an image anywhere"
    )
}

pub(super) fn create(_: &Store, _: &Global, _: &Create) -> Result<()> {
    refuse()
}

pub(super) fn list(_: &Store, _: &Global) -> Result<()> {
    refuse()
}

pub(super) fn commit(_: &Store, _: &Global, _: &Commit) -> Result<()> {
    refuse()
}

pub(super) fn grow(_: &Store, _: &Global, _: &Grow) -> Result<()> {
    refuse()
}

pub(super) fn export(_: &Store, _: &Global, _: &Diff) -> Result<()> {
    refuse()
}

pub(super) fn mount(_: &Store, _: &Global, _: &Mount) -> Result<()> {
    refuse()
}

pub(super) fn umount(_: &Store, _: &Global, _: &Umount) -> Result<()> {
    refuse()
}

/// There are no writable layers whose changes could be meant.
pub(super) fn changes(_: &Store, _: &Global, _: &str) -> Result<Option<Vec<Line>>> {
    Ok(None)
}

/// There are no writable layers that could be meant.
pub(super) fn remove(_: &Store, _: &Global, _: &str) -> Result<Option<Removed>> {
    Ok(None)
}

/// There are no files in writable layers that could be meant.
pub(super) fn remove_file(_: &Store, _: &Rm, _: &str) -> Result<bool> {
    Ok(false)
}

/// Nothing is mounted.
pub(super) fn clean_dead(_: &Store) -> Result<()> {
    Ok(())
}

/// The store has all layers itself, and collects them.
pub(super) fn collect(_: &Store, _: &Global) -> Result<u64> {
    Ok(0)
}

/// The store has counted everything.
pub(super) fn add_usage(_: &Store, _: &Global, _: &mut Usage) -> Result<u64> {
    Ok(0)
}
