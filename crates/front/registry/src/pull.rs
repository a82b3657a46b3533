//! Pulling: a registry as one more source of `transom_oci`.

use std::collections::HashMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Url;
use transom_layer::BlobDigest;
use transom_oci::{
    Descriptor, LoadOptions, Loaded, MAX_DOCUMENT, Progress, Remote, is_document, is_image_config,
    load_from, new_name,
};
use transom_sealed::Store;

use crate::client::{Document, Registry};
use crate::error::RegistryError;
use crate::http::{Http, check_step};
use crate::name::ImageName;
use crate::options::Options;
use crate::place;
use crate::reader::{BlobReader, Place};

/// How to pull.
#[derive(Debug, Clone, Default)]
pub struct PullOptions {
    /// How the registry is reached.
    pub registry: Options,
    /// What is loaded, and how; `names` holds at most one, in place of the image's own. `jobs` is how many
    /// layers are fetched at once, 0 for 3.
    pub load: LoadOptions,
}

/// Layers fetched at once if nothing else is asked for: what Docker takes.
const JOBS: usize = 3;

/// Pulls an image into the store: of a list the one for a platform, or all.
///
/// Layers that the store has are not fetched, and neither are those that another thread or process is
/// fetching into the same store: they are waited for. Each goes straight into the store, and nothing
/// refers to any of them until the image is complete.
///
/// # Errors
/// [`RegistryError`]; the store is as it was.
pub fn pull(
    store: &Store,
    name: &ImageName,
    options: &PullOptions,
    progress: &dyn Progress,
) -> Result<Vec<Loaded>, RegistryError> {
    let scopes = vec![format!("repository:{}:pull", name.repository)];
    let http = Arc::new(Http::default());
    let reached = &options.registry;
    let mut places = place::mirrors(&http, &name.host, &name.repository, &scopes, reached)?;
    let registry = place::registry(&http, &name.host, &name.repository, scopes, reached);
    let root = match from_mirrors(&places, name) {
        Some((position, root)) => {
            // Mirrors that do not have the image are not asked for its layers.
            places.drain(..position);
            places.extend(registry);
            root
        }
        None => {
            let registry = registry?;
            let root = registry.document(&name.reference(), name.digest)?;
            places = vec![registry];
            root
        }
    };
    let media_type = root
        .media_type
        .as_ref()
        .map_err(|said| RegistryError::Document {
            name: name.to_string(),
            media_type: said.clone(),
        })?;
    let descriptor = Descriptor {
        media_type: media_type.clone(),
        digest: root.digest,
        size: root.bytes.len() as u64,
        urls: Vec::new(),
        annotations: Vec::new(),
        platform: None,
    };
    let image = RemoteImage {
        http,
        places,
        root,
        configs: Mutex::default(),
    };
    let mut load = options.load.clone();
    if load.jobs == 0 {
        load.jobs = JOBS;
    }
    let own = match (std::mem::take(&mut load.names).pop(), &name.written) {
        (Some(given), _) => Some(new_name(&given)?),
        (None, Some(written)) => Some(new_name(written)?),
        (None, None) => None,
    };
    Ok(load_from(
        store,
        &image,
        descriptor,
        own.as_deref(),
        &load,
        progress,
    )?)
}

/// Asks the mirrors; whatever is wrong with one, the next is asked, and the registry in the end.
fn from_mirrors(mirrors: &[Registry], name: &ImageName) -> Option<(usize, Document)> {
    mirrors.iter().enumerate().find_map(|(position, mirror)| {
        let document = mirror.document(&name.reference(), name.digest).ok()?;
        document.media_type.is_ok().then_some((position, document))
    })
}

/// An image in a registry.
#[derive(Debug)]
struct RemoteImage {
    http: Arc<Http>,
    /// What has the image: mirrors, the registry.
    places: Vec<Registry>,
    /// The document that the name led to.
    root: Document,
    /// Configs that were read: they are looked at for the platform first, and then for all else.
    configs: Mutex<HashMap<BlobDigest, Vec<u8>>>,
}

impl RemoteImage {
    /// Gets a manifest by its digest from the first place that has it.
    fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, RegistryError> {
        let digest = descriptor.digest;
        let mut failure = None;
        for place in &self.places {
            match place.document(&digest.to_string(), Some(digest)) {
                Ok(document) => return Ok(document.bytes),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| RegistryError::Protocol {
            what: format!("get manifest {digest}"),
            place: "the image".to_owned(),
            reason: "no place has it".to_owned(),
        }))
    }

    /// Gets a config, once.
    fn config(&self, descriptor: &Descriptor) -> io::Result<Vec<u8>> {
        let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = configs.get(&descriptor.digest) {
            return Ok(bytes.clone());
        }
        let mut bytes = Vec::new();
        self.blob(descriptor).read_to_end(&mut bytes)?;
        configs.insert(descriptor.digest, bytes.clone());
        Ok(bytes)
    }

    /// Lists where a blob may be had. Layers that are not distributed with images name URLs, and those
    /// come first: registries need not have them.
    fn blob(&self, descriptor: &Descriptor) -> BlobReader<'_> {
        let registry = self.places.iter().map(Place::Registry);
        let urls = descriptor.urls.iter().filter_map(|text| {
            let url = Url::parse(text).ok()?;
            // A registry cannot have us use less than it is reached through.
            let base = self.places.last()?.url("").ok()?;
            check_step(&base, &url).ok()?;
            Some(Place::Url(url))
        });
        let retries = self
            .places
            .first()
            .map(|place| place.retries)
            .unwrap_or_default();
        BlobReader::new(
            &self.http,
            retries,
            descriptor.digest,
            descriptor.size,
            urls.chain(registry).collect(),
        )
    }
}

impl Remote for RemoteImage {
    fn open(&self, descriptor: &Descriptor) -> io::Result<Box<dyn Read + '_>> {
        if descriptor.digest == self.root.digest {
            return Ok(Box::new(Cursor::new(self.root.bytes.as_slice())));
        }
        if is_document(&descriptor.media_type) {
            let bytes = self.document(descriptor).map_err(io::Error::other)?;
            return Ok(Box::new(Cursor::new(bytes)));
        }
        if is_image_config(&descriptor.media_type) && descriptor.size <= MAX_DOCUMENT {
            return Ok(Box::new(Cursor::new(self.config(descriptor)?)));
        }
        Ok(Box::new(self.blob(descriptor)))
    }
}
