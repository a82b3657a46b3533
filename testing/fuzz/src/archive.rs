//! Whole images: any bytes become an image that is whole, or leave nothing behind.

use std::fs;
use std::path::Path;

use transom_oci::{LoadOptions, NoProgress};
use transom_sealed::Store;

thread_local! {
    /// One store for all inputs: each leaves it empty.
    static OPENED: Opened = Opened::new();
}

struct Opened {
    folder: tempfile::TempDir,
    store: Store,
}

impl Opened {
    fn new() -> Self {
        // In memory where the system offers that: the import waits for its disk.
        let memory = Path::new("/dev/shm");
        let folder = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        let folder = folder.expect("a new folder");
        let mut store = Store::open(&folder.path().join("store")).expect("a new store");
        store.set_limits(crate::import::small_limits());
        Self { folder, store }
    }
}

/// Loads the bytes as an OCI archive or a docker-archive.
pub fn archive(data: &[u8]) {
    OPENED.with(|opened| {
        let (store, path) = (&opened.store, opened.folder.path().join("archive.tar"));
        fs::write(&path, data).expect("room in memory");
        let options = LoadOptions {
            jobs: 1,
            ..LoadOptions::default()
        };
        let _ = transom_oci::load(store, &path, &options, &NoProgress);
        for image in store.images().expect("a sound store") {
            assert!(!image.layers.is_empty(), "an image without layers");
            store.remove_image(&image).expect("a sound store");
        }
        store.collect_garbage(true).expect("a sound store");
        assert!(
            store.layers().expect("a sound store").is_empty(),
            "a layer stayed"
        );
        assert!(
            store.blobs().expect("a sound store").is_empty(),
            "a blob stayed"
        );
        let beside = fs::read_dir(opened.folder.path())
            .expect("our folder")
            .count();
        assert_eq!(beside, 2, "something was written outside the store");
    });
}
