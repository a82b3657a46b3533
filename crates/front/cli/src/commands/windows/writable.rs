//! The commands: `create`, `list`, `mount`, `umount`, `commit`, and the parts of `diff`, `changes` and `rm` that
//! concern writable layers.

use std::fs::File;
use std::io;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use transom_driver::{ChangeKind, Id, size};
use transom_oci::Below;
use transom_sealed::diff::Change;
use transom_sealed::{ElsewhereLayer, ImageRecord, LayerRequest, NamedKind, Removed, Store};

use super::{chain, collect, edit, noted};
use crate::args::{Commit, Create, Diff, Global, Grow, Latest, Mount, Rm, Umount};
use crate::commands::apply::{names, report, step};
use crate::commands::diff::Line;
use crate::commands::images::display_name;
use crate::commands::maintain::refuse_image;
use crate::target::Target;
use crate::{output, progress};

pub(in crate::commands) fn create(store: &Store, global: &Global, args: &Create) -> Result<()> {
    let id = Id::new(&args.name)?;
    let image = Target::image(store, &args.from)?;
    let options: Vec<_> = args.options().collect();
    let bound = size::from_options(options.iter().copied())
        .with_context(|| format!("cannot read the storage options of {id}"))?;
    let layers = noted::open(store, global)?;
    // Somebody else's may be in the folder, which no row is to claim.
    ensure!(
        !layers.exists(&id)?,
        "there is a layer {:?} already",
        args.name
    );
    let parent = chain::make(store, global, &*layers, &image)?;
    store.note_elsewhere(ElsewhereLayer {
        id: id.as_str(),
        parent: Some(parent.as_str()),
        kind: NamedKind::Writable { bound },
        below: image.diff_ids(),
        names: image.names_rule(),
        config: Some(image.config),
    })?;
    if let Err(error) = layers.create_writable(&id, Some(&parent), &options) {
        // One that is there after all could not be taken away: `rm` finds it by its row.
        if !layers.exists(&id)? {
            store.forget_elsewhere(id.as_str())?;
        }
        return Err(error.into());
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
    let layers = noted::writable(store, global)?.into_iter().map(|layer| {
        let of = |image: &&ImageRecord| {
            Some(image.config) == layer.config && image.diff_ids() == layer.below
        };
        let image = images.iter().find(of).map(display_name);
        (layer.id, image)
    });
    if global.json {
        let layers =
            layers.map(|(name, image)| json!({ "name": name, "writable": true, "image": image }));
        return output::json(&json!({ "layers": layers.collect::<Vec<_>>() }));
    }
    let removed = || "(removed)".to_owned();
    let rows: Vec<_> = layers
        .map(|(name, image)| vec![name, "writable".to_owned(), image.unwrap_or_else(removed)])
        .collect();
    output::table(&["NAME", "KIND", "IMAGE"], &[], &rows)
}

pub(in crate::commands) fn mount(store: &Store, global: &Global, args: &Mount) -> Result<()> {
    let (layers, id, _) = noted::open_writable(store, global, &args.what)?;
    let volume = layers.get(&id)?;
    if global.json {
        return output::json(&json!({ "target": volume, "via": "windows" }));
    }
    output::line(&volume.display().to_string())
}

pub(in crate::commands) fn umount(store: &Store, global: &Global, args: &Umount) -> Result<()> {
    let (layers, id, _) = noted::open_writable(store, global, &args.what)?;
    Ok(layers.put(&id)?)
}

pub(in crate::commands) fn commit(store: &Store, global: &Global, args: &Commit) -> Result<()> {
    let (layers, id, noted) = noted::open_writable(store, global, &args.name)?;
    let names = names(&args.image.tag)?;
    let config = noted
        .config
        .with_context(|| format!("it is not noted which image {id} is of"))?;
    note_times(global, &args.image.latest);
    let session = store.session()?;
    let layer = {
        let progress = progress::to_stderr(global.quiet);
        let watch = progress.layer_started(id.as_str(), None);
        let request = LayerRequest::new(id.as_str(), noted.names);
        session.import_layer(layers.diff(&id)?, &request, &|bytes| watch.advance(bytes))?
    };
    let below = Below {
        layers: noted.below,
        config,
    };
    let step = step(&args.image, format!("transom commit {id}"));
    let added = transom_oci::commit(store, &session, &below, &layer, &step, names)?;
    report(global, &added, "committed")
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
pub(in crate::commands) fn export(store: &Store, global: &Global, args: &Diff) -> Result<()> {
    let (layers, id, _) = noted::open_writable(store, global, &args.first)?;
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
    store: &Store,
    global: &Global,
    name: &str,
) -> Result<Option<Vec<Line>>> {
    if noted::find(store, global, name)?.is_none() {
        return Ok(None);
    }
    let (layers, id, _) = noted::open_writable(store, global, name)?;
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
    if noted::find(store, global, what)?.is_none() {
        return Ok(None);
    }
    refuse_image(store, what)?;
    let home = noted::home(global)?;
    let (layers, id, _) = noted::open_writable(store, global, what)?;
    let mut removed = collect::remove(store, &*layers, &home, id.as_str())?;
    // Its image may be gone already, and with this one nobody needs the layers below.
    removed.bytes += collect::remove_unneeded(store, &*layers, &home)?;
    Ok(Some(removed))
}

/// `rm NAME:PATH`; false if it is not of that form.
pub(in crate::commands) fn remove_file(store: &Store, _: &Rm, what: &str) -> Result<bool> {
    if edit::split_named(store, what)?.is_none() {
        return Ok(false);
    }
    refuse_image(store, what)?;
    edit::refuse()?;
    Ok(true)
}

/// The engine finds out what is still mounted by itself.
pub(in crate::commands) fn clean_dead(_: &Store) -> Result<()> {
    Ok(())
}
