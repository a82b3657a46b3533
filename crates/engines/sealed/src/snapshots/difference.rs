//! What one snapshot has that another has not, as a layer tar.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use transom_layer::{DiffId, Names};
use transom_ntmeta::filetime::UnixTime;
use transom_ntmeta::name::split_stream;

use super::SnapshotError;
use crate::catalog::snapshot::{Snapshot, SnapshotKind};
use crate::chain::Stacking;
use crate::diff::{self, Change, DiffError};
use crate::durable::FileError;
use crate::paths::split_last;
use crate::store::{Session, Store};
use crate::tree::{Kind, Node, Tree, TreeError};
use crate::writable::{Content, Entry, Item, Stream, TOP_FOLDERS, What, write_from_tree};

/// Bytes of a tar without entries: its end mark.
const EMPTY_TAR: [u8; 1024] = [0; 1024];

impl Store {
    /// Writes what `upper` has and `lower` has not as a layer tar; `lower` of `None` has nothing. Times of what was
    /// written after `latest` are set to it.
    ///
    /// Where `upper` was made from what `lower` is, and nothing or one layer was put on it, that is the layer as it
    /// came, or what was written. Everything else is found by comparing the two.
    ///
    /// # Errors
    /// [`SnapshotError`], or `out` fails.
    pub fn write_snapshot_difference(
        &self,
        lower: Option<&str>,
        upper: &str,
        latest: Option<UnixTime>,
        out: &mut dyn Write,
    ) -> Result<(), SnapshotError> {
        let session = self.session()?;
        let (upper, mut layers) = (self.snapshot(upper)?, self.snapshot_chain(upper)?);
        let below = match lower {
            Some(lower) => {
                let mut below = self.snapshot_chain(lower)?;
                below.extend(self.seal_written(&session, &self.snapshot(lower)?)?);
                below
            }
            None => Vec::new(),
        };
        if below == layers && self.is_written_to(&upper)? {
            let writable = self.open_writable(&upper.layer_id())?;
            return Ok(writable.export(latest, out)?);
        }
        layers.extend(self.seal_written(&session, &upper)?);
        match layers.strip_prefix(below.as_slice()) {
            Some([]) => out
                .write_all(&EMPTY_TAR)
                .map_err(|error| cannot_write(&upper, error)),
            Some([layer]) => {
                let mut tar = self.layer_tar(*layer)?;
                match io::copy(&mut tar, out) {
                    Ok(_) => Ok(()),
                    Err(error) => Err(cannot_write(&upper, error)),
                }
            }
            _ => {
                let names = upper.names.unwrap_or(Names::Posix);
                let (lower, upper) = (self.tree_of(&below, names)?, self.tree_of(&layers, names)?);
                let items = items(&lower, &upper)?;
                Ok(write_from_tree(&items, &upper, out)?)
            }
        }
    }

    fn tree_of(&self, layers: &[DiffId], names: Names) -> Result<Tree, SnapshotError> {
        let stacking = Stacking {
            names,
            whiteouts: None,
        };
        Ok(match layers {
            [] => self.open_nothing(names)?.0,
            layers => self.open_chain(layers, stacking)?,
        })
    }

    fn is_written_to(&self, snapshot: &Snapshot) -> Result<bool, SnapshotError> {
        Ok(snapshot.kind == SnapshotKind::Active && self.has_layer(snapshot)?)
    }

    /// Makes a layer of what is written to a snapshot now; the session keeps it.
    fn seal_written(
        &self,
        session: &Session<'_>,
        snapshot: &Snapshot,
    ) -> Result<Option<DiffId>, SnapshotError> {
        if !self.is_written_to(snapshot)? {
            return Ok(None);
        }
        let writable = self.open_writable(&snapshot.layer_id())?;
        match writable.changes()?.is_empty() {
            true => Ok(None),
            false => Ok(Some(session.seal(&writable, None)?.diff_id)),
        }
    }
}

fn cannot_write(snapshot: &Snapshot, source: io::Error) -> SnapshotError {
    let path = snapshot.key.clone().into();
    let verb = "write the difference of";
    FileError { verb, path, source }.into()
}

/// Where an item stands in a layer tar: a folder, its whiteouts, then what is in it, sorted by bytes.
type Place = Vec<(bool, Vec<u8>)>;

/// Tells what has to be put over `lower` to get `upper`.
fn items(lower: &Tree, upper: &Tree) -> Result<Vec<Item>, SnapshotError> {
    let names = upper.names();
    let mut told: BTreeMap<Place, (Vec<u8>, Change)> = BTreeMap::new();
    let mut deleted: Option<Vec<u8>> = None;
    diff::compare(lower, upper, &mut |difference| {
        let path = match names {
            Names::Windows => owner_of(&difference.path),
            Names::Posix => &difference.path,
        };
        if difference.change == Change::Deleted && path == difference.path {
            // What was in a folder that is gone goes with it.
            if !deleted.as_ref().is_some_and(|folder| is_in(path, folder)) {
                told.insert(place(path, true), (path.to_vec(), Change::Deleted));
                deleted = Some(path.to_vec());
            }
        } else {
            told.insert(place(path, false), (path.to_vec(), difference.change));
        }
        Ok(())
    })?;
    let paths: Vec<Vec<u8>> = told.values().map(|(path, _)| path.clone()).collect();
    let top_folders = TOP_FOLDERS.iter().filter(|_| names == Names::Windows);
    let above = paths.iter().flat_map(|path| folders_above(path));
    for folder in above.chain(top_folders.copied()) {
        let entry = || (folder.to_vec(), Change::Metadata);
        told.entry(place(folder, false)).or_insert_with(entry);
    }
    let mut items = Vec::new();
    let mut first_names: HashMap<u64, Vec<u8>> = HashMap::new();
    for (path, change) in told.into_values() {
        let what = match change {
            Change::Deleted => match find(upper, split_last(&path).0)? {
                // A file has taken the folder's place.
                Some(folder) if folder.is_directory() => What::Deleted(Kind::File),
                _ => continue,
            },
            _ => match find(upper, &path)? {
                Some(node) => what_is(upper, node, &path, &mut first_names)?,
                None => continue,
            },
        };
        items.push(Item { path, change, what });
    }
    Ok(items)
}

fn what_is(
    tree: &Tree,
    node: Node,
    path: &[u8],
    first_names: &mut HashMap<u64, Vec<u8>>,
) -> Result<What, SnapshotError> {
    let metadata = tree.metadata(&node).map_err(DiffError::from)?;
    if node.links() > 1 && !node.is_directory() {
        if let Some(first) = first_names.get(&node.id()) {
            return Ok(What::HardLink {
                target: first.clone(),
                metadata: Box::new(metadata),
            });
        }
        first_names.insert(node.id(), path.to_vec());
    }
    let mut streams = Vec::new();
    for stream in tree.streams(&node).map_err(DiffError::from)? {
        streams.push(Stream {
            name: split_stream(stream.name()).1.unwrap_or_default().to_vec(),
            size: tree.metadata(&stream).map_err(DiffError::from)?.size,
            content: Content::Lower(Box::new(stream)),
            change: Change::Modified,
        });
    }
    let has_data = metadata.kind == Kind::File && metadata.has_data_stream;
    Ok(What::Entry(Box::new(Entry {
        content: has_data.then(|| Content::Lower(Box::new(node))),
        metadata,
        streams,
        is_formal: false,
    })))
}

/// Looks a path up that a comparison has given, name by name.
fn find(tree: &Tree, path: &[u8]) -> Result<Option<Node>, SnapshotError> {
    let look_up = || -> Result<Option<Node>, TreeError> {
        let mut node = tree.root()?;
        for name in path
            .split(|byte| *byte == b'/')
            .filter(|name| !name.is_empty())
        {
            if !node.is_directory() {
                return Ok(None);
            }
            match tree.child(&node, name)? {
                Some(child) => node = child,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    };
    Ok(look_up().map_err(DiffError::from)?)
}

fn place(path: &[u8], is_whiteout: bool) -> Place {
    let mut place: Place = path
        .split(|byte| *byte == b'/')
        .filter(|name| !name.is_empty())
        .map(|name| (true, name.to_vec()))
        .collect();
    if let Some(last) = place.last_mut() {
        last.0 = !is_whiteout;
    }
    place
}

/// Path of the file that a stream belongs to; of everything else its own.
fn owner_of(path: &[u8]) -> &[u8] {
    let (_, name) = split_last(path);
    let (file, _) = split_stream(name);
    &path[..path.len() - name.len() + file.len()]
}

fn is_in(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.starts_with(b"/"))
}

/// All folders on the way to a path, without the root.
fn folders_above(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'/')
        .map(|(at, _)| &path[..at])
}
