//! Writable layers and the images made of them: `create`, `list`, `commit`, `grow`, and the parts of `diff`,
//! `changes` and `rm` that concern them.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::json;
use transom_driver::{Id, size};
use transom_oci::Below;
use transom_sealed::{NamedKind, NamedLayer, NewWritable, Removed, Store, Usage};

use super::apply::{self, latest, names, report, step};
use super::diff::Line;
use super::images::display_name;
use super::maintain::refuse_image;
use crate::args::{Commit, Create, Diff, Global, Grow, Rm};
use crate::target::Target;
use crate::{output, show};

pub(super) fn create(store: &Store, global: &Global, args: &Create) -> Result<()> {
    let id = Id::new(&args.name)?;
    let image = Target::image(store, &args.from)?;
    let bound = size::from_options(args.options())
        .with_context(|| format!("cannot read the storage options of {id}"))?;
    let layer = store.create_writable(NewWritable {
        id: &id,
        below: image.diff_ids(),
        names: image.names_rule(),
        bound,
        config: Some(image.config),
    })?;
    if global.json {
        return output::json(&as_json(&layer, &[]));
    }
    let from = display_name(&image);
    output::line(&format!("created {id} over {from}"))
}

pub(super) fn list(store: &Store, global: &Global) -> Result<()> {
    let mut layers = store.named_layers()?;
    // containerd lists its snapshots itself.
    layers.retain(|layer| !layer.is_of_snapshot());
    let mounts = store.mounts()?;
    let of_layer = |id: &str| -> Vec<String> {
        let mine = mounts
            .iter()
            .filter(|mount| mount.id.as_deref() == Some(id));
        mine.map(|mount| mount.target.display().to_string())
            .collect()
    };
    let views = mounts.iter().filter_map(|mount| {
        let image = store.images().ok()?;
        let manifest = mount.manifest?;
        let image = image.into_iter().find(|image| image.manifest == manifest)?;
        Some((display_name(&image), mount))
    });
    if global.json {
        let layers = layers
            .iter()
            .map(|layer| as_json(layer, &of_layer(&layer.id)));
        let views = views.map(|(name, mount)| {
            json!({
                "image": name,
                "target": mount.target,
                "via": mount.via.as_str(),
            })
        });
        return output::json(&json!({
            "layers": layers.collect::<Vec<_>>(),
            "views": views.collect::<Vec<_>>(),
        }));
    }
    let rows = layers.iter().map(|layer| {
        let (kind, bound) = match layer.kind {
            NamedKind::ReadOnly { .. } => ("read-only", None),
            NamedKind::Writable { bound } => ("writable", bound),
        };
        vec![
            show::text(layer.id.as_bytes()),
            kind.to_owned(),
            layer.below.len().to_string(),
            bound.map_or("-".to_owned(), show::size),
            of_layer(&layer.id).join(", "),
        ]
    });
    let views = views.map(|(name, mount)| {
        vec![
            name,
            format!("view, {}", mount.via.as_str()),
            String::new(),
            "-".to_owned(),
            mount.target.display().to_string(),
        ]
    });
    let rows: Vec<_> = rows.chain(views).collect();
    output::table(
        &["NAME", "KIND", "BELOW", "SIZE", "MOUNTED AT"],
        &[2, 3],
        &rows,
    )
}

fn as_json(layer: &NamedLayer, mounted_at: &[String]) -> serde_json::Value {
    let bound = match layer.kind {
        NamedKind::ReadOnly { .. } => None,
        NamedKind::Writable { bound } => bound,
    };
    json!({
        "name": layer.id,
        "writable": layer.is_writable(),
        "below": layer.below.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "size": bound,
        "created": layer.created,
        "mounted_at": mounted_at,
    })
}

pub(super) fn commit(store: &Store, global: &Global, args: &Commit) -> Result<()> {
    apply::refuse_layer_of_snapshot(store, &args.name)?;
    let writable = store.open_writable(&args.name)?;
    let Some(config) = writable.layer().config else {
        bail!(
            "layer {} was not made from an image: it has no config to carry on",
            args.name
        );
    };
    let names = names(&args.image.tag)?;
    let session = store.session()?;
    let layer = session.seal(&writable, latest(&args.image.latest))?;
    let below = Below {
        layers: writable.layer().below.clone(),
        config,
    };
    let step = step(&args.image, format!("transom commit {}", args.name));
    let added = transom_oci::commit(store, &session, &below, &layer, &step, names)?;
    report(global, &added, "committed")
}

pub(super) fn grow(store: &Store, global: &Global, args: &Grow) -> Result<()> {
    let bytes = size::parse(&args.size)?;
    store.grow_writable(&args.name, bytes)?;
    if global.json {
        return output::json(&json!({ "name": args.name, "size": bytes }));
    }
    output::line(&format!("{} holds {} now", args.name, show::size(bytes)))
}

/// `diff NAME -o FILE`
pub(super) fn export(store: &Store, _: &Global, args: &Diff) -> Result<()> {
    let writable = store.open_writable(&args.first)?;
    let latest = latest(&args.latest);
    match args.output.as_deref() {
        Some(path) if path != Path::new("-") => {
            let context = || format!("cannot write {}", path.display());
            let mut file = File::create(path).with_context(context)?;
            writable.export(latest, &mut file)?;
            file.sync_all().with_context(context)
        }
        _ => {
            let mut out = output::stdout();
            writable.export(latest, &mut out)?;
            Ok(out.flush()?)
        }
    }
}

/// `changes NAME`; `None` if there is no such writable layer.
pub(super) fn changes(store: &Store, _: &Global, name: &str) -> Result<Option<Vec<Line>>> {
    let layers = store.named_layers()?;
    if !layers
        .iter()
        .any(|layer| layer.id == name && layer.is_writable())
    {
        return Ok(None);
    }
    let changes = store.open_writable(name)?.changes()?;
    Ok(Some(changes.into_iter().map(Line::from).collect()))
}

/// `rm NAME`; `None` if there is no such layer.
pub(super) fn remove(store: &Store, _: &Global, what: &str) -> Result<Option<Removed>> {
    if !store.named_layers()?.iter().any(|layer| layer.id == what) {
        return Ok(None);
    }
    refuse_image(store, what)?;
    Ok(Some(store.remove_named(what)?))
}

/// `rm NAME:PATH`; false if it is not of that form.
pub(super) fn remove_file(store: &Store, args: &Rm, what: &str) -> Result<bool> {
    let Some((name, path)) = super::edit::split_named(store, what)? else {
        return Ok(false);
    };
    refuse_image(store, what)?;
    super::edit::remove(store, &name, &path, args.recursive)?;
    Ok(true)
}

/// The store has all layers itself, and collects them.
pub(super) fn collect(_: &Store, _: &Global) -> Result<u64> {
    Ok(0)
}

/// The store has counted everything.
pub(super) fn add_usage(_: &Store, _: &Global, _: &mut Usage) -> Result<u64> {
    Ok(0)
}
