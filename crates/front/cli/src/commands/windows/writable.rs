//! The commands: `create`, `list`, `mount`, `umount`, `commit`, and the parts of `diff`, `changes` and `rm` that
//! concern writable layers.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use transom_driver::{ChangeKind, Id};
use transom_oci::Below;
use transom_sealed::diff::Change;
use transom_sealed::{ImageRecord, LayerRequest, Removed, Store};

use super::layers::Layers;
use super::{chain, note};
use crate::args::{Commit, Create, Diff, Global, Grow, Latest, Mount, Rm, Umount};
use crate::commands::apply::{self, names, report, step};
use crate::commands::diff::Line;
use crate::commands::images::display_name;
use crate::commands::maintain::refuse_image;
use crate::target::Target;
use crate::{output, progress};

/// The folder in the store that has the layers of Windows.
const HOME: &str = "windowsfilter";

fn home(global: &Global) -> Result<PathBuf> {
    Ok(crate::commands::root(global)?.join(HOME))
}

/// The writable layers and the digests of their images' manifests.
fn named(global: &Global) -> Result<Vec<(String, String)>> {
    let home = home(global)?;
    let entries = match fs::read_dir(&home) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("cannot list {}", home.display()))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        // One that is being removed has a name that is no id.
        if entry.file_type()?.is_dir()
            && Id::new(&name).is_ok()
            && let Some(manifest) = note::read(&entry.path(), note::IMAGE)?
        {
            found.push((name, manifest));
        }
    }
    found.sort();
    Ok(found)
}

fn is_named(global: &Global, name: &str) -> Result<bool> {
    Ok(named(global)?.iter().any(|(known, _)| known == name))
}

/// A writable layer that was made before, with the driver that has it.
fn open(global: &Global, name: &str) -> Result<(Box<dyn Layers>, Id)> {
    ensure!(
        is_named(global, name)?,
        "there is no writable layer {name:?}; `list` shows which there are"
    );
    Ok((global.host.open(&home(global)?)?, Id::new(name)?))
}

pub(in crate::commands) fn create(store: &Store, global: &Global, args: &Create) -> Result<()> {
    let id = Id::new(&args.name)?;
    let image = Target::image(store, &args.from)?;
    let layers = global.host.open(&home(global)?)?;
    let parent = chain::make(store, global, &*layers, &image)?;
    let options: Vec<_> = args.options().collect();
    layers.create_writable(&id, Some(&parent), &options)?;
    let noted = layers
        .layer_path(&id)
        .map_err(anyhow::Error::from)
        .and_then(|folder| {
            Ok(note::write(
                &folder,
                note::IMAGE,
                &image.manifest.to_string(),
            )?)
        });
    if let Err(error) = noted {
        // Without the note nobody could find it.
        layers.remove(&id)?;
        return Err(error.context(format!("cannot note which image {id} is of")));
    }
    let from = display_name(&image);
    if global.json {
        return output::json(&json!({
            "name": args.name,
            "writable": true,
            "image": from,
            "below": image.diff_ids().iter().map(ToString::to_string).collect::<Vec<_>>(),
        }));
    }
    output::line(&format!("created {id} over {from}"))
}

pub(in crate::commands) fn list(store: &Store, global: &Global) -> Result<()> {
    let images = store.images()?;
    let layers = named(global)?.into_iter().map(|(name, manifest)| {
        let of = |image: &&ImageRecord| image.manifest.to_string() == manifest;
        let image = images.iter().find(of).map(display_name);
        (name, image.unwrap_or(manifest))
    });
    if global.json {
        let layers =
            layers.map(|(name, image)| json!({ "name": name, "writable": true, "image": image }));
        return output::json(&json!({ "layers": layers.collect::<Vec<_>>() }));
    }
    let rows: Vec<_> = layers
        .map(|(name, image)| vec![name, "writable".to_owned(), image])
        .collect();
    output::table(&["NAME", "KIND", "IMAGE"], &[], &rows)
}

pub(in crate::commands) fn mount(_: &Store, global: &Global, args: &Mount) -> Result<()> {
    let (layers, id) = open(global, &args.what)?;
    let volume = layers.get(&id)?;
    if global.json {
        return output::json(&json!({ "target": volume, "via": "windows" }));
    }
    output::line(&volume.display().to_string())
}

pub(in crate::commands) fn umount(_: &Store, global: &Global, args: &Umount) -> Result<()> {
    let (layers, id) = open(global, &args.what)?;
    Ok(layers.put(&id)?)
}

pub(in crate::commands) fn commit(store: &Store, global: &Global, args: &Commit) -> Result<()> {
    let (layers, id) = open(global, &args.name)?;
    let names = names(&args.image.tag)?;
    let image = image_of(store, &*layers, &id)?;
    note_times(global, &args.image.latest);
    let session = store.session()?;
    let layer = {
        let progress = progress::to_stderr(global.quiet);
        let watch = progress.layer_started(id.as_str(), None);
        let request = LayerRequest::new(id.as_str(), image.names_rule());
        session.import_layer(layers.diff(&id)?, &request, &|bytes| watch.advance(bytes))?
    };
    let below = Below {
        layers: image.diff_ids(),
        config: image.config,
    };
    let step = step(&args.image, format!("transom commit {id}"));
    let added = apply::add(store, session, &below, &layer, &step, names)?;
    report(global, &added, "committed")
}

/// Finds the image that a writable layer was made from.
fn image_of(store: &Store, layers: &dyn Layers, id: &Id) -> Result<ImageRecord> {
    let manifest = note::read(&layers.layer_path(id)?, note::IMAGE)?
        .with_context(|| format!("it is not noted which image {id} is of"))?;
    let images = store.images()?;
    let of = |image: &ImageRecord| image.manifest.to_string() == manifest;
    images.into_iter().find(of).with_context(|| {
        format!("the image that {id} was made from, {manifest}, is not in the store: load it again")
    })
}

/// Says that times in the layer stay as Windows has them.
fn note_times(global: &Global, latest: &Latest) {
    if latest.source_date_epoch.is_some() {
        let text = "--source-date-epoch does not change the times of files on Windows";
        progress::note(global.quiet, text);
    }
}

pub(in crate::commands) fn grow(_: &Store, _: &Global, _: &Grow) -> Result<()> {
    bail!("on Windows a layer gets its size when it is made: create --size")
}

/// `diff NAME -o FILE`
pub(in crate::commands) fn export(_: &Store, global: &Global, args: &Diff) -> Result<()> {
    let (layers, id) = open(global, &args.first)?;
    note_times(global, &args.latest);
    let mut diff = layers.diff(&id)?;
    match args.output.as_deref() {
        Some(path) if path != Path::new("-") => {
            let context = || format!("cannot write {}", path.display());
            let mut file = File::create(path).with_context(context)?;
            io::copy(&mut diff, &mut file).with_context(context)?;
            file.sync_all().with_context(context)
        }
        _ => {
            let mut out = output::stdout();
            io::copy(&mut diff, &mut out)?;
            Ok(io::Write::flush(&mut out)?)
        }
    }
}

/// `changes NAME`; `None` if there is no such writable layer.
pub(in crate::commands) fn changes(
    _: &Store,
    global: &Global,
    name: &str,
) -> Result<Option<Vec<Line>>> {
    if !is_named(global, name)? {
        return Ok(None);
    }
    let (layers, id) = open(global, name)?;
    let line = |change: transom_driver::Change| Line {
        path: change.path.into_bytes(),
        change: match change.kind {
            ChangeKind::Added => Change::Added,
            ChangeKind::Modified => Change::Modified,
            ChangeKind::Deleted => Change::Deleted,
        },
        kind: None,
        what: Vec::new(),
    };
    Ok(Some(layers.changes(&id)?.into_iter().map(line).collect()))
}

/// `rm NAME`; `None` if there is no such layer.
pub(in crate::commands) fn remove(
    store: &Store,
    global: &Global,
    what: &str,
) -> Result<Option<Removed>> {
    if !is_named(global, what)? {
        return Ok(None);
    }
    refuse_image(store, what)?;
    let (layers, id) = open(global, what)?;
    layers.remove(&id)?;
    Ok(Some(Removed::default()))
}

/// Files in a writable layer are removed where it is mounted.
pub(in crate::commands) fn remove_file(_: &Store, _: &Rm, _: &str) -> Result<bool> {
    Ok(false)
}

/// The engine finds out what is still mounted by itself.
pub(in crate::commands) fn clean_dead(_: &Store) -> Result<()> {
    Ok(())
}
