//! What can be wrong with the changes that a writable layer holds.

use std::path::PathBuf;

use transom_layer::DiffId;
use transom_layertar::PathError;
use transom_mount::MountError;
use transom_ntmeta::inherit::InheritError;
use transom_ntmeta::security::SecurityError;

use super::export::ExportError;
use crate::catalog::CatalogError;
use crate::chain::ChainError;
use crate::durable::FileError;
use crate::import::ImportError;
use crate::store::StoreError;
use crate::tree::TreeError;

/// An operation on a named layer that failed.
#[derive(Debug, thiserror::Error)]
#[error("layer {id}: {fault}")]
pub struct NamedLayerError {
    /// The layer's name.
    pub id: Box<str>,
    /// What went wrong.
    pub fault: NamedLayerFault,
}

/// Why an operation on a named layer failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NamedLayerFault {
    /// There is one of that name.
    #[error("there is one already")]
    Exists,
    /// There is none of that name.
    #[error("there is none of that name")]
    NotFound,
    /// Its parent is not there.
    #[error("its parent {parent} is not there")]
    NoParent {
        /// The parent.
        parent: String,
    },
    /// Another layer was made from it.
    #[error("layer {child} was made from it: remove that one first")]
    HasChild {
        /// The other layer.
        child: String,
    },
    /// What is written to a snapshot is in it.
    #[error(
        "it holds what is written to snapshot {key}: use or remove that where it was made, in containerd"
    )]
    OfSnapshot {
        /// The snapshot.
        key: String,
    },
    /// The snapshot that it would be of is another one by now.
    #[error("snapshot {key} was changed, committed or removed meanwhile")]
    SnapshotChanged {
        /// The snapshot, as it was called.
        key: String,
    },
    /// The name is of the kind that layers of snapshots have.
    #[error("names like this one are kept for what is written to snapshots: choose another")]
    NameOfSnapshots,
    /// It is mounted.
    #[error("it is mounted at {}: unmount it first", at.display())]
    Mounted {
        /// Where.
        at: PathBuf,
    },
    /// Something of the store is mounted where something else is to be.
    #[error("{what} is mounted at {} already: unmount it first", target.display())]
    TargetTaken {
        /// The layer that is there, or that it is an image.
        what: String,
        /// The folder.
        target: PathBuf,
    },
    /// A folder whose name is not UTF-8 cannot be noted.
    #[error("the name of the folder {} is not UTF-8: choose another one to mount at", target.display())]
    TargetName {
        /// The folder.
        target: PathBuf,
    },
    /// It is not mounted.
    #[error("it is not mounted")]
    NotMounted,
    /// Only a writable layer can do that.
    #[error("it is read-only")]
    NotWritable,
    /// Only a read-only layer can do that.
    #[error("it is writable: a tar is applied to a new read-only layer")]
    NotReadOnly,
    /// Something was applied to it before.
    #[error("it holds layer {diff_id} already")]
    Applied {
        /// What it holds.
        diff_id: DiffId,
    },
    /// Something was not found in it.
    #[error("there is no {name} in it")]
    NoFile {
        /// Name in the tar.
        name: String,
    },
    /// It has no scratch image.
    #[error("it was made without a size, as a plain folder: it has no bound that could be changed")]
    NoBound,
    /// A view that there is not.
    #[error("there is no folder {folder} in it to mount")]
    NoView {
        /// The folder.
        folder: String,
    },
    /// An overlay has kept its notes where only root can read them.
    #[error(
        "it was mounted before, and what the kernel noted then only root can read: run this as root"
    )]
    NeedsRoot,
    /// A mount failed.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// Its changes cannot be told.
    #[error(transparent)]
    Changes(#[from] ChangesError),
    /// Its changes cannot be written.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// An edit makes no sense, or cannot be made.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// A tar was refused. The text has the reason, because clients of the driver show nothing else.
    #[error("cannot import its tar: {}", .0.failure)]
    Import(#[from] ImportError),
    /// The chain below cannot be used.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An edit that makes no sense, or cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// There is something of that name.
    #[error("there is a {path} already")]
    Exists {
        /// The path.
        path: String,
    },
    /// It is a folder.
    #[error("{path} is a folder")]
    IsFolder {
        /// The path.
        path: String,
    },
    /// Something on the way is no folder.
    #[error("something on the way to {path} is no folder")]
    NotAFolder {
        /// The path.
        path: String,
    },
    /// A folder that has something in it.
    #[error("{path} is not empty")]
    NotEmpty {
        /// The path.
        path: String,
    },
    /// A folder cannot be moved into itself.
    #[error("{path} cannot be moved into itself")]
    IntoItself {
        /// The path.
        path: String,
    },
    /// The root itself cannot be changed.
    #[error("the root of a layer cannot be changed")]
    Root,
    /// A stream belongs to its file.
    #[error("{path}: an alternate stream stays with its file; copy it instead")]
    StreamStays {
        /// The path.
        path: String,
    },
    /// A stream has no attributes of its own.
    #[error("{path} has no attributes or security of its own")]
    NoMetadata {
        /// The path.
        path: String,
    },
    /// No Windows layer can have the name.
    #[error("{path}: no Windows layer can have this name: {source}")]
    Name {
        /// The path.
        path: String,
        /// The rule it breaks.
        source: PathError,
    },
    /// The name means a deletion.
    #[error("{path}: in a layer, a name that begins with .wh. means a deletion")]
    WhiteoutName {
        /// The path.
        path: String,
    },
    /// A name that Windows takes for something of its own.
    #[error("{path}: a name that ends in .$wcidirs$ is dropped by Windows")]
    CarrierName {
        /// The path.
        path: String,
    },
    /// A stream's name that NTFS does not have.
    #[error("{path}: an alternate stream has one name, without another colon: file:stream")]
    StreamName {
        /// The path.
        path: String,
    },
    /// A stream is a file.
    #[error("{path}: an alternate stream is neither a folder nor a link")]
    StreamIsFile {
        /// The path.
        path: String,
    },
    /// Something that a layer cannot take away.
    #[error("{path} stays: no layer can delete or rename it (Windows refuses this, too)")]
    Undeletable {
        /// The path.
        path: String,
    },
    /// Windows metadata for a Linux image.
    #[error("files of a Linux image have no Windows attributes or security")]
    NoWindowsMetadata,
    /// Permission bits for a Windows image.
    #[error("files of a Windows image have no permission bits: give them a security descriptor")]
    NoPermissions,
    /// A damaged descriptor.
    #[error("{path}: the security descriptor is damaged: {source}")]
    Security {
        /// The path.
        path: String,
        /// What is wrong with it.
        source: SecurityError,
    },
    /// Without root no file can be given to another owner.
    #[error("files of a Linux image have owners, which only root can keep: run this as root")]
    OwnersNeedRoot,
}

impl From<FileError> for NamedLayerFault {
    fn from(error: FileError) -> Self {
        Self::Store(error.into())
    }
}

impl From<CatalogError> for NamedLayerFault {
    fn from(error: CatalogError) -> Self {
        Self::Store(error.into())
    }
}

impl From<TreeError> for NamedLayerFault {
    fn from(error: TreeError) -> Self {
        Self::Chain(error.into())
    }
}

/// Adds the layer's name to a result.
pub(crate) trait OfLayer<T> {
    fn of_layer(self, id: &str) -> Result<T, NamedLayerError>;
}

impl<T, F: Into<NamedLayerFault>> OfLayer<T> for Result<T, F> {
    fn of_layer(self, id: &str) -> Result<T, NamedLayerError> {
        self.map_err(|fault| NamedLayerError {
            id: id.into(),
            fault: fault.into(),
        })
    }
}

/// Changes that cannot be told, or cannot be part of a layer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangesError {
    /// The chain below cannot be read.
    #[error("the chain below: {0}")]
    Lower(#[from] TreeError),
    /// A file of the writable layer cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Two new names are one name on Windows.
    #[error(
        "{first} and {second} are one name on Windows, which does not tell upper from lower case: rename or delete one"
    )]
    Clash {
        /// The one path.
        first: String,
        /// The other path.
        second: String,
    },
    /// An alternate stream without its file.
    #[error(
        "{stream} is an alternate stream, and the file it belongs to is not there: delete it, or move it to where the file is now"
    )]
    StreamOfNothing {
        /// Path of the stream.
        stream: String,
    },
    /// A folder or something else that is no file where an alternate stream is named.
    #[error("{stream} is named like an alternate stream, but is {what}")]
    StreamIsNoFile {
        /// Path of the stream.
        stream: String,
        /// What it is.
        what: &'static str,
    },
    /// A name that a Windows layer cannot have.
    #[error("{path}: no Windows layer can have this name: {source}; rename or delete it")]
    Name {
        /// The path.
        path: String,
        /// The rule it breaks.
        source: PathError,
    },
    /// A name that means something else in a layer.
    #[error("{path}: a name that {what} cannot be kept in a layer; rename or delete it")]
    ReservedName {
        /// The path.
        path: String,
        /// What it means.
        what: &'static str,
    },
    /// Something that Windows does not have.
    #[error("{path} is {what}, which a Windows layer cannot hold; delete it")]
    Kind {
        /// The path.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// An attribute that does not hold what it should.
    #[error("{path} has a bad {what}: set or delete that extended attribute")]
    Attribute {
        /// The path.
        path: String,
        /// Which attribute.
        what: &'static str,
    },
    /// No descriptor can be inherited.
    #[error("{path}: {source}")]
    Inherit {
        /// The path.
        path: String,
        /// Why.
        source: InheritError,
    },
    /// Data or a folder of the chain that is not where the layer says.
    #[error(
        "{path} refers to {target} of the chain, which is not there: the layer was made over another chain"
    )]
    LostSource {
        /// The path.
        path: String,
        /// What it refers to.
        target: String,
    },
    /// One folder of the chain in two places.
    #[error("{first} and {second} are both marked as one renamed folder: delete one of them")]
    MovedTwice {
        /// The one path.
        first: String,
        /// The other path.
        second: String,
    },
    /// Something that a layer cannot take away.
    #[error("{path} was deleted: no layer can delete it (Windows refuses this, too); put it back")]
    Undeletable {
        /// The path.
        path: String,
    },
}

/// A path as it is shown in errors.
pub(super) fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}
