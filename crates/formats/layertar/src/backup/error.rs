//! Why a backup stream cannot become entries.

use std::io;

use transom_ntmeta::backup_stream::{BackupError, SparseError, StreamId};
use transom_ntmeta::ea::EaError;
use transom_ntmeta::reparse::ReparseError;

use super::to_tar::MAX_METADATA;
use crate::parse::shown;
use crate::windows::MetadataError;
use crate::write::WriteError;

/// Why a backup stream cannot become entries. Positions are bytes from the start of the backup stream.
#[derive(Debug, thiserror::Error)]
pub enum ToTarError {
    /// The backup stream is malformed.
    #[error("cannot read the backup stream")]
    Stream(#[from] BackupError),
    /// Sparse blocks do not make a file.
    #[error("stream at byte {at}: bad sparse blocks")]
    Sparse {
        /// Where the header of the stream or block lies.
        at: u64,
        /// The rule they break.
        source: SparseError,
    },
    /// The stream is of a kind that the tar has no form for.
    #[error("stream at byte {at}: {id} cannot be kept in a tar")]
    UnknownStream {
        /// Where its header lies.
        at: u64,
        /// What it holds.
        id: StreamId,
    },
    /// The data is kept elsewhere and only named here.
    #[error("stream at byte {at}: the data of a ghosted {id} is not in the backup stream")]
    Ghosted {
        /// Where its header lies.
        at: u64,
        /// What it holds.
        id: StreamId,
    },
    /// There are two streams where there may be one.
    #[error("stream at byte {at}: a second {id}")]
    Twice {
        /// Where the second one's header lies.
        at: u64,
        /// What it holds.
        id: StreamId,
    },
    /// A metadata stream is too large for a tar.
    #[error("stream at byte {at}: {id} of {found} bytes, at most {MAX_METADATA} fit a tar")]
    TooLarge {
        /// Where its header lies.
        at: u64,
        /// What it holds.
        id: StreamId,
        /// Its size.
        found: u64,
    },
    /// An alternate stream's name is not `:name:$DATA`, or cannot be part of an entry's name.
    #[error("stream at byte {at}: {name:?} is no name of an alternate data stream")]
    StreamName {
        /// Where its header lies.
        at: u64,
        /// The name, lone surrogates replaced.
        name: String,
    },
    /// Two alternate streams have names that NTFS takes for one.
    #[error("stream at byte {at}: a second stream named {name:?}")]
    StreamNameTwice {
        /// Where its header lies.
        at: u64,
        /// The name.
        name: String,
    },
    /// The list of extended attributes is malformed.
    #[error("stream at byte {at}: bad extended attributes")]
    Eas {
        /// Where its header lies.
        at: u64,
        /// The rule it breaks.
        source: EaError,
    },
    /// The reparse point is damaged, or its tag is neither a symbolic link's nor a mount point's.
    #[error("stream at byte {at}: the reparse point cannot be kept in a tar")]
    Reparse {
        /// Where its header lies.
        at: u64,
        /// The rule it breaks.
        source: ReparseError,
    },
    /// A link would lead elsewhere after a round trip: the tar keeps one target, the link has two that differ.
    #[error(
        "stream at byte {at}: a link to {substitute:?} that shows {print:?} cannot be kept in a tar"
    )]
    LossyLink {
        /// Where its header lies.
        at: u64,
        /// Where it leads.
        substitute: String,
        /// What it shows.
        print: String,
    },
    /// A directory has a main stream, or a link has content.
    #[error("{what} with {size} bytes of main stream cannot be kept in a tar")]
    UnexpectedData {
        /// What has it.
        what: &'static str,
        /// Its size in bytes.
        size: u64,
    },
    /// The metadata cannot become PAX records.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The entries cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Data could not be copied.
    #[error("entry {}: cannot copy its data", shown(.name))]
    Copy {
        /// Name of the entry.
        name: Vec<u8>,
        /// What the source or the sink said.
        source: io::Error,
    },
}
