use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use transom_oci::{LayerProgress, LoadError, LoadOptions, Loaded, Progress};
use transom_sealed::Dialect;

use crate::support::*;

fn names(loaded: &Loaded) -> Vec<&str> {
    loaded.record.names.iter().map(String::as_str).collect()
}

fn platform(text: &str) -> LoadOptions {
    LoadOptions {
        platform: Some(text.parse().unwrap()),
        ..LoadOptions::default()
    }
}

fn assert_is(loaded: &Loaded, image: &Image) {
    assert_eq!(loaded.record.manifest.to_string(), digest(&image.manifest));
    assert_eq!(loaded.record.config.to_string(), digest(&image.config));
    assert_eq!(loaded.record.platform.os, image.os);
    assert_eq!(loaded.record.platform.architecture, image.architecture);
    assert_eq!(loaded.record.platform.os_version, image.version);
    let found: Vec<_> = loaded
        .record
        .layers
        .iter()
        .map(|layer| (layer.diff_id.to_string(), layer.blob.to_string()))
        .collect();
    let expected: Vec<_> = image
        .layers
        .iter()
        .map(|layer| (digest(&layer.tar), digest(&layer.blob)))
        .collect();
    assert_eq!(found, expected);
    for (layer, found) in image.layers.iter().zip(&loaded.layers) {
        assert_eq!(found.diff_id.to_string(), digest(&layer.tar));
        assert_eq!(found.size, layer.tar.len() as u64);
        assert_eq!(found.blob_size, layer.blob.len() as u64);
    }
}

#[test]
fn every_source_gives_the_same_image() {
    let image = every_form();
    let layout = Layout::of(&image, "app:1");
    let tar = layout.tar();
    let halves = tar.split_at(tar.len() / 2);
    for (name, bytes) in [
        ("plain.tar", tar.clone()),
        ("one.tar.gz", gzip(&tar)),
        ("two.tar.gz", [gzip(halves.0), gzip(halves.1)].concat()),
        ("one.tar.zst", zstd(&tar)),
        ("folder", Vec::new()),
    ] {
        for jobs in [0, 1] {
            let home = Home::new();
            let path = home.path(name);
            if name == "folder" {
                layout.write_folder(&path);
            } else {
                fs::write(&path, &bytes).unwrap();
            }
            let options = LoadOptions {
                jobs,
                ..LoadOptions::default()
            };
            let loaded = home.load_with(&path, &options).unwrap();
            assert_eq!(loaded.len(), 1, "{name}");
            assert_is(&loaded[0], &image);
            assert_eq!(names(&loaded[0]), ["app:1"]);
            assert_eq!(
                home.store.images().unwrap()[0].manifest,
                loaded[0].record.manifest
            );
            let document = home.store.document(loaded[0].record.manifest).unwrap();
            assert_eq!(document.as_deref(), Some(&image.manifest[..]));
            assert_eq!(
                fs::read_dir(home.path("store/staging")).unwrap().count(),
                0,
                "{name}"
            );
        }
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_to_its_end() {
    let home = Home::new();
    let image = every_form();
    let bytes = Layout::of(&image, "app:1").tar();
    let pipe = home.path("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    std::thread::scope(|scope| {
        scope.spawn(|| fs::write(&pipe, &bytes).unwrap());
        assert_is(&home.load(&pipe).unwrap()[0], &image);
    });
}

#[test]
fn a_second_load_reads_no_layer() {
    let home = Home::new();
    let image = every_form();
    let mut layout = Layout::of(&image, "app:1");
    let first = home.load(&home.write("a.tar", &layout.tar())).unwrap();
    assert!(first[0].layers.iter().all(|layer| !layer.already_there));
    for layer in &image.layers {
        layout
            .blobs
            .remove(digest(&layer.blob).strip_prefix("sha256:").unwrap());
    }
    let again = home.load(&home.write("b.tar", &layout.tar())).unwrap();
    assert_is(&again[0], &image);
    assert!(again[0].layers.iter().all(|layer| layer.already_there));
}

#[test]
fn blobs_are_kept_only_when_asked_for_and_can_be_added_later() {
    let home = Home::new();
    let image = every_form();
    let path = home.write("a.tar", &Layout::of(&image, "app:1").tar());
    let options = LoadOptions {
        keep_blobs: false,
        ..LoadOptions::default()
    };
    home.load_with(&path, &options).unwrap();
    let kept = || {
        home.store
            .blobs()
            .unwrap()
            .iter()
            .filter(|blob| blob.kept)
            .count()
    };
    assert_eq!(kept(), 0);
    let again = home.load(&path).unwrap();
    assert_eq!(kept(), 3, "all but the plain tar");
    assert!(again[0].layers.iter().all(|layer| layer.already_there));
}

#[test]
fn entries_with_names_are_different_images() {
    let home = Home::new();
    let (one, two) = (
        image("10.0.1.1", &[plain("a")]),
        image("10.0.1.1", &[plain("a"), gzipped("b")]),
    );
    let mut layout = Layout::of(&one, "one:1");
    layout.add(&two, Some("two:1"));
    layout.add(&two, Some("two:latest"));
    let loaded = home.load(&home.write("a.tar", &layout.tar())).unwrap();
    assert_eq!(loaded.len(), 2);
    assert_is(&loaded[0], &one);
    assert_is(&loaded[1], &two);
    assert_eq!(names(&loaded[0]), ["one:1"]);
    assert_eq!(names(&loaded[1]), ["two:1", "two:latest"]);
    assert_eq!(home.store.layers().unwrap().len(), 2);
}

#[test]
fn entries_of_one_name_are_alternatives() {
    let old = image("10.0.17763.1", &[plain("old")]);
    let new = image("10.0.20348.2", &[plain("new")]);
    let linux = image_for("linux", "", &[plain("linux")]);
    for name in [Some("app:1"), None] {
        let mut layout = Layout::default();
        for image in [&linux, &old, &new] {
            layout.add(image, name);
        }
        for (choice, expected) in [
            ("windows/amd64", &new),
            ("windows/amd64:10.0.17763", &old),
            ("linux/amd64", &linux),
        ] {
            let home = Home::new();
            let path = home.write("a.tar", &layout.tar());
            let loaded = home.load_with(&path, &platform(choice)).unwrap();
            assert_eq!(loaded.len(), 1);
            assert_is(&loaded[0], expected);
            assert_eq!(names(&loaded[0]), name.as_slice());
            assert_eq!(
                home.store.layers().unwrap().len(),
                1,
                "the others are not imported"
            );
        }
    }
}

#[test]
fn a_manifest_list_is_looked_into_and_attestations_are_passed_over() {
    let windows = image("10.0.20348.2", &[plain("w")]);
    let linux = image_for("linux", "", &[plain("l")]);
    let mut layout = Layout::default();
    let mut listed = Vec::new();
    for image in [&linux, &windows] {
        let mut entry = layout.add_blobs(image);
        entry["platform"] =
            json!({ "os": image.os, "architecture": "amd64", "os.version": image.version });
        listed.push(entry);
    }
    let mut attestation = descriptor(MANIFEST, b"not even there");
    attestation["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
    listed.push(attestation);
    let mut signature = descriptor("application/vnd.example.signature", b"nor this");
    signature["artifactType"] = json!("x");
    listed.push(signature);
    let inner = json!({ "schemaVersion": 2, "manifests": listed })
        .to_string()
        .into_bytes();
    layout.add_blob(&inner);
    let outer = json!({ "mediaType": INDEX, "manifests": [descriptor(INDEX, &inner)] });
    let outer = outer.to_string().into_bytes();
    layout.add_blob(&outer);
    layout.entries.push(descriptor(INDEX, &outer));

    let home = Home::new();
    let path = home.write("a.tar", &layout.tar());
    assert_is(
        &home.load_with(&path, &platform("windows/amd64")).unwrap()[0],
        &windows,
    );
    assert_is(
        &home.load_with(&path, &platform("linux/amd64")).unwrap()[0],
        &linux,
    );
    let error = home.load_with(&path, &platform("linux/arm64")).unwrap_err();
    assert!(matches!(error, LoadError::Select { .. }), "{error}");
    assert!(
        error.to_string().contains("windows/amd64:10.0.20348.2"),
        "{error}"
    );
}

#[test]
fn of_a_list_only_what_was_exported_is_taken() {
    let here = image("10.0.17763.1", &[plain("here")]);
    let absent = image("10.0.20348.2", &[plain("absent")]);
    let mut layout = Layout::default();
    for image in [&here, &absent] {
        let mut entry = layout.add_blobs(image);
        entry["platform"] =
            json!({ "os": "windows", "architecture": "amd64", "os.version": image.version });
        layout.entries.push(entry);
    }
    let absent_hex = digest(&absent.manifest);
    layout
        .blobs
        .remove(absent_hex.strip_prefix("sha256:").unwrap());
    let home = Home::new();
    let path = home.write("a.tar", &layout.tar());
    assert_is(
        &home.load_with(&path, &platform("windows/amd64")).unwrap()[0],
        &here,
    );
    let error = home
        .load_with(&path, &platform("windows/amd64:10.0.20348"))
        .unwrap_err();
    assert!(matches!(error, LoadError::NotExported { .. }), "{error}");
}

#[test]
fn two_images_for_one_platform_are_noted() {
    let mut layout = Layout::default();
    layout.add(&image("10.0.1.1", &[plain("a")]), None);
    layout.add(&image("10.0.1.1", &[plain("b")]), None);
    let home = Home::new();
    let path = home.write("a.tar", &layout.tar());
    let loaded = home.load_with(&path, &platform("windows/amd64")).unwrap();
    assert_eq!(loaded.len(), 1);
    assert!(
        loaded[0].notes[0].contains("was not loaded"),
        "{:?}",
        loaded[0].notes
    );
}

#[test]
fn the_callers_names_replace_the_sources() {
    let home = Home::new();
    let mut layout = Layout::of(&image("10.0.1.1", &[plain("a")]), "app:1");
    let options = LoadOptions {
        names: vec!["mine".to_owned(), "h:5000/x:2".to_owned()],
        ..LoadOptions::default()
    };
    let loaded = home
        .load_with(&home.write("a.tar", &layout.tar()), &options)
        .unwrap();
    assert_eq!(names(&loaded[0]), ["h:5000/x:2", "mine:latest"]);
    layout.add(&image("10.0.1.1", &[plain("b")]), Some("b:1"));
    let error = home
        .load_with(&home.write("b.tar", &layout.tar()), &options)
        .unwrap_err();
    assert!(
        matches!(error, LoadError::NamesForSeveral { images: 2 }),
        "{error}"
    );
}

#[test]
fn containerds_name_is_taken_in_its_shortest_form() {
    for (full, own, expected) in [
        (Some("docker.io/library/app:1"), Some("app:1"), "app:1"),
        (
            Some("docker.io/library/app:1"),
            Some("1"),
            "docker.io/library/app:1",
        ),
        (
            Some("docker.io/library/app:1"),
            None,
            "docker.io/library/app:1",
        ),
        (None, Some("v1"), "v1"),
    ] {
        let home = Home::new();
        let mut layout = Layout::of(&image("10.0.1.1", &[plain("a")]), "");
        let mut annotations = json!({});
        if let Some(full) = full {
            annotations["io.containerd.image.name"] = json!(full);
        }
        if let Some(own) = own {
            annotations["org.opencontainers.image.ref.name"] = json!(own);
        }
        layout.entries[0]["annotations"] = annotations;
        let loaded = home.load(&home.write("a.tar", &layout.tar())).unwrap();
        assert_eq!(names(&loaded[0]), [expected]);
    }
}

#[test]
fn an_image_for_linux_is_loaded_with_posix_names() {
    let files = |names: &[&str]| {
        let entries: Vec<_> = names
            .iter()
            .map(|name| ((*name).to_owned(), What::File(b"x".to_vec())))
            .collect();
        let tar = tar(&entries);
        Layer {
            blob: tar.clone(),
            tar,
            media_type: "application/vnd.oci.image.layer.v1.tar",
        }
    };
    // Names that differ in case alone, or hold a colon, are no names of Windows.
    let image = image_for("linux", "", &[files(&["a:b", "README", "readme"])]);
    let home = Home::new();
    let loaded = home
        .load(&home.write("a.tar", &Layout::of(&image, "l:1").tar()))
        .unwrap();
    assert_is(&loaded[0], &image);
    assert_eq!(home.store.layers().unwrap()[0].dialect, Dialect::Foreign);
    assert_eq!(home.store.layers().unwrap()[0].entries, 3);
}

#[test]
fn a_config_that_spells_its_keys_otherwise_is_read() {
    let layers = [gzipped("a"), gzipped("b")];
    let diff_ids: Vec<String> = layers.iter().map(|layer| digest(&layer.tar)).collect();
    let config = json!({
        "OS": "windows", "Architecture": "amd64", "OS.Version": "10.0.1.1",
        "rootfS": { "type": "layers", "diff_ids": diff_ids },
    });
    let image = image_of("windows", "10.0.1.1", config, &layers);
    let home = Home::new();
    let loaded = home
        .load(&home.write("a.tar", &Layout::of(&image, "a:1").tar()))
        .unwrap();
    assert_is(&loaded[0], &image);
    let stored = home
        .store
        .document(loaded[0].record.config)
        .unwrap()
        .unwrap();
    assert!(
        String::from_utf8(stored).unwrap().contains("rootfS"),
        "the bytes stay as they are"
    );
}

/// `manifest.json` of a docker-archive with one image.
fn docker_manifest(config: &str, tags: Value, layers: &[&str]) -> Vec<u8> {
    json!([{ "Config": config, "RepoTags": tags, "Layers": layers }])
        .to_string()
        .into_bytes()
}

fn config_name(image: &Image) -> String {
    format!(
        "{}.json",
        digest(&image.config).strip_prefix("sha256:").unwrap()
    )
}

#[test]
fn an_old_docker_archive_with_links_is_loaded() {
    let shared = plain("shared");
    let image = image("10.0.1.1", &[shared.clone(), plain("top"), shared.clone()]);
    let config = config_name(&image);
    let file = |bytes: &[u8]| What::File(bytes.to_vec());
    let manifest = docker_manifest(
        &config,
        json!(["app:1", "app:2"]),
        &["one/layer.tar", "two/layer.tar", "three/layer.tar"],
    );
    let bytes = tar(&[
        ("one/".to_owned(), What::Folder),
        ("one/VERSION".to_owned(), file(b"1.0")),
        ("one/layer.tar".to_owned(), file(&shared.tar)),
        (
            "two/layer.tar".to_owned(),
            file(b"an older entry of the same name"),
        ),
        ("two/layer.tar".to_owned(), file(&image.layers[1].tar)),
        (
            "three/layer.tar".to_owned(),
            What::Symlink("../one/layer.tar".to_owned()),
        ),
        (config, file(&image.config)),
        ("manifest.json".to_owned(), file(&manifest)),
        ("repositories".to_owned(), file(b"{}")),
    ]);
    let home = Home::new();
    let loaded = home.load(&home.write("a.tar", &bytes)).unwrap();
    assert_eq!(loaded.len(), 1);
    assert_eq!(loaded[0].record.config.to_string(), digest(&image.config));
    assert_eq!(names(&loaded[0]), ["app:1", "app:2"]);
    assert_eq!(loaded[0].layers.len(), 3);
    assert_eq!(home.store.layers().unwrap().len(), 2);
    for (layer, found) in image.layers.iter().zip(&loaded[0].record.layers) {
        assert_eq!(found.diff_id.to_string(), digest(&layer.tar));
        assert_eq!(
            found.blob.0, found.diff_id.0,
            "the manifest names the plain tar"
        );
    }
}

#[test]
fn a_docker_archive_may_hold_compressed_layers() {
    let image = image("10.0.1.1", &[gzipped("a")]);
    let config = digest(&image.config);
    let bytes = files_tar(&[
        (config.clone(), image.config.clone()),
        ("abc.tar.gz".to_owned(), image.layers[0].blob.clone()),
        (
            "manifest.json".to_owned(),
            docker_manifest(&config, Value::Null, &["abc.tar.gz"]),
        ),
    ]);
    let home = Home::new();
    let loaded = home.load(&home.write("a.tar", &bytes)).unwrap();
    let plain_tar = digest(&image.layers[0].tar);
    assert_eq!(loaded[0].record.layers[0].blob.to_string(), plain_tar);
    assert_eq!(
        loaded[0].layers[0].blob_size,
        image.layers[0].tar.len() as u64
    );
    assert_eq!(names(&loaded[0]).len(), 0);
}

#[test]
fn both_halves_of_a_hybrid_archive_are_the_same_image() {
    // Docker 25 and later write an OCI layout over the plain tars, and manifest.json beside it.
    let layers = [plain("a"), plain("b")];
    let base = image("10.0.1.1", &layers);
    let manifest = manifest_json(&base.config, &layers)
        .to_string()
        .into_bytes();
    let image = Image { manifest, ..base };
    let blob = |digest: String| format!("blobs/sha256/{}", digest.strip_prefix("sha256:").unwrap());
    let paths: Vec<String> = layers
        .iter()
        .map(|layer| blob(digest(&layer.blob)))
        .collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let docker = docker_manifest(
        &blob(digest(&image.config)),
        json!(["app:1", "app:x"]),
        &paths,
    );
    let mut layout = Layout::default();
    // The layout's own name is only a tag here.
    layout.add(&image, Some("1"));
    layout.extra.push(("manifest.json".to_owned(), docker));
    let hybrid = layout.files();
    let only_docker: Vec<_> = hybrid
        .iter()
        .filter(|(name, _)| name != "oci-layout" && name != "index.json")
        .cloned()
        .collect();
    for files in [hybrid, only_docker] {
        let home = Home::new();
        let loaded = home.load(&home.write("a.tar", &files_tar(&files))).unwrap();
        assert_is(&loaded[0], &image);
        assert_eq!(names(&loaded[0]), ["app:1", "app:x"]);
    }
}

#[test]
fn a_docker_archive_must_be_for_the_platform_asked_for() {
    let image = image("10.0.1.1", &[plain("a")]);
    let config = config_name(&image);
    let bytes = files_tar(&[
        (config.clone(), image.config.clone()),
        ("l".to_owned(), image.layers[0].tar.clone()),
        (
            "manifest.json".to_owned(),
            docker_manifest(&config, json!([]), &["l"]),
        ),
    ]);
    let home = Home::new();
    let path = home.write("a.tar", &bytes);
    let error = home.load_with(&path, &platform("linux/amd64")).unwrap_err();
    assert!(matches!(error, LoadError::Select { .. }), "{error}");
    home.assert_empty("wrong platform");
    assert!(
        home.load_with(&path, &platform("windows/amd64:10.0.1"))
            .is_ok()
    );
}

#[cfg(unix)]
#[test]
fn a_blob_of_a_layout_may_be_a_link_but_no_folder_or_pipe() {
    let image = image("10.0.1.1", &[gzipped("a")]);
    let home = Home::new();
    let folder = home.path("layout");
    Layout::of(&image, "a:1").write_folder(&folder);
    let hex = digest(&image.layers[0].blob);
    let blob = folder
        .join("blobs/sha256")
        .join(hex.strip_prefix("sha256:").unwrap());
    let elsewhere = home.path("cache");
    fs::rename(&blob, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &blob).unwrap();
    assert_is(&home.load(&folder).unwrap()[0], &image);
    fs::remove_file(&blob).unwrap();
    fs::create_dir(&blob).unwrap();
    let error = home.load(&folder).unwrap_err().to_string();
    assert!(error.contains("no regular file"), "{error}");
}

#[test]
fn progress_hears_of_every_byte() {
    #[derive(Default)]
    struct Counting {
        announced: AtomicU64,
        seen: AtomicU64,
    }
    impl Progress for Counting {
        fn layer_started(&self, _: &str, total: Option<u64>) -> Box<dyn LayerProgress + '_> {
            self.announced
                .fetch_add(total.unwrap_or(0), Ordering::Relaxed);
            Box::new(Layer(self))
        }
    }
    struct Layer<'a>(&'a Counting);
    impl LayerProgress for Layer<'_> {
        fn advance(&self, bytes: u64) {
            self.0.seen.fetch_add(bytes, Ordering::Relaxed);
        }
    }
    let image = every_form();
    let home = Home::new();
    let path = home.write("a.tar", &Layout::of(&image, "a:1").tar());
    let counting = Counting::default();
    transom_oci::load(&home.store, &path, &LoadOptions::default(), &counting).unwrap();
    let total: usize = image.layers.iter().map(|layer| layer.blob.len()).sum();
    assert_eq!(counting.announced.into_inner(), total as u64);
    assert_eq!(counting.seen.into_inner(), total as u64);
}

#[test]
fn a_real_image_without_its_foreign_layers_says_where_they_are() {
    let Some(folder) = fixtures() else { return };
    let read = |name: &str| {
        let name = format!("manifests/windowsservercore-1803_17134.165.{name}.json");
        fs::read(folder.join(name)).unwrap()
    };
    let (manifest, config) = (read("manifest"), read("config"));
    let mut layout = Layout::default();
    layout.add_blob(&manifest);
    layout.add_blob(&config);
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    layout.entries.push(descriptor(docker, &manifest));
    let home = Home::new();
    let error = home.load(&home.write("a.tar", &layout.tar())).unwrap_err();
    let LoadError::ForeignLayer { size, urls, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(*size, 1_659_688_273);
    assert_eq!(urls, &["https://go.microsoft.com/fwlink/?linkid=873595"]);
    assert!(error.to_string().contains("linkid=873595"), "{error}");
    home.assert_empty("foreign layer");
}
