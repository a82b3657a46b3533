//! Layer tars to and from what the Host Compute Service takes and gives.
//!
//! ```text
//!  base layer:    tar ──BaseWriter──► the layer's folder ──ProcessBaseImage──► done
//!  other layers:  tar ──DiffWriter──► transport folder ──ImportLayer──► the layer's folder ──► deletions, links, times
//!
//!  base layer:    the layer's folder ──base_reader──► tar
//!  other layers:  ──ExportLayer──► transport folder ──diff_reader──► tar
//! ```
//!
//! In a transport folder (hcsshim internal/wclayer/legacy.go) each file below `Files` is a carrier: FileAttributes as 32
//! bits, then the file's backup stream. A folder is a folder, and a carrier beside it whose name ends in `.$wcidirs$`.
//! What lies in `Hives` is plain. An export lists deletions in `tombstones.txt`.

mod base_reader;
mod base_writer;
mod carrier;
mod diff_reader;
mod diff_writer;
mod error;
mod export;
mod import;
mod names;
mod tombstones;
mod tree;
mod utility_vm;

pub use error::TransportError;
pub use export::{Exported, Found, data_bytes, export, visit};
pub use import::import;
pub use names::pristine_copy;
pub use tombstones::{parse as parse_tombstones, print as print_tombstones};
pub(crate) use tree::{REPARSE_POINT, attributes, is_missing, is_real_folder, remove_below};

use std::path::{Path, PathBuf};

use transom_windows::{Descriptor, Folder, Hcs};

/// A layer and what a transport of it needs.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The layer's folder, absolute.
    pub layer: &'a Path,
    /// Folders of its parents, the immediate one first.
    pub parents: &'a [PathBuf],
    /// Where transport folders are made.
    pub staging: &'a Path,
}

impl Place<'_> {
    /// Names the parents as calls want them.
    pub(crate) fn descriptors(&self, hcs: &dyn Hcs) -> Result<Vec<Descriptor>, TransportError> {
        Ok(descriptors(hcs, self.parents)?)
    }

    fn transport_folder(&self) -> Result<tempfile::TempDir, TransportError> {
        tempfile::Builder::new()
            .prefix("hcs")
            .tempdir_in(self.staging)
            .map_err(|source| TransportError::Folder {
                path: self.staging.to_owned(),
                source,
            })
    }
}

/// Opens a folder that work is done in.
fn open_root<F: Folder>(path: &Path) -> Result<F, TransportError> {
    F::open_root(path).map_err(|source| TransportError::Folder {
        path: path.to_owned(),
        source,
    })
}

/// Names parents as calls want them. The id comes from the folder's name alone.
pub(crate) fn descriptors(
    hcs: &dyn Hcs,
    parents: &[PathBuf],
) -> Result<Vec<Descriptor>, transom_windows::HcsError> {
    let describe = |path: &PathBuf| {
        let name = path
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Ok(Descriptor {
            id: hcs.name_to_guid(&name)?,
            path: path.clone(),
        })
    };
    parents.iter().map(describe).collect()
}
