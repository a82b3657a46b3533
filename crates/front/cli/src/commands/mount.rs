//! `transom mount` and `transom umount`

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use transom_layer::View;
use transom_sealed::{ImageRecord, MountRecord, NamedLayerFault, Store};

use crate::args::{self, Global, Mount, Umount};
use crate::target::Target;
use crate::{output, progress};

/// What the serving process prints once the mount is there.
const READY: &str = "mounted";

pub(super) fn mount(store: &Store, global: &Global, args: &Mount) -> Result<()> {
    let view = match args.raw {
        true => View::Raw,
        false => View::Volume,
    };
    let (via, notes) = if args.ro {
        mount_image(store, global, args, view)?
    } else {
        let report = store.mount_named(&args.what, view, &args.dir)?;
        (report.via, report.notes)
    };
    for note in &notes {
        progress::note(global.quiet, note);
    }
    let (what, dir) = (&args.what, args.dir.display());
    if args.foreground && via == transom_sealed::Via::Fuse {
        return Ok(());
    }
    if global.json {
        return output::json(&json!({ "target": args.dir, "via": via.as_str(), "notes": notes }));
    }
    output::line(&format!("mounted {what} at {dir} ({})", via.as_str()))
}

fn mount_image(
    store: &Store,
    global: &Global,
    args: &Mount,
    view: View,
) -> Result<(transom_sealed::Via, Vec<String>)> {
    let image = Target::image(store, &args.what)?;
    let fuse = || match args.foreground {
        true => serve(store, &image, args, view),
        false => spawn_server(global, args),
    };
    let via = match args.via {
        Some(args::Via::Fuse) => return Ok((fuse()?, Vec::new())),
        Some(args::Via::Kernel) => Some(transom_sealed::Via::Kernel),
        Some(args::Via::Loop) => Some(transom_sealed::Via::Loop),
        None if args.foreground => return Ok((fuse()?, Vec::new())),
        None => None,
    };
    let unable = match store.mount_image(&image, view, &args.dir, via) {
        Ok(report) => return Ok((report.via, report.notes)),
        Err(error) if via.is_some() || !could_fuse(&error) => return Err(error.into()),
        Err(error) => error,
    };
    let note = format!("the kernel does not mount it, so a process serves it: {unable}");
    match fuse() {
        Ok(via) => Ok((via, vec![note])),
        Err(error) => Err(error.context(note)),
    }
}

/// Says whether a mount that failed is one that a process could serve instead.
fn could_fuse(error: &NamedLayerFault) -> bool {
    matches!(error, NamedLayerFault::Mount(error) if matches!(
        error.kind(),
        transom_mount::Kind::Unsupported | transom_mount::Kind::Denied
    ))
}

/// Starts a process of this program that serves the mount, and waits until it does.
fn spawn_server(global: &Global, args: &Mount) -> Result<transom_sealed::Via> {
    let mut command = Command::new(std::env::current_exe().context("cannot find this program")?);
    command.args(["mount", "--ro", "--via", "fuse", "--foreground"]);
    if args.raw {
        command.arg("--raw");
    }
    if let Some(root) = &global.root {
        command.arg("--root").arg(root);
    }
    command.arg("--").arg(&args.what).arg(&args.dir);
    // A group of its own: what is typed at this terminal is not meant for it.
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut server = command
        .spawn()
        .context("cannot start the serving process")?;
    let (out, err) = (server.stdout.take(), server.stderr.take());
    let mut line = String::new();
    if let Some(out) = out {
        BufReader::new(out).read_line(&mut line)?;
    }
    if line.trim() == READY {
        return Ok(transom_sealed::Via::Fuse);
    }
    server.wait()?;
    let mut said = String::new();
    if let Some(mut err) = err {
        std::io::Read::read_to_string(&mut err, &mut said)?;
    }
    bail!(
        "the serving process failed: {}",
        said.trim().trim_start_matches("error: ")
    );
}

/// Serves a mount until it is unmounted or the process is told to end.
fn serve(
    store: &Store,
    image: &ImageRecord,
    args: &Mount,
    view: View,
) -> Result<transom_sealed::Via> {
    let tree = Arc::new(store.open_chain(&image.diff_ids(), image.stacking())?);
    let options = transom_fuse::Options {
        view,
        name: format!("transom:{}", super::images::display_name(image)),
        allow_other: rustix::process::geteuid().is_root(),
    };
    let target = std::path::absolute(&args.dir)?;
    let session = Arc::new(transom_fuse::mount(tree, &options, &target)?);
    let record = MountRecord {
        target,
        id: None,
        manifest: Some(image.manifest),
        via: transom_sealed::Via::Fuse,
    };
    store.note_mount(&record)?;
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let stop = Arc::clone(&session);
    std::thread::spawn(move || {
        for _ in signals.forever() {
            // In use: it stays until the next signal, or until it is unmounted.
            let _ = stop.unmount();
        }
    });
    output::line(READY)?;
    session.join()?;
    Ok(transom_sealed::Via::Fuse)
}

pub(super) fn umount(store: &Store, args: &Umount) -> Result<()> {
    let is_layer = store
        .named_layers()?
        .iter()
        .any(|layer| layer.id == args.what);
    let dir = Path::new(&args.what);
    if is_layer && !dir.is_dir() {
        store.unmount_named(&args.what)?;
        return Ok(());
    }
    match store.unmount_at(dir) {
        Err(NamedLayerFault::NotMounted) if is_layer => Ok(store.unmount_named(&args.what)?),
        Err(NamedLayerFault::NotMounted) => {
            bail!("nothing of this store is mounted at {}", dir.display())
        }
        Err(NamedLayerFault::Mount(error)) if error.kind() == transom_mount::Kind::Denied => {
            unmount_fuse(dir)
        }
        result => Ok(result?),
    }
}

/// Unmounts what a process of this user serves: the system has a program for those without root.
fn unmount_fuse(dir: &Path) -> Result<()> {
    let status = Command::new("fusermount3")
        .arg("-u")
        .arg("--")
        .arg(dir)
        .status()
        .context("cannot run fusermount3, which is in the package fuse3")?;
    ensure!(
        status.success(),
        "fusermount3 could not unmount {}",
        dir.display()
    );
    Ok(())
}

/// Refuses to remove an image that somebody looks at.
pub(super) fn refuse_if_mounted(store: &Store, image: &ImageRecord) -> Result<()> {
    let mounts = store.mounts()?;
    let mut mounts = mounts.iter();
    if let Some(mount) = mounts.find(|mount| mount.manifest == Some(image.manifest)) {
        bail!(
            "{} is mounted at {}: unmount it first",
            super::images::display_name(image),
            mount.target.display()
        );
    }
    Ok(())
}
