//! A store in a folder of its own, and the program to be run on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The program under test.
pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_transom-crash"))
}

/// The bundled image: three layers.
pub(crate) const SAMPLE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../samples/hello-windows.tar"
);
/// Its name.
pub(crate) const IMAGE: &str = "transom/hello:1.0";

/// Loads it.
pub(crate) const LOAD: &[&str] = &["load", "-q", SAMPLE];
/// Makes a writable layer over it.
pub(crate) const CREATE: &[&str] = &["create", "--from", IMAGE, "layer"];
/// Images made twice at different times would differ.
pub(crate) const EPOCH: &str = "--source-date-epoch";

/// Says whether all states and calls are tried, which takes most of an hour, or a part of them.
pub(crate) fn is_thorough() -> bool {
    std::env::var("TRANSOM_CRASHES").is_ok_and(|value| value == "all")
}

/// The words of an operation without the folders of this machine.
pub(crate) fn shown(words: &[&str]) -> String {
    let last = |word: &&str| {
        word.rsplit_once("/")
            .filter(|_| word.starts_with('/'))
            .map_or(*word, |(_, last)| last)
            .to_owned()
    };
    words.iter().map(last).collect::<Vec<_>>().join(" ")
}

/// A folder with a root in it, in memory where the system has such: a sync costs nothing there.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let folder = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        Self {
            folder: folder.unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.path("root")
    }

    /// Takes away all that is mounted in the folder, as a crash does.
    pub(crate) fn unmount(&self) {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let here = self.folder.path().to_str().unwrap();
        // The last one first: the others may lie beneath it.
        for line in mounts.lines().rev() {
            let at = line.split(' ').nth(1).unwrap_or_default();
            if at.starts_with(here) {
                let status = Command::new("umount").arg(at).status().unwrap();
                assert!(status.success(), "umount {at}");
            }
        }
    }

    /// Writes a file beside the root.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> String {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }

    /// The words after the program's name.
    pub(crate) fn arguments(&self, words: &[&str]) -> Vec<String> {
        self.arguments_for(&self.root(), words)
    }

    /// The same for a root elsewhere.
    pub(crate) fn arguments_for(&self, root: &Path, words: &[&str]) -> Vec<String> {
        let root = root.to_str().unwrap().to_owned();
        let words = words.iter().map(|word| word.to_string());
        ["--root".to_owned(), root]
            .into_iter()
            .chain(words)
            .collect()
    }

    /// Runs the program.
    pub(crate) fn attempt(&self, words: &[&str]) -> Output {
        let mut command = Command::new(program());
        command.args(self.arguments(words)).output().unwrap()
    }

    /// Runs the program, which must succeed.
    pub(crate) fn run(&self, words: &[&str]) {
        let output = self.attempt(words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {said}");
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.unmount();
    }
}
