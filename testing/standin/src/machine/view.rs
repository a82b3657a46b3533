//! What a stack of layers shows.
//!
//! A layer that has a folder itself has the folder's whole list of names, with placeholders for what is its parents'. So
//! the topmost layer with the folder decides, and each placeholder leads to the next layer down that has the thing.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use transom_windows::{BasicInfo, Folder, Node};

use super::placeholder::{DIRECTORY, is_placeholder, is_real_folder};
use crate::plain::PlainFiles;
use crate::streams::{self, join};

/// A stack of layers.
#[derive(Debug)]
pub(super) struct View {
    /// `Files` of each, the topmost first.
    chain: Vec<PlainFiles>,
}

/// Something that the stack shows.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    /// Its name in its folder.
    pub(super) name: String,
    pub(super) attributes: u32,
    /// Which layer has it.
    pub(super) layer: usize,
}

impl View {
    pub(super) fn open(layers: &[PathBuf]) -> io::Result<Self> {
        let open = |layer: &PathBuf| PlainFiles::open_root(&layer.join("Files"));
        Ok(Self {
            chain: layers.iter().map(open).collect::<io::Result<_>>()?,
        })
    }

    /// Returns the layer that something shown is in. Names there may differ in case.
    pub(super) fn files(&self, layer: usize) -> io::Result<&PlainFiles> {
        let files = self.chain.get(layer);
        files.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn info(&self, name: &str, layer: usize) -> io::Result<BasicInfo> {
        self.files(layer)?.open(name)?.basic_info()
    }

    /// Lists a folder that `layer` has, ordered by name.
    pub(super) fn list(&self, folder: &str, layer: usize) -> io::Result<Vec<Shown>> {
        let mut all = Vec::new();
        for listed in self.files(layer)?.list(folder)? {
            let name = join(folder, &listed.name);
            let (layer, attributes) = self.resolve(&name, layer, listed.attributes)?;
            all.push(Shown {
                name: listed.name,
                attributes,
                layer,
            });
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// Returns which layer gives a folder its list; `None` if the stack shows no folder of that name.
    pub(super) fn folder(&self, name: &str) -> io::Result<Option<usize>> {
        let mut layer = 0;
        let mut path = String::new();
        for part in name.split('/').filter(|part| !part.is_empty()) {
            path = join(&path, part);
            let attributes = match self.files(layer)?.attributes(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                attributes => attributes?,
            };
            let (found, attributes) = self.resolve(&path, layer, attributes)?;
            if !is_real_folder(attributes) {
                return Ok(None);
            }
            layer = found;
        }
        Ok((!self.chain.is_empty()).then_some(layer))
    }

    /// Follows placeholders down the stack.
    fn resolve(&self, name: &str, layer: usize, attributes: u32) -> io::Result<(usize, u32)> {
        if !is_placeholder(self.files(layer)?, name, attributes)? {
            return Ok((layer, attributes));
        }
        for (below, files) in self.chain.iter().enumerate().skip(layer + 1) {
            match look(files, name)? {
                Look::Has(attributes) if is_placeholder(files, name, attributes)? => {}
                Look::Has(attributes) => return Ok((below, attributes)),
                Look::NoFolder => {}
                Look::Lacks => break,
            }
        }
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("no layer has what the placeholder {name:?} stands for"),
        ))
    }

    /// Copies all that is shown into an empty folder of the host, with hard links among it.
    pub(super) fn copy_to(&self, folder: &Path) -> io::Result<()> {
        let target = PlainFiles::open_root(folder)?;
        let mut links: HashMap<u128, String> = HashMap::new();
        let mut folders = vec![(String::new(), 0)];
        streams::copy(self.files(0)?, "", &target, "", true)?;
        while let Some((folder, layer)) = folders.pop() {
            for shown in self.list(&folder, layer)? {
                let name = join(&folder, &shown.name);
                let source = self.files(shown.layer)?;
                let is_folder = shown.attributes & DIRECTORY != 0;
                let identity = source.open(&name)?.identity()?;
                if !is_folder && identity.links > 1 {
                    if let Some(first) = links.get(&identity.id) {
                        target.link(&name, &target, first)?;
                        continue;
                    }
                    links.insert(identity.id, name.clone());
                }
                streams::copy(source, &name, &target, &name, is_folder)?;
                if is_real_folder(shown.attributes) {
                    folders.push((name, shown.layer));
                }
            }
        }
        Ok(())
    }
}

/// What a layer says about a name.
enum Look {
    Has(u32),
    /// It has the folder, and nothing of that name in it.
    Lacks,
    /// It does not have the folder itself.
    NoFolder,
}

fn look(files: &PlainFiles, name: &str) -> io::Result<Look> {
    let mut path = String::new();
    let mut parts = name.split('/').peekable();
    while let Some(part) = parts.next() {
        path = join(&path, part);
        let is_last = parts.peek().is_none();
        match files.attributes(&path) {
            Ok(attributes) if is_last => return Ok(Look::Has(attributes)),
            Ok(attributes) if is_real_folder(attributes) => {}
            Ok(_) => return Ok(Look::NoFolder),
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_last => {
                return Ok(Look::Lacks);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Look::NoFolder),
            Err(error) => return Err(error),
        }
    }
    Ok(Look::NoFolder)
}
