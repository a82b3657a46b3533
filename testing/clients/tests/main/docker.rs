//! A Docker daemon with a data root of its own, whose images and containers are kept by Transom.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::mounts;
use crate::process::{Process, output_of, text_of, wait_until};
use crate::suite::Suite;
use crate::transom::Transom;

/// Where Docker looks for plugins.
const PLUGINS: &str = "/run/docker/plugins";

/// Transom and a daemon over it. When it is dropped, containers, processes and mounts end, and the folder goes.
#[derive(Debug)]
pub(crate) struct Docker {
    pub(crate) transom: Transom,
    daemon: Option<Process>,
    suite: Suite,
    driver: String,
    folder: TempDir,
}

impl Docker {
    /// Starts both.
    pub(crate) fn start(suite: &Suite) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Names of the plugins of one machine share a folder.
        let unique = folder.path().file_name().unwrap().to_str().unwrap();
        let driver = format!("transom{}", unique.trim_start_matches('.'));
        let socket = Path::new(PLUGINS).join(format!("{driver}.sock"));
        fs::write(folder.path().join("empty.json"), "{}").unwrap();
        let mut docker = Self {
            transom: Transom::serve_graphdriver(folder.path(), &socket),
            daemon: None,
            suite: suite.clone(),
            driver,
            folder,
        };
        docker.start_daemon();
        docker
    }

    /// Starts the daemon (again), and waits until it answers.
    pub(crate) fn start_daemon(&mut self) {
        let at = |name: &str| self.path(name).display().to_string();
        let mut command = self.suite.command("dockerd");
        command
            .args([
                "--experimental",
                "--bridge=none",
                "--iptables=false",
                "--ip6tables=false",
            ])
            .args(["--ip-forward=false", "--ip-masq=false"])
            .args([
                "--config-file",
                &at("empty.json"),
                "--storage-driver",
                &self.driver,
            ])
            .args([
                "--data-root",
                &at("data"),
                "--exec-root",
                &at("run"),
                "-p",
                &at("dockerd.pid"),
            ])
            .args(["-H", &self.address()]);
        let mut daemon = Process::start(&command, &self.path("dockerd.log"));
        daemon.wait_until("dockerd answers", || {
            self.try_run(&["version"]).status.success()
        });
        self.daemon = Some(daemon);
    }

    /// Ends the daemon as a service manager would.
    pub(crate) fn stop_daemon(&mut self) {
        self.daemon.take().unwrap().stop();
    }

    /// Kills the daemon, and the containerd that it had started. Its containers run on.
    pub(crate) fn kill_daemon(&mut self) {
        self.daemon.take().unwrap().kill();
        kill_all(&processes_of(self.folder.path(), "containerd"));
        // Where nobody takes notice that it ended, Docker 20.10 would take it for alive.
        let _ = fs::remove_file(self.path("run/containerd/containerd.pid"));
    }

    /// A path beside the store.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Docker's client, not started yet.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.suite.command("docker");
        command
            .args(["-H", &self.address()])
            .env("DOCKER_CONFIG", self.path("config"))
            .env("DOCKER_BUILDKIT", "0");
        command
    }

    /// Runs the client, which must succeed; returns what it printed.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        text_of(self.command().args(args))
    }

    /// The same for output that is no text.
    pub(crate) fn bytes(&self, args: &[&str]) -> Vec<u8> {
        output_of(self.command().args(args))
    }

    /// Runs the client, which must fail; returns what it said.
    pub(crate) fn fails(&self, args: &[&str]) -> String {
        let output = self.try_run(args);
        assert!(!output.status.success(), "docker {args:?} succeeded");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Checks that no layer is left, and that nothing is mounted. Docker removes some when the client has gone.
    pub(crate) fn is_empty(&self) {
        wait_until("all layers are removed", || self.transom.layer_bytes() == 0);
        assert_eq!(mounts::below(&self.path("store")), Vec::<PathBuf>::new());
        let begun = self.path("store/graphdriver/begun").read_dir().unwrap();
        assert_eq!(begun.count(), 0);
        self.transom.verify();
    }

    fn address(&self) -> String {
        format!("unix://{}", self.path("docker.sock").display())
    }

    fn try_run(&self, args: &[&str]) -> Output {
        self.command().args(args).output().unwrap()
    }

    /// Ends the containers, and what a killed daemon has left.
    fn end_containers(&mut self) {
        if self.daemon.is_some() {
            let containers = self.try_run(&["ps", "-aq"]).stdout;
            let containers = String::from_utf8_lossy(&containers).into_owned();
            for container in containers.split_whitespace() {
                self.try_run(&["rm", "-f", container]);
            }
        }
        self.daemon = None;
        // A container that a killed daemon left, and the containerd that it had started.
        kill_all(&processes_of(self.folder.path(), ""));
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        self.end_containers();
        mounts::clear(self.folder.path());
    }
}

/// The processes that have a folder in their command line, and in which the program's name ends so.
fn processes_of(folder: &Path, program: &str) -> Vec<Pid> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name();
        let Some(process) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        let runs = line
            .split('\0')
            .next()
            .is_some_and(|path| path.ends_with(program));
        if runs && line.contains(folder.to_str().unwrap()) {
            found.extend(Pid::from_raw(process));
        }
    }
    found
}

fn kill_all(processes: &[Pid]) {
    for process in processes {
        let _ = kill_process(*process, Signal::KILL);
    }
}
