//! Stands for the commands that take Linux: changing a writable layer without a mount.

use anyhow::{Result, bail};
use transom_sealed::Store;

use crate::args::{Acl, Attrib, Cp, Global, Mkdir, Mv};

fn refuse() -> Result<()> {
    bail!(
        "changing a writable layer without a mount needs Linux; `apply` puts a layer tar on an image anywhere"
    )
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

/// There are no writable layers that could be meant.
pub(super) fn split_named(_: &Store, _: &str) -> Result<Option<(String, String)>> {
    Ok(None)
}
