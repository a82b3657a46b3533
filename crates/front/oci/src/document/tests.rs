use std::path::{Path, PathBuf};

use proptest::prelude::*;
use transom_layer::Digest;

use super::*;

/// Returns the folder of real documents, or says that it is not there.
fn fixtures() -> Option<PathBuf> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/fixtures/manifests");
    if !folder.is_dir() {
        eprintln_skipped();
        return None;
    }
    Some(folder)
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn eprintln_skipped() {
    eprintln!("skipped: fixtures not present");
}

#[test]
fn real_manifests_are_read() {
    let Some(folder) = fixtures() else { return };
    for (name, layers, foreign) in [
        ("hello-world-nanoserver_17763.1040.manifest.json", 3, 1),
        ("rancher-kubelet-pause_nanoserver.manifest.json", 6, 1),
        ("windowsservercore-1803_17134.165.manifest.json", 2, 2),
    ] {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let manifest = Manifest::parse(name, &bytes, None).unwrap();
        assert_eq!(manifest.layers.len(), layers, "{name}");
        assert_eq!(
            manifest.media_type,
            "application/vnd.docker.distribution.manifest.v2+json"
        );
        let with_urls = manifest
            .layers
            .iter()
            .filter(|layer| !layer.urls.is_empty());
        assert_eq!(with_urls.count(), foreign, "{name}");
        assert!(matches!(
            Index::parse(name, &bytes, None),
            Ok(index) if index.manifests.is_empty()
        ));
    }
}

#[test]
fn a_real_config_is_read_and_matches_its_manifest() {
    let Some(folder) = fixtures() else { return };
    let read = |name: &str| {
        std::fs::read(folder.join(format!("windowsservercore-1803_17134.165.{name}.json"))).unwrap()
    };
    let (bytes, manifest) = (read("config"), read("manifest"));
    let config = Config::parse("config", &bytes).unwrap();
    assert_eq!(config.platform.os, "windows");
    assert_eq!(config.platform.os_version, "10.0.17134.165");
    assert_eq!(config.diff_ids.len(), 2);
    assert_eq!(
        config.history[1].created_by,
        "Install update 10.0.17134.165"
    );
    let manifest = Manifest::parse("manifest", &manifest, None).unwrap();
    assert_eq!(manifest.config.digest.0, Digest::of(&bytes));
    assert_eq!(manifest.config.size, bytes.len() as u64);
}

#[test]
fn a_real_manifest_list_is_read() {
    let Some(folder) = fixtures() else { return };
    let bytes =
        std::fs::read(folder.join("dotnet-framework-runtime-4.8.manifest-list.json")).unwrap();
    let index = Index::parse("list", &bytes, None).unwrap();
    let versions: Vec<_> = index
        .manifests
        .iter()
        .map(|entry| entry.platform.as_ref().unwrap().os_version.as_str())
        .collect();
    assert_eq!(
        versions,
        [
            "10.0.14393.4889",
            "10.0.17763.2458",
            "10.0.19042.1469",
            "10.0.20348.473"
        ]
    );
}

#[test]
fn a_config_may_spell_its_keys_in_any_case() {
    let id = "a".repeat(64);
    let text = format!(
        r#"{{"OS":"windows","Architecture":"amd64","rootfS":{{"Diff_IDs":["sha256:{id}"]}}}}"#
    );
    let config = Config::parse("config", text.as_bytes()).unwrap();
    assert_eq!(config.platform.os, "windows");
    assert_eq!(config.diff_ids[0].0.hex(), id);
}

#[test]
fn a_document_of_two_kinds_is_refused() {
    let text = r#"{"manifests":[],"layers":[],"config":{}}"#;
    for result in [
        Index::parse("x", text.as_bytes(), None).map(|_| ()),
        Manifest::parse("x", text.as_bytes(), None).map(|_| ()),
    ] {
        assert!(matches!(result, Err(JsonError::Ambiguous { .. })));
    }
}

#[test]
fn a_document_must_be_what_its_descriptor_says() {
    let text = r#"{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    let error = Index::parse("x", text.as_bytes(), Some("application/other")).unwrap_err();
    assert!(matches!(error, JsonError::MediaType { .. }));
    assert!(Index::parse("x", b"{}", Some("application/other")).is_ok());
}

#[test]
fn only_sha256_digests_are_taken() {
    for digest in ["sha512:00", "sha256:../../etc/passwd", "", "sha256"] {
        let text = format!(r#"{{"manifests":[{{"digest":"{digest}","size":1}}]}}"#);
        let error = Index::parse("x", text.as_bytes(), None).unwrap_err();
        assert!(matches!(error, JsonError::Digest { .. }), "{digest}");
    }
}

#[test]
fn too_many_layers_are_refused() {
    let ids = vec![format!("\"sha256:{}\"", "a".repeat(64)); MAX_LAYERS + 1].join(",");
    let text = format!(r#"{{"rootfs":{{"diff_ids":[{ids}]}}}}"#);
    let error = Config::parse("x", text.as_bytes()).unwrap_err();
    assert!(matches!(error, JsonError::TooMany { found: 1001, .. }));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Index::parse("x", &bytes, None);
        let _ = Manifest::parse("x", &bytes, None);
        let _ = Config::parse("x", &bytes);
    }

    #[test]
    fn arbitrary_values_at_known_keys_never_panic(
        key in prop::sample::select(vec![
            "manifests", "config", "layers", "mediaType", "rootfs", "history", "os", "created",
        ]),
        value in prop::sample::select(vec!["null", "1", "-1", "\"x\"", "[]", "[1]", "[{}]", "{}",
            r#"{"diff_ids":[1]}"#, r#"{"diff_ids":["x"]}"#, r#"[{"digest":1}]"#, "1e999"]),
    ) {
        let text = format!("{{\"{key}\":{value}}}");
        let _ = Index::parse("x", text.as_bytes(), None);
        let _ = Manifest::parse("x", text.as_bytes(), None);
        let _ = Config::parse("x", text.as_bytes());
    }
}
