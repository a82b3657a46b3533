//! The index of a layer: its tree as an EROFS image whose files point into the tar.

mod build;
pub(crate) mod keys;
pub(crate) mod link_target;
pub(crate) mod long_name;
mod named_tree;
mod rebuild;
mod written;

pub use build::IndexError;
pub use build::{BuildError, EntryRule};
pub(crate) use build::{IndexBuilder, IndexSummary};
pub(crate) use named_tree::{Child, NamedTree};
pub use rebuild::RebuildError;
pub(crate) use rebuild::rebuild;
pub(crate) use written::write_durably;

/// What all indexes of this format have as their UUID. An overlay notes it in what it copies up, so
/// that a note made over another format's index is not mistaken for one of this.
pub(crate) const FORMAT: [u8; 16] = *b"transom index 02";
