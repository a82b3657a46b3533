//! Builds images, layouts and archives in memory.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use transom_layer::Digest;
use transom_layertar::{EntryKind, Header, Writer};
use transom_oci::{LoadError, LoadOptions, Loaded, NoProgress};
use transom_sealed::Store;

/// A store in a temporary folder, and room beside it.
pub(crate) struct Home {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) store: Store,
}

impl Home {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("store")).unwrap();
        Self { dir, store }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn load(&self, path: &Path) -> Result<Vec<Loaded>, LoadError> {
        self.load_with(path, &LoadOptions::default())
    }

    pub(crate) fn load_with(
        &self,
        path: &Path,
        options: &LoadOptions,
    ) -> Result<Vec<Loaded>, LoadError> {
        transom_oci::load(&self.store, path, options, &NoProgress)
    }

    /// Asserts that the store has nothing that an image would need, and nothing half done.
    pub(crate) fn assert_empty(&self, why: &str) {
        assert_eq!(self.store.images().unwrap(), [], "{why}");
        assert_eq!(self.store.layers().unwrap(), [], "{why}");
        for folder in ["staging", "layers", "blobs", "trash"] {
            let left = self
                .dir
                .path()
                .join("store")
                .join(folder)
                .read_dir()
                .unwrap()
                .count();
            assert_eq!(left, 0, "{folder}: {why}");
        }
    }
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

fn hex(bytes: &[u8]) -> String {
    Digest::of(bytes).hex()
}

/// What an entry of a test archive is.
#[derive(Clone)]
pub(crate) enum What {
    File(Vec<u8>),
    Symlink(String),
    Folder,
}

pub(crate) fn tar(entries: &[(String, What)]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (name, what) in entries {
        let mut header = Header::new(EntryKind::File, name.as_bytes());
        header.mode = 0o644;
        match what {
            What::File(bytes) => header.size = bytes.len() as u64,
            What::Symlink(target) => {
                header.kind = EntryKind::Symlink;
                header.link_name = target.as_bytes().to_vec();
            }
            What::Folder => header.kind = EntryKind::Directory,
        }
        writer.append(&header).unwrap();
        if let What::File(bytes) = what {
            writer.write_all(bytes).unwrap();
        }
    }
    writer.finish().unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// A layer: its tar, and the blob and media type by which a manifest names it.
#[derive(Clone)]
pub(crate) struct Layer {
    pub(crate) tar: Vec<u8>,
    pub(crate) blob: Vec<u8>,
    pub(crate) media_type: &'static str,
}

/// The tar of a Windows layer with one file of about `size` bytes.
pub(crate) fn layer_tar(name: &str, size: usize) -> Vec<u8> {
    let content: Vec<u8> = format!("{name} ")
        .into_bytes()
        .into_iter()
        .cycle()
        .take(size)
        .collect();
    tar(&[
        ("Files".to_owned(), What::Folder),
        (format!("Files/{name}.txt"), What::File(content)),
    ])
}

pub(crate) fn plain(name: &str) -> Layer {
    let tar = layer_tar(name, 5000);
    let blob = tar.clone();
    Layer {
        tar,
        blob,
        media_type: "application/vnd.oci.image.layer.v1.tar",
    }
}

pub(crate) fn gzipped(name: &str) -> Layer {
    let tar = layer_tar(name, 5000);
    let blob = gzip(&tar);
    Layer {
        tar,
        blob,
        media_type: "application/vnd.docker.image.rootfs.diff.tar.gzip",
    }
}

pub(crate) fn many_members(name: &str) -> Layer {
    let tar = layer_tar(name, 5000);
    let (first, second) = tar.split_at(1234);
    let blob = [gzip(first), gzip(second)].concat();
    Layer {
        tar,
        blob,
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip",
    }
}

pub(crate) fn zstandard(name: &str) -> Layer {
    let tar = layer_tar(name, 5000);
    let blob = zstd(&tar);
    Layer {
        tar,
        blob,
        media_type: "application/vnd.oci.image.layer.v1.tar+zstd",
    }
}

/// An image of four layers, each in another form.
pub(crate) fn every_form() -> Image {
    image(
        "10.0.20348.2227",
        &[plain("a"), gzipped("b"), many_members("c"), zstandard("d")],
    )
}

/// The documents and blobs of an image.
#[derive(Clone)]
pub(crate) struct Image {
    pub(crate) os: &'static str,
    pub(crate) architecture: &'static str,
    pub(crate) version: String,
    pub(crate) config: Vec<u8>,
    pub(crate) manifest: Vec<u8>,
    pub(crate) layers: Vec<Layer>,
}

pub(crate) fn config_json(os: &str, version: &str, diff_ids: &[String]) -> Value {
    json!({
        "architecture": "amd64",
        "os": os,
        "os.version": version,
        "config": {},
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    })
}

pub(crate) fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": digest(bytes), "size": bytes.len() })
}

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

pub(crate) fn manifest_json(config: &[u8], layers: &[Layer]) -> Value {
    let layers: Vec<Value> = layers
        .iter()
        .map(|layer| descriptor(layer.media_type, &layer.blob))
        .collect();
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(CONFIG, config),
        "layers": layers,
    })
}

pub(crate) fn image(version: &str, layers: &[Layer]) -> Image {
    image_for("windows", version, layers)
}

pub(crate) fn image_for(os: &'static str, version: &str, layers: &[Layer]) -> Image {
    let diff_ids: Vec<String> = layers.iter().map(|layer| digest(&layer.tar)).collect();
    image_of(os, version, config_json(os, version, &diff_ids), layers)
}

/// An image with this config; the manifest is laid out as people write it, with white space.
pub(crate) fn image_of(os: &'static str, version: &str, config: Value, layers: &[Layer]) -> Image {
    let config = config.to_string().into_bytes();
    let manifest = serde_json::to_vec_pretty(&manifest_json(&config, layers)).unwrap();
    Image {
        os,
        architecture: "amd64",
        version: version.to_owned(),
        config,
        manifest,
        layers: layers.to_vec(),
    }
}

/// An OCI layout in memory.
#[derive(Clone, Default)]
pub(crate) struct Layout {
    /// Blobs by hexadecimal digest.
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
    /// Entries of `index.json`.
    pub(crate) entries: Vec<Value>,
    /// More files.
    pub(crate) extra: Vec<(String, Vec<u8>)>,
}

impl Layout {
    /// A layout of one image with one name.
    pub(crate) fn of(image: &Image, name: &str) -> Self {
        let mut layout = Self::default();
        layout.add(image, Some(name));
        layout
    }

    pub(crate) fn add_blob(&mut self, bytes: &[u8]) {
        self.blobs.insert(hex(bytes), bytes.to_vec());
    }

    /// Adds an image's blobs and returns its descriptor.
    pub(crate) fn add_blobs(&mut self, image: &Image) -> Value {
        self.add_blob(&image.config);
        self.add_blob(&image.manifest);
        for layer in &image.layers {
            self.add_blob(&layer.blob);
        }
        descriptor(MANIFEST, &image.manifest)
    }

    pub(crate) fn add(&mut self, image: &Image, name: Option<&str>) {
        let mut entry = self.add_blobs(image);
        if let Some(name) = name {
            entry["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
        }
        self.entries.push(entry);
    }

    pub(crate) fn index(&self) -> Value {
        json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": self.entries })
    }

    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = vec![
            (
                "oci-layout".to_owned(),
                br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec(),
            ),
            (
                "index.json".to_owned(),
                self.index().to_string().into_bytes(),
            ),
        ];
        for (hex, bytes) in &self.blobs {
            files.push((format!("blobs/sha256/{hex}"), bytes.clone()));
        }
        files.extend(self.extra.iter().cloned());
        files
    }

    pub(crate) fn tar(&self) -> Vec<u8> {
        files_tar(&self.files())
    }

    pub(crate) fn write_folder(&self, path: &Path) {
        for (name, bytes) in self.files() {
            let file = path.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, bytes).unwrap();
        }
    }
}

pub(crate) fn files_tar(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let entries: Vec<_> = files
        .iter()
        .map(|(name, bytes)| (name.clone(), What::File(bytes.clone())))
        .collect();
    tar(&entries)
}

/// Returns the folder of real documents, or says that it is not there.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn fixtures() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/fixtures");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: fixtures not present");
    None
}
