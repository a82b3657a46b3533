//! Drivers and layers for tests.

use std::io::Read;

use transom_driver::memory::MemoryEngine;
use transom_driver::{Driver, Exports, Id, Step};
use transom_layertar::{EntryKind, Header, Writer};

pub(crate) const NO_OPTIONS: [(&str, &str); 0] = [];

pub(crate) fn id(text: &str) -> Id {
    Id::new(text).expect("is an id")
}

/// A driver, and a second handle on its engine.
pub(crate) fn driver(exports: Exports) -> (Driver<MemoryEngine>, MemoryEngine) {
    let engine = MemoryEngine::new(exports);
    let driver = Driver::open(engine.clone()).expect("opens an empty engine");
    (driver, engine)
}

/// A driver with the read-only layer `base` and the writable layer `top` on it.
pub(crate) fn two_layers(exports: Exports) -> (Driver<MemoryEngine>, MemoryEngine) {
    let (driver, engine) = driver(exports);
    let (base, top) = (id("base"), id("top"));
    driver.create(&base, None).expect("creates");
    driver
        .apply_diff(&base, None, &mut &tar(&[("Files/a.txt", "a")])[..])
        .expect("fills");
    driver
        .create_writable(&top, Some(&base), NO_OPTIONS)
        .expect("creates");
    engine.faults().take_calls();
    (driver, engine)
}

/// A layer tar with files.
pub(crate) fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = Writer::new(Vec::new());
    for folder in ["Files", "Hives"] {
        let header = Header::new(EntryKind::Directory, folder.as_bytes());
        tar.append(&header).expect("fits a tar");
    }
    for (name, data) in files {
        let mut header = Header::new(EntryKind::File, name.as_bytes());
        header.size = data.len() as u64;
        tar.append(&header).expect("fits a tar");
        std::io::Write::write_all(&mut tar, data.as_bytes()).expect("memory takes all");
    }
    tar.finish().expect("is complete")
}

/// The steps since the last time, without the layers.
pub(crate) fn steps(engine: &MemoryEngine) -> Vec<Step> {
    let calls = engine.faults().take_calls();
    calls.into_iter().map(|(step, _)| step).collect()
}

pub(crate) fn read_to_end(mut source: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    source.read_to_end(&mut bytes).expect("reads to the end");
    bytes
}
