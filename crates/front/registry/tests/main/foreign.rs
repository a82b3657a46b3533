//! Layers that are not distributed with their image.

use crate::server::{Answer, Server};
use crate::support::{Home, Image};

const FOREIGN: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";

/// The bundled image with a base layer that is to be had from these URLs.
fn with_urls(urls: &[String]) -> Image {
    let image = Image::sample();
    let mut manifest = image.manifest();
    manifest["layers"][0]["mediaType"] = FOREIGN.into();
    manifest["layers"][0]["urls"] = urls.into();
    image.with_manifest(&manifest)
}

#[test]
fn a_foreign_layer_comes_from_its_url() {
    let other = Server::start(&Image::sample(), |_| None);
    let layer = Image::sample().layers()[0].clone();
    let image = with_urls(&[format!("http://{}/files/{layer}", other.address)]);
    let server = Server::start(&image, |_| None);
    let home = Home::new();
    let loaded = home.pull(&server).unwrap();
    assert_eq!(other.requests_for(&layer).len(), 1);
    assert_eq!(server.requests_for(&layer).len(), 0);
    assert!(
        Image::of(&home.store, &loaded[0].record)
            .blobs
            .contains_key(&layer)
    );
}

#[test]
fn where_no_url_has_it_the_registry_is_asked() {
    let other = Server::start(&Image::sample(), |_| Some(Answer::new(404, "")));
    let layer = Image::sample().layers()[0].clone();
    let image = with_urls(&[
        "ftp://a.example/x".to_owned(),
        "no url".to_owned(),
        format!("http://{}/x", other.address),
    ]);
    let server = Server::start(&image, |_| None);
    Home::new().pull(&server).unwrap();
    assert_eq!(server.requests_for(&layer).len(), 1);
}

#[test]
fn what_a_url_gives_is_checked() {
    let layer = Image::sample().layers()[0].clone();
    let length = Image::sample().blob(&layer).len();
    let other = Server::start(&Image::sample(), move |_| {
        Some(Answer::new(200, vec![0; length]))
    });
    let image = with_urls(&[format!("http://{}/x", other.address)]);
    let server = Server::start(&image, |_| None);
    let home = Home::new();
    home.pull(&server).unwrap_err();
    home.assert_empty();
}
