//! One module for each group of commands, and the way from the arguments to them.

mod apply;
mod cat;
#[cfg(all(feature = "serve", any(target_os = "linux", windows)))]
mod config;
mod cp;
mod diff;
mod doctor;
#[cfg(target_os = "linux")]
mod edit;
mod find;
mod fsck;
mod generate;
mod images;
mod load;
mod ls;
mod maintain;
#[cfg(target_os = "linux")]
mod mount;
#[cfg(not(any(target_os = "linux", windows)))]
mod needs_layers;
#[cfg(not(any(target_os = "linux", windows)))]
mod needs_linux;
#[cfg(feature = "registry")]
mod pull;
#[cfg(feature = "registry")]
mod push;
mod save;
#[cfg(all(feature = "serve", any(target_os = "linux", windows)))]
mod serve;
mod stat;
#[cfg(windows)]
pub(crate) mod windows;
#[cfg(target_os = "linux")]
mod writable;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use transom_sealed::Store;

use crate::args::{Args, Command, Global};

// What a system does not have, its commands say.
#[cfg(not(any(target_os = "linux", windows)))]
use self::{needs_layers as mount, needs_layers as writable, needs_linux as edit};
#[cfg(windows)]
use self::{windows as mount, windows as writable, windows::edit};

/// Runs what was asked for.
pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let global = &args.global;
    match args.command {
        Command::Completions { shell } => generate::completions(shell)?,
        Command::Generate { out } => generate::all(&out)?,
        Command::Doctor(doctor) => return doctor::run(global, &doctor),
        #[cfg(windows)]
        Command::HcsWorker { arguments } => return Ok(global.host.serve(&arguments)),
        #[cfg(all(feature = "serve", any(target_os = "linux", windows)))]
        Command::Serve(serve) => serve::run(global, serve)?,
        #[cfg(all(feature = "serve", any(target_os = "linux", windows)))]
        Command::Config(config) => return config::run(global, &config),
        Command::Verify(verify) => return maintain::verify(&open(global)?, global, &verify),
        Command::Fsck(fsck) => return fsck::run(global, &fsck),
        command => {
            let mut store = open(global)?;
            if let Some(options) = command.limits() {
                store.set_limits(options.limits());
            }
            run_in(&store, global, command)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn run_in(store: &Store, global: &Global, command: Command) -> Result<()> {
    match command {
        Command::Load(load) => load::run(store, global, &load),
        Command::Save(save) => save::run(store, global, &save),
        #[cfg(feature = "registry")]
        Command::Pull(pull) => pull::run(store, global, &pull),
        #[cfg(feature = "registry")]
        Command::Push(push) => push::run(store, global, &push),
        Command::Images => images::images(store, global),
        Command::Layers => images::layers(store, global),
        Command::Tag(tag) => images::tag(store, &tag),
        Command::Inspect(image) => images::inspect(store, &image),
        Command::History(image) => images::history(store, global, &image),
        Command::Ls(ls) => ls::run(store, global, &ls),
        Command::Stat(stat) => stat::run(store, global, &stat),
        Command::Cat(cat) => cat::run(store, &cat),
        Command::Cp(cp) => cp::run(store, global, &cp),
        Command::Find(find) => find::run(store, global, &find),
        Command::Diff(diff) => diff::diff(store, global, &diff),
        Command::Changes(changes) => diff::changes(store, global, &changes),
        Command::Create(create) => writable::create(store, global, &create),
        Command::List => writable::list(store, global),
        Command::Mount(mount) => mount::mount(store, global, &mount),
        Command::Umount(umount) => mount::umount(store, global, &umount),
        Command::Commit(commit) => writable::commit(store, global, &commit),
        Command::Apply(apply) => apply::apply(store, global, &apply),
        Command::Grow(grow) => writable::grow(store, global, &grow),
        Command::Mkdir(mkdir) => edit::mkdir(store, &mkdir),
        Command::Mv(mv) => edit::mv(store, &mv),
        Command::Attrib(attrib) => edit::attrib(store, &attrib),
        Command::Acl(acl) => edit::acl(store, &acl),
        Command::Rm(rm) => maintain::rm(store, global, &rm),
        Command::Gc(gc) => maintain::gc(store, global, &gc),
        Command::Df => maintain::df(store, global),
        #[cfg(windows)]
        Command::HcsWorker { .. } => unreachable!("run() has taken this"),
        #[cfg(all(feature = "serve", any(target_os = "linux", windows)))]
        Command::Serve(_) | Command::Config(_) => unreachable!("run() has taken this"),
        Command::Verify(_)
        | Command::Fsck(_)
        | Command::Doctor(_)
        | Command::Completions { .. }
        | Command::Generate { .. } => unreachable!("run() has taken these"),
    }
}

fn open(global: &Global) -> Result<Store> {
    let root = root(global)?;
    Store::open(&root).with_context(|| format!("cannot open the store at {}", root.display()))
}

/// The store's folder.
fn root(global: &Global) -> Result<PathBuf> {
    match &global.root {
        Some(root) => Ok(root.clone()),
        None => default_root(),
    }
}

/// `/var/lib/transom` for root, else `transom` in the folder where the platform keeps a user's data.
fn default_root() -> Result<PathBuf> {
    #[cfg(unix)]
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/transom"));
    }
    let folder = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let data = if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else {
        folder("XDG_DATA_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/share")))
    };
    let data = data.context("neither --root nor a home folder is set")?;
    Ok(data.join("transom"))
}
