//! `cargo xtask generate`: what is committed but made by a program, and the check that it still is what that makes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::command::{command, output_of, run as run_command};
use crate::{root, system, target};

/// What to do with a file that differs from what its generator makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Write it anew.
    Write,
    /// Fail, and name it.
    Check,
}

const COMPILER: &str = "x86_64-w64-mingw32-gcc";
/// The compiler that made the committed program: another one may rightly make other bytes.
const COMPILER_VERSION: &str = "x86_64-w64-mingw32-gcc (GCC) 12-win32";
/// No C runtime, no time stamp, nothing but code, strings and imports.
const COMPILER_FLAGS: &str = "-Os -Wall -Wextra -Werror -ffreestanding -fno-builtin -fno-ident \
    -fno-asynchronous-unwind-tables -mno-stack-arg-probe -nostdlib -s \
    -Wl,-e,start -Wl,--no-insert-timestamp -Wl,--subsystem,console";

/// Folder of the man pages and completions that the command line tool writes about itself.
const REFERENCE: &str = "docs/reference";

/// The crate whose code is partly made from .proto files.
const CONTAINERD: &str = "crates/front/containerd";

/// Remakes or checks the sample program, the sample image, man pages, completions and the code of gRPC services.
pub(crate) fn run(mode: Mode) -> Result<()> {
    let mut stale = Vec::new();
    if program(mode, &mut stale)? && mode == Mode::Write {
        // The program is part of this very binary, by way of the image's generator.
        return run_command(&mut command("cargo xtask generate"));
    }
    let image = transom_sample::sample_image()?;
    settle(
        mode,
        Path::new("samples/hello-windows.tar"),
        &image,
        &mut stale,
    )?;
    for seed in transom_sample::seeds()? {
        let path = Path::new("testing/fuzz/seeds")
            .join(seed.target)
            .join(seed.name);
        settle(mode, &path, &seed.bytes, &mut stale)?;
    }
    reference(mode, &mut stale)?;
    services(mode, &mut stale)?;
    ensure!(
        stale.is_empty(),
        "not what their generator makes (cargo xtask generate): {}",
        stale.join(", ")
    );
    Ok(())
}

/// Builds the program of the sample image; says whether it differs from the committed one.
fn program(mode: Mode, stale: &mut Vec<String>) -> Result<bool> {
    if !system::has(COMPILER) {
        println!("skipped: building hello.exe (apt-get install gcc-mingw-w64-x86-64)");
        return Ok(false);
    }
    let (_, version) = output_of(command(COMPILER).arg("--version"))?;
    let version = version.lines().next().unwrap_or_default();
    if mode == Mode::Check && version != COMPILER_VERSION {
        println!(
            "skipped: building hello.exe (it was made with {COMPILER_VERSION}, here is {version})"
        );
        return Ok(false);
    }
    let folder = target().join("generate");
    fs::create_dir_all(&folder)?;
    let built = folder.join("hello.exe");
    // The library comes last: the linker takes from it what is still missing.
    run_command(
        command(COMPILER)
            .args(COMPILER_FLAGS.split_whitespace())
            .arg("-o")
            .arg(&built)
            .args(["testing/sample/hello/hello.c", "-lkernel32"]),
    )?;
    settle(
        mode,
        Path::new("testing/sample/hello/hello.exe"),
        &fs::read(&built)?,
        stale,
    )
}

/// Has the command line tool write its man pages and completions, and takes them over.
fn reference(mode: Mode, stale: &mut Vec<String>) -> Result<()> {
    let made = target().join("generate/reference");
    if made.exists() {
        fs::remove_dir_all(&made)?;
    }
    fs::create_dir_all(&made)?;
    run_command(command("cargo run --quiet --package transom -- generate --out").arg(&made))?;
    let committed = files_below(&root().join(REFERENCE))?;
    let wanted = files_below(&made)?;
    for name in committed.difference(&wanted) {
        let path = Path::new(REFERENCE).join(name);
        match mode {
            Mode::Write => fs::remove_file(root().join(&path))?,
            Mode::Check => stale.push(path.display().to_string()),
        }
    }
    for name in &wanted {
        settle(
            mode,
            &Path::new(REFERENCE).join(name),
            &fs::read(made.join(name))?,
            stale,
        )?;
    }
    Ok(())
}

/// Makes the code of containerd's gRPC services from their .proto files.
fn services(mode: Mode, stale: &mut Vec<String>) -> Result<()> {
    let made = target().join("generate/services");
    if made.exists() {
        fs::remove_dir_all(&made)?;
    }
    fs::create_dir_all(&made)?;
    run_command(
        command("cargo run --quiet --locked --manifest-path testing/protos/Cargo.toml --")
            .arg(root().join(CONTAINERD).join("proto"))
            .arg(&made)
            .env("CARGO_TARGET_DIR", target().join("protos")),
    )?;
    for name in files_below(&made)? {
        settle(
            mode,
            &Path::new(CONTAINERD).join("src/proto").join(&name),
            &fs::read(made.join(&name))?,
            stale,
        )?;
    }
    Ok(())
}

/// Writes `bytes` to `path`, or notes that the file there differs. Says whether it did.
fn settle(mode: Mode, path: &Path, bytes: &[u8], stale: &mut Vec<String>) -> Result<bool> {
    let full = root().join(path);
    if fs::read(&full).is_ok_and(|found| found == bytes) {
        return Ok(false);
    }
    match mode {
        Mode::Check => stale.push(path.display().to_string()),
        Mode::Write => {
            if let Some(folder) = full.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&full, bytes).with_context(|| format!("cannot write {}", full.display()))?;
            println!("wrote {} ({} bytes)", path.display(), bytes.len());
        }
    }
    Ok(true)
}

/// Returns the files in `folder` and below, by their paths from there; none if it is missing.
fn files_below(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let Ok(entries) = fs::read_dir(folder.join(&below)) else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            let path = below.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else {
                found.insert(path);
            }
        }
    }
    Ok(found)
}
