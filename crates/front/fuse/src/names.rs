//! Look-ups by name.

use transom_layer::{Names, View};
use transom_ntmeta::name;
use transom_sealed::{Node, Tree, TreeError};

use crate::FuseError;
use crate::folded::FoldedNames;

/// The folder of a layer that is the root of `C:\`.
const VOLUME: &[u8] = b"Files";

/// Finds the root of a view.
pub(crate) fn root_of(tree: &Tree, view: View) -> Result<Node, FuseError> {
    let root = tree.root()?;
    match (tree.names(), view) {
        (Names::Windows, View::Volume) => {
            let volume = tree.child(&root, VOLUME)?;
            volume.filter(Node::is_directory).ok_or(FuseError::NoVolume)
        }
        (Names::Windows, View::Raw) | (Names::Posix, _) => Ok(root),
    }
}

/// Finds the entry, or the alternate stream of an entry, that is called `name` in a folder.
pub(crate) fn find(
    tree: &Tree,
    folded: &FoldedNames,
    folder: &Node,
    name: &[u8],
) -> Result<Option<Node>, TreeError> {
    if tree.names() == Names::Posix {
        return tree.child(folder, name);
    }
    let (file, stream) = name::split_stream(name);
    if file.is_empty() {
        return Ok(None);
    }
    match (folded.find(tree, folder, file)?, stream) {
        (Some(node), Some(stream)) => find_stream(tree, &node, stream),
        (found, _) => Ok(found),
    }
}

/// Finds an alternate stream of an entry.
pub(crate) fn find_stream(
    tree: &Tree,
    node: &Node,
    stream: &[u8],
) -> Result<Option<Node>, TreeError> {
    let streams = tree.streams(node)?;
    Ok(streams
        .into_iter()
        .find(|found| name::eq_folded(stream_name(found), stream)))
}

/// Returns the part behind the colon of a stream's name.
pub(crate) fn stream_name(stream: &Node) -> &[u8] {
    name::split_stream(stream.name()).1.unwrap_or_default()
}
