//! The sample image: three layers, config, manifest and index in an OCI archive.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use transom_layertar::parse::EntryKind;
use transom_layertar::write::{Header, Writer};

use crate::content;

/// The name the image is loaded under.
pub const NAME: &str = "transom/hello:1.0";

const OS_VERSION: &str = "10.0.20348.2227";
/// When the image was made; nothing in it depends on when the generator runs.
const CREATED: &str = "2024-01-09T00:10:00Z";

/// Returns the sample image: an OCI archive, the same bytes whenever and wherever this runs.
///
/// # Errors
/// If one of its parts cannot be represented; then this crate is wrong.
pub fn sample_image() -> Result<Vec<u8>> {
    archive(&parts()?)
}

/// Returns the JSON documents of the image, with names to tell them apart.
pub(crate) fn documents() -> Result<Vec<(String, Vec<u8>)>> {
    let is_document = |(_, bytes): &(String, Vec<u8>)| bytes.starts_with(b"{");
    let short = |name: String| {
        name.rsplit('/')
            .next()
            .unwrap_or_default()
            .chars()
            .take(10)
            .collect()
    };
    Ok(parts()?
        .into_iter()
        .filter(is_document)
        .map(|(name, bytes)| (short(name), bytes))
        .collect())
}

/// Makes the files of the archive.
fn parts() -> Result<BTreeMap<String, Vec<u8>>> {
    let mut blobs = BTreeMap::new();
    let mut keep = |media_type: &str, bytes: Vec<u8>| {
        let hex = hex::encode(Sha256::digest(&bytes));
        let descriptor = json!({
            "mediaType": media_type, "digest": format!("sha256:{hex}"), "size": bytes.len(),
        });
        blobs.insert(format!("blobs/sha256/{hex}"), bytes);
        descriptor
    };

    let mut diff_ids = Vec::new();
    let mut layers = Vec::new();
    for tree in [content::base()?, content::program()?, content::update()?] {
        let tar = tree.write(Vec::new())?;
        diff_ids.push(format!("sha256:{}", hex::encode(Sha256::digest(&tar))));
        layers.push(keep(
            "application/vnd.oci.image.layer.v1.tar+gzip",
            gzip(&tar)?,
        ));
    }
    let config = serde_json::to_vec(&config(&diff_ids))?;
    let config = keep("application/vnd.oci.image.config.v1+json", config);
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": layers,
    });
    let mut manifest = keep(
        "application/vnd.oci.image.manifest.v1+json",
        serde_json::to_vec(&manifest)?,
    );
    manifest["annotations"] = json!({
        "io.containerd.image.name": format!("docker.io/{NAME}"),
        "org.opencontainers.image.ref.name": NAME,
    });
    manifest["platform"] =
        json!({ "architecture": "amd64", "os": "windows", "os.version": OS_VERSION });
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [manifest],
    });
    blobs.insert("index.json".to_owned(), serde_json::to_vec(&index)?);
    blobs.insert(
        "oci-layout".to_owned(),
        br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec(),
    );
    Ok(blobs)
}

fn config(diff_ids: &[String]) -> Value {
    let history = ["base", "program", "update"].map(|layer| {
        json!({ "created": CREATED, "created_by": format!("cargo xtask generate: {layer}") })
    });
    json!({
        "architecture": "amd64",
        "os": "windows",
        "os.version": OS_VERSION,
        "created": CREATED,
        "config": { "Cmd": ["C:\\hello\\hello.exe"], "WorkingDir": "C:\\hello" },
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
        "history": history,
    })
}

/// Compresses as tightly as can be, without a time in the header.
pub(crate) fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn archive(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>> {
    let mut writer = Writer::new(Vec::new());
    for (name, bytes) in files {
        let mut header = Header::new(EntryKind::File, name.as_bytes());
        header.mode = 0o644;
        header.size = bytes.len() as u64;
        writer.append(&header)?;
        writer.write_all(bytes)?;
    }
    Ok(writer.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::collections::BTreeSet;
    use std::io::Read;
    use transom_layertar::parse::{Entry, Limits};
    use transom_layertar::reader::Reader;
    use transom_layertar::windows::{Class, WindowsMetadata, classify};

    fn read(tar: &[u8]) -> Vec<(Entry, Vec<u8>)> {
        let mut reader = Reader::new(tar, Limits::default());
        let mut entries = Vec::new();
        while let Some(entry) = reader.next_entry().unwrap() {
            let mut bytes = Vec::new();
            reader.contents(&entry).read_to_end(&mut bytes).unwrap();
            entries.push((entry, bytes));
        }
        entries
    }

    fn files() -> BTreeMap<String, Vec<u8>> {
        let archive = sample_image().unwrap();
        read(&archive)
            .into_iter()
            .map(|(entry, bytes)| (String::from_utf8(entry.name).unwrap(), bytes))
            .collect()
    }

    fn blob(files: &BTreeMap<String, Vec<u8>>, descriptor: &Value) -> Vec<u8> {
        let digest = descriptor["digest"].as_str().unwrap();
        let bytes =
            files[&format!("blobs/sha256/{}", digest.strip_prefix("sha256:").unwrap())].clone();
        assert_eq!(descriptor["size"], bytes.len());
        assert_eq!(
            digest,
            format!("sha256:{}", hex::encode(Sha256::digest(&bytes)))
        );
        bytes
    }

    fn layers() -> Vec<Vec<(Entry, Vec<u8>)>> {
        let files = files();
        let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
        let manifest: Value =
            serde_json::from_slice(&blob(&files, &index["manifests"][0])).unwrap();
        let config: Value = serde_json::from_slice(&blob(&files, &manifest["config"])).unwrap();
        let diff_ids = config["rootfs"]["diff_ids"].as_array().unwrap();
        let layers = manifest["layers"].as_array().unwrap();
        assert_eq!(
            files.len(),
            layers.len() + 4,
            "nothing but index, layout, manifest, config and layers"
        );
        layers
            .iter()
            .zip(diff_ids)
            .map(|(layer, diff_id)| {
                let mut tar = Vec::new();
                GzDecoder::new(blob(&files, layer).as_slice())
                    .read_to_end(&mut tar)
                    .unwrap();
                let digest = format!("sha256:{}", hex::encode(Sha256::digest(&tar)));
                assert_eq!(*diff_id, digest);
                read(&tar)
            })
            .collect()
    }

    #[test]
    fn the_committed_image_is_what_this_crate_makes() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../samples/hello-windows.tar"
        );
        let committed = std::fs::read(path).unwrap();
        assert!(committed.len() < 300_000);
        assert!(
            committed == sample_image().unwrap(),
            "run: cargo xtask generate"
        );
    }

    #[test]
    fn every_digest_and_size_in_the_image_is_right() {
        assert_eq!(layers().len(), 3);
    }

    #[test]
    fn the_layers_have_one_of_each_kind_of_entry() {
        let mut kinds = BTreeSet::new();
        let mut descriptors = BTreeSet::new();
        let (mut eas, mut longest, mut longest_stream, mut without_data) = (0, 0, 0, 0);
        for (entry, bytes) in layers().into_iter().flatten() {
            let metadata = WindowsMetadata::from_entry(&entry).unwrap();
            let class = classify(&entry, &metadata).unwrap();
            if let Class::Stream { .. } = class {
                longest_stream = longest_stream.max(bytes.len());
            }
            kinds.insert(match class {
                Class::Directory => "folder",
                Class::File => "file",
                Class::Symlink { directory: false } => "file link",
                Class::Symlink { directory: true } => "folder link",
                Class::Junction => "junction",
                Class::HardLink => "hard link",
                Class::Stream { .. } => "stream",
                Class::Whiteout(_) => "whiteout",
                Class::GlobalHeader | Class::Other(_) => "other",
            });
            eas += metadata.eas.len();
            without_data += usize::from(class == Class::File && entry.mode == 0);
            longest = longest.max(
                String::from_utf8(entry.name)
                    .unwrap()
                    .encode_utf16()
                    .count(),
            );
            descriptors.extend(metadata.security);
        }
        let expected = [
            "file",
            "file link",
            "folder",
            "folder link",
            "hard link",
            "junction",
            "stream",
            "whiteout",
        ];
        assert_eq!(kinds, BTreeSet::from(expected));
        assert_eq!((eas, without_data), (3, 1));
        assert!(longest > 260 && longest_stream > 64 * 1024 && descriptors.len() >= 8);
    }

    #[test]
    fn the_update_changes_what_the_program_layer_has() {
        let mut names = layers().into_iter().map(|layer| {
            layer
                .into_iter()
                .map(|(entry, _)| String::from_utf8(entry.name).unwrap())
                .collect::<BTreeSet<_>>()
        });
        let (_, program, update) = (
            names.next().unwrap(),
            names.next().unwrap(),
            names.next().unwrap(),
        );
        for (below, above) in [
            ("Files/hello/readme.txt", "Files/HELLO/Readme.TXT"),
            ("Files/hello/old.txt", "Files/HELLO/.wh.old.txt"),
            ("Files/Data/gone/deep/file.txt", "Files/Data/.wh.gone"),
            ("Files/Data/touched.txt", "Files/Data/touched.txt"),
            (
                "Files/Data/becomes a file/inside.txt",
                "Files/Data/becomes a file",
            ),
            (
                "Files/Data/becomes a folder",
                "Files/Data/becomes a folder/inside.txt",
            ),
            ("Hives/System_Delta", "Hives/System_Delta"),
        ] {
            assert!(
                program.contains(below) && update.contains(above),
                "{below} -> {above}"
            );
        }
    }
}
