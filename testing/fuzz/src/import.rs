//! Import: any bytes become a layer that is whole, or leave nothing behind.

use std::cell::LazyCell;
use std::io::Read;
use std::path::{Path, PathBuf};

use transom_layer::{Digest, Names};
use transom_sealed::{ImportedLayer, LayerRequest, Limits, Store};

thread_local! {
    /// One store for all inputs: each leaves it empty.
    static STORE: LazyCell<Opened> = LazyCell::new(Opened::new);
}

struct Opened {
    store: Store,
    folder: PathBuf,
}

impl Opened {
    fn new() -> Self {
        // In memory where the system offers that: the import waits for its disk.
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        let folder = parent.join(format!("transom-fuzz-{}", std::process::id()));
        let mut store = Store::open(&folder).expect("a new store");
        store.set_limits(small_limits());
        Self { store, folder }
    }
}

/// Small, so that an input that inflates without end is refused soon.
pub(crate) fn small_limits() -> Limits {
    Limits {
        bytes: 4 << 20,
        entries: 10_000,
        ..Limits::default()
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // What stays is in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Imports the bytes as a layer, plain or compressed, of a Windows and of a Linux image.
pub fn import(data: &[u8]) {
    STORE.with(|opened| {
        for names in [Names::Windows, Names::Posix] {
            if let Some(layer) = import_into(&opened.store, data, names) {
                read_all(&opened.store, &layer, names);
            }
            opened.store.collect_garbage(true).expect("a sound store");
            assert!(
                opened.store.layers().expect("a sound store").is_empty(),
                "a layer stayed"
            );
            assert!(
                opened.store.blobs().expect("a sound store").is_empty(),
                "a blob stayed"
            );
        }
    });
}

fn import_into(store: &Store, data: &[u8], names: Names) -> Option<ImportedLayer> {
    let request = LayerRequest {
        label: "fuzz",
        blob: None,
        blob_size: None,
        diff_id: None,
        names: Some(names),
        keep_blob: true,
    };
    let session = store.session().expect("a sound store");
    let layer = session.import_layer(data, &request, &|_| {}).ok()?;
    session.keep_unused();
    assert_eq!(
        (layer.blob.0, layer.blob_size),
        (Digest::of(data), data.len() as u64)
    );
    Some(layer)
}

fn read_all(store: &Store, layer: &ImportedLayer, names: Names) {
    let mut tar = Vec::new();
    store
        .layer_tar(layer.diff_id)
        .expect("imported")
        .read_to_end(&mut tar)
        .expect("a sound store");
    assert_eq!(
        (layer.diff_id.0, layer.size),
        (Digest::of(&tar), tar.len() as u64)
    );

    let tree = store.open_layer(layer.diff_id, names).expect("imported");
    let mut folders = vec![tree.root().expect("our own index")];
    while let Some(folder) = folders.pop() {
        for node in tree.entries(&folder).expect("our own index") {
            tree.metadata(&node).expect("our own index");
            if node.is_directory() {
                folders.push(node);
            } else if let Ok(data) = tree.open_data(&node) {
                // A sparse entry may announce any size.
                let mut bytes = Vec::new();
                data.take(1 << 20)
                    .read_to_end(&mut bytes)
                    .expect("data lies inside the tar");
            }
        }
    }
}
