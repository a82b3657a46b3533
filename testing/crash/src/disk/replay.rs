//! From system calls to changes of a folder.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, Result, bail, ensure};

use super::tree::{Inode, Kind, Node, Tree, is_modelled};
use crate::trace::{Argument, CURRENT_FOLDER, Call};

/// What a program changed below a folder, from what was there before.
#[derive(Debug)]
pub struct Recording {
    before: Tree,
    /// Inodes that were made, empty as they were at first, numbered on from those of `before`.
    made: Vec<Node>,
    pub(super) changes: Vec<Change>,
}

/// One change, in terms of inodes, so that it can be made whether or not changes of names were kept.
#[derive(Debug)]
pub(super) enum Change {
    Enter {
        place: Place,
        inode: Inode,
    },
    Leave {
        place: Place,
    },
    /// A rename; `leaves` is a whiteout that takes the old name in the same step.
    Move {
        from: Place,
        to: Place,
        inode: Inode,
        leaves: Option<Inode>,
    },
    Write {
        inode: Inode,
        at: u64,
        bytes: Vec<u8>,
    },
    Resize {
        inode: Inode,
        length: u64,
    },
    Mode {
        inode: Inode,
        mode: u32,
    },
    SetAttribute {
        inode: Inode,
        name: Vec<u8>,
        value: Vec<u8>,
    },
    RemoveAttribute {
        inode: Inode,
        name: Vec<u8>,
    },
    Sync(Inode),
    SyncAll,
}

#[derive(Debug, Clone)]
pub(super) struct Place {
    folder: Inode,
    name: Vec<u8>,
}

impl Change {
    pub(super) fn is_data(&self) -> bool {
        matches!(self, Self::Write { .. } | Self::Resize { .. })
    }

    /// A sync of any of these makes the change durable.
    pub(super) fn durable_with(&self) -> Vec<Inode> {
        match self {
            Self::Enter { place, .. } | Self::Leave { place } => vec![place.folder],
            Self::Move { from, to, .. } => vec![from.folder, to.folder],
            Self::Write { inode, .. }
            | Self::Resize { inode, .. }
            | Self::Mode { inode, .. }
            | Self::SetAttribute { inode, .. }
            | Self::RemoveAttribute { inode, .. } => vec![*inode],
            Self::Sync(_) | Self::SyncAll => Vec::new(),
        }
    }
}

impl Tree {
    /// Makes a change; one of something that is not there does nothing.
    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Enter { place, inode } => {
                self.entries(place.folder)
                    .insert(place.name.clone(), *inode);
            }
            Change::Leave { place } => {
                self.entries(place.folder).remove(&place.name);
            }
            Change::Move {
                from,
                to,
                inode,
                leaves,
            } => {
                let entries = self.entries(from.folder);
                if entries.get(&from.name) == Some(inode) {
                    entries.remove(&from.name);
                }
                if let Some(whiteout) = leaves {
                    entries.insert(from.name.clone(), *whiteout);
                }
                self.entries(to.folder).insert(to.name.clone(), *inode);
            }
            Change::Write { inode, at, bytes } => self.write_at(*inode, *at, bytes),
            Change::Resize { inode, length } => self.data(*inode).resize(*length as usize, 0),
            Change::Mode { inode, mode } => self.nodes[*inode].mode = *mode,
            Change::SetAttribute { inode, name, value } => {
                let attributes = &mut self.nodes[*inode].attributes;
                attributes.insert(name.clone(), value.clone());
            }
            Change::RemoveAttribute { inode, name } => {
                self.nodes[*inode].attributes.remove(name);
            }
            Change::Sync(_) | Change::SyncAll => {}
        }
    }

    pub(super) fn write_at(&mut self, inode: Inode, at: u64, bytes: &[u8]) {
        let (at, data) = (at as usize, self.data(inode));
        if data.len() < at + bytes.len() {
            data.resize(at + bytes.len(), 0);
        }
        data[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn data(&mut self, inode: Inode) -> &mut Vec<u8> {
        match &mut self.nodes[inode].kind {
            Kind::File(bytes) => bytes,
            other => unreachable!("a file is no {other:?}"),
        }
    }
}

impl Recording {
    /// Reads the changes below `root` off the calls of a program that is one process; `before` is what was there.
    ///
    /// # Errors
    /// If a call does what this does not understand, or something to what is not there.
    pub fn new(root: &Path, before: Tree, calls: &[Call]) -> Result<Self> {
        let mut reader = Reader {
            root,
            now: before.clone(),
            made: Vec::new(),
            changes: Vec::new(),
            open: HashMap::new(),
        };
        for call in calls {
            reader
                .read(call)
                .with_context(|| format!("{} of {:?}", call.name, call.arguments.first()))?;
        }
        Ok(Self {
            before,
            made: reader.made,
            changes: reader.changes,
        })
    }

    /// Returns how many changes there are.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Says whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Returns what is there once all changes are made.
    pub fn end(&self) -> Tree {
        let mut tree = self.start();
        self.changes.iter().for_each(|change| tree.apply(change));
        tree
    }

    /// What was there before, and the inodes to come, which have no names yet.
    pub(super) fn start(&self) -> Tree {
        let mut tree = self.before.clone();
        tree.nodes.extend(self.made.iter().cloned());
        tree
    }
}

/// An open file: two numbers may share one position.
#[derive(Debug, Clone)]
struct Open {
    path: PathBuf,
    position: Rc<Cell<u64>>,
    appends: bool,
}

struct Reader<'a> {
    root: &'a Path,
    now: Tree,
    made: Vec<Node>,
    changes: Vec<Change>,
    open: HashMap<i64, Open>,
}

impl Reader<'_> {
    fn read(&mut self, call: &Call) -> Result<()> {
        let arguments = &call.arguments;
        let number = |at: usize| {
            arguments
                .get(at)
                .and_then(Argument::number)
                .context("a number")
        };
        match call.name.as_str() {
            "open" | "creat" => self.open(call, self.path(arguments, None, 0)?, 1)?,
            "openat" | "openat2" => self.open(call, self.path(arguments, Some(0), 1)?, 2)?,
            "close" => {
                self.open.remove(&number(0)?);
            }
            "dup" | "dup2" | "dup3" => self.duplicate(call)?,
            "fcntl"
                if arguments.get(1).is_some_and(|what| {
                    what.has_flag("F_DUPFD") || what.has_flag("F_DUPFD_CLOEXEC")
                }) =>
            {
                self.duplicate(call)?
            }
            "fcntl" => {}
            "lseek" => {
                if let (Some(open), Some(at)) = (self.open.get(&number(0)?), call.returned.number())
                {
                    open.position.set(at as u64);
                }
            }
            "write" => {
                if let Some(inode) = self.file(&arguments[0])? {
                    self.write(call, inode, None)?;
                }
            }
            "pwrite64" => {
                if let Some(inode) = self.file(&arguments[0])? {
                    let at = number(3)? as u64;
                    self.write(call, inode, Some(at))?;
                }
            }
            "ftruncate" => {
                if let Some(inode) = self.file(&arguments[0])? {
                    let length = number(1)? as u64;
                    self.add(Change::Resize { inode, length });
                }
            }
            "mkdir" | "mkdirat" => {
                let (path, mode) = match call.name.as_str() {
                    "mkdir" => (self.path(arguments, None, 0)?, number(1)?),
                    _ => (self.path(arguments, Some(0), 1)?, number(2)?),
                };
                if let Some(place) = self.place(&path)? {
                    self.make(place, Kind::Folder(BTreeMap::new()), mode as u32);
                }
            }
            "mknod" | "mknodat" => {
                let (path, kind) = match call.name.as_str() {
                    "mknod" => (self.path(arguments, None, 0)?, &arguments[1]),
                    _ => (self.path(arguments, Some(0), 1)?, &arguments[2]),
                };
                ensure!(kind.has_flag("S_IFCHR"), "a node of another kind");
                if let Some(place) = self.place(&path)? {
                    self.make(place, Kind::Device(0), 0);
                }
            }
            "symlink" | "symlinkat" => {
                let path = match call.name.as_str() {
                    "symlink" => self.path(arguments, None, 1)?,
                    _ => self.path(arguments, Some(1), 2)?,
                };
                if let (Some(place), Argument::Bytes(target)) = (self.place(&path)?, &arguments[0])
                {
                    self.make(place, Kind::Link(target.clone()), 0o777);
                }
            }
            "link" | "linkat" => {
                let (from, to) = match call.name.as_str() {
                    "link" => (
                        self.path(arguments, None, 0)?,
                        self.path(arguments, None, 1)?,
                    ),
                    _ => (
                        self.path(arguments, Some(0), 1)?,
                        self.path(arguments, Some(2), 3)?,
                    ),
                };
                if let Some(place) = self.place(&to)? {
                    let inode = self.inode(&from)?.context("a link to what is elsewhere")?;
                    self.add(Change::Enter { place, inode });
                }
            }
            "rename" | "renameat" | "renameat2" => self.rename(call)?,
            "unlink" | "rmdir" => self.leave(self.path(arguments, None, 0)?)?,
            "unlinkat" => self.leave(self.path(arguments, Some(0), 1)?)?,
            "fsync" | "fdatasync" => {
                if let Some(inode) = self.file(&arguments[0])? {
                    self.add(Change::Sync(inode));
                }
            }
            "syncfs" => {
                if self.file(&arguments[0])?.is_some() {
                    self.add(Change::SyncAll);
                }
            }
            "fchmod" | "chmod" | "fchmodat" => {
                let (inode, mode) = match call.name.as_str() {
                    "fchmod" => (self.file(&arguments[0])?, number(1)?),
                    "chmod" => (self.inode(&self.path(arguments, None, 0)?)?, number(1)?),
                    _ => (self.inode(&self.path(arguments, Some(0), 1)?)?, number(2)?),
                };
                if let Some(inode) = inode {
                    self.add(Change::Mode {
                        inode,
                        mode: mode as u32,
                    });
                }
            }
            "setxattr" | "lsetxattr" | "fsetxattr" => {
                if let Some(inode) = self.by_file_or_path(arguments)? {
                    let (Argument::Bytes(name), Argument::Bytes(value)) =
                        (&arguments[1], &arguments[2])
                    else {
                        bail!("an attribute without name or value");
                    };
                    let (name, value) = (name.clone(), value.clone());
                    self.add(Change::SetAttribute { inode, name, value });
                }
            }
            "removexattr" | "lremovexattr" | "fremovexattr" => {
                if let Some(inode) = self.by_file_or_path(arguments)? {
                    let Argument::Bytes(name) = &arguments[1] else {
                        bail!("an attribute without name");
                    };
                    let name = name.clone();
                    self.add(Change::RemoveAttribute { inode, name });
                }
            }
            // Of these only one that touches the folder matters, and then it is not understood.
            _ => {
                for argument in arguments {
                    let touched = match argument {
                        Argument::File { path, .. } => self.is_below(path),
                        Argument::Bytes(path) => self.is_below(Path::new(OsStr::from_bytes(path))),
                        Argument::Word(_) => false,
                    };
                    ensure!(!touched, "this call is not understood");
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, change: Change) {
        self.now.apply(&change);
        self.changes.push(change);
    }

    fn new_inode(&mut self, kind: Kind, mode: u32) -> Inode {
        let node = Node::new(kind, mode);
        self.now.nodes.push(node.clone());
        self.made.push(node);
        self.now.nodes.len() - 1
    }

    fn make(&mut self, place: Place, kind: Kind, mode: u32) {
        let inode = self.new_inode(kind, mode);
        self.add(Change::Enter { place, inode });
    }

    fn open(&mut self, call: &Call, path: PathBuf, flags: usize) -> Result<()> {
        let Some(number) = call.returned.number() else {
            return Ok(());
        };
        let flags = call.arguments.get(flags).context("no flags")?;
        ensure!(
            !flags.has_flag("O_TMPFILE") || !self.is_below(&path),
            "a file without a name"
        );
        let open = Open {
            path: path.clone(),
            position: Rc::default(),
            appends: flags.has_flag("O_APPEND"),
        };
        self.open.insert(number, open);
        if let Some(place) = self.place(&path)? {
            let there = self.inode(&path)?;
            if flags.has_flag("O_CREAT") && there.is_none() {
                let mode = match call.arguments.get(3) {
                    Some(mode) => mode.number().context("a mode")?,
                    None => 0o600,
                };
                // Whoever runs this has the usual umask.
                self.make(place, Kind::File(Vec::new()), mode as u32 & !0o022);
            } else if let (Some(inode), true) = (there, flags.has_flag("O_TRUNC")) {
                self.add(Change::Resize { inode, length: 0 });
            }
        }
        Ok(())
    }

    fn duplicate(&mut self, call: &Call) -> Result<()> {
        let from = call.arguments[0].number().context("a number")?;
        let to = call.returned.number().context("a number")?;
        if let Some(open) = self.open.get(&from).cloned() {
            self.open.insert(to, open);
        }
        Ok(())
    }

    fn write(&mut self, call: &Call, inode: Inode, at: Option<u64>) -> Result<()> {
        let Argument::Bytes(bytes) = &call.arguments[1] else {
            bail!("a write of no bytes");
        };
        let written = call.returned.number().context("a number")? as usize;
        let bytes = bytes[..written].to_vec();
        let at = match at {
            Some(at) => at,
            None => {
                let number = call.arguments[0].number().context("a number")?;
                let open = self
                    .open
                    .get(&number)
                    .context("a file that was never opened")?;
                let at = match &self.now.nodes[inode].kind {
                    Kind::File(data) if open.appends => data.len() as u64,
                    _ => open.position.get(),
                };
                open.position.set(at + written as u64);
                at
            }
        };
        self.add(Change::Write { inode, at, bytes });
        Ok(())
    }

    fn rename(&mut self, call: &Call) -> Result<()> {
        let arguments = &call.arguments;
        let (from, to) = match call.name.as_str() {
            "rename" => (
                self.path(arguments, None, 0)?,
                self.path(arguments, None, 1)?,
            ),
            _ => (
                self.path(arguments, Some(0), 1)?,
                self.path(arguments, Some(2), 3)?,
            ),
        };
        let exchanges = arguments
            .get(4)
            .is_some_and(|flags| flags.has_flag("RENAME_EXCHANGE"));
        let leaves_whiteout = arguments
            .get(4)
            .is_some_and(|flags| flags.has_flag("RENAME_WHITEOUT"));
        match (self.place(&from)?, self.place(&to)?) {
            (Some(from_place), Some(to_place)) => {
                ensure!(!exchanges, "two names exchanged");
                let inode = self.inode(&from)?.context("nothing is there")?;
                let leaves = leaves_whiteout.then(|| self.new_inode(Kind::Device(0), 0));
                self.add(Change::Move {
                    from: from_place,
                    to: to_place,
                    inode,
                    leaves,
                });
            }
            (None, None) => {}
            _ => bail!("a rename from or to elsewhere"),
        }
        Ok(())
    }

    fn leave(&mut self, path: PathBuf) -> Result<()> {
        if let Some(place) = self.place(&path)? {
            self.add(Change::Leave { place });
        }
        Ok(())
    }

    /// The absolute path in argument `at`, relative to the open folder in argument `folder` or the current one.
    fn path(&self, arguments: &[Argument], folder: Option<usize>, at: usize) -> Result<PathBuf> {
        let Some(Argument::Bytes(path)) = arguments.get(at) else {
            bail!("no path");
        };
        let path = Path::new(OsStr::from_bytes(path));
        if path.as_os_str().is_empty() {
            bail!("an empty path");
        }
        // What has no call that takes an open folder is reached through the folder's number.
        if let Ok(rest) = path.strip_prefix("/proc/self/fd") {
            let mut rest = rest.components();
            let number = rest.next().context("no number")?.as_os_str();
            let number: i64 = number.to_str().context("no number")?.parse()?;
            let open = self
                .open
                .get(&number)
                .context("a file that was never opened")?;
            return Ok(clean(&open.path.join(rest.as_path())));
        }
        if path.is_absolute() {
            return Ok(path.to_owned());
        }
        match folder.and_then(|folder| arguments.get(folder)) {
            Some(Argument::File { path: folder, .. }) => Ok(clean(&folder.join(path))),
            // No test lets the program run with a relative root.
            _ => Ok(PathBuf::from("relative").join(path)),
        }
    }

    fn is_below(&self, path: &Path) -> bool {
        path.starts_with(self.root) && is_modelled(path)
    }

    /// The folder and name of a path below the root; `None` if it is elsewhere, or the root itself and there already.
    fn place(&self, path: &Path) -> Result<Option<Place>> {
        if !self.is_below(path) || path == self.root {
            return Ok(None);
        }
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            bail!("a path without a name");
        };
        let folder = self.inode(folder)?.context("its folder is not there")?;
        let name = name.as_bytes().to_vec();
        Ok(Some(Place { folder, name }))
    }

    fn inode(&self, path: &Path) -> Result<Option<Inode>> {
        if !self.is_below(path) {
            return Ok(None);
        }
        Ok(self.now.find(path.strip_prefix(self.root)?))
    }

    /// The inode of an open file below the root.
    fn file(&self, argument: &Argument) -> Result<Option<Inode>> {
        match argument {
            Argument::File { path, number } if *number != CURRENT_FOLDER && self.is_below(path) => {
                Ok(Some(
                    self.inode(path)?.context("an open file that has no name")?,
                ))
            }
            _ => Ok(None),
        }
    }

    fn by_file_or_path(&self, arguments: &[Argument]) -> Result<Option<Inode>> {
        match &arguments[0] {
            file @ Argument::File { .. } => self.file(file),
            _ => self.inode(&self.path(arguments, None, 0)?),
        }
    }
}

/// Resolves `.` and `..` by name.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                clean.pop();
            }
            std::path::Component::CurDir => {}
            part => clean.push(part),
        }
    }
    clean
}
