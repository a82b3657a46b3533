//! Connections that break, servers that are busy: what a pull gets over.

use std::time::{Duration, Instant};

use transom_oci::NoProgress;
use transom_registry::{Mirror, pull};

use crate::server::{Answer, Server, content};
use crate::support::{Home, Image, told};

#[test]
fn a_pull_brings_every_blob_as_it_is() {
    let image = Image::sample();
    let server = Server::start(&image, |_| None);
    let home = Home::new();
    let loaded = home.pull(&server).unwrap();
    let names = [format!("{}/a/b:1", server.address)];
    assert_eq!(loaded[0].record.names, names);
    let pulled = Image::of(&home.store, &loaded[0].record);
    assert_eq!(pulled.root, image.root);
    assert!(pulled.blobs == image.blobs);
}

#[test]
fn a_second_pull_fetches_no_layer() {
    let image = Image::sample();
    let server = Server::start(&image, |_| None);
    let home = Home::new();
    home.pull(&server).unwrap();
    let again = home.pull(&server).unwrap();
    assert!(again[0].layers.iter().all(|layer| layer.already_there));
    for layer in image.layers() {
        assert_eq!(server.requests_for(&layer).len(), 1, "{layer}");
    }
}

#[test]
fn a_blob_goes_on_where_the_connection_broke() {
    let image = Image::sample();
    let layer = image.layers()[0].clone();
    let half = image.blob(&layer).len() / 2;
    let (bytes, wanted) = (image.blob(&layer).to_vec(), layer.clone());
    let server = Server::start(&image, move |request| {
        let is_first = request.target.ends_with(&wanted) && request.earlier == 0;
        is_first.then(|| content(request, &bytes).cut(half))
    });
    let home = Home::new();
    home.pull(&server).unwrap();
    let requests = server.requests_for(&layer);
    assert_eq!(requests.len(), 2);
    let expected = format!("bytes={half}-");
    assert_eq!(requests[1].header("range"), Some(expected.as_str()));
}

#[test]
fn a_server_that_knows_no_ranges_is_read_from_the_start_again() {
    let image = Image::sample();
    let layer = image.layers()[0].clone();
    let half = image.blob(&layer).len() / 2;
    let (bytes, wanted) = (image.blob(&layer).to_vec(), layer.clone());
    let server = Server::start(&image, move |request| {
        let whole = request
            .target
            .ends_with(&wanted)
            .then(|| Answer::new(200, bytes.as_slice()))?;
        Some(if request.earlier < 2 {
            whole.cut(half)
        } else {
            whole
        })
    });
    let home = Home::new();
    home.pull(&server).unwrap();
    assert_eq!(server.requests_for(&layer).len(), 3);
}

#[test]
fn a_part_that_begins_earlier_than_asked_is_read_over() {
    let image = Image::sample();
    let layer = image.layers()[0].clone();
    let (bytes, wanted) = (image.blob(&layer).to_vec(), layer.clone());
    let server = Server::start(&image, move |request| {
        if !request.target.ends_with(&wanted) {
            return None;
        }
        if request.earlier == 0 {
            return Some(content(request, &bytes).cut(100));
        }
        let range = format!("bytes 90-{}/{}", bytes.len() - 1, bytes.len());
        Some(Answer::new(206, &bytes[90..]).header("Content-Range", range))
    });
    Home::new().pull(&server).unwrap();
}

#[test]
fn a_connection_that_always_breaks_is_given_up() {
    let image = Image::sample();
    let layer = image.layers()[0].clone();
    let (bytes, wanted) = (image.blob(&layer).to_vec(), layer.clone());
    let server = Server::start(&image, move |request| {
        let wanted = request.target.ends_with(&wanted);
        wanted.then(|| Answer::new(200, bytes.as_slice()).cut(10))
    });
    let home = Home::new();
    let error = told(&home.pull(&server).unwrap_err());
    assert!(error.contains(&layer), "{error}");
    // The first try and three more.
    assert_eq!(server.requests_for(&layer).len(), 4);
    home.assert_empty();
}

#[test]
fn a_busy_registry_is_left_alone_as_long_as_it_asks() {
    let image = Image::sample();
    let layer = image.layers()[1].clone();
    let server = Server::start(&image, move |request| {
        let is_wanted =
            request.target.ends_with("/manifests/1") || request.target.ends_with(&layer);
        let busy = Answer::new(429, "").header("Retry-After", "1");
        (is_wanted && request.earlier == 0).then_some(busy)
    });
    let start = Instant::now();
    Home::new().pull(&server).unwrap();
    assert!(start.elapsed() >= Duration::from_secs(2));
}

#[test]
fn a_registry_that_is_busy_for_hours_is_told_of() {
    let server = Server::start(&Image::sample(), |_| {
        Some(Answer::new(503, "").header("Retry-After", "7200"))
    });
    let start = Instant::now();
    let error = told(&Home::new().pull(&server).unwrap_err());
    assert!(error.contains("503"), "{error}");
    assert_eq!(server.requests().len(), 1);
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn an_image_that_is_not_there_is_told_of_with_what_the_registry_says() {
    let server = Server::start(&Image::sample(), |_| None);
    let home = Home::new();
    let name = format!("{}/a/b:2", server.address).parse().unwrap();
    let error = pull(&home.store, &name, &home.options(), &NoProgress).unwrap_err();
    let error = told(&error);
    assert!(
        error.contains("404") && error.contains("not here"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 1);
    home.assert_empty();
}

#[test]
fn a_mirror_is_asked_first_and_the_registry_where_it_fails() {
    let image = Image::sample();
    let registry = Server::start(&image, |_| None);
    let missing = image.layers()[2].clone();
    let mirror = Server::start(&image, move |request| {
        request
            .target
            .ends_with(&missing)
            .then(|| Answer::new(404, ""))
    });
    let without = Server::start(&image, |_| Some(Answer::new(500, "")));
    let home = Home::new();
    let mut options = home.options();
    options.registry.mirrors = [&without, &mirror]
        .map(|one| {
            format!("{}=http://{}", registry.address, one.address)
                .parse::<Mirror>()
                .unwrap()
        })
        .to_vec();
    pull(&home.store, &registry.name(), &options, &NoProgress).unwrap();
    assert_eq!(mirror.requests_for("/manifests/1").len(), 1);
    // Only what the mirror lacks comes from the registry.
    let asked: Vec<String> = registry
        .requests()
        .into_iter()
        .map(|one| one.target)
        .collect();
    assert_eq!(asked, [format!("/v2/a/b/blobs/{}", image.layers()[2])]);
}
