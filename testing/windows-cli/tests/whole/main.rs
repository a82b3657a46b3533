//! The whole program as a Windows program, over the stand-in behind vmcompute.dll.
#![cfg(windows)]
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::process::{Command, Output};

use transom_driver::conformance::Volume as _;
use transom_standin::{Machine, PlainVolume};

struct Host {
    folder: tempfile::TempDir,
}

impl Host {
    /// Starts with an empty store, if the stand-in is this Windows' Host Compute Service.
    fn new() -> Option<Self> {
        if !Path::new(r"C:\windows\system32\vmcompute.dll").exists() {
            println!("skipped: needs the stand-in for vmcompute.dll (cargo xtask wine)");
            return None;
        }
        let folder = tempfile::tempdir().expect("there is a folder for temporary files");
        std::fs::create_dir(folder.path().join("machine")).expect("is new");
        Some(Self { folder })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_transom-standin-cli"));
        command
            .args(arguments)
            .env("TRANSOM_STANDIN", self.folder.path().join("machine"))
            .env("TRANSOM_ROOT", self.folder.path().join("store"));
        command
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("starts");
        said(arguments, &output)
    }

    fn machine(&self) -> Machine {
        Machine::open(&self.folder.path().join("machine")).expect("the stand-in starts")
    }
}

fn said(arguments: &[&str], output: &Output) -> String {
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn sample() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/hello-windows.tar");
    path.to_string_lossy().into_owned()
}

#[test]
fn an_image_is_patched_through_a_mounted_layer() {
    let Some(host) = Host::new() else { return };
    host.run(&["load", &sample()]);
    host.run(&["create", "patch", "--from", "transom/hello:1.0"]);
    let volume = host.run(&["mount", "patch"]);
    let volume = Path::new(&volume);
    let written = PlainVolume
        .write(volume, "HELLO/new.txt", b"new")
        .and_then(|()| PlainVolume.remove(volume, "HELLO/settings.ini"));
    written.expect("is mounted");
    host.run(&["umount", "patch"]);
    let changes = host.run(&["changes", "patch"]);
    for change in ["A Files/HELLO/new.txt", "D Files/HELLO/settings.ini"] {
        assert!(changes.lines().any(|line| line == change), "{changes}");
    }
    host.run(&["commit", "patch", "-t", "hello:patched"]);
    let new = host.run(&["cat", "hello:patched", r"C:\hello\new.txt"]);
    assert_eq!(new, "new");
    host.run(&["create", "again", "--from", "hello:patched"]);
    host.run(&["rm", "again"]);
    host.run(&["rm", "patch"]);
    assert_eq!(host.machine().complaints(), Vec::<String>::new());
    assert!(host.machine().active().expect("is known").is_empty());
}

#[test]
fn twenty_processes_make_layers_of_one_image_at_once() {
    let Some(host) = Host::new() else { return };
    host.run(&["load", &sample()]);
    let names: Vec<String> = (0..20).map(|number| format!("box{number}")).collect();
    let started: Vec<_> = names
        .iter()
        .map(|name| {
            let mut command = host.command(&["create", name, "--from", "transom/hello:1.0"]);
            command.spawn().expect("starts")
        })
        .collect();
    for child in started {
        let output = child.wait_with_output().expect("ends");
        assert!(output.status.success(), "{output:?}");
    }
    let imports = host.machine().log();
    let imports = imports
        .iter()
        .filter(|line| line.starts_with("ImportLayer"));
    assert_eq!(imports.count(), 2, "each layer is filled once");
    for name in &names {
        host.run(&["rm", name]);
    }
    assert_eq!(host.machine().complaints(), Vec::<String>::new());
}
