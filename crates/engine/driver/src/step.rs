//! Names of what is being done: operations of the driver, and the engine's steps that they consist of.

use std::fmt;

/// A method of [`Driver`](crate::Driver), as errors name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// [`Driver::open`](crate::Driver::open).
    Open,
    /// [`Driver::create`](crate::Driver::create).
    Create,
    /// [`Driver::create_writable`](crate::Driver::create_writable).
    CreateWritable,
    /// [`Driver::remove`](crate::Driver::remove).
    Remove,
    /// [`Driver::exists`](crate::Driver::exists).
    Exists,
    /// [`Driver::get`](crate::Driver::get).
    Get,
    /// [`Driver::put`](crate::Driver::put).
    Put,
    /// [`Driver::cleanup`](crate::Driver::cleanup).
    Cleanup,
    /// [`Driver::diff`](crate::Driver::diff).
    Diff,
    /// [`Driver::changes`](crate::Driver::changes).
    Changes,
    /// [`Driver::apply_diff`](crate::Driver::apply_diff).
    ApplyDiff,
    /// [`Driver::diff_size`](crate::Driver::diff_size).
    DiffSize,
    /// [`Driver::metadata`](crate::Driver::metadata).
    Metadata,
    /// [`Driver::layer_path`](crate::Driver::layer_path).
    LayerPath,
    /// [`DiffGetter::get`](crate::DiffGetter::get).
    DiffGetter,
}

impl fmt::Display for Operation {
    /// Writes what the method does, to go before `layer <id>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open the driver",
            Self::Create => "create",
            Self::CreateWritable => "create writable",
            Self::Remove => "remove",
            Self::Exists => "look for",
            Self::Get => "get",
            Self::Put => "put",
            Self::Cleanup => "clean up",
            Self::Diff => "diff",
            Self::Changes => "list the changes of",
            Self::ApplyDiff => "apply a diff to",
            Self::DiffSize => "measure the diff of",
            Self::Metadata => "describe",
            Self::LayerPath => "find the folder of",
            Self::DiffGetter => "read a file of",
        })
    }
}

/// A call of an [`Engine`](crate::Engine) method that can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// [`Engine::exists`](crate::Engine::exists).
    Exists,
    /// [`Engine::create`](crate::Engine::create).
    Create,
    /// [`Engine::create_writable`](crate::Engine::create_writable).
    CreateWritable,
    /// [`Engine::activate`](crate::Engine::activate).
    Activate,
    /// [`Engine::prepare`](crate::Engine::prepare).
    Prepare,
    /// [`Engine::unprepare`](crate::Engine::unprepare).
    Unprepare,
    /// [`Engine::deactivate`](crate::Engine::deactivate).
    Deactivate,
    /// [`Engine::mount_path`](crate::Engine::mount_path).
    MountPath,
    /// [`Engine::destroy`](crate::Engine::destroy).
    Destroy,
    /// [`Engine::import`](crate::Engine::import).
    Import,
    /// [`Engine::export`](crate::Engine::export).
    Export,
    /// [`Engine::changes`](crate::Engine::changes).
    Changes,
    /// [`Engine::diff_size`](crate::Engine::diff_size).
    DiffSize,
    /// [`Engine::open_file`](crate::Engine::open_file).
    OpenFile,
    /// [`Engine::references`](crate::Engine::references).
    References,
    /// [`Engine::store_references`](crate::Engine::store_references).
    StoreReferences,
    /// [`Engine::metadata`](crate::Engine::metadata).
    Metadata,
    /// [`Engine::path`](crate::Engine::path).
    Path,
    /// [`Engine::cleanup`](crate::Engine::cleanup).
    Cleanup,
}

impl fmt::Display for Step {
    /// Writes what the step does, to go behind `failed to`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exists => "see whether it is there",
            Self::Create => "make it",
            Self::CreateWritable => "make it writable",
            Self::Activate => "activate it",
            Self::Prepare => "prepare it",
            Self::Unprepare => "unprepare it",
            Self::Deactivate => "deactivate it",
            Self::MountPath => "find its mount path",
            Self::Destroy => "destroy it",
            Self::Import => "import the tar",
            Self::Export => "export it",
            Self::Changes => "compare it with its parent",
            Self::DiffSize => "add up its changes",
            Self::OpenFile => "open the file",
            Self::References => "read the stored reference counts",
            Self::StoreReferences => "store its reference count",
            Self::Metadata => "read its metadata",
            Self::Path => "find its folder",
            Self::Cleanup => "delete leftovers",
        })
    }
}
