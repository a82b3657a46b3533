//! Running the program in a store of its own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// Name of the bundled image.
pub(crate) const HELLO: &str = "transom/hello:1.0";

/// Where the bundled image lies.
pub(crate) fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../samples/hello-windows.tar")
}

/// A store in a folder that is gone at the end.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    /// An empty store.
    pub(crate) fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A store with the bundled image in it.
    pub(crate) fn with_sample() -> Self {
        let home = Self::empty();
        home.ok(["load".as_ref(), sample().as_os_str()]);
        home
    }

    /// A path beside the store.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Says whether this user can make symbolic links here: on Windows not all can, and Wine only says that it did.
    pub(crate) fn makes_links(&self) -> bool {
        let link = self.path("a link");
        #[cfg(windows)]
        let made = std::os::windows::fs::symlink_dir("target", &link);
        #[cfg(unix)]
        let made = std::os::unix::fs::symlink("target", &link);
        made.is_ok() && link.is_symlink()
    }

    /// The program, not started yet.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_transom"));
        command.arg("--root").arg(self.path("store"));
        command
    }

    /// Runs the program.
    pub(crate) fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
        self.command().args(args).output().unwrap()
    }

    /// Runs the program, which must succeed, and returns its stdout.
    pub(crate) fn ok(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
        let output = self.run(args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs the program, which must fail with exit code 1 and print nothing; returns its stderr.
    pub(crate) fn fails(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Runs the program with `--json`.
    pub(crate) fn json(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Value {
        let output = self.command().arg("--json").args(args).output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }
}
