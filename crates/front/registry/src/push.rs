//! Pushing: what `transom_oci` hands out goes into a repository, layers first, names last.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use reqwest::Method;
use transom_layer::{BlobDigest, Digest};
use transom_oci::{Outgoing, OutgoingLayer, Progress, SavedImage, index_of};
use transom_sealed::{ImageRecord, Session, Store};

use crate::client::{Registry, expect};
use crate::error::RegistryError;
use crate::http::{Http, Payload, Request};
use crate::name::ImageName;
use crate::options::Options;
use crate::place;
use crate::upload::{Arrival, Blob, Source, bring};

/// How to push.
#[derive(Debug, Clone, Default)]
pub struct PushOptions {
    /// How the registry is reached; mirrors are not pushed to.
    pub registry: Options,
    /// Push layers that are not distributed with images as ordinary ones; the manifest changes.
    pub push_foreign: bool,
    /// Repositories of the same registry that may have layers: they are asked before layers are sent.
    pub mount_from: Vec<String>,
    /// How many layers are sent at once; 0 for 3.
    pub jobs: usize,
}

/// What was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushReport {
    /// What the name leads to now: a manifest, or an index of several.
    pub digest: BlobDigest,
    /// The images.
    pub images: Vec<SavedImage>,
    /// Blobs that were sent.
    pub uploaded: usize,
    /// Blobs that the registry took from others of its repositories.
    pub mounted: usize,
    /// Blobs that were there.
    pub already_there: usize,
    /// Layers that were left out, as they are not distributed with images.
    pub foreign: Vec<BlobDigest>,
}

/// Layers sent at once if nothing else is asked for.
const JOBS: usize = 3;
/// Most repositories that one layer is looked for in.
const MAX_SIBLINGS: usize = 3;

/// Pushes an image, or several as one index, under a name. Layers go out byte for byte as they came
/// where the store has kept them.
///
/// # Errors
/// [`RegistryError`]; blobs that were sent stay in the registry until it collects them, and the name
/// leads where it led before.
pub fn push(
    store: &Store,
    images: &[ImageRecord],
    target: &ImageName,
    options: &PushOptions,
    progress: &dyn Progress,
) -> Result<PushReport, RegistryError> {
    if target.digest.is_some() {
        return Err(RegistryError::Name {
            text: target.to_string(),
            rule: "an image is pushed under a tag, its digest is its own",
        });
    }
    // The session owns the scratch files.
    let session = store.session()?;
    let outgoing = prepare(store, &session, images, options, progress)?;
    let siblings = Siblings::find(store, target, &options.mount_from)?;
    let registry = place::registry(
        &Arc::new(Http::default()),
        &target.host,
        &target.repository,
        siblings.scopes(target),
        &options.registry,
    )?;
    let mut report = bring_all(&registry, &outgoing, &siblings, options, progress)?;
    match outgoing.as_slice() {
        [image] => put(&registry, &target.tag, image.manifest(), image.media_type())?,
        images => {
            for image in images {
                let digest = digest_of(image.manifest()).to_string();
                put(&registry, &digest, image.manifest(), image.media_type())?;
            }
            let (index, media_type) = index_of(images);
            report.digest = digest_of(&index);
            put(&registry, &target.tag, &index, media_type)?;
        }
    }
    Ok(report)
}

fn prepare<'a>(
    store: &'a Store,
    session: &'a Session<'a>,
    images: &[ImageRecord],
    options: &PushOptions,
    progress: &'a dyn Progress,
) -> Result<Vec<Outgoing<'a>>, RegistryError> {
    if images.is_empty() {
        return Err(transom_oci::SaveError::Nothing.into());
    }
    let outgoing = images
        .iter()
        .map(|image| Outgoing::prepare(store, session, image, options.push_foreign, progress));
    Ok(outgoing.collect::<Result<_, _>>()?)
}

/// Other repositories of the registry, and which blobs they may have.
#[derive(Debug)]
struct Siblings {
    given: Vec<String>,
    /// Repository and blobs of images that the store knows by a name in the registry.
    known: Vec<(String, Vec<BlobDigest>)>,
}

impl Siblings {
    fn find(store: &Store, target: &ImageName, given: &[String]) -> Result<Self, RegistryError> {
        let mut known = Vec::new();
        for image in store.images()? {
            let names = image.names.iter().filter_map(|name| name.parse().ok());
            for name in names.filter(|name: &ImageName| name.host == target.host) {
                if name.repository != target.repository {
                    let blobs = image.layers.iter().map(|layer| layer.blob);
                    let blobs = blobs.chain([image.config]).collect();
                    known.push((name.repository, blobs));
                }
            }
        }
        Ok(Self {
            given: given.to_vec(),
            known,
        })
    }

    /// Lists the repositories that may have a blob: those that were given first.
    fn of(&self, blob: BlobDigest) -> Vec<String> {
        let known = self.known.iter().filter(|(_, blobs)| blobs.contains(&blob));
        let mut found: Vec<String> = Vec::new();
        for name in self.given.iter().chain(known.map(|(name, _)| name)) {
            if !found.contains(name) {
                found.push(name.clone());
            }
        }
        found.truncate(MAX_SIBLINGS.max(self.given.len()));
        found
    }

    /// What one token must be good for.
    fn scopes(&self, target: &ImageName) -> Vec<String> {
        let mut scopes = vec![format!("repository:{}:pull,push", target.repository)];
        let mut names: Vec<&String> = self.given.iter().collect();
        names.extend(self.known.iter().map(|(name, _)| name).take(MAX_SIBLINGS));
        for name in names {
            let scope = format!("repository:{name}:pull");
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes
    }
}

/// One blob of one image.
enum Job<'a> {
    Config(BlobDigest, &'a [u8]),
    Layer(&'a Outgoing<'a>, OutgoingLayer<'a>, u64),
}

/// Makes sure that the repository has all blobs, several at once.
fn bring_all(
    registry: &Registry,
    images: &[Outgoing<'_>],
    siblings: &Siblings,
    options: &PushOptions,
    progress: &dyn Progress,
) -> Result<PushReport, RegistryError> {
    let (jobs, foreign) = jobs(images);
    let state = Mutex::new((Vec::new(), None));
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = || {
        while !stop.load(Ordering::Relaxed)
            && let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed))
        {
            let result = bring_one(registry, job, siblings, progress);
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            match result {
                Ok(arrival) => state.0.push(arrival),
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    state.1.get_or_insert(error);
                }
            }
        }
    };
    let threads = match options.jobs {
        0 => JOBS,
        wanted => wanted,
    };
    thread::scope(|scope| {
        for _ in 0..threads.min(jobs.len()) {
            scope.spawn(work);
        }
    });
    let (arrivals, error) = state.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = error {
        return Err(error);
    }
    let count = |wanted| arrivals.iter().filter(|one| **one == wanted).count();
    Ok(PushReport {
        digest: images.first().map_or(BlobDigest(Digest::of(b"")), |image| {
            digest_of(image.manifest())
        }),
        images: images.iter().map(|image| image.saved().clone()).collect(),
        uploaded: count(Arrival::Uploaded),
        mounted: count(Arrival::Mounted),
        already_there: count(Arrival::AlreadyThere),
        foreign,
    })
}

/// Lists all blobs, each once, and those that are left out.
fn jobs<'a>(images: &'a [Outgoing<'a>]) -> (Vec<Job<'a>>, Vec<BlobDigest>) {
    let mut jobs = Vec::new();
    let mut seen = Vec::new();
    let mut foreign = Vec::new();
    for image in images {
        for layer in image.layers() {
            if seen.contains(&layer.blob) {
                continue;
            }
            seen.push(layer.blob);
            match layer.size {
                Some(size) => jobs.push(Job::Layer(image, layer, size)),
                None => foreign.push(layer.blob),
            }
        }
        let (digest, bytes) = image.config();
        if !seen.contains(&digest) {
            seen.push(digest);
            jobs.push(Job::Config(digest, bytes));
        }
    }
    (jobs, foreign)
}

fn bring_one(
    registry: &Registry,
    job: &Job<'_>,
    siblings: &Siblings,
    progress: &dyn Progress,
) -> Result<Arrival, RegistryError> {
    match job {
        Job::Config(digest, bytes) => {
            let blob = Blob {
                digest: *digest,
                size: bytes.len() as u64,
                source: Source::Bytes(bytes),
                siblings: siblings.of(*digest),
            };
            bring(registry, &blob, &|| Box::new(transom_oci::NoProgress))
        }
        Job::Layer(image, layer, size) => {
            let open = || {
                let file = image.open(layer)?;
                file.ok_or_else(|| transom_oci::SaveError::Nothing.into())
            };
            let blob = Blob {
                digest: layer.blob,
                size: *size,
                source: Source::File(&open),
                siblings: siblings.of(layer.blob),
            };
            let label = layer.blob.0.short();
            bring(registry, &blob, &|| {
                progress.layer_started(&label, Some(*size))
            })
        }
    }
}

/// Puts a manifest or index under a tag or digest.
fn put(
    registry: &Registry,
    reference: &str,
    bytes: &[u8],
    media_type: &str,
) -> Result<(), RegistryError> {
    let what = format!("put manifest {reference}");
    let url = registry.url(&format!("manifests/{reference}"))?;
    let request = Request::new(&what, Method::PUT, url)
        .header("Content-Type", media_type)
        .payload(Payload::Bytes(bytes));
    expect(&what, registry.call(&request)?, &[200, 201, 202, 204]).map(drop)
}

fn digest_of(bytes: &[u8]) -> BlobDigest {
    BlobDigest(Digest::of(bytes))
}
