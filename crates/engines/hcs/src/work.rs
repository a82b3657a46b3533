//! What needs privileges: reading and writing layers' files. It runs in the worker process, or in this one.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use transom_driver::{Change, ChangeKind, ErrorKind};
use transom_windows::{Folder, Hcs};

use crate::chain;
use crate::durable;
use crate::error::Cause;
use crate::transport::{self, Found, Place, TransportError};

/// The note in a layer's folder that it is not filled yet.
pub(crate) const EMPTY: &str = "transom-empty";

type Result<T> = std::result::Result<T, Cause>;

/// One layer that is read or written.
#[derive(Debug)]
pub(crate) struct Work<'a> {
    pub(crate) hcs: &'a dyn Hcs,
    pub(crate) layer: &'a Path,
    pub(crate) parents: Vec<PathBuf>,
    pub(crate) staging: &'a Path,
}

impl<'a> Work<'a> {
    pub(crate) fn new(
        hcs: &'a dyn Hcs,
        home: &Path,
        layer: &'a Path,
        staging: &'a Path,
    ) -> Result<Self> {
        Ok(Self {
            hcs,
            layer,
            parents: chain::read(home, layer)?,
            staging,
        })
    }

    fn place(&self) -> Place<'_> {
        Place {
            layer: self.layer,
            parents: &self.parents,
            staging: self.staging,
        }
    }

    /// Fills an empty layer. After a failure it is empty again.
    pub(crate) fn import<F: Folder>(&self, tar: &mut dyn Read) -> Result<u64> {
        let note = self.layer.join(EMPTY);
        if is_filled(self.layer).map_err(Cause::io("look into", self.layer))? {
            let what = "it is filled already, or writable";
            return Err(Cause::state(ErrorKind::Exists, what));
        }
        let root = self.root::<F>(self.layer)?;
        // What a process that died has left.
        empty(&root)?;
        let filled = transport::import(self.hcs, &root, &self.place(), tar)
            .map_err(Cause::from)
            .and_then(|bytes| {
                // NTFS writes down which files there are before it writes what is in them.
                root.sync_volume()
                    .map_err(Cause::io("flush the volume of", self.layer))?;
                Ok(bytes)
            });
        match filled {
            Ok(bytes) => {
                durable::remove(&note).map_err(Cause::io("remove", note))?;
                Ok(bytes)
            }
            Err(error) => {
                // The first error tells more than one of clearing up, which the next import tries again.
                let _ = empty(&root);
                Err(error)
            }
        }
    }

    fn root<F: Folder>(&self, path: &Path) -> Result<F> {
        F::open_root(path).map_err(Cause::io("open", path))
    }

    pub(crate) fn export<F: Folder>(&self, out: &mut dyn Write) -> Result<()> {
        Ok(transport::export::<F>(self.hcs, &self.place(), out)?)
    }

    pub(crate) fn size<F: Folder>(&self) -> Result<u64> {
        Ok(transport::data_bytes::<F>(self.hcs, &self.place())?)
    }

    /// Lists what differs from the parents. Upstream calls everything that is there modified.
    pub(crate) fn changes<F: Folder>(&self) -> Result<Vec<Change>> {
        let mut parents = Vec::new();
        for parent in &self.parents {
            parents.push(self.root::<F>(parent)?);
        }
        let mut changes = Vec::new();
        transport::visit::<F>(self.hcs, &self.place(), &mut |found| {
            changes.push(match found {
                Found::Tombstone(path) => Change {
                    path,
                    kind: ChangeKind::Deleted,
                },
                Found::Entry(entry) => Change {
                    kind: match have(&parents, &entry.name)? {
                        true => ChangeKind::Modified,
                        false => ChangeKind::Added,
                    },
                    path: entry.name,
                },
            });
            Ok(())
        })?;
        Ok(changes)
    }
}

/// Removes all of a layer but the notes about it.
fn empty<F: Folder>(layer: &F) -> Result<()> {
    let is_content = |name: &str| {
        name != chain::CHAIN
            && !name.eq_ignore_ascii_case("layerId")
            && !name.starts_with("transom-")
    };
    Ok(transport::remove_below(layer, "", is_content)?)
}

/// Says whether a stack of layers has a name.
///
/// A layer that has something in a folder has the folder's whole list, with placeholders for what is its parents'. So the
/// first layer that has a folder of the path itself says whether the next part of the path is in it.
fn have<F: Folder>(parents: &[F], name: &str) -> std::result::Result<bool, TransportError> {
    for parent in parents {
        if let Some(answer) = has(parent, name)? {
            return Ok(answer);
        }
    }
    Ok(false)
}

/// Says whether a layer shows a name; `None` if that is for the layers below it to say.
fn has<F: Folder>(layer: &F, name: &str) -> std::result::Result<Option<bool>, TransportError> {
    let ends = name
        .match_indices('/')
        .map(|(at, _)| at)
        .chain([name.len()]);
    for (depth, end) in ends.enumerate() {
        let part = name.get(..end).unwrap_or_default();
        match transport::attributes(layer, part)? {
            Some(_) if end == name.len() => return Ok(Some(true)),
            Some(attributes) if transport::is_real_folder(attributes) => {}
            // A placeholder.
            Some(attributes) if attributes & transport::REPARSE_POINT != 0 => return Ok(None),
            // A file where another layer has a folder.
            Some(_) => return Ok(Some(false)),
            // A layer need not have the roots.
            None => return Ok((depth > 0).then_some(false)),
        }
    }
    Ok(None)
}

/// Says whether the read-only layer in a folder has been filled: once it was, it cannot be again.
///
/// # Errors
/// The folder cannot be looked into.
pub fn is_filled(layer: &Path) -> io::Result<bool> {
    Ok(!layer.join(EMPTY).try_exists()?)
}

/// Makes the note that a layer is not filled yet.
pub(crate) fn note_empty(layer: &Path) -> io::Result<()> {
    durable::write(&layer.join(EMPTY), b"")
}

/// Removes transport folders that dead processes have left. Nobody else works here: the store is locked.
pub(crate) fn clear_staging<F: Folder>(staging: &Path) -> Result<()> {
    fs::create_dir_all(staging).map_err(Cause::io("make", staging))?;
    let root = F::open_root(staging).map_err(Cause::io("open", staging))?;
    Ok(transport::remove_below(&root, "", |_| true)?)
}
