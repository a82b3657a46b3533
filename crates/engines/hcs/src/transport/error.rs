//! Why a layer cannot be carried over.

use std::io;
use std::path::PathBuf;

use transom_layertar::backup::{ToBackupError, ToTarError};
use transom_layertar::path::PathError;
use transom_layertar::whiteout::EmptyWhiteout;
use transom_layertar::windows::MetadataError;
use transom_layertar::{ReadError, WriteError};
use transom_windows::HcsError;

/// Why a layer cannot be imported or exported.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The tar cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The tar cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// An entry's name is refused.
    #[error(transparent)]
    Name(#[from] PathError),
    /// A whiteout names nothing.
    #[error(transparent)]
    Whiteout(#[from] EmptyWhiteout),
    /// An entry's metadata cannot be read or written.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// An entry cannot become a backup stream.
    #[error(transparent)]
    ToBackup(#[from] ToBackupError),
    /// A backup stream cannot become an entry.
    #[error("entry {name:?} cannot be kept in a tar")]
    ToTar {
        /// The entry.
        name: String,
        /// What it has that a tar cannot hold.
        source: ToTarError,
    },
    /// An entry breaks a rule of Windows layers.
    #[error("entry {name:?}: {rule}")]
    Rule {
        /// The entry.
        name: String,
        /// The rule, and what to do.
        rule: &'static str,
    },
    /// A hard link leads nowhere.
    #[error(
        "entry {name:?} is a hard link to {target:?}, which neither this layer nor a parent has"
    )]
    LinkTarget {
        /// The entry.
        name: String,
        /// What it names.
        target: String,
    },
    /// A transport folder that the service wrote is not as it should be.
    #[error("the exported folder is damaged: {what}")]
    Damaged {
        /// What is wrong with it.
        what: String,
    },
    /// The file system refuses.
    #[error("cannot {verb} {name:?}")]
    File {
        /// What was being done.
        verb: &'static str,
        /// To which entry.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// A folder that work is done in cannot be made or opened.
    #[error("cannot use the folder {}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The Host Compute Service refuses.
    #[error(transparent)]
    Hcs(#[from] HcsError),
}

impl TransportError {
    /// Names a file that something failed with.
    pub(super) fn file(verb: &'static str, name: &str) -> impl FnOnce(io::Error) -> Self {
        let name = name.to_owned();
        move |source| Self::File { verb, name, source }
    }

    pub(super) fn rule(name: &str, rule: &'static str) -> Self {
        Self::Rule {
            name: name.to_owned(),
            rule,
        }
    }
}
