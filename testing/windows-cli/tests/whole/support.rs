//! A store and a stand-in of its own for each test, and the program over them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use transom_standin::{Action, Machine, Rule};

pub(crate) const HELLO: &str = "transom/hello:1.0";

/// How long to wait for a process to come to a place.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct Host {
    folder: tempfile::TempDir,
}

impl Host {
    /// Starts with an empty store, if the stand-in is this Windows' Host Compute Service.
    pub(crate) fn new() -> Option<Self> {
        if !Path::new(r"C:\windows\system32\vmcompute.dll").exists() {
            println!("skipped: needs the stand-in for vmcompute.dll (cargo xtask wine)");
            return None;
        }
        let folder = tempfile::tempdir().expect("there is a folder for temporary files");
        std::fs::create_dir(folder.path().join("machine")).expect("is new");
        Some(Self { folder })
    }

    /// Starts with the sample image.
    pub(crate) fn with_hello() -> Option<Self> {
        let host = Self::new()?;
        host.run(&["load", &sample()]);
        Some(host)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path as an argument.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_transom-standin-cli"));
        command
            .args(arguments)
            .env("TRANSOM_STANDIN", self.path("machine"))
            .env("TRANSOM_ROOT", self.path("store"));
        command
    }

    /// Starts the program; what it says is kept.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("starts")
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("starts");
        said(arguments, &output)
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let said = self.run(&[&["--json"], arguments].concat());
        serde_json::from_str(&said).expect("is JSON")
    }

    /// Runs what has to fail, and returns its error.
    pub(crate) fn fails(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("starts");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    pub(crate) fn machine(&self) -> Machine {
        Machine::open(&self.path("machine")).expect("the stand-in starts")
    }

    /// How often a function was called.
    pub(crate) fn calls(&self, call: &str) -> usize {
        let log = self.machine().log();
        let is_it = |line: &&String| line.split('(').next() == Some(call);
        log.iter().filter(is_it).count()
    }

    /// Starts the program, and kills it while it is in the call after `skip` others of that function.
    pub(crate) fn kill_in(&self, call: &str, skip: u64, arguments: &[&str]) {
        let machine = self.machine();
        let rule = Rule {
            skip,
            ..Rule::next(call, Action::Hang)
        };
        machine.plan(&rule).expect("is noted");
        let mut child = self.start(arguments);
        // The rule is taken away when it has come to it.
        let control = self.path("machine").join("control");
        wait_for(call, || {
            let rules = std::fs::read_to_string(&control);
            rules.is_ok_and(|rules| rules.is_empty())
        });
        assert_eq!(child.try_wait().expect("is ours"), None, "it hangs");
        child.kill().expect("is there");
        child.wait().expect("ends");
    }

    /// Names of what is in a folder of the store.
    pub(crate) fn names_in(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path("store").join(folder)) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("can be read").file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Checks that the store is whole, that nothing is mounted or half done, and that no call was wrong.
    pub(crate) fn assert_clean(&self) {
        let verified = self.json(&["verify"]);
        assert_eq!(verified["damages"], serde_json::json!([]));
        for folder in ["staging", "trash", "windowsfilter/.transom/intents"] {
            assert_eq!(self.names_in(folder), Vec::<String>::new(), "{folder}");
        }
        assert_eq!(
            self.names_in("windowsfilter/.transom/staging"),
            Vec::<String>::new()
        );
        let layers = self.names_in("windowsfilter");
        assert!(
            !layers.iter().any(|name| name.ends_with("-removing")),
            "{layers:?}"
        );
        let machine = self.machine();
        assert_eq!(machine.complaints(), Vec::<String>::new());
        assert_eq!(machine.active().expect("is known"), Vec::<PathBuf>::new());
    }

    /// Removes every layer and image, and checks that nothing stays.
    pub(crate) fn assert_all_can_go(&self) {
        let layers = self.json(&["list"])["layers"].clone();
        for layer in layers.as_array().expect("is a list") {
            self.run(&["rm", layer["name"].as_str().expect("is text")]);
        }
        for image in self.json(&["images"]).as_array().expect("is a list") {
            self.run(&["rm", image["manifest"].as_str().expect("is text")]);
        }
        self.run(&["gc"]);
        self.assert_clean();
        let mut layers = self.names_in("windowsfilter");
        layers.retain(|name| name != ".transom");
        assert_eq!(layers, Vec::<String>::new());
        assert_eq!(self.names_in("layers"), Vec::<String>::new());
        let volumes = std::fs::read_dir(self.path("machine/volumes")).expect("is there");
        assert_eq!(volumes.count(), 0, "volumes");
    }
}

/// Waits until something is so.
pub(crate) fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LIMIT, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn said(arguments: &[&str], output: &Output) -> String {
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The sample image.
pub(crate) fn sample() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/hello-windows.tar");
    path.to_string_lossy().into_owned()
}
