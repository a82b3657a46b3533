//! Folders and files in memory, read from a real folder and written to one.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::fs::{CWD, FileType, Mode, XattrFlags};

/// A number that a file or folder keeps whatever its names are.
pub(super) type Inode = usize;

/// The inode of the topmost folder.
pub(super) const ROOT: Inode = 0;

/// A folder with all that is in it, as far as a store uses it: names, kinds, data, modes, extended attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    pub(super) nodes: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Permission bits.
    pub(super) mode: u32,
    pub(super) attributes: BTreeMap<Vec<u8>, Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Folder(BTreeMap<Vec<u8>, Inode>),
    File(Vec<u8>),
    Link(Vec<u8>),
    /// A device with its number: the kernel's whiteouts have 0.
    Device(u64),
}

impl Node {
    pub(super) fn new(kind: Kind, mode: u32) -> Self {
        Self {
            kind,
            mode,
            attributes: BTreeMap::new(),
        }
    }
}

impl Tree {
    /// Reads the folder `root`; an empty tree with a folder at its top if there is none.
    ///
    /// # Errors
    /// If something cannot be read, or is of a kind that no store has.
    pub fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        if root.exists() {
            let device = fs::metadata(root)?.dev();
            tree.read_node(root, device, &mut HashMap::new())?;
        } else {
            tree.nodes
                .push(Node::new(Kind::Folder(BTreeMap::new()), 0o700));
        }
        Ok(tree)
    }

    fn read_node(
        &mut self,
        path: &Path,
        device: u64,
        seen: &mut HashMap<(u64, u64), Inode>,
    ) -> Result<Inode> {
        let metadata = fs::symlink_metadata(path).with_context(|| path.display().to_string())?;
        let number = (metadata.dev(), metadata.ino());
        if let Some(inode) = seen.get(&number) {
            return Ok(*inode);
        }
        let inode = self.nodes.len();
        seen.insert(number, inode);
        let kind = metadata.file_type();
        let kind = if kind.is_dir() {
            Kind::Folder(BTreeMap::new())
        } else if kind.is_file() {
            Kind::File(fs::read(path).with_context(|| path.display().to_string())?)
        } else if kind.is_symlink() {
            Kind::Link(fs::read_link(path)?.into_os_string().into_vec())
        } else if metadata.rdev() == 0 {
            Kind::Device(0)
        } else {
            bail!("{} is of a kind that no store has", path.display());
        };
        // What somebody has mounted there is not in the folder.
        if metadata.dev() != device {
            self.nodes
                .push(Node::new(Kind::Folder(BTreeMap::new()), 0o700));
            return Ok(inode);
        }
        let mut node = Node::new(kind, metadata.mode() & 0o7777);
        node.attributes = attributes_of(path)?;
        self.nodes.push(node);
        if metadata.is_dir() {
            for entry in fs::read_dir(path)? {
                let entry = entry?;
                if is_modelled(&entry.path()) {
                    let child = self.read_node(&entry.path(), device, seen)?;
                    let name = entry.file_name().into_vec();
                    self.entries(inode).insert(name, child);
                }
            }
        }
        Ok(inode)
    }

    /// Writes all of it to the folder `root`, which must not be there.
    ///
    /// # Errors
    /// If something cannot be made.
    pub fn write(&self, root: &Path) -> Result<()> {
        self.write_node(ROOT, root, &mut HashMap::new())
            .with_context(|| format!("cannot make {}", root.display()))
    }

    fn write_node(
        &self,
        inode: Inode,
        path: &Path,
        made: &mut HashMap<Inode, PathBuf>,
    ) -> Result<()> {
        if let Some(first) = made.get(&inode) {
            return Ok(fs::hard_link(first, path)?);
        }
        let node = &self.nodes[inode];
        match &node.kind {
            Kind::Folder(entries) => {
                fs::create_dir(path)?;
                for (name, child) in entries {
                    self.write_node(*child, &path.join(std::ffi::OsStr::from_bytes(name)), made)?;
                }
            }
            Kind::File(bytes) => fs::write(path, bytes)?,
            Kind::Link(target) => symlink(std::ffi::OsStr::from_bytes(target), path)?,
            Kind::Device(number) => {
                let mode = Mode::from_raw_mode(node.mode);
                rustix::fs::mknodat(CWD, path, FileType::CharacterDevice, mode, *number)?;
            }
        }
        if !matches!(node.kind, Kind::Folder(_)) {
            made.insert(inode, path.to_owned());
        }
        for (name, value) in &node.attributes {
            rustix::fs::lsetxattr(path, name.as_slice(), value, XattrFlags::empty())?;
        }
        if !matches!(node.kind, Kind::Link(_)) {
            fs::set_permissions(path, fs::Permissions::from_mode(node.mode))?;
        }
        Ok(())
    }

    /// Returns a number that two trees share only if they are alike.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let mut order = HashMap::new();
        self.hash_node(ROOT, &mut order, &mut hasher);
        hasher.finish()
    }

    fn hash_node(&self, inode: Inode, order: &mut HashMap<Inode, usize>, to: &mut DefaultHasher) {
        let next = order.len();
        let place = *order.entry(inode).or_insert(next);
        place.hash(to);
        if place < next {
            return;
        }
        let node = &self.nodes[inode];
        (node.mode, &node.attributes).hash(to);
        if let Kind::Folder(entries) = &node.kind {
            entries.len().hash(to);
            for (name, child) in entries {
                name.hash(to);
                self.hash_node(*child, order, to);
            }
        } else {
            node.kind.hash(to);
        }
    }

    /// Lists all paths with what is there, to compare two trees whose inodes have other numbers.
    pub fn listing(&self) -> BTreeMap<PathBuf, String> {
        let mut listing = BTreeMap::new();
        self.list(ROOT, Path::new(""), &mut listing);
        listing
    }

    fn list(&self, inode: Inode, path: &Path, listing: &mut BTreeMap<PathBuf, String>) {
        let node = &self.nodes[inode];
        let what = match &node.kind {
            Kind::Folder(entries) => {
                for (name, child) in entries {
                    self.list(
                        *child,
                        &path.join(std::ffi::OsStr::from_bytes(name)),
                        listing,
                    );
                }
                "folder".to_owned()
            }
            Kind::File(bytes) => {
                let mut hasher = DefaultHasher::new();
                bytes.hash(&mut hasher);
                format!("file of {} bytes, {:x}", bytes.len(), hasher.finish())
            }
            Kind::Link(target) => format!("link to {}", String::from_utf8_lossy(target)),
            Kind::Device(number) => format!("device {number}"),
        };
        let attributes: Vec<_> = node
            .attributes
            .iter()
            // The kernel makes and removes these while an overlay is mounted.
            .filter(|(name, _)| !name.starts_with(b"trusted.overlay."))
            .map(|(name, value)| format!("{}={value:x?}", String::from_utf8_lossy(name)))
            .collect();
        let line = format!("{what}, mode {:o}, {}", node.mode, attributes.join(" "));
        listing.insert(path.to_owned(), line);
    }

    /// The entries of a folder.
    pub(super) fn entries(&mut self, folder: Inode) -> &mut BTreeMap<Vec<u8>, Inode> {
        match &mut self.nodes[folder].kind {
            Kind::Folder(entries) => entries,
            other => unreachable!("a folder is no {other:?}"),
        }
    }

    /// Finds the inode at a path below the top.
    pub(super) fn find(&self, path: &Path) -> Option<Inode> {
        path.iter()
            .try_fold(ROOT, |inode, name| match &self.nodes[inode].kind {
                Kind::Folder(entries) => entries.get(name.as_bytes()).copied(),
                _ => None,
            })
    }
}

/// Says whether a file counts: SQLite's shared memory is made anew by the first who opens the database.
pub(super) fn is_modelled(path: &Path) -> bool {
    !path.as_os_str().as_bytes().ends_with(b"-shm")
}

fn attributes_of(path: &Path) -> Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut names = vec![0; 64 * 1024];
    let length = rustix::fs::llistxattr(path, names.as_mut_slice())?;
    let mut attributes = BTreeMap::new();
    for name in names[..length].split(|byte| *byte == 0) {
        if !name.is_empty() {
            let mut value = vec![0; 64 * 1024];
            let length = rustix::fs::lgetxattr(path, name, value.as_mut_slice())?;
            value.truncate(length);
            attributes.insert(name.to_vec(), value);
        }
    }
    Ok(attributes)
}
