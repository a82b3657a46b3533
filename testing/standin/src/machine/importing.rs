//! ImportLayer: a transport folder becomes a layer.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use transom_ntmeta::name::{FoldedName, fold};
use transom_windows::{Create, Folder, HResult};

use super::carrier::{Carrier, SUFFIX};
use super::checks::guid_of;
use super::failure::Failure;
use super::placeholder::{self, is_real_folder};
use super::view::View;
use crate::plain::PlainFiles;
use crate::streams::{self, join};

const FILES: &str = "Files";
const HIVES: &str = "Hives";

/// Something that the transport folder has below `Files`.
struct Item {
    /// Relative to `Files`, which is the empty name.
    name: String,
    carrier: Carrier,
    is_folder: bool,
}

/// Checks a transport folder and fills a layer from it.
pub(super) fn import(layer: &Path, folder: &Path, parents: &[PathBuf]) -> Result<(), Failure> {
    let transport = PlainFiles::open_root(folder)?;
    check_top(&transport)?;
    let items = scan(&transport)?;
    let hives = check_hives(&transport)?;
    let target = PlainFiles::open_root(layer)?;
    for top in [FILES, HIVES] {
        if target.attributes(top).is_ok() {
            let what = format!("{} has {top} already", layer.display());
            return Err(Failure {
                complaint: Some(what),
                ..HResult::ALREADY_EXISTS.into()
            });
        }
    }
    let importer = Importer {
        view: View::open(parents)?,
        target,
        parents,
    };
    importer.fill(&items)?;
    let carrier = Carrier::read(&transport, &format!("{HIVES}{SUFFIX}"), true)?;
    carrier.fill(importer.target.create_folder(HIVES)?)?;
    for hive in hives {
        let name = join(HIVES, &hive);
        streams::copy(&transport, &name, &importer.target, &name, false)?;
    }
    Ok(())
}

struct Importer<'a> {
    view: View,
    target: PlainFiles,
    parents: &'a [PathBuf],
}

impl Importer<'_> {
    fn fill(&self, items: &[Item]) -> Result<(), Failure> {
        let mut links: HashMap<u128, String> = HashMap::new();
        let mut present: HashMap<FoldedName, Vec<FoldedName>> = HashMap::new();
        for item in items {
            let name = place(&item.name);
            let (folder, base) = name.rsplit_once('/').unwrap_or(("", &name));
            let names = present.entry(fold(folder.as_bytes())).or_default();
            names.push(fold(base.as_bytes()));
            if item.is_folder {
                item.carrier.fill(self.target.create_folder(&name)?)?;
                continue;
            }
            let identity = item.carrier.identity;
            if let Some(first) = links.get(&identity.id) {
                self.target.link(&name, &self.target, first)?;
                continue;
            }
            let node = self.target.create_file(&name, Create::New)?;
            item.carrier.fill(node)?;
            if identity.links > 1 {
                links.insert(identity.id, name);
            }
        }
        for item in items.iter().filter(|item| item.is_folder) {
            if !item.carrier.is_link {
                let names = present.remove(&fold(place(&item.name).as_bytes()));
                self.stand_in(&item.name, &names.unwrap_or_default())?;
            }
        }
        Ok(())
    }

    /// Makes placeholders for what the parents show in a folder and the layer does not have.
    fn stand_in(&self, folder: &str, present: &[FoldedName]) -> Result<(), Failure> {
        let Some(layer) = self.view.folder(folder)? else {
            return Ok(());
        };
        for shown in self.view.list(folder, layer)? {
            if present.contains(&fold(shown.name.as_bytes())) {
                continue;
            }
            let name = join(folder, &shown.name);
            let info = self.view.info(&name, shown.layer)?;
            let origin = self.parents.get(shown.layer).and_then(|p| p.file_name());
            let origin = guid_of(&origin.unwrap_or_default().to_string_lossy());
            placeholder::make(&self.target, &place(&name), &info, origin, &name)?;
        }
        Ok(())
    }
}

fn place(name: &str) -> String {
    match name {
        "" => FILES.to_owned(),
        name => join(FILES, name),
    }
}

fn check_top(transport: &PlainFiles) -> Result<(), Failure> {
    let mut listed = transport.list("")?;
    for top in [FILES, HIVES] {
        let carrier = format!("{top}{SUFFIX}");
        let has = |name: &str, is_folder| {
            let mut listed = listed.iter();
            listed.any(|found| found.name == name && is_real_folder(found.attributes) == is_folder)
        };
        if !has(top, true) {
            // An image may lack it, so it is nobody's fault here.
            return Err(HResult::PATH_NOT_FOUND.into());
        }
        if !has(&carrier, false) {
            return Err(Failure::wrong(format!("{top} has no carrier")));
        }
        listed.retain(|found| found.name != top && found.name != carrier);
    }
    match listed.first() {
        Some(found) => Err(Failure::wrong(format!(
            "the transport folder has {:?}, which is no part of an import",
            found.name
        ))),
        None => Ok(()),
    }
}

/// Reads all carriers below `Files`, folders before what is in them.
fn scan(transport: &PlainFiles) -> Result<Vec<Item>, Failure> {
    let carrier = Carrier::read(transport, &format!("{FILES}{SUFFIX}"), true)?;
    let mut items = vec![Item {
        name: String::new(),
        carrier,
        is_folder: true,
    }];
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let mut listed = transport.list(&place(&folder))?;
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        let is_folder = |name: &str| {
            let mut listed = listed.iter();
            listed.any(|found| found.name == name && is_real_folder(found.attributes))
        };
        for found in &listed {
            let name = join(&folder, &found.name);
            if let Some(owner) = found.name.strip_suffix(SUFFIX) {
                if !is_folder(owner) {
                    return Err(Failure::wrong(format!("{name:?} has no folder")));
                }
                continue;
            }
            let is_folder = is_real_folder(found.attributes);
            let suffix = if is_folder { SUFFIX } else { "" };
            let carrier = format!("{}{suffix}", place(&name));
            if transport.attributes(&carrier).is_err() {
                return Err(Failure::wrong(format!("{name:?} has no carrier")));
            }
            let carrier = Carrier::read(transport, &carrier, is_folder)?;
            if is_folder && carrier.is_link {
                if !transport.list(&place(&name))?.is_empty() {
                    return Err(Failure::wrong(format!(
                        "{name:?} is a reparse point and has something in it"
                    )));
                }
            } else if is_folder {
                folders.push(name.clone());
            }
            items.push(Item {
                name,
                carrier,
                is_folder,
            });
        }
    }
    Ok(items)
}

/// Returns the names of the hives.
fn check_hives(transport: &PlainFiles) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for found in transport.list(HIVES)? {
        if found.attributes & (placeholder::DIRECTORY | placeholder::REPARSE_POINT) != 0 {
            return Err(Failure::wrong(format!(
                "{:?} in Hives is no plain file",
                found.name
            )));
        }
        names.push(found.name);
    }
    Ok(names)
}
