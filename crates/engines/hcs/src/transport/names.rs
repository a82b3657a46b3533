//! Names that layers and transport folders are made of (hcsshim internal/wclayer/legacy.go).

use transom_layer::RECYCLE_BIN;
use transom_layertar::path::{self, Rules};
use transom_ntmeta::name::eq_folded;

use super::{TransportError, carrier};

pub(super) const FILES: &str = "Files";
pub(super) const HIVES: &str = "Hives";
pub(super) const UTILITY_VM: &str = "UtilityVM";
pub(super) const UTILITY_VM_FILES: &str = "UtilityVM/Files";

/// List of deletions in an exported folder.
pub(super) const TOMBSTONES: &str = "tombstones.txt";

/// The hive from which the roots of an export have their times.
pub(super) const SYSTEM_DELTA: &str = "Hives/System_Delta";

/// Files that ProcessUtilityImage changes, and where in the layer's folder their first content is kept
/// (moby daemon/graphdriver/windows, mutatedFiles).
const PRISTINE: [(&str, &str); 4] = [
    ("UtilityVM/Files/EFI/Microsoft/Boot/BCD", "bcd.bak"),
    ("UtilityVM/Files/EFI/Microsoft/Boot/BCD.LOG", "bcd.log.bak"),
    (
        "UtilityVM/Files/EFI/Microsoft/Boot/BCD.LOG1",
        "bcd.log1.bak",
    ),
    (
        "UtilityVM/Files/EFI/Microsoft/Boot/BCD.LOG2",
        "bcd.log2.bak",
    ),
];

/// Returns where the first content of a file is kept that Windows changes after an import.
pub fn pristine_copy(name: &str) -> Option<&'static str> {
    PRISTINE
        .iter()
        .find(|(changed, _)| eq_folded(changed.as_bytes(), name.as_bytes()))
        .map(|(_, copy)| *copy)
}

/// Returns an entry's name without slashes at its end, the case of its first folder as Windows has it.
pub(super) fn clean(name: &[u8]) -> Result<String, TransportError> {
    let clean = path::clean(name, Rules::Windows)?;
    let name = String::from_utf8(clean.into_bytes()).map_err(|error| {
        TransportError::rule(
            &String::from_utf8_lossy(error.as_bytes()),
            "its name is not UTF-8",
        )
    })?;
    let (first, rest) = name.split_at(name.find('/').unwrap_or(name.len()));
    let top = [FILES, HIVES, UTILITY_VM]
        .into_iter()
        .find(|top| eq_folded(top.as_bytes(), first.as_bytes()))
        .ok_or_else(|| {
            TransportError::rule(
                &name,
                "a Windows layer has Files, Hives and UtilityVM, and nothing beside them",
            )
        })?;
    if name.contains(':') {
        return Err(TransportError::rule(
            &name,
            "an alternate stream has to follow its file at once",
        ));
    }
    if carrier::folder_of(&name).is_some() {
        return Err(TransportError::rule(
            &name,
            "the Host Compute Service keeps this ending for itself",
        ));
    }
    Ok(format!("{top}{rest}"))
}

/// Says whether a name is that of the folder of deleted files.
pub(super) fn is_recycle_bin(name: &str) -> bool {
    name.split_once('/').is_some_and(|(top, name)| {
        top == FILES && eq_folded(name.as_bytes(), RECYCLE_BIN.as_bytes())
    })
}

/// Says whether a name is strictly beneath a folder. Both are clean.
pub(super) fn is_beneath(name: &str, folder: &str) -> bool {
    name.strip_prefix(folder)
        .is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned_and_confined() {
        assert_eq!(clean(b"UtilityVM/").expect("is plain"), "UtilityVM");
        assert_eq!(clean(b"./FILES/a").expect("is plain"), "Files/a");
        for bad in [
            &b"Other/x"[..],
            b"Files/../x",
            b"Files/a:s",
            b"Files/a.$wcidirs$",
            b"tombstones.txt",
        ] {
            assert!(clean(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn the_boot_store_has_a_pristine_copy() {
        let copy = pristine_copy("UtilityVM/Files/EFI/Microsoft/Boot/bcd");
        assert_eq!(copy, Some("bcd.bak"));
        assert_eq!(pristine_copy("Files/EFI/Microsoft/Boot/BCD"), None);
    }
}
