//! Stands for the commands that take Linux: writable layers and mounts.

use anyhow::{Result, bail};
use transom_sealed::diff::Difference;
use transom_sealed::{Removed, Store};

use crate::args::{
    Acl, Attrib, Commit, Cp, Create, Diff, Global, Grow, Mkdir, Mount, Mv, Rm, Umount,
};

fn refuse() -> Result<()> {
    bail!("writable layers and mounts need Linux; `apply` puts a layer tar on an image anywhere")
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

pub(super) fn export(_: &Store, _: &Diff) -> Result<()> {
    refuse()
}

pub(super) fn mount(_: &Store, _: &Global, _: &Mount) -> Result<()> {
    refuse()
}

pub(super) fn umount(_: &Store, _: &Umount) -> Result<()> {
    refuse()
}

pub(super) fn mkdir(_: &Store, _: &Mkdir) -> Result<()> {
    refuse()
}

pub(super) fn mv(_: &Store, _: &Mv) -> Result<()> {
    refuse()
}

pub(super) fn attrib(_: &Store, _: &Attrib) -> Result<()> {
    refuse()
}

pub(super) fn acl(_: &Store, _: &Acl) -> Result<()> {
    refuse()
}

pub(super) fn copy_in(_: &Store, _: &Global, _: &Cp, _: &str, _: &str) -> Result<()> {
    refuse()
}

/// There are no writable layers whose changes could be meant.
pub(super) fn changes(_: &Store, _: &str) -> Result<Option<Vec<Difference>>> {
    Ok(None)
}

/// There are no writable layers that could be meant.
pub(super) fn remove(_: &Store, _: &str) -> Result<Option<Removed>> {
    Ok(None)
}

/// There are no files in writable layers that could be meant.
pub(super) fn remove_file(_: &Store, _: &Rm, _: &str) -> Result<bool> {
    Ok(false)
}

/// There are no writable layers that could be meant.
pub(super) fn split_named(_: &Store, _: &str) -> Result<Option<(String, String)>> {
    Ok(None)
}

/// Nothing is mounted.
pub(super) fn clean_dead(_: &Store) -> Result<()> {
    Ok(())
}
