//! The utility VM of a layer that is not a base: a copy of its parent's, to be changed (hcsshim, cloneTree).

use transom_windows::{BackupWriter, Create, Folder, Node};

use super::TransportError;
use super::names::{UTILITY_VM, UTILITY_VM_FILES, pristine_copy};
use super::tree::{self, join, sorted};

/// Makes the layer's utility VM of its parent's: folders and reparse points are copied, files get one more name.
///
/// The boot store is copied, since Windows changes it in each layer. Upstream meant that too, but compares other
/// paths than it lists, and so lets both layers share it.
pub(super) fn clone<F: Folder>(layer: &F, parent: &F) -> Result<(), TransportError> {
    if tree::attributes(parent, UTILITY_VM_FILES)?.is_none() {
        return Err(TransportError::rule(
            UTILITY_VM,
            "the parent layer has no utility VM to change",
        ));
    }
    copy(layer, parent, UTILITY_VM)?;
    copy_folder(layer, parent, UTILITY_VM_FILES)
}

fn copy_folder<F: Folder>(layer: &F, parent: &F, folder: &str) -> Result<(), TransportError> {
    copy(layer, parent, folder)?;
    for listed in sorted(parent, folder)? {
        let name = join(folder, &listed.name);
        if tree::is_real_folder(listed.attributes) {
            copy_folder(layer, parent, &name)?;
        } else if listed.attributes & tree::REPARSE_POINT != 0 || pristine_copy(&name).is_some() {
            copy(layer, parent, &name)?;
        } else {
            layer
                .link(&name, parent, &name)
                .map_err(TransportError::file("link", &name))?;
        }
    }
    // What was put in changed its times.
    set_times(layer, parent, folder)
}

/// Copies one file, folder or reparse point, without what is in it.
fn copy<F: Folder>(layer: &F, parent: &F, name: &str) -> Result<(), TransportError> {
    let copied = || -> std::io::Result<()> {
        let mut from = parent.open(name)?;
        let info = from.basic_info()?;
        let mut to = match info.attributes & tree::DIRECTORY != 0 {
            true => layer.create_folder(name)?,
            false => layer.create_file(name, Create::New)?,
        };
        to.set_basic_info(&info)?;
        let mut restore = to.restore(true)?;
        std::io::copy(&mut from.backup(true)?, &mut restore)?;
        restore.finish()
    };
    copied().map_err(TransportError::file("copy", name))
}

fn set_times<F: Folder>(layer: &F, parent: &F, name: &str) -> Result<(), TransportError> {
    let set = || {
        let info = parent.open(name)?.basic_info()?;
        layer.open(name)?.set_basic_info(&info)
    };
    set().map_err(TransportError::file("set times of", name))
}
