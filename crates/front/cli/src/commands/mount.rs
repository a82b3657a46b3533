//! `transom mount` and `transom umount`

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use transom_layer::View;
use transom_sealed::{ImageRecord, NamedLayerError, NamedLayerFault, Store};

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
    let target = std::path::absolute(&args.dir)?;
    clean_dead(store)?;
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
        return output::json(&as_json(&target, via, &notes));
    }
    output::line(&format!("mounted {what} at {dir} ({})", via.as_str()))
}

fn as_json(target: &Path, via: transom_sealed::Via, notes: &[String]) -> serde_json::Value {
    json!({ "target": target, "via": via.as_str(), "notes": notes })
}

fn mount_image(
    store: &Store,
    global: &Global,
    args: &Mount,
    view: View,
) -> Result<(transom_sealed::Via, Vec<String>)> {
    let image = Target::image(store, &args.what)?;
    let fuse = || match args.foreground {
        true => serve(store, global, &image, args, view),
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
        command.arg("--root").arg(std::path::absolute(root)?);
    }
    command
        .arg("--")
        .arg(&args.what)
        .arg(std::path::absolute(&args.dir)?);
    // It outlives this command, and must not keep the folder in use that this was called from.
    command.current_dir("/");
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
        err.read_to_string(&mut said)?;
    }
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    let said = lines.join(": ").replace(": cause: ", ": ");
    bail!(
        "the serving process failed: {}",
        said.trim_start_matches("error: ")
    );
}

/// Serves a mount until it is unmounted or the process is told to end.
fn serve(
    store: &Store,
    global: &Global,
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
    let session = store.mount_image_with(image, &args.dir, |target| {
        anyhow::Ok(Arc::new(transom_fuse::mount(tree, &options, target)?))
    })?;
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let stop = Arc::clone(&session);
    std::thread::spawn(move || {
        for _ in signals.forever() {
            // In use: it stays until the next signal, or until it is unmounted.
            let _ = stop.unmount();
        }
    });
    match global.json {
        true => output::json(&as_json(&args.dir, transom_sealed::Via::Fuse, &[]))?,
        false => output::line(READY)?,
    }
    session.join()?;
    Ok(transom_sealed::Via::Fuse)
}

pub(super) fn umount(store: &Store, _: &Global, args: &Umount) -> Result<()> {
    let is_layer = store
        .named_layers()?
        .iter()
        .any(|layer| layer.id == args.what);
    let dir = Path::new(&args.what);
    if is_layer && !dir.is_dir() {
        return store.unmount_named(&args.what).map_err(busy);
    }
    ensure!(
        // A folder whose server is gone cannot be looked at, but is there.
        !matches!(dir.symlink_metadata(), Err(error) if error.kind() == io::ErrorKind::NotFound),
        "there is no writable layer or folder {:?}",
        args.what
    );
    match store.unmount_at(dir) {
        Err(NamedLayerFault::NotMounted) if is_layer => {
            store.unmount_named(&args.what).map_err(busy)
        }
        Err(NamedLayerFault::NotMounted) => {
            bail!("nothing of this store is mounted at {}", dir.display())
        }
        Err(NamedLayerFault::Mount(error)) if error.kind() == transom_mount::Kind::Denied => {
            unmount_fuse(dir)
        }
        Err(fault) => Err(busy(fault)),
        Ok(()) => Ok(()),
    }
}

/// Says what to do about a mount that is in use.
fn busy(error: impl Into<anyhow::Error>) -> anyhow::Error {
    let error = error.into();
    let fault = match error.downcast_ref::<NamedLayerError>() {
        Some(of_layer) => Some(&of_layer.fault),
        None => error.downcast_ref(),
    };
    match fault {
        Some(NamedLayerFault::Mount(mount)) if mount.kind() == transom_mount::Kind::Busy => {
            anyhow::anyhow!(
                "{error}: a process works in it; `fuser -vm` with that folder shows which"
            )
        }
        _ => error,
    }
}

/// Unmounts what a process of this user serves: the system has a program for those without root.
fn unmount_fuse(dir: &Path) -> Result<()> {
    let output = Command::new("fusermount3")
        .args(["-u", "--"])
        .arg(dir)
        .output()
        .context("cannot run fusermount3, which is in the package fuse3")?;
    ensure!(
        output.status.success(),
        "cannot unmount {}: {}",
        dir.display(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

/// Unmounts what this user's processes no longer serve. Root's the store has unmounted when it was opened.
pub(super) fn clean_dead(store: &Store) -> Result<()> {
    for mount in store.mounts()? {
        let is_dead = || {
            let state = rustix::fs::statvfs(&mount.target);
            state.is_err_and(|error| error == rustix::io::Errno::NOTCONN)
        };
        if mount.via == transom_sealed::Via::Fuse && is_dead() {
            unmount_fuse(&mount.target)?;
        }
    }
    Ok(())
}
