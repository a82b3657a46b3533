//! The sealed engine as the driver drives it.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use transom_driver::{Change, ChangeKind, Engine, EngineError, ErrorKind, Exports, Id};
use transom_layer::{DiffId, Names};

use crate::catalog::{self, NamedKind, NamedLayer};
use crate::chain::Stacking;
use crate::diff::{self, Difference};
use crate::import::LayerRequest;
use crate::store::{Session, Store, StoreError, now};
use crate::tree::{Kind, Node, Tree, TreeError};
use crate::writable::{NamedLayerError, NamedLayerFault, OfLayer, refuse_name_of_snapshots};

/// A store that a driver drives: its layers are the named ones of the store.
#[derive(Debug)]
pub struct SealedEngine {
    store: Store,
    names: Names,
}

impl SealedEngine {
    /// Takes a store; layers without a parent are made for names of this kind.
    pub fn new(store: Store, names: Names) -> Self {
        Self { store, names }
    }

    /// Returns the store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Makes a named layer over another one. A writable parent is sealed as it is now: the new layer does not
    /// see what is written there later.
    fn make(&self, id: &Id, parent: Option<&Id>, kind: NamedKind) -> Result<(), NamedLayerFault> {
        refuse_name_of_snapshots(id.as_str())?;
        let mut layer = NamedLayer {
            id: id.as_str().to_owned(),
            parent: parent.map(|parent| parent.as_str().to_owned()),
            kind,
            below: Vec::new(),
            names: self.names,
            config: None,
            held: 0,
            created: now(),
        };
        // Keeps what is sealed until the new layer refers to it.
        let session = self.store.session()?;
        if let Some(parent) = parent {
            let missing = |error: NamedLayerError| match error.fault {
                NamedLayerFault::NotFound => NamedLayerFault::NoParent {
                    parent: error.id.into(),
                },
                fault => fault,
            };
            let parent = self.store.named_layer(parent.as_str()).map_err(missing)?;
            layer.below = self.chain_with_changes(&session, &parent)?;
            layer.names = parent.names;
            layer.config = parent.config;
        }
        self.store.add_named(layer)?;
        Ok(())
    }

    fn chain_with_changes(
        &self,
        session: &Session<'_>,
        parent: &NamedLayer,
    ) -> Result<Vec<DiffId>, NamedLayerFault> {
        let mut chain = parent.chain();
        if parent.is_writable() {
            let writable = self.store.open_named(&parent.id)?;
            let sealed = session.seal(&writable, None).map_err(|error| error.fault)?;
            chain.push(sealed.diff_id);
        }
        Ok(chain)
    }

    fn layer_tree(&self, layer: &NamedLayer) -> Result<Option<Tree>, NamedLayerFault> {
        match layer.kind {
            NamedKind::ReadOnly {
                diff_id: Some(diff_id),
            } => Ok(Some(self.store.open_layer(diff_id, layer.names)?)),
            _ => Ok(None),
        }
    }

    fn import_tar(&self, id: &Id, tar: &mut dyn Read) -> Result<u64, NamedLayerFault> {
        let id = id.as_str();
        let mut layer = self.store.named(id)?;
        match layer.kind {
            NamedKind::Writable { .. } => return Err(NamedLayerFault::NotReadOnly),
            NamedKind::ReadOnly {
                diff_id: Some(diff_id),
            } => return Err(NamedLayerFault::Applied { diff_id }),
            NamedKind::ReadOnly { diff_id: None } => {}
        }
        let request = LayerRequest::new(id, layer.names);
        let session = self.store.session()?;
        let imported = session.import_layer(tar, &request, &|_| {})?;
        layer.kind = NamedKind::ReadOnly {
            diff_id: Some(imported.diff_id),
        };
        let stacking = Stacking {
            names: layer.names,
            whiteouts: None,
        };
        self.store.check_layers(&layer.chain(), stacking)?;
        let tree = self.store.open_layer(imported.diff_id, layer.names)?;
        let size = data_size(&tree)?;
        self.store.catalog.write(|tx| {
            catalog::named_layer(tx, id)?.ok_or(NamedLayerFault::NotFound)?;
            Ok::<_, NamedLayerFault>(catalog::set_applied(tx, id, imported.diff_id)?)
        })?;
        Ok(size)
    }

    fn export_tar(&self, id: &Id, out: &mut dyn Write) -> Result<(), NamedLayerFault> {
        let layer = self.store.named(id.as_str())?;
        let cannot_write = |source| {
            let error = transom_layertar::WriteError::Io { offset: 0, source };
            NamedLayerFault::Export(error.into())
        };
        match layer.kind {
            NamedKind::Writable { .. } => {
                let writable = self.store.open_named(&layer.id)?;
                writable.export(None, out).map_err(|error| error.fault)
            }
            NamedKind::ReadOnly {
                diff_id: Some(diff_id),
            } => {
                let mut tar = self.store.layer_tar(diff_id)?;
                io::copy(&mut tar, out).map_err(cannot_write)?;
                Ok(())
            }
            // Nothing was applied: an archive without entries.
            NamedKind::ReadOnly { diff_id: None } => {
                out.write_all(&[0; 1024]).map_err(cannot_write)
            }
        }
    }

    fn differences(&self, id: &Id) -> Result<Vec<Difference>, NamedLayerFault> {
        let layer = self.store.named(id.as_str())?;
        if layer.is_writable() {
            let writable = self.store.open_named(&layer.id)?;
            return writable.changes().map_err(|error| error.fault);
        }
        let Some(tree) = self.layer_tree(&layer)? else {
            return Ok(Vec::new());
        };
        let stacking = Stacking {
            names: layer.names,
            whiteouts: None,
        };
        let lower = match layer.below.as_slice() {
            [] => None,
            below => Some(self.store.open_chain(below, stacking)?),
        };
        let mut differences = Vec::new();
        let collect = &mut |difference| {
            differences.push(difference);
            Ok(())
        };
        match diff::changes(&tree, lower.as_ref(), collect) {
            Ok(()) => Ok(differences),
            Err(diff::DiffError::Tree(error)) => Err(error.into()),
            // Neither is data read here, nor can the collection fail.
            Err(error) => Err(TreeError::File(crate::durable::FileError {
                verb: "compare",
                path: layer.id.clone().into(),
                source: io::Error::other(error),
            })
            .into()),
        }
    }

    fn size_of_diff(&self, id: &Id) -> Result<u64, NamedLayerFault> {
        let layer = self.store.named(id.as_str())?;
        if layer.is_writable() {
            let writable = self.store.open_named(&layer.id)?;
            return writable.diff_size().map_err(|error| error.fault);
        }
        match self.layer_tree(&layer)? {
            Some(tree) => Ok(data_size(&tree)?),
            None => Ok(0),
        }
    }

    /// The layer's own file of that name: its tar is as it came, so nothing can have changed it.
    fn open_by_name(&self, id: &Id, name: &str) -> Result<Box<dyn Read + Send>, NamedLayerFault> {
        let layer = self.store.named(id.as_str())?;
        if layer.is_writable() {
            return Err(NamedLayerFault::NotReadOnly);
        }
        let missing = || NamedLayerFault::NoFile {
            name: name.to_owned(),
        };
        let tree = self.layer_tree(&layer)?.ok_or_else(missing)?;
        let mut node = tree.root()?;
        for part in name.trim_start_matches("./").split('/') {
            if !node.is_directory() {
                return Err(missing());
            }
            // A stream is an entry called `file:stream`, so its name needs no care.
            node = tree.child(&node, part.as_bytes())?.ok_or_else(missing)?;
        }
        match tree.open_data(&node) {
            Ok(data) => Ok(Box::new(data)),
            Err(TreeError::NotAFile { .. }) => Err(missing()),
            Err(error) => Err(error.into()),
        }
    }

    fn held(&self) -> Result<Vec<(Id, u64)>, NamedLayerFault> {
        let mut held = Vec::new();
        for layer in self.store.named_layers()? {
            if layer.held > 0
                && self.store.is_shown(&layer.id)?
                && let Ok(id) = Id::new(&layer.id)
            {
                held.push((id, layer.held));
            }
        }
        Ok(held)
    }
}

/// Bytes of the data of a layer's files, each counted once, streams left out.
fn data_size(tree: &Tree) -> Result<u64, TreeError> {
    let mut seen = std::collections::HashSet::new();
    let mut folders = vec![tree.root()?];
    let mut size = 0;
    while let Some(folder) = folders.pop() {
        for entry in tree.children(&folder)? {
            if entry.is_directory() {
                folders.push(entry);
            } else if is_new(&mut seen, &entry) {
                let metadata = tree.metadata(&entry)?;
                if metadata.kind == Kind::File {
                    size += metadata.size;
                }
            }
        }
    }
    Ok(size)
}

fn is_new(seen: &mut std::collections::HashSet<u64>, node: &Node) -> bool {
    node.links() == 1 || seen.insert(node.id())
}

impl Engine for SealedEngine {
    type Error = NamedLayerError;

    fn exports(&self) -> Exports {
        Exports::AnyState
    }

    fn exists(&self, id: &Id) -> Result<bool, NamedLayerError> {
        match self.store.named_layer(id.as_str()) {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.fault, NamedLayerFault::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn create(&self, id: &Id, parent: Option<&Id>) -> Result<(), NamedLayerError> {
        self.make(id, parent, NamedKind::ReadOnly { diff_id: None })
            .of_layer(id.as_str())
    }

    /// With a size the layer takes root: see [`Store::create_writable`].
    fn create_writable(
        &self,
        id: &Id,
        parent: Option<&Id>,
        size: Option<u64>,
    ) -> Result<(), NamedLayerError> {
        self.make(id, parent, NamedKind::Writable { bound: size })
            .of_layer(id.as_str())
    }

    /// Mounts all there is to mount: between this and [`prepare`](Self::prepare) nobody may find the layer half done.
    fn activate(&self, id: &Id) -> Result<(), NamedLayerError> {
        let layer = self.store.named_layer(id.as_str())?;
        self.store.hold(&layer).of_layer(id.as_str())
    }

    fn prepare(&self, id: &Id) -> Result<(), NamedLayerError> {
        match self.store.is_shown(id.as_str()).of_layer(id.as_str())? {
            true => Ok(()),
            false => Err(NamedLayerFault::NotMounted).of_layer(id.as_str()),
        }
    }

    /// Leaves everything to [`deactivate`](Self::deactivate).
    fn unprepare(&self, _: &Id) -> Result<(), NamedLayerError> {
        Ok(())
    }

    fn deactivate(&self, id: &Id) -> Result<(), NamedLayerError> {
        self.store.release(id.as_str()).of_layer(id.as_str())
    }

    fn mount_path(&self, id: &Id) -> Result<PathBuf, NamedLayerError> {
        Ok(self.store.volume_of(id.as_str()))
    }

    fn destroy(&self, id: &Id) -> Result<(), NamedLayerError> {
        match self.store.remove_named(id.as_str()) {
            Ok(_) => {
                // What cannot be deleted now is deleted by the next recovery.
                let _ = self.store.empty_trash();
                Ok(())
            }
            Err(error) if matches!(error.fault, NamedLayerFault::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn import(&self, id: &Id, tar: &mut dyn Read) -> Result<u64, NamedLayerError> {
        self.import_tar(id, tar).of_layer(id.as_str())
    }

    fn export(&self, id: &Id, out: &mut dyn Write) -> Result<(), NamedLayerError> {
        self.export_tar(id, out).of_layer(id.as_str())
    }

    fn changes(&self, id: &Id) -> Result<Vec<Change>, NamedLayerError> {
        let differences = self.differences(id).of_layer(id.as_str())?;
        let change = |difference: Difference| Change {
            path: String::from_utf8_lossy(&difference.path).into_owned(),
            kind: match difference.change {
                diff::Change::Added => ChangeKind::Added,
                diff::Change::Deleted => ChangeKind::Deleted,
                diff::Change::Modified | diff::Change::Metadata => ChangeKind::Modified,
            },
        };
        Ok(differences.into_iter().map(change).collect())
    }

    fn diff_size(&self, id: &Id) -> Result<u64, NamedLayerError> {
        self.size_of_diff(id).of_layer(id.as_str())
    }

    fn open_file(&self, id: &Id, name: &str) -> Result<Box<dyn Read + Send>, NamedLayerError> {
        self.open_by_name(id, name).of_layer(id.as_str())
    }

    fn references(&self) -> Result<Vec<(Id, u64)>, NamedLayerError> {
        self.held().of_layer("(all)")
    }

    fn store_references(&self, id: &Id, count: u64) -> Result<(), NamedLayerError> {
        let set = |tx: &rusqlite::Transaction<'_>| catalog::set_held(tx, id.as_str(), count);
        self.store
            .catalog
            .write(set)
            .map(drop)
            .of_layer(id.as_str())
    }

    fn status(&self) -> Vec<(String, String)> {
        let names = match self.names {
            Names::Windows => "windows",
            Names::Posix => "linux",
        };
        let layers = self.store.layers().map_or(0, |layers| layers.len());
        [
            ("Engine", "sealed".to_owned()),
            ("Layers for", names.to_owned()),
            ("Sealed layers", layers.to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }

    fn metadata(&self, id: &Id) -> Result<Vec<(String, String)>, NamedLayerError> {
        let layer = self.store.named_layer(id.as_str())?;
        let mut metadata = vec![("dir".to_owned(), self.path(id)?.display().to_string())];
        if let NamedKind::ReadOnly {
            diff_id: Some(diff_id),
        } = layer.kind
        {
            metadata.push(("diff-id".to_owned(), diff_id.to_string()));
        }
        Ok(metadata)
    }

    fn path(&self, id: &Id) -> Result<PathBuf, NamedLayerError> {
        let layer = self.store.named_layer(id.as_str())?;
        Ok(match layer.kind {
            NamedKind::ReadOnly {
                diff_id: Some(diff_id),
            } => self.store.layout.layer(diff_id),
            _ => self.store.layout.writable(id.as_str()),
        })
    }

    fn cleanup(&self) -> Result<(), NamedLayerError> {
        let recover = || -> Result<(), StoreError> {
            self.store.recover()?;
            self.store.empty_trash()
        };
        recover().of_layer("(all)")
    }
}

impl EngineError for NamedLayerError {
    fn kind(&self) -> ErrorKind {
        use NamedLayerFault as Fault;
        match &self.fault {
            Fault::NotFound | Fault::NoParent { .. } | Fault::NoFile { .. } => ErrorKind::NotFound,
            Fault::Exists => ErrorKind::Exists,
            Fault::HasChild { .. }
            | Fault::OfSnapshot { .. }
            | Fault::SnapshotChanged { .. }
            | Fault::Mounted { .. }
            | Fault::TargetTaken { .. } => ErrorKind::InUse,
            Fault::NotMounted
            | Fault::NotWritable
            | Fault::NotReadOnly
            | Fault::Applied { .. }
            | Fault::NoBound
            | Fault::NoView { .. }
            | Fault::TargetName { .. } => ErrorKind::Invalid,
            Fault::NeedsRoot => ErrorKind::Denied,
            Fault::Mount(error) => kind_of_mount(error.kind()),
            Fault::Changes(_) | Fault::Edit(_) | Fault::NameOfSnapshots => ErrorKind::Invalid,
            Fault::Import(_) | Fault::Chain(_) => ErrorKind::Corrupt,
            Fault::Export(_) | Fault::Store(_) => ErrorKind::Other,
        }
    }
}

fn kind_of_mount(kind: transom_mount::Kind) -> ErrorKind {
    use transom_mount::Kind as Mount;
    match kind {
        Mount::Unsupported | Mount::NoProgram => ErrorKind::Unsupported,
        Mount::Busy => ErrorKind::InUse,
        Mount::NoSpace => ErrorKind::NoSpace,
        Mount::Denied => ErrorKind::Denied,
        Mount::NotFound => ErrorKind::NotFound,
        Mount::TooSmall | Mount::Shrinks => ErrorKind::Invalid,
        _ => ErrorKind::Other,
    }
}
