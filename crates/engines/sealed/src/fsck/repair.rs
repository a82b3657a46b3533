//! Putting right what a check has found.

use transom_layer::DiffId;

use super::{CheckOptions, Counted, Finding, Problem, Remedy};
use crate::catalog;
use crate::durable::{self, Named};
use crate::import::LayerRequest;
use crate::index::{rebuild, write_durably};
use crate::layout::is_digest_name;
use crate::space::allocated;
use crate::staging::{self, Staging};
use crate::store::{Store, StoreError};

/// What became of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// What was found.
    pub finding: Finding,
    /// Whether it is right now. What is left has its reason in [`Problem::remedy`], or in `failure`.
    pub is_done: bool,
    /// Why it could not be put right.
    pub failure: Option<String>,
}

impl Store {
    /// Puts right what [`check`](Self::check) has found, and looks again to tell what is left. Other operations may run
    /// meanwhile: each step looks under the catalog's lock whether it is still to be done.
    ///
    /// # Errors
    /// [`StoreError`] if the catalog or a folder cannot be read; what cannot be put right is told for each finding.
    pub fn repair(
        &self,
        findings: Vec<Finding>,
        options: &CheckOptions<'_>,
    ) -> Result<Vec<Repair>, StoreError> {
        let is_catalog_damaged = findings
            .iter()
            .any(|finding| finding.problem.remedy() == Remedy::Rebuild);
        let mut failures = Vec::new();
        if !is_catalog_damaged {
            // What lies where it should not is the work of every opening of the store.
            self.recover()?;
            for finding in &findings {
                let done = self.put_right(finding, options);
                failures.push(done.err().map(|error| error.to_string()));
            }
            self.empty_trash()?;
        }
        let left = self.check(options)?;
        let repairs = findings.into_iter().enumerate().map(|(at, finding)| {
            let is_left =
                |left: &Finding| (&left.place, &left.problem) == (&finding.place, &finding.problem);
            Repair {
                is_done: !left.iter().any(is_left),
                failure: failures.get_mut(at).and_then(Option::take),
                finding,
            }
        });
        Ok(repairs.collect())
    }

    fn put_right(&self, finding: &Finding, options: &CheckOptions<'_>) -> Result<(), StoreError> {
        let path = self.layout.root().join(&finding.place);
        match &finding.problem {
            Problem::LayerGone { layer } => self.set_aside(*layer, true)?,
            // It may have been removed and brought again since.
            Problem::TarDamaged { layer, .. } => {
                let record = self.layer(*layer)?;
                if self.check_layer(&record, options)?.contains(finding) {
                    self.set_aside(*layer, false)?;
                }
            }
            Problem::IndexDamaged { layer, .. } => self.make_index_again(*layer)?,
            Problem::WrongCount { of, .. } => match of {
                Counted::Blob(blob) => {
                    let size = std::fs::metadata(&path).named("look at", &path)?.len();
                    self.catalog
                        .write(|tx| catalog::set_blob_size(tx, *blob, size))?;
                }
                // Told only of one whose tar is right: all its numbers are told again with its index.
                Counted::Layer(layer) => self.make_index_again(*layer)?,
            },
            Problem::BlobDamaged { blob, .. } => {
                let record = self.catalog.read(|tx| catalog::blob(tx, *blob))?;
                let again = match &record {
                    Some(record) if record.kept => self.check_blob(record, options)?,
                    _ => None,
                };
                if again.as_ref() != Some(finding) {
                    return Ok(());
                }
                self.catalog
                    .write(|tx| -> Result<(), StoreError> {
                        if catalog::blob(tx, *blob)?.is_some_and(|blob| blob.kept) {
                            catalog::drop_blob_bytes(tx, *blob)?;
                            self.discard_if_there(&self.layout.blob(*blob))?;
                        }
                        Ok(())
                    })
                    .inspect_err(|_| self.put_back())?;
            }
            // A cache: made again when it is needed.
            Problem::ChainDamaged { .. } => {
                durable::delete_if_unused(&path)?;
            }
            // Somebody may have begun to use it meanwhile.
            Problem::OrphanChain if self.check(options)?.contains(finding) => {
                durable::delete_if_unused(&path)?;
            }
            // The recovery before has done it, unless the damage is in the middle.
            Problem::Notes => self.catalog.write_notes_again()?,
            Problem::NoLock { .. } => {
                durable::open_lock(&path.join(crate::layout::LOCK))?;
            }
            Problem::WritableGone { id, .. } => {
                self.catalog
                    .write(|tx| -> Result<(), StoreError> {
                        let layer = catalog::named_layer(tx, id)?;
                        let is_used = layer.is_none_or(|layer| layer.is_of_snapshot())
                            || catalog::child_of(tx, id)?.is_some()
                            || !catalog::mounts_of(tx, id)?.is_empty();
                        if is_used {
                            return Ok(());
                        }
                        catalog::delete_named_layer(tx, id)?;
                        Ok(self.discard_if_there(&self.layout.writable(id))?)
                    })
                    .inspect_err(|_| self.put_back())?;
            }
            // The recovery before has done what can be done.
            _ => {}
        }
        Ok(())
    }

    /// Moves a damaged layer to `quarantine/`, or notes there that it is gone; its row stays for all that use it. Loading it again puts it back.
    fn set_aside(&self, layer: DiffId, is_gone: bool) -> Result<(), StoreError> {
        durable::create_dir(&self.layout.quarantines())?;
        let aside = self.layout.quarantine(layer);
        self.catalog.write(|tx| -> Result<(), StoreError> {
            let is_here = self.layout.layer(layer).exists();
            if catalog::layer(tx, layer)?.is_none() || is_here == is_gone {
                return Ok(());
            }
            self.discard_if_there(&aside)?;
            match is_here {
                true => durable::rename(&self.layout.layer(layer), &aside)?,
                false => durable::create_dir(&aside)?,
            }
            durable::sync_dir(&self.layout.layers())?;
            Ok(durable::sync_dir(&self.layout.quarantines())?)
        })
    }

    /// Makes layers that were set aside, or whose files are gone, again from their compressed forms, where these are
    /// kept and whole. Returns the layers. `progress` is called with the number of bytes just read.
    ///
    /// # Errors
    /// [`StoreError`] if the catalog fails or the staging folder cannot be made.
    pub fn bring_back(&self, progress: &(dyn Fn(u64) + Sync)) -> Result<Vec<DiffId>, StoreError> {
        let mut layers = self.layers()?;
        layers.retain(|layer| self.is_set_aside(layer.diff_id));
        if layers.is_empty() {
            return Ok(Vec::new());
        }
        let (blobs, session) = (self.blobs()?, self.session()?);
        let inflate = |layer: &catalog::LayerRecord| {
            let mut kept = blobs
                .iter()
                .filter(|blob| blob.kept && blob.diff_id == layer.diff_id);
            kept.any(|blob| {
                let label = blob.digest.to_string();
                let request = LayerRequest {
                    blob: Some(blob.digest),
                    diff_id: Some(layer.diff_id),
                    ..LayerRequest::new(&label, layer.names)
                };
                // One that is damaged stays what it is: a check tells of it.
                durable::open_file(&self.layout.blob(blob.digest))
                    .is_ok_and(|file| session.import_layer(file, &request, progress).is_ok())
            })
        };
        let back = layers.iter().filter(|layer| inflate(layer));
        let back = back.map(|layer| layer.diff_id).collect();
        // Also one that nothing needs is to be there again.
        session.keep_unused();
        self.empty_trash()?;
        Ok(back)
    }

    /// Makes the index of a layer again from its tar, and puts it in its place with the row that tells of it.
    fn make_index_again(&self, layer: DiffId) -> Result<(), StoreError> {
        let before = self.layer(layer)?;
        let staging = Staging::create(&self.layout)?;
        let staged = staging.new_path();
        let path = self.layout.tar(layer);
        let tar = durable::open_file(&path)?;
        let size = tar.metadata().named("look at", &path)?.len();
        let (summary, index_digest) = write_durably(&staged, |out| {
            rebuild(&tar, size, before.names, out)
                .map_err(std::io::Error::other)
                .named("make the index again of", &path)
        })?;
        let record = catalog::LayerRecord {
            size,
            index_size: summary.bytes,
            index_digest,
            entries: summary.entries,
            whiteouts: summary.whiteouts,
            unresolved_links: summary.unresolved_links,
            dialect: summary.dialect,
            ..before
        };
        self.catalog.write(|tx| -> Result<(), StoreError> {
            if catalog::layer(tx, layer)?.is_some() && self.layout.layer(layer).exists() {
                durable::rename(&staged, &self.layout.index(layer))?;
                durable::sync_dir(&self.layout.layer(layer))?;
                catalog::insert_layer(tx, &record)?;
            }
            Ok(())
        })
    }

    /// Moves what was set aside into the trash, once the layer is there again or nobody needs it. Returns its bytes.
    pub(crate) fn drop_set_aside(&self) -> Result<u64, StoreError> {
        let names = durable::names_in(&self.layout.quarantines())?;
        if names.is_empty() {
            return Ok(0);
        }
        self.catalog.hold(|tx| -> Result<u64, StoreError> {
            let [(layers, known), ..] = self.known_names(tx)?;
            let mut bytes = 0;
            // An old catalog is kept until somebody deletes it.
            for name in names.into_iter().filter(|name| is_digest_name(name)) {
                let is_needed = known.contains(&name) && !layers.join(&name).exists();
                if !is_needed {
                    let aside = self.layout.quarantines().join(&name);
                    bytes += allocated(&aside);
                    staging::discard(&self.layout, &aside)?;
                }
            }
            Ok(bytes)
        })
    }
}
