//! What lies where, against what the catalog says: names and sizes only.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rusqlite::Transaction;
use transom_layer::{ChainId, DiffId};

use super::{Finding, Problem};
use crate::catalog::{self, BlobRecord, LayerRecord, NamedKind, NamedLayer};
use crate::chain::NOTHING;
use crate::durable::{FileError, Named};
use crate::layout::{INDEX, TAR, is_digest_name};
use crate::space;
use crate::staging;
use crate::store::{Store, StoreError};

/// What a look at names and sizes gives.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) findings: Vec<Finding>,
    /// What has to be read to know what is wrong with it.
    pub(super) doubtful: Doubtful,
}

/// Files whose size is not what the catalog says.
#[derive(Debug, Default)]
pub(super) struct Doubtful {
    pub(super) layers: HashSet<DiffId>,
    pub(super) blobs: HashSet<transom_layer::BlobDigest>,
}

impl Store {
    /// Compares names and sizes with the catalog. Files come and go under the catalog's lock only, so nothing that is
    /// under way looks wrong; files are neither read nor moved while it is held.
    pub(super) fn check_places(&self) -> Result<Looked, StoreError> {
        let mut looked = Looked::default();
        let dead = staging::dead(&self.layout)?;
        self.catalog.hold(|tx| {
            self.look_at_root(&mut looked)?;
            self.look_at_staging(tx, &dead, &mut looked)?;
            self.look_at_trash(tx, &mut looked)?;
            self.look_at_layers(&catalog::layers(tx)?, &mut looked)?;
            self.look_at_blobs(&catalog::blobs(tx)?, &mut looked)?;
            self.look_at_writables(&catalog::named_layers(tx)?, &mut looked)?;
            self.look_at_chains(tx, &mut looked)
        })?;
        Ok(looked)
    }

    fn found(&self, looked: &mut Looked, path: &Path, problem: Problem) {
        looked.findings.push(Finding {
            place: self.layout.below_root(path),
            problem,
            bytes: space::allocated(path),
        });
    }

    fn look_at_root(&self, looked: &mut Looked) -> Result<(), FileError> {
        for (path, name) in entries(self.layout.root())? {
            if !name.as_deref().is_some_and(crate::layout::is_of_root) {
                self.found(looked, &path, Problem::Foreign);
            }
        }
        for (path, name) in entries(&self.layout.turns())? {
            let is_turn = |name: &str| name.len() == 2 && name.bytes().all(is_digit);
            if !name.as_deref().is_some_and(is_turn) {
                self.found(looked, &path, Problem::Foreign);
            }
        }
        Ok(())
    }

    fn look_at_staging(
        &self,
        tx: &Transaction<'_>,
        dead: &HashSet<String>,
        looked: &mut Looked,
    ) -> Result<(), StoreError> {
        for (path, name) in entries(&self.layout.staging())? {
            let holder = name.as_deref().and_then(staging::holder_of);
            match holder {
                None => self.found(looked, &path, Problem::Foreign),
                Some(holder) if dead.contains(holder) => {
                    self.found(looked, &path, Problem::DeadOperation);
                }
                Some(_) => {}
            }
        }
        for holder in catalog::lease_holders(tx)? {
            if dead.contains(&holder) || !staging::may_live(&self.layout, &holder)? {
                for layer in catalog::layers_leased_by(tx, &holder)? {
                    looked.findings.push(Finding {
                        place: self.layout.below_root(&self.layout.catalog()),
                        problem: Problem::DeadLease { layer },
                        bytes: 0,
                    });
                }
            }
        }
        Ok(())
    }

    fn look_at_trash(&self, tx: &Transaction<'_>, looked: &mut Looked) -> Result<(), StoreError> {
        let known = self.known_names(tx)?;
        for (path, name) in entries(&self.layout.trash())? {
            let before = name.as_deref().map(staging::name_before);
            let misses = |before: &str| {
                known
                    .iter()
                    .any(|(folder, names)| names.contains(before) && !folder.join(before).exists())
            };
            let problem = match before.is_some_and(misses) {
                true => Problem::InTrash,
                false => Problem::Trash,
            };
            self.found(looked, &path, problem);
        }
        Ok(())
    }

    /// Says whether the trash holds what is missing.
    fn is_in_trash(&self, looked: &Looked, name: &str) -> bool {
        looked.findings.iter().any(|finding| {
            let entry = finding.place.file_name().and_then(|name| name.to_str());
            finding.problem == Problem::InTrash
                && entry.is_some_and(|entry| staging::name_before(entry) == name)
        })
    }

    fn look_at_layers(
        &self,
        layers: &[LayerRecord],
        looked: &mut Looked,
    ) -> Result<(), StoreError> {
        let known: HashMap<String, &LayerRecord> = layers
            .iter()
            .map(|layer| (layer.diff_id.0.hex(), layer))
            .collect();
        let mut there = HashSet::new();
        for (path, name) in entries(&self.layout.layers())? {
            match name.as_deref().map(|name| (name, known.get(name))) {
                Some((name, Some(layer))) => {
                    there.insert(name.to_owned());
                    self.look_at_layer(&path, layer, looked)?;
                }
                Some((name, None)) if is_digest_name(name) => {
                    self.found(looked, &path, Problem::OrphanLayer);
                }
                _ => self.found(looked, &path, Problem::Foreign),
            }
        }
        for (name, layer) in known {
            let is_set_aside = self.layout.quarantine(layer.diff_id).exists();
            if !there.contains(&name) && !is_set_aside && !self.is_in_trash(looked, &name) {
                looked.findings.push(Finding {
                    place: self.layout.below_root(&self.layout.layer(layer.diff_id)),
                    problem: Problem::LayerGone {
                        layer: layer.diff_id,
                    },
                    bytes: layer.size,
                });
            }
        }
        Ok(())
    }

    fn look_at_layer(
        &self,
        folder: &Path,
        layer: &LayerRecord,
        looked: &mut Looked,
    ) -> Result<(), StoreError> {
        let sizes = [
            (self.layout.tar(layer.diff_id), layer.size),
            (self.layout.index(layer.diff_id), layer.index_size),
        ];
        if sizes
            .iter()
            .any(|(path, size)| file_size(path) != Some(*size))
        {
            looked.doubtful.layers.insert(layer.diff_id);
        }
        if folder.is_dir() {
            for (path, name) in entries(folder)? {
                if !name.is_some_and(|name| [TAR, INDEX].contains(&name.as_str())) {
                    self.found(looked, &path, Problem::Foreign);
                }
            }
        }
        Ok(())
    }

    fn look_at_blobs(&self, blobs: &[BlobRecord], looked: &mut Looked) -> Result<(), StoreError> {
        let kept: HashMap<String, &BlobRecord> = blobs
            .iter()
            .filter(|blob| blob.kept)
            .map(|blob| (blob.digest.0.hex(), blob))
            .collect();
        for (path, name) in entries(&self.layout.blobs())? {
            match name.as_deref().map(|name| (name, kept.contains_key(name))) {
                Some((_, true)) => {}
                Some((name, false)) if is_digest_name(name) => {
                    self.found(looked, &path, Problem::OrphanBlob);
                }
                _ => self.found(looked, &path, Problem::Foreign),
            }
        }
        for (name, blob) in kept {
            let is_as_noted = file_size(&self.layout.blob(blob.digest)) == Some(blob.size);
            if !is_as_noted && !self.is_in_trash(looked, &name) {
                looked.doubtful.blobs.insert(blob.digest);
            }
        }
        Ok(())
    }

    fn look_at_writables(
        &self,
        layers: &[NamedLayer],
        looked: &mut Looked,
    ) -> Result<(), StoreError> {
        // Elsewhere than on Linux another engine keeps their files, and nothing is to lie here.
        let known: HashMap<&str, &NamedLayer> = layers
            .iter()
            .filter(|layer| cfg!(target_os = "linux") && layer.is_writable())
            .map(|layer| (layer.id.as_str(), layer))
            .collect();
        let mut there = HashSet::new();
        for (path, name) in entries(&self.layout.writables())? {
            match name.as_deref().and_then(|name| known.get(name)) {
                Some(layer) => {
                    there.insert(layer.id.as_str());
                    self.look_at_writable(&path, layer, looked);
                }
                None if crate::layout::is_writable_folder(&path) => {
                    self.found(looked, &path, Problem::OrphanWritable);
                }
                None => self.found(looked, &path, Problem::Foreign),
            }
        }
        for (id, layer) in known {
            if !there.contains(id) && !self.is_in_trash(looked, id) {
                let problem = Problem::WritableGone {
                    id: layer.id.clone(),
                    reason: "its folder is not there".to_owned(),
                };
                self.found(looked, &self.layout.writable(id), problem);
            }
        }
        Ok(())
    }

    fn look_at_writable(&self, folder: &Path, layer: &NamedLayer, looked: &mut Looked) {
        let holder = match layer.kind {
            NamedKind::Writable { bound: Some(_) } => crate::layout::SCRATCH,
            _ => crate::layout::UPPER,
        };
        let id = layer.id.clone();
        if !folder.join(holder).exists() {
            let reason = format!("{holder} is not there");
            self.found(looked, folder, Problem::WritableGone { id, reason });
        } else if !folder.join(crate::layout::LOCK).exists() {
            self.found(looked, folder, Problem::NoLock { id });
        }
    }

    fn look_at_chains(&self, tx: &Transaction<'_>, looked: &mut Looked) -> Result<(), StoreError> {
        // Whoever adds an image makes its merged index first.
        let somebody_works = staging::somebody_lives(&self.layout)?;
        let live: HashSet<String> = catalog::all_chains(tx)?
            .iter()
            .filter_map(|layers| Some(ChainId::of(layers)?.0.hex()))
            .collect();
        for (path, name) in entries(&self.layout.chains())? {
            let chain = name.as_deref().and_then(crate::chain::chain_of_file);
            match chain {
                None => self.found(looked, &path, Problem::Foreign),
                Some(chain) if chain == NOTHING || live.contains(chain) || somebody_works => {}
                Some(_) => self.found(looked, &path, Problem::OrphanChain),
            }
        }
        Ok(())
    }
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

/// Lists a folder, none if it is not there; a name is `None` if it is not text.
pub(crate) fn entries(folder: &Path) -> Result<Vec<(PathBuf, Option<String>)>, FileError> {
    let listed = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.named("list", folder)?,
    };
    let mut entries = Vec::new();
    for entry in listed {
        let name: OsString = entry.named("list", folder)?.file_name();
        entries.push((folder.join(&name), name.into_string().ok()));
    }
    entries.sort();
    Ok(entries)
}

/// Returns the length of a plain file; `None` for anything else.
fn file_size(path: &Path) -> Option<u64> {
    let metadata = std::fs::symlink_metadata(path).ok()?;
    metadata.is_file().then_some(metadata.len())
}
