//! What this machine has: programs, packages, rights.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{command, wine};

/// Says whether a program can be found and started with `--version`.
pub(crate) fn has(program: &str) -> bool {
    succeeds(Command::new(program).arg("--version"))
}

/// Says whether cargo knows this subcommand.
pub(crate) fn has_cargo(subcommand: &str) -> bool {
    succeeds(&mut command::command(&format!(
        "cargo {subcommand} --version"
    )))
}

/// Says whether cargo-deny has fetched its database of advisories.
pub(crate) fn has_advisories() -> bool {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let folders = home.and_then(|home| home.join("advisory-dbs").read_dir().ok());
    folders
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| entry.path().join("crates").is_dir())
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Debian packages that tests use when they are there, each with a program by which to find it.
const PACKAGES: [(&str, &str); 11] = [
    ("erofs-utils", "fsck.erofs"),
    ("skopeo", "skopeo"),
    // A real registry, to which images are pushed and from which they are pulled.
    ("docker-registry", "docker-registry"),
    ("gcc-mingw-w64-x86-64", "x86_64-w64-mingw32-gcc"),
    // FUSE mounts without root.
    ("fuse3", "fusermount3"),
    // Scratch images.
    ("e2fsprogs", "mke2fs"),
    // Real NTFS volumes, to which trees are copied and from which they are read back.
    ("ntfs-3g", "mkntfs"),
    // What the program writes, recorded; calls that fail.
    ("strace", "strace"),
    // The units, under what they are for.
    ("systemd", "/lib/systemd/systemd"),
    // Windows programs.
    ("wine64", "/usr/lib/wine/wine64"),
    ("wine", "wine"),
];

/// Debian packages with which `cargo xtask bench` compares, or measures.
const BENCH_PACKAGES: [(&str, &str); 9] = [
    ("libarchive-tools", "bsdtar"),
    ("umoci", "umoci"),
    ("skopeo", "skopeo"),
    ("pigz", "pigz"),
    ("isal", "igzip"),
    ("zstd", "zstd"),
    ("fuse-overlayfs", "fuse-overlayfs"),
    ("erofs-utils", "mkfs.erofs"),
    // Counts instructions.
    ("valgrind", "valgrind"),
];

/// Installs what tests can use, where that is possible; says plainly what is missing where it is not.
pub(crate) fn install_packages() {
    install("tests", &PACKAGES);
}

/// The same for benchmarks.
pub(crate) fn install_bench_packages() {
    install("measurements", &BENCH_PACKAGES);
}

fn install(what: &str, packages: &[(&'static str, &str)]) {
    let missing: Vec<&str> = packages
        .iter()
        .filter(|(_, program)| find_program(program).is_none())
        .map(|(package, _)| *package)
        .collect();
    if missing.is_empty() {
        return;
    }
    let list = missing.join(" ");
    if !Path::new("/etc/debian_version").exists() || find_program("apt-get").is_none() {
        println!("skipped: {what} that need {list} (this is not Debian, install them by hand)");
        return;
    }
    let is_root = command::output_of(&mut command::command("id -u"))
        .is_ok_and(|(_, user)| user.trim() == "0");
    if !is_root {
        println!(
            "skipped: {what} that need {list} (to have them: apt-get install {list}, as root)"
        );
        return;
    }
    let install = format!("apt-get install -y --no-install-recommends {list}");
    let installed = command::run(&mut command::command("apt-get update -q"))
        .and_then(|()| command::run(&mut command::command(&install)));
    if let Err(error) = installed {
        println!("skipped: {what} that need {list} ({error:#})");
    }
}

/// Builds of cargo's own that lints use, with the versions they were written for.
const TOOLS: [(&str, &str); 2] = [("machete", "0.9.2"), ("deny", "0.20.2")];

/// Builds the tools that are missing where nobody waits: in CI. It takes minutes.
pub(crate) fn install_tools_in_ci() {
    if std::env::var_os("CI").is_none() {
        return;
    }
    for (tool, version) in TOOLS {
        if !has_cargo(tool) {
            let install = format!("cargo install --locked cargo-{tool} --version {version}");
            if let Err(error) = command::run(&mut command::command(&install)) {
                println!("skipped: cargo {tool} ({error:#})");
            }
        }
    }
}

/// Installs Rust's standard library for Windows, where rustup can.
pub(crate) fn install_windows_target() {
    if wine::has_target() || find_program("rustup").is_none() {
        return;
    }
    let add = format!("rustup target add {}", wine::TARGET);
    if let Err(error) = command::run(&mut command::command(&add)) {
        println!("skipped: {add} ({error:#})");
    }
}

/// Finds a program by its name, or by its path.
pub(crate) fn find_program(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Not every user has the folders where Debian puts file system tools.
    let system = ["/usr/sbin", "/sbin"].map(Into::into);
    std::env::split_paths(&path)
        .chain(system)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}
