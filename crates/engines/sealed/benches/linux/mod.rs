//! The measurements themselves.

use std::error::Error;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use transom_driver::Id;
use transom_layer::{DiffId, Names, View};
use transom_layertar::windows::{Shape, to_header};
use transom_layertar::{WindowsMetadata, Writer};
use transom_sealed::{ImageRecord, LayerRequest, NewWritable, Store};

use crate::stored::add_image;
use crate::times::Times;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ROUNDS: usize = 5;
const QUICK_ROUNDS: usize = 20;
/// Layers of the deep stack.
const DEPTH: usize = 128;
/// Files that are looked up.
const LOOK_UPS: usize = 5_000;

pub(crate) fn run() -> Result<()> {
    // cargo adds arguments of its own, which begin with dashes.
    let tar = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"));
    let Some(tar) = tar.map(PathBuf::from) else {
        println!("skipped: the benchmark needs a layer as tar (cargo xtask bench)");
        return Ok(());
    };
    if let Err(why) = transom_mount::can_mount() {
        println!("skipped: {why}");
        return Ok(());
    }
    // Beside the layer, so that both are on the same disk.
    let folder = tar.with_file_name(format!("bench-{}", std::process::id()));
    fs::create_dir(&folder)?;
    let result = bench(&tar, &folder);
    unmount_below(&folder)?;
    fs::remove_dir_all(&folder)?;
    result
}

fn bench(tar: &Path, folder: &Path) -> Result<()> {
    let store = Store::open(&folder.join("store"))?;
    let base = import(&store, File::open(tar)?)?;
    let image = add_image(&store, "bench:1", &[base])?;
    let deep = deep_image(&store, base)?;
    let entries = store.layer(base)?.entries;

    println!();
    println!("Layer: {entries} entries; deep stack: {DEPTH} layers over it.");
    println!();
    println!("| what | best | median | compared with | ratio of best (median) | wanted |");
    println!("|---|---|---|---|---|---|");
    mounting(&store, &image, &deep, folder)?;
    committing(&store, &image, folder)?;
    looking_up(&store, &image, &deep, folder)?;
    reading(&store, &image, folder)
}

fn mounting(store: &Store, image: &ImageRecord, deep: &ImageRecord, folder: &Path) -> Result<()> {
    let target = folder.join("view");
    fs::create_dir(&target)?;
    for (what, image) in [("one layer", image), ("the deep stack", deep)] {
        let (mut mount, mut unmount) = (Times::default(), Times::default());
        for _ in 0..QUICK_ROUNDS {
            mount.measure(|| Ok(store.mount_image(image, View::Volume, &target, None)?))?;
            unmount.measure(|| Ok(store.unmount_at(&target)?))?;
        }
        mount.row(&format!("mount {what}, its index cached"), None, "");
        unmount.row(&format!("unmount {what}"), None, "");
    }
    Ok(())
}

fn committing(store: &Store, image: &ImageRecord, folder: &Path) -> Result<()> {
    let target = folder.join("top");
    fs::create_dir(&target)?;
    let id = Id::new("top")?;
    let (mut create, mut mount) = (Times::default(), Times::default());
    let (mut changes, mut seal) = (Times::default(), Times::default());
    for round in 0..QUICK_ROUNDS {
        create.measure(|| {
            Ok(store.create_writable(NewWritable {
                id: &id,
                below: image.diff_ids(),
                names: Names::Windows,
                bound: None,
                config: Some(image.config),
            })?)
        })?;
        mount.measure(|| Ok(store.mount_named("top", View::Volume, &target)?))?;
        fs::write(target.join("new.txt"), format!("round {round}"))?;
        changes.measure(|| Ok(store.open_writable("top")?.changes()?))?;
        let session = store.session()?;
        seal.measure(|| Ok(session.seal(&store.open_writable("top")?, None)?))?;
        session.keep_unused();
        store.unmount_named("top")?;
        store.remove_named("top")?;
    }
    create.row("create a writable layer", None, "");
    mount.row("mount it", None, "");
    changes.row("list its changes, one file", None, "");
    seal.row(
        "seal one changed file: tar, digest, index, synced",
        None,
        "50 ms",
    );
    Ok(())
}

fn looking_up(store: &Store, image: &ImageRecord, deep: &ImageRecord, folder: &Path) -> Result<()> {
    let (one, many) = (folder.join("one"), folder.join("many"));
    for (image, target) in [(image, &one), (deep, &many)] {
        fs::create_dir(target)?;
        store.mount_image(image, View::Volume, target, None)?;
    }
    let files = some_files(&one)?;
    let (mut shallow, mut stack) = (Times::default(), Times::default());
    for _ in 0..ROUNDS {
        drop_caches()?;
        shallow.measure(|| stat_all(&one, &files))?;
        drop_caches()?;
        stack.measure(|| stat_all(&many, &files))?;
    }
    shallow.row(&format!("{} look-ups, one layer", files.len()), None, "");
    let base = Some((&shallow, "one layer"));
    stack.row(&format!("the same in {DEPTH} layers"), base, "1.2");
    store.unmount_at(&one)?;
    Ok(store.unmount_at(&many)?)
}

fn reading(store: &Store, image: &ImageRecord, folder: &Path) -> Result<()> {
    let (mounted, plain) = (folder.join("mounted"), folder.join("plain"));
    fs::create_dir(&mounted)?;
    store.mount_image(image, View::Volume, &mounted, None)?;
    let files = copy_tree(&mounted, &plain)?;
    let mut results: [Times; 4] = Default::default();
    for round in 0..ROUNDS {
        for turn in 0..2 {
            let which = (round + turn) % 2;
            let root = [&mounted, &plain][which];
            drop_caches()?;
            results[which].measure(|| read_all(root, &files))?;
            results[2 + which].measure(|| read_all(root, &files))?;
        }
    }
    let [cold, plain_cold, warm, plain_warm] = &results;
    plain_cold.row("read all files of the unpacked tree, cold", None, "");
    let base = Some((plain_cold, "unpacked"));
    cold.row("the same through the mount", base, "1.11");
    plain_warm.row("read all files of the unpacked tree, warm", None, "");
    let base = Some((plain_warm, "unpacked"));
    warm.row("the same through the mount", base, "1.11");
    Ok(store.unmount_at(&mounted)?)
}

fn import(store: &Store, source: impl Read) -> Result<DiffId> {
    let request = LayerRequest::new("benchmark", Names::Windows);
    let session = store.session()?;
    let imported = session.import_layer(source, &request, &|_| {})?;
    session.keep_unused();
    Ok(imported.diff_id)
}

/// An image of many layers, each of which changes one file and adds one.
fn deep_image(store: &Store, base: DiffId) -> Result<ImageRecord> {
    let mut layers = vec![base];
    for number in 0..DEPTH {
        let mut tar = Writer::new(Vec::new());
        for (name, shape) in [
            ("Files", Shape::Directory),
            ("Files/changing.txt", Shape::File { size: 8 }),
            (&format!("Files/{number}.txt"), Shape::File { size: 8 }),
        ] {
            let metadata = WindowsMetadata {
                attributes: Some(if shape == Shape::Directory { 16 } else { 32 }),
                ..WindowsMetadata::default()
            };
            tar.append(&to_header(name.as_bytes(), &shape, &metadata)?)?;
            if shape != Shape::Directory {
                std::io::Write::write_all(&mut tar, format!("{number:8}").as_bytes())?;
            }
        }
        layers.push(import(store, &tar.finish()?[..])?);
    }
    add_image(store, "deep:1", &layers)
}

/// Files spread over the whole tree.
fn some_files(root: &Path) -> Result<Vec<PathBuf>> {
    let all = files_in(root)?;
    let step = (all.len() / LOOK_UPS).max(1);
    Ok(all.into_iter().step_by(step).collect())
}

fn files_in(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn stat_all(root: &Path, files: &[PathBuf]) -> Result<u64> {
    let mut bytes = 0;
    for file in files {
        bytes += fs::symlink_metadata(root.join(file))?.len();
    }
    Ok(bytes)
}

fn copy_tree(from: &Path, to: &Path) -> Result<Vec<PathBuf>> {
    let files = files_in(from)?;
    for file in &files {
        let target = to.join(file);
        fs::create_dir_all(target.parent().unwrap_or(to))?;
        fs::copy(from.join(file), target)?;
    }
    Ok(files)
}

fn read_all(root: &Path, files: &[PathBuf]) -> Result<u64> {
    let mut buffer = vec![0; 128 * 1024];
    let mut bytes = 0;
    for file in files {
        let mut file = File::open(root.join(file))?;
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                count => bytes += count as u64,
            }
        }
    }
    Ok(bytes)
}

/// Makes the kernel forget what it has read.
fn drop_caches() -> Result<()> {
    Ok(fs::write("/proc/sys/vm/drop_caches", "3")?)
}

fn unmount_below(folder: &Path) -> Result<()> {
    for mounted in transom_mount::table()?.iter().rev() {
        if mounted.target.starts_with(folder) {
            transom_mount::unmount_lazily(&mounted.target)?;
        }
    }
    Ok(())
}
