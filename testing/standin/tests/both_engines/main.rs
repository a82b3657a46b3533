//! The same edits give the same layer, whichever engine keeps it.
#![cfg(target_os = "linux")]

mod edits;

use std::io::{Read, Write as _};
use std::path::Path;
use std::sync::Arc;

use transom_driver::conformance::Volume as _;
use transom_driver::{Driver, Engine, Id};
use transom_hcs::{HcsEngine, Worker};
use transom_layer::{Names, TreePath, View};
use transom_layertar::windows::{self, Shape, WindowsMetadata};
use transom_layertar::{Limits, Reader, Writer};
use transom_ntmeta::attributes::FileAttributes;
use transom_ntmeta::backup_stream::{self, StreamHeader, StreamId};
use transom_ntmeta::filetime::{FileTime, UnixTime};
use transom_ntmeta::sddl;
use transom_sealed::{SealedEngine, Store};
use transom_standin::{Machine, PlainFiles, PlainVolume};
use transom_windows::{BackupWriter as _, BasicInfo, Folder as _, Node as _};

use edits::{Edit, Random};

/// The time of everything: what an engine makes of the present is not what is compared.
const TIME: UnixTime = UnixTime {
    seconds: 1_600_000_000,
    nanos: 123_456_700,
};

const FOLDER_SECURITY: &str = "O:BAG:SYD:AI(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICI;0x1200a9;;;BU)";

fn base() -> Vec<u8> {
    let mut tar = Writer::new(Vec::new());
    let mut add = |name: &str, shape: &Shape<'_>, attributes, data: &[u8]| {
        let metadata = WindowsMetadata {
            attributes: Some(attributes),
            creation: Some(TIME),
            last_access: Some(TIME),
            last_write: TIME,
            change: Some(TIME),
            security: Some(sddl::from_sddl(FOLDER_SECURITY).expect("is valid")),
            ..WindowsMetadata::default()
        };
        let header = windows::to_header(name.as_bytes(), shape, &metadata).expect("is plain");
        tar.append(&header).expect("fits");
        tar.write_all(data).expect("memory takes all");
    };
    let config = "Files/Windows/System32/config";
    let own = edits::FOLDERS.map(|name| format!("Files/{name}"));
    let windows = ["Files", "Files/Windows", "Files/Windows/System32", config];
    for folder in windows.into_iter().chain(own.iter().map(String::as_str)) {
        add(folder, &Shape::Directory, 0x10, b"");
    }
    let hives = ["DEFAULT", "SAM", "SECURITY", "SOFTWARE", "SYSTEM"];
    let hives = hives.map(|hive| format!("{config}/{hive}"));
    let own = edits::FILES.map(|name| format!("Files/{name}"));
    for name in own.iter().chain(&hives) {
        add(name, &Shape::File { size: 4 }, 0x20, b"data");
    }
    tar.finish().expect("is complete")
}

fn id(name: &str) -> Id {
    Id::new(name).expect("is a plain name")
}

fn make<E: Engine>(driver: &Driver<E>) {
    driver.create(&id("base"), None).expect("is new");
    driver
        .apply_diff(&id("base"), None, &mut &base()[..])
        .expect("is valid");
    driver
        .create_writable(&id("box"), Some(&id("base")), [("size", "0")])
        .expect("is new");
}

/// The diff that the engine of Linux makes.
fn sealed(folder: &Path, edits: &[Edit]) -> Vec<u8> {
    let open = || Store::open(folder).expect("opens");
    make(&Driver::open(SealedEngine::new(open(), Names::Windows)).expect("opens"));
    let store = open();
    let editor = store.edit_writable("box").expect("is writable");
    let path = |text| TreePath::parse(text, Names::Windows, View::Volume).expect("is plain");
    for edit in edits {
        match edit {
            Edit::Write(name, data) => editor.write(&path(name), &mut &data[..], Some(TIME)),
            Edit::Folder(name) => editor.create_folder(&path(name)),
            Edit::Remove(name) => editor.remove(&path(name), true),
            Edit::Attributes(name, attributes) => {
                let of = FileAttributes::from_bits_retain;
                editor.set_attributes(&path(name), of(*attributes), of(0x6 & !attributes))
            }
            Edit::Security(name, security) => {
                let security = sddl::from_sddl(security).expect("is valid");
                editor.set_security(&path(name), &security)
            }
        }
        .expect("is edited");
    }
    drop(editor);
    let mut tar = Vec::new();
    let writable = store.open_writable("box").expect("is writable");
    writable.export(Some(TIME), &mut tar).expect("exports");
    tar
}

/// The diff that the engine of Windows makes.
fn hcs(folder: &Path, edits: &[Edit]) -> Vec<u8> {
    let (home, state) = (folder.join("windowsfilter"), folder.join("machine"));
    std::fs::create_dir(&home).expect("is new");
    std::fs::create_dir(&state).expect("is new");
    let machine = Machine::open(&state).expect("starts");
    let engine = HcsEngine::<PlainFiles>::open(&home, Arc::new(machine), Worker::InProcess);
    let driver = Driver::open(engine.expect("opens")).expect("opens");
    make(&driver);
    let root = driver.get(&id("box")).expect("mounts");
    let files = PlainFiles::open_root(&root).expect("is mounted");
    for edit in edits {
        match edit {
            Edit::Write(name, data) => PlainVolume.write(&root, name, data),
            // The volume makes folders with what is in them.
            Edit::Folder(name) => PlainVolume
                .write(&root, &format!("{name}/x"), b"")
                .and_then(|()| PlainVolume.remove(&root, &format!("{name}/x"))),
            Edit::Remove(name) => PlainVolume.remove(&root, name),
            Edit::Attributes(name, attributes) => {
                let info = BasicInfo {
                    attributes: *attributes,
                    ..BasicInfo::default()
                };
                files
                    .open(name)
                    .and_then(|mut node| node.set_basic_info(&info))
            }
            Edit::Security(name, security) => files.open(name).and_then(|mut node| {
                let security = sddl::from_sddl(security).expect("is valid");
                let header = StreamHeader::new(StreamId::SECURITY_DATA, security.len() as u64);
                let mut streams = backup_stream::Writer::new(node.restore(true)?);
                streams.begin(&header).expect("is valid");
                streams.write_all(&security)?;
                streams.finish().expect("is whole").finish()
            }),
        }
        .expect("is edited");
    }
    set_times(&files, "");
    driver.put(&id("box")).expect("unmounts");
    let mut tar = Vec::new();
    let mut diff = driver.diff(&id("box")).expect("starts");
    diff.read_to_end(&mut tar).expect("exports");
    tar
}

fn set_times(files: &PlainFiles, folder: &str) {
    let time = FileTime::from_unix_wrapping(TIME);
    let info = BasicInfo {
        creation: time,
        last_access: time,
        last_write: time,
        change: time,
        attributes: 0,
    };
    for listed in files.list(folder).expect("is a folder") {
        let name = format!(
            "{folder}{}{}",
            if folder.is_empty() { "" } else { "/" },
            listed.name
        );
        if listed.attributes & 0x410 == 0x10 {
            set_times(files, &name);
        }
        let mut node = files.open(&name).expect("is there");
        node.set_basic_info(&info).expect("takes times");
    }
}

/// Returns the names and bytes of a tar's entries, but for the root of the files, and hives.
fn without_root_and_hives(tar: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut reader = Reader::new(tar, Limits::default());
    let (mut names, mut starts) = (Vec::new(), Vec::new());
    while let Some(entry) = reader.next_entry().expect("is a tar") {
        names.push(String::from_utf8_lossy(&entry.name).into_owned());
        starts.push(usize::try_from(entry.header_offset).expect("is in memory"));
    }
    starts.push(tar.len() - 1024);
    let is_compared = |name: &str| name != "Files" && name.split('/').next() == Some("Files");
    names
        .into_iter()
        .zip(starts.windows(2))
        .filter(|(name, _)| is_compared(name))
        .map(|(name, place)| (name, tar[place[0]..place[1]].to_vec()))
        .collect()
}

/// Takes away folders of the base of which nothing else is told: something was made in them and removed again. An upper
/// folder of Linux keeps them, and so may Windows; the stand-in does not.
fn without_touched_folders(told: &mut Vec<(String, Vec<u8>)>) {
    let is_touched = |told: &[(String, Vec<u8>)], name: &str| {
        let inside = format!("{name}/");
        let mut bases = edits::FOLDERS.iter().map(|base| format!("Files/{base}"));
        bases.any(|base| base == name) && !told.iter().any(|(name, _)| name.starts_with(&inside))
    };
    // Inner ones first: without them the next is one.
    while let Some(at) = told.iter().rposition(|(name, _)| is_touched(told, name)) {
        told.remove(at);
    }
}

/// Lets both engines do the edits, and returns the names of what both tell.
fn compare(edits: &[Edit], case: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let mut sealed = without_root_and_hives(&sealed(&folder.path().join("sealed"), edits));
    let mut hcs = without_root_and_hives(&hcs(folder.path(), edits));
    without_touched_folders(&mut sealed);
    without_touched_folders(&mut hcs);
    let names = |told: &[(String, Vec<u8>)]| {
        let names = told.iter().map(|(name, _)| name.clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(&hcs), names(&sealed), "{case}: after {edits:#?}");
    for ((name, hcs), (_, sealed)) in hcs.iter().zip(&sealed) {
        let shown = |bytes: &[u8]| bytes.escape_ascii().to_string().replace("\\x00", "");
        assert!(
            hcs == sealed,
            "{case}: {name} after {edits:#?}\n{}\n{}",
            shown(hcs),
            shown(sealed)
        );
    }
    names(&sealed)
}

#[test]
fn the_same_edits_give_the_same_bytes() {
    let names = compare(&edits::fixed(), "the fixed list");
    for told in [
        "Files/app/.wh.old.txt",
        "Files/app/locked.txt",
        "Files/made/inner/deep.bin",
    ] {
        assert!(names.iter().any(|name| name == told), "{told} is told");
    }
}

/// `TRANSOM_CASES` sets the number of cases, `TRANSOM_SEED` the first seed; a failure names its seed.
#[test]
fn edits_by_chance_give_the_same_bytes() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first = number("TRANSOM_SEED").unwrap_or(1);
    let cases: u64 = number("TRANSOM_CASES").unwrap_or(24);
    let mut told = 0;
    for seed in first..first + cases {
        let edits = edits::random(&mut Random::new(seed));
        told += compare(&edits, &format!("TRANSOM_SEED={seed} TRANSOM_CASES=1")).len();
    }
    assert!(told > 0, "something was told");
}
