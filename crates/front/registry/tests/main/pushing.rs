//! What is sent when, and what happens when it is not taken.

use serde_json::Value;
use transom_oci::{NoProgress, SaveError};
use transom_registry::{PushOptions, PushReport, RegistryError, push};
use transom_sealed::ImageRecord;

use crate::server::{Answer, Request, Server};
use crate::support::{Home, Image, reach};

fn push_to(
    server: &Server,
    home: &Home,
    images: &[ImageRecord],
) -> Result<PushReport, RegistryError> {
    let folder = tempfile::tempdir().unwrap();
    let options = PushOptions {
        registry: reach(folder.path()),
        ..PushOptions::default()
    };
    let target = format!("{}/new/name:2", server.address).parse().unwrap();
    push(&home.store, images, &target, &options, &NoProgress)
}

/// A registry that has no blob.
fn empty(request: &Request) -> Option<Answer> {
    (request.method == "HEAD").then(|| Answer::new(404, ""))
}

#[test]
fn blobs_are_sent_byte_for_byte_and_the_manifest_last() {
    let server = Server::start(&Image::sample(), empty);
    let home = Home::new();
    let record = home.load_sample();
    let report = push_to(&server, &home, std::slice::from_ref(&record)).unwrap();
    assert_eq!(
        (report.uploaded, report.already_there, report.mounted),
        (4, 0, 0)
    );
    assert_eq!(report.digest, record.manifest);
    let image = Image::sample();
    for (digest, bytes) in &image.blobs {
        if *digest == image.root {
            continue;
        }
        let end = format!("digest={}", digest.replace(':', "%3A"));
        let put = server.requests_for(&end);
        assert!(put.len() == 1 && put[0].body == *bytes, "{digest}");
    }
    let requests = server.requests();
    let last = requests.last().unwrap();
    assert_eq!(
        (last.method.as_str(), last.target.as_str()),
        ("PUT", "/v2/new/name/manifests/2")
    );
    assert!(last.body == image.blob(&image.root));
}

#[test]
fn what_is_there_is_not_sent() {
    let server = Server::start(&Image::sample(), |_| None);
    let home = Home::new();
    let record = home.load_sample();
    let report = push_to(&server, &home, &[record]).unwrap();
    assert_eq!((report.uploaded, report.already_there), (0, 4));
}

#[test]
fn layers_are_mounted_from_where_the_image_was_pulled() {
    let server = Server::start(&Image::sample(), |request| {
        let mounted = request.target.contains("from=a%2Fb");
        empty(request).or_else(|| mounted.then(|| Answer::new(201, "")))
    });
    let home = Home::new();
    let record = home.pull(&server).unwrap()[0].record.clone();
    let report = push_to(&server, &home, &[record]).unwrap();
    assert_eq!((report.mounted, report.uploaded), (4, 0));
}

#[test]
fn where_mounting_is_denied_the_bytes_are_sent() {
    let server = Server::start(&Image::sample(), |request| {
        let denied = request.target.contains("from=");
        empty(request).or_else(|| denied.then(|| Answer::new(403, "")))
    });
    let home = Home::new();
    let record = home.pull(&server).unwrap()[0].record.clone();
    let report = push_to(&server, &home, &[record]).unwrap();
    assert_eq!(report.uploaded, 4);
}

#[test]
fn an_upload_that_fails_begins_anew() {
    let server = Server::start(&Image::sample(), |request| {
        let fails = request.method == "PUT" && request.earlier == 0;
        empty(request).or_else(|| fails.then(|| Answer::new(503, "")))
    });
    let home = Home::new();
    let record = home.load_sample();
    let report = push_to(&server, &home, &[record]).unwrap();
    assert_eq!(report.uploaded, 4);
}

#[test]
fn a_registry_that_takes_nothing_is_given_up() {
    let server = Server::start(&Image::sample(), |request| {
        empty(request).or_else(|| (request.method == "PUT").then(|| Answer::new(500, "")))
    });
    let home = Home::new();
    let record = home.load_sample();
    push_to(&server, &home, &[record]).unwrap_err();
    let puts = server
        .requests()
        .into_iter()
        .filter(|one| one.method == "PUT");
    // Three at once, each tried four times.
    assert!(puts.count() <= 12);
    assert_eq!(server.requests_for("/manifests/2").len(), 0);
}

#[test]
fn several_images_become_an_index() {
    let server = Server::start(&Image::sample(), empty);
    let home = Home::new();
    let record = home.load_sample();
    let report = push_to(&server, &home, &[record.clone(), record.clone()]).unwrap();
    let put = server.requests_for("/manifests/2");
    let index: Value = serde_json::from_slice(&put[0].body).unwrap();
    assert_eq!(index["manifests"][0]["digest"], record.manifest.to_string());
    assert_eq!(index["manifests"][0]["platform"]["os"], "windows");
    assert_eq!(put[0].header("content-type"), index["mediaType"].as_str());
    assert_ne!(report.digest, record.manifest);
    let by_digest = format!("/manifests/{}", record.manifest);
    assert!(!server.requests_for(&by_digest).is_empty());
}

#[test]
fn nothing_cannot_be_pushed() {
    let server = Server::start(&Image::sample(), |_| None);
    let error = push_to(&server, &Home::new(), &[]).unwrap_err();
    assert!(
        matches!(error, RegistryError::Save(SaveError::Nothing)),
        "{error}"
    );
}
