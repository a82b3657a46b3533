//! What a tree says, as objects of an NTFS volume.

use std::collections::BTreeMap;
use std::io::Read;

use transom_ntfs::Object;
use transom_ntmeta::attributes::FileAttributes;
use transom_ntmeta::filetime::FileTime;
use transom_ntmeta::name::split_stream;
use transom_ntmeta::reparse::{LinkKind, encode_link};
use transom_sealed::{Kind, Metadata, Node, Tree};

/// Returns everything in a tree, sorted by path.
pub(crate) fn objects(tree: &Tree) -> Vec<Object> {
    let mut nodes = Vec::new();
    let mut folders = vec![tree.root().unwrap()];
    while let Some(folder) = folders.pop() {
        for node in tree.children(&folder).unwrap() {
            if node.is_directory() {
                folders.push(node.clone());
            }
            nodes.push(node);
        }
    }
    nodes.sort_by(|a, b| a.path().cmp(b.path()));
    let mut firsts = BTreeMap::new();
    let mut objects: BTreeMap<String, Object> = BTreeMap::new();
    for node in &nodes {
        let path = utf8(node.path());
        let first = firsts.entry(node.id()).or_insert_with(|| path.clone());
        let object = objects
            .entry(first.clone())
            .or_insert_with(|| object(tree, node));
        object.paths.push(path);
        object.streams.extend(streams(tree, node));
    }
    objects.into_values().collect()
}

/// Everything but names and streams.
fn object(tree: &Tree, node: &Node) -> Object {
    let metadata = tree.metadata(node).unwrap();
    let attributes = metadata.attributes;
    let has_directory_bit = attributes.is_some_and(|bits| bits.contains(FileAttributes::DIRECTORY));
    let kind = match metadata.kind {
        Kind::Symlink => Some(LinkKind::Symlink),
        Kind::Junction => Some(LinkKind::MountPoint),
        Kind::File | Kind::Directory | Kind::Special => None,
    };
    let target = || utf8(metadata.target.as_deref().unwrap());
    Object {
        paths: Vec::new(),
        is_folder: node.is_directory() || kind.is_some() && has_directory_bit,
        attributes: attributes.map(|attributes| attributes.bits()),
        times: times(&metadata),
        reparse: kind.map(|kind| encode_link(kind, &target()).unwrap()),
        // A file without DATA stream is an empty one: ntfs-3g makes no other.
        data: match metadata.kind {
            Kind::File => data(tree, node),
            _ => Vec::new(),
        },
        streams: BTreeMap::new(),
        security: metadata.security,
        eas: metadata.eas,
    }
}

/// In the order of ntfs-3g; what the tar does not have is the last write's, as on Windows.
fn times(metadata: &Metadata) -> [i64; 4] {
    let write = metadata.modified;
    let or_write = |time: Option<_>| time.unwrap_or(write);
    let (creation, access) = (or_write(metadata.created), or_write(metadata.accessed));
    let change = or_write(metadata.changed);
    [creation, write, access, change].map(|time| FileTime::from_unix_wrapping(time).0)
}

fn streams(tree: &Tree, node: &Node) -> BTreeMap<String, Vec<u8>> {
    let streams = tree.streams(node).unwrap();
    let named = streams.iter().map(|stream| {
        let (_, name) = split_stream(stream.name());
        (utf8(name.unwrap()), data(tree, stream))
    });
    named.collect()
}

fn data(tree: &Tree, node: &Node) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut data = tree.open_data(node).unwrap();
    data.read_to_end(&mut bytes).unwrap();
    bytes
}

fn utf8(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
