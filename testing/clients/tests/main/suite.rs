//! Where the programs of a Debian suite are; `cargo xtask e2e` brings them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder with a root folder for each suite.
const VARIABLE: &str = "TRANSOM_CLIENTS";

/// The suite of which helpers (runc, the registry, busybox) are taken: those of newer ones ask for a newer C library.
const OLDEST: &str = "bookworm";

/// The unpacked packages of a suite, with those of the oldest beside it.
#[derive(Debug, Clone)]
pub(crate) struct Suite {
    folder: PathBuf,
    oldest: PathBuf,
}

impl Suite {
    /// Finds a suite; `None` after a line that says why it cannot be used.
    pub(crate) fn find(name: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return skip("needs root");
        }
        let Some(clients) = std::env::var_os(VARIABLE).map(PathBuf::from) else {
            return skip("needs the programs that `cargo xtask e2e` fetches");
        };
        let suite = Self {
            folder: clients.join(name),
            oldest: clients.join(OLDEST),
        };
        match suite.folder.is_dir() && suite.oldest.is_dir() {
            true => Some(suite),
            false => skip(&format!("needs Debian's {name} in {}", clients.display())),
        }
    }

    /// A program of the suite, or of the oldest if the suite does not have it.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        let found = self.folders().map(|folder| folder.join(name));
        let found = found.into_iter().find(|path| path.is_file());
        found.unwrap_or_else(|| panic!("no {name} in {}", self.folder.display()))
    }

    /// A command that finds the suite's programs when it starts others.
    pub(crate) fn command(&self, name: &str) -> Command {
        self.command_of(&self.program(name))
    }

    /// The same for a program that is somewhere else.
    pub(crate) fn command_of(&self, program: &Path) -> Command {
        let mut path = OsString::new();
        for folder in self.folders() {
            path.push(folder);
            path.push(":");
        }
        path.push("/usr/sbin:/usr/bin:/sbin:/bin");
        let mut command = Command::new(program);
        command.env("PATH", path).env_remove("DOCKER_HOST");
        command
    }

    fn folders(&self) -> [PathBuf; 5] {
        [
            self.folder.join("usr/sbin"),
            self.folder.join("usr/bin"),
            self.oldest.join("usr/sbin"),
            self.oldest.join("usr/bin"),
            self.oldest.join("bin"),
        ]
    }
}

/// Says why a test does nothing.
#[expect(clippy::print_stdout, reason = "a test says why it cannot run")]
pub(crate) fn skip<T>(why: &str) -> Option<T> {
    println!("skipped: {why}");
    None
}
