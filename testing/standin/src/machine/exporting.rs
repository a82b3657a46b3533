//! ExportLayer: what a layer changes is written into a transport folder.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use transom_ntmeta::name::{eq_folded, fold};
use transom_windows::{Create, Folder, Node};

use super::carrier::{self, SUFFIX};
use super::placeholder::{is_placeholder, is_real_folder};
use super::view::{Shown, View};
use crate::plain::PlainFiles;
use crate::streams::{self, join};

const FILES: &str = "Files";
const HIVES: &str = "Hives";

/// What an export of a writable layer has in `Hives`.
const DELTAS: [&str; 5] = ["DefaultUser", "Sam", "Security", "Software", "System"];
const DELTA: &[u8] = b"regf of the stand-in\n";

/// Writes what a writable layer's volume has that its parents do not show.
pub(super) fn writable(volume: &Path, folder: &Path, parents: &[PathBuf]) -> io::Result<()> {
    let source = PlainFiles::open_root(volume)?;
    let mut export = Export::start(source, folder, parents)?;
    export.compare("", 0)?;
    let mut info = export.source.open("")?.basic_info()?;
    info.attributes = 0x20;
    export.make_hives("")?;
    for delta in DELTAS {
        let name = format!("{HIVES}/{delta}_Delta");
        let mut node = export.transport.create_file(&name, Create::New)?;
        node.write_all(DELTA)?;
        node.set_basic_info(&info)?;
    }
    export.finish()
}

/// Writes what a read-only layer has itself.
pub(super) fn read_only(layer: &Path, folder: &Path, parents: &[PathBuf]) -> io::Result<()> {
    let source = PlainFiles::open_root(&layer.join(FILES))?;
    let mut export = Export::start(source, folder, parents)?;
    export.own("")?;
    let whole = PlainFiles::open_root(layer)?;
    export.source = whole;
    export.make_hives(HIVES)?;
    let Export {
        source, transport, ..
    } = &export;
    for hive in source.list(HIVES)? {
        let name = join(HIVES, &hive.name);
        streams::copy(source, &name, transport, &name, false)?;
    }
    export.finish()
}

struct Export {
    source: PlainFiles,
    transport: PlainFiles,
    view: View,
    /// Names of files that have several, by the file.
    links: HashMap<u128, String>,
    tombstones: Vec<String>,
}

impl Export {
    fn start(source: PlainFiles, folder: &Path, parents: &[PathBuf]) -> io::Result<Self> {
        let transport = PlainFiles::open_root(folder)?;
        transport.create_folder(FILES)?;
        carrier::write(&transport, &format!("{FILES}{SUFFIX}"), &source, "")?;
        Ok(Self {
            source,
            transport,
            view: View::open(parents)?,
            links: HashMap::new(),
            tombstones: Vec::new(),
        })
    }

    fn make_hives(&self, like: &str) -> io::Result<()> {
        self.transport.create_folder(HIVES)?;
        let carrier = format!("{HIVES}{SUFFIX}");
        carrier::write(&self.transport, &carrier, &self.source, like)
    }

    /// Compares a folder of the volume with the one that the parents show, which `layer` has.
    fn compare(&mut self, folder: &str, layer: usize) -> io::Result<()> {
        let shown = self.view.list(folder, layer)?;
        let mut below: HashMap<_, Shown> = shown
            .into_iter()
            .map(|shown| (fold(shown.name.as_bytes()), shown))
            .collect();
        for (base, attributes) in sorted(&self.source, folder)? {
            let name = join(folder, &base);
            let Some(shown) = below.remove(&fold(base.as_bytes())) else {
                self.put_all(&name, attributes)?;
                continue;
            };
            let was_folder = is_real_folder(shown.attributes);
            let is_folder = is_real_folder(attributes);
            let files = self.view.files(shown.layer)?;
            let is_changed =
                shown.name != base || !streams::is_same(&self.source, &name, files, &name)?;
            match (was_folder, is_folder) {
                (true, true) => {
                    if is_changed {
                        self.put_folder(&name)?;
                    }
                    self.compare(&name, shown.layer)?;
                }
                (false, true) => self.put_all(&name, attributes)?,
                _ if is_changed => self.put(&name, attributes)?,
                _ => {}
            }
        }
        self.delete(folder, below.into_values())
    }

    /// Notes that what the parents show in a folder is gone.
    fn delete(&mut self, folder: &str, gone: impl Iterator<Item = Shown>) -> io::Result<()> {
        let mut names: Vec<String> = gone.map(|shown| join(folder, &shown.name)).collect();
        if !names.is_empty() {
            self.put_folder(folder)?;
        }
        names.sort();
        self.tombstones.append(&mut names);
        Ok(())
    }

    /// Writes something new with all that is in it.
    fn put_all(&mut self, name: &str, attributes: u32) -> io::Result<()> {
        self.put(name, attributes)?;
        if is_real_folder(attributes) {
            for (base, attributes) in sorted(&self.source, name)? {
                self.put_all(&join(name, &base), attributes)?;
            }
        }
        Ok(())
    }

    fn put(&mut self, name: &str, attributes: u32) -> io::Result<()> {
        if attributes & super::placeholder::DIRECTORY != 0 {
            return self.put_folder(name);
        }
        self.put_folder(parent(name))?;
        let carrier = join(FILES, name);
        let identity = self.source.open(name)?.identity()?;
        if let Some(first) = self.links.get(&identity.id) {
            return self.transport.link(&carrier, &self.transport, first);
        }
        carrier::write(&self.transport, &carrier, &self.source, name)?;
        if identity.links > 1 {
            self.links.insert(identity.id, carrier);
        }
        Ok(())
    }

    /// Writes a folder and those it lies in, unless they are written.
    fn put_folder(&mut self, name: &str) -> io::Result<()> {
        let target = join(FILES, name);
        if name.is_empty() || self.transport.attributes(&target).is_ok() {
            return Ok(());
        }
        self.put_folder(parent(name))?;
        self.transport.create_folder(&target)?;
        let carrier = format!("{target}{SUFFIX}");
        carrier::write(&self.transport, &carrier, &self.source, name)
    }

    /// Writes what a read-only layer has itself in a folder, and what it hides.
    fn own(&mut self, folder: &str) -> io::Result<()> {
        let listed = sorted(&self.source, folder)?;
        if let Some(layer) = self.view.folder(folder)? {
            let mut gone = self.view.list(folder, layer)?;
            gone.retain(|shown| {
                let mut names = listed.iter().map(|(name, _)| name.as_bytes());
                !names.any(|name| eq_folded(name, shown.name.as_bytes()))
            });
            self.delete(folder, gone.into_iter())?;
        }
        for (base, attributes) in listed {
            let name = join(folder, &base);
            if is_placeholder(&self.source, &name, attributes)? {
                continue;
            }
            self.put(&name, attributes)?;
            if is_real_folder(attributes) {
                self.own(&name)?;
            }
        }
        Ok(())
    }

    fn finish(self) -> io::Result<()> {
        let mut text = "\u{feff}Version 1.0\r\n".to_owned();
        for name in &self.tombstones {
            text.extend(["\\", &name.replace('/', "\\"), "\r\n"]);
        }
        let mut node = self.transport.create_file("tombstones.txt", Create::New)?;
        node.write_all(text.as_bytes())?;
        node.flush()
    }
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn sorted(files: &PlainFiles, folder: &str) -> io::Result<Vec<(String, u32)>> {
    let listed = files.list(folder)?.into_iter();
    let mut listed: Vec<_> = listed.map(|found| (found.name, found.attributes)).collect();
    listed.sort();
    Ok(listed)
}
