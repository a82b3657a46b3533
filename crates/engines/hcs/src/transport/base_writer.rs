//! Base layers: files go where they stay (hcsshim internal/wclayer/baselayerwriter.go).

use std::io::Write;

use transom_windows::{BackupWriter, BasicInfo, Create, Folder, Hcs, Node};

use super::names::{UTILITY_VM, UTILITY_VM_FILES};
use super::tree::{self, DIRECTORY, REPARSE_POINT};
use super::{Place, TransportError};

/// Writes a layer that has no parents.
#[derive(Debug)]
pub(super) struct BaseWriter<'a, F> {
    root: &'a F,
    /// Folders in their order, whose times writing into them changes.
    folders: Vec<(String, BasicInfo)>,
    has_utility_vm: bool,
}

impl<'a, F: Folder> BaseWriter<'a, F> {
    pub(super) fn new(root: &'a F) -> Self {
        Self {
            root,
            folders: Vec::new(),
            has_utility_vm: false,
        }
    }

    /// Makes a file or folder; `streams` writes its backup stream.
    pub(super) fn add(
        &mut self,
        name: &str,
        info: &BasicInfo,
        streams: impl FnOnce(&mut dyn Write) -> Result<(), TransportError>,
    ) -> Result<(), TransportError> {
        self.has_utility_vm |= name == UTILITY_VM_FILES;
        let is_folder = info.attributes & DIRECTORY != 0;
        let node = match is_folder {
            true => self.root.create_folder(name),
            false => self.root.create_file(name, Create::New),
        };
        let node = node.map_err(TransportError::file("make", name))?;
        if is_folder {
            self.folders.push((name.to_owned(), *info));
        }
        fill(node, name, info, streams)
    }

    pub(super) fn link(&self, name: &str, target: &str) -> Result<(), TransportError> {
        match tree::attributes(self.root, target)? {
            Some(_) => self
                .root
                .link(name, self.root, target)
                .map_err(TransportError::file("link", name)),
            None => Err(TransportError::LinkTarget {
                name: name.to_owned(),
                target: target.to_owned(),
            }),
        }
    }

    pub(super) fn finish(self, hcs: &dyn Hcs, place: &Place<'_>) -> Result<(), TransportError> {
        restore_times(self.root, &self.folders)?;
        hcs.process_base_image(place.layer)?;
        if self.has_utility_vm {
            process_utility_vm(self.root, hcs, place)?;
        }
        Ok(())
    }
}

/// Sets times and attributes, then writes the backup stream: a read-only file stays open for it.
pub(super) fn fill<N: Node>(
    mut node: N,
    name: &str,
    info: &BasicInfo,
    streams: impl FnOnce(&mut dyn Write) -> Result<(), TransportError>,
) -> Result<(), TransportError> {
    node.set_basic_info(info)
        .map_err(TransportError::file("set times of", name))?;
    let mut restore = node
        .restore(true)
        .map_err(TransportError::file("restore", name))?;
    streams(&mut restore)?;
    restore
        .finish()
        .map_err(TransportError::file("restore", name))
}

/// Sets the times of folders again, inner ones first. What is gone since is passed over.
pub(super) fn restore_times<F: Folder>(
    root: &F,
    folders: &[(String, BasicInfo)],
) -> Result<(), TransportError> {
    for (name, info) in folders.iter().rev() {
        let set = root
            .open(name)
            .and_then(|mut node| node.set_basic_info(info));
        match set {
            Err(error) if tree::is_missing(&error) => {}
            set => set.map_err(TransportError::file("set times of", name))?,
        }
    }
    Ok(())
}

/// Lets Windows make the disks of the utility VM.
pub(super) fn process_utility_vm<F: Folder>(
    root: &F,
    hcs: &dyn Hcs,
    place: &Place<'_>,
) -> Result<(), TransportError> {
    let attributes = tree::attributes(root, UTILITY_VM)?.unwrap_or(REPARSE_POINT);
    if !tree::is_real_folder(attributes) {
        return Err(TransportError::rule(UTILITY_VM, "it has to be a folder"));
    }
    hcs.process_utility_image(&place.layer.join(UTILITY_VM))?;
    Ok(())
}
