//! Stands for the commands that change a writable layer without a mount: on Windows any program does that in the
//! mounted layer, and Windows keeps what it must.

use anyhow::{Result, bail};
use transom_sealed::Store;

use crate::args::{Acl, Attrib, Cp, Global, Mkdir, Mv};

/// Says what to do instead.
pub(super) fn refuse() -> Result<()> {
    bail!(
        "on Windows a writable layer is changed where it is mounted: `transom mount NAME` prints the folder, any program may work in it"
    )
}

pub(in crate::commands) fn mkdir(_: &Store, _: &Mkdir) -> Result<()> {
    refuse()
}

pub(in crate::commands) fn mv(_: &Store, _: &Mv) -> Result<()> {
    refuse()
}

pub(in crate::commands) fn attrib(_: &Store, _: &Attrib) -> Result<()> {
    refuse()
}

pub(in crate::commands) fn acl(_: &Store, _: &Acl) -> Result<()> {
    refuse()
}

pub(in crate::commands) fn copy_in(_: &Store, _: &Global, _: &Cp, _: &str, _: &str) -> Result<()> {
    refuse()
}

/// Splits `NAME:PATH` where NAME is a writable layer; `None` if it is not of that form.
pub(in crate::commands) fn split_named(
    store: &Store,
    text: &str,
) -> Result<Option<(String, String)>> {
    let layers = store.named_layers()?;
    let mut found = layers.iter().filter_map(|layer| {
        let path = text.strip_prefix(&layer.id)?.strip_prefix(':')?;
        layer
            .is_writable()
            .then(|| (layer.id.clone(), path.to_owned()))
    });
    Ok(found.next())
}
