//! An independent witness: trees are copied to real NTFS volumes, and ntfs-3g reads the same back, byte for byte.

mod content;
mod objects;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use transom_driver::{Driver, Id};
use transom_layer::{DiffId, Names};
use transom_ntfs::{Object, StreamNames, Volume, differences, missing, read};
use transom_sealed::{SealedEngine, Store, Tree};

use crate::support::{Home, WINDOWS, skipped};

use self::objects::objects;

/// Says whether there is NTFS on this machine; prints a line if not.
fn has_ntfs() -> bool {
    let missing = missing();
    if let Some(missing) = missing {
        skipped(&format!("needs {missing}"));
    }
    missing.is_none()
}

/// Copies a tree to a volume and asserts that the same is read back.
#[track_caller]
fn same_on_ntfs(tree: &Tree) -> Volume {
    let expected = objects(tree);
    let volume = Volume::holding(&expected).unwrap_or_else(|error| panic!("{error:#}"));
    let found = read(&volume.root(), StreamNames::StreamsList);
    let found = found.unwrap_or_else(|error| panic!("{error:#}"));
    let differences = differences(&expected, &found);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    volume
}

#[test]
fn the_bundled_image_is_the_same_on_ntfs() {
    if !has_ntfs() {
        return;
    }
    let home = Home::new();
    let layers: Vec<DiffId> = content::sample_layers()
        .iter()
        .map(|layer| home.import(layer))
        .collect();
    let tree = home.store.open_chain(&layers, WINDOWS).unwrap();
    let volume = same_on_ntfs(&tree);
    let readme = fs::read_to_string(volume.root().join("Files/HELLO/Readme.TXT"));
    assert_eq!(readme.unwrap(), "The program says hello. Version 2.\r\n");
    assert!(!volume.root().join("Files/Windows/win.ini").exists());
}

#[test]
fn every_kind_of_entry_and_metadata_is_the_same_on_ntfs() {
    if !has_ntfs() {
        return;
    }
    let home = Home::new();
    let base = home.import(&content::base());
    let update = home.import(&content::update());
    let tree = home.store.open_chain(&[base, update], WINDOWS).unwrap();
    let expected = objects(&tree);
    let object = |path: &str| named(&expected, path);
    assert_eq!(object("Files/links/first").paths.len(), 3);
    assert!(
        object("Files/long descriptor")
            .security
            .as_ref()
            .unwrap()
            .len()
            > 5000
    );
    assert!(object("Files/times/before 1970").times[0] < 116_444_736_000_000_000);
    let volume = same_on_ntfs(&tree);

    // Two more readers, neither of which is ntfs-3g.
    let long = &object("Files/STREAMS/file").streams["a long stream"];
    let cat = output(
        Command::new("ntfscat")
            .args(["--force", "--attribute-name", "a long stream"])
            .arg(volume.image())
            .arg("Files/STREAMS/file"),
    );
    assert!(cat == *long, "{} bytes are not {}", cat.len(), long.len());
    let info = output(
        Command::new("ntfsinfo")
            .args(["--force", "--file", "Files/links/first"])
            .arg(volume.image()),
    );
    let info = String::from_utf8(info).unwrap();
    for line in [
        "Number of Hard Links:\t 3 ",
        "MFT Changed Time:\t Sat Jan  6 01:02:03 1968 UTC",
        "READONLY HIDDEN",
        "'second'",
        "'third'",
    ] {
        assert!(info.contains(line), "{line:?} is not in\n{info}");
    }
    output(Command::new("ntfsfix").arg("-n").arg(volume.image()));
}

#[test]
fn a_sealed_writable_layer_is_the_same_on_ntfs() {
    if !has_ntfs() {
        return;
    }
    if let Err(why) = transom_mount::can_mount() {
        return skipped(&why.to_string());
    }
    let home = Home::on_disk();
    let _unmounts = Unmounts(&home);
    let engine = SealedEngine::new(Store::open(&home.root()).unwrap(), Names::Windows);
    let driver = Driver::open(engine).unwrap();
    let (base, top) = (Id::new("base").unwrap(), Id::new("top").unwrap());
    driver.create(&base, None).unwrap();
    driver
        .apply_diff(&base, None, &mut content::base().as_slice())
        .unwrap();
    driver
        .create_writable(&top, Some(&base), std::iter::empty::<(&str, &str)>())
        .unwrap();
    change(&driver.get(&top).unwrap());
    let mut tar = Vec::new();
    let mut diff = driver.diff(&top).unwrap();
    std::io::Read::read_to_end(&mut diff, &mut tar).unwrap();
    drop(diff);
    driver.put(&top).unwrap();

    let layers = [home.import(&content::base()), home.import(&tar)];
    let volume = same_on_ntfs(&home.store.open_chain(&layers, WINDOWS).unwrap());
    let files = volume.root().join("Files");
    let text = |path: &str| fs::read_to_string(files.join(path)).unwrap();
    assert_eq!(text("new folder/neu ü.txt"), "new");
    assert_eq!(text("links/second"), "changed through one of three names");
    assert_eq!(text("streams/file"), "changed beside its streams");
    assert_eq!(text("moved"), "short");
    assert_eq!(text("new folder/link"), "new");
    for gone in ["times", "long descriptor"] {
        assert!(!files.join(gone).exists(), "{gone}");
    }
}

/// Unmounts what a failed test leaves in its store.
struct Unmounts<'a>(&'a Home);

impl Drop for Unmounts<'_> {
    fn drop(&mut self) {
        let root = self.0.root();
        let table = transom_mount::table().unwrap_or_default();
        let own = table
            .iter()
            .filter(|mounted| mounted.target.starts_with(&root));
        for mounted in own.rev() {
            let _ = transom_mount::unmount_lazily(&mounted.target);
        }
    }
}

/// What a build might do to the mounted layer.
fn change(root: &Path) {
    fs::create_dir(root.join("new folder")).unwrap();
    fs::write(root.join("new folder/neu ü.txt"), "new").unwrap();
    symlink("neu ü.txt", root.join("new folder/link")).unwrap();
    fs::remove_dir_all(root.join("times")).unwrap();
    fs::remove_file(root.join("long descriptor")).unwrap();
    fs::rename(root.join("short descriptor"), root.join("moved")).unwrap();
    let first = "changed through one of three names";
    fs::write(root.join("links/first"), first).unwrap();
    fs::write(root.join("streams/file"), "changed beside its streams").unwrap();
}

fn named<'a>(objects: &'a [Object], path: &str) -> &'a Object {
    let has_name = |object: &&Object| object.paths.iter().any(|own| own == path);
    objects.iter().find(has_name).unwrap()
}

/// What a program prints that succeeds.
fn output(command: &mut Command) -> Vec<u8> {
    let output = command
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    output.stdout
}
