//! `transom cp`: out of an image, into a folder of this machine.
//!
//! What is written stays below the destination: every name is opened relative to an open folder,
//! and neither names nor links of the image can lead out of it.

// What differs between systems.
#[cfg(unix)]
#[path = "cp/unix.rs"]
mod system;
#[cfg(windows)]
#[path = "cp/windows.rs"]
mod system;

use std::fs::FileTimes;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use serde_json::json;
use transom_layer::Names;
use transom_ntmeta::attributes::FileAttributes;
use transom_ntmeta::filetime::UnixTime;
use transom_sealed::{Kind, Node, Store, Tree};

use self::system::{as_path, set_xattrs};
use crate::args::{Cp, Global};
use crate::target;
use crate::wildcard::Wildcard;
use crate::{output, progress, show};

pub(super) fn run(store: &Store, global: &Global, args: &Cp) -> Result<()> {
    if let Some((name, path)) = super::edit::split_named(store, &args.dest)? {
        return super::edit::copy_in(store, global, args, &name, &path);
    }
    let dest = Path::new(&args.dest);
    let (image, path) = target::split(store, &args.source)?;
    let tree = image.open(store, args.view.whiteouts.rule())?;
    let sources = sources(&tree, &path, args.view.raw)?;
    let mut copy = Copy {
        tree: &tree,
        with_metadata: args.metadata,
        counts: Counts::default(),
    };
    if dest.is_dir() {
        let folder = open_folder(dest)?;
        for source in &sources {
            copy.tree_of(source, &folder, &name_of(source)?)?;
        }
    } else {
        let [source] = sources.as_slice() else {
            anyhow::bail!(
                "{} is no folder to copy {} entries into",
                dest.display(),
                sources.len()
            );
        };
        let (folder, name) = split_dest(dest)?;
        copy.tree_of(source, &folder, &name)?;
    }
    copy.report(global)
}

/// What a path names: one entry, or all that match its last part.
fn sources(tree: &Tree, path: &str, raw: bool) -> Result<Vec<Node>> {
    let separators: &[char] = match tree.names() {
        Names::Windows => &['/', '\\'],
        Names::Posix => &['/'],
    };
    let (folder, last) = match path.rfind(separators) {
        Some(at) => path.split_at(at + 1),
        None => ("", path),
    };
    if !Wildcard::is_pattern(last) {
        return Ok(vec![target::find(tree, path, raw)?]);
    }
    let folder = target::find(tree, folder, raw)?;
    let pattern = Wildcard::new(last, tree.names());
    let mut found = tree.children(&folder)?;
    found.retain(|node| pattern.matches(node.name()));
    anyhow::ensure!(!found.is_empty(), "nothing matches {path}");
    Ok(found)
}

/// The name an entry gets; the root has none of its own.
fn name_of(node: &Node) -> Result<PathBuf> {
    if node.name().is_empty() {
        Ok(PathBuf::from("root"))
    } else {
        as_path(node.name())
    }
}

fn open_folder(path: &Path) -> Result<Dir> {
    Dir::open_ambient_dir(path, ambient_authority())
        .with_context(|| format!("cannot open folder {}", path.display()))
}

/// Splits a destination that does not exist yet into its folder and its name.
fn split_dest(dest: &Path) -> Result<(Dir, PathBuf)> {
    let name = dest
        .file_name()
        .with_context(|| format!("{} has no name", dest.display()))?;
    let parent = match dest.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    Ok((open_folder(parent)?, PathBuf::from(name)))
}

#[derive(Debug, Default)]
struct Counts {
    files: u64,
    folders: u64,
    links: u64,
    streams: u64,
    bytes: u64,
    streams_left: u64,
    special_left: u64,
    links_left: u64,
    links_without_metadata: u64,
}

struct Copy<'a> {
    tree: &'a Tree,
    with_metadata: bool,
    counts: Counts,
}

/// What is left to do, the next last.
enum Task {
    Entry(Node, Rc<Dir>, PathBuf),
    /// A folder's time is set once everything is in it.
    Finish(std::fs::File, UnixTime),
}

impl Copy<'_> {
    /// Copies an entry with all that is below it.
    fn tree_of(&mut self, node: &Node, folder: &Dir, name: &Path) -> Result<()> {
        let folder = Rc::new(
            folder
                .try_clone()
                .context("cannot open the destination again")?,
        );
        let mut tasks = vec![Task::Entry(node.clone(), folder, name.to_owned())];
        while let Some(task) = tasks.pop() {
            match task {
                Task::Entry(node, folder, name) => {
                    let shown = show::text(node.path());
                    self.entry(&node, &folder, &name, &mut tasks)
                        .with_context(|| format!("cannot copy {shown} to {}", name.display()))?;
                }
                Task::Finish(folder, modified) => {
                    // Folders on some systems take no time; the content is what counts.
                    let _ = folder.set_times(times(modified));
                }
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        node: &Node,
        folder: &Rc<Dir>,
        name: &Path,
        tasks: &mut Vec<Task>,
    ) -> Result<()> {
        // A name that is more than one, or none, must not come out of an image.
        let mut components = name.components();
        let is_plain = matches!(
            (components.next(), components.next()),
            (Some(Component::Normal(_)), None)
        );
        anyhow::ensure!(is_plain, "this system cannot have a file of that name");
        let metadata = self.tree.metadata(node)?;
        match metadata.kind {
            Kind::Directory => {
                self.counts.folders += 1;
                let is_there = match folder.create_dir(name) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => true,
                    result => result.map(|()| false)?,
                };
                let made = Rc::new(open_made(folder, name, is_there)?);
                if self.with_metadata {
                    // The handle of a Dir may be one that can only look names up.
                    let file = made.open(".")?.into_std();
                    set_xattrs(&file, &self.tree.xattrs(node)?)?;
                    tasks.push(Task::Finish(file, metadata.modified));
                }
                for child in self.tree.children(node)?.into_iter().rev() {
                    let name = as_path(child.name())?;
                    tasks.push(Task::Entry(child, Rc::clone(&made), name));
                }
            }
            Kind::File => {
                self.counts.files += 1;
                self.file(node, folder, name, metadata.modified)?;
            }
            Kind::Symlink | Kind::Junction => {
                let target = metadata.target.unwrap_or_default();
                let attributes = metadata.attributes.unwrap_or_default();
                let to_folder = attributes.contains(FileAttributes::DIRECTORY);
                match system::link(folder, name, &target, self.tree.names(), to_folder)? {
                    true => {
                        self.counts.links += 1;
                        self.counts.links_without_metadata += u64::from(self.with_metadata);
                    }
                    false => self.counts.links_left += 1,
                }
            }
            Kind::Special => self.counts.special_left += 1,
        }
        self.streams(node, folder, name, metadata.modified)
    }

    fn file(&mut self, node: &Node, folder: &Dir, name: &Path, modified: UnixTime) -> Result<()> {
        remove_file(folder, name)?;
        let options = OpenOptions::new().write(true).create_new(true).to_owned();
        let mut file = folder.open_with(name, &options)?.into_std();
        let mut data = self.tree.open_data(node)?;
        self.counts.bytes += io::copy(&mut data, &mut file)?;
        if self.with_metadata {
            set_xattrs(&file, &self.tree.xattrs(node)?)?;
        }
        Ok(file.set_times(times(modified))?)
    }

    /// Copies the alternate streams of an entry beside it, as `name:stream`.
    fn streams(&mut self, node: &Node, folder: &Dir, name: &Path, time: UnixTime) -> Result<()> {
        let streams = self.tree.streams(node)?;
        if !self.with_metadata {
            self.counts.streams_left += streams.len() as u64;
            return Ok(());
        }
        for stream in streams {
            let Some(colon) = stream.name().iter().position(|byte| *byte == b':') else {
                continue;
            };
            let mut beside = name.as_os_str().to_owned();
            beside.push(":");
            beside.push(as_path(&stream.name()[colon + 1..])?);
            self.file(&stream, folder, Path::new(&beside), time)?;
            self.counts.streams += 1;
        }
        Ok(())
    }

    fn report(&self, global: &Global) -> Result<()> {
        let counts = &self.counts;
        let note = |count: u64, text: &str| {
            if count > 0 {
                progress::note(global.quiet, &format!("{count} {text}"));
            }
        };
        note(
            counts.streams_left,
            "alternate streams were not copied: --metadata copies them, too",
        );
        note(
            counts.special_left,
            "devices, pipes and sockets were not copied",
        );
        note(
            counts.links_left,
            "links were not copied: they are absolute, or this user may make none on this system",
        );
        note(
            counts.links_without_metadata,
            "links were copied without their metadata: Linux has no place for it",
        );
        if global.json {
            return output::json(&json!({
                "files": counts.files,
                "folders": counts.folders,
                "links": counts.links,
                "streams": counts.streams,
                "bytes": counts.bytes,
            }));
        }
        output::line(&format!(
            "copied {}, {}, {}, {}, {}",
            show::count(counts.files, "file"),
            show::count(counts.folders, "folder"),
            show::count(counts.links, "link"),
            show::count(counts.streams, "stream"),
            show::size(counts.bytes)
        ))
    }
}

/// Opens a folder that was made just now, or was there: then it must be a folder, not a link to one.
fn open_made(folder: &Dir, name: &Path, was_there: bool) -> Result<Dir> {
    if was_there {
        let is_folder = folder.symlink_metadata(name)?.is_dir();
        anyhow::ensure!(is_folder, "something that is no folder is in the way");
    }
    Ok(folder.open_dir(name)?)
}

fn remove_file(folder: &Dir, name: &Path) -> io::Result<()> {
    match folder.remove_file(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// The time of last write, as a file system takes it; one that it cannot hold is cut.
fn times(modified: UnixTime) -> FileTimes {
    let nanos = Duration::from_nanos(u64::from(modified.nanos));
    let seconds = Duration::from_secs(modified.seconds.unsigned_abs());
    let whole = match modified.seconds {
        0.. => SystemTime::UNIX_EPOCH.checked_add(seconds),
        _ => SystemTime::UNIX_EPOCH.checked_sub(seconds),
    };
    let time = whole.and_then(|time| time.checked_add(nanos));
    FileTimes::new().set_modified(time.unwrap_or(SystemTime::UNIX_EPOCH))
}
