//! `cargo xtask wine`: the tests as Windows programs, run by Wine.
//!
//! Wine shows that the Windows build starts, opens, locks, renames and deletes as it should. It has no backup
//! streams, reparse points or security descriptors: of these it can show nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::command::{command, output_of, print, run};
use crate::system::find_program;
use crate::test::Report;
use crate::{root, target};

/// What the programs are built for.
pub(crate) const TARGET: &str = "x86_64-pc-windows-gnu";

/// Crates that are Linux's alone, or run on the machine that builds.
const LINUX_ONLY: [&str; 4] = ["transom-fuzz", "transom-mount", "transom-ntfs", "xtask"];

/// Wine's programs, where Debian puts them and as others call them.
const LOADERS: [&str; 2] = ["/usr/lib/wine/wine64", "wine64"];
const SERVERS: [&str; 3] = ["/usr/lib/wine/wineserver64", "wineserver64", "wineserver"];

/// Source of the library that older versions of Wine lack.
const SHIM: &str = "testing/wine-shim/bcryptprimitives.c";
const COMPILER: &str = "x86_64-w64-mingw32-gcc";

/// Random cases of each test: Wine is slow at files, and the cases themselves are tried on Linux.
const CASES: &str = "4";

/// A running Wine with a folder of its own; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Wine {
    loader: PathBuf,
    server: PathBuf,
    prefix: PathBuf,
}

impl Wine {
    /// Makes what is missing and starts the server; `None` after a `skipped:` line if this machine cannot.
    pub(crate) fn start() -> Result<Option<Self>> {
        let first_of = |names: &[&str]| names.iter().find_map(|name| find_program(name));
        let (Some(loader), Some(server)) = (first_of(&LOADERS), first_of(&SERVERS)) else {
            println!("skipped: tests as Windows programs (apt-get install wine64 wine)");
            return Ok(None);
        };
        if !can_build() {
            println!("skipped: tests as Windows programs ({BUILD_NEEDS})");
            return Ok(None);
        }
        let wine = Self {
            loader,
            server,
            prefix: target().join("wine"),
        };
        wine.make_prefix()?;
        // Starting it for each program would take most of the time. If this process is killed, it ends after
        // half an hour.
        run(silent(&mut wine.command(&wine.server, &["-p1800"])))?;
        // Wine's services keep the streams of whoever starts them: that must not be a test whose end is waited for.
        run(silent(
            &mut wine.command(&wine.loader, &["cmd", "/c", "exit"]),
        ))?;
        Ok(Some(wine))
    }

    /// The command that builds and runs the tests, of some crates or (if none is named) of all.
    ///
    /// # Errors
    /// Programs that tests start cannot be built.
    pub(crate) fn tests(&self, crates: &[&str]) -> Result<Command> {
        // Chosen as a kind of test, an example would become a test itself.
        run(command("cargo build --examples --workspace").args(windows_only()))?;
        self.install_stand_in()?;
        // One process for each test, as nextest has it, would take longer than the tests.
        let mut tests = command("cargo test --no-fail-fast --lib --bins --tests");
        match crates.is_empty() {
            true => tests.arg("--workspace").args(windows_only()),
            false => tests
                .args(["--target", TARGET])
                .args(crates.iter().flat_map(|name| ["-p", name])),
        };
        tests.args(["--", "--show-output"]);
        self.environment(&mut tests);
        let runner = TARGET.to_ascii_uppercase().replace('-', "_");
        tests
            .env(format!("CARGO_TARGET_{runner}_RUNNER"), &self.loader)
            .env("TRANSOM_CASES", CASES);
        Ok(tests)
    }

    /// Makes the stand-in this Windows' Host Compute Service, where programs look for the real one.
    fn install_stand_in(&self) -> Result<()> {
        run(command("cargo build -p transom-vmcompute").args(["--target", TARGET]))?;
        let built = target().join(TARGET).join("debug/vmcompute.dll");
        let system = self.prefix.join("drive_c/windows/system32");
        for library in ["vmcompute.dll", "virtdisk.dll"] {
            // Wine's own may be a link to a file of the system's.
            let place = system.join(library);
            let _ = fs::remove_file(&place);
            fs::copy(&built, &place).with_context(|| format!("cannot install {library}"))?;
        }
        Ok(())
    }

    /// Makes the folder with a fresh Windows, unless it is there and has the shim as its source is now.
    fn make_prefix(&self) -> Result<()> {
        let source = root().join(SHIM);
        let wanted = fs::read(&source).with_context(|| format!("cannot read {SHIM}"))?;
        let made_with = self.prefix.join("shim.c");
        if fs::read(&made_with).is_ok_and(|source| source == wanted) {
            return Ok(());
        }
        if self.prefix.exists() {
            fs::remove_dir_all(&self.prefix)?;
        }
        fs::create_dir_all(&self.prefix)?;
        let mut boot = self.command(&self.loader, &["wineboot", "--init"]);
        // No .NET, no browser, no menu entries: they take a minute, or ask.
        boot.env("WINEDLLOVERRIDES", "mscoree,mshtml,winemenubuilder.exe=");
        run(silent(&mut boot))?;
        // What was started to make it goes before files are put into it.
        run(&mut self.command(&self.server, &["-w"]))?;
        let library = self
            .prefix
            .join("drive_c/windows/system32/bcryptprimitives.dll");
        if !library.exists() {
            let mut compile = Command::new(COMPILER);
            compile
                .args(["-shared", "-O2", "-Wall", "-Werror", "-o"])
                .arg(&library)
                .arg(&source)
                .arg("-ladvapi32");
            run(&mut compile)?;
        }
        // Last: a folder without it is half made.
        fs::write(made_with, wanted)?;
        Ok(())
    }

    fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments);
        self.environment(&mut command);
        command
    }

    fn environment(&self, command: &mut Command) {
        command
            .env("WINEPREFIX", &self.prefix)
            .env("WINEDEBUG", "-all")
            .env("WINEDLLOVERRIDES", "vmcompute,virtdisk=n")
            .env_remove("DISPLAY");
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        // Ends what runs in this folder, nothing else. If that fails there is nobody to tell.
        let mut end = self.command(&self.server, &["-k"]);
        print(&end);
        let _ = silent(&mut end).status();
    }
}

/// Arguments of cargo that choose the target and the crates for it.
pub(crate) fn windows_only() -> Vec<&'static str> {
    let excluded = LINUX_ONLY.iter().flat_map(|name| ["--exclude", name]);
    ["--target", TARGET].into_iter().chain(excluded).collect()
}

/// Says whether the standard library for Windows is installed.
pub(crate) fn has_target() -> bool {
    let folder = output_of(&mut command(&format!(
        "rustc --print target-libdir --target {TARGET}"
    )));
    folder.is_ok_and(|(status, folder)| status.success() && Path::new(folder.trim()).is_dir())
}

/// Says whether programs for Windows can be built.
pub(crate) fn can_build() -> bool {
    has_target() && find_program(COMPILER).is_some()
}

/// What [`can_build`] asks for.
pub(crate) const BUILD_NEEDS: &str =
    "apt-get install gcc-mingw-w64-x86-64; rustup target add x86_64-pc-windows-gnu";

/// Builds the tests of some crates, or of all, and runs them.
pub(crate) fn run_alone(crates: &[&str]) -> Result<()> {
    let wine = Wine::start()?;
    let wine = wine.context("nothing was tested")?;
    let mut report = Report::default();
    report.tests(&mut wine.tests(crates)?)?;
    report.finish()
}

/// Leaves nothing open to the program: what it starts may outlive it.
fn silent(command: &mut Command) -> &mut Command {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
}
