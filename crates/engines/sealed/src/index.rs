//! The index of a layer: its tree as an EROFS image whose files point into the tar.

mod build;
pub(crate) mod keys;
pub(crate) mod long_name;
mod named_tree;
mod rebuild;

pub use build::IndexError;
pub use build::{BuildError, EntryRule};
pub(crate) use build::{IndexBuilder, IndexSummary};
pub(crate) use named_tree::{Child, NamedTree};
pub use rebuild::RebuildError;
pub(crate) use rebuild::rebuild;
