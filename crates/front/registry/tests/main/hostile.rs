//! Registries that lie: nothing of it gets into the store.

use serde_json::json;

use crate::server::{Answer, Request, Server};
use crate::support::{Home, Image, told};

/// Pulls from a server that answers so; the store must stay empty. Returns what is told.
fn refused(fault: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static) -> (String, Server) {
    let server = Server::start(&Image::sample(), fault);
    let home = Home::new();
    let error = told(&home.pull(&server).unwrap_err());
    home.assert_empty();
    (error, server)
}

#[test]
fn a_layer_that_is_not_the_one_named_is_refused_by_its_digest() {
    let image = Image::sample();
    let layer = image.layers()[0].clone();
    let mut bytes = image.blob(&layer).to_vec();
    let last = bytes.len() - 1;
    // In the checksum, so that gzip notices, and in a tar that only the digest tells from another.
    for place in [last, 5] {
        bytes[place] ^= 1;
        let (wanted, bytes) = (layer.clone(), bytes.clone());
        let (error, _) = refused(move |request| {
            let wanted = request.target.ends_with(&wanted);
            wanted.then(|| Answer::new(200, bytes.as_slice()))
        });
        assert!(error.contains(&layer), "{error}");
    }
}

#[test]
fn a_blob_that_says_it_is_longer_is_not_read() {
    let image = Image::sample();
    let layer = image.layers()[1].clone();
    let (bytes, wanted) = (image.blob(&layer).to_vec(), layer.clone());
    let (error, server) = refused(move |request| {
        let longer = [bytes.as_slice(), b"more"].concat();
        request
            .target
            .ends_with(&wanted)
            .then(|| Answer::new(200, longer))
    });
    assert!(
        error.contains(&layer) && error.contains("more than"),
        "{error}"
    );
    assert_eq!(server.requests_for(&layer).len(), 1);
}

#[test]
fn a_blob_that_goes_on_after_its_end_is_cut_off() {
    let image = Image::sample();
    let layer = image.layers()[1].clone();
    let (bytes, wanted) = (image.blob(&layer).to_vec(), layer.clone());
    let (error, _) = refused(move |request| {
        let mut answer = Answer::new(200, [bytes.as_slice(), &[0; 100_000]].concat());
        answer.chunked = true;
        request.target.ends_with(&wanted).then_some(answer)
    });
    assert!(
        error.contains(&layer) && error.contains("more than"),
        "{error}"
    );
}

#[test]
fn a_blob_that_is_shorter_is_refused_at_once() {
    let image = Image::sample();
    let layer = image.layers()[1].clone();
    let (bytes, wanted) = (image.blob(&layer).to_vec(), layer.clone());
    let (error, server) = refused(move |request| {
        let shorter = &bytes[..bytes.len() - 1];
        request
            .target
            .ends_with(&wanted)
            .then(|| Answer::new(200, shorter))
    });
    assert!(error.contains("descriptor says"), "{error}");
    assert_eq!(server.requests_for(&layer).len(), 1);
}

#[test]
fn another_part_than_was_asked_for_is_refused() {
    let image = Image::sample();
    let layer = image.layers()[0].clone();
    let (bytes, wanted) = (image.blob(&layer).to_vec(), layer);
    let (error, _) = refused(move |request| {
        if !request.target.ends_with(&wanted) {
            return None;
        }
        if request.earlier == 0 {
            return Some(Answer::new(200, bytes.as_slice()).cut(100));
        }
        let range = format!("bytes 200-{}/{}", bytes.len() - 1, bytes.len());
        Some(Answer::new(206, &bytes[200..]).header("Content-Range", range))
    });
    assert!(error.contains("another part"), "{error}");
}

#[test]
fn a_manifest_without_end_is_refused() {
    let (error, _) = refused(|request| {
        let manifest = request.target.ends_with("/manifests/1");
        manifest.then(|| Answer::new(200, vec![b' '; (4 << 20) + 1]))
    });
    assert!(error.contains("more than 4194304 bytes"), "{error}");
}

#[test]
fn a_manifest_that_is_not_the_digest_asked_for_is_refused() {
    let image = Image::sample();
    let other = json!({ "schemaVersion": 2 }).to_string();
    let server = Server::start(&image, move |_| Some(Answer::new(200, other.as_bytes())));
    let home = Home::new();
    let name = format!("{}/a/b@{}", server.address, image.root)
        .parse()
        .unwrap();
    let result = transom_registry::pull(
        &home.store,
        &name,
        &home.options(),
        &transom_oci::NoProgress,
    );
    let error = told(&result.unwrap_err());
    assert!(error.contains(&image.root), "{error}");
    home.assert_empty();
}

#[test]
fn the_documents_word_counts_and_not_the_content_type() {
    let image = Image::sample();
    let manifest = image.blob(&image.root).to_vec();
    let server = Server::start(&image, move |request| {
        let answer = Answer::new(200, manifest.as_slice()).header("Content-Type", "text/html");
        request.target.ends_with("/manifests/1").then_some(answer)
    });
    let loaded = Home::new().pull(&server).unwrap();
    assert_eq!(loaded[0].record.manifest.to_string(), image.root);
}

#[test]
fn what_is_no_manifest_is_refused_with_what_the_registry_calls_it() {
    for body in [
        "",
        "<html>",
        "{}",
        "[]",
        r#"{"schemaVersion":1,"fsLayers":[]}"#,
    ] {
        let (error, _) =
            refused(move |_| Some(Answer::new(200, body).header("Content-Type", "text/odd")));
        assert!(error.contains("text/odd"), "{error}");
    }
}

#[test]
fn redirects_in_circles_end() {
    let (error, server) = refused(|request| {
        let blob = request.target.contains("/blobs/");
        blob.then(|| Answer::new(307, "").header("Location", request.target.clone()))
    });
    assert!(error.contains("circles"), "{error}");
    assert!(server.requests().len() < 30);
}

#[test]
fn a_redirect_to_a_file_is_refused() {
    let (error, _) = refused(|request| {
        let blob = request.target.contains("/blobs/");
        blob.then(|| Answer::new(302, "").header("Location", "file:///etc/passwd"))
    });
    assert!(error.contains("may not"), "{error}");
}
