//! What Windows gives a new file or folder that is made below a folder with a security descriptor.
//!
//! The rules are those of MS-DTYP 2.5.3.4 and of "ACE Inheritance Rules" in the Windows documentation, for files:
//! a creator who says nothing about security, files without a class, the generic rights of files.
//!
//! NTFS marks what is inherited (`ID`, and `AI` for the list) only below a parent whose own list has `AI`; below
//! others the same entries come without marks. DACL and SACL decide that each for itself: of a folder with
//! `D:P…S:AI…` a file has a DACL without and a SACL with marks. A parent's `P` keeps entries from the parent, not
//! from its children.

mod entry;

#[cfg(test)]
mod tests;

use entry::{Child, FILE_ALL_ACCESS, allow};

use crate::security::writer::{self, MAX_ACL_LEN};
use crate::security::{AceFlags, AclField, Control, SecurityDescriptor, Sid};

/// On whose behalf a file is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Creator<'a> {
    /// The owner that the file gets.
    pub owner: Sid<'a>,
    /// The primary group that the file gets.
    pub group: Sid<'a>,
}

impl Creator<'static> {
    /// Returns what a build step in a Windows container makes files as, unless it names another user.
    ///
    /// The owner is the Administrators group: the default owner of administrators' tokens, and the owner that
    /// files of ContainerAdministrator have been seen with. The primary group of that account is not published;
    /// this takes the owner again, as the Cloud Native Buildpacks do for the layers they write. The group
    /// decides nothing on Windows, except where an entry is inherited that names CREATOR GROUP.
    pub fn container_administrator() -> Creator<'static> {
        Creator {
            owner: Sid::ADMINISTRATORS,
            group: Sid::ADMINISTRATORS,
        }
    }
}

/// Why there is no descriptor for a new file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InheritError {
    /// The entries do not fit: a folder may get two entries for one, and a SID may be longer than its placeholder.
    #[error("inherited {list} would have {found} bytes, at most {limit} are allowed")]
    TooLarge {
        /// `DACL` or `SACL`.
        list: &'static str,
        /// Bytes that it would have.
        found: usize,
        /// The most that an ACL can have, in bytes.
        limit: usize,
    },
}

/// Returns the self-relative descriptor of a file or folder that is made below `parent`, laid out as Windows does.
///
/// Where nothing is inherited (no parent, no DACL or a NULL one, no entry for this kind of child), the DACL is the
/// one that the creator's token would give: full access for the owner and for SYSTEM. A SACL that would be empty
/// is left out.
///
/// # Errors
/// [`InheritError::TooLarge`] if a list would be longer than 64 KiB.
pub fn inherit(
    parent: Option<&SecurityDescriptor<'_>>,
    is_directory: bool,
    creator: &Creator<'_>,
) -> Result<Vec<u8>, InheritError> {
    let child = Child {
        is_directory,
        owner: creator.owner,
        group: creator.group,
    };
    let mut control = Control::SELF_RELATIVE | Control::DACL_PRESENT;
    let mut dacl = Vec::new();
    let mut sacl = Vec::new();
    if let Some(parent) = parent {
        let (dacl_mark, sacl_mark) = (
            parent.control() & Control::DACL_AUTO_INHERITED,
            parent.control() & Control::SACL_AUTO_INHERITED,
        );
        dacl = inherited_entries(&child, parent.dacl(), !dacl_mark.is_empty());
        sacl = inherited_entries(&child, parent.sacl(), !sacl_mark.is_empty());
        if !dacl.is_empty() {
            control |= dacl_mark;
        }
        if !sacl.is_empty() {
            control |= Control::SACL_PRESENT | sacl_mark;
        }
    }
    if dacl.is_empty() {
        dacl.push(allow(FILE_ALL_ACCESS, creator.owner));
        if creator.owner != Sid::LOCAL_SYSTEM {
            dacl.push(allow(FILE_ALL_ACCESS, Sid::LOCAL_SYSTEM));
        }
    }
    let dacl = list_of("DACL", &dacl)?;
    let sacl = match sacl.as_slice() {
        [] => None,
        entries => Some(list_of("SACL", entries)?),
    };
    let parts = writer::Parts {
        owner: Some(creator.owner.as_bytes()),
        group: Some(creator.group.as_bytes()),
        sacl: sacl.as_deref(),
        dacl: Some(&dacl),
    };
    Ok(writer::descriptor(control, &parts))
}

/// Returns the descriptor that the root of a Windows Server system volume has, for a root that has none.
///
/// Protected; Administrators and SYSTEM have full access to everything, Users may read everything, add folders, and
/// add files to folders below the root; CREATOR OWNER has full access below. Entries and order are those that
/// icacls shows for `C:\` in Server Core containers, without the one that lets Everyone read the root itself; the
/// owner is TrustedInstaller, as on every installed system.
pub fn default_root() -> &'static [u8] {
    &DEFAULT_ROOT
}

/// `O:S-1-5-80-956008885-…G:S-1-5-80-956008885-…D:PAI(…)`; the tests have all of it as text.
#[rustfmt::skip]
const DEFAULT_ROOT: [u8; 228] = [
    1, 0, 0x04, 0x94, 164, 0, 0, 0, 196, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, // header
    2, 0, 144, 0, 6, 0, 0, 0, // DACL
    0, 0x03, 24, 0, 0xFF, 0x01, 0x1F, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0, // Administrators: all
    0, 0x03, 20, 0, 0xFF, 0x01, 0x1F, 0, 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0, // SYSTEM: all
    0, 0x0B, 20, 0, 0, 0, 0, 0x10, 1, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, // CREATOR OWNER: all, below
    0, 0x03, 24, 0, 0xA9, 0x00, 0x12, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0, // Users: read, execute
    0, 0x02, 24, 0, 0x04, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0, // Users: add folders
    0, 0x0A, 24, 0, 0x02, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0, // Users: add files, below
    1, 6, 0, 0, 0, 0, 0, 5, 80, 0, 0, 0, 0xB5, 0x89, 0xFB, 0x38, 0x19, 0x84, 0xC2, 0xCB, // owner: TrustedInstaller
    0x5C, 0x6C, 0x23, 0x6D, 0x57, 0x00, 0x77, 0x6E, 0xC0, 0x02, 0x64, 0x87,
    1, 6, 0, 0, 0, 0, 0, 5, 80, 0, 0, 0, 0xB5, 0x89, 0xFB, 0x38, 0x19, 0x84, 0xC2, 0xCB, // group: the same
    0x5C, 0x6C, 0x23, 0x6D, 0x57, 0x00, 0x77, 0x6E, 0xC0, 0x02, 0x64, 0x87,
];

/// The entries that a child gets from one list of its parent, in the parent's order.
fn inherited_entries(child: &Child<'_>, list: AclField<'_>, is_marked: bool) -> Vec<Vec<u8>> {
    let AclField::Present(acl) = list else {
        return Vec::new();
    };
    let mark = if is_marked {
        AceFlags::INHERITED
    } else {
        AceFlags::empty()
    };
    let mut entries = Vec::new();
    for ace in acl.aces() {
        child.inherit_entry(&ace, mark, &mut entries);
    }
    entries
}

fn list_of(list: &'static str, entries: &[Vec<u8>]) -> Result<Vec<u8>, InheritError> {
    writer::acl(entries).map_err(|found| InheritError::TooLarge {
        list,
        found,
        limit: MAX_ACL_LEN,
    })
}
