//! The transport folder that ExportLayer fills (hcsshim internal/wclayer/legacy.go, legacyLayerReader).

use std::collections::BTreeMap;
use std::io::Read;

use transom_ntmeta::name::{FoldedName, fold};
use transom_windows::{BasicInfo, Folder, Hcs, Node};

use super::export::{Exported, Form, Found};
use super::names::{FILES, HIVES, SYSTEM_DELTA, TOMBSTONES, is_beneath, is_recycle_bin};
use super::tree::{is_real_folder, join, sorted};
use super::{Place, TransportError, carrier, open_root, tombstones};

type Visit<'a, F> = dyn FnMut(Found<'_, F>) -> Result<(), TransportError> + 'a;

pub(super) fn read<F: Folder>(
    hcs: &dyn Hcs,
    place: &Place<'_>,
    visit: &mut Visit<'_, F>,
) -> Result<(), TransportError> {
    let folder = place.transport_folder()?;
    let parents = place.descriptors(hcs)?;
    hcs.export_layer(place.layer, folder.path(), &parents)?;
    let root = open_root::<F>(folder.path())?;
    let mut export = Export {
        roots: root_info(&root)?,
        deleted: deleted(&root)?,
        root,
        visit,
    };
    for top in [FILES, HIVES] {
        export.walk(top)?;
    }
    export.check_all_told()
}

struct Export<'a, F: Folder> {
    root: F,
    /// Times of `Files` and `Hives`.
    roots: BasicInfo,
    /// Names that are gone, by the folder that had them.
    deleted: BTreeMap<FoldedName, Vec<String>>,
    visit: &'a mut Visit<'a, F>,
}

impl<F: Folder> Export<'_, F> {
    fn walk(&mut self, folder: &str) -> Result<(), TransportError> {
        self.folder(folder)?;
        for gone in self
            .deleted
            .remove(&fold(folder.as_bytes()))
            .unwrap_or_default()
        {
            (self.visit)(Found::Tombstone(gone))?;
        }
        let listed = sorted(&self.root, folder)?;
        for entry in &listed {
            let name = join(folder, &entry.name);
            if let Some(owner) = carrier::folder_of(&entry.name) {
                if !listed.iter().any(|entry| entry.name == owner) {
                    return Err(TransportError::rule(
                        &name,
                        "the Host Compute Service keeps this ending for itself, so the file is not exported",
                    ));
                }
            } else if !is_real_folder(entry.attributes) {
                self.file(&name)?;
            } else if !is_recycle_bin(&name) {
                self.walk(&name)?;
            }
        }
        Ok(())
    }

    fn folder(&mut self, name: &str) -> Result<(), TransportError> {
        if name == FILES || name == HIVES {
            let node = open(&self.root, name)?;
            let attributes = info_of(&node, name)?.attributes;
            let info = BasicInfo {
                attributes,
                ..self.roots
            };
            return self.visit(
                name,
                info,
                node,
                Form::Own {
                    with_security: false,
                },
            );
        }
        self.carrier(name, &carrier::of_folder(name))
    }

    fn file(&mut self, name: &str) -> Result<(), TransportError> {
        if !is_beneath(name, HIVES) {
            return self.carrier(name, name);
        }
        let node = open(&self.root, name)?;
        let info = as_written(info_of(&node, name)?);
        self.visit(
            name,
            info,
            node,
            Form::Own {
                with_security: false,
            },
        )
    }

    fn carrier(&mut self, name: &str, carrier: &str) -> Result<(), TransportError> {
        let mut node = open(&self.root, carrier)?;
        let attributes =
            carrier::attributes(&mut node).map_err(TransportError::file("read", carrier))?;
        let info = BasicInfo {
            attributes,
            ..info_of(&node, carrier)?
        };
        self.visit(name, info, node, Form::Carrier)
    }

    fn visit(
        &mut self,
        name: &str,
        info: BasicInfo,
        node: F::Node,
        form: Form,
    ) -> Result<(), TransportError> {
        (self.visit)(Found::Entry(Exported {
            name: name.to_owned(),
            info,
            node,
            form,
            layer: None,
        }))
    }

    /// Upstream drops deletions in folders that the export does not have.
    fn check_all_told(self) -> Result<(), TransportError> {
        match self.deleted.into_values().flatten().next() {
            Some(name) => Err(TransportError::Damaged {
                what: format!("{name:?} is deleted, but the folder it was in is not exported"),
            }),
            None => Ok(()),
        }
    }
}

fn open<F: Folder>(root: &F, name: &str) -> Result<F::Node, TransportError> {
    root.open(name).map_err(TransportError::file("open", name))
}

fn info_of<N: Node>(node: &N, name: &str) -> Result<BasicInfo, TransportError> {
    node.basic_info()
        .map_err(TransportError::file("look at", name))
}

/// Hives, and the roots that have their times from one, are told as made and read when they were last written.
fn as_written(info: BasicInfo) -> BasicInfo {
    BasicInfo {
        creation: info.last_write,
        last_access: info.last_write,
        ..info
    }
}

fn root_info<F: Folder>(root: &F) -> Result<BasicInfo, TransportError> {
    Ok(as_written(info_of(
        &open(root, SYSTEM_DELTA)?,
        SYSTEM_DELTA,
    )?))
}

fn deleted<F: Folder>(root: &F) -> Result<BTreeMap<FoldedName, Vec<String>>, TransportError> {
    let mut text = Vec::new();
    open(root, TOMBSTONES)?
        .read_to_end(&mut text)
        .map_err(TransportError::file("read", TOMBSTONES))?;
    let mut deleted: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for name in tombstones::parse(&text)? {
        let name = join(FILES, &name);
        let folder = name.rsplit_once('/').map_or(FILES, |(folder, _)| folder);
        deleted
            .entry(fold(folder.as_bytes()))
            .or_default()
            .push(name.clone());
    }
    Ok(deleted)
}
