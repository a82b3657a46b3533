//! Import: one pass over a layer's bytes, then two files and one transaction.

mod decode;
mod error;
mod names;
mod pipeline;
mod tar_file;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use transom_layer::{BlobDigest, DiffId, Names};
use transom_layertar::{Parser, Step};

pub use error::{ImportError, ImportFailure};
use pipeline::{PassError, Passed, Targets};
use tar_file::TarFile;

use crate::catalog::{self, BlobRecord, Compression, LayerRecord};
use crate::durable::{self, Named};
use crate::index::{BuildError, IndexBuilder, IndexError, write_durably};
use crate::layout::{INDEX, TAR};
use crate::limits::Limits;
use crate::staging;
use crate::store::{self, Session};

/// What to import and what it must turn out to be.
#[derive(Debug, Clone)]
pub struct LayerRequest<'a> {
    /// How errors name the layer.
    pub label: &'a str,
    /// The digest its bytes must have as they come.
    pub blob: Option<BlobDigest>,
    /// The number of bytes that must come.
    pub blob_size: Option<u64>,
    /// The digest its tar must have.
    pub diff_id: Option<DiffId>,
    /// How its names compare: decides which of them are duplicates. `None` tells it by the first entry: names are
    /// those of Windows if it lies in `Files`, `Hives` or `UtilityVM`.
    pub names: Option<Names>,
    /// Keep the compressed bytes, so that the image can be written out with the same digests.
    pub keep_blob: bool,
}

impl<'a> LayerRequest<'a> {
    /// Asks for a layer of which nothing is known before: whatever comes is taken, and its compressed bytes are not
    /// kept.
    pub fn new(label: &'a str, names: impl Into<Option<Names>>) -> Self {
        Self {
            label,
            blob: None,
            blob_size: None,
            diff_id: None,
            names: names.into(),
            keep_blob: false,
        }
    }
}

/// A layer that is in the store now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportedLayer {
    /// Digest of the tar.
    pub diff_id: DiffId,
    /// Digest of the bytes as they came.
    pub blob: BlobDigest,
    /// Number of bytes that came.
    pub blob_size: u64,
    /// Bytes of the tar.
    pub size: u64,
    /// How the bytes were compressed.
    pub compression: Compression,
    /// The store had the layer before.
    pub already_there: bool,
}

impl Session<'_> {
    /// Imports one layer: after this it is in the store, durable, and kept while the session lives.
    ///
    /// `progress` is called with the number of bytes just read from `source`.
    ///
    /// # Errors
    /// [`ImportError`]; the store is as it was before.
    pub fn import_layer(
        &self,
        source: impl Read,
        request: &LayerRequest<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<ImportedLayer, ImportError> {
        self.import(source, request, progress)
            .map_err(|failure| ImportError {
                label: request.label.to_owned(),
                failure,
            })
    }

    fn import(
        &self,
        source: impl Read,
        request: &LayerRequest<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<ImportedLayer, ImportFailure> {
        let known = match request.diff_id {
            Some(id) => self.lease_if_known(id)?,
            None => false,
        };
        let staged = Staged {
            folder: self.staging.new_folder()?,
            blob: self.staging.new_path(),
        };
        let result = self.import_into(&staged, known, source, request, progress);
        // What an import leaves is gone at once, not only when the session ends.
        let deleted = durable::delete(&staged.folder).and(durable::delete(&staged.blob));
        let layer = result?;
        deleted?;
        Ok(layer)
    }

    fn import_into(
        &self,
        staged: &Staged,
        known: bool,
        source: impl Read,
        request: &LayerRequest<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<ImportedLayer, ImportFailure> {
        let tar_path = staged.folder.join(TAR);
        let tar = (!known).then(|| TarFile::create(&tar_path)).transpose()?;
        let blob = request
            .keep_blob
            .then(|| durable::create_file(&staged.blob))
            .transpose()?;
        let targets = Targets {
            tar: tar.as_ref(),
            blob: blob.as_ref().map(|file| (file, staged.blob.as_path())),
        };
        // One byte more than announced is enough to know that it is wrong.
        let most = request
            .blob_size
            .map_or(u64::MAX, |size| size.saturating_add(1));
        let source = source.take(most);

        let came = AtomicU64::new(0);
        let progress = |bytes| {
            came.fetch_add(bytes, Ordering::Relaxed);
            progress(bytes);
        };
        let limits = self.store.limits;
        let mut sealer = Sealer::new(request.names, limits, !known, &came);
        let passed = pipeline::run(source, targets, &progress, |block| sealer.push(block))
            .map_err(ImportFailure::from_pass)?;
        let parsed = sealer.finish()?;
        check_expectations(request, &passed)?;

        let keep_blob = request.keep_blob && passed.compression != Compression::None;
        let record = match (parsed, &tar) {
            (Some(index), Some(tar)) => Some(write_index(
                index,
                &passed,
                tar.file(),
                &staged.folder.join(INDEX),
            )?),
            _ => None,
        };
        // Windows renames no folder in which a file is open.
        drop((tar, blob));
        self.commit(staged, record.as_ref(), keep_blob, &passed)
            .inspect_err(|_| {
                // Files that were moved into place before the transaction failed belong to nobody.
                let _ = self.store.recover();
            })
    }

    /// Keeps the layer for this session if the store has it.
    fn lease_if_known(&self, id: DiffId) -> Result<bool, ImportFailure> {
        self.store.catalog.write(|tx| {
            let tar = self.store.layout.tar(id);
            let known =
                catalog::layer(tx, id)?.is_some() && tar.try_exists().named("find", &tar)?;
            if known {
                catalog::insert_lease(tx, self.staging.holder(), id)?;
            }
            Ok(known)
        })
    }

    /// Makes the staged files a layer of the store, unless it has the layer by now.
    fn commit(
        &self,
        staged: &Staged,
        record: Option<&LayerRecord>,
        keep_blob: bool,
        passed: &Passed,
    ) -> Result<ImportedLayer, ImportFailure> {
        let layout = &self.store.layout;
        let blob = BlobRecord {
            digest: passed.blob,
            diff_id: passed.diff_id,
            compression: passed.compression,
            size: passed.blob_size,
            kept: keep_blob,
        };
        durable::sync_dir(&staged.folder)?;
        let already_there = self.store.catalog.write(|tx| -> Result<_, ImportFailure> {
            let known = catalog::layer(tx, passed.diff_id)?.is_some();
            let target = layout.layer(passed.diff_id);
            let in_place = target.try_exists().named("find", &target)?;
            match record {
                // A known layer whose files are lost gets new ones.
                Some(record) if !(known && in_place) => {
                    if in_place {
                        // Left by a process that died between rename and commit.
                        staging::discard(layout, &target)?;
                    }
                    durable::rename(&staged.folder, &target)?;
                    durable::sync_dir(&layout.layers())?;
                    catalog::insert_layer(tx, record)?;
                    // It was damaged before.
                    self.store
                        .discard_if_there(&layout.quarantine(passed.diff_id))?;
                }
                None if !known => return Err(ImportFailure::Vanished(passed.diff_id)),
                _ => {}
            }
            if keep_blob && !catalog::blob(tx, passed.blob)?.is_some_and(|known| known.kept) {
                durable::rename(&staged.blob, &layout.blob(passed.blob))?;
                durable::sync_dir(&layout.blobs())?;
            }
            catalog::insert_blob(tx, &blob)?;
            catalog::insert_lease(tx, self.staging.holder(), passed.diff_id)?;
            // ---- the commit that follows is the point of no return
            Ok(known)
        })?;
        Ok(ImportedLayer {
            diff_id: passed.diff_id,
            blob: passed.blob,
            blob_size: passed.blob_size,
            size: passed.size,
            compression: passed.compression,
            already_there,
        })
    }
}

/// What an import writes before it is part of the store.
struct Staged {
    /// Becomes the layer's folder.
    folder: PathBuf,
    /// The compressed bytes, if they are kept.
    blob: PathBuf,
}

/// Reads headers while the tar passes by.
struct Sealer<'a> {
    parser: Parser,
    limits: Limits,
    /// Bytes of the source that came.
    came: &'a AtomicU64,
    /// Bytes of the tar that passed.
    bytes: u64,
    /// `None` if they are to be told by the first block.
    names: Option<Names>,
    /// False if only the digest is wanted: the store has the layer.
    wants_index: bool,
    index: Option<IndexBuilder>,
}

impl<'a> Sealer<'a> {
    fn new(names: Option<Names>, limits: Limits, wants_index: bool, came: &'a AtomicU64) -> Self {
        Self {
            parser: Parser::new(limits.of_tar()),
            limits,
            came,
            bytes: 0,
            names,
            wants_index,
            index: None,
        }
    }

    fn push(&mut self, block: &[u8]) -> Result<(), ImportFailure> {
        self.bytes += block.len() as u64;
        let came = self.came.load(Ordering::Relaxed);
        self.limits.check_bytes(self.bytes, came)?;
        if !self.wants_index {
            return Ok(());
        }
        let index = self.index.get_or_insert_with(|| {
            let guess = || names::of_layer(block, self.limits.of_tar());
            IndexBuilder::new(self.names.unwrap_or_else(guess))
        });
        let mut rest = block;
        while !rest.is_empty() {
            let (used, step) = self.parser.push(rest)?;
            rest = &rest[used..];
            if let Step::Entry(entry) = step {
                index.add(&entry)?;
                self.limits.check_entry(&entry.name, index.items())?;
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Option<IndexBuilder>, ImportFailure> {
        if !self.wants_index {
            return Ok(None);
        }
        self.parser.finish()?;
        let empty = || IndexBuilder::new(self.names.unwrap_or(Names::Posix));
        Ok(Some(self.index.unwrap_or_else(empty)))
    }
}

fn check_expectations(request: &LayerRequest<'_>, passed: &Passed) -> Result<(), ImportFailure> {
    if let Some(expected) = request.blob_size.filter(|size| *size != passed.blob_size) {
        return Err(ImportFailure::WrongSize {
            expected,
            found: passed.blob_size,
        });
    }
    if let Some(expected) = request.blob.filter(|digest| *digest != passed.blob) {
        return Err(ImportFailure::WrongBlob {
            expected,
            found: passed.blob,
        });
    }
    if let Some(expected) = request.diff_id.filter(|id| *id != passed.diff_id) {
        return Err(ImportFailure::WrongDiffId {
            expected,
            found: passed.diff_id,
        });
    }
    Ok(())
}

/// Writes the index beside the tar and makes it durable.
fn write_index(
    index: IndexBuilder,
    passed: &Passed,
    tar: &File,
    path: &Path,
) -> Result<LayerRecord, ImportFailure> {
    let names = index.names();
    let (summary, index_digest) = write_durably(path, |out| -> Result<_, ImportFailure> {
        Ok(index.write(tar, passed.size, out)?)
    })?;
    Ok(LayerRecord {
        diff_id: passed.diff_id,
        size: passed.size,
        index_size: summary.bytes,
        index_digest,
        entries: summary.entries,
        whiteouts: summary.whiteouts,
        unresolved_links: summary.unresolved_links,
        dialect: summary.dialect,
        names,
        created: store::now(),
    })
}

impl From<IndexError> for ImportFailure {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Entry(error) => error.into(),
            IndexError::Write(error) => Self::Index(error),
        }
    }
}

impl From<BuildError> for ImportFailure {
    fn from(error: BuildError) -> Self {
        Self::Entry(Box::new(error))
    }
}

impl ImportFailure {
    fn from_pass(error: PassError<Self>) -> Self {
        match error {
            PassError::Source(source) => Self::Source(source),
            PassError::Decode(compression, source) => Self::Decode {
                compression: compression.as_str(),
                source,
            },
            PassError::File(error) => Self::File(error),
            PassError::Sink(failure) => failure,
        }
    }
}
