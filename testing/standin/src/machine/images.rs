//! ProcessBaseImage and ProcessUtilityImage: what Windows makes of the files of a base image.

use std::fs;
use std::path::Path;

use transom_ntmeta::name::eq_folded;
use transom_windows::{Folder, HResult};

use super::failure::Failure;
use crate::plain::PlainFiles;
use crate::streams;

const CONFIG: &str = "Files/Windows/System32/config";
const HIVES: &str = "Hives";

/// Hives of a base image, and their names in `Hives`.
const BASE_HIVES: [(&str, &str); 5] = [
    ("SYSTEM", "SYSTEM_BASE"),
    ("SOFTWARE", "SOFTWARE_BASE"),
    ("SAM", "SAM_BASE"),
    ("SECURITY", "SECURITY_BASE"),
    ("DEFAULT", "DEFAULTUSER_BASE"),
];

const BOOT_STORE: &str = "Files/EFI/Microsoft/Boot/BCD";
const UTILITY_VM: &str = "UtilityVM";

/// The disk from which writable layers have theirs.
pub(super) const BLANK: &str = "blank.vhdx";

/// What an edit leaves at the end of a boot store.
const EDIT: &[u8] = b"edited by the stand-in\n";

/// Makes a base layer of a folder that has its files.
pub(super) fn process_base(layer: &Path) -> Result<(), Failure> {
    let root = PlainFiles::open_root(layer)?;
    if root.attributes("Files").is_err() {
        return Err(HResult::PATH_NOT_FOUND.into());
    }
    if layer.join(BLANK).exists() {
        return Err(HResult::ALREADY_EXISTS.into());
    }
    for (hive, _) in BASE_HIVES {
        root.attributes(&format!("{CONFIG}/{hive}"))?;
    }
    if root.attributes(HIVES).is_err() {
        root.create_folder(HIVES)?;
    }
    for (hive, base) in BASE_HIVES {
        let name = format!("{HIVES}/{base}");
        if root.attributes(&name).is_err() {
            root.link(&name, &root, &format!("{CONFIG}/{hive}"))?;
        }
    }
    fs::write(layer.join("blank-base.vhdx"), "base disk of the stand-in\n")?;
    fs::write(layer.join(BLANK), "disk of the stand-in on blank-base\n")?;
    fs::write(layer.join("layout"), "vhd-with-hives\n")?;
    Ok(())
}

/// Makes the disks of a utility VM, and edits its boot store.
pub(super) fn process_utility(folder: &Path) -> Result<(), Failure> {
    let name = folder.file_name().unwrap_or_default();
    if !eq_folded(name.as_encoded_bytes(), UTILITY_VM.as_bytes()) {
        let what = format!("{} is no {UTILITY_VM}", folder.display());
        return Err(Failure::wrong(what));
    }
    let root = PlainFiles::open_root(folder)?;
    streams::edit_data(&root, BOOT_STORE, |mut store| {
        store.extend(EDIT);
        store
    })?;
    for disk in ["SystemTemplateBase.vhdx", "SystemTemplate.vhdx"] {
        fs::write(folder.join(disk), "disk of the stand-in\n")?;
    }
    Ok(())
}
