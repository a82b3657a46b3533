//! Images as `docker load` takes them.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::process::{output_of, text_of};

/// Writes a docker-archive of layers, and returns its path.
pub(crate) fn write(folder: &Path, tag: &str, config: &Value, layers: &[Vec<u8>]) -> PathBuf {
    let parts = folder.join("parts");
    fs::create_dir_all(&parts).unwrap();
    let mut names = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        let name = format!("{number}.tar");
        fs::write(parts.join(&name), layer).unwrap();
        names.push(name);
    }
    fs::write(parts.join("config.json"), config.to_string()).unwrap();
    let manifest = json!([{ "Config": "config.json", "RepoTags": [tag], "Layers": names }]);
    fs::write(parts.join("manifest.json"), manifest.to_string()).unwrap();
    let archive = folder.join("image.tar");
    output_of(
        Command::new("tar")
            .arg("-C")
            .arg(&parts)
            .arg("-cf")
            .arg(&archive)
            .arg("."),
    );
    fs::remove_dir_all(&parts).unwrap();
    archive
}

/// Returns the layers of a docker-archive, base first.
pub(crate) fn layers(folder: &Path, archive: &[u8]) -> Vec<Vec<u8>> {
    let parts = unpack(folder, archive);
    let manifest = read_json(&parts.join("manifest.json"));
    let names = manifest[0]["Layers"].as_array().unwrap();
    let layers = names
        .iter()
        .map(|name| fs::read(parts.join(name.as_str().unwrap())).unwrap());
    let layers = layers.collect();
    fs::remove_dir_all(&parts).unwrap();
    layers
}

/// The bundled Windows image with a config that says `linux`: its layers (as tars, base first) and config. Docker on
/// Linux takes Windows layers in no other way.
pub(crate) fn windows_image(folder: &Path) -> (Value, Vec<Vec<u8>>) {
    let parts = unpack(folder, &transom_sample::sample_image().unwrap());
    let blob = |of: &Value| {
        let digest = of["digest"].as_str().unwrap();
        parts.join("blobs").join(digest.replace(':', "/"))
    };
    let index = read_json(&parts.join("index.json"));
    let manifest = read_json(&blob(&index["manifests"][0]));
    let mut config = read_json(&blob(&manifest["config"]));
    let members = config.as_object_mut().unwrap();
    members.insert("os".to_owned(), json!("linux"));
    members.remove("os.version");
    // Docker would make its working folder, C:\hello, in every container.
    members.insert("config".to_owned(), json!({ "Cmd": ["cmd"] }));
    let layers = manifest["layers"].as_array().unwrap().iter();
    let layers =
        layers.map(|layer| output_of(Command::new("gzip").arg("-dc").stdin(file(&blob(layer)))));
    let layers = layers.collect();
    fs::remove_dir_all(&parts).unwrap();
    (config, layers)
}

/// A tar of a small Linux: busybox, and a file to change.
pub(crate) fn busybox(folder: &Path, busybox: &Path) -> PathBuf {
    let (root, tar) = (folder.join("root"), folder.join("busybox.tar"));
    if tar.exists() {
        return tar;
    }
    fs::create_dir_all(root.join("bin")).unwrap();
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::copy(busybox, root.join("bin/busybox")).unwrap();
    for name in ["sh", "cat", "sleep", "rm", "dd", "ln"] {
        std::os::unix::fs::symlink("busybox", root.join("bin").join(name)).unwrap();
    }
    fs::write(root.join("etc/old"), "old\n").unwrap();
    output_of(
        Command::new("tar")
            .arg("-C")
            .arg(&root)
            .arg("-cf")
            .arg(&tar)
            .arg("."),
    );
    tar
}

/// A config for layers.
pub(crate) fn config(folder: &Path, layers: &[Vec<u8>]) -> Value {
    let digests: Vec<String> = layers
        .iter()
        .map(|layer| {
            let file_of_layer = folder.join("layer-to-hash");
            fs::write(&file_of_layer, layer).unwrap();
            let text = text_of(Command::new("sha256sum").stdin(file(&file_of_layer)));
            format!("sha256:{}", text.split(' ').next().unwrap())
        })
        .collect();
    json!({
        "architecture": "amd64",
        "os": "linux",
        "config": { "Cmd": ["sh"] },
        "rootfs": { "type": "layers", "diff_ids": digests },
    })
}

/// Returns the names in a tar.
pub(crate) fn names(tar: &[u8]) -> Vec<String> {
    let mut list = Command::new("tar")
        .arg("-t")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = list.stdin.take().unwrap();
    let tar = tar.to_owned();
    let writer = std::thread::spawn(move || to.write_all(&tar));
    let output = list.wait_with_output().unwrap();
    // It may stop to read at the end of the tar.
    let _ = writer.join().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Unpacks an archive into a folder of its own, and returns that.
pub(crate) fn unpack(folder: &Path, archive: &[u8]) -> PathBuf {
    let parts = folder.join("parts");
    fs::create_dir_all(&parts).unwrap();
    let path = folder.join("to-unpack.tar");
    fs::write(&path, archive).unwrap();
    output_of(
        Command::new("tar")
            .arg("-C")
            .arg(&parts)
            .arg("-xf")
            .arg(&path),
    );
    fs::remove_file(&path).unwrap();
    parts
}

/// Returns a layer as a tar, whatever it is compressed with.
pub(crate) fn inflated(folder: &Path, layer: &[u8]) -> Vec<u8> {
    if !layer.starts_with(&[0x1f, 0x8b]) {
        return layer.to_vec();
    }
    let path = folder.join("to-inflate");
    fs::write(&path, layer).unwrap();
    let tar = output_of(Command::new("gzip").arg("-dc").stdin(file(&path)));
    fs::remove_file(&path).unwrap();
    tar
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn file(path: &Path) -> fs::File {
    fs::File::open(path).unwrap()
}
