//! Layers with names: writable ones, what is put over a chain in them, and what of it becomes a layer.
//!
//! ```text
//!  create ──► writable/<id>/upper ◄── overlay mount, or edit
//!                    │
//!          chain ──► plan ──► changes, size of the diff
//!                      └────► export ──► layer tar ──► import: a sealed layer
//! ```

mod commit;
mod describe;
mod draft;
mod edit;
mod error;
mod export;
mod folder;
mod foreign;
mod layers;
mod links;
mod mounting;
mod open;
mod place;
mod plan;
mod promote;
mod recovery;
mod sources;
mod streams;
pub(crate) mod targets;
mod upper;

pub use edit::Editor;
pub(crate) use error::OfLayer;
pub use error::{ChangesError, EditError, NamedLayerError, NamedLayerFault};
pub use export::ExportError;
pub(crate) use export::write_from_tree;
pub use layers::NewWritable;
pub(crate) use layers::refuse_name_of_snapshots;
pub use mounting::MountReport;
pub(crate) use mounting::POINTS;
pub use open::Writable;
pub(crate) use plan::{Content, Entry, Item, Stream, TOP_FOLDERS, What};
