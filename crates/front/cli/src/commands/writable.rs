//! Writable layers and the images made of them: `create`, `list`, `commit`, `apply`, `grow`, and the parts of
//! `diff`, `changes` and `rm` that concern them.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use transom_driver::{Id, size};
use transom_ntmeta::filetime::UnixTime;
use transom_oci::{Below, Step, new_name};
use transom_sealed::diff::Difference;
use transom_sealed::{
    AddedImage, LayerRequest, Limits, NamedKind, NamedLayer, NewWritable, Removed, Store,
};

use super::images::display_name;
use crate::args::{Apply, Commit, Create, Diff, Global, Grow, Latest, NewImage, Rm};
use crate::target::{self, Target};
use crate::{output, progress, show};

pub(super) fn create(store: &Store, global: &Global, args: &Create) -> Result<()> {
    let id = Id::new(&args.name)?;
    let image = Target::image(store, &args.from)?;
    let options = args
        .storage_opt
        .iter()
        .map(|option| option.split_once('=').unwrap_or((option, "")));
    let bound = size::from_options(options)
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
    let layers = store.named_layers()?;
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
    let writable = store.open_writable(&args.name)?;
    let Some(config) = writable.layer().config else {
        bail!(
            "layer {} was not made from an image: it has no config to carry on",
            args.name
        );
    };
    let session = store.session()?;
    let layer = session.seal(&writable, latest(&args.image.latest))?;
    let below = Below {
        layers: writable.layer().below.clone(),
        config,
    };
    let step = step(&args.image, format!("transom commit {}", args.name));
    let names = names(&args.image.tag)?;
    let image = transom_oci::commit(store, &session, &below, &layer, &step, names)?;
    report(global, &image, "committed")
}

pub(super) fn apply(store: &Store, global: &Global, args: &Apply) -> Result<()> {
    let image = Target::image(store, &args.on)?;
    let label = args.file.display().to_string();
    let request = LayerRequest {
        label: &label,
        blob: None,
        blob_size: None,
        diff_id: None,
        names: image.names_rule(),
        keep_blob: true,
        limits: Limits::default(),
    };
    let session = store.session()?;
    let layer = {
        let progress = progress::to_stderr(global.quiet);
        let watch = progress.layer_started(&label, None);
        session.import_layer(open(&args.file)?, &request, &|bytes| watch.advance(bytes))?
    };
    let below = Below {
        layers: image.diff_ids(),
        config: image.config,
    };
    let step = step(&args.image, format!("transom apply {label}"));
    let names = names(&args.image.tag)?;
    match transom_oci::commit(store, &session, &below, &layer, &step, names) {
        Ok(image) => report(global, &image, "applied"),
        Err(error) => {
            session.abandon()?;
            Err(error.into())
        }
    }
}

fn open(path: &Path) -> Result<Box<dyn Read>> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    Ok(Box::new(file))
}

fn names(tags: &[String]) -> Result<Vec<String>> {
    Ok(tags
        .iter()
        .map(|tag| new_name(tag))
        .collect::<Result<_, _>>()?)
}

fn step(image: &NewImage, created_by: String) -> Step {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = UnixTime {
        seconds: now.as_secs() as i64,
        nanos: 0,
    };
    Step {
        created: latest(&image.latest).map_or(now, |latest| now.min(latest)),
        created_by,
        author: image.author.clone(),
        comment: image.message.clone(),
    }
}

fn latest(args: &Latest) -> Option<UnixTime> {
    args.source_date_epoch
        .map(|seconds| UnixTime { seconds, nanos: 0 })
}

fn report(global: &Global, image: &AddedImage, verb: &str) -> Result<()> {
    for note in &image.notes {
        progress::note(global.quiet, note);
    }
    let record = &image.record;
    let top = record.layers.last().map(|layer| layer.diff_id.to_string());
    if global.json {
        return output::json(&json!({
            "manifest": record.manifest.to_string(),
            "names": record.names,
            "layer": top,
        }));
    }
    output::line(&format!(
        "{verb} {} ({}): layer {}",
        display_name(record),
        record.manifest,
        top.unwrap_or_default()
    ))
}

pub(super) fn grow(store: &Store, args: &Grow) -> Result<()> {
    let bytes = size::parse(&args.size)?;
    store.grow_writable(&args.name, bytes)?;
    output::line(&format!("{} holds {} now", args.name, show::size(bytes)))
}

/// `diff NAME -o FILE`
pub(super) fn export(store: &Store, args: &Diff) -> Result<()> {
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
pub(super) fn changes(store: &Store, name: &str) -> Result<Option<Vec<Difference>>> {
    let layers = store.named_layers()?;
    if !layers
        .iter()
        .any(|layer| layer.id == name && layer.is_writable())
    {
        return Ok(None);
    }
    Ok(Some(store.open_writable(name)?.changes()?))
}

/// `rm NAME`; `None` if there is no such layer.
pub(super) fn remove(store: &Store, what: &str) -> Result<Option<Removed>> {
    if !store.named_layers()?.iter().any(|layer| layer.id == what) {
        return Ok(None);
    }
    refuse_image(store, what)?;
    Ok(Some(store.remove_named(what)?))
}

/// `rm NAME:PATH`; false if it is not of that form.
pub(super) fn remove_file(store: &Store, args: &Rm, what: &str) -> Result<bool> {
    let Some((name, path)) = target::split_named(store, what)? else {
        return Ok(false);
    };
    refuse_image(store, what)?;
    super::edit::remove(store, &name, &path, args.recursive)?;
    Ok(true)
}

fn refuse_image(store: &Store, what: &str) -> Result<()> {
    ensure!(
        Target::image(store, what).is_err(),
        "{what:?} means an image and a writable layer, or something in one: give the image's digest"
    );
    Ok(())
}
