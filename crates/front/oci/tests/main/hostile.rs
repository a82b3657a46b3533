//! Sources that lie: each is refused by name, and leaves nothing behind.

use proptest::prelude::*;
use serde_json::json;
use transom_oci::{JsonError, LoadError, SourceError};
use transom_sealed::ImportFailure;

use crate::support::*;

/// Loads the layout and expects an error of this kind and an empty store.
fn refused(why: &str, layout: &Layout, is_expected: impl Fn(&LoadError) -> bool) {
    refused_tar(why, &layout.tar(), &is_expected);
    let home = Home::new();
    let folder = home.path("layout");
    layout.write_folder(&folder);
    let error = home.load(&folder).unwrap_err();
    assert!(is_expected(&error), "{why}, as a folder: {error:?}");
    home.assert_empty(why);
}

fn refused_tar(why: &str, bytes: &[u8], is_expected: impl Fn(&LoadError) -> bool) {
    let home = Home::new();
    let error = home.load(&home.write("a.tar", bytes)).unwrap_err();
    assert!(is_expected(&error), "{why}: {error:?}");
    home.assert_empty(why);
}

fn hex_of(bytes: &[u8]) -> String {
    digest(bytes).strip_prefix("sha256:").unwrap().to_owned()
}

fn sample() -> Image {
    image("10.0.20348.1", &[gzipped("a"), gzipped("b")])
}

fn import_failure(error: &LoadError) -> Option<&ImportFailure> {
    match error {
        LoadError::Import(error) => Some(&error.failure),
        _ => None,
    }
}

#[test]
fn a_blob_that_is_not_its_digest_is_refused() {
    let image = sample();
    for (what, bytes) in [("manifest", &image.manifest), ("config", &image.config)] {
        let mut layout = Layout::of(&image, "a:1");
        layout.blobs.get_mut(&hex_of(bytes)).unwrap()[0] ^= 1;
        refused(
            what,
            &layout,
            |error| matches!(error, LoadError::DocumentDigest { what: found, .. } if *found == what),
        );
    }
    for layer in &image.layers {
        let mut layout = Layout::of(&image, "a:1");
        // The modification time in gzip's header: the stream inflates as before.
        layout.blobs.get_mut(&hex_of(&layer.blob)).unwrap()[4] ^= 1;
        refused("layer", &layout, |error| {
            matches!(import_failure(error), Some(ImportFailure::WrongBlob { .. }))
        });
    }
}

#[test]
fn a_blob_of_another_length_is_refused() {
    let image = sample();
    for (what, bytes) in [("manifest", &image.manifest), ("config", &image.config)] {
        let mut layout = Layout::of(&image, "a:1");
        layout.blobs.get_mut(&hex_of(bytes)).unwrap().push(b' ');
        refused(what, &layout, |error| {
            matches!(error, LoadError::DocumentSize { .. })
        });
    }
    let mut layout = Layout::of(&image, "a:1");
    let blob = layout
        .blobs
        .get_mut(&hex_of(&image.layers[1].blob))
        .unwrap();
    blob.truncate(blob.len() - 1);
    refused("layer", &layout, |error| {
        matches!(error, LoadError::LayerSize { .. })
    });
}

#[test]
fn a_truncated_stream_with_the_right_digest_is_refused() {
    let mut cut = gzipped("a");
    cut.blob.truncate(cut.blob.len() - 9);
    let layout = Layout::of(&image("10.0.1.1", &[cut]), "a:1");
    refused("gzip cut off", &layout, |error| {
        matches!(import_failure(error), Some(ImportFailure::Decode { .. }))
    });
    let tar = layer_tar("a", 5000);
    let tar = tar[..2000].to_vec();
    let cut = Layer {
        blob: gzip(&tar),
        tar,
        ..gzipped("a")
    };
    let layout = Layout::of(&image("10.0.1.1", &[cut]), "a:1");
    refused("tar cut off", &layout, |error| {
        matches!(import_failure(error), Some(ImportFailure::Tar(_)))
    });
}

#[test]
fn a_layer_that_is_not_its_diff_id_is_refused() {
    let layers = [gzipped("a"), gzipped("b")];
    let swapped = [digest(&layers[1].tar), digest(&layers[0].tar)];
    let config = config_json("windows", "10.0.1.1", &swapped);
    let layout = Layout::of(&image_of("windows", "10.0.1.1", config, &layers), "a:1");
    refused("diff ids swapped", &layout, |error| {
        matches!(
            import_failure(error),
            Some(ImportFailure::WrongDiffId { .. })
        )
    });
}

#[test]
fn one_blob_cannot_be_two_layers() {
    let layers = [gzipped("a"), gzipped("a")];
    let ids = [digest(&layers[0].tar), digest(b"something else")];
    let config = config_json("windows", "10.0.1.1", &ids);
    let layout = Layout::of(&image_of("windows", "10.0.1.1", config, &layers), "a:1");
    refused("one blob, two ids", &layout, |error| {
        matches!(error, LoadError::LayerConflict { .. })
    });
}

#[test]
fn a_known_blob_cannot_become_another_layer() {
    let home = Home::new();
    let good = image("10.0.1.1", &[gzipped("a")]);
    home.load(&home.write("a.tar", &Layout::of(&good, "a:1").tar()))
        .unwrap();
    let config = config_json("windows", "10.0.1.1", &[digest(b"something else")]);
    let bad = image_of("windows", "10.0.1.1", config, &good.layers);
    let error = home
        .load(&home.write("b.tar", &Layout::of(&bad, "b:1").tar()))
        .unwrap_err();
    assert!(
        matches!(error, LoadError::LayerConflict { .. }),
        "{error:?}"
    );
    assert_eq!(home.store.images().unwrap().len(), 1);
}

#[test]
fn what_is_missing_is_named() {
    let image = sample();
    for (what, bytes, of_layer) in [
        ("config", &image.config, false),
        ("base", &image.layers[0].blob, true),
        ("top", &image.layers[1].blob, true),
    ] {
        let mut layout = Layout::of(&image, "a:1");
        layout.blobs.remove(&hex_of(bytes));
        refused(what, &layout, |error| {
            error.to_string().contains(&hex_of(bytes))
                && match error {
                    LoadError::MissingLayer { .. } => of_layer,
                    LoadError::MissingDocument { .. } => !of_layer,
                    _ => false,
                }
        });
    }
    let mut layout = Layout::of(&image, "a:1");
    layout.blobs.remove(&hex_of(&image.manifest));
    refused("manifest", &layout, |error| {
        matches!(
            error,
            LoadError::MissingDocument {
                what: "manifest",
                ..
            }
        )
    });
}

#[test]
fn a_foreign_layer_that_is_absent_says_where_it_is() {
    let foreign = Layer {
        media_type: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        ..gzipped("base")
    };
    let mut image = image("10.0.1.1", &[foreign, gzipped("b")]);
    let mut manifest = manifest_json(&image.config, &image.layers);
    manifest["layers"][0]["urls"] = json!(["https://one.example/x", "https://two.example/x"]);
    image.manifest = manifest.to_string().into_bytes();
    let mut layout = Layout::of(&image, "a:1");
    layout.blobs.remove(&hex_of(&image.layers[0].blob));
    refused("foreign", &layout, |error| {
        let text = error.to_string();
        matches!(error, LoadError::ForeignLayer { .. })
            && text.contains("https://two.example/x")
            && text.contains(&hex_of(&image.layers[0].blob))
    });
}

#[test]
fn documents_that_contradict_each_other_are_refused() {
    let layers = [gzipped("a"), gzipped("b")];
    let ids: Vec<String> = layers.iter().map(|layer| digest(&layer.tar)).collect();

    let config = config_json("windows", "10.0.1.1", &ids[..1]);
    let layout = Layout::of(&image_of("windows", "", config, &layers), "a:1");
    refused("count", &layout, |error| {
        matches!(
            error,
            LoadError::LayerCount {
                layers: 2,
                diff_ids: 1,
                ..
            }
        )
    });

    let config = config_json("", "10.0.1.1", &ids);
    let layout = Layout::of(&image_of("windows", "", config, &layers), "a:1");
    refused("no os", &layout, |error| {
        matches!(error, LoadError::NoOs { .. })
    });

    let mut layout = Layout::of(&sample(), "a:1");
    layout.entries[0]["platform"] = json!({ "os": "linux", "architecture": "amd64" });
    refused("os", &layout, |error| {
        matches!(error, LoadError::OsConflict { .. })
    });

    let mut image = sample();
    let mut manifest = manifest_json(&image.config, &image.layers);
    manifest["manifests"] = json!([]);
    image.manifest = manifest.to_string().into_bytes();
    refused("two kinds", &Layout::of(&image, "a:1"), |error| {
        matches!(error, LoadError::Json(JsonError::Ambiguous { .. }))
    });
}

#[test]
fn types_that_are_not_known_are_refused_by_name() {
    for media_type in [
        "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
        "application/vnd.example.layer",
        "",
    ] {
        let layers = [Layer {
            media_type,
            ..gzipped("a")
        }];
        refused(
            media_type,
            &Layout::of(&image("10.0.1.1", &layers), "a:1"),
            |error| matches!(error, LoadError::LayerType { media_type: found, .. } if found == media_type),
        );
    }
    let mut image = sample();
    let mut manifest = manifest_json(&image.config, &image.layers);
    manifest["config"]["mediaType"] = json!("application/vnd.cncf.helm.config.v1+json");
    image.manifest = manifest.to_string().into_bytes();
    refused(
        "a chart",
        &Layout::of(&image, "a:1"),
        |error| matches!(error, LoadError::Empty { media_types } if media_types[0].contains("helm")),
    );
    let mut layout = Layout::of(&sample(), "a:1");
    layout.entries[0]["mediaType"] =
        json!("application/vnd.docker.distribution.manifest.v1+prettyjws");
    refused(
        "schema 1",
        &layout,
        |error| matches!(error, LoadError::Empty { media_types } if media_types[0].contains("prettyjws")),
    );
}

#[test]
fn an_archive_that_is_none_is_refused() {
    let image = sample();
    let without = |name: &str| {
        let files = Layout::of(&image, "a:1").files();
        files_tar(
            &files
                .into_iter()
                .filter(|(file, _)| file != name)
                .collect::<Vec<_>>(),
        )
    };
    let is_no_image =
        |error: &LoadError| matches!(error, LoadError::Source(SourceError::NotAnImage { .. }));
    refused_tar("no index", &without("index.json"), is_no_image);
    refused_tar("a layer", &image.layers[0].tar, is_no_image);
    refused_tar("an empty tar", &tar(&[]), is_no_image);
    refused_tar("an empty file", b"", is_no_image);
    let is_no_tar = |error: &LoadError| matches!(error, LoadError::Source(SourceError::Tar { .. }));
    refused_tar("text", "no tar at all ".repeat(100).as_bytes(), is_no_tar);
    let whole = Layout::of(&image, "a:1").tar();
    refused_tar("cut off", &whole[..2048 + 100], is_no_tar);
    let packed = gzip(&whole);
    refused_tar("gzip cut off", &packed[..packed.len() / 2], |error| {
        matches!(
            error,
            LoadError::Source(SourceError::Io { verb: "unpack", .. })
        )
    });
    let home = Home::new();
    let error = home.load(home.dir.path()).unwrap_err();
    assert!(
        matches!(error, LoadError::Source(SourceError::NotALayout(_))),
        "{error:?}"
    );
    let error = home.load(&home.path("nowhere")).unwrap_err();
    assert!(
        matches!(error, LoadError::Source(SourceError::Io { .. })),
        "{error:?}"
    );
    // The marker alone may be missing: old tools did not write it.
    assert!(
        home.load(&home.write("a.tar", &without("oci-layout")))
            .is_ok()
    );
}

#[test]
fn a_layout_of_a_later_version_is_refused() {
    let mut layout = Layout::of(&sample(), "a:1");
    layout.extra.push((
        "oci-layout".to_owned(),
        br#"{"imageLayoutVersion":"2.0.0"}"#.to_vec(),
    ));
    refused(
        "version 2",
        &layout,
        |error| matches!(error, LoadError::Source(SourceError::Version { found }) if found == "2.0.0"),
    );
}

#[test]
fn json_bombs_are_refused() {
    let is_json = |error: &LoadError| {
        matches!(
            error,
            LoadError::Json(_) | LoadError::Source(SourceError::Json(_))
        )
    };
    let mut long = br#"{"manifests":[]"#.to_vec();
    long.resize(5 << 20, b' ');
    let entry = json!({ "digest": digest(b""), "size": 1 }).to_string();
    let many = format!(r#"{{"manifests":[{}]}}"#, vec![entry; 10_001].join(","));
    for (why, bytes) in [
        ("deep", "[".repeat(1 << 20).into_bytes()),
        ("long", long),
        ("many", many.into_bytes()),
        ("no object", b"[]".to_vec()),
        ("no JSON", b"{".to_vec()),
        (
            "bad digest",
            br#"{"manifests":[{"digest":"sha256:../../x","size":1}]}"#.to_vec(),
        ),
        (
            "negative",
            format!(
                r#"{{"manifests":[{{"digest":"{}","size":-1}}]}}"#,
                digest(b"")
            )
            .into_bytes(),
        ),
    ] {
        let mut layout = Layout::of(&sample(), "a:1");
        layout.extra.push(("index.json".to_owned(), bytes));
        refused(why, &layout, is_json);
    }
}

#[test]
fn an_index_that_is_too_deep_or_empty_is_refused() {
    let mut layout = Layout::default();
    let mut entry = layout.add_blobs(&sample());
    for _ in 0..6 {
        let index = json!({ "manifests": [entry] }).to_string().into_bytes();
        layout.add_blob(&index);
        entry = descriptor(INDEX, &index);
    }
    layout.entries.push(entry);
    refused("deep", &layout, |error| {
        matches!(error, LoadError::TooDeep { .. })
    });
    refused("empty", &Layout::default(), |error| {
        matches!(error, LoadError::Empty { .. })
    });
}

#[test]
fn names_that_are_trouble_are_refused() {
    for name in ["\u{1b}[31mred", "a\nb", &"x".repeat(600)] {
        refused(name, &Layout::of(&sample(), name), |error| {
            matches!(error, LoadError::Name(_))
        });
    }
}

#[test]
fn a_docker_archive_that_lies_is_refused() {
    let image = image("10.0.1.1", &[plain("a")]);
    let config = format!("{}.json", hex_of(&image.config));
    let archive = |config_bytes: &[u8], manifest: serde_json::Value| {
        files_tar(&[
            (config.clone(), config_bytes.to_vec()),
            ("layer.tar".to_owned(), image.layers[0].tar.clone()),
            ("other.tar".to_owned(), layer_tar("other", 10)),
            (
                "manifest.json".to_owned(),
                manifest.to_string().into_bytes(),
            ),
        ])
    };
    let item =
        |layers: &[&str]| json!([{ "Config": config, "RepoTags": ["a:1"], "Layers": layers }]);
    let mut changed = image.config.clone();
    changed.push(b' ');
    refused_tar(
        "config changed",
        &archive(&changed, item(&["layer.tar"])),
        |error| matches!(error, LoadError::DocumentDigest { .. }),
    );
    refused_tar(
        "another layer",
        &archive(&image.config, item(&["other.tar"])),
        |error| {
            matches!(
                import_failure(error),
                Some(ImportFailure::WrongDiffId { .. })
            )
        },
    );
    for missing in ["nowhere.tar", "../../etc/passwd", "/etc/passwd"] {
        refused_tar(
            missing,
            &archive(&image.config, item(&[missing])),
            |error| matches!(error, LoadError::Source(SourceError::Missing { name }) if name == missing),
        );
    }
    refused_tar("count", &archive(&image.config, item(&[])), |error| {
        matches!(error, LoadError::LayerCount { .. })
    });
    refused_tar("no list", &archive(&image.config, json!({})), |error| {
        matches!(error, LoadError::Json(JsonError::Type { .. }))
    });
    refused_tar("no image", &archive(&image.config, json!([])), |error| {
        matches!(error, LoadError::Empty { .. })
    });
}

#[test]
fn one_bad_layer_stops_the_others() {
    let mut layers: Vec<Layer> = (0..12)
        .map(|number| gzipped(&format!("layer{number}")))
        .collect();
    let mut ids: Vec<String> = layers.iter().map(|layer| digest(&layer.tar)).collect();
    ids[5] = digest(b"something else");
    layers[11] = plain("last");
    ids[11] = digest(&layers[11].tar);
    let config = config_json("windows", "10.0.1.1", &ids);
    let layout = Layout::of(&image_of("windows", "", config, &layers), "a:1");
    refused("the sixth of twelve", &layout, |error| {
        error.to_string().contains("6 of 12")
            && matches!(
                import_failure(error),
                Some(ImportFailure::WrongDiffId { .. })
            )
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_flipped_byte_anywhere_is_refused_or_harmless(place in 0.0..1.0f64, bit in 0u8..8) {
        let image = image("10.0.1.1", &[gzipped("a")]);
        let mut bytes = Layout::of(&image, "a:1").tar();
        let place = ((bytes.len() as f64) * place) as usize;
        bytes[place] ^= 1 << bit;
        let home = Home::new();
        let result = home.load(&home.write("a.tar", &bytes));
        match result {
            Ok(loaded) => {
                let manifest = loaded[0].record.manifest.to_string();
                prop_assert_eq!(manifest, digest(&image.manifest));
                prop_assert_eq!(loaded[0].layers[0].diff_id.to_string(), digest(&image.layers[0].tar));
            }
            Err(_) => home.assert_empty("a flipped byte"),
        }
    }

    #[test]
    fn arbitrary_files_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let home = Home::new();
        prop_assert!(home.load(&home.write("a.tar", &bytes)).is_err());
    }
}
