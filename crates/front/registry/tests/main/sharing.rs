//! Many pulls at once.

use std::thread;
use std::time::Duration;

use transom_oci::NoProgress;
use transom_registry::pull;
use transom_sealed::Store;

use crate::server::Server;
use crate::support::{Home, Image};

#[test]
fn twenty_pulls_at_once_fetch_each_layer_once() {
    let image = Image::sample();
    let server = Server::start(&image, |request| {
        if request.target.contains("/blobs/") {
            thread::sleep(Duration::from_millis(50));
        }
        None
    });
    let home = Home::new();
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                // A store of its own over the same folder, as another process has it.
                let store = Store::open(&home.root()).unwrap();
                pull(&store, &server.name(), &home.options(), &NoProgress).unwrap();
            });
        }
    });
    for layer in image.layers() {
        assert_eq!(server.requests_for(&layer).len(), 1, "{layer}");
    }
    assert_eq!(home.store.layers().unwrap().len(), 3);
}

#[test]
fn a_pull_that_fails_leaves_what_another_one_needs() {
    let image = Image::sample();
    let broken = Server::start(&image, {
        let last = image.layers()[2].clone();
        move |request| {
            request
                .target
                .ends_with(&last)
                .then(|| crate::server::Answer::new(404, ""))
        }
    });
    let good = Server::start(&image, |_| None);
    let home = Home::new();
    thread::scope(|scope| {
        for _ in 0..4 {
            // It succeeds where the other has brought the layer that it cannot get.
            scope.spawn(|| home.pull(&broken).is_ok());
            scope.spawn(|| home.pull(&good).unwrap());
        }
    });
    let images = home.store.images().unwrap();
    assert_eq!(images.len(), 1);
    assert!(Image::of(&home.store, &images[0]).blobs == image.blobs);
}
