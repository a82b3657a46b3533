//! What the machine can do at best, each as a process: `transom-bench limit <name> <file>…`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, bail};
use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::files::{self, BUFFER, pump};

/// A command of this program that measures a limit.
///
/// # Errors
/// If this program's own path is unknown.
pub(crate) fn command(name: &str, files: &[&Path]) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["limit", name]).args(files);
    Ok(command)
}

/// Does the work.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["inflate", files @ ..] => on_two_threads(files, inflate),
        ["unzstd", file] => unzstd(Path::new(file)),
        ["sha256", file] => sha256(Path::new(file)),
        ["read", file] => pump(&mut open(Path::new(file))?, |_| Ok(())),
        ["write", file, to] => write(Path::new(file), Path::new(to)),
        ["read-tree", folder] => read_tree(Path::new(folder)),
        ["stat-files", list, folder] => stat_files(Path::new(list), Path::new(folder)),
        _ => bail!("unknown limit: {}", arguments.join(" ")),
    }
}

/// One file on one thread; several are dealt out to two.
fn on_two_threads(files: &[&str], work: fn(&Path) -> Result<()>) -> Result<()> {
    thread::scope(|scope| {
        let half = |first: usize| {
            let own: Vec<PathBuf> = files
                .iter()
                .skip(first)
                .step_by(2)
                .map(PathBuf::from)
                .collect();
            scope.spawn(move || own.iter().try_for_each(|file| work(file)))
        };
        let halves = [half(0), half(1)];
        for half in halves {
            half.join().expect("the work does not panic")?;
        }
        Ok(())
    })
}

fn open(file: &Path) -> Result<File> {
    File::open(file).with_context(|| format!("cannot open {}", file.display()))
}

/// Inflates to nowhere, with the inflater that Transom uses.
fn inflate(file: &Path) -> Result<()> {
    let source = BufReader::with_capacity(BUFFER, open(file)?);
    pump(&mut MultiGzDecoder::new(source), |_| Ok(()))
}

fn unzstd(file: &Path) -> Result<()> {
    let source = BufReader::with_capacity(BUFFER, open(file)?);
    pump(&mut zstd::Decoder::with_buffer(source)?, |_| Ok(()))
}

fn sha256(file: &Path) -> Result<()> {
    let mut hash = Sha256::new();
    pump(&mut open(file)?, |bytes| {
        hash.update(bytes);
        Ok(())
    })?;
    // Something must depend on it.
    Ok(writeln!(io::stdout(), "{}", hex::encode(hash.finalize()))?)
}

/// Writes the bytes of one file to a new one, and syncs that.
fn write(file: &Path, to: &Path) -> Result<()> {
    let mut target = File::create_new(to)?;
    pump(&mut open(file)?, |bytes| Ok(target.write_all(bytes)?))?;
    Ok(target.sync_all()?)
}

/// Reads all files below a folder, in the order of their paths.
fn read_tree(folder: &Path) -> Result<()> {
    let mut buffer = vec![0; BUFFER];
    for file in files::below(folder)? {
        let mut file = open(&folder.join(file))?;
        while file.read(&mut buffer)? > 0 {}
    }
    Ok(())
}

/// Asks for the metadata of files below a folder, by a list of their paths.
fn stat_files(list: &Path, folder: &Path) -> Result<()> {
    for line in BufReader::new(open(list)?).lines() {
        folder.join(line?).symlink_metadata()?;
    }
    Ok(())
}
