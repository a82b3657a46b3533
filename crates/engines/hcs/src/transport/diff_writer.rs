//! Layers with parents: a transport folder for ImportLayer, and what is to be done after it
//! (hcsshim internal/wclayer/legacy.go, legacyLayerWriter).

use std::collections::BTreeSet;
use std::io::{BufWriter, Write};

use tempfile::TempDir;
use transom_ntmeta::name::{FoldedName, fold};
use transom_windows::{BackupWriter, BasicInfo, Create, Folder, Hcs, Node};

use super::base_writer::{fill, process_utility_vm, restore_times};
use super::names::{FILES, HIVES, UTILITY_VM, UTILITY_VM_FILES, is_beneath};
use super::tree::{self, DIRECTORY};
use super::{Place, TransportError, carrier, open_root, utility_vm};

/// Bytes that go to a carrier at once.
const BUFFER: usize = 64 * 1024;

/// Writes a layer that has parents.
#[derive(Debug)]
pub(super) struct DiffWriter<'a, F> {
    folder: TempDir,
    transport: F,
    layer: &'a F,
    /// The immediate one first.
    parents: Vec<F>,
    added: BTreeSet<FoldedName>,
    /// Folders in their order, with the times they are to have at the end.
    folders: Vec<(String, BasicInfo)>,
    /// Folders that are reparse points: nothing may lie in them, and they are made last.
    links_to_folders: Vec<String>,
    removed: Vec<String>,
    hard_links: Vec<HardLink>,
    has_utility_vm: bool,
}

#[derive(Debug)]
struct HardLink {
    name: String,
    target: String,
    /// Which parent has the target; this layer has it if none is named.
    parent: Option<usize>,
}

impl<'a, F: Folder> DiffWriter<'a, F> {
    pub(super) fn new(layer: &'a F, place: &Place<'_>) -> Result<Self, TransportError> {
        let folder = place.transport_folder()?;
        Ok(Self {
            transport: open_root(folder.path())?,
            folder,
            layer,
            parents: place
                .parents
                .iter()
                .map(|path| open_root(path))
                .collect::<Result<_, _>>()?,
            added: BTreeSet::new(),
            folders: Vec::new(),
            links_to_folders: Vec::new(),
            removed: Vec::new(),
            hard_links: Vec::new(),
            has_utility_vm: false,
        })
    }

    /// Makes a file or folder; `streams` writes its backup stream.
    pub(super) fn add(
        &mut self,
        name: &str,
        info: &BasicInfo,
        is_link: bool,
        streams: impl FnOnce(&mut dyn Write) -> Result<(), TransportError>,
    ) -> Result<(), TransportError> {
        let is_folder = info.attributes & DIRECTORY != 0;
        if is_folder {
            self.folders.push((name.to_owned(), *info));
        }
        self.added.insert(fold(name.as_bytes()));
        if name == UTILITY_VM {
            self.start_utility_vm()?;
            let node = self.layer.open(name);
            fill(
                node.map_err(TransportError::file("open", name))?,
                name,
                info,
                streams,
            )
        } else if is_beneath(name, UTILITY_VM) {
            self.add_to_utility_vm(name, info, streams)
        } else if is_folder {
            self.add_folder(name, info, is_link, streams)
        } else if is_beneath(name, HIVES) {
            let node = self.transport.create_file(name, Create::New);
            let mut node = node.map_err(TransportError::file("make", name))?;
            node.set_basic_info(info)
                .map_err(TransportError::file("set times of", name))?;
            let restore = node.restore(false);
            let mut restore = restore.map_err(TransportError::file("restore", name))?;
            streams(&mut restore)?;
            restore
                .finish()
                .map_err(TransportError::file("restore", name))
        } else {
            self.add_carrier(name, info, streams)
        }
    }

    /// Writes what stands for a file: its attributes and backup stream, as plain content.
    fn add_carrier(
        &self,
        name: &str,
        info: &BasicInfo,
        streams: impl FnOnce(&mut dyn Write) -> Result<(), TransportError>,
    ) -> Result<(), TransportError> {
        let node = self.transport.create_file(name, Create::New);
        let mut node = node.map_err(TransportError::file("make", name))?;
        let times = BasicInfo {
            attributes: 0,
            ..*info
        };
        node.set_basic_info(&times)
            .map_err(TransportError::file("set times of", name))?;
        let mut out = BufWriter::with_capacity(BUFFER, node);
        carrier::begin(&mut out, info.attributes).map_err(TransportError::file("write", name))?;
        streams(&mut out)?;
        out.flush().map_err(TransportError::file("write", name))
    }

    fn add_folder(
        &mut self,
        name: &str,
        info: &BasicInfo,
        is_link: bool,
        streams: impl FnOnce(&mut dyn Write) -> Result<(), TransportError>,
    ) -> Result<(), TransportError> {
        if is_link {
            if tree::attributes(&self.transport, name)?.is_some() {
                return Err(TransportError::rule(
                    name,
                    "the layer has it a second time, as a link",
                ));
            }
            self.links_to_folders.push(name.to_owned());
        } else {
            self.transport
                .create_folder(name)
                .map_err(TransportError::file("make", name))?;
        }
        self.add_carrier(&carrier::of_folder(name), info, streams)
    }

    /// Changes the layer's own copy of the utility VM at once: ImportLayer knows nothing of it.
    fn add_to_utility_vm(
        &mut self,
        name: &str,
        info: &BasicInfo,
        streams: impl FnOnce(&mut dyn Write) -> Result<(), TransportError>,
    ) -> Result<(), TransportError> {
        self.check_utility_vm(name)?;
        let layer = self.layer;
        let is_folder = info.attributes & DIRECTORY != 0;
        let existing = tree::attributes(layer, name)?;
        let node = match existing {
            Some(attributes) if is_folder && tree::is_real_folder(attributes) => layer.open(name),
            existing => {
                // A file that the parent has too is another name of the parent's: never write to it.
                if let Some(attributes) = existing {
                    tree::remove_tree(layer, name, attributes)?;
                }
                match is_folder {
                    true => layer.create_folder(name),
                    false => layer.create_file(name, Create::New),
                }
            }
        };
        fill(
            node.map_err(TransportError::file("make", name))?,
            name,
            info,
            streams,
        )
    }

    fn start_utility_vm(&mut self) -> Result<(), TransportError> {
        if !self.has_utility_vm {
            let parent = self.parents.first().ok_or_else(|| {
                TransportError::rule(UTILITY_VM, "the layer has no parent to take it from")
            })?;
            utility_vm::clone(self.layer, parent)?;
            self.has_utility_vm = true;
        }
        Ok(())
    }

    fn check_utility_vm(&self, name: &str) -> Result<(), TransportError> {
        if name != UTILITY_VM_FILES && !is_beneath(name, UTILITY_VM_FILES) {
            let rule = "a layer's utility VM has Files and nothing else";
            return Err(TransportError::rule(name, rule));
        }
        match self.has_utility_vm {
            true => Ok(()),
            false => Err(TransportError::rule(
                name,
                "the entry UtilityVM has to come before it",
            )),
        }
    }

    /// Notes another name of a file that this layer or a parent has.
    pub(super) fn link(&mut self, name: &str, target: &str) -> Result<(), TransportError> {
        let is_utility_vm = is_beneath(target, UTILITY_VM_FILES);
        if !is_utility_vm && !is_beneath(target, FILES)
            || is_utility_vm != is_beneath(name, UTILITY_VM_FILES)
            || !is_utility_vm && !is_beneath(name, FILES)
        {
            let rule = "hard links join files within Files, or within UtilityVM/Files";
            return Err(TransportError::rule(name, rule));
        }
        let parent = if is_utility_vm || self.added.contains(&fold(target.as_bytes())) {
            None
        } else {
            Some(
                self.parent_with(target)?
                    .ok_or_else(|| TransportError::LinkTarget {
                        name: name.to_owned(),
                        target: target.to_owned(),
                    })?,
            )
        };
        self.hard_links.push(HardLink {
            name: name.to_owned(),
            target: target.to_owned(),
            parent,
        });
        self.added.insert(fold(name.as_bytes()));
        Ok(())
    }

    /// Finds the nearest parent that has the file itself: a placeholder for a deeper parent's is passed over.
    fn parent_with(&self, name: &str) -> Result<Option<usize>, TransportError> {
        for (index, parent) in self.parents.iter().enumerate() {
            let attributes = tree::attributes(parent, name)?;
            if attributes.is_some_and(|attributes| attributes & tree::REPARSE_POINT == 0) {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// Notes a deletion.
    pub(super) fn remove(&mut self, name: &str) -> Result<(), TransportError> {
        if is_beneath(name, FILES) {
            self.removed.push(name.to_owned());
            return Ok(());
        }
        if is_beneath(name, UTILITY_VM_FILES) {
            self.start_utility_vm()?;
            let attributes = self.layer.attributes(name);
            let attributes = attributes.map_err(TransportError::file("remove", name))?;
            return tree::remove_tree(self.layer, name, attributes);
        }
        let rule = "only what is beneath Files or UtilityVM/Files can be deleted by a layer";
        Err(TransportError::rule(name, rule))
    }

    pub(super) fn finish(self, hcs: &dyn Hcs, place: &Place<'_>) -> Result<(), TransportError> {
        for name in &self.links_to_folders {
            self.transport
                .create_folder(name)
                .map_err(TransportError::file("make", name))?;
        }
        let parents = place.descriptors(hcs)?;
        hcs.import_layer(&long(place.layer), self.folder.path(), &parents)?;
        for name in &self.removed {
            match self.layer.remove(name) {
                Err(error) if tree::is_missing(&error) => {}
                removed => removed.map_err(TransportError::file("delete", name))?,
            }
        }
        for link in &self.hard_links {
            let HardLink { name, target, .. } = link;
            let root = match link.parent {
                Some(index) => &self.parents[index],
                None => self.layer,
            };
            if tree::attributes(self.layer, name)?.is_some() {
                self.layer
                    .remove(name)
                    .map_err(TransportError::file("replace", name))?;
            }
            self.layer
                .link(name, root, target)
                .map_err(TransportError::file("link", name))?;
        }
        // Not before: each deletion and link changed the time of its folder.
        restore_times(self.layer, &self.folders)?;
        if self.has_utility_vm {
            process_utility_vm(self.layer, hcs, place)?;
        }
        Ok(())
    }
}

/// Returns the path in the form that has no limit of length, as the reference client passes it.
fn long(path: &std::path::Path) -> std::path::PathBuf {
    let text = path.to_string_lossy();
    match cfg!(windows) && !text.starts_with(r"\\") {
        true => format!(r"\\?\{text}").into(),
        false => path.to_owned(),
    }
}
