//! `transom verify`, `rm`, `gc` and `df`

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, ensure};
use serde_json::json;
use transom_sealed::{Damage, ImageRecord, LayerRecord, Removed, Store, StoreError};

use super::images::display_name;
use crate::args::{Gc, Global, Rm, Verify};
use crate::target::Target;
use crate::{output, progress, show};

pub(super) fn verify(store: &Store, global: &Global, args: &Verify) -> Result<ExitCode> {
    let (images, layers) = match &args.reference {
        None => (store.images()?, store.layers()?),
        Some(reference) => match Target::find(store, reference)? {
            Target::Layer(layer) => (Vec::new(), vec![layer]),
            Target::Image(image) => {
                let mut ids = image.diff_ids();
                ids.sort();
                ids.dedup();
                let layers = ids
                    .into_iter()
                    .map(|id| store.layer(id))
                    .collect::<Result<_, _>>()?;
                (vec![image], layers)
            }
        },
    };
    let mut damages = verify_layers(store, global, &layers)?;
    for image in &images {
        damages.extend(store.verify_documents(image)?);
    }
    if global.json {
        output::json(&json!({
            "images": images.len(),
            "layers": layers.len(),
            "damages": damages.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }))?;
    } else {
        let damaged = damages.iter().map(|damage| format!("damaged: {damage}"));
        let size = show::size(layers.iter().map(|layer| layer.size).sum());
        let verdict = match damages.len() {
            0 => "all as it should be".to_owned(),
            number => format!(
                "{}; run `transom fsck --full`, then load the images again from where they came",
                show::count(number as u64, "damage")
            ),
        };
        let images = show::count(images.len() as u64, "image");
        let layers = show::count(layers.len() as u64, "layer");
        let sum = format!("{images}, {layers}, {size}: {verdict}");
        output::lines(&damaged.chain([sum]).collect::<Vec<_>>())?;
    }
    Ok(if damages.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Verifies layers, as many at a time as there are cores.
fn verify_layers(store: &Store, global: &Global, layers: &[LayerRecord]) -> Result<Vec<Damage>> {
    let progress = progress::to_stderr(global.quiet);
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let work = || {
        while let Some(layer) = layers.get(next.fetch_add(1, Ordering::Relaxed)) {
            let watch = progress.layer_started(&layer.diff_id.to_string(), Some(layer.size));
            let damages = store.verify_layer(layer, &|bytes| watch.advance(bytes));
            results
                .lock()
                .expect("no thread panics with it")
                .push((layer.diff_id, damages));
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(layers.len());
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let mut results = results.into_inner().expect("no thread panics with it");
    results.sort_by_key(|(layer, _)| *layer);
    let damages: Result<Vec<Vec<Damage>>, StoreError> =
        results.into_iter().map(|(_, damages)| damages).collect();
    Ok(damages?.into_iter().flatten().collect())
}

/// Refuses what means an image, where it means a writable layer.
#[cfg(any(target_os = "linux", windows))]
pub(super) fn refuse_image(store: &Store, what: &str) -> Result<()> {
    ensure!(
        Target::image(store, what).is_err(),
        "{what:?} means an image and a writable layer, or something in one: give the image's digest"
    );
    Ok(())
}

pub(super) fn rm(store: &Store, global: &Global, args: &Rm) -> Result<()> {
    let mut removed = Removed::default();
    let mut only_files = true;
    for reference in &args.references {
        if super::writable::remove_file(store, args, reference)? {
            continue;
        }
        only_files = false;
        if let Some(more) = super::writable::remove(store, global, reference)? {
            add(&mut removed, more);
            continue;
        }
        let image = Target::image(store, reference)?;
        super::mount::clean_dead(store)?;
        let gone = match name_meant(&image, reference) {
            Some(name) => store.remove_name(&image, name)?,
            None => store.remove_image(&image)?,
        };
        if !gone.images.is_empty() {
            removed.bytes += super::writable::collect(store, global)?;
        }
        add(&mut removed, gone);
    }
    if only_files {
        return Ok(());
    }
    report(global, &removed)?;
    Ok(store.empty_trash()?)
}

fn add(removed: &mut Removed, more: Removed) {
    removed.names.extend(more.names);
    removed.images.extend(more.images);
    removed.layers.extend(more.layers);
    removed.bytes += more.bytes;
}

/// The name that a reference means, if it means one.
fn name_meant<'a>(image: &'a ImageRecord, reference: &str) -> Option<&'a str> {
    let is_meant = |name: &&String| {
        *name == reference
            || name
                .strip_suffix(":latest")
                .is_some_and(|name| name == reference)
    };
    image.names.iter().find(is_meant).map(String::as_str)
}

pub(super) fn gc(store: &Store, global: &Global, args: &Gc) -> Result<()> {
    let in_windows = super::writable::collect(store, global)?;
    let mut removed = store.collect_garbage(args.compressed)?;
    removed.bytes += in_windows;
    report(global, &removed)
}

fn report(global: &Global, removed: &Removed) -> Result<()> {
    if global.json {
        return output::json(&json!({
            "names": removed.names,
            "images": removed.images.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "layers": removed.layers.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "bytes": removed.bytes,
        }));
    }
    let names = removed
        .names
        .iter()
        .map(|name| format!("name    {}", show::text(name.as_bytes())));
    let images = removed
        .images
        .iter()
        .map(|image| format!("image   {image}"));
    let layers = removed
        .layers
        .iter()
        .map(|layer| format!("layer   {layer}"));
    let sum = format!("{} given back", show::size(removed.bytes));
    output::lines(
        &names
            .chain(images)
            .chain(layers)
            .chain([sum])
            .collect::<Vec<_>>(),
    )
}

/// What `df` calls the layers of images that were made for writable ones.
const IN_WINDOWS: &str = "layers in Windows";

pub(super) fn df(store: &Store, global: &Global) -> Result<()> {
    let mut usage = store.usage()?;
    let in_windows = super::writable::add_usage(store, global, &mut usage)?;
    let total = usage.total() + in_windows;
    if global.json {
        return output::json(&json!({
            "logical": usage.logical,
            "tars": usage.tars,
            "shared": usage.shared,
            "indexes": usage.indexes,
            "compressed": usage.blobs,
            "merged_indexes": usage.chains,
            "writable": usage.writable,
            "in_windows": in_windows,
            "catalog": usage.catalog,
            "notes": usage.notes,
            "quarantine": usage.quarantine,
            "staging": usage.staging,
            "trash": usage.trash,
            "other": usage.other,
            "total": total,
            "reclaimable": usage.reclaimable,
            "images": usage.images.iter().map(|image| json!({
                "names": image.image.names,
                "manifest": image.image.manifest.to_string(),
                "size": image.size,
                "unique": image.unique,
                "shared": image.size - image.unique,
            })).collect::<Vec<_>>(),
        }));
    }
    let rows: Vec<Vec<String>> = usage
        .images
        .iter()
        .map(|image| {
            vec![
                display_name(&image.image),
                show::size(image.size),
                show::size(image.unique),
                show::size(image.size - image.unique),
            ]
        })
        .collect();
    output::table(&["IMAGE", "SIZE", "UNIQUE", "SHARED"], &[1, 2, 3], &rows)?;
    let sums = [
        ("images, each counted whole", usage.logical),
        ("layers, each counted once", usage.tars),
        ("  of these shared by images", usage.shared),
        ("indexes", usage.indexes),
        ("compressed layers", usage.blobs),
        ("merged indexes (a cache)", usage.chains),
        ("writable layers", usage.writable),
        (IN_WINDOWS, in_windows),
        ("catalog and notes", usage.catalog + usage.notes),
        ("set aside by fsck", usage.quarantine),
        ("being written or deleted", usage.staging + usage.trash),
        ("folders, locks, and the like", usage.other),
        ("on disk", total),
        ("  of this reclaimable by gc", usage.reclaimable),
    ];
    let is_here = |(name, _): &&(&str, u64)| cfg!(windows) || *name != IN_WINDOWS;
    let line = |(name, bytes): &(&str, u64)| format!("{name:<28} {:>12}", show::size(*bytes));
    output::lines(
        &std::iter::once(String::new())
            .chain(sums.iter().filter(is_here).map(line))
            .collect::<Vec<_>>(),
    )
}
