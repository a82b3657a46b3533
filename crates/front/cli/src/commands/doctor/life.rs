//! The whole life of a tiny layer, tried: made, filled, built upon, mounted, written to, exported, removed.

use std::collections::BTreeSet;
use std::io::{BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use transom_driver::Id;
use transom_layertar::{Limits, Reader, Shape, WindowsMetadata, Writer, windows};
use transom_ntmeta::filetime::{FileTime, UnixTime};
use transom_ntmeta::{hive, sddl};

use super::{Check, State};
use crate::args::Global;
use crate::commands::windows::Layers;
use crate::show;

const DIRECTORY: u32 = 0x10;
const ARCHIVE: u32 = 0x20;

/// The folders of a base layer, and the hives without which Windows takes none for one.
const FOLDERS: [&str; 4] = [
    "Files",
    "Files/Windows",
    "Files/Windows/System32",
    "Files/Windows/System32/config",
];
const HIVES: [&str; 5] = ["DEFAULT", "SAM", "SECURITY", "SOFTWARE", "SYSTEM"];

/// Full access for the system and administrators, also to what is made inside.
const FILE_SECURITY: &str = "O:BAG:SYD:(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";
const KEY_SECURITY: &str = "O:BAG:SYD:(A;CI;KA;;;SY)(A;CI;KA;;;BA)";

/// When everything was made: some time in 2023.
const TIME: UnixTime = UnixTime {
    seconds: 1_700_000_000,
    nanos: 0,
};

/// What is written into the mounted layer, and looked for in its export.
const WRITTEN: &str = "doctor.txt";

/// The steps so far. After one that fails there is no next.
struct Steps(Vec<Check>);

impl Steps {
    /// Takes a step, and tells how long it took, and what came of it.
    fn step<T>(
        &mut self,
        what: &str,
        step: impl FnOnce() -> Result<T>,
        tell: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let start = Instant::now();
        let done = step();
        let seconds = start.elapsed().as_secs_f64();
        let (state, why) = match &done {
            Ok(done) => (State::Works, tell(done)),
            Err(error) => (State::Fails, format!("{error:#}")),
        };
        let why = format!("{why} ({seconds:.2} s)");
        self.0.push(Check::new(what, state, why));
        done.ok()
    }
}

/// What a failure of the steps that take the base layer may be due to.
const EMPTY_HIVES: &str = "the base layer is tiny, with empty registry hives: it was never verified on real Windows that they suffice";

/// Lets a layer live in an empty folder.
pub(super) fn try_layer(global: &Global, home: &Path) -> Vec<Check> {
    let hives = Check::new("base layer's hives", State::Untested, EMPTY_HIVES);
    let mut steps = Steps(vec![hives]);
    let open = || global.host.open(home);
    if let Some(layers) = steps.step("open a store", open, |_| home.display().to_string())
        && live(&mut steps, global, &*layers).is_none()
    {
        clear_up(&*layers);
    }
    steps.0
}

/// Takes all steps, to the first that fails.
fn live(steps: &mut Steps, global: &Global, layers: &dyn Layers) -> Option<()> {
    let [base, child, scratch] = ids().ok()?;
    let done = |_: &()| "done".to_owned();
    let bytes = |bytes: &u64| format!("{} of file data", show::size(*bytes));

    steps.step(
        "make a base layer",
        || Ok(layers.create(&base, None)?),
        done,
    )?;
    let fill = || import(layers, &base, None, &base_tar()?);
    steps.step("import into it", fill, bytes)?;
    let create = || Ok(layers.create(&child, Some(&base))?);
    steps.step("make a layer on it", create, done)?;
    let fill = || import(layers, &child, Some(&base), &child_tar()?);
    steps.step("import into that", fill, bytes)?;

    let create = || Ok(layers.create_writable(&scratch, Some(&child), &[])?);
    steps.step("make a writable layer", create, done)?;
    let mount = || Ok(layers.get(&scratch)?);
    let shown = |volume: &PathBuf| volume.display().to_string();
    let volume = steps.step("mount it", mount, shown)?;
    let write = || {
        Ok(global
            .host
            .write_file(&volume, WRITTEN, b"written by doctor\n")?)
    };
    let written = steps.step("write a file there", write, done);
    steps.step("unmount it", || Ok(layers.put(&scratch)?), done)?;
    written?;
    let names = |names: &usize| show::count(*names as u64, "entry");
    steps.step("export its changes", || export(layers, &scratch), names)?;

    for (what, id) in [
        ("remove the writable layer", &scratch),
        ("remove the layer", &child),
        ("remove the base layer", &base),
    ] {
        steps.step(what, || remove(layers, id), done)?;
    }
    Some(())
}

fn ids() -> Result<[Id; 3]> {
    Ok([Id::new("base")?, Id::new("child")?, Id::new("scratch")?])
}

fn import(layers: &dyn Layers, id: &Id, parent: Option<&Id>, mut tar: &[u8]) -> Result<u64> {
    Ok(layers.apply_diff(id, parent, &mut tar)?)
}

/// Reads the export to its end, and looks for the file in it. Returns the number of entries.
fn export(layers: &dyn Layers, id: &Id) -> Result<usize> {
    let mut tar = Vec::new();
    BufReader::new(layers.diff(id)?).read_to_end(&mut tar)?;
    let mut reader = Reader::new(&tar[..], Limits::default());
    let mut names = BTreeSet::new();
    while let Some(entry) = reader.next_entry()? {
        names.insert(String::from_utf8_lossy(&entry.name).into_owned());
    }
    let wanted = format!("Files/{WRITTEN}");
    ensure!(
        names.contains(&wanted),
        "the export lacks {wanted}; it has {names:?}"
    );
    Ok(names.len())
}

fn remove(layers: &dyn Layers, id: &Id) -> Result<()> {
    layers.remove(id)?;
    ensure!(!layers.exists(id)?, "Windows says that it is still there");
    Ok(())
}

/// Takes away what was made before a step failed. What cannot go now has been told by that step.
fn clear_up(layers: &dyn Layers) {
    for id in ids().into_iter().flatten().rev() {
        let _ = layers.put(&id);
        let _ = layers.remove(&id);
    }
}

/// A base layer of empty hives. hcsshim gives ConvertToBaseLayer such, so ProcessBaseImage should take them.
fn base_tar() -> Result<Vec<u8>> {
    let security = sddl::from_sddl(KEY_SECURITY)?;
    let mut tar = Tar::new()?;
    for folder in FOLDERS {
        tar.folder(folder)?;
    }
    for name in HIVES {
        let hive = hive::empty(name, &security, FileTime::from_unix_wrapping(TIME));
        let hive = hive.context("the hive has no room for its security descriptor")?;
        tar.file(&format!("Files/Windows/System32/config/{name}"), &hive)?;
    }
    tar.file("Files/base.txt", b"of the base layer\n")?;
    tar.finish()
}

fn child_tar() -> Result<Vec<u8>> {
    let mut tar = Tar::new()?;
    tar.folder("Files")?;
    tar.file("Files/child.txt", b"of the layer on it\n")?;
    tar.folder("Hives")?;
    tar.finish()
}

/// A layer tar in which everything has the same security and time.
struct Tar {
    writer: Writer<Vec<u8>>,
    security: Vec<u8>,
}

impl Tar {
    fn new() -> Result<Self> {
        Ok(Self {
            writer: Writer::new(Vec::new()),
            security: sddl::from_sddl(FILE_SECURITY)?,
        })
    }

    fn folder(&mut self, name: &str) -> Result<()> {
        self.entry(name, &Shape::Directory, DIRECTORY)
    }

    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let size = bytes.len() as u64;
        self.entry(name, &Shape::File { size }, ARCHIVE)?;
        Ok(self.writer.write_all(bytes)?)
    }

    fn entry(&mut self, name: &str, shape: &Shape, attributes: u32) -> Result<()> {
        let metadata = WindowsMetadata {
            attributes: Some(attributes),
            creation: Some(TIME),
            last_access: Some(TIME),
            last_write: TIME,
            change: Some(TIME),
            security: Some(self.security.clone()),
            ..WindowsMetadata::default()
        };
        let header = windows::to_header(name.as_bytes(), shape, &metadata)?;
        Ok(self.writer.append(&header)?)
    }

    fn finish(self) -> Result<Vec<u8>> {
        Ok(self.writer.finish()?)
    }
}
