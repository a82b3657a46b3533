//! Changing a writable layer without a mount, and without root.
//!
//! The editor writes to the upper folder what a mount would have made the kernel write, under names that
//! anybody may write (see [`promote`](super::promote)). It copies no data that it does not change: a file
//! that is moved, or whose metadata changes, refers to the chain, and so does a folder that is moved.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Timespec, Timestamps, XattrFlags};
use transom_layer::{Names, TreePath};
use transom_layertar::path::{self, Rules};
use transom_ntmeta::attributes::FileAttributes;
use transom_ntmeta::filetime::UnixTime;
use transom_ntmeta::name::split_stream;
use transom_ntmeta::security::SecurityDescriptor;

use super::error::{EditError, NamedLayerError, NamedLayerFault, OfLayer};
use super::links::join;
use super::open::Writable;
use super::place::Place;
use super::upper::{Origin, UpperKind, attribute_path, origin_value};
use crate::durable::Named;
use crate::index::keys;
use crate::store::Store;
use crate::tree::TreeError;

/// Name of a file while it is written.
const NEW: &[u8] = b".transom-new-file";
/// Bytes copied at once.
const BLOCK: usize = 256 * 1024;

/// A writable layer that nothing has mounted, open to be changed.
#[derive(Debug)]
pub struct Editor {
    writable: Writable,
}

impl Store {
    /// Opens a writable layer to be changed without a mount.
    ///
    /// # Errors
    /// As [`Store::open_writable`], and [`NamedLayerFault::Mounted`]: what the kernel has mounted is changed there.
    pub fn edit_writable(&self, id: &str) -> Result<Editor, NamedLayerError> {
        let writable = self.open_writable(id)?;
        self.refuse_if_active(id).of_layer(id)?;
        let is_root = rustix::process::geteuid().is_root();
        if writable.layer().names == Names::Posix && !is_root {
            return Err(NamedLayerFault::from(EditError::OwnersNeedRoot)).of_layer(id);
        }
        Ok(Editor { writable })
    }
}

impl Editor {
    /// Writes a file, or an alternate stream of one, making it if it is not there; the last write is `modified`,
    /// or now. What is there keeps its metadata.
    ///
    /// # Errors
    /// [`NamedLayerError`]; then the file is as it was.
    pub fn write(
        &self,
        path: &TreePath,
        data: &mut dyn Read,
        modified: Option<UnixTime>,
    ) -> Result<(), NamedLayerError> {
        self.named(self.write_file(path, data, modified))
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// [`NamedLayerError`] if there is something of that name, or no folder to make it in.
    pub fn create_folder(&self, path: &TreePath) -> Result<(), NamedLayerError> {
        self.named(self.make_folder(path))
    }

    /// Makes a link to `target`, which is written as on Linux (`../x`, `/x` for `C:\x`).
    ///
    /// # Errors
    /// [`NamedLayerError`] if there is something of that name, or no folder to make it in.
    pub fn create_link(&self, path: &TreePath, target: &[u8]) -> Result<(), NamedLayerError> {
        self.named(self.make_link(path, target))
    }

    /// Deletes a file, a stream or a folder; one that is not empty only if `recursive`.
    ///
    /// # Errors
    /// [`NamedLayerError`] if it is not there, or not empty.
    pub fn remove(&self, path: &TreePath, recursive: bool) -> Result<(), NamedLayerError> {
        self.named(self.delete(path, recursive))
    }

    /// Renames a file or folder; a file that has the new name is replaced.
    ///
    /// # Errors
    /// [`NamedLayerError`] if it is not there, the new name is a folder's, or lies in the folder itself.
    pub fn rename(&self, from: &TreePath, to: &TreePath) -> Result<(), NamedLayerError> {
        self.named(self.move_entry(from, to))
    }

    /// Changes the attributes of a file or folder.
    ///
    /// # Errors
    /// [`NamedLayerError`] if it is not there or cannot keep them.
    pub fn set_attributes(
        &self,
        path: &TreePath,
        set: FileAttributes,
        clear: FileAttributes,
    ) -> Result<(), NamedLayerError> {
        self.named(self.change_attributes(path, set, clear))
    }

    /// Gives a file or folder a security descriptor (self-relative).
    ///
    /// # Errors
    /// [`NamedLayerError`] if it is not there, cannot keep it, or the descriptor is damaged.
    pub fn set_security(&self, path: &TreePath, security: &[u8]) -> Result<(), NamedLayerError> {
        self.named(self.change_security(path, security))
    }

    /// Says whether there is a folder of that name.
    ///
    /// # Errors
    /// [`NamedLayerError`] if the layer cannot be read.
    pub fn is_folder(&self, path: &TreePath) -> Result<bool, NamedLayerError> {
        let place = self
            .place(path)
            .map(|place| place.is_some_and(|place| place.is_folder()));
        self.named(place)
    }

    fn named<T>(&self, result: Result<T, NamedLayerFault>) -> Result<T, NamedLayerError> {
        result.of_layer(&self.writable.layer().id)
    }

    /// Finds what a path names; a folder on the way that is none is an error.
    fn place(&self, path: &TreePath) -> Result<Option<Place>, NamedLayerFault> {
        let mut place = Place::root(&self.writable.lower, &self.writable.upper)?;
        for component in path.components() {
            match self.step(&place, component)? {
                Some(child) => place = child,
                None => return Ok(None),
            }
        }
        match path.stream() {
            None => Ok(Some(place)),
            Some(stream) => self.stream(path, stream),
        }
    }

    fn step(&self, place: &Place, name: &[u8]) -> Result<Option<Place>, NamedLayerFault> {
        Ok(place.child(&self.writable.lower, &self.writable.upper, name)?)
    }

    fn existing(&self, path: &TreePath) -> Result<Place, NamedLayerFault> {
        self.place(path)?.ok_or_else(|| missing(path))
    }

    /// Finds a stream, which is an entry beside the one it belongs to.
    fn stream(&self, path: &TreePath, stream: &[u8]) -> Result<Option<Place>, NamedLayerFault> {
        let (folder, name) = split(path)?;
        let Some(folder) = self.folder_of(path, folder)? else {
            return Ok(None);
        };
        let Some(owner) = self.step(&folder, name)? else {
            return Ok(None);
        };
        self.step(&folder, &[&owner.name, &b":"[..], stream].concat())
    }

    fn folder_of(
        &self,
        path: &TreePath,
        components: &[Vec<u8>],
    ) -> Result<Option<Place>, NamedLayerFault> {
        let mut place = Place::root(&self.writable.lower, &self.writable.upper)?;
        for component in components {
            match self.step(&place, component)? {
                Some(child) if child.is_folder() => place = child,
                Some(_) => return Err(not_a_folder(path)),
                None => return Ok(None),
            }
        }
        Ok(Some(place))
    }

    /// Finds the folder that a new entry goes to, made to be written to, and the entry's name.
    fn target<'a>(&self, path: &'a TreePath) -> Result<(Place, &'a [u8]), NamedLayerFault> {
        let (components, name) = split(path)?;
        self.check_name(path)?;
        let mut folder = Place::root(&self.writable.lower, &self.writable.upper)?;
        for component in components {
            let child = self
                .step(&folder, component)?
                .ok_or_else(|| missing(path))?;
            if !child.is_folder() {
                return Err(not_a_folder(path));
            }
            folder = child;
        }
        Ok((self.raise_folder(folder)?, name))
    }

    fn check_name(&self, path: &TreePath) -> Result<(), NamedLayerFault> {
        let bytes = path.components().join(&b'/');
        let last = path.components().last().map_or(&b""[..], Vec::as_slice);
        let rule = match self.writable.layer().names {
            Names::Windows => path::clean(&bytes, Rules::Windows).err(),
            Names::Posix => None,
        };
        match rule {
            Some(source) => Err(EditError::Name {
                path: path.to_string(),
                source,
            }
            .into()),
            None if last.starts_with(b".wh.") => Err(EditError::WhiteoutName {
                path: path.to_string(),
            }
            .into()),
            None => Ok(()),
        }
    }

    fn write_file(
        &self,
        path: &TreePath,
        data: &mut dyn Read,
        modified: Option<UnixTime>,
    ) -> Result<(), NamedLayerFault> {
        let (folder, name) = self.target(path)?;
        let name = match path.stream() {
            None => name.to_vec(),
            Some(stream) => {
                let owner = self.step(&folder, name)?.ok_or_else(|| missing(path))?;
                [&owner.name, &b":"[..], stream].concat()
            }
        };
        let existing = self.step(&folder, &name)?;
        if let Some(place) = &existing {
            if place.is_folder() {
                return Err(EditError::IsFolder {
                    path: path.to_string(),
                }
                .into());
            }
            if !place.is_plain_file() {
                self.delete_place(&folder, place)?;
            }
        }
        let existing = existing.filter(Place::is_plain_file);
        let handle = self.open_folder(&folder)?;
        let shown = self.writable.upper.shown(&join(&folder.path, NEW));
        let file = self.new_file(&handle).named("create", &shown)?;
        let written = (|| -> Result<(), NamedLayerFault> {
            copy(data, &file).named("write", &shown)?;
            if let Some(place) = &existing {
                self.copy_metadata(&handle, NEW, place)?;
            }
            set_time(&handle, NEW, modified.unwrap_or_else(now))
                .named("set the time of", &shown)?;
            Ok(())
        })();
        if let Err(error) = written {
            // The first error tells more than that of the clean-up would.
            let _ = rustix::fs::unlinkat(&handle, NEW, AtFlags::empty());
            return Err(error);
        }
        let stored = existing.map_or(name, |place| place.stored);
        self.take_place(&handle, &stored).named("create", &shown)?;
        Ok(())
    }

    fn make_folder(&self, path: &TreePath) -> Result<(), NamedLayerFault> {
        let (folder, name) = self.target(path)?;
        self.refuse_existing(&folder, name, path)?;
        let handle = self.open_folder(&folder)?;
        let shown = self.writable.upper.shown(&join(&folder.path, name));
        let hides = self
            .remove_whiteout(&handle, name)
            .named("create", &shown)?;
        rustix::fs::mkdirat(&handle, name, Mode::from_raw_mode(0o755))
            .map_err(io::Error::from)
            .named("create folder", &shown)?;
        if hides {
            mark(&handle, name, "opaque", b"y").named("mark", &shown)?;
        }
        Ok(())
    }

    fn make_link(&self, path: &TreePath, target: &[u8]) -> Result<(), NamedLayerFault> {
        let (folder, name) = self.target(path)?;
        self.refuse_existing(&folder, name, path)?;
        let handle = self.open_folder(&folder)?;
        let shown = self.writable.upper.shown(&join(&folder.path, name));
        self.remove_whiteout(&handle, name)
            .named("create", &shown)?;
        rustix::fs::symlinkat(target, &handle, name)
            .map_err(io::Error::from)
            .named("create link", &shown)?;
        Ok(())
    }

    fn refuse_existing(
        &self,
        folder: &Place,
        name: &[u8],
        path: &TreePath,
    ) -> Result<(), NamedLayerFault> {
        match self.step(folder, name)? {
            Some(_) => Err(EditError::Exists {
                path: path.to_string(),
            }
            .into()),
            None => Ok(()),
        }
    }

    fn delete(&self, path: &TreePath, recursive: bool) -> Result<(), NamedLayerFault> {
        let place = self.existing(path)?;
        let (folder, _) = self.target(path)?;
        if place.is_folder()
            && !recursive
            && !place.is_empty(&self.writable.lower, &self.writable.upper)?
        {
            return Err(EditError::NotEmpty {
                path: path.to_string(),
            }
            .into());
        }
        for stream in folder.streams_of(&self.writable.lower, &self.writable.upper, &place)? {
            self.delete_place(&folder, &stream)?;
        }
        self.delete_place(&folder, &place)
    }

    /// Deletes one entry of a folder that can be written to.
    fn delete_place(&self, folder: &Place, place: &Place) -> Result<(), NamedLayerFault> {
        let handle = self.open_folder(folder)?;
        let shown = self
            .writable
            .upper
            .shown(&join(&folder.path, &place.stored));
        if let Some((entry, _)) = &place.upper {
            let path = attribute_path(&handle, &place.stored);
            let path = path_of(&path);
            // Neither follows links.
            match entry.kind {
                UpperKind::Directory { .. } => std::fs::remove_dir_all(path),
                _ => std::fs::remove_file(path),
            }
            .named("delete", &shown)?;
        }
        if folder.hides(&self.writable.lower, &place.stored)? {
            make_whiteout(&handle, &place.stored).named("delete", &shown)?;
        }
        Ok(())
    }

    fn move_entry(&self, from: &TreePath, to: &TreePath) -> Result<(), NamedLayerFault> {
        if from.stream().is_some() || to.stream().is_some() {
            return Err(EditError::StreamStays {
                path: from.to_string(),
            }
            .into());
        }
        let place = self.existing(from)?;
        if to.components().len() > from.components().len() && self.is_below(from, to)? {
            return Err(EditError::IntoItself {
                path: from.to_string(),
            }
            .into());
        }
        let (source, _) = self.target(from)?;
        let (target, name) = self.target(to)?;
        if let Some(there) = self.step(&target, name)? {
            let is_same = there.path == place.path;
            if !is_same && there.is_folder() {
                return Err(EditError::Exists {
                    path: to.to_string(),
                }
                .into());
            }
            if !is_same {
                self.delete(to, false)?;
            } else if there.stored == name {
                return Ok(());
            }
        }
        let streams = source.streams_of(&self.writable.lower, &self.writable.upper, &place)?;
        self.move_place(&source, &place, &target, name)?;
        for stream in streams {
            let (_, stream_name) = split_stream(&stream.name);
            let new = [name, b":", stream_name.unwrap_or_default()].concat();
            self.move_place(&source, &stream, &target, &new)?;
        }
        Ok(())
    }

    fn is_below(&self, folder: &TreePath, path: &TreePath) -> Result<bool, NamedLayerFault> {
        let names = self.writable.layer().names;
        let key = |name: &Vec<u8>| crate::diff::key(names, name);
        Ok(folder.components().iter().map(key).eq(path
            .components()
            .iter()
            .take(folder.components().len())
            .map(key)))
    }

    fn move_place(
        &self,
        source: &Place,
        place: &Place,
        target: &Place,
        name: &[u8],
    ) -> Result<(), NamedLayerFault> {
        let raised = self.raise(source, place)?;
        let (from, to) = (self.open_folder(source)?, self.open_folder(target)?);
        let shown = self
            .writable
            .upper
            .shown(&join(&source.path, &raised.stored));
        // From now on the data, or what shows through, is found by its place in the chain.
        if let Some(lower) = &raised.lower_path
            && raised.needs_redirect()
        {
            let value = [b"/", lower.as_slice()].concat();
            mark(&from, &raised.stored, "redirect", &value).named("mark", &shown)?;
        } else if raised.is_folder() {
            mark(&from, &raised.stored, "opaque", b"y").named("mark", &shown)?;
        }
        match self.remove_whiteout(&to, name) {
            Ok(_) => {}
            Err(error) => return Err(error).named("rename", &shown)?,
        }
        rustix::fs::renameat(&from, &raised.stored, &to, name)
            .map_err(io::Error::from)
            .named("rename", &shown)?;
        if source.hides(&self.writable.lower, &raised.stored)? {
            make_whiteout(&from, &raised.stored).named("delete", &shown)?;
        }
        Ok(())
    }

    fn change_attributes(
        &self,
        path: &TreePath,
        set: FileAttributes,
        clear: FileAttributes,
    ) -> Result<(), NamedLayerFault> {
        let (handle, raised) = self.to_change(path)?;
        let before = raised.attributes(&self.writable.lower)?;
        let after = (before - clear) | set;
        let text = after.bits().to_string();
        let shown = self.writable.upper.shown(&raised.path);
        let at = &raised.stored;
        attribute(&handle, at, keys::FILE_ATTRIBUTES, text.as_bytes())
            .named("set attributes of", &shown)?;
        if raised.is_plain_file() {
            let mode = match after.contains(FileAttributes::READONLY) {
                true => 0o444,
                false => 0o644,
            };
            rustix::fs::chmodat(&handle, at, Mode::from_raw_mode(mode), AtFlags::empty())
                .map_err(io::Error::from)
                .named("set the mode of", &shown)?;
        }
        attribute(&handle, at, keys::CHANGE, now().to_pax().as_bytes())
            .named("set attributes of", &shown)?;
        Ok(())
    }

    fn change_security(&self, path: &TreePath, security: &[u8]) -> Result<(), NamedLayerFault> {
        SecurityDescriptor::parse(security).map_err(|source| EditError::Security {
            path: path.to_string(),
            source,
        })?;
        let (handle, raised) = self.to_change(path)?;
        let shown = self.writable.upper.shown(&raised.path);
        let at = &raised.stored;
        attribute(&handle, at, keys::SECURITY, security).named("set the security of", &shown)?;
        attribute(&handle, at, keys::CHANGE, now().to_pax().as_bytes())
            .named("set the security of", &shown)?;
        Ok(())
    }

    /// Finds an entry and makes it one of the upper folder.
    fn to_change(&self, path: &TreePath) -> Result<(OwnedFd, Place), NamedLayerFault> {
        let place = self.existing(path)?;
        if path.components().is_empty() || path.stream().is_some() {
            return Err(EditError::NoMetadata {
                path: path.to_string(),
            }
            .into());
        }
        let (folder, _) = self.target(path)?;
        let raised = self.raise(&folder, &place)?;
        Ok((self.open_folder(&folder)?, raised))
    }

    /// Makes an entry of the chain one of the upper folder, without its data; a new link may become a file that
    /// stands for it, as links cannot have attributes.
    fn raise(&self, folder: &Place, place: &Place) -> Result<Place, NamedLayerFault> {
        let handle = self.open_folder(folder)?;
        let shown = self
            .writable
            .upper
            .shown(&join(&folder.path, &place.stored));
        match (&place.upper, &place.lower) {
            (Some(_), _) if !place.is_bare_link() => return Ok(place.clone()),
            (Some((entry, _)), _) => {
                let UpperKind::Symlink(target) = &entry.kind else {
                    return Ok(place.clone());
                };
                let _ = self.new_file(&handle).named("create", &shown)?;
                attribute(&handle, NEW, keys::SYMLINK, target).named("mark", &shown)?;
                set_time(&handle, NEW, entry.modified).named("set the time of", &shown)?;
            }
            (None, Some(node)) if node.is_directory() => return self.raise_folder(place.clone()),
            (None, _) => {
                let file = self.new_file(&handle).named("create", &shown)?;
                let Some(node) = &place.lower else {
                    return Ok(place.clone());
                };
                let metadata = self.writable.lower.metadata(node)?;
                match self.writable.lower.shown_target(node)? {
                    Some(target) => {
                        attribute(&handle, NEW, keys::SYMLINK, &target).named("mark", &shown)?;
                    }
                    None => {
                        file.set_len(metadata.size).named("create", &shown)?;
                        mark(&handle, NEW, "metacopy", b"").named("mark", &shown)?;
                    }
                }
                self.copy_metadata(&handle, NEW, place)?;
                set_time(&handle, NEW, metadata.modified).named("set the time of", &shown)?;
            }
        }
        self.take_place(&handle, &place.stored)
            .named("create", &shown)?;
        Ok(place.clone().again(&self.writable.upper)?)
    }

    /// Makes a folder of the chain, and those above it, folders of the upper folder.
    fn raise_folder(&self, place: Place) -> Result<Place, NamedLayerFault> {
        // It may have been made since it was looked up.
        let place = place.again(&self.writable.upper)?;
        let (None, Some(lower)) = (&place.upper, place.lower.clone()) else {
            return Ok(place);
        };
        if let Some(above) = &place.above {
            self.raise_folder(above.as_ref().clone())?;
        }
        let above = match place.path.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => &place.path[..slash],
            None => b"",
        };
        let handle = self
            .writable
            .upper
            .open_beneath(above, OFlags::DIRECTORY | OFlags::RDONLY)?;
        let shown = self.writable.upper.shown(&place.path);
        let metadata = self.writable.lower.metadata(&lower)?;
        rustix::fs::mkdirat(&handle, &place.stored, Mode::from_raw_mode(0o755))
            .map_err(io::Error::from)
            .named("create folder", &shown)?;
        self.copy_metadata(&handle, &place.stored, &place)?;
        set_time(&handle, &place.stored, metadata.modified).named("set the time of", &shown)?;
        Ok(place.again(&self.writable.upper)?)
    }

    /// Copies what is known of an entry to a new one of the upper folder.
    fn copy_metadata(
        &self,
        handle: &OwnedFd,
        name: &[u8],
        place: &Place,
    ) -> Result<(), NamedLayerFault> {
        let shown = self.writable.upper.shown(&place.path);
        let (xattrs, origin, mode) = match (&place.upper, &place.lower) {
            (Some((entry, _)), _) => (entry.xattrs.clone(), entry.origin, entry.permissions),
            (None, Some(node)) => (
                self.writable.lower.all_xattrs(node)?,
                Some(Origin {
                    uuid: self.writable.lower.uuid(),
                    nid: node.nid(),
                }),
                self.writable.lower.metadata(node)?.mode,
            ),
            (None, None) => return Ok(()),
        };
        for (key, value) in xattrs.iter().filter(|(key, _)| key != keys::LAYER) {
            attribute(handle, name, key, value).named("set attributes of", &shown)?;
        }
        if let Some(origin) = origin {
            mark(handle, name, "origin", &origin_value(origin)).named("mark", &shown)?;
        }
        if self.writable.layer().names == Names::Posix
            && let Some(node) = &place.lower
        {
            let metadata = self.writable.lower.metadata(node)?;
            let owner = Some(rustix::fs::Uid::from_raw(metadata.uid));
            let group = Some(rustix::fs::Gid::from_raw(metadata.gid));
            rustix::fs::chownat(handle, name, owner, group, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(io::Error::from)
                .named("set the owner of", &shown)?;
        }
        let mode = Mode::from_raw_mode(mode.into());
        rustix::fs::chmodat(handle, name, mode, AtFlags::empty())
            .map_err(io::Error::from)
            .named("set the mode of", &shown)?;
        Ok(())
    }

    fn open_folder(&self, folder: &Place) -> Result<OwnedFd, NamedLayerFault> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY;
        Ok(self.writable.upper.open_beneath(&folder.path, flags)?)
    }

    fn new_file(&self, handle: &OwnedFd) -> io::Result<File> {
        match rustix::fs::unlinkat(handle, NEW, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o644);
        Ok(rustix::fs::openat(handle, NEW, flags, mode)?.into())
    }

    /// Gives the new file its name, instead of what has it.
    fn take_place(&self, handle: &OwnedFd, name: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::renameat(handle, NEW, handle, name)?)
    }

    /// Removes the whiteout of a name; returns whether there was one.
    fn remove_whiteout(&self, handle: &OwnedFd, name: &[u8]) -> io::Result<bool> {
        let stat = match rustix::fs::statat(handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(rustix::io::Errno::NOENT) => return Ok(false),
            result => result?,
        };
        if FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice {
            rustix::fs::unlinkat(handle, name, AtFlags::empty())?;
            return Ok(true);
        }
        Ok(false)
    }
}

fn split(path: &TreePath) -> Result<(&[Vec<u8>], &[u8]), NamedLayerFault> {
    match path.components().split_last() {
        Some((name, folder)) => Ok((folder, name)),
        None => Err(EditError::Root.into()),
    }
}

fn missing(path: &TreePath) -> NamedLayerFault {
    TreeError::NotFound {
        path: path.to_string(),
    }
    .into()
}

fn not_a_folder(path: &TreePath) -> NamedLayerFault {
    EditError::NotAFolder {
        path: path.to_string(),
    }
    .into()
}

fn path_of(bytes: &[u8]) -> &Path {
    use std::os::unix::ffi::OsStrExt;
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

fn copy(data: &mut dyn Read, mut file: &File) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    loop {
        match data.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(count) => io::Write::write_all(&mut file, &block[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn attribute(handle: &OwnedFd, name: &[u8], key: &[u8], value: &[u8]) -> io::Result<()> {
    let path = attribute_path(handle, name);
    Ok(rustix::fs::lsetxattr(
        &*path,
        key,
        value,
        XattrFlags::empty(),
    )?)
}

fn mark(handle: &OwnedFd, name: &[u8], mark: &str, value: &[u8]) -> io::Result<()> {
    attribute(
        handle,
        name,
        format!("user.overlay.{mark}").as_bytes(),
        value,
    )
}

/// Anybody may make this device: it is the kernel's own sign of a deletion (Linux 5.8).
fn make_whiteout(handle: &OwnedFd, name: &[u8]) -> io::Result<()> {
    let mode = Mode::empty();
    Ok(rustix::fs::mknodat(
        handle,
        name,
        FileType::CharacterDevice,
        mode,
        0,
    )?)
}

fn set_time(handle: &OwnedFd, name: &[u8], time: UnixTime) -> io::Result<()> {
    let time = Timespec {
        tv_sec: time.seconds,
        tv_nsec: time.nanos.into(),
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    Ok(rustix::fs::utimensat(
        handle,
        name,
        &times,
        AtFlags::SYMLINK_NOFOLLOW,
    )?)
}

fn now() -> UnixTime {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixTime {
        seconds: since.as_secs() as i64,
        nanos: since.subsec_nanos() / 100 * 100,
    }
}
