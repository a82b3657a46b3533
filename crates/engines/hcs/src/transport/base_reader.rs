//! A base layer's own folder, read as it lies there (hcsshim internal/wclayer/baselayerreader.go).

use transom_windows::{Folder, Node};

use super::export::{Exported, Form, Found};
use super::names::{FILES, UTILITY_VM, UTILITY_VM_FILES, is_recycle_bin};
use super::tree::{self, is_real_folder, join, sorted};
use super::{Place, TransportError, open_root};

type Visit<'a, F> = dyn FnMut(Found<'_, F>) -> Result<(), TransportError> + 'a;

pub(super) fn read<F: Folder>(
    place: &Place<'_>,
    visit: &mut Visit<'_, F>,
) -> Result<(), TransportError> {
    let root = open_root::<F>(place.layer)?;
    walk(&root, FILES, visit)?;
    if tree::attributes(&root, UTILITY_VM_FILES)?.is_some() {
        entry(&root, UTILITY_VM, visit)?;
        walk(&root, UTILITY_VM_FILES, visit)?;
    }
    Ok(())
}

fn walk<F: Folder>(root: &F, folder: &str, visit: &mut Visit<'_, F>) -> Result<(), TransportError> {
    entry(root, folder, visit)?;
    for listed in sorted(root, folder)? {
        let name = join(folder, &listed.name);
        if !is_real_folder(listed.attributes) {
            entry(root, &name, visit)?;
        } else if !is_recycle_bin(&name) {
            walk(root, &name, visit)?;
        }
    }
    Ok(())
}

fn entry<F: Folder>(root: &F, name: &str, visit: &mut Visit<'_, F>) -> Result<(), TransportError> {
    let node = root
        .open(name)
        .map_err(TransportError::file("open", name))?;
    let info = node
        .basic_info()
        .map_err(TransportError::file("look at", name))?;
    visit(Found::Entry(Exported {
        name: name.to_owned(),
        info,
        node,
        form: Form::Own {
            with_security: true,
        },
        layer: Some(root),
    }))
}
