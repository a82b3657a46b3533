//! OCI layouts of layers that lie elsewhere.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::files;

/// A layer's file, and what a manifest says of it.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    path: PathBuf,
    media_type: &'static str,
    digest: String,
    size: u64,
    diff_id: String,
}

impl Blob {
    /// Reads a layer's file, and its tar, for their digests.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub(crate) fn of(path: &Path, tar: &Path) -> Result<Self> {
        let diff_id = digest_of(tar)?;
        let media_type = match path.extension().and_then(|ending| ending.to_str()) {
            Some("gz") => "application/vnd.oci.image.layer.v1.tar+gzip",
            Some("zst") => "application/vnd.oci.image.layer.v1.tar+zstd",
            _ => "application/vnd.oci.image.layer.v1.tar",
        };
        Ok(Self {
            digest: match path == tar {
                true => diff_id.clone(),
                false => digest_of(path)?,
            },
            size: fs::metadata(path)?.len(),
            path: path.to_owned(),
            media_type,
            diff_id,
        })
    }
}

fn digest_of(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut hash = Sha256::new();
    files::pump(&mut file, |bytes| {
        hash.update(bytes);
        Ok(())
    })?;
    Ok(hex::encode(hash.finalize()))
}

/// A layout that grows.
#[derive(Debug)]
pub(crate) struct Layout {
    folder: PathBuf,
    manifests: Vec<Value>,
}

impl Layout {
    /// Makes an empty layout.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder.join("blobs/sha256"))?;
        fs::write(
            folder.join("oci-layout"),
            r#"{"imageLayoutVersion":"1.0.0"}"#,
        )?;
        Ok(Self {
            folder: folder.to_owned(),
            manifests: Vec::new(),
        })
    }

    /// Makes a layout of one image.
    ///
    /// # Errors
    /// If a file cannot be made.
    pub(crate) fn of(folder: &Path, name: &str, layers: &[Blob]) -> Result<Self> {
        let mut layout = Self::new(folder)?;
        layout.add(name, layers)?;
        layout.finish()?;
        Ok(layout)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// Digest of the manifest of its first image.
    pub(crate) fn manifest(&self) -> &str {
        let first = self.manifests.first();
        first
            .and_then(|manifest| manifest["digest"].as_str())
            .unwrap_or_default()
    }

    /// Adds an image of these layers, base first.
    ///
    /// # Errors
    /// If a file cannot be made.
    pub(crate) fn add(&mut self, name: &str, layers: &[Blob]) -> Result<()> {
        for layer in layers {
            let target = self.folder.join("blobs/sha256").join(&layer.digest);
            if !target.exists() && fs::hard_link(&layer.path, &target).is_err() {
                fs::copy(&layer.path, &target)?;
            }
        }
        let diff_ids = layers
            .iter()
            .map(|layer| format!("sha256:{}", layer.diff_id));
        let config = json!({
            "architecture": "amd64",
            "os": "windows",
            "os.version": "10.0.20348.2227",
            // So that images of the same layers are different ones.
            "author": name,
            "rootfs": { "type": "layers", "diff_ids": diff_ids.collect::<Vec<_>>() },
        });
        let config = self.document("application/vnd.oci.image.config.v1+json", &config)?;
        let layers = layers.iter().map(|layer| {
            json!({
                "mediaType": layer.media_type,
                "digest": format!("sha256:{}", layer.digest),
                "size": layer.size,
            })
        });
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": config,
            "layers": layers.collect::<Vec<_>>(),
        });
        let mut manifest = self.document(media_type, &manifest)?;
        manifest["platform"] = json!({ "os": "windows", "architecture": "amd64" });
        manifest["annotations"] = json!({
            "io.containerd.image.name": name,
            "org.opencontainers.image.ref.name": name,
        });
        self.manifests.push(manifest);
        Ok(())
    }

    /// Writes the list of its images.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn finish(&self) -> Result<()> {
        let index = json!({ "schemaVersion": 2, "manifests": self.manifests });
        Ok(fs::write(
            self.folder.join("index.json"),
            index.to_string(),
        )?)
    }

    fn document(&self, media_type: &str, value: &Value) -> Result<Value> {
        let text = value.to_string();
        let digest = hex::encode(Sha256::digest(&text));
        fs::write(self.folder.join("blobs/sha256").join(&digest), &text)?;
        Ok(json!({
            "mediaType": media_type,
            "digest": format!("sha256:{digest}"),
            "size": text.len(),
        }))
    }
}
