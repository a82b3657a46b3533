//! Imports the layers of all planned images, each once, several at a time.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use transom_layer::{BlobDigest, Names};
use transom_sealed::{BlobRecord, Compression, LayerRequest, Session, Store};

use super::plan::{PlannedImage, PlannedLayer, missing_entry};
use super::{LoadError, LoadOptions, LoadedLayer, names_rule};
use crate::progress::Progress;
use crate::source::{Piece, Source};

/// Where a layer is read from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum LayerKey {
    /// A blob of a layout.
    Blob(BlobDigest),
    /// An entry of a docker-archive.
    Entry(String),
}

/// A layer to bring into the store.
#[derive(Debug)]
struct Job<'a> {
    layer: &'a PlannedLayer,
    label: String,
    names: Names,
    /// What the store knows of it already; then it need not be read.
    known: Option<BlobRecord>,
}

/// Imports every layer of `images` that the store does not have.
pub(super) fn import(
    store: &Store,
    session: &Session<'_>,
    source: &Source<'_>,
    images: &[PlannedImage],
    options: &LoadOptions,
    progress: &dyn Progress,
) -> Result<HashMap<LayerKey, LoadedLayer>, LoadError> {
    let jobs = jobs(session, source, images, options)?;
    let done = Mutex::new(HashMap::new());
    let first_error = Mutex::new(None);
    let stop = AtomicBool::new(false);
    let next = AtomicUsize::new(0);
    let work = || {
        while !stop.load(Ordering::Relaxed)
            && let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed))
        {
            match import_one(store, session, source, job, options, &stop, progress) {
                Ok(layer) => {
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    done.insert(job.layer.key.clone(), layer);
                }
                Err(error) => {
                    // Those that come later were only stopped.
                    let mut first = first_error.lock().unwrap_or_else(PoisonError::into_inner);
                    first.get_or_insert(error);
                    stop.store(true, Ordering::Relaxed);
                }
            }
        }
    };
    let threads = match options.jobs {
        0 => thread::available_parallelism().map_or(1, usize::from),
        wanted => wanted,
    };
    thread::scope(|scope| {
        for _ in 0..threads.min(jobs.len()) {
            scope.spawn(work);
        }
    });
    match first_error
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
    {
        Some(error) => Err(error),
        None => Ok(done.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

/// Returns what became of an image's layers, base first.
pub(super) fn of_image(
    image: &PlannedImage,
    layers: &HashMap<LayerKey, LoadedLayer>,
) -> Result<Vec<LoadedLayer>, LoadError> {
    let layers = image.layers.iter().map(|layer| {
        let missing = || LoadError::MissingLayer {
            name: layer.diff_id.to_string(),
        };
        layers.get(&layer.key).copied().ok_or_else(missing)
    });
    layers.collect()
}

/// Lists the layers, each once, and makes sure that each can be had as its descriptor says.
fn jobs<'a>(
    session: &Session<'_>,
    source: &Source<'_>,
    images: &'a [PlannedImage],
    options: &LoadOptions,
) -> Result<Vec<Job<'a>>, LoadError> {
    let mut jobs: Vec<Job<'a>> = Vec::new();
    let mut seen: HashMap<&LayerKey, usize> = HashMap::new();
    for image in images {
        let count = image.layers.len();
        for (position, layer) in image.layers.iter().enumerate() {
            if let Some(known) = seen.get(&layer.key).and_then(|place| jobs.get(*place)) {
                check_same(layer, known.layer)?;
                continue;
            }
            seen.insert(&layer.key, jobs.len());
            let what = match &layer.key {
                LayerKey::Blob(digest) => digest.to_string(),
                LayerKey::Entry(name) => format!("{name:?}"),
            };
            jobs.push(Job {
                layer,
                label: format!("{} of {count} ({what})", position + 1),
                names: names_rule(&image.platform.os),
                known: known(session, source, layer, options)?,
            });
        }
    }
    Ok(jobs)
}

/// Refuses that one blob is to be two layers.
fn check_same(layer: &PlannedLayer, known: &PlannedLayer) -> Result<(), LoadError> {
    let blob = match &layer.key {
        LayerKey::Blob(digest) => *digest,
        LayerKey::Entry(_) => BlobDigest(known.diff_id.0),
    };
    if layer.diff_id != known.diff_id {
        return Err(LoadError::LayerConflict {
            blob,
            expected: known.diff_id,
            found: layer.diff_id,
        });
    }
    match (layer.blob_size, known.blob_size) {
        (Some(found), Some(expected)) if found != expected => Err(LoadError::LayerSize {
            digest: blob,
            expected: found,
            found: expected,
        }),
        _ => Ok(()),
    }
}

/// Tells whether the store has all of a blob already. If it has not, the source must have it.
fn known(
    session: &Session<'_>,
    source: &Source<'_>,
    layer: &PlannedLayer,
    options: &LoadOptions,
) -> Result<Option<BlobRecord>, LoadError> {
    let LayerKey::Blob(digest) = layer.key else {
        // The store knows the plain tar by its own digest.
        return Ok(session.known_blob(BlobDigest(layer.diff_id.0))?);
    };
    let check_size = |found: u64| match layer.blob_size {
        Some(expected) if expected != found => Err(LoadError::LayerSize {
            digest,
            expected,
            found,
        }),
        _ => Ok(()),
    };
    let in_source = source.blob(&layer.descriptor(digest))?;
    if let Some(piece) = &in_source {
        check_size(piece.len())?;
    }
    let known = session.known_blob(digest)?;
    if let Some(known) = &known {
        check_size(known.size)?;
        if known.diff_id != layer.diff_id {
            return Err(LoadError::LayerConflict {
                blob: digest,
                expected: known.diff_id,
                found: layer.diff_id,
            });
        }
    }
    match (known, in_source, &layer.foreign_urls) {
        (Some(known), None, _) => Ok(Some(known)),
        // What would have to be fetched is not fetched for its compressed form alone.
        (Some(known), Some(_), _) if source.root().is_some() => Ok(Some(known)),
        // Read again only for bytes that are to be kept and are not.
        (Some(known), Some(_), _) => {
            let is_kept = known.kept || known.compression == Compression::None;
            Ok((is_kept || !options.keep_blobs).then_some(known))
        }
        (None, Some(_), _) => Ok(None),
        (None, None, Some(urls)) => Err(LoadError::ForeignLayer {
            digest,
            size: layer.blob_size.unwrap_or_default(),
            urls: urls.clone(),
        }),
        (None, None, None) => Err(LoadError::MissingLayer {
            name: digest.to_string(),
        }),
    }
}

fn import_one(
    store: &Store,
    session: &Session<'_>,
    source: &Source<'_>,
    job: &Job<'_>,
    options: &LoadOptions,
    stop: &AtomicBool,
    progress: &dyn Progress,
) -> Result<LoadedLayer, LoadError> {
    if let Some(known) = &job.known {
        return already_there(store, known);
    }
    // What others are fetching is waited for, not fetched twice.
    let _turn = match &job.layer.key {
        LayerKey::Blob(digest) if source.root().is_some() => {
            let turn = session.turn(*digest)?;
            if let Some(known) = known(session, source, job.layer, options)? {
                return already_there(store, &known);
            }
            Some(turn)
        }
        _ => None,
    };
    let (piece, blob) = match &job.layer.key {
        LayerKey::Blob(digest) => {
            let missing = || LoadError::MissingLayer {
                name: digest.to_string(),
            };
            let found = source.blob(&job.layer.descriptor(*digest))?;
            (found.ok_or_else(missing)?, Some(*digest))
        }
        LayerKey::Entry(name) => (source.find(name)?.ok_or_else(|| missing_entry(name))?, None),
    };
    let request = LayerRequest {
        label: &job.label,
        blob,
        blob_size: job.layer.blob_size,
        diff_id: Some(job.layer.diff_id),
        names: Some(job.names),
        // What an archive of Docker's holds compressed is named by no manifest.
        keep_blob: options.keep_blobs && blob.is_some(),
    };
    let watch = progress.layer_started(&job.layer.diff_id.0.short(), Some(piece.len()));
    let reader = Stoppable { piece, stop };
    let imported = session.import_layer(reader, &request, &|bytes| watch.advance(bytes))?;
    Ok(LoadedLayer {
        diff_id: imported.diff_id,
        already_there: imported.already_there,
        blob_size: if blob.is_some() {
            imported.blob_size
        } else {
            imported.size
        },
        size: imported.size,
    })
}

/// Tells of a layer that need not be read.
fn already_there(store: &Store, known: &BlobRecord) -> Result<LoadedLayer, LoadError> {
    Ok(LoadedLayer {
        diff_id: known.diff_id,
        already_there: true,
        blob_size: known.size,
        size: store.layer(known.diff_id)?.size,
    })
}

/// Fails as soon as another layer has failed.
struct Stoppable<'a> {
    piece: Piece<'a>,
    stop: &'a AtomicBool,
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("stopped because another layer failed"));
        }
        self.piece.read(buffer)
    }
}
