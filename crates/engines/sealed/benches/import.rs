//! The engine on one large layer, against what the same bytes cost without it.
//!
//! `cargo xtask bench` makes the layer and runs this. All figures come from one run, in rounds that take each
//! measurement once, so that a machine that is slow for a while is slow for all of them. The table is Markdown.
#![expect(clippy::print_stdout, reason = "the table is the result")]

mod stored;
mod times;

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use transom_layer::{DiffId, Names, TreePath, View};
use transom_sealed::{ImportedLayer, LayerRequest, Node, Store, Tree};

use stored::add_image;
use times::Times;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Rounds of the measurements that move the whole layer, and of those that do not.
const ROUNDS: usize = 4;
const QUICK_ROUNDS: usize = 50;

fn main() -> Result<()> {
    // cargo adds arguments of its own, which begin with dashes.
    let files: Vec<PathBuf> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .map(PathBuf::from)
        .collect();
    let [tar, gzip] = files.as_slice() else {
        println!("skipped: the benchmark needs a layer as tar and as tar.gz (cargo xtask bench)");
        return Ok(());
    };
    // Beside the layer, so that both are on the same disk.
    let folder = tar.with_file_name(format!("bench-{}", std::process::id()));
    fs::create_dir(&folder)?;
    let result = bench(tar, gzip, &folder);
    fs::remove_dir_all(&folder)?;
    result
}

fn bench(tar: &Path, gzip: &Path, folder: &Path) -> Result<()> {
    let mut inflate = Times::default();
    let mut cat = Times::default();
    let mut import_gzip = Times::default();
    let mut import_gzip_kept = Times::default();
    let mut import_plain = Times::default();
    let mut unlink = Times::default();
    let mut remove = Times::default();
    for round in 0..ROUNDS {
        println!("round {} of {ROUNDS}", round + 1);
        // What comes first finds the disk in another state than what comes later: take turns.
        for turn in 0..4 {
            let (times, source, keep_blob) = match (round + turn) % 4 {
                0 => (&mut import_gzip, gzip, false),
                1 => (&mut import_gzip_kept, gzip, true),
                2 => (&mut import_plain, tar, false),
                _ => {
                    cat.measure(|| copy(tar, &folder.join("copy")))?;
                    unlink.measure(|| Ok(fs::remove_file(folder.join("copy"))?))?;
                    continue;
                }
            };
            if source == gzip {
                inflate.measure(|| inflate_to_nowhere(gzip))?;
            }
            let root = folder.join("store");
            let store = Store::open(&root)?;
            let layer = times.measure(|| import(&store, source, keep_blob))?;
            let image = add_image(&store, "bench:1", &[layer.diff_id])?;
            drop(store);
            let store = remove.measure(|| {
                let store = Store::open(&root)?;
                store.remove_image(&image)?;
                Ok(store)
            })?;
            store.empty_trash()?;
            drop(store);
            fs::remove_dir_all(&root)?;
        }
    }

    let root = folder.join("store");
    let store = Store::open(&root)?;
    let layer = import(&store, gzip, false)?.diff_id;
    add_image(&store, "bench:1", &[layer])?;
    let record = store.layer(layer)?;
    drop(store);
    let places = Places::find(&Store::open(&root)?.open_layer(layer, Names::Windows)?)?;
    let mut list = Times::default();
    let mut read = Times::default();
    for _ in 0..QUICK_ROUNDS {
        list.measure(|| list_folder(&root, layer, &places.folder))?;
        read.measure(|| read_file(&root, layer, &places.file))?;
    }

    let bytes = fs::metadata(tar)?.len();
    println!();
    println!(
        "Layer: {} entries, {:.0} MB as tar, {:.0} MB as gzip.",
        record.entries,
        mega(bytes),
        mega(fs::metadata(gzip)?.len())
    );
    println!();
    println!("| what | best | median | compared with | ratio of best (median) | wanted |");
    println!("|---|---|---|---|---|---|");
    inflate.row("inflate the gzip to nowhere", None, "");
    import_gzip.row("import of the gzip", Some((&inflate, "inflate")), "1.25");
    import_gzip_kept.row(
        "the same, keeping the compressed bytes",
        Some((&inflate, "inflate")),
        "1.25",
    );
    cat.row("copy the tar and sync", None, "");
    import_plain.row("import of the tar", Some((&cat, "copy")), "2");
    list.row(
        &format!("ls of a folder of {}", places.entries),
        None,
        "10 ms",
    );
    read.row(
        &format!("cat of a file of {} bytes, in other case", places.bytes),
        None,
        "10 ms",
    );
    remove.row("rm of the layer", None, "10 ms");
    unlink.row(
        "for comparison: deleting the copy, which rm leaves for later",
        None,
        "",
    );
    let share = 100.0 * record.index_size as f64 / record.size as f64;
    println!(
        "| index | {:.2} MB | | tar | {share:.2} % | 1 % |",
        mega(record.index_size)
    );
    Ok(())
}

fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Inflates with the decoder and the buffers that the import uses.
fn inflate_to_nowhere(gzip: &Path) -> Result<u64> {
    let mut decoder = MultiGzDecoder::new(BufReader::with_capacity(256 * 1024, File::open(gzip)?));
    let mut buffer = vec![0; 1 << 20];
    let mut total = 0;
    loop {
        match decoder.read(&mut buffer)? {
            0 => return Ok(total),
            count => total += count as u64,
        }
    }
}

/// Copies through memory as `cat` does (the system's own copy may share the blocks), and syncs.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let (mut from, mut to) = (File::open(from)?, File::create(to)?);
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match from.read(&mut buffer)? {
            0 => break,
            count => to.write_all(&buffer[..count])?,
        }
    }
    Ok(to.sync_all()?)
}

fn import(store: &Store, source: &Path, keep_blob: bool) -> Result<ImportedLayer> {
    let request = LayerRequest {
        keep_blob,
        ..LayerRequest::new("benchmark", Names::Windows)
    };
    let session = store.session()?;
    let imported = session.import_layer(File::open(source)?, &request, &|_| {})?;
    session.keep_unused();
    Ok(imported)
}

/// Opens the store, lists a folder with all that `ls -l` shows.
fn list_folder(root: &Path, layer: DiffId, path: &str) -> Result<usize> {
    let tree = Store::open(root)?.open_layer(layer, Names::Windows)?;
    let children = tree.children(&tree.find(&place(path)?)?)?;
    for child in &children {
        tree.metadata(child)?;
    }
    Ok(children.len())
}

/// Opens the store, finds a file by a path in the wrong case, and reads it.
fn read_file(root: &Path, layer: DiffId, path: &str) -> Result<usize> {
    let tree = Store::open(root)?.open_layer(layer, Names::Windows)?;
    let node = tree.find(&place(path)?)?;
    let mut bytes = Vec::new();
    tree.open_data(&node)?.read_to_end(&mut bytes)?;
    Ok(bytes.len())
}

fn place(path: &str) -> Result<TreePath> {
    Ok(TreePath::parse(path, Names::Windows, View::Raw)?)
}

/// What `ls` and `cat` are tried on.
struct Places {
    folder: String,
    entries: usize,
    file: String,
    bytes: u64,
}

impl Places {
    /// Takes the fullest folder with at most 1,000 entries, and the file of median size.
    fn find(tree: &Tree) -> Result<Self> {
        let mut folders = vec![tree.root()?];
        let mut fullest: (usize, String) = Default::default();
        let mut files: Vec<(u64, String)> = Vec::new();
        while let Some(folder) = folders.pop() {
            let children = tree.children(&folder)?;
            if (fullest.0..=1000).contains(&children.len()) {
                fullest = (children.len(), text(&folder));
            }
            for child in children {
                if child.is_directory() {
                    folders.push(child);
                } else {
                    files.push((tree.metadata(&child)?.size, text(&child)));
                }
            }
        }
        files.sort();
        let (bytes, file) = files.get(files.len() / 2).ok_or("the layer has no files")?;
        Ok(Self {
            folder: fullest.1,
            entries: fullest.0,
            file: file.to_ascii_uppercase(),
            bytes: *bytes,
        })
    }
}

fn text(node: &Node) -> String {
    String::from_utf8_lossy(node.path()).into_owned()
}
