//! What is in the files, against their digests. No lock is held.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use transom_erofs::Image;
use transom_layer::{BlobDigest, ChainId, DiffId};

use super::places::{Doubtful, entries};
use super::{CheckOptions, Counted, Finding, Problem};
use crate::catalog::{self, BlobRecord, LayerRecord};
use crate::chain::{chain_of_file, stacking_of_file};
use crate::durable;
use crate::index::IndexSummary;
use crate::maintain::{OF_ANOTHER_VERSION, file_digest, index_again, index_digest};
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
            if (options.full || doubtful.layers.contains(&layer.diff_id))
                && self.layout.layer(layer.diff_id).exists()
            {
                let found = self.check_layer(&layer, options);
                // It may have been removed while it was read.
                if self.is_unchanged(&layer)? {
                    findings.extend(found);
                }
            }
        }
        for blob in self.blobs()?.into_iter().filter(|blob| blob.kept) {
            if options.full || doubtful.blobs.contains(&blob.digest) {
                let found = self.check_blob(&blob, options);
                let now = self.catalog.read(|tx| catalog::blob(tx, blob.digest))?;
                if now.is_some_and(|now| now == blob) {
                    findings.extend(found);
                }
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

    fn is_unchanged(&self, layer: &LayerRecord) -> Result<bool, StoreError> {
        let now = self.catalog.read(|tx| catalog::layer(tx, layer.diff_id))?;
        Ok(now.is_some_and(|now| now == *layer))
    }

    fn check_layer(&self, layer: &LayerRecord, options: &CheckOptions<'_>) -> Vec<Finding> {
        let id = layer.diff_id;
        let (tar, index) = (self.layout.tar(id), self.layout.index(id));
        let at = |path: &Path, problem| Finding {
            place: self.layout.below_root(path),
            problem,
            bytes: space::allocated(path),
        };
        match file_digest(&tar, options.progress) {
            Ok(found) if found.0 == id.0 => {}
            Ok(found) => {
                let reason = format!("its digest is {}", DiffId(found.0));
                return vec![at(&tar, Problem::TarDamaged { layer: id, reason })];
            }
            Err(error) => {
                let reason = error.to_string();
                return vec![at(&tar, Problem::TarDamaged { layer: id, reason })];
            }
        }
        let mut findings = Vec::new();
        let reason = match index_digest(&index) {
            Ok(found) if found == layer.index_digest => None,
            Ok(found) => Some(format!("its digest is {found}")),
            Err(error) => Some(error.to_string()),
        };
        let is_index_whole = reason.is_none();
        if let Some(reason) = reason {
            findings.push(at(&index, Problem::IndexDamaged { layer: id, reason }));
        }
        let again = match options.full {
            true => self.index_of(layer),
            false => None,
        };
        let mut counts = vec![("size", layer.size, length(&tar))];
        if is_index_whole {
            counts.push(("size of the index", layer.index_size, length(&index)));
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
            findings.push(at(&index, Problem::IndexDamaged { layer: id, reason }));
        }
        findings
    }

    /// The index that a layer's tar gives now; none if it gives none.
    fn index_of(&self, layer: &LayerRecord) -> Option<(IndexSummary, BlobDigest)> {
        let tar = durable::open_file(&self.layout.tar(layer.diff_id)).ok()?;
        let size = tar.metadata().ok()?.len();
        index_again(&tar, size, layer.names).ok()
    }

    fn check_blob(&self, blob: &BlobRecord, options: &CheckOptions<'_>) -> Option<Finding> {
        let path = self.layout.blob(blob.digest);
        let bytes = space::allocated(&path);
        let damaged = |reason| Problem::BlobDamaged {
            layer: blob.diff_id,
            blob: blob.digest,
            reason,
        };
        let length = length(&path);
        let problem = match file_digest(&path, options.progress) {
            Ok(found) if found == blob.digest && length == blob.size => return None,
            Ok(found) if found == blob.digest => Problem::WrongCount {
                of: Counted::Blob(blob.digest),
                what: "size",
                recorded: blob.size,
                found: length,
            },
            Ok(found) => damaged(format!("its digest is {found}")),
            Err(error) => damaged(error.to_string()),
        };
        Some(Finding {
            place: self.layout.below_root(&path),
            problem,
            bytes,
        })
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

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}
