//! What an export finds, and how it becomes a tar (moby daemon/graphdriver/windows, writeTarFromLayer).

use std::collections::HashMap;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};

use transom_layertar::backup::Plan;
use transom_layertar::windows::{Shape, WindowsMetadata, to_header};
use transom_layertar::{EntryKind, Header, Writer, whiteout};
use transom_windows::{BasicInfo, Folder, Hcs, Node};

use super::names::pristine_copy;
use super::{Place, TransportError, base_reader, carrier, diff_reader};

/// What an export finds, in the order of a tar.
#[derive(Debug)]
pub enum Found<'a, F: Folder> {
    /// A file or folder.
    Entry(Exported<'a, F>),
    /// Something of the parents' that is gone; its name.
    Tombstone(String),
}

/// A file or folder that is exported.
#[derive(Debug)]
pub struct Exported<'a, F: Folder> {
    /// Its name in the tar.
    pub name: String,
    /// Times and attributes.
    pub info: BasicInfo,
    pub(super) node: F::Node,
    pub(super) form: Form,
    /// Has the pristine copies of files that Windows changed.
    pub(super) layer: Option<&'a F>,
}

/// Where a file's backup stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// In the file's content, behind the attributes.
    Carrier,
    /// It is the file's own.
    Own { with_security: bool },
}

/// Calls `visit` with what a layer has that differs from its parents, in the order of a tar.
///
/// A layer with parents has to be active and not prepared.
///
/// # Errors
/// The layer cannot be read, or `visit` fails.
pub fn visit<F: Folder>(
    hcs: &dyn Hcs,
    place: &Place<'_>,
    visit: &mut dyn FnMut(Found<'_, F>) -> Result<(), TransportError>,
) -> Result<(), TransportError> {
    match place.parents {
        [] => base_reader::read(place, visit),
        _ => diff_reader::read(hcs, place, visit),
    }
}

/// Writes what a layer has that differs from its parents as a tar.
///
/// # Errors
/// As [`visit`]; or the layer has what a tar cannot hold; or `out` fails.
pub fn export<F: Folder>(
    hcs: &dyn Hcs,
    place: &Place<'_>,
    out: &mut dyn Write,
) -> Result<(), TransportError> {
    let mut tar = Writer::new(out);
    // The volume is the same for all, so ids are enough.
    let mut links = HashMap::new();
    visit::<F>(hcs, place, &mut |found| match found {
        Found::Tombstone(name) => {
            let name = whiteout::name_of(name.as_bytes());
            Ok(tar.append(&Header::new(EntryKind::File, &name))?)
        }
        Found::Entry(mut entry) => match entry.first_name(&mut links)? {
            Some(first) => {
                let target = first.as_bytes();
                let shape = Shape::HardLink { target };
                let name = entry.name.as_bytes();
                Ok(tar.append(&to_header(name, &shape, &entry.metadata())?)?)
            }
            None => entry.append_to(&mut tar),
        },
    })?;
    tar.finish()?;
    Ok(())
}

/// Returns the bytes of main file data that [`export`] would write.
///
/// # Errors
/// As [`visit`]; or a backup stream is damaged.
pub fn data_bytes<F: Folder>(hcs: &dyn Hcs, place: &Place<'_>) -> Result<u64, TransportError> {
    let mut links = HashMap::new();
    let mut bytes = 0;
    visit::<F>(hcs, place, &mut |found| {
        if let Found::Entry(mut entry) = found
            && entry.first_name(&mut links)?.is_none()
        {
            bytes += entry.plan()?.data.map_or(0, |data| data.size);
        }
        Ok(())
    })?;
    Ok(bytes)
}

impl<F: Folder> Exported<'_, F> {
    /// Returns the name under which the tar has the file already; notes this one if it has not.
    fn first_name(
        &self,
        links: &mut HashMap<u128, String>,
    ) -> Result<Option<String>, TransportError> {
        let identity = self.node.identity();
        let identity = identity.map_err(TransportError::file("look at", &self.name))?;
        if identity.links < 2 || self.info.attributes & super::tree::DIRECTORY != 0 {
            return Ok(None);
        }
        if let Some(first) = links.get(&identity.id) {
            return Ok(Some(first.clone()));
        }
        links.insert(identity.id, self.name.clone());
        Ok(None)
    }

    fn metadata(&self) -> WindowsMetadata {
        WindowsMetadata {
            attributes: Some(self.info.attributes),
            creation: Some(self.info.creation.to_unix_wrapping()),
            last_access: Some(self.info.last_access.to_unix_wrapping()),
            last_write: self.info.last_write.to_unix_wrapping(),
            change: Some(self.info.change.to_unix_wrapping()),
            ..WindowsMetadata::default()
        }
    }

    fn plan(&mut self) -> Result<Plan, TransportError> {
        let name = &self.name;
        let read = |source: &mut dyn Read| {
            Plan::read(source).map_err(|source| TransportError::ToTar {
                name: name.clone(),
                source,
            })
        };
        match self.form {
            Form::Carrier => {
                let mut source = BufReader::new(&mut self.node);
                source
                    .seek(SeekFrom::Start(carrier::HEADER))
                    .map_err(TransportError::file("read", name))?;
                read(&mut source)
            }
            Form::Own { with_security } => {
                let source = self.node.backup(with_security);
                read(&mut source.map_err(TransportError::file("read", name))?)
            }
        }
    }

    fn append_to<W: Write>(&mut self, tar: &mut Writer<W>) -> Result<(), TransportError> {
        let (name, metadata) = (self.name.clone(), self.metadata());
        let mut plan = self.plan()?;
        let to_tar = |source| TransportError::ToTar {
            name: name.clone(),
            source,
        };
        if let Some(mut pristine) = self.pristine()? {
            let source = pristine.backup(false);
            let source = source.map_err(TransportError::file("read", &name))?;
            let security = plan.security.take();
            plan = Plan::read(source).map_err(to_tar)?;
            plan.security = security;
            let source = pristine.backup(false);
            let source = source.map_err(TransportError::file("read", &name))?;
            return plan
                .append_to(tar, name.as_bytes(), &metadata, source)
                .map_err(to_tar);
        }
        match self.form {
            Form::Carrier => {
                let mut source = BufReader::new(&mut self.node);
                source
                    .seek(SeekFrom::Start(carrier::HEADER))
                    .map_err(TransportError::file("read", &name))?;
                plan.append_to(tar, name.as_bytes(), &metadata, source)
            }
            Form::Own { with_security } => {
                let source = self.node.backup(with_security);
                let source = source.map_err(TransportError::file("read", &name))?;
                plan.append_to(tar, name.as_bytes(), &metadata, source)
            }
        }
        .map_err(to_tar)
    }

    /// Opens the first content of a file that Windows changed. Upstream exports the changed one.
    fn pristine(&self) -> Result<Option<F::Node>, TransportError> {
        let Some((layer, copy)) = self.layer.zip(pristine_copy(&self.name)) else {
            return Ok(None);
        };
        match layer.open(copy) {
            Ok(node) => Ok(Some(node)),
            Err(error) if super::tree::is_missing(&error) => Ok(None),
            Err(error) => Err(TransportError::file("read", copy)(error)),
        }
    }
}
