//! Attributes, security descriptors and permission bits.

use rustix::fs::Mode;
use transom_layer::{Names, TreePath};
use transom_ntmeta::attributes::FileAttributes;
use transom_ntmeta::security::SecurityDescriptor;

use super::Editor;
use crate::durable::Named;
use crate::index::keys;
use crate::writable::draft::{self, now};
use crate::writable::error::{EditError, NamedLayerFault};
use crate::writable::place::Place;
use crate::writable::upper::UpperKind;

impl Editor {
    pub(super) fn change_attributes(
        &self,
        path: &TreePath,
        set: FileAttributes,
        clear: FileAttributes,
    ) -> Result<(), NamedLayerFault> {
        let (folder, raised) = self.to_change(path)?;
        let before = raised.attributes(&self.writable.lower)?;
        let after = (before - clear) | set;
        let change = vec![(keys::FILE_ATTRIBUTES, after.bits().to_string().into_bytes())];
        self.change(&folder, &raised, change)?;
        if raised.is_plain_file() {
            let mode = match after.contains(FileAttributes::READONLY) {
                true => 0o444,
                false => 0o644,
            };
            self.set_mode(&folder, &raised, mode)?;
        }
        Ok(())
    }

    pub(super) fn change_security(
        &self,
        path: &TreePath,
        security: &[u8],
    ) -> Result<(), NamedLayerFault> {
        SecurityDescriptor::parse(security).map_err(|source| EditError::Security {
            path: path.to_string(),
            source,
        })?;
        let (folder, raised) = self.to_change(path)?;
        self.change(&folder, &raised, vec![(keys::SECURITY, security.to_vec())])
    }

    /// Changes attributes, and with them the time of change.
    fn change(
        &self,
        folder: &Place,
        place: &Place,
        mut attributes: Vec<(&[u8], Vec<u8>)>,
    ) -> Result<(), NamedLayerFault> {
        let handle = self.open_folder(folder)?;
        let shown = self.shown(folder, &place.stored);
        attributes.push((keys::CHANGE, now().to_pax().into_bytes()));
        for (key, value) in attributes {
            draft::set_attribute(&handle, &place.stored, key, &value)
                .named("set attributes of", &shown)?;
        }
        Ok(())
    }

    pub(super) fn change_permissions(
        &self,
        path: &TreePath,
        mode: u16,
    ) -> Result<(), NamedLayerFault> {
        if self.writable.layer().names == Names::Windows {
            return Err(EditError::NoPermissions.into());
        }
        let place = self.existing(path)?;
        let folder = self.raise_folder(self.folder_of(path)?.0)?;
        let raised = self.raise(&folder, &place)?;
        if let Some((entry, _)) = &raised.upper
            && matches!(entry.kind, UpperKind::Symlink(_))
        {
            return Ok(());
        }
        self.set_mode(&folder, &raised, mode)
    }

    fn set_mode(&self, folder: &Place, place: &Place, mode: u16) -> Result<(), NamedLayerFault> {
        let handle = self.open_folder(folder)?;
        let mode = Mode::from_raw_mode(mode.into());
        draft::set_mode(&handle, &place.stored, mode)
            .named("set the mode of", &self.shown(folder, &place.stored))?;
        Ok(())
    }

    /// Finds an entry whose Windows metadata can be changed, and makes it one of the upper folder.
    fn to_change(&self, path: &TreePath) -> Result<(Place, Place), NamedLayerFault> {
        if self.writable.layer().names == Names::Posix {
            return Err(EditError::NoWindowsMetadata.into());
        }
        let place = self.existing(path)?;
        if path.stream().is_some() {
            let path = path.to_string();
            return Err(EditError::NoMetadata { path }.into());
        }
        let folder = self.raise_folder(self.folder_of(path)?.0)?;
        let raised = self.raise(&folder, &place)?;
        Ok((folder, raised))
    }
}
