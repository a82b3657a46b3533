//! The image of the tests, and stores to pull it into.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use transom_oci::{Format, LoadOptions, Loaded, NoProgress, SaveImage, load, save};
use transom_registry::{Options, PullOptions, RegistryError, Retries, pull};
use transom_sealed::{ImageRecord, Store};

use crate::server::Server;

/// The blobs of an image, by digest.
#[derive(Clone)]
pub(crate) struct Image {
    pub(crate) blobs: HashMap<String, Vec<u8>>,
    /// The manifest's digest.
    pub(crate) root: String,
}

impl Image {
    /// The bundled image.
    pub(crate) fn sample() -> Self {
        let home = Home::new();
        let record = home.load_sample();
        Self::of(&home.store, &record)
    }

    /// An image of a store, as it is saved.
    pub(crate) fn of(store: &Store, record: &ImageRecord) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("layout");
        let image = SaveImage {
            record,
            names: Vec::new(),
        };
        save(store, &[image], &path, Format::OciDir, &NoProgress).unwrap();
        let mut blobs = HashMap::new();
        for entry in fs::read_dir(path.join("blobs/sha256")).unwrap() {
            let entry = entry.unwrap();
            let name = format!("sha256:{}", entry.file_name().to_str().unwrap());
            blobs.insert(name, fs::read(entry.path()).unwrap());
        }
        Self {
            blobs,
            root: record.manifest.to_string(),
        }
    }

    pub(crate) fn blob(&self, digest: &str) -> &[u8] {
        &self.blobs[digest]
    }

    pub(crate) fn manifest(&self) -> Value {
        serde_json::from_slice(self.blob(&self.root)).unwrap()
    }

    /// The digests of the layers, base first.
    pub(crate) fn layers(&self) -> Vec<String> {
        let manifest = self.manifest();
        let layers = manifest["layers"].as_array().unwrap();
        layers
            .iter()
            .map(|layer| layer["digest"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Puts another manifest in the place of its own.
    pub(crate) fn with_manifest(mut self, manifest: &Value) -> Self {
        let bytes = manifest.to_string().into_bytes();
        self.root = transom_layer::Digest::of(&bytes).to_string();
        self.blobs.insert(self.root.clone(), bytes);
        self
    }
}

/// A store.
pub(crate) struct Home {
    folder: TempDir,
    pub(crate) store: Store,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        Self { folder, store }
    }

    pub(crate) fn root(&self) -> std::path::PathBuf {
        self.folder.path().join("store")
    }

    pub(crate) fn load_sample(&self) -> ImageRecord {
        let archive = self.folder.path().join("sample.tar");
        fs::write(&archive, transom_sample::sample_image().unwrap()).unwrap();
        let loaded = load(&self.store, &archive, &LoadOptions::default(), &NoProgress).unwrap();
        loaded[0].record.clone()
    }

    /// Pulls the server's image.
    pub(crate) fn pull(&self, server: &Server) -> Result<Vec<Loaded>, RegistryError> {
        pull(&self.store, &server.name(), &self.options(), &NoProgress)
    }

    /// Plain HTTP, nobody's credentials, quick retries.
    pub(crate) fn options(&self) -> PullOptions {
        PullOptions {
            registry: reach(self.folder.path()),
            load: LoadOptions::default(),
        }
    }

    /// Writes Docker's configuration.
    pub(crate) fn write_docker_config(&self, config: &Value) {
        fs::write(self.folder.path().join("config.json"), config.to_string()).unwrap();
    }

    /// Fails unless the store is as a new one: no image, no layer, no blob, nothing staged.
    pub(crate) fn assert_empty(&self) {
        assert_eq!(self.store.images().unwrap(), []);
        assert_eq!(self.store.layers().unwrap(), []);
        for folder in ["layers", "blobs", "staging", "trash"] {
            let left: Vec<_> = fs::read_dir(self.root().join(folder)).unwrap().collect();
            assert!(left.is_empty(), "{folder}: {left:?}");
        }
    }
}

/// Plain HTTP, nobody's credentials, quick retries.
pub(crate) fn reach(docker_config: &Path) -> Options {
    Options {
        plain_http: true,
        docker_config: Some(docker_config.to_owned()),
        retries: Retries {
            count: 3,
            delay: Duration::from_millis(1),
        },
        ..Options::default()
    }
}

/// The error and all its causes in one text.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text += &format!("; {next}");
        cause = next.source();
    }
    text
}
