//! An image of one layer, as an OCI archive.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::process::{output_of, text_of};

/// Its name.
pub(crate) const NAME: &str = "docker.io/transom/bench:1";

/// Writes the archive below `folder`; returns its path and the digest of the image's manifest.
pub(crate) fn write(folder: &Path, layer: &Path) -> (PathBuf, String) {
    let layout = folder.join("layout");
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let hash = hash_of("sha256sum", layer);
    let size = fs::metadata(layer).unwrap().len();
    fs::copy(layer, blobs.join(&hash)).unwrap();
    let diff_id = hash_of("gzip -dc | sha256sum", layer);
    let config = json!({
        "architecture": "amd64",
        "os": "windows",
        "os.version": "10.0.20348.2227",
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{diff_id}")] },
    });
    let (config, config_size) = add(&blobs, &config);
    let kind = |what: &str| format!("application/vnd.oci.image.{what}");
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": kind("manifest.v1+json"),
        "config": { "mediaType": kind("config.v1+json"), "digest": config, "size": config_size },
        "layers": [{
            "mediaType": kind("layer.v1.tar+gzip"),
            "digest": format!("sha256:{hash}"),
            "size": size,
        }],
    });
    let (manifest, manifest_size) = add(&blobs, &manifest);
    let index = json!({
        "schemaVersion": 2,
        "manifests": [{
            "mediaType": kind("manifest.v1+json"),
            "digest": manifest,
            "size": manifest_size,
            "platform": { "os": "windows", "architecture": "amd64" },
            "annotations": { "io.containerd.image.name": NAME },
        }],
    });
    fs::write(layout.join("index.json"), index.to_string()).unwrap();
    fs::write(
        layout.join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )
    .unwrap();
    let archive = folder.join("image.tar");
    let mut tar = Command::new("tar");
    output_of(tar.arg("-cf").arg(&archive).arg("-C").arg(&layout).arg("."));
    fs::remove_dir_all(&layout).unwrap();
    (archive, manifest)
}

fn hash_of(shell: &str, file: &Path) -> String {
    let file = fs::File::open(file).unwrap();
    let text = text_of(Command::new("sh").args(["-c", shell]).stdin(file));
    text.split(' ').next().unwrap().to_owned()
}

fn add(blobs: &Path, document: &Value) -> (String, usize) {
    let text = document.to_string();
    let path = blobs.join("new");
    fs::write(&path, &text).unwrap();
    let hash = hash_of("sha256sum", &path);
    fs::rename(path, blobs.join(&hash)).unwrap();
    (format!("sha256:{hash}"), text.len())
}
