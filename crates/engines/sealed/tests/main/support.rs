//! A store in a temporary folder, and layers made in memory.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use transom_layer::{BlobDigest, DiffId, Digest, Names, TreePath, View, Whiteouts};
use transom_layertar::windows::to_header;
use transom_layertar::{EntryKind, Header, Shape, WindowsMetadata, Writer};
use transom_ntmeta::filetime::UnixTime;
use transom_sealed::{
    AddImageError, AddedImage, CheckOptions, ImageLayer, ImportError, ImportedLayer, LayerRequest,
    Limits, Metadata, NewImage, Node, Platform, Problem, Session, Stacking, Store, Tree,
};

/// The time that entries have unless they say otherwise.
pub(crate) const TIME: UnixTime = UnixTime {
    seconds: 1_536_220_800,
    nanos: 123_456_700,
};

/// A layer under construction.
#[derive(Clone, Default)]
pub(crate) struct Layer(Vec<u8>);

impl Layer {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn entry(
        self,
        path: &str,
        shape: &Shape<'_>,
        metadata: &WindowsMetadata,
        data: &[u8],
    ) -> Self {
        let header = to_header(path.as_bytes(), shape, metadata).unwrap();
        self.header(&header, data)
    }

    /// Adds an entry with any header that can be written.
    pub(crate) fn header(mut self, header: &Header, data: &[u8]) -> Self {
        let mut header = header.clone();
        header.size = data.len() as u64;
        let mut writer = Writer::new(Vec::new());
        writer.append(&header).unwrap();
        writer.write_all(data).unwrap();
        let mut bytes = writer.finish().unwrap();
        bytes.truncate(bytes.len() - 1024);
        self.0.extend(bytes);
        self
    }

    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn dir(self, path: &str) -> Self {
        self.entry(path, &Shape::Directory, &with_attributes(0x10), b"")
    }

    pub(crate) fn file(self, path: &str, data: &[u8]) -> Self {
        let size = data.len() as u64;
        self.entry(path, &Shape::File { size }, &with_attributes(0x20), data)
    }

    pub(crate) fn stream(self, path: &str, data: &[u8]) -> Self {
        let shape = Shape::Stream {
            size: data.len() as u64,
            mode: 0o100_000,
        };
        self.entry(path, &shape, &with_attributes(0x20), data)
    }

    pub(crate) fn link(self, path: &str, target: &str) -> Self {
        let target = target.as_bytes();
        let metadata = with_attributes(0x20);
        self.entry(path, &Shape::HardLink { target }, &metadata, b"")
    }

    pub(crate) fn symlink(self, path: &str, target: &str) -> Self {
        let target = target.as_bytes();
        let metadata = with_attributes(0x400);
        self.entry(path, &Shape::Symlink { target }, &metadata, b"")
    }

    pub(crate) fn junction(self, path: &str, target: &str) -> Self {
        let target = target.as_bytes();
        let metadata = with_attributes(0x410);
        self.entry(path, &Shape::Junction { target }, &metadata, b"")
    }

    /// Adds the whiteout of `path`.
    pub(crate) fn whiteout(self, path: &str) -> Self {
        let name = transom_layertar::whiteout::name_of(path.as_bytes());
        self.header(&Header::new(EntryKind::File, &name), b"")
    }

    pub(crate) fn opaque(self, folder: &str) -> Self {
        let name = [folder, "/.wh..wh..opq"].concat();
        self.plain(EntryKind::File, name.trim_start_matches('/'), b"")
    }

    /// Adds an entry without any Windows metadata.
    pub(crate) fn plain(self, kind: EntryKind, path: &str, data: &[u8]) -> Self {
        let mut header = Header::new(kind, path.as_bytes());
        header.mode = 0o644;
        header.mtime = TIME;
        self.header(&header, data)
    }

    pub(crate) fn tar(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }

    /// The bytes so far, without an end mark.
    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0
    }
}

pub(crate) fn with_attributes(attributes: u32) -> WindowsMetadata {
    WindowsMetadata {
        attributes: Some(attributes),
        creation: Some(TIME),
        last_access: Some(TIME),
        last_write: TIME,
        change: Some(TIME),
        ..WindowsMetadata::default()
    }
}

/// One header block with all fields but magic and checksum as given, GNU or ustar.
pub(crate) fn block(name: &[u8], typeflag: u8, size: u64, gnu: bool) -> [u8; 512] {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name);
    block[100..107].copy_from_slice(b"0000644");
    block[108..115].copy_from_slice(b"0000000");
    block[116..123].copy_from_slice(b"0000000");
    block[124..135].copy_from_slice(octal11(size).as_bytes());
    block[136..147].copy_from_slice(b"00000000000");
    block[156] = typeflag;
    block[257..265].copy_from_slice(if gnu { b"ustar  \0" } else { b"ustar\x0000" });
    sealed(block)
}

pub(crate) fn octal11(number: u64) -> String {
    format!("{number:011o}")
}

/// Puts the right checksum into a header block.
pub(crate) fn sealed(mut block: [u8; 512]) -> [u8; 512] {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}

/// An `x` header with these records.
pub(crate) fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while length != rest + length.to_string().len() {
            length = rest + length.to_string().len();
        }
        body.extend(format!("{length} {key}={value}\n").bytes());
    }
    let mut bytes = block(b"PaxHeaders.0/x", b'x', body.len() as u64, false).to_vec();
    bytes.extend(padded(&body));
    bytes
}

/// Data with its padding.
pub(crate) fn padded(data: &[u8]) -> Vec<u8> {
    let mut bytes = data.to_vec();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Digest::of(bytes)
}

pub(crate) fn request(label: &str, names: Names) -> LayerRequest<'_> {
    LayerRequest {
        label,
        blob: None,
        blob_size: None,
        diff_id: None,
        names: Some(names),
        keep_blob: false,
    }
}

/// How Windows layers are stacked unless a test says otherwise.
pub(crate) const WINDOWS: Stacking = Stacking {
    names: Names::Windows,
    whiteouts: None,
};

pub(crate) const fn stacking(names: Names, whiteouts: Whiteouts) -> Stacking {
    Stacking {
        names,
        whiteouts: Some(whiteouts),
    }
}

/// A store in a temporary folder, with a file beside it that nothing may touch.
pub(crate) struct Home {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) store: Store,
}

impl Home {
    /// Bounds what is taken in.
    pub(crate) fn limit(&mut self, change: impl FnOnce(&mut Limits)) {
        let mut limits = self.store.limits();
        change(&mut limits);
        self.store.set_limits(limits);
    }

    /// A store in memory, where the system has such a folder: most tests are not about the disk.
    pub(crate) fn new() -> Self {
        let memory = tempfile::tempdir_in("/dev/shm");
        Self::at(memory.or_else(|_| tempfile::tempdir()).unwrap())
    }

    pub(crate) fn on_disk() -> Self {
        Self::at(tempfile::tempdir().unwrap())
    }

    fn at(dir: tempfile::TempDir) -> Self {
        fs::write(dir.path().join("canary"), "untouched").unwrap();
        let store = Store::open(&dir.path().join("store")).unwrap();
        Self { dir, store }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    /// Closes the store; its folder is there as long as what is returned.
    pub(crate) fn close(self) -> tempfile::TempDir {
        self.dir
    }

    /// Opens the store once more, as another process would.
    pub(crate) fn open_again(&self) -> Store {
        Store::open(&self.root()).unwrap()
    }

    pub(crate) fn layer_file(&self, id: DiffId, name: &str) -> PathBuf {
        self.root().join("layers").join(id.0.hex()).join(name)
    }

    pub(crate) fn import_as(
        &self,
        bytes: &[u8],
        request: &LayerRequest<'_>,
    ) -> Result<ImportedLayer, ImportError> {
        let session = self.store.session().unwrap();
        let imported = session.import_layer(bytes, request, &|_| {});
        session.keep_unused();
        imported
    }

    pub(crate) fn import(&self, tar: &[u8]) -> DiffId {
        let request = request("test", Names::Windows);
        self.import_as(tar, &request)
            .unwrap_or_else(|error| panic!("{}", chain(&error)))
            .diff_id
    }

    pub(crate) fn import_posix(&self, tar: &[u8]) -> DiffId {
        let request = request("test", Names::Posix);
        self.import_as(tar, &request)
            .unwrap_or_else(|error| panic!("{}", chain(&error)))
            .diff_id
    }

    /// Imports one Windows layer and opens it alone.
    pub(crate) fn tree(&self, tar: &[u8]) -> Tree {
        let id = self.import(tar);
        self.store.open_layer(id, Names::Windows).unwrap()
    }

    pub(crate) fn posix_tree(&self, tar: &[u8]) -> Tree {
        let id = self.import_posix(tar);
        self.store.open_layer(id, Names::Posix).unwrap()
    }

    /// Imports layers and opens their stack.
    pub(crate) fn stack(&self, stacking: Stacking, layers: &[Layer]) -> Tree {
        let ids: Vec<DiffId> = layers
            .iter()
            .map(|layer| match stacking.names {
                Names::Windows => self.import(&layer.clone().tar()),
                Names::Posix => self.import_posix(&layer.clone().tar()),
            })
            .collect();
        let opened = self.store.open_chain(&ids, stacking);
        opened.unwrap_or_else(|error| panic!("{}", chain(&error)))
    }

    /// Imports layers that do not make a stack, and says why.
    pub(crate) fn stack_error(&self, stacking: Stacking, layers: &[Layer]) -> String {
        let ids: Vec<DiffId> = layers
            .iter()
            .map(|layer| self.import(&layer.clone().tar()))
            .collect();
        let error = self.store.open_chain(&ids, stacking).unwrap_err();
        self.assert_tidy();
        chain(&error)
    }

    /// Imports a layer that cannot be one; says why, and checks that it has left nothing.
    pub(crate) fn refused(&self, bytes: &[u8]) -> String {
        self.refused_as(bytes, &request("bad-layer", Names::Windows))
    }

    pub(crate) fn refused_as(&self, bytes: &[u8], request: &LayerRequest<'_>) -> String {
        let before = self.store.layers().unwrap();
        let session = self.store.session().unwrap();
        let error = session.import_layer(bytes, request, &|_| {}).unwrap_err();
        let staged = all_files(&self.root().join("staging"));
        let of_session = |path: &&PathBuf| path.extension().is_none_or(|ending| ending != "lock");
        assert_eq!(staged.iter().filter(of_session).count(), 0, "{staged:?}");
        assert_eq!(self.store.layers().unwrap(), before);
        drop(session);
        self.assert_tidy();
        let text = chain(&error);
        assert!(text.contains(request.label), "names no layer: {text}");
        text
    }

    /// Asserts that disk and catalog agree, that nothing is half done, and that nothing lies outside.
    pub(crate) fn assert_tidy(&self) {
        for folder in ["staging", "trash"] {
            assert_eq!(all_names(&self.root().join(folder)), [""; 0], "{folder}");
        }
        let layers = self.store.layers().unwrap();
        let known: BTreeSet<String> = layers.iter().map(|layer| layer.diff_id.0.hex()).collect();
        let found: BTreeSet<String> = all_names(&self.root().join("layers")).into_iter().collect();
        assert_eq!(known, found);
        let blobs = self.store.blobs().unwrap();
        let kept = blobs.iter().filter(|blob| blob.kept);
        let known: BTreeSet<String> = kept.map(|blob| blob.digest.0.hex()).collect();
        let found: BTreeSet<String> = all_names(&self.root().join("blobs")).into_iter().collect();
        assert_eq!(known, found);
        for layer in &layers {
            assert_eq!(self.store.verify_layer(layer, &|_| {}).unwrap(), []);
        }
        let options = CheckOptions {
            full: true,
            progress: &|_| {},
        };
        let mut findings = self.store.check(&options).unwrap();
        // Tests stack layers that no image has.
        findings.retain(|finding| finding.problem != Problem::OrphanChain);
        assert_eq!(findings, []);
        assert_eq!(all_names(self.dir.path()), ["canary", "store"]);
        let canary = fs::read_to_string(self.dir.path().join("canary")).unwrap();
        assert_eq!(canary, "untouched");
    }

    /// Adds an image of these layers, in a session that imported them.
    pub(crate) fn image(&self, name: &str, layers: &[Vec<u8>]) -> AddedImage {
        self.try_image(name, layers, Names::Windows, false).unwrap()
    }

    pub(crate) fn try_image(
        &self,
        name: &str,
        layers: &[Vec<u8>],
        names: Names,
        strict: bool,
    ) -> Result<AddedImage, AddImageError> {
        let session = self.store.session().unwrap();
        let imported: Vec<ImageLayer> = layers
            .iter()
            .map(|tar| {
                let mut request = request(name, names);
                request.keep_blob = true;
                let layer = session.import_layer(&gzip(tar)[..], &request, &|_| {});
                let layer = layer.unwrap_or_else(|error| panic!("{}", chain(&error)));
                ImageLayer {
                    diff_id: layer.diff_id,
                    blob: layer.blob,
                }
            })
            .collect();
        add_image(&session, name, imported, names, strict)
    }
}

pub(crate) fn add_image(
    session: &Session<'_>,
    name: &str,
    layers: Vec<ImageLayer>,
    names: Names,
    strict: bool,
) -> Result<AddedImage, AddImageError> {
    session.add_image(NewImage {
        manifest: format!("manifest of {name}").as_bytes(),
        media_type: "application/vnd.oci.image.manifest.v1+json",
        config: format!("config of {name}").as_bytes(),
        platform: Platform {
            os: match names {
                Names::Windows => "windows".to_owned(),
                Names::Posix => "linux".to_owned(),
            },
            architecture: "amd64".to_owned(),
            os_version: String::new(),
        },
        layers,
        names: vec![name.to_owned()],
        whiteouts: None,
        strict,
    })
}

pub(crate) fn blob_of(tar: &[u8]) -> BlobDigest {
    BlobDigest(Digest::of(&gzip(tar)))
}

/// An error with all its causes.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

pub(crate) fn path(text: &str, names: Names) -> TreePath {
    TreePath::parse(text, names, View::Raw).unwrap()
}

pub(crate) fn find(tree: &Tree, at: &str) -> Node {
    tree.find(&path(at, tree.names()))
        .unwrap_or_else(|error| panic!("{}", chain(&error)))
}

pub(crate) fn has(tree: &Tree, at: &str) -> bool {
    tree.find(&path(at, tree.names())).is_ok()
}

pub(crate) fn metadata(tree: &Tree, at: &str) -> Metadata {
    tree.metadata(&find(tree, at)).unwrap()
}

pub(crate) fn read(tree: &Tree, at: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut data = tree.open_data(&find(tree, at)).unwrap();
    data.read_to_end(&mut bytes).unwrap();
    bytes
}

pub(crate) fn text(tree: &Tree, at: &str) -> String {
    String::from_utf8(read(tree, at)).unwrap()
}

/// Names of the entries of a folder, streams left out.
pub(crate) fn names(tree: &Tree, at: &str) -> Vec<String> {
    let children = tree.children(&find(tree, at)).unwrap();
    children
        .iter()
        .map(|node| String::from_utf8_lossy(node.name()).into_owned())
        .collect()
}

/// Paths of all entries of a tree, streams included, depth first.
pub(crate) fn paths(tree: &Tree) -> Vec<String> {
    let mut paths = Vec::new();
    let mut nodes = tree.entries(&tree.root().unwrap()).unwrap();
    nodes.reverse();
    while let Some(node) = nodes.pop() {
        paths.push(String::from_utf8_lossy(node.path()).into_owned());
        if node.is_directory() {
            nodes.extend(tree.entries(&node).unwrap().into_iter().rev());
        }
    }
    paths
}

/// All files below a folder.
pub(crate) fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(all_files(&path)),
            false => files.push(path),
        }
    }
    files
}

/// Sorted names in a folder.
pub(crate) fn all_names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Says why a test did not run.
#[expect(clippy::print_stdout, reason = "the test runner collects these lines")]
pub(crate) fn skipped(why: &str) {
    println!("skipped: {why}");
}
