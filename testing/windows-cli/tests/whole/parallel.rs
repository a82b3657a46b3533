//! Many processes on one store.

use std::process::Child;

use transom_driver::conformance::Volume as _;
use transom_standin::PlainVolume;

use crate::support::{HELLO, Host, sample};

const PROCESSES: usize = 20;
const IMAGES: usize = 5;

fn succeed(started: Vec<Child>) {
    for child in started {
        let output = child.wait_with_output().expect("ends");
        assert!(output.status.success(), "{output:?}");
    }
}

#[test]
fn twenty_processes_make_layers_of_one_image_at_once() {
    let Some(host) = Host::with_hello() else {
        return;
    };
    let names: Vec<String> = (0..PROCESSES).map(|n| format!("box{n}")).collect();
    let start = |name: &String| host.start(&["create", name, "--from", HELLO]);
    succeed(names.iter().map(start).collect());
    assert_eq!(host.calls("ImportLayer"), 2, "each layer is filled once");
    host.assert_clean();
    host.assert_all_can_go();
}

/// Archives of images that share the three layers of the sample, and have one more each.
fn archives(host: &Host) -> Vec<String> {
    let Some(maker) = Host::with_hello() else {
        return Vec::new();
    };
    let image = |number: usize| {
        let (name, image) = (format!("layer{number}"), format!("image:{number}"));
        maker.run(&["create", &name, "--from", HELLO]);
        let volume = maker.run(&["mount", &name]);
        let content = number.to_string();
        PlainVolume
            .write(volume.as_ref(), "HELLO/own.txt", content.as_bytes())
            .expect("is mounted");
        maker.run(&["umount", &name]);
        maker.run(&["commit", &name, "-t", &image]);
        let archive = host.text(&format!("{number}.image"));
        maker.run(&["save", &image, "-o", &archive]);
        archive
    };
    (0..IMAGES).map(image).collect()
}

#[test]
fn twenty_loads_of_images_with_shared_layers_keep_each_layer_once() {
    let Some(host) = Host::new() else { return };
    let archives = archives(&host);
    let load = |number: usize| host.start(&["load", &archives[number % IMAGES]]);
    succeed((0..PROCESSES).map(load).collect());
    let count = |what: &str| host.json(&[what]).as_array().map(Vec::len);
    assert_eq!(count("images"), Some(IMAGES));
    assert_eq!(count("layers"), Some(3 + IMAGES));
    host.assert_clean();

    let create = |number: usize| {
        let (name, image) = (format!("box{number}"), format!("image:{}", number % IMAGES));
        host.start(&["create", &name, "--from", &image])
    };
    succeed((0..PROCESSES).map(create).collect());
    assert_eq!(host.calls("ProcessBaseImage"), 1);
    assert_eq!(host.calls("ImportLayer"), 2 + IMAGES, "each is filled once");
    host.assert_clean();
    host.assert_all_can_go();
}

#[test]
fn twenty_loads_of_one_image_keep_it_once() {
    let Some(host) = Host::new() else { return };
    let load = |_| host.start(&["load", &sample()]);
    succeed((0..PROCESSES).map(load).collect());
    assert_eq!(host.names_in("layers").len(), 3);
    host.assert_clean();
    host.assert_all_can_go();
}
