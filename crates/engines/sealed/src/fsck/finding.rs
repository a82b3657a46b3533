//! What a check finds, and what is done about it.

use std::fmt;
use std::path::PathBuf;

use transom_layer::{BlobDigest, DiffId};

/// Something in a store that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where: a path below the store's folder; for a mount where it is.
    pub place: PathBuf,
    /// What is wrong.
    pub problem: Problem,
    /// Bytes it is about, as the file system allocates them: what is given back by deleting, what is damaged.
    pub bytes: u64,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A layer's folder without a row.
    #[error("a layer that the catalog does not know")]
    OrphanLayer,
    /// A kept blob without a row.
    #[error("a compressed layer that the catalog does not know")]
    OrphanBlob,
    /// The files of a writable layer without a row.
    #[error("files of a writable layer that the catalog does not know")]
    OrphanWritable,
    /// A merged index that nothing needs.
    #[error("a merged index of layers that nothing stacks so any more")]
    OrphanChain,
    /// What an operation wrote whose process is gone.
    #[error("left by an operation that ended early")]
    DeadOperation,
    /// A file or folder whose deletion did not finish.
    #[error("a deletion that did not finish")]
    Trash,
    /// A lease whose holder is gone.
    #[error("layer {layer} is held for an operation that ended early")]
    DeadLease {
        /// The layer that it keeps.
        layer: DiffId,
    },
    /// Something that this program did not make.
    #[error("not of this store")]
    Foreign,
    /// A mount that was noted and that the kernel does not show.
    #[error("noted as a mount, but nothing is mounted there")]
    StaleMount,
    /// A mount whose process is gone.
    #[error("a mount whose process is gone")]
    DeadMount,
    /// A layer noted as held by a driver that is mounted nowhere.
    #[error("layer {id} is noted as in use by a driver, but it is not mounted")]
    StaleHold {
        /// The layer.
        id: String,
    },
    /// Mount points, or mounts, that nobody asked for.
    #[error("mount points of a layer that nobody has mounted")]
    StaleMountPoints,
    /// The files of a row lie in the trash: their removal was undone.
    #[error("its files lie in the trash, though it was not removed")]
    InTrash,
    /// The files of a layer are gone.
    #[error("the files of layer {layer} are gone")]
    LayerGone {
        /// The layer.
        layer: DiffId,
    },
    /// The tar of a layer is damaged.
    #[error("the tar of layer {layer} is damaged: {reason}")]
    TarDamaged {
        /// The layer.
        layer: DiffId,
        /// In what.
        reason: String,
    },
    /// The index of a layer is damaged or gone; the tar has all that it is made from.
    #[error("the index of layer {layer} is damaged: {reason}")]
    IndexDamaged {
        /// The layer.
        layer: DiffId,
        /// In what.
        reason: String,
    },
    /// A number in the catalog is not that of the files.
    #[error("the catalog has {recorded} as the {what}, there are {found}")]
    WrongCount {
        /// Of what.
        of: Counted,
        /// Which number.
        what: &'static str,
        /// The number in the catalog.
        recorded: u64,
        /// The true one.
        found: u64,
    },
    /// The bytes of a kept blob are damaged or gone.
    #[error("the compressed form of layer {layer} is damaged: {reason}")]
    BlobDamaged {
        /// The layer it inflates to.
        layer: DiffId,
        /// The blob.
        blob: BlobDigest,
        /// In what.
        reason: String,
    },
    /// A merged index is damaged.
    #[error("a merged index is damaged: {reason}")]
    ChainDamaged {
        /// In what.
        reason: String,
    },
    /// The files of a writable layer are gone, and what was written with them.
    #[error("the files of writable layer {id} are gone: {reason}")]
    WritableGone {
        /// The layer.
        id: String,
        /// In what.
        reason: String,
    },
    /// A writable layer has no file to lock.
    #[error("writable layer {id} has no lock file")]
    NoLock {
        /// The layer.
        id: String,
    },
    /// A manifest or config in the catalog is damaged or gone.
    #[error("document {document} of image {image} is damaged or gone")]
    Document {
        /// The image.
        image: BlobDigest,
        /// The document.
        document: BlobDigest,
    },
    /// The notes from which the catalog can be made again are damaged or lack something.
    #[error("what is noted of the catalog is damaged or not all there")]
    Notes,
    /// SQLite finds the catalog damaged, or it is not what is noted of it.
    #[error("the catalog is damaged: {said}")]
    Catalog {
        /// What SQLite said.
        said: String,
    },
}

/// What a number in the catalog is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// A layer.
    Layer(DiffId),
    /// A compressed layer.
    Blob(BlobDigest),
}

/// What is done about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Remedy {
    /// It is deleted.
    Delete,
    /// Its row is deleted.
    Forget,
    /// Its files are put back.
    PutBack,
    /// The catalog is corrected.
    Correct,
    /// It is made again from what it was made from.
    MakeAgain,
    /// It is moved to `quarantine/`, until the same layer is loaded or pulled again.
    SetAside,
    /// It is unmounted.
    Unmount,
    /// Nothing: it is left to people.
    Leave,
    /// Nothing, short of making the catalog again.
    Rebuild,
}

impl Problem {
    /// Returns what is done about it.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::OrphanLayer
            | Self::OrphanBlob
            | Self::OrphanWritable
            | Self::OrphanChain
            | Self::DeadOperation
            | Self::Trash
            | Self::ChainDamaged { .. } => Remedy::Delete,
            Self::DeadLease { .. }
            | Self::StaleMount
            | Self::StaleHold { .. }
            | Self::BlobDamaged { .. }
            | Self::WritableGone { .. } => Remedy::Forget,
            Self::StaleMountPoints | Self::DeadMount => Remedy::Unmount,
            Self::InTrash => Remedy::PutBack,
            Self::LayerGone { .. } | Self::TarDamaged { .. } => Remedy::SetAside,
            Self::IndexDamaged { .. } | Self::NoLock { .. } | Self::Notes => Remedy::MakeAgain,
            Self::WrongCount { .. } => Remedy::Correct,
            Self::Foreign | Self::Document { .. } => Remedy::Leave,
            Self::Catalog { .. } => Remedy::Rebuild,
        }
    }
}

impl Remedy {
    /// Says in a word or two what was done, as on the command line and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "deleted",
            Self::Forget => "forgotten",
            Self::PutBack => "put back",
            Self::Correct => "corrected",
            Self::MakeAgain => "made again",
            Self::SetAside => "set aside",
            Self::Unmount => "unmounted",
            Self::Leave | Self::Rebuild => "left",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place.display(), self.problem)
    }
}
