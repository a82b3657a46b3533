//! What a host must be able to do with layers for the driver to drive it.

use std::fmt;
use std::io::{Read, Write};
use std::path::PathBuf;

use crate::Id;

/// What a failure means to the one who called, whatever caused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The layer, its parent or the file is not there.
    NotFound,
    /// There is a layer of that id.
    Exists,
    /// The layer is mounted, or another one is built on it.
    InUse,
    /// What is stored or what came in is damaged.
    Corrupt,
    /// This host or this engine cannot do it.
    Unsupported,
    /// A disk or a quota is full.
    NoSpace,
    /// The system forbids it.
    Denied,
    /// The request makes no sense.
    Invalid,
    /// Anything else.
    Other,
}

/// The error of an engine: says what was being done to what, and what the system said.
pub trait EngineError: std::error::Error + Send + Sync + 'static {
    /// Returns what the failure means to the caller.
    fn kind(&self) -> ErrorKind;
}

/// How something differs from the parent; the numbers are those of Docker's plugin API (moby pkg/archive).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ChangeKind {
    /// Both have it, and it differs.
    Modified = 0,
    /// Only the layer has it.
    Added = 1,
    /// Only the parent has it.
    Deleted = 2,
}

impl ChangeKind {
    /// Returns the number that stands for it on the wire.
    pub fn number(self) -> u8 {
        self as u8
    }
}

/// One difference between a layer and its parent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Change {
    /// Path from the tar's root, with `/` and none in front: `Files/x`, `Hives/System_Delta`.
    pub path: String,
    /// How it differs.
    pub kind: ChangeKind,
}

/// In which state [`Engine::export`], [`Engine::changes`] and [`Engine::diff_size`] can read a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exports {
    /// In any: mounted or not. The driver calls them and nothing else.
    AnyState,
    /// Active and not prepared, as ExportLayer of the Host Compute Service wants it.
    ///
    /// The driver unprepares a mounted layer for as long as they run. One that is not mounted it activates, and
    /// prepares and unprepares once: a writable layer that never was prepared exports wrongly.
    Unprepared,
}

/// One host's way to keep layers. Each method is one step; which step follows which is the [`Driver`](crate::Driver)'s.
///
/// Promises to the engine:
/// * steps of one layer come one after the other, except [`exists`](Self::exists), [`open_file`](Self::open_file),
///   [`metadata`](Self::metadata) and [`path`](Self::path), which come at any time;
/// * a layer is activated before it is prepared, and each only once until it is undone.
///
/// Promises of the engine:
/// * a step that fails has changed nothing;
/// * making a layer and destroying its parent exclude each other: one of the two fails;
/// * what a step did is still there after the process died.
pub trait Engine: Send + Sync + 'static {
    /// What its methods fail with.
    type Error: EngineError;

    /// Says in which state layers can be exported and compared.
    fn exports(&self) -> Exports;

    /// Says whether there is such a layer.
    ///
    /// # Errors
    /// It cannot be found out.
    fn exists(&self, id: &Id) -> Result<bool, Self::Error>;

    /// Makes a read-only layer, empty until [`import`](Self::import).
    ///
    /// # Errors
    /// [`ErrorKind::Exists`] if there is one, [`ErrorKind::NotFound`] if there is no such parent.
    fn create(&self, id: &Id, parent: Option<&Id>) -> Result<(), Self::Error>;

    /// Makes a writable layer that holds `size` bytes, never 0; without a size the engine decides how much.
    ///
    /// A layer that is there has its size. If the process dies in between, the layer is gone when the engine is
    /// opened again, or can be made again at once.
    ///
    /// # Errors
    /// [`ErrorKind::Exists`] if there is one, [`ErrorKind::NotFound`] if there is no such parent, or the size cannot
    /// be had.
    fn create_writable(
        &self,
        id: &Id,
        parent: Option<&Id>,
        size: Option<u64>,
    ) -> Result<(), Self::Error>;

    /// Brings up the lower half of a mount: the layer's disk.
    ///
    /// # Errors
    /// The layer is not there, or the system refuses.
    fn activate(&self, id: &Id) -> Result<(), Self::Error>;

    /// Brings up the upper half of a mount: the layer shows its parents' files.
    ///
    /// # Errors
    /// The system refuses.
    fn prepare(&self, id: &Id) -> Result<(), Self::Error>;

    /// Undoes [`prepare`](Self::prepare).
    ///
    /// # Errors
    /// The system refuses, as while a file is in use.
    fn unprepare(&self, id: &Id) -> Result<(), Self::Error>;

    /// Undoes [`activate`](Self::activate). Tried also after [`unprepare`](Self::unprepare) failed.
    ///
    /// # Errors
    /// The system refuses.
    fn deactivate(&self, id: &Id) -> Result<(), Self::Error>;

    /// Returns where a prepared layer's `C:\` is, or the layer's folder where the platform names no place.
    /// It is the same place after the layer was unprepared and prepared again.
    ///
    /// # Errors
    /// The system does not tell.
    fn mount_path(&self, id: &Id) -> Result<PathBuf, Self::Error>;

    /// Deletes a layer; one that is not there is no error. After it nothing of the layer is visible.
    ///
    /// # Errors
    /// [`ErrorKind::InUse`] if another layer is built on it.
    fn destroy(&self, id: &Id) -> Result<(), Self::Error>;

    /// Fills a new read-only layer from an uncompressed layer tar; reading may end with the tar's end mark.
    ///
    /// Returns the bytes of main file data: streams and links do not count.
    ///
    /// # Errors
    /// The tar is refused, or the source fails.
    fn import(&self, id: &Id, tar: &mut dyn Read) -> Result<u64, Self::Error>;

    /// Writes the layer's differences from its parent as a layer tar.
    ///
    /// # Errors
    /// The layer cannot be read, or `out` fails: then nobody wants the rest.
    fn export(&self, id: &Id, out: &mut dyn Write) -> Result<(), Self::Error>;

    /// Lists the layer's differences from its parent. A folder that differs only in what is below it may be
    /// listed as modified.
    ///
    /// # Errors
    /// The layer cannot be read.
    fn changes(&self, id: &Id) -> Result<Vec<Change>, Self::Error>;

    /// Returns what [`import`](Self::import) would return for the layer's [`export`](Self::export).
    ///
    /// # Errors
    /// The layer cannot be read.
    fn diff_size(&self, id: &Id) -> Result<u64, Self::Error>;

    /// Opens one file of the layer itself by its name in the tar (`Files/a`, `Files/a:stream`), as it was imported.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the layer does not have it.
    fn open_file(&self, id: &Id, name: &str) -> Result<Box<dyn Read + Send>, Self::Error>;

    /// Returns, after a start, the layers that are active and prepared, and the count that was stored last for each;
    /// 1 if none was. An engine first undoes what is only half mounted, and its count.
    ///
    /// # Errors
    /// It cannot be found out.
    fn references(&self) -> Result<Vec<(Id, u64)>, Self::Error>;

    /// Keeps a layer's reference count for [`references`](Self::references); 0 forgets it.
    ///
    /// # Errors
    /// It cannot be stored.
    fn store_references(&self, id: &Id, count: u64) -> Result<(), Self::Error>;

    /// Returns facts about the engine for people, as keys and values.
    fn status(&self) -> Vec<(String, String)>;

    /// Returns facts about a layer, as keys and values; the seed gives its folder as `dir`.
    ///
    /// # Errors
    /// The layer is not there.
    fn metadata(&self, id: &Id) -> Result<Vec<(String, String)>, Self::Error>;

    /// Returns the folder in which the layer is kept.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the layer is not there.
    fn path(&self, id: &Id) -> Result<PathBuf, Self::Error>;

    /// Deletes what dead processes and interrupted removals have left.
    ///
    /// # Errors
    /// Something could not be deleted; everything was tried.
    fn cleanup(&self) -> Result<(), Self::Error>;
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "not found",
            Self::Exists => "exists already",
            Self::InUse => "in use",
            Self::Corrupt => "damaged",
            Self::Unsupported => "not supported",
            Self::NoSpace => "no space left",
            Self::Denied => "denied",
            Self::Invalid => "invalid",
            Self::Other => "failed",
        })
    }
}
