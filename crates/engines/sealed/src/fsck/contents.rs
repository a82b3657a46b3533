//! What is in the files, against their digests. No lock is held.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use transom_erofs::Image;
use transom_layer::{BlobDigest, ChainId, DiffId, Names};

use super::places::{Doubtful, entries};
use super::{CheckOptions, Counted, Finding, Problem};
use crate::catalog::{self, BlobRecord, LayerRecord};
use crate::chain::{chain_of_file, stacking_of_file};
use crate::durable::{self, FileError};
use crate::index::IndexSummary;
use crate::maintain::{OF_ANOTHER_VERSION, digest_of_open, file_digest, index_again};
use crate::space;
use crate::store::{Store, StoreError};

impl Store {
    /// Reads what is doubtful, or with `full` everything, and compares it with digests and with what it is made from.
    pub(super) fn check_contents(
        &self,
        doubtful: &Doubtful,
        options: &CheckOptions<'_>,
    ) -> Result<Vec<Finding>, StoreError> {
        let mut findings = Vec::new();
        for layer in self.layers()? {
            if options.full || doubtful.layers.contains(&layer.diff_id) {
                findings.extend(self.check_layer(&layer, options)?);
            }
        }
        for blob in self.blobs()?.into_iter().filter(|blob| blob.kept) {
            if options.full || doubtful.blobs.contains(&blob.digest) {
                findings.extend(self.check_blob(&blob, options)?);
            }
        }
        for image in self.images()? {
            for damage in self.verify_documents(&image)? {
                if let crate::Damage::Document { image, document } = damage {
                    findings.push(Finding {
                        place: self.layout.below_root(&self.layout.catalog()),
                        problem: Problem::Document { image, document },
                        bytes: 0,
                    });
                }
            }
        }
        findings.extend(self.check_chains(options)?);
        Ok(findings)
    }

    /// Checks the files of a layer, unless it was changed, removed or set aside meanwhile.
    pub(super) fn check_layer(
        &self,
        layer: &LayerRecord,
        options: &CheckOptions<'_>,
    ) -> Result<Vec<Finding>, StoreError> {
        let id = layer.diff_id;
        let opened = self.catalog.hold(|tx| -> Result<_, StoreError> {
            let is_there = catalog::layer(tx, id)?.as_ref() == Some(layer);
            Ok((is_there && !self.is_set_aside(id)).then(|| {
                let (tar, index) = (self.layout.tar(id), self.layout.index(id));
                (Opened::at(tar), Opened::at(index))
            }))
        })?;
        Ok(match opened {
            Some((tar, index)) => self.check_files(layer, &tar, &index, options),
            None => Vec::new(),
        })
    }

    fn check_files(
        &self,
        layer: &LayerRecord,
        tar: &Opened,
        index: &Opened,
        options: &CheckOptions<'_>,
    ) -> Vec<Finding> {
        let id = layer.diff_id;
        let at = |path: &Path, problem| Finding {
            place: self.layout.below_root(path),
            problem,
            bytes: space::allocated(path),
        };
        let reason = match tar.digest(options.progress) {
            Ok(found) if found.0 == id.0 => None,
            Ok(found) => Some(format!("its digest is {}", DiffId(found.0))),
            Err(reason) => Some(reason),
        };
        if let Some(reason) = reason {
            return vec![at(&tar.path, Problem::TarDamaged { layer: id, reason })];
        }
        let mut findings = Vec::new();
        let reason = match index.digest(&|_| {}) {
            Ok(found) if found == layer.index_digest => None,
            Ok(found) => Some(format!("its digest is {found}")),
            Err(reason) => Some(reason),
        };
        let is_index_whole = reason.is_none();
        if let Some(reason) = reason {
            let problem = Problem::IndexDamaged { layer: id, reason };
            findings.push(at(&index.path, problem));
        }
        let again = match options.full {
            true => tar.index_again(layer.names),
            false => None,
        };
        let mut counts = vec![("size", layer.size, tar.length())];
        if is_index_whole {
            counts.push(("size of the index", layer.index_size, index.length()));
        }
        if let Some((summary, _)) = &again {
            let links = "number of links to lower layers";
            counts.extend([
                ("number of entries", layer.entries, summary.entries),
                ("number of whiteouts", layer.whiteouts, summary.whiteouts),
                (links, layer.unresolved_links, summary.unresolved_links),
            ]);
        }
        counts.retain(|(_, recorded, found)| recorded != found);
        for (what, recorded, found) in counts {
            let of = Counted::Layer(id);
            let problem = Problem::WrongCount {
                of,
                what,
                recorded,
                found,
            };
            findings.push(at(&self.layout.layer(id), problem));
        }
        if is_index_whole && again.is_some_and(|(_, digest)| digest != layer.index_digest) {
            let reason = OF_ANOTHER_VERSION.to_owned();
            let problem = Problem::IndexDamaged { layer: id, reason };
            findings.push(at(&index.path, problem));
        }
        findings
    }

    /// Checks a kept blob, unless it was removed meanwhile.
    pub(super) fn check_blob(
        &self,
        blob: &BlobRecord,
        options: &CheckOptions<'_>,
    ) -> Result<Option<Finding>, StoreError> {
        let path = self.layout.blob(blob.digest);
        let opened = self.catalog.hold(|tx| -> Result<_, StoreError> {
            let is_there = catalog::blob(tx, blob.digest)?.as_ref() == Some(blob);
            Ok(is_there.then(|| Opened::at(path)))
        })?;
        let Some(file) = opened else {
            return Ok(None);
        };
        let damaged = |reason| Problem::BlobDamaged {
            layer: blob.diff_id,
            blob: blob.digest,
            reason,
        };
        let problem = match file.digest(options.progress) {
            Ok(found) if found == blob.digest && file.length() == blob.size => return Ok(None),
            Ok(found) if found == blob.digest => Problem::WrongCount {
                of: Counted::Blob(blob.digest),
                what: "size",
                recorded: blob.size,
                found: file.length(),
            },
            Ok(found) => damaged(format!("its digest is {found}")),
            Err(reason) => damaged(reason),
        };
        Ok(Some(Finding {
            place: self.layout.below_root(&file.path),
            problem,
            bytes: space::allocated(&file.path),
        }))
    }

    /// Opens merged indexes; with `full` they are also made again and compared.
    fn check_chains(&self, options: &CheckOptions<'_>) -> Result<Vec<Finding>, StoreError> {
        let chains: HashMap<String, Vec<DiffId>> = self
            .catalog
            .read(catalog::all_chains)?
            .into_iter()
            .filter_map(|layers| Some((ChainId::of(&layers)?.0.hex(), layers)))
            .collect();
        let mut findings = Vec::new();
        for (path, name) in entries(&self.layout.chains())? {
            let Some(name) = name else { continue };
            let layers = chain_of_file(&name).and_then(|chain| chains.get(chain));
            let reason = match durable::open_file(&path) {
                // It was deleted meanwhile: a cache.
                Err(error) if error.source.kind() == io::ErrorKind::NotFound => None,
                Err(error) => Some(error.to_string()),
                Ok(file) => match (Image::open(file), layers, stacking_of_file(&name)) {
                    (Err(error), ..) => Some(error.to_string()),
                    (Ok(_), Some(layers), Some(stacking)) if options.full => {
                        self.chain_differs(&path, layers, stacking, options)
                    }
                    _ => None,
                },
            };
            if let Some(reason) = reason
                && chain_of_file(&name).is_some()
            {
                findings.push(Finding {
                    place: self.layout.below_root(&path),
                    problem: Problem::ChainDamaged { reason },
                    bytes: space::allocated(&path),
                });
            }
        }
        Ok(findings)
    }

    /// Says in what a merged index differs from what its layers give now; nothing if they cannot be merged, which is
    /// then found with them.
    fn chain_differs(
        &self,
        path: &Path,
        layers: &[DiffId],
        stacking: crate::Stacking,
        options: &CheckOptions<'_>,
    ) -> Option<String> {
        let found = file_digest(path, options.progress).ok()?;
        let expected = self.digest_of_chain(layers, stacking).ok()?;
        (found != expected).then(|| "it is not what its layers give".to_owned())
    }
}

/// A file of the store, opened while the catalog was held: files come and go under its lock only, so one that was not
/// there then is gone, and what is read is what the row was about, also if it is removed meanwhile.
struct Opened {
    path: PathBuf,
    file: Result<File, FileError>,
}

impl Opened {
    fn at(path: PathBuf) -> Self {
        Self {
            file: durable::open_file(&path),
            path,
        }
    }

    /// Returns its digest, or why it cannot be read.
    fn digest(&self, progress: &(dyn Fn(u64) + Sync)) -> Result<BlobDigest, String> {
        let file = self.file.as_ref().map_err(ToString::to_string)?;
        digest_of_open(file, &self.path, progress).map_err(|error| error.to_string())
    }

    fn length(&self) -> u64 {
        let metadata = self.file.as_ref().map(File::metadata);
        metadata.map_or(0, |metadata| metadata.map_or(0, |metadata| metadata.len()))
    }

    /// The index that it gives now as a tar; none if it gives none.
    fn index_again(&self, names: Names) -> Option<(IndexSummary, BlobDigest)> {
        let mut file = self.file.as_ref().ok()?;
        file.rewind().ok()?;
        index_again(file, self.length(), names).ok()
    }
}
