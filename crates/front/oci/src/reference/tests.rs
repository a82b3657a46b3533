use proptest::prelude::*;
use transom_sealed::{Dialect, Platform};

use super::*;

fn digest(start: &str) -> BlobDigest {
    let padded = format!("{start:0<64}");
    format!("sha256:{padded}").parse().unwrap()
}

fn image(manifest: &str, config: &str, names: &[&str]) -> ImageRecord {
    ImageRecord {
        manifest: digest(manifest),
        config: digest(config),
        media_type: String::new(),
        platform: Platform::default(),
        layers: Vec::new(),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        created: 0,
    }
}

fn images() -> Vec<ImageRecord> {
    vec![
        image("aaaa1", "cafe1", &["app:1", "registry:5000/app:latest"]),
        image("aaaa2", "cafe1", &["docker.io/library/tool:latest"]),
        image(
            "bbbb",
            "cafe3",
            &["mcr.microsoft.com/windows/nanoserver:ltsc2022", "v1"],
        ),
        image("cccc", "cafe4", &[]),
    ]
}

/// Resolves and returns the first digits of the manifest, or the error's kind.
fn found(text: &str) -> String {
    match resolve(&images(), text) {
        Ok(image) => image.manifest.0.hex().trim_end_matches('0').to_owned(),
        Err(ReferenceError::NotFound { .. }) => "none".to_owned(),
        Err(ReferenceError::Ambiguous { candidates, .. }) => {
            format!("{} of them", candidates.len())
        }
        Err(other) => other.to_string(),
    }
}

#[test]
fn references_mean_what_the_table_says() {
    for (text, expected) in [
        ("app:1", "aaaa1"),
        ("docker.io/library/app:1", "aaaa1"),
        ("index.docker.io/app:1", "aaaa1"),
        ("app", "none"),
        ("registry:5000/app", "aaaa1"),
        ("tool", "aaaa2"),
        ("library/tool:latest", "aaaa2"),
        ("mcr.microsoft.com/windows/nanoserver:ltsc2022", "bbbb"),
        ("v1", "bbbb"),
        ("v1:latest", "bbbb"),
        ("aaaa1", "aaaa1"),
        ("aaaa", "2 of them"),
        ("aaa", "none"),
        ("cccc", "cccc"),
        ("sha256:cccc", "cccc"),
        ("cafe4", "cccc"),
        ("cafe1", "2 of them"),
        ("AAAA1", "none"),
        ("", "none"),
        ("x/../y", "none"),
    ] {
        assert_eq!(found(text), expected, "{text}");
    }
}

#[test]
fn a_whole_digest_names_manifest_or_config() {
    assert_eq!(found(&digest("bbbb").to_string()), "bbbb");
    assert_eq!(found(&digest("cafe3").to_string()), "bbbb");
    assert_eq!(found(&digest("dddd").to_string()), "none");
    assert!(found("sha256:xyz").contains("no digest"));
}

#[test]
fn a_name_with_a_digest_needs_both() {
    let manifest = digest("aaaa1");
    for (text, expected) in [
        (format!("app@{manifest}"), "aaaa1"),
        (format!("app:other@{manifest}"), "aaaa1"),
        (format!("docker.io/library/app@{manifest}"), "aaaa1"),
        (format!("tool@{manifest}"), "none"),
        (format!("app@{}", digest("cafe1")), "aaaa1"),
    ] {
        assert_eq!(found(&text), expected, "{text}");
    }
    assert!(found("app@sha256:1").contains("no digest"));
}

#[test]
fn an_exact_name_wins_over_its_long_form_and_a_name_over_digits() {
    let images = [
        image("aaaa", "1111", &["docker.io/library/x:latest"]),
        image("bbbb", "2222", &["x:latest"]),
        image("cccc", "3333", &["aaaa:latest"]),
    ];
    let manifest = |text| resolve(&images, text).map(|image| image.manifest);
    assert_eq!(manifest("x:latest"), Ok(digest("bbbb")));
    assert_eq!(manifest("aaaa"), Ok(digest("cccc")));
    let error = manifest("library/x").unwrap_err();
    let ReferenceError::Ambiguous { candidates, .. } = error else {
        panic!("{error}")
    };
    assert!(
        candidates[0].contains("docker.io/library/x:latest"),
        "{candidates:?}"
    );
}

#[test]
fn layers_are_found_by_their_digits() {
    let layer = |start| LayerRecord {
        diff_id: transom_layer::DiffId(digest(start).0),
        size: 0,
        index_size: 0,
        index_digest: digest("0"),
        entries: 0,
        whiteouts: 0,
        unresolved_links: 0,
        dialect: Dialect::Windows,
        names: transom_layer::Names::Windows,
        created: 0,
    };
    let layers = [layer("abcd1"), layer("abcd2")];
    assert_eq!(resolve_layer(&layers, "abcd2"), Ok(&layers[1]));
    assert_eq!(
        resolve_layer(&layers, &layers[0].diff_id.to_string()),
        Ok(&layers[0])
    );
    assert!(matches!(
        resolve_layer(&layers, "abcd"),
        Err(ReferenceError::Ambiguous { .. })
    ));
    assert!(matches!(
        resolve_layer(&layers, "app:1"),
        Err(ReferenceError::NotFound { .. })
    ));
}

#[test]
fn a_new_name_gets_a_tag_and_nonsense_is_refused() {
    assert_eq!(new_name("app").unwrap(), "app:latest");
    assert_eq!(new_name("h:5000/app").unwrap(), "h:5000/app:latest");
    assert_eq!(new_name("h:5000/app:2").unwrap(), "h:5000/app:2");
    let long = "a".repeat(600);
    for text in [
        "",
        "a b",
        "App",
        "a:",
        "a@b",
        "\u{1b}[1m",
        "../x",
        "/x",
        "a//b",
        &long,
    ] {
        assert!(
            matches!(new_name(text), Err(ReferenceError::BadName(..))),
            "{text:?}"
        );
    }
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,40}") {
        let _ = resolve(&images(), &text);
        let _ = new_name(&text);
    }

    #[test]
    fn the_long_form_of_a_long_form_is_itself(text in "[a-z]{1,5}(/[a-z]{1,5}){0,2}(:[a-z0-9]{1,5})?") {
        let long = long_form(&text).unwrap();
        prop_assert_eq!(long_form(&long), Some(long.clone()));
    }
}
