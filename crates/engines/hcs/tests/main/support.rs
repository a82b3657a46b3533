//! Stores over the stand-in.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use transom_driver::{Driver, Id};
use transom_hcs::{HcsEngine, Worker};
use transom_layertar::windows::{self, Shape, WindowsMetadata};
use transom_layertar::{EntryKind, Header, Writer, whiteout};
use transom_ntmeta::filetime::UnixTime;
use transom_standin::{Machine, PlainFiles};
use transom_windows::Watchdog;

pub(crate) type TestDriver = Driver<HcsEngine<PlainFiles>>;

/// A store and the machine that it is on.
#[derive(Debug)]
pub(crate) struct Site {
    folder: TempDir,
}

impl Site {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("there is a folder for temporary files");
        std::fs::create_dir(folder.path().join("windowsfilter")).expect("is new");
        std::fs::create_dir(folder.path().join("machine")).expect("is new");
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path("windowsfilter")
    }

    pub(crate) fn layer(&self, id: &Id) -> PathBuf {
        self.home().join(id.as_str())
    }

    pub(crate) fn machine(&self) -> Machine {
        Machine::open(&self.path("machine")).expect("the stand-in starts")
    }

    fn worker(&self) -> Worker {
        Worker::Process {
            program: example(),
            arguments: vec!["worker".into(), self.path("machine").into()],
        }
    }

    /// Opens the store with what reads and writes files in this process.
    pub(crate) fn driver(&self) -> TestDriver {
        self.driver_with(Worker::InProcess)
    }

    /// Opens the store with a worker process.
    pub(crate) fn driver_with_worker(&self) -> TestDriver {
        self.driver_with(self.worker())
    }

    pub(crate) fn driver_with(&self, worker: Worker) -> TestDriver {
        let hcs = Watchdog::new(self.machine(), Duration::from_secs(20));
        let engine = HcsEngine::open(&self.home(), Arc::new(hcs), worker).expect("opens");
        Driver::open(engine).expect("opens")
    }

    /// Runs one method of the driver in a process of its own.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output();
        output.expect("the example was built with the tests")
    }

    /// The process for one method of the driver.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.process("run");
        command.arg(self.home()).args(arguments);
        command
    }

    /// A worker process, without what it is to do.
    pub(crate) fn worker_command(&self) -> Command {
        self.process("worker")
    }

    fn process(&self, mode: &str) -> Command {
        let mut command = Command::new(example());
        if is_installed() {
            // The library finds its state by this.
            command.env("TRANSOM_STANDIN", self.path("machine"));
        }
        command.arg(mode).arg(self.path("machine"));
        command
    }

    /// Writes a file for a process to read.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("there is room");
        path.to_string_lossy().into_owned()
    }

    /// Forgets which calls were made.
    pub(crate) fn clear_log(&self) {
        self.machine().clear_log().expect("the stand-in can");
    }

    /// Lists the layers that are active or prepared.
    pub(crate) fn active(&self) -> Vec<PathBuf> {
        self.machine().active().expect("the stand-in knows")
    }

    /// Fails if the engine called something with wrong arguments.
    pub(crate) fn expect_no_complaints(&self) {
        assert_eq!(self.machine().complaints(), Vec::<String>::new());
    }
}

/// Says whether the stand-in is this Windows' Host Compute Service: then processes call it as they would the real one.
fn is_installed() -> bool {
    cfg!(windows) && Path::new(r"C:\windows\system32\vmcompute.dll").exists()
}

/// Finds the program in `examples`, which cargo builds with the tests.
fn example() -> PathBuf {
    let mut path = std::env::current_exe().expect("tests are programs");
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    path.push("examples");
    path.push(format!("standin{}", std::env::consts::EXE_SUFFIX));
    path
}

pub(crate) fn id(name: &str) -> Id {
    Id::new(name).expect("is a plain name")
}

/// Builds layer tars.
#[derive(Debug)]
pub(crate) struct Tar(Writer<Vec<u8>>);

impl Tar {
    pub(crate) fn new() -> Self {
        Self(Writer::new(Vec::new()))
    }

    fn metadata(attributes: u32) -> WindowsMetadata {
        let time = |seconds| UnixTime {
            seconds,
            nanos: 123_456_700,
        };
        WindowsMetadata {
            attributes: Some(attributes),
            creation: Some(time(1_600_000_000)),
            last_access: Some(time(1_600_000_003)),
            last_write: time(1_600_000_001),
            change: Some(time(1_600_000_002)),
            security: Some(security()),
            ..WindowsMetadata::default()
        }
    }

    pub(crate) fn entry(
        mut self,
        name: &str,
        shape: &Shape<'_>,
        metadata: &WindowsMetadata,
        data: &[u8],
    ) -> Self {
        use std::io::Write as _;
        let header = windows::to_header(name.as_bytes(), shape, metadata).expect("is plain");
        self.0.append(&header).expect("fits");
        self.0.write_all(data).expect("memory takes all");
        self
    }

    /// What has no security, and is told as made and read when it was last written.
    fn as_written(attributes: u32) -> WindowsMetadata {
        let metadata = Self::metadata(attributes);
        WindowsMetadata {
            security: None,
            creation: Some(metadata.last_write),
            last_access: Some(metadata.last_write),
            ..metadata
        }
    }

    /// A root of a layer with parents.
    pub(crate) fn root(self, name: &str) -> Self {
        let metadata = Self::as_written(0x10);
        self.entry(name, &Shape::Directory, &metadata, b"")
    }

    pub(crate) fn folder(self, name: &str) -> Self {
        self.entry(name, &Shape::Directory, &Self::metadata(0x10), b"")
    }

    pub(crate) fn file(self, name: &str, data: &[u8]) -> Self {
        let size = data.len() as u64;
        self.entry(name, &Shape::File { size }, &Self::metadata(0x20), data)
    }

    pub(crate) fn stream(self, name: &str, data: &[u8]) -> Self {
        let shape = Shape::Stream {
            size: data.len() as u64,
            mode: 0o100_000,
        };
        self.entry(name, &shape, &Self::metadata(0x20), data)
    }

    pub(crate) fn hive(self, name: &str) -> Self {
        let metadata = Self::as_written(0x20);
        let shape = Shape::File { size: 4 };
        self.entry(name, &shape, &metadata, b"regf")
    }

    pub(crate) fn junction(self, name: &str, target: &str) -> Self {
        let shape = Shape::Junction {
            target: target.as_bytes(),
        };
        self.entry(name, &shape, &Self::metadata(0x410), b"")
    }

    pub(crate) fn link(self, name: &str, target: &str) -> Self {
        let shape = Shape::HardLink {
            target: target.as_bytes(),
        };
        self.entry(name, &shape, &Self::metadata(0x20), b"")
    }

    pub(crate) fn whiteout(mut self, path: &str) -> Self {
        let name = whiteout::name_of(path.as_bytes());
        let header = Header::new(EntryKind::File, &name);
        self.0.append(&header).expect("fits");
        self
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.finish().expect("is complete")
    }
}

/// Owner and group administrators, full access for them (MS-DTYP 2.4.6).
fn security() -> Vec<u8> {
    transom_ntmeta::sddl::from_sddl("O:BAG:BAD:(A;;FA;;;BA)").expect("is valid")
}

/// A base layer with the least that Windows takes, a utility VM, and one of everything.
pub(crate) fn base() -> Vec<u8> {
    let config = "Files/Windows/System32/config";
    let mut tar = Tar::new()
        .folder("Files")
        .folder("Files/Windows")
        .folder("Files/Windows/System32")
        .folder(config);
    for hive in ["DEFAULT", "SAM", "SECURITY", "SOFTWARE", "SYSTEM"] {
        tar = tar.file(&format!("{config}/{hive}"), hive.as_bytes());
    }
    let boot = "UtilityVM/Files/EFI/Microsoft/Boot";
    tar.file("Files/a.txt", b"hello")
        .stream("Files/a.txt:zone", b"three")
        .file("Files/bottom.txt", b"bottom")
        .link("Files/c.txt", "Files/bottom.txt")
        .junction("Files/j", r"C:\Windows")
        .folder("UtilityVM")
        .folder("UtilityVM/Files")
        .folder("UtilityVM/Files/EFI")
        .folder("UtilityVM/Files/EFI/Microsoft")
        .folder(boot)
        .file(&format!("{boot}/BCD"), b"boot store")
        .file("UtilityVM/Files/vm.txt", b"vm")
        .finish()
}

/// A layer over it with one of everything.
pub(crate) fn top() -> Vec<u8> {
    let mut tar = Tar::new()
        .root("Files")
        .whiteout("Files/bottom.txt")
        .folder("Files/Windows")
        .whiteout("Files/Windows/System32")
        .file("Files/a.txt", b"changed")
        .stream("Files/a.txt:zone", b"new stream")
        .folder("Files/new")
        .file("Files/new/first.txt", b"one file")
        .link("Files/new/second.txt", "Files/new/first.txt")
        .junction("Files/to", r"C:\new")
        .root("Hives");
    for hive in ["DefaultUser", "Sam", "Security", "Software", "System"] {
        tar = tar.hive(&format!("Hives/{hive}_Delta"));
    }
    tar.finish()
}

/// Makes a base layer and one on it.
pub(crate) fn make_stack(driver: &TestDriver) -> (transom_driver::Id, transom_driver::Id) {
    let (bottom, middle) = (id("base"), id("top"));
    driver.create(&bottom, None).expect("is new");
    driver
        .apply_diff(&bottom, None, &mut &base()[..])
        .expect("is valid");
    driver.create(&middle, Some(&bottom)).expect("is new");
    driver
        .apply_diff(&middle, Some(&bottom), &mut &top()[..])
        .expect("is valid");
    (bottom, middle)
}

pub(crate) fn diff(driver: &TestDriver, layer: &Id) -> Vec<u8> {
    let mut tar = Vec::new();
    driver
        .diff(layer)
        .expect("starts")
        .read_to_end(&mut tar)
        .expect("exports");
    tar
}

/// Lists all that lies below a folder.
pub(crate) fn names_below(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder_here) = folders.pop() {
        for entry in std::fs::read_dir(folder_here)
            .expect("is a folder")
            .flatten()
        {
            let path = entry.path();
            let name = path.strip_prefix(folder).expect("lies below");
            names.push(name.to_string_lossy().into_owned());
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    names.sort();
    names
}

/// Fails if two tars differ, and says where.
pub(crate) fn expect_same(found: &[u8], expected: &[u8]) {
    assert_eq!(entries(found), entries(expected));
    assert!(found == expected, "the same entries, other bytes");
}

fn entries(tar: &[u8]) -> Vec<String> {
    let mut reader = transom_layertar::Reader::new(tar, transom_layertar::Limits::default());
    let mut entries = Vec::new();
    while let Some(entry) = reader.next_entry().expect("is a tar") {
        let name = String::from_utf8_lossy(&entry.name).into_owned();
        let pax: Vec<_> = entry
            .pax
            .iter()
            .map(|(key, value)| format!("{}={}", key.escape_ascii(), value.escape_ascii()))
            .collect();
        entries.push(format!(
            "{name} {:?} {} {}",
            entry.kind,
            entry.size,
            pax.join(" ")
        ));
    }
    entries
}
