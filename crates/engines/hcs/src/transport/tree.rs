//! Walks and removals of whole trees.

use transom_windows::{Folder, Listed};

use super::TransportError;

/// FILE_ATTRIBUTE_DIRECTORY and FILE_ATTRIBUTE_REPARSE_POINT (MS-FSCC 2.6).
pub(super) const DIRECTORY: u32 = 0x10;
pub(crate) const REPARSE_POINT: u32 = 0x400;

/// Says whether there can be something in it.
pub(crate) fn is_real_folder(attributes: u32) -> bool {
    attributes & (DIRECTORY | REPARSE_POINT) == DIRECTORY
}

/// Joins a folder's name and one in it; the root is the empty name.
pub(super) fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

/// Lists a folder in the order of exports: by the bytes of names, which is not how Windows sorts.
pub(super) fn sorted<F: Folder>(root: &F, folder: &str) -> Result<Vec<Listed>, TransportError> {
    let mut listed = root
        .list(folder)
        .map_err(TransportError::file("list", folder))?;
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(listed)
}

/// Returns the attributes of what has this name, if anything has.
pub(crate) fn attributes<F: Folder>(root: &F, name: &str) -> Result<Option<u32>, TransportError> {
    match root.attributes(name) {
        Ok(attributes) => Ok(Some(attributes)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(TransportError::file("look at", name)(error)),
    }
}

/// Says whether nothing has the name, or something on the way to it is no folder.
pub(crate) fn is_missing(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
    )
}

/// Removes a file or reparse point, or a folder with all that is in it.
pub(super) fn remove_tree<F: Folder>(
    root: &F,
    name: &str,
    attributes: u32,
) -> Result<(), TransportError> {
    if is_real_folder(attributes) {
        remove_below(root, name, |_| true)?;
    }
    root.remove(name)
        .map_err(TransportError::file("remove", name))
}

/// Removes what a folder has, if `is_unwanted` says so of its name.
pub(crate) fn remove_below<F: Folder>(
    root: &F,
    folder: &str,
    is_unwanted: impl Fn(&str) -> bool,
) -> Result<(), TransportError> {
    for Listed { name, attributes } in sorted(root, folder)? {
        if is_unwanted(&name) {
            remove_tree(root, &join(folder, &name), attributes)?;
        }
    }
    Ok(())
}
