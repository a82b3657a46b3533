//! Stores in temporary folders, layers made in memory, and mounts of them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use transom_fuse::{Options, Session, View, mount};
use transom_layer::{DiffId, Names};
use transom_layertar::parse::Limits as TarLimits;
use transom_layertar::reader::Reader;
use transom_layertar::{Header, Writer};
use transom_sample::shape::{Content, LayerTree, Node, metadata};
use transom_sealed::{LayerRequest, Stacking, Store, Tree};

/// A store in a temporary folder.
pub(crate) struct Home {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) store: Store,
}

/// A mount in a temporary folder; unmounts when dropped.
pub(crate) struct Mounted {
    pub(crate) session: Session,
    dir: tempfile::TempDir,
    /// The store, where the mount has one of its own.
    _home: Option<Home>,
}

/// The options most tests mount with.
pub(crate) fn options(view: View) -> Options {
    Options {
        view,
        name: "transom-test".to_owned(),
        allow_other: false,
    }
}

/// Says why a test does nothing where it cannot mount.
#[expect(clippy::print_stdout, reason = "whoever runs the tests shall see it")]
pub(crate) fn can_mount() -> bool {
    let can = std::fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/fuse")
        .is_ok();
    if !can {
        println!("skipped: needs /dev/fuse");
    }
    can
}

impl Mounted {
    pub(crate) fn new(tree: &Arc<Tree>, view: View) -> Self {
        Self::with(tree, &options(view))
    }

    /// Mounts one Windows layer out of a store of its own.
    pub(crate) fn of(layer: &LayerTree, view: View) -> Self {
        let home = Home::new();
        let mut mounted = Self::new(&home.windows(layer), view);
        mounted._home = Some(home);
        mounted
    }

    pub(crate) fn with(tree: &Arc<Tree>, options: &Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let session = mount(Arc::clone(tree), options, dir.path()).unwrap();
        Self {
            session,
            dir,
            _home: None,
        }
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    /// The place of a path in the mount.
    pub(crate) fn at(&self, path: impl AsRef<[u8]>) -> PathBuf {
        self.root().join(OsStr::from_bytes(path.as_ref()))
    }
}

impl Home {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("store")).unwrap();
        Self { dir, store }
    }

    pub(crate) fn import(&self, tar: &[u8], names: Names) -> DiffId {
        let request = LayerRequest {
            label: "test",
            blob: None,
            blob_size: None,
            diff_id: None,
            names: Some(names),
            keep_blob: false,
        };
        let session = self.store.session().unwrap();
        let layer = session.import_layer(tar, &request, &|_| {}).unwrap();
        session.keep_unused();
        layer.diff_id
    }

    pub(crate) fn windows(&self, layer: &LayerTree) -> Arc<Tree> {
        let id = self.import(&layer.write(Vec::new()).unwrap(), Names::Windows);
        Arc::new(self.store.open_layer(id, Names::Windows).unwrap())
    }

    pub(crate) fn posix(&self, entries: &[(Header, &[u8])]) -> Arc<Tree> {
        let mut writer = Writer::new(Vec::new());
        for (header, data) in entries {
            let mut header = header.clone();
            header.size = data.len() as u64;
            writer.append(&header).unwrap();
            std::io::Write::write_all(&mut writer, data).unwrap();
        }
        let id = self.import(&writer.finish().unwrap(), Names::Posix);
        Arc::new(self.store.open_layer(id, Names::Posix).unwrap())
    }

    /// The bundled image, all layers stacked.
    pub(crate) fn sample(&self) -> Arc<Tree> {
        let archive =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../samples/hello-windows.tar");
        let archive = std::fs::read(archive).unwrap();
        let files = untar(&archive);
        let json = |path: &str| serde_json::from_slice::<Value>(&files[path]).unwrap();
        let blob = |digest: &Value| format!("blobs/{}", digest.as_str().unwrap().replace(':', "/"));
        let index = json("index.json");
        let mut manifest = json(&blob(&index["manifests"][0]["digest"]));
        while let Some(inner) = manifest["manifests"].get(0) {
            manifest = json(&blob(&inner["digest"]));
        }
        let layers: Vec<DiffId> = manifest["layers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|layer| self.import(&files[&blob(&layer["digest"])], Names::Windows))
            .collect();
        let stacking = Stacking {
            names: Names::Windows,
            whiteouts: None,
        };
        Arc::new(self.store.open_chain(&layers, stacking).unwrap())
    }
}

fn untar(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut reader = Reader::new(archive, TarLimits::default());
    let mut files = BTreeMap::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        let mut data = Vec::new();
        reader.read_to_end(&mut data).unwrap();
        files.insert(String::from_utf8(entry.name).unwrap(), data);
    }
    files
}

/// A layer with the folders `Files` and `Files/dir`.
pub(crate) fn layer() -> LayerTree {
    let mut layer = LayerTree::default();
    add(&mut layer, "Files", Content::Folder);
    add(&mut layer, "Files/Dir", Content::Folder);
    layer
}

pub(crate) fn add<'a>(layer: &'a mut LayerTree, path: &str, content: Content) -> &'a mut Node {
    layer.add(path, Node::new(metadata(1_234_567, 0x20, None), content))
}

pub(crate) fn add_file<'a>(layer: &'a mut LayerTree, path: &str, data: &[u8]) -> &'a mut Node {
    add(layer, path, Content::Bytes(data.to_vec()))
}

/// The errno of a call that must fail.
#[track_caller]
pub(crate) fn errno_of<T>(result: std::io::Result<T>) -> i32 {
    match result {
        Ok(_) => panic!("it works"),
        Err(error) => error.raw_os_error().unwrap(),
    }
}
