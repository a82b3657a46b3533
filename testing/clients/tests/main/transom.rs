//! The program under test: serving, and asked about its store.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Process, text_of};

/// A store, and the process that serves it.
#[derive(Debug)]
pub(crate) struct Transom {
    store: PathBuf,
    socket: PathBuf,
    log: PathBuf,
    /// What it serves, and how.
    arguments: Vec<OsString>,
    process: Option<Process>,
}

impl Transom {
    /// Serves a new store below `folder` as the graph driver at `socket`.
    pub(crate) fn serve_graphdriver(folder: &Path, socket: &Path) -> Self {
        Self::serve(folder, socket, vec!["--graphdriver".into(), socket.into()])
    }

    /// Serves a new store below `folder` at `socket` to the containerd at `address`, with more arguments.
    pub(crate) fn serve_containerd(
        folder: &Path,
        socket: &Path,
        address: &Path,
        more: &[&str],
    ) -> Self {
        let mut arguments = vec![
            "--containerd".into(),
            socket.into(),
            "--containerd-address".into(),
            address.into(),
        ];
        arguments.extend(more.iter().map(OsString::from));
        Self::serve(folder, socket, arguments)
    }

    /// A store below `folder` that somebody else serves at `socket`.
    pub(crate) fn of_somebody_else(folder: &Path, socket: &Path) -> Self {
        Self {
            store: folder.join("store"),
            socket: socket.to_owned(),
            log: folder.join("transom.log"),
            arguments: Vec::new(),
            process: None,
        }
    }

    fn serve(folder: &Path, socket: &Path, arguments: Vec<OsString>) -> Self {
        let mut transom = Self::of_somebody_else(folder, socket);
        transom.arguments = arguments;
        transom.start();
        transom
    }

    /// Starts to serve (again), and waits until the socket is there.
    pub(crate) fn start(&mut self) {
        let mut serve = self.command();
        serve
            .args(["serve", "--log-level", "debug"])
            .args(&self.arguments);
        let mut process = Process::start(&serve, &self.log);
        process.wait_until("transom serves", || {
            std::os::unix::net::UnixStream::connect(&self.socket).is_ok()
        });
        self.process = Some(process);
    }

    /// Ends it as a service manager would.
    pub(crate) fn stop(&mut self) {
        let status = self.process.take().unwrap().stop();
        assert!(status.success(), "{status}");
        assert!(!self.socket.exists(), "the socket stayed");
    }

    /// Ends it as nobody should.
    pub(crate) fn kill(&mut self) {
        self.process.take().unwrap().kill();
    }

    /// Where the store is.
    pub(crate) fn store(&self) -> &Path {
        &self.store
    }

    /// A command of the program about the store.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_transom-clients"));
        command.arg("--root").arg(&self.store);
        command
    }

    /// Bytes that layers take, sealed and writable.
    pub(crate) fn layer_bytes(&self) -> u64 {
        let usage = text_of(self.command().args(["df", "--json"]));
        let usage: serde_json::Value = serde_json::from_str(&usage).unwrap();
        ["tars", "indexes", "merged_indexes", "writable"]
            .map(|key| usage[key].as_u64().unwrap())
            .iter()
            .sum()
    }

    /// Checks all that is in the store.
    pub(crate) fn verify(&self) {
        text_of(self.command().arg("verify"));
    }
}

impl Drop for Transom {
    fn drop(&mut self) {
        self.process = None;
        let _ = std::fs::remove_file(&self.socket);
    }
}
