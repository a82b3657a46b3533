//! A containerd with Transom as its snapshotter and differ, and its client `ctr`.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::mounts;
use crate::process::{Process, output_of, text_of, wait_until};
use crate::suite::Suite;
use crate::transom::Transom;

/// What the plugins are called in containerd's configuration.
pub(crate) const PLUGIN: &str = "transom";

/// Transom and a containerd over it. When it is dropped, processes and mounts end, and the folder goes.
#[derive(Debug)]
pub(crate) struct Containerd {
    pub(crate) transom: Transom,
    daemon: Option<Process>,
    suite: Suite,
    folder: TempDir,
}

impl Containerd {
    /// Starts both.
    pub(crate) fn start(suite: &Suite) -> Self {
        Self::start_with(suite, &[])
    }

    /// Starts both, Transom with more arguments.
    pub(crate) fn start_with(suite: &Suite, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("transom.sock");
        let address = folder.path().join("containerd.sock");
        let transom = Transom::serve_containerd(folder.path(), &socket, &address, arguments);
        Self::over(transom, suite, folder, &socket)
    }

    /// Starts containerd over a Transom that serves at `socket`; its own socket is `containerd.sock` in the folder.
    pub(crate) fn over(transom: Transom, suite: &Suite, folder: TempDir, socket: &Path) -> Self {
        let mut containerd = Self {
            transom,
            daemon: None,
            suite: suite.clone(),
            folder,
        };
        containerd.write_config(socket);
        containerd.start_daemon();
        containerd
    }

    /// Makes the configuration by the program itself, for the version that runs.
    fn write_config(&self, socket: &Path) {
        let at = |name: &str| self.path(name).display().to_string();
        let of_transom = |args: &[&OsStr]| {
            let mut command = self.transom.command();
            let program = self.suite.program("containerd");
            command.args(["config", "containerd", "--containerd"]);
            command.arg(program).args(args);
            command.env("TRANSOM_CONTAINERD", socket);
            text_of(&mut command)
        };
        let sections = of_transom(&[]);
        let (version, sections) = sections.split_once("\n\n").unwrap();
        let (root, state) = (at("root"), at("state"));
        let address = at("containerd.sock");
        let config = format!(
            "{version}\nroot = \"{root}\"\nstate = \"{state}\"\n[grpc]\n  address = \"{address}\"\n{sections}\n"
        );
        let path = self.path("config.toml");
        fs::write(&path, config).unwrap();
        let problems = of_transom(&["--check".as_ref(), path.as_ref()]);
        assert_eq!(problems, "");
    }

    /// Starts containerd (again), and waits until it answers.
    pub(crate) fn start_daemon(&mut self) {
        let mut command = self.suite.command("containerd");
        command.arg("-c").arg(self.path("config.toml"));
        let mut daemon = Process::start(&command, &self.path("containerd.log"));
        daemon.wait_until("containerd answers", || {
            self.try_run(&["version"]).status.success()
        });
        self.daemon = Some(daemon);
    }

    /// A path beside the store.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder of all that is of this containerd.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where containerd listens.
    pub(crate) fn address(&self) -> PathBuf {
        self.path("containerd.sock")
    }

    /// containerd's client, not started yet.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.suite.command("ctr");
        command.env("CONTAINERD_ADDRESS", self.address());
        command
    }

    /// Runs the client, which must succeed; returns what it printed. After a restart of Transom gRPC tries to connect
    /// again only after a second or more, so a refused connection is no failure yet, nor is one that the killed process
    /// had not come to accept.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        let mut output = self.try_run(args);
        wait_until("containerd reaches transom", || {
            let errors = String::from_utf8_lossy(&output.stderr);
            let refused = [
                "connection refused",
                "error reading server preface",
                "broken pipe",
            ]
            .iter()
            .any(|error| errors.contains(error));
            if refused {
                output = self.try_run(args);
            }
            !refused
        });
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ctr {args:?}: {errors}");
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }

    /// The same for output that is no text.
    pub(crate) fn bytes(&self, args: &[&str]) -> Vec<u8> {
        output_of(self.command().args(args))
    }

    /// Runs the client.
    pub(crate) fn try_run(&self, args: &[&str]) -> Output {
        self.command().args(args).output().unwrap()
    }

    /// Runs the client about the snapshots of this snapshotter.
    pub(crate) fn snapshots(&self, args: &[&str]) -> String {
        self.run(&[&["snapshots", "--snapshotter", PLUGIN], args].concat())
    }

    /// What the client tells of a snapshot.
    pub(crate) fn info(&self, key: &str) -> Value {
        serde_json::from_str(&self.snapshots(&["info", key])).unwrap()
    }

    /// Keys and parents of all committed snapshots.
    pub(crate) fn committed(&self) -> Vec<(String, String)> {
        let list = self.snapshots(&["ls"]);
        let lines = list.lines().filter(|line| line.contains("Committed"));
        lines
            .map(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                let parent = if words.len() == 3 { words[1] } else { "" };
                (words[0].to_owned(), parent.to_owned())
            })
            .collect()
    }

    /// The committed snapshot that no other is made from.
    pub(crate) fn top(&self) -> String {
        let committed = self.committed();
        let is_parent = |key: &str| committed.iter().any(|(_, parent)| parent == key);
        let mut tops = committed.iter().filter(|(key, _)| !is_parent(key));
        let top = tops.next().unwrap().0.clone();
        assert_eq!(tops.next(), None);
        top
    }

    /// Imports an image archive for Windows.
    pub(crate) fn import(&self, archive: &Path) {
        self.run(&import(archive));
    }

    /// Mounts a snapshot as `ctr` says how.
    pub(crate) fn mount(&self, key: &str) -> PathBuf {
        let target = self.path(&format!("mount-{key}"));
        fs::create_dir_all(&target).unwrap();
        let line = self.snapshots(&["mounts", target.to_str().unwrap(), key]);
        output_of(Command::new("sh").arg("-c").arg(line));
        target
    }

    /// Checks that no snapshot and no layer is left, and that nothing is mounted.
    pub(crate) fn is_empty(&self) {
        assert_eq!(self.snapshots(&["ls"]).lines().count(), 1);
        assert_eq!(self.transom.layer_bytes(), 0);
        assert_eq!(mounts::below(self.transom.store()), Vec::<PathBuf>::new());
        self.transom.verify();
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        self.daemon = None;
        mounts::clear(self.folder.path());
    }
}

/// The arguments with which the client imports an image archive for Windows.
pub(crate) fn import(archive: &Path) -> [&str; 7] {
    [
        "images",
        "import",
        "--platform",
        "windows/amd64",
        "--snapshotter",
        PLUGIN,
        archive.to_str().unwrap(),
    ]
}
