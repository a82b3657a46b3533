//! What the cases are built of: layers, mounts, diffs, and lists of changes.

use std::io::{Read, Write};
use std::path::Path;

use transom_layertar::{Shape, WindowsMetadata, Writer, windows};

use super::volume::{Contents, Volume};
use crate::{ChangeKind, Driver, Engine, Id};

pub(super) const NO_OPTIONS: [(&str, &str); 0] = [];

/// Makes an id of a case.
pub(super) fn id(case: &str, layer: &str) -> Id {
    Id::new(&format!("case-{case}-{layer}")).expect("cases have short plain names")
}

/// The least that Windows takes for a base layer (hcsshim, base layer writer): five hives, and their links.
fn base_tar() -> Vec<u8> {
    const HIVES: [(&str, &str); 5] = [
        ("DEFAULT", "DEFAULTUSER_BASE"),
        ("SAM", "SAM_BASE"),
        ("SECURITY", "SECURITY_BASE"),
        ("SOFTWARE", "SOFTWARE_BASE"),
        ("SYSTEM", "SYSTEM_BASE"),
    ];
    const CONFIG: &str = "Files/Windows/System32/config";
    let mut tar = Writer::new(Vec::new());
    let mut add = |name: &str, shape: &Shape<'_>, attributes: u32, data: &[u8]| {
        let metadata = WindowsMetadata {
            attributes: Some(attributes),
            ..WindowsMetadata::default()
        };
        let header = windows::to_header(name.as_bytes(), shape, &metadata).expect("is plain");
        tar.append(&header).expect("fits a tar");
        tar.write_all(data).expect("memory takes all");
    };
    for folder in ["Files", "Files/Windows", "Files/Windows/System32", CONFIG] {
        add(folder, &Shape::Directory, 0x10, b"");
    }
    for (hive, _) in HIVES {
        let shape = Shape::File {
            size: hive.len() as u64,
        };
        add(&format!("{CONFIG}/{hive}"), &shape, 0x20, hive.as_bytes());
    }
    add(
        "Files/bottom.txt",
        &Shape::File { size: 6 },
        0x20,
        b"bottom",
    );
    add("Hives", &Shape::Directory, 0x10, b"");
    for (hive, link) in HIVES {
        let target = format!("{CONFIG}/{hive}");
        let target = target.as_bytes();
        add(
            &format!("Hives/{link}"),
            &Shape::HardLink { target },
            0x20,
            b"",
        );
    }
    tar.finish().expect("is complete")
}

/// Makes the case's base layer.
pub(super) fn make_base<E: Engine>(driver: &Driver<E>, case: &str) -> Id {
    let base = id(case, "base");
    driver.create(&base, None).expect("creates a base layer");
    let tar = base_tar();
    let size = driver.apply_diff(&base, None, &mut &tar[..]);
    let data = "DEFAULTSAMSECURITYSOFTWARESYSTEMbottom".len() as u64;
    assert_eq!(
        size.expect("fills a base layer"),
        data,
        "bytes of main file data"
    );
    base
}

/// Makes a writable layer.
pub(super) fn make_writable<E: Engine>(driver: &Driver<E>, layer: &Id, parent: &Id) {
    driver
        .create_writable(layer, Some(parent), NO_OPTIONS)
        .expect("creates a writable layer");
}

/// Does something below a layer's mount.
pub(super) fn mounted<E: Engine, T>(
    driver: &Driver<E>,
    layer: &Id,
    work: impl FnOnce(&Path) -> T,
) -> T {
    let root = driver.get(layer).expect("mounts");
    let result = work(&root);
    driver.put(layer).expect("unmounts");
    result
}

/// Mounts a layer and reads all that it shows.
pub(super) fn contents<E: Engine>(
    driver: &Driver<E>,
    volume: &impl Volume,
    layer: &Id,
) -> Contents {
    mounted(driver, layer, |root| volume.read_all(root)).expect("reads all files")
}

/// Looks at what a read-only layer shows, through a writable one on top.
pub(super) fn contents_through_child<E: Engine>(
    driver: &Driver<E>,
    volume: &impl Volume,
    layer: &Id,
) -> Contents {
    let child = Id::new(&format!("{layer}-view")).expect("is a short plain name");
    make_writable(driver, &child, layer);
    let contents = contents(driver, volume, &child);
    driver.remove(&child).expect("removes an unmounted layer");
    contents
}

/// Exports a layer.
pub(super) fn diff<E: Engine>(driver: &Driver<E>, layer: &Id) -> Vec<u8> {
    let mut tar = Vec::new();
    let mut diff = driver.diff(layer).expect("starts an export");
    diff.read_to_end(&mut tar).expect("exports to the end");
    tar
}

/// Makes a read-only layer of what was written into a writable one, as `docker commit` does.
pub(super) fn seal<E: Engine>(driver: &Driver<E>, writable: &Id, parent: &Id, sealed: &Id) -> u64 {
    driver
        .create(sealed, Some(parent))
        .expect("creates a layer");
    driver
        .apply_diff(
            sealed,
            Some(parent),
            &mut driver.diff(writable).expect("exports"),
        )
        .expect("fills a layer from a diff")
}

/// Removes layers in this order.
pub(super) fn remove_all<E: Engine>(driver: &Driver<E>, layers: &[&Id]) {
    for layer in layers {
        driver.remove(layer).expect("removes an unmounted layer");
        let exists = driver.exists(layer).expect("can tell");
        assert!(!exists, "{layer} was removed");
    }
}

/// The changes of files and added folders; whether changed folders are listed, and hives, is the engine's choice.
pub(super) fn changes<E: Engine>(
    driver: &Driver<E>,
    layer: &Id,
    folders: &[&str],
) -> Vec<(String, u8)> {
    let mut changes: Vec<_> = driver
        .changes(layer)
        .expect("lists changes")
        .into_iter()
        .filter(|change| change.path.starts_with("Files/"))
        .map(|change| (change.path, change.kind))
        .filter(|(path, kind)| *kind != ChangeKind::Modified || !folders.contains(&path.as_str()))
        .map(|(path, kind)| (path, kind.number()))
        .collect();
    changes.sort();
    changes
}

/// Compares changes in any order.
pub(super) fn expect_changes(found: &[(String, u8)], expected: &[(&str, ChangeKind)]) {
    let mut expected: Vec<_> = expected
        .iter()
        .map(|(path, kind)| ((*path).to_owned(), kind.number()))
        .collect();
    expected.sort();
    assert_eq!(found, expected, "changes");
}
